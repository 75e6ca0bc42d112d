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
    return v_from_bits((VI)(((uint32_t)v_bits(magnitude) & UINT32_C(0x7fffffff)) |
                            ((uint32_t)v_bits(sign) & UINT32_C(0x80000000))));
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

#endif
