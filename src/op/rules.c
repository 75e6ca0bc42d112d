/* What infer functions share (op/rules.h). */
#include "op/rules.h"

#include <stdio.h>
#include <string.h>

qn_status *qn_infer_expect_dtypes(const qn_infer *infer, int input, uint32_t set, const char *name) {
    qn_dtype dtype = infer->inputs[input].dtype;
    if (set & QN_DTYPES_OF(dtype)) return NULL;
    char list[128] = "";
    for (int i = 1; i < QN_DTYPE_COUNT; i++) {
        if (!(set & QN_DTYPES_OF(i))) continue;
        if (*list) strcat(list, ", ");
        strcat(list, qn_dtype_name((qn_dtype)i));
    }
    return QN_ERR(QN_UNSUPPORTED, "expected '%s' of type %s, found %s", name, list, qn_dtype_name(dtype));
}

qn_status *qn_infer_control(qn_infer *infer, int input, const char *name, int64_t *inout_count,
                            const qn_dim **out_contents) {
    QN_TRY(qn_infer_expect_dtypes(infer, input, QN_DTYPES_INDEX, name));
    int64_t count = qn_infer_const_elems(infer, input);
    if (count < 0)
        return QN_ERR(QN_UNSUPPORTED, "expected '%s' with a constant number of elements, found shape %s", name,
                      qn_infer_dims_text(infer, infer->inputs[input].rank, infer->inputs[input].dims));
    if (*inout_count >= 0 && count != *inout_count)
        return QN_ERR(QN_INVALID_MODEL, "expected '%s' with %lld elements, found %lld", name, (long long)*inout_count,
                      (long long)count);
    *inout_count = count;
    *out_contents = infer->contents[input];
    return NULL;
}

int qn_infer_is_nonnegative(const qn_infer *infer, qn_dim dim) {
    int64_t low, high;
    qn_dim_range(infer->dims, dim, &low, &high);
    return low >= 0;
}

qn_status *qn_infer_require_within(qn_infer *infer, qn_dim value, qn_dim low, qn_dim high, const char *name,
                                   int index) {
    int64_t number;
    int open = qn_dim_is_const(infer->dims, high, &number) && number == QN_DIM_UNBOUNDED;
    qn_dim above = qn_dim_sub(infer->dims, value, low);
    qn_dim below = open ? qn_infer_const(infer, 0) : qn_dim_sub(infer->dims, high, value);
    /* Text is made only for what is not plainly true. */
    if (qn_infer_is_nonnegative(infer, above) && qn_infer_is_nonnegative(infer, below)) return NULL;
    const char *low_text = qn_infer_dim_text(infer, low), *text = qn_infer_dim_text(infer, value);
    char place[24] = "";
    if (index >= 0) snprintf(place, sizeof place, "[%d]", index);
    if (open)
        return qn_infer_require(infer, above, "expected %s%s of at least %s, found %s", name, place, low_text, text);
    const char *high_text = qn_infer_dim_text(infer, high);
    QN_TRY(
        qn_infer_require(infer, above, "expected %s%s in [%s, %s], found %s", name, place, low_text, high_text, text));
    return qn_infer_require(infer, below, "expected %s%s in [%s, %s], found %s", name, place, low_text, high_text,
                            text);
}

qn_status *qn_infer_require_same(qn_infer *infer, qn_dim a, qn_dim b, const char *what, int axis, qn_dim *out_dim) {
    int64_t value;
    *out_dim = qn_dim_is_const(infer->dims, b, &value) ? b : a;
    if (qn_dim_same(a, b)) return NULL;
    return qn_infer_require_equal(infer, a, b, "expected %s with equal dims %d, found %s and %s", what, axis,
                                  qn_infer_dim_text(infer, a), qn_infer_dim_text(infer, b));
}

/* Of one dim in a message: nobody reads on in an expression that long, and a message is made for each node. */
enum { DIM_TEXT_BYTES = 256 };

