/* plan/plan.h - from an optimised graph to a program: constants packed, steps in order, memory laid out.
 *
 *   pack.c     constants as the kernels of their steps want them
 *   values.c   which values exist while running, and where
 *   memory.c   liveness, sharing of memory, offsets at the upper bounds of the declared range
 *   plan.c     puts the program together
 */
#ifndef QN_PLAN_PLAN_H
#define QN_PLAN_PLAN_H

#include "ir/graph.h"
#include "model/program.h"

/* Makes the program of `graph` in `arena` (which also holds whatever the program points to; constants that the graph
   borrows from its source file are copied). The graph is consumed: weights in it are packed in place.
   `meta` is the JSON text stored in the file; it is copied. */
qn_status *qn_plan_build(qn_graph *graph, const char *meta, qn_arena *arena, qn_program *out_program) QN_MUST_USE;

#endif
