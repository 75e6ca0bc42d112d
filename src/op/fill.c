/* fill - a tensor of the dims in input 0 (s32 or s64) whose elements all are input 1, a scalar of any type:
 *
 *   out[..] = value */
#include "op/move.h"
#include "op/op.h"
#include "op/rules.h"

static qn_status *infer_contents(qn_infer *infer) {
    qn_view result;
    if (!infer->contents[1] || !qn_infer_const_view(infer, &infer->outputs[0], &result)) return NULL;
    qn_dim *contents;
    int64_t count = 1; /* stops as soon as it is too many: dims are not checked against a size yet */
    for (int i = 0; i < result.rank; i++)
        if (!qn_checked_mul_i64(count, result.dims[i], &count) || count > QN_CONTENT_MAX) return NULL;
    QN_TRY(qn_infer_new_contents(infer, count, &contents));
    for (int64_t i = 0; contents && i < count; i++) contents[i] = infer->contents[1][0];
    return qn_infer_set_contents(infer, 0, result.dtype, count, contents);
}

static qn_status *infer_fill(qn_infer *infer) {
    const qn_dim *known;
    int64_t rank = -1;
    qn_dim dims[QN_MAX_RANK], zero = qn_infer_const(infer, 0), none = qn_infer_const(infer, QN_DIM_UNBOUNDED);
    QN_TRY(qn_infer_control(infer, 0, "dims", &rank, &known));
    if (rank > QN_MAX_RANK)
        return QN_ERR(QN_UNSUPPORTED, "expected at most %d elements in 'dims', found %lld", QN_MAX_RANK,
                      (long long)rank);
    if (qn_infer_const_elems(infer, 1) != 1)
        return QN_ERR(QN_INVALID_MODEL, "expected a 'value' of one element, found shape %s",
                      qn_infer_dims_text(infer, infer->inputs[1].rank, infer->inputs[1].dims));
    for (int i = 0; i < rank; i++) {
        dims[i] = known ? known[i] : qn_infer_data_dim(infer, 0, i, zero, none);
        if (known) QN_TRY(qn_infer_require_within(infer, known[i], zero, none, "dims", i));
    }
    qn_infer_set(infer, 0, infer->inputs[1].dtype, (int)rank, dims);
    return infer_contents(infer);
}

static qn_status *eval_fill(const qn_eval *eval) {
    qn_view *y = &eval->outputs[0];
    int64_t dims[QN_MAX_RANK];
    QN_TRY(qn_move_read_ints(&eval->inputs[0], "dims", y->rank, dims));
    for (int i = 0; i < y->rank; i++) QN_TRY(qn_move_expect_within(dims[i], 0, INT64_MAX, "dims", i));
    QN_TRY(qn_move_settle(y, dims));
    qn_move_fill(y->data, qn_view_elems(y), eval->inputs[1].data, (int64_t)qn_dtype_size(y->dtype));
    return NULL;
}

static void sample_fill(qn_sample *sample) {
    int64_t dims[QN_MAX_RANK];
    int rank = qn_sample_shape(sample, 0, 4, dims);
    qn_sample_ints(sample, qn_sample_index_dtype(sample), rank, dims);
    qn_sample_input(sample, qn_sample_dtype(sample, QN_DTYPES_ANY), 0, NULL);
}

const qn_op_def qn_op_fill = {
    .name = "fill",
    .doc = "a tensor of the dims in 'dims' whose elements all are 'value'",
    .min_inputs = 2,
    .max_inputs = 2,
    .outputs = 1,
    .flags = QN_OP_DATA_SHAPE,
    .infer = infer_fill,
    .eval = eval_fill,
    .sample = sample_fill,
};
