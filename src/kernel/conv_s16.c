/* kernel/conv_s16.c - conv_s16: packing, and its work, which is conv_int.c's. */
#include "kernel/conv_int.h"

enum { PAIR = 2 };

static const qn_conv_int_family family = {sizeof(int16_t), sizeof(int16_t), sizeof(int64_t), PAIR};

size_t qn_conv_s16_packed_bytes(int64_t taps_by_cin, int64_t cout) {
    return (size_t)qn_conv_int_packed_elems(taps_by_cin, cout, PAIR) * sizeof(int16_t);
}

void qn_conv_s16_pack(const int16_t *weights, int64_t taps_by_cin, int64_t cout, int16_t *out_packed) {
    const int64_t panel_elems = qn_conv_int_packed_elems(taps_by_cin, 1, PAIR);
    memset(out_packed, 0, qn_conv_s16_packed_bytes(taps_by_cin, cout));
    for (int64_t k = 0; k < taps_by_cin; k++)
        for (int64_t o = 0; o < cout; o++)
            out_packed[o / QN_CONV_PANEL * panel_elems + (k / PAIR * QN_CONV_PANEL + o % QN_CONV_PANEL) * PAIR +
                       k % PAIR] = weights[k * cout + o];
}

void qn_conv_s16_work(const qn_conv_int_params *params, qn_work *out_work) {
    qn_conv_int_work(params, &family, out_work);
}
