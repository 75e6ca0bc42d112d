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

/* Sums to start from, of the outputs that exist; `left` of them from `bias` on. */
QN_INLINE void sums_start(const int64_t *bias, int64_t left, int64_t *out) {
    for (int64_t i = 0; i < VLEN; i++) out[i] = i < left ? bias[i] : 0;
}

#endif
