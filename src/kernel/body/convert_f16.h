/* kernel/body/convert_f16.h - convert_f16 for one instruction set. The including file defines KERNEL_SYMBOL and
 * KERNEL_NAME and includes its vec.h.
 */
#include "kernel/body/common.h"
#include "kernel/kernel.h"

static void widen(const void *from, float *dst, int64_t count) {
    const uint16_t *src = from;
    int64_t i = 0;
    for (; i + VLEN <= count; i += VLEN) v_store(dst + i, v_load_half(src + i));
    if (i < count) v_store_n(dst + i, v_load_half_n(src + i, count - i), count - i);
}

static void narrow(const float *src, void *to, int64_t count) {
    uint16_t *dst = to;
    int64_t i = 0;
    for (; i + VLEN <= count; i += VLEN) v_store_half(dst + i, v_load(src + i));
    if (i < count) v_store_half_n(dst + i, v_load_n(src + i, count - i), count - i);
}

const qn_convert_f16_kernel KERNEL_SYMBOL = {KERNEL_NAME, sizeof(uint16_t), widen, narrow};
