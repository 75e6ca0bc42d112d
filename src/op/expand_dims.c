/* expand_dims - x with more axes of dim 1; `axes` are their places in the result, in any order. The elements stay as
 * they are, of any type. Example: [2, 3] with axes [0, 2] is [1, 2, 1, 3]. */
#include "op/move.h"
#include "op/op.h"
#include "op/rules.h"

static const qn_attr_def attrs[] = {
    {.name = "axes",
     .kind = QN_ATTR_INTS,
     .offset = offsetof(qn_axes_attrs, axes),
     .low = 0,
     .high = QN_MAX_RANK - 1,
     .count = -1,
     .doc = "axes of the result that are new and of dim 1"},
    {.name = NULL},
};

static qn_status *infer_expand_dims(qn_infer *infer) {
    const qn_ints *axes = &((const qn_axes_attrs *)infer->attrs)->axes;
    const qn_type *x = &infer->inputs[0];
    int rank = x->rank + (int)axes->count, is_new[QN_MAX_RANK] = {0}, next = 0;
    qn_dim dims[QN_MAX_RANK];
    if (rank > QN_MAX_RANK)
        return QN_ERR(QN_UNSUPPORTED, "expected a result of at most %d dims, found %d", QN_MAX_RANK, rank);
    for (int64_t i = 0; i < axes->count; i++) {
        int axis = (int)axes->values[i];
        if (axis >= rank || is_new[axis])
            return QN_ERR(QN_INVALID_MODEL, "expected axes[%lld] in [0, %d] and each once, found %d", (long long)i,
                          rank - 1, axis);
        is_new[axis] = 1;
    }
    for (int i = 0; i < rank; i++) dims[i] = is_new[i] ? qn_infer_const(infer, 1) : x->dims[next++];
    qn_infer_set(infer, 0, x->dtype, rank, dims);
    return NULL;
}

static qn_status *eval_expand_dims(const qn_eval *eval) {
    qn_move_all(&eval->inputs[0], &eval->outputs[0]);
    return NULL;
}

static void sample_expand_dims(qn_sample *sample) {
    qn_ints *axes = &((qn_axes_attrs *)sample->attrs)->axes;
    int64_t dims[QN_MAX_RANK];
    int rank = qn_sample_shape(sample, 0, 4, dims);
    axes->count = qn_rng_range(sample->rng, 0, 2);
    if (axes->count > 0) axes->values[0] = qn_rng_range(sample->rng, 0, rank + axes->count - 1);
    if (axes->count > 1) /* another one */
        axes->values[1] = (axes->values[0] + qn_rng_range(sample->rng, 1, rank + 1)) % (rank + 2);
    qn_sample_input(sample, qn_sample_dtype(sample, QN_DTYPES_ANY), rank, dims);
}

static int trace_expand_dims(const qn_eval *operands, int *out_source) {
    const qn_ints *axes = &((const qn_axes_attrs *)operands->attrs)->axes;
    int rank = operands->inputs[0].rank + (int)axes->count, next = 0;
    for (int i = 0; i < rank; i++) {
        int is_new = 0;
        for (int64_t k = 0; k < axes->count; k++) is_new |= axes->values[k] == i;
        out_source[i] = is_new ? -1 : next++;
    }
    return rank;
}

const qn_op_def qn_op_expand_dims = {
    .name = "expand_dims",
    .doc = "x with more axes of dim 1",
    .min_inputs = 1,
    .max_inputs = 1,
    .outputs = 1,
    .flags = QN_OP_MAY_ALIAS,
    .attrs = attrs,
    .attrs_bytes = sizeof(qn_axes_attrs),
    .axes = {.kind = QN_AXES_TRACED, .attr = "axes", .attr_names_result = 1, .trace = trace_expand_dims},
    .values = QN_VALUES_SAME,
    .infer = infer_expand_dims,
    .eval = eval_expand_dims,
    .sample = sample_expand_dims,
};
