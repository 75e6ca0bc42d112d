/* op/lower.h - what operators share when they lower to kernels that compute in float32. */
#ifndef QN_OP_LOWER_H
#define QN_OP_LOWER_H

#include "base/dtype.h"
#include "kernel/kernel.h"

/* Can float32 kernels read and write values of `dtype`? *out_half: how, NULL for float32 itself. */
static inline int qn_lower_storage(qn_dtype dtype, const qn_kernel_set *kernels,
                                   const qn_convert_f16_kernel **out_half) {
    *out_half = dtype == QN_DTYPE_F16 ? kernels->convert_f16 : NULL;
    return dtype == QN_DTYPE_F32 || *out_half != NULL;
}

/* The same with u8 and s16, where params hold `stored`. */
static inline int qn_lower_stored(qn_dtype dtype, const qn_kernel_set *kernels, const qn_convert_kernel **out_stored) {
    *out_stored = dtype == QN_DTYPE_F16   ? kernels->convert_f16
                  : dtype == QN_DTYPE_U8  ? kernels->convert_u8
                  : dtype == QN_DTYPE_S16 ? kernels->convert_s16
                                          : NULL;
    return dtype == QN_DTYPE_F32 || *out_stored != NULL;
}

/* How kernels that ask for a qn_storage call a dtype; QN_STORAGE_NONE: they cannot hold it. */
static inline int64_t qn_lower_storage_kind(qn_dtype dtype) {
    switch (dtype) {
    case QN_DTYPE_U8: return QN_STORAGE_U8;
    case QN_DTYPE_S16: return QN_STORAGE_S16;
    case QN_DTYPE_F16: return QN_STORAGE_F16;
    case QN_DTYPE_F32: return QN_STORAGE_F32;
    default: return QN_STORAGE_NONE;
    }
}

#endif
