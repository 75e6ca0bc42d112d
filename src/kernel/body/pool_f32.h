/* kernel/body/pool_f32.h - pool_f32 for one instruction set. The including file defines KERNEL_SYMBOL and KERNEL_NAME
 * and includes its vec.h.
 */
#include "kernel/body/common.h"
#include "kernel/kernel.h"

static void accumulate_sum(const float *src, float *acc, int64_t channels) {
    int64_t c = 0;
    for (; c + VLEN <= channels; c += VLEN) v_store(acc + c, v_add(v_load(acc + c), v_load(src + c)));
    if (c < channels) {
        v_store_n(acc + c, v_add(v_load_n(acc + c, channels - c), v_load_n(src + c, channels - c)), channels - c);
    }
}

static void accumulate_max(const float *src, float *acc, int64_t channels) {
    int64_t c = 0;
    for (; c + VLEN <= channels; c += VLEN) v_store(acc + c, v_greater(v_load(acc + c), v_load(src + c)));
    if (c < channels) {
        const VF a = v_load_n(acc + c, channels - c), b = v_load_n(src + c, channels - c);
        v_store_n(acc + c, v_greater(a, b), channels - c);
    }
}

static void scale(const float *acc, float factor, float *dst, int64_t channels) {
    const VF f = v_set1(factor);
    for (int64_t c = 0; c < channels; c += VLEN) {
        v_store_n(dst + c, v_mul(v_load_n(acc + c, channels - c), f), channels - c);
    }
}

const qn_pool_f32_kernel KERNEL_SYMBOL = {KERNEL_NAME, accumulate_sum, accumulate_max, scale};
