#include "image/codec.h"

#include "base/dtype.h"

#include <stdio.h>

static void describe_dims(const qn_tensor *tensor, char *out, size_t bytes) {
    size_t used = (size_t)snprintf(out, bytes, "[");
    for (int i = 0; i < tensor->rank && i < QN_MAX_RANK && used < bytes; ++i)
        used += (size_t)snprintf(out + used, bytes - used, "%s%lld", i ? "," : "", (long long)tensor->dims[i]);
    if (used < bytes) snprintf(out + used, bytes - used, "]");
}

static qn_status *check_shape(const qn_tensor *labels, int64_t index) {
    const int rank = labels->rank, is_number = qn_dtype_is_integer(labels->dtype) || qn_dtype_is_float(labels->dtype);
    const int64_t *dims = labels->dims, *size = rank == 2 ? dims : dims + 1;
    const int known = rank == 2 || rank == 3 || (rank == 4 && dims[3] == 1);
    const int64_t pictures = rank == 2 ? 1 : dims[0];
    if (labels->data && is_number && known && size[0] >= 1 && size[1] >= 1 && index >= 0 && index < pictures)
        return size[0] <= QN_IMAGE_PIXELS_MAX / size[1]
                   ? NULL
                   : QN_ERR(QN_LIMIT, "labels of %lld x %lld pixels are above the limit of %d pixels",
                            (long long)size[1], (long long)size[0], QN_IMAGE_PIXELS_MAX);
    char found[24 * QN_MAX_RANK];
    describe_dims(labels, found, sizeof found);
    return QN_ERR(
        QN_INVALID_ARGUMENT,
        "expected numbers of shape [H,W], [N,H,W] or [N,H,W,1] as labels and picture %lld of them, found %s %s",
        (long long)index, qn_dtype_name(labels->dtype), found);
}

qn_status *qn_image_from_labels(const qn_tensor *labels, int64_t index, const qn_allocator *allocator,
                                qn_image *out_labels) {
    *out_labels = (qn_image){0};
    QN_TRY(check_shape(labels, index));
    const int64_t *size = labels->dims + (labels->rank > 2);
    const int64_t pixels = size[0] * size[1];
    QN_TRY(qn_image_init((int)size[1], (int)size[0], 1, allocator, out_labels));
    /* A view of one dimension: only the element type matters to the accessor. */
    const qn_view view = {.dtype = labels->dtype, .rank = 1, .dims = {pixels * (index + 1)}, .data = labels->data};
    for (int64_t i = 0; i < pixels; ++i) {
        const int64_t value = qn_view_get_int(&view, index * pixels + i);
        if (value < 0 || value >= QN_IMAGE_CLASSES_MAX) {
            qn_image_deinit(out_labels);
            return QN_ERR(QN_UNSUPPORTED, "label %lld at column %lld, row %lld, expected 0 .. 255", (long long)value,
                          (long long)(i % size[1]), (long long)(i / size[1]));
        }
        out_labels->data[i] = (uint8_t)value;
    }
    return NULL;
}
