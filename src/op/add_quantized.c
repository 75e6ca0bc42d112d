/* add_quantized - the sum of two tensors of integers with scales of their own, channel by channel of the last axis:
 *
 *   t = float(a[.., c] - a_zero_point[c]) * a_multiplier[c]
 *   t = t + float(b[.., c] - b_zero_point[c]) * b_multiplier[c]
 *
 * in f32; op/requantize.h says what becomes of t (bounds, rounding, zero point of the result). a and b: u8 or s16, of
 * one type and shape. A multiplier is the scale of its operand divided by that of the result. Vectors have one element
 * for all channels or one each. */
#include "op/lower_quantized.h"

#include "op/lower.h"

enum { A = 0, B = 1, A_MULTIPLIER = 2, B_MULTIPLIER = 3, A_ZERO_POINT = 4, B_ZERO_POINT = 5, LIMIT = 6, INPUTS = 7 };

static const qn_requantize_slots slots = {-1, -1, A_MULTIPLIER, LIMIT, B, B_MULTIPLIER};

static const qn_attr_def attr_defs[] = {
    QN_RESULT_ATTRS(qn_add_quantized_attrs),
    QN_ACTIVATION_ATTR(qn_add_quantized_attrs),
    {0},
};

static qn_status *infer_add_quantized(qn_infer *infer) {
    const qn_add_quantized_attrs *attrs = infer->attrs;
    const qn_type *a = &infer->inputs[A];
    QN_TRY(qn_infer_expect_dtypes(infer, A, QN_DTYPES_OF(QN_DTYPE_U8) | QN_DTYPES_OF(QN_DTYPE_S16), "a"));
    QN_TRY(qn_infer_expect_same_dtype(infer, A, B));
    QN_TRY(qn_infer_expect_rank(infer, B, a->rank, "b"));
    for (int i = 0; i < a->rank; i++)
        QN_TRY(qn_infer_expect_dim(infer, B, i, a->dims[i], "b", "elements along an axis", "a has"));
    QN_TRY(qn_channel_vector_infer(infer, A_MULTIPLIER, "a_multiplier", QN_DTYPE_F32));
    QN_TRY(qn_channel_vector_infer(infer, B_MULTIPLIER, "b_multiplier", QN_DTYPE_F32));
    QN_TRY(qn_channel_vector_infer(infer, A_ZERO_POINT, "a_zero_point", QN_DTYPE_S32));
    QN_TRY(qn_channel_vector_infer(infer, B_ZERO_POINT, "b_zero_point", QN_DTYPE_S32));
    QN_TRY(qn_requantize_infer_result(infer, &attrs->result, LIMIT));
    if (qn_infer_has(infer, LIMIT)) QN_TRY(qn_channel_vector_infer(infer, LIMIT, "limit", QN_DTYPE_F32));
    qn_infer_set(infer, 0, (qn_dtype)attrs->result.dtype, a->rank, a->dims);
    return NULL;
}

static qn_status *check_add_quantized(const qn_eval *operands) {
    qn_dtype dtype = operands->inputs[A].dtype;
    QN_TRY(qn_zero_points_check(operands, A_ZERO_POINT, "a_zero_point", dtype));
    QN_TRY(qn_zero_points_check(operands, B_ZERO_POINT, "b_zero_point", dtype));
    return qn_requantize_check(operands, &((const qn_add_quantized_attrs *)operands->attrs)->result, &slots);
}

static qn_status *eval_add_quantized(const qn_eval *eval) {
    const qn_view *a = &eval->inputs[A];
    qn_requantize_attrs result = ((const qn_add_quantized_attrs *)eval->attrs)->result;
    int64_t elems = qn_view_elems(a), channels = a->rank ? a->dims[a->rank - 1] : 1;
    for (int64_t i = 0; i < elems; i++) {
        int64_t zero_point = (int64_t)qn_channel_vector_get(&eval->inputs[A_ZERO_POINT], i % channels);
        result.addend_zero_point = (int64_t)qn_channel_vector_get(&eval->inputs[B_ZERO_POINT], i % channels);
        qn_requantize_store(eval, &result, &slots, qn_view_get_int(a, i) - zero_point, i % channels, i);
    }
    return NULL;
}

static int lower_add_quantized(const qn_eval *operands, const qn_kernel_set *kernels, qn_work *out_work) {
    const qn_add_quantized_attrs *attrs = operands->attrs;
    const qn_view *inputs = operands->inputs, *a = &inputs[A];
    if (!qn_view_elems(a)) return 0;
    qn_add_int_params params = {
        .kernel = kernels->add_int,
        .a = a->data,
        .zero_point = inputs[A_ZERO_POINT].data,
        .b_zero_point = inputs[B_ZERO_POINT].data,
        .vector_elems = {[QN_ADD_MULTIPLIER] = inputs[A_MULTIPLIER].dims[0],
                         [QN_ADD_B_MULTIPLIER] = inputs[B_MULTIPLIER].dims[0],
                         [QN_ADD_ZERO_POINT] = inputs[A_ZERO_POINT].dims[0],
                         [QN_ADD_B_ZERO_POINT] = inputs[B_ZERO_POINT].dims[0],
                         [QN_ADD_LIMIT] = qn_eval_has(operands, LIMIT) ? inputs[LIMIT].dims[0] : 0},
        .elems = qn_view_elems(a),
        .channels = a->rank ? a->dims[a->rank - 1] : 1,
        .result = qn_requantize_lower(operands, &attrs->result, &slots),
    };
    qn_add_int_work(&params, out_work);
    return 1;
}

static void sample_add_quantized(qn_sample *sample) {
    qn_add_quantized_attrs *attrs = sample->attrs;
    qn_dtype dtype = qn_rng_range(sample->rng, 0, 2) ? QN_DTYPE_U8 : QN_DTYPE_S16;
    int64_t dims[QN_MAX_RANK];
    int rank = qn_sample_shape(sample, 0, 4, dims);
    qn_sample_input(sample, dtype, rank, dims);
    qn_sample_input(sample, dtype, rank, dims);
    qn_channel_sums_sample(sample, &attrs->result, dtype, rank ? dims[rank - 1] : 0);
}

static const qn_requantize_card requantize_card = {offsetof(qn_add_quantized_attrs, result), &slots};

const qn_op_def qn_op_add_quantized = {
    .name = "add_quantized",
    .doc = "Sum of integers of one type with scales of their own, scaled into another integer or float type.",
    .min_inputs = LIMIT,
    .max_inputs = INPUTS,
    .outputs = 1,
    .flags = QN_OP_SETS_DTYPE,
    .fixed_inputs = 1u << A_MULTIPLIER | 1u << B_MULTIPLIER | 1u << LIMIT,
    .dtype_offset = offsetof(qn_add_quantized_attrs, result.dtype),
    .attrs = attr_defs,
    .attrs_bytes = sizeof(qn_add_quantized_attrs),
    .data_inputs = 2,
    .axes = {.kind = QN_AXES_KEPT, .has_channels = 1},
    .requantize = &requantize_card,
    .infer = infer_add_quantized,
    .check = check_add_quantized,
    .eval = eval_add_quantized,
    .lower = lower_add_quantized,
    .sample = sample_add_quantized,
};
