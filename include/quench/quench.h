/* quench/quench.h - everything libquench offers: load a compiled model and run it.
 *
 *     model    what quench/model.h loads: a checked .qn file; immutable
 *     engine   the model bound to this CPU and to threads; shareable
 *     context  one thread's arena; shapes are set here, and runs happen here
 *     queue    runs and other work in order, on a thread of its own
 *     trace    what runs did, as a time line
 */
#ifndef QUENCH_QUENCH_H
#define QUENCH_QUENCH_H

#include "quench/allocator.h"
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
