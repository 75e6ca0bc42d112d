/* check/geometry.h - a convolution as all its families see it. */
#ifndef QN_TESTS_KERNEL_CHECK_GEOMETRY_H
#define QN_TESTS_KERNEL_CHECK_GEOMETRY_H

#include "check/check.h"

typedef struct check_geometry {
    int64_t batch, in_h, in_w, out_h, out_w;
    int64_t kernel_h, kernel_w, stride_h, stride_w, dilation_h, dilation_w, pad_top, pad_left;
} check_geometry;

int64_t check_out_size(int64_t in, int64_t pads, int64_t kernel, int64_t stride, int64_t dilation);
check_geometry check_draw_geometry(check_context *context, int64_t max_side, int64_t max_kernel);
check_geometry check_pointwise_geometry(check_context *context, int64_t max_side);
/* The source cell of tap (ky, kx) of output pixel (image, y, x), or -1 outside the picture. */
int64_t check_source_cell(const check_geometry *g, int64_t image, int64_t y, int64_t x, int64_t ky, int64_t kx);

#endif
