/* op/attrs.h - the attribute structs that passes and importers fill. Each operator's file describes its struct in a
 * schema table. Field types are those that qn_attr_kind names. An operator whose attributes are met by name only (in
 * text, in files, in qn_import_row.attrs) has its struct in its file: cumsum, leaky_relu. */
#ifndef QN_OP_ATTRS_H
#define QN_OP_ATTRS_H

#include <stdint.h>

enum { QN_ATTR_INTS_MAX = 16, QN_MAX_SAMPLE_INPUTS = 8 };

struct qn_sample;

typedef struct qn_ints {
    int64_t count;
    int64_t values[QN_ATTR_INTS_MAX];
} qn_ints;

typedef enum qn_padding {
    QN_PADDING_EXPLICIT = 0,   /* `pads` as given */
    QN_PADDING_SAME_UPPER = 1, /* out = ceil(in / stride); the odd pixel goes below and right (TensorFlow SAME) */
    QN_PADDING_SAME_LOWER = 2,
    QN_PADDING_VALID = 3
} qn_padding;

/* What a fused operator does to each output before storing it; spellings "none", "relu", "relu6". */
typedef enum qn_activation { QN_ACTIVATION_NONE = 0, QN_ACTIVATION_RELU = 1, QN_ACTIVATION_RELU6 = 2 } qn_activation;

/* How the windows of a convolution lie. */
typedef struct qn_conv_attrs {
    qn_ints stride;   /* [2] height, width */
    qn_ints dilation; /* [2] */
    int64_t padding;  /* qn_padding */
    qn_ints pads;     /* [4] top, left, bottom, right; EXPLICIT only */
    int64_t groups;
} qn_conv_attrs;

/* inputs x [N,H,W,Cin], weights [KH,KW,Cin/groups,Cout], bias [Cout]?, addend [N,OH,OW,Cout]? */
typedef struct qn_conv2d_attrs {
    union {
        struct {
            qn_ints stride, dilation;
            int64_t padding;
            qn_ints pads;
            int64_t groups;
        };
        qn_conv_attrs conv; /* the same */
    };
    int64_t activation; /* applied last: act(conv + bias + addend) */
} qn_conv2d_attrs;

/* What conv2d_quantized, matmul_quantized and add_quantized do after the sum (op/requantize.h). */
typedef struct qn_requantize_attrs {
    int64_t dtype;             /* of the result: u8, s16, f32, f16 */
    int64_t zero_point;        /* of the result; 0 for floats */
    int64_t addend_zero_point; /* of an integer addend */
    int64_t activation;        /* relu6 has its upper bound in input `limit`, in units of the result */
} qn_requantize_attrs;

/* x [N,H,W,Cin], weights [KH,KW,Cin/groups,Cout], bias [Cout], multiplier [Cout],
   limit [Cout]?, addend_multiplier [Cout]?, addend [N,OH,OW,Cout]? */
typedef struct qn_conv2d_quantized_attrs {
    qn_conv_attrs conv;
    int64_t pad_value; /* what x reads as outside the picture: its zero point */
    qn_requantize_attrs result;
} qn_conv2d_quantized_attrs;

typedef struct qn_matmul_quantized_attrs { /* a [..., M, K], b [K, N], bias [N], multiplier [N], limit [N]? */
    qn_requantize_attrs result;
} qn_matmul_quantized_attrs;

typedef struct qn_add_quantized_attrs { /* a [..., C], b as a, a_multiplier, b_multiplier, a_zero_point, b_zero_point
                                           and limit? [1] or [C]; `result` without addend_zero_point */
    qn_requantize_attrs result;
} qn_add_quantized_attrs;

typedef struct qn_quantize_linear_attrs {
    int64_t dtype;
} qn_quantize_linear_attrs; /* u8 or s16 */
typedef struct qn_dequantize_linear_attrs {
    int64_t dtype;
} qn_dequantize_linear_attrs; /* f32 or f16 */

