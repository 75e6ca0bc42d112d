/* From exact integer sums to results (op/requantize.h). */
#include "op/lower_quantized.h"

#include "kernel/packing.h"
#include "op/lower.h"

#include <assert.h>

void qn_requantize_bounds(const qn_requantize_attrs *attrs, float *out_low, float *out_high) {
    qn_dtype dtype = (qn_dtype)attrs->dtype;
    *out_low = -INFINITY;
    *out_high = INFINITY;
    if (qn_dtype_is_integer(dtype)) {
        *out_low = (float)(qn_quantized_low(dtype) - attrs->zero_point);
        *out_high = (float)(qn_quantized_high(dtype) - attrs->zero_point);
    }
    if (attrs->activation != QN_ACTIVATION_NONE && *out_low < 0) *out_low = 0;
}

int64_t qn_requantize_round(float t, float low, float high) {
    t = t > low ? t : low;
    t = t < high ? t : high;
    return (int64_t)rintf(t);
}

/* ---- Inference ---- */

static qn_status *expect_vector(qn_infer *infer, int input, const char *name, qn_dtype dtype, qn_dim channels) {
    QN_TRY(qn_infer_expect_dtype(infer, input, dtype, name));
    QN_TRY(qn_infer_expect_rank(infer, input, 1, name));
    return qn_infer_expect_dim(infer, input, 0, channels, name, "elements", "the weights give output channels");
}

static qn_status *infer_addend(qn_infer *infer, const qn_requantize_slots *slots, qn_dim channels, int rank,
                               const qn_dim *dims) {
    if (slots->addend < 0 || !qn_infer_has(infer, slots->addend)) return NULL;
    qn_dtype dtype = infer->inputs[slots->addend].dtype;
    int has_multiplier = qn_infer_has(infer, slots->addend_multiplier);
    QN_TRY(qn_infer_expect_dtypes(infer, slots->addend,
                                  QN_DTYPES_OF(QN_DTYPE_U8) | QN_DTYPES_OF(QN_DTYPE_S16) | QN_DTYPES_OF(QN_DTYPE_F32) |
                                      QN_DTYPES_OF(QN_DTYPE_F16),
                                  "addend"));
    QN_TRY(qn_infer_expect_rank(infer, slots->addend, rank, "addend"));
    for (int i = 0; i < rank; i++)
        QN_TRY(qn_infer_expect_dim(infer, slots->addend, i, dims[i], "addend", "elements along an axis",
                                   "the operator gives"));
    if (has_multiplier != qn_dtype_is_integer(dtype))
        return QN_ERR(QN_INVALID_MODEL, "an addend of %s %s addend_multiplier", qn_dtype_name(dtype),
                      has_multiplier ? "takes no" : "needs an");
    return has_multiplier ? expect_vector(infer, slots->addend_multiplier, "addend_multiplier", QN_DTYPE_F32, channels)
                          : NULL;
}

qn_status *qn_requantize_infer_result(qn_infer *infer, const qn_requantize_attrs *attrs, int limit) {
    qn_dtype dtype = (qn_dtype)attrs->dtype;
    if (dtype != QN_DTYPE_U8 && dtype != QN_DTYPE_S16 && dtype != QN_DTYPE_F32 && dtype != QN_DTYPE_F16)
        return QN_ERR(QN_INVALID_MODEL, "dtype is %s; expected u8, s16, f32 or f16", qn_dtype_name(dtype));
    if (qn_infer_has(infer, limit) == (attrs->activation == QN_ACTIVATION_RELU6)) return NULL;
    return QN_ERR(QN_INVALID_MODEL, "activation is %s, but %s", qn_activation_names[attrs->activation],
                  qn_infer_has(infer, limit) ? "there is a limit" : "there is no limit");
}

qn_status *qn_requantize_infer(qn_infer *infer, const qn_requantize_attrs *attrs, const qn_requantize_slots *slots,
                               qn_dim channels, int rank, const qn_dim *dims) {
    qn_dtype x = infer->inputs[0].dtype;
    QN_TRY(qn_requantize_infer_result(infer, attrs, slots->limit));
    QN_TRY(qn_infer_expect_dtypes(infer, 0, QN_DTYPES_OF(QN_DTYPE_U8) | QN_DTYPES_OF(QN_DTYPE_S16), "x"));
    QN_TRY(qn_infer_expect_dtypes(infer, slots->weights,
                                  QN_DTYPES_OF(QN_DTYPE_S8) | (x == QN_DTYPE_U8 ? 0 : QN_DTYPES_OF(QN_DTYPE_S16)),
                                  "weights"));
    QN_TRY(expect_vector(infer, slots->bias, "bias", x == QN_DTYPE_U8 ? QN_DTYPE_S32 : QN_DTYPE_S64, channels));
    QN_TRY(expect_vector(infer, slots->multiplier, "multiplier", QN_DTYPE_F32, channels));
    if (qn_infer_has(infer, slots->limit)) QN_TRY(expect_vector(infer, slots->limit, "limit", QN_DTYPE_F32, channels));
    return infer_addend(infer, slots, channels, rank, dims);
}

