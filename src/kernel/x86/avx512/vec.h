/* kernel/x86/avx512/vec.h - the vector vocabulary of kernel/body on AVX-512 (F, BW, VL, DQ). */
#ifndef QN_KERNEL_X86_AVX512_VEC_H
#define QN_KERNEL_X86_AVX512_VEC_H

#include <immintrin.h>
#include <stdint.h>

enum { VLEN = 16 };
typedef __m512 VF;
typedef __m512i VI;
typedef __mmask16 VM;

/* The first n lanes; n may be anything. */
static inline __mmask16 v_mask_n(int64_t n) {
    return n >= 16 ? (__mmask16)0xffff : n <= 0 ? (__mmask16)0 : (__mmask16)((1u << n) - 1u);
}

static inline VF v_load(const float *p) { return _mm512_loadu_ps(p); }
static inline void v_store(float *p, VF a) { _mm512_storeu_ps(p, a); }
static inline VF v_load_n(const float *p, int64_t n) { return _mm512_maskz_loadu_ps(v_mask_n(n), p); }
static inline void v_store_n(float *p, VF a, int64_t n) { _mm512_mask_storeu_ps(p, v_mask_n(n), a); }
static inline VF v_set1(float a) { return _mm512_set1_ps(a); }
static inline VF v_zero(void) { return _mm512_setzero_ps(); }
static inline VF v_load_u8_n(const uint8_t *p, int64_t n) {
    return _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(_mm_maskz_loadu_epi8(v_mask_n(n), p)));
}

static inline VF v_load_half(const uint16_t *p) {
    return _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)(const void *)p));
}
static inline __m256i v_to_half(VF a) { return _mm512_cvtps_ph(a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC); }
static inline void v_store_half(uint16_t *p, VF a) { _mm256_storeu_si256((__m256i *)(void *)p, v_to_half(a)); }
static inline VF v_load_half_n(const uint16_t *p, int64_t n) {
    return _mm512_cvtph_ps(_mm256_maskz_loadu_epi16(v_mask_n(n), p));
}
static inline void v_store_half_n(uint16_t *p, VF a, int64_t n) {
    _mm256_mask_storeu_epi16(p, v_mask_n(n), v_to_half(a));
}

static inline VF v_fma(VF a, VF b, VF c) { return _mm512_fmadd_ps(a, b, c); }
static inline VF v_add(VF a, VF b) { return _mm512_add_ps(a, b); }
static inline VF v_sub(VF a, VF b) { return _mm512_sub_ps(a, b); }
static inline VF v_mul(VF a, VF b) { return _mm512_mul_ps(a, b); }
static inline VF v_div(VF a, VF b) { return _mm512_div_ps(a, b); }
static inline VF v_sqrt(VF a) { return _mm512_sqrt_ps(a); }
static inline VF v_max(VF a, VF b) { return _mm512_max_ps(a, b); }
static inline VF v_min(VF a, VF b) { return _mm512_min_ps(a, b); }

static inline VI v_bits(VF a) { return _mm512_castps_si512(a); }
static inline VF v_from_bits(VI a) { return _mm512_castsi512_ps(a); }
static inline VF v_abs(VF a) { return _mm512_andnot_ps(_mm512_set1_ps(-0.0f), a); }
static inline VF v_neg(VF a) { return _mm512_xor_ps(_mm512_set1_ps(-0.0f), a); }
static inline VF v_copy_sign(VF magnitude, VF sign) {
    return _mm512_or_ps(v_abs(magnitude), _mm512_and_ps(_mm512_set1_ps(-0.0f), sign));
}

static inline VM v_gt(VF a, VF b) { return _mm512_cmp_ps_mask(a, b, _CMP_GT_OQ); }
static inline VM v_is_nan(VF a) { return _mm512_cmp_ps_mask(a, a, _CMP_UNORD_Q); }
static inline VF v_select(VM m, VF a, VF b) { return _mm512_mask_blend_ps(m, b, a); }

static inline VI vi_set1(int32_t a) { return _mm512_set1_epi32(a); }
static inline VI vi_add(VI a, VI b) { return _mm512_add_epi32(a, b); }
static inline VI vi_sub(VI a, VI b) { return _mm512_sub_epi32(a, b); }
static inline VI vi_half(VI a) { return _mm512_srai_epi32(a, 1); }
static inline VI vi_shift_to_exponent(VI a) { return _mm512_slli_epi32(a, 23); }
static inline VI vi_select(VM m, VI a, VI b) { return _mm512_mask_blend_epi32(m, b, a); }
static inline void vi_store_n(int32_t *p, VI a, int64_t n) { _mm512_mask_storeu_epi32(p, v_mask_n(n), a); }

