/* cast - x in the type that `dtype` names:
 *
 *   out[i] = x[i], which to bool is whether it is not 0, and to another type:
 *     float to float       rounded to nearest, halves to the even one
 *     float to integer     cut towards zero; beyond the type's ends, the end; NaN is 0
 *     integer to float     rounded once
 *     integer to integer   the low bits, so that it wraps
 *
 * Example: to u8, the float 300.7 gives 255 and the s32 300 gives 44. */
#include "op/lower.h"
#include "op/op.h"
#include "op/rules.h"

#include <math.h>

static const qn_attr_def attrs[] = {
    {.name = "dtype",
     .kind = QN_ATTR_DTYPE,
     .offset = offsetof(qn_cast_attrs, dtype),
     .doc = "element type of the result"},
    {.name = NULL},
};

/* Integers keep their value, or give way to an expression that is 0 only where the value is. */
static qn_status *infer_contents(qn_infer *infer, qn_dtype dtype) {
    const qn_dim *known = infer->contents[0];
    if (!known || qn_dtype_is_float(dtype)) return NULL;
    qn_dim *contents;
    int64_t count = qn_infer_const_elems(infer, 0);
    QN_TRY(qn_infer_new_contents(infer, count, &contents));
    for (int64_t i = 0; contents && i < count; i++) {
        qn_dim is_zero = qn_dim_eq(infer->dims, known[i], qn_infer_const(infer, 0));
        contents[i] = dtype == QN_DTYPE_BOOL ? qn_dim_not(infer->dims, is_zero) : known[i];
    }
    return qn_infer_set_contents(infer, 0, dtype, count, contents);
}

static qn_status *infer_cast(qn_infer *infer) {
    const qn_cast_attrs *a = infer->attrs;
    const qn_type *x = &infer->inputs[0];
    qn_dtype dtype = (qn_dtype)a->dtype;
    QN_TRY(qn_infer_expect_dtypes(infer, 0, QN_DTYPES_ANY, "x"));
    qn_infer_set(infer, 0, dtype, x->rank, x->dims);
    return infer_contents(infer, dtype);
}

typedef struct limits {
    double low, high;    /* the type reaches from low, inclusive, to high, exclusive; doubles hold both exactly */
    int64_t first, last; /* what lies outside becomes */
} limits;

static limits limits_of(qn_dtype dtype) {
    switch (dtype) {
    case QN_DTYPE_S8: return (limits){-128, 128, INT8_MIN, INT8_MAX};
    case QN_DTYPE_U8: return (limits){0, 256, 0, UINT8_MAX};
    case QN_DTYPE_S16: return (limits){-32768, 32768, INT16_MIN, INT16_MAX};
    case QN_DTYPE_U16: return (limits){0, 65536, 0, UINT16_MAX};
    case QN_DTYPE_S32: return (limits){-0x1p31, 0x1p31, INT32_MIN, INT32_MAX};
    case QN_DTYPE_U32: return (limits){0, 0x1p32, 0, UINT32_MAX};
    case QN_DTYPE_U64: return (limits){0, 0x1p64, 0, -1}; /* -1 has the bits of the greatest u64 */
    default: return (limits){-0x1p63, 0x1p63, INT64_MIN, INT64_MAX};
    }
}

static int64_t saturate(double value, const limits *to) {
    if (value != value) return 0;
    if (value < to->low) return to->first;
    if (value >= to->high) return to->last;
    return value >= 0x1p63 ? (int64_t)(uint64_t)value : (int64_t)value;
}

/* Integer to float rounds once: not through double, which may round s64 and u64 before. */
static void set_from_int(const qn_view *y, int64_t i, int64_t value, int is_u64) {
    if (is_u64 && y->dtype == QN_DTYPE_F32)
        ((float *)y->data)[i] = (float)(uint64_t)value;
    else if (is_u64 && qn_dtype_is_float(y->dtype))
        qn_view_set(y, i, (double)(uint64_t)value);
    else
        qn_view_set_int(y, i, value);
}

static qn_status *eval_cast(const qn_eval *eval) {
    const qn_view *x = &eval->inputs[0], *y = &eval->outputs[0];
    int64_t elems = qn_view_elems(y);
    int from_float = qn_dtype_is_float(x->dtype), to_integer = qn_dtype_is_integer(y->dtype);
    limits to = limits_of(y->dtype);
    for (int64_t i = 0; i < elems; i++) {
        if (from_float && to_integer)
            qn_view_set_int(y, i, saturate(qn_view_get(x, i), &to));
        else if (from_float)
            qn_view_set(y, i, qn_view_get(x, i));
        else
            set_from_int(y, i, qn_view_get_int(x, i), x->dtype == QN_DTYPE_U64);
    }
    return NULL;
}

