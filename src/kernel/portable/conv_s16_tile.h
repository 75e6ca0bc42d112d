/* kernel/portable/conv_s16_tile.h - conv_s16 and conv_s16s8 tile in plain C: 4 rows by 16 outputs. The including file
 * defines WEIGHT, the type of a weight, TILE_SYMBOL and TILE_NAME.
 */
#include "kernel/portable/vec.h"
#include "kernel/kernels.h"

#define FLOAT_SUMS
#include "kernel/body/requantize_block.h"

enum { ROWS = 4, PAIR = 2 };

/* Products of 16 bits fit 32, two of them need not; sums wrap. `weights`: of a pair of k, [16][2]. */
static void add_pair(int32_t first, int32_t second, const WEIGHT *weights, int64_t *sums) {
    for (int o = 0; o < QN_CONV_PANEL; o++) {
        const int64_t products = (int64_t)(first * weights[o * PAIR]) + second * weights[o * PAIR + 1];
        sums[o] = (int64_t)((uint64_t)sums[o] + (uint64_t)products);
    }
}

static void run_tile(const qn_conv_int_tile *tile) {
    float floats[ROWS][QN_CONV_PANEL];
    const int64_t whole = tile->depth / PAIR * PAIR;
    for (int64_t r = 0; r < tile->rows; r++) {
        const int16_t *src = (const int16_t *)tile->src + r * tile->src_stride;
        const WEIGHT *weights = tile->weights;
        int64_t sums[QN_CONV_PANEL] = {0};
        memcpy(sums, tile->bias, (size_t)tile->outputs * sizeof *sums);
        for (int64_t k = 0; k < whole; k += PAIR, weights += QN_CONV_PANEL * PAIR)
            add_pair(src[k], src[k + 1], weights, sums);
        if (whole < tile->depth) add_pair(src[whole], 0, weights, sums);
        for (int o = 0; o < QN_CONV_PANEL; o++) floats[r][o] = (float)sums[o];
    }
    const requantize_block block = {floats[0], QN_CONV_PANEL, tile->rows, tile->result_stride, tile->outputs};
    requantize_sums(&tile->result, &block);
}

const qn_conv_int_kernel TILE_SYMBOL = {TILE_NAME, ROWS, 1, run_tile, NULL, NULL};
