/* Long use, many users: random shapes on one context, batches against single runs, contexts side by side, processes
 * side by side, memory counted throughout. QN_SOAK_SHAPES sets how many shapes are tried (200; scripts/soak: 10
 * 000), QN_TEST which tests run (a name, * for any characters). */
#include "e2e.h"

#include "base/dtype.h"
#include "quench/queue.h"

#include <malloc.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { WARM_UP = 100, BATCH_MAX = 8, SIDE_MAX = 160, CONTEXTS = 8, KIB_PER_MIB = 1024 };

/* A network whose shapes vary. */
typedef struct subject {
    const char *name, *config;
    int64_t batch_max, side_min, side_max;
} subject;

static const char range[] = "{\"dim_range\": {\"0\": {\"min\": [1, 16, 16, 3], \"max\": [8, 160, 160, 3]}}}";

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { IS_SANITIZED = 1 }; /* memory is the sanitizer's then: quarantine, shadow */
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
enum { IS_SANITIZED = 1 };
#else
enum { IS_SANITIZED = 0 };
#endif
#else
enum { IS_SANITIZED = 0 };
#endif

/* ---- What every test needs ---- */

/* KiB in the sum of the lines of /proc/self/smaps_rollup that begin with `key`; "Private" sums clean and dirty. */
static long memory_kib(const char *key) {
    char line[256];
    long sum = 0, kib;
    FILE *file = fopen("/proc/self/smaps_rollup", "r");
    assert_non_null(file);
    while (fgets(line, sizeof line, file))
        if (!strncmp(line, key, strlen(key)) && strchr(line, ':') && sscanf(strchr(line, ':') + 1, "%ld kB", &kib) == 1)
            sum += kib;
    fclose(file);
    return sum;
}

static double now_us(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec * 1e-3;
}

static uint64_t next_random(uint64_t *state) { /* splitmix64 */
    uint64_t z = *state += UINT64_C(0x9E3779B97F4A7C15);
    z = (z ^ z >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ z >> 27) * UINT64_C(0x94D049BB133111EB);
    return z ^ z >> 31;
}

static int64_t random_between(uint64_t *state, int64_t low, int64_t high) {
    return low + (int64_t)(next_random(state) % (uint64_t)(high - low + 1));
}

/* Pictures with some structure, so that labels differ from place to place. */
static void fill_pictures(qn_tensor *input, int64_t n, int64_t h, int64_t w, uint64_t seed) {
    *input = (qn_tensor){.dtype = QN_DTYPE_U8, .rank = 4, .dims = {n, h, w, 3}, .data = input->data};
    uint8_t *bytes = input->data;
    uint64_t state = seed;
    size_t count = (size_t)(n * h * w * 3);
    for (size_t i = 0; i < count; i += 8) {
        uint64_t random = next_random(&state) & UINT64_C(0x1F1F1F1F1F1F1F1F);
        for (size_t k = 0; k < 8 && i + k < count; k++)
            bytes[i + k] = (uint8_t)((i / 997 * 37) % 200 + (random >> 8 * k & 0x1F));
    }
}

static int64_t elems_of_shape(int rank, const int64_t *dims) {
    int64_t elems = 1;
    for (int i = 0; i < rank; i++) elems *= dims[i];
    return elems;
}

/* Sets the shape, runs, and leaves the labels in output->data, which has room for the largest. */
static size_t run_at(qn_context *context, const qn_tensor *input, qn_tensor *output, double *out_bind_us) {
    double start = now_us();
    expect_ok(qn_context_set_input_shape(context, 0, input->rank, input->dims));
    if (out_bind_us) *out_bind_us = now_us() - start;
    expect_ok(qn_context_get_output_shape(context, 0, &output->rank, output->dims));
    expect_ok(qn_context_run(context, input, 1, output, 1));
    return (size_t)elems_of_shape(output->rank, output->dims) * qn_dtype_size(output->dtype);
}

static void *new_block(size_t bytes) {
    void *block = malloc(bytes);
    assert_non_null(block);
    memset(block, 0, bytes); /* so that it counts from the start */
    return block;
}

/* Room for labels of the largest shape of the scenes network, and for its pictures. */
static qn_tensor new_output(const qn_model *model) {
    return (qn_tensor){.dtype = qn_model_output(model, 0)->dtype,
                       .data = new_block(BATCH_MAX * SIDE_MAX * SIDE_MAX * sizeof(int64_t))};
}

static qn_tensor new_input(void) { return (qn_tensor){.data = new_block(BATCH_MAX * SIDE_MAX * SIDE_MAX * 3)}; }

