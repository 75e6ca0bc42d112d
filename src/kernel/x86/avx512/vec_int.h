/* kernel/x86/avx512/vec_int.h - what kernel/body on integers needs beside vec.h: bytes and 16-bit numbers as lanes. */
#ifndef QN_KERNEL_X86_AVX512_VEC_INT_H
#define QN_KERNEL_X86_AVX512_VEC_INT_H

#include "kernel/x86/avx512/vec.h"

static inline VF v_from_int(VI a) { return _mm512_cvtepi32_ps(a); }
/* Rounded half to even; the lane must be within 32 bits. */
static inline VI v_round(VF a) { return _mm512_cvtps_epi32(a); }

static inline VI vi_load(const int32_t *p) { return _mm512_loadu_si512(p); }
static inline VI vi_load_n(const int32_t *p, int64_t n) { return _mm512_maskz_loadu_epi32(v_mask_n(n), p); }
static inline VI vi_load_u8(const uint8_t *p) {
    return _mm512_cvtepu8_epi32(_mm_loadu_si128((const __m128i *)(const void *)p));
}
static inline VI vi_load_u8_n(const uint8_t *p, int64_t n) {
    return _mm512_cvtepu8_epi32(_mm_maskz_loadu_epi8(v_mask_n(n), p));
}
static inline VI vi_load_s16(const int16_t *p) {
    return _mm512_cvtepi16_epi32(_mm256_loadu_si256((const __m256i *)(const void *)p));
}
static inline VI vi_load_s16_n(const int16_t *p, int64_t n) {
    return _mm512_cvtepi16_epi32(_mm256_maskz_loadu_epi16(v_mask_n(n), p));
}

/* The low bits of each lane. */
static inline void vi_store_u8(uint8_t *p, VI a) { _mm_storeu_si128((__m128i *)(void *)p, _mm512_cvtepi32_epi8(a)); }
static inline void vi_store_u8_n(uint8_t *p, VI a, int64_t n) {
    _mm_mask_storeu_epi8(p, v_mask_n(n), _mm512_cvtepi32_epi8(a));
}
static inline void vi_store_s16(int16_t *p, VI a) {
    _mm256_storeu_si256((__m256i *)(void *)p, _mm512_cvtepi32_epi16(a));
}
static inline void vi_store_s16_n(int16_t *p, VI a, int64_t n) {
    _mm256_mask_storeu_epi16(p, v_mask_n(n), _mm512_cvtepi32_epi16(a));
}

#endif
