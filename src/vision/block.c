/* What a model says of pictures: the block "image" of its meta (driver/picture/image_block.h writes it). */
#include "vision/vision.h"

#include <string.h>

static qn_status *refuse(const char *key, const char *found) {
    return QN_ERR(QN_UNSUPPORTED, "its image block has %s '%s', which this version cannot follow", key, found);
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

static qn_status *read_input(const json_t *json, const char *color, const char *layout, qn_vision *v) {
    float scale[1], pad[3];
    v->is_bgr = !strcmp(color, "BGR");
    v->info.channels = strcmp(color, "GRAY") ? 3 : 1;
    const int has_batch = *layout == 'N', is_planar = layout[has_batch] == 'C';
    v->info.rank = 3 + has_batch;
    v->info.height_axis = has_batch + is_planar;
    v->info.channel_axis = is_planar ? has_batch : has_batch + 2;
    if (strcmp(color, "RGB") && strcmp(color, "BGR") && strcmp(color, "GRAY")) return refuse("color", color);
    if (strcmp(layout + has_batch, "HWC") && strcmp(layout + has_batch, "CHW")) return refuse("layout", layout);
    int are_sound = read_numbers(json, "mean", 0, v->info.channels, v->mean) &&
                    read_numbers(json, "std", 1, v->info.channels, v->deviation) &&
                    read_numbers(json, "scale", 1, 1, scale) &&
                    read_numbers(json, "pad_value", 0, v->info.channels, pad);
    if (!are_sound)
        return QN_ERR(QN_INVALID_MODEL,
                      "its image block has a mean, std, scale or pad_value that is no number per channel");
    v->scale = scale[0];
    v->has_pad = json_object_get(json, "pad_value") != NULL;
    for (int c = 0; c < v->info.channels; c++)
        v->pad[c] = (uint8_t)(pad[c] < 0 ? 0 : pad[c] > 255 ? 255 : pad[c] + 0.5f);
    return NULL;
}

static qn_status *read_output(const json_t *json, const char *decode, const char *fit, int class_count, qn_vision *v) {
    const json_t *axis = json_object_get(json, "axis"), *threshold = json_object_get(json, "threshold");
    if (!strcmp(decode, "scores"))
        v->info.answer = QN_VISION_SCORES;
    else if (!strcmp(decode, "logits"))
        v->info.answer = QN_VISION_LOGITS;
    else if (!strcmp(decode, "foreground"))
        v->info.answer = QN_VISION_FOREGROUND;
    else if (strcmp(decode, "labels"))
        return refuse("decode", decode);
    v->info.threshold = (float)json_number_value(threshold);
    if (v->info.answer == QN_VISION_FOREGROUND && !json_is_number(threshold))
        return QN_ERR(QN_INVALID_MODEL, "its image block parts two classes without a threshold");
    const json_int_t at = json_is_integer(axis) ? json_integer_value(axis) : -1;
    v->info.class_axis = at < 0 ? -1 : at < QN_MAX_RANK ? (int)at : QN_MAX_RANK;
    if (v->info.answer == QN_VISION_LOGITS && !axis) v->info.class_axis = 3;
    v->info.class_count = class_count >= 1 && class_count <= QN_IMAGE_CLASSES_MAX ? class_count : 0;
    v->has_fit = fit != NULL;
    return fit ? qn_image_fit_mode_from_name(fit, &v->info.fit) : NULL;
}

/* Can the dim be this size? */
static int allows(const qn_value_info *value, int axis, int64_t size) {
    return value->min_dims[axis] <= size && size <= value->max_dims[axis];
}

/* Finds the rows of [N, H, W] or [H, W] with the axis of classes anywhere but between the sides. */
static qn_status *check_output(const qn_value_info *output, qn_vision *v) {
    char text[QN_DIMS_TEXT];
    const int axis = v->info.class_axis, sides = output->rank - (axis >= 0), has_batch = sides == 3;
    v->info.row_axis = has_batch + (axis >= 0 && axis <= has_batch);
    const int is_between = axis == v->info.row_axis + 1, is_logits = v->info.answer == QN_VISION_LOGITS;
    if ((sides != 2 && sides != 3) || axis >= output->rank || is_between || (has_batch && axis == 0) ||
        (is_logits && axis < 0) || !qn_dtype_size(output->dtype) || (has_batch && !allows(output, 0, 1)))
        return QN_ERR(QN_UNSUPPORTED, "output '%s' is %s %s, expected %s", output->name,
                      qn_dtype_numpy_name(output->dtype), qn_value_info_print_dims(output, text),
                      is_logits ? "scores of each class, as [1, height, width, classes]"
                                : "a number for each pixel, as [1, height, width]");
    if (!is_logits || output->max_dims[axis] > 1) return NULL;
    return QN_ERR(QN_UNSUPPORTED,
                  "output '%s' has scores of one class, which its image block takes for all there are: class 0 "
                  "everywhere. Build it again: image.decode \"foreground\" makes two classes of it",
                  output->name);
}

/* Does the model have what the block says? */
static qn_status *check_model(const qn_model *model, qn_vision *v) {
    char text[QN_DIMS_TEXT];
    const qn_value_info *input = qn_model_input(model, v->info.input), *output = qn_model_output(model, v->info.output);
    if (qn_model_get_info(model)->input_count != 1)
        return QN_ERR(QN_UNSUPPORTED, "it has %zu inputs, a picture can feed only one",
                      qn_model_get_info(model)->input_count);
    v->info.dtype = input->dtype;
    if ((input->dtype != QN_DTYPE_U8 && input->dtype != QN_DTYPE_F32) || input->rank != v->info.rank ||
        (input->rank == 4 && !allows(input, 0, 1)) || !allows(input, v->info.channel_axis, v->info.channels))
        return QN_ERR(QN_UNSUPPORTED, "input '%s' is %s %s, expected uint8 or float32 with batch 1 and %d channels",
                      input->name, qn_dtype_numpy_name(input->dtype), qn_value_info_print_dims(input, text),
                      v->info.channels);
    if (v->info.answer == QN_VISION_SCORES) {
        if (output->rank == 2 && output->dtype == QN_DTYPE_F32) return NULL;
        return QN_ERR(QN_UNSUPPORTED, "output '%s' is %s %s, expected float32 scores [batch, classes]", output->name,
                      qn_dtype_numpy_name(output->dtype), qn_value_info_print_dims(output, text));
    }
    return check_output(output, v);
}

static qn_status *parse(const qn_model *model, qn_vision *v) {
    const char *input, *output, *color = "RGB", *decode = "labels", *layout = "NHWC", *fit = NULL;
    int class_count = 0;
    if (!json_is_object(v->block))
        return QN_ERR(
            QN_UNSUPPORTED,
            "it does not say how pictures go in and labels come out: it has no image block. One is found for a uint8 "
            "input with 3 or 1 channels that leads to labels by an argmax or to nothing but scores; else the build's "
            "configuration can give it, as {\"image\": {\"scale\": 0.00392157, \"output\": \"NAME\"}} for pixels from 0 "
            "to 1 (docs/configuration.md)");
    if (json_unpack(v->block, "{s:s,s:s,s?s,s?s,s?s,s?s,s?i}", "input", &input, "output", &output, "color", &color,
                    "decode", &decode, "layout", &layout, "fit", &fit, "class_count", &class_count))
        return QN_ERR(QN_INVALID_MODEL,
                      "its image block does not name input and output, or a member has the wrong type");
    QN_TRY(qn_model_find_input(model, input, &v->info.input));
    QN_TRY(qn_model_find_output(model, output, &v->info.output));
    QN_TRY(read_input(v->block, color, layout, v));
    QN_TRY(read_output(v->block, decode, fit, class_count, v));
    return check_model(model, v);
}

qn_status *qn_vision_read_block(const qn_model *model, const json_t *meta, qn_vision *v) {
    v->block = json_incref(json_object_get(meta, "image"));
    return parse(model, v);
}