/* ---- Random shapes ---- */

static int compare_doubles(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The labels of a context made for this alone. */
static size_t run_fresh(qn_engine *engine, const qn_tensor *input, qn_tensor *output) {
    qn_context *context;
    expect_ok(qn_context_create(engine, &context));
    size_t bytes = run_at(context, input, output, NULL);
    qn_context_destroy(context);
    return bytes;
}

/* Takes the model over. */
static void try_shapes(qn_model *model, const subject *s) {
    const char *wanted = getenv("QN_SOAK_SHAPES"), *seed_text = getenv("QN_SEED");
    long shapes = wanted ? strtol(wanted, NULL, 10) : 200, warm_kib = 0, most_kib = 0;
    uint64_t seed = seed_text ? strtoull(seed_text, NULL, 0) : 20240623, random = seed;
    assert_true(shapes > WARM_UP);
    print_message("seed %llu\n", (unsigned long long)seed);
    runner r;
    runner_open(&r, model, NULL, 2);
    size_t pixels = (size_t)(s->batch_max * s->side_max * s->side_max);
    qn_tensor input = {.data = new_block(pixels * 3)};
    qn_tensor output = {.dtype = qn_model_output(model, 0)->dtype, .data = new_block(pixels * sizeof(int64_t))};
    qn_tensor fresh = {.dtype = output.dtype, .data = new_block(pixels * sizeof(int64_t))};
    double *bind_us = new_block((size_t)shapes * sizeof *bind_us);
    uint64_t ceiling;
    expect_ok(qn_engine_measure_arena(r.engine, NULL, 0, &ceiling));
    for (long i = 0; i < shapes; i++) {
        int64_t n = random_between(&random, 0, 3) ? 1 : random_between(&random, 1, s->batch_max);
        int64_t h = random_between(&random, s->side_min, s->side_max);
        int64_t w = random_between(&random, s->side_min, s->side_max);
        if (i == 0) n = s->batch_max, h = w = s->side_max; /* touches the whole arena */
        fill_pictures(&input, n, h, w, seed + (uint64_t)i);
        size_t bytes = run_at(r.context, &input, &output, &bind_us[i]);
        assert_int_equal(run_fresh(r.engine, &input, &fresh), bytes);
        if (memcmp(output.data, fresh.data, bytes))
            fail_msg("shape %ld, [%lld, %lld, %lld, 3]: not as a fresh context", i, (long long)n, (long long)h,
                     (long long)w);
        qn_arena_info arena;
        qn_context_get_arena(r.context, &arena);
        assert_int_equal(arena.ceiling_bytes, ceiling);
        assert_true(arena.value_bytes + arena.scratch_bytes <= ceiling && arena.total_bytes <= ceiling);
        long kib = memory_kib("Rss");
        if (i + 1 == WARM_UP) warm_kib = most_kib = kib;
        if (i + 1 > WARM_UP && kib > most_kib) most_kib = kib;
    }
    qsort(bind_us, (size_t)shapes, sizeof *bind_us, compare_doubles);
    print_message("%s, %ld shapes, arena ceiling %llu KiB\n", s->name, shapes, (unsigned long long)(ceiling / 1024));
    figure("setting a shape", "median %.1f us, largest %.1f us (bar 100 us in the median)", bind_us[shapes / 2],
           bind_us[shapes - 1]);
    figure("resident memory", "%ld KiB after %d shapes, at most %ld KiB more later (bar 1024 KiB), %ld KiB at the end",
           warm_kib, WARM_UP, most_kib - warm_kib, memory_kib("Rss"));
    if (!IS_SANITIZED) assert_true(most_kib - warm_kib <= KIB_PER_MIB);
    free(bind_us), free(input.data), free(output.data), free(fresh.data);
    runner_close(&r);
}

static void random_shapes_of_scenes_leave_memory_flat_and_answers_right(void **state) {
    static const subject scenes = {"scenes_dynamic", range, BATCH_MAX, 16, SIDE_MAX};
    (void)state;
    try_shapes(build_model(source_path("models/scenes/scenes_dynamic.pb"), scenes.config), &scenes);
}

static void random_shapes_of_deeplab_leave_memory_flat_and_answers_right(void **state) {
    static const subject deeplab = {"DeepLab", NULL, 1, 1, 513};
    (void)state;
    need_shared();
    if (IS_SANITIZED) skip_because("takes too long with sanitizers");
    try_shapes(build_model(shared_path("models/tensorflow/deeplabv3_mnv2_pascal_float32.pb"), deeplab.config),
               &deeplab);
}

/* ---- Ceilings ---- */

/* An allocator that remembers the largest piece that was asked of it. */
typedef struct meter {
    _Atomic size_t largest;
} meter;

static void *metered_alloc(void *self, size_t bytes, size_t align) {
    meter *m = self;
    if (bytes > atomic_load(&m->largest)) atomic_store(&m->largest, bytes);
    align = align < sizeof(void *) ? sizeof(void *) : align;
    return aligned_alloc(align, (bytes + align - 1) / align * align);
}

static void metered_free(void *self, void *block) {
    (void)self;
    free(block);
}

/* Sets shapes all over the range; none may need more than what was told beforehand. */
static void check_ceiling(qn_model *model, const subject *s, int threads) {
    meter m = {0};
    const qn_allocator allocator = {&m, metered_alloc, metered_free};
    qn_engine *engine;
    qn_context *context;
    qn_engine_options options;
    uint64_t ceiling, most = 0, random = 5;
    qn_engine_options_init(&options);
    options.threads = threads;
    options.allocator = &allocator;
    expect_ok(qn_engine_create(model, &options, &engine));
    expect_ok(qn_engine_measure_arena(engine, NULL, 0, &ceiling));
    expect_ok(qn_context_create(engine, &context));
    for (int i = 0; i < 300; i++) {
        int64_t h = i ? random_between(&random, s->side_min, s->side_max) : s->side_max;
        int64_t w = i ? random_between(&random, s->side_min, s->side_max) : s->side_max;
        int64_t n = i ? random_between(&random, 1, s->batch_max) : s->batch_max;
        qn_arena_info arena;
        expect_ok(qn_context_set_input_shape(context, 0, 4, (int64_t[]){n, h, w, 3}));
        qn_context_get_arena(context, &arena);
        if (arena.value_bytes + arena.scratch_bytes > most) most = arena.value_bytes + arena.scratch_bytes;
    }
    print_message("%s, %d threads: ceiling %llu KiB, most of 300 shapes %llu KiB, largest allocation %zu KiB\n",
                  s->name, threads, (unsigned long long)(ceiling / 1024), (unsigned long long)(most / 1024),
                  m.largest / 1024);
    assert_true(most <= ceiling && m.largest <= ceiling);
    qn_context_destroy(context);
    qn_engine_destroy(engine);
}

static void ceilings_hold_for_one_to_eight_threads(void **state) {
    static const subject scenes = {"scenes_dynamic", range, BATCH_MAX, 16, SIDE_MAX};
    static const subject deeplab = {"DeepLab", NULL, 1, 1, 513};
    (void)state;
    qn_model *model = build_model(source_path("models/scenes/scenes_dynamic.pb"), range);
    for (int threads = 1; threads <= 8; threads++) check_ceiling(model, &scenes, threads);
    qn_model_destroy(model);
    need_shared();
    model = build_model(shared_path("models/tensorflow/deeplabv3_mnv2_pascal_float32.pb"), NULL);
    for (int threads = 1; threads <= 8; threads++) check_ceiling(model, &deeplab, threads);
    qn_model_destroy(model);
}

static void a_shape_out_of_range_by_one_states_the_range(void **state) {
    static const int64_t wrong[][4] = {{0, 64, 64, 3},  {9, 64, 64, 3}, {1, 15, 64, 3},
                                       {1, 161, 64, 3}, {1, 64, 15, 3}, {1, 64, 161, 3}};
    (void)state;
    runner r;
    runner_open(&r, build_model(source_path("models/scenes/scenes_dynamic.pb"), range), NULL, 1);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        qn_status *status = qn_context_set_input_shape(r.context, 0, 4, wrong[i]);
        assert_int_equal(qn_status_code(status), QN_INVALID_ARGUMENT);
        assert_non_null(strstr(qn_status_message(status), i < 2 ? "outside 1..8" : "outside 16..160"));
        qn_status_free(status);
    }
    runner_close(&r);
}