/* ---- Zero points ---- */

static qn_status *check_zero_point(const char *name, int64_t zero_point, qn_dtype dtype) {
    int64_t low = qn_dtype_is_integer(dtype) ? qn_quantized_low(dtype) : 0;
    int64_t high = qn_dtype_is_integer(dtype) ? qn_quantized_high(dtype) : 0;
    if (zero_point >= low && zero_point <= high) return NULL;
    return QN_ERR(QN_INVALID_MODEL, "%s is %lld; expected %lld to %lld for %s", name, (long long)zero_point,
                  (long long)low, (long long)high, qn_dtype_name(dtype));
}

qn_status *qn_requantize_check(const qn_eval *operands, const qn_requantize_attrs *attrs,
                               const qn_requantize_slots *slots) {
    QN_TRY(check_zero_point("zero_point", attrs->zero_point, (qn_dtype)attrs->dtype));
    if (slots->addend < 0 || !qn_eval_has(operands, slots->addend)) return NULL;
    return check_zero_point("addend_zero_point", attrs->addend_zero_point, operands->inputs[slots->addend].dtype);
}

/* ---- Evaluation ---- */

static float addend_term(const qn_eval *eval, const qn_requantize_attrs *attrs, const qn_requantize_slots *slots,
                         int64_t channel, int64_t index) {
    const qn_view *addend = &eval->inputs[slots->addend];
    if (qn_dtype_is_float(addend->dtype)) return (float)qn_view_get(addend, index);
    float distance = (float)(qn_view_get_int(addend, index) - attrs->addend_zero_point);
    return distance * (float)qn_channel_vector_get(&eval->inputs[slots->addend_multiplier], channel);
}

void qn_requantize_store(const qn_eval *eval, const qn_requantize_attrs *attrs, const qn_requantize_slots *slots,
                         int64_t acc, int64_t channel, int64_t index) {
    const qn_view *out = &eval->outputs[0];
    float low, high;
    assert(out->dtype == (qn_dtype)attrs->dtype && index < qn_view_elems(out));
    qn_requantize_bounds(attrs, &low, &high);
    float sum = (float)acc, t = sum * (float)qn_channel_vector_get(&eval->inputs[slots->multiplier], channel);
    if (slots->addend >= 0 && qn_eval_has(eval, slots->addend)) t = t + addend_term(eval, attrs, slots, channel, index);
    if (qn_eval_has(eval, slots->limit)) {
        float limit = (float)qn_channel_vector_get(&eval->inputs[slots->limit], channel);
        t = t < limit ? t : limit;
    }
    t = t > low ? t : low;
    t = t < high ? t : high;
    if (qn_dtype_is_integer(out->dtype))
        qn_view_set_int(out, index, (int64_t)rintf(t) + attrs->zero_point);
    else
        qn_view_set(out, index, (double)t);
}

/* ---- Lowering ---- */

static const void *optional_data(const qn_eval *operands, int input) {
    return input >= 0 && qn_eval_has(operands, input) ? operands->inputs[input].data : NULL;
}

qn_requantize qn_requantize_lower(const qn_eval *operands, const qn_requantize_attrs *attrs,
                                  const qn_requantize_slots *slots) {
    qn_requantize result = {
        .multiplier = operands->inputs[slots->multiplier].data,
        .limit = optional_data(operands, slots->limit),
        .addend_multiplier = optional_data(operands, slots->addend_multiplier),
        .addend = optional_data(operands, slots->addend),
        .dst = operands->outputs[0].data,
        .zero_point = (int32_t)attrs->zero_point,
        .addend_zero_point = (int32_t)attrs->addend_zero_point,
        .dst_storage = qn_lower_storage_kind(operands->outputs[0].dtype),
    };
    if (result.addend) result.addend_storage = qn_lower_storage_kind(operands->inputs[slots->addend].dtype);
    qn_requantize_bounds(attrs, &result.low, &result.high);
    return result;
}

