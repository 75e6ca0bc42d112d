/* Memory: what allocates and what does not, and what happens when there is none. */
#include "rig.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sched.h>
#include <string.h>

#include "runtime/internal.h"

enum { CHANNELS = 20 };

/* ---- Every allocation of the process is counted ---- */

static _Atomic long heap_calls;

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer)
#define SANITIZED 1
#endif
#endif

#ifdef SANITIZED
/* The sanitizers' own allocator reports here; their header is not installed everywhere. */
int __sanitizer_install_malloc_and_free_hooks(void (*on_alloc)(const volatile void *, size_t),
                                              void (*on_free)(const volatile void *));

static void count_alloc(const volatile void *block, size_t bytes) {
    (void)block;
    (void)bytes;
    atomic_fetch_add(&heap_calls, 1);
}

static void count_free(const volatile void *block) { (void)block; }

static void watch_heap(void) { __sanitizer_install_malloc_and_free_hooks(count_alloc, count_free); }
#else
/* In place of the C library's own, which stay reachable under these names. */
void *__libc_malloc(size_t bytes);
void *__libc_calloc(size_t count, size_t bytes);
void *__libc_realloc(void *block, size_t bytes);
void *__libc_memalign(size_t align, size_t bytes);
void *memalign(size_t align, size_t bytes);

void *malloc(size_t bytes) {
    atomic_fetch_add(&heap_calls, 1);
    return __libc_malloc(bytes);
}

void *calloc(size_t count, size_t bytes) {
    atomic_fetch_add(&heap_calls, 1);
    return __libc_calloc(count, bytes);
}

void *realloc(void *block, size_t bytes) {
    atomic_fetch_add(&heap_calls, 1);
    return __libc_realloc(block, bytes);
}

void *memalign(size_t align, size_t bytes) {
    atomic_fetch_add(&heap_calls, 1);
    return __libc_memalign(align, bytes);
}

void *aligned_alloc(size_t align, size_t bytes) { return memalign(align, bytes); }

int posix_memalign(void **out_block, size_t align, size_t bytes) {
    *out_block = memalign(align, bytes);
    return *out_block ? 0 : 12;
}

static void watch_heap(void) {}
#endif

static void test_the_heap_is_watched(void **state) {
    (void)state;
    watch_heap();
    long before = atomic_load(&heap_calls);
    void *volatile block = malloc(10);
    assert_int_equal(atomic_load(&heap_calls) - before, 1);
    free(block);
#ifndef SANITIZED /* the thread sanitizer does not report this one */
    block = aligned_alloc(64, 64);
    assert_int_equal(atomic_load(&heap_calls) - before, 2);
    free(block);
#endif
}

/* ---- An allocator that counts and can fail ---- */

typedef struct counter {
    _Atomic long calls, live;
    long fail_at; /* 0: never */
} counter;

static void *counted_alloc(void *self, size_t bytes, size_t align) {
    counter *c = self;
    long call = atomic_fetch_add(&c->calls, 1) + 1;
    if (c->fail_at && call >= c->fail_at) return NULL;
    atomic_fetch_add(&c->live, 1);
    void *block = aligned_alloc(align < 16 ? 16 : align, qn_align_up(bytes, align < 16 ? 16 : align));
    if (block) memset(block, 0xA5, bytes); /* whoever relies on zeros is found out */
    return block;
}

static void counted_free(void *self, void *block) {
    if (block) atomic_fetch_sub(&((counter *)self)->live, 1);
    free(block);
}

/* ---- Runs allocate nothing ---- */

/* What a thread that starts late allocates for itself must not be taken for ours. */
typedef struct roll_call {
    _Atomic int present;
    int expected;
} roll_call;

static void answer_roll_call(void *arg, int64_t begin, int64_t end, int worker) {
    roll_call *call = arg;
    (void)worker;
    atomic_fetch_add(&call->present, (int)(end - begin));
    while (atomic_load(&call->present) < call->expected) sched_yield();
}

static void wait_for_threads(const qn_engine *engine) {
    roll_call call = {.expected = engine->executor.thread_count};
    engine->executor.parallel_for(engine->executor.self, call.expected, answer_roll_call, &call);
}

