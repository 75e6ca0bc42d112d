/* kernel/portable/depthwise_s16.c - depthwise_s16 in plain C. */
#include "kernel/portable/vec.h"
#include "kernel/kernels.h"

#define FLOAT_SUMS
#include "kernel/body/requantize_block.h"

enum { BLOCK = QN_DEPTHWISE_BLOCK };

static void run_tile(const qn_depthwise_s16_tile *tile) {
    float floats[QN_DEPTHWISE_S16_COLUMNS][BLOCK];
    for (int64_t x = 0; x < tile->columns; x++) {
        int64_t sums[BLOCK] = {0};
        memcpy(sums, tile->bias, (size_t)tile->channels * sizeof *sums);
        for (int64_t t = 0; t < tile->taps; t++) {
            const int16_t *src = tile->sources[t].at + x * tile->sources[t].step, *w = tile->weights + t * BLOCK;
            for (int64_t c = 0; c < tile->channels; c++)
                sums[c] = (int64_t)((uint64_t)sums[c] + (uint64_t)(int64_t)(src[c] * w[c]));
        }
        for (int c = 0; c < BLOCK; c++) floats[x][c] = (float)sums[c];
    }
    const requantize_block block = {floats[0], BLOCK, tile->columns, tile->result_stride, tile->channels};
    requantize_sums(&tile->result, &block);
}

const qn_depthwise_s16_kernel qn_k_depthwise_s16_portable = {"depthwise_s16_portable", run_tile};
