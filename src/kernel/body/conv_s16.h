/* kernel/body/conv_s16.h - the innermost tile of conv_s16 and conv_s16s8 for one instruction set. The including file
 * defines TILE_ROWS, WEIGHT_BYTES, TILE_SYMBOL and TILE_NAME and includes its vec.h.
 *
 * A step of k multiplies two words of a row with two vectors of weights: the high and the low bytes of one vector of
 * outputs or, where weights are bytes, two vectors of outputs. The steps between two foldings are a function of their
 * own for all rows of a tile, and for each power of two below, with accumulators that have names, so that all of them
 * live in registers.
 */
#define FLOAT_SUMS
#include "kernel/body/requantize_block.h"
#include "kernel/body/rows.h"
#include "kernel/body/sums_s16.h"

#include <string.h>

#if WEIGHT_BYTES == 2
typedef int16_t weight;
enum { VECTORS = 1, TILE_PANELS = 1, FOLD_AFTER = PRODUCTS_MAX };
#else
typedef int8_t weight;
enum { VECTORS = 2, TILE_PANELS = VECTORS * VLEN / QN_CONV_PANEL, FOLD_AFTER = BYTE_PRODUCTS_MAX };
#endif

enum { PAIR = 2, ROWS_PER_BASE = 3, FLOATS = TILE_PANELS * QN_CONV_PANEL };
enum { BASES = (TILE_ROWS + ROWS_PER_BASE - 1) / ROWS_PER_BASE };

/* Sums of a row: high and low parts of one vector of outputs, or two vectors of them. They pass through memory: with
   two ways to go on from the loop, gcc would keep the accumulators there too. */
typedef struct row_sums {
    _Alignas(64) int32_t first[VLEN], second[VLEN];
} row_sums;

/* Two neighbours of a row, to all lanes. */
QN_INLINE VI load_pair(const int16_t *p) {
    int32_t lane;
    memcpy(&lane, p, sizeof lane);
    return vi_set1(lane);
}

/* Adds the products of some pairs, at most FOLD_AFTER / PAIR. `weights`: of the first pair; where they are bytes, those
 * of the second vector are `second` behind. */
