/* where - the coordinates of the elements of x that are not 0, a row each, in row-major order:
 *
 *   out[r, a] = the index along axis a of the r-th such element      s64, [how many, rank of x]
 *
 * x: numbers or bool. Only the run tells how many rows there are. Example: [[0, 5], [7, 0]] gives (0, 1), (1, 0). */
#include "op/move.h"
#include "op/op.h"
#include "op/rules.h"

static qn_status *infer_where(qn_infer *infer) {
    const qn_type *x = &infer->inputs[0];
    QN_TRY(qn_infer_expect_dtypes(infer, 0, QN_DTYPES_ANY, "x"));
    qn_dim elems = qn_infer_elems(infer, x->rank, x->dims);
    qn_dim dims[2] = {qn_infer_data_dim(infer, 0, 0, qn_infer_const(infer, 0), elems), qn_infer_const(infer, x->rank)};
    qn_infer_set(infer, 0, QN_DTYPE_S64, 2, dims);
    return NULL;
}

static int is_set(const qn_view *x, int64_t i) {
    return qn_dtype_is_float(x->dtype) ? qn_view_get(x, i) != 0.0 : qn_view_get_int(x, i) != 0;
}

static qn_status *eval_where(const qn_eval *eval) {
    const qn_view *x = &eval->inputs[0];
    qn_view *y = &eval->outputs[0];
    int64_t elems = qn_view_elems(x), dims[2] = {0, x->rank}, *out = y->data;
    qn_walk walk;
    for (int64_t i = 0; i < elems; i++) dims[0] += is_set(x, i);
    QN_TRY(qn_move_settle(y, dims));
    qn_walk_init(&walk, x, NULL, 0);
    for (int64_t i = 0; i < elems; i++, qn_walk_next(&walk))
        for (int axis = 0; axis < x->rank && is_set(x, i); axis++) *out++ = walk.index[axis];
    return NULL;
}

static void sample_where(qn_sample *sample) {
    int64_t dims[QN_MAX_RANK];
    int rank = qn_sample_shape(sample, 0, 3, dims);
    qn_sample_input(sample, qn_sample_dtype(sample, QN_DTYPES_BOOL | QN_DTYPES_NUMBER), rank, dims);
}

const qn_op_def qn_op_where = {
    .name = "where",
    .doc = "the coordinates of the elements of x that are not 0, one row each, in row-major order",
    .min_inputs = 1,
    .max_inputs = 1,
    .outputs = 1,
    .flags = QN_OP_DATA_SHAPE,
    .infer = infer_where,
    .eval = eval_where,
    .sample = sample_where,
};
