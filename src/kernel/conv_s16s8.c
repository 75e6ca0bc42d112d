/* kernel/conv_s16s8.c - conv_s16s8: what sets the family apart; packing and work are conv_int.c's. */
#include "kernel/conv_int.h"

static const qn_conv_int_family family = {sizeof(int16_t), sizeof(int8_t), sizeof(int64_t), 2};

size_t qn_conv_s16s8_packed_bytes(int64_t taps_by_cin, int64_t cout) {
    return qn_conv_int_packed_bytes(&family, taps_by_cin, cout);
}

void qn_conv_s16s8_pack(const int8_t *weights, int64_t taps_by_cin, int64_t cout, int8_t *out_packed) {
    qn_conv_int_pack(&family, weights, taps_by_cin, cout, out_packed);
}

void qn_conv_s16s8_work(const qn_conv_int_params *params, qn_work *out_work) {
    qn_conv_int_work(&family, params, out_work);
}