QN_INLINE void add_pairs(const int16_t *src, int64_t src_stride, int64_t pairs, const weight *weights, int64_t second,
                         const int rows, row_sums *out) {
    const int16_t *base[BASES];
#define START_ROW(r)                                                                                                   \
    VI first##r = vi_set1(0), second##r = first##r;                                                                    \
    if (r < rows && r % ROWS_PER_BASE == 0) base[r / ROWS_PER_BASE] = src + r * src_stride;
    EACH_ROW(START_ROW)
#define MULTIPLY_ROW(r)                                                                                                \
    if (r < rows) {                                                                                                    \
        const VI x = load_pair(base[r / ROWS_PER_BASE] + r % ROWS_PER_BASE * src_stride + k);                          \
        first##r = sums_add(first##r, x, w_first);                                                                     \
        second##r = sums_add(second##r, x, w_second);                                                                  \
    }
    for (int64_t k = 0; k < pairs * PAIR; k += PAIR, weights += QN_CONV_PANEL * PAIR) {
#if WEIGHT_BYTES == 2
        const VI w = vi_load((const int32_t *)(const void *)weights), w_first = vi_high_s8(w), w_second = vi_low_u8(w);
#else
        const VI w_first = vw_load_s8(weights), w_second = vw_load_s8(weights + second);
#endif
        EACH_ROW(MULTIPLY_ROW)
    }
    (void)second;
#define KEEP_ROW(r)                                                                                                    \
    if (r < rows) {                                                                                                    \
        vi_store(out[r].first, first##r);                                                                              \
        vi_store(out[r].second, second##r);                                                                            \
    }
    EACH_ROW(KEEP_ROW)
}

typedef void add_pairs_function(const int16_t *, int64_t, int64_t, const weight *, int64_t, row_sums *);

#define ADD_FUNCTION(name, rows)                                                                                       \
    static void add_pairs_##name(const int16_t *src, int64_t src_stride, int64_t pairs, const weight *weights,         \
                                 int64_t second, row_sums *out) {                                                      \
        add_pairs(src, src_stride, pairs, weights, second, rows, out);                                                 \
    }
ADD_FUNCTION(all, TILE_ROWS)
#if TILE_ROWS > 8
ADD_FUNCTION(8, 8)
#endif
ADD_FUNCTION(4, 4)
ADD_FUNCTION(2, 2)
ADD_FUNCTION(1, 1)

/* add_pairs of any count of rows. */
static void add_rows(const int16_t *src, int64_t src_stride, int64_t pairs, const weight *weights, int64_t second,
                     int64_t rows, row_sums *out) {
    static const struct {
        int64_t rows;
        add_pairs_function *add;
    } turns[] = {
        {TILE_ROWS, add_pairs_all},
#if TILE_ROWS > 8
        {8, add_pairs_8},
#endif
        {4, add_pairs_4},
        {2, add_pairs_2},
        {1, add_pairs_1},
    };
    for (int i = 0; rows > 0; i++) {
        if (turns[i].rows > rows) continue;
        turns[i].add(src, src_stride, pairs, weights, second, out);
        src += turns[i].rows * src_stride;
        out += turns[i].rows;
        rows -= turns[i].rows;
    }
}

/* The bias of the outputs that exist, from which sums start; then the sums of all rows as far as they have come. */
typedef struct wide_sums {
    _Alignas(64) int64_t bias[VECTORS * VLEN];
    _Alignas(64) int64_t rows[TILE_ROWS][VECTORS][VLEN];
    int has_rows;
} wide_sums;

/* Adds `parts` to the sums of all rows. The last ones are stored as floats instead, where `floats` is not NULL. */
QN_INLINE void take_parts(wide_sums *wide, const row_sums *parts, int64_t rows, float *floats) {
    for (int64_t r = 0; r < rows; r++) {
        const VI first = vi_load(parts[r].first), second = vi_load(parts[r].second);
        QN_UNROLL for (int v = 0; v < VECTORS; v++) {
            const VI low = VECTORS == 1 || v ? second : first;
            const int64_t *base = wide->has_rows ? wide->rows[r][v] : wide->bias + v * VLEN;
            if (floats)
                v_store(floats + r * FLOATS + v * VLEN, sums_float(first, low, VECTORS == 1, base));
            else
                sums_fold(first, low, VECTORS == 1, base, wide->rows[r][v]);
        }
    }
    wide->has_rows = 1;
}

#if WEIGHT_BYTES == 1

/* Do all sums of `depth` products fit 32 bits, their bias included? */
QN_INLINE int are_narrow(const wide_sums *wide, int64_t depth) {
    const int64_t most = INT32_MAX - depth * (INT64_C(1) << 22);
    int fit = depth <= FOLD_AFTER;
    for (int i = 0; i < VECTORS * VLEN; i++) fit &= wide->bias[i] >= -most && wide->bias[i] <= most;
    return fit;
}

/* The sums of all rows, which are narrow, as floats. */
QN_INLINE void take_narrow(const wide_sums *wide, const row_sums *parts, int64_t rows, float *floats) {
    _Alignas(64) int32_t bias[VECTORS * VLEN];
    for (int i = 0; i < VECTORS * VLEN; i++) bias[i] = (int32_t)wide->bias[i];
    const VI first = vi_load(bias), second = vi_load(bias + VLEN);
    for (int64_t r = 0; r < rows; r++, floats += FLOATS) {
        v_store(floats, v_from_int(vi_add(vi_load(parts[r].first), first)));
        v_store(floats + VLEN, v_from_int(vi_add(vi_load(parts[r].second), second)));
    }
}

#endif

/* The vectors of outputs from `output` on. `last`: the last element of each row beside a zero, where K is odd. */
static void run_vectors(const qn_conv_int_tile *tile, const int16_t *last, int64_t output, float *floats) {
    const int16_t *src = tile->src;
    const weight *weights = (const weight *)tile->weights + output * PAIR;
    const int64_t whole = tile->depth / PAIR * PAIR, left = tile->outputs - output;
    const int64_t second = left <= VLEN ? 0 : QN_CONV_PANEL / VLEN == 2 ? VLEN * PAIR : tile->panel_stride;
    wide_sums wide; /* large: only what is read is set */
    row_sums parts[TILE_ROWS];
    wide.has_rows = 0;
    for (int v = 0; v < VECTORS; v++)
        sums_start((const int64_t *)tile->bias + output + v * VLEN, left - v * VLEN, wide.bias + v * VLEN);
#if WEIGHT_BYTES == 1
    if (whole == tile->depth && are_narrow(&wide, whole)) {
        add_rows(src, tile->src_stride, whole / PAIR, weights, second, tile->rows, parts);
        take_narrow(&wide, parts, tile->rows, floats);
        return;
    }
#endif
    for (int64_t k = 0, count; k < tile->depth; k += count) {
        count = whole - k < FOLD_AFTER ? whole - k : FOLD_AFTER;
        if (count > 0) {
            add_rows(src + k, tile->src_stride, count / PAIR, weights + k * QN_CONV_PANEL, second, tile->rows, parts);
        } else {
            add_rows(last, PAIR, 1, weights + k * QN_CONV_PANEL, second, tile->rows, parts);
            count = 1;
        }
        take_parts(&wide, parts, tile->rows, k + count == tile->depth ? floats : NULL);
    }
}

static void run_tile(const qn_conv_int_tile *tile) {
    _Alignas(64) float floats[TILE_ROWS * FLOATS];
    const int16_t *src = tile->src;
    int16_t last[TILE_ROWS * PAIR] = {0};
    if (tile->depth % PAIR)
        for (int64_t r = 0; r < tile->rows; r++) last[r * PAIR] = src[r * tile->src_stride + tile->depth - 1];
    for (int64_t output = 0; output < tile->outputs; output += VECTORS * VLEN)
        run_vectors(tile, last, output, floats + output);
    const requantize_block block = {floats, FLOATS, tile->rows, tile->result_stride, tile->outputs};
    requantize_sums(&tile->result, &block);
}

const qn_conv_int_kernel TILE_SYMBOL = {TILE_NAME, TILE_ROWS, TILE_PANELS, run_tile, NULL, NULL};
