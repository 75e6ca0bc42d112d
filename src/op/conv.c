/* What conv2d and conv2d_quantized share (op/conv.h). */
#include "op/conv.h"

static qn_status *check_channels(qn_infer *infer, int64_t groups) {
    const qn_type *x = &infer->inputs[0], *weights = &infer->inputs[1];
    qn_dim takes = qn_dim_mul(infer->dims, weights->dims[2], qn_infer_const(infer, groups));
    if (groups == 1) return qn_infer_expect_dim(infer, 0, 3, takes, "x", "channels", "the weights take");
    if (!qn_dim_same(x->dims[3], takes))
        QN_TRY(qn_infer_require_equal(infer, x->dims[3], takes,
                                      "x has %s channels, the weights take %s in each of %lld groups: %s",
                                      qn_infer_dim_text(infer, x->dims[3]), qn_infer_dim_text(infer, weights->dims[2]),
                                      (long long)groups, qn_infer_dim_text(infer, takes)));
    int64_t outputs;
    if (!qn_dim_is_const(infer->dims, weights->dims[3], &outputs))
        return QN_ERR(QN_UNSUPPORTED,
                      "a grouped convolution needs a fixed number of output channels; the weights have %s",
                      qn_infer_dim_text(infer, weights->dims[3]));
    if (outputs % groups)
        return QN_ERR(QN_INVALID_MODEL, "%lld output channels do not divide into %lld groups", (long long)outputs,
                      (long long)groups);
    return NULL;
}

qn_status *qn_conv_infer(qn_infer *infer, const qn_conv_attrs *attrs, qn_window *out_window, qn_dim out_dims[4]) {
    const qn_type *x = &infer->inputs[0], *weights = &infer->inputs[1];
    int64_t kernel_h, kernel_w;
    QN_TRY(qn_infer_expect_rank(infer, 0, 4, "x"));
    QN_TRY(qn_infer_expect_rank(infer, 1, 4, "weights"));
    if (!qn_dim_is_const(infer->dims, weights->dims[0], &kernel_h) ||
        !qn_dim_is_const(infer->dims, weights->dims[1], &kernel_w))
        return QN_ERR(QN_UNSUPPORTED, "the kernel is %s x %s; expected a fixed height and width",
                      qn_infer_dim_text(infer, weights->dims[0]), qn_infer_dim_text(infer, weights->dims[1]));
    if (kernel_h < 1 || kernel_w < 1 || kernel_h > INT32_MAX || kernel_w > INT32_MAX)
        return QN_ERR(QN_INVALID_MODEL, "the kernel is %lld x %lld; expected at least 1 x 1", (long long)kernel_h,
                      (long long)kernel_w);
    QN_TRY(check_channels(infer, attrs->groups));
    *out_window = qn_conv_window(attrs, kernel_h, kernel_w);
    out_dims[0] = x->dims[0];
    out_dims[3] = weights->dims[3];
    QN_TRY(qn_window_infer(infer, out_window, 0, x->dims[1], "height", &out_dims[1]));
    return qn_window_infer(infer, out_window, 1, x->dims[2], "width", &out_dims[2]);
}

qn_conv_kind qn_conv_kind_of(const qn_view *weights, int64_t groups) {
    if (weights->rank != 4) return QN_CONV_OTHER;
    if (groups == 1) return QN_CONV_DENSE;
    return weights->dims[2] == 1 && weights->dims[3] == groups ? QN_CONV_DEPTHWISE : QN_CONV_OTHER;
}

void qn_conv_eval_window(const qn_eval *eval, const qn_conv_attrs *attrs, qn_window *out_window, int64_t out_pad[2]) {
    const qn_view *x = &eval->inputs[0], *weights = &eval->inputs[1], *out = &eval->outputs[0];
    *out_window = qn_conv_window(attrs, weights->dims[0], weights->dims[1]);
    for (int i = 0; i < 2; i++) out_pad[i] = qn_window_pad_before(out_window, i, x->dims[1 + i], out->dims[1 + i]);
}

void qn_sample_conv(qn_rng *rng, qn_conv_attrs *attrs, int64_t out_kernel[2], int64_t out_size[2]) {
    attrs->stride.count = attrs->dilation.count = 2;
    attrs->pads.count = 4;
    attrs->padding = qn_rng_range(rng, 0, QN_PADDING_VALID);
    for (int i = 0; i < 4; i++) attrs->pads.values[i] = qn_rng_range(rng, 0, 2);
    for (int i = 0; i < 2; i++) {
        out_kernel[i] = qn_rng_range(rng, 1, 3);
        attrs->stride.values[i] = qn_rng_range(rng, 1, 3);
        attrs->dilation.values[i] = qn_rng_range(rng, 1, 3);
    }
    qn_window window = qn_conv_window(attrs, out_kernel[0], out_kernel[1]);
    for (int i = 0; i < 2; i++) {
        out_size[i] = qn_rng_range(rng, 1, 9);
        while (qn_window_out_size(&window, i, out_size[i]) < 1) out_size[i]++;
    }
}

void qn_conv_describe(const qn_conv_attrs *attrs, const int64_t *weight_dims, qn_layer_shape *out) {
    out->window = qn_conv_window(attrs, weight_dims[0], weight_dims[1]);
    out->groups = attrs->groups;
    out->rows = weight_dims[0] * weight_dims[1] * weight_dims[2];
    out->outputs = weight_dims[3];
    out->is_depthwise = attrs->groups > 1 && weight_dims[2] == 1 && weight_dims[3] == attrs->groups;
    out->is_plain = attrs->groups == 1 || out->is_depthwise;
}
