/* kernel/x86/avx2/vec.h - the vector vocabulary of kernel/body on AVX2 and FMA. */
#ifndef QN_KERNEL_X86_AVX2_VEC_H
#define QN_KERNEL_X86_AVX2_VEC_H

#include <immintrin.h>
#include <stdint.h>

enum { VLEN = 8 };
typedef __m256 VF;
typedef __m256i VI;
typedef __m256 VM; /* lanes of all ones or all zeros */

/* The first n lanes; n may be anything. */
static inline __m256i v_mask_n(int64_t n) {
    const int count = n < 0 ? 0 : n > 8 ? 8 : (int)n;
    return _mm256_cmpgt_epi32(_mm256_set1_epi32(count), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}

static inline VF v_load(const float *p) { return _mm256_loadu_ps(p); }
static inline void v_store(float *p, VF a) { _mm256_storeu_ps(p, a); }
static inline VF v_load_n(const float *p, int64_t n) { return _mm256_maskload_ps(p, v_mask_n(n)); }
static inline void v_store_n(float *p, VF a, int64_t n) { _mm256_maskstore_ps(p, v_mask_n(n), a); }
static inline VF v_set1(float a) { return _mm256_set1_ps(a); }
static inline VF v_zero(void) { return _mm256_setzero_ps(); }
static inline VF v_load_u8_n(const uint8_t *p, int64_t n) {
    uint64_t bytes = 0;
    if (n >= 8) return _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i *)(const void *)p)));
    for (int64_t i = n - 1; i >= 0; i--) bytes = bytes << 8 | p[i];
    return _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(_mm_cvtsi64_si128((int64_t)bytes)));
}

static inline VF v_load_half(const uint16_t *p) {
    return _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)(const void *)p));
}
static inline void v_store_half(uint16_t *p, VF a) {
    _mm_storeu_si128((__m128i *)(void *)p, _mm256_cvtps_ph(a, _MM_FROUND_TO_NEAREST_INT));
}
static inline VF v_load_half_n(const uint16_t *p, int64_t n) {
    uint16_t lanes[8] = {0};
    if (n >= 8) return v_load_half(p);
    for (int64_t i = 0; i < n; i++) lanes[i] = p[i];
    return v_load_half(lanes);
}
static inline void v_store_half_n(uint16_t *p, VF a, int64_t n) {
    uint16_t lanes[8];
    if (n >= 8) {
        v_store_half(p, a);
        return;
    }
    v_store_half(lanes, a);
    for (int64_t i = 0; i < n; i++) p[i] = lanes[i];
}

static inline VF v_fma(VF a, VF b, VF c) { return _mm256_fmadd_ps(a, b, c); }
static inline VF v_add(VF a, VF b) { return _mm256_add_ps(a, b); }
static inline VF v_sub(VF a, VF b) { return _mm256_sub_ps(a, b); }
static inline VF v_mul(VF a, VF b) { return _mm256_mul_ps(a, b); }
static inline VF v_div(VF a, VF b) { return _mm256_div_ps(a, b); }
static inline VF v_sqrt(VF a) { return _mm256_sqrt_ps(a); }
static inline VF v_max(VF a, VF b) { return _mm256_max_ps(a, b); }
static inline VF v_min(VF a, VF b) { return _mm256_min_ps(a, b); }

static inline VI v_bits(VF a) { return _mm256_castps_si256(a); }
static inline VF v_from_bits(VI a) { return _mm256_castsi256_ps(a); }
static inline VF v_abs(VF a) { return _mm256_andnot_ps(_mm256_set1_ps(-0.0f), a); }
static inline VF v_neg(VF a) { return _mm256_xor_ps(_mm256_set1_ps(-0.0f), a); }
static inline VF v_copy_sign(VF magnitude, VF sign) {
    return _mm256_or_ps(v_abs(magnitude), _mm256_and_ps(_mm256_set1_ps(-0.0f), sign));
}

static inline VM v_gt(VF a, VF b) { return _mm256_cmp_ps(a, b, _CMP_GT_OQ); }
static inline VM v_is_nan(VF a) { return _mm256_cmp_ps(a, a, _CMP_UNORD_Q); }
static inline VF v_select(VM m, VF a, VF b) { return _mm256_blendv_ps(b, a, m); }

static inline VI vi_set1(int32_t a) { return _mm256_set1_epi32(a); }
static inline VI vi_add(VI a, VI b) { return _mm256_add_epi32(a, b); }
static inline VI vi_sub(VI a, VI b) { return _mm256_sub_epi32(a, b); }
static inline VI vi_half(VI a) { return _mm256_srai_epi32(a, 1); }
static inline VI vi_shift_to_exponent(VI a) { return _mm256_slli_epi32(a, 23); }
static inline VI vi_select(VM m, VI a, VI b) { return v_bits(_mm256_blendv_ps(v_from_bits(b), v_from_bits(a), m)); }
static inline void vi_store_n(int32_t *p, VI a, int64_t n) { _mm256_maskstore_epi32(p, v_mask_n(n), a); }

