/* Every operator with its control inputs (sizes, axes, indices ...) fed by the caller: the data may be anything, and
 * where the shapes cannot be known without it the file must not pretend to know them. */
#include "rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CASES_PER_OP = 60, RUNS_PER_CASE = 4 };

typedef struct drawn {
    qn_rng rng;
    qn_sample sample;
    qn_type out;
    maker *m;
} drawn;

static qn_status *accept_demand(void *self, qn_infer *infer, qn_dim condition, const char *message) {
    (void)self;
    (void)infer;
    (void)condition;
    (void)message;
    return NULL;
}

static qn_dim make_symbol(void *self, qn_infer *infer, int output, int axis, qn_dim low, qn_dim high) {
    int64_t least, most, unused;
    (void)self;
    (void)output;
    (void)axis;
    qn_dim_range(infer->dims, low, &least, &unused);
    qn_dim_range(infer->dims, high, &unused, &most);
    return qn_dim_symbol(infer->dims, "data", least, most);
}

/* The output's type as the compiler would know it, with the contents of the control inputs at hand; 0 if it has no
 * fixed one. */
static int infer_output(drawn *d, const qn_op_def *op, qn_arena *arena) {
    qn_dim_pool *pool = maker_pool(d->m);
    qn_type inputs[QN_MAX_SAMPLE_INPUTS];
    const qn_dim *contents[QN_MAX_SAMPLE_INPUTS] = {NULL};
    qn_dim *out_contents = NULL;
    for (int i = 0; i < d->sample.input_count; i++) {
        const qn_view *view = &d->sample.inputs[i];
        inputs[i] = (qn_type){.dtype = view->dtype, .rank = view->rank};
        for (int a = 0; a < view->rank; a++) inputs[i].dims[a] = qn_dim_const(pool, view->dims[a]);
        int64_t elems = view->data ? qn_view_elems(view) : 0;
        if (!view->data || qn_dtype_is_float(view->dtype) || elems > QN_CONTENT_MAX) continue;
        qn_dim *list = QN_ARENA_ARRAY(arena, qn_dim, (size_t)elems + 1);
        for (int64_t e = 0; e < elems; e++) list[e] = qn_dim_const(pool, qn_view_get_int(view, e));
        contents[i] = list;
    }
    const qn_infer_host host = {NULL, accept_demand, make_symbol};
    qn_infer infer = {.dims = pool,
                      .attrs = d->sample.attrs,
                      .input_count = d->sample.input_count,
                      .inputs = inputs,
                      .contents = contents,
                      .output_count = 1,
                      .outputs = &d->out,
                      .out_contents = &out_contents,
                      .arena = arena,
                      .host = &host};
    assert_ok(op->infer(&infer));
    assert_ok(qn_dim_pool_take_status(pool));
    for (int a = 0; a < d->out.rank; a++)
        if (!qn_dim_is_const(pool, d->out.dims[a], &(int64_t){0})) return 0;
    return 1;
}

/* Sensible, off by a little, or anything at all. */
static void fill(qn_rng *rng, const qn_view *like, qn_tensor *tensor) {
    size_t bytes = qn_view_bytes(like);
    int64_t kind = like->data ? qn_rng_range(rng, 0, 3) : 0;
    if (kind == 1 && like->data)
        memcpy(tensor->data, like->data, bytes);
    else
        for (size_t i = 0; i < bytes; i++) ((uint8_t *)tensor->data)[i] = kind == 3 ? 0xFF : (uint8_t)qn_rng_next(rng);
    if (kind != 2 || qn_dtype_is_float(like->dtype)) return;
    qn_view view = *like;
    view.data = tensor->data;
    for (int64_t i = 0; i < qn_view_elems(&view); i++) qn_view_set_int(&view, i, qn_rng_range(rng, -3, 9));
}

