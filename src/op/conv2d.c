/* conv2d - convolution of pictures, with optional bias, addend and activation:
 *
 *   out[n, y, x, o] = act(bias[o] + addend[n, y, x, o]
 *          + sum(i, j, c) in[n, y * SY + i * DY - top, x * SX + j * DX - left, g * C + c] * w[i, j, c, o])
 *
 * in [N, H, W, G * C], w [KH, KW, C, O], groups G; output o belongs to group g = o / (O / G). SY, SX: `stride`; DY, DX:
 * `dilation`; top, left: what `padding` puts before the picture (op/geometry.h), which reads as 0. Depthwise: C = 1.
 * Any floats, all operands of one type; eval adds up in double and rounds once, kernels add up in f32. */
#include "kernel/packing.h"
#include "op/conv.h"
#include "op/geometry.h"
#include "op/lower.h"
#include "op/operand.h"

#include <assert.h>

enum { X = 0, WEIGHTS = 1, BIAS = 2, ADDEND = 3 };

static const qn_attr_def attr_defs[] = {
    QN_CONV_ATTRS(qn_conv2d_attrs, ),
    {.name = "activation",
     .kind = QN_ATTR_ENUM,
     .offset = offsetof(qn_conv2d_attrs, activation),
     .names = qn_activation_names,
     .fallback = "none",
     .doc = "Applied last, after bias and addend."},
    {0},
};

static qn_status *infer_conv2d(qn_infer *infer) {
    const qn_conv2d_attrs *attrs = infer->attrs;
    const qn_type *x = &infer->inputs[X];
    QN_TRY(qn_infer_expect_dtypes(infer, X, QN_DTYPES_FLOAT, "x"));
    QN_TRY(qn_infer_expect_same_dtype(infer, X, WEIGHTS));
    qn_window window;
    qn_dim dims[4];
    QN_TRY(qn_conv_infer(infer, &attrs->conv, &window, dims));
    if (qn_infer_has(infer, BIAS)) {
        QN_TRY(qn_infer_expect_rank(infer, BIAS, 1, "bias"));
        QN_TRY(qn_infer_expect_same_dtype(infer, X, BIAS));
        QN_TRY(qn_infer_expect_dim(infer, BIAS, 0, dims[3], "bias", "elements", "the weights give output channels"));
    }
    if (qn_infer_has(infer, ADDEND)) {
        static const char *const things[] = {"pictures", "rows", "columns", "channels"};
        QN_TRY(qn_infer_expect_rank(infer, ADDEND, 4, "addend"));
        QN_TRY(qn_infer_expect_same_dtype(infer, X, ADDEND));
        for (int i = 0; i < 4; i++)
            QN_TRY(qn_infer_expect_dim(infer, ADDEND, i, dims[i], "addend", things[i], "the convolution gives"));
    }
    qn_infer_set(infer, 0, x->dtype, 4, dims);
    return NULL;
}

static int pack_conv2d(const qn_eval *operands, int input, void *attrs, qn_pack *out_pack) {
    const qn_view *x = &operands->inputs[X], *weights = &operands->inputs[WEIGHTS];
    const qn_conv_kind kind = qn_conv_kind_of(weights, ((const qn_conv2d_attrs *)attrs)->groups);
    if (input != WEIGHTS || kind == QN_CONV_OTHER || x->dtype != weights->dtype) return 0;
    if (x->dtype != QN_DTYPE_F32 && x->dtype != QN_DTYPE_F16) return 0;
    *out_pack = (qn_pack){.packing = kind == QN_CONV_DENSE ? &qn_packing_panel16 : &qn_packing_channel16,
                          .dtype = weights->dtype};
    return 1;
}

