/* The thread pool: every task once, whoever asks, whatever the system grants. */
#include "rig.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runtime/pool.h"

enum { TASKS_MAX = 5000, WORKERS_MAX = 8 };

typedef struct job {
    _Atomic int done[TASKS_MAX];
    _Atomic int inside[WORKERS_MAX]; /* is a thread of that number at work? */
    _Atomic int clashes;
    int64_t plain[TASKS_MAX]; /* written without atomics: visible afterwards, or a race that TSan reports */
    const qn_executor *nested;
} job;

static void run_tasks(void *arg, int64_t begin, int64_t end, int worker) {
    job *j = arg;
    if (worker < 0 || worker >= WORKERS_MAX || atomic_fetch_add(&j->inside[worker], 1))
        atomic_fetch_add(&j->clashes, 1);
    for (int64_t i = begin; i < end; i++) {
        atomic_fetch_add(&j->done[i], 1);
        j->plain[i] = i * i;
    }
    atomic_fetch_sub(&j->inside[worker], 1);
}

static void check_job(job *j, int64_t tasks) {
    assert_int_equal(atomic_load(&j->clashes), 0);
    for (int64_t i = 0; i < TASKS_MAX; i++) {
        assert_int_equal(atomic_load(&j->done[i]), i < tasks);
        if (i < tasks) assert_int_equal(j->plain[i], i * i);
    }
}

static void run_job(const qn_executor *executor, int64_t tasks) {
    job *j = calloc(1, sizeof *j);
    executor->parallel_for(executor->self, tasks, run_tasks, j);
    check_job(j, tasks);
    free(j);
}

static void test_every_task_runs_once(void **state) {
    (void)state;
    for (int threads = 1; threads <= 4; threads++) {
        qn_pool *pool = qn_pool_create(qn_allocator_default(), threads);
        qn_executor executor = qn_pool_executor(pool);
        assert_int_equal(executor.thread_count, threads);
        static const int64_t sizes[] = {0, 1, 2, 3, 7, 64, 1000, TASKS_MAX};
        for (int round = 0; round < 20; round++)
            for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) run_job(&executor, sizes[i]);
        qn_pool_destroy(pool);
    }
    qn_pool_destroy(NULL);
}

static void test_sleeping_threads_wake(void **state) {
    (void)state;
    qn_pool *pool = qn_pool_create(qn_allocator_default(), 3);
    qn_executor executor = qn_pool_executor(pool);
    for (int i = 0; i < 20; i++) {
        usleep(1000); /* longer than they spin */
        run_job(&executor, 100);
    }
    qn_pool_destroy(pool);
}

static void *run_jobs(void *arg) {
    for (int i = 0; i < 50; i++) run_job(arg, 333);
    return NULL;
}

static void test_several_callers_at_once_are_served(void **state) {
    (void)state;
    qn_pool *pool = qn_pool_create(qn_allocator_default(), 3);
    qn_executor executor = qn_pool_executor(pool);
    pthread_t threads[4];
    for (int i = 0; i < 4; i++) assert_int_equal(pthread_create(&threads[i], NULL, run_jobs, &executor), 0);
    for (int i = 0; i < 4; i++) pthread_join(threads[i], NULL);
    qn_pool_destroy(pool);
}

static void run_nested(void *arg, int64_t begin, int64_t end, int worker) {
    job *j = arg;
    (void)worker;
    for (int64_t i = begin; i < end; i++) {
        job *inner = calloc(1, sizeof *inner);
        j->nested->parallel_for(j->nested->self, 10, run_tasks, inner);
        for (int k = 0; k < 10; k++)
            if (atomic_load(&inner->done[k]) != 1) atomic_fetch_add(&j->clashes, 1);
        free(inner);
        atomic_fetch_add(&j->done[i], 1);
    }
}

static void test_a_task_may_ask_again(void **state) {
    (void)state;
    qn_pool *pool = qn_pool_create(qn_allocator_default(), 3);
    qn_executor executor = qn_pool_executor(pool);
    job *j = calloc(1, sizeof *j);
    j->nested = &executor;
    executor.parallel_for(executor.self, 40, run_nested, j);
    assert_int_equal(atomic_load(&j->clashes), 0);
    for (int i = 0; i < 40; i++) assert_int_equal(atomic_load(&j->done[i]), 1);
    free(j);
    qn_pool_destroy(pool);
}

static void test_a_forked_child_goes_on_alone(void **state) {
    (void)state;
    qn_pool *pool = qn_pool_create(qn_allocator_default(), 3);
    qn_executor executor = qn_pool_executor(pool);
    run_job(&executor, 500);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        alarm(20);
        run_job(&executor, 500);
        qn_pool_destroy(pool);
        pool = qn_pool_create(qn_allocator_default(), 1); /* a pool of its own */
        executor = qn_pool_executor(pool);
        run_job(&executor, 500);
        qn_pool_destroy(pool);
        _exit(7);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 7);
    run_job(&executor, 500);
    qn_pool_destroy(pool);
}

/* ---- A system that grants few threads ---- */

static _Atomic int threads_left = 1000;

int pthread_create(pthread_t *restrict thread, const pthread_attr_t *restrict attr, void *(*start)(void *),
                   void *restrict arg) {
    static int (*real)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);
    if (!real) *(void **)&real = dlsym(RTLD_NEXT, "pthread_create");
    if (atomic_fetch_sub(&threads_left, 1) <= 0) return 11; /* EAGAIN */
    return real(thread, attr, start, arg);
}

static void test_threads_that_are_refused_are_done_without(void **state) {
    (void)state;
    for (int granted = 0; granted < 3; granted++) {
        atomic_store(&threads_left, granted);
        qn_pool *pool = qn_pool_create(qn_allocator_default(), 4);
        atomic_store(&threads_left, 1000);
        qn_executor executor = qn_pool_executor(pool);
        assert_int_equal(executor.thread_count, granted + 1);
        run_job(&executor, 777);
        qn_pool_destroy(pool);
    }
}

static char logged[128];

static void keep_text(void *self, qn_log_level level, const char *text) {
    (void)self;
    if (level == QN_LOG_WARNING) strncat(logged, text, sizeof logged - 1);
}

static void test_an_engine_says_that_it_got_fewer_threads(void **state) {
    (void)state;
    rig_file file = rig_write(program_pictures, 1);
    qn_model *model;
    qn_engine *engine;
    assert_ok(qn_model_load_memory(file.data, file.size, QN_MEMORY_BORROW, NULL, &model));
    qn_log log = {NULL, keep_text};
    qn_engine_options options;
    qn_engine_options_init(&options);
    options.threads = 4;
    options.log = &log;
    atomic_store(&threads_left, 1);
    assert_ok(qn_engine_create(model, &options, &engine));
    atomic_store(&threads_left, 1000);
    assert_int_equal(qn_engine_threads(engine), 2);
    assert_non_null(strstr(logged, "2 of 4 threads"));
    qn_engine_destroy(engine);
    qn_model_destroy(model);
    free(file.data);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_task_runs_once),
        cmocka_unit_test(test_sleeping_threads_wake),
        cmocka_unit_test(test_several_callers_at_once_are_served),
        cmocka_unit_test(test_a_task_may_ask_again),
        cmocka_unit_test(test_a_forked_child_goes_on_alone),
        cmocka_unit_test(test_threads_that_are_refused_are_done_without),
        cmocka_unit_test(test_an_engine_says_that_it_got_fewer_threads),
    };
    return cmocka_run_group_tests_name("runtime/pool", tests, NULL, NULL);
}
