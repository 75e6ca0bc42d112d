#include "segmenter.h"
#include "measure.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct segmenter {
    cli_session session;
    image_block block;
    qn_image_fit_mode fit;
    qn_image_range range;
    qn_tensor *outputs; /* one per output, at the shape that is set */
    size_t output_count;
    int set_width, set_height; /* 0: none yet */
};

/* ---- Image block ---- */

static qn_status *refuse_block(const char *what, const char *found) {
    return qn_status_create(QN_UNSUPPORTED,
                            "its image block has %s '%s', which this version cannot follow; `quench run` takes arrays",
                            what, found);
}

static qn_status *check_block(const qn_model *model, const image_block *block) {
    char text[CLI_DIMS_TEXT];
    const qn_value_info *input = qn_model_input(model, block->input), *output = qn_model_output(model, block->output);
    if (qn_model_get_info(model)->input_count != 1)
        return qn_status_create(QN_UNSUPPORTED,
                                "it has %zu inputs, a picture can feed only one; `quench run` takes arrays",
                                qn_model_get_info(model)->input_count);
    if (input->dtype != QN_DTYPE_U8 || input->rank != 4 || input->min_dims[0] > 1 || input->dims[3] != block->channels)
        return qn_status_create(QN_UNSUPPORTED, "input '%s' is %s %s, expected uint8 [1, height, width, %d]",
                                input->name, cli_dtype_name(input->dtype), cli_print_range(input, text),
                                block->channels);
    if (output->rank != 3)
        return qn_status_create(QN_UNSUPPORTED, "output '%s' is %s %s, expected labels [1, height, width]",
                                output->name, cli_dtype_name(output->dtype), cli_print_range(output, text));
    return NULL;
}

static qn_status *parse_block(const qn_model *model, const json_t *block, image_block *out_block) {
    const char *input = "", *output = "", *color = "RGB", *decode = "labels";
    int class_count = 0;
    if (!json_is_object(block))
        return qn_status_create(
            QN_UNSUPPORTED,
            "it does not say how pictures go in and labels come out: it has no image block, since no uint8 "
            "input [1, height, width, 3 or 1] leads to an integer label map by an argmax; `quench run` takes arrays");
    if (json_unpack((json_t *)block, "{s:s,s:s,s?s,s?s,s?i}", "input", &input, "output", &output, "color", &color,
                    "decode", &decode, "class_count", &class_count))
        return qn_status_create(QN_INVALID_MODEL, "its image block does not name input and output");
    CLI_TRY(qn_model_find_input(model, input, &out_block->input));
    CLI_TRY(qn_model_find_output(model, output, &out_block->output));
    out_block->is_bgr = !strcmp(color, "BGR");
    out_block->channels = strcmp(color, "GRAY") ? 3 : 1;
    out_block->class_count = class_count >= 1 && class_count <= QN_IMAGE_CLASSES_MAX ? class_count : 0;
    if (strcmp(color, "RGB") && strcmp(color, "BGR") && strcmp(color, "GRAY")) return refuse_block("color", color);
    if (strcmp(decode, "labels")) return refuse_block("decode", decode);
    return check_block(model, out_block);
}

qn_status *image_block_read(const qn_model *model, image_block *out_block) {
    *out_block = (image_block){0};
    json_t *meta = cli_load_meta(model);
    if (!meta) return cli_out_of_memory();
    qn_status *status = parse_block(model, json_object_get(meta, "image"), out_block);
    json_decref(meta);
    return status;
}

/* ---- Life ---- */

static int to_size(int64_t dim) { return dim == QN_NO_LIMIT ? 0 : dim > INT_MAX ? INT_MAX : (int)dim; }

static qn_status *open_parts(const char *path, const cli_run_options *run, segmenter *s) {
    CLI_TRY(cli_session_open(path, run, NULL, &s->session));
    CLI_TRY(cli_context(image_block_read(s->session.model, &s->block), "%s", path));
    const qn_value_info *input = qn_model_input(s->session.model, s->block.input);
    s->range = (qn_image_range){.min_width = to_size(input->min_dims[2]),
                                .min_height = to_size(input->min_dims[1]),
                                .max_width = to_size(input->max_dims[2]),
                                .max_height = to_size(input->max_dims[1])};
    s->output_count = qn_model_get_info(s->session.model)->output_count;
    s->outputs = calloc(s->output_count + 1, sizeof *s->outputs);
    return s->outputs ? NULL : cli_out_of_memory();
}

