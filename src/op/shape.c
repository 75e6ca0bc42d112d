/* shape, size, rank - what the dims of x are, how many elements, how many axes it has, as s32 or s64 (`dtype`):
 *
 *   shape: out[a] = the dim of x along axis a; size: out = their product; rank: out = their number
 *
 * None of them reads the elements of x, which may have any type. Example: [2, 3, 4] gives 2 3 4, 24 and 3. */
#include "op/op.h"
#include "op/rules.h"

static const qn_attr_def attrs[] = {
    {.name = "dtype",
     .kind = QN_ATTR_DTYPE,
     .offset = offsetof(qn_dtype_attrs, dtype),
     .fallback = "s32",
     .doc = "s32 or s64"},
    {.name = NULL},
};

static qn_status *set_result(qn_infer *infer, int rank, int64_t count, const qn_dim *values) {
    qn_dtype dtype = (qn_dtype)((const qn_dtype_attrs *)infer->attrs)->dtype;
    if (!(QN_DTYPES_OF(dtype) & QN_DTYPES_INDEX))
        return QN_ERR(QN_UNSUPPORTED, "expected attribute 'dtype' to be s32 or s64, found %s", qn_dtype_name(dtype));
    qn_dim dims[1] = {qn_infer_const(infer, count)};
    qn_infer_set(infer, 0, dtype, rank, dims);
    qn_dim *contents;
    QN_TRY(qn_infer_new_contents(infer, count, &contents));
    for (int64_t i = 0; contents && i < count; i++) contents[i] = values[i];
    return qn_infer_set_contents(infer, 0, dtype, count, contents);
}

static qn_status *infer_shape(qn_infer *infer) {
    return set_result(infer, 1, infer->inputs[0].rank, infer->inputs[0].dims);
}

static qn_status *infer_size(qn_infer *infer) {
    qn_dim elems = qn_infer_elems(infer, infer->inputs[0].rank, infer->inputs[0].dims);
    return set_result(infer, 0, 1, &elems);
}

static qn_status *infer_rank(qn_infer *infer) {
    qn_dim rank = qn_infer_const(infer, infer->inputs[0].rank);
    return set_result(infer, 0, 1, &rank);
}

static qn_status *eval_shape(const qn_eval *eval) {
    const qn_view *x = &eval->inputs[0];
    for (int i = 0; i < x->rank; i++) qn_view_set_int(&eval->outputs[0], i, x->dims[i]);
    return NULL;
}

static qn_status *eval_size(const qn_eval *eval) {
    qn_view_set_int(&eval->outputs[0], 0, qn_view_elems(&eval->inputs[0]));
    return NULL;
}

static qn_status *eval_rank(const qn_eval *eval) {
    qn_view_set_int(&eval->outputs[0], 0, eval->inputs[0].rank);
    return NULL;
}

static void sample_any(qn_sample *sample) {
    int64_t dims[QN_MAX_RANK];
    int rank = qn_sample_shape(sample, 0, 4, dims);
    ((qn_dtype_attrs *)sample->attrs)->dtype = qn_sample_index_dtype(sample);
    qn_sample_input(sample, qn_sample_dtype(sample, QN_DTYPES_ANY), rank, dims);
}

#define DEFINE_OP(op, text)                                                                                            \
    const qn_op_def qn_op_##op = {                                                                                     \
        .name = #op,                                                                                                   \
        .doc = text,                                                                                                   \
        .min_inputs = 1,                                                                                               \
        .max_inputs = 1,                                                                                               \
        .outputs = 1,                                                                                                  \
        .attrs = attrs,                                                                                                \
        .attrs_bytes = sizeof(qn_dtype_attrs),                                                                         \
        .values = QN_VALUES_SHAPE,                                                                                     \
        .infer = infer_##op,                                                                                           \
        .eval = eval_##op,                                                                                             \
        .sample = sample_any,                                                                                          \
    };

DEFINE_OP(shape, "the dims of x as a vector")
DEFINE_OP(size, "the number of elements of x")
DEFINE_OP(rank, "the number of dims of x")