static void run_all(drawn *d, qn_context *context, const qn_model *model) {
    qn_tensor inputs[QN_MAX_SAMPLE_INPUTS], output = {.dtype = qn_model_output(model, 0)->dtype};
    assert_ok(qn_context_get_output_shape(context, 0, &output.rank, output.dims));
    qn_view out = {.dtype = output.dtype, .rank = output.rank};
    memcpy(out.dims, output.dims, sizeof out.dims);
    output.data = malloc(qn_view_bytes(&out) + !qn_view_bytes(&out));
    for (int run = 0; run < RUNS_PER_CASE; run++) {
        size_t count = 0;
        for (int i = 0; i < d->sample.input_count; i++) {
            const qn_view *view = &d->sample.inputs[i];
            if (view->dtype == QN_DTYPE_NONE) continue;
            qn_tensor *tensor = &inputs[count++];
            *tensor = (qn_tensor){
                .dtype = view->dtype, .rank = view->rank, .data = malloc(qn_view_bytes(view) + !qn_view_bytes(view))};
            memcpy(tensor->dims, view->dims, sizeof tensor->dims);
            fill(&d->rng, view, tensor);
        }
        qn_status_free(qn_context_run(context, inputs, count, &output, 1));
        for (size_t i = 0; i < count; i++) free(inputs[i].data);
    }
    free(output.data);
}

/* Returns 1 if the program was accepted and run. */
static int run_case(const qn_op_def *op, uint64_t seed) {
    drawn d = {.m = maker_create()};
    qn_arena arena;
    qn_arena_init(&arena, NULL);
    qn_rng_init(&d.rng, seed);
    void *attrs = qn_arena_alloc(&arena, 1, op->attrs_bytes);
    d.sample = (qn_sample){.rng = &d.rng, .arena = &arena, .attrs = attrs, .low = -2, .high = 2};
    op->sample(&d.sample);
    int accepted = 0;
    if (infer_output(&d, op, &arena)) {
        uint32_t operands[QN_MAX_SAMPLE_INPUTS];
        static const char *const names[QN_MAX_SAMPLE_INPUTS] = {"i0", "i1", "i2", "i3", "i4", "i5", "i6", "i7"};
        for (int i = 0; i < d.sample.input_count; i++) {
            const qn_view *view = &d.sample.inputs[i];
            qn_dim dims[QN_MAX_RANK];
            for (int a = 0; a < view->rank; a++) dims[a] = maker_const(d.m, view->dims[a]);
            operands[i] =
                view->dtype == QN_DTYPE_NONE ? UINT32_MAX : maker_input(d.m, names[i], view->dtype, view->rank, dims);
        }
        uint32_t y = maker_step(d.m, op, op->attrs ? attrs : NULL, d.sample.input_count, operands, "y", d.out.dtype,
                                d.out.rank, d.out.dims);
        maker_output(d.m, y);
        qn_buffer buffer;
        qn_buffer_init(&buffer, NULL);
        assert_ok(qn_program_write(maker_finish(d.m, 0), &buffer));
        qn_engine_options options;
        qn_engine_options_init(&options);
        options.threads = 1;
        rig r = {NULL, NULL, NULL};
        qn_status *status = qn_model_load_memory(buffer.data, buffer.size, QN_MEMORY_COPY, NULL, &r.model);
        if (!status) status = qn_engine_create(r.model, &options, &r.engine);
        if (!status) status = qn_context_create(r.engine, &r.context);
        accepted = !status;
        qn_status_free(status);
        if (accepted) run_all(&d, r.context, r.model);
        rig_close(&r);
        qn_buffer_deinit(&buffer);
    }
    qn_arena_deinit(&arena);
    maker_destroy(d.m);
    return accepted;
}

static void test_no_data_leads_outside(void **state) {
    (void)state;
    const char *text = getenv("QN_SEED");
    uint64_t seed = text ? strtoull(text, NULL, 0) : 20240611;
    print_message("seed %llu\n", (unsigned long long)seed);
    int accepted = 0;
    for (size_t i = 0; i < qn_op_count(); i++) {
        const qn_op_def *op = qn_op_at(i);
        if (!op->sample || op->outputs != 1) continue;
        for (uint64_t n = 0; n < CASES_PER_OP; n++) accepted += run_case(op, seed + n);
    }
    assert_true(accepted > 1000);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_no_data_leads_outside)};
    return cmocka_run_group_tests_name("runtime/control", tests, NULL, NULL);
}
