/* kernel/x86/avx2/sums.h - sums of 64 bits, one a lane, put together from parts of 32 bits. */
#ifndef QN_KERNEL_X86_AVX2_SUMS_H
#define QN_KERNEL_X86_AVX2_SUMS_H

#include "kernel/x86/avx2/vec.h"

/* base[i] + 256 * high + low of four lanes; without high parts where `has_high` is 0. */
static inline __m256i sums_wide(__m128i high, __m128i low, const int has_high, const int64_t *base) {
    __m256i parts = _mm256_cvtepi32_epi64(low);
    if (has_high) parts = _mm256_add_epi64(_mm256_slli_epi64(_mm256_cvtepi32_epi64(high), 8), parts);
    return _mm256_add_epi64(_mm256_loadu_si256((const __m256i *)(const void *)base), parts);
}

/* out[i] = base[i] + 256 * high + low, lane by lane; may be base itself. */
static inline void sums_fold(VI high, VI low, const int has_high, const int64_t *base, int64_t *out) {
    const __m128i high_1 = _mm256_extracti128_si256(high, 1), low_1 = _mm256_extracti128_si256(low, 1);
    const __m256i a = sums_wide(_mm256_castsi256_si128(high), _mm256_castsi256_si128(low), has_high, base);
    const __m256i b = sums_wide(high_1, low_1, has_high, base + 4);
    _mm256_storeu_si256((__m256i *)(void *)out, a);
    _mm256_storeu_si256((__m256i *)(void *)(out + 4), b);
}

/* Rounded once. Below 2^51 a number becomes a double by its bits, exactly. */
static inline __m128 sums_round(__m256i sums) {
    const __m256i half_range = _mm256_set1_epi64x(INT64_C(1) << 51), beyond = _mm256_set1_epi64x(-(INT64_C(1) << 52));
    const __m256d magic = _mm256_set1_pd(0x1.8p52);
    int64_t lanes[4];
    if (_mm256_testz_si256(_mm256_add_epi64(sums, half_range), beyond)) {
        const __m256i bits = _mm256_add_epi64(sums, _mm256_castpd_si256(magic));
        return _mm256_cvtpd_ps(_mm256_sub_pd(_mm256_castsi256_pd(bits), magic));
    }
    _mm256_storeu_si256((__m256i *)(void *)lanes, sums);
    return _mm_setr_ps((float)lanes[0], (float)lanes[1], (float)lanes[2], (float)lanes[3]);
}

/* What sums_fold stores, as floats. */
static inline VF sums_float(VI high, VI low, const int has_high, const int64_t *base) {
    const __m128i high_1 = _mm256_extracti128_si256(high, 1), low_1 = _mm256_extracti128_si256(low, 1);
    const __m128 a = sums_round(sums_wide(_mm256_castsi256_si128(high), _mm256_castsi256_si128(low), has_high, base));
    return _mm256_set_m128(sums_round(sums_wide(high_1, low_1, has_high, base + 4)), a);
}

#endif
