#include "forged.h"

#include <stdlib.h>
#include <string.h>

enum { BYTES_MAX = 1 << 22, SIDE = 6 };

static void *small_alloc(void *self, size_t bytes, size_t align) {
    (void)self;
    return bytes > BYTES_MAX ? NULL
                             : aligned_alloc(align < 16 ? 16 : align, qn_align_up(bytes, align < 16 ? 16 : align));
}

static void small_free(void *self, void *block) {
    (void)self;
    free(block);
}

/* Anything, or small numbers, which go further where they are sizes and indices. */
static void fill(qn_tensor *tensor, size_t bytes, qn_rng *rng) {
    const qn_view view = {.dtype = tensor->dtype,
                          .rank = 1,
                          .dims = {(int64_t)(bytes / qn_dtype_size(tensor->dtype))},
                          .data = tensor->data};
    int is_small = qn_rng_range(rng, 0, 2) > 0;
    for (size_t i = 0; i < bytes && !is_small; i++) ((uint8_t *)tensor->data)[i] = (uint8_t)qn_rng_next(rng);
    for (int64_t i = 0; i < view.dims[0] && is_small; i++) {
        if (qn_dtype_is_float(tensor->dtype))
            qn_view_set(&view, i, qn_rng_float(rng, -2, 4));
        else
            qn_view_set_int(&view, i, qn_rng_range(rng, 0, tensor->dtype == QN_DTYPE_BOOL ? 1 : 4));
    }
    /* A bool is a byte of 0 or 1: that much is the caller's part. */
    for (size_t i = 0; i < bytes && tensor->dtype == QN_DTYPE_BOOL; i++) ((uint8_t *)tensor->data)[i] &= 1;
}

/* 0 if it is too large. */
static int make_tensor(qn_tensor *tensor, const qn_value_info *info, int rank, const int64_t *dims, qn_rng *rng) {
    size_t bytes = qn_dtype_size(info->dtype);
    *tensor = (qn_tensor){.dtype = info->dtype, .rank = rank};
    for (int d = 0; d < rank; d++) {
        tensor->dims[d] = dims[d];
        if (dims[d] < 0 || (dims[d] && bytes > BYTES_MAX / (size_t)dims[d])) return 0;
        bytes *= (size_t)dims[d];
    }
    tensor->data = malloc(bytes ? bytes : 1); /* exactly: what goes past it is seen */
    fill(tensor, bytes, rng);
    return 1;
}

static int is_fine(qn_status *status) {
    qn_code code = qn_status_code(status);
    if (code == QN_INTERNAL) fail_msg("a file's fault was reported as our own: %s", qn_status_message(status));
    qn_status_free(status);
    return code == QN_OK;
}

/* Inputs at a small size or the nearest possible, outputs as large as the model says. */
static void run_once(qn_model *model, qn_context *context, qn_rng *rng) {
    enum { MAX = 8 };
    const qn_model_info *info = qn_model_get_info(model);
    qn_tensor inputs[MAX] = {0}, outputs[MAX] = {0};
    int good = info->input_count <= MAX && info->output_count <= MAX;
    for (size_t i = 0; good && i < info->input_count; i++) {
        const qn_value_info *input = qn_model_input(model, i);
        int64_t dims[QN_MAX_RANK];
        for (int d = 0; d < input->rank; d++) {
            dims[d] = input->max_dims[d] < SIDE ? input->max_dims[d] : SIDE;
            if (dims[d] < input->min_dims[d]) dims[d] = input->min_dims[d];
        }
        good = is_fine(qn_context_set_input_shape(context, i, input->rank, dims)) &&
               make_tensor(&inputs[i], input, input->rank, dims, rng);
    }
    for (size_t i = 0; good && i < info->output_count; i++) {
        int rank = 0;
        int64_t dims[QN_MAX_RANK];
        qn_status *status = qn_context_get_output_shape(context, i, &rank, dims);
        good = (qn_status_code(status) == QN_UNAVAILABLE || !status) &&
               make_tensor(&outputs[i], qn_model_output(model, i), rank, dims, rng);
        (void)is_fine(status);
    }
    if (good) (void)is_fine(qn_context_run(context, inputs, info->input_count, outputs, info->output_count));
    for (size_t i = 0; i < MAX; i++) {
        free(inputs[i].data);
        free(outputs[i].data);
    }
}

int forged_try(rig_file file, qn_rng *rng) {
    const qn_allocator allocator = {NULL, small_alloc, small_free};
    qn_model_options model_options;
    qn_model_options_init(&model_options);
    model_options.allocator = &allocator;
    qn_engine_options options;
    qn_engine_options_init(&options);
    options.allocator = &allocator;
    options.threads = 1;
    options.cpu = qn_rng_range(rng, 0, 1) ? "generic" : NULL;
    rig r = {NULL, NULL, NULL};
    int got = 0;
    if (is_fine(qn_model_load_memory(file.data, file.size, QN_MEMORY_BORROW, &model_options, &r.model))) {
        got = 1;
        if (is_fine(qn_engine_create(r.model, &options, &r.engine)) &&
            is_fine(qn_context_create(r.engine, &r.context))) {
            got = 2;
            run_once(r.model, r.context, rng);
        }
    }
    rig_close(&r);
    return got;
}
