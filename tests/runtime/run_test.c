/* Contexts: shapes, runs, and what is refused. */
#include "rig.h"

#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

enum { CHANNELS = 20 };

/* ---- Answers ---- */

/* What program_pictures computes for one element of y, told from its description in programs.h. */
static double expected_y(const float *x, int64_t h, int64_t w, int64_t oy, int64_t ox, int channel) {
    int64_t py = oy / 2, px = ox / 2; /* nearest, twice the size */
    double sum = (double)(float)((channel - 10) / 8.0f);
    for (int ky = 0; ky < 3; ky++)
        for (int kx = 0; kx < 3; kx++)
            for (int c = 0; c < 3; c++) {
                int64_t iy = py + ky - 1, ix = px + kx - 1;
                int weight = ((ky * 3 + kx) * 3 + c) * CHANNELS + channel;
                if (iy < 0 || ix < 0 || iy >= h || ix >= w) continue;
                sum += (double)x[(iy * w + ix) * 3 + c] * (weight * 37 % 23 - 11) / 64.0;
            }
    if (sum < 0) sum = 0;
    return 1.0 / (1.0 + exp(-2.0 * sum));
}

static void check_pictures(const float *y, const float *x, int64_t h, int64_t w) {
    int64_t elems = 4 * h * w * CHANNELS;
    for (int64_t i = 0; i < elems; i++) {
        double want = expected_y(x, h, w, i / CHANNELS / (2 * w), i / CHANNELS % (2 * w), (int)(i % CHANNELS));
        if (fabs(y[i] - want) > 1e-5 || y[elems + i] != -y[i])
            fail_msg("%lldx%lld element %lld: %g and %g, expected %g", (long long)h, (long long)w, (long long)i,
                     (double)y[i], (double)y[elems + i], want);
    }
}

static void answers_are_right(int ceiling) {
    static const int64_t sizes[][2] = {{5, 7}, {1, 1}, {24, 16}, {3, 1}, {5, 7}, {16, 24}};
    rig r = rig_open(program_pictures, ceiling, 2, NULL, NULL);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        float *x = make_picture(sizes[i][0], sizes[i][1], i), *y = run_pictures(r.context, sizes[i][0], sizes[i][1], x);
        check_pictures(y, x, sizes[i][0], sizes[i][1]);
        free(x);
        free(y);
    }
    rig_close(&r);
}

static void test_answers_are_right_with_a_ceiling(void **state) {
    (void)state;
    answers_are_right(1);
}

static void test_answers_are_right_without_a_ceiling(void **state) {
    (void)state;
    answers_are_right(0);
}

static void test_threads_and_cpus_give_the_same_bytes(void **state) {
    (void)state;
    static const char *const cpus[] = {"generic", "avx2", "native"};
    float *x = make_picture(23, 17, 3), *first = NULL;
    size_t bytes = (size_t)(2 * 4 * 23 * 17 * CHANNELS) * sizeof(float);
    for (size_t cpu = 0; cpu < 3; cpu++)
        for (int threads = 1; threads <= 3; threads++) {
            rig r = rig_open(program_pictures, 1, threads, cpus[cpu], NULL);
            float *y = run_pictures(r.context, 23, 17, x);
            if (first) assert_memory_equal(first, y, bytes);
            rig_close(&r);
            if (first)
                free(y);
            else
                first = y;
        }
    free(first);
    free(x);
}

/* A shape that was set before computes as if nothing else had run in between. */
static void test_moved_tensors_are_followed(void **state) {
    (void)state;
    rig r = rig_open(program_pictures, 1, 1, NULL, NULL);
    for (uint64_t i = 0; i < 4; i++) {
        float *x = make_picture(4, 4, i), *y = run_pictures(r.context, 4, 4, x);
        qn_tensor input = {.dtype = QN_DTYPE_F32, .rank = 4, .dims = {1, 4, 4, 3}, .data = x};
        float *again = malloc(2 * 4 * 16 * CHANNELS * sizeof *again);
        qn_tensor outputs[2] = {
            {.dtype = QN_DTYPE_F32, .rank = 4, .dims = {1, 8, 8, CHANNELS}, .data = again},
            {.dtype = QN_DTYPE_F32, .rank = 3, .dims = {8, 8, CHANNELS}, .data = again + 4 * 16 * CHANNELS}};
        assert_ok(qn_context_run(r.context, &input, 1, outputs, 2));
        assert_memory_equal(y, again, 2 * 4 * 16 * CHANNELS * sizeof *again);
        free(again);
        free(x);
        free(y);
    }
    rig_close(&r);
}

