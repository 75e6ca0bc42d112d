#include "pictures/image_block.h"
#include "pictures/model_meta.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- Reading ---- */

static qn_status *refuse(const char *key, const char *found) {
    return qn_status_create(QN_UNSUPPORTED,
                            "its image block has %s '%s', which this version cannot follow; `quench run` takes arrays",
                            key, found);
}

/* Numbers per channel; one number goes for all. */
static int read_numbers(const json_t *block, const char *key, float fallback, int channels, float *out_numbers) {
    const json_t *list = json_object_get(block, key);
    size_t count = json_array_size(list);
    for (int c = 0; c < channels; c++) {
        const json_t *number = count ? json_array_get(list, count == 1 ? 0 : (size_t)c) : list;
        if (list && !json_is_number(number)) return 0;
        out_numbers[c] = list ? (float)json_number_value(number) : fallback;
    }
    return 1;
}

static qn_status *read_input(const json_t *json, const char *color, const char *layout, image_block *out_block) {
    float scale[1], pad[3];
    out_block->is_bgr = !strcmp(color, "BGR");
    out_block->channels = strcmp(color, "GRAY") ? 3 : 1;
    const int has_batch = *layout == 'N', is_planar = layout[has_batch] == 'C';
    out_block->input_rank = 3 + has_batch;
    out_block->height_axis = has_batch + is_planar;
    out_block->channel_axis = is_planar ? has_batch : has_batch + 2;
    if (strcmp(color, "RGB") && strcmp(color, "BGR") && strcmp(color, "GRAY")) return refuse("color", color);
    if (strcmp(layout + has_batch, "HWC") && strcmp(layout + has_batch, "CHW")) return refuse("layout", layout);
    int are_sound = read_numbers(json, "mean", 0, out_block->channels, out_block->mean) &&
                    read_numbers(json, "std", 1, out_block->channels, out_block->std) &&
                    read_numbers(json, "scale", 1, 1, scale) &&
                    read_numbers(json, "pad_value", 0, out_block->channels, pad);
    if (!are_sound)
        return qn_status_create(QN_INVALID_MODEL,
                                "its image block has a mean, std, scale or pad_value that is no number per channel");
    out_block->scale = scale[0];
    out_block->has_pad = json_object_get(json, "pad_value") != NULL;
    for (int c = 0; c < out_block->channels; c++)
        out_block->pad[c] = (uint8_t)(pad[c] < 0 ? 0 : pad[c] > 255 ? 255 : pad[c] + 0.5f);
    return NULL;
}

static qn_status *read_output(const json_t *json, const char *decode, const char *fit, int class_count,
                              image_block *out_block) {
    const json_t *axis = json_object_get(json, "axis"), *threshold = json_object_get(json, "threshold");
    out_block->is_classifier = !strcmp(decode, "scores");
    if (!strcmp(decode, "logits"))
        out_block->answer = ANSWER_LOGITS;
    else if (!strcmp(decode, "foreground"))
        out_block->answer = ANSWER_FOREGROUND;
    else if (strcmp(decode, "labels") && !out_block->is_classifier)
        return refuse("decode", decode);
    out_block->threshold = (float)json_number_value(threshold);
    if (out_block->answer == ANSWER_FOREGROUND && !json_is_number(threshold))
        return qn_status_create(QN_INVALID_MODEL, "its image block parts two classes without a threshold");
    const json_int_t at = json_is_integer(axis) ? json_integer_value(axis) : -1;
    out_block->class_axis = at < 0 ? -1 : at < QN_MAX_RANK ? (int)at : QN_MAX_RANK;
    if (out_block->answer == ANSWER_LOGITS && !axis) out_block->class_axis = 3;
    out_block->class_count = class_count >= 1 && class_count <= QN_IMAGE_CLASSES_MAX ? class_count : 0;
    out_block->has_fit = fit != NULL;
    return fit ? qn_image_fit_mode_from_name(fit, &out_block->fit) : NULL;
}

/* Can the dim be this size? */
static int allows(const qn_value_info *value, int axis, int64_t size) {
    return value->min_dims[axis] <= size && size <= value->max_dims[axis];
}

