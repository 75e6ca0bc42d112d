/* From a picture to labels: fit, run in one piece or in tiles, take, stitch, bring to the picture's size. */
#include "vision/vision.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

struct qn_segmenter {
    const qn_vision *vision;
    qn_context *context;
    int is_smooth, keep_scores;
    int (*cancel)(void *self);
    void *cancel_self;
    qn_tensor input;    /* at the shape that is set; data NULL: none is */
    qn_tensor *outputs; /* [output_count], likewise */
    qn_dtype *dtypes;   /* [output_count] */
    size_t output_count;
    qn_tensor merged; /* what the network answered to the tiles of the last picture, if that is kept */
    int runs;         /* of the network for the last picture; 0: it failed, or there was none */
    /* What a segmenter that was not given a context made; NULL and zeros otherwise. */
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
    return QN_ERR(
        QN_UNSUPPORTED,
        "is_smooth needs scores, but output '%s' holds labels: build the model with the scores before them as "
        "its output, or leave is_smooth 0",
        qn_model_output(model, vision->info.output)->name);
}

static qn_status *check_options(const qn_segmenter_options *options) {
    if (!options || options->size == sizeof *options) return NULL;
    return QN_ERR(QN_INVALID_ARGUMENT, "options: size is %zu, expected %zu: qn_segmenter_options_init() sets it",
                  options->size, sizeof *options);
}

