/* quench/tensor.h - element types and tensors as callers see them. */
#ifndef QUENCH_TENSOR_H
#define QUENCH_TENSOR_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The numbers are part of the .qn format and never change. */
typedef enum qn_dtype {
    QN_DTYPE_NONE = 0,
    QN_DTYPE_F32 = 1,
    QN_DTYPE_F64 = 2,
    QN_DTYPE_F16 = 3,
    QN_DTYPE_BF16 = 4,
    QN_DTYPE_S8 = 5,
    QN_DTYPE_U8 = 6,
    QN_DTYPE_S16 = 7,
    QN_DTYPE_U16 = 8,
    QN_DTYPE_S32 = 9,
    QN_DTYPE_U32 = 10,
    QN_DTYPE_S64 = 11,
    QN_DTYPE_U64 = 12,
    QN_DTYPE_BOOL = 13,   /* one byte, 0 or 1 */
    QN_DTYPE_STRING = 14, /* constants only: messages of assertions */
    QN_DTYPE_COUNT
} qn_dtype;

enum { QN_MAX_RANK = 8 };

/* A tensor in the caller's memory: dense, row-major, last dim contiguous, element-aligned.
   For an input, quench only reads `data`; for an output it writes exactly the tensor's bytes. */
typedef struct qn_tensor {
    qn_dtype dtype;
    int rank;                  /* 0 (scalar) .. QN_MAX_RANK */
    int64_t dims[QN_MAX_RANK]; /* each >= 0 */
    void *data;
    /* How many bytes there are at `data`, if they are more than the dims say. Looked at only in outputs whose size
       depends on data: a run puts the true dims in and, here, how much room there is, so that the tensor can be given
       to the next run as it is. Set it to 0 whenever you point `data` at other memory. */
    size_t capacity_bytes;
} qn_tensor;

#ifdef __cplusplus
}
#endif
#endif
