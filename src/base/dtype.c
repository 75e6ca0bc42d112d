#include "base/dtype.h"

#include <assert.h>
#include <math.h>
#include <string.h>

/* One row per dtype, in the order of qn_dtype. */
static const struct {
    const char *name;
    uint8_t size, is_float, is_integer, is_signed;
} dtypes[QN_DTYPE_COUNT] = {
    [QN_DTYPE_NONE] = {"none", 0, 0, 0, 0},     [QN_DTYPE_F32] = {"f32", 4, 1, 0, 1},
    [QN_DTYPE_F64] = {"f64", 8, 1, 0, 1},       [QN_DTYPE_F16] = {"f16", 2, 1, 0, 1},
    [QN_DTYPE_BF16] = {"bf16", 2, 1, 0, 1},     [QN_DTYPE_S8] = {"s8", 1, 0, 1, 1},
    [QN_DTYPE_U8] = {"u8", 1, 0, 1, 0},         [QN_DTYPE_S16] = {"s16", 2, 0, 1, 1},
    [QN_DTYPE_U16] = {"u16", 2, 0, 1, 0},       [QN_DTYPE_S32] = {"s32", 4, 0, 1, 1},
    [QN_DTYPE_U32] = {"u32", 4, 0, 1, 0},       [QN_DTYPE_S64] = {"s64", 8, 0, 1, 1},
    [QN_DTYPE_U64] = {"u64", 8, 0, 1, 0},       [QN_DTYPE_BOOL] = {"bool", 1, 0, 0, 0},
    [QN_DTYPE_STRING] = {"string", 0, 0, 0, 0},
};

static int is_valid(qn_dtype dtype) { return (unsigned)dtype < QN_DTYPE_COUNT; }

size_t qn_dtype_size(qn_dtype dtype) { return is_valid(dtype) ? dtypes[dtype].size : 0; }
const char *qn_dtype_name(qn_dtype dtype) { return is_valid(dtype) ? dtypes[dtype].name : "invalid"; }
int qn_dtype_is_float(qn_dtype dtype) { return is_valid(dtype) && dtypes[dtype].is_float; }
int qn_dtype_is_integer(qn_dtype dtype) { return is_valid(dtype) && dtypes[dtype].is_integer; }
int qn_dtype_is_signed(qn_dtype dtype) { return is_valid(dtype) && dtypes[dtype].is_signed; }

qn_dtype qn_dtype_from_name(const char *name) {
    for (int i = 1; i < QN_DTYPE_COUNT; i++)
        if (!strcmp(name, dtypes[i].name)) return (qn_dtype)i;
    return QN_DTYPE_NONE;
}

int64_t qn_view_elems(const qn_view *view) {
    int64_t elems = 1;
    for (int i = 0; i < view->rank; i++) elems *= view->dims[i];
    return elems;
}

size_t qn_view_bytes(const qn_view *view) { return (size_t)qn_view_elems(view) * qn_dtype_size(view->dtype); }

void qn_view_strides(const qn_view *view, int64_t strides[QN_MAX_RANK]) {
    int64_t stride = 1;
    for (int i = view->rank - 1; i >= 0; i--) {
        strides[i] = stride;
        stride *= view->dims[i];
    }
}

