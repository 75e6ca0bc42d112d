/* concat - the inputs one after the other along an axis:
 *
 *   out[.., offset(k) + i, ..] = input k[.., i, ..]
 *
 * offset(k) is the sum of the dims that the inputs before k have along the axis. Any element type; dims along the other
 * axes are equal. */
#include "kernel/kernel.h"
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
     .doc = "axis along which the inputs are joined"},
    {.name = NULL},
};

static qn_status *infer_concat(qn_infer *infer) {
    int axis = (int)((const qn_axis_attrs *)infer->attrs)->axis;
    qn_type y = infer->inputs[0];
    if (axis >= y.rank)
        return QN_ERR(QN_INVALID_MODEL, "expected attribute 'axis' in [0, %d], found %d", y.rank - 1, axis);
    for (int k = 1; k < infer->input_count; k++) {
        const qn_type *x = &infer->inputs[k];
        QN_TRY(qn_infer_expect_same_dtype(infer, 0, k));
        if (x->rank != y.rank)
            return QN_ERR(QN_INVALID_MODEL, "expected inputs of rank %d, found input %d of shape %s", y.rank, k,
                          qn_infer_dims_text(infer, x->rank, x->dims));
        for (int i = 0; i < y.rank; i++) {
            if (i == axis)
                y.dims[i] = qn_dim_add(infer->dims, y.dims[i], x->dims[i]);
            else
                QN_TRY(qn_infer_require_same(infer, y.dims[i], x->dims[i], "inputs", i, &y.dims[i]));
        }
    }
    qn_infer_set(infer, 0, y.dtype, y.rank, y.dims);
    return NULL;
}

static qn_status *eval_concat(const qn_eval *eval) {
    int axis = (int)((const qn_axis_attrs *)eval->attrs)->axis;
    int64_t at = 0;
    for (int k = 0; k < eval->input_count; k++) {
        qn_move move;
        qn_move_init(&move, &eval->inputs[k], &eval->outputs[0], eval->inputs[k].dims);
        move.dst += at * move.dst_step[axis];
        at += eval->inputs[k].dims[axis];
        assert(at <= eval->outputs[0].dims[axis]);
        qn_move_run(&move);
    }
    return NULL;
}

static int lower_concat(const qn_eval *operands, const qn_kernel_set *kernels, qn_work *out_work) {
    const qn_view *y = &operands->outputs[0];
    int axis = (int)((const qn_axis_attrs *)operands->attrs)->axis;
    qn_join_params params = {.dst = y->data, .rows = 1};
    (void)kernels;
    if (!qn_view_elems(y)) return 0;
    for (int i = 0; i < axis; i++) params.rows *= y->dims[i];
    for (int k = 0; k < operands->input_count; k++) {
        const qn_view *x = &operands->inputs[k];
        if (!qn_view_elems(x)) continue;
        if (params.count == QN_JOIN_MAX) return 0;
        params.parts[params.count] = x->data;
        params.part_bytes[params.count++] = (int64_t)qn_view_bytes(x) / params.rows;
    }
    qn_join_work(&params, out_work);
    return 1;
}

static void sample_concat(qn_sample *sample) {
    int64_t dims[QN_MAX_RANK];
    int rank = qn_sample_shape(sample, 1, 4, dims);
    int axis = (int)qn_rng_range(sample->rng, 0, rank - 1), count = (int)qn_rng_range(sample->rng, 1, 5);
    qn_dtype dtype = qn_sample_dtype(sample, QN_DTYPES_ANY);
    ((qn_axis_attrs *)sample->attrs)->axis = axis;
    for (int k = 0; k < count; k++) {
        dims[axis] = qn_rng_range(sample->rng, 0, 4);
        qn_sample_input(sample, dtype, rank, dims);
    }
}

const qn_op_def qn_op_concat = {
    .name = "concat",
    .doc = "the inputs one after the other along an axis",
    .node_type = "IConcatNode",
    .min_inputs = 1,
    .max_inputs = -1,
    .outputs = 1,
    .flags = QN_OP_FITS,
    .attrs = attrs,
    .attrs_bytes = sizeof(qn_axis_attrs),
    .axes = {.kind = QN_AXES_KEPT, .attr = "axis"},
    .values = QN_VALUES_MOVED,
    .extents = QN_EXTENTS_JOINED,
    .infer = infer_concat,
    .eval = eval_concat,
    .lower = lower_concat,
    .sample = sample_concat,
};
