/* max_pool2d, avg_pool2d - the greatest or the mean value of each window of a picture, channel by channel:
 *
 *   out[n, y, x, c] = max or mean over (i, j) of in[n, y * SY + i - top, x * SX + j - left, c]
 *
 * in [N, H, W, C]; i, j: a window of `kernel`; SY, SX: `stride`; top, left: what `padding` puts before the picture
 * (op/geometry.h). Positions outside the picture are left out; with count_include_pad they count as 0 in means of
 * floats. The first of equal greatest ones wins. Means of floats are computed in double and rounded once.
 *
 * max_pool2d takes any numbers, avg_pool2d floats, u8 and s16. Integers stand for floats by a scale and a zero point
 * that the operator need not know: their mean is the exact sum, converted to f32, times 1 / n in f32 (n: positions
 * inside the picture), rounded half to even. */
#include "op/geometry.h"
#include "op/lower.h"
#include "op/operand.h"

#include <assert.h>
#include <math.h>

#define POOL_ATTRS                                                                                                     \
    {.name = "kernel",                                                                                                 \
     .kind = QN_ATTR_INTS,                                                                                             \
     .offset = offsetof(qn_pool2d_attrs, kernel),                                                                      \
     .low = 1,                                                                                                         \
     .high = INT32_MAX,                                                                                                \
     .count = 2,                                                                                                       \
     .fallback = NULL,                                                                                                 \
     .doc = "Size of the window: height, width."},                                                                     \
        {.name = "stride",                                                                                             \
         .kind = QN_ATTR_INTS,                                                                                         \
         .offset = offsetof(qn_pool2d_attrs, stride),                                                                  \
         .low = 1,                                                                                                     \
         .high = INT32_MAX,                                                                                            \
         .count = 2,                                                                                                   \
         .fallback = "[1, 1]",                                                                                         \
         .doc = "Step between windows: height, width."},                                                               \
        {.name = "padding",                                                                                            \
         .kind = QN_ATTR_ENUM,                                                                                         \
         .offset = offsetof(qn_pool2d_attrs, padding),                                                                 \
         .names = qn_padding_names,                                                                                    \
         .fallback = "explicit",                                                                                       \
         .doc = "How the picture is extended; positions outside never are the maximum."},                              \
    {                                                                                                                  \
        .name = "pads", .kind = QN_ATTR_INTS, .offset = offsetof(qn_pool2d_attrs, pads), .low = 0, .high = INT32_MAX,  \
        .count = 4, .fallback = "[0, 0, 0, 0]",                                                                        \
        .doc = "Top, left, bottom, right; used when padding is explicit; each less than the window."                   \
    }

static const qn_attr_def max_attr_defs[] = {POOL_ATTRS, {0}};
static const qn_attr_def avg_attr_defs[] = {
    POOL_ATTRS,
    {.name = "count_include_pad",
     .kind = QN_ATTR_BOOL,
     .offset = offsetof(qn_pool2d_attrs, count_include_pad),
     .fallback = "false",
     .doc = "Divide by the whole window rather than by its positions inside the picture."},
    {0},
};

static qn_status *infer_pool(qn_infer *infer) {
    static const char *const names[] = {"height", "width"};
    const qn_pool2d_attrs *attrs = infer->attrs;
    const qn_type *x = &infer->inputs[0];
    QN_TRY(qn_infer_expect_rank(infer, 0, 4, "x"));
    qn_window window = qn_pool2d_window(attrs);
    qn_dim dims[4] = {x->dims[0], x->dims[1], x->dims[2], x->dims[3]};
    for (int axis = 0; axis < 2; axis++) {
        for (int side = axis; attrs->padding == QN_PADDING_EXPLICIT && side < 4; side += 2)
            if (window.pads[side] >= window.kernel[axis])
                return QN_ERR(QN_INVALID_MODEL, "pads[%d] is %lld; expected less than the window's %s of %lld", side,
                              (long long)window.pads[side], names[axis], (long long)window.kernel[axis]);
        QN_TRY(qn_infer_require(infer, qn_dim_sub(infer->dims, x->dims[1 + axis], qn_infer_const(infer, 1)),
                                "x has %s 0, nothing to pool", names[axis]));
        QN_TRY(qn_window_infer(infer, &window, axis, x->dims[1 + axis], names[axis], &dims[1 + axis]));
    }
    qn_infer_set(infer, 0, x->dtype, 4, dims);
    return NULL;
}

