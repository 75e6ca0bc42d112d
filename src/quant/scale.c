#include "quant/scale.h"

#include <assert.h>
#include <math.h>

static double clamp(double x, double low, double high) { return x < low ? low : x > high ? high : x; }

qn_quant_params qn_quant_params_from_range(const qn_range *range, int bits, int symmetric) {
    const double low = range->low, high = range->high, most = fmax(-low, high);
    assert(low <= 0 && high >= 0 && high - low >= QN_RANGE_SPAN_MIN && (bits == 8 || bits == 16));
    if (bits == 16) return (qn_quant_params){(float)(most / 32767), 0, -32767, 32767};
    if (symmetric) return (qn_quant_params){(float)(most / 127), 128, 0, 255};
    const float scale = (float)((high - low) / 255);
    return (qn_quant_params){scale, (int32_t)clamp(nearbyint(-low / scale), 0, 255), 0, 255};
}