/* ---- Batches ---- */

static void a_batch_gives_the_same_bytes_as_single_runs(void **state) {
    static const int64_t sides[][2] = {{16, 16}, {64, 48}, {33, 97}, {160, 131}};
    (void)state;
    runner r;
    runner_open(&r, build_model(source_path("models/scenes/scenes_dynamic.pb"), range), NULL, 2);
    qn_tensor input = new_input(), batch = new_output(r.model), single = new_output(r.model);
    for (size_t s = 0; s < sizeof sides / sizeof *sides; s++)
        for (int64_t n = 1; n <= BATCH_MAX; n++) {
            int64_t h = sides[s][0], w = sides[s][1];
            fill_pictures(&input, n, h, w, (uint64_t)n);
            size_t bytes = run_at(r.context, &input, &batch, NULL), each = bytes / (size_t)n;
            for (int64_t i = 0; i < n; i++) {
                qn_tensor one = input;
                one.dims[0] = 1;
                one.data = (uint8_t *)input.data + i * h * w * 3;
                assert_int_equal(run_at(r.context, &one, &single, NULL), each);
                assert_memory_equal(single.data, (uint8_t *)batch.data + (size_t)i * each, each);
            }
        }
    free(input.data), free(batch.data), free(single.data);
    runner_close(&r);
}