static qn_status *infer_max_pool2d(qn_infer *infer) {
    QN_TRY(qn_infer_expect_dtypes(infer, 0, QN_DTYPES_NUMBER, "x"));
    return infer_pool(infer);
}

static qn_status *infer_avg_pool2d(qn_infer *infer) {
    const qn_pool2d_attrs *attrs = infer->attrs;
    qn_dtype dtype = infer->inputs[0].dtype;
    QN_TRY(qn_infer_expect_dtypes(infer, 0, QN_DTYPES_FLOAT | QN_DTYPES_OF(QN_DTYPE_U8) | QN_DTYPES_OF(QN_DTYPE_S16),
                                  "x"));
    if (qn_dtype_is_integer(dtype) && attrs->count_include_pad)
        return QN_ERR(QN_INVALID_MODEL, "x is %s; count_include_pad takes floats only", qn_dtype_name(dtype));
    return infer_pool(infer);
}

/* The part of a window that lies inside the picture. */
typedef struct box {
    int64_t begin[2], end[2];
} box;

static box window_box(const qn_window *window, const qn_view *x, const qn_view *out, int64_t oy, int64_t ox) {
    int64_t at[2] = {oy, ox};
    box inside;
    for (int axis = 0; axis < 2; axis++) {
        int64_t in = x->dims[1 + axis];
        int64_t start = at[axis] * window->stride[axis] - qn_window_pad_before(window, axis, in, out->dims[1 + axis]);
        inside.begin[axis] = qn_max_i64(start, 0);
        inside.end[axis] = qn_min_i64(start + window->kernel[axis], in);
    }
    return inside;
}

typedef void pool_box(const qn_pool2d_attrs *attrs, const qn_view *x, const box *inside, int64_t first,
                      const qn_view *out, int64_t index);

/* `first`: element [n, 0, 0, c] of x. The first of equals wins. */
static void max_box(const qn_pool2d_attrs *attrs, const qn_view *x, const box *inside, int64_t first,
                    const qn_view *out, int64_t index) {
    (void)attrs;
    int64_t best = -1;
    for (int64_t iy = inside->begin[0]; iy < inside->end[0]; iy++)
        for (int64_t ix = inside->begin[1]; ix < inside->end[1]; ix++) {
            int64_t source = first + (iy * x->dims[2] + ix) * x->dims[3];
            if (best < 0 || qn_view_greater(x, source, best)) best = source;
        }
    if (best >= 0) qn_view_copy(x, best, out, index, 1);
}

static void average_box(const qn_pool2d_attrs *attrs, const qn_view *x, const box *inside, int64_t first,
                        const qn_view *out, int64_t index) {
    double sum = 0;
    int64_t count = attrs->kernel.values[0] * attrs->kernel.values[1];
    if (!attrs->count_include_pad)
        count = qn_max_i64(inside->end[0] - inside->begin[0], 0) * qn_max_i64(inside->end[1] - inside->begin[1], 0);
    for (int64_t iy = inside->begin[0]; iy < inside->end[0]; iy++)
        for (int64_t ix = inside->begin[1]; ix < inside->end[1]; ix++)
            sum += qn_view_get(x, first + (iy * x->dims[2] + ix) * x->dims[3]);
    qn_view_set(out, index, count ? sum / (double)count : 0);
}

