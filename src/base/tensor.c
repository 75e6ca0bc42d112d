/* What the public headers offer about tensors: names of types, memory, dims as text. */
#include "base/dtype.h"
#include "base/entry.h"
#include "base/memory.h"
#include "quench/model.h"

#include <stdio.h>
#include <string.h>

/* ---- Types and bytes ---- */

const char *qn_dtype_numpy_name(qn_dtype dtype) {
    static const char *const names[QN_DTYPE_COUNT] = {
        [QN_DTYPE_NONE] = "none",   [QN_DTYPE_F32] = "float32",   [QN_DTYPE_F64] = "float64",
        [QN_DTYPE_F16] = "float16", [QN_DTYPE_BF16] = "bfloat16", [QN_DTYPE_S8] = "int8",
        [QN_DTYPE_U8] = "uint8",    [QN_DTYPE_S16] = "int16",     [QN_DTYPE_U16] = "uint16",
        [QN_DTYPE_S32] = "int32",   [QN_DTYPE_U32] = "uint32",    [QN_DTYPE_S64] = "int64",
        [QN_DTYPE_U64] = "uint64",  [QN_DTYPE_BOOL] = "bool",     [QN_DTYPE_STRING] = "string",
    };
    return (unsigned)dtype < QN_DTYPE_COUNT ? names[dtype] : "unknown";
}

/* 0 where it is more than memory can hold. */
static int count_bytes(qn_dtype dtype, int rank, const int64_t *dims, size_t *out_bytes) {
    size_t bytes = qn_dtype_size(dtype);
    for (int i = 0; i < rank; i++)
        if (dims[i] < 0 || __builtin_mul_overflow(bytes, (size_t)dims[i], &bytes)) return 0;
    *out_bytes = bytes;
    return bytes <= PTRDIFF_MAX - 64;
}

size_t qn_tensor_bytes(const qn_tensor *tensor) {
    size_t bytes;
    const int is_sound = tensor && tensor->rank >= 0 && tensor->rank <= QN_MAX_RANK;
    return is_sound && count_bytes(tensor->dtype, tensor->rank, tensor->dims, &bytes) ? bytes : 0;
}

qn_status *qn_tensor_init(qn_dtype dtype, int rank, const int64_t *dims, const qn_allocator *allocator,
                          qn_tensor *out_tensor) {
    QN_ENTER();
    QN_REQUIRE_ARG(out_tensor);
    *out_tensor = (qn_tensor){0};
    QN_REQUIRE_ARRAY(dims, rank);
    char text[QN_DIMS_TEXT];
    size_t bytes;
    if (rank < 0 || rank > QN_MAX_RANK)
        return QN_ERR(QN_INVALID_ARGUMENT, "an array of rank %d, expected 0 to %d", rank, QN_MAX_RANK);
    for (int i = 0; i < rank; i++)
        if (dims[i] < 0) return QN_ERR(QN_INVALID_ARGUMENT, "an array with a dim of %lld", (long long)dims[i]);
    if (!qn_dtype_size(dtype)) return QN_ERR(QN_UNSUPPORTED, "arrays of %s cannot be made", qn_dtype_numpy_name(dtype));
    if (!count_bytes(dtype, rank, dims, &bytes))
        return QN_ERR(QN_LIMIT, "an array of %s %s is larger than memory", qn_dims_print(rank, dims, text),
                      qn_dtype_numpy_name(dtype));
    void *data = qn_alloc_zeroed(allocator, 1, bytes, 64);
    if (!data) return qn_status_out_of_memory();
    *out_tensor = (qn_tensor){.dtype = dtype, .rank = rank, .data = data};
    if (rank) memcpy(out_tensor->dims, dims, (size_t)rank * sizeof *dims);
    return NULL;
}

void qn_tensor_deinit(qn_tensor *tensor, const qn_allocator *allocator) {
    if (!tensor) return;
    qn_free(allocator, tensor->data);
    *tensor = (qn_tensor){0};
}

/* ---- Text ---- */

static int write_end(char *text, int64_t low, int64_t high) {
    if (low == high) return sprintf(text, "%lld", (long long)low);
    if (high != QN_NO_LIMIT) return sprintf(text, "%lld..%lld", (long long)low, (long long)high);
    return low > 1 ? sprintf(text, "%lld..?", (long long)low) : sprintf(text, "?");
}

/* `high` are the upper ends, `dims` again where there is only one size. */
static const char *print_dims(int rank, const int64_t *dims, const int64_t *high, const char *between, char *text) {
    int length = 0;
    strcpy(text, "scalar");
    for (int i = 0; i < rank && i < QN_MAX_RANK; i++) {
        length += sprintf(text + length, "%s", i ? between : "");
        length += write_end(text + length, dims[i], high[i]);
    }
    return text;
}

const char *qn_dims_print(int rank, const int64_t *dims, char text[QN_DIMS_TEXT]) {
    if (!text) return NULL;
    return print_dims(dims ? rank : 0, dims, dims, "x", text);
}

const char *qn_value_info_print_dims(const qn_value_info *value, char text[QN_DIMS_TEXT]) {
    if (!text || !value) return NULL;
    return print_dims(value->rank, value->min_dims, value->max_dims, " x ", text);
}
