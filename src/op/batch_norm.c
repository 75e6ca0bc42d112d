/* batch_norm - normalisation by statistics that were gathered in training, channel by channel of the last axis:
 *
 *   out[.., c] = (x[.., c] - mean[c]) * scale[c] / sqrt(variance[c] + epsilon) + offset[c]
 *
 * x and the vectors: any floats. Computed in double and rounded once. */
#include "op/operand.h"

#include <assert.h>

enum { X = 0, SCALE = 1, OFFSET = 2, MEAN = 3, VARIANCE = 4, INPUTS = 5 };

static const qn_attr_def attr_defs[] = {
    {.name = "epsilon",
     .kind = QN_ATTR_FLOAT,
     .offset = offsetof(qn_batch_norm_attrs, epsilon),
     .fallback = "0.001",
     .doc = "Added to the variance."},
    {0},
};

static qn_status *infer_batch_norm(qn_infer *infer) {
    static const char *const names[] = {"x", "scale", "offset", "mean", "variance"};
    const qn_batch_norm_attrs *attrs = infer->attrs;
    const qn_type *x = &infer->inputs[X];
    if (!(attrs->epsilon >= 0 && attrs->epsilon <= 1e6f))
        return QN_ERR(QN_INVALID_MODEL, "epsilon is %g; expected a small number of at least 0", (double)attrs->epsilon);
    QN_TRY(qn_infer_expect_dtypes(infer, X, QN_DTYPES_FLOAT, "x"));
    if (x->rank < 1) return QN_ERR(QN_INVALID_MODEL, "x is a scalar; expected at least one axis, the channels");
    for (int i = SCALE; i < INPUTS; i++) {
        QN_TRY(qn_infer_expect_rank(infer, i, 1, names[i]));
        QN_TRY(qn_infer_expect_dtypes(infer, i, QN_DTYPES_FLOAT, names[i]));
        QN_TRY(qn_infer_expect_dim(infer, i, 0, x->dims[x->rank - 1], names[i], "elements", "x has channels:"));
    }
    qn_infer_set(infer, 0, x->dtype, x->rank, x->dims);
    return NULL;
}

static qn_status *eval_batch_norm(const qn_eval *eval) {
    const qn_batch_norm_attrs *attrs = eval->attrs;
    const qn_view *x = &eval->inputs[X], *in = eval->inputs;
    assert(x->rank && in[SCALE].dims[0] == x->dims[x->rank - 1] && in[VARIANCE].dims[0] == x->dims[x->rank - 1]);
    int64_t elems = qn_view_elems(x), channels = x->dims[x->rank - 1];
    for (int64_t i = 0; i < elems; i++) {
        int64_t c = i % channels;
        double factor = qn_view_get(&in[SCALE], c) / sqrt(qn_view_get(&in[VARIANCE], c) + (double)attrs->epsilon);
        double centred = qn_view_get(x, i) - qn_view_get(&in[MEAN], c);
        qn_view_set(&eval->outputs[0], i, centred * factor + qn_view_get(&in[OFFSET], c));
    }
    return NULL;
}

static void sample_batch_norm(qn_sample *sample) {
    qn_rng *rng = sample->rng;
    int rank = (int)qn_rng_range(rng, 1, 4);
    int64_t dims[4];
    for (int i = 0; i < rank; i++) dims[i] = qn_rng_range(rng, 1, 9);
    ((qn_batch_norm_attrs *)sample->attrs)->epsilon = 0.001f;
    sample->low = 0.1f; /* a variance is positive */
    sample->high = 2.0f;
    qn_sample_input(sample, QN_DTYPE_F32, rank, dims);
    for (int i = SCALE; i < INPUTS; i++) qn_sample_input(sample, QN_DTYPE_F32, 1, &dims[rank - 1]);
}

const qn_op_def qn_op_batch_norm = {
    .name = "batch_norm",
    .doc = "(x - mean) * scale / sqrt(variance + epsilon) + offset, channel by channel of the last axis.",
    .min_inputs = INPUTS,
    .max_inputs = INPUTS,
    .outputs = 1,
    .attrs = attr_defs,
    .attrs_bytes = sizeof(qn_batch_norm_attrs),
    .data_inputs = 1,
    .axes = {.kind = QN_AXES_KEPT, .has_channels = 1},
    .infer = infer_batch_norm,
    .eval = eval_batch_norm,
    .sample = sample_batch_norm,
};