static qn_status *init(qn_segmenter *s, const qn_vision *vision, const qn_model *model, qn_context *context,
                       const qn_segmenter_options *options) {
    s->vision = vision;
    s->context = context;
    if (options) {
        s->is_smooth = options->is_smooth;
        s->keep_scores = options->keep_scores;
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
    QN_TRY(check_options(options));
    qn_segmenter *s = calloc(1, sizeof *s);
    if (!s) return qn_status_out_of_memory();
    qn_status *status = init(s, vision, model, context, options);
    if (status)
        qn_segmenter_destroy(s);
    else
        *out_segmenter = s;
    return status;
}

/* What the segmenter's own options choose goes before what those of the engine say. */
static qn_status *create_engine(qn_model *model, const qn_segmenter_options *options, qn_engine **out_engine) {
    const qn_engine_options *given = options->engine;
    qn_engine_options engine;
    qn_engine_options_init(&engine);
    if (given && given->size != sizeof engine) return qn_engine_create(model, given, out_engine); /* which refuses */
    if (given) engine = *given;
    if (options->threads) engine.threads = options->threads;
    if (options->cpu) engine.cpu = options->cpu;
    if (options->executor) engine.executor = options->executor;
    return qn_engine_create(model, &engine, out_engine);
}

static qn_status *open_parts(qn_segmenter *s, qn_model *model, const qn_segmenter_options *options) {
    QN_TRY(qn_vision_create(model, options->vision, &s->own_vision));
    QN_TRY(create_engine(model, options, &s->engine));
    QN_TRY(qn_context_create(s->engine, &s->own_context));
    QN_TRY(init(s, s->own_vision, model, s->own_context, options));
    QN_TRY(qn_vision_load_palette(s->own_vision, options->palette, 0, &s->palette));
    s->has_palette = 1;
    return NULL;
}

static qn_status *open_model(qn_model *model, const qn_segmenter_options *options, qn_segmenter **out_segmenter) {
    qn_segmenter_options usual;
    qn_segmenter_options_init(&usual);
    QN_TRY(check_options(options));
    qn_segmenter *s = calloc(1, sizeof *s);
    qn_status *status = s ? open_parts(s, model, options ? options : &usual) : qn_status_out_of_memory();
    if (status)
        qn_segmenter_destroy(s);
    else
        *out_segmenter = s;
    return status;
}

qn_status *qn_segmenter_open_model(qn_model *model, const qn_segmenter_options *options, qn_segmenter **out_segmenter) {
    QN_ENTER();
    QN_REQUIRE_ARG(out_segmenter);
    *out_segmenter = NULL;
    QN_REQUIRE_ARG(model);
    return open_model(model, options, out_segmenter);
}

qn_status *qn_segmenter_open_memory(const void *data, size_t bytes, qn_memory memory,
                                    const qn_segmenter_options *options, qn_segmenter **out_segmenter) {
    QN_ENTER();
    QN_REQUIRE_ARG(out_segmenter);
    *out_segmenter = NULL;
    QN_REQUIRE_ARG(data);
    qn_model *model;
    QN_TRY(qn_model_load_memory(data, bytes, memory, NULL, &model));
    qn_status *status = open_model(model, options, out_segmenter);
    qn_model_destroy(model);
    return status;
}

qn_status *qn_segmenter_open(const char *path, const qn_segmenter_options *options, qn_segmenter **out_segmenter) {
    QN_ENTER();
    QN_REQUIRE_ARG(out_segmenter);
    *out_segmenter = NULL;
    QN_REQUIRE_ARG(path);
    qn_model *model;
    QN_TRY(qn_model_load_file(path, NULL, &model));
    qn_status *status = open_model(model, options, out_segmenter);
    qn_model_destroy(model);
    return status ? qn_status_context(status, "%s", path) : NULL;
}

void qn_segmenter_destroy(qn_segmenter *s) {
    if (!s) return;
    free_tensors(s);
    qn_tensor_deinit(&s->merged, NULL);
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
    if (!segmenter->runs)
        return QN_ERR(QN_UNAVAILABLE, "there are no scores before the first picture, or after one that failed");
    if (segmenter->runs > 1 && !segmenter->merged.data)
        return QN_ERR(QN_UNAVAILABLE,
                      "the picture ran in %d tiles, whose scores are not kept unless the option keep_scores says so",
                      segmenter->runs);
    *out_scores = segmenter->runs > 1 ? segmenter->merged : segmenter->outputs[segmenter->vision->info.output];
    return NULL;
}

/* ---- One run of the network ---- */

static double now_ms(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec * 1e3 + (double)time.tv_nsec * 1e-6;
}

/* Runs the network on one tile, which is padded if it is below the range's lower end. *out_net: the height and width
   that it ran at. */
static qn_status *run_network(qn_segmenter *s, const qn_image *tile, int out_net[2], double *inout_ms) {
    const int height_axis = s->vision->info.height_axis;
    int64_t dims[QN_MAX_RANK];
    if (s->cancel && s->cancel(s->cancel_self)) return QN_ERR(QN_CANCELLED, "cancelled");
    QN_TRY(qn_vision_make_dims(s->vision, tile->width, tile->height, dims));
    QN_TRY(set_dims(s, dims));
    QN_TRY(qn_vision_fill(s->vision, tile, &s->input));
    const double start = now_ms();
    QN_TRY(qn_context_run(s->context, &s->input, 1, s->outputs, s->output_count));
    *inout_ms += now_ms() - start;
    out_net[0] = (int)dims[height_axis];
    out_net[1] = (int)dims[height_axis + 1];
    return NULL;
}

/* A picture that runs in one piece. Labels have the size at which it was scaled, smooth ones that of the map. */
static qn_status *run_whole(qn_segmenter *s, const qn_image *scaled, int width, int height, qn_image *out_labels,
                            double *inout_ms) {
    int net[2];
    QN_TRY(run_network(s, scaled, net, inout_ms));
    qn_vision_extent extents[2] = {qn_vision_extent_of(scaled->height, net[0]),
                                   qn_vision_extent_of(scaled->width, net[1])};
    if (s->is_smooth) extents[0].size = extents[0].count = height, extents[1].size = extents[1].count = width;
    return qn_vision_take_over(s->vision, &s->outputs[s->vision->info.output], extents, out_labels);
}

/* ---- Tiles ---- */

/* Labels of a tile at its own size, of which its share goes into the map of the scaled picture. */
static qn_status *take_tile(const qn_segmenter *s, const qn_image_fit *fit, int index, const int net[2],
                            qn_image *inout_labels) {
    const qn_vision_extent extents[2] = {qn_vision_extent_of(fit->tile_height, net[0]),
                                         qn_vision_extent_of(fit->tile_width, net[1])};
    qn_image labels;
    QN_TRY(qn_vision_take_over(s->vision, &s->outputs[s->vision->info.output], extents, &labels));
    qn_status *status = qn_image_fit_stitch(fit, index, &labels, inout_labels);
    qn_image_deinit(&labels);
    return status;
}

/* The first pixel of a map of `size` pixels whose middle lies at or behind pixel `from` of the `part` below it. */
static int first_above(int from, int part, int size) {
    const int64_t twice = 2 * (int64_t)from * size - part; /* (2 * i + 1) * part >= 2 * from * size */
    return twice <= 0 ? 0 : (int)((twice + 2 * (int64_t)part - 1) / (2 * (int64_t)part));
}

static void set_share(int from, int count, qn_vision_extent *extent) {
    extent->first = first_above(from, extent->part, extent->size);
    extent->count = first_above(from + count, extent->part, extent->size) - extent->first;
}

/* Labels of the pixels of the map, whatever its size, that lie over the tile's share. */
static qn_status *take_smooth_tile(const qn_segmenter *s, const qn_image_fit *fit, int index, const int net[2],
                                   qn_image *inout_labels) {
    const qn_image_rect tile = qn_image_fit_tile(fit, index), share = qn_image_fit_tile_share(fit, index);
    qn_vision_extent rows = {.size = inout_labels->height, .part = fit->height, .origin = tile.y, .net = net[0]};
    qn_vision_extent columns = {.size = inout_labels->width, .part = fit->width, .origin = tile.x, .net = net[1]};
    qn_image labels;
    set_share(share.y, share.height, &rows);
    set_share(share.x, share.width, &columns);
    if (!rows.count || !columns.count) return NULL; /* a map so small that no pixel falls to this tile */
    QN_TRY(qn_vision_take_over(s->vision, &s->outputs[s->vision->info.output],
                               (const qn_vision_extent[2]){rows, columns}, &labels));
    for (int y = 0; y < labels.height; y++)
        memcpy(inout_labels->data + (size_t)(rows.first + y) * inout_labels->stride_bytes + columns.first,
               labels.data + (size_t)y * labels.stride_bytes, (size_t)labels.width);
    qn_image_deinit(&labels);
    return NULL;
}

static qn_status *run_tile(qn_segmenter *s, const qn_image *scaled, const qn_image_fit *fit, int index,
                           qn_image *inout_labels, double *inout_ms) {
    int net[2];
    qn_image tile;
    QN_TRY(qn_image_crop(scaled, qn_image_fit_tile(fit, index), NULL, &tile));
    qn_status *status = run_network(s, &tile, net, inout_ms);
    qn_image_deinit(&tile);
    if (!status)
        status = s->is_smooth ? take_smooth_tile(s, fit, index, net, inout_labels)
                              : take_tile(s, fit, index, net, inout_labels);
    if (!status && s->keep_scores)
        status = qn_vision_merge(s->vision, &s->outputs[s->vision->info.output], fit, index, net, &s->merged);
    return status;
}

/* A picture that runs in tiles. Labels have the size at which it was scaled, smooth ones that of the map. */
static qn_status *run_tiles(qn_segmenter *s, const qn_image *scaled, const qn_image_fit *fit, int width, int height,
                            qn_image *out_labels, double *inout_ms) {
    QN_TRY(qn_image_init(s->is_smooth ? width : fit->width, s->is_smooth ? height : fit->height, 1, NULL, out_labels));
    qn_status *status = NULL;
    for (int i = 0; i < fit->columns * fit->rows && !status; i++)
        status = run_tile(s, scaled, fit, i, out_labels, inout_ms);
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
    const int runs = fit.columns * fit.rows;
    if (fit.width != photo->width || fit.height != photo->height)
        QN_TRY(qn_image_resize(photo, fit.width, fit.height, QN_IMAGE_BILINEAR, NULL, &scaled));
    const qn_image *picture = scaled.data ? &scaled : photo;
    qn_status *status = runs == 1 ? run_whole(s, picture, width, height, out_labels, &info->ms)
                                  : run_tiles(s, picture, &fit, width, height, out_labels, &info->ms);
    qn_image_deinit(&scaled);
    if (!status && (out_labels->width != width || out_labels->height != height)) {
        qn_image resized = {0};
        status = qn_image_resize(out_labels, width, height, QN_IMAGE_NEAREST, NULL, &resized);
        qn_image_deinit(out_labels);
        *out_labels = resized;
    }
    if (!status) s->runs = runs;
    info->net_width = fit.tile_width, info->net_height = fit.tile_height, info->runs = runs;
    return status;
}

/* Until a picture has been labelled, there are no scores of the last one. */
static void forget_scores(qn_segmenter *s) {
    s->runs = 0;
    qn_tensor_deinit(&s->merged, NULL);
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
    forget_scores(segmenter);
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
    forget_scores(segmenter);
    QN_TRY(qn_image_from_frame(frame, segmenter->vision->info.channels, NULL, &photo));
    qn_status *status = qn_segmenter_run(segmenter, &photo, 0, 0, out_labels, out_info);
    qn_image_deinit(&photo);
    return status;
}