static uint32_t float_bits(float value) {
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static float bits_float(uint32_t bits) {
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* Truncates towards zero; outside int64 it saturates and NaN gives 0, so that the result never depends on the CPU. */
static int64_t double_to_int(double value) {
    if (value != value) return 0;
    if (value >= 9223372036854775808.0) return INT64_MAX;
    if (value < -9223372036854775808.0) return INT64_MIN;
    return (int64_t)value;
}

double qn_view_get(const qn_view *view, int64_t index) {
    const void *data = view->data;
    switch (view->dtype) {
    case QN_DTYPE_F32: return ((const float *)data)[index];
    case QN_DTYPE_F64: return ((const double *)data)[index];
    case QN_DTYPE_F16: return qn_half_to_float(((const uint16_t *)data)[index]);
    case QN_DTYPE_BF16: return qn_bfloat_to_float(((const uint16_t *)data)[index]);
    case QN_DTYPE_U64: return (double)((const uint64_t *)data)[index];
    default: return (double)qn_view_get_int(view, index);
    }
}

int64_t qn_view_get_int(const qn_view *view, int64_t index) {
    const void *data = view->data;
    switch (view->dtype) {
    case QN_DTYPE_S8: return ((const int8_t *)data)[index];
    case QN_DTYPE_U8:
    case QN_DTYPE_BOOL: return ((const uint8_t *)data)[index];
    case QN_DTYPE_S16: return ((const int16_t *)data)[index];
    case QN_DTYPE_U16: return ((const uint16_t *)data)[index];
    case QN_DTYPE_S32: return ((const int32_t *)data)[index];
    case QN_DTYPE_U32: return ((const uint32_t *)data)[index];
    case QN_DTYPE_S64: return ((const int64_t *)data)[index];
    case QN_DTYPE_U64: return (int64_t)((const uint64_t *)data)[index];
    case QN_DTYPE_F32:
    case QN_DTYPE_F64:
    case QN_DTYPE_F16:
    case QN_DTYPE_BF16: return double_to_int(qn_view_get(view, index));
    default: assert(!"dtype without elements"); return 0;
    }
}

/* To a float that is rounded once more, to a half: rounds towards zero, and sets the last bit if anything was cut
   off (rounding to odd). Both roundings together give what rounding the double at once gives: 2049.0000001, just
   above the middle of the halves 2048 and 2050, would round to the float 2049 and then, as a tie, down to 2048; the
   odd float just above 2049 rounds up to 2050. */
static float double_to_odd_float(double value) {
    float nearest = (float)value;
    if ((double)nearest == value || value != value) return nearest;
    uint32_t bits = float_bits(nearest);
    if (fabs((double)nearest) > fabs(value)) bits--;
    return bits_float(bits | 1);
}

void qn_view_set(const qn_view *view, int64_t index, double value) {
    void *data = view->data;
    switch (view->dtype) {
    case QN_DTYPE_F32: ((float *)data)[index] = (float)value; break;
    case QN_DTYPE_F64: ((double *)data)[index] = value; break;
    case QN_DTYPE_F16: ((uint16_t *)data)[index] = qn_float_to_half(double_to_odd_float(value)); break;
    case QN_DTYPE_BF16: ((uint16_t *)data)[index] = qn_float_to_bfloat(double_to_odd_float(value)); break;
    case QN_DTYPE_BOOL: ((uint8_t *)data)[index] = value != 0; break;
    default: qn_view_set_int(view, index, double_to_int(value));
    }
}

void qn_view_set_int(const qn_view *view, int64_t index, int64_t value) {
    void *data = view->data;
    switch (view->dtype) {
    case QN_DTYPE_S8: ((int8_t *)data)[index] = (int8_t)value; break;
    case QN_DTYPE_U8: ((uint8_t *)data)[index] = (uint8_t)value; break;
    case QN_DTYPE_S16: ((int16_t *)data)[index] = (int16_t)value; break;
    case QN_DTYPE_U16: ((uint16_t *)data)[index] = (uint16_t)value; break;
    case QN_DTYPE_S32: ((int32_t *)data)[index] = (int32_t)value; break;
    case QN_DTYPE_U32: ((uint32_t *)data)[index] = (uint32_t)value; break;
    case QN_DTYPE_S64: ((int64_t *)data)[index] = value; break;
    case QN_DTYPE_U64: ((uint64_t *)data)[index] = (uint64_t)value; break;
    case QN_DTYPE_BOOL: ((uint8_t *)data)[index] = value != 0; break;
    case QN_DTYPE_F32: ((float *)data)[index] = (float)value; break;
    case QN_DTYPE_F64:
    case QN_DTYPE_F16:
    case QN_DTYPE_BF16: qn_view_set(view, index, (double)value); break;
    default: assert(!"dtype without elements");
    }
}

float qn_half_to_float(uint16_t half) {
    uint32_t sign = (uint32_t)(half & 0x8000) << 16, exponent = half >> 10 & 31, fraction = half & 1023;
    if (exponent == 31) return bits_float(sign | 0x7F800000 | fraction << 13 | (fraction ? 0x400000 : 0));
    if (exponent) return bits_float(sign | (exponent + 112) << 23 | fraction << 13);
    float magnitude = (float)fraction * 0x1p-24f; /* subnormal: exact */
    return sign ? -magnitude : magnitude;
}

uint16_t qn_float_to_half(float value) {
    uint32_t bits = float_bits(value), magnitude = bits & 0x7FFFFFFF;
    uint16_t sign = (uint16_t)(bits >> 16 & 0x8000);
    if (magnitude > 0x7F800000) return (uint16_t)(sign | 0x7E00 | (magnitude >> 13 & 0x3FF));
    if (magnitude >= 0x477FF000) return (uint16_t)(sign | 0x7C00); /* rounds to 65536 or more */
    if (magnitude < 0x38800000) { /* subnormal result: let float addition round at 2^-24 */
        float shifted = bits_float(magnitude) + 0.5f;
        return (uint16_t)(sign | (float_bits(shifted) - float_bits(0.5f)));
    }
    uint32_t odd = magnitude >> 13 & 1;
    return (uint16_t)(sign | (magnitude - 0x38000000 + 0xFFF + odd) >> 13);
}

float qn_bfloat_to_float(uint16_t bfloat) { return bits_float((uint32_t)bfloat << 16); }

uint16_t qn_float_to_bfloat(float value) {
    uint32_t bits = float_bits(value);
    if ((bits & 0x7FFFFFFF) > 0x7F800000) return (uint16_t)(bits >> 16 | 0x40);
    return (uint16_t)((bits + 0x7FFF + (bits >> 16 & 1)) >> 16);
}
