/* space_to_batch, batch_to_space - positions of the k axes after the batch dealt out to the batch, and put back, as
 * TensorFlow's SpaceToBatchND and BatchToSpaceND do it. For k = 2, blocks of R rows and S columns and a batch of N:
 *
 *   space_to_batch   out[(r * S + s) * N + n, y, x, ..] = in[n, y * R + r, x * S + s, ..]   in: x within zeros
 *   batch_to_space   whole[n, y * R + r, x * S + s, ..] = x[(r * S + s) * N + n, y, x, ..]   out: whole, cropped
 *
 * `block` has k elements; `paddings` and `crops` have a row {before, after} for each of the k axes. Any element type.
 * Example: 1 2 3 4 along the one axis, block 2, paddings {1, 1}: of 0 1 2 3 4 0 batch entry 0 gets 0 2 4, and entry 1
 * gets 1 3 0. batch_to_space with crops {1, 1} gives 1 2 3 4 again. */
#include "op/operand.h"

#include <assert.h>

enum { X = 0, BLOCK = 1, EDGES = 2 }; /* edges: paddings or crops, [n, 2] */

typedef struct block_shape {
    int64_t count; /* n, spatial axes */
    int64_t block[QN_MAX_RANK];
} block_shape;

/* Reads block, which must be constant, and checks the shapes of all inputs. */
static qn_status *infer_block(qn_infer *infer, const char *edges_name, block_shape *out_shape,
                              const qn_dim **out_edges) {
    const qn_type *x = &infer->inputs[X];
    const qn_dim *block;
    int64_t count = -1;
    QN_TRY(qn_infer_expect_rank(infer, BLOCK, 1, "block"));
    QN_TRY(qn_infer_expect_rank(infer, EDGES, 2, edges_name));
    QN_TRY(qn_infer_control(infer, BLOCK, "block", &count, &block));
    if (count < 1 || count >= x->rank)
        return QN_ERR(QN_INVALID_MODEL,
                      "block has %lld elements; expected 1 to %d, one for each spatial axis of x with rank %d",
                      (long long)count, x->rank - 1, x->rank);
    QN_TRY(
        qn_infer_expect_dim(infer, EDGES, 0, qn_infer_const(infer, count), edges_name, "rows", "block has elements:"));
    QN_TRY(qn_infer_expect_dim(infer, EDGES, 1, qn_infer_const(infer, 2), edges_name, "columns", "expected"));
    out_shape->count = count;
    for (int64_t i = 0; i < count; i++) {
        if (!block || !qn_dim_is_const(infer->dims, block[i], &out_shape->block[i]))
            return QN_ERR(QN_UNSUPPORTED, "block depends on the input; give it as a constant");
        if (out_shape->block[i] < 1 || out_shape->block[i] > INT32_MAX)
            return QN_ERR(QN_INVALID_MODEL, "block[%lld] is %lld; expected at least 1", (long long)i,
                          (long long)out_shape->block[i]);
    }
    int64_t edge_count = 2 * count;
    QN_TRY(qn_infer_control(infer, EDGES, edges_name, &edge_count, out_edges));
    if (!*out_edges)
        return QN_ERR(QN_UNSUPPORTED,
                      "%s depend on data that is known only while running; give them as a constant or "
                      "compute them from shapes",
                      edges_name);
    for (int64_t i = 0; i < edge_count; i++)
        if (!qn_infer_is_nonnegative(infer, (*out_edges)[i]))
            QN_TRY(qn_infer_require(infer, (*out_edges)[i], "%s[%lld, %lld] is %s; expected at least 0", edges_name,
                                    (long long)(i / 2), (long long)(i % 2), qn_infer_dim_text(infer, (*out_edges)[i])));
    return NULL;
}

static int multiply(int64_t *inout_product, int64_t factor) {
    return qn_checked_mul_i64(*inout_product, factor, inout_product) && *inout_product <= INT32_MAX;
}

