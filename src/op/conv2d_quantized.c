/* conv2d_quantized - convolution of integers, exact:
 *
 *   acc[n, y, x, o] = bias[o]
 *          + sum(i, j, c) in[n, y * SY + i * DY - top, x * SX + j * DX - left, g * C + c] * w[i, j, c, o]
 *
 * and op/requantize.h says what becomes of acc. Names are those of op/conv2d.c; outside the picture `in` reads as
 * pad_value. in: u8 (w s8, bias s32) or s16 (w s8 or s16, bias s64). The zero point of `in` is folded into the bias by
 * whoever makes the node: bias[o] - sum(i, j, c) zero_point * w[i, j, c, o]. Beyond 64 bits sums wrap. */
#include "kernel/packing.h"
#include "op/conv.h"
#include "op/lower_quantized.h"

#include <assert.h>

enum { X = 0, WEIGHTS = 1, BIAS = 2, MULTIPLIER = 3, LIMIT = 4, ADDEND_MULTIPLIER = 5, ADDEND = 6, INPUTS = 7 };

static const qn_requantize_slots slots = {WEIGHTS, BIAS, MULTIPLIER, LIMIT, ADDEND, ADDEND_MULTIPLIER};

static const qn_attr_def attr_defs[] = {
    QN_CONV_ATTRS(qn_conv2d_quantized_attrs, conv.),
    {.name = "pad_value",
     .kind = QN_ATTR_INT,
     .offset = offsetof(qn_conv2d_quantized_attrs, pad_value),
     .low = -32767,
     .high = 32767,
     .fallback = "0",
     .doc = "What x reads as outside the picture: its zero point."},
    QN_REQUANTIZE_ATTRS(qn_conv2d_quantized_attrs),
    {0},
};

static qn_status *infer_conv2d_quantized(qn_infer *infer) {
    const qn_conv2d_quantized_attrs *attrs = infer->attrs;
    qn_window window;
    qn_dim dims[4];
    QN_TRY(qn_conv_infer(infer, &attrs->conv, &window, dims));
    QN_TRY(qn_requantize_infer(infer, &attrs->result, &slots, dims[3], 4, dims));
    qn_infer_set(infer, 0, (qn_dtype)attrs->result.dtype, 4, dims);
    return NULL;
}

static int sums_fit(const qn_view *weights) {
    const int64_t *dims = weights->dims;
    if (dims[0] > QN_CONV_U8_MAX_DEPTH || dims[1] > QN_CONV_U8_MAX_DEPTH) return 0;
    return !dims[2] || dims[0] * dims[1] <= QN_CONV_U8_MAX_DEPTH / dims[2];
}

/* Weights are packed for the kernel family of the types of x and weights. Families of u8 add up in 32 bits: weights
   whose sums could leave these stay plain, and eval runs. */
static int pack_conv2d_quantized(const qn_eval *operands, int input, void *attrs, qn_pack *out_pack) {
    const qn_view *x = &operands->inputs[X], *weights = &operands->inputs[WEIGHTS];
    const qn_conv_kind kind = qn_conv_kind_of(weights, ((const qn_conv2d_quantized_attrs *)attrs)->conv.groups);
    if (input != WEIGHTS || kind == QN_CONV_OTHER) return 0;
    if (kind == QN_CONV_DENSE) return qn_conv_int_pack_of(x->dtype, weights, sums_fit(weights), out_pack);
    if (x->dtype == QN_DTYPE_U8 && weights->dtype == QN_DTYPE_S8 && sums_fit(weights)) {
        *out_pack = (qn_pack){.packing = &qn_packing_channel16x4, .dtype = QN_DTYPE_S8};
        return 1;
    }
    if (x->dtype != QN_DTYPE_S16 || (weights->dtype != QN_DTYPE_S8 && weights->dtype != QN_DTYPE_S16)) return 0;
    /* So few weights as a depthwise convolution has need no kernel of their own: bytes become words. */
    *out_pack = (qn_pack){.packing = &qn_packing_channel16, .dtype = QN_DTYPE_S16};
    return 1;
}

