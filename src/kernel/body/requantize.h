/* kernel/body/requantize.h - from exact sums to results, as kernel/quantized.h defines it. No operation is fused.
 *
 * The bounds are applied in one step less than they are written: with top = min(limit, high), and low where limit is a
 * NaN, the least of t and top, then the greatest with low, is the same for every t, NaNs among them. Without a limit a
 * NaN passes high (v_min gives its second operand) and becomes low.
 */
#ifndef QN_KERNEL_BODY_REQUANTIZE_H
#define QN_KERNEL_BODY_REQUANTIZE_H

#include "kernel/body/common.h"
#include "kernel/kernel.h"

/* What a vector of channels has of its own. */
typedef struct requantize_channels {
    VF multiplier, addend_multiplier, top;
} requantize_channels;

/* The upper bound from a vector of limits. */
QN_INLINE VF requantize_top(const qn_requantize *r, VF limit) {
    return v_select(v_is_nan(limit), v_set1(r->low), v_min(limit, v_set1(r->high)));
}

QN_INLINE requantize_channels requantize_load(const qn_requantize *r, int64_t channel, int64_t left) {
    requantize_channels c = {.multiplier = v_load_n(r->multiplier + channel, left), .top = v_set1(r->high)};
    c.addend_multiplier = r->addend_multiplier ? v_load_n(r->addend_multiplier + channel, left) : v_zero();
    if (r->limit) c.top = requantize_top(r, v_load_n(r->limit + channel, left));
    return c;
}

QN_INLINE VF requantize_addend(const qn_requantize *r, const requantize_channels *c, int64_t at, int64_t left,
                               const int64_t storage, const int whole) {
    VI value;
    if (storage == QN_STORAGE_F32) {
        const float *p = (const float *)r->addend + at;
        return whole ? v_load(p) : v_load_n(p, left);
    }
    if (storage == QN_STORAGE_F16) {
        const uint16_t *p = (const uint16_t *)r->addend + at;
        return whole ? v_load_half(p) : v_load_half_n(p, left);
    }
    if (storage == QN_STORAGE_U8) {
        const uint8_t *p = (const uint8_t *)r->addend + at;
        value = whole ? vi_load_u8(p) : vi_load_u8_n(p, left);
    } else {
        const int16_t *p = (const int16_t *)r->addend + at;
        value = whole ? vi_load_s16(p) : vi_load_s16_n(p, left);
    }
    return v_mul(v_from_int(vi_sub(value, vi_set1(r->addend_zero_point))), c->addend_multiplier);
}

QN_INLINE void requantize_store(const qn_requantize *r, VF t, int64_t at, int64_t left, const int64_t storage,
                                const int whole) {
    if (storage == QN_STORAGE_F32) {
        float *p = (float *)r->dst + at;
        whole ? v_store(p, t) : v_store_n(p, t, left);
        return;
    }
    if (storage == QN_STORAGE_F16) {
        uint16_t *p = (uint16_t *)r->dst + at;
        whole ? v_store_half(p, t) : v_store_half_n(p, t, left);
        return;
    }
    const VI value = vi_add(v_round(t), vi_set1(r->zero_point));
    if (storage == QN_STORAGE_U8) {
        uint8_t *p = (uint8_t *)r->dst + at;
        whole ? vi_store_u8(p, value) : vi_store_u8_n(p, value, left);
    } else {
        int16_t *p = (int16_t *)r->dst + at;
        whole ? vi_store_s16(p, value) : vi_store_s16_n(p, value, left);
    }
}

/* One vector of sums as floats; `at`: its first element in dst and addend. */
QN_INLINE void requantize_vector(const qn_requantize *r, const requantize_channels *c, VF sum, int64_t at, int64_t left,
                                 const int64_t dst, const int64_t addend, const int limited, const int whole) {
    VF t = v_mul(sum, c->multiplier);
    if (addend != QN_STORAGE_NONE) t = v_add(t, requantize_addend(r, c, at, left, addend, whole));
    t = limited ? v_min(t, c->top) : v_min(c->top, t);
    requantize_store(r, v_max(t, v_set1(r->low)), at, left, dst, whole);
}

#ifdef HAS_BYTE_VECTORS

/* ---- To bytes without an addend, four vectors at once ----
   The lower bound is applied to bytes: it is an integer, and what overflows downwards, or is a NaN, has become the
   least integer by then and saturates. */

typedef struct requantize_bytes {
    VI zero_point, least; /* words, bytes */
} requantize_bytes;

QN_INLINE requantize_bytes requantize_load_bytes(const qn_requantize *r) {
    return (requantize_bytes){vw_set1(r->zero_point), vb_set1((int)r->low + r->zero_point)};
}

QN_INLINE VI requantize_round(VI sum, VF multiplier, VF top, const int limited) {
    const VF t = v_mul(v_from_int(sum), multiplier);
    return v_round(limited ? v_min(t, top) : v_min(top, t));
}

/* In each lane the four elements of a, then those of b, of c and of d. */
QN_INLINE VI requantize_pack(const requantize_bytes *bytes, VI a, VI b, VI c, VI d) {
    const VI low = vw_add(vw_pack(a, b), bytes->zero_point), high = vw_add(vw_pack(c, d), bytes->zero_point);
    return vb_max(vb_pack(low, high), bytes->least);
}

#endif

#endif