/* ---- Contexts side by side ---- */

typedef struct user {
    const qn_tensor *input;
    const qn_tensor *expected;
    size_t bytes;
    qn_context *context;
    qn_tensor output;
    int is_right;
} user;

static void *use_context(void *arg) {
    user *u = arg;
    u->is_right = 1;
    for (int i = 0; i < 4; i++) {
        size_t bytes = run_at(u->context, u->input, &u->output, NULL);
        u->is_right &= bytes == u->bytes && !memcmp(u->output.data, u->expected->data, bytes);
    }
    return NULL;
}

static void eight_contexts_on_eight_threads_agree_and_share_weights(void **state) {
    (void)state;
    runner r;
    runner_open(&r, build_model(source_path("models/scenes/scenes_dynamic.pb"), range), NULL, 2);
    qn_tensor input = new_input(), expected = new_output(r.model);
    fill_pictures(&input, IS_SANITIZED ? 1 : BATCH_MAX, SIDE_MAX, SIDE_MAX, 3); /* touches the whole arena */
    size_t bytes = run_at(r.context, &input, &expected, NULL);
    user users[CONTEXTS];
    pthread_t threads[CONTEXTS];
    uint64_t arenas = 0;
    for (int i = 0; i < CONTEXTS; i++) users[i] = (user){&input, &expected, bytes, NULL, new_output(r.model), 0};
    long before = memory_kib("Private");
    for (int i = 0; i < CONTEXTS; i++) {
        expect_ok(qn_context_create(r.engine, &users[i].context));
    }
    for (int i = 0; i < CONTEXTS; i++) assert_int_equal(pthread_create(&threads[i], NULL, use_context, &users[i]), 0);
    for (int i = 0; i < CONTEXTS; i++) pthread_join(threads[i], NULL);
    long growth = memory_kib("Private") - before;
    for (int i = 0; i < CONTEXTS; i++) {
        qn_arena_info arena;
        assert_true(users[i].is_right);
        qn_context_get_arena(users[i].context, &arena);
        arenas += arena.value_bytes + arena.scratch_bytes + arena.table_bytes;
        qn_context_destroy(users[i].context);
        free(users[i].output.data);
    }
    long const_kib = (long)(qn_model_get_info(r.model)->const_bytes / 1024);
    figure("eight contexts", "%ld KiB private more, arenas and tables %llu KiB, weights %ld KiB once", growth,
           (unsigned long long)(arenas / 1024), const_kib);
    /* Threads have stacks and heaps of their own, a little each. */
    if (!IS_SANITIZED) assert_true(growth <= (long)(arenas / 1024) + CONTEXTS * const_kib / 2);
    free(input.data), free(expected.data);
    runner_close(&r);
}

/* ---- Processes side by side ---- */

typedef struct usage {
    long before, loaded, after; /* KiB, private: at the start, with an engine, after a run */
    uint64_t const_bytes;
    uint64_t arena_bytes;
    uint64_t sum; /* of the labels */
} usage;

static void use_file(const char *path, usage *out) {
    qn_model *model;
    runner r;
    qn_tensor input = new_input();
    out->before = memory_kib("Private");
    expect_ok(qn_model_load_file(path, NULL, &model));
    runner_open(&r, model, NULL, 2);
    out->loaded = memory_kib("Private");
    out->const_bytes = qn_model_get_info(model)->const_bytes;
    qn_tensor output = {.dtype = qn_model_output(model, 0)->dtype};
    fill_pictures(&input, 1, 96, 96, 1);
    expect_ok(qn_context_set_input_shape(r.context, 0, 4, input.dims));
    expect_ok(qn_context_get_output_shape(r.context, 0, &output.rank, output.dims));
    size_t bytes = (size_t)elems_of_shape(output.rank, output.dims) * qn_dtype_size(output.dtype);
    output.data = new_block(bytes);
    expect_ok(qn_context_run(r.context, &input, 1, &output, 1));
    out->after = memory_kib("Private") - (long)(bytes / 1024);
    for (size_t i = 0; i < bytes; i++) out->sum = out->sum * 31 + ((uint8_t *)output.data)[i];
    qn_arena_info arena;
    qn_context_get_arena(r.context, &arena);
    out->arena_bytes = arena.value_bytes + arena.scratch_bytes;
    free(input.data), free(output.data);
    runner_close(&r);
}

