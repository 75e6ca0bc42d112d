/* kernel/conv_int.h - the driver of the convolutions of integers, whatever their size. */
#ifndef QN_KERNEL_CONV_INT_H
#define QN_KERNEL_CONV_INT_H

#include "kernel/work.h"

/* How the families of integer convolutions differ. Panels hold `group` values of k side by side: 4 of conv_u8, 2 of
   conv_s16. */
typedef struct qn_conv_int_family {
    int64_t elem_bytes, weight_bytes; /* of an element of src, of a weight */
    int64_t bias_bytes, group;
} qn_conv_int_family;

/* Bytes of packed weights, and packing from [KH, KW, Cin, Cout] = [taps_by_cin, cout]. */
size_t qn_conv_int_packed_bytes(const qn_conv_int_family *family, int64_t taps_by_cin, int64_t cout);
void qn_conv_int_pack(const qn_conv_int_family *family, const void *weights, int64_t taps_by_cin, int64_t cout,
                      void *out_packed);

/* `family` must be static. */
void qn_conv_int_work(const qn_conv_int_family *family, const qn_conv_int_params *params, qn_work *out_work);

/* A copy of *result whose pointers start at element `at` of dst and addend and at channel `channel` of the vectors. */
static inline qn_requantize qn_requantize_from(const qn_requantize *result, int64_t at, int64_t channel) {
    qn_requantize moved = *result;
    moved.multiplier += channel;
    if (moved.limit) moved.limit += channel;
    if (moved.addend_multiplier) moved.addend_multiplier += channel;
    if (moved.addend) moved.addend = qn_elem(moved.addend, at, qn_int_storage_bytes(moved.addend_storage));
    moved.dst = qn_elem_mut(moved.dst, at, qn_int_storage_bytes(moved.dst_storage));
    return moved;
}

#endif
