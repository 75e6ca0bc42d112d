/* transpose - x with its axes in another order: axis a of the result is axis perm[a] of x. Any element type. Example:
 * perm 2 0 1 makes [2, 3, 4] into [4, 2, 3], and out[c, a, b] = x[a, b, c]. */
#include "op/move.h"
#include "op/op.h"
#include "op/permute.h"
#include "op/rules.h"

#include <assert.h>

static qn_status *check_perm(int rank, const int64_t *perm) {
    int seen[QN_MAX_RANK] = {0};
    for (int i = 0; i < rank; i++) {
        QN_TRY(qn_move_expect_within(perm[i], 0, rank - 1, "perm", i));
        if (seen[perm[i]]++)
            return QN_ERR(QN_INVALID_MODEL, "expected every axis once in 'perm', found %lld twice", (long long)perm[i]);
    }
    return NULL;
}

static qn_status *infer_transpose(qn_infer *infer) {
    const qn_type *x = &infer->inputs[0];
    int64_t perm[QN_MAX_RANK], count = x->rank;
    const qn_dim *known;
    qn_dim dims[QN_MAX_RANK];
    QN_TRY(qn_infer_control(infer, 1, "perm", &count, &known));
    if (!qn_infer_const_ints(infer, 1, perm, QN_MAX_RANK, &count))
        return QN_ERR(QN_UNSUPPORTED, "expected a constant 'perm', found one that is computed");
    QN_TRY(check_perm(x->rank, perm));
    for (int i = 0; i < x->rank; i++) dims[i] = x->dims[perm[i]];
    qn_infer_set(infer, 0, x->dtype, x->rank, dims);
    return NULL;
}

void qn_view_permute(const qn_view *x, const int64_t *perm, const qn_view *y) {
    int64_t strides[QN_MAX_RANK];
    qn_move move;
    qn_move_init(&move, x, y, y->dims);
    qn_view_strides(x, strides);
    for (int i = 0; i < x->rank; i++) {
        assert(y->dims[i] == x->dims[perm[i]]);
        move.src_step[i] = strides[perm[i]] * move.elem_bytes;
    }
    qn_move_run(&move);
}

static qn_status *eval_transpose(const qn_eval *eval) {
    const qn_view *x = &eval->inputs[0];
    int64_t perm[QN_MAX_RANK];
    QN_TRY(qn_move_read_ints(&eval->inputs[1], "perm", x->rank, perm));
    QN_TRY(check_perm(x->rank, perm));
    qn_view_permute(x, perm, &eval->outputs[0]);
    return NULL;
}

static void sample_transpose(qn_sample *sample) {
    int64_t dims[QN_MAX_RANK], perm[QN_MAX_RANK];
    int rank = qn_sample_shape(sample, 0, 5, dims);
    for (int i = 0; i < rank; i++) {
        int64_t at = qn_rng_range(sample->rng, 0, i);
        perm[i] = perm[at];
        perm[at] = i;
    }
    qn_sample_input(sample, qn_sample_dtype(sample, QN_DTYPES_ANY), rank, dims);
    qn_sample_ints(sample, qn_sample_index_dtype(sample), rank, perm);
}

static int trace_transpose(const qn_eval *operands, int *out_source) {
    const qn_view *perm = &operands->inputs[1];
    if (!perm->data) return -1;
    for (int i = 0; i < operands->inputs[0].rank; i++) out_source[i] = (int)qn_view_get_int(perm, i);
    return operands->inputs[0].rank;
}

const qn_op_def qn_op_transpose = {
    .name = "transpose",
    .doc = "x with its axes in another order: axis i of the result is axis perm[i] of x",
    .min_inputs = 2,
    .max_inputs = 2,
    .outputs = 1,
    .data_inputs = 1,
    .axes = {.kind = QN_AXES_TRACED, .controls = {[1] = QN_CONTROL_ORDERS_AXES}, .trace = trace_transpose},
    .values = QN_VALUES_MOVED,
    .infer = infer_transpose,
    .eval = eval_transpose,
    .sample = sample_transpose,
};
