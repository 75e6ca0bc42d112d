/* driver/picture/layout.h - the order of axes that inputs and outputs have, and another one where the configuration asks for
 * it. */
#ifndef QN_DRIVER_PICTURE_LAYOUT_H
#define QN_DRIVER_PICTURE_LAYOUT_H

#include "driver/config/config.h"
#include "ir/graph.h"

/* Where the channels of a picture are; pictures are [N, H, W, C] or [N, C, H, W]. */
typedef enum qn_layout { QN_LAYOUT_UNKNOWN = 0, QN_LAYOUT_NHWC = 1, QN_LAYOUT_NCHW = 2 } qn_layout;

/* The layout of a value of rank 4, told from the convolutions, pools and resizes that it reaches (inputs) or comes from
   (outputs) through operators that keep, permute, add or drop axes. */
qn_layout qn_layout_of_input(const qn_graph *graph, const qn_value *input);
qn_layout qn_layout_of_output(const qn_graph *graph, const qn_value *output);

/* Applies convert_input_layout and convert_output_layout: transposes go in, inputs and outputs get the dims of `dst`
   and keep their names. `out_perms` (NULL, or one row per input): axis i of the converted input is axis perm[i] of the
   source. The graph is inferred before and after. INVALID_ARGUMENT: no such input or output, a rank that the layouts do
   not have, or the layout it has already; UNSUPPORTED: an input that is an output too. */
qn_status *qn_layouts_convert(qn_graph *graph, const qn_config *config, int (*out_perms)[QN_MAX_RANK]) QN_MUST_USE;

#endif
