/* kernel/packing_channel.c - CHANNEL16: weights of depthwise convolutions, [KH, KW, 1, C], in blocks of 16 channels, with
 * one tap or four rows of the kernel side by side. */
#include "kernel/kernel.h"
#include "kernel/packing.h"
#include "kernel/quantized.h"

enum { KERNEL_H, KERNEL_W, CHANNELS = 3 };

static size_t single_bytes(const qn_weights *weights) {
    const int64_t *dims = weights->dims;
    if (weights->dtype == QN_DTYPE_S16)
        return qn_depthwise_s16_packed_bytes(dims[KERNEL_H], dims[KERNEL_W], dims[CHANNELS]);
    const size_t elem_bytes = weights->dtype == QN_DTYPE_F16 ? sizeof(uint16_t) : sizeof(float);
    return qn_depthwise_f32_packed_elems(dims[KERNEL_H] * dims[KERNEL_W], dims[CHANNELS]) * elem_bytes;
}

static void pack_single(const qn_weights *weights, void *out_packed) {
    const int64_t *dims = weights->dims, taps = dims[KERNEL_H] * dims[KERNEL_W];
    if (weights->dtype == QN_DTYPE_S16)
        qn_depthwise_s16_pack(weights->data, dims[KERNEL_H], dims[KERNEL_W], dims[CHANNELS], out_packed);
    else if (weights->dtype == QN_DTYPE_F16)
        qn_depthwise_f16_pack(weights->data, taps, dims[CHANNELS], out_packed);
    else
        qn_depthwise_f32_pack(weights->data, taps, dims[CHANNELS], out_packed);
}

const qn_packing qn_packing_channel16 = {
    .name = "channel16",
    .families = "depthwise_f32, depthwise_f16, depthwise_s16",
    .dtypes = 1u << QN_DTYPE_F32 | 1u << QN_DTYPE_F16 | 1u << QN_DTYPE_S16,
    .min_rank = 4,
    .by_channel = 1,
    .bytes = single_bytes,
    .pack = pack_single,
};

static size_t quad_bytes(const qn_weights *weights) {
    return qn_depthwise_u8_packed_bytes(weights->dims[KERNEL_H], weights->dims[KERNEL_W], weights->dims[CHANNELS]);
}

static void pack_quads(const qn_weights *weights, void *out_packed) {
    qn_depthwise_u8_pack(weights->data, weights->dims[KERNEL_H], weights->dims[KERNEL_W], weights->dims[CHANNELS],
                         out_packed);
}

const qn_packing qn_packing_channel16x4 = {
    .name = "channel16x4",
    .families = "depthwise_u8",
    .dtypes = 1u << QN_DTYPE_S8,
    .min_rank = 4,
    .by_channel = 1,
    .bytes = quad_bytes,
    .pack = pack_quads,
};
