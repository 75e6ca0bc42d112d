/* quantize_linear - floats as integers, channel by channel of the last axis:
 *
 *   t = x[.., c] * multiplier[c]
 *   out[.., c] = round(min(max(t, low - zero_point[c]), high - zero_point[c])) + zero_point[c]
 *
 * x: f32 or f16, computed in f32; rounding is half to even; a NaN becomes `low`. The result is u8 with [low, high] of
 * [0, 255] or s16 with [-32767, 32767]. multiplier (f32) is 1 / scale; it and zero_point (s32) have one element for all
 * channels or one each. Example: scale 0.5, zero point 10: 1.2 gives 2.4, 2 and so 12. */
#include "op/lower_quantized.h"

#include <assert.h>

enum { X = 0, MULTIPLIER = 1, ZERO_POINT = 2, INPUTS = 3 };

static const qn_attr_def attr_defs[] = {
    {.name = "dtype",
     .kind = QN_ATTR_DTYPE,
     .offset = offsetof(qn_quantize_linear_attrs, dtype),
     .fallback = "u8",
     .doc = "Element type of the result: u8 or s16."},
    {0},
};

static qn_status *infer_quantize_linear(qn_infer *infer) {
    const qn_quantize_linear_attrs *attrs = infer->attrs;
    if (attrs->dtype != QN_DTYPE_U8 && attrs->dtype != QN_DTYPE_S16)
        return QN_ERR(QN_INVALID_MODEL, "dtype is %s; expected u8 or s16", qn_dtype_name((qn_dtype)attrs->dtype));
    QN_TRY(qn_infer_expect_dtypes(infer, X, QN_DTYPES_OF(QN_DTYPE_F32) | QN_DTYPES_OF(QN_DTYPE_F16), "x"));
    QN_TRY(qn_channel_vector_infer(infer, MULTIPLIER, "multiplier", QN_DTYPE_F32));
    QN_TRY(qn_channel_vector_infer(infer, ZERO_POINT, "zero_point", QN_DTYPE_S32));
    qn_infer_set(infer, 0, (qn_dtype)attrs->dtype, infer->inputs[X].rank, infer->inputs[X].dims);
    return NULL;
}

static qn_status *check_quantize_linear(const qn_eval *operands) {
    const qn_quantize_linear_attrs *attrs = operands->attrs;
    return qn_channel_vectors_check(operands, "multiplier", (qn_dtype)attrs->dtype);
}

static qn_status *eval_quantize_linear(const qn_eval *eval) {
    const qn_view *x = &eval->inputs[X], *out = &eval->outputs[0];
    int64_t elems = qn_view_elems(x), channels = x->rank ? x->dims[x->rank - 1] : 1;
    assert(out->dtype == QN_DTYPE_U8 || out->dtype == QN_DTYPE_S16);
    for (int64_t i = 0; i < elems; i++) {
        float multiplier = (float)qn_channel_vector_get(&eval->inputs[MULTIPLIER], i % channels);
        float zero_point = (float)qn_channel_vector_get(&eval->inputs[ZERO_POINT], i % channels);
        float t = (float)qn_view_get(x, i) * multiplier;
        float low = (float)qn_quantized_low(out->dtype) - zero_point;
        float high = (float)qn_quantized_high(out->dtype) - zero_point;
        qn_view_set_int(out, i, qn_requantize_round(t, low, high) + (int64_t)zero_point);
    }
    return NULL;
}

static void sample_quantize_linear(qn_sample *sample) {
    qn_quantize_linear_attrs *attrs = sample->attrs;
    attrs->dtype = qn_rng_range(sample->rng, 0, 2) ? QN_DTYPE_U8 : QN_DTYPE_S16;
    qn_channel_vectors_sample(sample, qn_rng_range(sample->rng, 0, 1) ? QN_DTYPE_F32 : QN_DTYPE_F16,
                              (qn_dtype)attrs->dtype, 20.0f, 200.0f);
}

const qn_op_def qn_op_quantize_linear = {
    .name = "quantize_linear",
    .doc = "Floats as integers: x * multiplier rounded half to even, plus zero_point, per channel of the last axis.",
    .min_inputs = INPUTS,
    .max_inputs = INPUTS,
    .outputs = 1,
    .flags = QN_OP_SETS_DTYPE,
    .fixed_inputs = 1u << MULTIPLIER,
    .dtype_offset = offsetof(qn_quantize_linear_attrs, dtype),
    .attrs = attr_defs,
    .attrs_bytes = sizeof(qn_quantize_linear_attrs),
    .data_inputs = 1,
    .axes = {.kind = QN_AXES_KEPT, .has_channels = 1},
    .values = QN_VALUES_CODED,
    .infer = infer_quantize_linear,
    .check = check_quantize_linear,
    .eval = eval_quantize_linear,
    .lower = qn_channel_vectors_lower,
    .sample = sample_quantize_linear,
};
