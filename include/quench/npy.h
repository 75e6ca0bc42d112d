/* quench/npy.h - arrays as NumPy saves them (.npy, versions 1 to 3, C or Fortran order, either byte order).
 *
 * Threads: any.
 */
#ifndef QUENCH_NPY_H
#define QUENCH_NPY_H

#include "quench/allocator.h"
#include "quench/status.h"
#include "quench/tensor.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Reads an array.
 * @param out_tensor  on success dims, dtype and data in C order and native byte order; data (64-aligned) is owned by the
 *                    caller and freed with qn_npy_free() on the same allocator. On failure zeroed
 * returns    NOT_FOUND, IO; INVALID_ARGUMENT: no .npy file, damaged or cut short (with path, expected and found);
 *            UNSUPPORTED: an element type quench has not, or more than QN_MAX_RANK dims; OUT_OF_MEMORY
 */
QN_API qn_status *qn_npy_load(const char *path, const qn_allocator *allocator, qn_tensor *out_tensor) QN_MUST_USE;

/* Frees what qn_npy_load() allocated and zeroes the tensor. */
QN_API void qn_npy_free(qn_tensor *tensor, const qn_allocator *allocator);

/* An array that stays in its file and is read in pieces: memory does not grow with it. */
typedef struct qn_npy_file qn_npy_file;

/* Opens an array: reads its header and compares the file's size with it. Errors as of qn_npy_load(); *out_file is NULL then.
 * threads    one at a time per file */
QN_API qn_status *qn_npy_open(const char *path, const qn_allocator *allocator, qn_npy_file **out_file) QN_MUST_USE;
/* Element type and dims; data is NULL. Valid until the file is closed. */
QN_API const qn_tensor *qn_npy_info(const qn_npy_file *file);
/* Reads `count` elements from number `first` on, in C order and native byte order.
 * returns    IO: the file has changed since it was opened, or cannot be read; INVALID_ARGUMENT: beyond the array;
 *            UNSUPPORTED: only a part of an array in Fortran order, where parts lie scattered all over the file. What has been
 *            written to `dst` after a failure means nothing */
QN_API qn_status *qn_npy_read(qn_npy_file *file, int64_t first, int64_t count, void *dst) QN_MUST_USE;
QN_API void qn_npy_close(qn_npy_file *file); /* accepts NULL */

/* Writes an array, atomically. bf16, which NumPy has not, is written as float32. IO, OUT_OF_MEMORY. */
QN_API qn_status *qn_npy_save(const char *path, const qn_tensor *tensor) QN_MUST_USE;

#ifdef __cplusplus
}
#endif
#endif
