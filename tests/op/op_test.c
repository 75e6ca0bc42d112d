/* Every row of ops.def on random legal cases that the row itself draws: infer against eval, contents against data,
 * shared memory against separate memory, lowered work against eval, and attributes through text and binary form. */
#include "drawn_case.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/kernel.h"
#include "kernel/packing.h"

enum { CASES_PER_OP = 200 };

static qn_eval eval_of(const drawn_case *drawn, qn_view *out) {
    const operator_case *c = drawn->c;
    return (qn_eval){.attrs = c->attrs,
                     .input_count = c->input_count,
                     .inputs = c->inputs,
                     .output_count = c->op->outputs,
                     .outputs = out};
}

/* ---- The properties ---- */

static void check_shape(const drawn_case *drawn) {
    const operator_case *c = drawn->c;
    CHECK(drawn, c->out.dtype == c->out_type.dtype && c->out.rank == c->out_type.rank, "eval changed type or rank");
    for (int i = 0; i < c->out.rank; i++) {
        int64_t low, high;
        qn_dim_range(c->dims, c->out_type.dims[i], &low, &high);
        int within = c->out.dims[i] >= low && c->out.dims[i] <= high;
        CHECK(drawn, within, "dim %d: eval made %lld, infer said %lld to %lld", i, (long long)c->out.dims[i],
              (long long)low, (long long)high);
        CHECK(drawn, low == high || c->op->flags & QN_OP_DATA_SHAPE, "dim %d is no number though the inputs are", i);
    }
}

static void check_contents(const drawn_case *drawn) {
    const operator_case *c = drawn->c;
    int64_t elems = qn_view_elems(&c->out), number;
    for (int64_t i = 0; c->out_contents && i < elems; i++) {
        CHECK(drawn, qn_dim_is_const(c->dims, c->out_contents[i], &number), "contents %lld is no number", (long long)i);
        CHECK(drawn, number == qn_view_get_int(&c->out, i), "contents %lld: infer %lld, eval %lld", (long long)i,
              (long long)number, (long long)qn_view_get_int(&c->out, i));
    }
}

/* The result written over an input of equal size must be the same. */
static void check_shared_memory(drawn_case *drawn) {
    operator_case *c = drawn->c;
    size_t bytes = qn_view_bytes(&c->out);
    for (int k = c->op->alias_first; k < c->input_count; k++) {
        if (!(c->op->flags & QN_OP_MAY_ALIAS) || c->inputs[k].dtype == QN_DTYPE_NONE) continue;
        if (!bytes || qn_view_bytes(&c->inputs[k]) != bytes) continue;
        void *kept = c->inputs[k].data, *shared = malloc(bytes);
        assert_non_null(shared);
        memcpy(shared, kept, bytes);
        qn_view out = c->out;
        out.data = c->inputs[k].data = shared;
        qn_eval eval = eval_of(drawn, &out);
        expect_drawn_ok(drawn, c->op->eval(&eval), "eval in place");
        CHECK(drawn, !memcmp(shared, c->out.data, bytes), "eval over input %d gives another result", k);
        c->inputs[k].data = kept;
        free(shared);
    }
}

/* Runs work as two threads would: the later tasks first. */
static void run_work(const qn_work *work) {
    void *scratch = aligned_alloc(64, (work->scratch_bytes + 127) / 64 * 64);
    assert_non_null(scratch);
    int64_t middle = work->tasks / 2;
    if (middle < work->tasks) work->run(work->params, middle, work->tasks, scratch);
    if (middle > 0) work->run(work->params, 0, middle, scratch);
    free(scratch);
}

/* Rounding differs between a chain of fused multiply-adds and eval; integers, labels and what comes of exact sums do not. */
static int close_enough(const drawn_case *drawn, const qn_view *found, int64_t i) {
    const qn_view *expected = &drawn->c->out;
    int is_exact = strstr(drawn->c->op->name, "_quantized") != NULL;
    if (is_exact) return qn_view_get(found, i) == qn_view_get(expected, i);
    if (!qn_dtype_is_float(expected->dtype)) return qn_view_get_int(found, i) == qn_view_get_int(expected, i);
    double a = qn_view_get(expected, i), b = qn_view_get(found, i);
    return a == b || (isnan(a) && isnan(b)) || fabs(a - b) <= 2e-5 * fmax(1.0, fabs(a));
}

