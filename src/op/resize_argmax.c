/* resize_argmax - the winning channel of a resized picture, without the resized values ever being stored, or rounded:
 *
 *   out[n, y, x] = the first c for which resize_bilinear(in)[n, y, x, c] is greatest
 *
 * in [N, H, W, C]: floats, u8, s16, of which integers count as the floats of the same value; input 1 and the attributes
 * are those of resize_bilinear, computed in f32. Labels have the type that `dtype` names. */
#include "op/geometry.h"
#include "op/lower.h"
#include "op/operand.h"

static const qn_attr_def attr_defs[] = {
    {.name = "align_corners",
     .kind = QN_ATTR_BOOL,
     .offset = offsetof(qn_resize_argmax_attrs, align_corners),
     .fallback = "false",
     .doc = "As in resize_bilinear."},
    {.name = "half_pixel_centers",
     .kind = QN_ATTR_BOOL,
     .offset = offsetof(qn_resize_argmax_attrs, half_pixel_centers),
     .fallback = "false",
     .doc = "As in resize_bilinear."},
    {.name = "dtype",
     .kind = QN_ATTR_DTYPE,
     .offset = offsetof(qn_resize_argmax_attrs, dtype),
     .fallback = "s64",
     .doc = "Type of the labels: an integer or f32."},
    {0},
};

static qn_status *infer_resize_argmax(qn_infer *infer) {
    const qn_resize_argmax_attrs *attrs = infer->attrs;
    QN_TRY(qn_infer_expect_dtypes(infer, 0, QN_DTYPES_FLOAT | QN_DTYPES_OF(QN_DTYPE_U8) | QN_DTYPES_OF(QN_DTYPE_S16),
                                  "x"));
    QN_TRY(qn_label_dtype_check(attrs->dtype));
    qn_dim dims[4];
    QN_TRY(qn_resize_infer(infer, attrs->align_corners, attrs->half_pixel_centers, dims));
    QN_TRY(qn_infer_require(infer, qn_dim_sub(infer->dims, dims[3], qn_infer_const(infer, 1)),
                            "x has no channels to choose from"));
    qn_infer_set(infer, 0, (qn_dtype)attrs->dtype, 3, dims);
    return NULL;
}

/* The four pixels around one output position: first elements in x, and the weights between them. */
typedef struct corners {
    int64_t top_left, top_right, bottom_left, bottom_right;
    float fraction_x, fraction_y;
    int copy; /* x and the output have one size */
} corners;

static float interpolate(const qn_view *x, const corners *at, int64_t c) {
    float top_left = (float)qn_view_get(x, at->top_left + c);
    if (at->copy) return top_left;
    float top_right = (float)qn_view_get(x, at->top_right + c);
    float bottom_left = (float)qn_view_get(x, at->bottom_left + c);
    float bottom_right = (float)qn_view_get(x, at->bottom_right + c);
    float top = top_left + (top_right - top_left) * at->fraction_x;
    float bottom = bottom_left + (bottom_right - bottom_left) * at->fraction_x;
    return top + (bottom - top) * at->fraction_y;
}

static int64_t best_channel(const qn_view *x, const corners *at) {
    int64_t best = 0;
    float greatest = interpolate(x, at, 0);
    for (int64_t c = 1; c < x->dims[3]; c++) {
        float value = interpolate(x, at, c);
        if (value > greatest) {
            greatest = value;
            best = c;
        }
    }
    return best;
}

