/* picture_samples.c - samples from pictures, decoded and fitted as `segment` does, and their masks. */
#include "build/samples.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct picture {
    sample_item file;
    char *mask; /* NULL: none is wanted */
    uint64_t hash;
} picture;

typedef struct picture_samples {
    fitter fitter;
    qn_engine *engine; /* for the size of the labels; NULL without masks */
    qn_context *context;
    int skips_unreadable;
    picture *items;
    size_t count, at; /* at: the next one */
    int64_t given, skipped;
    int is_second_pass;
    /* The picture that is being given, in tiles. */
    qn_image photo, mask;
    qn_image_fit fit;
    int tile;
    qn_tensor input, labels;
} picture_samples;

static void drop_picture(picture_samples *s) {
    qn_image_deinit(&s->photo);
    qn_image_deinit(&s->mask);
    s->tile = 0;
    s->fit = (qn_image_fit){0};
}

static void close_pictures(void *self) {
    picture_samples *s = self;
    drop_picture(s);
    qn_tensor_deinit(&s->input, NULL);
    qn_tensor_deinit(&s->labels, NULL);
    qn_context_destroy(s->context);
    qn_engine_destroy(s->engine);
    for (size_t i = 0; i < s->count; i++) {
        free(s->items[i].file.path), free(s->items[i].file.origin);
        free(s->items[i].mask);
    }
    free(s->items);
    fitter_deinit(&s->fitter);
    free(s);
}

/* ---- The same picture twice ---- */

/* FNV-1a over the file; 0 if it cannot be read, which decoding then reports. */
static uint64_t hash_file(const char *path) {
    unsigned char bytes[16384];
    uint64_t hash = 0xcbf29ce484222325u;
    FILE *file = cli_is_regular_file(path) ? fopen(path, "rb") : NULL;
    if (!file) return 0;
    for (size_t count; (count = fread(bytes, 1, sizeof bytes, file)) > 0;)
        for (size_t i = 0; i < count; i++) hash = (hash ^ bytes[i]) * 0x100000001b3u;
    int failed = ferror(file);
    fclose(file);
    return failed ? 0 : hash;
}

/* Whoever measures says how many samples are there twice; this says which. */
static void name_copy(picture_samples *s) {
    picture *one = &s->items[s->at];
    one->hash = hash_file(one->file.path);
    for (size_t i = 0; i < s->at && one->hash; i++)
        if (s->items[i].hash == one->hash) {
            cli_remark("%s is the same picture as %s", one->file.path, s->items[i].file.path);
            return;
        }
}

/* ---- One picture ---- */

/* The tile's size where the list gives the sample's shape: the whole picture at exactly that size. */
static qn_status *plan_given(const picture_samples *s, const sample_item *file, qn_image_fit *out_fit) {
    char text[QN_DIMS_TEXT];
    const int axis = s->fitter.info->height_axis;
    const int64_t *dims = file->dims;
    const int rank = s->fitter.info->rank;
    int64_t channels = file->rank == rank ? dims[s->fitter.info->channel_axis] : 0;
    if (file->rank != rank || (rank == 4 && dims[0] != 1) || channels != s->fitter.info->channels ||
        dims[axis] > INT_MAX || dims[axis + 1] > INT_MAX)
        return qn_status_create(QN_INVALID_ARGUMENT, "a picture cannot have the shape %s that the list gives it",
                                qn_dims_print(file->rank, dims, text));
    const int width = (int)dims[axis + 1], height = (int)dims[axis];
    *out_fit = (qn_image_fit){
        .width = width, .height = height, .columns = 1, .rows = 1, .tile_width = width, .tile_height = height};
    const qn_image_range *range = &s->fitter.info->possible;
    if (width < range->min_width || height < range->min_height || (range->max_width && width > range->max_width) ||
        (range->max_height && height > range->max_height))
        return qn_status_create(QN_INVALID_ARGUMENT, "the shape %s that the list gives it is outside the model's range",
                                qn_dims_print(file->rank, dims, text));
    return NULL;
}

