/* op/conv.h - what conv2d and conv2d_quantized share: the attributes of their geometry, the check of channels and the window. */
#ifndef QN_OP_CONV_H
#define QN_OP_CONV_H

#include "op/layer.h"
#include "op/operand.h"

/* Rows of the attribute table: the members of a qn_conv_attrs, which is `member` ("conv.", or nothing) of `type`. */
#define QN_CONV_ATTRS(type, member)                                                                                    \
    {.name = "stride",                                                                                                 \
     .kind = QN_ATTR_INTS,                                                                                             \
     .offset = offsetof(type, member stride),                                                                          \
     .low = 1,                                                                                                         \
     .high = 65535,                                                                                                    \
     .count = 2,                                                                                                       \
     .fallback = "[1, 1]",                                                                                             \
     .doc = "Step between windows: height, width."},                                                                   \
        {.name = "dilation",                                                                                           \
         .kind = QN_ATTR_INTS,                                                                                         \
         .offset = offsetof(type, member dilation),                                                                    \
         .low = 1,                                                                                                     \
         .high = 65535,                                                                                                \
         .count = 2,                                                                                                   \
         .fallback = "[1, 1]",                                                                                         \
         .doc = "Step between the taps of one window: height, width."},                                                \
        {.name = "padding",                                                                                            \
         .kind = QN_ATTR_ENUM,                                                                                         \
         .offset = offsetof(type, member padding),                                                                     \
         .names = qn_padding_names,                                                                                    \
         .fallback = "explicit",                                                                                       \
         .doc = "How the picture is extended; positions outside read as 0."},                                          \
        {.name = "pads",                                                                                               \
         .kind = QN_ATTR_INTS,                                                                                         \
         .offset = offsetof(type, member pads),                                                                        \
         .low = 0,                                                                                                     \
         .high = 65535,                                                                                                \
         .count = 4,                                                                                                   \
         .fallback = "[0, 0, 0, 0]",                                                                                   \
         .doc = "Top, left, bottom, right; used when padding is explicit."},                                           \
    {                                                                                                                  \
        .name = "groups", .kind = QN_ATTR_INT, .offset = offsetof(type, member groups), .low = 1, .high = INT32_MAX,   \
        .fallback = "1", .doc = "Blocks of channels that are convolved separately; the input channels for depthwise."  \
    }

/* The window and the result's dims of a convolution of input 0 [N,H,W,C] by input 1 [KH,KW,C/groups,Cout], with checks
   of ranks, kernel and channels. */
qn_status *qn_conv_infer(qn_infer *infer, const qn_conv_attrs *attrs, qn_window *out_window,
                         qn_dim out_dims[4]) QN_MUST_USE;

/* How the kernels of a convolution read its weights. */
typedef enum qn_conv_kind {
    QN_CONV_DENSE,     /* one group: outputs are sums over all channels */
    QN_CONV_DEPTHWISE, /* one channel in and one out for each group */
    QN_CONV_OTHER      /* groups that no kernel computes */
} qn_conv_kind;
/* The kind by the dims of `weights`, of any rank, and how many groups there are. */
qn_conv_kind qn_conv_kind_of(const qn_view *weights, int64_t groups);

/* The window of an evaluation, and what is outside the picture before row 0 and column 0. */
void qn_conv_eval_window(const qn_eval *eval, const qn_conv_attrs *attrs, qn_window *out_window, int64_t out_pad[2]);

/* Members that the parameters of all kernels of convolutions have: sizes of x and of the result, and the window. */
#define QN_CONV_GEOMETRY(x, out, window)                                                                               \
    .batch = (x)->dims[0], .in_h = (x)->dims[1], .in_w = (x)->dims[2], .out_h = (out)->dims[1],                        \
    .out_w = (out)->dims[2], .kernel_h = (window)->kernel[0], .kernel_w = (window)->kernel[1],                         \
    .stride_h = (window)->stride[0], .stride_w = (window)->stride[1], .dilation_h = (window)->dilation[0],             \
    .dilation_w = (window)->dilation[1], .pad_top = qn_window_pad_before(window, 0, (x)->dims[1], (out)->dims[1]),     \
    .pad_left = qn_window_pad_before(window, 1, (x)->dims[2], (out)->dims[2])

/* Draws all but the groups, a kernel, and a picture in which at least one window fits. */
void qn_sample_conv(qn_rng *rng, qn_conv_attrs *attrs, int64_t out_kernel[2], int64_t out_size[2]);

/* The sums of a convolution with weights [KH, KW, C/groups, Cout], for its layer card. */
void qn_conv_describe(const qn_conv_attrs *attrs, const int64_t *weight_dims, qn_layer_shape *out);

#endif