const char *qn_infer_dims_text(const qn_infer *infer, int rank, const qn_dim *dims) {
    qn_buffer buffer;
    qn_buffer_init(&buffer, infer->arena->allocator);
    qn_buffer_printf(&buffer, "[");
    for (int i = 0; i < rank; i++) {
        if (i) qn_buffer_printf(&buffer, ", ");
        qn_dim_print_short(infer->dims, dims[i], DIM_TEXT_BYTES, &buffer);
    }
    qn_buffer_printf(&buffer, "]");
    const char *text = qn_arena_copy_string(infer->arena, qn_buffer_text(&buffer), buffer.size);
    qn_buffer_deinit(&buffer);
    return text ? text : "?";
}

const char *qn_infer_dim_text(const qn_infer *infer, qn_dim dim) {
    qn_buffer buffer;
    qn_buffer_init(&buffer, infer->arena->allocator);
    qn_dim_print_short(infer->dims, dim, DIM_TEXT_BYTES, &buffer);
    const char *text = qn_arena_copy_string(infer->arena, qn_buffer_text(&buffer), buffer.size);
    qn_buffer_deinit(&buffer);
    return text ? text : "?";
}

qn_dim qn_infer_elems(const qn_infer *infer, int rank, const qn_dim *dims) {
    qn_dim elems = qn_infer_const(infer, 1);
    for (int i = 0; i < rank; i++) elems = qn_dim_mul(infer->dims, elems, dims[i]);
    return elems;
}

int qn_infer_const_view(const qn_infer *infer, const qn_type *type, qn_view *out_view) {
    *out_view = (qn_view){.dtype = type->dtype, .rank = type->rank};
    for (int i = 0; i < type->rank; i++)
        if (!qn_dim_is_const(infer->dims, type->dims[i], &out_view->dims[i])) return 0;
    return 1;
}

qn_status *qn_infer_new_contents(qn_infer *infer, int64_t count, qn_dim **out_contents) {
    *out_contents = NULL;
    QN_TRY(qn_dim_pool_take_status(infer->dims)); /* what fails from here on is about contents */
    if (count < 0 || count > QN_CONTENT_MAX) return NULL;
    *out_contents = QN_ARENA_ARRAY(infer->arena, qn_dim, count ? (size_t)count : 1);
    return *out_contents ? NULL : qn_status_out_of_memory();
}

/* An end without bound is taken to fit s32 and s64: shapes that wrap there are refused when they are set. */
static int fits(const qn_infer *infer, qn_dtype dtype, qn_dim dim) {
    int64_t low, high;
    qn_dim_range(infer->dims, dim, &low, &high);
    switch (dtype) {
    case QN_DTYPE_BOOL: return low >= 0 && high <= 1;
    case QN_DTYPE_S8: return low >= INT8_MIN && high <= INT8_MAX;
    case QN_DTYPE_U8: return low >= 0 && high <= UINT8_MAX;
    case QN_DTYPE_S16: return low >= INT16_MIN && high <= INT16_MAX;
    case QN_DTYPE_U16: return low >= 0 && high <= UINT16_MAX;
    case QN_DTYPE_U32: return low >= 0 && high <= UINT32_MAX;
    case QN_DTYPE_S32: return (low >= INT32_MIN || low == INT64_MIN) && (high <= INT32_MAX || high == QN_DIM_UNBOUNDED);
    default: return 1;
    }
}

qn_status *qn_infer_set_contents(qn_infer *infer, int output, qn_dtype dtype, int64_t count, qn_dim *contents) {
    qn_status *status = qn_dim_pool_take_status(infer->dims);
    if (status) {
        if (qn_status_code(status) != QN_LIMIT) return status;
        qn_status_free(status);
        return NULL;
    }
    for (int64_t i = 0; contents && i < count; i++)
        if (!fits(infer, dtype, contents[i])) return NULL;
    infer->out_contents[output] = contents;
    return NULL;
}
