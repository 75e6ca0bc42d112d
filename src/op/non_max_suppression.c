/* non_max_suppression - indices of the best boxes that overlap no better one too much, as TensorFlow's
 * NonMaxSuppression V2 and V3 choose them:
 *
 *   for each box by falling score, of equal ones the first first, while fewer than max_output_size are chosen:
 *     choose it unless overlap(it, a chosen one) > iou_threshold      overlap: intersection over union of the areas
 *
 * boxes [n, 4] are {y1, x1, y2, x2}, corners in any order; scores [n] at or below score_threshold take no part. f32;
 * the result is s32 and as long as there are chosen boxes, which only the run tells. */
#include "base/heap.h"
#include "op/operand.h"

enum { BOXES = 0, SCORES = 1, MAX_OUTPUT = 2, IOU_THRESHOLD = 3, SCORE_THRESHOLD = 4 };

static qn_status *expect_scalar(qn_infer *infer, int input, uint32_t dtypes, const char *name) {
    QN_TRY(qn_infer_expect_dtypes(infer, input, dtypes, name));
    return qn_infer_expect_rank(infer, input, 0, name);
}

static qn_status *infer_non_max_suppression(qn_infer *infer) {
    const qn_type *boxes = &infer->inputs[BOXES];
    QN_TRY(qn_infer_expect_rank(infer, BOXES, 2, "boxes"));
    QN_TRY(qn_infer_expect_dtypes(infer, BOXES, QN_DTYPES_OF(QN_DTYPE_F32), "boxes"));
    QN_TRY(
        qn_infer_expect_dim(infer, BOXES, 1, qn_infer_const(infer, 4), "boxes", "columns", "expected y1, x1, y2, x2:"));
    QN_TRY(qn_infer_expect_rank(infer, SCORES, 1, "scores"));
    QN_TRY(qn_infer_expect_dtypes(infer, SCORES, QN_DTYPES_OF(QN_DTYPE_F32), "scores"));
    QN_TRY(qn_infer_expect_dim(infer, SCORES, 0, boxes->dims[0], "scores", "elements", "boxes has rows:"));
    QN_TRY(expect_scalar(infer, MAX_OUTPUT, QN_DTYPES_OF(QN_DTYPE_S32), "max_output_size"));
    QN_TRY(expect_scalar(infer, IOU_THRESHOLD, QN_DTYPES_OF(QN_DTYPE_F32), "iou_threshold"));
    if (qn_infer_has(infer, SCORE_THRESHOLD))
        QN_TRY(expect_scalar(infer, SCORE_THRESHOLD, QN_DTYPES_OF(QN_DTYPE_F32), "score_threshold"));
    qn_dim low = qn_infer_const(infer, 0), high = boxes->dims[0];
    QN_TRY(qn_infer_require(infer, qn_dim_sub(infer->dims, qn_infer_const(infer, INT32_MAX), high),
                            "boxes has %s rows; at most %d have an s32 index", qn_infer_dim_text(infer, high),
                            INT32_MAX));
    if (infer->contents[MAX_OUTPUT])
        high = qn_dim_min(infer->dims, high, qn_dim_max(infer->dims, infer->contents[MAX_OUTPUT][0], low));
    qn_dim count = qn_infer_data_dim(infer, 0, 0, low, high);
    qn_infer_set(infer, 0, QN_DTYPE_S32, 1, &count);
    return NULL;
}

/* Of the indices of boxes: the higher score first, then the lower index. */
static int is_better(const void *self, const void *a, const void *b) {
    const float *scores = self;
    const int32_t i = *(const int32_t *)a, j = *(const int32_t *)b;
    return scores[i] > scores[j] || (scores[i] == scores[j] && i < j);
}

