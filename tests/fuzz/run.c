#include "fuzz.h"

#include "base/dtype.h"
#include "base/text.h"

#include <stdlib.h>
#include <string.h>

enum { PORTS_MAX = 4, ROUNDS = 3, LARGER_MAX = 7 };

static const int64_t port_bytes_max = 1 << 20, macs_max = 2000000, moved_max = 1 << 24;

typedef struct running {
    qn_model *model;
    qn_engine *engine;
    qn_context *context;
    size_t input_count, output_count;
    qn_tensor inputs[PORTS_MAX], outputs[PORTS_MAX];
    qn_rng rng;
} running;

/* ---- Numbers ---- */

typedef enum filling { FILL_SMALL, FILL_BITS, FILL_EXTREMES, FILL_MIXED, FILL_COUNT } filling;

/* The least and greatest numbers, infinities and NaN, zeros of both signs and the least above them: as bits of floats
   of 2, 4 and 8 bytes, and as integers what ends ranges and just leaves them. */
static uint64_t draw_extreme(qn_rng *rng, qn_dtype dtype) {
    static const uint16_t halves[] = {0x7c00, 0xfc00, 0x7e00, 0x7d01, 0x7bff, 0xfbff, 0x8000, 0x0001, 0x3c00, 0};
    static const uint32_t floats[] = {0x7f800000, 0xff800000, 0x7fc00000, 0xffa00001, 0x7f7fffff,
                                      0xff7fffff, 0x80000000, 0x00000001, 0x3f800000, 0x4f000000};
    static const uint64_t doubles[] = {0x7ff0000000000000, 0xfff0000000000000, 0x7ff8000000000000, 0x7ff0000000000001,
                                       0x7fefffffffffffff, 0xffefffffffffffff, 0x8000000000000000, 0x0000000000000001,
                                       0x3ff0000000000000, 0x43e0000000000000};
    static const uint64_t integers[] = {
        0,    1,      UINT64_MAX, UINT64_MAX - 1, INT64_MAX,  (uint64_t)INT64_MIN, 0x7f,       0x80,
        0xff, 0x7fff, 0x8000,     0xffff,         0x7fffffff, 0x80000000,          0xffffffff, 0x100000000};
#define DRAW(table) table[qn_rng_range(rng, 0, (int64_t)(sizeof table / sizeof *table) - 1)]
    switch (dtype) {
    case QN_DTYPE_F16: return DRAW(halves);
    case QN_DTYPE_BF16: return DRAW(floats) >> 16;
    case QN_DTYPE_F32: return DRAW(floats);
    case QN_DTYPE_F64: return DRAW(doubles);
    default: return DRAW(integers);
    }
#undef DRAW
}

static void fill_element(qn_rng *rng, qn_view *view, int64_t i, filling how) {
    const size_t size = qn_dtype_size(view->dtype);
    uint8_t *at = (uint8_t *)view->data + (size_t)i * size;
    uint64_t bits = qn_rng_next(rng);
    if (how == FILL_MIXED) how = (filling)qn_rng_range(rng, FILL_SMALL, FILL_EXTREMES);
    if (view->dtype == QN_DTYPE_BOOL)
        *at = bits & 1; /* other bytes are no booleans */
    else if (how == FILL_SMALL)
        qn_view_set_int(view, i, qn_rng_range(rng, -2, 6));
    else {
        if (how == FILL_EXTREMES) bits = draw_extreme(rng, view->dtype);
        memcpy(at, &bits, size);
    }
}

static void fill(qn_rng *rng, qn_tensor *tensor) {
    const filling how = (filling)qn_rng_range(rng, FILL_SMALL, FILL_COUNT - 1);
    qn_view view = {.dtype = tensor->dtype, .rank = tensor->rank, .data = tensor->data};
    memcpy(view.dims, tensor->dims, sizeof view.dims);
    for (int64_t i = 0, count = qn_view_elems(&view); i < count; i++) fill_element(rng, &view, i, how);
}

/* ---- Ports ---- */

