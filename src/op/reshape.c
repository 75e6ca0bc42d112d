/* reshape - the elements of x, in their order, under the dims that input 1 (s32 or s64) names:
 *
 *   one of them may be -1: the number of elements divided by the other dims
 *
 * Any element type. Example: [2, 3, 4] to [-1, 6] is [4, 6]. */
#include "op/move.h"
#include "op/op.h"
#include "op/rules.h"

#include <assert.h>
#include <string.h>

/* Takes every handle out of both lists that stands in both, so that what is left divides without knowing that a
   symbol divides itself. Numbers stay: products of them fold. */
static void cancel_equal(const qn_infer *infer, qn_dim *a, int *a_count, qn_dim *b, int *b_count) {
    for (int i = 0; i < *a_count;) {
        int64_t number;
        int found = -1;
        for (int k = 0; k < *b_count && found < 0; k++)
            if (qn_dim_same(a[i], b[k]) && !qn_dim_is_const(infer->dims, a[i], &number)) found = k;
        if (found < 0) {
            i++;
        } else {
            a[i] = a[--*a_count];
            b[found] = b[--*b_count];
        }
    }
}

/* 1 where `dim` is 0, else 0. */
static qn_dim is_zero(const qn_infer *infer, qn_dim dim) {
    return qn_dim_eq(infer->dims, dim, qn_infer_const(infer, 0));
}

/* The product of the dims, each of them at least `least`, which is 0 or 1. */
static qn_dim multiply_from(qn_infer *infer, int count, const qn_dim *dims, qn_dim least) {
    qn_dim product = qn_infer_const(infer, 1);
    if (qn_dim_same(least, qn_infer_const(infer, 0))) return qn_infer_elems(infer, count, dims);
    for (int i = 0; i < count; i++) product = qn_dim_mul(infer->dims, product, qn_dim_max(infer->dims, dims[i], least));
    return product;
}

/* Dims of the result where the target dims are known as expressions. A target dim that is the number -1 becomes the
   number of elements of x divided by the other target dims. Where another target dim is 0 that would divide 0 by 0;
   then zeros are left out on both sides, as TensorFlow does: [0, 6] to [0, -1] is [0, 6]. */
static qn_status *infer_known(qn_infer *infer, int rank, const qn_dim *target, qn_dim *out_dims) {
    const qn_type *x = &infer->inputs[0];
    qn_dim have[QN_MAX_RANK], want[QN_MAX_RANK], has_zero = qn_infer_const(infer, 0);
    int have_count = x->rank, want_count = 0, free_axis = -1;
    memcpy(have, x->dims, sizeof have);
    for (int i = 0; i < rank; i++) {
        int64_t number;
        out_dims[i] = target[i];
        if (qn_dim_is_const(infer->dims, target[i], &number) && number == -1) {
            if (free_axis >= 0) return QN_ERR(QN_INVALID_MODEL, "expected at most one -1 in 'shape', found two");
            free_axis = i;
            continue;
        }
        QN_TRY(qn_infer_require_within(infer, target[i], qn_infer_const(infer, 0),
                                       qn_infer_const(infer, QN_DIM_UNBOUNDED), "shape", i));
        has_zero = qn_dim_or(infer->dims, has_zero, is_zero(infer, target[i]));
        want[want_count++] = target[i];
    }
    cancel_equal(infer, have, &have_count, want, &want_count);
    qn_dim left = qn_infer_elems(infer, have_count, have), given = qn_infer_elems(infer, want_count, want);
    if (free_axis >= 0) {
        out_dims[free_axis] = qn_dim_floor_div(infer->dims, multiply_from(infer, have_count, have, has_zero),
                                               multiply_from(infer, want_count, want, qn_infer_const(infer, 1)));
        given = qn_dim_mul(infer->dims, given, out_dims[free_axis]);
    }
    if (qn_dim_same(left, given)) return NULL;
    return qn_infer_require_equal(infer, left, given, "expected as many elements as %s has, found shape %s",
                                  qn_infer_dims_text(infer, x->rank, x->dims), qn_infer_dims_text(infer, rank, target));
}