static qn_status *infer_space_to_batch(qn_infer *infer) {
    const qn_type *x = &infer->inputs[X];
    block_shape shape;
    const qn_dim *paddings;
    QN_TRY(infer_block(infer, "paddings", &shape, &paddings));
    qn_dim dims[QN_MAX_RANK];
    memcpy(dims, x->dims, sizeof dims);
    int64_t product = 1;
    for (int64_t i = 0; i < shape.count; i++) {
        qn_dim padded =
            qn_dim_add(infer->dims, x->dims[1 + i], qn_dim_add(infer->dims, paddings[2 * i], paddings[2 * i + 1]));
        QN_TRY(qn_infer_divide(infer, padded, shape.block[i], "a padded dim of x", &dims[1 + i]));
        if (!multiply(&product, shape.block[i])) return QN_ERR(QN_LIMIT, "the product of block is above %d", INT32_MAX);
    }
    dims[0] = qn_dim_mul(infer->dims, x->dims[0], qn_infer_const(infer, product));
    qn_infer_set(infer, 0, x->dtype, x->rank, dims);
    return NULL;
}

static qn_status *infer_batch_to_space(qn_infer *infer) {
    const qn_type *x = &infer->inputs[X];
    block_shape shape;
    const qn_dim *crops;
    QN_TRY(infer_block(infer, "crops", &shape, &crops));
    qn_dim dims[QN_MAX_RANK];
    memcpy(dims, x->dims, sizeof dims);
    int64_t product = 1;
    for (int64_t i = 0; i < shape.count; i++) {
        qn_dim whole = qn_dim_mul(infer->dims, x->dims[1 + i], qn_infer_const(infer, shape.block[i]));
        qn_dim cropped = qn_dim_add(infer->dims, crops[2 * i], crops[2 * i + 1]);
        dims[1 + i] = qn_dim_sub(infer->dims, whole, cropped);
        if (!qn_infer_is_nonnegative(infer, dims[1 + i]))
            QN_TRY(qn_infer_require(infer, dims[1 + i], "crops take %s of %s positions of axis %lld",
                                    qn_infer_dim_text(infer, cropped), qn_infer_dim_text(infer, whole),
                                    (long long)(1 + i)));
        if (!multiply(&product, shape.block[i])) return QN_ERR(QN_LIMIT, "the product of block is above %d", INT32_MAX);
    }
    QN_TRY(qn_infer_divide(infer, x->dims[0], product, "the batch of x", &dims[0]));
    qn_infer_set(infer, 0, x->dtype, x->rank, dims);
    return NULL;
}

/* Visits every spatial position of the batched side and finds the one of the spread-out side that it belongs to. */
static void move_blocks(const qn_eval *eval, const qn_view *batched, const qn_view *spread, int to_batch) {
    const qn_view *block = &eval->inputs[BLOCK], *edges = &eval->inputs[EDGES], *out = &eval->outputs[0];
    int count = (int)block->dims[0];
    int64_t inner = 1, positions = 1;
    for (int i = 1; i <= count; i++) positions *= batched->dims[i];
    for (int i = 1 + count; i < batched->rank; i++) inner *= batched->dims[i];
    assert(spread->dims[0] && batched->dims[0] % spread->dims[0] == 0 && count < batched->rank);
    size_t bytes = (size_t)inner * qn_dtype_size(out->dtype);
    for (int64_t b = 0; b < batched->dims[0]; b++)
        for (int64_t p = 0; p < positions; p++) {
            int64_t offset = b / spread->dims[0], rest = p, source = 0, stride = 1;
            int inside = 1;
            for (int i = count; i >= 1; i--) {
                int64_t size = qn_view_get_int(block, i - 1);
                int64_t at = rest % batched->dims[i] * size + offset % size - qn_view_get_int(edges, 2 * (i - 1));
                inside &= at >= 0 && at < spread->dims[i];
                source += at * stride;
                stride *= spread->dims[i];
                rest /= batched->dims[i];
                offset /= size;
            }
            int64_t here = (b * positions + p) * inner, there = (b % spread->dims[0] * stride + source) * inner;
            if (to_batch && !inside)
                memset((uint8_t *)out->data + (size_t)here * qn_dtype_size(out->dtype), 0, bytes);
            else if (to_batch)
                qn_view_copy(spread, there, batched, here, inner);
            else if (inside)
                qn_view_copy(batched, here, spread, there, inner);
        }
}