qn_status *segmenter_open(const char *path, const cli_run_options *run, qn_image_fit_mode fit,
                          segmenter **out_segmenter) {
    *out_segmenter = NULL;
    segmenter *s = calloc(1, sizeof *s);
    if (!s) return cli_out_of_memory();
    s->fit = fit;
    qn_status *status = open_parts(path, run, s);
    if (status)
        segmenter_close(s);
    else
        *out_segmenter = s;
    return status;
}

static void free_outputs(segmenter *s) {
    for (size_t i = 0; s->outputs && i < s->output_count; i++) cli_tensor_free(&s->outputs[i]);
    s->set_width = s->set_height = 0;
}

void segmenter_close(segmenter *s) {
    if (!s) return;
    free_outputs(s);
    free(s->outputs);
    cli_session_close(&s->session);
    free(s);
}

const cli_session *segmenter_session(const segmenter *s) { return &s->session; }

const image_block *segmenter_block(const segmenter *s) { return &s->block; }

/* ---- One tile ---- */

static int64_t label_at(const qn_tensor *labels, size_t i) {
    switch (labels->dtype) {
    case QN_DTYPE_U8: return ((const uint8_t *)labels->data)[i];
    case QN_DTYPE_S8: return ((const int8_t *)labels->data)[i];
    case QN_DTYPE_U16: return ((const uint16_t *)labels->data)[i];
    case QN_DTYPE_S16: return ((const int16_t *)labels->data)[i];
    case QN_DTYPE_U32: return ((const uint32_t *)labels->data)[i];
    case QN_DTYPE_S32: return ((const int32_t *)labels->data)[i];
    case QN_DTYPE_U64:
    case QN_DTYPE_S64: return ((const int64_t *)labels->data)[i];
    case QN_DTYPE_F32: {
        float value = ((const float *)labels->data)[i];
        return value >= 0 && value < QN_IMAGE_CLASSES_MAX ? (int64_t)value : -1;
    }
    default: return -1;
    }
}

/* The network's labels as a picture of their own size. */
static qn_status *take_labels(const segmenter *s, qn_image *out_labels) {
    const qn_tensor *labels = &s->outputs[s->block.output];
    const char *name = qn_model_output(s->session.model, s->block.output)->name;
    if (labels->dims[0] != 1 || labels->dims[1] < 1 || labels->dims[2] < 1 || labels->dims[1] > INT_MAX ||
        labels->dims[2] > INT_MAX)
        return qn_status_create(QN_UNSUPPORTED, "output '%s' has %lldx%lldx%lld elements, which is no label map", name,
                                (long long)labels->dims[0], (long long)labels->dims[1], (long long)labels->dims[2]);
    CLI_TRY(qn_image_init((int)labels->dims[2], (int)labels->dims[1], 1, NULL, out_labels));
    size_t count = (size_t)out_labels->width * (size_t)out_labels->height;
    for (size_t i = 0; i < count; i++) {
        int64_t label = label_at(labels, i);
        if (label < 0 || label >= QN_IMAGE_CLASSES_MAX) {
            qn_image_deinit(out_labels);
            return qn_status_create(QN_UNSUPPORTED, "output '%s': label %lld at pixel %zu is outside 0..255", name,
                                    (long long)label, i);
        }
        out_labels->data[i] = (uint8_t)label;
    }
    return NULL;
}

static qn_status *set_size(segmenter *s, int width, int height) {
    if (s->set_width == width && s->set_height == height) return NULL;
    free_outputs(s);
    const int64_t dims[] = {1, height, width, s->block.channels};
    CLI_TRY(qn_context_set_input_shape(s->session.context, s->block.input, 4, dims));
    CLI_TRY(cli_session_make_outputs(&s->session, s->outputs));
    s->set_width = width;
    s->set_height = height;
    return NULL;
}

/* `labels` becomes width x height. */
static qn_status *scale_labels(qn_image *labels, int width, int height) {
    if (labels->width == width && labels->height == height) return NULL;
    qn_image scaled;
    CLI_TRY(qn_image_resize(labels, width, height, QN_IMAGE_NEAREST, NULL, &scaled));
    qn_image_deinit(labels);
    *labels = scaled;
    return NULL;
}

/* Labels of one tile, which is the size of the tile. */
static qn_status *run_tile(segmenter *s, const qn_image *tile, qn_image *out_labels, double *inout_ms) {
    CLI_TRY(set_size(s, tile->width, tile->height));
    const qn_tensor input = {
        .dtype = QN_DTYPE_U8, .rank = 4, .dims = {1, tile->height, tile->width, s->block.channels}, .data = tile->data};
    double start = cli_now_ms();
    CLI_TRY(qn_context_run(s->session.context, &input, 1, s->outputs, s->output_count));
    *inout_ms += cli_now_ms() - start;
    CLI_TRY(take_labels(s, out_labels));
    qn_status *status = scale_labels(out_labels, tile->width, tile->height);
    if (status) qn_image_deinit(out_labels);
    return status;
}