static void count_runs(make_fn make, int threads, int ceiling) {
    counter c = {0};
    qn_allocator allocator = {&c, counted_alloc, counted_free};
    rig r = rig_open(make, ceiling, threads, NULL, &allocator);
    wait_for_threads(r.engine);
    qn_trace *trace;
    assert_ok(qn_trace_create(NULL, &trace));
    assert_ok(qn_context_set_trace(r.context, trace));
    int64_t shape[4] = {1, 20, 20, 3}, small[4] = {1, 9, 20, 3};
    if (make == program_picks) shape[0] = small[0] = 50;
    int rank = make == program_picks ? 1 : 4;
    assert_ok(qn_context_set_input_shape(r.context, 0, rank, shape));
    static float x[1200], y[2 * 4 * 400 * CHANNELS];
    for (size_t i = 0; i < 1200; i++) x[i] = (float)(i % 5);
    qn_tensor input = {.dtype = QN_DTYPE_F32, .rank = rank, .data = x},
              outputs[2] = {{.dtype = QN_DTYPE_F32, .data = y},
                            {.dtype = QN_DTYPE_F32, .data = y + 4 * 400 * CHANNELS}};
    memcpy(input.dims, shape, sizeof shape);
    size_t output_count = qn_model_get_info(r.model)->output_count;
    for (size_t i = 0; i < output_count; i++)
        qn_status_free(qn_context_get_output_shape(r.context, i, &outputs[i].rank, outputs[i].dims));
    int64_t upper = outputs[0].dims[0];
    long heap = atomic_load(&heap_calls), calls = atomic_load(&c.calls);
    for (int i = 0; i < 3; i++) {
        outputs[0].dims[0] = upper;
        qn_status *status = qn_context_run(r.context, &input, 1, outputs, output_count);
        if (status) fail_msg("%s", qn_status_message(status));
    }
    assert_int_equal(atomic_load(&heap_calls) - heap, 0);
    assert_int_equal(atomic_load(&c.calls) - calls, 0);
    /* A smaller shape fits in the block there is; so does the one before. */
    assert_ok(qn_context_set_input_shape(r.context, 0, rank, small));
    assert_ok(qn_context_set_input_shape(r.context, 0, rank, shape));
    assert_int_equal(atomic_load(&heap_calls) - heap, 0);
    assert_int_equal(atomic_load(&c.calls) - calls, 0);
    assert_true(qn_trace_count(trace) > 0);
    qn_trace_destroy(trace);
    rig_close(&r);
    assert_int_equal(atomic_load(&c.live), 0);
}

static void test_runs_allocate_nothing(void **state) {
    (void)state;
    for (int threads = 1; threads <= 3; threads++)
        for (int ceiling = 0; ceiling < 2; ceiling++) {
            count_runs(program_pictures, threads, ceiling);
            count_runs(program_picks, threads, ceiling);
        }
}

static void test_setting_shapes_allocates_the_arena_only(void **state) {
    (void)state;
    counter c = {0};
    qn_allocator allocator = {&c, counted_alloc, counted_free};
    rig r = rig_open(program_pictures, 0, 2, NULL, &allocator);
    long calls = atomic_load(&c.calls), live = atomic_load(&c.live);
    for (int64_t size = 1; size <= 20; size++) {
        assert_ok(qn_context_set_input_shape(r.context, 0, 4, (int64_t[]){1, size, size, 3}));
        assert_true(atomic_load(&c.calls) - calls <= size);
        assert_int_equal(atomic_load(&c.live), live + 1);
    }
    qn_arena_info info;
    qn_context_get_arena(r.context, &info);
    assert_true(info.total_bytes >= info.value_bytes + info.scratch_bytes);
    /* conv and sum live together; y and z are the caller's */
    assert_true(info.value_bytes >= 2 * 20 * 20 * CHANNELS * sizeof(float));
    assert_true(info.value_bytes <= 2 * 20 * 20 * CHANNELS * sizeof(float) + 3 * 64);
    rig_close(&r);
}

/* ---- The n-th allocation fails ---- */

/* Everything that is made from an engine beside a context. */
static qn_status *life_around(rig *r, const qn_allocator *allocator, const qn_tensor *input, qn_tensor *outputs) {
    qn_queue *queue = NULL;
    qn_notifier *notifier = NULL;
    qn_trace *trace = NULL;
    qn_executor pool = {0};
    uint64_t bytes;
    qn_shape shape = {4, {1, 4, 4, 3}};
    qn_pool_options pool_options;
    qn_trace_options trace_options;
    qn_queue_options queue_options;
    qn_pool_options_init(&pool_options);
    qn_trace_options_init(&trace_options);
    qn_queue_options_init(&queue_options);
    pool_options.allocator = trace_options.allocator = allocator;
    pool_options.threads = 2;
    trace_options.events = 100;
    qn_status *status = qn_engine_measure_arena(r->engine, &shape, 1, &bytes);
    if (!status) status = qn_executor_create_pool(&pool_options, &pool);
    if (!status) status = qn_trace_create(&trace_options, &trace);
    if (!status) status = qn_context_set_trace(r->context, trace);
    queue_options.trace = trace;
    if (!status) status = qn_queue_create(r->engine, &queue_options, &queue);
    if (!status) status = qn_notifier_create(r->engine, &notifier);
    if (!status) status = qn_queue_enqueue(queue, r->context, input, 1, outputs, 2);
    if (!status) status = qn_notifier_place(notifier, queue);
    if (!status) status = qn_queue_sync(queue);
    if (!status) status = qn_trace_write_file(trace, "/dev/null/impossible");
    int is_done = status && qn_status_code(status) != QN_OUT_OF_MEMORY; /* the last call cannot succeed */
    if (is_done) qn_status_free(status);
    qn_notifier_destroy(notifier);
    qn_queue_destroy(queue);
    qn_trace_destroy(trace);
    qn_executor_destroy_pool(&pool);
    return is_done ? NULL : status;
}

