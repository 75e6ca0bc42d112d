/* split - part `index` of `count` equal parts of x along an axis:
 *
 *   out[.., i, ..] = x[.., index * D / count + i, ..]      D: the dim of x along the axis, a multiple of count
 *
 * Any element type. A source's split of all parts is a node for each. */
#include "op/move.h"
#include "op/op.h"
#include "op/rules.h"

#include <assert.h>

static const qn_attr_def attrs[] = {
    {.name = "axis",
     .kind = QN_ATTR_INT,
     .offset = offsetof(qn_split_attrs, axis),
     .low = 0,
     .high = QN_MAX_RANK - 1,
     .doc = "axis that is cut"},
    {.name = "index",
     .kind = QN_ATTR_INT,
     .offset = offsetof(qn_split_attrs, index),
     .low = 0,
     .high = INT32_MAX,
     .doc = "which part, from 0"},
    {.name = "count",
     .kind = QN_ATTR_INT,
     .offset = offsetof(qn_split_attrs, count),
     .low = 1,
     .high = INT32_MAX,
     .doc = "number of equal parts"},
    {.name = NULL},
};

static qn_status *infer_split(qn_infer *infer) {
    const qn_split_attrs *a = infer->attrs;
    qn_type y = infer->inputs[0];
    if (a->axis >= y.rank)
        return QN_ERR(QN_INVALID_MODEL, "expected attribute 'axis' in [0, %d], found %lld", y.rank - 1,
                      (long long)a->axis);
    if (a->index >= a->count)
        return QN_ERR(QN_INVALID_MODEL, "expected attribute 'index' in [0, %lld], found %lld", (long long)a->count - 1,
                      (long long)a->index);
    qn_dim whole = y.dims[a->axis], count = qn_infer_const(infer, a->count);
    qn_dim part = qn_dim_floor_div(infer->dims, whole, count), joined = qn_dim_mul(infer->dims, part, count);
    if (!qn_dim_same(whole, joined))
        QN_TRY(qn_infer_require_equal(infer, whole, joined, "expected dim %lld to be a multiple of %lld, found %s",
                                      (long long)a->axis, (long long)a->count, qn_infer_dim_text(infer, whole)));
    y.dims[a->axis] = part;
    qn_infer_set(infer, 0, y.dtype, y.rank, y.dims);
    return NULL;
}

static qn_status *eval_split(const qn_eval *eval) {
    const qn_split_attrs *a = eval->attrs;
    const qn_view *y = &eval->outputs[0];
    qn_move move;
    assert(a->index < a->count && eval->inputs[0].dims[a->axis] == a->count * y->dims[a->axis]);
    qn_move_init(&move, &eval->inputs[0], y, y->dims);
    move.src += a->index * y->dims[a->axis] * move.src_step[a->axis];
    qn_move_run(&move);
    return NULL;
}

static void sample_split(qn_sample *sample) {
    qn_split_attrs *a = sample->attrs;
    int64_t dims[QN_MAX_RANK];
    int rank = qn_sample_shape(sample, 1, 4, dims);
    a->axis = qn_rng_range(sample->rng, 0, rank - 1);
    a->count = qn_rng_range(sample->rng, 1, 4);
    a->index = qn_rng_range(sample->rng, 0, a->count - 1);
    dims[a->axis] *= a->count;
    qn_sample_input(sample, qn_sample_dtype(sample, QN_DTYPES_ANY), rank, dims);
}

const qn_op_def qn_op_split = {
    .name = "split",
    .doc = "one of several equal parts of x along an axis",
    .min_inputs = 1,
    .max_inputs = 1,
    .outputs = 1,
    .attrs = attrs,
    .attrs_bytes = sizeof(qn_split_attrs),
    .axes = {.kind = QN_AXES_KEPT, .attr = "axis"},
    .values = QN_VALUES_MOVED,
    .extents = QN_EXTENTS_CROPPED,
    .infer = infer_split,
    .eval = eval_split,
    .sample = sample_split,
};
