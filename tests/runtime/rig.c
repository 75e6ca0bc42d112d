#include "rig.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { CHANNELS = 20 };

void assert_ok(qn_status *status) {
    if (status) fail_msg("%s", qn_status_message(status));
}

void assert_status(qn_status *status, qn_code code, const char *text) {
    if (qn_status_code(status) != code || !strstr(qn_status_message(status), text))
        fail_msg("expected %s with '%s', found %s: %s", qn_code_name(code), text, qn_code_name(qn_status_code(status)),
                 qn_status_message(status));
    qn_status_free(status);
}

rig_file rig_write(make_fn make, int ceiling) {
    maker *m = maker_create();
    qn_buffer buffer;
    qn_buffer_init(&buffer, NULL);
    assert_ok(qn_program_write(make(m, ceiling), &buffer));
    rig_file out = {aligned_alloc(64, qn_align_up(buffer.size, 64)), buffer.size};
    memcpy(out.data, buffer.data, buffer.size);
    qn_buffer_deinit(&buffer);
    maker_destroy(m);
    return out;
}

rig rig_open(make_fn make, int ceiling, int threads, const char *cpu, const qn_allocator *allocator) {
    rig r = {NULL, NULL, NULL};
    rig_file file = rig_write(make, ceiling);
    qn_model_options model_options;
    qn_model_options_init(&model_options);
    model_options.allocator = allocator;
    assert_ok(qn_model_load_memory(file.data, file.size, QN_MEMORY_COPY, &model_options, &r.model));
    free(file.data);
    qn_engine_options options;
    qn_engine_options_init(&options);
    options.threads = threads;
    options.cpu = cpu;
    options.allocator = allocator;
    assert_ok(qn_engine_create(r.model, &options, &r.engine));
    assert_ok(qn_context_create(r.engine, &r.context));
    return r;
}

void rig_close(rig *r) {
    qn_context_destroy(r->context);
    qn_engine_destroy(r->engine);
    qn_model_destroy(r->model);
}

float *make_picture(int64_t h, int64_t w, uint64_t seed) {
    qn_rng rng;
    qn_rng_init(&rng, seed);
    float *x = malloc((size_t)(h * w * 3) * sizeof *x);
    for (int64_t i = 0; i < h * w * 3; i++) x[i] = qn_rng_float(&rng, -2.0f, 2.0f);
    return x;
}

float *run_pictures(qn_context *context, int64_t h, int64_t w, const float *x) {
    int64_t shape[4] = {1, h, w, 3};
    assert_ok(qn_context_set_input_shape(context, 0, 4, shape));
    qn_tensor input = {.dtype = QN_DTYPE_F32, .rank = 4, .dims = {1, h, w, 3}, .data = (void *)(uintptr_t)x};
    qn_tensor outputs[2] = {{.dtype = QN_DTYPE_F32}, {.dtype = QN_DTYPE_F32}};
    for (size_t i = 0; i < 2; i++)
        assert_ok(qn_context_get_output_shape(context, i, &outputs[i].rank, outputs[i].dims));
    size_t elems = (size_t)(4 * h * w * CHANNELS);
    float *y = malloc(2 * elems * sizeof *y);
    memset(y, 0xFF, 2 * elems * sizeof *y);
    outputs[0].data = y;
    outputs[1].data = y + elems;
    assert_ok(qn_context_run(context, &input, 1, outputs, 2));
    return y;
}

void check_picture(qn_context *context, qn_context *reference, int64_t h, int64_t w) {
    float *x = make_picture(h, w, (uint64_t)(h * 100 + w));
    float *y = run_pictures(context, h, w, x), *expected = run_pictures(reference, h, w, x);
    assert_memory_equal(y, expected, (size_t)(2 * 4 * h * w * CHANNELS) * sizeof *y);
    free(x);
    free(y);
    free(expected);
}

qn_status *pass_gate(void *arg) {
    gate *g = arg;
    atomic_store(&g->is_reached, 1);
    wait_until(&g->is_open);
    return NULL;
}

void wait_until(_Atomic int *flag) {
    while (!atomic_load(flag)) usleep(200);
}

qn_queue *new_queue(const rig *r, const char *name, size_t length, qn_queue_full full) {
    qn_queue *queue;
    qn_queue_options options;
    qn_queue_options_init(&options);
    options.name = name;
    options.length = length;
    options.full = full;
    assert_ok(qn_queue_create(r->engine, &options, &queue));
    return queue;
}

qn_context *rig_borrow(qn_engine *engine, void *block, size_t bytes) {
    qn_context *context;
    qn_context_options options;
    qn_context_options_init(&options);
    options.arena = block;
    options.arena_bytes = bytes;
    assert_ok(qn_context_create_with(engine, &options, &context));
    return context;
}
