/* Files that are well signed but wrong: whatever is accepted must also be safe to run. */
#include "rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/format.h"

enum { ROUNDS = 5000, BYTES_MAX = 1 << 22 };

/* Allocations beyond what these small programs can need are refused, so that forged sizes do not fill the machine. */
static void *small_alloc(void *self, size_t bytes, size_t align) {
    (void)self;
    return bytes > BYTES_MAX ? NULL
                             : aligned_alloc(align < 16 ? 16 : align, qn_align_up(bytes, align < 16 ? 16 : align));
}

static void small_free(void *self, void *block) {
    (void)self;
    free(block);
}

/* Inputs at the given or nearest possible size, outputs as large as the model says; 0 if that is too much. */
static int make_tensor(qn_tensor *tensor, const qn_value_info *info, int rank, const int64_t *dims) {
    size_t bytes = qn_dtype_size(info->dtype);
    *tensor = (qn_tensor){.dtype = info->dtype, .rank = rank};
    for (int d = 0; d < rank; d++) {
        tensor->dims[d] = dims[d];
        if (dims[d] < 0 || (dims[d] && bytes > BYTES_MAX / (size_t)dims[d])) return 0;
        bytes *= (size_t)dims[d];
    }
    tensor->data = malloc(bytes ? bytes : 1); /* exactly: what goes past it is seen */
    for (size_t i = 0; i < bytes; i++) ((uint8_t *)tensor->data)[i] = (uint8_t)(i * 7);
    return 1;
}

static void run_once(qn_model *model, qn_context *context) {
    enum { MAX = 4 };
    const qn_model_info *info = qn_model_get_info(model);
    qn_tensor inputs[MAX] = {0}, outputs[MAX] = {0};
    int good = info->input_count <= MAX && info->output_count <= MAX;
    for (size_t i = 0; good && i < info->input_count; i++) {
        const qn_value_info *input = qn_model_input(model, i);
        int64_t dims[QN_MAX_RANK];
        for (int d = 0; d < input->rank; d++) {
            dims[d] = input->max_dims[d] < 6 ? input->max_dims[d] : 6;
            if (dims[d] < input->min_dims[d]) dims[d] = input->min_dims[d];
        }
        qn_status *status = qn_context_set_input_shape(context, i, input->rank, dims);
        good = !status && make_tensor(&inputs[i], input, input->rank, dims);
        qn_status_free(status);
    }
    for (size_t i = 0; good && i < info->output_count; i++) {
        int rank = 0;
        int64_t dims[QN_MAX_RANK];
        qn_status *status = qn_context_get_output_shape(context, i, &rank, dims);
        good = (!status || qn_status_code(status) == QN_UNAVAILABLE) &&
               make_tensor(&outputs[i], qn_model_output(model, i), rank, dims);
        qn_status_free(status);
    }
    if (good) qn_status_free(qn_context_run(context, inputs, info->input_count, outputs, info->output_count));
    for (size_t i = 0; i < MAX; i++) {
        free(inputs[i].data);
        free(outputs[i].data);
    }
}

/* Returns how far the file got: 0 refused, 1 loaded, 2 made a context. */
static int try_file(rig_file file) {
    const qn_allocator allocator = {NULL, small_alloc, small_free};
    qn_model_options model_options;
    qn_model_options_init(&model_options);
    model_options.allocator = &allocator;
    qn_engine_options options;
    qn_engine_options_init(&options);
    options.allocator = &allocator;
    options.threads = 1;
    rig r = {NULL, NULL, NULL};
    qn_status *status = qn_model_load_memory(file.data, file.size, QN_MEMORY_BORROW, &model_options, &r.model);
    int got = !status;
    if (!status) status = qn_engine_create(r.model, &options, &r.engine);
    if (!status) status = qn_context_create(r.engine, &r.context);
    if (!status) {
        got = 2;
        run_once(r.model, r.context);
    }
    qn_status_free(status);
    rig_close(&r);
    return got;
}

