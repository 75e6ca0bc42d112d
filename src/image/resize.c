/* Scaling in two passes, along rows and then along columns, with fixed-point weights: every machine gives the same
   bytes. */
#include "image/codec.h"

#include "base/checked.h"
#include "base/entry.h"

#include <assert.h>
#include <string.h>

/* The weights of one axis: target d is the sum over k < count[d] of weight[d * taps + k] * source[first[d] + k],
   scaled by 2^WEIGHT_BITS. The weights of one target add up to exactly that. */
enum { WEIGHT_BITS = 22 };
typedef struct axis {
    int source, target, taps;
    int *first, *count;
    int32_t *weight;
} axis;

static void axis_deinit(axis *a, const qn_allocator *allocator) {
    qn_free(allocator, a->first);
    qn_free(allocator, a->count);
    qn_free(allocator, a->weight);
}

static qn_status *axis_init(axis *a, int source, int target, int taps, const qn_allocator *allocator) {
    *a = (axis){.source = source, .target = target, .taps = taps};
    size_t weights;
    if (qn_checked_mul_size((size_t)target, (size_t)taps, &weights)) {
        a->first = qn_alloc_zeroed(allocator, (size_t)target, sizeof *a->first, 16);
        a->count = qn_alloc_zeroed(allocator, (size_t)target, sizeof *a->count, 16);
        a->weight = qn_alloc_zeroed(allocator, weights, sizeof *a->weight, 16);
    }
    return a->first && a->count && a->weight ? NULL : qn_status_out_of_memory();
}

/* The share of source pixel `s` in target pixel `d`, up to a common factor. Positions are in units in which a source
   pixel is 2 * target wide and a target pixel 2 * source, so everything is whole. */
static int64_t raw_weight(qn_image_filter filter, int64_t source, int64_t target, int64_t s, int64_t d) {
    if (filter == QN_IMAGE_AREA) {
        const int64_t low = qn_max_i64(s * target, d * source), high = qn_min_i64((s + 1) * target, (d + 1) * source);
        return qn_max_i64(high - low, 0);
    }
    const int64_t distance = (2 * s + 1) * target - (2 * d + 1) * source;
    return qn_max_i64(2 * qn_max_i64(source, target) - (distance < 0 ? -distance : distance), 0);
}

/* The first source pixel that has a weight; the run of those that do is at most taps_for() long. */
static int64_t first_source(qn_image_filter filter, int64_t source, int64_t target, int64_t d) {
    if (filter == QN_IMAGE_AREA) return d * source / target;
    const int64_t reach = 2 * qn_max_i64(source, target);
    return qn_max_i64(qn_floor_div_i64((2 * d + 1) * source - reach + target, 2 * target), 0);
}

static int taps_for(qn_image_filter filter, int source, int target) {
    const int64_t factor = qn_max_i64(qn_ceil_div_i64(source, target), 1);
    return (int)qn_min_i64(filter == QN_IMAGE_AREA ? factor + 1 : 2 * factor + 3, source);
}

static void axis_fill(axis *a, qn_image_filter filter) {
    for (int d = 0; d < a->target; ++d) {
        const int64_t first = first_source(filter, a->source, a->target, d);
        int64_t total = 0;
        int count = 0;
        for (int64_t w; first + count < a->source; total += w, ++count)
            if ((w = raw_weight(filter, a->source, a->target, first + count, d)) == 0) break;
        assert(count >= 1 && count <= a->taps);
        int32_t *weight = a->weight + (size_t)d * (size_t)a->taps;
        int64_t sum = 0;
        int32_t before = 0;
        for (int k = 0; k < count; ++k) { /* rounding the running sum makes the total exact */
            sum += raw_weight(filter, a->source, a->target, first + k, d);
            const int32_t after = (int32_t)((double)sum / (double)total * (1 << WEIGHT_BITS) + 0.5);
            weight[k] = after - before;
            before = after;
        }
        a->first[d] = (int)first;
        a->count[d] = count;
    }
}

static void scale_rows(const axis *a, const qn_image *src, qn_image *dst) {
    const int channels = src->channels;
    for (int y = 0; y < src->height; ++y) {
        const uint8_t *in = src->data + (size_t)y * src->stride_bytes;
        uint8_t *out = dst->data + (size_t)y * dst->stride_bytes;
        for (int d = 0; d < a->target; ++d) {
            const int32_t *weight = a->weight + (size_t)d * (size_t)a->taps;
            const uint8_t *from = in + (size_t)a->first[d] * (size_t)channels;
            for (int c = 0; c < channels; ++c) {
                int32_t sum = 1 << (WEIGHT_BITS - 1);
                for (int k = 0; k < a->count[d]; ++k) sum += weight[k] * from[(size_t)k * (size_t)channels + (size_t)c];
                *out++ = (uint8_t)(sum >> WEIGHT_BITS);
            }
        }
    }
}

