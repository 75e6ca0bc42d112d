/* kernel/x86/avx512/sums.h - sums of 64 bits, one a lane, put together from parts of 32 bits. */
#ifndef QN_KERNEL_X86_AVX512_SUMS_H
#define QN_KERNEL_X86_AVX512_SUMS_H

#include "kernel/x86/avx512/vec.h"

/* base[i] + 256 * high + low of eight lanes; without high parts where `has_high` is 0. */
static inline __m512i sums_wide(__m256i high, __m256i low, const int has_high, const int64_t *base) {
    __m512i parts = _mm512_cvtepi32_epi64(low);
    if (has_high) parts = _mm512_add_epi64(_mm512_slli_epi64(_mm512_cvtepi32_epi64(high), 8), parts);
    return _mm512_add_epi64(_mm512_loadu_si512(base), parts);
}

/* out[i] = base[i] + 256 * high + low, lane by lane; may be base itself. */
static inline void sums_fold(VI high, VI low, const int has_high, const int64_t *base, int64_t *out) {
    const __m256i high_1 = _mm512_extracti64x4_epi64(high, 1), low_1 = _mm512_extracti64x4_epi64(low, 1);
    _mm512_storeu_si512(out, sums_wide(_mm512_castsi512_si256(high), _mm512_castsi512_si256(low), has_high, base));
    _mm512_storeu_si512(out + 8, sums_wide(high_1, low_1, has_high, base + 8));
}

/* The same as floats, rounded once. */
static inline VF sums_float(VI high, VI low, const int has_high, const int64_t *base) {
    const __m256i high_1 = _mm512_extracti64x4_epi64(high, 1), low_1 = _mm512_extracti64x4_epi64(low, 1);
    const __m256 a =
        _mm512_cvtepi64_ps(sums_wide(_mm512_castsi512_si256(high), _mm512_castsi512_si256(low), has_high, base));
    const __m256 b = _mm512_cvtepi64_ps(sums_wide(high_1, low_1, has_high, base + 8));
    return _mm512_insertf32x8(_mm512_castps256_ps512(a), b, 1);
}

#endif
