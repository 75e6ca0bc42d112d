#include "quant/scale.h"

#include <assert.h>
#include <math.h>
#include <string.h>

/* Channels are worked on in blocks that need no memory but the stack. Clip ratios go from 1 to above 1/2 in RATIOS
 * steps. */
enum { BLOCK = 256, RATIOS = 32 };

/* The channels that are worked on: `count` of them from `first`, each `rows` weights, `stride` apart. A single scale
   for all weights is one channel. */
typedef struct block {
    const float *weights; /* [rows, stride] */
    int64_t rows, stride, first;
    int count;
    float levels;
} block;

static qn_status *check_finite(const float *weights, int64_t rows, int64_t channels) {
    for (int64_t row = 0; row < rows; row++)
        for (int64_t c = 0; c < channels; c++) {
            const float w = weights[row * channels + c];
            if (!isfinite(w))
                return QN_ERR(QN_INVALID_MODEL, "weight %lld (row %lld, channel %lld) is %g",
                              (long long)(row * channels + c), (long long)row, (long long)c, (double)w);
        }
    return NULL;
}

static void find_largest(const block *b, float *out_largest) {
    for (int c = 0; c < b->count; c++) out_largest[c] = 0;
    for (int64_t row = 0; row < b->rows; row++) {
        const float *w = b->weights + row * b->stride + b->first;
        for (int c = 0; c < b->count; c++) {
            const float magnitude = fabsf(w[c]);
            out_largest[c] = magnitude > out_largest[c] ? magnitude : out_largest[c];
        }
    }
}

/* Half to even, for |x| < 2^22. */
static inline float round_near(float x) { return x + 0x1.8p23f - 0x1.8p23f; }

static inline float clamp(float x, float most) { return x < -most ? -most : x > most ? most : x; }

/* Squared errors in units of the squared first scale: they neither overflow nor vanish. */
static void measure(const block *b, const float *scales, const float *units, double *out_errors) {
    for (int c = 0; c < b->count; c++) out_errors[c] = 0;
    for (int64_t row = 0; row < b->rows; row++) {
        const float *w = b->weights + row * b->stride + b->first;
        for (int c = 0; c < b->count; c++) {
            const float q = round_near(clamp(w[c] / scales[c], b->levels));
            const float error = (w[c] - q * scales[c]) / units[c];
            out_errors[c] += (double)error * error;
        }
    }
}

/* Replaces each scale by its share with the least squared error. */
static void search(const block *b, float *inout_scales) {
    float units[BLOCK], scales[BLOCK];
    double least[BLOCK], errors[BLOCK];
    memcpy(units, inout_scales, (size_t)b->count * sizeof *units);
    measure(b, units, units, least);
    for (int i = 1; i < RATIOS; i++) {
        const float ratio = 1 - (float)i / (2 * RATIOS);
        for (int c = 0; c < b->count; c++) scales[c] = units[c] * ratio;
        measure(b, scales, units, errors);
        for (int c = 0; c < b->count; c++) {
            if (errors[c] >= least[c]) continue;
            least[c] = errors[c];
            inout_scales[c] = scales[c];
        }
    }
}

static void find_scales(const block *b, int search_clip, float *out_scales) {
    float largest[BLOCK];
    find_largest(b, largest);
    for (int c = 0; c < b->count; c++)
        out_scales[c] = largest[c] > (float)QN_RANGE_SPAN_MIN ? largest[c] / b->levels : 1;
    if (search_clip) search(b, out_scales);
}

/* `step` is 1, or 0 where one scale serves all channels. */
static void quantise(const float *weights, int64_t rows, int64_t channels, const float *scales, int step, float levels,
                     void *out) {
    for (int64_t row = 0; row < rows; row++)
        for (int64_t c = 0; c < channels; c++) {
            const int64_t i = row * channels + c;
            const float q = round_near(clamp(weights[i] / scales[c * step], levels));
            if (levels == 127)
                ((int8_t *)out)[i] = (int8_t)q;
            else
                ((int16_t *)out)[i] = (int16_t)q;
        }
}

qn_status *qn_quantise_weights(const float *weights, int64_t rows, int64_t channels, const qn_weight_request *request,
                               float *out_scales, void *out) {
    assert(rows >= 1 && channels >= 1);
    if (request->bits != 8 && request->bits != 16)
        return QN_ERR(QN_INVALID_ARGUMENT, "weights of %d bits: 8 and 16 are possible", request->bits);
    QN_TRY(check_finite(weights, rows, channels));
    const float levels = request->bits == 8 ? 127 : 32767;
    if (!request->per_channel) {
        const block all = {weights, rows * channels, 1, 0, 1, levels};
        find_scales(&all, request->search_clip, out_scales);
    }
    for (int64_t first = 0; request->per_channel && first < channels; first += BLOCK) {
        const int count = (int)(channels - first < BLOCK ? channels - first : BLOCK);
        const block some = {weights, rows, channels, first, count, levels};
        find_scales(&some, request->search_clip, out_scales + first);
    }
    quantise(weights, rows, channels, out_scales, !!request->per_channel, levels, out);
    return NULL;
}