static qn_status *check_conv2d_quantized(const qn_eval *operands) {
    const qn_conv2d_quantized_attrs *attrs = operands->attrs;
    if (operands->inputs[X].dtype == QN_DTYPE_U8 && (attrs->pad_value < 0 || attrs->pad_value > 255))
        return QN_ERR(QN_INVALID_MODEL, "pad_value is %lld; expected 0 to 255 for u8", (long long)attrs->pad_value);
    return qn_requantize_check(operands, &attrs->result, &slots);
}

/* Sum over the taps of one output. `position`: n, oy, ox, o. */
static int64_t convolve_at(const qn_eval *eval, const qn_window *window, const int64_t pad[2],
                           const int64_t position[4]) {
    const qn_conv2d_quantized_attrs *attrs = eval->attrs;
    const qn_view *x = &eval->inputs[X], *weights = &eval->inputs[WEIGHTS];
    int64_t channels = x->dims[3], group_in = weights->dims[2], outputs = weights->dims[3];
    assert(outputs % attrs->conv.groups == 0 && group_in * attrs->conv.groups == channels);
    int64_t first = position[3] / (outputs / attrs->conv.groups) * group_in;
    int64_t sum = qn_view_get_int(&eval->inputs[BIAS], position[3]);
    for (int64_t ky = 0; ky < window->kernel[0]; ky++)
        for (int64_t kx = 0; kx < window->kernel[1]; kx++) {
            int64_t iy = position[1] * window->stride[0] - pad[0] + ky * window->dilation[0];
            int64_t ix = position[2] * window->stride[1] - pad[1] + kx * window->dilation[1];
            int inside = iy >= 0 && iy < x->dims[1] && ix >= 0 && ix < x->dims[2];
            int64_t source = ((position[0] * x->dims[1] + iy) * x->dims[2] + ix) * channels + first;
            int64_t weight = (ky * window->kernel[1] + kx) * group_in * outputs + position[3];
            for (int64_t c = 0; c < group_in; c++) {
                int64_t value = inside ? qn_view_get_int(x, source + c) : attrs->pad_value;
                sum = qn_requantize_add(sum, value * qn_view_get_int(weights, weight + c * outputs));
            }
        }
    return sum;
}

static qn_status *eval_conv2d_quantized(const qn_eval *eval) {
    const qn_conv2d_quantized_attrs *attrs = eval->attrs;
    const qn_view *out = &eval->outputs[0];
    qn_window window;
    int64_t pad[2];
    QN_TRY(qn_eval_expect_plain(eval, WEIGHTS, "weights"));
    qn_conv_eval_window(eval, &attrs->conv, &window, pad);
    int64_t index = 0, at[4];
    for (at[0] = 0; at[0] < out->dims[0]; at[0]++)
        for (at[1] = 0; at[1] < out->dims[1]; at[1]++)
            for (at[2] = 0; at[2] < out->dims[2]; at[2]++)
                for (at[3] = 0; at[3] < out->dims[3]; at[3]++, index++)
                    qn_requantize_store(eval, &attrs->result, &slots, convolve_at(eval, &window, pad, at), at[3],
                                        index);
    return NULL;
}

static int lower_conv2d_quantized(const qn_eval *operands, const qn_kernel_set *kernels, qn_work *out_work) {
    const qn_conv2d_quantized_attrs *attrs = operands->attrs;
    const qn_view *x = &operands->inputs[X], *weights = &operands->inputs[WEIGHTS], *out = &operands->outputs[0];
    int is_u8 = x->dtype == QN_DTYPE_U8;
    if (!qn_view_elems(x) || !qn_view_elems(out)) return 0;
    qn_window window = qn_conv_window(&attrs->conv, weights->dims[0], weights->dims[1]);
    qn_conv_int_params params = {
        .src = x->data,
        .weights = weights->data,
        .bias = operands->inputs[BIAS].data,
        .in_c = x->dims[3],
        .out_c = out->dims[3],
        QN_CONV_GEOMETRY(x, out, &window),
        .pad_value = attrs->pad_value,
        .result = qn_requantize_lower(operands, &attrs->result, &slots),
    };
    if (!weights->packing) return 0;
    if (attrs->conv.groups == 1) {
        qn_conv_int_lower(operands, kernels, &params, out_work);
        return 1;
    }
    if (attrs->conv.groups != params.in_c || params.out_c != params.in_c) return 0;
    params.kernel = is_u8 ? (const void *)kernels->depthwise_u8 : kernels->depthwise_s16;
    (is_u8 ? qn_depthwise_u8_work : qn_depthwise_s16_work)(&params, out_work);
    return 1;
}

