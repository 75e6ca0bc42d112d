/* cumsum - sums along an axis of all elements up to each one:
 *
 *   out[.., k, ..] = sum(i <= k) x[.., i, ..]      exclusive: i < k; reverse: i >= k; both: i > k
 *
 * Any numbers. Floats are added one after the other, f64 in f64 and the narrower ones in f32; integers wrap. Example:
 * 1, 2, 4 gives 1, 3, 7; exclusive 0, 1, 3; reverse 7, 6, 4; both 6, 4, 0. */
#include "op/op.h"
#include "op/rules.h"

#include <assert.h>

typedef struct cumsum_attrs {
    int64_t axis, exclusive, reverse;
} cumsum_attrs;

static const qn_attr_def attr_defs[] = {
    {.name = "axis",
     .kind = QN_ATTR_INT,
     .offset = offsetof(cumsum_attrs, axis),
     .low = 0,
     .high = QN_MAX_RANK - 1,
     .fallback = "0",
     .doc = "The axis that is summed along."},
    {.name = "exclusive",
     .kind = QN_ATTR_BOOL,
     .offset = offsetof(cumsum_attrs, exclusive),
     .fallback = "false",
     .doc = "Leaves out the element itself: the first sum is 0."},
    {.name = "reverse",
     .kind = QN_ATTR_BOOL,
     .offset = offsetof(cumsum_attrs, reverse),
     .fallback = "false",
     .doc = "Sums from the end of the axis."},
    {0},
};

static qn_status *infer_cumsum(qn_infer *infer) {
    const cumsum_attrs *attrs = infer->attrs;
    const qn_type *x = &infer->inputs[0];
    QN_TRY(qn_infer_expect_dtypes(infer, 0, QN_DTYPES_NUMBER, "x"));
    if (attrs->axis >= x->rank)
        return QN_ERR(QN_INVALID_MODEL, "axis is %lld, but x has rank %d", (long long)attrs->axis, x->rank);
    qn_infer_set(infer, 0, x->dtype, x->rank, x->dims);
    return NULL;
}

static qn_status *eval_cumsum(const qn_eval *eval) {
    const cumsum_attrs *attrs = eval->attrs;
    const qn_view *x = &eval->inputs[0], *y = &eval->outputs[0];
    const int is_float = qn_dtype_is_float(x->dtype);
    int64_t strides[QN_MAX_RANK], total = qn_view_elems(x);
    assert(attrs->axis >= 0 && attrs->axis < x->rank && x->dtype == y->dtype);
    qn_view_strides(x, strides);
    const int64_t length = x->dims[attrs->axis], step = strides[attrs->axis];
    for (int64_t line = 0; length && line < total / length; line++) {
        const int64_t first = line / step * step * length + line % step;
        double sum = 0;
        uint64_t whole = 0;
        for (int64_t k = 0; k < length; k++) {
            const int64_t at = first + (attrs->reverse ? length - 1 - k : k) * step;
            const double element = is_float ? qn_view_get(x, at) : 0; /* x and y may share memory */
            const uint64_t number = is_float ? 0 : (uint64_t)qn_view_get_int(x, at);
            const double next = x->dtype == QN_DTYPE_F64 ? sum + element : (float)(sum + element);
            if (is_float)
                qn_view_set(y, at, attrs->exclusive ? sum : next);
            else
                qn_view_set_int(y, at, (int64_t)(attrs->exclusive ? whole : whole + number));
            sum = next;
            whole += number;
        }
    }
    return NULL;
}

static void sample_cumsum(qn_sample *sample) {
    cumsum_attrs *attrs = sample->attrs;
    int64_t dims[QN_MAX_RANK];
    int rank = qn_sample_shape(sample, 1, 4, dims);
    attrs->axis = qn_rng_range(sample->rng, 0, rank - 1);
    attrs->exclusive = qn_rng_range(sample->rng, 0, 1);
    attrs->reverse = qn_rng_range(sample->rng, 0, 1);
    qn_sample_input(sample, qn_sample_dtype(sample, QN_DTYPES_NUMBER), rank, dims);
}

const qn_op_def qn_op_cumsum = {
    .name = "cumsum",
    .doc = "Element i of the axis is the sum of elements 0 to i of x along it.",
    .min_inputs = 1,
    .max_inputs = 1,
    .outputs = 1,
    .flags = QN_OP_MAY_ALIAS,
    .attrs = attr_defs,
    .attrs_bytes = sizeof(cumsum_attrs),
    .axes = {.kind = QN_AXES_KEPT, .attr = "axis"},
    .infer = infer_cumsum,
    .eval = eval_cumsum,
    .sample = sample_cumsum,
};
