/* runtime/pool.h - the thread pool behind an engine's executor.
 *
 * Persistent threads take chunks of tasks from one counter. A thread without work spins for a moment, since the next
 * step of a run follows soon, then sleeps. One job runs at a time; whoever comes while one is running, or from inside
 * one, runs its tasks on its own thread. So does a forked child, which has none of the parent's threads.
 */
#ifndef QN_RUNTIME_POOL_H
#define QN_RUNTIME_POOL_H

#include <pthread.h>

#include "base/memory.h"
#include "base/status.h"
#include "quench/executor.h"

typedef struct qn_pool qn_pool;

/* `threads` counts the caller of parallel_for: threads - 1 are started. Those that the system refuses are left out.
   The allocator is copied. NULL on exhaustion of memory. */
qn_pool *qn_pool_create(const qn_allocator *allocator, int threads);
/* Binds thread i, the caller's being 0 and left alone, to the i-th CPU that this thread may use, round and round.
   Returns how many are bound. */
int qn_pool_pin(qn_pool *pool);
/* As many threads as qn_threads_choose() says, told to `log`; bound to CPUs if `pin`.
   INVALID_ARGUMENT: their number; OUT_OF_MEMORY. */
qn_status *qn_pool_start(const qn_allocator *allocator, int threads, int pin, const qn_log *log,
                         qn_pool **out_pool) QN_MUST_USE;
/* No job may be running. Accepts NULL. */
void qn_pool_destroy(qn_pool *pool);

/* The executor over the pool; thread_count is what was got. */
qn_executor qn_pool_executor(qn_pool *pool);

/* How often this process and those it comes from have forked since the first pool or queue: who has started threads
   and finds another number now is in a child that lacks them. */
uint32_t qn_forks(void);
/* Starts a thread that gets no signals: these are for the host program's own threads. 0 on failure. */
int qn_thread_start(pthread_t *out_thread, void *(*start)(void *), void *arg);

#endif