/* Finds the rows of [N, H, W] or [H, W] with the axis of classes anywhere but between the sides. */
static qn_status *check_output(const qn_value_info *output, image_block *block) {
    char text[CLI_DIMS_TEXT];
    const int axis = block->class_axis, sides = output->rank - (axis >= 0), has_batch = sides == 3;
    block->row_axis = has_batch + (axis >= 0 && axis <= has_batch);
    const int is_between = axis == block->row_axis + 1, is_logits = block->answer == ANSWER_LOGITS;
    if ((sides != 2 && sides != 3) || axis >= output->rank || is_between || (has_batch && axis == 0) ||
        (is_logits && axis < 0) || !cli_dtype_size(output->dtype) || (has_batch && !allows(output, 0, 1)))
        return qn_status_create(QN_UNSUPPORTED, "output '%s' is %s %s, expected %s", output->name,
                                cli_dtype_name(output->dtype), cli_print_range(output, text),
                                is_logits ? "scores of each class, as [1, height, width, classes]"
                                          : "a number for each pixel, as [1, height, width]");
    if (!is_logits || output->max_dims[axis] > 1) return NULL;
    return qn_status_create(
        QN_UNSUPPORTED,
        "output '%s' has scores of one class, which its image block takes for all there are: class 0 "
        "everywhere. Build it again: image.decode \"foreground\" makes two classes of it",
        output->name);
}

/* Does the model have what the block says? */
static qn_status *check_model(const qn_model *model, image_block *block) {
    char text[CLI_DIMS_TEXT];
    const qn_value_info *input = qn_model_input(model, block->input), *output = qn_model_output(model, block->output);
    if (qn_model_get_info(model)->input_count != 1)
        return qn_status_create(QN_UNSUPPORTED,
                                "it has %zu inputs, a picture can feed only one; `quench run` takes arrays",
                                qn_model_get_info(model)->input_count);
    block->is_float = input->dtype == QN_DTYPE_F32;
    if ((input->dtype != QN_DTYPE_U8 && !block->is_float) || input->rank != block->input_rank ||
        (input->rank == 4 && !allows(input, 0, 1)) || !allows(input, block->channel_axis, block->channels))
        return qn_status_create(
            QN_UNSUPPORTED, "input '%s' is %s %s, expected uint8 or float32 with batch 1 and %d channels", input->name,
            cli_dtype_name(input->dtype), cli_print_range(input, text), block->channels);
    if (block->is_classifier) {
        if (output->rank == 2 && output->dtype == QN_DTYPE_F32) return NULL;
        return qn_status_create(QN_UNSUPPORTED, "output '%s' is %s %s, expected float32 scores [batch, classes]",
                                output->name, cli_dtype_name(output->dtype), cli_print_range(output, text));
    }
    return check_output(output, block);
}

static qn_status *parse(const qn_model *model, image_block *out_block) {
    const char *input, *output, *color = "RGB", *decode = "labels", *layout = "NHWC", *fit = NULL;
    int class_count = 0;
    if (!json_is_object(out_block->json))
        return qn_status_create(
            QN_UNSUPPORTED,
            "it does not say how pictures go in and labels come out: it has no image block. One is found for a uint8 "
            "input with 3 or 1 channels that leads to labels by an argmax or to nothing but scores; else the build's "
            "--config can give it, as {\"image\": {\"scale\": 0.00392157, \"output\": \"NAME\"}} for pixels from 0 to "
            "1 (docs/configuration.md)");
    if (json_unpack(out_block->json, "{s:s,s:s,s?s,s?s,s?s,s?s,s?i}", "input", &input, "output", &output, "color",
                    &color, "decode", &decode, "layout", &layout, "fit", &fit, "class_count", &class_count))
        return qn_status_create(QN_INVALID_MODEL,
                                "its image block does not name input and output, or a member has the wrong type");
    CLI_TRY(qn_model_find_input(model, input, &out_block->input));
    CLI_TRY(qn_model_find_output(model, output, &out_block->output));
    CLI_TRY(read_input(out_block->json, color, layout, out_block));
    CLI_TRY(read_output(out_block->json, decode, fit, class_count, out_block));
    return check_model(model, out_block);
}

qn_status *image_block_read(const qn_model *model, image_block *out_block) {
    *out_block = (image_block){0};
    json_t *meta = cli_load_meta(model);
    if (!meta) return cli_out_of_memory();
    out_block->json = json_incref(json_object_get(meta, "image"));
    json_decref(meta);
    qn_status *status = parse(model, out_block);
    if (status) image_block_deinit(out_block);
    return status;
}

qn_status *image_block_expect_labels(const qn_model *model, const image_block *block) {
    if (!block->is_classifier) return NULL;
    return qn_status_create(QN_UNSUPPORTED,
                            "it classifies: output '%s' holds scores of the whole picture and no labels of its pixels; "
                            "`quench run` and `eval --inputs` take arrays",
                            qn_model_output(model, block->output)->name);
}