static usage use_file_in_a_child(const char *path) {
    int ends[2], status;
    usage found = {0};
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        alarm(120);
        use_file(path, &found);
        _exit(write(ends[1], &found, sizeof found) == (ssize_t)sizeof found ? 0 : 1);
    }
    close(ends[1]);
    ssize_t got = read(ends[0], &found, sizeof found);
    close(ends[0]);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_int_equal(got, sizeof found);
    return found;
}

static void a_second_process_on_a_file_shares_its_weights(void **state) {
    (void)state;
    char path[] = "/tmp/quench-soak-XXXXXX";
    int file = mkstemp(path);
    assert_true(file >= 0);
    qn_model *model = build_model(source_path("models/scenes/scenes_dynamic.pb"), range);
    size_t bytes;
    const void *data = qn_model_bytes(model, &bytes);
    assert_int_equal(write(file, data, bytes), (ssize_t)bytes);
    close(file);
    qn_model_destroy(model);
    usage first = {0}, second;
    use_file(path, &first); /* holds nothing afterwards but the page cache */
    qn_model *held;
    runner r;
    expect_ok(qn_model_load_file(path, NULL, &held));
    runner_open(&r, held, NULL, 2);
    qn_tensor input = new_input(), output = new_output(held);
    fill_pictures(&input, 1, 96, 96, 1);
    run_at(r.context, &input, &output, NULL);
    second = use_file_in_a_child(path);
    long growth = second.after - second.before;
    long const_kib = (long)(second.const_bytes / 1024), tables = second.loaded - second.before;
    figure("second process on one file",
           "%ld KiB private more after a run (bar: arena of %llu KiB + 1024 KiB), %ld KiB before it (weights: %ld KiB)",
           growth, (unsigned long long)(second.arena_bytes / 1024), tables, const_kib);
    assert_int_equal(first.sum, second.sum);
    if (!IS_SANITIZED) {
        assert_true(growth < (long)(second.arena_bytes / 1024) + KIB_PER_MIB);
        assert_true(tables < const_kib); /* a copy of the weights would show */
    }
    free(input.data), free(output.data);
    runner_close(&r);
    unlink(path);
}

/* ---- After a fork ---- */

static void a_child_runs_what_its_parent_has_loaded(void **state) {
    (void)state;
    runner r;
    runner_open(&r, build_model(source_path("models/scenes/scenes_dynamic.pb"), range), NULL, 2);
    qn_tensor input = new_input(), expected = new_output(r.model), output = new_output(r.model);
    fill_pictures(&input, 1, 70, 90, 9);
    size_t bytes = run_at(r.context, &input, &expected, NULL);
    int status;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        alarm(120);
        int is_right = run_at(r.context, &input, &output, NULL) == bytes && !memcmp(expected.data, output.data, bytes);
        is_right &= run_fresh(r.engine, &input, &output) == bytes && !memcmp(expected.data, output.data, bytes);
        _exit(is_right ? 0 : 1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_int_equal(run_at(r.context, &input, &output, NULL), bytes);
    assert_memory_equal(expected.data, output.data, bytes);
    free(input.data), free(expected.data), free(output.data);
    runner_close(&r);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        /* First, while nothing that was freed before could hide growth. */
        cmocka_unit_test(random_shapes_of_scenes_leave_memory_flat_and_answers_right),
        cmocka_unit_test(a_second_process_on_a_file_shares_its_weights),
        cmocka_unit_test(eight_contexts_on_eight_threads_agree_and_share_weights),
        cmocka_unit_test(a_shape_out_of_range_by_one_states_the_range),
        cmocka_unit_test(ceilings_hold_for_one_to_eight_threads),
        cmocka_unit_test(a_batch_gives_the_same_bytes_as_single_runs),
        cmocka_unit_test(a_child_runs_what_its_parent_has_loaded),
        cmocka_unit_test(random_shapes_of_deeplab_leave_memory_flat_and_answers_right),
    };
    /* Resident memory shall tell what quench holds, not what the heap keeps back or the kernel rounds up. */
    mallopt(M_MMAP_THRESHOLD, 128 * 1024);
    prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0);
    cmocka_set_test_filter(getenv("QN_TEST"));
    return cmocka_run_group_tests_name("e2e/soak", tests, NULL, NULL);
}
