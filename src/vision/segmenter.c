/* From a picture to labels: fit, run in one piece or in tiles, take, stitch, bring to the picture's size. */
#include "vision/vision.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

struct qn_segmenter {
    const qn_vision *vision;
    qn_context *context;
    int is_smooth;
    int (*cancel)(void *self);
    void *cancel_self;
    qn_tensor input;    /* at the shape that is set; data NULL: none is */
    qn_tensor *outputs; /* [output_count], likewise */
    qn_dtype *dtypes;   /* [output_count] */
    size_t output_count;
    int has_run;
    /* What qn_segmenter_open() made; NULL and zeros otherwise. */
    qn_vision *own_vision;
    qn_engine *engine;
    qn_context *own_context;
    qn_image_palette palette;
    int has_palette;
};

void qn_segmenter_options_init(qn_segmenter_options *out_options) {
    if (out_options) *out_options = (qn_segmenter_options){.size = sizeof *out_options};
}

/* ---- Tensors ---- */

static void free_tensors(qn_segmenter *s) {
    qn_tensor_deinit(&s->input, NULL);
    for (size_t i = 0; s->outputs && i < s->output_count; i++) qn_tensor_deinit(&s->outputs[i], NULL);
    s->has_run = 0;
}

/* Outputs whose size depends on data get room for the most it can be. */
static qn_status *make_output(qn_segmenter *s, size_t i) {
    int rank;
    int64_t dims[QN_MAX_RANK];
    qn_status *status = qn_context_get_output_shape(s->context, i, &rank, dims);
    if (status && qn_status_code(status) != QN_UNAVAILABLE) return status;
    qn_status_free(status);
    return qn_tensor_init(s->dtypes[i], rank, dims, NULL, &s->outputs[i]);
}

static qn_status *set_dims(qn_segmenter *s, const int64_t *dims) {
    const qn_vision_info *info = &s->vision->info;
    if (s->input.data && !memcmp(s->input.dims, dims, (size_t)info->rank * sizeof *dims)) return NULL;
    free_tensors(s);
    QN_TRY(qn_context_set_input_shape(s->context, info->input, info->rank, dims));
    qn_status *status = NULL;
    for (size_t i = 0; i < s->output_count && !status; i++) status = make_output(s, i);
    if (!status) status = qn_tensor_init(info->dtype, info->rank, dims, NULL, &s->input);
    if (status) free_tensors(s);
    return status;
}

/* ---- Life ---- */

static qn_status *check_answer(const qn_vision *vision, const qn_model *model, int is_smooth) {
    QN_TRY(qn_vision_expect_labels(vision, model));
    if (!is_smooth || vision->info.answer != QN_VISION_LABELS) return NULL;
    return QN_ERR(QN_UNSUPPORTED,
                  "smooth edges need scores, but output '%s' holds labels: build the model with the scores before them "
                  "as its output (--output NAME), or do without",
                  qn_model_output(model, vision->info.output)->name);
}

static qn_status *init(qn_segmenter *s, const qn_vision *vision, const qn_model *model, qn_context *context,
                       const qn_segmenter_options *options) {
    s->vision = vision;
    s->context = context;
    if (options) {
        if (options->size != sizeof *options)
            return QN_ERR(QN_INVALID_ARGUMENT,
                          "options: size is %zu, expected %zu: qn_segmenter_options_init() sets it", options->size,
                          sizeof *options);
        s->is_smooth = options->is_smooth;
        s->cancel = options->cancel;
        s->cancel_self = options->cancel_self;
    }
    QN_TRY(check_answer(vision, model, s->is_smooth));
    s->output_count = qn_model_get_info(model)->output_count;
    s->outputs = calloc(s->output_count + 1, sizeof *s->outputs);
    s->dtypes = calloc(s->output_count + 1, sizeof *s->dtypes);
    if (!s->outputs || !s->dtypes) return qn_status_out_of_memory();
    for (size_t i = 0; i < s->output_count; i++) s->dtypes[i] = qn_model_output(model, i)->dtype;
    return NULL;
}

qn_status *qn_segmenter_create(const qn_vision *vision, const qn_model *model, qn_context *context,
                               const qn_segmenter_options *options, qn_segmenter **out_segmenter) {
    QN_ENTER();
    QN_REQUIRE_ARG(out_segmenter);
    *out_segmenter = NULL;
    QN_REQUIRE_ARG(vision);
    QN_REQUIRE_ARG(model);
    QN_REQUIRE_ARG(context);
    qn_segmenter *s = calloc(1, sizeof *s);
    if (!s) return qn_status_out_of_memory();
    qn_status *status = init(s, vision, model, context, options);
    if (status)
        qn_segmenter_destroy(s);
    else
        *out_segmenter = s;
    return status;
}