void image_block_deinit(image_block *block) {
    json_decref(block->json);
    *block = (image_block){0};
}

/* ---- Palettes ---- */

static qn_status *name_by_number(int class_count, qn_image_palette *out_palette) {
    char storage[QN_IMAGE_CLASSES_MAX][24];
    const char *names[QN_IMAGE_CLASSES_MAX];
    for (int i = 0; i < class_count; i++) {
        snprintf(storage[i], sizeof storage[i], "class %d", i);
        names[i] = storage[i];
    }
    return qn_image_palette_from_names(names, class_count, NULL, out_palette);
}

static qn_status *name_from_list(const json_t *list, qn_image_palette *out_palette) {
    const char *names[QN_IMAGE_CLASSES_MAX];
    int count = (int)(json_array_size(list) < QN_IMAGE_CLASSES_MAX ? json_array_size(list) : QN_IMAGE_CLASSES_MAX);
    for (int i = 0; i < count; i++) {
        names[i] = json_string_value(json_array_get(list, (size_t)i));
        if (!names[i]) return qn_status_create(QN_INVALID_MODEL, "the image block's class %d has no name", i);
    }
    return qn_image_palette_from_names(names, count, NULL, out_palette);
}

/* A file names the sets of classes that quench has, and no others: files on this machine are none of its business. */
static qn_status *expect_set(const image_block *block, const char *key) {
    static const char *const sets[] = {"voc", "ade20k", "cityscapes"};
    const json_t *value = json_object_get(block->json, key);
    const char *name = json_string_value(value);
    if (json_is_array(value) && !json_array_size(value))
        return qn_status_create(QN_INVALID_MODEL, "the model's image block has no %s in its list: give --palette", key);
    for (size_t i = 0; name && i < sizeof sets / sizeof *sets; i++)
        if (!strcmp(name, sets[i])) return NULL;
    return name ? qn_status_create(QN_UNSUPPORTED,
                                   "the model's image block has %s '%s', expected voc, ade20k, cityscapes or a list: "
                                   "give --palette",
                                   key, name)
                : NULL;
}

static qn_status *load_names(const json_t *classes, const json_t *palette, int class_count,
                             qn_image_palette *out_palette) {
    enum { VOC = 21, ADE20K = 151, CITYSCAPES = 19 };
    if (json_is_array(classes)) return name_from_list(classes, out_palette);
    const char *name = json_is_string(classes) ? json_string_value(classes) : json_string_value(palette);
    if (!name && class_count == VOC) name = "voc";
    if (!name && class_count == ADE20K) name = "ade20k";
    if (!name && class_count == CITYSCAPES) name = "cityscapes";
    return name ? qn_image_palette_load(name, NULL, out_palette)
                : name_by_number(class_count ? class_count : QN_IMAGE_CLASSES_MAX, out_palette);
}

static qn_status *load_colors(const json_t *palette, qn_image_palette *inout_palette) {
    if (json_is_string(palette)) {
        qn_image_palette colors;
        CLI_TRY(qn_image_palette_load(json_string_value(palette), NULL, &colors));
        memcpy(inout_palette->colors, colors.colors, sizeof colors.colors);
        qn_image_palette_deinit(&colors);
    }
    for (size_t i = 0; i < json_array_size(palette) && i < QN_IMAGE_CLASSES_MAX; i++)
        for (size_t c = 0; c < 3; c++)
            inout_palette->colors[i][c] = (uint8_t)json_integer_value(json_array_get(json_array_get(palette, i), c));
    return NULL;
}

qn_status *image_block_load_palette(const image_block *block, const char *name, int class_count,
                                    qn_image_palette *out_palette) {
    if (!name) {
        const json_t *palette = json_object_get(block->json, "palette");
        CLI_TRY(expect_set(block, "classes"));
        CLI_TRY(expect_set(block, "palette"));
        CLI_TRY(load_names(json_object_get(block->json, "classes"), palette, class_count, out_palette));
        qn_status *status = load_colors(palette, out_palette);
        if (status) qn_image_palette_deinit(out_palette);
        return status;
    }
    CLI_TRY(qn_image_palette_load(name, NULL, out_palette));
    if (class_count && out_palette->class_count && class_count != out_palette->class_count)
        cli_warn("palette %s names %d classes, the model has %d", name, out_palette->class_count, class_count);
    return NULL;
}

/* ---- In ---- */

