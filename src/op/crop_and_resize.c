/* crop_and_resize - boxes of pictures brought to one size, with TensorFlow's coordinates and roundings:
 *
 *   out[b, y, x, c] = image[box_index[b], Y, X, c], interpolated; `extrapolation` where Y or X is outside the picture
 *   Y = y1 * (H - 1) + y * (y2 - y1) * (H - 1) / (OH - 1), or halfway from y1 to y2 where OH is 1; X likewise
 *
 * boxes[b] is {y1, x1, y2, x2}, where 0 and 1 are the centres of the first and the last pixel; crop_size is {OH, OW}.
 * `method` bilinear interpolates between four pixels, nearest takes the one that Y and X round to (halves away from 0).
 * image: any numbers; the result is f32. Example: y1 = 0.25, y2 = 0.75 of 5 rows at OH = 3 are rows 1, 2 and 3. */
#include "op/operand.h"

#include <assert.h>

enum { IMAGE = 0, BOXES = 1, BOX_INDEX = 2, CROP_SIZE = 3 };
enum { BILINEAR = 0, NEAREST = 1 };

static const char *const method_names[] = {"bilinear", "nearest", NULL};

static const qn_attr_def attr_defs[] = {
    {.name = "method",
     .kind = QN_ATTR_ENUM,
     .offset = offsetof(qn_crop_and_resize_attrs, method),
     .names = method_names,
     .fallback = "bilinear",
     .doc = "How values between pixels are found."},
    {.name = "extrapolation",
     .kind = QN_ATTR_FLOAT,
     .offset = offsetof(qn_crop_and_resize_attrs, extrapolation),
     .fallback = "0",
     .doc = "The value outside the picture."},
    {0},
};

static qn_status *infer_crop_and_resize(qn_infer *infer) {
    const qn_type *image = &infer->inputs[IMAGE], *boxes = &infer->inputs[BOXES];
    QN_TRY(qn_infer_expect_rank(infer, IMAGE, 4, "image"));
    QN_TRY(qn_infer_expect_dtypes(infer, IMAGE, QN_DTYPES_NUMBER, "image"));
    QN_TRY(qn_infer_expect_rank(infer, BOXES, 2, "boxes"));
    QN_TRY(qn_infer_expect_dtypes(infer, BOXES, QN_DTYPES_OF(QN_DTYPE_F32), "boxes"));
    QN_TRY(
        qn_infer_expect_dim(infer, BOXES, 1, qn_infer_const(infer, 4), "boxes", "columns", "expected y1, x1, y2, x2:"));
    QN_TRY(qn_infer_expect_rank(infer, BOX_INDEX, 1, "box_index"));
    QN_TRY(qn_infer_expect_dtypes(infer, BOX_INDEX, QN_DTYPES_INDEX, "box_index"));
    QN_TRY(qn_infer_expect_dim(infer, BOX_INDEX, 0, boxes->dims[0], "box_index", "elements", "boxes has rows:"));
    QN_TRY(qn_infer_expect_rank(infer, CROP_SIZE, 1, "crop_size"));
    int64_t count = 2;
    const qn_dim *size;
    QN_TRY(qn_infer_control(infer, CROP_SIZE, "crop_size", &count, &size));
    if (!size)
        return QN_ERR(QN_UNSUPPORTED,
                      "crop_size depends on data that is known only while running; give it as a constant "
                      "or compute it from shapes");
    qn_dim one = qn_infer_const(infer, 1);
    for (int i = 0; i < 2; i++) {
        const char *name = i ? "width" : "height";
        QN_TRY(qn_infer_require(infer, qn_dim_sub(infer->dims, image->dims[1 + i], one), "image has %s 0", name));
        QN_TRY(qn_infer_require(infer, qn_dim_sub(infer->dims, size[i], one), "the %s of a crop must be at least 1",
                                name));
    }
    qn_infer_set(infer, 0, QN_DTYPE_F32, 4, (qn_dim[]){boxes->dims[0], size[0], size[1], image->dims[3]});
    return NULL;
}

/* Where position `at` of a crop of `size` lies on an axis of `length` pixels, from `from` to `to` (0 and 1 being the
   centres of the first and last pixel). */
static float position_on(float from, float to, int64_t length, int64_t size, int64_t at) {
    float last = (float)(length - 1);
    if (size <= 1) return (float)(0.5 * (double)(from + to) * (double)last);
    float step = (to - from) * last / (float)(size - 1);
    return from * last + (float)at * step;
}

/* A float position as an index; in pictures beyond 2^24 pixels rounding could otherwise leave the axis. */
static int64_t pixel(float position, int64_t length) { return qn_min_i64((int64_t)position, length - 1); }

