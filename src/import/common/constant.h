/* import/common/constant.h - constants of a source file as views: in place where the file's bytes allow, else copied
 * and counted.
 *
 *     qn_import_shape shape = ...;               (as the file declares it)
 *     qn_view view = {.dtype = QN_DTYPE_F32};
 *     QN_TRY(qn_constant_set_dims(&shape, &view, &elems));
 *     QN_TRY(qn_constant_take_bytes(bytes, "raw_data", arena, &importer->copied, &view));
 */
#ifndef QN_IMPORT_COMMON_CONSTANT_H
#define QN_IMPORT_COMMON_CONSTANT_H

#include "base/dtype.h"
#include "base/memory.h"
#include "base/status.h"
#include "base/text.h"

/* A shape as a file declares it. */
typedef struct qn_import_shape {
    int rank;                  /* -1: not declared */
    int64_t dims[QN_MAX_RANK]; /* -1: free */
} qn_import_shape;

/* What the constants of one import have taken so far beside the file's own bytes. */
typedef struct qn_import_copied {
    size_t bytes;    /* at most QN_IMPORT_COPIED_BYTES_MAX */
    size_t repeated; /* of these, bytes that repeat one value: at most QN_IMPORT_REPEATED_BYTES_MAX */
} qn_import_copied;

/* Dims into the view, whose dtype is set; the number of elements and of bytes must be numbers that fit. INVALID_MODEL. */
qn_status *qn_constant_set_dims(const qn_import_shape *shape, qn_view *view, size_t *out_elems) QN_MUST_USE;
/* Memory in `arena` for the elements of `view`, counted. LIMIT. */
qn_status *qn_constant_alloc(qn_arena *arena, size_t elems, qn_import_copied *inout_copied, qn_view *view) QN_MUST_USE;
/* Little-endian elements of the view's dtype: in place where `bytes` are aligned and mean what quench means by them
   (a bool is 0 or 1), else a copy. INVALID_MODEL unless `bytes` are as many as the dims need; `field` is what the message
   calls them. */
qn_status *qn_constant_take_bytes(qn_bytes bytes, const char *field, qn_arena *arena, qn_import_copied *inout_copied,
                                  qn_view *view) QN_MUST_USE;
/* Stores one element that the file lists as a signed number, narrowed to the view's dtype (float16 and bfloat16 are
   listed as their bits). INVALID_MODEL where it does not fit. */
qn_status *qn_constant_store_int(qn_view *view, size_t index, int64_t number) QN_MUST_USE;
/* Stores one element from the low bytes of `bits`. */
void qn_constant_store_bits(qn_view *view, size_t index, uint64_t bits);
/* Counts bytes that repeat a value, before room is made for them. LIMIT; `advice` is a way out. */
qn_status *qn_constant_count_repeated(size_t bytes, const char *advice, qn_import_copied *inout_copied) QN_MUST_USE;

#endif