/* Bytes of a tensor, -1 beyond what a port may have here. */
static int64_t bytes_of(const qn_tensor *tensor) {
    int64_t bytes = (int64_t)qn_dtype_size(tensor->dtype);
    for (int d = 0; d < tensor->rank; d++) {
        if (tensor->dims[d] < 0 || tensor->dims[d] > port_bytes_max / (bytes ? bytes : 1)) return -1;
        bytes *= tensor->dims[d];
    }
    return bytes;
}

/* Of exactly that many bytes, so that what goes past them is seen. */
static int make_room(qn_tensor *tensor) {
    int64_t bytes = bytes_of(tensor);
    free(tensor->data);
    tensor->data = bytes < 0 ? NULL : malloc(bytes ? (size_t)bytes : 1);
    return tensor->data != NULL;
}

static int64_t draw_dim(running *r, const qn_value_info *value, int d, int round) {
    const int64_t low = value->min_dims[d], high = value->max_dims[d];
    const int64_t start = low == high || low >= 1 ? low : high < 1 ? high : 1;
    if (!round || low == high) return start;
    return qn_rng_range(&r->rng, start, high - start < LARGER_MAX ? high : start + LARGER_MAX);
}

/* Sets shapes and makes the inputs; 0 where that is too much, or refused. */
static int set_inputs(running *r, int round) {
    qn_shape shapes[PORTS_MAX] = {{0}};
    qn_cost cost;
    for (size_t i = 0; i < r->input_count; i++) {
        const qn_value_info *value = qn_model_input(r->model, i);
        r->inputs[i].dtype = value->dtype;
        r->inputs[i].rank = shapes[i].rank = value->rank;
        for (int d = 0; d < value->rank; d++) shapes[i].dims[d] = r->inputs[i].dims[d] = draw_dim(r, value, d, round);
        if (!make_room(&r->inputs[i])) return 0;
        fill(&r->rng, &r->inputs[i]);
    }
    qn_status *status = qn_engine_measure_cost(r->engine, shapes, r->input_count, &cost);
    int is_small = !status && cost.macs <= macs_max && cost.moved_bytes <= moved_max;
    if (is_small) status = qn_context_set_input_shapes(r->context, shapes, r->input_count);
    is_small &= !status;
    expect_no_defect(status);
    return is_small;
}

static int make_outputs(running *r) {
    for (size_t i = 0; i < r->output_count; i++) {
        r->outputs[i].dtype = qn_model_output(r->model, i)->dtype;
        qn_status *status = qn_context_get_output_shape(r->context, i, &r->outputs[i].rank, r->outputs[i].dims);
        const int is_known = !status || qn_status_code(status) == QN_UNAVAILABLE; /* then it is an upper bound */
        expect_no_defect(status);
        if (!is_known || !make_room(&r->outputs[i])) return 0;
    }
    return 1;
}

static qn_status *open_model(running *r) {
    static const char *const cpus[] = {NULL, NULL, "generic"};
    qn_engine_options options;
    qn_engine_options_init(&options);
    options.threads = 1;
    options.allocator = fuzz_allocator();
    options.cpu = cpus[qn_rng_range(&r->rng, 0, 2)];
    qn_status *status = qn_engine_create(r->model, &options, &r->engine);
    return status ? status : qn_context_create(r->engine, &r->context);
}

void run_model(qn_model *model, uint64_t seed) {
    const qn_model_info *info = qn_model_get_info(model);
    running r = {.model = model, .input_count = info->input_count, .output_count = info->output_count};
    if (r.input_count > PORTS_MAX || r.output_count > PORTS_MAX) return;
    qn_rng_init(&r.rng, seed);
    expect_no_defect(open_model(&r));
    for (int round = 0; r.context && round < ROUNDS; round++) {
        if (!set_inputs(&r, round) || !make_outputs(&r)) continue;
        expect_no_defect(qn_context_run(r.context, r.inputs, r.input_count, r.outputs, r.output_count));
    }
    for (size_t i = 0; i < PORTS_MAX; i++) {
        free(r.inputs[i].data);
        free(r.outputs[i].data);
    }
    qn_context_destroy(r.context);
    qn_engine_destroy(r.engine);
}