void image_block_fill(const image_block *block, const qn_image *picture, qn_tensor *input) {
    const int channels = block->channels, is_planar = block->channel_axis < block->height_axis;
    const size_t height = (size_t)input->dims[block->height_axis], width = (size_t)input->dims[block->height_axis + 1];
    const size_t step = is_planar ? 1 : (size_t)channels, plane = is_planar ? height * width : 1;
    for (int c = 0; c < channels; c++) {
        const int from = block->is_bgr ? channels - 1 - c : c;
        for (size_t y = 0; y < height; y++) {
            const uint8_t *row = y < (size_t)picture->height ? picture->data + y * picture->stride_bytes + from : NULL;
            size_t at = (size_t)c * plane + y * width * step;
            for (size_t x = 0; x < width; x++, at += step) {
                const uint8_t pixel = row && x < (size_t)picture->width ? row[x * (size_t)channels] : block->pad[c];
                if (block->is_float)
                    ((float *)input->data)[at] = ((float)pixel * block->scale - block->mean[c]) / block->std[c];
                else
                    ((uint8_t *)input->data)[at] = pixel;
            }
        }
    }
}

/* What pixel a number of the tensor stands for. */
static uint8_t to_pixel(const image_block *block, const qn_tensor *input, size_t at, int c) {
    if (!block->is_float) return ((const uint8_t *)input->data)[at];
    const float pixel = (((const float *)input->data)[at] * block->std[c] + block->mean[c]) / block->scale;
    return pixel > 0 ? pixel < 255 ? (uint8_t)(pixel + 0.5f) : 255 : 0;
}

qn_status *image_block_show(const image_block *block, const qn_tensor *input, qn_image *out_picture) {
    const int channels = block->channels, is_planar = block->channel_axis < block->height_axis;
    const size_t height = (size_t)input->dims[block->height_axis], width = (size_t)input->dims[block->height_axis + 1];
    const size_t step = is_planar ? 1 : (size_t)channels, plane = is_planar ? height * width : 1;
    CLI_TRY(qn_image_init((int)width, (int)height, channels, NULL, out_picture));
    for (int c = 0; c < channels; c++) {
        const int to = block->is_bgr ? channels - 1 - c : c;
        for (size_t y = 0; y < height; y++)
            for (size_t x = 0; x < width; x++)
                out_picture->data[y * out_picture->stride_bytes + x * (size_t)channels + (size_t)to] =
                    to_pixel(block, input, (size_t)c * plane + (y * width + x) * step, c);
    }
    return NULL;
}

/* ---- Out ---- */

/* The label of element i as a byte. */
static qn_status *take_label(const qn_tensor *output, size_t i, uint8_t *out_label) {
    const double label = cli_tensor_get(output, i);
    *out_label = label >= 0 && label < QN_IMAGE_CLASSES_MAX ? (uint8_t)label : 0;
    if (*out_label == label) return NULL;
    if (label >= 0 && label < QN_IMAGE_CLASSES_MAX)
        return qn_status_create(
            QN_UNSUPPORTED,
            "label %.9g at pixel %zu is no whole number: if these are scores of one class, build with "
            "image.decode \"foreground\"",
            label, i);
    return qn_status_create(QN_UNSUPPORTED, "label %.9g at pixel %zu is outside 0..255", label, i);
}

static qn_status *take_labels(const qn_tensor *output, int own_width, int own_height, int width, int height,
                              qn_image *out_labels) {
    qn_image own;
    CLI_TRY(qn_image_init(own_width, own_height, 1, NULL, &own));
    qn_status *status = NULL;
    size_t count = (size_t)own.width * (size_t)own.height;
    for (size_t i = 0; i < count && !status; i++) status = take_label(output, i, &own.data[i]);
    if (!status && (own.width != width || own.height != height))
        status = qn_image_resize(&own, width, height, QN_IMAGE_NEAREST, NULL, out_labels);
    else if (!status)
        *out_labels = own, own = (qn_image){0};
    qn_image_deinit(&own);
    return status;
}

/* Between which two of `count` samples pixel i of `size` lies, and how far. A network that keeps corners in place (513
   pixels to 65 scores, 8 apart) has them interpolated so; otherwise a score stands in the middle of the pixels it
   covers. */
static float find_neighbours(int i, int size, int count, int *out_first, int *out_second) {
    const int keeps_corners = count > 1 && (size - 1) % (count - 1) == 0;
    float at = keeps_corners ? (float)i * (float)(count - 1) / (float)(size - 1)
                             : ((float)i + 0.5f) * (float)count / (float)size - 0.5f;
    if (at < 0) at = 0;
    *out_first = (int)at < count - 1 ? (int)at : count - 1;
    *out_second = *out_first + 1 < count ? *out_first + 1 : *out_first;
    return at - (float)*out_first;
}

