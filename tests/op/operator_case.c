#include "operator_case.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static qn_status *keep_demand(void *self, qn_infer *infer, qn_dim condition, const char *message) {
    (void)infer;
    (void)condition;
    qn_buffer_printf(&((operator_case *)self)->demands, "%s\n", message);
    return NULL;
}

static qn_dim make_data_dim(void *self, qn_infer *infer, int output, int axis, qn_dim low, qn_dim high) {
    operator_case *c = self;
    int64_t lowest, highest, ignored;
    (void)output;
    (void)axis;
    qn_dim_range(infer->dims, low, &lowest, &ignored);
    qn_dim_range(infer->dims, high, &ignored, &highest);
    return operator_case_symbol(c, "data", lowest, highest);
}

operator_case *operator_case_create(const qn_op_def *op) {
    operator_case *c = calloc(1, sizeof *c);
    assert_non_null(c);
    c->op = op;
    c->attrs = calloc(1, op->attrs_bytes ? op->attrs_bytes : 1);
    assert_non_null(c->attrs);
    qn_attrs_init(op, c->attrs);
    qn_arena_init(&c->arena, NULL);
    c->dims = qn_dim_pool_create(&c->arena);
    assert_non_null(c->dims);
    c->host = (qn_infer_host){c, keep_demand, make_data_dim};
    qn_buffer_init(&c->demands, NULL);
    return c;
}

void operator_case_destroy(operator_case *c) {
    qn_status *status = qn_dim_pool_take_status(c->dims);
    assert_string_equal(qn_status_message(status), "");
    qn_buffer_deinit(&c->demands);
    qn_arena_deinit(&c->arena);
    free(c->out.data);
    free(c->attrs);
    free(c);
}

void operator_case_set(operator_case *c, const char *name, const char *text) {
    qn_status *status = qn_attrs_parse_one(c->op, c->attrs, name, text, &c->arena);
    if (status) fail_msg("%s", qn_status_message(status));
}

int operator_case_input(operator_case *c, qn_dtype dtype, int rank, const int64_t *dims, const void *data) {
    int index = c->input_count++;
    assert_true(index < QN_MAX_SAMPLE_INPUTS);
    qn_view *view = &c->inputs[index];
    qn_type *type = &c->types[index];
    view->dtype = type->dtype = dtype;
    view->rank = type->rank = rank;
    view->data = (void *)(uintptr_t)data;
    for (int i = 0; i < rank; i++) {
        view->dims[i] = dims[i];
        type->dims[i] = qn_dim_const(c->dims, dims[i]);
    }
    int64_t elems = qn_view_elems(view);
    if (!data || qn_dtype_is_float(dtype) || elems > QN_CONTENT_MAX) return index;
    qn_dim *contents = QN_ARENA_ARRAY(&c->arena, qn_dim, (size_t)elems + 1);
    assert_non_null(contents);
    for (int64_t i = 0; i < elems; i++) contents[i] = qn_dim_const(c->dims, qn_view_get_int(view, i));
    c->contents[index] = contents;
    return index;
}

void operator_case_skip_input(operator_case *c) { c->input_count++; }

qn_dim operator_case_symbol(operator_case *c, const char *name, int64_t low, int64_t high) {
    return qn_dim_symbol(c->dims, name, low, high);
}

qn_status *operator_case_infer(operator_case *c) {
    QN_TRY(qn_attrs_verify(c->op, c->attrs));
    c->out_contents = NULL;
    qn_infer infer = {
        .dims = c->dims,
        .attrs = c->attrs,
        .input_count = c->input_count,
        .inputs = c->types,
        .contents = c->contents,
        .output_count = 1,
        .outputs = &c->out_type,
        .out_contents = &c->out_contents,
        .arena = &c->arena,
        .host = &c->host,
    };
    QN_TRY(c->op->infer(&infer));
    const qn_eval operands = {.attrs = c->attrs, .input_count = c->input_count, .inputs = c->inputs};
    return c->op->check ? c->op->check(&operands) : NULL;
}

qn_status *operator_case_eval(operator_case *c) {
    c->out.dtype = c->out_type.dtype;
    c->out.rank = c->out_type.rank;
    for (int i = 0; i < c->out.rank; i++) {
        int64_t low;
        qn_dim_range(c->dims, c->out_type.dims[i], &low, &c->out.dims[i]);
    }
    size_t bytes = qn_view_bytes(&c->out);
    free(c->out.data);
    c->out.data = malloc(bytes ? bytes : 1);
    assert_non_null(c->out.data);
    memset(c->out.data, 0xA5, bytes); /* so that what eval leaves out shows */
    qn_eval eval = {
        .attrs = c->attrs,
        .input_count = c->input_count,
        .inputs = c->inputs,
        .output_count = 1,
        .outputs = &c->out,
    };
    size_t scratch_bytes = c->op->scratch_bytes ? c->op->scratch_bytes(&eval) : 0;
    eval.scratch = aligned_alloc(64, (scratch_bytes + 64) / 64 * 64);
    assert_non_null(eval.scratch);
    qn_status *status = c->op->eval(&eval);
    free(eval.scratch);
    return status;
}

static void assert_ok(qn_status *status) {
    if (status) print_error("%s (%s)\n", qn_status_message(status), qn_status_where(status));
    assert_null(status);
}

const qn_view *operator_case_run(operator_case *c) {
    assert_ok(operator_case_infer(c));
    assert_ok(operator_case_eval(c));
    return &c->out;
}

void assert_infer_fails(operator_case *c, const char *text) {
    qn_status *status = operator_case_infer(c);
    assert_non_null(status);
    if (!strstr(qn_status_message(status), text))
        print_error("expected \"%s\" in \"%s\"\n", text, qn_status_message(status));
    assert_non_null(strstr(qn_status_message(status), text));
    qn_status_free(status);
}

void assert_dim_text(operator_case *c, qn_dim dim, const char *text) {
    qn_buffer buffer;
    qn_buffer_init(&buffer, NULL);
    qn_dim_print(c->dims, dim, &buffer);
    assert_string_equal(qn_buffer_text(&buffer), text);
    qn_buffer_deinit(&buffer);
}

void assert_view_dims(const qn_view *view, qn_dtype dtype, int rank, const int64_t *dims) {
    assert_string_equal(qn_dtype_name(view->dtype), qn_dtype_name(dtype));
    assert_int_equal(view->rank, rank);
    for (int i = 0; i < rank; i++) assert_int_equal(view->dims[i], dims[i]);
}

void assert_view_floats(const qn_view *view, const float *expected, double tolerance) {
    for (int64_t i = 0; i < qn_view_elems(view); i++) {
        double found = qn_view_get(view, i);
        if (!(fabs(found - (double)expected[i]) <= tolerance) && found != (double)expected[i])
            fail_msg("element %lld: expected %.9g, found %.9g", (long long)i, (double)expected[i], found);
    }
}

void assert_view_ints(const qn_view *view, const int64_t *expected) {
    for (int64_t i = 0; i < qn_view_elems(view); i++)
        if (qn_view_get_int(view, i) != expected[i])
            fail_msg("element %lld: expected %lld, found %lld", (long long)i, (long long)expected[i],
                     (long long)qn_view_get_int(view, i));
}
