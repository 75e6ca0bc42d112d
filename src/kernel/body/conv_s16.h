/* kernel/body/conv_s16.h - the innermost tile of conv_s16 for one instruction set: TILE_ROWS rows by one panel, vector
 * after vector. The including file defines TILE_ROWS, TILE_SYMBOL and TILE_NAME and includes its vec.h.
 *
 * A step of k multiplies two words at once. The steps between two foldings are a function of their own for every count
 * of rows, with accumulators that have names, so that all of them live in registers.
 */
#define FLOAT_SUMS
#include "kernel/body/requantize_block.h"
#include "kernel/body/rows.h"
#include "kernel/body/sums_s16.h"

#include <string.h>

enum { PAIR = 2, PANEL_VECTORS = QN_CONV_PANEL / VLEN, ROWS_PER_BASE = 3 };
enum { BASES = (TILE_ROWS + ROWS_PER_BASE - 1) / ROWS_PER_BASE };

typedef struct tile_sums {
    _Alignas(64) int64_t at[TILE_ROWS][VLEN];
} tile_sums;

/* Two neighbours of a row, to all lanes. */
QN_INLINE VI load_pair(const int16_t *p) {
    int32_t lane;
    memcpy(&lane, p, sizeof lane);
    return vi_set1(lane);
}

/* Adds the products of some pairs, at most PRODUCTS_MAX / PAIR, for one vector of outputs. `weights`: of the first
 * pair. */
QN_INLINE void add_pairs(const int16_t *src, int64_t src_stride, int64_t pairs, const int16_t *weights, const int rows,
                         tile_sums *sums) {
    const int16_t *base[BASES];
#define START_ROW(r)                                                                                                   \
    VI high##r = vi_set1(0), low##r = high##r;                                                                         \
    if (r < rows && r % ROWS_PER_BASE == 0) base[r / ROWS_PER_BASE] = src + r * src_stride;
    EACH_ROW(START_ROW)
#define MULTIPLY_ROW(r)                                                                                                \
    if (r < rows) {                                                                                                    \
        const VI x = load_pair(base[r / ROWS_PER_BASE] + r % ROWS_PER_BASE * src_stride + k);                          \
        high##r = sums_add(high##r, x, w_high);                                                                        \
        low##r = sums_add(low##r, x, w_low);                                                                           \
    }
    for (int64_t k = 0; k < pairs * PAIR; k += PAIR, weights += QN_CONV_PANEL * PAIR) {
        const VI w = vi_load((const int32_t *)(const void *)weights), w_high = vi_high_s8(w), w_low = vi_low_u8(w);
        EACH_ROW(MULTIPLY_ROW)
    }
#define FOLD_ROW(r)                                                                                                    \
    if (r < rows) sums_fold(sums->at[r], high##r, low##r);
    EACH_ROW(FOLD_ROW)
}

#define ADD_FUNCTION(r)                                                                                                \
    static void add_pairs_##r(const int16_t *src, int64_t src_stride, int64_t pairs, const int16_t *weights,           \
                              tile_sums *sums) {                                                                       \
        add_pairs(src, src_stride, pairs, weights, r + 1, sums);                                                       \
    }
#define ADD_ENTRY(r) add_pairs_##r,
EACH_ROW(ADD_FUNCTION)

static void start_sums(const qn_conv_int_tile *tile, int64_t first_output, tile_sums *out_sums) {
    const int64_t *bias = tile->bias;
    for (int64_t i = 0; i < VLEN; i++) {
        const int64_t output = first_output + i, start = output < tile->outputs ? bias[output] : 0;
        for (int64_t r = 0; r < tile->rows; r++) out_sums->at[r][i] = start;
    }
}

static void run_tile(const qn_conv_int_tile *tile) {
    static void (*const by_rows[TILE_ROWS])(const int16_t *, int64_t, int64_t, const int16_t *,
                                            tile_sums *) = {EACH_ROW(ADD_ENTRY)};
    _Alignas(64) float floats[TILE_ROWS * QN_CONV_PANEL];
    const int16_t *src = tile->src;
    const int64_t whole = tile->depth / PAIR * PAIR;
    int16_t last[TILE_ROWS * PAIR] = {0}; /* the last element of each row beside a zero, where K is odd */
    for (int64_t r = 0; r < tile->rows && whole < tile->depth; r++) last[r * PAIR] = src[r * tile->src_stride + whole];
    for (int v = 0; v < PANEL_VECTORS && v * VLEN < tile->outputs; v++) {
        const int16_t *weights = (const int16_t *)tile->weights + v * VLEN * PAIR;
        tile_sums sums;
        start_sums(tile, v * VLEN, &sums);
        for (int64_t k = 0; k < whole; k += PRODUCTS_MAX) {
            const int64_t count = whole - k < PRODUCTS_MAX ? whole - k : PRODUCTS_MAX;
            by_rows[tile->rows - 1](src + k, tile->src_stride, count / PAIR, weights + k * QN_CONV_PANEL, &sums);
        }
        if (whole < tile->depth) by_rows[tile->rows - 1](last, PAIR, 1, weights + whole * QN_CONV_PANEL, &sums);
        for (int64_t r = 0; r < tile->rows; r++) sums_to_float(sums.at[r], floats + r * QN_CONV_PANEL + v * VLEN, VLEN);
    }
    const requantize_block block = {floats, QN_CONV_PANEL, tile->rows, tile->result_stride, tile->outputs};
    requantize_sums(&tile->result, &block);
}

const qn_conv_s16_kernel TILE_SYMBOL = {TILE_NAME, TILE_ROWS, 1, run_tile, NULL, NULL};