static qn_status *open_parts(qn_segmenter *s, qn_model *model, const qn_segmenter_options *options) {
    QN_TRY(qn_vision_create(model, options ? options->vision : NULL, &s->own_vision));
    QN_TRY(qn_engine_create(model, options ? options->engine : NULL, &s->engine));
    QN_TRY(qn_context_create(s->engine, &s->own_context));
    QN_TRY(init(s, s->own_vision, model, s->own_context, options));
    QN_TRY(qn_vision_load_palette(s->own_vision, NULL, 0, &s->palette));
    s->has_palette = 1;
    return NULL;
}

qn_status *qn_segmenter_open(const char *path, const qn_segmenter_options *options, qn_segmenter **out_segmenter) {
    QN_ENTER();
    QN_REQUIRE_ARG(out_segmenter);
    *out_segmenter = NULL;
    QN_REQUIRE_ARG(path);
    qn_model *model = NULL;
    QN_TRY(qn_model_load_file(path, NULL, &model));
    qn_segmenter *s = calloc(1, sizeof *s);
    qn_status *status = s ? open_parts(s, model, options) : qn_status_out_of_memory();
    qn_model_destroy(model);
    if (!status) return *out_segmenter = s, NULL;
    qn_segmenter_destroy(s);
    return qn_status_context(status, "%s", path);
}

void qn_segmenter_destroy(qn_segmenter *s) {
    if (!s) return;
    free_tensors(s);
    free(s->outputs);
    free(s->dtypes);
    if (s->has_palette) qn_image_palette_deinit(&s->palette);
    qn_context_destroy(s->own_context);
    qn_engine_destroy(s->engine);
    qn_vision_destroy(s->own_vision);
    free(s);
}

const qn_vision *qn_segmenter_get_vision(const qn_segmenter *segmenter) { return segmenter ? segmenter->vision : NULL; }

const qn_image_palette *qn_segmenter_palette(const qn_segmenter *segmenter) {
    return segmenter && segmenter->has_palette ? &segmenter->palette : NULL;
}

qn_status *qn_segmenter_get_scores(const qn_segmenter *segmenter, qn_tensor *out_scores) {
    QN_ENTER();
    QN_REQUIRE_ARG(out_scores);
    *out_scores = (qn_tensor){0};
    QN_REQUIRE_ARG(segmenter);
    if (!segmenter->has_run) return QN_ERR(QN_UNAVAILABLE, "there are no scores before the first picture");
    *out_scores = segmenter->outputs[segmenter->vision->info.output];
    return NULL;
}

/* ---- One run of the network ---- */

static double now_ms(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec * 1e3 + (double)time.tv_nsec * 1e-6;
}

/* Labels of one tile as a map of width x height; a tile below the range's lower end is padded to it. */
static qn_status *run_tile(qn_segmenter *s, const qn_image *tile, int width, int height, qn_image *out_labels,
                           double *inout_ms) {
    const qn_vision_info *info = &s->vision->info;
    int64_t dims[QN_MAX_RANK];
    if (s->cancel && s->cancel(s->cancel_self)) return QN_ERR(QN_CANCELLED, "cancelled");
    QN_TRY(qn_vision_make_dims(s->vision, tile->width, tile->height, dims));
    QN_TRY(set_dims(s, dims));
    QN_TRY(qn_vision_fill(s->vision, tile, &s->input));
    const double start = now_ms();
    QN_TRY(qn_context_run(s->context, &s->input, 1, s->outputs, s->output_count));
    *inout_ms += now_ms() - start;
    s->has_run = 1;
    const int net_height = (int)dims[info->height_axis], net_width = (int)dims[info->height_axis + 1];
    const qn_vision_extent extents[2] = {{height, tile->height, net_height}, {width, tile->width, net_width}};
    return qn_vision_take_over(s->vision, &s->outputs[info->output], extents, out_labels);
}

