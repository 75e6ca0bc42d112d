/* What a model answers, as label maps. */
#include "vision/vision.h"

#include <assert.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>

/* The label of element i as a byte. */
static qn_status *take_label(const qn_view *output, size_t i, uint8_t *out_label) {
    const double label = qn_view_get(output, (int64_t)i);
    *out_label = label >= 0 && label < QN_IMAGE_CLASSES_MAX ? (uint8_t)label : 0;
    if (*out_label == label) return NULL;
    if (label >= 0 && label < QN_IMAGE_CLASSES_MAX)
        return QN_ERR(QN_UNSUPPORTED,
                      "label %.9g at pixel %zu is no whole number: if these are scores of one class, build with "
                      "image.decode \"foreground\"",
                      label, i);
    return QN_ERR(QN_UNSUPPORTED, "label %.9g at pixel %zu is outside 0..255", label, i);
}

/* `made` takes the place of `inout_labels`, if making it went well. */
static qn_status *exchange(qn_status *status, qn_image *made, qn_image *inout_labels) {
    if (status) return status;
    qn_image_deinit(inout_labels);
    *inout_labels = *made;
    return NULL;
}

/* Labels are at their own size, as large as the network ran at after nearest neighbours, and the map is the first part
   of that. */
static qn_status *fit_labels(const qn_vision_extent extents[2], qn_image *inout_labels) {
    const qn_vision_extent *rows = &extents[0], *columns = &extents[1];
    qn_image made;
    assert(rows->size == rows->part && columns->size == columns->part);
    assert(rows->count == rows->part && columns->count == columns->part);
    if (inout_labels->width != columns->net || inout_labels->height != rows->net)
        QN_TRY(exchange(qn_image_resize(inout_labels, columns->net, rows->net, QN_IMAGE_NEAREST, NULL, &made), &made,
                        inout_labels));
    if (columns->part == columns->net && rows->part == rows->net) return NULL;
    const qn_image_rect part = {0, 0, columns->part, rows->part};
    return exchange(qn_image_crop(inout_labels, part, NULL, &made), &made, inout_labels);
}

static qn_status *take_labels(const qn_view *output, int width, int height, const qn_vision_extent extents[2],
                              qn_image *out_labels) {
    QN_TRY(qn_image_init(width, height, 1, NULL, out_labels));
    qn_status *status = NULL;
    const size_t count = (size_t)width * (size_t)height;
    for (size_t i = 0; i < count && !status; i++) status = take_label(output, i, &out_labels->data[i]);
    if (!status) status = fit_labels(extents, out_labels);
    if (status) qn_image_deinit(out_labels);
    return status;
}

qn_vision_extent qn_vision_extent_of(int size, int net) {
    return (qn_vision_extent){.size = size, .part = size, .net = net, .count = size};
}

/* The pixel of the network's that lies under pixel i of the map: i itself, or, where the map has another size than the
   picture, the middle of what pixel i covers. */
static float find_pixel(int i, const qn_vision_extent *extent) {
    const float pixel = extent->size == extent->part
                            ? (float)i
                            : fmaxf(0, ((float)i + 0.5f) * (float)extent->part / (float)extent->size - 0.5f);
    return pixel - (float)extent->origin;
}

int qn_vision_keeps_corners(int net, int count) { return count > 1 && (net - 1) % (count - 1) == 0; }

float qn_vision_find_neighbours(float pixel, int net, int count, int *out_first, int *out_second) {
    float at = qn_vision_keeps_corners(net, count) ? pixel * (float)(count - 1) / (float)(net - 1)
                                                   : (pixel + 0.5f) * (float)count / (float)net - 0.5f;
    if (at < 0) at = 0;
    *out_first = (int)at < count - 1 ? (int)at : count - 1;
    *out_second = *out_first + 1 < count ? *out_first + 1 : *out_first;
    return at - (float)*out_first;
}

/* Scores [h, w, C] or [C, h, w]. */
typedef struct scores {
    const float *data;
    qn_vision_grid grid;
    float threshold; /* of one class */
} scores;

/* Row y of the map, interpolated between two rows of scores: [width][classes]. */
static void blend_rows(const scores *s, int y, const qn_vision_extent *height, float *out_row) {
    const qn_vision_grid *g = &s->grid;
    int first, second;
    const float f = qn_vision_find_neighbours(find_pixel(y, height), height->net, g->height, &first, &second);
    for (int x = 0; x < g->width; x++)
        for (int c = 0; c < g->classes; c++) {
            const float *column = s->data + (size_t)x * g->column_step + (size_t)c * g->class_step;
            const float a = column[(size_t)first * g->row_step], b = column[(size_t)second * g->row_step];
            out_row[(size_t)x * (size_t)g->classes + (size_t)c] = qn_vision_mix(a, b, f);
        }
}

static uint8_t best_class(const scores *s, const float *a, const float *b, float f) {
    int best = 0;
    float most = -INFINITY;
    if (s->grid.classes == 1) return qn_vision_mix(a[0], b[0], f) > s->threshold;
    for (int c = 0; c < s->grid.classes; c++) {
        const float score = qn_vision_mix(a[c], b[c], f); /* NaN never leads */
        if (score > most) most = score, best = c;
    }
    return (uint8_t)best;
}

