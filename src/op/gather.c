/* gather - the slices of x along an axis that indices (s32 or s64) name, in the shape of the indices:
 *
 *   out[a.., i.., b..] = x[a.., indices[i..], b..]      a..: the axes of x before `axis`, b..: those behind it
 *
 * Any element type. An index outside of [0, dim) is an error of the run. */
#include "op/move.h"
#include "op/op.h"
#include "op/rules.h"

#include <assert.h>
#include <string.h>

static const qn_attr_def attrs[] = {
    {.name = "axis",
     .kind = QN_ATTR_INT,
     .offset = offsetof(qn_axis_attrs, axis),
     .low = 0,
     .high = QN_MAX_RANK - 1,
     .fallback = "0",
     .doc = "axis of x that the indices count along"},
    {.name = NULL},
};

static qn_status *infer_gather(qn_infer *infer) {
    int axis = (int)((const qn_axis_attrs *)infer->attrs)->axis;
    const qn_type *x = &infer->inputs[0], *indices = &infer->inputs[1];
    int rank = x->rank - 1 + indices->rank;
    qn_dim dims[QN_MAX_RANK];
    QN_TRY(qn_infer_expect_dtypes(infer, 1, QN_DTYPES_INDEX, "indices"));
    if (axis >= x->rank)
        return QN_ERR(QN_INVALID_MODEL, "expected attribute 'axis' in [0, %d], found %d", x->rank - 1, axis);
    if (rank > QN_MAX_RANK)
        return QN_ERR(QN_UNSUPPORTED, "expected a result of at most %d dims, found %d", QN_MAX_RANK, rank);
    int64_t count = qn_infer_const_elems(infer, 1);
    qn_dim last = qn_dim_sub(infer->dims, x->dims[axis], qn_infer_const(infer, 1));
    for (int64_t i = 0; infer->contents[1] && i < count; i++)
        QN_TRY(
            qn_infer_require_within(infer, infer->contents[1][i], qn_infer_const(infer, 0), last, "indices", (int)i));
    memcpy(dims, x->dims, (size_t)axis * sizeof *dims);
    memcpy(dims + axis, indices->dims, (size_t)indices->rank * sizeof *dims);
    memcpy(dims + axis + indices->rank, x->dims + axis + 1, (size_t)(x->rank - axis - 1) * sizeof *dims);
    qn_infer_set(infer, 0, x->dtype, rank, dims);
    return NULL;
}

static qn_status *eval_gather(const qn_eval *eval) {
    int axis = (int)((const qn_axis_attrs *)eval->attrs)->axis;
    const qn_view *x = &eval->inputs[0], *indices = &eval->inputs[1], *y = &eval->outputs[0];
    int64_t outer = 1, count = qn_view_elems(indices), strides[QN_MAX_RANK];
    for (int i = 0; i < axis; i++) outer *= x->dims[i];
    qn_view_strides(x, strides);
    for (int64_t i = 0; i < count; i++) {
        int64_t index = qn_view_get_int(indices, i);
        QN_TRY(qn_move_expect_within(index, 0, x->dims[axis] - 1, "indices", (int)qn_min_i64(i, INT32_MAX)));
    }
    size_t run = (size_t)strides[axis] * qn_dtype_size(x->dtype);
    if (!qn_view_elems(y)) return NULL;
    assert(qn_view_bytes(y) == (size_t)(outer * count) * run);
    const uint8_t *src = x->data;
    uint8_t *dst = y->data;
    for (int64_t k = 0; k < outer; k++)
        for (int64_t i = 0; i < count; i++, dst += run)
            memcpy(dst, src + (size_t)(k * x->dims[axis] + qn_view_get_int(indices, i)) * run, run);
    return NULL;
}

static void sample_gather(qn_sample *sample) {
    int64_t dims[QN_MAX_RANK], index_dims[QN_MAX_RANK], values[1024], count = 1;
    int rank = qn_sample_shape(sample, 1, 4, dims), index_rank = qn_sample_shape(sample, 0, 2, index_dims);
    int axis = (int)qn_rng_range(sample->rng, 0, rank - 1);
    ((qn_axis_attrs *)sample->attrs)->axis = axis;
    if (!dims[axis]) dims[axis] = 1;
    for (int i = 0; i < index_rank; i++) count *= index_dims[i];
    for (int64_t i = 0; i < count; i++) values[i] = qn_rng_range(sample->rng, 0, dims[axis] - 1);
    qn_sample_input(sample, qn_sample_dtype(sample, QN_DTYPES_ANY), rank, dims);
    qn_view *control = &sample->inputs[qn_sample_ints(sample, qn_sample_index_dtype(sample), (int)count, values)];
    control->rank = index_rank;
    memcpy(control->dims, index_dims, sizeof control->dims);
}

/* The axes of a table of indices stand together where the axis of x was, wherever that is: only one can be followed. */
static int trace_gather(const qn_eval *operands, int *out_source) {
    const int axis = (int)((const qn_axis_attrs *)operands->attrs)->axis, picks = operands->inputs[1].rank;
    int rank = 0;
    if (picks > 1) return -1;
    for (int i = 0; i < operands->inputs[0].rank; i++)
        if (i != axis || picks) out_source[rank++] = i;
    return rank;
}

const qn_op_def qn_op_gather = {
    .name = "gather",
    .doc = "the slices of x along an axis that 'indices' name, in the shape of the indices",
    .min_inputs = 2,
    .max_inputs = 2,
    .outputs = 1,
    .data_inputs = 1,
    .attrs = attrs,
    .attrs_bytes = sizeof(qn_axis_attrs),
    .axes = {.kind = QN_AXES_TRACED, .attr = "axis", .trace = trace_gather},
    .values = QN_VALUES_MOVED,
    .infer = infer_gather,
    .eval = eval_gather,
    .sample = sample_gather,
};