/* Scores [h, w, C] or [C, h, w] as an array with strides. */
typedef struct scores {
    const float *data;
    int height, width, classes;
    float threshold; /* of one class */
    size_t row_step, column_step, class_step;
} scores;

/* Row y of `height`, interpolated between two rows of scores: [width][classes]. */
static void blend_rows(const scores *s, int y, int height, float *out_row) {
    int first, second;
    const float f = find_neighbours(y, height, s->height, &first, &second);
    for (int x = 0; x < s->width; x++)
        for (int c = 0; c < s->classes; c++) {
            const float *column = s->data + (size_t)x * s->column_step + (size_t)c * s->class_step;
            const float a = column[(size_t)first * s->row_step], b = column[(size_t)second * s->row_step];
            out_row[(size_t)x * (size_t)s->classes + (size_t)c] = a + (b - a) * f;
        }
}

static uint8_t best_class(const scores *s, const float *a, const float *b, float f) {
    int best = 0;
    float most = a[0] + (b[0] - a[0]) * f;
    if (s->classes == 1) return most > s->threshold;
    for (int c = 1; c < s->classes; c++) {
        const float score = a[c] + (b[c] - a[c]) * f;
        if (score > most) most = score, best = c;
    }
    return (uint8_t)best;
}

static qn_status *take_logits(const scores *s, int width, int height, qn_image *out_labels) {
    float *row = malloc((size_t)s->width * (size_t)s->classes * sizeof *row);
    if (!row) return cli_out_of_memory();
    qn_status *status = qn_image_init(width, height, 1, NULL, out_labels);
    for (int y = 0; y < height && !status; y++) {
        blend_rows(s, y, height, row);
        for (int x = 0; x < width; x++) {
            int first, second;
            const float f = find_neighbours(x, width, s->width, &first, &second);
            out_labels->data[(size_t)y * out_labels->stride_bytes + (size_t)x] =
                best_class(s, row + (size_t)first * (size_t)s->classes, row + (size_t)second * (size_t)s->classes, f);
        }
    }
    free(row);
    return status;
}

/* The output as floats, which it may be already: *out_own is freed by the caller. */
static const float *as_floats(const qn_tensor *output, float **out_own) {
    const size_t count = cli_tensor_elems(output);
    *out_own = NULL;
    if (output->dtype == QN_DTYPE_F32) return output->data;
    *out_own = malloc((count + 1) * sizeof **out_own);
    for (size_t i = 0; *out_own && i < count; i++) (*out_own)[i] = (float)cli_tensor_get(output, i);
    return *out_own;
}

qn_status *image_block_take(const image_block *block, const qn_tensor *output, int width, int height,
                            qn_image *out_labels) {
    char text[CLI_DIMS_TEXT];
    const int axis = block->class_axis, row_axis = block->row_axis, is_planar = axis >= 0 && axis < row_axis;
    const int64_t rows = output->dims[row_axis], columns = output->dims[row_axis + 1];
    const int64_t classes = axis < 0 ? 1 : output->dims[axis];
    const int is_logits = block->answer == ANSWER_LOGITS, has_batch = output->rank - (axis >= 0) == 3;
    *out_labels = (qn_image){0};
    if ((has_batch && output->dims[0] != 1) || rows < 1 || columns < 1 || rows > INT_MAX || columns > INT_MAX ||
        (is_logits ? classes < 2 : classes != 1) || classes > QN_IMAGE_CLASSES_MAX)
        return qn_status_create(QN_UNSUPPORTED, "the output of %s elements is no label map or has more than %d classes",
                                cli_print_dims(output->rank, output->dims, text), QN_IMAGE_CLASSES_MAX);
    if (block->answer == ANSWER_LABELS) return take_labels(output, (int)columns, (int)rows, width, height, out_labels);
    float *own;
    const scores s = {.data = as_floats(output, &own),
                      .height = (int)rows,
                      .width = (int)columns,
                      .classes = (int)classes,
                      .threshold = block->threshold,
                      .row_step = (size_t)(is_planar ? columns : columns * classes),
                      .column_step = (size_t)(is_planar ? 1 : classes),
                      .class_step = (size_t)(is_planar ? rows * columns : 1)};
    qn_status *status = s.data ? take_logits(&s, width, height, out_labels) : cli_out_of_memory();
    free(own);
    return status;
}