/* Sum over the taps of one output. `position`: n, oy, ox, o. */
static double convolve_at(const qn_eval *eval, const qn_window *window, const int64_t pad[2],
                          const int64_t position[4]) {
    const qn_view *x = &eval->inputs[X], *weights = &eval->inputs[WEIGHTS];
    int64_t channels = x->dims[3], group_in = weights->dims[2], outputs = weights->dims[3];
    int64_t groups = ((const qn_conv2d_attrs *)eval->attrs)->groups;
    assert(outputs % groups == 0 && group_in * groups == channels);
    int64_t first = position[3] / (outputs / groups) * group_in;
    double sum = qn_eval_has(eval, BIAS) ? qn_view_get(&eval->inputs[BIAS], position[3]) : 0.0;
    for (int64_t ky = 0; ky < window->kernel[0]; ky++) {
        int64_t iy = position[1] * window->stride[0] - pad[0] + ky * window->dilation[0];
        if (iy < 0 || iy >= x->dims[1]) continue;
        for (int64_t kx = 0; kx < window->kernel[1]; kx++) {
            int64_t ix = position[2] * window->stride[1] - pad[1] + kx * window->dilation[1];
            if (ix < 0 || ix >= x->dims[2]) continue;
            int64_t source = ((position[0] * x->dims[1] + iy) * x->dims[2] + ix) * channels + first;
            int64_t weight = (ky * window->kernel[1] + kx) * group_in * outputs + position[3];
            for (int64_t c = 0; c < group_in; c++)
                sum += qn_view_get(x, source + c) * qn_view_get(weights, weight + c * outputs);
        }
    }
    return sum;
}

static qn_status *eval_conv2d(const qn_eval *eval) {
    const qn_conv2d_attrs *attrs = eval->attrs;
    const qn_view *out = &eval->outputs[0];
    qn_window window;
    int64_t pad[2];
    QN_TRY(qn_eval_expect_plain(eval, WEIGHTS, "weights"));
    qn_conv_eval_window(eval, &attrs->conv, &window, pad);
    int64_t index = 0, at[4];
    for (at[0] = 0; at[0] < out->dims[0]; at[0]++)
        for (at[1] = 0; at[1] < out->dims[1]; at[1]++)
            for (at[2] = 0; at[2] < out->dims[2]; at[2]++)
                for (at[3] = 0; at[3] < out->dims[3]; at[3]++, index++) {
                    double sum = convolve_at(eval, &window, pad, at);
                    if (qn_eval_has(eval, ADDEND)) sum += qn_view_get(&eval->inputs[ADDEND], index);
                    qn_view_set(out, index, qn_activation_apply(attrs->activation, sum));
                }
    return NULL;
}

static const void *optional_data(const qn_eval *eval, int input) {
    return qn_eval_has(eval, input) ? eval->inputs[input].data : NULL;
}

static void lower_dense(const qn_eval *eval, const qn_window *window, const qn_kernel_set *kernels,
                        const qn_convert_f16_kernel *half, qn_work *out_work) {
    const qn_conv2d_attrs *attrs = eval->attrs;
    const qn_view *x = &eval->inputs[X], *out = &eval->outputs[0];
    qn_conv_f32_params params = {
        .kernel = half ? kernels->conv_f16 : kernels->conv_f32,
        .half = half,
        .src = x->data,
        .weights = eval->inputs[WEIGHTS].data,
        .bias = optional_data(eval, BIAS),
        .addend = optional_data(eval, ADDEND),
        .dst = out->data,
        .in_c = x->dims[3],
        .out_c = out->dims[3],
        .src_stride = x->dims[3],
        .dst_stride = out->dims[3],
        QN_CONV_GEOMETRY(x, out, window),
    };
    qn_activation_range(attrs->activation, &params.act_min, &params.act_max);
    qn_conv_f32_work(&params, out_work);
}

static void lower_depthwise(const qn_eval *eval, const qn_window *window, const qn_kernel_set *kernels,
                            const qn_convert_f16_kernel *half, qn_work *out_work) {
    const qn_conv2d_attrs *attrs = eval->attrs;
    const qn_view *x = &eval->inputs[X], *out = &eval->outputs[0];
    qn_depthwise_f32_params params = {
        .kernel = half ? kernels->depthwise_f16 : kernels->depthwise_f32,
        .half = half,
        .src = x->data,
        .weights = eval->inputs[WEIGHTS].data,
        .bias = optional_data(eval, BIAS),
        .addend = optional_data(eval, ADDEND),
        .dst = out->data,
        .channels = x->dims[3],
        QN_CONV_GEOMETRY(x, out, window),
    };
    qn_activation_range(attrs->activation, &params.act_min, &params.act_max);
    qn_depthwise_f32_work(&params, out_work);
}

