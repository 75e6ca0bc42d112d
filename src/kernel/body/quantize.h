/* kernel/body/quantize.h - quantize for one instruction set. The including file defines KERNEL_SYMBOL and KERNEL_NAME
 * and includes its vec.h.
 */
#include "kernel/body/common.h"
#include "kernel/kernel.h"

/* A NaN becomes the low end: v_max answers with its second operand. */
QN_INLINE VI v_quantize(VF x, VF factor, VI zero, VF low, VF high) {
    return vi_add(v_round(v_min(v_max(v_mul(x, factor), low), high)), zero);
}

#define TO_INTEGER(name, src_elem, load, dst_elem, store, lowest, highest)                                             \
    static void name(const void *from, const float *factor, const int32_t *zero_point, int each, void *to,             \
                     int64_t count) {                                                                                  \
        const src_elem *src = from;                                                                                    \
        dst_elem *dst = to;                                                                                            \
        const VF least = v_set1(lowest), most = v_set1(highest);                                                       \
        VF f = v_set1(*factor);                                                                                        \
        VI zero = vi_set1(*zero_point);                                                                                \
        VF low = v_sub(least, v_from_int(zero)), high = v_sub(most, v_from_int(zero));                                 \
        int64_t i = 0;                                                                                                 \
        for (; i + VLEN <= count; i += VLEN) {                                                                         \
            if (each) {                                                                                                \
                f = v_load(factor + i);                                                                                \
                zero = vi_load(zero_point + i);                                                                        \
                low = v_sub(least, v_from_int(zero));                                                                  \
                high = v_sub(most, v_from_int(zero));                                                                  \
            }                                                                                                          \
            store(dst + i, v_quantize(load(src + i), f, zero, low, high));                                             \
        }                                                                                                              \
        if (i == count) return;                                                                                        \
        if (each) {                                                                                                    \
            f = v_load_n(factor + i, count - i);                                                                       \
            zero = vi_load_n(zero_point + i, count - i);                                                               \
            low = v_sub(least, v_from_int(zero));                                                                      \
            high = v_sub(most, v_from_int(zero));                                                                      \
        }                                                                                                              \
        store##_n(dst + i, v_quantize(load##_n(src + i, count - i), f, zero, low, high), count - i);                   \
    }

#define TO_FLOAT(name, src_elem, load, dst_elem, store)                                                                \
    static void name(const void *from, const float *factor, const int32_t *zero_point, int each, void *to,             \
                     int64_t count) {                                                                                  \
        const src_elem *src = from;                                                                                    \
        dst_elem *dst = to;                                                                                            \
        VF f = v_set1(*factor);                                                                                        \
        VI zero = vi_set1(*zero_point);                                                                                \
        int64_t i = 0;                                                                                                 \
        for (; i + VLEN <= count; i += VLEN) {                                                                         \
            if (each) {                                                                                                \
                f = v_load(factor + i);                                                                                \
                zero = vi_load(zero_point + i);                                                                        \
            }                                                                                                          \
            store(dst + i, v_mul(v_from_int(vi_sub(load(src + i), zero)), f));                                         \
        }                                                                                                              \
        if (i == count) return;                                                                                        \
        if (each) {                                                                                                    \
            f = v_load_n(factor + i, count - i);                                                                       \
            zero = vi_load_n(zero_point + i, count - i);                                                               \
        }                                                                                                              \
        store##_n(dst + i, v_mul(v_from_int(vi_sub(load##_n(src + i, count - i), zero)), f), count - i);               \
    }

TO_INTEGER(float_to_u8, float, v_load, uint8_t, vi_store_u8, 0.0f, 255.0f)
TO_INTEGER(float_to_s16, float, v_load, int16_t, vi_store_s16, -32767.0f, 32767.0f)
TO_INTEGER(half_to_u8, uint16_t, v_load_half, uint8_t, vi_store_u8, 0.0f, 255.0f)
TO_INTEGER(half_to_s16, uint16_t, v_load_half, int16_t, vi_store_s16, -32767.0f, 32767.0f)
TO_FLOAT(u8_to_float, uint8_t, vi_load_u8, float, v_store)
TO_FLOAT(s16_to_float, int16_t, vi_load_s16, float, v_store)
TO_FLOAT(u8_to_half, uint8_t, vi_load_u8, uint16_t, v_store_half)
TO_FLOAT(s16_to_half, int16_t, vi_load_s16, uint16_t, v_store_half)

const qn_quantize_kernel KERNEL_SYMBOL = {KERNEL_NAME,
                                          {{float_to_u8, float_to_s16}, {half_to_u8, half_to_s16}},
                                          {{u8_to_float, s16_to_float}, {u8_to_half, s16_to_half}}};