static qn_status *whole_life(const rig_file *file, const qn_allocator *allocator, const float *x, float *y) {
    rig r = {NULL, NULL, NULL};
    qn_model_options model_options;
    qn_model_options_init(&model_options);
    model_options.allocator = allocator;
    qn_engine_options options;
    qn_engine_options_init(&options);
    options.allocator = allocator;
    options.threads = 2;
    qn_status *status = qn_model_load_memory(file->data, file->size, QN_MEMORY_COPY, &model_options, &r.model);
    if (!status) status = qn_engine_create(r.model, &options, &r.engine);
    if (!status) status = qn_context_create(r.engine, &r.context);
    if (!status) status = qn_context_set_input_shape(r.context, 0, 4, (int64_t[]){1, 4, 4, 3});
    qn_tensor input = {.dtype = QN_DTYPE_F32, .rank = 4, .dims = {1, 4, 4, 3}, .data = (void *)(uintptr_t)x};
    qn_tensor outputs[2] = {
        {.dtype = QN_DTYPE_F32, .rank = 4, .dims = {1, 8, 8, CHANNELS}, .data = y},
        {.dtype = QN_DTYPE_F32, .rank = 3, .dims = {8, 8, CHANNELS}, .data = y + 4 * 16 * CHANNELS}};
    if (!status) status = qn_context_run(r.context, &input, 1, outputs, 2);
    if (!status) status = life_around(&r, allocator, &input, outputs);
    rig_close(&r);
    return status;
}

static void test_every_failed_allocation_is_reported(void **state) {
    (void)state;
    rig_file file = rig_write(program_pictures, 0);
    float *x = make_picture(4, 4, 1), *y = malloc(2 * 4 * 16 * CHANNELS * sizeof *y);
    int succeeded = 0;
    for (long n = 1; !succeeded; n++) {
        counter c = {.fail_at = n};
        qn_allocator allocator = {&c, counted_alloc, counted_free};
        qn_status *status = whole_life(&file, &allocator, x, y);
        succeeded = !status;
        if (status && qn_status_code(status) != QN_OUT_OF_MEMORY)
            fail_msg("allocation %ld: %s", n, qn_status_message(status));
        qn_status_free(status);
        assert_int_equal(atomic_load(&c.live), 0);
        assert_true(n < 1000);
    }
    free(x);
    free(y);
    free(file.data);
}

static void test_a_context_survives_a_failed_growth(void **state) {
    (void)state;
    counter c = {0};
    qn_allocator allocator = {&c, counted_alloc, counted_free};
    rig r = rig_open(program_pictures, 0, 1, NULL, &allocator);
    float *x = make_picture(20, 20, 1);
    free(run_pictures(r.context, 4, 4, x));
    c.fail_at = atomic_load(&c.calls) + 1;
    qn_status *status = qn_context_set_input_shape(r.context, 0, 4, (int64_t[]){1, 20, 20, 3});
    assert_int_equal(qn_status_code(status), QN_OUT_OF_MEMORY);
    qn_status_free(status);
    int rank;
    int64_t dims[QN_MAX_RANK];
    assert_status(qn_context_get_output_shape(r.context, 0, &rank, dims), QN_INVALID_ARGUMENT, "not set");
    c.fail_at = 0;
    free(run_pictures(r.context, 20, 20, x));
    free(x);
    rig_close(&r);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_heap_is_watched),
        cmocka_unit_test(test_runs_allocate_nothing),
        cmocka_unit_test(test_setting_shapes_allocates_the_arena_only),
        cmocka_unit_test(test_every_failed_allocation_is_reported),
        cmocka_unit_test(test_a_context_survives_a_failed_growth),
    };
    return cmocka_run_group_tests_name("runtime/memory", tests, NULL, NULL);
}
