/* driver/ranges.h - the declared range of the inputs: what the configuration says about their dims. */
#ifndef QN_DRIVER_RANGES_H
#define QN_DRIVER_RANGES_H

#include "driver/config.h"
#include "ir/graph.h"

/* Applies dim_range and graph_shape_mutable to a freshly imported graph, then infers it again.
   INVALID_ARGUMENT: no such input, another rank, a fixed dim whose size the range does not hold, a dim that the network bounds outside
   the range, or graph_shape_mutable false while a dim is free. */
qn_status *qn_ranges_apply(qn_graph *graph, const qn_config *config) QN_MUST_USE;

#endif