/* ---- Shapes ---- */

static void test_a_dim_out_of_range_says_what_bounds_it(void **state) {
    (void)state;
    rig r = rig_open(program_pictures, 1, 1, NULL, NULL);
    assert_status(qn_context_set_input_shape(r.context, 0, 4, (int64_t[]){1, 25, 4, 3}), QN_INVALID_ARGUMENT,
                  "input 'x': dim 1 is 25, outside 1..24 (node 'Slice': expected size[1] in [0, 24])");
    assert_status(qn_context_set_input_shape(r.context, 0, 4, (int64_t[]){1, 4, 0, 3}), QN_INVALID_ARGUMENT,
                  "dim 2 is 0, outside 1..24");
    assert_status(qn_context_set_input_shape(r.context, 0, 4, (int64_t[]){2, 4, 4, 3}), QN_INVALID_ARGUMENT,
                  "dim 0 is 2, must be 1");
    assert_status(qn_context_set_input_shape(r.context, 0, 3, (int64_t[]){1, 4, 4}), QN_INVALID_ARGUMENT,
                  "has rank 4, but 3");
    assert_status(qn_context_set_input_shape(r.context, 0, 99, (int64_t[]){1, 4, 4, 3, 1, 1, 1, 1}),
                  QN_INVALID_ARGUMENT, "rank 99");
    assert_status(qn_context_set_input_shape(r.context, 1, 1, (int64_t[]){1}), QN_INVALID_ARGUMENT, "input 1");
    assert_status(qn_context_set_input_shape(r.context, 0, 4, NULL), QN_INVALID_ARGUMENT, "NULL");
    rig_close(&r);
}

static void test_a_failed_check_keeps_the_shapes(void **state) {
    (void)state;
    rig r = rig_open(program_pictures, 1, 1, NULL, NULL);
    assert_ok(qn_context_set_input_shape(r.context, 0, 4, (int64_t[]){1, 3, 5, 3}));
    assert_status(qn_context_set_input_shape(r.context, 0, 4, (int64_t[]){1, 24, 24, 3}), QN_INVALID_ARGUMENT,
                  "node 'Assert': height and width add up to at most 40");
    int rank;
    int64_t dims[QN_MAX_RANK];
    assert_ok(qn_context_get_output_shape(r.context, 0, &rank, dims));
    assert_int_equal(rank, 4);
    assert_int_equal(dims[1], 6);
    assert_int_equal(dims[2], 10);
    rig_close(&r);
}

static void test_nothing_runs_before_shapes_are_set(void **state) {
    (void)state;
    rig r = rig_open(program_pictures, 1, 1, NULL, NULL);
    int rank;
    int64_t dims[QN_MAX_RANK];
    assert_status(qn_context_get_output_shape(r.context, 0, &rank, dims), QN_INVALID_ARGUMENT, "input 'x' is not set");
    assert_status(qn_context_run(r.context, NULL, 0, NULL, 0), QN_INVALID_ARGUMENT, "input 'x' is not set");
    rig_close(&r);
}

static const qn_program *program_pair(maker *m, int ceiling) {
    qn_dim n = maker_symbol(m, "a.0", 0, 0, 1, 9);
    uint32_t a = maker_input(m, "a", QN_DTYPE_F32, 1, &n), b = maker_input(m, "b", QN_DTYPE_F32, 1, &n);
    maker_output(m, maker_step(m, &qn_op_sub, NULL, 2, (uint32_t[]){a, b}, "difference", QN_DTYPE_F32, 1, &n));
    return maker_finish(m, ceiling);
}

