/* quench/tensor.h - element types and tensors as callers see them.
 *
 *     qn_tensor input;
 *     status = qn_tensor_init(QN_DTYPE_U8, 4, (int64_t[]){1, 375, 500, 3}, NULL, &input);
 *     ... fill input.data, run ...
 *     qn_tensor_deinit(&input, NULL);
 *
 * Any memory of the caller's will do for a tensor; qn_tensor_init() only saves counting bytes. The functions are in
 * libquench. Threads: any; a tensor that is being written is used by one thread at a time.
 */
#ifndef QUENCH_TENSOR_H
#define QUENCH_TENSOR_H

#include "quench/allocator.h"
#include "quench/status.h"

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

/* Bytes of one element; 0: there are none of that type (NONE, STRING, a number outside the enum). */
QN_API size_t qn_dtype_size(qn_dtype dtype);

/* What NumPy calls the type ("float32", "uint8", "bool"); "bfloat16", "string" and "none" where it has no name;
   "unknown" for a number outside the enum. Static. */
QN_API const char *qn_dtype_numpy_name(qn_dtype dtype);

/* Makes a tensor of zeros.
 * @param rank        0 .. QN_MAX_RANK
 * @param dims        `rank` of them, each >= 0; may be NULL for rank 0
 * @param out_tensor  data is aligned to 64 bytes, owned by the caller and freed by qn_tensor_deinit() on the same allocator;
 *                    on failure zeroed
 * returns    INVALID_ARGUMENT: a rank outside that, or a dim below 0; UNSUPPORTED: a type without elements; LIMIT: more
 *            bytes than memory can have; OUT_OF_MEMORY */
QN_API qn_status *qn_tensor_init(qn_dtype dtype, int rank, const int64_t *dims, const qn_allocator *allocator,
                                 qn_tensor *out_tensor) QN_MUST_USE;

/* Frees the data and zeroes the struct. Accepts a zeroed one. */
QN_API void qn_tensor_deinit(qn_tensor *tensor, const qn_allocator *allocator);

/* Bytes that the dims say there are at `data`; 0 also where that is more than memory can have. */
QN_API size_t qn_tensor_bytes(const qn_tensor *tensor);

enum { QN_DIMS_TEXT = 512 }; /* room for any shape as text */

/* Writes dims as messages have them: "1x513x513x3", "scalar" for rank 0.
 * @param dims  `rank` of them, of which at most QN_MAX_RANK are written; may be NULL for rank 0
 * returns      `text` */
QN_API const char *qn_dims_print(int rank, const int64_t *dims, char text[QN_DIMS_TEXT]);

#ifdef __cplusplus
}
#endif
#endif
