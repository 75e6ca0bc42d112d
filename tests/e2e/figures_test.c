/* What the compiled DeepLab costs: memory, allocations, load and build time. Time is asked of optimised builds only. */
#include "e2e.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define PASCAL "models/tensorflow/deeplabv3_mnv2_pascal_float32.pb"

static double now_ms(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return 1e3 * (double)t.tv_sec + 1e-6 * (double)t.tv_nsec;
}

static int compare_doubles(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *values, size_t count) {
    qsort(values, count, sizeof *values, compare_doubles);
    return values[count / 2];
}

static int is_optimised(void) {
#ifdef NDEBUG
    return 1;
#else
    return 0;
#endif
}

static void building_takes_less_than_three_seconds(void **state) {
    (void)state;
    need_shared();
    double times[5];
    for (size_t i = 0; i < 5; i++) {
        double start = now_ms();
        qn_model_destroy(build_model(shared_path(PASCAL), NULL));
        times[i] = now_ms() - start;
    }
    double ms = median(times, 5);
    figure("building DeepLab", "%.0f ms (bar 3000)", ms);
    if (is_optimised()) assert_true(ms <= 3000);
}

static void loading_checks_every_byte_in_five_milliseconds(void **state) {
    (void)state;
    need_shared();
    char path[] = "/tmp/quench-figures-XXXXXX";
    double times[21];
    int descriptor = mkstemp(path);
    assert_true(descriptor >= 0);
    qn_model *model = build_model(shared_path(PASCAL), NULL);
    expect_ok(qn_model_save_file(model, path));
    qn_model_destroy(model);
    for (size_t i = 0; i < 21; i++) {
        double start = now_ms();
        expect_ok(qn_model_load_file(path, NULL, &model));
        times[i] = now_ms() - start;
        qn_model_destroy(model);
    }
    remove(path);
    double ms = median(times, 21);
    figure("loading compiled DeepLab", "%.2f ms (bar 5)", ms);
    if (is_optimised()) assert_true(ms <= 5);
}

static void the_arena_stays_below_36_mebibytes(void **state) {
    (void)state;
    need_shared();
    runner r;
    int64_t full[] = {1, 513, 513, 3};
    qn_arena_info arena;
    runner_open(&r, build_model(shared_path(PASCAL), NULL), NULL, 2);
    expect_ok(qn_context_set_input_shape(r.context, 0, 4, full));
    qn_context_get_arena(r.context, &arena);
    double ceiling = (double)qn_model_get_info(r.model)->arena_bytes_max;
    figure("arena of DeepLab at 513x513, two threads",
           "%.2f MiB values + %.2f MiB scratch; values over the range %.2f MiB (bar 36)",
           (double)arena.value_bytes / 1048576, (double)arena.scratch_bytes / 1048576, ceiling / 1048576);
    assert_true(arena.total_bytes <= 36 << 20 && ceiling > 0);
    runner_close(&r);
}

typedef struct counter {
    atomic_long count;
} counter;

static void *counting_alloc(void *self, size_t bytes, size_t align) {
    counter *c = self;
    atomic_fetch_add(&c->count, 1);
    return aligned_alloc(align < 16 ? 16 : align, (bytes + 4095) & ~(size_t)4095);
}

static void counting_free(void *self, void *block) {
    (void)self;
    free(block);
}

static void runs_allocate_nothing_once_shapes_are_set(void **state) {
    (void)state;
    counter counts = {0};
    qn_allocator allocator = {&counts, counting_alloc, counting_free};
    qn_engine_options options;
    qn_engine *engine;
    qn_context *context;
    qn_model *model = build_model(source_path("models/scenes/scenes.pb"), NULL);
    qn_engine_options_init(&options);
    options.allocator = &allocator;
    options.threads = 2;
    expect_ok(qn_engine_create(model, &options, &engine));
    expect_ok(qn_context_create(engine, &context));
    qn_tensor input = load_npy(source_path("models/scenes/refs_scenes/%s", "03_1x47x161.ImageTensor.npy"));
    expect_ok(qn_context_set_input_shape(context, 0, input.rank, input.dims));
    qn_tensor output = {.dtype = QN_DTYPE_S32};
    expect_ok(qn_context_get_output_shape(context, 0, &output.rank, output.dims));
    output.data = malloc(tensor_elems(&output) * sizeof(int32_t));
    long before = atomic_load(&counts.count);
    for (int i = 0; i < 5; i++) expect_ok(qn_context_run(context, &input, 1, &output, 1));
    figure("allocations per run", "%ld (bar 0)", atomic_load(&counts.count) - before);
    assert_int_equal(atomic_load(&counts.count), before);
    free(output.data);
    qn_npy_free(&input, NULL);
    qn_context_destroy(context), qn_engine_destroy(engine), qn_model_destroy(model);
}

/* Of a model whose sides may be 1 to 160. */
static void time_shapes(const char *name, qn_model *model) {
    runner r;
    double times[101];
    runner_open(&r, model, NULL, 2);
    for (int i = 0; i < 101; i++) {
        int64_t dims[] = {1, 40 + i * 13 % 100, 30 + i * 29 % 120, 3};
        double start = now_ms();
        expect_ok(qn_context_set_input_shape(r.context, 0, 4, dims));
        times[i] = now_ms() - start;
    }
    double us = 1e3 * median(times, 101);
    figure("setting a shape", "%s: %.0f us (bar 100)", name, us);
    if (is_optimised()) assert_true(us <= 100);
    runner_close(&r);
}

static void setting_a_shape_takes_microseconds(void **state) {
    (void)state;
    time_shapes("scenes", build_model(source_path("models/scenes/scenes.pb"), NULL));
    time_shapes("scenes_dynamic", build_model(source_path("models/scenes/scenes_dynamic.pb"), NULL));
    need_shared();
    time_shapes("DeepLab", build_model(shared_path(PASCAL), NULL));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(building_takes_less_than_three_seconds),
        cmocka_unit_test(loading_checks_every_byte_in_five_milliseconds),
        cmocka_unit_test(the_arena_stays_below_36_mebibytes),
        cmocka_unit_test(runs_allocate_nothing_once_shapes_are_set),
        cmocka_unit_test(setting_a_shape_takes_microseconds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
