#include "image/codec.h"

#include "base/checked.h"
#include "base/entry.h"

#include <assert.h>
#include <string.h>

qn_status *qn_image_check(const qn_image *image) {
    QN_ENTER();
    QN_REQUIRE_ARG(image);
    if (image->data && image->width >= 1 && image->height >= 1 && (image->channels == 1 || image->channels == 3) &&
        image->stride_bytes == (size_t)image->width * (size_t)image->channels)
        return NULL;
    return QN_ERR(
        QN_INVALID_ARGUMENT,
        "a picture of %d x %d pixels, %d channels, %zu bytes a row and %s data, expected at least 1 x 1, 1 or "
        "3 channels and width * channels bytes a row",
        image->width, image->height, image->channels, image->stride_bytes, image->data ? "some" : "no");
}

qn_status *qn_image_check_labels(const qn_image *labels) {
    QN_TRY(qn_image_check(labels));
    if (labels->channels == 1) return NULL;
    return QN_ERR(QN_INVALID_ARGUMENT, "expected a label map of 1 channel, found a picture of %d", labels->channels);
}

qn_status *qn_image_init_raw(int width, int height, int channels, const qn_allocator *allocator, qn_image *out_image) {
    assert(width > 0 && height > 0 && (channels == 1 || channels == 3));
    assert((int64_t)width * height <= QN_IMAGE_PIXELS_MAX);
    allocator = qn_allocator_or_default(allocator);
    *out_image = (qn_image){0};
    size_t stride_bytes = (size_t)width * (size_t)channels;
    uint8_t *data = allocator->alloc(allocator->self, stride_bytes * (size_t)height, 64);
    if (!data) return qn_status_out_of_memory();
    *out_image = (qn_image){width, height, channels, stride_bytes, data, allocator};
    return NULL;
}

qn_status *qn_image_init(int width, int height, int channels, const qn_allocator *allocator, qn_image *out_image) {
    QN_ENTER();
    QN_REQUIRE_ARG(out_image);
    *out_image = (qn_image){0};
    if (width < 1 || height < 1)
        return QN_ERR(QN_INVALID_ARGUMENT, "picture of %d x %d pixels, expected at least 1 x 1", width, height);
    if (channels != 1 && channels != 3)
        return QN_ERR(QN_INVALID_ARGUMENT, "picture of %d channels, expected 1 or 3", channels);
    if ((int64_t)width * height > QN_IMAGE_PIXELS_MAX)
        return QN_ERR(QN_LIMIT, "picture of %d x %d pixels is above the limit of %d pixels", width, height,
                      QN_IMAGE_PIXELS_MAX);
    QN_TRY(qn_image_init_raw(width, height, channels, allocator, out_image));
    memset(out_image->data, 0, out_image->stride_bytes * (size_t)height);
    return NULL;
}

void qn_image_deinit(qn_image *image) {
    if (!image) return;
    qn_free(image->allocator, image->data);
    *image = (qn_image){0};
}

void qn_image_buffer_deinit(qn_image_buffer *buffer) {
    if (!buffer) return;
    qn_free(buffer->allocator, buffer->data);
    *buffer = (qn_image_buffer){0};
}

qn_status *qn_image_crop(const qn_image *image, qn_image_rect rect, const qn_allocator *allocator, qn_image *out_part) {
    QN_ENTER();
    QN_REQUIRE_ARG(out_part);
    *out_part = (qn_image){0};
    QN_REQUIRE_ARG(image);
    QN_TRY(qn_image_check(image));
    if (rect.x < 0 || rect.y < 0 || rect.width < 1 || rect.height < 1 || rect.x > image->width - rect.width ||
        rect.y > image->height - rect.height)
        return QN_ERR(QN_INVALID_ARGUMENT, "part of %d x %d pixels at %d, %d is not inside a picture of %d x %d",
                      rect.width, rect.height, rect.x, rect.y, image->width, image->height);
    QN_TRY(qn_image_init_raw(rect.width, rect.height, image->channels, allocator, out_part));
    for (int y = 0; y < rect.height; ++y)
        memcpy(out_part->data + (size_t)y * out_part->stride_bytes,
               image->data + (size_t)(rect.y + y) * image->stride_bytes + (size_t)rect.x * (size_t)image->channels,
               out_part->stride_bytes);
    return NULL;
}

qn_status *qn_image_orient(qn_image *inout_image, int orientation, const qn_cancel *cancel) {
    assert(orientation >= 1 && orientation <= 8);
    if (orientation == 1) return NULL;
    /* Upright pixel (x, y) comes from stored pixel (x, y), or (y, x) if the axes are swapped, then mirrored. */
    const int swap = orientation >= 5;
    const int mirror_x = orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8;
    const int mirror_y = orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7;
    const qn_image src = *inout_image;
    qn_image dst;
    QN_TRY(qn_image_init_raw(swap ? src.height : src.width, swap ? src.width : src.height, src.channels, src.allocator,
                             &dst));
    const ptrdiff_t column = mirror_x ? -src.channels : src.channels;
    const ptrdiff_t row = mirror_y ? -(ptrdiff_t)src.stride_bytes : (ptrdiff_t)src.stride_bytes;
    const uint8_t *origin = src.data + (mirror_x ? src.stride_bytes - (size_t)src.channels : 0) +
                            (mirror_y ? src.stride_bytes * (size_t)(src.height - 1) : 0);
    const ptrdiff_t step_x = swap ? row : column, step_y = swap ? column : row;
    uint8_t *out = dst.data;
    qn_status *status = NULL;
    for (ptrdiff_t y = 0; y < dst.height && !status; ++y) {
        for (ptrdiff_t x = 0; x < dst.width; ++x, out += src.channels) {
            const uint8_t *in = origin + y * step_y + x * step_x;
            out[0] = in[0];
            if (src.channels == 3) out[1] = in[1], out[2] = in[2];
        }
        status = qn_cancel_check(cancel);
    }
    if (status) {
        qn_image_deinit(&dst);
        return status;
    }
    qn_image_deinit(inout_image);
    *inout_image = dst;
    return NULL;
}

static void set_channels_of_row(const uint8_t *in, size_t pixels, int channels, uint8_t *out) {
    if (channels == 3)
        for (size_t i = 0; i < pixels; ++i) memset(out + 3 * i, in[i], 3);
    else /* 0.299 R + 0.587 G + 0.114 B in 16 bits after the point; the weights add up to 1 */
        for (size_t i = 0; i < pixels; ++i, in += 3)
            out[i] = (uint8_t)((19595u * in[0] + 38470u * in[1] + 7471u * in[2] + 32768u) >> 16);
}

qn_status *qn_image_set_channels(qn_image *inout_image, int channels, const qn_cancel *cancel) {
    assert(channels == 1 || channels == 3);
    if (inout_image->channels == channels) return NULL;
    qn_image dst;
    QN_TRY(qn_image_init_raw(inout_image->width, inout_image->height, channels, inout_image->allocator, &dst));
    qn_status *status = NULL;
    for (size_t y = 0; y < (size_t)dst.height && !status; ++y) {
        set_channels_of_row(inout_image->data + y * inout_image->stride_bytes, (size_t)dst.width, channels,
                            dst.data + y * dst.stride_bytes);
        status = qn_cancel_check(cancel);
    }
    if (status) {
        qn_image_deinit(&dst);
        return status;
    }
    qn_image_deinit(inout_image);
    *inout_image = dst;
    return NULL;
}
