/* range - out[i] = start + i * delta, for all i for which that lies before limit:
 *
 *   start, start + delta, ... < limit, or > limit where delta is negative
 *
 * Three numbers of one type; f64 is computed in double, the other floats in f32. Their number is known before the run
 * where start, limit and delta are. Example: 10, 3, -3 gives 10, 7, 4. */
#include "op/move.h"
#include "op/op.h"
#include "op/rules.h"

#include <math.h>

/* How many numbers lie from start to limit; 0 for *out_known where that is not known before the step runs. */
static qn_status *infer_count(qn_infer *infer, qn_dim *out_count, int *out_known) {
    qn_dim_pool *pool = infer->dims;
    const qn_dim *const *known = infer->contents;
    int64_t delta;
    *out_known = known[0] && known[1] && known[2] && qn_dim_is_const(pool, known[2][0], &delta);
    if (!*out_known) return NULL;
    if (!delta || delta == INT64_MIN)
        return QN_ERR(QN_INVALID_MODEL, "expected a 'delta' other than 0, found %lld", (long long)delta);
    qn_dim span = delta > 0 ? qn_dim_sub(pool, known[1][0], known[0][0]) : qn_dim_sub(pool, known[0][0], known[1][0]);
    qn_dim count = qn_dim_ceil_div(pool, span, qn_dim_const(pool, delta > 0 ? delta : -delta));
    *out_count = qn_dim_max(pool, count, qn_dim_const(pool, 0));
    return NULL;
}

static qn_status *infer_contents(qn_infer *infer, qn_dim count) {
    int64_t number;
    qn_dim *contents;
    if (!qn_dim_is_const(infer->dims, count, &number)) return NULL;
    QN_TRY(qn_infer_new_contents(infer, number, &contents));
    for (int64_t i = 0; contents && i < number; i++) {
        qn_dim offset = qn_dim_mul(infer->dims, infer->contents[2][0], qn_infer_const(infer, i));
        contents[i] = qn_dim_add(infer->dims, infer->contents[0][0], offset);
    }
    return qn_infer_set_contents(infer, 0, infer->inputs[0].dtype, number, contents);
}

static qn_status *infer_range(qn_infer *infer) {
    static const char *const names[3] = {"start", "limit", "delta"};
    QN_TRY(qn_infer_expect_dtypes(infer, 0, QN_DTYPES_NUMBER, "start"));
    for (int k = 0; k < 3; k++) {
        QN_TRY(qn_infer_expect_same_dtype(infer, 0, k));
        if (qn_infer_const_elems(infer, k) != 1)
            return QN_ERR(QN_INVALID_MODEL, "expected a '%s' of one element, found shape %s", names[k],
                          qn_infer_dims_text(infer, infer->inputs[k].rank, infer->inputs[k].dims));
    }
    int known;
    qn_dim count;
    QN_TRY(infer_count(infer, &count, &known));
    if (!known)
        count = qn_infer_data_dim(infer, 0, 0, qn_infer_const(infer, 0), qn_infer_const(infer, QN_DIM_UNBOUNDED));
    qn_infer_set(infer, 0, infer->inputs[0].dtype, 1, &count);
    return known ? infer_contents(infer, count) : NULL;
}

static qn_status *count_floats(const qn_eval *eval, int64_t *out_count) {
    double start = qn_view_get(&eval->inputs[0], 0), limit = qn_view_get(&eval->inputs[1], 0);
    double delta = qn_view_get(&eval->inputs[2], 0), count = ceil((limit - start) / delta);
    if (delta == 0.0 || !isfinite(count))
        return QN_ERR(QN_INVALID_ARGUMENT, "expected a range of finite length, found %g to %g by %g", start, limit,
                      delta);
    if (count >= 0x1p62) return QN_ERR(QN_LIMIT, "expected a range that fits memory, found %g numbers", count);
    *out_count = count > 0.0 ? (int64_t)count : 0;
    return NULL;
}

static qn_status *count_ints(const qn_eval *eval, int64_t *out_count) {
    int64_t start = qn_view_get_int(&eval->inputs[0], 0), limit = qn_view_get_int(&eval->inputs[1], 0);
    int64_t delta = qn_view_get_int(&eval->inputs[2], 0), span;
    if (!delta || delta == INT64_MIN)
        return QN_ERR(QN_INVALID_ARGUMENT, "expected a 'delta' other than 0, found %lld", (long long)delta);
    int fits = delta > 0 ? qn_checked_sub_i64(limit, start, &span) : qn_checked_sub_i64(start, limit, &span);
    if (!fits)
        return QN_ERR(QN_LIMIT, "expected a range that fits memory, found %lld to %lld", (long long)start,
                      (long long)limit);
    *out_count = span > 0 ? qn_ceil_div_i64(span, delta > 0 ? delta : -delta) : 0;
    return NULL;
}

static qn_status *eval_range(const qn_eval *eval) {
    const qn_view *start = &eval->inputs[0], *delta = &eval->inputs[2];
    qn_view *y = &eval->outputs[0];
    int64_t count;
    int is_float = qn_dtype_is_float(y->dtype);
    QN_TRY(is_float ? count_floats(eval, &count) : count_ints(eval, &count));
    QN_TRY(qn_move_settle(y, &count));
    for (int64_t i = 0; i < count; i++) {
        if (!is_float)
            qn_view_set_int(y, i, qn_view_get_int(start, 0) + i * qn_view_get_int(delta, 0));
        else if (y->dtype == QN_DTYPE_F64)
            qn_view_set(y, i, qn_view_get(start, 0) + (double)i * qn_view_get(delta, 0));
        else
            qn_view_set(y, i, (float)qn_view_get(start, 0) + (float)i * (float)qn_view_get(delta, 0));
    }
    return NULL;
}

static void sample_range(qn_sample *sample) {
    int64_t start = qn_rng_range(sample->rng, -20, 20), limit = qn_rng_range(sample->rng, -20, 20);
    int64_t delta = qn_rng_range(sample->rng, 1, 5) * (qn_rng_range(sample->rng, 0, 1) ? 1 : -1);
    qn_dtype dtype = qn_sample_index_dtype(sample);
    qn_sample_ints(sample, dtype, -1, &start);
    qn_sample_ints(sample, dtype, -1, &limit);
    qn_sample_ints(sample, dtype, -1, &delta);
}

const qn_op_def qn_op_range = {
    .name = "range",
    .doc = "start, start + delta, ... up to but without limit",
    .min_inputs = 3,
    .max_inputs = 3,
    .outputs = 1,
    .flags = QN_OP_DATA_SHAPE,
    .infer = infer_range,
    .eval = eval_range,
    .sample = sample_range,
};
