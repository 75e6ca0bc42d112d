/* quant/grid.h - grids that the source chose: fake quantisation of a trained network, and weights stored as integers.
 *
 * Such a network was trained with, or converted to, just these scales. Integers that keep them change nothing any more,
 * and nothing has to be calibrated. A grid stands in the stats of its value (ir/graph.h); those of weights are put
 * there when constants are folded, those of activations by qn_grids_mark(). Wider ones than 8 bits are left alone.
 */
#ifndef QN_QUANT_GRID_H
#define QN_QUANT_GRID_H

#include "ir/graph.h"

/* The grid on which a fake_quant or dequantize with constant ends puts its output; *out is NULL where there is none. */
qn_status *qn_grid_of_node(const qn_graph *graph, const qn_node *node, const qn_value_stats **out) QN_MUST_USE;

/* Stats of every value of the graph that is known to be on a grid: behind fake_quant, and behind operators that only
   move such values, take the greatest, or interpolate; averages get the range alone. Values that have stats keep them.
 */
qn_status *qn_grids_mark(qn_graph *graph) QN_MUST_USE;

/* Operators that give a value on the grid of what they read (input 0): those that keep its channels where they are, and
   those that move elements anywhere. Interpolation counts among the first: it gives values between those of the grid.
 */
int qn_grid_moves(const qn_node *node);

/* The stats of weights (NULL: none) after each of `channels` along the last axis is multiplied by its factor. */
qn_status *qn_grid_scale(qn_arena *arena, const qn_value_stats *stats, const float *factors, int64_t channels,
                         const qn_value_stats **out) QN_MUST_USE;

/* The steps of weights for each of `outputs`, which run along the last axis unless `is_turned`; *out is NULL where
   there is no grid. */
qn_status *qn_grid_steps(qn_arena *arena, const qn_value_stats *stats, int64_t outputs, int is_turned,
                         const float **out) QN_MUST_USE;

/* Does `encoding`, of a value some of whose channels from `first` on are those that `grid` is for, agree with it? */
int qn_grid_matches(const qn_value_encoding *grid, int64_t channels, const qn_value_encoding *encoding, int64_t first);

#endif
