/* dequantize - integers that stand for the range [min, max] as f32, in TensorFlow's arithmetic, operation by operation:
 *
 *   out[i] = (x[i] + shift) * scale + offset
 *
 * `mode` says how integers [lowest, highest] map to the range:
 *   min_combined   lowest stands for min and highest for max (signed integers are shifted by half of their span first)
 *   min_first      the same, with min moved to a whole number of steps from 0
 *   scaled         offset 0; the scale is max / highest, of signed integers at least min / lowest
 *
 * narrow_range (scaled only) leaves out lowest. x: u8, s8, u16, s16, s32. min and max have one element, or one for each
 * index of `axis`. Example: u8 in min_combined with [-1, 1] has steps of 2 / 255, and 255 gives -1 + 255 * 2 / 255 = 1.
 */
#include "op/grid.h"
#include "op/operand.h"

enum { X = 0, MIN = 1, MAX = 2 };

static const char *const mode_names[] = {"min_combined", "min_first", "scaled", NULL};

static const qn_attr_def attr_defs[] = {
    {.name = "mode",
     .kind = QN_ATTR_ENUM,
     .offset = offsetof(qn_dequantize_attrs, mode),
     .names = mode_names,
     .fallback = "min_combined",
     .doc = "How integers map to the range."},
    {.name = "narrow_range",
     .kind = QN_ATTR_BOOL,
     .offset = offsetof(qn_dequantize_attrs, narrow_range),
     .fallback = "false",
     .doc = "The lowest integer is not used; scaled only."},
    {.name = "axis",
     .kind = QN_ATTR_INT,
     .offset = offsetof(qn_dequantize_attrs, axis),
     .low = -1,
     .high = QN_MAX_RANK - 1,
     .fallback = "-1",
     .doc = "The axis along which min and max differ, or -1: one range for all."},
    {0},
};

static qn_status *infer_range(qn_infer *infer, int input, const char *name) {
    const qn_dequantize_attrs *attrs = infer->attrs;
    QN_TRY(qn_infer_expect_dtypes(infer, input, QN_DTYPES_OF(QN_DTYPE_F32), name));
    if (attrs->axis < 0) {
        if (qn_infer_const_elems(infer, input) == 1) return NULL;
        return QN_ERR(QN_INVALID_MODEL, "%s has shape %s; expected one element, as axis is -1", name,
                      qn_infer_dims_text(infer, infer->inputs[input].rank, infer->inputs[input].dims));
    }
    QN_TRY(qn_infer_expect_rank(infer, input, 1, name));
    return qn_infer_expect_dim(infer, input, 0, infer->inputs[X].dims[attrs->axis], name, "elements",
                               "the quantised axis has");
}

static qn_status *infer_dequantize(qn_infer *infer) {
    const qn_dequantize_attrs *attrs = infer->attrs;
    const qn_type *x = &infer->inputs[X];
    QN_TRY(qn_infer_expect_dtypes(infer, X,
                                  QN_DTYPES_OF(QN_DTYPE_U8) | QN_DTYPES_OF(QN_DTYPE_S8) | QN_DTYPES_OF(QN_DTYPE_U16) |
                                      QN_DTYPES_OF(QN_DTYPE_S16) | QN_DTYPES_OF(QN_DTYPE_S32),
                                  "x"));
    if (attrs->axis >= x->rank)
        return QN_ERR(QN_INVALID_MODEL, "axis is %lld, but x has rank %d", (long long)attrs->axis, x->rank);
    if (attrs->axis >= 0 && attrs->mode == QN_DEQUANTIZE_MIN_FIRST)
        return QN_ERR(QN_UNSUPPORTED, "mode min_first has one range for all elements; expected axis -1, found %lld",
                      (long long)attrs->axis);
    QN_TRY(infer_range(infer, MIN, "min"));
    QN_TRY(infer_range(infer, MAX, "max"));
    qn_infer_set(infer, 0, QN_DTYPE_F32, x->rank, x->dims);
    return NULL;
}

/* value = (x + shift) * scale + offset. */
typedef struct decoder {
    float shift, scale, offset;
} decoder;

static decoder make_decoder(const qn_dequantize_attrs *attrs, qn_dtype dtype, float min, float max) {
    int bits = 8 * (int)qn_dtype_size(dtype), is_signed = qn_dtype_is_signed(dtype);
    int64_t lowest = is_signed ? -((int64_t)1 << (bits - 1)) : 0, highest = lowest + ((int64_t)1 << bits) - 1;
    float span = (float)highest - (float)lowest;
    switch (attrs->mode) {
    case QN_DEQUANTIZE_MIN_COMBINED: return (decoder){is_signed ? (span + 1.0f) / 2.0f : 0.0f, (max - min) / span, min};
    case QN_DEQUANTIZE_MIN_FIRST: {
        float step = (float)((double)(max - min) / ((double)((int64_t)1 << bits) - 1.0));
        /* The minimum moves to a whole number of steps from 0, so that 0 has an exact code. */
        float start = max == min ? min : roundf(min / step) * step;
        return (decoder){0.0f, step, start - (float)lowest * step};
    }
    default: {
        if (!is_signed) return (decoder){0.0f, max / (float)highest, 0.0f};
        float below = min / (float)(lowest + (attrs->narrow_range ? 1 : 0)), above = max / (float)highest;
        return (decoder){0.0f, below < above ? above : below, 0.0f};
    }
    }
}

