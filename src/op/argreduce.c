/* argmax, argmin - the index of the greatest or least element along an axis, which goes away:
 *
 *   out[.., ..] = the first k for which x[.., k, ..] is greatest (least)
 *
 * x: any numbers. Indices have the type that `dtype` names. A NaN is greater than nothing and less than nothing.
 * Example: argmax of 3 7 7 1 is 1. */
#include "op/lower.h"
#include "op/operand.h"

#include <assert.h>

static const qn_attr_def attr_defs[] = {
    {.name = "axis",
     .kind = QN_ATTR_INT,
     .offset = offsetof(qn_argreduce_attrs, axis),
     .low = 0,
     .high = QN_MAX_RANK - 1,
     .fallback = NULL,
     .doc = "The axis that is searched and removed."},
    {.name = "dtype",
     .kind = QN_ATTR_DTYPE,
     .offset = offsetof(qn_argreduce_attrs, dtype),
     .fallback = "s64",
     .doc = "Type of the indices: an integer or f32."},
    {0},
};

static qn_status *infer_argreduce(qn_infer *infer) {
    const qn_argreduce_attrs *attrs = infer->attrs;
    const qn_type *x = &infer->inputs[0];
    QN_TRY(qn_infer_expect_dtypes(infer, 0, QN_DTYPES_NUMBER, "x"));
    QN_TRY(qn_label_dtype_check(attrs->dtype));
    if (attrs->axis >= x->rank)
        return QN_ERR(QN_INVALID_MODEL, "axis is %lld, but x has rank %d", (long long)attrs->axis, x->rank);
    QN_TRY(qn_infer_require(infer, qn_dim_sub(infer->dims, x->dims[attrs->axis], qn_infer_const(infer, 1)),
                            "axis %lld of x is empty, nothing to choose from", (long long)attrs->axis));
    qn_dim dims[QN_MAX_RANK];
    int rank = 0;
    for (int i = 0; i < x->rank; i++)
        if (i != attrs->axis) dims[rank++] = x->dims[i];
    qn_infer_set(infer, 0, (qn_dtype)attrs->dtype, rank, dims);
    return NULL;
}

static qn_status *eval_argreduce(const qn_eval *eval, int least) {
    const qn_argreduce_attrs *attrs = eval->attrs;
    const qn_view *x = &eval->inputs[0];
    int64_t strides[QN_MAX_RANK];
    qn_view_strides(x, strides);
    assert(attrs->axis >= 0 && attrs->axis < x->rank && x->dims[attrs->axis] > 0);
    int64_t length = x->dims[attrs->axis], inner = strides[attrs->axis], total = qn_view_elems(&eval->outputs[0]);
    for (int64_t index = 0; index < total; index++) {
        int64_t first = index / inner * inner * length + index % inner, best = 0;
        for (int64_t k = 1; k < length; k++) {
            int64_t candidate = first + k * inner, champion = first + best * inner;
            if (least ? qn_view_greater(x, champion, candidate) : qn_view_greater(x, candidate, champion)) best = k;
        }
        qn_view_set_int(&eval->outputs[0], index, best);
    }
    return NULL;
}

static qn_status *eval_argmax(const qn_eval *eval) { return eval_argreduce(eval, 0); }
static qn_status *eval_argmin(const qn_eval *eval) { return eval_argreduce(eval, 1); }

static int lower_argmax(const qn_eval *operands, const qn_kernel_set *kernels, qn_work *out_work) {
    const qn_argreduce_attrs *attrs = operands->attrs;
    const qn_view *x = &operands->inputs[0], *out = &operands->outputs[0];
    int label_bytes = qn_label_bytes(out->dtype);
    const qn_convert_kernel *stored;
    if (!qn_lower_stored(x->dtype, kernels, &stored) || attrs->axis != x->rank - 1 || !label_bytes ||
        !qn_view_elems(out))
        return 0;
    qn_argmax_f32_params params = {
        .kernel = kernels->argmax_f32,
        .stored = stored,
        .src = x->data,
        .dst = out->data,
        .rows = qn_view_elems(out),
        .channels = x->dims[attrs->axis],
        .label_bytes = label_bytes,
        .label_float = out->dtype == QN_DTYPE_F32,
    };
    qn_argmax_f32_work(&params, out_work);
    return 1;
}

static void sample_argreduce(qn_sample *sample) {
    static const qn_dtype inputs[] = {QN_DTYPE_F32, QN_DTYPE_F32, QN_DTYPE_S32, QN_DTYPE_U8};
    static const qn_dtype labels[] = {QN_DTYPE_U8, QN_DTYPE_S32, QN_DTYPE_S64, QN_DTYPE_F32, QN_DTYPE_U16};
    qn_argreduce_attrs *attrs = sample->attrs;
    qn_rng *rng = sample->rng;
    int64_t dims[4];
    int rank = (int)qn_rng_range(rng, 1, 4);
    for (int i = 0; i < rank; i++) dims[i] = qn_rng_range(rng, 1, 21);
    attrs->axis = qn_rng_range(rng, 0, 1) ? rank - 1 : qn_rng_range(rng, 0, rank - 1);
    attrs->dtype = labels[qn_rng_range(rng, 0, 4)];
    qn_sample_input(sample, inputs[qn_rng_range(rng, 0, 3)], rank, dims);
}

static int trace_argreduce(const qn_eval *operands, int *out_source) {
    const qn_argreduce_attrs *attrs = operands->attrs;
    int rank = 0;
    for (int i = 0; i < operands->inputs[0].rank; i++)
        if (i != attrs->axis) out_source[rank++] = i;
    return rank;
}

const qn_op_def qn_op_argmax = {
    .name = "argmax",
    .doc = "Index of the greatest element along an axis; the first of equals, and a NaN is never greater.",
    .min_inputs = 1,
    .max_inputs = 1,
    .outputs = 1,
    .attrs = attr_defs,
    .dtype_offset = offsetof(qn_argreduce_attrs, dtype),
    .attrs_bytes = sizeof(qn_argreduce_attrs),
    .axes = {.kind = QN_AXES_TRACED, .attr = "axis", .trace = trace_argreduce},
    .values = QN_VALUES_LABELS,
    .infer = infer_argreduce,
    .eval = eval_argmax,
    .lower = lower_argmax,
    .sample = sample_argreduce,
};

const qn_op_def qn_op_argmin = {
    .name = "argmin",
    .doc = "Index of the least element along an axis; the first of equals, and a NaN is never less.",
    .min_inputs = 1,
    .max_inputs = 1,
    .outputs = 1,
    .attrs = attr_defs,
    .dtype_offset = offsetof(qn_argreduce_attrs, dtype),
    .attrs_bytes = sizeof(qn_argreduce_attrs),
    .axes = {.kind = QN_AXES_TRACED, .attr = "axis", .trace = trace_argreduce},
    .values = QN_VALUES_LABELS,
    .infer = infer_argreduce,
    .eval = eval_argmin,
    .sample = sample_argreduce,
};
