/* kernel/body/depthwise_s16.h - depthwise_s16 for one instruction set. The including file defines KERNEL_SYMBOL and
 * KERNEL_NAME and includes its vec.h. A lane holds one channel: a word of x beside a zero, so that a dot product of
 * words is one product.
 */
#define FLOAT_SUMS
#include "kernel/body/requantize_block.h"
#include "kernel/body/sums_s16.h"

enum { BLOCK = QN_DEPTHWISE_BLOCK, BLOCK_VECTORS = BLOCK / VLEN, COLUMNS_AT_ONCE = 4 };

/* Sums of `columns` columns from column x on, for channels v * VLEN and up, of which `left` exist. */
QN_INLINE void sum_columns(const qn_depthwise_s16_tile *tile, int64_t x, const int columns, int v, int64_t left,
                           const int whole, float (*floats)[BLOCK]) {
    _Alignas(64) int64_t sums[COLUMNS_AT_ONCE][VLEN];
    for (int i = 0; i < VLEN; i++) {
        const int64_t start = i < left ? tile->bias[v * VLEN + i] : 0;
        QN_UNROLL for (int column = 0; column < columns; column++) sums[column][i] = start;
    }
    for (int64_t t0 = 0; t0 < tile->taps; t0 += PRODUCTS_MAX) {
        const int64_t end = t0 + PRODUCTS_MAX < tile->taps ? t0 + PRODUCTS_MAX : tile->taps;
        VI high[COLUMNS_AT_ONCE], low[COLUMNS_AT_ONCE];
        QN_UNROLL for (int column = 0; column < columns; column++) high[column] = low[column] = vi_set1(0);
        for (int64_t t = t0; t < end; t++) {
            const VI w = vi_load_s16(tile->weights + t * BLOCK + v * VLEN);
            const VI w_high = vi_high_s8(w), w_low = vi_low_u8(w);
            const int16_t *src = tile->sources[t].at + x * tile->sources[t].step + v * VLEN;
            QN_UNROLL for (int column = 0; column < columns; column++) {
                const int16_t *p = src + column * tile->sources[t].step;
                const VI words = whole ? vi_load_u16(p) : vi_load_u16_n(p, left);
                high[column] = sums_add(high[column], words, w_high);
                low[column] = sums_add(low[column], words, w_low);
            }
        }
        QN_UNROLL for (int column = 0; column < columns; column++) sums_fold(sums[column], high[column], low[column]);
    }
    QN_UNROLL for (int column = 0; column < columns; column++) {
        sums_to_float(sums[column], &floats[column][v * VLEN], VLEN);
    }
}

static void run_tile(const qn_depthwise_s16_tile *tile) {
    _Alignas(64) float floats[QN_DEPTHWISE_S16_COLUMNS][BLOCK];
    for (int v = 0; v < BLOCK_VECTORS && v * VLEN < tile->channels; v++) {
        const int64_t left = tile->channels - v * VLEN;
        int64_t x = 0;
        if (left >= VLEN) {
            for (; x + COLUMNS_AT_ONCE <= tile->columns; x += COLUMNS_AT_ONCE)
                sum_columns(tile, x, COLUMNS_AT_ONCE, v, left, 1, &floats[x]);
        }
        for (; x < tile->columns; x++) sum_columns(tile, x, 1, v, left, 0, &floats[x]);
    }
    const requantize_block block = {&floats[0][0], BLOCK, tile->columns, tile->result_stride, tile->channels};
    requantize_sums(&tile->result, &block);
}

const qn_depthwise_s16_kernel KERNEL_SYMBOL = {KERNEL_NAME, run_tile};