static void test_inputs_that_must_agree_are_set_together(void **state) {
    (void)state;
    rig r = rig_open(program_pair, 1, 1, NULL, NULL);
    assert_ok(qn_context_set_input_shape(r.context, 0, 1, (int64_t[]){3}));
    assert_status(qn_context_set_input_shape(r.context, 1, 1, (int64_t[]){4}), QN_INVALID_ARGUMENT,
                  "input 'b': dim 0 is 4");
    assert_ok(qn_context_set_input_shape(r.context, 1, 1, (int64_t[]){3}));
    qn_shape shapes[2] = {{1, {2}}, {1, {2}}};
    assert_ok(qn_context_set_input_shapes(r.context, shapes, 2));
    float a[2] = {5, 6}, b[2] = {1, 9}, out[2];
    qn_tensor inputs[2] = {{QN_DTYPE_F32, 1, {2}, a}, {QN_DTYPE_F32, 1, {2}, b}}, output = {QN_DTYPE_F32, 1, {2}, out};
    assert_ok(qn_context_run(r.context, inputs, 2, &output, 1));
    assert_true(out[0] == 4.0f && out[1] == -3.0f);
    assert_status(qn_context_set_input_shapes(r.context, shapes, 1), QN_INVALID_ARGUMENT, "1 shapes");
    rig_close(&r);
}

static const qn_program *program_fixed(maker *m, int ceiling) {
    qn_dim n = maker_const(m, 4);
    uint32_t x = maker_input(m, "x", QN_DTYPE_F32, 1, &n);
    maker_output(m, maker_step(m, &qn_op_identity, NULL, 1, &x, "y", QN_DTYPE_F32, 1, &n)); /* a view that must copy */
    return maker_finish(m, ceiling);
}

static void test_fixed_shapes_need_no_setting(void **state) {
    (void)state;
    rig r = rig_open(program_fixed, 0, 1, NULL, NULL);
    float x[4] = {1, 2, 3, 4}, y[4] = {0};
    qn_tensor input = {QN_DTYPE_F32, 1, {4}, x}, output = {QN_DTYPE_F32, 1, {4}, y};
    assert_ok(qn_context_run(r.context, &input, 1, &output, 1));
    assert_memory_equal(x, y, sizeof x);
    rig_close(&r);
}

/* ---- Tensors ---- */

static void test_wrong_tensors_are_refused(void **state) {
    (void)state;
    rig r = rig_open(program_pair, 1, 1, NULL, NULL);
    qn_shape shapes[2] = {{1, {3}}, {1, {3}}};
    assert_ok(qn_context_set_input_shapes(r.context, shapes, 2));
    float data[16];
    qn_tensor good[2] = {{QN_DTYPE_F32, 1, {3}, data}, {QN_DTYPE_F32, 1, {3}, data + 4}},
              out = {QN_DTYPE_F32, 1, {3}, data + 8};
    assert_ok(qn_context_run(r.context, good, 2, &out, 1));
    qn_tensor bad[2] = {good[0], good[1]};
    bad[1].dtype = QN_DTYPE_S32;
    assert_status(qn_context_run(r.context, bad, 2, &out, 1), QN_INVALID_ARGUMENT,
                  "input 'b' is of type f32, but the tensor is s32");
    bad[1] = good[1];
    bad[1].dims[0] = 4;
    assert_status(qn_context_run(r.context, bad, 2, &out, 1), QN_INVALID_ARGUMENT,
                  "input 'b' has shape [3], but the tensor is [4]");
    bad[1] = good[1];
    bad[1].rank = 77;
    assert_status(qn_context_run(r.context, bad, 2, &out, 1), QN_INVALID_ARGUMENT, "has shape [3]");
    bad[1] = good[1];
    bad[1].data = NULL;
    assert_status(qn_context_run(r.context, bad, 2, &out, 1), QN_INVALID_ARGUMENT, "input 'b' has no data");
    bad[1].data = (char *)data + 1;
    assert_status(qn_context_run(r.context, bad, 2, &out, 1), QN_INVALID_ARGUMENT, "not aligned");
    qn_tensor over = out;
    over.data = data + 6;
    assert_status(qn_context_run(r.context, good, 2, &over, 1), QN_INVALID_ARGUMENT,
                  "output 'difference' overlaps input 'b'");
    assert_status(qn_context_run(r.context, good, 1, &out, 1), QN_INVALID_ARGUMENT, "1 inputs");
    assert_status(qn_context_run(r.context, NULL, 2, &out, 1), QN_INVALID_ARGUMENT, "NULL");
    assert_ok(qn_context_run(r.context, good, 2, &out, 1));
    rig_close(&r);
}