static void average_integers(const qn_pool2d_attrs *attrs, const qn_view *x, const box *inside, int64_t first,
                             const qn_view *out, int64_t index) {
    int64_t sum = 0;
    int64_t count = qn_max_i64(inside->end[0] - inside->begin[0], 0) * qn_max_i64(inside->end[1] - inside->begin[1], 0);
    (void)attrs;
    for (int64_t iy = inside->begin[0]; iy < inside->end[0]; iy++)
        for (int64_t ix = inside->begin[1]; ix < inside->end[1]; ix++)
            sum += qn_view_get_int(x, first + (iy * x->dims[2] + ix) * x->dims[3]);
    float factor = count ? 1.0f / (float)count : 0, mean = (float)sum * factor;
    qn_view_set_int(out, index, (int64_t)rintf(mean));
}

static qn_status *eval_pool(const qn_eval *eval, pool_box *pool) {
    const qn_pool2d_attrs *attrs = eval->attrs;
    const qn_view *x = &eval->inputs[0], *out = &eval->outputs[0];
    qn_window window = qn_pool2d_window(attrs);
    int64_t index = 0, picture = x->dims[1] * x->dims[2] * x->dims[3];
    assert(out->dims[0] == x->dims[0] && out->dims[3] == x->dims[3] && out->dtype == x->dtype);
    for (int64_t n = 0; n < out->dims[0]; n++)
        for (int64_t oy = 0; oy < out->dims[1]; oy++)
            for (int64_t ox = 0; ox < out->dims[2]; ox++) {
                box inside = window_box(&window, x, out, oy, ox);
                for (int64_t c = 0; c < out->dims[3]; c++, index++)
                    pool(attrs, x, &inside, n * picture + c, out, index);
            }
    return NULL;
}

static qn_status *eval_max_pool2d(const qn_eval *eval) { return eval_pool(eval, max_box); }
static qn_status *eval_avg_pool2d(const qn_eval *eval) {
    return eval_pool(eval, qn_dtype_is_float(eval->inputs[0].dtype) ? average_box : average_integers);
}

/* Kernels add in 32 bits. */
static int sums_fit(const qn_window *window, const qn_view *x) {
    int64_t most = x->dtype == QN_DTYPE_U8 ? 255 : 32768;
    int64_t rows = qn_min_i64(window->kernel[0], x->dims[1]), columns = qn_min_i64(window->kernel[1], x->dims[2]);
    return rows <= INT32_MAX / most && columns <= INT32_MAX / most / rows;
}

static int lower_pool(const qn_eval *operands, const qn_kernel_set *kernels, int average, qn_work *out_work) {
    const qn_pool2d_attrs *attrs = operands->attrs;
    const qn_view *x = &operands->inputs[0], *out = &operands->outputs[0];
    const qn_convert_kernel *half = NULL;
    int is_integer = x->dtype == QN_DTYPE_U8 || x->dtype == QN_DTYPE_S16;
    if (!is_integer && !qn_lower_storage(x->dtype, kernels, &half)) return 0;
    if (!qn_view_elems(x) || !qn_view_elems(out)) return 0;
    qn_window window = qn_pool2d_window(attrs);
    if (is_integer && average && !sums_fit(&window, x)) return 0;
    qn_pool_params params = {
        .kernel = kernels->pool_f32,
        .stored = half,
        .integers = is_integer ? kernels->pool_int : NULL,
        .integers_bytes = (int64_t)qn_dtype_size(x->dtype),
        .src = x->data,
        .dst = out->data,
        .batch = x->dims[0],
        .in_h = x->dims[1],
        .in_w = x->dims[2],
        .channels = x->dims[3],
        .out_h = out->dims[1],
        .out_w = out->dims[2],
        .kernel_h = window.kernel[0],
        .kernel_w = window.kernel[1],
        .stride_h = window.stride[0],
        .stride_w = window.stride[1],
        .pad_top = qn_window_pad_before(&window, 0, x->dims[1], out->dims[1]),
        .pad_left = qn_window_pad_before(&window, 1, x->dims[2], out->dims[2]),
        .average = average,
        .count_include_pad = average && attrs->count_include_pad,
    };
    qn_pool_work(&params, out_work);
    return 1;
}

