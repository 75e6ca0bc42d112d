/* identity - x itself under another name: an output that is an input too, or two outputs. Any element type. */
#include "op/move.h"
#include "op/op.h"

static qn_status *infer_identity(qn_infer *infer) {
    const qn_type *x = &infer->inputs[0];
    qn_infer_set(infer, 0, x->dtype, x->rank, x->dims);
    return NULL;
}

static qn_status *eval_identity(const qn_eval *eval) {
    qn_move_all(&eval->inputs[0], &eval->outputs[0]);
    return NULL;
}

static void sample_identity(qn_sample *sample) {
    int64_t dims[QN_MAX_RANK];
    int rank = qn_sample_shape(sample, 0, 4, dims);
    qn_sample_input(sample, qn_sample_dtype(sample, 1u << QN_DTYPE_F32 | 1u << QN_DTYPE_U64 | 1u << QN_DTYPE_BOOL),
                    rank, dims);
}

const qn_op_def qn_op_identity = {
    .name = "identity",
    .doc = "x",
    .min_inputs = 1,
    .max_inputs = 1,
    .outputs = 1,
    .flags = QN_OP_ELEMENTWISE | QN_OP_MAY_ALIAS,
    .axes = {.kind = QN_AXES_KEPT},
    .values = QN_VALUES_SAME,
    .infer = infer_identity,
    .eval = eval_identity,
    .sample = sample_identity,
};
