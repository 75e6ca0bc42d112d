/* kernel/portable/conv_u8.c - conv_u8 tile in plain C: 4 rows by 16 outputs. Sums wrap as the instructions' do. */
#include "kernel/portable/vec.h"
#include "kernel/kernels.h"

#include "kernel/body/requantize_block.h"

enum { ROWS = 4, QUAD = 4 };

/* Adds `count` products of every output; `weights`: of these k, [16][4]. */
static void add_quad(const uint8_t *x, int64_t count, const int8_t *weights, int32_t *sums) {
    int32_t wide[QUAD] = {0};
    for (int64_t i = 0; i < count; i++) wide[i] = x[i];
    for (int o = 0; o < QN_CONV_PANEL; o++) {
        const int8_t *w = weights + o * QUAD;
        const int32_t products = wide[0] * w[0] + wide[1] * w[1] + wide[2] * w[2] + wide[3] * w[3];
        sums[o] = (int32_t)((uint32_t)sums[o] + (uint32_t)products);
    }
}

static void run_tile(const qn_conv_int_tile *tile) {
    int32_t sums[ROWS][QN_CONV_PANEL] = {{0}};
    const int64_t whole = tile->depth / QUAD * QUAD;
    for (int64_t r = 0; r < tile->rows; r++) {
        const uint8_t *src = (const uint8_t *)tile->src + r * tile->src_stride;
        const int8_t *weights = tile->weights;
        memcpy(sums[r], tile->bias, (size_t)tile->outputs * sizeof sums[r][0]);
        for (int64_t k = 0; k < whole; k += QUAD) add_quad(src + k, QUAD, weights + k * QN_CONV_PANEL, sums[r]);
        if (whole < tile->depth) add_quad(src + whole, tile->depth - whole, weights + whole * QN_CONV_PANEL, sums[r]);
    }
    const requantize_block block = {sums[0], QN_CONV_PANEL, tile->rows, tile->result_stride, tile->outputs};
    requantize_sums(&tile->result, &block);
}

const qn_conv_u8_kernel qn_k_conv_u8_4x16_portable = {"conv_u8_4x16_portable", ROWS, 1, run_tile, NULL, NULL};
