/* kernel/body/pool_int.h - pool_int for one instruction set: loops that the compiler turns into vectors. The including
 * file defines KERNEL_SYMBOL and KERNEL_NAME and includes its vec.h.
 */
#include "kernel/body/common.h"
#include "kernel/kernel.h"

#define POOL(type, elem)                                                                                               \
    static void sum_##type(const void *src, int32_t *restrict acc, int64_t channels) {                                 \
        const elem *restrict from = src;                                                                               \
        for (int64_t c = 0; c < channels; c++) acc[c] += from[c];                                                      \
    }                                                                                                                  \
    static void max_##type(const void *src, void *acc, int64_t channels) {                                             \
        const elem *restrict from = src;                                                                               \
        elem *restrict best = acc;                                                                                     \
        for (int64_t c = 0; c < channels; c++) best[c] = from[c] > best[c] ? from[c] : best[c];                        \
    }                                                                                                                  \
    static void scale_##type(const int32_t *acc, float factor, void *dst, int64_t channels) {                          \
        const VF f = v_set1(factor);                                                                                   \
        elem *to = dst;                                                                                                \
        int64_t c = 0;                                                                                                 \
        for (; c + VLEN <= channels; c += VLEN) {                                                                      \
            vi_store_##type(to + c, v_round(v_mul(v_from_int(vi_load(acc + c)), f)));                                  \
        }                                                                                                              \
        if (c == channels) return;                                                                                     \
        const VI sum = vi_load_n(acc + c, channels - c);                                                               \
        vi_store_##type##_n(to + c, v_round(v_mul(v_from_int(sum), f)), channels - c);                                 \
    }

POOL(u8, uint8_t)
POOL(s16, int16_t)

const qn_pool_int_kernel KERNEL_SYMBOL = {KERNEL_NAME, {sum_u8, sum_s16}, {max_u8, max_s16}, {scale_u8, scale_s16}};
