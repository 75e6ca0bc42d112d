/* kernel/portable/conv_tile.h - the tile of conv_f32, or conv_f16, without fused multiply-add instructions: 4 rows by
 * 16 outputs. The including file defines TILE_SYMBOL and TILE_NAME.
 *
 * A product of floats is exact in double, so double(a * b + c) rounded to float is the fused result unless rounding
 * twice matters. That takes a double whose bits below the float are exactly one half, or a float below the normal
 * range, whose half lies elsewhere. Both are rare: a block watches for them while it runs and, if it saw one, starts
 * over with fmaf. The loops are written for vectors of four, which compilers map to what the target has.
 */
#include "kernel/portable/vec.h"
#include "kernel/body/common.h"
#include "kernel/kernels.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

enum { ROWS = 4, LANES = 4, PAIRS = LANES / 2 };

/* Pairs: 128 bits are what every 64-bit processor has. */
typedef float floats __attribute__((vector_size(8)));
typedef double doubles __attribute__((vector_size(16)));
typedef uint32_t words __attribute__((vector_size(16))); /* of two doubles: low and high half of each */
typedef int32_t signs __attribute__((vector_size(16)));

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the low half of a double comes first");

typedef struct block {
    const ELEM *weights; /* first of LANES neighbouring outputs; k steps by QN_CONV_PANEL */
    int64_t lanes;       /* outputs that exist */
    int rows;
    float start[LANES];
    float result[ROWS][LANES];
} block;

/* Ones where rounding `sum` to float may differ from rounding the exact sum. A low half matches when the 29 bits below
   the float are 1000...; a high half when it is below 2^-126's but not 0, told by one signed comparison after an
   addition that wraps 0 to the greatest number. */
static inline signs rounds_twice(doubles sum) {
    const words bits = (words)sum;
    const words below_float = {0x1fffffff, 0, 0x1fffffff, 0}, half = {0x10000000, 1, 0x10000000, 1};
    const words size = {0, 0x7fffffff, 0, 0x7fffffff}, wrap = {0x7fffffff, 0x7fffffff, 0x7fffffff, 0x7fffffff};
    const signs normal = {INT32_MIN, INT32_MIN + 0x380fffff, INT32_MIN, INT32_MIN + 0x380fffff};
    return (signs)((bits & below_float) == half) | ((signs)((bits & size) + wrap) < normal);
}

/* 0 if a lane rounded twice. Reads row 0 in place of rows that do not exist. */
static int multiply_fast(const qn_conv_f32_tile *tile, block *b) {
    const float *src[ROWS];
    doubles acc[ROWS][PAIRS];
    signs suspect = {0, 0, 0, 0};
    for (int r = 0; r < ROWS; r++) {
        src[r] = tile->src + (r < b->rows ? r : 0) * tile->src_stride;
        for (int i = 0; i < PAIRS; i++) acc[r][i] = (doubles){(double)b->start[2 * i], (double)b->start[2 * i + 1]};
    }
    for (int64_t k = 0; k < tile->depth; k++) {
        const ELEM *w = b->weights + k * QN_CONV_PANEL;
        const doubles wide[PAIRS] = {{(double)e_load(w), (double)e_load(w + 1)},
                                     {(double)e_load(w + 2), (double)e_load(w + 3)}};
        for (int r = 0; r < ROWS; r++) {
            for (int i = 0; i < PAIRS; i++) {
                const doubles sum = (double)src[r][k] * wide[i] + acc[r][i];
                suspect |= rounds_twice(sum);
                acc[r][i] = __builtin_convertvector(__builtin_convertvector(sum, floats), doubles);
            }
        }
    }
    for (int r = 0; r < ROWS; r++) {
        for (int i = 0; i < LANES; i++) b->result[r][i] = (float)acc[r][i / 2][i % 2];
    }
    return (suspect[0] | suspect[1] | suspect[2] | suspect[3]) == 0;
}

static void multiply_exact(const qn_conv_f32_tile *tile, block *b) {
    for (int r = 0; r < b->rows; r++) {
        const float *src = tile->src + r * tile->src_stride;
        for (int64_t i = 0; i < b->lanes; i++) {
            float acc = b->start[i];
            for (int64_t k = 0; k < tile->depth; k++)
                acc = fmaf(src[k], e_load(b->weights + k * QN_CONV_PANEL + i), acc);
            b->result[r][i] = acc;
        }
    }
}

static void store_block(const qn_conv_f32_tile *tile, const block *b, int64_t output) {
    for (int r = 0; r < b->rows; r++) {
        const ELEM *addend = tile->addend ? (const ELEM *)tile->addend + r * tile->addend_stride + output : NULL;
        ELEM *dst = (ELEM *)tile->dst + r * tile->dst_stride + output;
        for (int64_t i = 0; i < b->lanes; i++) {
            float value = b->result[r][i];
            if (addend) value = value + e_load(addend + i);
            value = tile->act_min > value ? tile->act_min : value;
            e_store(dst + i, tile->act_max < value ? tile->act_max : value);
        }
    }
}

static void run_tile(const qn_conv_f32_tile *tile) {
    for (int64_t output = 0; output < tile->outputs; output += LANES) {
        const int64_t left = tile->outputs - output;
        block b = {.weights = (const ELEM *)tile->weights + output,
                   .lanes = left < LANES ? left : LANES,
                   .rows = (int)tile->rows};
        const ELEM *bias = tile->bias;
        for (int64_t i = 0; i < b.lanes && bias; i++) b.start[i] = e_load(bias + output + i);
        if (!multiply_fast(tile, &b)) multiply_exact(tile, &b);
        store_block(tile, &b, output);
    }
}

const qn_conv_f32_kernel TILE_SYMBOL = {TILE_NAME, ROWS, 1, run_tile};
