/* base/dtype.h - element types and tensor views: what every layer from operators to the runtime shares. */
#ifndef QN_BASE_DTYPE_H
#define QN_BASE_DTYPE_H

#include "quench/tensor.h"

#include <stddef.h>
#include <stdint.h>

/* "f32", "u8", ...: the canonical name in the text IR, messages and the command line. */
const char *qn_dtype_name(qn_dtype dtype);
/* The dtype of that name, or QN_DTYPE_NONE. */
qn_dtype qn_dtype_from_name(const char *name);
int qn_dtype_is_float(qn_dtype dtype);
int qn_dtype_is_integer(qn_dtype dtype); /* signed or unsigned, not bool */
int qn_dtype_is_signed(qn_dtype dtype);

struct qn_packing; /* kernel/packing.h */

/* A dense row-major array somewhere in memory; the last dim is contiguous. Rank 0 is a scalar of one element. */
typedef struct qn_view {
    qn_dtype dtype;
    int rank;
    int64_t dims[QN_MAX_RANK];
    void *data; /* element-aligned; the owner is whoever made the view */
    const struct qn_packing
        *packing; /* how kernels have the bytes of constant weights (kernel/packing.h); NULL: dense and
                                         row-major, as the accessors below expect it */
} qn_view;

int64_t qn_view_elems(const qn_view *view); /* product of dims; dims are trusted here */
size_t qn_view_bytes(const qn_view *view);
/* Element accessors, so that naive code is written once for all dtypes. Index is in elements, row-major.
   Reading floats converts f16/bf16/integers/bool to double; reading ints converts floats by truncation.
   Writing converts with round-to-nearest-even for f16/bf16, wrap for integers, and != 0 for bool. */
double qn_view_get(const qn_view *view, int64_t index);
void qn_view_set(const qn_view *view, int64_t index, double value);
int64_t qn_view_get_int(const qn_view *view, int64_t index);
void qn_view_set_int(const qn_view *view, int64_t index, int64_t value);

/* Row-major strides in elements. */
void qn_view_strides(const qn_view *view, int64_t strides[QN_MAX_RANK]);

float qn_half_to_float(uint16_t half);
uint16_t qn_float_to_half(float value); /* round to nearest even; subnormals, infinities, NaN kept (quiet) */
float qn_bfloat_to_float(uint16_t bfloat);
uint16_t qn_float_to_bfloat(float value); /* round to nearest even; NaN kept (quiet) */

#endif
