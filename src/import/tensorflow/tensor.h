/* import/tensorflow/tensor.h - TensorProto, TensorShapeProto and the type enumeration. */
#ifndef QN_IMPORT_TENSORFLOW_TENSOR_H
#define QN_IMPORT_TENSORFLOW_TENSOR_H

#include "base/dtype.h"
#include "base/memory.h"
#include "import/common/constant.h"
#include "import/wire.h"

/* The element type of a DataType number (reference types count as their base). Quantised types become the integers
   that store them. UNSUPPORTED, naming the type, for those that quench does not compute with. */
qn_status *qn_tf_dtype(int64_t number, qn_dtype *out_dtype) QN_MUST_USE;

/* Parses a TensorShapeProto. A dim below -1 is INVALID_MODEL, a rank above QN_MAX_RANK UNSUPPORTED. */
qn_status *qn_tf_read_shape(qn_wire message, qn_import_shape *out_shape) QN_MUST_USE;

/* Parses a TensorProto in any encoding. The view's data lies in the file where it is stored as raw bytes,
   element-aligned, else in `arena`; *inout_copied counts the latter. LIMIT when it grows too large. */
qn_status *qn_tf_read_tensor(qn_wire message, qn_arena *arena, qn_import_copied *inout_copied,
                             qn_view *out_view) QN_MUST_USE;

/* Appends the strings of a string TensorProto, separated by a space; control characters become spaces. Appends nothing
   for other types. At most `max_bytes` are taken. */
qn_status *qn_tf_read_strings(qn_wire message, size_t max_bytes, qn_buffer *buffer) QN_MUST_USE;

#endif
