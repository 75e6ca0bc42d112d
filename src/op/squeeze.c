/* squeeze - x without the axes of dim 1 that `axes` names, or without all of them where it is empty. The elements stay
 * as they are, of any type. Example: [1, 2, 1, 3] with axes [0] is [2, 1, 3], with none [2, 3]. */
#include "op/move.h"
#include "op/op.h"
#include "op/rules.h"

static const qn_attr_def attrs[] = {
    {.name = "axes",
     .kind = QN_ATTR_INTS,
     .offset = offsetof(qn_axes_attrs, axes),
     .low = 0,
     .high = QN_MAX_RANK - 1,
     .count = -1,
     .fallback = "[]",
     .doc = "axes of x to drop; none: every axis of dim 1"},
    {.name = NULL},
};

static qn_status *mark_given(qn_infer *infer, const qn_ints *axes, int *out_drop) {
    const qn_type *x = &infer->inputs[0];
    for (int64_t i = 0; i < axes->count; i++) {
        int axis = (int)axes->values[i];
        if (axis >= x->rank)
            return QN_ERR(QN_INVALID_MODEL, "expected axes[%lld] in [0, %d], found %d", (long long)i, x->rank - 1,
                          axis);
        out_drop[axis] = 1;
        if (qn_dim_same(x->dims[axis], qn_infer_const(infer, 1))) continue;
        QN_TRY(qn_infer_require_equal(infer, x->dims[axis], qn_infer_const(infer, 1),
                                      "expected dim %d to be 1, found %s", axis,
                                      qn_infer_dim_text(infer, x->dims[axis])));
    }
    return NULL;
}

static qn_status *mark_ones(qn_infer *infer, int *out_drop) {
    const qn_type *x = &infer->inputs[0];
    for (int i = 0; i < x->rank; i++) {
        int64_t low, high;
        qn_dim_range(infer->dims, x->dims[i], &low, &high);
        out_drop[i] = low == 1 && high == 1;
        if (!out_drop[i] && low <= 1 && high >= 1)
            return QN_ERR(
                QN_UNSUPPORTED,
                "expected 'axes', as dim %d (%s) may be 1 or not; name the axes, or fix this dim of the input", i,
                qn_infer_dim_text(infer, x->dims[i]));
    }
    return NULL;
}

static qn_status *infer_squeeze(qn_infer *infer) {
    const qn_axes_attrs *a = infer->attrs;
    const qn_type *x = &infer->inputs[0];
    int drop[QN_MAX_RANK] = {0}, rank = 0;
    qn_dim dims[QN_MAX_RANK];
    QN_TRY(a->axes.count ? mark_given(infer, &a->axes, drop) : mark_ones(infer, drop));
    for (int i = 0; i < x->rank; i++)
        if (!drop[i]) dims[rank++] = x->dims[i];
    qn_infer_set(infer, 0, x->dtype, rank, dims);
    return NULL;
}

static qn_status *eval_squeeze(const qn_eval *eval) {
    qn_move_all(&eval->inputs[0], &eval->outputs[0]);
    return NULL;
}

static void sample_squeeze(qn_sample *sample) {
    qn_ints *axes = &((qn_axes_attrs *)sample->attrs)->axes;
    int64_t dims[QN_MAX_RANK];
    int rank = qn_sample_shape(sample, 0, 4, dims);
    for (int i = 0; i < rank; i++)
        if (dims[i] == 1 && qn_rng_range(sample->rng, 0, 1)) axes->values[axes->count++] = i;
    qn_sample_input(sample, qn_sample_dtype(sample, QN_DTYPES_ANY), rank, dims);
}

static int trace_squeeze(const qn_eval *operands, int *out_source) {
    const qn_ints *axes = &((const qn_axes_attrs *)operands->attrs)->axes;
    const qn_view *x = &operands->inputs[0];
    int rank = 0;
    for (int i = 0; i < x->rank; i++) {
        int is_given = 0;
        for (int64_t k = 0; k < axes->count; k++) is_given |= axes->values[k] == i;
        if (axes->count ? !is_given : x->dims[i] != 1) out_source[rank++] = i;
    }
    return rank;
}

const qn_op_def qn_op_squeeze = {
    .name = "squeeze",
    .doc = "x without axes of dim 1",
    .min_inputs = 1,
    .max_inputs = 1,
    .outputs = 1,
    .flags = QN_OP_MAY_ALIAS,
    .attrs = attrs,
    .attrs_bytes = sizeof(qn_axes_attrs),
    .axes = {.kind = QN_AXES_TRACED, .attr = "axes", .trace = trace_squeeze},
    .values = QN_VALUES_SAME,
    .infer = infer_squeeze,
    .eval = eval_squeeze,
    .sample = sample_squeeze,
};
