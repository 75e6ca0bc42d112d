/* matmul_quantized - product of integers with a constant matrix, exact:
 *
 *   acc[.., m, n] = bias[n] + sum(k) a[.., m, k] * b[k, n]
 *
 * and op/requantize.h says what becomes of acc. a: u8 (b s8, bias s32) or s16 (b s8 or s16, bias s64). */
#include "op/layer.h"
#include "op/lower_quantized.h"

enum { A = 0, B = 1, BIAS = 2, MULTIPLIER = 3, LIMIT = 4, INPUTS = 5 };

static const qn_requantize_slots slots = {B, BIAS, MULTIPLIER, LIMIT, -1, -1};

static const qn_attr_def attr_defs[] = {
    QN_REQUANTIZE_ATTRS(qn_matmul_quantized_attrs),
    {0},
};

static qn_status *infer_matmul_quantized(qn_infer *infer) {
    const qn_matmul_quantized_attrs *attrs = infer->attrs;
    const qn_type *a = &infer->inputs[A], *b = &infer->inputs[B];
    qn_dim dims[QN_MAX_RANK];
    QN_TRY(qn_infer_expect_rank(infer, B, 2, "b"));
    if (a->rank < 1) return QN_ERR(QN_INVALID_MODEL, "a is a scalar; expected at least one axis");
    QN_TRY(qn_infer_expect_dim(infer, B, 0, a->dims[a->rank - 1], "b", "rows", "the columns of a are"));
    for (int i = 0; i < a->rank - 1; i++) dims[i] = a->dims[i];
    dims[a->rank - 1] = b->dims[1];
    QN_TRY(qn_requantize_infer(infer, &attrs->result, &slots, b->dims[1], a->rank, dims));
    qn_infer_set(infer, 0, (qn_dtype)attrs->result.dtype, a->rank, dims);
    return NULL;
}

static int pack_matmul_quantized(const qn_eval *operands, int input, void *attrs, qn_pack *out_pack) {
    const qn_view *a = &operands->inputs[A], *b = &operands->inputs[B];
    (void)attrs;
    if (input != B || b->rank != 2) return 0;
    return qn_conv_int_pack_of(a->dtype, b, b->dims[0] <= QN_CONV_U8_MAX_DEPTH, out_pack);
}

static qn_status *check_matmul_quantized(const qn_eval *operands) {
    const qn_matmul_quantized_attrs *attrs = operands->attrs;
    return qn_requantize_check(operands, &attrs->result, &slots);
}

static qn_status *eval_matmul_quantized(const qn_eval *eval) {
    const qn_matmul_quantized_attrs *attrs = eval->attrs;
    const qn_view *a = &eval->inputs[A], *b = &eval->inputs[B];
    QN_TRY(qn_eval_expect_plain(eval, B, "b"));
    int64_t depth = b->dims[0], columns = b->dims[1], total = qn_view_elems(&eval->outputs[0]);
    for (int64_t index = 0; index < total; index++) {
        int64_t row = index / columns, column = index % columns;
        int64_t sum = qn_view_get_int(&eval->inputs[BIAS], column);
        for (int64_t k = 0; k < depth; k++)
            sum =
                qn_requantize_add(sum, qn_view_get_int(a, row * depth + k) * qn_view_get_int(b, k * columns + column));
        qn_requantize_store(eval, &attrs->result, &slots, sum, column, index);
    }
    return NULL;
}

/* A convolution of 1 tap over a row of pixels. */
static int lower_matmul_quantized(const qn_eval *operands, const qn_kernel_set *kernels, qn_work *out_work) {
    const qn_matmul_quantized_attrs *attrs = operands->attrs;
    const qn_view *a = &operands->inputs[A], *b = &operands->inputs[B], *out = &operands->outputs[0];
    int64_t depth = b->dims[0], columns = b->dims[1];
    if (!b->packing || !qn_view_elems(a) || !qn_view_elems(out)) return 0;
    qn_conv_int_params params = {
        .src = a->data,
        .weights = b->data,
        .bias = operands->inputs[BIAS].data,
        .batch = 1,
        .in_h = 1,
        .in_w = qn_view_elems(out) / columns,
        .in_c = depth,
        .out_h = 1,
        .out_w = qn_view_elems(out) / columns,
        .out_c = columns,
        .kernel_h = 1,
        .kernel_w = 1,
        .stride_h = 1,
        .stride_w = 1,
        .dilation_h = 1,
        .dilation_w = 1,
        .result = qn_requantize_lower(operands, &attrs->result, &slots),
    };
    qn_conv_int_lower(operands, kernels, &params, out_work);
    return 1;
}

static int64_t macs_matmul_quantized(const qn_eval *operands) {
    return qn_view_elems(&operands->outputs[0]) * operands->inputs[B].dims[0];
}

static void sample_matmul_quantized(qn_sample *sample) {
    qn_matmul_quantized_attrs *attrs = sample->attrs;
    qn_rng *rng = sample->rng;
    qn_dtype dtype = qn_rng_range(rng, 0, 1) ? QN_DTYPE_U8 : QN_DTYPE_S16;
    int rank = (int)qn_rng_range(rng, 1, 3);
    int64_t dims[3] = {qn_rng_range(rng, 1, 3), qn_rng_range(rng, 1, 9), 1};
    int64_t depth = qn_rng_range(rng, 1, 40), columns = qn_rng_range(rng, 1, 35);
    dims[rank - 1] = depth;
    qn_sample_input(sample, dtype, rank, dims);
    qn_sample_input(sample, qn_requantize_sample_weights(sample), 2, (int64_t[]){depth, columns});
    dims[rank - 1] = columns;
    qn_requantize_sample(sample, &attrs->result, &slots, rank, dims);
}

static void describe_matmul_quantized(const void *attrs, int rank, const int64_t *weight_dims, qn_layer_shape *out) {
    (void)attrs;
    (void)rank;
    out->rows = weight_dims[0];
    out->outputs = weight_dims[1];
    out->is_plain = 1;
}

static const qn_layer_card layer_card = {.weights = B,
                                         .bias = BIAS,
                                         .activation = offsetof(qn_matmul_quantized_attrs, result.activation),
                                         .describe = describe_matmul_quantized};
static const qn_requantize_card requantize_card = {offsetof(qn_matmul_quantized_attrs, result), &slots};

const qn_op_def qn_op_matmul_quantized = {
    .name = "matmul_quantized",
    .doc = "Product of integers with a matrix, with exact sums, scaled into another integer or float type.",
    .min_inputs = 4,
    .max_inputs = INPUTS,
    .outputs = 1,
    .flags = QN_OP_SETS_DTYPE,
    .fixed_inputs = 1u << MULTIPLIER | 1u << LIMIT,
    .dtype_offset = offsetof(qn_matmul_quantized_attrs, result.dtype),
    .attrs = attr_defs,
    .attrs_bytes = sizeof(qn_matmul_quantized_attrs),
    .axes = {.kind = QN_AXES_TRACED, .has_channels = 1, .trace = qn_trace_rows},
    .values = QN_VALUES_LAYER,
    .layer = &layer_card,
    .requantize = &requantize_card,
    .infer = infer_matmul_quantized,
    .check = check_matmul_quantized,
    .eval = eval_matmul_quantized,
    .lower = lower_matmul_quantized,
    .pack = pack_matmul_quantized,
    .macs = macs_matmul_quantized,
    .sample = sample_matmul_quantized,
};