static int64_t macs_conv2d_quantized(const qn_eval *operands) {
    const qn_view *weights = &operands->inputs[WEIGHTS];
    return qn_view_elems(&operands->outputs[0]) * weights->dims[0] * weights->dims[1] * weights->dims[2];
}

static void sample_conv2d_quantized(qn_sample *sample) {
    qn_conv2d_quantized_attrs *attrs = sample->attrs;
    qn_rng *rng = sample->rng;
    int64_t kernel[2], size[2], dims[4];
    qn_sample_conv(rng, &attrs->conv, kernel, size);
    int64_t kind = qn_rng_range(rng, 0, 2), group_in = kind == 1 ? 1 : qn_rng_range(rng, 1, 20);
    attrs->conv.groups = kind == 0 ? 1 : qn_rng_range(rng, 1, kind == 1 ? 40 : 3);
    int64_t outputs =
        kind == 0 ? qn_rng_range(rng, 1, 35) : attrs->conv.groups * (kind == 1 ? 1 : qn_rng_range(rng, 1, 3));
    qn_window window = qn_conv_window(&attrs->conv, kernel[0], kernel[1]);
    qn_dtype dtype = qn_rng_range(rng, 0, 2) ? QN_DTYPE_U8 : QN_DTYPE_S16;
    attrs->pad_value = dtype == QN_DTYPE_U8 ? qn_rng_range(rng, 0, 255) : 0;
    dims[0] = qn_rng_range(rng, 1, 2);
    qn_sample_input(sample, dtype, 4, (int64_t[]){dims[0], size[0], size[1], attrs->conv.groups * group_in});
    qn_sample_input(sample, qn_requantize_sample_weights(sample), 4,
                    (int64_t[]){kernel[0], kernel[1], group_in, outputs});
    dims[1] = qn_window_out_size(&window, 0, size[0]);
    dims[2] = qn_window_out_size(&window, 1, size[1]);
    dims[3] = outputs;
    qn_requantize_sample(sample, &attrs->result, &slots, 4, dims);
}

static void describe_conv2d_quantized(const void *attrs, int rank, const int64_t *weight_dims, qn_layer_shape *out) {
    (void)rank;
    qn_conv_describe(&((const qn_conv2d_quantized_attrs *)attrs)->conv, weight_dims, out);
}

static const qn_layer_card layer_card = {.weights = WEIGHTS,
                                         .bias = BIAS,
                                         .addend = ADDEND,
                                         .activation = offsetof(qn_conv2d_quantized_attrs, result.activation),
                                         .describe = describe_conv2d_quantized};
static const qn_requantize_card requantize_card = {offsetof(qn_conv2d_quantized_attrs, result), &slots};

const qn_op_def qn_op_conv2d_quantized = {
    .name = "conv2d_quantized",
    .doc = "Convolution over NHWC pictures of integers with exact sums, scaled into another integer or float type.",
    .min_inputs = 4,
    .max_inputs = INPUTS,
    .outputs = 1,
    .flags = QN_OP_MAY_ALIAS | QN_OP_SETS_DTYPE,
    .alias_first = ADDEND,
    .fixed_inputs = 1u << MULTIPLIER | 1u << LIMIT | 1u << ADDEND_MULTIPLIER,
    .dtype_offset = offsetof(qn_conv2d_quantized_attrs, result.dtype),
    .attrs = attr_defs,
    .attrs_bytes = sizeof(qn_conv2d_quantized_attrs),
    .axes = {.kind = QN_AXES_NHWC},
    .values = QN_VALUES_LAYER,
    .layer = &layer_card,
    .requantize = &requantize_card,
    .infer = infer_conv2d_quantized,
    .check = check_conv2d_quantized,
    .eval = eval_conv2d_quantized,
    .lower = lower_conv2d_quantized,
    .pack = pack_conv2d_quantized,
    .macs = macs_conv2d_quantized,
    .sample = sample_conv2d_quantized,
};
