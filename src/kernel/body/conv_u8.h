/* kernel/body/conv_u8.h - the innermost tile of conv_u8 for one instruction set. The including file defines TILE_ROWS,
 * TILE_PANELS, TILE_SYMBOL and TILE_NAME and includes its vec.h. A row is two vectors wide: two panels, or the halves
 * of one. A step of k multiplies four bytes at once; sums pass through memory on their way to the result.
 *
 * As in body/conv_f32.h every count of rows and panels is a function of its own. Accumulators have names instead of
 * places in an array, which gcc would keep up to date in memory at every step.
 */
#include "kernel/body/dot_u8.h"
#include "kernel/body/requantize_block.h"
#include "kernel/body/rows.h"

#include <string.h>

enum { QUAD = 4, PANEL_VECTORS = QN_CONV_PANEL / VLEN, ROWS_PER_BASE = 3 };
enum { BASES = (TILE_ROWS + ROWS_PER_BASE - 1) / ROWS_PER_BASE, SUM_STRIDE = TILE_PANELS * QN_CONV_PANEL };

_Static_assert(TILE_PANELS *PANEL_VECTORS == 2, "a row is two vectors wide");

QN_INLINE dot_bytes load_weights(const int8_t *p) { return dot_signed(vi_load((const int32_t *)(const void *)p)); }

/* Four bytes of a row, to all lanes. */
QN_INLINE VI load_four(const uint8_t *p) {
    int32_t word;
    memcpy(&word, p, sizeof word);
    return vi_set1(word);
}

/* The bytes of each row behind its last whole four, filled up with zeros. */
static void copy_last(const qn_conv_int_tile *tile, int rows, uint8_t *out) {
    const int64_t rest = tile->depth % QUAD, whole = tile->depth - rest;
    memset(out, 0, (size_t)rows * QUAD);
    for (int r = 0; r < rows; r++)
        for (int64_t i = 0; i < rest; i++)
            out[r * QUAD + i] = ((const uint8_t *)tile->src)[r * tile->src_stride + whole + i];
}

QN_INLINE void tile_body(const qn_conv_int_tile *tile, const int rows, const int panels) {
    const int is_wide = panels * PANEL_VECTORS == 2;
    const int64_t rest = tile->depth % QUAD;
    const uint8_t *base[BASES], *src = tile->src;
    const int8_t *low = tile->weights, *high = low + (PANEL_VECTORS == 2 ? VLEN * QUAD : tile->panel_stride);
    const int32_t *bias = tile->bias;
    const VI low_bias = vi_load_n(bias, tile->outputs), high_bias = vi_load_n(bias + VLEN, tile->outputs - VLEN);
    _Alignas(64) int32_t sums[TILE_ROWS * SUM_STRIDE];
    uint8_t last[TILE_ROWS * QUAD];
    int64_t src_stride = tile->src_stride, quads = tile->depth / QUAD;

#define START_ROW(r) VI low##r = low_bias, high##r = high_bias;
    EACH_ROW(START_ROW)
    if (rest) copy_last(tile, rows, last);
    for (int turn = 0; turn <= (rest != 0); turn++) {
#define POINT_ROW(r)                                                                                                   \
    if (r < rows && r % ROWS_PER_BASE == 0) base[r / ROWS_PER_BASE] = src + r * src_stride;
        EACH_ROW(POINT_ROW)
#define MULTIPLY_ROW(r)                                                                                                \
    if (r < rows) {                                                                                                    \
        const dot_bytes x = dot_unsigned(load_four(base[r / ROWS_PER_BASE] + r % ROWS_PER_BASE * src_stride + k));     \
        low##r = dot_add(low##r, x, low_weights);                                                                      \
        if (is_wide) high##r = dot_add(high##r, x, high_weights);                                                      \
    }
        for (int64_t k = 0; k < quads * QUAD; k += QUAD, low += QN_CONV_PANEL * QUAD, high += QN_CONV_PANEL * QUAD) {
            const dot_bytes low_weights = load_weights(low), high_weights = load_weights(is_wide ? high : low);
            EACH_ROW(MULTIPLY_ROW)
        }
        src = last;
        src_stride = QUAD;
        quads = 1;
    }

#define KEEP_ROW(r)                                                                                                    \
    if (r < rows) vi_store(sums + r * SUM_STRIDE, low##r);                                                             \
    if (r < rows && is_wide) vi_store(sums + r * SUM_STRIDE + VLEN, high##r);
    EACH_ROW(KEEP_ROW)
    const requantize_block block = {sums, SUM_STRIDE, rows, tile->result_stride, tile->outputs};
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