/* ---- One picture ---- */

static qn_status *run_tiles(segmenter *s, const qn_image *scaled, const qn_image_fit *fit, qn_image *out_labels,
                            double *inout_ms) {
    CLI_TRY(qn_image_init(fit->width, fit->height, 1, NULL, out_labels));
    qn_status *status = NULL;
    for (int i = 0; i < fit->columns * fit->rows && !status; i++) {
        qn_image tile = {0}, labels = {0};
        status = qn_image_crop(scaled, qn_image_fit_tile(fit, i), NULL, &tile);
        if (!status) status = run_tile(s, &tile, &labels, inout_ms);
        if (!status) status = qn_image_fit_stitch(fit, i, &labels, out_labels);
        qn_image_deinit(&labels);
        qn_image_deinit(&tile);
    }
    if (status) qn_image_deinit(out_labels);
    return status;
}

/* The picture at the size the network sees, in its order of channels. */
static qn_status *prepare(const segmenter *s, const qn_image *photo, const qn_image_fit *fit, qn_image *out_scaled) {
    if (fit->width == photo->width && fit->height == photo->height)
        CLI_TRY(qn_image_crop(photo, (qn_image_rect){0, 0, photo->width, photo->height}, NULL, out_scaled));
    else
        CLI_TRY(qn_image_resize(photo, fit->width, fit->height, QN_IMAGE_BILINEAR, NULL, out_scaled));
    size_t bytes = out_scaled->stride_bytes * (size_t)out_scaled->height;
    for (size_t i = 0; s->block.is_bgr && i + 2 < bytes; i += 3) {
        uint8_t red = out_scaled->data[i];
        out_scaled->data[i] = out_scaled->data[i + 2];
        out_scaled->data[i + 2] = red;
    }
    return NULL;
}

qn_status *segmenter_run(segmenter *s, const qn_image *photo, int width, int height, qn_image *out_labels,
                         segmenter_info *out_info) {
    qn_image_fit fit;
    qn_image scaled;
    double ms = 0;
    *out_labels = (qn_image){0};
    CLI_TRY(qn_image_fit_plan(s->fit, photo->width, photo->height, &s->range, &fit));
    CLI_TRY(prepare(s, photo, &fit, &scaled));
    int runs = fit.columns * fit.rows;
    qn_status *status =
        runs == 1 ? run_tile(s, &scaled, out_labels, &ms) : run_tiles(s, &scaled, &fit, out_labels, &ms);
    qn_image_deinit(&scaled);
    if (!status) status = scale_labels(out_labels, width, height);
    if (status) qn_image_deinit(out_labels);
    if (out_info) *out_info = (segmenter_info){ms, fit.tile_width, fit.tile_height, runs};
    return status;
}

/* ---- Palettes, options ---- */

static qn_status *number_palette(int class_count, qn_image_palette *out_palette) {
    char storage[QN_IMAGE_CLASSES_MAX][24];
    const char *names[QN_IMAGE_CLASSES_MAX];
    for (int i = 0; i < class_count; i++) {
        snprintf(storage[i], sizeof storage[i], "class %d", i);
        names[i] = storage[i];
    }
    return qn_image_palette_from_names(names, class_count, NULL, out_palette);
}

qn_status *segmenter_load_palette(const char *name, int class_count, qn_image_palette *out_palette) {
    enum { VOC = 21, ADE20K = 151, CITYSCAPES = 19 };
    if (!name && class_count == VOC) name = "voc";
    if (!name && class_count == ADE20K) name = "ade20k";
    if (!name && class_count == CITYSCAPES) name = "cityscapes";
    if (!name) return number_palette(class_count ? class_count : QN_IMAGE_CLASSES_MAX, out_palette);
    CLI_TRY(qn_image_palette_load(name, NULL, out_palette));
    if (class_count && out_palette->class_count && class_count != out_palette->class_count)
        cli_note("warning: palette %s names %d classes, the model has %d", name, out_palette->class_count, class_count);
    return NULL;
}

int segmenter_set_fit(const cli_option *option, void *field, const char *value) {
    qn_status *status = qn_image_fit_mode_from_name(value, field);
    int answer = status ? cli_usage("--%s: %s", option->name, qn_status_message(status)) : CLI_GO_ON;
    qn_status_free(status);
    return answer;
}
