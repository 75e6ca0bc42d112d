/* pass/narrow_types.h - 64-bit numbers become 32-bit ones throughout (opt_config.type64to32_conversion). */
#ifndef QN_PASS_NARROW_TYPES_H
#define QN_PASS_NARROW_TYPES_H

#include "ir/graph.h"

/* Inputs, constants, and every attribute that names an element type: s64 -> s32, u64 -> u32, f64 -> f32. Where an
   operator gives 64 bits all the same, a cast follows it. Constants that do not fit stop at the ends of their new type,
   and `warn` (NULL: nobody) hears of each. Unlike a pass this changes what the network computes: wherever 32 bits
   overflow. The graph is inferred before and after. */
qn_status *qn_narrow_types(qn_graph *graph, void (*warn)(void *self, const char *message), void *warn_self) QN_MUST_USE;

#endif
