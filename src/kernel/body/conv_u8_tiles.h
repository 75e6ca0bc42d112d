/* kernel/body/conv_u8_tiles.h - conv_u8 on tile registers: two by two tiles of sums, 16 rows by 16 outputs each, over
 * steps of 64 values of k. The including file defines TILE, the declaration of the kernel, and TILE_NAME, includes a
 * vec.h, and has the macros of x86/amx/tiles.h.
 *
 * All tiles have 16 rows of 64 bytes throughout. Where fewer rows or less of k are left, they are copied into a block
 * of that size first: rows that do not exist hold anything, what lies behind the end of k is multiplied by zeros.
 */
#include "kernel/body/requantize_block.h"

#include <string.h>

enum { SIDE = 16, ROW_BYTES = 64, QUAD = 4, BLOCK_BYTES = SIDE * ROW_BYTES };
enum { TILE_ROWS = 2 * SIDE, TILE_PANELS = 2, SUM_STRIDE = TILE_PANELS * QN_CONV_PANEL };

/* Tiles by use: sums of upper and lower rows and of both panels; the left matrix; the panels. */
#define SUMS_00 0
#define SUMS_01 1
#define SUMS_10 2
#define SUMS_11 3
#define LEFT_0  4
#define LEFT_1  5
#define RIGHT_0 6
#define RIGHT_1 7

static void configure_tiles(void) {
    struct {
        uint8_t palette, start_row, reserved[14];
        uint16_t row_bytes[16];
        uint8_t rows[16];
    } config = {.palette = 1};
    for (int i = 0; i < 8; i++) {
        config.row_bytes[i] = ROW_BYTES;
        config.rows[i] = SIDE;
    }
    TILES_CONFIGURE(&config);
}

static void release_tiles(void) { TILES_RELEASE(); }

/* Where a tile is loaded from. */
typedef struct tile_block {
    const void *data;
    int64_t stride; /* bytes */
} tile_block;

/* Rows first .. + 15 of the left matrix, `bytes` (1 .. 64) from k on; `copy` takes them where they are not whole. */
static inline tile_block left_block(const qn_conv_int_tile *tile, int64_t first, int64_t k, int64_t bytes,
                                    uint8_t *copy) {
    const uint8_t *src = (const uint8_t *)tile->src + first * tile->src_stride + k;
    const int64_t rows = tile->rows - first < SIDE ? tile->rows - first : SIDE;
    if (rows == SIDE && bytes == ROW_BYTES) return (tile_block){src, tile->src_stride};
    for (int64_t r = 0; r < rows; r++) memcpy(copy + r * ROW_BYTES, src + r * tile->src_stride, (size_t)bytes);
    return (tile_block){copy, ROW_BYTES};
}

/* The same of a panel: its rows from k / 4 on. */
static inline tile_block right_block(const qn_conv_int_tile *tile, int64_t panel, int64_t k, int64_t bytes,
                                     uint8_t *copy) {
    const int8_t *weights = (const int8_t *)tile->weights + panel * tile->panel_stride + k * QN_CONV_PANEL;
    if (bytes == ROW_BYTES) return (tile_block){weights, ROW_BYTES};
    const size_t used = (size_t)((bytes + QUAD - 1) / QUAD * ROW_BYTES);
    memcpy(copy, weights, used);
    memset(copy + used, 0, BLOCK_BYTES - used);
    return (tile_block){copy, ROW_BYTES};
}

/* One step of k. `copies`: four blocks of zeros, or of what earlier steps left there. */
QN_INLINE void multiply_step(const qn_conv_int_tile *tile, int64_t k, int64_t bytes, uint8_t *copies, const int is_tall,
                             const int is_wide) {
    const tile_block upper = left_block(tile, 0, k, bytes, copies);
    const tile_block first = right_block(tile, 0, k, bytes, copies + 2 * BLOCK_BYTES);
    TILE_LOAD(LEFT_0, upper.data, upper.stride);
    TILE_LOAD(RIGHT_0, first.data, first.stride);
    TILE_DOT(SUMS_00, LEFT_0, RIGHT_0);
    if (is_wide) {
        const tile_block second = right_block(tile, 1, k, bytes, copies + 3 * BLOCK_BYTES);
        TILE_LOAD(RIGHT_1, second.data, second.stride);
        TILE_DOT(SUMS_01, LEFT_0, RIGHT_1);
    }
    if (is_tall) {
        const tile_block lower = left_block(tile, SIDE, k, bytes, copies + BLOCK_BYTES);
        TILE_LOAD(LEFT_1, lower.data, lower.stride);
        TILE_DOT(SUMS_10, LEFT_1, RIGHT_0);
        if (is_wide) TILE_DOT(SUMS_11, LEFT_1, RIGHT_1);
    }
}

QN_INLINE void run_tiles(const qn_conv_int_tile *tile, const int is_tall, const int is_wide) {
    _Alignas(64) int32_t sums[TILE_ROWS * SUM_STRIDE], bias[SUM_STRIDE] = {0};
    _Alignas(64) uint8_t copies[4 * BLOCK_BYTES];
    const int64_t rest = tile->depth % ROW_BYTES, whole = tile->depth - rest;
    const int64_t sum_stride = SUM_STRIDE * (int64_t)sizeof *sums;
    if (rest || tile->rows % SIDE) memset(copies, 0, sizeof copies);
    memcpy(bias, tile->bias, (size_t)tile->outputs * sizeof *bias);
    TILE_LOAD(SUMS_00, bias, 0); /* the same row 16 times */
    if (is_wide) TILE_LOAD(SUMS_01, bias + SIDE, 0);
    if (is_tall) TILE_LOAD(SUMS_10, bias, 0);
    if (is_tall && is_wide) TILE_LOAD(SUMS_11, bias + SIDE, 0);
    for (int64_t k = 0; k < whole; k += ROW_BYTES) multiply_step(tile, k, ROW_BYTES, copies, is_tall, is_wide);
    if (rest) multiply_step(tile, whole, rest, copies, is_tall, is_wide);
    TILE_STORE(SUMS_00, sums, sum_stride);
    if (is_wide) TILE_STORE(SUMS_01, sums + SIDE, sum_stride);
    if (is_tall) TILE_STORE(SUMS_10, sums + SIDE * SUM_STRIDE, sum_stride);
    if (is_tall && is_wide) TILE_STORE(SUMS_11, sums + SIDE * SUM_STRIDE + SIDE, sum_stride);
    const requantize_block block = {sums, SUM_STRIDE, tile->rows, tile->result_stride, tile->outputs};
    requantize_sums(&tile->result, &block);
}

static void run_tile(const qn_conv_int_tile *tile) {
    const int is_tall = tile->rows > SIDE, is_wide = tile->outputs > SIDE;
    if (is_tall && is_wide) {
        run_tiles(tile, 1, 1);
    } else if (is_tall) {
        run_tiles(tile, 1, 0);
    } else if (is_wide) {
        run_tiles(tile, 0, 1);
    } else {
        run_tiles(tile, 0, 0);
    }
}

TILE = {TILE_NAME, TILE_ROWS, TILE_PANELS, run_tile, configure_tiles, release_tiles};
