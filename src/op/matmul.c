/* matmul - matrix product over the last two axes, with optional bias and activation:
 *
 *   out[.., m, n] = act(bias[n] + sum(k) a[.., m, k] * b[.., k, n])
 *
 * a is [.., M, K], with transpose_a [.., K, M]; b is [.., K, N], with transpose_b [.., N, K]; the axes before
 * broadcast. Any floats, all of one type; eval adds up in double and rounds once, kernels add up in f32. */
#include "kernel/packing.h"
#include "op/layer.h"
#include "op/lower.h"
#include "op/operand.h"

#include <assert.h>

enum { A = 0, B = 1, BIAS = 2 };

static const qn_attr_def attr_defs[] = {
    {.name = "transpose_a",
     .kind = QN_ATTR_BOOL,
     .offset = offsetof(qn_matmul_attrs, transpose_a),
     .fallback = "false",
     .doc = "a is [..., K, M]."},
    {.name = "transpose_b",
     .kind = QN_ATTR_BOOL,
     .offset = offsetof(qn_matmul_attrs, transpose_b),
     .fallback = "false",
     .doc = "b is [..., N, K]."},
    {.name = "activation",
     .kind = QN_ATTR_ENUM,
     .offset = offsetof(qn_matmul_attrs, activation),
     .names = qn_activation_names,
     .fallback = "none",
     .doc = "Applied last, after the bias."},
    {0},
};

static qn_status *infer_matmul(qn_infer *infer) {
    const qn_matmul_attrs *attrs = infer->attrs;
    const qn_type *a = &infer->inputs[A], *b = &infer->inputs[B];
    QN_TRY(qn_infer_expect_dtypes(infer, A, QN_DTYPES_FLOAT, "a"));
    QN_TRY(qn_infer_expect_same_dtype(infer, A, B));
    if (a->rank < 2 || b->rank < 2)
        return QN_ERR(QN_INVALID_MODEL, "a has rank %d and b rank %d; expected at least 2 for both: reshape first",
                      a->rank, b->rank);
    int transpose_a = attrs->transpose_a != 0, transpose_b = attrs->transpose_b != 0;
    qn_dim rows = a->dims[a->rank - 2 + transpose_a], depth = a->dims[a->rank - 1 - transpose_a];
    qn_dim columns = b->dims[b->rank - 1 - transpose_b];
    QN_TRY(qn_infer_expect_dim(infer, B, b->rank - 2 + transpose_b, depth, "b", transpose_b ? "columns" : "rows",
                               transpose_a ? "the rows of a are" : "the columns of a are"));
    qn_type lead_a = *a, lead_b = *b;
    lead_a.rank -= 2;
    lead_b.rank -= 2;
    qn_dim dims[QN_MAX_RANK];
    int rank;
    QN_TRY(qn_infer_broadcast(infer, &lead_a, &lead_b, &rank, dims));
    dims[rank] = rows;
    dims[rank + 1] = columns;
    if (qn_infer_has(infer, BIAS)) {
        QN_TRY(qn_infer_expect_rank(infer, BIAS, 1, "bias"));
        QN_TRY(qn_infer_expect_same_dtype(infer, A, BIAS));
        QN_TRY(qn_infer_expect_dim(infer, BIAS, 0, columns, "bias", "elements", "the product's columns are"));
    }
    qn_infer_set(infer, 0, a->dtype, rank + 2, dims);
    return NULL;
}

/* A product by one constant matrix is a convolution of one tap. */
static int pack_matmul(const qn_eval *operands, int input, void *attrs, qn_pack *out_pack) {
    const qn_view *a = &operands->inputs[A], *b = &operands->inputs[B];
    qn_matmul_attrs *own = attrs;
    if (input != B || b->rank != 2 || own->transpose_a || a->dtype != b->dtype) return 0;
    if (a->dtype != QN_DTYPE_F32 && a->dtype != QN_DTYPE_F16) return 0;
    *out_pack = (qn_pack){&qn_packing_panel16, b->dtype, own->transpose_b != 0};
    own->transpose_b = 0;
    return 1;
}

/* First element of the matrix of `view` that broadcasts to output matrix `index`. */
static int64_t matrix_start(const qn_view *view, const qn_view *out, int64_t index) {
    int64_t start = 0, stride = view->dims[view->rank - 1] * view->dims[view->rank - 2];
    for (int axis = out->rank - 3; axis >= 0; axis--) {
        int64_t at = index % out->dims[axis];
        index /= out->dims[axis];
        int own = axis - (out->rank - view->rank);
        if (own < 0) continue;
        if (view->dims[own] > 1) start += at * stride;
        stride *= view->dims[own];
    }
    return start;
}

static qn_status *eval_matmul(const qn_eval *eval) {
    const qn_matmul_attrs *attrs = eval->attrs;
    const qn_view *a = &eval->inputs[A], *b = &eval->inputs[B], *out = &eval->outputs[0];
    QN_TRY(qn_eval_expect_plain(eval, B, "b"));
    int64_t rows = out->dims[out->rank - 2], columns = out->dims[out->rank - 1];
    int64_t depth = a->dims[a->rank - (attrs->transpose_a ? 2 : 1)];
    int64_t a_row = attrs->transpose_a ? 1 : depth, a_step = attrs->transpose_a ? rows : 1;
    int64_t b_step = attrs->transpose_b ? 1 : columns, b_column = attrs->transpose_b ? depth : 1;
    int64_t total = qn_view_elems(out);
    assert(depth == b->dims[b->rank - (attrs->transpose_b ? 1 : 2)]);
    for (int64_t index = 0; index < total; index++) {
        int64_t matrix = index / (rows * columns), row = index / columns % rows, column = index % columns;
        int64_t from_a = matrix_start(a, out, matrix) + row * a_row;
        int64_t from_b = matrix_start(b, out, matrix) + column * b_column;
        double sum = qn_eval_has(eval, BIAS) ? qn_view_get(&eval->inputs[BIAS], column) : 0.0;
        for (int64_t k = 0; k < depth; k++)
            sum += qn_view_get(a, from_a + k * a_step) * qn_view_get(b, from_b + k * b_step);
        qn_view_set(out, index, qn_activation_apply(attrs->activation, sum));
    }
    return NULL;
}

