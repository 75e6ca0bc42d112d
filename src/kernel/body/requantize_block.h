/* kernel/body/requantize_block.h - body/requantize.h over a block of sums that lie in memory. */
#ifndef QN_KERNEL_BODY_REQUANTIZE_BLOCK_H
#define QN_KERNEL_BODY_REQUANTIZE_BLOCK_H

#include "kernel/body/requantize.h"

/* The including file may define FLOAT_SUMS: sums that are floats already. */
#ifdef FLOAT_SUMS
typedef float requantize_sum;
enum { REQUANTIZE_USUAL = QN_STORAGE_S16 }; /* what results are as a rule */
QN_INLINE VF requantize_load_sums(const float *sums) { return v_load(sums); }
#else
typedef int32_t requantize_sum;
enum { REQUANTIZE_USUAL = QN_STORAGE_U8 };
QN_INLINE VF requantize_load_sums(const int32_t *sums) { return v_from_int(vi_load(sums)); }
#endif

/* rows x outputs sums, rows `sum_stride` apart, those of dst and addend `stride` elements. */
typedef struct requantize_block {
    const requantize_sum *sums;
    int64_t sum_stride, rows, stride, outputs;
} requantize_block;

QN_INLINE void requantize_columns(const qn_requantize *r, const requantize_block *b, int64_t o, const int64_t dst,
                                  const int64_t addend, const int limited, const int whole) {
    const int64_t left = b->outputs - o, stride = b->stride;
    const requantize_channels channels = requantize_load(r, o, left);
    const requantize_sum *sums = b->sums + o;
    int64_t at = o;
    for (int64_t row = 0; row < b->rows; row++, sums += b->sum_stride, at += stride)
        requantize_vector(r, &channels, requantize_load_sums(sums), at, left, dst, addend, limited, whole);
}

QN_INLINE void requantize_all(const qn_requantize *r, const requantize_block *b, const int64_t dst,
                              const int64_t addend, const int limited) {
    int64_t o = 0;
    for (; o + VLEN <= b->outputs; o += VLEN) requantize_columns(r, b, o, dst, addend, limited, 1);
    if (o < b->outputs) requantize_columns(r, b, o, dst, addend, limited, 0);
}

#if defined(HAS_BYTE_VECTORS) && !defined(FLOAT_SUMS)

/* Two rows at a time of a block that is two whole vectors wide, to bytes without an addend. */
QN_INLINE void requantize_pairs(const qn_requantize *r, const requantize_block *b, const int limited) {
    const requantize_channels low = requantize_load(r, 0, VLEN), high = requantize_load(r, VLEN, VLEN);
    const requantize_bytes bytes = requantize_load_bytes(r);
    const int64_t sum_stride = b->sum_stride, stride = b->stride, rows = b->rows;
    const int32_t *sums = b->sums;
    uint8_t *dst = r->dst;
    for (int64_t row = 0; row + 2 <= rows; row += 2, sums += 2 * sum_stride, dst += 2 * stride) {
        const VI first_low = requantize_round(vi_load(sums), low.multiplier, low.top, limited);
        const VI first_high = requantize_round(vi_load(sums + VLEN), high.multiplier, high.top, limited);
        const VI next_low = requantize_round(vi_load(sums + sum_stride), low.multiplier, low.top, limited);
        const VI next_high = requantize_round(vi_load(sums + sum_stride + VLEN), high.multiplier, high.top, limited);
        const VI lanes = requantize_pack(&bytes, first_low, first_high, next_low, next_high);
        vb_store_halves(dst, dst + stride, vi_by_place(lanes));
    }
    if (rows % 2 == 0) return;
    qn_requantize last = *r;
    last.dst = dst;
    const requantize_block one = {sums, sum_stride, 1, stride, b->outputs};
    requantize_all(&last, &one, QN_STORAGE_U8, QN_STORAGE_NONE, limited);
}

#else
#define requantize_pairs(r, b, limited) requantize_all(r, b, QN_STORAGE_U8, QN_STORAGE_NONE, limited)
#endif

/* Sums are read in whole vectors. What is common has code of its own. */
static void requantize_sums(const qn_requantize *r, const requantize_block *b) {
    const int usual = r->dst_storage == REQUANTIZE_USUAL, limited = r->limit != NULL;
    const int64_t addend = r->addend ? r->addend_storage : QN_STORAGE_NONE;
#ifndef FLOAT_SUMS
    if (usual && addend == QN_STORAGE_NONE && b->outputs == 2 * VLEN) {
        limited ? requantize_pairs(r, b, 1) : requantize_pairs(r, b, 0);
        return;
    }
    if (usual && addend == QN_STORAGE_U8 && !limited) {
        requantize_all(r, b, QN_STORAGE_U8, QN_STORAGE_U8, 0);
        return;
    }
#endif
    if (usual && addend == QN_STORAGE_NONE && !limited) {
        requantize_all(r, b, REQUANTIZE_USUAL, QN_STORAGE_NONE, 0);
    } else if (usual && addend == QN_STORAGE_NONE) {
        requantize_all(r, b, REQUANTIZE_USUAL, QN_STORAGE_NONE, 1);
    } else {
        requantize_all(r, b, r->dst_storage, addend, limited);
    }
}

#endif