/* Integers. Stores of narrow types are of values that they hold. */
static inline VI vi_load(const int32_t *p) { return _mm512_loadu_si512(p); }
static inline void vi_store(int32_t *p, VI a) { _mm512_storeu_si512(p, a); }
static inline VI vi_load_n(const int32_t *p, int64_t n) { return _mm512_maskz_loadu_epi32(v_mask_n(n), p); }
static inline VI vi_load_u8(const uint8_t *p) {
    return _mm512_cvtepu8_epi32(_mm_loadu_si128((const __m128i *)(const void *)p));
}
static inline VI vi_load_s16(const int16_t *p) {
    return _mm512_cvtepi16_epi32(_mm256_loadu_si256((const __m256i *)(const void *)p));
}
static inline VI vi_load_u8_n(const uint8_t *p, int64_t n) {
    return _mm512_cvtepu8_epi32(_mm_maskz_loadu_epi8(v_mask_n(n), p));
}
static inline VI vi_load_s16_n(const int16_t *p, int64_t n) {
    return _mm512_cvtepi16_epi32(_mm256_maskz_loadu_epi16(v_mask_n(n), p));
}
static inline void vi_store_u8(uint8_t *p, VI a) { _mm_storeu_si128((__m128i *)(void *)p, _mm512_cvtepi32_epi8(a)); }
static inline void vi_store_s16(int16_t *p, VI a) {
    _mm256_storeu_si256((__m256i *)(void *)p, _mm512_cvtepi32_epi16(a));
}
static inline void vi_store_u8_n(uint8_t *p, VI a, int64_t n) {
    _mm_mask_storeu_epi8(p, v_mask_n(n), _mm512_cvtepi32_epi8(a));
}
static inline void vi_store_s16_n(int16_t *p, VI a, int64_t n) {
    _mm256_mask_storeu_epi16(p, v_mask_n(n), _mm512_cvtepi32_epi16(a));
}
static inline VI vi_shift_left(VI a, int bits) { return _mm512_sll_epi32(a, _mm_cvtsi32_si128(bits)); }
static inline VF v_from_int(VI a) { return _mm512_cvtepi32_ps(a); }
static inline VI v_round(VF a) { return _mm512_cvtps_epi32(a); } /* half to even, as the runtime sets the mode */

/* Bytes and words within the lanes. Low bytes of words, and high ones, widened with and without sign. */
static inline VI vi_low_u8(VI a) { return _mm512_and_si512(a, _mm512_set1_epi16(255)); }
static inline VI vi_high_u8(VI a) { return _mm512_srli_epi16(a, 8); }
static inline VI vi_low_s8(VI a) { return _mm512_srai_epi16(_mm512_slli_epi16(a, 8), 8); }
static inline VI vi_high_s8(VI a) { return _mm512_srai_epi16(a, 8); }
static inline VI vi_load_u16(const int16_t *p) {
    return _mm512_cvtepu16_epi32(_mm256_loadu_si256((const __m256i *)(const void *)p));
}
static inline VI vi_load_u16_n(const int16_t *p, int64_t n) {
    return _mm512_cvtepu16_epi32(_mm256_maskz_loadu_epi16(v_mask_n(n), p));
}
static inline VI vw_load_s8(const int8_t *p) {
    return _mm512_cvtepi8_epi16(_mm256_loadu_si256((const __m256i *)(const void *)p));
}
static inline VI vi_dot_words(VI a, VI b) { return _mm512_madd_epi16(a, b); } /* a0 * b0 + a1 * b1 */

/* Vectors of bytes and words. Unpacking, packing and vi_load_lanes work on each 128-bit lane on its own. */
#define HAS_BYTE_VECTORS
enum { VLANES = 4 };
static inline VI vb_load(const void *p) { return _mm512_loadu_si512(p); }
static inline void vb_store(void *p, VI a) { _mm512_storeu_si512(p, a); }
static inline VI vb_set1(int a) { return _mm512_set1_epi8((char)a); }
static inline VI vb_max(VI a, VI b) { return _mm512_max_epu8(a, b); }
static inline VI vw_set1(int a) { return _mm512_set1_epi16((int16_t)a); }
static inline VI vw_add(VI a, VI b) { return _mm512_adds_epi16(a, b); } /* saturates */
static inline VI vb_low(VI a, VI b) { return _mm512_unpacklo_epi8(a, b); }
static inline VI vb_high(VI a, VI b) { return _mm512_unpackhi_epi8(a, b); }
static inline VI vw_low(VI a, VI b) { return _mm512_unpacklo_epi16(a, b); }
static inline VI vw_high(VI a, VI b) { return _mm512_unpackhi_epi16(a, b); }
static inline VI vw_pack(VI a, VI b) { return _mm512_packs_epi32(a, b); }  /* of integers, saturates */
static inline VI vb_pack(VI a, VI b) { return _mm512_packus_epi16(a, b); } /* of words, saturates */
/* Lane i from `step` bytes * i behind p. */
static inline VI vi_load_lanes(const void *p, int64_t step) {
    const char *at = p;
    const __m128i *lane[4] = {(const __m128i *)(const void *)at, (const __m128i *)(const void *)(at + step),
                              (const __m128i *)(const void *)(at + 2 * step),
                              (const __m128i *)(const void *)(at + 3 * step)};
    VI a = _mm512_castsi128_si512(_mm_loadu_si128(lane[0]));
    a = _mm512_inserti32x4(a, _mm_loadu_si128(lane[1]), 1);
    a = _mm512_inserti32x4(a, _mm_loadu_si128(lane[2]), 2);
    return _mm512_inserti32x4(a, _mm_loadu_si128(lane[3]), 3);
}
/* Element i of all lanes side by side, then element i + 1. */
static inline VI vi_by_place(VI a) {
    return _mm512_permutexvar_epi32(_mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15), a);
}
static inline void vb_store_halves(void *first, void *second, VI a) {
    _mm256_storeu_si256(first, _mm512_castsi512_si256(a));
    _mm256_storeu_si256(second, _mm512_extracti64x4_epi64(a, 1));
}

#endif