/* A packed b is one matrix for all rows of a, so the product is a convolution of 1 tap over a row of pixels. */
static int lower_matmul(const qn_eval *operands, const qn_kernel_set *kernels, qn_work *out_work) {
    const qn_matmul_attrs *attrs = operands->attrs;
    const qn_view *a = &operands->inputs[A], *b = &operands->inputs[B], *out = &operands->outputs[0];
    const qn_convert_f16_kernel *half;
    if (!qn_lower_storage(a->dtype, kernels, &half) || b->packing != &qn_packing_panel16 || b->rank != 2) return 0;
    if (attrs->transpose_a || attrs->transpose_b || !qn_view_elems(a) || !qn_view_elems(out)) return 0;
    int64_t depth = b->dims[0], columns = b->dims[1], rows = qn_view_elems(out) / columns;
    qn_conv_f32_params params = {
        .kernel = half ? kernels->conv_f16 : kernels->conv_f32,
        .half = half,
        .src = a->data,
        .weights = b->data,
        .bias = qn_eval_has(operands, BIAS) ? operands->inputs[BIAS].data : NULL,
        .dst = out->data,
        .batch = 1,
        .in_h = 1,
        .in_w = rows,
        .in_c = depth,
        .out_h = 1,
        .out_w = rows,
        .out_c = columns,
        .src_stride = depth,
        .dst_stride = columns,
        .kernel_h = 1,
        .kernel_w = 1,
        .stride_h = 1,
        .stride_w = 1,
        .dilation_h = 1,
        .dilation_w = 1,
    };
    qn_activation_range(attrs->activation, &params.act_min, &params.act_max);
    qn_conv_f32_work(&params, out_work);
    return 1;
}

static int64_t macs_matmul(const qn_eval *operands) {
    const qn_matmul_attrs *attrs = operands->attrs;
    const qn_view *a = &operands->inputs[A];
    return qn_view_elems(&operands->outputs[0]) * a->dims[a->rank - (attrs->transpose_a ? 2 : 1)];
}

static void sample_matmul(qn_sample *sample) {
    qn_matmul_attrs *attrs = sample->attrs;
    qn_rng *rng = sample->rng;
    attrs->transpose_a = qn_rng_range(rng, 0, 1);
    attrs->transpose_b = qn_rng_range(rng, 0, 1);
    attrs->activation = qn_rng_range(rng, 0, QN_ACTIVATION_RELU6);
    int64_t rows = qn_rng_range(rng, 1, 9), depth = qn_rng_range(rng, 1, 19), columns = qn_rng_range(rng, 1, 35);
    int64_t lead = qn_rng_range(rng, 1, 3);
    int lead_a = (int)qn_rng_range(rng, 0, 1), lead_b = (int)qn_rng_range(rng, 0, 1);
    int64_t a[3] = {qn_rng_range(rng, 0, 1) ? lead : 1, attrs->transpose_a ? depth : rows,
                    attrs->transpose_a ? rows : depth};
    int64_t b[3] = {lead, attrs->transpose_b ? columns : depth, attrs->transpose_b ? depth : columns};
    qn_sample_input(sample, QN_DTYPE_F32, 2 + lead_a, a + !lead_a);
    qn_sample_input(sample, QN_DTYPE_F32, 2 + lead_b, b + !lead_b);
    if (qn_rng_range(rng, 0, 1)) qn_sample_input(sample, QN_DTYPE_F32, 1, &columns);
}

static void describe_matmul(const void *attributes, int rank, const int64_t *weight_dims, qn_layer_shape *out) {
    const qn_matmul_attrs *attrs = attributes;
    out->is_turned = attrs->transpose_b != 0;
    out->rows = rank > 1 ? weight_dims[rank - (out->is_turned ? 1 : 2)] : 0;
    out->outputs = rank > 1 ? weight_dims[rank - (out->is_turned ? 2 : 1)] : 0;
    out->is_plain = rank == 2 && !attrs->transpose_a;
}

/* A product with batches on both sides has no rows that could stand anywhere. */
static int trace_matmul(const qn_eval *operands, int *out_source) {
    const qn_matmul_attrs *attrs = operands->attrs;
    return attrs->transpose_a || operands->inputs[B].rank != 2 ? -1 : qn_trace_rows(operands, out_source);
}

static const qn_layer_card layer_card = {
    .weights = 1, .bias = 2, .activation = offsetof(qn_matmul_attrs, activation), .describe = describe_matmul};

const qn_op_def qn_op_matmul = {
    .name = "matmul",
    .doc = "Matrix product over the last two axes, activation(a b + bias); leading axes broadcast.",
    .node_type = "IMatMulNode",
    .min_inputs = 2,
    .max_inputs = 3,
    .outputs = 1,
    .attrs = attr_defs,
    .attrs_bytes = sizeof(qn_matmul_attrs),
    .axes = {.kind = QN_AXES_TRACED, .has_channels = 1, .trace = trace_matmul},
    .values = QN_VALUES_LAYER,
    .layer = &layer_card,
    .integer = &qn_op_matmul_quantized,
    .infer = infer_matmul,
    .eval = eval_matmul,
    .lower = lower_matmul,
    .pack = pack_matmul,
    .macs = macs_matmul,
    .sample = sample_matmul,
};
