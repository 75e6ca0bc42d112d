/* kernel/body/conv_u8.h - the innermost tile of conv_u8 for one instruction set. The including file defines TILE_ROWS,
 * TILE_PANELS, TILE_SYMBOL and TILE_NAME and includes its vec.h. Built as body/conv_f32.h is, and for its reasons; a
 * step of k multiplies four bytes at once. Sums pass through memory on their way to the result.
 */
#include "kernel/body/dot_u8.h"
#include "kernel/body/requantize_block.h"
#include "kernel/body/rows.h"

enum { QUAD = 4, PANEL_VECTORS = QN_CONV_PANEL / VLEN, TILE_VECTORS = TILE_PANELS * PANEL_VECTORS };

/* Always the same count of turns, as in body/conv_f32.h. */
#define EACH_VECTOR(v) QN_UNROLL for (int v = 0; v < TILE_VECTORS; v++) if (v < vectors)

enum { ROWS_PER_BASE = 3, BASES = (TILE_ROWS + ROWS_PER_BASE - 1) / ROWS_PER_BASE };

QN_INLINE void tile_body(const qn_conv_int_tile *tile, const int rows, const int panels) {
    const int vectors = panels * PANEL_VECTORS;
    const int64_t src_stride = tile->src_stride, panel_stride = tile->panel_stride;
    const int64_t whole = tile->depth / QUAD * QUAD, rest = tile->depth - whole;
    const uint8_t *base[BASES];
    const int8_t *weights = tile->weights;
    const int32_t *bias = tile->bias;
    VI acc[TILE_ROWS][TILE_VECTORS], start[TILE_VECTORS];
    dot_bytes w[TILE_VECTORS];
    _Alignas(64) int32_t sums[TILE_ROWS][TILE_PANELS * QN_CONV_PANEL];

    EACH_VECTOR(v) { start[v] = vi_load_n(bias + v * VLEN, tile->outputs - v * VLEN); }
#define START_ROW(r)                                                                                                   \
    if (r < rows) {                                                                                                    \
        if (r % ROWS_PER_BASE == 0) base[r / ROWS_PER_BASE] = (const uint8_t *)tile->src + r * src_stride;             \
        EACH_VECTOR(v) acc[r][v] = start[v];                                                                           \
    }
    EACH_ROW(START_ROW)

#define LOAD_WEIGHTS()                                                                                                 \
    EACH_VECTOR(v) {                                                                                                   \
        const int8_t *p = weights + v / PANEL_VECTORS * panel_stride + v % PANEL_VECTORS * VLEN * QUAD;                \
        w[v] = dot_signed(vi_load((const int32_t *)(const void *)p));                                                  \
    }
#define MULTIPLY_ROW(r, bytes)                                                                                         \
    if (r < rows) {                                                                                                    \
        const uint8_t *p = base[r / ROWS_PER_BASE] + r % ROWS_PER_BASE * src_stride + k;                               \
        const dot_bytes x = dot_unsigned(vi_set1(dot_load(p, bytes)));                                                 \
        EACH_VECTOR(v) acc[r][v] = dot_add(acc[r][v], x, w[v]);                                                        \
    }
#define MULTIPLY_QUAD(r) MULTIPLY_ROW(r, QUAD)
#define MULTIPLY_REST(r) MULTIPLY_ROW(r, rest)
    int64_t k = 0;
    for (; k < whole; k += QUAD, weights += QN_CONV_PANEL * QUAD) {
        LOAD_WEIGHTS()
        EACH_ROW(MULTIPLY_QUAD)
    }
    if (rest) {
        LOAD_WEIGHTS()
        EACH_ROW(MULTIPLY_REST)
    }

#define KEEP_ROW(r)                                                                                                    \
    if (r < rows) {                                                                                                    \
        EACH_VECTOR(v) vi_store(&sums[r][v * VLEN], acc[r][v]);                                                        \
    }
    EACH_ROW(KEEP_ROW)
    const requantize_block block = {&sums[0][0], TILE_PANELS * QN_CONV_PANEL, rows, tile->result_stride, tile->outputs};
    requantize_sums(&tile->result, &block);
}

#if TILE_PANELS == 2
#define TILE_FUNCTIONS(r)                                                                                              \
    static void tile_##r##_1(const qn_conv_int_tile *tile) { tile_body(tile, r + 1, 1); }                              \
    static void tile_##r##_2(const qn_conv_int_tile *tile) { tile_body(tile, r + 1, 2); }
#define TILE_ENTRY(r) {tile_##r##_1, tile_##r##_2},
#else
#define TILE_FUNCTIONS(r)                                                                                              \
    static void tile_##r##_1(const qn_conv_int_tile *tile) { tile_body(tile, r + 1, 1); }
#define TILE_ENTRY(r) {tile_##r##_1},
#endif

EACH_ROW(TILE_FUNCTIONS)

static void run_tile(const qn_conv_int_tile *tile) {
    static void (*const by_size[TILE_ROWS][TILE_PANELS])(const qn_conv_int_tile *) = {EACH_ROW(TILE_ENTRY)};
    by_size[tile->rows - 1][(tile->outputs - 1) / QN_CONV_PANEL](tile);
}

const qn_conv_u8_kernel TILE_SYMBOL = {TILE_NAME, TILE_ROWS, TILE_PANELS, run_tile, NULL, NULL};