/* ---- Watching and stopping ---- */

typedef struct watch {
    char names[256];
    qn_context *context;
    int stop_at, seen;
    int cancel;
} watch;

static int watch_value(void *self, const char *name, const qn_tensor *tensor) {
    watch *w = self;
    strcat(strcat(w->names, name), tensor->dtype == QN_DTYPE_F32 ? " " : "? ");
    if (w->cancel && !strcmp(name, "conv")) qn_context_cancel(w->context);
    return ++w->seen == w->stop_at;
}

static void run_watched(rig *r, watch *w, qn_code code, const char *names) {
    float *x = make_picture(4, 4, 1), y[2 * 4 * 16 * CHANNELS];
    assert_ok(qn_context_set_input_shape(r->context, 0, 4, (int64_t[]){1, 4, 4, 3}));
    qn_tensor input = {.dtype = QN_DTYPE_F32, .rank = 4, .dims = {1, 4, 4, 3}, .data = x};
    qn_tensor outputs[2] = {
        {.dtype = QN_DTYPE_F32, .rank = 4, .dims = {1, 8, 8, CHANNELS}, .data = y},
        {.dtype = QN_DTYPE_F32, .rank = 3, .dims = {8, 8, CHANNELS}, .data = y + 4 * 16 * CHANNELS}};
    assert_ok(qn_context_set_observer(r->context, watch_value, w));
    qn_status *status = qn_context_run(r->context, &input, 1, outputs, 2);
    assert_int_equal(qn_status_code(status), code);
    qn_status_free(status);
    assert_string_equal(w->names, names);
    free(x);
}

static void test_an_observer_sees_every_value_in_order(void **state) {
    (void)state;
    rig r = rig_open(program_pictures, 1, 2, NULL, NULL);
    watch all = {.context = r.context};
    run_watched(&r, &all, QN_OK, "x conv sum soft y flat z ");
    watch some = {.context = r.context, .stop_at = 3};
    run_watched(&r, &some, QN_CANCELLED, "x conv sum ");
    rig_close(&r);
}

static void test_a_run_can_be_cancelled(void **state) {
    (void)state;
    rig r = rig_open(program_pictures, 1, 2, NULL, NULL);
    watch w = {.context = r.context, .cancel = 1};
    run_watched(&r, &w, QN_CANCELLED, "x conv ");
    watch again = {.context = r.context};
    run_watched(&r, &again, QN_OK, "x conv sum soft y flat z ");
    qn_context_cancel(r.context); /* while nothing runs: forgotten */
    watch third = {.context = r.context};
    run_watched(&r, &third, QN_OK, "x conv sum soft y flat z ");
    rig_close(&r);
}

static int call_back(void *self, const char *name, const qn_tensor *tensor) {
    watch *w = self;
    (void)name;
    (void)tensor;
    assert_status(qn_context_set_input_shape(w->context, 0, 4, (int64_t[]){1, 2, 2, 3}), QN_BUSY, "in use");
    int rank;
    int64_t dims[QN_MAX_RANK];
    assert_status(qn_context_get_output_shape(w->context, 0, &rank, dims), QN_BUSY, "in use");
    assert_status(qn_context_run(w->context, NULL, 0, NULL, 0), QN_BUSY, "in use");
    assert_status(qn_context_set_observer(w->context, NULL, NULL), QN_BUSY, "in use");
    w->seen++;
    return 0;
}

