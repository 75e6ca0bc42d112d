/* softmax - exponentials along an axis, divided by their sum:
 *
 *   out[.., k, ..] = e^(x[.., k, ..] - greatest) / sum(j) e^(x[.., j, ..] - greatest)    greatest: x's
 *
 * Any floats, computed in double and rounded once. */
#include "op/operand.h"

#include <assert.h>

static const qn_attr_def attr_defs[] = {
    {.name = "axis",
     .kind = QN_ATTR_INT,
     .offset = offsetof(qn_axis_attrs, axis),
     .low = 0,
     .high = QN_MAX_RANK - 1,
     .fallback = NULL,
     .doc = "The axis along which the results sum to 1."},
    {0},
};

static qn_status *infer_softmax(qn_infer *infer) {
    const qn_axis_attrs *attrs = infer->attrs;
    const qn_type *x = &infer->inputs[0];
    QN_TRY(qn_infer_expect_dtypes(infer, 0, QN_DTYPES_FLOAT, "x"));
    if (attrs->axis >= x->rank)
        return QN_ERR(QN_INVALID_MODEL, "axis is %lld, but x has rank %d", (long long)attrs->axis, x->rank);
    qn_infer_set(infer, 0, x->dtype, x->rank, x->dims);
    return NULL;
}

/* e^x for x <= 0. Our own, because the C library's differs between CPUs: x = k ln 2 + r with |r| <= ln 2 / 2, and the
   Taylor series of e^r to the 13th power, whose remainder is below 2^-57. */
static double exp_negative(double x) {
    if (!(x > -745.0)) return x == x ? 0.0 : x;
    double k = floor(x * 1.4426950408889634 + 0.5);
    double r =
        (x - k * 0x1.62e42fee00000p-1) - k * 0x1.a39ef35793c76p-33; /* ln 2 in two parts: k times the first is exact */
    double sum = 1.0;
    for (int n = 13; n >= 1; n--) sum = 1.0 + sum * r / n;
    return ldexp(sum, (int)k);
}

static qn_status *eval_softmax(const qn_eval *eval) {
    const qn_axis_attrs *attrs = eval->attrs;
    const qn_view *x = &eval->inputs[0], *out = &eval->outputs[0];
    int64_t strides[QN_MAX_RANK];
    assert(attrs->axis >= 0 && attrs->axis < x->rank);
    qn_view_strides(x, strides);
    int64_t length = x->dims[attrs->axis], inner = strides[attrs->axis];
    int64_t lines = qn_view_elems(x) ? qn_view_elems(x) / length : 0;
    for (int64_t line = 0; line < lines; line++) {
        int64_t first = line / inner * inner * length + line % inner, best = first;
        double sum = 0;
        for (int64_t k = 1; k < length; k++)
            if (qn_view_greater(x, first + k * inner, best)) best = first + k * inner;
        double greatest = qn_view_get(x, best);
        for (int64_t k = 0; k < length; k++) sum += exp_negative(qn_view_get(x, first + k * inner) - greatest);
        for (int64_t k = 0; k < length; k++)
            qn_view_set(out, first + k * inner, exp_negative(qn_view_get(x, first + k * inner) - greatest) / sum);
    }
    return NULL;
}

static void sample_softmax(qn_sample *sample) {
    int64_t dims[4];
    int rank = (int)qn_rng_range(sample->rng, 1, 4);
    for (int i = 0; i < rank; i++) dims[i] = qn_rng_range(sample->rng, 1, 9);
    ((qn_axis_attrs *)sample->attrs)->axis = qn_rng_range(sample->rng, 0, rank - 1);
    sample->low = -30.0f;
    sample->high = 30.0f;
    qn_sample_input(sample, QN_DTYPE_F32, rank, dims);
}

static qn_interval bounds_softmax(const qn_bounds *of) {
    (void)of;
    return (qn_interval){0, 1};
}

const qn_op_def qn_op_softmax = {
    .name = "softmax",
    .doc = "Exponentials along an axis divided by their sum.",
    .node_type = "ISoftmaxNode",
    .min_inputs = 1,
    .max_inputs = 1,
    .outputs = 1,
    .flags = QN_OP_KEEPS_ORDER,
    .attrs = attr_defs,
    .attrs_bytes = sizeof(qn_axis_attrs),
    .axes = {.kind = QN_AXES_KEPT, .attr = "axis"},
    .bounds = bounds_softmax,
    .infer = infer_softmax,
    .eval = eval_softmax,
    .sample = sample_softmax,
};