static qn_status *run_tiles(qn_segmenter *s, const qn_image *scaled, const qn_image_fit *fit, qn_image *out_labels,
                            double *inout_ms) {
    QN_TRY(qn_image_init(fit->width, fit->height, 1, NULL, out_labels));
    qn_status *status = NULL;
    for (int i = 0; i < fit->columns * fit->rows && !status; i++) {
        qn_image tile = {0}, labels = {0};
        status = qn_image_crop(scaled, qn_image_fit_tile(fit, i), NULL, &tile);
        if (!status) status = run_tile(s, &tile, tile.width, tile.height, &labels, inout_ms);
        if (!status) status = qn_image_fit_stitch(fit, i, &labels, out_labels);
        qn_image_deinit(&labels);
        qn_image_deinit(&tile);
    }
    if (status) qn_image_deinit(out_labels);
    return status;
}

/* ---- One picture ---- */

/* The picture with the model's channels: *out_own is new, or has no data where the picture has them already. */
static qn_status *match_channels(const qn_segmenter *s, const qn_image *photo, qn_image *out_own) {
    *out_own = (qn_image){0};
    if (photo->channels == s->vision->info.channels) return NULL;
    const qn_frame frame = {.format = photo->channels == 1 ? QN_PIXEL_GRAY : QN_PIXEL_RGB,
                            .width = photo->width,
                            .height = photo->height,
                            .planes = {photo->data},
                            .stride_bytes = {photo->stride_bytes}};
    return qn_image_from_frame(&frame, s->vision->info.channels, NULL, out_own);
}

static qn_status *run(qn_segmenter *s, const qn_image *photo, int width, int height, qn_image *out_labels,
                      qn_segmenter_info *info) {
    qn_image_fit fit;
    qn_image scaled = {0};
    QN_TRY(qn_vision_plan(s->vision, photo->width, photo->height, &fit));
    const int is_whole = fit.columns * fit.rows == 1, is_smooth = s->is_smooth && is_whole;
    if (fit.width != photo->width || fit.height != photo->height)
        QN_TRY(qn_image_resize(photo, fit.width, fit.height, QN_IMAGE_BILINEAR, NULL, &scaled));
    const qn_image *picture = scaled.data ? &scaled : photo;
    qn_status *status = is_whole ? run_tile(s, picture, is_smooth ? width : fit.width, is_smooth ? height : fit.height,
                                            out_labels, &info->ms)
                                 : run_tiles(s, picture, &fit, out_labels, &info->ms);
    qn_image_deinit(&scaled);
    if (!status && (out_labels->width != width || out_labels->height != height)) {
        qn_image resized = {0};
        status = qn_image_resize(out_labels, width, height, QN_IMAGE_NEAREST, NULL, &resized);
        qn_image_deinit(out_labels);
        *out_labels = resized;
    }
    info->net_width = fit.tile_width, info->net_height = fit.tile_height, info->runs = fit.columns * fit.rows;
    return status;
}

qn_status *qn_segmenter_run(qn_segmenter *segmenter, const qn_image *photo, int width, int height, qn_image *out_labels,
                            qn_segmenter_info *out_info) {
    QN_ENTER();
    QN_REQUIRE_ARG(out_labels);
    *out_labels = (qn_image){0};
    QN_REQUIRE_ARG(segmenter);
    QN_REQUIRE_ARG(photo);
    qn_segmenter_info info = {0};
    qn_image own;
    if (!width && !height) width = photo->width, height = photo->height;
    if (width < 1 || height < 1) return QN_ERR(QN_INVALID_ARGUMENT, "a label map of %dx%d", width, height);
    QN_TRY(qn_image_check(photo));
    QN_TRY(match_channels(segmenter, photo, &own));
    qn_status *status = run(segmenter, own.data ? &own : photo, width, height, out_labels, &info);
    qn_image_deinit(&own);
    if (!status) status = qn_image_count_labels(out_labels, info.areas);
    if (status) qn_image_deinit(out_labels);
    if (out_info) *out_info = info;
    return status;
}

qn_status *qn_segmenter_run_frame(qn_segmenter *segmenter, const qn_frame *frame, qn_image *out_labels,
                                  qn_segmenter_info *out_info) {
    QN_ENTER();
    QN_REQUIRE_ARG(out_labels);
    *out_labels = (qn_image){0};
    QN_REQUIRE_ARG(segmenter);
    QN_REQUIRE_ARG(frame);
    qn_image photo;
    QN_TRY(qn_image_from_frame(frame, segmenter->vision->info.channels, NULL, &photo));
    qn_status *status = qn_segmenter_run(segmenter, &photo, 0, 0, out_labels, out_info);
    qn_image_deinit(&photo);
    return status;
}
