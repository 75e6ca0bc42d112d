/* resize_bilinear, resize_nearest - pictures [N, H, W, C] at another height and width, which input 1 gives, with
 * TensorFlow's coordinates and roundings:
 *
 *   out[n, y, x, c] = in[n, Y, X, c]      Y = position of y on the rows, X = position of x on the columns
 *
 *   position of i, of `in` pixels made `out`   i * in / out                  by default
 *                                              (i + 1/2) * in / out - 1/2    half_pixel_centers
 *                                              i * (in - 1) / (out - 1)      align_corners
 *
 * resize_bilinear mixes the two pixels around a position by its fraction, along X first and then along Y;
 * resize_nearest takes the pixel at floor(Y), with half_pixel_centers at floor(Y + 1/2), with align_corners at the
 * nearest one. Positions beyond the picture are the edge. Example: 0 8 made four pixels:
 *
 *   bilinear   by default 0 4 8 8 (positions 0, 0.5, 1, 1.5), half_pixel_centers 0 2 6 8 (-0.25, 0.25, 0.75, 1.25),
 *              align_corners 0 2.67 5.33 8 (0, 0.33, 0.67, 1)
 *   nearest    0 0 8 8, in all three
 *
 * resize_nearest takes any element type. resize_bilinear computes numbers in f32: floats keep their type, u8 and s16
 * are rounded half to even (they may stand for floats by any scale), other integers become f32. */
#include "op/geometry.h"
#include "op/lower.h"
#include "op/move.h"
#include "op/operand.h"

static const qn_attr_def attr_defs[] = {
    {.name = "align_corners",
     .kind = QN_ATTR_BOOL,
     .offset = offsetof(qn_resize_attrs, align_corners),
     .fallback = "false",
     .doc = "The centres of the corner pixels coincide."},
    {.name = "half_pixel_centers",
     .kind = QN_ATTR_BOOL,
     .offset = offsetof(qn_resize_attrs, half_pixel_centers),
     .fallback = "false",
     .doc = "Pixels have their centre at half a pixel; not together with align_corners."},
    {0},
};

/* Has the bilinear result the type of x? Other types become f32. */
static int keeps_type(qn_dtype dtype) {
    return qn_dtype_is_float(dtype) || dtype == QN_DTYPE_U8 || dtype == QN_DTYPE_S16;
}

static qn_status *infer_resize_bilinear(qn_infer *infer) {
    const qn_resize_attrs *attrs = infer->attrs;
    qn_dtype dtype = infer->inputs[0].dtype;
    QN_TRY(qn_infer_expect_dtypes(infer, 0, QN_DTYPES_NUMBER, "x"));
    qn_dim dims[4];
    QN_TRY(qn_resize_infer(infer, attrs->align_corners, attrs->half_pixel_centers, dims));
    qn_infer_set(infer, 0, keeps_type(dtype) ? dtype : QN_DTYPE_F32, 4, dims);
    return NULL;
}

static qn_status *infer_resize_nearest(qn_infer *infer) {
    const qn_resize_attrs *attrs = infer->attrs;
    qn_dim dims[4];
    QN_TRY(qn_resize_infer(infer, attrs->align_corners, attrs->half_pixel_centers, dims));
    qn_infer_set(infer, 0, infer->inputs[0].dtype, 4, dims);
    return NULL;
}

static qn_resize_axis make_axis(const qn_eval *eval, int axis) {
    const qn_resize_attrs *attrs = eval->attrs;
    return qn_resize_axis_make(eval->inputs[0].dims[axis], eval->outputs[0].dims[axis], attrs->align_corners,
                               attrs->half_pixel_centers);
}

static int same_size(const qn_view *x, const qn_view *out) {
    return x->dims[1] == out->dims[1] && x->dims[2] == out->dims[2];
}

