/* kernel/body/dot_u8.h - exact dot products of four unsigned by four signed bytes per lane: with the instruction for it
 * where vec.h has one (HAS_DOT_BYTES), else with products of words, which cannot overflow.
 */
#ifndef QN_KERNEL_BODY_DOT_U8_H
#define QN_KERNEL_BODY_DOT_U8_H

#include "kernel/body/common.h"

#ifdef HAS_DOT_BYTES
typedef VI dot_bytes;
QN_INLINE dot_bytes dot_unsigned(VI bytes) { return bytes; }
QN_INLINE dot_bytes dot_signed(VI bytes) { return bytes; }
QN_INLINE VI dot_add(VI acc, dot_bytes a, dot_bytes b) { return vi_dot_bytes(acc, a, b); }
#else
typedef struct dot_bytes {
    VI low, high;
} dot_bytes;
QN_INLINE dot_bytes dot_unsigned(VI bytes) { return (dot_bytes){vi_low_u8(bytes), vi_high_u8(bytes)}; }
QN_INLINE dot_bytes dot_signed(VI bytes) { return (dot_bytes){vi_low_s8(bytes), vi_high_s8(bytes)}; }
QN_INLINE VI dot_add(VI acc, dot_bytes a, dot_bytes b) {
    return vi_add(acc, vi_add(vi_dot_words(a.low, b.low), vi_dot_words(a.high, b.high)));
}
#endif

#endif