/* Integers. Stores of narrow types are of values that they hold. */
static inline VI vi_load(const int32_t *p) { return _mm256_loadu_si256((const __m256i *)(const void *)p); }
static inline void vi_store(int32_t *p, VI a) { _mm256_storeu_si256((__m256i *)(void *)p, a); }
static inline VI vi_load_n(const int32_t *p, int64_t n) { return _mm256_maskload_epi32(p, v_mask_n(n)); }
static inline VI vi_load_u8(const uint8_t *p) {
    return _mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i *)(const void *)p));
}
static inline VI vi_load_s16(const int16_t *p) {
    return _mm256_cvtepi16_epi32(_mm_loadu_si128((const __m128i *)(const void *)p));
}
static inline VI vi_load_u8_n(const uint8_t *p, int64_t n) {
    uint8_t lanes[8] = {0};
    if (n >= 8) return vi_load_u8(p);
    for (int64_t i = 0; i < n; i++) lanes[i] = p[i];
    return vi_load_u8(lanes);
}
static inline VI vi_load_s16_n(const int16_t *p, int64_t n) {
    int16_t lanes[8] = {0};
    if (n >= 8) return vi_load_s16(p);
    for (int64_t i = 0; i < n; i++) lanes[i] = p[i];
    return vi_load_s16(lanes);
}
static inline __m128i vi_to_s16(VI a) {
    return _mm_packs_epi32(_mm256_castsi256_si128(a), _mm256_extracti128_si256(a, 1));
}
static inline void vi_store_u8(uint8_t *p, VI a) {
    const __m128i words = vi_to_s16(a);
    _mm_storel_epi64((__m128i *)(void *)p, _mm_packus_epi16(words, words));
}
static inline void vi_store_s16(int16_t *p, VI a) { _mm_storeu_si128((__m128i *)(void *)p, vi_to_s16(a)); }
static inline void vi_store_u8_n(uint8_t *p, VI a, int64_t n) {
    uint8_t lanes[8];
    if (n >= 8) {
        vi_store_u8(p, a);
        return;
    }
    vi_store_u8(lanes, a);
    for (int64_t i = 0; i < n; i++) p[i] = lanes[i];
}
static inline void vi_store_s16_n(int16_t *p, VI a, int64_t n) {
    int16_t lanes[8];
    if (n >= 8) {
        vi_store_s16(p, a);
        return;
    }
    vi_store_s16(lanes, a);
    for (int64_t i = 0; i < n; i++) p[i] = lanes[i];
}
static inline VI vi_shift_left(VI a, int bits) { return _mm256_sll_epi32(a, _mm_cvtsi32_si128(bits)); }
static inline VF v_from_int(VI a) { return _mm256_cvtepi32_ps(a); }
static inline VI v_round(VF a) { return _mm256_cvtps_epi32(a); } /* half to even, as the runtime sets the mode */

/* Bytes and words within the lanes. Low bytes of words, and high ones, widened with and without sign. */
static inline VI vi_low_u8(VI a) { return _mm256_and_si256(a, _mm256_set1_epi16(255)); }
static inline VI vi_high_u8(VI a) { return _mm256_srli_epi16(a, 8); }
static inline VI vi_low_s8(VI a) { return _mm256_srai_epi16(_mm256_slli_epi16(a, 8), 8); }
static inline VI vi_high_s8(VI a) { return _mm256_srai_epi16(a, 8); }
static inline VI vi_load_u16(const int16_t *p) {
    return _mm256_cvtepu16_epi32(_mm_loadu_si128((const __m128i *)(const void *)p));
}
static inline VI vi_load_u16_n(const int16_t *p, int64_t n) {
    int16_t lanes[8] = {0};
    if (n >= 8) return vi_load_u16(p);
    for (int64_t i = 0; i < n; i++) lanes[i] = p[i];
    return vi_load_u16(lanes);
}
static inline VI vw_load_s8(const int8_t *p) {
    return _mm256_cvtepi8_epi16(_mm_loadu_si128((const __m128i *)(const void *)p));
}
static inline VI vi_dot_words(VI a, VI b) { return _mm256_madd_epi16(a, b); } /* a0 * b0 + a1 * b1 */

/* Vectors of bytes and words. Unpacking, packing and vi_load_lanes work on each 128-bit lane on its own. */
#define HAS_BYTE_VECTORS
enum { VLANES = 2 };
static inline VI vb_load(const void *p) { return _mm256_loadu_si256(p); }
static inline void vb_store(void *p, VI a) { _mm256_storeu_si256(p, a); }
static inline VI vb_set1(int a) { return _mm256_set1_epi8((char)a); }
static inline VI vb_max(VI a, VI b) { return _mm256_max_epu8(a, b); }
static inline VI vw_set1(int a) { return _mm256_set1_epi16((int16_t)a); }
static inline VI vw_add(VI a, VI b) { return _mm256_adds_epi16(a, b); } /* saturates */
static inline VI vb_low(VI a, VI b) { return _mm256_unpacklo_epi8(a, b); }
static inline VI vb_high(VI a, VI b) { return _mm256_unpackhi_epi8(a, b); }
static inline VI vw_low(VI a, VI b) { return _mm256_unpacklo_epi16(a, b); }
static inline VI vw_high(VI a, VI b) { return _mm256_unpackhi_epi16(a, b); }
static inline VI vw_pack(VI a, VI b) { return _mm256_packs_epi32(a, b); }  /* of integers, saturates */
static inline VI vb_pack(VI a, VI b) { return _mm256_packus_epi16(a, b); } /* of words, saturates */
/* Lane i from `step` bytes * i behind p. */
static inline VI vi_load_lanes(const void *p, int64_t step) {
    const char *at = p;
    return _mm256_loadu2_m128i((const __m128i *)(const void *)(at + step), (const __m128i *)(const void *)at);
}
/* Element i of all lanes side by side, then element i + 1. */
static inline VI vi_by_place(VI a) { return _mm256_permutevar8x32_epi32(a, _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7)); }
static inline void vb_store_halves(void *first, void *second, VI a) { _mm256_storeu2_m128i(second, first, a); }

#endif