static void test_a_context_in_use_is_busy(void **state) {
    (void)state;
    rig r = rig_open(program_pictures, 1, 2, NULL, NULL);
    watch w = {.context = r.context};
    assert_ok(qn_context_set_observer(r.context, call_back, &w));
    float *x = make_picture(4, 4, 1), *y = run_pictures(r.context, 4, 4, x);
    assert_int_equal(w.seen, 7);
    check_pictures(y, x, 4, 4);
    free(x);
    free(y);
    rig_close(&r);
}

static void test_profiles_name_step_and_kernel(void **state) {
    (void)state;
    rig r = rig_open(program_pictures, 1, 1, NULL, NULL);
    qn_step_profile profile;
    assert_status(qn_context_get_step_profile(r.context, 0, &profile), QN_INVALID_ARGUMENT, "not set");
    assert_ok(qn_context_set_profiling(r.context, 1));
    float *x = make_picture(10, 10, 1), *y = run_pictures(r.context, 10, 10, x);
    int64_t total = 0;
    for (size_t s = 0; s < 6; s++) {
        assert_ok(qn_context_get_step_profile(r.context, s, &profile));
        total += profile.ns;
        if (s > 0) continue;
        assert_string_equal(profile.name, "conv");
        assert_string_equal(profile.op, "conv2d");
        assert_int_equal(profile.macs, 10 * 10 * 9 * 3 * CHANNELS);
        assert_int_equal(profile.bytes, (10 * 10 * (3 + CHANNELS) + 9 * 3 * CHANNELS + CHANNELS) * 4);
        assert_true(profile.ns > 0);
    }
    assert_true(total > 0);
    assert_status(qn_context_get_step_profile(r.context, 6, &profile), QN_INVALID_ARGUMENT, "step 6");
    free(x);
    free(y);
    rig_close(&r);
}

static void test_the_callers_float_state_is_kept(void **state) {
    (void)state;
#if defined(__x86_64__)
    rig r = rig_open(program_pictures, 1, 2, NULL, NULL);
    float *x = make_picture(9, 9, 5), *plain = run_pictures(r.context, 9, 9, x);
    unsigned before = _mm_getcsr();
    _mm_setcsr(before | 0x8040 | 0x2000); /* flush to zero, denormals are zero, round down */
    unsigned set = _mm_getcsr();
    float *y = run_pictures(r.context, 9, 9, x);
    unsigned after = _mm_getcsr();
    _mm_setcsr(before);
    assert_int_equal(set, after);
    assert_memory_equal(plain, y, 2 * 4 * 81 * CHANNELS * sizeof *y);
    free(plain);
    free(y);
    free(x);
    rig_close(&r);
#endif
}

/* ---- Lives ---- */