static void mutate(qn_rng *rng, uint8_t *at) {
    switch (qn_rng_range(rng, 0, 4)) {
    case 0: *at = (uint8_t)qn_rng_next(rng); break;
    case 1: *at ^= (uint8_t)(1u << qn_rng_range(rng, 0, 7)); break;
    case 2: *at = (uint8_t)(*at + 1); break;
    case 3: *at = (uint8_t)(*at - 1); break;
    default: qn_store_u32(at - (uintptr_t)at % 4, (uint32_t)qn_rng_range(rng, 0, 40)); /* a plausible index */
    }
}

/* A byte of some section that has four or more. */
static uint8_t *draw_place(qn_rng *rng, rig_file f) {
    for (;;) {
        int64_t count = qn_load_u32(f.data + QN_HEADER_SECTIONS);
        const uint8_t *entry =
            f.data + QN_FORMAT_HEADER_BYTES + qn_rng_range(rng, 0, count - 1) * QN_FORMAT_ENTRY_BYTES;
        int64_t begin = (int64_t)qn_load_u64(entry + 8), bytes = (int64_t)qn_load_u64(entry + 16);
        if (bytes >= 4) return f.data + qn_rng_range(rng, begin, begin + bytes - 4);
    }
}

static void forge(make_fn make, int ceiling, uint64_t seed) {
    qn_rng rng;
    qn_rng_init(&rng, seed);
    rig_file original = rig_write(make, ceiling);
    int counts[3] = {0, 0, 0};
    for (int round = 0; round < ROUNDS; round++) {
        rig_file f = {aligned_alloc(64, qn_align_up(original.size, 64)), original.size};
        memcpy(f.data, original.data, original.size);
        for (int64_t count = qn_rng_range(&rng, 1, 2); count > 0; count--) mutate(&rng, draw_place(&rng, f));
        qn_store_u64(f.data + QN_HEADER_CHECKSUM, qn_format_checksum(f.data, f.size));
        counts[try_file(f)]++;
        free(f.data);
    }
    print_message("seed %llu: %d refused, %d loaded, %d run\n", (unsigned long long)seed, counts[0], counts[1],
                  counts[2]);
    assert_true(counts[0] > 0 && counts[2] > 0);
    free(original.data);
}

static void test_forged_pictures_are_survived(void **state) {
    (void)state;
    forge(program_pictures, 1, 1);
    forge(program_pictures, 0, 2);
}

static void test_forged_picks_are_survived(void **state) {
    (void)state;
    forge(program_picks, 1, 3);
    forge(program_picks, 0, 4);
}

static void test_forged_integers_are_survived(void **state) {
    (void)state;
    forge(program_integers, 1, 5);
    forge(program_integers, 0, 6);
}

/* A convolution that claims a larger output than its input gives. */
static const qn_program *program_liar(maker *m, int ceiling) {
    qn_dim n = maker_symbol(m, "x.0", 0, 0, 1, 9), twice = qn_dim_mul(maker_pool(m), n, maker_const(m, 2));
    uint32_t x = maker_input(m, "x", QN_DTYPE_F32, 1, &n);
    maker_output(m, maker_step(m, &qn_op_neg, NULL, 1, &x, "y", QN_DTYPE_F32, 1, &twice));
    return maker_finish(m, ceiling);
}

static void test_a_wrong_shape_is_found_when_shapes_are_set(void **state) {
    (void)state;
    rig r = rig_open(program_liar, 1, 1, NULL, NULL);
    assert_status(qn_context_set_input_shape(r.context, 0, 1, (int64_t[]){3}), QN_INVALID_MODEL,
                  "step 0 'y' (neg): the compiled model says that dim 0 of 'y' is 6, but the operator makes 3");
    rig_close(&r);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_forged_pictures_are_survived),
        cmocka_unit_test(test_forged_picks_are_survived),
        cmocka_unit_test(test_forged_integers_are_survived),
        cmocka_unit_test(test_a_wrong_shape_is_found_when_shapes_are_set),
    };
    return cmocka_run_group_tests_name("runtime/forged", tests, NULL, NULL);
}