/* The value of channel `c` of picture `n` at (y, x), which lies inside. */
static float value_at(const qn_view *image, int64_t method, int64_t n, float y, float x, int64_t c) {
    int64_t height = image->dims[1], width = image->dims[2], channels = image->dims[3], first = n * height;
    if (method == NEAREST)
        return (float)qn_view_get(
            image, ((first + pixel(roundf(y), height)) * width + pixel(roundf(x), width)) * channels + c);
    assert(y >= 0 && x >= 0);
    int64_t top = first + pixel(floorf(y), height), bottom = first + pixel(ceilf(y), height);
    int64_t left = pixel(floorf(x), width), right = pixel(ceilf(x), width);
    float fraction_y = y - floorf(y), fraction_x = x - floorf(x);
    float top_left = (float)qn_view_get(image, (top * width + left) * channels + c);
    float top_right = (float)qn_view_get(image, (top * width + right) * channels + c);
    float bottom_left = (float)qn_view_get(image, (bottom * width + left) * channels + c);
    float bottom_right = (float)qn_view_get(image, (bottom * width + right) * channels + c);
    float above = top_left + (top_right - top_left) * fraction_x;
    float below = bottom_left + (bottom_right - bottom_left) * fraction_x;
    return above + (below - above) * fraction_y;
}

static qn_status *eval_crop_and_resize(const qn_eval *eval) {
    const qn_crop_and_resize_attrs *attrs = eval->attrs;
    const qn_view *image = &eval->inputs[IMAGE], *out = &eval->outputs[0];
    const float *box = eval->inputs[BOXES].data;
    int64_t index = 0, height = image->dims[1], width = image->dims[2];
    for (int64_t b = 0; b < out->dims[0]; b++, box += 4) {
        int64_t n = qn_view_get_int(&eval->inputs[BOX_INDEX], b);
        if (n < 0 || n >= image->dims[0])
            return QN_ERR(QN_INVALID_ARGUMENT, "box_index[%lld] is %lld, but image holds %lld pictures", (long long)b,
                          (long long)n, (long long)image->dims[0]);
        for (int64_t oy = 0; oy < out->dims[1]; oy++) {
            float y = position_on(box[0], box[2], height, out->dims[1], oy);
            for (int64_t ox = 0; ox < out->dims[2]; ox++) {
                float x = position_on(box[1], box[3], width, out->dims[2], ox);
                int inside = y >= 0 && y <= (float)(height - 1) && x >= 0 && x <= (float)(width - 1); /* no NaN is */
                for (int64_t c = 0; c < out->dims[3]; c++, index++)
                    qn_view_set(out, index,
                                (double)(inside ? value_at(image, attrs->method, n, y, x, c) : attrs->extrapolation));
            }
        }
    }
    return NULL;
}

static void sample_crop_and_resize(qn_sample *sample) {
    qn_crop_and_resize_attrs *attrs = sample->attrs;
    qn_rng *rng = sample->rng;
    int64_t pictures = qn_rng_range(rng, 1, 3), boxes = qn_rng_range(rng, 0, 5), index[5];
    attrs->method = qn_rng_range(rng, BILINEAR, NEAREST);
    attrs->extrapolation = qn_rng_float(rng, -1.0f, 1.0f);
    for (int i = 0; i < 5; i++) index[i] = qn_rng_range(rng, 0, pictures - 1);
    qn_sample_input(sample, QN_DTYPE_F32, 4,
                    (int64_t[]){pictures, qn_rng_range(rng, 1, 9), qn_rng_range(rng, 1, 9), qn_rng_range(rng, 1, 4)});
    qn_sample_input(sample, QN_DTYPE_F32, 2, (int64_t[]){boxes, 4});
    qn_sample_ints(sample, QN_DTYPE_S32, (int)boxes, index);
    qn_sample_ints(sample, QN_DTYPE_S32, 2, (int64_t[]){qn_rng_range(rng, 1, 6), qn_rng_range(rng, 1, 6)});
}

const qn_op_def qn_op_crop_and_resize = {
    .name = "crop_and_resize",
    .doc = "Boxes [n,4] (in units of the picture) cut out of NHWC pictures and brought to one size, as f32.",
    .min_inputs = 4,
    .max_inputs = 4,
    .outputs = 1,
    .attrs = attr_defs,
    .attrs_bytes = sizeof(qn_crop_and_resize_attrs),
    .infer = infer_crop_and_resize,
    .eval = eval_crop_and_resize,
    .sample = sample_crop_and_resize,
};
