/* kernel/conv_u8.c - conv_u8: packing, and its work, which is conv_int.c's. */
#include "kernel/conv_int.h"

enum { QUAD = 4 };

static const qn_conv_int_family family = {sizeof(uint8_t), sizeof(int8_t), sizeof(int32_t), QUAD};

size_t qn_conv_u8_packed_bytes(int64_t taps_by_cin, int64_t cout) {
    return (size_t)qn_conv_int_packed_elems(taps_by_cin, cout, QUAD);
}

void qn_conv_u8_pack(const int8_t *weights, int64_t taps_by_cin, int64_t cout, int8_t *out_packed) {
    const int64_t panel_elems = qn_conv_int_packed_elems(taps_by_cin, 1, QUAD);
    memset(out_packed, 0, qn_conv_u8_packed_bytes(taps_by_cin, cout));
    for (int64_t k = 0; k < taps_by_cin; k++)
        for (int64_t o = 0; o < cout; o++)
            out_packed[o / QN_CONV_PANEL * panel_elems + (k / QUAD * QN_CONV_PANEL + o % QN_CONV_PANEL) * QUAD +
                       k % QUAD] = weights[k * cout + o];
}

void qn_conv_u8_work(const qn_conv_int_params *params, qn_work *out_work) {
    qn_conv_int_work(params, &family, out_work);
}
