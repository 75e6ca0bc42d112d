/* quant/encoding.h - how a float value becomes integers: its scales and zero points.
 *
 * Channels of one value may have scales of their own at no cost, since whoever reads the value folds them into weights
 * (quant/layer.h). A depthwise convolution is best served by the finest scale each channel allows; for others, finer
 * scales make weights harder to round, and the way between is chosen by the expected error of the layers that read it.
 * That is what cross-layer equalisation does by rescaling weights, exact through any activation function. Where the
 * zero points may differ too, the offset of a channel is absorbed likewise. A grid that the source chose (quant/grid.h)
 * stays what it is, whatever the wish.
 */
#ifndef QN_QUANT_ENCODING_H
#define QN_QUANT_ENCODING_H

#include "ir/graph.h"
#include "quant/layer.h"

typedef struct qn_encoding_request {
    const qn_value_stats *stats;
    int64_t channels; /* of the value, along its last axis */
    const qn_integer_wish *wish;
    qn_dtype dtype;     /* U8 or S16 */
    int equalise;       /* channels may have scales of their own */
    int one_zero_point; /* somebody pads the value: zero is one number for all channels */
    /* The layers that read the value as integers. Where there are none, or only depthwise ones, whoever reads it takes
       each channel at the scale that is best for itself. */
    const qn_layer *layers;
    size_t layer_count;
    const qn_cancel *cancel; /* as of qn_layer_options */
} qn_encoding_request;

/* Fills *out in `arena`. Errors of the layers' weights (quant/layer.h). */
qn_status *qn_encoding_choose(const qn_encoding_request *request, qn_arena *arena, qn_encoding *out) QN_MUST_USE;

#endif