static qn_status *infer_reshape(qn_infer *infer) {
    const qn_type *x = &infer->inputs[0];
    int64_t rank = -1;
    const qn_dim *target;
    qn_dim dims[QN_MAX_RANK];
    QN_TRY(qn_infer_control(infer, 1, "shape", &rank, &target));
    if (rank > QN_MAX_RANK)
        return QN_ERR(QN_UNSUPPORTED, "expected a 'shape' of at most %d dims, found %lld", QN_MAX_RANK,
                      (long long)rank);
    if (target) {
        QN_TRY(infer_known(infer, (int)rank, target, dims));
    } else {
        qn_dim elems = multiply_from(infer, x->rank, x->dims, qn_infer_const(infer, 1));
        for (int i = 0; i < rank; i++) dims[i] = qn_infer_data_dim(infer, 0, i, qn_infer_const(infer, 0), elems);
    }
    qn_infer_set(infer, 0, x->dtype, (int)rank, dims);
    return NULL;
}

/* What -1 stands for where the other dims of the target that are not 0 take `given` elements; -1: more than can be
   counted. */
static int64_t take_rest(const qn_view *x, int has_zero, int64_t given) {
    int64_t rest = 1;
    for (int i = 0; i < x->rank; i++)
        if ((x->dims[i] || !has_zero) && !qn_checked_mul_i64(rest, x->dims[i], &rest)) return -1;
    return rest / given;
}

/* The dims that the control input asks for. */
static qn_status *read_target(const qn_eval *eval, int64_t *out_dims) {
    int64_t elems = qn_view_elems(&eval->inputs[0]), given = 1;
    int rank = eval->outputs[0].rank, free_axis = -1, has_zero = 0;
    QN_TRY(qn_move_read_ints(&eval->inputs[1], "shape", rank, out_dims));
    for (int i = 0; i < rank; i++) {
        if (out_dims[i] == -1 && free_axis < 0) {
            free_axis = i;
            continue;
        }
        QN_TRY(qn_move_expect_within(out_dims[i], 0, INT64_MAX, "shape", i));
        has_zero |= !out_dims[i];
        if (!qn_checked_mul_i64(given, out_dims[i] ? out_dims[i] : 1, &given)) given = -1;
        if (given < 0) break;
    }
    if (free_axis >= 0 && given >= 0) {
        out_dims[free_axis] = take_rest(&eval->inputs[0], has_zero, given);
        given *= out_dims[free_axis];
    }
    if (has_zero && given > 0) given = 0;
    if (given != elems)
        return QN_ERR(QN_INVALID_ARGUMENT, "expected a shape of %lld elements, found another", (long long)elems);
    return NULL;
}

static qn_status *eval_reshape(const qn_eval *eval) {
    int64_t dims[QN_MAX_RANK];
    QN_TRY(read_target(eval, dims));
    QN_TRY(qn_move_settle(&eval->outputs[0], dims));
    qn_move_all(&eval->inputs[0], &eval->outputs[0]);
    return NULL;
}

static void sample_reshape(qn_sample *sample) {
    int64_t dims[QN_MAX_RANK], target[QN_MAX_RANK];
    int rank = qn_sample_shape(sample, 0, 4, dims), target_rank = rank;
    memcpy(target, dims, sizeof target);
    for (int i = rank - 1; i > 0; i--) /* shuffle, then join or split */
        if (qn_rng_range(sample->rng, 0, 1)) {
            int64_t other = target[i - 1];
            target[i - 1] = target[i];
            target[i] = other;
        }
    if (target_rank > 1 && qn_rng_range(sample->rng, 0, 1)) {
        target[target_rank - 2] *= target[target_rank - 1];
        target_rank--;
    } else if (qn_rng_range(sample->rng, 0, 1)) {
        target[target_rank++] = 1;
    }
    if (target_rank && qn_rng_range(sample->rng, 0, 1)) target[qn_rng_range(sample->rng, 0, target_rank - 1)] = -1;
    qn_sample_input(sample, qn_sample_dtype(sample, QN_DTYPES_ANY), rank, dims);
    qn_sample_ints(sample, qn_sample_index_dtype(sample), target_rank, target);
}

const qn_op_def qn_op_reshape = {
    .name = "reshape",
    .doc = "the elements of x under the dims in 'shape', one of which may be -1: what is left",
    .min_inputs = 2,
    .max_inputs = 2,
    .outputs = 1,
    .flags = QN_OP_MAY_ALIAS | QN_OP_DATA_SHAPE,
    .data_inputs = 1,
    .axes = {.kind = QN_AXES_RESHAPED, .controls = {[1] = QN_CONTROL_PER_RESULT_AXIS}},
    .values = QN_VALUES_SAME,
    .infer = infer_reshape,
    .eval = eval_reshape,
    .sample = sample_reshape,
};
