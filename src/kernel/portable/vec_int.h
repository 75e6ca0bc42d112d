/* kernel/portable/vec_int.h - what kernel/body on integers needs beside vec.h: bytes and 16-bit numbers as lanes. */
#ifndef QN_KERNEL_PORTABLE_VEC_INT_H
#define QN_KERNEL_PORTABLE_VEC_INT_H

#include "kernel/portable/vec.h"

static inline VF v_from_int(VI a) { return (VF)a; }
/* Rounded half to even; the lane must be within 64 bits, of which the low 32 stay. */
static inline VI v_round(VF a) { return (VI)(uint32_t)llrintf(a); }

static inline VI vi_load(const int32_t *p) { return *p; }
static inline VI vi_load_n(const int32_t *p, int64_t n) { return n > 0 ? *p : 0; }
static inline VI vi_load_u8(const uint8_t *p) { return *p; }
static inline VI vi_load_u8_n(const uint8_t *p, int64_t n) { return n > 0 ? *p : 0; }
static inline VI vi_load_s16(const int16_t *p) { return *p; }
static inline VI vi_load_s16_n(const int16_t *p, int64_t n) { return n > 0 ? *p : 0; }

/* The low bits of each lane. */
static inline void vi_store_u8(uint8_t *p, VI a) { *p = (uint8_t)a; }
static inline void vi_store_u8_n(uint8_t *p, VI a, int64_t n) {
    if (n > 0) *p = (uint8_t)a;
}
static inline void vi_store_s16(int16_t *p, VI a) { *p = (int16_t)a; }
static inline void vi_store_s16_n(int16_t *p, VI a, int64_t n) {
    if (n > 0) *p = (int16_t)a;
}

#endif
