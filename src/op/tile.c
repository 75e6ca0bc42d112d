/* tile - multiples[a] copies of x along axis a:
 *
 *   out[i_0, i_1, ..] = x[i_0 mod D_0, i_1 mod D_1, ..]      D_a: the dims of x
 *
 * Any element type; multiples are s32 or s64, one for each axis of x. */
#include "op/move.h"
#include "op/op.h"
#include "op/rules.h"

static qn_status *infer_tile(qn_infer *infer) {
    const qn_type *x = &infer->inputs[0];
    int64_t count = x->rank;
    const qn_dim *multiples;
    qn_dim dims[QN_MAX_RANK], zero = qn_infer_const(infer, 0), none = qn_infer_const(infer, QN_DIM_UNBOUNDED);
    QN_TRY(qn_infer_control(infer, 1, "multiples", &count, &multiples));
    for (int i = 0; i < x->rank; i++) {
        if (!multiples) {
            dims[i] = qn_infer_data_dim(infer, 0, i, zero, none);
            continue;
        }
        QN_TRY(qn_infer_require_within(infer, multiples[i], zero, none, "multiples", i));
        dims[i] = qn_dim_mul(infer->dims, x->dims[i], multiples[i]);
    }
    qn_infer_set(infer, 0, x->dtype, x->rank, dims);
    return NULL;
}

static qn_status *eval_tile(const qn_eval *eval) {
    const qn_view *x = &eval->inputs[0];
    qn_view *y = &eval->outputs[0];
    int64_t multiples[QN_MAX_RANK], dims[QN_MAX_RANK], x_strides[QN_MAX_RANK], y_strides[QN_MAX_RANK];
    QN_TRY(qn_move_read_ints(&eval->inputs[1], "multiples", x->rank, multiples));
    for (int i = 0; i < x->rank; i++) {
        QN_TRY(qn_move_expect_within(multiples[i], 0, INT64_MAX, "multiples", i));
        if (!qn_checked_mul_i64(x->dims[i], multiples[i], &dims[i]))
            return QN_ERR(QN_LIMIT, "expected a dim %d that fits 64 bits, found %lld times %lld", i,
                          (long long)x->dims[i], (long long)multiples[i]);
    }
    QN_TRY(qn_move_settle(y, dims));
    qn_view_strides(x, x_strides);
    qn_view_strides(y, y_strides);
    /* Each axis of the result is two: which copy, and where in x. */
    qn_move move = {
        .rank = 2 * x->rank, .src = x->data, .dst = y->data, .elem_bytes = (int64_t)qn_dtype_size(x->dtype)};
    for (int i = 0; i < x->rank; i++) {
        move.dims[2 * i] = multiples[i];
        move.dims[2 * i + 1] = x->dims[i];
        move.src_step[2 * i + 1] = x_strides[i] * move.elem_bytes;
        move.dst_step[2 * i] = y_strides[i] * x->dims[i] * move.elem_bytes;
        move.dst_step[2 * i + 1] = y_strides[i] * move.elem_bytes;
    }
    qn_move_run(&move);
    return NULL;
}

static void sample_tile(qn_sample *sample) {
    int64_t dims[QN_MAX_RANK], multiples[QN_MAX_RANK];
    int rank = qn_sample_shape(sample, 0, 4, dims);
    for (int i = 0; i < rank; i++)
        multiples[i] =
            qn_rng_range(sample->rng, 0, 1) ? 1 : qn_rng_range(sample->rng, qn_rng_range(sample->rng, 0, 1), 4);
    qn_sample_input(sample, qn_sample_dtype(sample, QN_DTYPES_ANY), rank, dims);
    qn_sample_ints(sample, qn_sample_index_dtype(sample), rank, multiples);
}

const qn_op_def qn_op_tile = {
    .name = "tile",
    .doc = "multiples[i] copies of x along axis i",
    .min_inputs = 2,
    .max_inputs = 2,
    .outputs = 1,
    .flags = QN_OP_DATA_SHAPE | QN_OP_FITS,
    .data_inputs = 1,
    .axes = {.kind = QN_AXES_KEPT, .controls = {[1] = QN_CONTROL_PER_AXIS}},
    .values = QN_VALUES_MOVED,
    .extents = QN_EXTENTS_REPEATED,
    .infer = infer_tile,
    .eval = eval_tile,
    .sample = sample_tile,
};
