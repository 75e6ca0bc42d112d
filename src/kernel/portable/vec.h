/* kernel/portable/vec.h - the vector vocabulary of kernel/body on plain C: vectors of one float. */
#ifndef QN_KERNEL_PORTABLE_VEC_H
#define QN_KERNEL_PORTABLE_VEC_H

#include <math.h>
#include <stdint.h>
#include <string.h>

enum { VLEN = 1 };
typedef float VF;
typedef int32_t VI;
typedef int VM;

static inline VF v_load(const float *p) { return *p; }
static inline void v_store(float *p, VF a) { *p = a; }
static inline VF v_load_n(const float *p, int64_t n) { return n > 0 ? *p : 0.0f; }
static inline void v_store_n(float *p, VF a, int64_t n) {
    if (n > 0) *p = a;
}
static inline VF v_set1(float a) { return a; }
static inline VF v_zero(void) { return 0.0f; }
static inline VF v_load_u8_n(const uint8_t *p, int64_t n) { return n > 0 ? (float)*p : 0.0f; }

static inline VF v_load_half(const uint16_t *p) {
    const uint32_t sign = (uint32_t)(*p & 0x8000) << 16, size = *p & 0x7fff;
    uint32_t bits = size << 13;
    VF value;
    if (size < 0x400) { /* subnormal: a count of 2^-24 */
        value = (float)size * 0x1p-24f;
        memcpy(&bits, &value, sizeof bits);
    } else if (size < 0x7c00) {
        bits += (uint32_t)(127 - 15) << 23;
    } else {
        bits += (uint32_t)(255 - 31) << 23;
        if (size > 0x7c00) bits |= 0x400000; /* quiet */
    }
    bits |= sign;
    memcpy(&value, &bits, sizeof value);
    return value;
}
static inline void v_store_half(uint16_t *p, VF a) {
    uint32_t bits;
    memcpy(&bits, &a, sizeof bits);
    const uint16_t sign = (uint16_t)(bits >> 16 & 0x8000);
    bits &= 0x7fffffff;
    if (bits > 0x7f800000) { /* NaN */
        bits = 0x7e00 | (bits >> 13 & 0x3ff);
    } else if (bits >= 0x47800000) { /* 2^16 and more */
        bits = 0x7c00;
    } else if (bits < 0x38800000) { /* below 2^-14: added to 1/2 it is rounded at 2^-24 */
        const uint32_t half_bits = 0x3f000000;
        VF value;
        memcpy(&value, &bits, sizeof value);
        value += 0.5f;
        memcpy(&bits, &value, sizeof bits);
        bits -= half_bits;
    } else { /* what carries out of the fraction is the next exponent, in the end infinity */
        bits = (bits - ((uint32_t)(127 - 15) << 23) + 0xfff + (bits >> 13 & 1)) >> 13;
    }
    *p = (uint16_t)(sign | bits);
}
static inline VF v_load_half_n(const uint16_t *p, int64_t n) { return n > 0 ? v_load_half(p) : 0.0f; }
static inline void v_store_half_n(uint16_t *p, VF a, int64_t n) {
    if (n > 0) v_store_half(p, a);
}

static inline VF v_fma(VF a, VF b, VF c) { return fmaf(a, b, c); }
static inline VF v_add(VF a, VF b) { return a + b; }
static inline VF v_sub(VF a, VF b) { return a - b; }
static inline VF v_mul(VF a, VF b) { return a * b; }
static inline VF v_div(VF a, VF b) { return a / b; }
static inline VF v_sqrt(VF a) { return sqrtf(a); }
static inline VF v_max(VF a, VF b) { return a > b ? a : b; }
static inline VF v_min(VF a, VF b) { return a < b ? a : b; }

static inline VI v_bits(VF a) {
    VI bits;
    memcpy(&bits, &a, sizeof bits);
    return bits;
}
static inline VF v_from_bits(VI a) {
    VF value;
    memcpy(&value, &a, sizeof value);
    return value;
}
static inline VF v_abs(VF a) { return v_from_bits(v_bits(a) & 0x7fffffff); }
static inline VF v_neg(VF a) { return v_from_bits((VI)((uint32_t)v_bits(a) ^ UINT32_C(0x80000000))); }
static inline VF v_copy_sign(VF magnitude, VF sign) {
    return v_from_bits(
        (VI)(((uint32_t)v_bits(magnitude) & UINT32_C(0x7fffffff)) | ((uint32_t)v_bits(sign) & UINT32_C(0x80000000))));
}

static inline VM v_gt(VF a, VF b) { return a > b; }
static inline VM v_is_nan(VF a) { return a != a; }
static inline VF v_select(VM m, VF a, VF b) { return m ? a : b; }

static inline VI vi_set1(int32_t a) { return a; }
static inline VI vi_add(VI a, VI b) { return (VI)((uint32_t)a + (uint32_t)b); }
static inline VI vi_sub(VI a, VI b) { return (VI)((uint32_t)a - (uint32_t)b); }
static inline VI vi_half(VI a) { return a >> 1; }
static inline VI vi_shift_to_exponent(VI a) { return (VI)((uint32_t)a << 23); }
static inline VI vi_select(VM m, VI a, VI b) { return m ? a : b; }
static inline void vi_store_n(int32_t *p, VI a, int64_t n) {
    if (n > 0) *p = a;
}

/* Integers. Stores of narrow types are of values that they hold. */
static inline VI vi_load(const int32_t *p) { return *p; }
static inline void vi_store(int32_t *p, VI a) { *p = a; }
static inline VI vi_load_n(const int32_t *p, int64_t n) { return n > 0 ? *p : 0; }
static inline VI vi_load_u8(const uint8_t *p) { return *p; }
static inline VI vi_load_s16(const int16_t *p) { return *p; }
static inline VI vi_load_u8_n(const uint8_t *p, int64_t n) { return n > 0 ? *p : 0; }
static inline VI vi_load_s16_n(const int16_t *p, int64_t n) { return n > 0 ? *p : 0; }
static inline void vi_store_u8(uint8_t *p, VI a) { *p = (uint8_t)a; }
static inline void vi_store_s16(int16_t *p, VI a) { *p = (int16_t)a; }
static inline void vi_store_u8_n(uint8_t *p, VI a, int64_t n) {
    if (n > 0) vi_store_u8(p, a);
}
static inline void vi_store_s16_n(int16_t *p, VI a, int64_t n) {
    if (n > 0) vi_store_s16(p, a);
}
static inline VI vi_shift_left(VI a, int bits) { return (VI)((uint32_t)a << bits); }
static inline VF v_from_int(VI a) { return (VF)a; }
/* To the nearest integer, half to even: of |a| <= 2^22, whose fraction an addition of 1.5 * 2^23 rounds away. */
static inline VI v_round(VF a) { return vi_sub(v_bits(a + 0x1.8p23f), v_bits(0x1.8p23f)); }

#endif
