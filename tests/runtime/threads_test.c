/* How many threads, on which CPUs, shared by whom, and that it is told. */
#include "rig.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cpu/threads.h"
#include "runtime/internal.h"

enum { CHANNELS = 20 };

static char logged[512];

static void keep_text(void *self, qn_log_level level, const char *text) {
    (void)self;
    (void)level;
    strncat(logged, text, sizeof logged - strlen(logged) - 1);
}

static qn_model *open_model(void) {
    qn_model *model;
    rig_file file = rig_write(program_pictures, 1);
    assert_ok(qn_model_load_memory(file.data, file.size, QN_MEMORY_COPY, NULL, &model));
    free(file.data);
    return model;
}

/* The threads of an engine made with these options; what it says is in `logged`. */
static int count_threads(int threads, int pin) {
    static const qn_log log = {NULL, keep_text};
    qn_model *model = open_model();
    qn_engine *engine;
    qn_engine_options options;
    qn_engine_options_init(&options);
    options.threads = threads;
    options.pin = pin;
    options.log = &log;
    logged[0] = 0;
    assert_ok(qn_engine_create(model, &options, &engine));
    int count = qn_engine_threads(engine);
    qn_engine_destroy(engine);
    qn_model_destroy(model);
    return count;
}

static void test_the_environment_counts_where_nothing_is_asked_for(void **state) {
    (void)state;
    setenv("QUENCH_THREADS", "5", 1);
    assert_int_equal(count_threads(0, 0), 5);
    assert_non_null(strstr(logged, "5 threads, from the environment variable QUENCH_THREADS"));
    assert_int_equal(qn_cpu_get_threads().asked, 5);
    assert_int_equal(count_threads(2, 0), 2); /* the option wins */
    assert_non_null(strstr(logged, "2 threads, as asked for"));
    setenv("QUENCH_THREADS", "", 1);
    qn_cpu_threads found = qn_cpu_threads_find();
    assert_int_equal(count_threads(0, 0), found.usable);
    assert_non_null(strstr(logged, "in the affinity mask"));
    unsetenv("QUENCH_THREADS");
    assert_int_equal(count_threads(0, 0), found.usable);
    assert_int_equal(qn_cpu_get_threads().asked, 0);
}

static void test_nonsense_in_the_environment_is_refused(void **state) {
    (void)state;
    static const char *const wrong[] = {"0", "-1", "two", "2x", " 2", "1025", "99999999999999999999", "+3"};
    qn_model *model = open_model();
    qn_engine *engine;
    qn_executor pool;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        setenv("QUENCH_THREADS", wrong[i], 1);
        assert_status(qn_engine_create(model, NULL, &engine), QN_INVALID_ARGUMENT, "QUENCH_THREADS");
        assert_null(engine);
        assert_status(qn_executor_create_pool(NULL, &pool), QN_INVALID_ARGUMENT, wrong[i]);
    }
    unsetenv("QUENCH_THREADS");
    qn_model_destroy(model);
}

/* ---- Binding to CPUs ---- */

typedef struct places {
    _Atomic int present;
    int expected;
    int cpus[8]; /* per worker: how many CPUs it may use */
} places;

static void note_place(void *arg, int64_t begin, int64_t end, int worker) {
    places *p = arg;
    cpu_set_t set;
    (void)begin, (void)end;
    assert_int_equal(sched_getaffinity(0, sizeof set, &set), 0);
    p->cpus[worker] = CPU_COUNT(&set);
    atomic_fetch_add(&p->present, 1);
    while (atomic_load(&p->present) < p->expected) sched_yield(); /* so that every thread comes */
}

static void find_places(int pin, places *out) {
    qn_executor pool;
    qn_pool_options options;
    qn_pool_options_init(&options);
    options.threads = out->expected;
    options.pin = pin;
    assert_ok(qn_executor_create_pool(&options, &pool));
    pool.parallel_for(pool.self, out->expected, note_place, out);
    qn_executor_destroy_pool(&pool);
    assert_null(pool.self);
}

static void test_threads_are_bound_to_cpus_only_when_asked(void **state) {
    (void)state;
    int usable = qn_cpu_threads_find().affinity;
    places free_ones = {.expected = 3}, bound = {.expected = 3};
    find_places(0, &free_ones);
    find_places(1, &bound);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(free_ones.cpus[i], usable);
        assert_int_equal(bound.cpus[i], i ? 1 : usable); /* 0 is the caller */
    }
    count_threads(3, 1);
    assert_non_null(strstr(logged, "2 of 2 threads bound"));
}

