/* op/requantize.h - what the quantised operators share: the way from an exact integer sum to a result.
 *
 *   t = float(acc) * multiplier[o]                            the sum converted, then one product, each rounded
 *   t = t + addend                                            a float addend, or
 *   t = t + float(addend - addend_zero_point) * addend_multiplier[o]   an integer one
 *   t = t < limit[o] ? t : limit[o]                           with relu6
 *   t = t > low ? t : low                                     a NaN becomes low
 *   t = t < high ? t : high
 *   integers: round half to even, add zero_point; floats: t, rounded to half precision for f16
 *
 * in float32 throughout. For integers [low, high] is what the type holds less its zero point, from 0 up with an
 * activation; for floats (-inf or 0, inf). docs/quantisation.md has the whole arithmetic.
 */
#ifndef QN_OP_REQUANTIZE_H
#define QN_OP_REQUANTIZE_H

#include "op/operand.h"

#include <assert.h>

/* The least and the greatest number that a quantised type uses: u8 0 and 255, s16 -32767 and 32767 (its range is
   symmetric). */
static inline int64_t qn_quantized_low(qn_dtype dtype) { return dtype == QN_DTYPE_U8 ? 0 : -32767; }
static inline int64_t qn_quantized_high(qn_dtype dtype) { return dtype == QN_DTYPE_U8 ? 255 : 32767; }

/* The bounds of t as above. */
void qn_requantize_bounds(const qn_requantize_attrs *attrs, float *out_low, float *out_high);

/* t of a float, bounded and rounded: round half to even, no bounds checked beyond [low, high]. */
int64_t qn_requantize_round(float t, float low, float high);

/* Sums are exact; beyond 64 bits, where only a strange bias takes them, they wrap as those of kernels do. */
static inline int64_t qn_requantize_add(int64_t sum, int64_t product) {
    return (int64_t)((uint64_t)sum + (uint64_t)product);
}

/* Where an operator has its operands; -1: it has no such input. */
typedef struct qn_requantize_slots {
    int weights, bias, multiplier, limit, addend, addend_multiplier;
} qn_requantize_slots;

/* Checks what `attrs` say of the result, and that input `limit` is there exactly with relu6. */
qn_status *qn_requantize_infer_result(qn_infer *infer, const qn_requantize_attrs *attrs, int limit) QN_MUST_USE;

/* Checks types and sizes of everything after x: weights fit x (s8, with s16 also s16), bias s32 or s64, vectors of
   `channels`, an addend of the result's dims with its multiplier exactly if it is an integer. */
qn_status *qn_requantize_infer(qn_infer *infer, const qn_requantize_attrs *attrs, const qn_requantize_slots *slots,
                               qn_dim channels, int rank, const qn_dim *dims) QN_MUST_USE;

/* Zero points in the range of their types; the rest of qn_op_def.check. */
qn_status *qn_requantize_check(const qn_eval *operands, const qn_requantize_attrs *attrs,
                               const qn_requantize_slots *slots) QN_MUST_USE;

/* Stores the result of one sum: element `index` of output 0, channel `channel`. A vector of one element stands for all
   channels. */
void qn_requantize_store(const qn_eval *eval, const qn_requantize_attrs *attrs, const qn_requantize_slots *slots,
                         int64_t acc, int64_t channel, int64_t index);

/* A type of weights for x, which is drawn already. */
qn_dtype qn_requantize_sample_weights(const qn_sample *sample);

/* Draws the attributes, then everything after the weights, which are drawn already. `dims`: of the result. */
void qn_requantize_sample(qn_sample *sample, qn_requantize_attrs *attrs, const qn_requantize_slots *slots, int rank,
                          const int64_t *dims);

/* ---- Vectors along the last axis of x, input 0 ---- */

/* Rank 1, of one element or as many as the last axis has. */
qn_status *qn_channel_vector_infer(qn_infer *infer, int input, const char *name, qn_dtype dtype) QN_MUST_USE;
static inline double qn_channel_vector_get(const qn_view *vector, int64_t channel) {
    assert(vector->dims[0] == 1 || channel < vector->dims[0]);
    return qn_view_get(vector, vector->dims[0] == 1 ? 0 : channel);
}
/* Refuses a constant input `input`, called `name`, with a zero point that the type `quantized` does not hold. */
qn_status *qn_zero_points_check(const qn_eval *operands, int input, const char *name, qn_dtype quantized) QN_MUST_USE;
/* Refuses constant factors (input 1, called `name`) that are not finite and above 0, and constant zero points (input 2)
   that the type `quantized` does not hold. */
qn_status *qn_channel_vectors_check(const qn_eval *operands, const char *name, qn_dtype quantized) QN_MUST_USE;
/* Draws x of `dtype`, a float vector within [low, high] and zero points that `quantized` has. */
void qn_channel_vectors_sample(qn_sample *sample, qn_dtype dtype, qn_dtype quantized, float low, float high);
/* Draws the attributes of a sum of two `dtype` of `channels`, then its multipliers, zero points and limit. */
void qn_channel_sums_sample(qn_sample *sample, qn_requantize_attrs *attrs, qn_dtype dtype, int64_t channels);

/* Rows of the attribute table; `type` is the operator's struct with a member `result`. */
#define QN_RESULT_ATTRS(type)                                                                                          \
    {.name = "dtype",                                                                                                  \
     .kind = QN_ATTR_DTYPE,                                                                                            \
     .offset = offsetof(type, result.dtype),                                                                           \
     .fallback = "f32",                                                                                                \
     .doc = "Element type of the result: u8, s16, f32 or f16."},                                                       \
    {                                                                                                                  \
        .name = "zero_point", .kind = QN_ATTR_INT, .offset = offsetof(type, result.zero_point), .low = -32767,         \
        .high = 32767, .fallback = "0", .doc = "What stands for 0 in an integer result."                               \
    }
#define QN_ACTIVATION_ATTR(type)                                                                                       \
    {                                                                                                                  \
        .name = "activation", .kind = QN_ATTR_ENUM, .offset = offsetof(type, result.activation),                       \
        .names = qn_activation_names, .fallback = "none",                                                              \
        .doc = "Bounds of the result; relu6 has the upper one in limit."                                               \
    }
#define QN_REQUANTIZE_ATTRS(type)                                                                                      \
    QN_RESULT_ATTRS(type),                                                                                             \
        {.name = "addend_zero_point",                                                                                  \
         .kind = QN_ATTR_INT,                                                                                          \
         .offset = offsetof(type, result.addend_zero_point),                                                           \
         .low = -32767,                                                                                                \
         .high = 32767,                                                                                                \
         .fallback = "0",                                                                                              \
         .doc = "What stands for 0 in an integer addend."},                                                            \
        QN_ACTIVATION_ATTR(type)

#endif
