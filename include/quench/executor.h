/* quench/executor.h - who runs tasks on several threads.
 *
 * An engine has a thread pool of its own unless the caller gives an executor: one that feeds the thread pool the
 * program has anyway, or a pool of quench's that several engines share:
 *
 *     qn_executor pool;
 *     qn_status *status = qn_executor_create_pool(NULL, &pool);
 *     options.executor = &pool;                          ... for every engine that is to share it ...
 *     qn_executor_destroy_pool(&pool);                   after the engines and their contexts
 *
 * Results do not depend on the executor or its number of threads, only speed does.
 */
#ifndef QUENCH_EXECUTOR_H
#define QUENCH_EXECUTOR_H

#include <stddef.h>
#include <stdint.h>

#include "quench/allocator.h"
#include "quench/log.h"
#include "quench/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Runs tasks [begin, end). `worker` names the thread within this parallel_for: 0 <= worker < thread_count, and no
   two calls that run at the same moment share it. */
typedef void (*qn_task_fn)(void *arg, int64_t begin, int64_t end, int worker);

typedef struct qn_executor {
    void *self;
    int thread_count; /* >= 1; constant while any object uses the executor */
    /* Calls `fn` so that every task in [0, tasks) is run exactly once, in ranges and on threads of the executor's
       choosing, and returns when all are done. What the tasks wrote is then visible to the caller.
       Must be callable from several threads at once and must not fail: where no other thread is to be had it runs
       everything itself. tasks >= 0. */
    void (*parallel_for)(void *self, int64_t tasks, qn_task_fn fn, void *arg);
} qn_executor;

typedef struct qn_pool_options {
    size_t size; /* sizeof(qn_pool_options), set by qn_pool_options_init */
    /* Threads that work on one parallel_for, the calling one included, as qn_engine_options.threads: default 0 for
       QUENCH_THREADS, or as many as this process may use. */
    int threads;
    int pin;                       /* as qn_engine_options.pin */
    const qn_allocator *allocator; /* default NULL: the C library's heap. Copied; `self` must outlive the pool */
    const qn_log *log;             /* default NULL: remarks are dropped. Used during creation only */
} qn_pool_options;

/* Sets every option to its default. */
QN_API void qn_pool_options_init(qn_pool_options *options);

/* Starts a thread pool.
 * @param options       NULL for the defaults
 * @param out_executor  on success the pool, freed by qn_executor_destroy_pool(); else zeroed
 * returns    INVALID_ARGUMENT: an option or QUENCH_THREADS out of range; OUT_OF_MEMORY. Threads that cannot be created
 *            are no error: thread_count is what there is, and the log says so
 * threads    any thread. One run at a time has the pool's threads; runs that come meanwhile use their own
 */
QN_API qn_status *qn_executor_create_pool(const qn_pool_options *options, qn_executor *out_executor) QN_MUST_USE;

/* Ends the pool's threads and zeroes *executor. No engine or context may use it any more. Accepts NULL, a zeroed
   struct, and executors of the caller's, which it leaves alone. */
QN_API void qn_executor_destroy_pool(qn_executor *executor);

#ifdef __cplusplus
}
#endif
#endif
