/* kernel/x86/interleave.h - interleave_rows: four rows of bytes side by side, for body/depthwise_u8.h. */
#ifndef QN_KERNEL_X86_INTERLEAVE_H
#define QN_KERNEL_X86_INTERLEAVE_H

#include "kernel/body/common.h"
#include "kernel/kernel.h"

#include <immintrin.h>
#include <string.h>

QN_INLINE __m128i load_bytes(const uint8_t *p, int64_t count, const int whole) {
    uint8_t bytes[QN_DEPTHWISE_BLOCK] = {0};
    if (whole) return _mm_loadu_si128((const __m128i *)(const void *)p);
    for (int64_t i = 0; i < count; i++) bytes[i] = p[i];
    return _mm_loadu_si128((const __m128i *)(const void *)bytes);
}

QN_INLINE void interleave_cells(const qn_depthwise_u8_rows *r, const int whole) {
    const uint8_t *a = r->rows[0], *b = r->rows[1], *c = r->rows[2], *d = r->rows[3];
    uint8_t *out = r->out_cells;
    for (int64_t x = 0; x < r->cells; x++, out += QN_DEPTHWISE_BLOCK * QN_DEPTHWISE_GROUP) {
        const __m128i first = load_bytes(a, r->channels, whole), second = load_bytes(b, r->channels, whole);
        const __m128i third = load_bytes(c, r->channels, whole), fourth = load_bytes(d, r->channels, whole);
        const __m128i low = _mm_unpacklo_epi8(first, second), high = _mm_unpackhi_epi8(first, second);
        const __m128i low_rest = _mm_unpacklo_epi8(third, fourth), high_rest = _mm_unpackhi_epi8(third, fourth);
        __m128i *to = (__m128i *)(void *)out;
        _mm_store_si128(to, _mm_unpacklo_epi16(low, low_rest));
        _mm_store_si128(to + 1, _mm_unpackhi_epi16(low, low_rest));
        _mm_store_si128(to + 2, _mm_unpacklo_epi16(high, high_rest));
        _mm_store_si128(to + 3, _mm_unpackhi_epi16(high, high_rest));
        a += r->steps[0], b += r->steps[1], c += r->steps[2], d += r->steps[3];
    }
}

static void interleave_rows(const qn_depthwise_u8_rows *r) {
    if (r->channels >= QN_DEPTHWISE_BLOCK) {
        interleave_cells(r, 1);
    } else {
        interleave_cells(r, 0);
    }
}

#endif
