/* kernel/body/resize_f32.h - resize_f32 for one instruction set. The including file defines KERNEL_SYMBOL and
 * KERNEL_NAME and includes its vec.h.
 */
#include "kernel/body/common.h"
#include "kernel/kernel.h"

#include <math.h>

/* Three rounded operations: fusing them would change the answer. */
QN_INLINE VF v_lerp(VF a, VF b, VF f) { return v_add(a, v_mul(v_sub(b, a), f)); }

static void lerp(const float *a, const float *b, float f, float *dst, int64_t count) {
    const VF factor = v_set1(f);
    int64_t i = 0;
    for (; i + VLEN <= count; i += VLEN) v_store(dst + i, v_lerp(v_load(a + i), v_load(b + i), factor));
    if (i < count) {
        v_store_n(dst + i, v_lerp(v_load_n(a + i, count - i), v_load_n(b + i, count - i), factor), count - i);
    }
}

static void lerp_argmax(const float *a, const float *b, float f, int64_t plane, int64_t channels, int64_t count,
                        int32_t *out_labels) {
    const VF factor = v_set1(f);
    for (int64_t i = 0; i < count; i += VLEN) {
        const int64_t left = count - i;
        VF best = v_set1(-INFINITY);
        VI label = vi_set1(0);
        for (int64_t c = 0; c < channels; c++) {
            const VF value = v_lerp(v_load_n(a + c * plane + i, left), v_load_n(b + c * plane + i, left), factor);
            const VM greater = v_gt(value, best);
            best = v_select(greater, value, best);
            label = vi_select(greater, vi_set1((int32_t)c), label);
        }
        vi_store_n(out_labels + i, label, left);
    }
}

const qn_resize_f32_kernel KERNEL_SYMBOL = {KERNEL_NAME, lerp, lerp_argmax};
