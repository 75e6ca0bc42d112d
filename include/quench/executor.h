/* quench/executor.h - who runs tasks on several threads.
 *
 * An engine has a thread pool of its own unless the caller gives an executor, for example one that feeds the thread
 * pool the program has anyway. Results do not depend on the executor or its number of threads, only speed does.
 */
#ifndef QUENCH_EXECUTOR_H
#define QUENCH_EXECUTOR_H

#include <stdint.h>

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

#ifdef __cplusplus
}
#endif
#endif
