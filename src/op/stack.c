/* stack - inputs of one shape and type, whichever, along a new axis:
 *
 *   out[.., k, ..] = input k[.., ..]      k: the index along `axis` of the result
 *
 * Example: two inputs of [3, 4] with axis 1 are [3, 2, 4]. */
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
     .doc = "the axis of the result that counts the inputs"},
    {.name = NULL},
};

static qn_status *infer_stack(qn_infer *infer) {
    int axis = (int)((const qn_axis_attrs *)infer->attrs)->axis;
    qn_type each = infer->inputs[0];
    qn_dim dims[QN_MAX_RANK];
    if (each.rank + 1 > QN_MAX_RANK)
        return QN_ERR(QN_UNSUPPORTED, "expected a result of at most %d dims, found %d", QN_MAX_RANK, each.rank + 1);
    if (axis > each.rank)
        return QN_ERR(QN_INVALID_MODEL, "expected attribute 'axis' in [0, %d], found %d", each.rank, axis);
    for (int k = 1; k < infer->input_count; k++) {
        const qn_type *x = &infer->inputs[k];
        QN_TRY(qn_infer_expect_same_dtype(infer, 0, k));
        if (x->rank != each.rank)
            return QN_ERR(QN_INVALID_MODEL, "expected inputs of rank %d, found input %d of shape %s", each.rank, k,
                          qn_infer_dims_text(infer, x->rank, x->dims));
        for (int i = 0; i < each.rank; i++)
            QN_TRY(qn_infer_require_same(infer, each.dims[i], x->dims[i], "inputs", i, &each.dims[i]));
    }
    for (int i = 0; i < each.rank; i++) dims[i < axis ? i : i + 1] = each.dims[i];
    dims[axis] = qn_infer_const(infer, infer->input_count);
    qn_infer_set(infer, 0, each.dtype, each.rank + 1, dims);
    return NULL;
}

static qn_status *eval_stack(const qn_eval *eval) {
    int axis = (int)((const qn_axis_attrs *)eval->attrs)->axis;
    for (int k = 0; k < eval->input_count; k++) {
        qn_view x = eval->inputs[k];
        assert(x.rank + 1 == eval->outputs[0].rank && axis <= x.rank);
        memmove(&x.dims[axis + 1], &x.dims[axis], (size_t)(x.rank - axis) * sizeof x.dims[0]);
        x.dims[axis] = 1;
        x.rank++;
        qn_move move;
        qn_move_init(&move, &x, &eval->outputs[0], x.dims);
        move.dst += k * move.dst_step[axis];
        qn_move_run(&move);
    }
    return NULL;
}

static int lower_stack(const qn_eval *operands, const qn_kernel_set *kernels, qn_work *out_work) {
    int axis = (int)((const qn_axis_attrs *)operands->attrs)->axis;
    const qn_view *x = operands->inputs;
    qn_join_params params = {.dst = operands->outputs[0].data, .count = operands->input_count, .rows = 1};
    (void)kernels;
    if (!qn_view_elems(x) || params.count > QN_JOIN_MAX) return 0;
    for (int i = 0; i < axis; i++) params.rows *= x->dims[i];
    for (int k = 0; k < operands->input_count; k++) {
        params.parts[k] = x[k].data;
        params.part_bytes[k] = (int64_t)qn_view_bytes(x) / params.rows;
    }
    qn_join_work(&params, out_work);
    return 1;
}

static void sample_stack(qn_sample *sample) {
    int64_t dims[QN_MAX_RANK];
    int rank = qn_sample_shape(sample, 0, 4, dims), count = (int)qn_rng_range(sample->rng, 1, 5);
    qn_dtype dtype = qn_sample_dtype(sample, QN_DTYPES_ANY);
    ((qn_axis_attrs *)sample->attrs)->axis = qn_rng_range(sample->rng, 0, rank);
    for (int k = 0; k < count; k++) qn_sample_input(sample, dtype, rank, dims);
}

static int trace_stack(const qn_eval *operands, int *out_source) {
    const int axis = (int)((const qn_axis_attrs *)operands->attrs)->axis, rank = operands->inputs[0].rank;
    for (int i = 0; i < rank; i++) out_source[i < axis ? i : i + 1] = i;
    out_source[axis] = -1;
    return rank + 1;
}

const qn_op_def qn_op_stack = {
    .name = "stack",
    .doc = "inputs of one shape along a new axis",
    .min_inputs = 1,
    .max_inputs = -1,
    .outputs = 1,
    .attrs = attrs,
    .attrs_bytes = sizeof(qn_axis_attrs),
    .axes = {.kind = QN_AXES_TRACED, .attr = "axis", .attr_names_result = 1, .trace = trace_stack},
    .values = QN_VALUES_MOVED,
    .infer = infer_stack,
    .eval = eval_stack,
    .lower = lower_stack,
    .sample = sample_stack,
};
