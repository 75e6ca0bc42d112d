/* Conversions of convolutions, pools, matrix products and what belongs to them. */
#include "import/tensorflow/families.h"

#include <inttypes.h>
#include <string.h>

/* ---- Convolution ---- */

/* Attributes that all convolutions share. */
static qn_status *read_conv_attrs(qn_site *site, int64_t nchw, qn_conv2d_attrs *attrs) {
    qn_attrs_init(&qn_op_conv2d, attrs);
    QN_TRY(qn_tf_get_spatial(site, "strides", nchw, 1, &attrs->stride));
    QN_TRY(qn_tf_get_spatial(site, "dilations", nchw, 0, &attrs->dilation));
    return qn_tf_get_padding(site, nchw, &attrs->padding, &attrs->pads);
}

/* Channels of the input over channels that one filter takes. */
static qn_status *count_groups(qn_site *site, const qn_value *x, int64_t *out_groups) {
    int64_t channels = qn_site_const_dim(site, x, 3), taken = qn_site_const_dim(site, site->inputs[1], 2);
    *out_groups = 1;
    if (channels < 0 || taken < 0 || channels == taken) return NULL;
    if (taken == 0 || channels % taken != 0)
        return QN_ERR(QN_INVALID_MODEL, "the input has %" PRId64 " channels, the filter takes %" PRId64, channels,
                      taken);
    *out_groups = channels / taken;
    return NULL;
}

qn_status *qn_tf_convert_conv2d(qn_site *site) {
    int64_t nchw;
    qn_value *x;
    qn_conv2d_attrs attrs;
    QN_TRY(qn_tf_enter_nhwc(site, 0, &nchw, &x));
    QN_TRY(qn_site_expect_rank(site, 1, 4));
    QN_TRY(read_conv_attrs(site, nchw, &attrs));
    QN_TRY(count_groups(site, x, &attrs.groups));
    return qn_site_emit_nhwc(site, nchw, site->op, &attrs, 2, (qn_value *[]){x, site->inputs[1]});
}

/* [KH, KW, C, M] becomes [KH, KW, 1, C * M]: the same bytes. */
static qn_status *depthwise_weights(qn_site *site, int64_t *out_channels, qn_value **out_weights) {
    int64_t dims[4], outputs;
    QN_TRY(qn_site_expect_rank(site, 1, 4));
    for (int i = 0; i < 4; i++) {
        dims[i] = qn_site_const_dim(site, site->inputs[1], i);
        if (dims[i] < 1 || dims[i] > INT32_MAX)
            return qn_site_input_context(
                site, 1,
                QN_ERR(QN_UNSUPPORTED, "dim %d of the filter must be a fixed number from 1 to %d", i, INT32_MAX));
    }
    *out_channels = dims[2];
    if (!qn_checked_mul_i64(dims[2], dims[3], &outputs) || outputs > INT32_MAX)
        return qn_site_input_context(site, 1,
                                     QN_ERR(QN_LIMIT, "%" PRId64 " x %" PRId64 " output channels", dims[2], dims[3]));
    return qn_site_reshape_to(site, "weights", 4, (int64_t[]){dims[0], dims[1], 1, outputs}, site->inputs[1],
                              out_weights);
}

qn_status *qn_tf_convert_depthwise(qn_site *site) {
    int64_t nchw;
    qn_value *x, *weights;
    qn_conv2d_attrs attrs;
    QN_TRY(qn_tf_enter_nhwc(site, 0, &nchw, &x));
    QN_TRY(read_conv_attrs(site, nchw, &attrs));
    QN_TRY(depthwise_weights(site, &attrs.groups, &weights));
    return qn_site_emit_nhwc(site, nchw, site->op, &attrs, 2, (qn_value *[]){x, weights});
}

/* ---- Pools ---- */

static qn_status *emit_pool(qn_site *site, int64_t nchw, qn_value *x, qn_pool2d_attrs *attrs) {
    QN_TRY(qn_tf_get_padding(site, nchw, &attrs->padding, &attrs->pads));
    return qn_site_emit_nhwc(site, nchw, site->op, attrs, 1, &x);
}

