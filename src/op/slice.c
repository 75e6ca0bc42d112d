/* slice - the box of x that starts at `begin` and has the dims `size`:
 *
 *   out[i_0, i_1, ..] = x[begin[0] + i_0, begin[1] + i_1, ..]      size[a] = -1: to the end of axis a
 *
 * Any element type; begin and size are s32 or s64. A box that leaves x is an error of the run. */
#include "op/move.h"
#include "op/op.h"
#include "op/rules.h"

/* The dim of the result along one axis; `begin` and `size` are NULL where unknown until the step runs. */
static qn_status *infer_axis(qn_infer *infer, int axis, const qn_dim *begin, const qn_dim *size, qn_dim *out_dim) {
    qn_dim zero = qn_infer_const(infer, 0), dim = infer->inputs[0].dims[axis], rest = dim;
    int64_t number;
    if (begin) {
        QN_TRY(qn_infer_require_within(infer, *begin, zero, dim, "begin", axis));
        rest = qn_dim_sub(infer->dims, dim, *begin);
    }
    int to_end = size && qn_dim_is_const(infer->dims, *size, &number) && number == -1;
    if (!size || (to_end && !begin)) {
        *out_dim = qn_infer_data_dim(infer, 0, axis, zero, rest);
        return NULL;
    }
    *out_dim = to_end ? rest : *size;
    return to_end ? NULL : qn_infer_require_within(infer, *size, zero, rest, "size", axis);
}

static qn_status *infer_slice(qn_infer *infer) {
    const qn_type *x = &infer->inputs[0];
    int64_t count = x->rank;
    const qn_dim *begin, *size;
    qn_dim dims[QN_MAX_RANK];
    QN_TRY(qn_infer_control(infer, 1, "begin", &count, &begin));
    QN_TRY(qn_infer_control(infer, 2, "size", &count, &size));
    for (int i = 0; i < x->rank; i++)
        QN_TRY(infer_axis(infer, i, begin ? &begin[i] : NULL, size ? &size[i] : NULL, &dims[i]));
    qn_infer_set(infer, 0, x->dtype, x->rank, dims);
    return NULL;
}

static qn_status *eval_slice(const qn_eval *eval) {
    const qn_view *x = &eval->inputs[0];
    qn_view *y = &eval->outputs[0];
    int64_t begin[QN_MAX_RANK], size[QN_MAX_RANK];
    QN_TRY(qn_move_read_ints(&eval->inputs[1], "begin", x->rank, begin));
    QN_TRY(qn_move_read_ints(&eval->inputs[2], "size", x->rank, size));
    for (int i = 0; i < x->rank; i++) {
        QN_TRY(qn_move_expect_within(begin[i], 0, x->dims[i], "begin", i));
        if (size[i] == -1) size[i] = x->dims[i] - begin[i];
        QN_TRY(qn_move_expect_within(size[i], 0, x->dims[i] - begin[i], "size", i));
    }
    QN_TRY(qn_move_settle(y, size));
    qn_move move;
    qn_move_init(&move, x, y, size);
    if (!qn_view_elems(y)) return NULL;
    for (int i = 0; i < x->rank; i++) move.src += begin[i] * move.src_step[i];
    qn_move_run(&move);
    return NULL;
}

static int lower_slice(const qn_eval *operands, const qn_kernel_set *kernels, qn_work *out_work) {
    (void)kernels;
    if (!(operands->settled & 1u << 1) || !(operands->settled & 1u << 2)) return 0;
    return qn_move_lower_box(&operands->inputs[0], &operands->outputs[0], NULL, &operands->inputs[1], 1, 0, out_work);
}

static void sample_slice(qn_sample *sample) {
    int64_t dims[QN_MAX_RANK], begin[QN_MAX_RANK], size[QN_MAX_RANK];
    int rank = qn_sample_shape(sample, 0, 4, dims);
    for (int i = 0; i < rank; i++) {
        begin[i] = qn_rng_range(sample->rng, 0, 1) ? 0 : qn_rng_range(sample->rng, 0, dims[i]);
        size[i] = qn_rng_range(sample->rng, -1, dims[i] - begin[i]);
    }
    qn_sample_input(sample, qn_sample_dtype(sample, QN_DTYPES_ANY), rank, dims);
    qn_sample_ints(sample, qn_sample_index_dtype(sample), rank, begin);
    qn_sample_ints(sample, qn_sample_index_dtype(sample), rank, size);
}

const qn_op_def qn_op_slice = {
    .name = "slice",
    .doc = "the box of x that starts at 'begin' and has dims 'size', where -1 reaches to the end",
    .min_inputs = 3,
    .max_inputs = 3,
    .outputs = 1,
    .flags = QN_OP_DATA_SHAPE | QN_OP_FITS,
    .data_inputs = 1,
    .axes = {.kind = QN_AXES_KEPT, .controls = {[1] = QN_CONTROL_PER_AXIS, [2] = QN_CONTROL_PER_AXIS}},
    .values = QN_VALUES_MOVED,
    .extents = QN_EXTENTS_CROPPED,
    .infer = infer_slice,
    .eval = eval_slice,
    .lower = lower_slice,
    .sample = sample_slice,
};