static int lower_conv2d(const qn_eval *operands, const qn_kernel_set *kernels, qn_work *out_work) {
    const qn_conv2d_attrs *attrs = operands->attrs;
    const qn_view *x = &operands->inputs[X], *weights = &operands->inputs[WEIGHTS], *out = &operands->outputs[0];
    const qn_convert_f16_kernel *half;
    if (!qn_lower_storage(x->dtype, kernels, &half) || !qn_view_elems(x) || !qn_view_elems(out)) return 0;
    qn_window window = qn_conv_window(&attrs->conv, weights->dims[0], weights->dims[1]);
    if (weights->packing == &qn_packing_panel16 && attrs->groups == 1) {
        lower_dense(operands, &window, kernels, half, out_work);
        return 1;
    }
    int64_t channels = x->dims[3];
    if (weights->packing == &qn_packing_channel16 && attrs->groups == channels && out->dims[3] == channels) {
        lower_depthwise(operands, &window, kernels, half, out_work);
        return 1;
    }
    return 0;
}

static int64_t macs_conv2d(const qn_eval *operands) {
    const qn_view *weights = &operands->inputs[WEIGHTS];
    return qn_view_elems(&operands->outputs[0]) * weights->dims[0] * weights->dims[1] * weights->dims[2];
}

static void sample_conv2d(qn_sample *sample) {
    qn_conv2d_attrs *attrs = sample->attrs;
    qn_rng *rng = sample->rng;
    int64_t kernel[2], size[2];
    qn_sample_conv(rng, &attrs->conv, kernel, size);
    attrs->activation = qn_rng_range(rng, 0, QN_ACTIVATION_RELU6);
    qn_window window = qn_conv_window(&attrs->conv, kernel[0], kernel[1]);
    int64_t kind = qn_rng_range(rng, 0, 2), group_in = kind == 1 ? 1 : qn_rng_range(rng, 1, 20);
    attrs->groups = kind == 0 ? 1 : qn_rng_range(rng, 1, kind == 1 ? 20 : 3);
    int64_t outputs = kind == 0 ? qn_rng_range(rng, 1, 35) : attrs->groups * (kind == 1 ? 1 : qn_rng_range(rng, 1, 3));
    int64_t batch = qn_rng_range(rng, 1, 2);
    qn_sample_input(sample, QN_DTYPE_F32, 4, (int64_t[]){batch, size[0], size[1], attrs->groups * group_in});
    qn_sample_input(sample, QN_DTYPE_F32, 4, (int64_t[]){kernel[0], kernel[1], group_in, outputs});
    int64_t extras = qn_rng_range(rng, 0, 2);
    if (extras >= 1) qn_sample_input(sample, QN_DTYPE_F32, 1, &outputs);
    if (extras >= 2)
        qn_sample_input(sample, QN_DTYPE_F32, 4,
                        (int64_t[]){batch, qn_window_out_size(&window, 0, size[0]),
                                    qn_window_out_size(&window, 1, size[1]), outputs});
}

static void describe_conv2d(const void *attrs, int rank, const int64_t *weight_dims, qn_layer_shape *out) {
    (void)rank;
    qn_conv_describe(&((const qn_conv2d_attrs *)attrs)->conv, weight_dims, out);
}

static const qn_layer_card layer_card = {.weights = 1,
                                         .bias = 2,
                                         .addend = 3,
                                         .activation = offsetof(qn_conv2d_attrs, activation),
                                         .depthwise_type = "IConvDepthwiseNode",
                                         .describe = describe_conv2d};

const qn_op_def qn_op_conv2d = {
    .name = "conv2d",
    .doc = "Convolution over NHWC pictures: activation(conv(x, weights) + bias + addend).",
    .node_type = "IConvNode",
    .min_inputs = 2,
    .max_inputs = 4,
    .outputs = 1,
    .flags = QN_OP_MAY_ALIAS,
    .alias_first = ADDEND,
    .attrs = attr_defs,
    .attrs_bytes = sizeof(qn_conv2d_attrs),
    .axes = {.kind = QN_AXES_NHWC},
    .values = QN_VALUES_LAYER,
    .layer = &layer_card,
    .integer = &qn_op_conv2d_quantized,
    .infer = infer_conv2d,
    .eval = eval_conv2d,
    .lower = lower_conv2d,
    .pack = pack_conv2d,
    .macs = macs_conv2d,
    .sample = sample_conv2d,
};
