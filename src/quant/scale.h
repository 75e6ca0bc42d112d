/* quant/scale.h - scale and zero point of a range.
 *
 *     real = scale * (quantised - zero_point)
 *
 *     asymmetric 8 bits   uint8, scale = (high - low) / 255, zero_point = round(-low / scale), 0 where low is 0
 *     symmetric 8 bits    uint8, scale = max(-low, high) / 127, zero_point 128
 *     16 bits             int16, scale = max(-low, high) / 32767, zero_point 0
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

#endif
