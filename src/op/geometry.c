/* Windows over pictures and positions of resized pixels (op/geometry.h). */
#include "op/geometry.h"

#include "op/operand.h"

#include <assert.h>

const char *const qn_padding_names[] = {"explicit", "same_upper", "same_lower", "valid", NULL};

qn_window qn_conv_window(const qn_conv_attrs *attrs, int64_t kernel_h, int64_t kernel_w) {
    qn_window window = {.kernel = {kernel_h, kernel_w}, .padding = attrs->padding};
    for (int i = 0; i < 2; i++) {
        window.stride[i] = attrs->stride.values[i];
        window.dilation[i] = attrs->dilation.values[i];
    }
    for (int i = 0; i < 4; i++) window.pads[i] = attrs->pads.values[i];
    return window;
}

qn_window qn_pool2d_window(const qn_pool2d_attrs *attrs) {
    qn_window window = {.dilation = {1, 1}, .padding = attrs->padding};
    for (int i = 0; i < 2; i++) {
        window.kernel[i] = attrs->kernel.values[i];
        window.stride[i] = attrs->stride.values[i];
    }
    for (int i = 0; i < 4; i++) window.pads[i] = attrs->pads.values[i];
    return window;
}

int64_t qn_window_span(const qn_window *window, int axis) {
    assert(window->kernel[axis] >= 1 && window->dilation[axis] >= 1 && window->stride[axis] >= 1);
    return (window->kernel[axis] - 1) * window->dilation[axis] + 1;
}

static int is_same(const qn_window *window) {
    return window->padding == QN_PADDING_SAME_UPPER || window->padding == QN_PADDING_SAME_LOWER;
}

/* Padding before and after, where it does not depend on the input's size. */
static int64_t explicit_pads(const qn_window *window, int axis) {
    return window->padding == QN_PADDING_EXPLICIT ? window->pads[axis] + window->pads[axis + 2] : 0;
}

int64_t qn_window_out_size(const qn_window *window, int axis, int64_t in) {
    if (is_same(window)) return qn_ceil_div_i64(in, window->stride[axis]);
    int64_t room = in + explicit_pads(window, axis) - qn_window_span(window, axis);
    return room < 0 ? 0 : room / window->stride[axis] + 1;
}

int64_t qn_window_pad_before(const qn_window *window, int axis, int64_t in, int64_t out) {
    if (window->padding == QN_PADDING_EXPLICIT) return window->pads[axis];
    if (!is_same(window)) return 0;
    int64_t total = qn_max_i64((out - 1) * window->stride[axis] + qn_window_span(window, axis) - in, 0);
    return window->padding == QN_PADDING_SAME_UPPER ? total / 2 : total - total / 2;
}

int qn_window_may_pad(const qn_window *window) {
    if (is_same(window)) return window->kernel[0] > 1 || window->kernel[1] > 1;
    if (window->padding != QN_PADDING_EXPLICIT) return 0;
    return window->pads[0] || window->pads[1] || window->pads[2] || window->pads[3];
}

qn_status *qn_window_infer(qn_infer *infer, const qn_window *window, int axis, qn_dim in, const char *what,
                           qn_dim *out_size) {
    qn_dim stride = qn_infer_const(infer, window->stride[axis]);
    if (is_same(window)) {
        *out_size = qn_dim_ceil_div(infer->dims, in, stride);
        return NULL;
    }
    int64_t span = qn_window_span(window, axis), pads = explicit_pads(window, axis);
    qn_dim room = qn_dim_add(infer->dims, in, qn_infer_const(infer, pads - span));
    int64_t low, high;
    qn_dim_range(infer->dims, room, &low, &high);
    if (low < 0) /* spares the text of the usual, proven case */
        QN_TRY(qn_infer_require(infer, room,
                                "x has %s %s and %lld of padding, the window spans %lld: no output position is left",
                                what, qn_infer_dim_text(infer, in), (long long)pads, (long long)span));
    *out_size = qn_dim_add(infer->dims, qn_dim_floor_div(infer->dims, room, stride), qn_infer_const(infer, 1));
    return NULL;
}

qn_resize_axis qn_resize_axis_make(int64_t in, int64_t out, int64_t align_corners, int64_t half_pixel_centers) {
    assert(in >= 1 && out >= 1 && !(align_corners && half_pixel_centers));
    qn_resize_axis axis = {
        .in = in, .out = out, .align_corners = align_corners != 0, .half_pixel_centers = half_pixel_centers != 0};
    axis.scale = align_corners && out > 1 ? (float)(in - 1) / (float)(out - 1) : (float)in / (float)out;
    return axis;
}

qn_resize_point qn_resize_axis_linear(const qn_resize_axis *axis, int64_t out_position) {
    float position = axis->half_pixel_centers ? ((float)out_position + 0.5f) * axis->scale - 0.5f
                                              : (float)out_position * axis->scale;
    float floored = floorf(position);
    qn_resize_point point = {.fraction = position - floored};
    /* ceil rather than floor + 1: before the first half pixel (-0.25) both neighbours are position 0. */
    point.upper = qn_min_i64((int64_t)ceilf(position), axis->in - 1);
    point.lower = qn_min_i64(qn_max_i64((int64_t)floored, 0), point.upper);
    assert(point.lower >= 0 && point.upper < axis->in && point.upper - point.lower <= 1);
    return point;
}

int64_t qn_resize_axis_nearest(const qn_resize_axis *axis, int64_t out_position) {
    float position = ((float)out_position + (axis->half_pixel_centers ? 0.5f : 0.0f)) * axis->scale;
    int64_t index = (int64_t)(axis->align_corners ? roundf(position) : floorf(position));
    return qn_max_i64(qn_min_i64(index, axis->in - 1), 0);
}

qn_status *qn_resize_infer(qn_infer *infer, int64_t align_corners, int64_t half_pixel_centers, qn_dim out_dims[4]) {
    static const char *const names[] = {"height", "width"};
    if (align_corners && half_pixel_centers)
        return QN_ERR(QN_INVALID_MODEL, "align_corners and half_pixel_centers exclude each other; set one of them");
    QN_TRY(qn_infer_expect_rank(infer, 0, 4, "x"));
    QN_TRY(qn_infer_expect_rank(infer, 1, 1, "size"));
    int64_t count = 2;
    const qn_dim *size;
    QN_TRY(qn_infer_control(infer, 1, "size", &count, &size));
    if (!size)
        return QN_ERR(QN_UNSUPPORTED, "size depends on data that is known only while running; give it as a constant or "
                                      "compute it from shapes");
    const qn_type *x = &infer->inputs[0];
    qn_dim one = qn_infer_const(infer, 1);
    for (int i = 0; i < 2; i++) {
        QN_TRY(qn_infer_require(infer, qn_dim_sub(infer->dims, x->dims[1 + i], one), "x has %s 0, nothing to resize",
                                names[i]));
        QN_TRY(
            qn_infer_require(infer, qn_dim_sub(infer->dims, size[i], one), "the new %s must be at least 1", names[i]));
        out_dims[1 + i] = size[i];
    }
    out_dims[0] = x->dims[0];
    out_dims[3] = x->dims[3];
    return NULL;
}
