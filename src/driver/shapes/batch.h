/* driver/shapes/batch.h - is the free first dim of an input a number of samples? */
#ifndef QN_DRIVER_SHAPES_BATCH_H
#define QN_DRIVER_SHAPES_BATCH_H

#include "ir/graph.h"

/* Says of each input of an inferred graph, in order, whether its first dim is free and no number of samples: rows of a
   picture, steps in time. Told by where the dim goes: one that counts samples stays the first of all that is computed
   of the input, outputs included, but for what is transposed for a while, and nothing is computed from all samples
   together. Dims of several inputs that have to be equal count as one. */
qn_status *qn_batch_find_others(const qn_graph *graph, int *out_is_other) QN_MUST_USE;

#endif
