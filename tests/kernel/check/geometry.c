/* check/geometry.c - drawing the geometry of a convolution. */
#include "check/geometry.h"

int64_t check_out_size(int64_t in, int64_t pads, int64_t kernel, int64_t stride, int64_t dilation) {
    const int64_t reach = (kernel - 1) * dilation + 1;
    return in + pads < reach ? 0 : (in + pads - reach) / stride + 1;
}

check_geometry check_draw_geometry(check_context *context, int64_t max_side, int64_t max_kernel) {
    check_geometry g;
    do {
        const int64_t pads = check_chance(context, 60) ? max_kernel - 1 : 0;
        g.batch = check_chance(context, 80) ? 1 : check_draw(context, 1, 3);
        g.in_h = check_draw_size(context, 7, max_side);
        g.in_w = check_draw_size(context, 14, max_side);
        g.kernel_h = check_draw(context, 1, max_kernel);
        g.kernel_w = check_chance(context, 70) ? g.kernel_h : check_draw(context, 1, max_kernel);
        g.stride_h = check_chance(context, 60) ? 1 : check_draw(context, 1, 4);
        g.stride_w = check_chance(context, 80) ? g.stride_h : check_draw(context, 1, 4);
        g.dilation_h = check_chance(context, 70) ? 1 : check_draw(context, 1, 4);
        g.dilation_w = check_chance(context, 80) ? g.dilation_h : check_draw(context, 1, 4);
        g.pad_top = check_draw(context, 0, pads * g.dilation_h);
        g.pad_left = check_draw(context, 0, pads * g.dilation_w);
        const int64_t pad_h = g.pad_top + check_draw(context, 0, pads * g.dilation_h);
        const int64_t pad_w = g.pad_left + check_draw(context, 0, pads * g.dilation_w);
        g.out_h = check_out_size(g.in_h, pad_h, g.kernel_h, g.stride_h, g.dilation_h);
        g.out_w = check_out_size(g.in_w, pad_w, g.kernel_w, g.stride_w, g.dilation_w);
    } while (g.out_h < 1 || g.out_w < 1);
    return g;
}

check_geometry check_pointwise_geometry(check_context *context, int64_t max_side) {
    check_geometry g = {.kernel_h = 1, .kernel_w = 1, .stride_h = 1, .stride_w = 1, .dilation_h = 1, .dilation_w = 1};
    g.batch = check_chance(context, 80) ? 1 : check_draw(context, 1, 3);
    g.in_h = g.out_h = check_draw_size(context, 7, max_side);
    g.in_w = g.out_w = check_draw_size(context, 14, max_side);
    return g;
}

int64_t check_source_cell(const check_geometry *g, int64_t image, int64_t y, int64_t x, int64_t ky, int64_t kx) {
    const int64_t sy = y * g->stride_h - g->pad_top + ky * g->dilation_h;
    const int64_t sx = x * g->stride_w - g->pad_left + kx * g->dilation_w;
    if (sy < 0 || sx < 0 || sy >= g->in_h || sx >= g->in_w) return -1;
    return (image * g->in_h + sy) * g->in_w + sx;
}
