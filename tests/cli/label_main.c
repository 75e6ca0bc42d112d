/* label - what a program of somebody else's makes of pictures, by libquench-vision alone: the same as `quench segment`?
 *
 *     label MODEL.qn RESULTS [fit=HOW] [smooth=1] [threads=N] [cpu=NAME] [palette=NAME|FILE] [memory=1] -- PICTURE ...
 *
 * RESULTS holds NAME.png (indexed) and NAME.rgb.png of each picture NAME.ppm, as `quench segment --save indexed,rgb` saves
 * them. Status 0: the same labels and colours, byte for byte; 1: others, or a failure, which is printed. memory=1 opens
 * the model's bytes rather than its file. */
#include "quench/vision.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct settings {
    qn_vision_options vision;
    qn_segmenter_options segmenter;
    int from_memory;
} settings;

static qn_status *read_setting(const char *text, settings *out) {
    const char *value = strchr(text, '=');
    if (value++) {
        if (!strncmp(text, "fit=", 4))
            return out->vision.has_fit = 1, qn_image_fit_mode_from_name(value, &out->vision.fit);
        if (!strncmp(text, "smooth=", 7)) return out->segmenter.is_smooth = atoi(value), NULL;
        if (!strncmp(text, "threads=", 8)) return out->segmenter.threads = atoi(value), NULL;
        if (!strncmp(text, "cpu=", 4)) return out->segmenter.cpu = value, NULL;
        if (!strncmp(text, "palette=", 8)) return out->segmenter.palette = value, NULL;
        if (!strncmp(text, "memory=", 7)) return out->from_memory = atoi(value), NULL;
    }
    return qn_status_create(QN_INVALID_ARGUMENT, "'%s' is no setting", text);
}

static qn_status *open_from_memory(const char *path, const qn_segmenter_options *options, qn_segmenter **out) {
    qn_model *model;
    size_t bytes;
    qn_status *status = qn_model_load_file(path, NULL, &model);
    if (status) return status;
    const void *data = qn_model_bytes(model, &bytes);
    status = qn_segmenter_open_memory(data, bytes, QN_MEMORY_COPY, options, out);
    qn_model_destroy(model);
    return status;
}

/* Compares with the result of that ending, which is read as a label map or as colours. */
static qn_status *compare(const char *folder, const char *stem, const char *ending, const qn_image *expected) {
    char path[4096];
    qn_image found = {0};
    snprintf(path, sizeof path, "%s/%s%s", folder, stem, ending);
    qn_status *status = expected->channels == 1 ? qn_image_load_mask(path, NULL, NULL, &found)
                                                : qn_image_load(path, NULL, NULL, &found);
    if (!status && (found.width != expected->width || found.height != expected->height))
        status = qn_status_create(QN_INTERNAL, "%s: %dx%d, the library gives %dx%d", path, found.width, found.height,
                                  expected->width, expected->height);
    for (int i = 0; !status && i < found.height * found.width * found.channels; i++)
        if (found.data[i] != expected->data[i])
            status = qn_status_create(QN_INTERNAL, "%s: byte %d is %d, the library gives %d", path, i, found.data[i],
                                      expected->data[i]);
    qn_image_deinit(&found);
    return status;
}

static qn_status *label(qn_segmenter *segmenter, const char *folder, const char *picture) {
    const char *slash = strrchr(picture, '/'), *name = slash ? slash + 1 : picture, *dot = strrchr(name, '.');
    char stem[256];
    qn_image photo = {0}, labels = {0}, colors = {0};
    snprintf(stem, sizeof stem, "%.*s", dot ? (int)(dot - name) : 255, name);
    qn_status *status = qn_image_load(picture, NULL, NULL, &photo);
    if (!status) status = qn_segmenter_run(segmenter, &photo, 0, 0, &labels, NULL);
    if (!status) status = qn_image_colorize(&labels, qn_segmenter_palette(segmenter), NULL, &colors);
    if (!status) status = compare(folder, stem, ".png", &labels);
    if (!status) status = compare(folder, stem, ".rgb.png", &colors);
    qn_image_deinit(&colors), qn_image_deinit(&labels), qn_image_deinit(&photo);
    return status;
}

int main(int argc, char **argv) {
    settings s = {0};
    qn_segmenter *segmenter = NULL;
    qn_status *status = NULL;
    int at = 3;
    if (argc < 5) return 2;
    qn_vision_options_init(&s.vision);
    qn_segmenter_options_init(&s.segmenter);
    for (; at < argc && strcmp(argv[at], "--") != 0 && !status; at++) status = read_setting(argv[at], &s);
    s.segmenter.vision = &s.vision;
    if (!status)
        status = s.from_memory ? open_from_memory(argv[1], &s.segmenter, &segmenter)
                               : qn_segmenter_open(argv[1], &s.segmenter, &segmenter);
    for (at++; at < argc && !status; at++) status = label(segmenter, argv[2], argv[at]);
    qn_segmenter_destroy(segmenter);
    if (!status) return 0;
    printf("label: %s\n", qn_status_message(status));
    qn_status_free(status);
    return 1;
}
