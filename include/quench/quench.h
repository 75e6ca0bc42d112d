/* quench/quench.h - everything libquench offers: load a compiled model and run it.
 *
 *     model    what quench/model.h loads: a checked .qn file; immutable
 *     engine   the model bound to this CPU and to threads; shareable
 *     context  one thread's arena; shapes are set here, and runs happen here
 *     queue    runs and other work in order, on a thread of its own
 *     trace    what runs did, as a time line
 *     bench    how fast runs are
 *
 * Pointers that must be given answer INVALID_ARGUMENT, with the argument's name, where they are NULL; functions that
 * return no status then do nothing and return NULL or 0. What may be NULL says so.
 *
 * Floating point: results do not depend on the state of the calling thread. Every call computes with rounding to nearest,
 * subnormals and no traps, and leaves the thread's rounding mode, flushing, traps and exception flags as they were.
 * Functions of the caller that quench calls (logs, observers, samples, progress, functions on queues, tasks of pools)
 * find that same state, on the caller's threads as on those of quench, and leave it as they find it; allocators may be
 * called in either.
 * The same input gives the same bits on every CPU and for every number of threads, with one exception: which NaN an
 * arithmetic operation makes, its sign and payload, is the CPU's choice.
 */
#ifndef QUENCH_QUENCH_H
#define QUENCH_QUENCH_H

#include "quench/allocator.h"
#include "quench/bench.h"
#include "quench/context.h"
#include "quench/cpu.h"
#include "quench/engine.h"
#include "quench/executor.h"
#include "quench/log.h"
#include "quench/model.h"
#include "quench/queue.h"
#include "quench/status.h"
#include "quench/tensor.h"
#include "quench/text.h"
#include "quench/trace.h"

#endif