/* Scales picture and mask to the size they run at. */
static qn_status *scale(picture_samples *s) {
    qn_image scaled;
    if (s->photo.width != s->fit.width || s->photo.height != s->fit.height) {
        CLI_TRY(qn_image_resize(&s->photo, s->fit.width, s->fit.height, QN_IMAGE_BILINEAR, NULL, &scaled));
        qn_image_deinit(&s->photo);
        s->photo = scaled;
    }
    if (!s->mask.data || (s->mask.width == s->fit.width && s->mask.height == s->fit.height)) return NULL;
    CLI_TRY(qn_image_resize(&s->mask, s->fit.width, s->fit.height, QN_IMAGE_NEAREST, NULL, &scaled));
    qn_image_deinit(&s->mask);
    s->mask = scaled;
    return NULL;
}

static qn_status *open_picture(picture_samples *s, const picture *one) {
    drop_picture(s);
    CLI_TRY(fitter_load(&s->fitter, one->file.path, &s->photo));
    if (one->mask) CLI_TRY(fitter_load_mask(&s->fitter, one->mask, &s->mask));
    qn_status *status = one->file.rank >= 0
                            ? plan_given(s, &one->file, &s->fit)
                            : qn_vision_plan(s->fitter.vision, s->photo.width, s->photo.height, &s->fit);
    if (!status) status = scale(s);
    return cli_context(status, "%s", one->file.path);
}

/* Opens the next picture that can be read; *out_has is 0 if there is none. */
static qn_status *advance(picture_samples *s, int *out_has) {
    for (*out_has = 0; s->at < s->count;) {
        if (cli_is_verbose() && !s->is_second_pass) name_copy(s);
        qn_status *status = open_picture(s, &s->items[s->at++]);
        *out_has = !status;
        if (!status || !s->skips_unreadable || qn_status_code(status) == QN_CANCELLED) return status;
        drop_picture(s);
        if (!s->is_second_pass) cli_warn("left out: %s", qn_status_message(status)), s->skipped++;
        qn_status_free(status);
    }
    drop_picture(s);
    if (s->skipped && !s->is_second_pass)
        cli_warn("%lld of %zu pictures were left out", (long long)s->skipped, s->count);
    if (s->given) return NULL;
    return qn_status_create(QN_INVALID_ARGUMENT, "none of the %zu pictures can be read", s->count);
}

/* ---- Tensors ---- */

static qn_status *reserve(qn_tensor *tensor, qn_dtype dtype, int rank, const int64_t *dims) {
    if (tensor->data && tensor->rank == rank && !memcmp(tensor->dims, dims, (size_t)rank * sizeof *dims)) return NULL;
    qn_tensor_deinit(tensor, NULL);
    return qn_tensor_init(dtype, rank, dims, NULL, tensor);
}

static qn_status *next_picture(void *self, qn_tensor *inputs, size_t input_count, int *out_has) {
    picture_samples *s = self;
    qn_image tile;
    int64_t dims[QN_MAX_RANK];
    (void)input_count;
    *out_has = 1;
    if (!s->photo.data || ++s->tile == s->fit.columns * s->fit.rows) CLI_TRY(advance(s, out_has));
    if (!*out_has) return NULL;
    CLI_TRY(qn_image_crop(&s->photo, qn_image_fit_tile(&s->fit, s->tile), NULL, &tile));
    qn_status *status = NULL;
    if (s->items[s->at - 1].file.rank >= 0)
        fitter_set_dims(&s->fitter, tile.width, tile.height, dims);
    else
        status = qn_vision_make_dims(s->fitter.vision, tile.width, tile.height, dims);
    if (!status) status = reserve(&s->input, s->fitter.info->dtype, s->fitter.info->rank, dims);
    if (!status) status = qn_vision_fill(s->fitter.vision, &tile, &s->input);
    qn_image_deinit(&tile);
    inputs[s->fitter.info->input] = s->input;
    s->given++;
    return status;
}

static char *name_picture(const void *self) {
    const picture_samples *s = self;
    return s->at ? strdup(s->items[s->at - 1].file.path) : NULL;
}

static qn_status *rewind_pictures(void *self) {
    picture_samples *s = self;
    drop_picture(s);
    s->is_second_pass |= s->at > 0;
    s->at = 0;
    return NULL;
}

/* The size of the labels for the input that was given last. */
static qn_status *find_label_dims(picture_samples *s, int64_t out_dims[3]) {
    int rank;
    int64_t dims[QN_MAX_RANK];
    const qn_vision_info *info = s->fitter.info;
    CLI_TRY(qn_context_set_input_shape(s->context, info->input, s->input.rank, s->input.dims));
    CLI_TRY(qn_context_get_output_shape(s->context, info->output, &rank, dims));
    out_dims[0] = 1, out_dims[1] = dims[info->row_axis], out_dims[2] = dims[info->row_axis + 1];
    return NULL;
}

