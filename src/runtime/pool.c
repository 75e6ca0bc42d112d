#include "runtime/pool.h"

#include "base/entry.h"
#include "runtime/threads.h"

#include <assert.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <time.h>

enum { CACHE_LINE = 64, CHUNKS_PER_THREAD = 8, SPIN_NS = 60000, SPINS_PER_LOOK = 64 };

/* The state word: how many workers are in the job (16 bits), whether more may join (1 bit), and the job's number. The caller
   of parallel_for is in the job without being counted. For job 5 and three workers:

       5 open, 0 active      the caller has published the job, and woken those that sleep
       5 open, 3 active      each worker joins by adding 1, which fails if the job was closed meanwhile
       5 closed, 2 active    no task is left: the caller closes the job; one worker has left, subtracting 1
       5 closed, 0 active    the last worker is out, and wakes the caller if that sleeps: only now parallel_for returns */
#define ACTIVE_MASK UINT64_C(0xFFFF)
#define OPEN_BIT    (UINT64_C(1) << 16)
#define JOB_STEP    (UINT64_C(1) << 17)

typedef struct worker {
    struct qn_pool *pool;
    int index;
    pthread_t thread;
} worker;

struct qn_pool {
    qn_allocator allocator;
    int thread_count; /* the caller's included */
    uint32_t forks;   /* fork_count when the threads were started */
    worker *workers;  /* thread_count - 1 */

    /* The job; written only while no worker is in one. */
    qn_task_fn fn;
    void *arg;
    int64_t tasks, chunk;

    pthread_mutex_t mutex; /* for sleeping only */
    pthread_cond_t wake, done;

    _Alignas(CACHE_LINE) atomic_flag busy;
    _Alignas(CACHE_LINE) _Atomic uint64_t state;
    _Alignas(CACHE_LINE) _Atomic int64_t next; /* first task that nobody has taken */
    _Alignas(CACHE_LINE) _Atomic int sleepers;
    _Atomic int caller_sleeps, stop;
};

/* ---- Fork ---- */

static _Atomic uint32_t fork_count; /* forks between this process and the one that loaded quench */

static void count_fork(void) { atomic_fetch_add(&fork_count, 1); }

static void watch_forks(void) { (void)pthread_atfork(NULL, NULL, count_fork); }

uint32_t qn_forks(void) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, watch_forks);
    return atomic_load_explicit(&fork_count, memory_order_relaxed);
}

/* ---- Spinning ---- */