/* Kernels read weights that were packed when the plan was made: does that to the case as its operator asks for it, with
   `attrs` changed accordingly. The packed copy, to be freed, or NULL where these weights stay as they are. */
static void *pack_weights(const drawn_case *drawn, void *attrs, qn_view *weights) {
    const operator_case *c = drawn->c;
    const qn_eval operands = {.attrs = c->attrs, .input_count = c->input_count, .inputs = c->inputs};
    qn_pack pack;
    if (!c->op->pack || !c->op->pack(&operands, 1, attrs, &pack)) return NULL;
    const qn_view from = *weights;
    weights->dtype = pack.dtype;
    weights->packing = pack.packing;
    weights->data = malloc(qn_view_bytes(weights));
    assert_non_null(weights->data);
    if (pack.is_transposed) weights->dims[0] = from.dims[1], weights->dims[1] = from.dims[0];
    for (int64_t i = 0, columns = weights->dims[1]; i < qn_view_elems(weights); i++) {
        const int64_t at = pack.is_transposed ? i % columns * from.dims[1] + i / columns : i;
        if (qn_dtype_is_float(from.dtype))
            qn_view_set(weights, i, qn_view_get(&from, at));
        else
            qn_view_set_int(weights, i, qn_view_get_int(&from, at));
    }
    size_t bytes;
    const qn_weights plain = {weights->dtype, weights->rank, weights->dims, weights->data};
    CHECK(drawn, qn_packing_takes(pack.packing, &plain) && qn_packing_measure(pack.packing, &plain, &bytes),
          "%s does not take what the operator wants packed so", pack.packing->name);
    void *packed = aligned_alloc(64, (bytes + 127) / 64 * 64);
    assert_non_null(packed);
    pack.packing->pack(&plain, packed);
    free(weights->data);
    return weights->data = packed;
}

/* 1 if a kernel took the case. */
static int check_lowered(const drawn_case *drawn) {
    operator_case *c = drawn->c;
    qn_kernel_set kernels;
    qn_work work;
    qn_view out = c->out, inputs[QN_MAX_SAMPLE_INPUTS];
    if (!c->op->lower) return 0;
    qn_kernel_select(0, &kernels);
    size_t bytes = qn_view_bytes(&out);
    out.data = malloc(bytes ? bytes : 1);
    assert_non_null(out.data);
    memset(out.data, 0x5A, bytes);
    memcpy(inputs, c->inputs, sizeof inputs);
    void *attrs = calloc(1, c->op->attrs_bytes + 1);
    assert_non_null(attrs);
    memcpy(attrs, c->attrs, c->op->attrs_bytes);
    void *packed = pack_weights(drawn, attrs, &inputs[1]);
    qn_eval eval = eval_of(drawn, &out);
    eval.attrs = attrs;
    eval.inputs = inputs;
    eval.settled = ~0u;
    int lowered = c->op->lower(&eval, &kernels, &work);
    if (lowered) run_work(&work);
    for (int64_t i = 0; lowered && i < qn_view_elems(&out); i++)
        CHECK(drawn, close_enough(drawn, &out, i), "element %lld: kernel %s gives %.9g, eval %.9g", (long long)i,
              work.kernel, qn_view_get(&out, i), qn_view_get(&c->out, i));
    free(packed);
    free(attrs);
    free(out.data);
    return lowered;
}

static void check_text(const drawn_case *drawn) {
    const qn_op_def *op = drawn->c->op;
    const char *const shown[2] = {"what is not the default", "everything"};
    for (int all = 0; all < 2 && op->attrs_bytes; all++) {
        void *back = calloc(1, op->attrs_bytes);
        assert_non_null(back);
        qn_attrs_init(op, back);
        for (const qn_attr_def *def = op->attrs; def->name; def++) {
            /* One row at a time, as the parser of the text form does after splitting at commas. */
            qn_attr_def only[2] = {*def, {.name = NULL}};
            qn_op_def one = *op;
            qn_buffer text;
            one.attrs = only;
            qn_buffer_init(&text, NULL);
            qn_attrs_print(&one, drawn->c->attrs, all, &text);
            const char *value = strchr(qn_buffer_text(&text), '=');
            if (value)
                expect_drawn_ok(drawn, qn_attrs_parse_one(op, back, def->name, value + 1, &drawn->c->arena), "parse");
            qn_buffer_deinit(&text);
        }
        CHECK(drawn, qn_attrs_equal(op, back, drawn->c->attrs), "printing %s and parsing it changes the attributes",
              shown[all]);
        CHECK(drawn, qn_attrs_hash(op, back) == qn_attrs_hash(op, drawn->c->attrs),
              "equal attributes hash differently");
        free(back);
    }
}

