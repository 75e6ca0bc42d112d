/* select - out[i] = condition[i] ? a[i] : b[i]. condition is bool, a and b are of one type, whichever; all three
 * broadcast. */
#include "op/move.h"
#include "op/op.h"
#include "op/rules.h"

#include <assert.h>
#include <string.h>

/* The element that the condition picks, where that is known; else b + (a - b) * condition. */
static qn_dim pick(qn_dim_pool *pool, qn_dim condition, qn_dim a, qn_dim b) {
    int64_t number;
    if (qn_dim_same(a, b)) return a;
    if (qn_dim_is_const(pool, condition, &number)) return number ? a : b;
    return qn_dim_add(pool, b, qn_dim_mul(pool, qn_dim_sub(pool, a, b), condition));
}

static qn_status *infer_contents(qn_infer *infer) {
    const qn_dim *const *known = infer->contents;
    qn_view operands[3], result;
    if (!known[0] || !known[1] || !known[2] || !qn_infer_const_view(infer, &infer->outputs[0], &result)) return NULL;
    for (int k = 0; k < 3; k++)
        if (!qn_infer_const_view(infer, &infer->inputs[k], &operands[k])) return NULL;
    qn_dim *contents;
    qn_walk walk;
    int64_t count = qn_view_elems(&result);
    QN_TRY(qn_infer_new_contents(infer, count, &contents));
    qn_walk_init(&walk, &result, operands, 3);
    for (int64_t i = 0; contents && i < count; i++, qn_walk_next(&walk))
        contents[i] = pick(infer->dims, known[0][walk.at[0]], known[1][walk.at[1]], known[2][walk.at[2]]);
    return qn_infer_set_contents(infer, 0, result.dtype, count, contents);
}

static qn_status *infer_select(qn_infer *infer) {
    qn_type both = {.dtype = infer->inputs[1].dtype};
    int rank;
    qn_dim dims[QN_MAX_RANK];
    QN_TRY(qn_infer_expect_dtypes(infer, 0, QN_DTYPES_BOOL, "condition"));
    QN_TRY(qn_infer_expect_same_dtype(infer, 1, 2));
    QN_TRY(qn_infer_broadcast(infer, &infer->inputs[1], &infer->inputs[2], &both.rank, both.dims));
    QN_TRY(qn_infer_broadcast(infer, &infer->inputs[0], &both, &rank, dims));
    qn_infer_set(infer, 0, both.dtype, rank, dims);
    return infer_contents(infer);
}

static qn_status *eval_select(const qn_eval *eval) {
    const qn_view *y = &eval->outputs[0];
    const uint8_t *condition = eval->inputs[0].data, *a = eval->inputs[1].data, *b = eval->inputs[2].data;
    int64_t elems = qn_view_elems(y);
    size_t size = qn_dtype_size(y->dtype);
    qn_walk walk;
    assert(eval->inputs[1].dtype == y->dtype && eval->inputs[2].dtype == y->dtype);
    qn_walk_init(&walk, y, eval->inputs, 3);
    for (int64_t i = 0; i < elems; i++, qn_walk_next(&walk)) {
        const uint8_t *from = condition[walk.at[0]] ? a + (size_t)walk.at[1] * size : b + (size_t)walk.at[2] * size;
        memmove((uint8_t *)y->data + (size_t)i * size, from, size);
    }
    return NULL;
}

static void sample_select(qn_sample *sample) {
    int64_t dims[QN_MAX_RANK], operand[QN_MAX_RANK];
    int rank = qn_sample_shape(sample, 0, 4, dims);
    qn_dtype dtype = qn_sample_dtype(sample, QN_DTYPES_ANY);
    for (int k = 0; k < 3; k++) {
        int drop = qn_rng_range(sample->rng, 0, 1) ? 0 : (int)qn_rng_range(sample->rng, 0, rank);
        for (int i = drop; i < rank; i++) operand[i - drop] = qn_rng_range(sample->rng, 0, 2) ? dims[i] : 1;
        qn_sample_input(sample, k ? dtype : QN_DTYPE_BOOL, rank - drop, operand);
    }
}

const qn_op_def qn_op_select = {
    .name = "select",
    .doc = "a where the condition holds, b elsewhere; all three broadcast",
    .min_inputs = 3,
    .max_inputs = 3,
    .outputs = 1,
    .flags = QN_OP_ELEMENTWISE | QN_OP_MAY_ALIAS,
    .axes = {.kind = QN_AXES_KEPT},
    .infer = infer_select,
    .eval = eval_select,
    .sample = sample_select,
};