static qn_status *take_scores(const scores *s, const qn_vision_extent extents[2], qn_image *out_labels) {
    const qn_vision_extent *height = &extents[0], *width = &extents[1];
    const size_t classes = (size_t)s->grid.classes;
    float *row = malloc((size_t)s->grid.width * classes * sizeof *row);
    if (!row) return qn_status_out_of_memory();
    qn_status *status = qn_image_init(width->count, height->count, 1, NULL, out_labels);
    for (int y = 0; y < height->count && !status; y++) {
        blend_rows(s, height->first + y, height, row);
        for (int x = 0; x < width->count; x++) {
            int first, second;
            const float f = qn_vision_find_neighbours(find_pixel(width->first + x, width), width->net, s->grid.width,
                                                      &first, &second);
            out_labels->data[(size_t)y * out_labels->stride_bytes + (size_t)x] =
                best_class(s, row + (size_t)first * classes, row + (size_t)second * classes, f);
        }
    }
    free(row);
    return status;
}

static qn_status *check_answer(const qn_vision_info *info, const qn_tensor *output) {
    const int axis = info->class_axis, row_axis = info->row_axis, sides = output->rank - (axis >= 0);
    const int is_logits = info->answer == QN_VISION_LOGITS;
    char text[QN_DIMS_TEXT];
    int is_sound = output->data && qn_dtype_size(output->dtype) && (sides == 2 || sides == 3) && axis < output->rank &&
                   row_axis + 1 < output->rank;
    for (int i = 0; i < output->rank && is_sound; i++) is_sound = output->dims[i] >= 1 && output->dims[i] <= INT_MAX;
    if (is_sound && (sides == 2 || output->dims[0] == 1)) {
        const int64_t classes = axis < 0 ? 1 : output->dims[axis];
        if ((is_logits ? classes > 1 : classes == 1) && classes <= QN_IMAGE_CLASSES_MAX) return NULL;
    }
    return QN_ERR(QN_UNSUPPORTED, "the output of %s elements is no label map or has more than %d classes",
                  qn_dims_print(output->rank, output->dims, text), QN_IMAGE_CLASSES_MAX);
}

static qn_view view_of(const qn_tensor *tensor) {
    qn_view view = {.dtype = tensor->dtype, .rank = tensor->rank, .data = tensor->data};
    for (int i = 0; i < tensor->rank; i++) view.dims[i] = tensor->dims[i];
    return view;
}

const float *qn_vision_as_floats(const qn_tensor *output, float **out_own) {
    const qn_view view = view_of(output);
    const size_t count = (size_t)qn_view_elems(&view);
    *out_own = NULL;
    if (view.dtype == QN_DTYPE_F32) return view.data;
    *out_own = malloc((count + 1) * sizeof **out_own);
    for (size_t i = 0; *out_own && i < count; i++) (*out_own)[i] = (float)qn_view_get(&view, (int64_t)i);
    return *out_own;
}

qn_status *qn_vision_find_grid(const qn_vision_info *info, const qn_tensor *output, qn_vision_grid *out_grid) {
    QN_TRY(check_answer(info, output));
    const int axis = info->class_axis, row_axis = info->row_axis, is_planar = axis >= 0 && axis < row_axis;
    const int64_t rows = output->dims[row_axis], columns = output->dims[row_axis + 1];
    const int64_t classes = axis < 0 ? 1 : output->dims[axis];
    *out_grid = (qn_vision_grid){.height = (int)rows,
                                 .width = (int)columns,
                                 .classes = (int)classes,
                                 .row_step = (size_t)(is_planar ? columns : columns * classes),
                                 .column_step = (size_t)(is_planar ? 1 : classes),
                                 .class_step = (size_t)(is_planar ? rows * columns : 1)};
    return NULL;
}

qn_status *qn_vision_take_over(const qn_vision *vision, const qn_tensor *output, const qn_vision_extent extents[2],
                               qn_image *out_labels) {
    const qn_vision_info *info = &vision->info;
    scores s = {.threshold = info->threshold};
    *out_labels = (qn_image){0};
    QN_TRY(qn_vision_find_grid(info, output, &s.grid));
    if (info->answer == QN_VISION_LABELS) {
        const qn_view view = view_of(output);
        return take_labels(&view, s.grid.width, s.grid.height, extents, out_labels);
    }
    float *own;
    s.data = qn_vision_as_floats(output, &own);
    qn_status *status = s.data ? take_scores(&s, extents, out_labels) : qn_status_out_of_memory();
    free(own);
    return status;
}

qn_status *qn_vision_take(const qn_vision *vision, const qn_tensor *output, int width, int height,
                          qn_image *out_labels) {
    QN_ENTER();
    QN_REQUIRE_ARG(out_labels);
    *out_labels = (qn_image){0};
    QN_REQUIRE_ARG(vision);
    QN_REQUIRE_ARG(output);
    if (width < 1 || height < 1 || output->rank < 0 || output->rank > QN_MAX_RANK)
        return QN_ERR(QN_INVALID_ARGUMENT, "a label map of %dx%d from an output of rank %d", width, height,
                      output->rank);
    const qn_vision_extent extents[2] = {qn_vision_extent_of(height, height), qn_vision_extent_of(width, width)};
    return qn_vision_take_over(vision, output, extents, out_labels);
}

qn_status *qn_vision_expect_labels(const qn_vision *vision, const qn_model *model) {
    QN_ENTER();
    QN_REQUIRE_ARG(vision);
    QN_REQUIRE_ARG(model);
    if (vision->info.answer != QN_VISION_SCORES) return NULL;
    return QN_ERR(QN_UNSUPPORTED,
                  "it classifies: output '%s' holds scores of the whole picture and no labels of its pixels",
                  qn_model_output(model, vision->info.output)->name);
}
