/* What a network answers to the tiles of a picture, as if it had answered to the whole. */
#include "vision/vision.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* One axis of the whole answer: `count` samples over the `side` pixels of the scaled picture. */
typedef struct axis {
    int side, count;            /* of the whole */
    int origin, net;            /* where the tile begins, and at how many pixels the network ran for it */
    int samples;                /* of the tile */
    int share_start, share_end; /* the tile's share, in pixels of the whole */
} axis;

/* As many samples for each pixel as the tile has, rounded. */
static int count_samples(int side, int samples, int net) {
    const int64_t count = ((int64_t)side * samples + net / 2) / net;
    return count < 1 ? 1 : count > INT32_MAX ? INT32_MAX : (int)count;
}

/* The pixel at which sample i of the whole stands, by the rule that qn_vision_find_neighbours() finds it with. */
static float stand(const axis *a, int i) {
    if (qn_vision_keeps_corners(a->side, a->count)) return (float)i * (float)(a->side - 1) / (float)(a->count - 1);
    return fmaxf(0, ((float)i + 0.5f) * (float)a->side / (float)a->count - 0.5f);
}

static int is_ours(const axis *a, int i) {
    const int nearest = (int)(stand(a, i) + 0.5f), pixel = nearest < a->side ? nearest : a->side - 1;
    return pixel >= a->share_start && pixel < a->share_end;
}

/* The samples of the whole that are in the tile's share: [*out_first, *out_end). */
static void find_samples(const axis *a, int *out_first, int *out_end) {
    int first = 0;
    while (first < a->count && !is_ours(a, first)) first++;
    int end = first;
    while (end < a->count && is_ours(a, end)) end++;
    *out_first = first;
    *out_end = end;
}

static size_t place(const qn_vision_grid *g, int row, int column, int class) {
    return (size_t)row * g->row_step + (size_t)column * g->column_step + (size_t) class * g->class_step;
}

/* Two samples of the tile, and how far from the first to the second. */
typedef struct between {
    int first, second;
    float f;
} between;

static between find_between(const axis *a, int i) {
    between b;
    b.f = qn_vision_find_neighbours(stand(a, i) - (float)a->origin, a->net, a->samples, &b.first, &b.second);
    return b;
}

static float blend(const qn_vision_grid *g, const float *data, between row, between column, int class) {
    const float *top = data + place(g, row.first, 0, class), *bottom = data + place(g, row.second, 0, class);
    const size_t left = (size_t)column.first * g->column_step, right = (size_t)column.second * g->column_step;
    const float a = qn_vision_mix(top[left], bottom[left], row.f);
    const float b = qn_vision_mix(top[right], bottom[right], row.f);
    return qn_vision_mix(a, b, column.f);
}

static qn_status *merge_scores(const qn_tensor *output, const qn_vision_grid *tile, const axis axes[2],
                               const qn_vision_grid *whole, float *inout_data) {
    float *own;
    int row, row_end, first_column, column_end;
    const float *data = qn_vision_as_floats(output, &own);
    if (!data) return qn_status_out_of_memory();
    find_samples(&axes[1], &first_column, &column_end);
    for (find_samples(&axes[0], &row, &row_end); row < row_end; row++) {
        const between rows = find_between(&axes[0], row);
        for (int column = first_column; column < column_end; column++) {
            const between columns = find_between(&axes[1], column);
            for (int c = 0; c < tile->classes; c++)
                inout_data[place(whole, row, column, c)] = blend(tile, data, rows, columns, c);
        }
    }
    free(own);
    return NULL;
}

/* Labels are not blended: the nearest sample's. */
static void merge_labels(const qn_tensor *output, const qn_vision_grid *tile, const axis axes[2],
                         const qn_vision_grid *whole, qn_tensor *inout_whole) {
    const size_t bytes = qn_dtype_size(output->dtype);
    const char *from = output->data;
    char *to = inout_whole->data;
    int row, row_end, first_column, column_end;
    find_samples(&axes[1], &first_column, &column_end);
    for (find_samples(&axes[0], &row, &row_end); row < row_end; row++) {
        const between rows = find_between(&axes[0], row);
        for (int column = first_column; column < column_end; column++) {
            const between columns = find_between(&axes[1], column);
            const size_t at = place(tile, rows.f < 0.5f ? rows.first : rows.second,
                                    columns.f < 0.5f ? columns.first : columns.second, 0);
            memcpy(to + place(whole, row, column, 0) * bytes, from + at * bytes, bytes);
        }
    }
}

qn_status *qn_vision_merge(const qn_vision *vision, const qn_tensor *output, const qn_image_fit *fit, int index,
                           const int net[2], qn_tensor *inout_whole) {
    const qn_vision_info *info = &vision->info;
    const qn_image_rect tile_at = qn_image_fit_tile(fit, index), share = qn_image_fit_tile_share(fit, index);
    qn_vision_grid tile, whole;
    QN_TRY(qn_vision_find_grid(info, output, &tile));
    axis axes[2] = {{.side = fit->height,
                     .origin = tile_at.y,
                     .net = net[0],
                     .samples = tile.height,
                     .share_start = share.y,
                     .share_end = share.y + share.height},
                    {.side = fit->width,
                     .origin = tile_at.x,
                     .net = net[1],
                     .samples = tile.width,
                     .share_start = share.x,
                     .share_end = share.x + share.width}};
    for (int i = 0; i < 2; i++) axes[i].count = count_samples(axes[i].side, axes[i].samples, axes[i].net);
    if (index == 0) {
        int64_t dims[QN_MAX_RANK];
        for (int i = 0; i < output->rank; i++) dims[i] = output->dims[i];
        dims[info->row_axis] = axes[0].count;
        dims[info->row_axis + 1] = axes[1].count;
        qn_tensor_deinit(inout_whole, NULL);
        QN_TRY(qn_tensor_init(info->answer == QN_VISION_LABELS ? output->dtype : QN_DTYPE_F32, output->rank, dims, NULL,
                              inout_whole));
    }
    QN_TRY(qn_vision_find_grid(info, inout_whole, &whole));
    if (whole.height != axes[0].count || whole.width != axes[1].count || whole.classes != tile.classes)
        return QN_ERR(QN_UNSUPPORTED, "the network answers to tiles of one size with scores of different sizes");
    if (info->answer != QN_VISION_LABELS) return merge_scores(output, &tile, axes, &whole, inout_whole->data);
    merge_labels(output, &tile, axes, &whole, inout_whole);
    return NULL;
}
