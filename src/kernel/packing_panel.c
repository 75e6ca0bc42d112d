/* kernel/packing_panel.c - PANEL16: outputs in panels of 16, with one, two or four values of k side by side, as conv_f32,
 * conv_s16 and conv_u8 and their kin read them. */
#include "kernel/kernel.h"
#include "kernel/packing.h"
#include "kernel/quantized.h"

static int64_t count_columns(const qn_weights *weights) { return weights->dims[weights->rank - 1]; }

/* All but the outputs: what is summed over. */
static int64_t count_rows(const qn_weights *weights) {
    int64_t rows = 1;
    for (int d = 0; d < weights->rank - 1; d++) rows *= weights->dims[d];
    return rows;
}

/* ---- Floats ---- */

static size_t single_bytes(const qn_weights *weights) {
    const size_t elem_bytes = weights->dtype == QN_DTYPE_F16 ? sizeof(uint16_t) : sizeof(float);
    return qn_conv_f32_packed_elems(count_rows(weights), count_columns(weights)) * elem_bytes;
}

static void pack_single(const qn_weights *weights, void *out_packed) {
    if (weights->dtype == QN_DTYPE_F16)
        qn_conv_f16_pack(weights->data, count_rows(weights), count_columns(weights), out_packed);
    else
        qn_conv_f32_pack(weights->data, count_rows(weights), count_columns(weights), out_packed);
}

const qn_packing qn_packing_panel16 = {
    .name = "panel16",
    .families = "conv_f32, conv_f16",
    .dtypes = 1u << QN_DTYPE_F32 | 1u << QN_DTYPE_F16,
    .min_rank = 2,
    .bytes = single_bytes,
    .pack = pack_single,
};

/* ---- Words, and bytes beside words ---- */

static size_t pair_bytes(const qn_weights *weights) {
    if (weights->dtype == QN_DTYPE_S8) return qn_conv_s16s8_packed_bytes(count_rows(weights), count_columns(weights));
    return qn_conv_s16_packed_bytes(count_rows(weights), count_columns(weights));
}

static void pack_pairs(const qn_weights *weights, void *out_packed) {
    if (weights->dtype == QN_DTYPE_S8)
        qn_conv_s16s8_pack(weights->data, count_rows(weights), count_columns(weights), out_packed);
    else
        qn_conv_s16_pack(weights->data, count_rows(weights), count_columns(weights), out_packed);
}

const qn_packing qn_packing_panel16x2 = {
    .name = "panel16x2",
    .families = "conv_s16, conv_s16s8",
    .dtypes = 1u << QN_DTYPE_S16 | 1u << QN_DTYPE_S8,
    .min_rank = 2,
    .bytes = pair_bytes,
    .pack = pack_pairs,
};

/* ---- Bytes ---- */

static size_t quad_bytes(const qn_weights *weights) {
    return qn_conv_u8_packed_bytes(count_rows(weights), count_columns(weights));
}

static void pack_quads(const qn_weights *weights, void *out_packed) {
    qn_conv_u8_pack(weights->data, count_rows(weights), count_columns(weights), out_packed);
}

const qn_packing qn_packing_panel16x4 = {
    .name = "panel16x4",
    .families = "conv_u8",
    .dtypes = 1u << QN_DTYPE_S8,
    .min_rank = 2,
    .bytes = quad_bytes,
    .pack = pack_quads,
};