qn_status *qn_tf_convert_pool(qn_site *site) {
    int64_t nchw;
    qn_value *x;
    qn_pool2d_attrs attrs;
    qn_attrs_init(site->op, &attrs);
    QN_TRY(qn_tf_enter_nhwc(site, 0, &nchw, &x));
    QN_TRY(qn_tf_get_spatial(site, "ksize", nchw, 1, &attrs.kernel));
    QN_TRY(qn_tf_get_spatial(site, "strides", nchw, 1, &attrs.stride));
    return emit_pool(site, nchw, x, &attrs);
}

qn_status *qn_tf_convert_max_pool_v2(qn_site *site) {
    int64_t nchw;
    qn_value *x;
    qn_ints ksize, strides;
    qn_pool2d_attrs attrs;
    qn_attrs_init(site->op, &attrs);
    QN_TRY(qn_tf_enter_nhwc(site, 0, &nchw, &x));
    QN_TRY(qn_site_input_ints(site, 1, &ksize));
    QN_TRY(qn_site_input_ints(site, 2, &strides));
    QN_TRY(qn_tf_check_spatial("ksize", &ksize, nchw, &attrs.kernel));
    QN_TRY(qn_tf_check_spatial("strides", &strides, nchw, &attrs.stride));
    return emit_pool(site, nchw, x, &attrs);
}

/* ---- Bias, batch norm, blocks ---- */

/* A bias belongs to the channels: the last axis, or the second for NCHW of any rank. */
qn_status *qn_tf_convert_bias_add(qn_site *site) {
    static const char *const layouts[] = {"NHWC", "NCHW", NULL};
    int64_t nchw;
    qn_value *x = site->inputs[0], *bias = site->inputs[1];
    QN_TRY(qn_site_get_choice(site, "data_format", layouts, 0, &nchw));
    QN_TRY(qn_site_expect_rank(site, 1, 1));
    if (x->type.rank < 2)
        return qn_site_input_context(site, 0,
                                     QN_ERR(QN_INVALID_MODEL, "at least 2 dims expected, %d found", x->type.rank));
    if (nchw && x->type.rank > 2) {
        int64_t dims[QN_MAX_RANK] = {qn_site_const_dim(site, bias, 0)};
        for (int i = 1; i < x->type.rank - 1; i++) dims[i] = 1;
        QN_TRY(qn_site_reshape_to(site, "bias", x->type.rank - 1, dims, bias, &bias));
    }
    return qn_site_emit_output(site, site->op, NULL, 2, (qn_value *[]){x, bias});
}

qn_status *qn_tf_convert_batch_norm(qn_site *site) {
    int64_t nchw, training;
    qn_value *inputs[5];
    qn_batch_norm_attrs attrs;
    QN_TRY(qn_site_get_bool(site, "is_training", 1, &training));
    if (training)
        return QN_ERR(QN_UNSUPPORTED,
                      "is_training is true, so it would use the statistics of each batch; build the network "
                      "for inference (is_training=False, training=False) and freeze it again");
    QN_TRY(qn_site_get_float(site, "epsilon", 0.0001f, &attrs.epsilon));
    memcpy(inputs, site->inputs, sizeof inputs);
    QN_TRY(qn_tf_enter_nhwc(site, 0, &nchw, &inputs[0]));
    return qn_site_emit_nhwc(site, nchw, site->op, &attrs, 5, inputs);
}

qn_status *qn_tf_convert_block(qn_site *site) {
    int64_t nchw;
    qn_value *x;
    qn_block_attrs attrs;
    QN_TRY(qn_tf_enter_nhwc(site, 0, &nchw, &x));
    QN_TRY(qn_site_get_int(site, "block_size", 0, &attrs.block));
    return qn_site_emit_nhwc(site, nchw, site->op, &attrs, 1, &x);
}

/* ---- Matrix products ---- */

qn_status *qn_tf_convert_matmul(qn_site *site) {
    qn_matmul_attrs attrs;
    qn_attrs_init(site->op, &attrs);
    QN_TRY(qn_site_expect_rank(site, 0, 2));
    QN_TRY(qn_site_expect_rank(site, 1, 2));
    QN_TRY(qn_site_get_bool(site, "transpose_a", 0, &attrs.transpose_a));
    QN_TRY(qn_site_get_bool(site, "transpose_b", 0, &attrs.transpose_b));
    return qn_site_emit_output(site, site->op, &attrs, 2, site->inputs);
}
