/* op/geometry.h - the arithmetic of sliding windows and of resizing, said once for convolution, pooling, resizing
 * and the passes that rewrite them. Axis 0 is height, axis 1 is width.
 */
#ifndef QN_OP_GEOMETRY_H
#define QN_OP_GEOMETRY_H

#include "op/op.h"

/* ---- Windows ----
   A window of K taps with dilation D spans S = (K - 1) * D + 1 positions. Output i looks at input i * stride - before
   up to that + S - 1. VALID pads nothing: out = floor((in - S) / stride) + 1; EXPLICIT adds its pads to `in`. SAME
   gives out = ceil(in / stride) and pads what the last window lacks, max((out - 1) * stride + S - in, 0), half before
   and half behind; an odd one goes behind with SAME_UPPER, before with SAME_LOWER.
   Example: 6 positions, K 3, D 1, stride 2: out 3, padding 1, so that UPPER looks at 0-2, 2-4, 4-6 (6 is padding) and
   LOWER at -1-1, 1-3, 3-5. With D 2 the span is 5 and the padding 3: UPPER has 1 before and 2 behind. */

typedef struct qn_window {
    int64_t kernel[2], stride[2], dilation[2]; /* each >= 1 */
    int64_t padding;                           /* qn_padding */
    int64_t pads[4];                           /* top, left, bottom, right; EXPLICIT only */
} qn_window;

qn_window qn_conv_window(const qn_conv_attrs *attrs, int64_t kernel_h, int64_t kernel_w);
qn_window qn_pool2d_window(const qn_pool2d_attrs *attrs);

/* Input positions that one window spans: (kernel - 1) * dilation + 1. */
int64_t qn_window_span(const qn_window *window, int axis);
/* Output positions over `in` input positions; 0 where no window fits. */
int64_t qn_window_out_size(const qn_window *window, int axis, int64_t in);
/* Positions of padding before the first input position. */
int64_t qn_window_pad_before(const qn_window *window, int axis, int64_t in, int64_t out);
/* May a window reach beyond the picture? One pixel never does, unless pads say so. */
int qn_window_may_pad(const qn_window *window);
/* The output size over a symbolic input size. Demands that at least one window fits; `what` ("height") names the axis
   in the message. */
qn_status *qn_window_infer(qn_infer *infer, const qn_window *window, int axis, qn_dim in, const char *what,
                           qn_dim *out_size) QN_MUST_USE;

extern const char *const qn_padding_names[]; /* in the order of qn_padding, NULL-terminated */

/* ---- Resizing ----
   Coordinates follow TensorFlow's float32 arithmetic, operation by operation; op/resize.c has the formulas and an
   example. */

typedef struct qn_resize_axis {
    int64_t in, out; /* sizes, >= 1 */
    int align_corners, half_pixel_centers;
    float scale; /* input positions per output position */
} qn_resize_axis;

/* Where an output position falls between two input positions: value = a + (b - a) * fraction. */
typedef struct qn_resize_point {
    int64_t lower, upper;
    float fraction;
} qn_resize_point;

qn_resize_axis qn_resize_axis_make(int64_t in, int64_t out, int64_t align_corners, int64_t half_pixel_centers);
qn_resize_point qn_resize_axis_linear(const qn_resize_axis *axis, int64_t out_position);
int64_t qn_resize_axis_nearest(const qn_resize_axis *axis, int64_t out_position);

/* Checks inputs x [N,H,W,C] and size [2] and gives the dims [N,OH,OW,C]. */
qn_status *qn_resize_infer(qn_infer *infer, int64_t align_corners, int64_t half_pixel_centers,
                           qn_dim out_dims[4]) QN_MUST_USE;

#endif