static qn_status *eval_space_to_batch(const qn_eval *eval) {
    if (qn_view_elems(&eval->outputs[0])) move_blocks(eval, &eval->outputs[0], &eval->inputs[X], 1);
    return NULL;
}

static qn_status *eval_batch_to_space(const qn_eval *eval) {
    if (qn_view_elems(&eval->outputs[0])) move_blocks(eval, &eval->inputs[X], &eval->outputs[0], 0);
    return NULL;
}

static void sample_edges(qn_sample *sample, int count, const int64_t *edges) {
    int input = qn_sample_ints(sample, QN_DTYPE_S32, 2 * count, edges);
    sample->inputs[input].rank = 2;
    sample->inputs[input].dims[0] = count;
    sample->inputs[input].dims[1] = 2;
}

static void sample_space_to_batch(qn_sample *sample) {
    qn_rng *rng = sample->rng;
    int count = (int)qn_rng_range(rng, 1, 3);
    int64_t dims[5] = {qn_rng_range(rng, 1, 3)}, block[3], paddings[6];
    for (int i = 0; i < count; i++) {
        block[i] = qn_rng_range(rng, 1, 3);
        dims[1 + i] = qn_rng_range(rng, 1, 6);
        paddings[2 * i] = qn_rng_range(rng, 0, 4);
        paddings[2 * i + 1] = qn_rng_range(rng, 0, 2);
        while ((dims[1 + i] + paddings[2 * i] + paddings[2 * i + 1]) % block[i]) paddings[2 * i + 1]++;
    }
    dims[1 + count] = qn_rng_range(rng, 1, 5);
    qn_sample_input(sample, QN_DTYPE_F32, 2 + count, dims);
    qn_sample_ints(sample, QN_DTYPE_S32, count, block);
    sample_edges(sample, count, paddings);
}

static void sample_batch_to_space(qn_sample *sample) {
    qn_rng *rng = sample->rng;
    int count = (int)qn_rng_range(rng, 1, 3);
    int64_t dims[5] = {qn_rng_range(rng, 1, 3)}, block[3], crops[6];
    for (int i = 0; i < count; i++) {
        block[i] = qn_rng_range(rng, 1, 3);
        dims[0] *= block[i];
        dims[1 + i] = qn_rng_range(rng, 1, 5);
        crops[2 * i] = qn_rng_range(rng, 0, dims[1 + i] * block[i] - 1);
        crops[2 * i + 1] = qn_rng_range(rng, 0, dims[1 + i] * block[i] - crops[2 * i]);
    }
    dims[1 + count] = qn_rng_range(rng, 1, 5);
    qn_sample_input(sample, QN_DTYPE_F32, 2 + count, dims);
    qn_sample_ints(sample, QN_DTYPE_S32, count, block);
    sample_edges(sample, count, crops);
}

const qn_op_def qn_op_space_to_batch = {
    .name = "space_to_batch",
    .doc = "Pads the axes after the batch with zeros and deals the positions of each block out to the batch.",
    .min_inputs = 3,
    .max_inputs = 3,
    .outputs = 1,
    .data_inputs = 1,
    .axes = {.kind = QN_AXES_NHWC},
    .infer = infer_space_to_batch,
    .eval = eval_space_to_batch,
    .sample = sample_space_to_batch,
};

const qn_op_def qn_op_batch_to_space = {
    .name = "batch_to_space",
    .doc = "Puts batch entries back into the blocks of the axes after the batch and crops those axes.",
    .min_inputs = 3,
    .max_inputs = 3,
    .outputs = 1,
    .data_inputs = 1,
    .axes = {.kind = QN_AXES_NHWC},
    .values = QN_VALUES_MOVED,
    .infer = infer_batch_to_space,
    .eval = eval_batch_to_space,
    .sample = sample_batch_to_space,
};