static qn_status *eval_resize_argmax(const qn_eval *eval) {
    const qn_resize_argmax_attrs *attrs = eval->attrs;
    const qn_view *x = &eval->inputs[0], *out = &eval->outputs[0];
    qn_resize_axis height =
        qn_resize_axis_make(x->dims[1], out->dims[1], attrs->align_corners, attrs->half_pixel_centers);
    qn_resize_axis width =
        qn_resize_axis_make(x->dims[2], out->dims[2], attrs->align_corners, attrs->half_pixel_centers);
    int64_t index = 0, channels = x->dims[3], row = x->dims[2] * channels, picture = x->dims[1] * row;
    for (int64_t n = 0; n < out->dims[0]; n++)
        for (int64_t oy = 0; oy < out->dims[1]; oy++) {
            qn_resize_point y = qn_resize_axis_linear(&height, oy);
            int64_t upper = n * picture + y.lower * row, lower = n * picture + y.upper * row;
            for (int64_t ox = 0; ox < out->dims[2]; ox++, index++) {
                qn_resize_point point = qn_resize_axis_linear(&width, ox);
                corners at = {
                    .top_left = upper + point.lower * channels,
                    .top_right = upper + point.upper * channels,
                    .bottom_left = lower + point.lower * channels,
                    .bottom_right = lower + point.upper * channels,
                    .fraction_x = point.fraction,
                    .fraction_y = y.fraction,
                    .copy = height.in == height.out && width.in == width.out,
                };
                qn_view_set_int(out, index, best_channel(x, &at));
            }
        }
    return NULL;
}

static int lower_resize_argmax(const qn_eval *operands, const qn_kernel_set *kernels, qn_work *out_work) {
    const qn_resize_argmax_attrs *attrs = operands->attrs;
    const qn_view *x = &operands->inputs[0], *out = &operands->outputs[0];
    int label_bytes = qn_label_bytes(out->dtype);
    const qn_convert_kernel *stored;
    if (!qn_lower_stored(x->dtype, kernels, &stored) || !label_bytes || !qn_view_elems(x) || !qn_view_elems(out))
        return 0;
    if (x->dims[1] == out->dims[1] && x->dims[2] == out->dims[2]) { /* nothing to interpolate */
        qn_argmax_f32_params plain = {
            .kernel = kernels->argmax_f32,
            .stored = stored,
            .src = x->data,
            .dst = out->data,
            .rows = qn_view_elems(out),
            .channels = x->dims[3],
            .label_bytes = label_bytes,
            .label_float = out->dtype == QN_DTYPE_F32,
        };
        qn_argmax_f32_work(&plain, out_work);
        return 1;
    }
    qn_resize_f32_params params = {
        .kernel = kernels->resize_f32,
        .stored = stored,
        .argmax = kernels->argmax_f32,
        .src = x->data,
        .dst = out->data,
        .label_bytes = label_bytes,
        .label_float = out->dtype == QN_DTYPE_F32,
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

static void sample_resize_argmax(qn_sample *sample) {
    static const qn_dtype dtypes[] = {QN_DTYPE_U8, QN_DTYPE_S32, QN_DTYPE_S64, QN_DTYPE_F32, QN_DTYPE_S16};
    qn_resize_argmax_attrs *attrs = sample->attrs;
    qn_rng *rng = sample->rng;
    int64_t mode = qn_rng_range(rng, 0, 2);
    attrs->align_corners = mode == 1;
    attrs->half_pixel_centers = mode == 2;
    attrs->dtype = dtypes[qn_rng_range(rng, 0, 4)];
    qn_sample_input(sample,
                    (qn_dtype[]){QN_DTYPE_F32, QN_DTYPE_F32, QN_DTYPE_U8, QN_DTYPE_S16}[qn_rng_range(rng, 0, 3)], 4,
                    (int64_t[]){qn_rng_range(rng, 1, 2), qn_rng_range(rng, 1, 9), qn_rng_range(rng, 1, 9),
                                qn_rng_range(rng, 1, 25)});
    qn_sample_ints(sample, QN_DTYPE_S32, 2, (int64_t[]){qn_rng_range(rng, 1, 20), qn_rng_range(rng, 1, 20)});
}

const qn_op_def qn_op_resize_argmax = {
    .name = "resize_argmax",
    .doc = "The channel that is greatest after a bilinear resize of an NHWC picture; the first of equals.",
    .min_inputs = 2,
    .max_inputs = 2,
    .outputs = 1,
    .attrs = attr_defs,
    .dtype_offset = offsetof(qn_resize_argmax_attrs, dtype),
    .attrs_bytes = sizeof(qn_resize_argmax_attrs),
    .data_inputs = 1,
    .axes = {.kind = QN_AXES_NHWC},
    .values = QN_VALUES_LABELS,
    .infer = infer_resize_argmax,
    .eval = eval_resize_argmax,
    .lower = lower_resize_argmax,
    .sample = sample_resize_argmax,
};
