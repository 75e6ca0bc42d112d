/* Names and colours of a model's classes. */
#include "vision/vision.h"

#include <stdio.h>
#include <string.h>

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
        if (!names[i]) return QN_ERR(QN_INVALID_MODEL, "the image block's class %d has no name", i);
    }
    return qn_image_palette_from_names(names, count, NULL, out_palette);
}

/* A file names the sets of classes that quench has, and no others: files on this machine are none of its business. */
static qn_status *expect_set(const qn_vision *v, const char *key) {
    static const char *const sets[] = {"voc", "ade20k", "cityscapes"};
    const json_t *value = json_object_get(v->block, key);
    const char *name = json_string_value(value);
    if (json_is_array(value) && !json_array_size(value))
        return QN_ERR(QN_INVALID_MODEL, "the model's image block has no %s in its list", key);
    for (size_t i = 0; name && i < sizeof sets / sizeof *sets; i++)
        if (!strcmp(name, sets[i])) return NULL;
    return name ? QN_ERR(QN_UNSUPPORTED,
                         "the model's image block has %s '%s', expected voc, ade20k, cityscapes or a list", key, name)
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
        QN_TRY(qn_image_palette_load(json_string_value(palette), NULL, &colors));
        memcpy(inout_palette->colors, colors.colors, sizeof colors.colors);
        qn_image_palette_deinit(&colors);
    }
    for (size_t i = 0; i < json_array_size(palette) && i < QN_IMAGE_CLASSES_MAX; i++)
        for (size_t c = 0; c < 3; c++)
            inout_palette->colors[i][c] = (uint8_t)json_integer_value(json_array_get(json_array_get(palette, i), c));
    return NULL;
}

qn_status *qn_vision_load_palette(const qn_vision *vision, const char *name, int class_count,
                                  qn_image_palette *out_palette) {
    QN_ENTER();
    QN_REQUIRE_ARG(out_palette);
    *out_palette = (qn_image_palette){0};
    QN_REQUIRE_ARG(vision);
    if (name) return qn_image_palette_load(name, NULL, out_palette);
    const json_t *palette = json_object_get(vision->block, "palette");
    if (class_count < 1 || class_count > QN_IMAGE_CLASSES_MAX) class_count = vision->info.class_count;
    QN_TRY(expect_set(vision, "classes"));
    QN_TRY(expect_set(vision, "palette"));
    QN_TRY(load_names(json_object_get(vision->block, "classes"), palette, class_count, out_palette));
    qn_status *status = load_colors(palette, out_palette);
    if (status) qn_image_palette_deinit(out_palette);
    return status;
}
