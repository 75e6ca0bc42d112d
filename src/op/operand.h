/* op/operand.h - small questions that many operators ask of their operands. */
#ifndef QN_OP_OPERAND_H
#define QN_OP_OPERAND_H

#include "op/rules.h"

#include <math.h>
#include <string.h>

/* Is input `input` given? (Optional inputs may be absent at the end or in the middle.) */
static inline int qn_infer_has(const qn_infer *infer, int input) {
    return input < infer->input_count && infer->inputs[input].dtype != QN_DTYPE_NONE;
}
static inline int qn_eval_has(const qn_eval *eval, int input) {
    return input < eval->input_count && eval->inputs[input].dtype != QN_DTYPE_NONE;
}

/* Demands that dim `axis` of input `input` equals `want`; the message is "<name> has <dim> <things>, <reason> <want>".
 */
qn_status *qn_infer_expect_dim(qn_infer *infer, int input, int axis, qn_dim want, const char *name, const char *things,
                               const char *reason) QN_MUST_USE;
/* *out_dim = dim / divisor, demanding that nothing is left; `what` names the dim in the message. */
qn_status *qn_infer_divide(qn_infer *infer, qn_dim dim, int64_t divisor, const char *what, qn_dim *out_dim) QN_MUST_USE;

/* The bounds of an activation: none is [-inf, inf]. */
static inline void qn_activation_range(int64_t activation, float *out_min, float *out_max) {
    *out_min = activation == QN_ACTIVATION_NONE ? -INFINITY : 0.0f;
    *out_max = activation == QN_ACTIVATION_RELU6 ? 6.0f : INFINITY;
}
static inline double qn_activation_apply(int64_t activation, double value) {
    float low, high;
    qn_activation_range(activation, &low, &high);
    return value < (double)low ? (double)low : value > (double)high ? (double)high : value;
}
extern const char *const qn_activation_names[]; /* in the order of qn_activation, NULL-terminated */

/* Evaluation reads weights as they are written down: refuses packed ones, unless input 0 is empty and none are read.
   `name` is that of input `input` in the message. */
qn_status *qn_eval_expect_plain(const qn_eval *eval, int input, const char *name) QN_MUST_USE;

/* Labels (indices that argmax and its kin produce): an integer type or f32. */
qn_status *qn_label_dtype_check(int64_t dtype) QN_MUST_USE;
/* Bytes of a label where a kernel can store it (kernel.h: label_bytes), else 0. */
static inline int qn_label_bytes(qn_dtype dtype) {
    switch (dtype) {
    case QN_DTYPE_U8:
    case QN_DTYPE_S8: return 1;
    case QN_DTYPE_S32:
    case QN_DTYPE_U32:
    case QN_DTYPE_F32: return 4;
    case QN_DTYPE_S64:
    case QN_DTYPE_U64: return 8;
    default: return 0;
    }
}

/* Is element `a` greater than element `b`? False where either is NaN. */
static inline int qn_view_greater(const qn_view *view, int64_t a, int64_t b) {
    if (qn_dtype_is_float(view->dtype)) return qn_view_get(view, a) > qn_view_get(view, b);
    return qn_view_get_int(view, a) > qn_view_get_int(view, b);
}

/* Copies `count` elements between views of one dtype. */
static inline void qn_view_copy(const qn_view *src, int64_t from, const qn_view *dst, int64_t to, int64_t count) {
    size_t size = qn_dtype_size(src->dtype);
    if (count > 0)
        memcpy((uint8_t *)dst->data + (size_t)to * size, (const uint8_t *)src->data + (size_t)from * size,
               (size_t)count * size);
}

#endif
