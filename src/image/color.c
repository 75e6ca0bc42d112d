#include "image/codec.h"

#include "base/entry.h"

#include <string.h>

qn_status *qn_image_colorize(const qn_image *labels, const qn_image_palette *palette, const qn_allocator *allocator,
                             qn_image *out_image) {
    QN_ENTER();
    QN_REQUIRE_ARG(out_image);
    *out_image = (qn_image){0};
    QN_REQUIRE_ARG(labels);
    QN_REQUIRE_ARG(palette);
    QN_TRY(qn_image_check_labels(labels));
    QN_TRY(qn_image_init(labels->width, labels->height, 3, allocator, out_image));
    const size_t pixels = (size_t)labels->width * (size_t)labels->height;
    for (size_t i = 0; i < pixels; ++i) memcpy(out_image->data + 3 * i, palette->colors[labels->data[i]], 3);
    return NULL;
}

qn_status *qn_image_overlay(const qn_image *photo, const qn_image *labels, const qn_image_palette *palette, float alpha,
                            const qn_allocator *allocator, qn_image *out_image) {
    QN_ENTER();
    QN_REQUIRE_ARG(out_image);
    *out_image = (qn_image){0};
    QN_REQUIRE_ARG(photo);
    QN_REQUIRE_ARG(labels);
    QN_REQUIRE_ARG(palette);
    QN_TRY(qn_image_check_labels(labels));
    QN_TRY(qn_image_check(photo));
    if (photo->width != labels->width || photo->height != labels->height)
        return QN_ERR(QN_INVALID_ARGUMENT, "cannot lay labels of %d x %d over a photo of %d x %d", labels->width,
                      labels->height, photo->width, photo->height);
    if (!(alpha >= 0 && alpha <= 1)) return QN_ERR(QN_INVALID_ARGUMENT, "alpha is %g, expected 0 .. 1", (double)alpha);
    QN_TRY(qn_image_init(photo->width, photo->height, 3, allocator, out_image));
    const size_t pixels = (size_t)photo->width * (size_t)photo->height;
    const size_t photo_step = (size_t)photo->channels, next = photo->channels == 3;
    const unsigned weight = (unsigned)(alpha * 256 + 0.5f);
    for (size_t i = 0; i < pixels; ++i) {
        const uint8_t *under = photo->data + i * photo_step, *over = palette->colors[labels->data[i]];
        for (size_t c = 0; c < 3; ++c)
            out_image->data[3 * i + c] = (uint8_t)((under[c * next] * (256 - weight) + over[c] * weight + 128) >> 8);
    }
    return NULL;
}

qn_status *qn_image_count_labels(const qn_image *labels, int64_t inout_areas[QN_IMAGE_CLASSES_MAX]) {
    QN_ENTER();
    QN_REQUIRE_ARG(labels);
    QN_REQUIRE_ARG(inout_areas);
    QN_TRY(qn_image_check_labels(labels));
    const size_t pixels = (size_t)labels->width * (size_t)labels->height;
    for (size_t i = 0; i < pixels; ++i) ++inout_areas[labels->data[i]];
    return NULL;
}

qn_status *qn_image_join(const qn_image *left, const qn_image *right, const qn_allocator *allocator,
                         qn_image *out_image) {
    QN_ENTER();
    QN_REQUIRE_ARG(out_image);
    *out_image = (qn_image){0};
    QN_REQUIRE_ARG(left);
    QN_REQUIRE_ARG(right);
    QN_TRY(qn_image_check(left));
    QN_TRY(qn_image_check(right));
    if (left->channels != 3 || right->channels != 3)
        return QN_ERR(QN_INVALID_ARGUMENT, "expected two RGB pictures to join, found %d and %d channels",
                      left->channels, right->channels);
    if (left->width > QN_IMAGE_PIXELS_MAX - right->width)
        return QN_ERR(QN_LIMIT, "pictures of %d and %d pixels are too wide to join", left->width, right->width);
    const int height = left->height > right->height ? left->height : right->height;
    QN_TRY(qn_image_init(left->width + right->width, height, 3, allocator, out_image));
    memset(out_image->data, 255, out_image->stride_bytes * (size_t)height);
    const qn_image *parts[] = {left, right};
    size_t offset = 0;
    for (int p = 0; p < 2; offset += parts[p]->stride_bytes, ++p)
        for (int y = 0; y < parts[p]->height; ++y)
            memcpy(out_image->data + (size_t)y * out_image->stride_bytes + offset,
                   parts[p]->data + (size_t)y * parts[p]->stride_bytes, parts[p]->stride_bytes);
    return NULL;
}