typedef struct qn_matmul_attrs { /* a [..., M, K], b [..., K, N], bias [N]? ; leading dims broadcast */
    int64_t transpose_a, transpose_b;
    int64_t activation;
} qn_matmul_attrs;

typedef struct qn_pool2d_attrs { /* max_pool2d, avg_pool2d */
    qn_ints kernel, stride;      /* [2] */
    int64_t padding;
    qn_ints pads;
    int64_t count_include_pad; /* avg only */
} qn_pool2d_attrs;

typedef struct qn_resize_attrs { /* resize_bilinear, resize_nearest, and the resize half of resize_argmax */
    int64_t align_corners, half_pixel_centers;
} qn_resize_attrs;

typedef struct qn_axis_attrs {
    int64_t axis;
} qn_axis_attrs; /* concat, stack, unstack, softmax, gather ... */

typedef struct qn_argreduce_attrs { /* argmax, argmin: the first of equals wins; axis is removed */
    int64_t axis, dtype;
} qn_argreduce_attrs;

typedef struct qn_resize_argmax_attrs { /* argmax over channels of a bilinear resize, [N,H,W,C] -> [N,OH,OW] */
    int64_t align_corners, half_pixel_centers, dtype;
} qn_resize_argmax_attrs;

typedef struct qn_reduce_attrs {
    int64_t keep_dims;
} qn_reduce_attrs; /* axes are input 1 */

typedef struct qn_cast_attrs {
    int64_t dtype;
} qn_cast_attrs;
typedef struct qn_dtype_attrs {
    int64_t dtype;
} qn_dtype_attrs; /* shape, size, rank: s32 or s64 */

typedef struct qn_axes_attrs {
    qn_ints axes;
} qn_axes_attrs; /* squeeze (empty: all ones), expand_dims */

typedef struct qn_strided_slice_attrs { /* inputs x, begin, end, strides; masks as TensorFlow defines them */
    int64_t begin_mask, end_mask, ellipsis_mask, new_axis_mask, shrink_axis_mask;
} qn_strided_slice_attrs;

typedef enum qn_pad_mode { QN_PAD_CONSTANT = 0, QN_PAD_REFLECT = 1, QN_PAD_SYMMETRIC = 2 } qn_pad_mode;
typedef struct qn_pad_attrs {
    int64_t mode;
} qn_pad_attrs; /* inputs x, paddings [rank,2], value []? */

typedef struct qn_split_attrs {
    int64_t axis, index, count;
} qn_split_attrs; /* part `index` of `count` equal parts */
/* x, scale, offset, mean, variance; last axis */
typedef struct qn_batch_norm_attrs {
    float epsilon;
} qn_batch_norm_attrs;
typedef struct qn_block_attrs {
    int64_t block;
} qn_block_attrs; /* depth_to_space, space_to_depth */

typedef struct qn_fake_quant_attrs { /* inputs x, min, max (scalar or last axis) */
    int64_t bits, narrow_range;
} qn_fake_quant_attrs;

/* Spellings: "min_combined", "min_first", "scaled". */
typedef enum qn_dequantize_mode {
    QN_DEQUANTIZE_MIN_COMBINED = 0,
    QN_DEQUANTIZE_MIN_FIRST = 1,
    QN_DEQUANTIZE_SCALED = 2
} qn_dequantize_mode;
typedef struct qn_dequantize_attrs {
    int64_t mode, narrow_range, axis; /* -1: per tensor */
} qn_dequantize_attrs;

typedef struct qn_assert_attrs {
    const char *message;
} qn_assert_attrs; /* input: condition, bool [] */

typedef struct qn_crop_and_resize_attrs { /* image, boxes, box_index, crop_size */
    int64_t method;                       /* "bilinear", "nearest" */
    float extrapolation;
} qn_crop_and_resize_attrs;

#endif