static void scale_columns(const axis *a, const qn_image *src, qn_image *dst, int32_t *sums) {
    for (int d = 0; d < a->target; ++d) {
        const int32_t *weight = a->weight + (size_t)d * (size_t)a->taps;
        for (size_t i = 0; i < dst->stride_bytes; ++i) sums[i] = 1 << (WEIGHT_BITS - 1);
        for (int k = 0; k < a->count[d]; ++k) {
            const uint8_t *in = src->data + (size_t)(a->first[d] + k) * src->stride_bytes;
            for (size_t i = 0; i < dst->stride_bytes; ++i) sums[i] += weight[k] * in[i];
        }
        uint8_t *out = dst->data + (size_t)d * dst->stride_bytes;
        for (size_t i = 0; i < dst->stride_bytes; ++i) out[i] = (uint8_t)(sums[i] >> WEIGHT_BITS);
    }
}

static qn_status *resize_rows(const qn_image *src, qn_image_filter filter, qn_image *dst) {
    axis a;
    qn_status *status = axis_init(&a, src->width, dst->width, taps_for(filter, src->width, dst->width), dst->allocator);
    if (!status) {
        axis_fill(&a, filter);
        scale_rows(&a, src, dst);
    }
    axis_deinit(&a, dst->allocator);
    return status;
}

static qn_status *resize_columns(const qn_image *src, qn_image_filter filter, qn_image *dst) {
    axis a;
    qn_status *status =
        axis_init(&a, src->height, dst->height, taps_for(filter, src->height, dst->height), dst->allocator);
    int32_t *sums = qn_alloc_zeroed(dst->allocator, dst->stride_bytes, sizeof *sums, 64);
    if (!status && !sums) status = qn_status_out_of_memory();
    if (!status) {
        axis_fill(&a, filter);
        scale_columns(&a, src, dst, sums);
    }
    qn_free(dst->allocator, sums);
    axis_deinit(&a, dst->allocator);
    return status;
}

static qn_status *resize_smooth(const qn_image *src, qn_image_filter filter, qn_image *dst) {
    if (src->height == dst->height) return resize_rows(src, filter, dst);
    if (src->width == dst->width) return resize_columns(src, filter, dst);
    qn_image middle;
    QN_TRY(qn_image_init(dst->width, src->height, src->channels, dst->allocator, &middle));
    qn_status *status = resize_rows(src, filter, &middle);
    if (!status) status = resize_columns(&middle, filter, dst);
    qn_image_deinit(&middle);
    return status;
}

/* floor((d + 0.5) * source / target) */
static int nearest_source(int d, int source, int target) {
    return (int)((2 * (int64_t)d + 1) * source / (2 * (int64_t)target));
}

static qn_status *resize_nearest(const qn_image *src, qn_image *dst) {
    int *columns = qn_alloc_zeroed(dst->allocator, (size_t)dst->width, sizeof *columns, 16);
    if (!columns) return qn_status_out_of_memory();
    for (int x = 0; x < dst->width; ++x) columns[x] = nearest_source(x, src->width, dst->width) * src->channels;
    uint8_t *out = dst->data;
    for (int y = 0; y < dst->height; ++y) {
        const uint8_t *in = src->data + (size_t)nearest_source(y, src->height, dst->height) * src->stride_bytes;
        for (int x = 0; x < dst->width; ++x)
            for (int c = 0; c < src->channels; ++c) *out++ = in[columns[x] + c];
    }
    qn_free(dst->allocator, columns);
    return NULL;
}

qn_status *qn_image_resize(const qn_image *image, int width, int height, qn_image_filter filter,
                           const qn_allocator *allocator, qn_image *out_image) {
    QN_ENTER();
    QN_REQUIRE_ARG(out_image);
    *out_image = (qn_image){0};
    QN_REQUIRE_ARG(image);
    QN_TRY(qn_image_check(image));
    if (filter != QN_IMAGE_NEAREST && filter != QN_IMAGE_BILINEAR && filter != QN_IMAGE_AREA)
        return QN_ERR(QN_INVALID_ARGUMENT, "unknown resize filter %d", (int)filter);
    QN_TRY(qn_image_init(width, height, image->channels, allocator, out_image));
    qn_status *status = NULL;
    if (width == image->width && height == image->height)
        memcpy(out_image->data, image->data, image->stride_bytes * (size_t)height);
    else if (filter == QN_IMAGE_NEAREST)
        status = resize_nearest(image, out_image);
    else
        status = resize_smooth(image, filter, out_image);
    if (status) qn_image_deinit(out_image);
    return status;
}