int qn_conv_int_pack_of(qn_dtype x, const qn_view *weights, int fits, qn_pack *out_pack) {
    if (x == QN_DTYPE_U8 && weights->dtype == QN_DTYPE_S8 && fits)
        *out_pack = (qn_pack){.packing = &qn_packing_panel16x4, .dtype = QN_DTYPE_S8};
    else if (x == QN_DTYPE_S16 && (weights->dtype == QN_DTYPE_S8 || weights->dtype == QN_DTYPE_S16))
        *out_pack = (qn_pack){.packing = &qn_packing_panel16x2, .dtype = weights->dtype};
    else
        return 0;
    return 1;
}

void qn_conv_int_lower(const qn_eval *operands, const qn_kernel_set *kernels, qn_conv_int_params *params,
                       qn_work *out_work) {
    if (operands->inputs[0].dtype == QN_DTYPE_U8) {
        params->kernel = kernels->conv_u8;
        qn_conv_u8_work(params, out_work);
    } else if (operands->inputs[1].dtype == QN_DTYPE_S8) {
        params->kernel = kernels->conv_s16s8;
        qn_conv_s16s8_work(params, out_work);
    } else {
        params->kernel = kernels->conv_s16;
        qn_conv_s16_work(params, out_work);
    }
}

/* ---- Samples ---- */

static void sample_vector(qn_sample *sample, int64_t channels, float low, float high) {
    int input = qn_sample_input(sample, QN_DTYPE_F32, 1, &channels);
    float *values = QN_ARENA_ARRAY(sample->arena, float, (size_t)channels);
    for (int64_t i = 0; values && i < channels; i++) values[i] = qn_rng_float(sample->rng, low, high);
    sample->inputs[input].data = values;
}

/* Small sums, and some that leave no room for a mistake in the last bit. */
static void sample_bias(qn_sample *sample, qn_dtype dtype, int64_t channels) {
    int input = qn_sample_input(sample, dtype, 1, &channels);
    int64_t *wide = QN_ARENA_ARRAY(sample->arena, int64_t, (size_t)channels);
    int32_t *narrow = QN_ARENA_ARRAY(sample->arena, int32_t, (size_t)channels);
    int64_t span = qn_rng_range(sample->rng, 0, 3) ? 1000 : 1000000000;
    for (int64_t i = 0; wide && narrow && i < channels; i++)
        narrow[i] = (int32_t)(wide[i] = qn_rng_range(sample->rng, -span, span));
    sample->inputs[input].data = dtype == QN_DTYPE_S32 ? (void *)narrow : (void *)wide;
}

static const qn_dtype sampled_dtypes[] = {QN_DTYPE_U8, QN_DTYPE_S16, QN_DTYPE_F32, QN_DTYPE_F16};

static void sample_result(qn_rng *rng, qn_requantize_attrs *attrs) {
    attrs->dtype = sampled_dtypes[qn_rng_range(rng, 0, 3)];
    attrs->zero_point = attrs->dtype == QN_DTYPE_U8 ? qn_rng_range(rng, 0, 255) : 0;
    attrs->activation = qn_rng_range(rng, 0, QN_ACTIVATION_RELU6);
}

qn_dtype qn_requantize_sample_weights(const qn_sample *sample) {
    int has_words = sample->inputs[0].dtype == QN_DTYPE_S16 && qn_rng_range(sample->rng, 0, 1);
    return has_words ? QN_DTYPE_S16 : QN_DTYPE_S8;
}

void qn_requantize_sample(qn_sample *sample, qn_requantize_attrs *attrs, const qn_requantize_slots *slots, int rank,
                          const int64_t *dims) {
    qn_rng *rng = sample->rng;
    int64_t channels = dims[rank - 1];
    sample_result(rng, attrs);
    sample_bias(sample, sample->inputs[0].dtype == QN_DTYPE_U8 ? QN_DTYPE_S32 : QN_DTYPE_S64, channels);
    sample_vector(sample, channels, 1e-5f, 3e-3f);
    int has_addend = slots->addend >= 0 && qn_rng_range(rng, 0, 1),
        has_limit = attrs->activation == QN_ACTIVATION_RELU6;
    if (has_limit)
        sample_vector(sample, channels, 1.0f, 200.0f);
    else if (has_addend)
        qn_sample_input(sample, QN_DTYPE_NONE, 0, NULL);
    if (!has_addend) return;
    qn_dtype dtype = sampled_dtypes[qn_rng_range(rng, 0, 3)];
    attrs->addend_zero_point = dtype == QN_DTYPE_U8 ? qn_rng_range(rng, 0, 255) : 0;
    if (qn_dtype_is_integer(dtype))
        sample_vector(sample, channels, 0.1f, 2.0f);
    else
        qn_sample_input(sample, QN_DTYPE_NONE, 0, NULL);
    qn_sample_input(sample, dtype, rank, dims);
}

