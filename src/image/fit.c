/* How a picture of any size goes through a network with a range of sizes: arithmetic only, nothing is allocated. */
#include "image/codec.h"

#include "base/checked.h"
#include "base/entry.h"

#include <limits.h>
#include <string.h>

static const char *const mode_names[] = {
    [QN_IMAGE_FIT_SHRINK] = "shrink",
    [QN_IMAGE_FIT_LONGEST] = "longest",
    [QN_IMAGE_FIT_STRETCH] = "stretch",
    [QN_IMAGE_FIT_TILE] = "tile",
};
enum { MODE_COUNT = sizeof mode_names / sizeof *mode_names };

qn_status *qn_image_fit_mode_from_name(const char *name, qn_image_fit_mode *out_mode) {
    QN_ENTER();
    QN_REQUIRE_ARG(out_mode);
    QN_REQUIRE_ARG(name);
    for (int i = 0; i < MODE_COUNT; ++i)
        if (!strcmp(name, mode_names[i])) {
            *out_mode = (qn_image_fit_mode)i;
            return NULL;
        }
    const char *nearest = qn_text_nearest(name, mode_names, MODE_COUNT);
    return QN_ERR(QN_INVALID_ARGUMENT, "unknown fit '%s', expected shrink, longest, stretch or tile%s%s%s", name,
                  nearest ? "; did you mean '" : "", nearest ? nearest : "", nearest ? "'?" : "");
}

typedef struct size2 {
    int64_t width, height;
} size2;

/* length * numerator / denominator to the nearest pixel, at least 1. */
static int64_t scale_length(int64_t length, int64_t numerator, int64_t denominator) {
    return qn_max_i64((length * numerator + denominator / 2) / denominator, 1);
}

/* The largest size of this ratio inside the maximum. */
static size2 scale_to_maximum(size2 size, size2 maximum) {
    if (maximum.width * size.height <= maximum.height * size.width)
        return (size2){maximum.width, scale_length(size.height, maximum.width, size.width)};
    return (size2){scale_length(size.width, maximum.height, size.height), maximum.height};
}

/* The smallest size of this ratio that reaches the minimum on both sides. */
static size2 scale_to_minimum(size2 size, size2 minimum) {
    if (minimum.width * size.height >= minimum.height * size.width)
        return (size2){minimum.width, scale_length(size.height, minimum.width, size.width)};
    return (size2){scale_length(size.width, minimum.height, size.height), minimum.height};
}

/* Stands for "no maximum": no picture has a longer side, and products with it do not overflow. */
static const int64_t unbounded = INT_MAX;

static qn_status *check_request(int width, int height, const qn_image_range *range) {
    if (width < 1 || height < 1)
        return QN_ERR(QN_INVALID_ARGUMENT, "cannot fit a picture of %d x %d pixels", width, height);
    if (range->min_width < 0 || range->min_height < 0 || range->max_width < 0 || range->max_height < 0 ||
        (range->max_width && range->max_width < range->min_width) ||
        (range->max_height && range->max_height < range->min_height))
        return QN_ERR(QN_INVALID_ARGUMENT, "cannot fit a picture into the range %d x %d .. %d x %d (width x height)",
                      range->min_width, range->min_height, range->max_width, range->max_height);
    return NULL;
}

static int64_t tile_step(int64_t tile) { return tile - tile / 4; }

/* How many tiles cover `side`. */
static int64_t tile_count(int64_t side, int64_t tile) {
    return side <= tile ? 1 : qn_ceil_div_i64(side - tile, tile_step(tile)) + 1;
}

static size2 fitted_size(qn_image_fit_mode mode, size2 size, size2 minimum, size2 maximum) {
    if (mode == QN_IMAGE_FIT_STRETCH)
        return (size2){maximum.width == unbounded ? qn_max_i64(size.width, minimum.width) : maximum.width,
                       maximum.height == unbounded ? qn_max_i64(size.height, minimum.height) : maximum.height};
    const int bounded = maximum.width != unbounded || maximum.height != unbounded;
    const int above = size.width > maximum.width || size.height > maximum.height;
    size2 fitted = size;
    if ((mode == QN_IMAGE_FIT_SHRINK && above) || (mode == QN_IMAGE_FIT_LONGEST && bounded))
        fitted = scale_to_maximum(size, maximum);
    if (fitted.width < minimum.width || fitted.height < minimum.height) fitted = scale_to_minimum(size, minimum);
    if (mode != QN_IMAGE_FIT_TILE) {
        fitted.width = qn_min_i64(fitted.width, maximum.width);
        fitted.height = qn_min_i64(fitted.height, maximum.height);
    }
    return fitted;
}