/* ---- One pool for several engines ---- */

typedef struct user {
    qn_engine *engine;
    int is_right;
} user;

static void *use_engine(void *arg) {
    user *u = arg;
    qn_context *context;
    assert_ok(qn_context_create(u->engine, &context));
    float *x = make_picture(20, 16, 4), *first = run_pictures(context, 20, 16, x);
    u->is_right = 1;
    for (int i = 0; i < 20; i++) {
        float *y = run_pictures(context, 20, 16, x);
        u->is_right &= !memcmp(y, first, 2 * 4 * 320 * CHANNELS * sizeof *y);
        free(y);
    }
    free(first);
    free(x);
    qn_context_destroy(context);
    return NULL;
}

static void test_engines_share_a_pool(void **state) {
    (void)state;
    enum { ENGINES = 3 };
    qn_executor pool;
    qn_pool_options pool_options;
    qn_pool_options_init(&pool_options);
    pool_options.threads = 3;
    assert_ok(qn_executor_create_pool(&pool_options, &pool));
    assert_int_equal(pool.thread_count, 3);
    qn_model *model = open_model();
    user users[ENGINES];
    pthread_t threads[ENGINES];
    qn_engine_options options;
    qn_engine_options_init(&options);
    options.executor = &pool;
    options.threads = 7; /* of no account */
    for (int i = 0; i < ENGINES; i++) {
        assert_ok(qn_engine_create(model, &options, &users[i].engine));
        assert_int_equal(qn_engine_threads(users[i].engine), 3);
    }
    for (int i = 0; i < ENGINES; i++) assert_int_equal(pthread_create(&threads[i], NULL, use_engine, &users[i]), 0);
    for (int i = 0; i < ENGINES; i++) {
        pthread_join(threads[i], NULL);
        assert_true(users[i].is_right);
        qn_engine_destroy(users[i].engine);
    }
    qn_model_destroy(model);
    qn_executor_destroy_pool(&pool);
    qn_executor_destroy_pool(&pool); /* zeroed: nothing to do */
    qn_executor_destroy_pool(NULL);
}

static void test_wrong_pool_options_are_refused(void **state) {
    (void)state;
    qn_executor pool;
    qn_pool_options options;
    qn_pool_options_init(&options);
    options.threads = 1025;
    assert_status(qn_executor_create_pool(&options, &pool), QN_INVALID_ARGUMENT, "1025 threads");
    assert_null(pool.self);
    options.size = 0;
    assert_status(qn_executor_create_pool(&options, &pool), QN_INVALID_ARGUMENT, "qn_pool_options_init");
}

/* ---- Forks ---- */

static void test_a_forked_child_runs_on_and_starts_engines_of_its_own(void **state) {
    (void)state;
    rig r = rig_open(program_pictures, 1, 3, NULL, NULL);
    float *x = make_picture(20, 16, 4), *expected = run_pictures(r.context, 20, 16, x);
    size_t bytes = 2 * 4 * 320 * CHANNELS * sizeof(float);
    int status;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        alarm(30);
        float *y = run_pictures(r.context, 20, 16, x);
        int is_right = !memcmp(y, expected, bytes);
        rig_close(&r);
        r = rig_open(program_pictures, 1, CHILD_STARTS_THREADS ? 3 : 1, NULL, NULL);
        free(y);
        y = run_pictures(r.context, 20, 16, x);
        is_right &= !memcmp(y, expected, bytes);
        rig_close(&r);
        _exit(is_right ? 7 : 1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 7);
    float *y = run_pictures(r.context, 20, 16, x);
    assert_memory_equal(y, expected, bytes);
    free(x), free(y), free(expected);
    rig_close(&r);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_environment_counts_where_nothing_is_asked_for),
        cmocka_unit_test(test_nonsense_in_the_environment_is_refused),
        cmocka_unit_test(test_threads_are_bound_to_cpus_only_when_asked),
        cmocka_unit_test(test_engines_share_a_pool),
        cmocka_unit_test(test_wrong_pool_options_are_refused),
        cmocka_unit_test(test_a_forked_child_runs_on_and_starts_engines_of_its_own),
    };
    return cmocka_run_group_tests_name("runtime/threads", tests, NULL, NULL);
}
