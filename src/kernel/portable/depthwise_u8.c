/* kernel/portable/depthwise_u8.c - depthwise_u8 in plain C. */
#include "kernel/portable/vec.h"
#include "kernel/kernels.h"

#define HAS_DOT_BYTES
static inline VI vi_dot_bytes(VI acc, VI a, VI b) {
    uint32_t sum = (uint32_t)acc;
    for (int i = 0; i < 4; i++) sum += (uint32_t)((int32_t)(uint8_t)(a >> 8 * i) * (int8_t)(b >> 8 * i));
    return (VI)sum;
}

static void interleave_rows(const qn_depthwise_u8_rows *r) {
    for (int64_t x = 0; x < r->cells; x++)
        for (int64_t c = 0; c < r->channels; c++)
            for (int i = 0; i < QN_DEPTHWISE_GROUP; i++)
                r->out_cells[(x * QN_DEPTHWISE_BLOCK + c) * QN_DEPTHWISE_GROUP + i] = r->rows[i][x * r->steps[i] + c];
}

#define KERNEL_WIDE                                                                                                    \
    { NULL, NULL }
#define KERNEL_SYMBOL qn_k_depthwise_u8_portable
#define KERNEL_NAME   "depthwise_u8_portable"
#include "kernel/body/depthwise_u8.h"