/* Exact even for infinities, which interpolation would turn into NaN. */
static void copy_all(const qn_view *x, const qn_view *out) {
    int64_t elems = qn_view_elems(out);
    if (x->dtype == out->dtype)
        qn_view_copy(x, 0, out, 0, elems);
    else
        for (int64_t i = 0; i < elems; i++) qn_view_set(out, i, qn_view_get(x, i));
}

/* float32 throughout, every operation rounded, so that it equals the kernel and TensorFlow bit for bit. */
static qn_status *eval_resize_bilinear(const qn_eval *eval) {
    const qn_view *x = &eval->inputs[0], *out = &eval->outputs[0];
    if (same_size(x, out)) {
        copy_all(x, out);
        return NULL;
    }
    qn_resize_axis height = make_axis(eval, 1), width = make_axis(eval, 2);
    int64_t index = 0, channels = x->dims[3], row = x->dims[2] * channels, picture = x->dims[1] * row;
    for (int64_t n = 0; n < out->dims[0]; n++)
        for (int64_t oy = 0; oy < out->dims[1]; oy++) {
            qn_resize_point y = qn_resize_axis_linear(&height, oy);
            int64_t upper_row = n * picture + y.lower * row, lower_row = n * picture + y.upper * row;
            for (int64_t ox = 0; ox < out->dims[2]; ox++) {
                qn_resize_point point = qn_resize_axis_linear(&width, ox);
                int64_t left = point.lower * channels, right = point.upper * channels;
                for (int64_t c = 0; c < channels; c++, index++) {
                    float top_left = (float)qn_view_get(x, upper_row + left + c);
                    float top_right = (float)qn_view_get(x, upper_row + right + c);
                    float bottom_left = (float)qn_view_get(x, lower_row + left + c);
                    float bottom_right = (float)qn_view_get(x, lower_row + right + c);
                    float top = top_left + (top_right - top_left) * point.fraction;
                    float bottom = bottom_left + (bottom_right - bottom_left) * point.fraction;
                    float value = top + (bottom - top) * y.fraction;
                    qn_view_set(out, index, (double)(qn_dtype_is_integer(out->dtype) ? rintf(value) : value));
                }
            }
        }
    return NULL;
}

static qn_status *eval_resize_nearest(const qn_eval *eval) {
    const qn_view *x = &eval->inputs[0], *out = &eval->outputs[0];
    if (same_size(x, out)) {
        copy_all(x, out);
        return NULL;
    }
    qn_resize_axis height = make_axis(eval, 1), width = make_axis(eval, 2);
    int64_t index = 0, channels = x->dims[3];
    for (int64_t n = 0; n < out->dims[0]; n++)
        for (int64_t oy = 0; oy < out->dims[1]; oy++) {
            int64_t first = (n * x->dims[1] + qn_resize_axis_nearest(&height, oy)) * x->dims[2];
            for (int64_t ox = 0; ox < out->dims[2]; ox++, index += channels)
                qn_view_copy(x, (first + qn_resize_axis_nearest(&width, ox)) * channels, out, index, channels);
        }
    return NULL;
}

static int lower_resize_bilinear(const qn_eval *operands, const qn_kernel_set *kernels, qn_work *out_work) {
    const qn_resize_attrs *attrs = operands->attrs;
    const qn_view *x = &operands->inputs[0], *out = &operands->outputs[0];
    const qn_convert_kernel *stored;
    if (!qn_view_elems(out)) return 0;
    if (same_size(x, out) && x->dtype == out->dtype) return qn_move_lower_copy(x, out, out_work);
    if (!qn_lower_stored(x->dtype, kernels, &stored)) return 0;
    qn_resize_f32_params params = {
        .kernel = kernels->resize_f32,
        .stored = stored,
        .src = x->data,
        .dst = out->data,
        .batch = x->dims[0],
        .in_h = x->dims[1],
        .in_w = x->dims[2],
        .channels = x->dims[3],
        .out_h = out->dims[1],
        .out_w = out->dims[2],
        .align_corners = attrs->align_corners,
        .half_pixel_centers = attrs->half_pixel_centers,
    };
    qn_resize_f32_work(&params, out_work);
    return 1;
}

