/* driver/shapes/ranges.h - the declared range of the inputs: what the configuration says about their dims. */
#ifndef QN_DRIVER_SHAPES_RANGES_H
#define QN_DRIVER_SHAPES_RANGES_H

#include "driver/config/config.h"
#include "driver/shapes/mutable.h"

/* Applies graph_shape_mutable (fixed dims become free where the graph lets them, driver/shapes/mutable.h) and then dim_range
   to a freshly imported graph, and infers it again. `out_pins`: the dims that stayed fixed because of the graph. `log`
   (NULL: none) hears of a range that the graph cuts short. INVALID_ARGUMENT: no such input, another rank, a fixed dim
   whose size the range does not hold, a range for a dim that the graph pins (naming what pins it), a dim that the
   network bounds outside the range, or graph_shape_mutable false while a dim is free. On failure the graph may only be
   destroyed. */
qn_status *qn_ranges_apply(qn_graph *graph, const qn_config *config, const qn_log *log, qn_pins *out_pins) QN_MUST_USE;

/* Does the configuration give a dim_range for this input? */
int qn_ranges_has(const qn_config *config, size_t input);

#endif