/* Nearest neighbours of the tile's mask, which lies at the top left of the input; beyond it nothing is judged. */
static void fill_labels(const picture_samples *s, const qn_image *tile, uint8_t *labels) {
    const int axis = s->fitter.info->height_axis;
    const int64_t height = s->labels.dims[1], width = s->labels.dims[2];
    for (int64_t y = 0; y < height; y++)
        for (int64_t x = 0; x < width; x++) {
            const int64_t from_y = (2 * y + 1) * s->input.dims[axis] / (2 * height);
            const int64_t from_x = (2 * x + 1) * s->input.dims[axis + 1] / (2 * width);
            *labels++ = from_y < tile->height && from_x < tile->width
                            ? tile->data[(size_t)from_y * tile->stride_bytes + (size_t)from_x]
                            : QN_IMAGE_IGNORE_LABEL;
        }
}

static qn_status *label_picture(void *self, qn_tensor *out_labels) {
    picture_samples *s = self;
    int64_t dims[3];
    qn_image tile;
    CLI_TRY(find_label_dims(s, dims));
    CLI_TRY(reserve(&s->labels, QN_DTYPE_U8, 3, dims));
    CLI_TRY(qn_image_crop(&s->mask, qn_image_fit_tile(&s->fit, s->tile), NULL, &tile));
    fill_labels(s, &tile, s->labels.data);
    qn_image_deinit(&tile);
    *out_labels = s->labels;
    return NULL;
}

/* ---- Opening ---- */

static qn_status *find_masks(picture_samples *s, const char *folder) {
    size_t missing = 0, first = 0;
    for (size_t i = 0; i < s->count; i++) {
        s->items[i].mask = picture_find_mask(folder, s->items[i].file.path);
        if (!s->items[i].mask && !missing++) first = i;
    }
    if (!missing) return NULL;
    return qn_status_create(QN_NOT_FOUND, "--masks %s: there is no mask (png) for %zu of %zu pictures, %s among them",
                            folder, missing, s->count, s->items[first].file.path);
}

static qn_status *bind(picture_samples *s, qn_model *model) {
    qn_engine_options options;
    qn_engine_options_init(&options);
    options.threads = 1;
    CLI_TRY(qn_engine_create(model, &options, &s->engine));
    return qn_context_create(s->engine, &s->context);
}

/* Takes those files out of the list that are to be used. */
static qn_status *take_items(picture_samples *s, const sample_options *options, sample_list *list) {
    s->count = (size_t)sample_pick_count((int64_t)list->count, options->limit);
    s->items = calloc(s->count + 1, sizeof *s->items);
    if (!s->items) return s->count = 0, cli_out_of_memory();
    for (size_t i = 0; i < s->count; i++) {
        sample_item *item = &list->items[sample_pick((int64_t)i, (int64_t)list->count, options->limit)];
        s->items[i].file = *item;
        item->path = item->origin = NULL;
    }
    return NULL;
}

static qn_status *open_parts(picture_samples *s, qn_model *model, const sample_options *options, sample_list *list) {
    s->skips_unreadable = options->skips_unreadable;
    CLI_TRY(fitter_init(model, options->fit, &s->fitter));
    CLI_TRY(take_items(s, options, list));
    if (!options->masks) return NULL;
    CLI_TRY(qn_vision_expect_labels(s->fitter.vision, model));
    CLI_TRY(find_masks(s, options->masks));
    return bind(s, model);
}

qn_status *picture_samples_open(qn_model *model, const sample_options *options, sample_list *list,
                                sample_source *out_source) {
    picture_samples *s = calloc(1, sizeof *s);
    if (!s) return cli_out_of_memory();
    qn_status *status = open_parts(s, model, options, list);
    if (status) return close_pictures(s), status;
    out_source->close = close_pictures;
    out_source->name = name_picture;
    out_source->samples = (qn_samples){.self = s,
                                       .count = s->fitter.info->fit == QN_IMAGE_FIT_TILE ? -1 : (int64_t)s->count,
                                       .next = next_picture,
                                       .rewind = rewind_pictures,
                                       .labels = options->masks ? label_picture : NULL};
    return NULL;
}
