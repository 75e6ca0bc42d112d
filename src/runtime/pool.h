/* runtime/pool.h - the thread pool behind an engine's executor.
 *
 * Persistent threads take chunks of tasks from one counter. A thread without work spins for a moment, since the next
 * step of a run follows soon, then sleeps. One job runs at a time; whoever comes while one is running, or from inside
 * one, runs its tasks on its own thread. So does a forked child, which has none of the parent's threads.
 */
#ifndef QN_RUNTIME_POOL_H
#define QN_RUNTIME_POOL_H

#include "base/memory.h"
#include "quench/executor.h"

typedef struct qn_pool qn_pool;

/* `threads` counts the caller of parallel_for: threads - 1 are started. Those that the system refuses are left out.
   NULL on exhaustion of memory. */
qn_pool *qn_pool_create(const qn_allocator *allocator, int threads);
/* No job may be running. Accepts NULL. */
void qn_pool_destroy(qn_pool *pool);

/* The executor over the pool; thread_count is what was got. */
qn_executor qn_pool_executor(qn_pool *pool);

#endif
