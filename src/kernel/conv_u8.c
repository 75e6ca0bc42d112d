/* kernel/conv_u8.c - conv_u8: what sets the family apart; packing and work are conv_int.c's. */
#include "kernel/conv_int.h"

static const qn_conv_int_family family = {sizeof(uint8_t), sizeof(int8_t), sizeof(int32_t), 4};

size_t qn_conv_u8_packed_bytes(int64_t taps_by_cin, int64_t cout) {
    return qn_conv_int_packed_bytes(&family, taps_by_cin, cout);
}

void qn_conv_u8_pack(const int8_t *weights, int64_t taps_by_cin, int64_t cout, int8_t *out_packed) {
    qn_conv_int_pack(&family, weights, taps_by_cin, cout, out_packed);
}

void qn_conv_u8_work(const qn_conv_int_params *params, qn_work *out_work) {
    qn_conv_int_work(&family, params, out_work);
}
