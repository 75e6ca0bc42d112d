/* dequantize_linear - integers as the floats they stand for, channel by channel of the last axis:
 *
 *   out[.., c] = float(x[.., c] - zero_point[c]) * scale[c]
 *
 * x: u8 or s16. The product is rounded once to f32, and once more where the result is f16. scale (f32) and zero_point
 * (s32) have one element for all channels or one each. */
#include "op/lower_quantized.h"

enum { X = 0, SCALE = 1, ZERO_POINT = 2, INPUTS = 3 };

static const qn_attr_def attr_defs[] = {
    {.name = "dtype",
     .kind = QN_ATTR_DTYPE,
     .offset = offsetof(qn_dequantize_linear_attrs, dtype),
     .fallback = "f32",
     .doc = "Element type of the result: f32 or f16."},
    {0},
};

static qn_status *infer_dequantize_linear(qn_infer *infer) {
    const qn_dequantize_linear_attrs *attrs = infer->attrs;
    if (attrs->dtype != QN_DTYPE_F32 && attrs->dtype != QN_DTYPE_F16)
        return QN_ERR(QN_INVALID_MODEL, "dtype is %s; expected f32 or f16", qn_dtype_name((qn_dtype)attrs->dtype));
    QN_TRY(qn_infer_expect_dtypes(infer, X, QN_DTYPES_OF(QN_DTYPE_U8) | QN_DTYPES_OF(QN_DTYPE_S16), "x"));
    QN_TRY(qn_channel_vector_infer(infer, SCALE, "scale", QN_DTYPE_F32));
    QN_TRY(qn_channel_vector_infer(infer, ZERO_POINT, "zero_point", QN_DTYPE_S32));
    qn_infer_set(infer, 0, (qn_dtype)attrs->dtype, infer->inputs[X].rank, infer->inputs[X].dims);
    return NULL;
}

static qn_status *check_dequantize_linear(const qn_eval *operands) {
    return qn_channel_vectors_check(operands, "scale", operands->inputs[X].dtype);
}

static qn_status *eval_dequantize_linear(const qn_eval *eval) {
    const qn_view *x = &eval->inputs[X], *out = &eval->outputs[0];
    int64_t elems = qn_view_elems(x), channels = x->rank ? x->dims[x->rank - 1] : 1;
    for (int64_t i = 0; i < elems; i++) {
        int64_t zero_point = (int64_t)qn_channel_vector_get(&eval->inputs[ZERO_POINT], i % channels);
        float scale = (float)qn_channel_vector_get(&eval->inputs[SCALE], i % channels);
        float distance = (float)(qn_view_get_int(x, i) - zero_point), value = distance * scale;
        qn_view_set(out, i, (double)value);
    }
    return NULL;
}

static void sample_dequantize_linear(qn_sample *sample) {
    qn_dequantize_linear_attrs *attrs = sample->attrs;
    qn_dtype dtype = qn_rng_range(sample->rng, 0, 2) ? QN_DTYPE_U8 : QN_DTYPE_S16;
    attrs->dtype = qn_rng_range(sample->rng, 0, 1) ? QN_DTYPE_F32 : QN_DTYPE_F16;
    qn_channel_vectors_sample(sample, dtype, dtype, 0.001f, 0.1f);
}

const qn_op_def qn_op_dequantize_linear = {
    .name = "dequantize_linear",
    .doc = "Integers as the floats they stand for: (q - zero_point) * scale, per channel of the last axis.",
    .min_inputs = INPUTS,
    .max_inputs = INPUTS,
    .outputs = 1,
    .flags = QN_OP_SETS_DTYPE,
    .fixed_inputs = 1u << SCALE,
    .dtype_offset = offsetof(qn_dequantize_linear_attrs, dtype),
    .attrs = attr_defs,
    .attrs_bytes = sizeof(qn_dequantize_linear_attrs),
    .data_inputs = 1,
    .axes = {.kind = QN_AXES_KEPT, .has_channels = 1},
    .values = QN_VALUES_CODED,
    .infer = infer_dequantize_linear,
    .check = check_dequantize_linear,
    .eval = eval_dequantize_linear,
    .lower = qn_channel_vectors_lower,
    .sample = sample_dequantize_linear,
};
