/* What infer functions are written with (op/op.h); demands are in op/require.c. */
#include "op/rules.h"

#include <assert.h>
#include <string.h>

qn_status *qn_infer_expect_rank(const qn_infer *infer, int input, int rank, const char *name) {
    const qn_type *type = &infer->inputs[input];
    if (type->rank == rank) return NULL;
    return QN_ERR(QN_INVALID_MODEL, "expected '%s' to have rank %d, found %s%s", name, rank, qn_dtype_name(type->dtype),
                  qn_infer_dims_text(infer, type->rank, type->dims));
}

qn_status *qn_infer_expect_dtype(const qn_infer *infer, int input, qn_dtype dtype, const char *name) {
    qn_dtype found = infer->inputs[input].dtype;
    if (found == dtype) return NULL;
    return QN_ERR(QN_INVALID_MODEL, "expected '%s' to be %s, found %s", name, qn_dtype_name(dtype),
                  qn_dtype_name(found));
}

qn_status *qn_infer_expect_same_dtype(const qn_infer *infer, int a, int b) {
    qn_dtype first = infer->inputs[a].dtype, second = infer->inputs[b].dtype;
    if (first == second) return NULL;
    return QN_ERR(QN_INVALID_MODEL, "expected inputs %d and %d to have one dtype, found %s and %s", a, b,
                  qn_dtype_name(first), qn_dtype_name(second));
}

int64_t qn_infer_const_elems(const qn_infer *infer, int input) {
    const qn_type *type = &infer->inputs[input];
    int64_t elems = 1;
    for (int i = 0; i < type->rank; i++) {
        int64_t dim;
        if (!qn_dim_is_const(infer->dims, type->dims[i], &dim) || dim < 0) return -1;
        if (!qn_checked_mul_i64(elems, dim, &elems)) return -1;
    }
    return elems;
}

int qn_infer_const_ints(const qn_infer *infer, int input, int64_t *out_values, int64_t max_count, int64_t *out_count) {
    int64_t count = qn_infer_const_elems(infer, input);
    if (count < 0 || count > max_count || !infer->contents[input]) return 0;
    for (int64_t i = 0; i < count; i++)
        if (!qn_dim_is_const(infer->dims, infer->contents[input][i], &out_values[i])) return 0;
    *out_count = count;
    return 1;
}

qn_dim qn_infer_const(const qn_infer *infer, int64_t value) { return qn_dim_const(infer->dims, value); }

void qn_infer_set(qn_infer *infer, int output, qn_dtype dtype, int rank, const qn_dim *dims) {
    assert(output < infer->output_count && rank <= QN_MAX_RANK);
    qn_type *type = &infer->outputs[output];
    type->dtype = dtype;
    type->rank = rank;
    if (rank) memmove(type->dims, dims, (size_t)rank * sizeof *dims);
}

/* 1, or the other dim, whichever `dim` turns out to be when shapes are set. */
static qn_dim is_one(qn_infer *infer, qn_dim dim) { return qn_dim_eq(infer->dims, dim, qn_infer_const(infer, 1)); }

static qn_dim broadcast_dim(qn_infer *infer, qn_dim a, qn_dim b, qn_dim *out_condition) {
    qn_dim_pool *dims = infer->dims;
    int64_t value, low_a, low_b, high;
    qn_dim one = qn_infer_const(infer, 1);
    *out_condition = qn_infer_const(infer, 0);
    if (qn_dim_same(a, b) || (qn_dim_is_const(dims, b, &value) && value == 1)) return a;
    if (qn_dim_is_const(dims, a, &value) && value == 1) return b;
    qn_dim a_is_one = is_one(infer, a),
           fits = qn_dim_or(dims, qn_dim_or(dims, a_is_one, is_one(infer, b)), qn_dim_eq(dims, a, b));
    *out_condition = qn_dim_sub(dims, fits, one);
    if (qn_dim_is_const(dims, a, NULL)) return a; /* more than 1: so is the result */
    if (qn_dim_is_const(dims, b, NULL)) return b;
    qn_dim_range(dims, a, &low_a, &high);
    qn_dim_range(dims, b, &low_b, &high);
    if (low_a > 1) return a;
    if (low_b > 1) return b;
    if (low_a == 1 && low_b == 1) return qn_dim_max(dims, a, b);
    return qn_dim_add(dims, a, qn_dim_mul(dims, a_is_one, qn_dim_sub(dims, b, a)));
}

qn_status *qn_infer_broadcast(qn_infer *infer, const qn_type *a, const qn_type *b, int *out_rank, qn_dim *out_dims) {
    int rank = a->rank > b->rank ? a->rank : b->rank;
    qn_dim out[QN_MAX_RANK], one = qn_infer_const(infer, 1);
    for (int i = 0; i < rank; i++) {
        int axis_a = i - (rank - a->rank), axis_b = i - (rank - b->rank);
        qn_dim p = axis_a < 0 ? one : a->dims[axis_a], q = axis_b < 0 ? one : b->dims[axis_b], condition;
        out[i] = broadcast_dim(infer, p, q, &condition);
        if (qn_infer_is_nonnegative(infer, condition)) continue;
        QN_TRY(
            qn_infer_require(infer, condition, "shapes %s and %s do not broadcast: along axis %d they have %s and %s",
                             qn_infer_dims_text(infer, a->rank, a->dims), qn_infer_dims_text(infer, b->rank, b->dims),
                             i, qn_infer_dim_text(infer, p), qn_infer_dim_text(infer, q)));
    }
    *out_rank = rank;
    if (rank) memcpy(out_dims, out, (size_t)rank * sizeof *out);
    return NULL;
}