static void test_objects_may_be_destroyed_in_any_order(void **state) {
    (void)state;
    static const int orders[6][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
    float *x = make_picture(4, 4, 1);
    for (int i = 0; i < 6; i++) {
        rig r = rig_open(program_pictures, 1, 2, NULL, NULL);
        free(run_pictures(r.context, 3, 3, x));
        for (int k = 0; k < 3; k++) {
            if (orders[i][k] == 0) qn_model_destroy(r.model);
            if (orders[i][k] == 1) qn_engine_destroy(r.engine);
            if (orders[i][k] == 2)
                qn_context_destroy(r.context);
            else if (k == 0)
                free(run_pictures(r.context, 4, 4, x));
        }
    }
    free(x);
    qn_model_destroy(NULL);
    qn_engine_destroy(NULL);
    qn_context_destroy(NULL);
}

static void *run_many(void *arg) {
    qn_context *context;
    assert_ok(qn_context_create(arg, &context));
    for (uint64_t i = 0; i < 20; i++) {
        int64_t h = 1 + (int64_t)(i * 7 % 20), w = 1 + (int64_t)(i * 5 % 20);
        float *x = make_picture(h, w, i), *y = run_pictures(context, h, w, x);
        check_pictures(y, x, h, w);
        free(x);
        free(y);
    }
    qn_context_destroy(context);
    return NULL;
}

static void test_contexts_of_one_engine_run_at_once(void **state) {
    (void)state;
    rig r = rig_open(program_pictures, 1, 2, NULL, NULL);
    pthread_t threads[8];
    for (int i = 0; i < 8; i++) assert_int_equal(pthread_create(&threads[i], NULL, run_many, r.engine), 0);
    for (int i = 0; i < 8; i++) pthread_join(threads[i], NULL);
    rig_close(&r);
}

static void serial_for(void *self, int64_t tasks, qn_task_fn fn, void *arg) {
    ++*(int *)self;
    for (int64_t i = tasks; i-- > 0;) fn(arg, i, i + 1, (int)(i % 5)); /* backwards, one by one, as five workers */
}

static void test_an_executor_of_the_caller_is_used(void **state) {
    (void)state;
    int calls = 0;
    rig_file file = rig_write(program_pictures, 1);
    rig r;
    assert_ok(qn_model_load_memory(file.data, file.size, QN_MEMORY_BORROW, NULL, &r.model));
    qn_executor executor = {&calls, 5, serial_for};
    qn_engine_options options;
    qn_engine_options_init(&options);
    options.executor = &executor;
    assert_ok(qn_engine_create(r.model, &options, &r.engine));
    assert_int_equal(qn_engine_threads(r.engine), 5);
    assert_ok(qn_context_create(r.engine, &r.context));
    float *x = make_picture(20, 20, 1), *y = run_pictures(r.context, 20, 20, x);
    check_pictures(y, x, 20, 20);
    assert_true(calls > 0);
    free(x);
    free(y);
    rig_close(&r);
    free(file.data);
}

static void test_wrong_options_are_refused(void **state) {
    (void)state;
    rig r = rig_open(program_fixed, 1, 1, NULL, NULL);
    qn_engine *engine;
    qn_engine_options options;
    qn_engine_options_init(&options);
    options.threads = -1;
    assert_status(qn_engine_create(r.model, &options, &engine), QN_INVALID_ARGUMENT, "-1 threads");
    options.threads = 1;
    options.cpu = "avx3";
    assert_status(qn_engine_create(r.model, &options, &engine), QN_INVALID_ARGUMENT, "avx");
    options.cpu = NULL;
    options.size = 3;
    assert_status(qn_engine_create(r.model, &options, &engine), QN_INVALID_ARGUMENT, "qn_engine_options_init");
    assert_status(qn_engine_create(NULL, NULL, &engine), QN_INVALID_ARGUMENT, "NULL");
    qn_context *context;
    assert_status(qn_context_create(NULL, &context), QN_INVALID_ARGUMENT, "NULL");
    rig_close(&r);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_answers_are_right_with_a_ceiling),
        cmocka_unit_test(test_answers_are_right_without_a_ceiling),
        cmocka_unit_test(test_threads_and_cpus_give_the_same_bytes),
        cmocka_unit_test(test_moved_tensors_are_followed),
        cmocka_unit_test(test_a_dim_out_of_range_says_what_bounds_it),
        cmocka_unit_test(test_a_failed_check_keeps_the_shapes),
        cmocka_unit_test(test_nothing_runs_before_shapes_are_set),
        cmocka_unit_test(test_inputs_that_must_agree_are_set_together),
        cmocka_unit_test(test_fixed_shapes_need_no_setting),
        cmocka_unit_test(test_wrong_tensors_are_refused),
        cmocka_unit_test(test_an_observer_sees_every_value_in_order),
        cmocka_unit_test(test_a_run_can_be_cancelled),
        cmocka_unit_test(test_a_context_in_use_is_busy),
        cmocka_unit_test(test_profiles_name_step_and_kernel),
        cmocka_unit_test(test_the_callers_float_state_is_kept),
        cmocka_unit_test(test_objects_may_be_destroyed_in_any_order),
        cmocka_unit_test(test_contexts_of_one_engine_run_at_once),
        cmocka_unit_test(test_an_executor_of_the_caller_is_used),
        cmocka_unit_test(test_wrong_options_are_refused),
    };
    return cmocka_run_group_tests_name("runtime/run", tests, NULL, NULL);
}
