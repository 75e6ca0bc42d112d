/* kernel/body/depthwise_s16.h - depthwise_s16 for one instruction set. The including file defines KERNEL_SYMBOL and
 * KERNEL_NAME and includes its vec.h. A lane holds one channel: a word of x beside a zero, so that a dot product of
 * words is one product. Weights that are bytes are not split, where no sum leaves 32 bits.
 */
#define FLOAT_SUMS
#include "kernel/body/requantize_block.h"
#include "kernel/body/sums_s16.h"

enum { BLOCK = QN_DEPTHWISE_BLOCK, COLUMNS_AT_ONCE = 4 };

/* One vector of channels of a tile. */
typedef struct channel_vector {
    const qn_depthwise_s16_tile *tile;
    int64_t first, left; /* channels, of which `left` exist */
    int64_t bias[VLEN];
    int is_narrow;             /* no sum leaves 32 bits */
    int32_t narrow_bias[VLEN]; /* then */
} channel_vector;

/* Up to so many products of words with bytes fit 32 bits beside a bias of 30. */
enum { NARROW_TAPS = 256, NARROW_BIAS = 1 << 30 };

static void start_vector(channel_vector *v) {
    const int16_t *weights = v->tile->weights + v->first;
    int beyond = v->tile->taps > NARROW_TAPS;
    sums_start(v->tile->bias + v->first, v->left, v->bias);
    for (int i = 0; i < VLEN; i++) {
        v->narrow_bias[i] = (int32_t)v->bias[i];
        beyond |= v->bias[i] < -NARROW_BIAS || v->bias[i] >= NARROW_BIAS;
    }
    for (int64_t t = 0; t < v->tile->taps && !beyond; t++)
        for (int i = 0; i < VLEN; i++) beyond |= (weights[t * BLOCK + i] + 128) & ~255;
    v->is_narrow = !beyond;
}

QN_INLINE VI load_words(const channel_vector *v, const int16_t *src, const int whole) {
    return whole ? vi_load_u16(src) : vi_load_u16_n(src, v->left);
}

/* Sums of `columns` columns from column x on, which are narrow. */
QN_INLINE void sum_narrow(const channel_vector *v, int64_t x, const int columns, const int whole,
                          float (*floats)[BLOCK]) {
    const qn_depthwise_s16_tile *tile = v->tile;
    VI sums[COLUMNS_AT_ONCE];
    QN_UNROLL for (int i = 0; i < columns; i++) sums[i] = vi_load(v->narrow_bias);
    for (int64_t t = 0; t < tile->taps; t++) {
        const VI w = vi_load_s16(tile->weights + t * BLOCK + v->first);
        const int64_t step = tile->sources[t].step;
        const int16_t *src = tile->sources[t].at + x * step + v->first;
        QN_UNROLL for (int i = 0; i < columns; i++) sums[i] =
            sums_add(sums[i], load_words(v, src + i * step, whole), w);
    }
    QN_UNROLL for (int i = 0; i < columns; i++) v_store(&floats[i][v->first], v_from_int(sums[i]));
}

/* Sums of `columns` columns from column x on. */
QN_INLINE void sum_columns(const channel_vector *v, int64_t x, const int columns, const int whole,
                           float (*floats)[BLOCK]) {
    const qn_depthwise_s16_tile *tile = v->tile;
    const int64_t *base = v->bias;
    int64_t base_stride = 0, sums[COLUMNS_AT_ONCE][VLEN];
    for (int64_t t = 0; t < tile->taps;) {
        const int64_t end = t + PRODUCTS_MAX < tile->taps ? t + PRODUCTS_MAX : tile->taps;
        VI high[COLUMNS_AT_ONCE], low[COLUMNS_AT_ONCE];
        QN_UNROLL for (int i = 0; i < columns; i++) high[i] = low[i] = vi_set1(0);
        for (; t < end; t++) {
            const VI w = vi_load_s16(tile->weights + t * BLOCK + v->first);
            const VI w_high = vi_high_s8(w), w_low = vi_low_u8(w);
            const int64_t step = tile->sources[t].step;
            const int16_t *src = tile->sources[t].at + x * step + v->first;
            QN_UNROLL for (int i = 0; i < columns; i++) {
                const VI words = load_words(v, src + i * step, whole);
                high[i] = sums_add(high[i], words, w_high);
                low[i] = sums_add(low[i], words, w_low);
            }
        }
        if (t == tile->taps) {
            QN_UNROLL for (int i = 0; i < columns; i++)
                v_store(&floats[i][v->first], sums_float(high[i], low[i], 1, base + i * base_stride));
        } else {
            QN_UNROLL for (int i = 0; i < columns; i++) sums_fold(high[i], low[i], 1, base + i * base_stride, sums[i]);
        }
        base = sums[0];
        base_stride = VLEN;
    }
}

/* All columns. */
QN_INLINE void sum_vector(const channel_vector *v, const int is_narrow, float (*floats)[BLOCK]) {
    const int64_t columns = v->tile->columns;
    int64_t x = 0;
    for (; v->left >= VLEN && x + COLUMNS_AT_ONCE <= columns; x += COLUMNS_AT_ONCE)
        is_narrow ? sum_narrow(v, x, COLUMNS_AT_ONCE, 1, &floats[x])
                  : sum_columns(v, x, COLUMNS_AT_ONCE, 1, &floats[x]);
    for (; x < columns; x++) is_narrow ? sum_narrow(v, x, 1, 0, &floats[x]) : sum_columns(v, x, 1, 0, &floats[x]);
}

static void run_tile(const qn_depthwise_s16_tile *tile) {
    _Alignas(64) float floats[QN_DEPTHWISE_S16_COLUMNS][BLOCK];
    for (int64_t first = 0; first < tile->channels; first += VLEN) {
        channel_vector v = {.tile = tile, .first = first, .left = tile->channels - first};
        start_vector(&v);
        if (v.is_narrow)
            sum_vector(&v, 1, floats);
        else
            sum_vector(&v, 0, floats);
    }
    const requantize_block block = {&floats[0][0], BLOCK, tile->columns, tile->result_stride, tile->channels};
    requantize_sums(&tile->result, &block);
}

const qn_depthwise_s16_kernel KERNEL_SYMBOL = {KERNEL_NAME, run_tile};
