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

/* High and low parts of the sums of each row. They pass through memory: with two ways to go on from the loop, gcc would
   keep the accumulators there too. */
typedef struct pair_sums {
    _Alignas(64) int32_t high[TILE_ROWS * VLEN];
    _Alignas(64) int32_t low[TILE_ROWS * VLEN];
} pair_sums;

/* Two neighbours of a row, to all lanes. */
QN_INLINE VI load_pair(const int16_t *p) {
    int32_t lane;
    memcpy(&lane, p, sizeof lane);
    return vi_set1(lane);
}

/* Adds the products of some pairs, at most PRODUCTS_MAX / PAIR, for one vector of outputs. `weights`: of the first
 * pair. */
QN_INLINE void add_pairs(const int16_t *src, int64_t src_stride, int64_t pairs, const int16_t *weights, const int rows,
                         pair_sums *out) {
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
#define KEEP_ROW(r)                                                                                                    \
    if (r < rows) {                                                                                                    \
        vi_store(out->high + r * VLEN, high##r);                                                                       \
        vi_store(out->low + r * VLEN, low##r);                                                                         \
    }
    EACH_ROW(KEEP_ROW)
}

#define ADD_FUNCTION(r)                                                                                                \
    static void add_pairs_##r(const int16_t *src, int64_t src_stride, int64_t pairs, const int16_t *weights,           \
                              pair_sums *out) {                                                                        \
        add_pairs(src, src_stride, pairs, weights, r + 1, out);                                                        \
    }
#define ADD_ENTRY(r) add_pairs_##r,
EACH_ROW(ADD_FUNCTION)

typedef void add_pairs_function(const int16_t *, int64_t, int64_t, const int16_t *, pair_sums *);

/* One vector of outputs from `output` on. `last`: the last element of each row beside a zero, where K is odd. */
static void run_vector(const qn_conv_int_tile *tile, add_pairs_function *add, const int16_t *last, int64_t output,
                       float *floats) {
    const int16_t *src = tile->src, *weights = (const int16_t *)tile->weights + output * PAIR;
    const int64_t whole = tile->depth / PAIR * PAIR;
    _Alignas(64) int64_t bias[VLEN], sums[TILE_ROWS * VLEN];
    const int64_t *base = bias; /* of row 0; those of the next are base_stride on */
    int64_t base_stride = 0;
    pair_sums parts;
    sums_start((const int64_t *)tile->bias + output, tile->outputs - output, bias);
    for (int64_t k = 0, count; k < tile->depth; k += count) {
        count = whole - k < PRODUCTS_MAX ? whole - k : PRODUCTS_MAX;
        if (count > 0) {
            add(src + k, tile->src_stride, count / PAIR, weights + k * QN_CONV_PANEL, &parts);
        } else {
            add(last, PAIR, 1, weights + k * QN_CONV_PANEL, &parts);
            count = 1;
        }
        if (k + count == tile->depth) break;
        for (int64_t r = 0; r < tile->rows; r++)
            sums_fold(vi_load(parts.high + r * VLEN), vi_load(parts.low + r * VLEN), base + r * base_stride,
                      sums + r * VLEN);
        base = sums;
        base_stride = VLEN;
    }
    for (int64_t r = 0; r < tile->rows; r++) {
        const VI high = vi_load(parts.high + r * VLEN), low = vi_load(parts.low + r * VLEN);
        v_store(floats + r * QN_CONV_PANEL, sums_float(high, low, base + r * base_stride));
    }
}

static void run_tile(const qn_conv_int_tile *tile) {
    static add_pairs_function *const by_rows[TILE_ROWS] = {EACH_ROW(ADD_ENTRY)};
    _Alignas(64) float floats[TILE_ROWS * QN_CONV_PANEL];
    const int16_t *src = tile->src;
    int16_t last[TILE_ROWS * PAIR] = {0};
    if (tile->depth % PAIR)
        for (int64_t r = 0; r < tile->rows; r++) last[r * PAIR] = src[r * tile->src_stride + tile->depth - 1];
    for (int64_t output = 0; output < tile->outputs; output += VLEN)
        run_vector(tile, by_rows[tile->rows - 1], last, output, floats + output);
    const requantize_block block = {floats, QN_CONV_PANEL, tile->rows, tile->result_stride, tile->outputs};
    requantize_sums(&tile->result, &block);
}

const qn_conv_s16_kernel TILE_SYMBOL = {TILE_NAME, TILE_ROWS, 1, run_tile, NULL, NULL};
