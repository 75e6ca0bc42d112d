/* kernel/x86/avx2/vec_int.h - what kernel/body on integers needs beside vec.h: bytes and 16-bit numbers as lanes. */
#ifndef QN_KERNEL_X86_AVX2_VEC_INT_H
#define QN_KERNEL_X86_AVX2_VEC_INT_H

#include "kernel/x86/avx2/vec.h"

static inline VF v_from_int(VI a) { return _mm256_cvtepi32_ps(a); }
/* Rounded half to even; the lane must be within 32 bits. */
static inline VI v_round(VF a) { return _mm256_cvtps_epi32(a); }

static inline VI vi_load(const int32_t *p) { return _mm256_loadu_si256((const __m256i *)(const void *)p); }
static inline VI vi_load_n(const int32_t *p, int64_t n) { return _mm256_maskload_epi32(p, v_mask_n(n)); }
static inline VI vi_load_u8(const uint8_t *p) {
    return _mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i *)(const void *)p));
}
static inline VI vi_load_u8_n(const uint8_t *p, int64_t n) {
    uint8_t lanes[8] = {0};
    if (n >= 8) return vi_load_u8(p);
    for (int64_t i = 0; i < n; i++) lanes[i] = p[i];
    return vi_load_u8(lanes);
}
static inline VI vi_load_s16(const int16_t *p) {
    return _mm256_cvtepi16_epi32(_mm_loadu_si128((const __m128i *)(const void *)p));
}
static inline VI vi_load_s16_n(const int16_t *p, int64_t n) {
    int16_t lanes[8] = {0};
    if (n >= 8) return vi_load_s16(p);
    for (int64_t i = 0; i < n; i++) lanes[i] = p[i];
    return vi_load_s16(lanes);
}

/* The low bits of each lane. */
static inline __m128i vi_low_words(VI a) {
    const VI low = _mm256_and_si256(a, _mm256_set1_epi32(0xffff));
    return _mm_packus_epi32(_mm256_castsi256_si128(low), _mm256_extracti128_si256(low, 1));
}
static inline void vi_store_u8(uint8_t *p, VI a) {
    const __m128i words = _mm_and_si128(vi_low_words(a), _mm_set1_epi16(0xff));
    _mm_storel_epi64((__m128i *)(void *)p, _mm_packus_epi16(words, words));
}
static inline void vi_store_u8_n(uint8_t *p, VI a, int64_t n) {
    uint8_t lanes[8];
    if (n >= 8) {
        vi_store_u8(p, a);
        return;
    }
    vi_store_u8(lanes, a);
    for (int64_t i = 0; i < n; i++) p[i] = lanes[i];
}
static inline void vi_store_s16(int16_t *p, VI a) { _mm_storeu_si128((__m128i *)(void *)p, vi_low_words(a)); }
static inline void vi_store_s16_n(int16_t *p, VI a, int64_t n) {
    int16_t lanes[8];
    if (n >= 8) {
        vi_store_s16(p, a);
        return;
    }
    vi_store_s16(lanes, a);
    for (int64_t i = 0; i < n; i++) p[i] = lanes[i];
}

#endif
