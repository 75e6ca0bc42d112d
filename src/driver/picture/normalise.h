/* driver/picture/normalise.h - insert_bn_before_firstnode: inputs that take bytes and are normalised inside. */
#ifndef QN_DRIVER_PICTURE_NORMALISE_H
#define QN_DRIVER_PICTURE_NORMALISE_H

#include "driver/config/config.h"
#include "ir/graph.h"

/* For each input listed: it becomes uint8, and (x - mean) / sqrt(var) stands before its users. The graph is inferred
   before and after. INVALID_ARGUMENT: no such input, an input that is no float32, or as many numbers as no axis of
   channels has; UNSUPPORTED: an input that is an output too. */
qn_status *qn_inputs_normalise(qn_graph *graph, const qn_config *config) QN_MUST_USE;

#endif