static int lower_max_pool2d(const qn_eval *operands, const qn_kernel_set *kernels, qn_work *out_work) {
    return lower_pool(operands, kernels, 0, out_work);
}
static int lower_avg_pool2d(const qn_eval *operands, const qn_kernel_set *kernels, qn_work *out_work) {
    return lower_pool(operands, kernels, 1, out_work);
}

static void sample_pool(qn_sample *sample) {
    qn_pool2d_attrs *attrs = sample->attrs;
    qn_rng *rng = sample->rng;
    attrs->kernel.count = attrs->stride.count = 2;
    attrs->pads.count = 4;
    attrs->padding = qn_rng_range(rng, 0, QN_PADDING_VALID);
    for (int i = 0; i < 2; i++) {
        attrs->kernel.values[i] = qn_rng_range(rng, 1, 4);
        attrs->stride.values[i] = qn_rng_range(rng, 1, 3);
    }
    for (int i = 0; i < 4; i++) attrs->pads.values[i] = qn_rng_range(rng, 0, attrs->kernel.values[i % 2] - 1);
    qn_window window = qn_pool2d_window(attrs);
    int64_t dims[4] = {qn_rng_range(rng, 1, 2), qn_rng_range(rng, 1, 9), qn_rng_range(rng, 1, 9),
                       qn_rng_range(rng, 1, 35)};
    for (int i = 0; i < 2; i++)
        while (qn_window_out_size(&window, i, dims[1 + i]) < 1) dims[1 + i]++;
    qn_sample_input(
        sample, (qn_dtype[]){QN_DTYPE_F32, QN_DTYPE_F32, QN_DTYPE_U8, QN_DTYPE_S16}[qn_rng_range(rng, 0, 3)], 4, dims);
}

static void sample_avg_pool2d(qn_sample *sample) {
    sample_pool(sample);
    if (qn_dtype_is_float(sample->inputs[0].dtype))
        ((qn_pool2d_attrs *)sample->attrs)->count_include_pad = qn_rng_range(sample->rng, 0, 1);
}

const qn_op_def qn_op_max_pool2d = {
    .name = "max_pool2d",
    .doc = "The greatest value of each window of an NHWC picture, channel by channel.",
    .node_type = "IMaxPool2DNode",
    .min_inputs = 1,
    .max_inputs = 1,
    .outputs = 1,
    .attrs = max_attr_defs,
    .attrs_bytes = sizeof(qn_pool2d_attrs),
    .axes = {.kind = QN_AXES_NHWC},
    .values = QN_VALUES_PICKED,
    .infer = infer_max_pool2d,
    .eval = eval_max_pool2d,
    .lower = lower_max_pool2d,
    .sample = sample_pool,
};

/* Positions outside the picture count as 0 where they count. */
static qn_interval bounds_avg_pool2d(const qn_bounds *of) {
    if (!((const qn_pool2d_attrs *)of->attrs)->count_include_pad) return of->inputs[0];
    return qn_interval_join(of->inputs[0], (qn_interval){0, 0});
}

const qn_op_def qn_op_avg_pool2d = {
    .name = "avg_pool2d",
    .doc = "The mean of each window of an NHWC picture, channel by channel.",
    .node_type = "IAvgPool2DNode",
    .min_inputs = 1,
    .max_inputs = 1,
    .outputs = 1,
    .attrs = avg_attr_defs,
    .attrs_bytes = sizeof(qn_pool2d_attrs),
    .axes = {.kind = QN_AXES_NHWC},
    .values = QN_VALUES_AVERAGED,
    .bounds = bounds_avg_pool2d,
    .infer = infer_avg_pool2d,
    .eval = eval_avg_pool2d,
    .lower = lower_avg_pool2d,
    .sample = sample_avg_pool2d,
};
