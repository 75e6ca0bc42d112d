/* kernel/body/sums_s16.h - exact sums of products of 16-bit numbers with weights of 16 or 8 bits. A weight of 16 bits
 * is 256 times its high byte, with sign, plus its low byte, without; each part times 16 bits fits 24, so that 256
 * products of either add up in 32 bits. A weight of 8 bits is one such part, of 23 bits with the product.
 */
#ifndef QN_KERNEL_BODY_SUMS_S16_H
#define QN_KERNEL_BODY_SUMS_S16_H

#include "kernel/body/common.h"

#include <string.h>

/* How many products a lane takes before it must be folded: 32768 * 255 * 256 < 2^31, and 32768 * 128 * 510. */
enum { PRODUCTS_MAX = 256, BYTE_PRODUCTS_MAX = 510 };

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
    if (left >= VLEN) {
        memcpy(out, bias, VLEN * sizeof *out);
        return;
    }
    for (int64_t i = 0; i < VLEN; i++) out[i] = i < left ? bias[i] : 0;
}

#endif
