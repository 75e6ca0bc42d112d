/* quant/scale.h - the parameters of quantised tensors: activations from ranges, weights from themselves.
 *
 *     real = scale * (quantised - zero_point)
 *
 *     asymmetric 8 bits   uint8, scale = (high - low) / 255, zero_point = round(-low / scale), 0 where low is 0
 *     symmetric 8 bits    uint8, scale = max(-low, high) / 127, zero_point 128
 *     16 bits             int16, scale = max(-low, high) / 32767, zero_point 0
 *     weights             int8 or int16, scale = max |w| / 127 or / 32767, zero_point 0
 *
 * Scales are float32, positive and normal. Rounding is half to even. What is asymmetric is moved by at most half a step
 * to make 0 exact, as a whole number of steps below it does.
 */
#ifndef QN_QUANT_SCALE_H
#define QN_QUANT_SCALE_H

#include "quant/ranges.h"

#include <stdint.h>

typedef struct qn_quant_params {
    float scale;
    int32_t zero_point;
    int32_t min, max; /* the quantised values that may occur: 0..255, or -32767..32767 */
} qn_quant_params;

/* For a range as quant/ranges.h gives it, of 8 or 16 bits. */
qn_quant_params qn_quant_params_from_range(const qn_range *range, int bits, int symmetric);

/* The real values that `min` and `max` stand for. */
qn_range qn_quant_params_range(const qn_quant_params *params);

/* The quantised value nearest to x, clamped; infinities clamp, NaN gives the zero point. */
int32_t qn_quant_value(const qn_quant_params *params, float x);

typedef struct qn_weight_request {
    int bits;        /* 8 or 16 */
    int per_channel; /* one scale per output channel, else one for all */
    int search_clip; /* try scales down to half of the largest weight's, and take the one of least squared error */
} qn_weight_request;

/* Quantises weights [rows, channels], output channels last, rows and channels >= 1. out_scales: [channels], or [1]
   where there is one for all. `out` is int8_t or int16_t [rows, channels]. A channel without a weight above 2^-64, of
   zeros for instance, gets scale 1 and zeros. INVALID_MODEL: a NaN or infinite weight, which the message names; outputs
   are undefined then. INVALID_ARGUMENT: bits. */
qn_status *qn_quantise_weights(const float *weights, int64_t rows, int64_t channels, const qn_weight_request *request,
                               float *out_scales, void *out) QN_MUST_USE;

#endif
