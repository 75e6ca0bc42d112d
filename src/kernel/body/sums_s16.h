/* kernel/body/sums_s16.h - exact sums of products of 16-bit numbers. A weight is 256 times its high byte, with sign,
 * plus its low byte, without; each part times 16 bits fits 24, so that 256 products of either add up in 32 bits.
 */
#ifndef QN_KERNEL_BODY_SUMS_S16_H
#define QN_KERNEL_BODY_SUMS_S16_H

#include "kernel/body/common.h"

/* How many products a lane takes before it must be folded: 32768 * 255 * 256 < 2^31. */
enum { PRODUCTS_MAX = 256 };

/* acc plus two products per lane. */
QN_INLINE VI sums_add(VI acc, VI x, VI w) {
#ifdef HAS_DOT_BYTES
    return vi_add_dot_words(acc, x, w);
#else
    return vi_add(acc, vi_dot_words(x, w));
#endif
}

/* sums[i] += 256 * high + low, lane by lane; a sum beyond 64 bits wraps. */
QN_INLINE void sums_fold(int64_t *sums, VI high, VI low) {
    _Alignas(64) int32_t h[VLEN], l[VLEN];
    vi_store(h, high);
    vi_store(l, low);
    for (int i = 0; i < VLEN; i++) sums[i] = (int64_t)((uint64_t)sums[i] + (uint64_t)((int64_t)h[i] * 256 + l[i]));
}

/* Rounded once. */
QN_INLINE void sums_to_float(const int64_t *sums, float *out, const int count) {
    for (int i = 0; i < count; i++) out[i] = (float)sums[i];
}

#endif