static int is_plain_grid(const void *attrs, int rank) {
    const int64_t axis = ((const qn_dequantize_attrs *)attrs)->axis;
    return axis < 0 || axis == rank - 1;
}

/* Where zero is no integer the nearest stands for it. */
static int find_grid(const void *attrs, qn_dtype dtype, float min, float max, qn_grid *out) {
    if (dtype != QN_DTYPE_U8 && dtype != QN_DTYPE_S8) return 0;
    if (!isfinite(min) || !isfinite(max) || !(min < max)) return 0;
    const decoder with = make_decoder(attrs, dtype, min, max);
    const int32_t lowest = dtype == QN_DTYPE_S8 ? -128 : 0, highest = lowest + 255;
    const float zero = rintf(-with.offset / with.scale - with.shift);
    *out = (qn_grid){.scale = with.scale,
                     .zero_point = zero < (float)lowest    ? lowest
                                   : zero > (float)highest ? highest
                                                           : (int32_t)zero,
                     .lowest = lowest,
                     .highest = highest};
    out->low = (float)(lowest - out->zero_point) * out->scale;
    out->high = (float)(highest - out->zero_point) * out->scale;
    return isnormal(out->scale) && out->scale > 0 && isfinite(out->high - out->low);
}

static qn_status *eval_dequantize(const qn_eval *eval) {
    const qn_dequantize_attrs *attrs = eval->attrs;
    const qn_view *x = &eval->inputs[X], *out = &eval->outputs[0];
    int64_t strides[QN_MAX_RANK], elems = qn_view_elems(x), channels = 1, inner = 1;
    qn_view_strides(x, strides);
    if (attrs->axis >= 0) {
        channels = x->dims[attrs->axis];
        inner = strides[attrs->axis];
    }
    decoder with = {0};
    for (int64_t i = 0; i < elems; i++) {
        int64_t channel = i / inner % channels;
        if (attrs->axis >= 0 ? i % inner == 0 : i == 0)
            with = make_decoder(attrs, x->dtype, (float)qn_view_get(&eval->inputs[MIN], channel),
                                (float)qn_view_get(&eval->inputs[MAX], channel));
        float shifted = (float)qn_view_get_int(x, i) + with.shift;
        float scaled = shifted * with.scale;
        qn_view_set(out, i, (double)(scaled + with.offset));
    }
    return NULL;
}

static void sample_dequantize(qn_sample *sample) {
    static const qn_dtype dtypes[] = {QN_DTYPE_U8, QN_DTYPE_S8, QN_DTYPE_U16, QN_DTYPE_S16, QN_DTYPE_S32};
    qn_dequantize_attrs *attrs = sample->attrs;
    qn_rng *rng = sample->rng;
    int64_t dims[3] = {qn_rng_range(rng, 1, 5), qn_rng_range(rng, 1, 5), qn_rng_range(rng, 1, 5)};
    attrs->mode = qn_rng_range(rng, 0, QN_DEQUANTIZE_SCALED);
    attrs->narrow_range = qn_rng_range(rng, 0, 1);
    attrs->axis = attrs->mode == QN_DEQUANTIZE_MIN_FIRST ? -1 : qn_rng_range(rng, -1, 2);
    qn_sample_input(sample, dtypes[qn_rng_range(rng, 0, 4)], 3, dims);
    for (int side = 0; side < 2; side++) {
        int64_t count = attrs->axis < 0 ? 1 : dims[attrs->axis];
        int input = qn_sample_input(sample, QN_DTYPE_F32, attrs->axis >= 0, &count);
        float *values = QN_ARENA_ARRAY(sample->arena, float, (size_t)count);
        for (int64_t i = 0; values && i < count; i++)
            values[i] = side ? qn_rng_float(rng, 0.1f, 3.0f) : qn_rng_float(rng, -3.0f, 0.0f);
        sample->inputs[input].data = values;
    }
}

static const qn_grid_card grid_card = {.low = MIN, .high = MAX, .is_plain = is_plain_grid, .find = find_grid};

const qn_op_def qn_op_dequantize = {
    .name = "dequantize",
    .doc = "Integers that stand for the range [min, max] as f32; min and max for all or along an axis.",
    .min_inputs = 3,
    .max_inputs = 3,
    .outputs = 1,
    .attrs = attr_defs,
    .attrs_bytes = sizeof(qn_dequantize_attrs),
    .data_inputs = 1,
    .axes = {.kind = QN_AXES_KEPT, .attr = "axis"},
    .values = QN_VALUES_CODED,
    .grid = &grid_card,
    .infer = infer_dequantize,
    .eval = eval_dequantize,
    .sample = sample_dequantize,
};