/* Intersection over union; the corners of a box may come in any order. */
static float overlap(const float *a, const float *b) {
    float a_top = fminf(a[0], a[2]), a_left = fminf(a[1], a[3]), a_bottom = fmaxf(a[0], a[2]),
          a_right = fmaxf(a[1], a[3]);
    float b_top = fminf(b[0], b[2]), b_left = fminf(b[1], b[3]), b_bottom = fmaxf(b[0], b[2]),
          b_right = fmaxf(b[1], b[3]);
    float a_area = (a_bottom - a_top) * (a_right - a_left), b_area = (b_bottom - b_top) * (b_right - b_left);
    if (a_area <= 0 || b_area <= 0) return 0.0f;
    float height = fmaxf(fminf(a_bottom, b_bottom) - fmaxf(a_top, b_top), 0.0f);
    float width = fmaxf(fminf(a_right, b_right) - fmaxf(a_left, b_left), 0.0f);
    float shared = height * width;
    return shared / (a_area + b_area - shared);
}

static size_t scratch_non_max_suppression(const qn_eval *eval) {
    return (size_t)eval->inputs[BOXES].dims[0] * sizeof(int32_t);
}

static qn_status *eval_non_max_suppression(const qn_eval *eval) {
    const float *boxes = eval->inputs[BOXES].data;
    const float *scores = eval->inputs[SCORES].data;
    int32_t *indices = eval->scratch;
    qn_heap left = {.items = indices, .item_bytes = sizeof *indices, .precedes = is_better, .self = scores};
    int64_t limit = qn_view_get_int(&eval->inputs[MAX_OUTPUT], 0);
    float iou_threshold = (float)qn_view_get(&eval->inputs[IOU_THRESHOLD], 0);
    float threshold =
        qn_eval_has(eval, SCORE_THRESHOLD) ? (float)qn_view_get(&eval->inputs[SCORE_THRESHOLD], 0) : -3.40282347e38f;
    if (limit < 0) return QN_ERR(QN_INVALID_ARGUMENT, "max_output_size is %lld; expected at least 0", (long long)limit);
    if (!(iou_threshold >= 0 && iou_threshold <= 1))
        return QN_ERR(QN_INVALID_ARGUMENT, "iou_threshold is %g; expected 0 to 1", (double)iou_threshold);
    limit = qn_min_i64(limit, eval->outputs[0].dims[0]);
    for (int64_t i = 0; i < eval->inputs[BOXES].dims[0]; i++)
        if (scores[i] > threshold) indices[left.count++] = (int32_t)i;
    qn_heap_init(&left);

    int32_t *chosen = eval->outputs[0].data;
    int64_t count = 0;
    while (count < limit && left.count) {
        const int32_t candidate = *(const int32_t *)qn_heap_pop(&left);
        int64_t other = count - 1;
        while (other >= 0 &&
               !(overlap(boxes + 4 * (int64_t)candidate, boxes + 4 * (int64_t)chosen[other]) > iou_threshold))
            other--;
        if (other < 0) chosen[count++] = candidate;
    }
    eval->outputs[0].dims[0] = count;
    return NULL;
}

static void sample_non_max_suppression(qn_sample *sample) {
    qn_rng *rng = sample->rng;
    int64_t boxes = qn_rng_range(rng, 0, 40), limit = qn_rng_range(rng, 0, 20);
    qn_sample_input(sample, QN_DTYPE_F32, 2, (int64_t[]){boxes, 4});
    qn_sample_input(sample, QN_DTYPE_F32, 1, &boxes);
    qn_sample_ints(sample, QN_DTYPE_S32, -1, &limit);
    int thresholds = (int)qn_rng_range(rng, 1, 2);
    for (int i = 0; i < thresholds; i++) {
        int input = qn_sample_input(sample, QN_DTYPE_F32, 0, NULL);
        float *value = QN_ARENA_NEW(sample->arena, float);
        if (value) *value = qn_rng_float(rng, 0.0f, 1.0f);
        sample->inputs[input].data = value;
    }
}

const qn_op_def qn_op_non_max_suppression = {
    .name = "non_max_suppression",
    .doc = "Indices of boxes [n,4] by falling score, without those that overlap a better one by more than a threshold.",
    .min_inputs = 4,
    .max_inputs = 5,
    .outputs = 1,
    .flags = QN_OP_DATA_SHAPE,
    .infer = infer_non_max_suppression,
    .eval = eval_non_max_suppression,
    .scratch_bytes = scratch_non_max_suppression,
    .sample = sample_non_max_suppression,
};