qn_status *qn_image_fit_plan(qn_image_fit_mode mode, int width, int height, const qn_image_range *range,
                             qn_image_fit *out_fit) {
    QN_ENTER();
    QN_REQUIRE_ARG(out_fit);
    *out_fit = (qn_image_fit){0};
    QN_REQUIRE_ARG(range);
    if ((unsigned)mode >= MODE_COUNT) return QN_ERR(QN_INVALID_ARGUMENT, "unknown fit mode %d", (int)mode);
    QN_TRY(check_request(width, height, range));
    const size2 minimum = {qn_max_i64(range->min_width, 1), qn_max_i64(range->min_height, 1)};
    const size2 maximum = {range->max_width ? range->max_width : unbounded,
                           range->max_height ? range->max_height : unbounded};
    const size2 size = fitted_size(mode, (size2){width, height}, minimum, maximum);
    if (size.width > QN_IMAGE_PIXELS_MAX / size.height)
        return QN_ERR(QN_LIMIT,
                      "a picture of %d x %d pixels would be scaled to %lld x %lld, above the limit of %d pixels", width,
                      height, (long long)size.width, (long long)size.height, QN_IMAGE_PIXELS_MAX);
    const int64_t tile_width = qn_min_i64(size.width, maximum.width);
    const int64_t tile_height = qn_min_i64(size.height, maximum.height);
    *out_fit = (qn_image_fit){(int)size.width,
                              (int)size.height,
                              (int)tile_count(size.width, tile_width),
                              (int)tile_count(size.height, tile_height),
                              (int)tile_width,
                              (int)tile_height};
    return NULL;
}

/* Where tile i of `count` begins: spread evenly, the first at the start and the last at the end. */
static int64_t tile_start(int64_t i, int64_t count, int64_t side, int64_t tile) {
    return count == 1 ? 0 : i * (side - tile) / (count - 1);
}

/* The first pixel that is taken from tile i rather than from tile i - 1: midway between their centres. Of a side of
   800 in two tiles of 513, which begin at 0 and 287, pixels 0 .. 399 are taken from the first tile. */
static int64_t share_start(int64_t i, int64_t count, int64_t side, int64_t tile) {
    if (i == 0) return 0;
    if (i == count) return side;
    return (tile_start(i - 1, count, side, tile) + tile_start(i, count, side, tile) + tile - 1) / 2 + 1;
}

static int has_tile(const qn_image_fit *fit, int index) {
    return fit && fit->columns >= 1 && fit->rows >= 1 && index >= 0 && index / fit->columns < fit->rows;
}

qn_image_rect qn_image_fit_tile(const qn_image_fit *fit, int index) {
    if (!has_tile(fit, index)) return (qn_image_rect){0};
    const int column = index % fit->columns, row = index / fit->columns;
    return (qn_image_rect){(int)tile_start(column, fit->columns, fit->width, fit->tile_width),
                           (int)tile_start(row, fit->rows, fit->height, fit->tile_height), fit->tile_width,
                           fit->tile_height};
}

qn_image_rect qn_image_fit_tile_share(const qn_image_fit *fit, int index) {
    if (!has_tile(fit, index)) return (qn_image_rect){0};
    const int column = index % fit->columns, row = index / fit->columns;
    const int x = (int)share_start(column, fit->columns, fit->width, fit->tile_width);
    const int y = (int)share_start(row, fit->rows, fit->height, fit->tile_height);
    return (qn_image_rect){x, y, (int)share_start(column + 1, fit->columns, fit->width, fit->tile_width) - x,
                           (int)share_start(row + 1, fit->rows, fit->height, fit->tile_height) - y};
}

qn_status *qn_image_fit_stitch(const qn_image_fit *fit, int index, const qn_image *tile, qn_image *inout_whole) {
    QN_ENTER();
    QN_REQUIRE_ARG(fit);
    QN_REQUIRE_ARG(tile);
    QN_REQUIRE_ARG(inout_whole);
    if (!has_tile(fit, index)) return QN_ERR(QN_INVALID_ARGUMENT, "tile %d of %d x %d", index, fit->columns, fit->rows);
    QN_TRY(qn_image_check(tile));
    QN_TRY(qn_image_check(inout_whole));
    if (tile->width != fit->tile_width || tile->height != fit->tile_height || inout_whole->width != fit->width ||
        inout_whole->height != fit->height || tile->channels != inout_whole->channels)
        return QN_ERR(QN_INVALID_ARGUMENT,
                      "cannot stitch a tile of %d x %d x %d into %d x %d x %d, expected %d x %d into %d x %d",
                      tile->width, tile->height, tile->channels, inout_whole->width, inout_whole->height,
                      inout_whole->channels, fit->tile_width, fit->tile_height, fit->width, fit->height);
    const qn_image_rect at = qn_image_fit_tile(fit, index), share = qn_image_fit_tile_share(fit, index);
    const size_t channels = (size_t)tile->channels;
    for (int y = share.y; y < share.y + share.height; ++y)
        memcpy(inout_whole->data + (size_t)y * inout_whole->stride_bytes + (size_t)share.x * channels,
               tile->data + (size_t)(y - at.y) * tile->stride_bytes + (size_t)(share.x - at.x) * channels,
               (size_t)share.width * channels);
    return NULL;
}