/* ---- Vectors along the last axis ---- */

qn_status *qn_channel_vector_infer(qn_infer *infer, int input, const char *name, qn_dtype dtype) {
    const qn_type *x = &infer->inputs[0];
    QN_TRY(qn_infer_expect_dtype(infer, input, dtype, name));
    QN_TRY(qn_infer_expect_rank(infer, input, 1, name));
    if (qn_infer_const_elems(infer, input) == 1) return NULL;
    if (x->rank < 1) return QN_ERR(QN_INVALID_MODEL, "%s has several elements, but x is a scalar", name);
    return qn_infer_expect_dim(infer, input, 0, x->dims[x->rank - 1], name, "elements", "the last axis of x has");
}

qn_status *qn_zero_points_check(const qn_eval *operands, int input, const char *name, qn_dtype quantized) {
    const qn_view *zero_points = &operands->inputs[input];
    for (int64_t c = 0; zero_points->data && zero_points->dtype == QN_DTYPE_S32 && c < qn_view_elems(zero_points); c++)
        QN_TRY_CTX(check_zero_point(name, qn_view_get_int(zero_points, c), quantized), "channel %lld", (long long)c);
    return NULL;
}

qn_status *qn_channel_vectors_check(const qn_eval *operands, const char *name, qn_dtype quantized) {
    const qn_view *factors = &operands->inputs[1];
    for (int64_t c = 0; factors->data && factors->dtype == QN_DTYPE_F32 && c < qn_view_elems(factors); c++) {
        double factor = qn_view_get(factors, c);
        if (!(factor > 0 && isfinite(factor)))
            return QN_ERR(QN_INVALID_MODEL, "%s of channel %lld is %g; expected a finite number above 0", name,
                          (long long)c, factor);
    }
    return qn_zero_points_check(operands, 2, "zero_point", quantized);
}

int qn_channel_vectors_lower(const qn_eval *operands, const qn_kernel_set *kernels, qn_work *out_work) {
    const qn_view *x = &operands->inputs[0], *out = &operands->outputs[0];
    if (!qn_view_elems(out)) return 0;
    qn_quantize_params params = {
        .kernel = kernels->quantize,
        .src = x->data,
        .dst = out->data,
        .factor = operands->inputs[1].data,
        .zero_point = operands->inputs[2].data,
        .elems = qn_view_elems(out),
        .channels = x->rank ? x->dims[x->rank - 1] : 1,
        .factors = operands->inputs[1].dims[0],
        .zero_points = operands->inputs[2].dims[0],
        .src_storage = qn_lower_storage_kind(x->dtype),
        .dst_storage = qn_lower_storage_kind(out->dtype),
    };
    qn_quantize_work(&params, out_work);
    return 1;
}

static void sample_zero_points(qn_sample *sample, int64_t count, qn_dtype quantized) {
    int input = qn_sample_input(sample, QN_DTYPE_S32, 1, &count);
    int32_t *values = QN_ARENA_ARRAY(sample->arena, int32_t, (size_t)count);
    for (int64_t i = 0; values && i < count; i++)
        values[i] = quantized == QN_DTYPE_U8 ? (int32_t)qn_rng_range(sample->rng, 0, 255) : 0;
    sample->inputs[input].data = values;
}

/* One element, or one for each of `channels`. */
static int64_t sample_count(const qn_sample *sample, int64_t channels) {
    return channels && qn_rng_range(sample->rng, 0, 1) ? channels : 1;
}

void qn_channel_sums_sample(qn_sample *sample, qn_requantize_attrs *attrs, qn_dtype dtype, int64_t channels) {
    sample_result(sample->rng, attrs);
    for (int i = 0; i < 2; i++) sample_vector(sample, sample_count(sample, channels), -2.0f, 2.0f);
    for (int i = 0; i < 2; i++) sample_zero_points(sample, sample_count(sample, channels), dtype);
    if (attrs->activation == QN_ACTIVATION_RELU6) sample_vector(sample, sample_count(sample, channels), 1.0f, 200.0f);
}

void qn_channel_vectors_sample(qn_sample *sample, qn_dtype dtype, qn_dtype quantized, float low, float high) {
    int64_t dims[QN_MAX_RANK];
    int rank = qn_sample_shape(sample, 0, 4, dims);
    int64_t channels = rank ? dims[rank - 1] : 0;
    qn_sample_input(sample, dtype, rank, dims);
    sample_vector(sample, sample_count(sample, channels), low, high);
    sample_zero_points(sample, sample_count(sample, channels), quantized);
}
