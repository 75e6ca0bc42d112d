#include "image/codec.h"

#include "base/entry.h"

#include <stdlib.h>
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

/* ---- From colours to labels ---- */

/* A class by its colour, 0xRRGGBB. */
typedef struct color_row {
    uint32_t color;
    int label;
} color_row;

/* Of one colour the lowest class comes first. */
static int compare_rows(const void *a, const void *b) {
    const color_row *x = a, *y = b;
    if (x->color != y->color) return x->color < y->color ? -1 : 1;
    return (x->label > y->label) - (x->label < y->label);
}

static uint32_t pack_color(const uint8_t *rgb) { return (uint32_t)rgb[0] << 16 | (uint32_t)rgb[1] << 8 | rgb[2]; }

/* The classes of a palette by their colours. */
typedef struct color_index {
    color_row rows[QN_IMAGE_CLASSES_MAX];
    int count;
} color_index;

static void index_colors(const qn_image_palette *palette, color_index *out) {
    const int named = palette->class_count > 0 ? palette->class_count : QN_IMAGE_CLASSES_MAX;
    out->count = 0;
    for (int i = 0; i < QN_IMAGE_CLASSES_MAX; ++i)
        if (i < named || i == QN_IMAGE_IGNORE_LABEL)
            out->rows[out->count++] = (color_row){pack_color(palette->colors[i]), i};
    qsort(out->rows, (size_t)out->count, sizeof *out->rows, compare_rows);
}

/* The lowest class of that colour, or -1: the first row that is not below the colour is it. */
static int find_label(const color_index *index, uint32_t color) {
    const color_row *rows = index->rows;
    int first = 0, end = index->count;
    while (first < end) {
        const int middle = (first + end) / 2;
        if (rows[middle].color < color)
            first = middle + 1;
        else
            end = middle;
    }
    return first < index->count && rows[first].color == color ? rows[first].label : -1;
}

static qn_status *refuse_color(const color_index *index, const qn_image *picture, int x, int y) {
    const uint8_t *rgb = picture->data + (size_t)y * picture->stride_bytes + 3 * (size_t)x;
    const int swapped = find_label(index, pack_color((const uint8_t[3]){rgb[2], rgb[1], rgb[0]}));
    return QN_ERR(QN_INVALID_ARGUMENT, "colour %d %d %d at column %d, row %d is no class's in the palette%s", rgb[0],
                  rgb[1], rgb[2], x, y,
                  swapped >= 0 ? "; with red and blue exchanged it is: was it saved as B, G, R, as cv2.imwrite() does?"
                               : "; JPEG and scaling blend colours, label maps are saved as PNG at their own size");
}

qn_status *qn_image_from_colors(const qn_image *picture, const qn_image_palette *palette, const qn_allocator *allocator,
                                qn_image *out_labels) {
    QN_ENTER();
    QN_REQUIRE_ARG(out_labels);
    *out_labels = (qn_image){0};
    QN_REQUIRE_ARG(picture);
    QN_REQUIRE_ARG(palette);
    QN_TRY(qn_image_check(picture));
    if (picture->channels != 3)
        return QN_ERR(QN_INVALID_ARGUMENT, "a picture of 1 channel has no colours, expected 3 channels");
    color_index index;
    index_colors(palette, &index);
    QN_TRY(qn_image_init(picture->width, picture->height, 1, allocator, out_labels));
    uint8_t *labels = out_labels->data;
    uint32_t last = pack_color(palette->colors[0]);
    int label = find_label(&index, last);
    for (int y = 0; y < picture->height; ++y) {
        const uint8_t *rgb = picture->data + (size_t)y * picture->stride_bytes;
        for (int x = 0; x < picture->width; ++x, rgb += 3) {
            const uint32_t color = pack_color(rgb);
            if (color != last) label = find_label(&index, last = color);
            if (label < 0) {
                qn_image_deinit(out_labels);
                return refuse_color(&index, picture, x, y);
            }
            *labels++ = (uint8_t)label;
        }
    }
    return NULL;
}

/* ---- Labels over pictures ---- */

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