static int lower_resize_nearest(const qn_eval *operands, const qn_kernel_set *kernels, qn_work *out_work) {
    const qn_resize_attrs *attrs = operands->attrs;
    const qn_view *x = &operands->inputs[0], *out = &operands->outputs[0];
    (void)kernels;
    if (!qn_view_elems(out)) return 0;
    if (same_size(x, out)) return qn_move_lower_copy(x, out, out_work);
    qn_resize_nearest_params params = {
        .src = x->data,
        .dst = out->data,
        .pixel_bytes = x->dims[3] * (int64_t)qn_dtype_size(x->dtype),
        .batch = x->dims[0],
        .in_h = x->dims[1],
        .in_w = x->dims[2],
        .out_h = out->dims[1],
        .out_w = out->dims[2],
        .align_corners = attrs->align_corners,
        .half_pixel_centers = attrs->half_pixel_centers,
    };
    qn_resize_nearest_work(&params, out_work);
    return 1;
}

static void sample_resize(qn_sample *sample) {
    qn_resize_attrs *attrs = sample->attrs;
    qn_rng *rng = sample->rng;
    int64_t mode = qn_rng_range(rng, 0, 2);
    attrs->align_corners = mode == 1;
    attrs->half_pixel_centers = mode == 2;
    int64_t dims[4] = {qn_rng_range(rng, 1, 2), qn_rng_range(rng, 1, 9), qn_rng_range(rng, 1, 9),
                       qn_rng_range(rng, 1, 21)};
    int64_t size[2] = {qn_rng_range(rng, 1, 20), qn_rng_range(rng, 1, 20)};
    if (qn_rng_range(rng, 0, 7) == 0) memcpy(size, dims + 1, sizeof size);
    if (qn_rng_range(rng, 0, 7) == 0) dims[1] = dims[2] = 1;
    qn_sample_input(
        sample, (qn_dtype[]){QN_DTYPE_F32, QN_DTYPE_F32, QN_DTYPE_U8, QN_DTYPE_S16}[qn_rng_range(rng, 0, 3)], 4, dims);
    qn_sample_ints(sample, QN_DTYPE_S32, 2, size);
}

const qn_op_def qn_op_resize_bilinear = {
    .name = "resize_bilinear",
    .doc = "An NHWC picture at another height and width, interpolated linearly along both.",
    .node_type = "IResizeNode",
    .min_inputs = 2,
    .max_inputs = 2,
    .outputs = 1,
    .flags = QN_OP_FITS,
    .attrs = attr_defs,
    .attrs_bytes = sizeof(qn_resize_attrs),
    .data_inputs = 1,
    .axes = {.kind = QN_AXES_NHWC},
    .values = QN_VALUES_AVERAGED,
    .extents = QN_EXTENTS_SCALED,
    .infer = infer_resize_bilinear,
    .eval = eval_resize_bilinear,
    .lower = lower_resize_bilinear,
    .sample = sample_resize,
};

const qn_op_def qn_op_resize_nearest = {
    .name = "resize_nearest",
    .doc = "An NHWC picture at another height and width, each pixel a copy of the nearest.",
    .node_type = "IResizeNode",
    .min_inputs = 2,
    .max_inputs = 2,
    .outputs = 1,
    .flags = QN_OP_FITS,
    .data_inputs = 1,
    .attrs = attr_defs,
    .attrs_bytes = sizeof(qn_resize_attrs),
    .axes = {.kind = QN_AXES_NHWC},
    .values = QN_VALUES_MOVED,
    .extents = QN_EXTENTS_SCALED,
    .infer = infer_resize_nearest,
    .eval = eval_resize_nearest,
    .lower = lower_resize_nearest,
    .sample = sample_resize,
};
