/* kernel/body/conv_f32.h - the innermost tile of conv_f32, or conv_f16, for one instruction set.
 *
 * The including file defines TILE_ROWS, TILE_PANELS, TILE_SYMBOL and TILE_NAME and includes its vec.h. Every count of
 * rows and panels is a function of its own, so that all accumulators live in registers at the edges too. Rows are
 * spelled out by a macro instead of a loop: not every compiler turns an array into registers after unrolling.
 */
#include "kernel/body/common.h"
#include "kernel/body/rows.h"
#include "kernel/kernel.h"

enum { PANEL_VECTORS = QN_CONV_PANEL / VLEN, TILE_VECTORS = TILE_PANELS * PANEL_VECTORS };

/* Always the same count of turns: clang 14 keeps what a loop of a single turn leaves behind in memory. */
#define EACH_VECTOR(v) QN_UNROLL for (int v = 0; v < TILE_VECTORS; v++) if (v < vectors)

/* Rows are addressed as base pointer + {0, 1, 2} strides: 14 rows take 5 pointers instead of 14. */
enum { ROWS_PER_BASE = 3, BASES = (TILE_ROWS + ROWS_PER_BASE - 1) / ROWS_PER_BASE };

enum { SUM_STRIDE = TILE_VECTORS * VLEN };

QN_INLINE void store_columns(const qn_conv_f32_tile *tile, const float *sums, int64_t column, const int whole) {
    const VF low = v_set1(tile->act_min), high = v_set1(tile->act_max);
    const int64_t left = tile->outputs - column;
    const ELEM *addend = tile->addend;
    ELEM *dst = (ELEM *)tile->dst + column;
    sums += column;
    for (int64_t r = 0; r < tile->rows; r++, sums += SUM_STRIDE, dst += tile->dst_stride) {
        VF value = v_load(sums);
        if (addend) {
            const ELEM *from = addend + r * tile->addend_stride + column;
            value = v_add(value, whole ? e_load(from) : e_load_n(from, left));
        }
        value = v_clamp(value, low, high);
        if (whole)
            e_store(dst, value);
        else
            e_store_n(dst, value, left);
    }
}

/* Sums to results. */
static void store_sums(const qn_conv_f32_tile *tile, const float *sums) {
    int64_t column = 0;
    for (; column + VLEN <= tile->outputs; column += VLEN) store_columns(tile, sums, column, 1);
    if (column < tile->outputs) store_columns(tile, sums, column, 0);
}

/* Stores one row of whole vectors. */
QN_INLINE void store_row(const qn_conv_f32_tile *tile, const VF *acc, int64_t row, VF low, VF high, const int vectors) {
    const ELEM *addend = tile->addend ? (const ELEM *)tile->addend + row * tile->addend_stride : NULL;
    ELEM *dst = (ELEM *)tile->dst + row * tile->dst_stride;
    EACH_VECTOR(v) {
        VF value = acc[v];
        if (addend) value = v_add(value, e_load(addend + v * VLEN));
        e_store(dst + v * VLEN, v_clamp(value, low, high));
    }
}

QN_INLINE void tile_body(const qn_conv_f32_tile *tile, const int rows, const int panels) {
    const int vectors = panels * PANEL_VECTORS;
    const int64_t src_stride = tile->src_stride, panel_stride = tile->panel_stride;
    const float *base[BASES];
    const ELEM *weights = tile->weights, *bias = tile->bias;
    VF acc[TILE_ROWS][TILE_VECTORS], start[TILE_VECTORS], w[TILE_VECTORS];
    _Alignas(64) float sums[TILE_ROWS * SUM_STRIDE];

    EACH_VECTOR(v) { start[v] = bias ? e_load_n(bias + v * VLEN, tile->outputs - v * VLEN) : v_zero(); }
#define START_ROW(r)                                                                                                   \
    if (r < rows) {                                                                                                    \
        if (r % ROWS_PER_BASE == 0) base[r / ROWS_PER_BASE] = tile->src + r * src_stride;                              \
        EACH_VECTOR(v) acc[r][v] = start[v];                                                                           \
    }
    EACH_ROW(START_ROW)

#define MULTIPLY_ROW(r)                                                                                                \
    if (r < rows) {                                                                                                    \
        const VF x = v_set1(base[r / ROWS_PER_BASE][r % ROWS_PER_BASE * src_stride + k]);                              \
        EACH_VECTOR(v) acc[r][v] = v_fma(x, w[v], acc[r][v]);                                                          \
    }
    for (int64_t k = 0; k < tile->depth; k++) {
        EACH_VECTOR(v) { w[v] = e_load(weights + v / PANEL_VECTORS * panel_stride + v % PANEL_VECTORS * VLEN); }
        EACH_ROW(MULTIPLY_ROW)
        weights += QN_CONV_PANEL;
    }

    /* Nearly all tiles have all their rows. In tiles with fewer rows the sums pass through memory, so that the
       functions for all those counts of rows share the code from sums to results, which would be most of each. */
    if (rows == TILE_ROWS && tile->outputs == vectors * VLEN) {
        const VF low = v_set1(tile->act_min), high = v_set1(tile->act_max);
#define STORE_ROW(r)                                                                                                   \
    if (r < rows) store_row(tile, acc[r], r, low, high, vectors);
        EACH_ROW(STORE_ROW)
        return;
    }
#define KEEP_ROW(r)                                                                                                    \
    if (r < rows) {                                                                                                    \
        EACH_VECTOR(v) v_store(sums + r * SUM_STRIDE + v * VLEN, acc[r][v]);                                           \
    }
    EACH_ROW(KEEP_ROW)
    store_sums(tile, sums);
}

#if TILE_PANELS == 2
#define TILE_FUNCTIONS(r)                                                                                              \
    static void tile_##r##_1(const qn_conv_f32_tile *tile) { tile_body(tile, r + 1, 1); }                              \
    static void tile_##r##_2(const qn_conv_f32_tile *tile) { tile_body(tile, r + 1, 2); }
#define TILE_ENTRY(r) {tile_##r##_1, tile_##r##_2},
#else
#define TILE_FUNCTIONS(r)                                                                                              \
    static void tile_##r##_1(const qn_conv_f32_tile *tile) { tile_body(tile, r + 1, 1); }
#define TILE_ENTRY(r) {tile_##r##_1},
#endif

EACH_ROW(TILE_FUNCTIONS)

static void run_tile(const qn_conv_f32_tile *tile) {
    static void (*const by_size[TILE_ROWS][TILE_PANELS])(const qn_conv_f32_tile *) = {EACH_ROW(TILE_ENTRY)};
    by_size[tile->rows - 1][(tile->outputs - 1) / QN_CONV_PANEL](tile);
}

const qn_conv_f32_kernel TILE_SYMBOL = {TILE_NAME, TILE_ROWS, TILE_PANELS, run_tile};