static void check_binary(const drawn_case *drawn) {
    const qn_op_def *op = drawn->c->op;
    if (!op->attrs_bytes) return;
    qn_buffer buffer;
    qn_buffer_init(&buffer, NULL);
    qn_attrs_write(op, drawn->c->attrs, &buffer);
    void *back = calloc(1, op->attrs_bytes);
    assert_non_null(back);
    qn_bytes bytes = {buffer.data, buffer.size};
    expect_drawn_ok(drawn, qn_attrs_read(op, bytes, back, &drawn->c->arena), "read");
    CHECK(drawn, qn_attrs_equal(op, back, drawn->c->attrs), "writing and reading changes the attributes");
    for (bytes.size = 0; bytes.size < buffer.size; bytes.size++) {
        uint8_t *cut = malloc(bytes.size ? bytes.size : 1);
        assert_non_null(cut);
        memcpy(cut, buffer.data, bytes.size);
        qn_status *status = qn_attrs_read(op, (qn_bytes){cut, bytes.size}, back, &drawn->c->arena);
        CHECK(drawn, qn_status_code(status) == QN_INVALID_MODEL, "cut to %zu bytes it still reads", bytes.size);
        qn_status_free(status);
        free(cut);
    }
    free(back);
    qn_buffer_deinit(&buffer);
}

static void every_operator_keeps_its_promises_on_random_cases(void **state) {
    (void)state;
    print_message("seed %llu (QN_SEED)\n", (unsigned long long)drawn_seed());
    for (size_t row = 0; row < qn_op_count(); row++) {
        const qn_op_def *op = qn_op_at(row);
        int lowered = 0;
        for (int k = 0; op->sample && k < CASES_PER_OP; k++) {
            drawn_case drawn;
            draw_case(&drawn, op, qn_hash_bytes(op->name, strlen(op->name), drawn_seed() + (uint64_t)k));
            expect_drawn_ok(&drawn, qn_attrs_verify(op, drawn.attrs), "verify");
            expect_drawn_ok(&drawn, operator_case_infer(drawn.c), "infer");
            CHECK(&drawn, !drawn.c->demands.size, "left open though all is known: %s",
                  qn_buffer_text(&drawn.c->demands));
            expect_drawn_ok(&drawn, operator_case_eval(drawn.c), "eval");
            if (op->outputs) {
                check_shape(&drawn);
                check_contents(&drawn);
                check_shared_memory(&drawn);
                lowered += check_lowered(&drawn);
            }
            check_text(&drawn);
            check_binary(&drawn);
            drop_case(&drawn);
        }
        if (op->lower && op->sample && !lowered) fail_msg("%s: no case of its sample reaches a kernel", op->name);
    }
}

static void the_registry_is_sorted_and_complete(void **state) {
    (void)state;
    for (size_t i = 0; i < qn_op_count(); i++) {
        const qn_op_def *op = qn_op_at(i);
        assert_non_null(op->infer);
        assert_non_null(op->eval);
        assert_non_null(op->doc);
        assert_true(op->max_inputs == -1 || op->max_inputs >= op->min_inputs);
        assert_true(!op->attrs == !op->attrs_bytes);
        assert_ptr_equal(qn_op_find(op->name), op);
        if (i) assert_true(strcmp(qn_op_at(i - 1)->name, op->name) < 0);
    }
    assert_null(qn_op_find("convolution"));
    assert_null(qn_op_find(""));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_registry_is_sorted_and_complete),
        cmocka_unit_test(every_operator_keeps_its_promises_on_random_cases),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