static void relax(void) {
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

static int64_t now_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* ---- Workers ---- */

static void run_chunks(qn_pool *pool, int index) {
    for (;;) {
        int64_t begin = atomic_fetch_add_explicit(&pool->next, pool->chunk, memory_order_relaxed);
        if (begin >= pool->tasks) return;
        int64_t left = pool->tasks - begin;
        pool->fn(pool->arg, begin, begin + (left < pool->chunk ? left : pool->chunk), index);
    }
}

static int is_news(uint64_t state, uint64_t last_job) { return (state & OPEN_BIT) && state / JOB_STEP != last_job; }

/* Waits for an open job other than `last_job`. Returns 0 when the pool ends. */
static int wait_for_job(qn_pool *pool, uint64_t last_job) {
    int64_t deadline = now_ns() + SPIN_NS;
    do {
        for (int i = 0; i < SPINS_PER_LOOK; i++) {
            if (is_news(atomic_load_explicit(&pool->state, memory_order_relaxed), last_job)) return 1;
            relax();
        }
    } while (now_ns() < deadline);
    pthread_mutex_lock(&pool->mutex);
    atomic_fetch_add(&pool->sleepers, 1);
    while (!atomic_load(&pool->stop) && !is_news(atomic_load(&pool->state), last_job))
        pthread_cond_wait(&pool->wake, &pool->mutex);
    atomic_fetch_sub(&pool->sleepers, 1);
    pthread_mutex_unlock(&pool->mutex);
    return !atomic_load(&pool->stop);
}

/* Leaves the job. The last worker to leave a closed job wakes the caller, if that sleeps. */
static void leave_job(qn_pool *pool) {
    uint64_t before = atomic_fetch_sub(&pool->state, 1);
    assert(before & ACTIVE_MASK);
    if ((before & OPEN_BIT) || (before & ACTIVE_MASK) != 1 || !atomic_load(&pool->caller_sleeps)) return;
    pthread_mutex_lock(&pool->mutex);
    pthread_cond_signal(&pool->done);
    pthread_mutex_unlock(&pool->mutex);
}

static void *worker_main(void *arg) {
    QN_ENTER();
    worker *self = arg;
    qn_pool *pool = self->pool;
    uint64_t last_job = 0;
    while (wait_for_job(pool, last_job)) {
        uint64_t state = atomic_load(&pool->state);
        while (is_news(state, last_job)) {
            if (!atomic_compare_exchange_weak(&pool->state, &state, state + 1)) continue;
            last_job = state / JOB_STEP;
            run_chunks(pool, self->index);
            leave_job(pool);
            break;
        }
    }
    return NULL;
}

/* ---- The caller's side ---- */

static void wait_for_workers(qn_pool *pool) {
    for (int i = 0; i < 16 * SPINS_PER_LOOK; i++) {
        if (!(atomic_load(&pool->state) & ACTIVE_MASK)) return;
        relax();
    }
    pthread_mutex_lock(&pool->mutex);
    atomic_store(&pool->caller_sleeps, 1);
    while (atomic_load(&pool->state) & ACTIVE_MASK) pthread_cond_wait(&pool->done, &pool->mutex);
    atomic_store(&pool->caller_sleeps, 0);
    pthread_mutex_unlock(&pool->mutex);
}

static void run_job(qn_pool *pool, int64_t tasks, qn_task_fn fn, void *arg) {
    int64_t chunk = tasks / ((int64_t)pool->thread_count * CHUNKS_PER_THREAD);
    assert(!(atomic_load(&pool->state) & (ACTIVE_MASK | OPEN_BIT))); /* nobody reads the job that is written here */
    pool->fn = fn;
    pool->arg = arg;
    pool->tasks = tasks;
    pool->chunk = chunk > 0 ? chunk : 1;
    atomic_store_explicit(&pool->next, 0, memory_order_relaxed);
    uint64_t job = atomic_load_explicit(&pool->state, memory_order_relaxed) / JOB_STEP + 1;
    atomic_store(&pool->state, job * JOB_STEP | OPEN_BIT);
    if (atomic_load(&pool->sleepers) > 0) {
        pthread_mutex_lock(&pool->mutex);
        pthread_cond_broadcast(&pool->wake);
        pthread_mutex_unlock(&pool->mutex);
    }
    run_chunks(pool, 0);
    atomic_fetch_and(&pool->state, ~OPEN_BIT);
    wait_for_workers(pool);
}

static void parallel_for(void *self, int64_t tasks, qn_task_fn fn, void *arg) {
    QN_ENTER();
    qn_pool *pool = self;
    if (tasks <= 0) return;
    if (tasks == 1 || pool->thread_count == 1 ||
        pool->forks != atomic_load_explicit(&fork_count, memory_order_relaxed) ||
        atomic_flag_test_and_set_explicit(&pool->busy, memory_order_acquire)) {
        fn(arg, 0, tasks, 0);
        return;
    }
    run_job(pool, tasks, fn, arg);
    atomic_flag_clear_explicit(&pool->busy, memory_order_release);
}

/* ---- Life ---- */

int qn_thread_start(pthread_t *out_thread, void *(*start)(void *), void *arg) {
    sigset_t all, old;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    int failed = pthread_create(out_thread, NULL, start, arg);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    return !failed;
}

qn_pool *qn_pool_create(const qn_allocator *allocator, int threads) {
    assert(threads >= 1 && (uint64_t)threads <= ACTIVE_MASK);
    qn_pool *pool = qn_alloc_zeroed(allocator, 1, sizeof *pool, CACHE_LINE);
    if (!pool) return NULL;
    pool->allocator = *allocator;
    pool->thread_count = 1;
    pool->forks = qn_forks();
    atomic_flag_clear(&pool->busy);
    pthread_mutex_init(&pool->mutex, NULL);
    pthread_cond_init(&pool->wake, NULL);
    pthread_cond_init(&pool->done, NULL);
    pool->workers = qn_alloc_zeroed(allocator, (size_t)threads, sizeof *pool->workers, _Alignof(worker));
    if (!pool->workers) {
        qn_pool_destroy(pool);
        return NULL;
    }
    /* Workers never read thread_count, so it may grow while the first of them run. */
    while (pool->thread_count < threads) {
        worker *fresh = &pool->workers[pool->thread_count - 1];
        *fresh = (worker){.pool = pool, .index = pool->thread_count};
        if (!qn_thread_start(&fresh->thread, worker_main, fresh)) break;
        pool->thread_count++;
    }
    return pool;
}

void qn_pool_destroy(qn_pool *pool) {
    if (!pool) return;
    qn_allocator allocator = pool->allocator;
    if (pool->forks == qn_forks()) { /* in a forked child there is nobody to end */
        pthread_mutex_lock(&pool->mutex);
        atomic_store(&pool->stop, 1);
        pthread_cond_broadcast(&pool->wake);
        pthread_mutex_unlock(&pool->mutex);
        for (int i = 0; i + 1 < pool->thread_count; i++) pthread_join(pool->workers[i].thread, NULL);
        pthread_cond_destroy(&pool->done);
        pthread_cond_destroy(&pool->wake);
        pthread_mutex_destroy(&pool->mutex);
    }
    qn_free(&allocator, pool->workers);
    qn_free(&allocator, pool);
}

qn_executor qn_pool_executor(qn_pool *pool) {
    return (qn_executor){.self = pool, .thread_count = pool->thread_count, .parallel_for = parallel_for};
}

int qn_pool_pin(qn_pool *pool) {
    enum { SETS = 64 };
    cpu_set_t usable[SETS], one[SETS];
    CPU_ZERO_S(sizeof usable, usable);
    if (sched_getaffinity(0, sizeof usable, usable)) return 0;
    int cpus[SETS * CPU_SETSIZE / 64], count = 0, bound = 0;
    for (int cpu = 0; cpu < SETS * CPU_SETSIZE && count < (int)(sizeof cpus / sizeof *cpus); cpu++)
        if (CPU_ISSET_S(cpu, sizeof usable, usable)) cpus[count++] = cpu;
    for (int i = 0; count && i + 1 < pool->thread_count; i++) {
        CPU_ZERO_S(sizeof one, one);
        CPU_SET_S(cpus[(i + 1) % count], sizeof one, one);
        bound += !pthread_setaffinity_np(pool->workers[i].thread, sizeof one, one);
    }
    return bound;
}

/* ---- For the public ---- */

void qn_pool_options_init(qn_pool_options *options) {
    if (!options) return;
    *options = (qn_pool_options){.size = sizeof *options};
}

qn_status *qn_pool_start(const qn_allocator *allocator, int threads, int pin, const qn_log *log, qn_pool **out_pool) {
    *out_pool = NULL;
    QN_TRY(qn_threads_choose(threads, log, &threads));
    qn_pool *pool = qn_pool_create(allocator, threads);
    if (!pool) return qn_status_out_of_memory();
    if (pool->thread_count < threads)
        qn_log_line(log, QN_LOG_WARNING, "the system grants %d of %d threads; runs will use those", pool->thread_count,
                    threads);
    if (pin) {
        int bound = qn_pool_pin(pool);
        int is_complete = bound == pool->thread_count - 1;
        qn_log_line(log, is_complete ? QN_LOG_INFO : QN_LOG_WARNING, "%d of %d threads bound to a CPU each", bound,
                    pool->thread_count - 1);
    }
    *out_pool = pool;
    return NULL;
}

qn_status *qn_executor_create_pool(const qn_pool_options *options, qn_executor *out_executor) {
    QN_ENTER();
    QN_REQUIRE_ARG(out_executor);
    *out_executor = (qn_executor){0};
    qn_pool_options defaults;
    qn_pool_options_init(&defaults);
    if (!options) options = &defaults;
    if (options->size != sizeof *options)
        return QN_ERR(QN_INVALID_ARGUMENT, "pool options of size %zu, expected %zu: call qn_pool_options_init() first",
                      options->size, sizeof *options);
    qn_pool *pool;
    QN_TRY(qn_pool_start(qn_allocator_or_default(options->allocator), options->threads, options->pin, options->log,
                         &pool));
    *out_executor = qn_pool_executor(pool);
    return NULL;
}

void qn_executor_destroy_pool(qn_executor *executor) {
    if (!executor || executor->parallel_for != parallel_for) return;
    qn_pool_destroy(executor->self);
    *executor = (qn_executor){.self = NULL};
}
