#include "import/common/constant.h"

#include "base/checked.h"
#include "import/import.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

qn_status *qn_constant_set_dims(const qn_import_shape *shape, qn_view *view, size_t *out_elems) {
    size_t elems = 1, bytes;
    if (shape->rank < 0) return QN_ERR(QN_INVALID_MODEL, "the constant's shape is unknown");
    view->rank = shape->rank;
    for (int i = 0; i < shape->rank; i++) {
        if (shape->dims[i] < 0)
            return QN_ERR(QN_INVALID_MODEL, "dim %d of the constant is %" PRId64 "; 0 or more expected", i,
                          shape->dims[i]);
        view->dims[i] = shape->dims[i];
        if (!qn_checked_mul_size(elems, (size_t)shape->dims[i], &elems) || elems > INT64_MAX / 16)
            return QN_ERR(QN_INVALID_MODEL, "the product of the constant's dims overflows at dim %d (%" PRId64 ")", i,
                          shape->dims[i]);
    }
    if (!qn_checked_mul_size(elems, qn_dtype_size(view->dtype), &bytes))
        return QN_ERR(QN_INVALID_MODEL, "the constant's size overflows");
    *out_elems = elems;
    return NULL;
}

qn_status *qn_constant_alloc(qn_arena *arena, size_t elems, qn_import_copied *inout_copied, qn_view *view) {
    size_t bytes = elems * qn_dtype_size(view->dtype);
    assert(inout_copied->bytes <= QN_IMPORT_COPIED_BYTES_MAX);
    if (bytes > QN_IMPORT_COPIED_BYTES_MAX - inout_copied->bytes)
        return QN_ERR(QN_LIMIT, "constants that are not stored as raw bytes need more than %zu bytes",
                      QN_IMPORT_COPIED_BYTES_MAX);
    inout_copied->bytes += bytes;
    view->data = qn_arena_alloc_aligned(arena, bytes ? bytes : 1, 64);
    return view->data ? NULL : qn_status_out_of_memory();
}

static int is_in_place(const qn_view *view, qn_bytes bytes) {
    if ((uintptr_t)bytes.data % qn_dtype_size(view->dtype) != 0) return 0;
    if (view->dtype != QN_DTYPE_BOOL) return 1;
    for (size_t i = 0; i < bytes.size; i++)
        if (bytes.data[i] > 1) return 0;
    return 1;
}

qn_status *qn_constant_take_bytes(qn_bytes bytes, const char *field, qn_arena *arena, qn_import_copied *inout_copied,
                                  qn_view *view) {
    const size_t elems = (size_t)qn_view_elems(view), need = elems * qn_dtype_size(view->dtype);
    if (bytes.size != need)
        return QN_ERR(QN_INVALID_MODEL, "%s has %zu bytes, the shape needs %zu (%zu elements of %s)", field, bytes.size,
                      need, elems, qn_dtype_name(view->dtype));
    if (is_in_place(view, bytes)) {
        view->data = (void *)(uintptr_t)bytes.data; /* constants are never written */
        return NULL;
    }
    QN_TRY(qn_constant_alloc(arena, elems, inout_copied, view));
    memcpy(view->data, bytes.data, need);
    if (view->dtype == QN_DTYPE_BOOL)
        for (size_t i = 0; i < need; i++) ((uint8_t *)view->data)[i] = ((const uint8_t *)view->data)[i] != 0;
    return NULL;
}

/* Does the signed number fit the narrower element type it is listed for? */
static int fits(qn_dtype dtype, int64_t value) {
    switch (dtype) {
    case QN_DTYPE_S8: return value >= INT8_MIN && value <= INT8_MAX;
    case QN_DTYPE_U8: return value >= 0 && value <= UINT8_MAX;
    case QN_DTYPE_S16: return value >= INT16_MIN && value <= INT16_MAX;
    case QN_DTYPE_U16:
    case QN_DTYPE_F16:
    case QN_DTYPE_BF16: return value >= 0 && value <= UINT16_MAX;
    case QN_DTYPE_S32: return value >= INT32_MIN && value <= INT32_MAX;
    case QN_DTYPE_U32: return value >= 0 && value <= UINT32_MAX;
    default: return 1;
    }
}

void qn_constant_store_bits(qn_view *view, size_t index, uint64_t bits) {
    size_t size = qn_dtype_size(view->dtype);
    if (view->dtype == QN_DTYPE_BOOL) bits = bits != 0;
    /* The low bytes are the element on the little-endian machines that quench runs on. */
    memcpy((uint8_t *)view->data + index * size, &bits, size);
}

qn_status *qn_constant_store_int(qn_view *view, size_t index, int64_t number) {
    if (!fits(view->dtype, number))
        return QN_ERR(QN_INVALID_MODEL, "value %zu (%" PRId64 ") does not fit %s", index, number,
                      qn_dtype_name(view->dtype));
    qn_constant_store_bits(view, index, (uint64_t)number);
    return NULL;
}

qn_status *qn_constant_count_repeated(size_t bytes, const char *advice, qn_import_copied *inout_copied) {
    assert(inout_copied->repeated <= QN_IMPORT_REPEATED_BYTES_MAX);
    if (bytes > QN_IMPORT_REPEATED_BYTES_MAX - inout_copied->repeated)
        return QN_ERR(QN_LIMIT, "constants that repeat their last value need more than %zu bytes: %s",
                      QN_IMPORT_REPEATED_BYTES_MAX, advice);
    inout_copied->repeated += bytes;
    return NULL;
}