/* Between the two float types that kernels know. */
static int lower_width(const qn_view *x, const qn_view *y, const qn_kernel_set *kernels, qn_work *out_work) {
    const int to_half = y->dtype == QN_DTYPE_F16;
    if (!kernels->convert_f16 || x->dtype != (to_half ? QN_DTYPE_F32 : QN_DTYPE_F16)) return 0;
    const qn_convert_f16_params params = {
        .kernel = kernels->convert_f16, .src = x->data, .dst = y->data, .elems = qn_view_elems(y), .to_half = to_half};
    qn_convert_f16_work(&params, out_work);
    return 1;
}

static int lower_cast(const qn_eval *eval, const qn_kernel_set *kernels, qn_work *out_work) {
    const qn_view *x = &eval->inputs[0], *y = &eval->outputs[0];
    const qn_convert_f16_kernel *half;
    if (!qn_lower_storage(y->dtype, kernels, &half)) return 0;
    if (x->dtype != QN_DTYPE_U8) return lower_width(x, y, kernels, out_work);
    if (!kernels->elementwise) return 0;
    int64_t elems = qn_view_elems(y);
    qn_elementwise_params params = {.kernel = kernels->elementwise,
                                    .half = half,
                                    .code = QN_EW_U8_TO_F32,
                                    .a = x->data,
                                    .dst = y->data,
                                    .elems = elems,
                                    .a_period = elems,
                                    .b_period = elems};
    qn_elementwise_work(&params, out_work);
    return 1;
}

/* Integers of more bits may round otherwise than a double that they were rounded to. */
static int is_exact(double end) { return isinf(end) || fabs(end) <= 0x1p52; }

/* An end of the range of x as the type of the result stores it; an infinite end stays infinite. */
static double convert_end(const qn_bounds *of, double end) {
    const limits to = limits_of(of->dtype);
    uint64_t cell = 0;
    const qn_view y = {.dtype = of->dtype, .data = &cell};
    if (isinf(end)) return end;
    if (qn_dtype_is_float(of->dtype))
        qn_view_set(&y, 0, end);
    else
        qn_view_set_int(&y, 0, saturate(end, &to));
    return qn_view_get(&y, 0);
}

static qn_interval bounds_of_truth(qn_interval x) {
    if (x.low == 0 && x.high == 0) return x;
    return (qn_interval){x.low > 0 || x.high < 0, 1};
}

/* Floats keep their order, whether they are rounded or cut. Integers keep their value where both types have it; where
   not all have, they wrap. */
static qn_interval bounds_cast(const qn_bounds *of) {
    const qn_interval x = of->inputs[0];
    const qn_dtype from = of->dtypes[0], to = of->dtype;
    if (to == QN_DTYPE_BOOL) return bounds_of_truth(x);
    if (!qn_dtype_is_float(from) && !(is_exact(x.low) && is_exact(x.high))) return qn_bounds_unknown();
    if (qn_dtype_is_float(from) || qn_dtype_is_float(to) || from == QN_DTYPE_BOOL)
        return (qn_interval){convert_end(of, x.low), convert_end(of, x.high)};
    const int is_wider =
        qn_dtype_size(to) > qn_dtype_size(from) && (qn_dtype_is_signed(to) || !qn_dtype_is_signed(from));
    return is_wider || to == from ? x : qn_bounds_unwrapped(of, x);
}

static void sample_cast(qn_sample *sample) {
    int64_t dims[QN_MAX_RANK];
    int rank = qn_sample_shape(sample, 0, 4, dims);
    sample->low = -300.0f;
    sample->high = 300.0f;
    int is_pixels = !qn_rng_range(sample->rng, 0, 3);
    ((qn_cast_attrs *)sample->attrs)->dtype = qn_sample_dtype(sample, QN_DTYPES_ANY);
    qn_sample_input(sample, is_pixels ? QN_DTYPE_U8 : qn_sample_dtype(sample, QN_DTYPES_ANY), rank, dims);
}

const qn_op_def qn_op_cast = {
    .name = "cast",
    .doc = "x in another type: float to integer goes towards zero and stops at the ends (NaN gives 0), integers wrap",
    .min_inputs = 1,
    .max_inputs = 1,
    .outputs = 1,
    .flags = QN_OP_ELEMENTWISE | QN_OP_MAY_ALIAS | QN_OP_SETS_DTYPE,
    .dtype_offset = offsetof(qn_cast_attrs, dtype),
    .attrs = attrs,
    .attrs_bytes = sizeof(qn_cast_attrs),
    .axes = {.kind = QN_AXES_KEPT},
    .values = QN_VALUES_ROUNDED,
    .bounds = bounds_cast,
    .infer = infer_cast,
    .eval = eval_cast,
    .lower = lower_cast,
    .sample = sample_cast,
};
