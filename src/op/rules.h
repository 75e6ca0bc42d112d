/* op/rules.h - what the infer functions of several operators share, over qn_infer (op/op.h). */
#ifndef QN_OP_RULES_H
#define QN_OP_RULES_H

#include "op/op.h"

/* Sets of dtypes, one bit each. U64 is moved and cast but not computed with: integers compute in int64. */
#define QN_DTYPES_OF(dtype) (1u << (dtype))
#define QN_DTYPES_FLOAT                                                                                                \
    (QN_DTYPES_OF(QN_DTYPE_F32) | QN_DTYPES_OF(QN_DTYPE_F64) | QN_DTYPES_OF(QN_DTYPE_F16) | QN_DTYPES_OF(QN_DTYPE_BF16))
#define QN_DTYPES_INTEGER                                                                                              \
    (QN_DTYPES_OF(QN_DTYPE_S8) | QN_DTYPES_OF(QN_DTYPE_U8) | QN_DTYPES_OF(QN_DTYPE_S16) | QN_DTYPES_OF(QN_DTYPE_U16) | \
     QN_DTYPES_OF(QN_DTYPE_S32) | QN_DTYPES_OF(QN_DTYPE_U32) | QN_DTYPES_OF(QN_DTYPE_S64))
#define QN_DTYPES_BOOL   QN_DTYPES_OF(QN_DTYPE_BOOL)
#define QN_DTYPES_INDEX  (QN_DTYPES_OF(QN_DTYPE_S32) | QN_DTYPES_OF(QN_DTYPE_S64))
#define QN_DTYPES_NUMBER (QN_DTYPES_FLOAT | QN_DTYPES_INTEGER)
#define QN_DTYPES_ANY    (QN_DTYPES_NUMBER | QN_DTYPES_BOOL | QN_DTYPES_OF(QN_DTYPE_U64))

/* The dtype of input `input` is in `set`, or an error that lists the set. */
qn_status *qn_infer_expect_dtypes(const qn_infer *infer, int input, uint32_t set, const char *name) QN_MUST_USE;
/* An integer control input whose number of elements is constant: -1 in *inout_count asks for any count, else it must be
   that. *out_contents: its elements, or NULL where unknown. */
qn_status *qn_infer_control(qn_infer *infer, int input, const char *name, int64_t *inout_count,
                            const qn_dim **out_contents) QN_MUST_USE;

/* Demands low <= value <= high: "expected name[index] in [low, high], found value" (no brackets for index -1). A high
   of QN_DIM_UNBOUNDED demands only the lower end. */
qn_status *qn_infer_require_within(qn_infer *infer, qn_dim value, qn_dim low, qn_dim high, const char *name,
                                   int index) QN_MUST_USE;
/* Demands a == b of one dim of two operands and gives the simpler of both. */
qn_status *qn_infer_require_same(qn_infer *infer, qn_dim a, qn_dim b, const char *what, int axis,
                                 qn_dim *out_dim) QN_MUST_USE;

/* Text for messages, in the graph's memory: "h + 3", "[1, h, w, 3]". */
const char *qn_infer_dim_text(const qn_infer *infer, qn_dim dim);
const char *qn_infer_dims_text(const qn_infer *infer, int rank, const qn_dim *dims);

/* Product of the dims. */
qn_dim qn_infer_elems(const qn_infer *infer, int rank, const qn_dim *dims);
/* Is `dim` >= 0 at every shape? */
int qn_infer_is_nonnegative(const qn_infer *infer, qn_dim dim);

/* The dims of a type as a view without data; 0 if one is no number. */
int qn_infer_const_view(const qn_infer *infer, const qn_type *type, qn_view *out_view);
/* Room for the contents of an output of `count` elements: *out_contents is NULL if that is too many to follow. */
qn_status *qn_infer_new_contents(qn_infer *infer, int64_t count, qn_dim **out_contents) QN_MUST_USE;
/* Gives output `output` its contents (NULL: none), unless an element could leave the range of `dtype`, where it would
   wrap when run, or their arithmetic since qn_infer_new_contents was too much for dims: both are no error of the model.
 */
qn_status *qn_infer_set_contents(qn_infer *infer, int output, qn_dtype dtype, int64_t count,
                                 qn_dim *contents) QN_MUST_USE;

#endif
