/* quant/layer.h - the weights of one convolution or product as integers, and what that costs.
 *
 * With x[c] = scale[c] * (q[c] - zero_point[c]) a layer computes
 *
 *   y[o] = b[o] + sum over k of (w[k,o] * scale[c]) * (q - zero_point[c]),   c the channel that row k reads,
 *
 * so scales of the activation disappear into the weights, whatever they are. The scaled weights are rounded to
 * weight_scale[o] * integers, and the bias takes up zero points, in units of weight_scale[o]. docs/quantisation.md.
 */
#ifndef QN_QUANT_LAYER_H
#define QN_QUANT_LAYER_H

#include "base/cancel.h"
#include "base/dtype.h"
#include "base/memory.h"

/* A float value as integers: x = scale[c] * (q - zero_point[c]). */
typedef struct qn_encoding {
    qn_dtype dtype;      /* U8: q in 0 .. 255; S16: -32767 .. 32767 */
    int64_t channels;    /* along the last axis */
    float *scale;        /* [channels] */
    int32_t *zero_point; /* [channels] */
    double *zero;        /* [channels]: the zero point where it is no integer; NULL: zero_point */
    /* What calibration saw, [channels]: mean of the float value and of its square; NULL: not known. */
    const float *mean, *square;
} qn_encoding;

typedef struct qn_layer {
    /* [rows, outputs]: rows = taps * channels, the channel running fastest; depthwise [taps, outputs] */
    const float *weights;
    const float *bias; /* [outputs], or NULL */
    int64_t rows, outputs;
    int is_depthwise; /* output o reads channel o only */
    /* [taps]: how often a tap lies inside the picture, 0 to 1; NULL: always. Outside it reads the zero point. */
    const float *inside;
    const float *grid;    /* [outputs]: steps whose multiples the source says the weights are; NULL: it does not */
    int has_byte_weights; /* weights become S8 whatever x is; without it they are as wide as x */
} qn_layer;

typedef struct qn_layer_options {
    int per_tensor;   /* one weight scale for all outputs */
    int correct_bias; /* take the mean of the rounding off the bias; needs the activation's means */
    int search_clip;  /* weights beyond what is worth their steps are clipped, by what that costs in the output */
    /* Integers are chosen by what they change in the output, in so many sweeps (quant/rounding.h), where moments of what
       the layer reads are known; 0 or NULL: the nearest. */
    int64_t rounding_iterations;
    const struct qn_moments *moments;
    const qn_cancel *cancel; /* asked for every output; NULL: nobody cancels */
} qn_layer_options;

typedef struct qn_layer_integers {
    void *weights;       /* int8 for U8, and with has_byte_weights; else int16; laid out as the floats */
    void *bias;          /* int32 for U8, int64 for S16: [outputs] */
    float *weight_scale; /* [outputs] */
    int64_t kept_grids;  /* outputs whose weights are integers just as they were: no rounding changed them */
    /* Expected squared error of all outputs together, and their expected square about the mean, as far as the statistics
       tell: what rounding the weights adds, what rounding x adds, and the signal. */
    double weight_error, activation_error, power;
} qn_layer_integers;

/* Rows beyond this could make sums that no int32 holds. */
enum { QN_LAYER_ROWS_MAX = 32768 };

/* Quantises in `arena`. Weights on a grid keep it, whatever the options, where that leaves them integers: their steps
   fit, and one scale serves all channels that an output reads. Every number is finite and every sum the layer can make
   fits its accumulator. INVALID_MODEL: weights or bias are not finite, naming the element; CANCELLED. */
qn_status *qn_layer_quantise(const qn_layer *layer, const qn_encoding *encoding, const qn_layer_options *options,
                             qn_arena *arena, qn_layer_integers *out) QN_MUST_USE;

#endif
