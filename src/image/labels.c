#include "image/codec.h"

#include "base/dtype.h"
#include "base/entry.h"

#include <stdio.h>

static void describe_dims(const qn_tensor *tensor, char *out, size_t bytes) {
    size_t used = (size_t)snprintf(out, bytes, "[");
    for (int i = 0; i < tensor->rank && i < QN_MAX_RANK && used < bytes; ++i)
        used += (size_t)snprintf(out + used, bytes - used, "%s%lld", i ? "," : "", (long long)tensor->dims[i]);
    if (used < bytes) snprintf(out + used, bytes - used, "]");
}

static qn_status *check_shape(const qn_tensor *labels, const char *what, int64_t index) {
    const int rank = labels->rank, is_number = qn_dtype_is_integer(labels->dtype) || qn_dtype_is_float(labels->dtype) ||
                                               labels->dtype == QN_DTYPE_BOOL;
    const int64_t *dims = labels->dims, *size = rank == 2 ? dims : dims + 1;
    const int known = rank == 2 || rank == 3 || (rank == 4 && dims[3] == 1);
    const int64_t pictures = rank == 2 ? 1 : dims[0];
    if (labels->data && is_number && known && size[0] >= 1 && size[1] >= 1 && index >= 0 && index < pictures)
        return size[0] <= QN_IMAGE_PIXELS_MAX / size[1]
                   ? NULL
                   : QN_ERR(QN_LIMIT, "%s of %lld x %lld pixels are above the limit of %d pixels", what,
                            (long long)size[1], (long long)size[0], QN_IMAGE_PIXELS_MAX);
    char found[24 * QN_MAX_RANK];
    describe_dims(labels, found, sizeof found);
    return QN_ERR(QN_INVALID_ARGUMENT,
                  "expected numbers of shape [H,W], [N,H,W] or [N,H,W,1] as %s and picture %lld of them, found %s %s",
                  what, (long long)index, qn_dtype_name(labels->dtype), found);
}

/* Checks the tensor, makes a picture for it, and a view of one dimension that ends with it: only the element type
   matters to the accessor. */
static qn_status *prepare(const qn_tensor *tensor, const char *what, int64_t index, const qn_allocator *allocator,
                          qn_image *out_labels, qn_view *out_view) {
    QN_TRY(check_shape(tensor, what, index));
    const int64_t *size = tensor->dims + (tensor->rank > 2);
    *out_view =
        (qn_view){.dtype = tensor->dtype, .rank = 1, .dims = {size[0] * size[1] * (index + 1)}, .data = tensor->data};
    return qn_image_init((int)size[1], (int)size[0], 1, allocator, out_labels);
}

static qn_status *refuse_label(const qn_view *view, int64_t at, int64_t pixel, int64_t width) {
    const double value = qn_view_get(view, at);
    const int is_inside = value >= 0 && value < QN_IMAGE_CLASSES_MAX;
    return QN_ERR(QN_UNSUPPORTED, "label %.9g at column %lld, row %lld, expected %s", value, (long long)(pixel % width),
                  (long long)(pixel / width),
                  is_inside ? "a whole number; qn_image_from_foreground() takes scores of one class" : "0 .. 255");
}

qn_status *qn_image_from_labels(const qn_tensor *labels, int64_t index, const qn_allocator *allocator,
                                qn_image *out_labels) {
    QN_ENTER();
    QN_REQUIRE_ARG(out_labels);
    *out_labels = (qn_image){0};
    QN_REQUIRE_ARG(labels);
    qn_view view;
    QN_TRY(prepare(labels, "labels", index, allocator, out_labels, &view));
    const int64_t pixels = (int64_t)out_labels->width * out_labels->height;
    for (int64_t i = 0; i < pixels; ++i) {
        const double value = qn_view_get(&view, index * pixels + i);
        out_labels->data[i] = value >= 0 && value < QN_IMAGE_CLASSES_MAX ? (uint8_t)value : 0;
        if (out_labels->data[i] == value) continue;
        qn_status *status = refuse_label(&view, index * pixels + i, i, out_labels->width);
        qn_image_deinit(out_labels);
        return status;
    }
    return NULL;
}

qn_status *qn_image_from_foreground(const qn_tensor *scores, int64_t index, double threshold,
                                    const qn_allocator *allocator, qn_image *out_labels) {
    QN_ENTER();
    QN_REQUIRE_ARG(out_labels);
    *out_labels = (qn_image){0};
    QN_REQUIRE_ARG(scores);
    qn_view view;
    QN_TRY(prepare(scores, "scores", index, allocator, out_labels, &view));
    const int64_t pixels = (int64_t)out_labels->width * out_labels->height;
    for (int64_t i = 0; i < pixels; ++i) out_labels->data[i] = qn_view_get(&view, index * pixels + i) > threshold;
    return NULL;
}
