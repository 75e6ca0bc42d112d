/* leaky_relu - out[i] = x[i] > 0 ? x[i] : alpha * x[i], so that a NaN stays one. Any floats; f64 is computed in double,
 * the others in f32. */
#include "op/op.h"
#include "op/rules.h"

typedef struct leaky_relu_attrs {
    float alpha;
} leaky_relu_attrs;

static const qn_attr_def attrs[] = {
    {.name = "alpha",
     .kind = QN_ATTR_FLOAT,
     .offset = offsetof(leaky_relu_attrs, alpha),
     .fallback = "0.2",
     .doc = "slope where x < 0"},
    {.name = NULL},
};

static qn_status *infer_leaky_relu(qn_infer *infer) {
    const qn_type *x = &infer->inputs[0];
    QN_TRY(qn_infer_expect_dtypes(infer, 0, QN_DTYPES_FLOAT, "x"));
    qn_infer_set(infer, 0, x->dtype, x->rank, x->dims);
    return NULL;
}

static qn_status *eval_leaky_relu(const qn_eval *eval) {
    const leaky_relu_attrs *a = eval->attrs;
    const qn_view *x = &eval->inputs[0], *y = &eval->outputs[0];
    int64_t elems = qn_view_elems(y);
    for (int64_t i = 0; i < elems; i++) {
        double value = qn_view_get(x, i);
        qn_view_set(y, i, value > 0.0 ? value : x->dtype == QN_DTYPE_F64 ? value * a->alpha : (float)value * a->alpha);
    }
    return NULL;
}

static void sample_leaky_relu(qn_sample *sample) {
    int64_t dims[QN_MAX_RANK];
    int rank = qn_sample_shape(sample, 0, 4, dims);
    ((leaky_relu_attrs *)sample->attrs)->alpha = qn_rng_float(sample->rng, -0.5f, 1.5f);
    qn_sample_input(sample, qn_sample_dtype(sample, QN_DTYPES_FLOAT), rank, dims);
}

const qn_op_def qn_op_leaky_relu = {
    .name = "leaky_relu",
    .doc = "x, or alpha * x where x < 0",
    .node_type = "IActivationNode",
    .min_inputs = 1,
    .max_inputs = 1,
    .outputs = 1,
    .flags = QN_OP_ELEMENTWISE | QN_OP_MAY_ALIAS,
    .attrs = attrs,
    .attrs_bytes = sizeof(leaky_relu_attrs),
    .axes = {.kind = QN_AXES_KEPT},
    .values = QN_VALUES_TABLE,
    .infer = infer_leaky_relu,
    .eval = eval_leaky_relu,
    .sample = sample_leaky_relu,
};
