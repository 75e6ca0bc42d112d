/* calibrate_int8 - a float network and a folder of pictures in, a model in 8-bit integers out.
 *
 *     calibrate_int8 GRAPH.pb FOLDER OUT.qn
 *
 * Reads a TensorFlow frozen graph, shows it every JPEG, PNG and PPM of the folder, so that the ranges of its values are
 * known, and builds and saves a model whose convolutions compute in integers. The ranges are saved beside it, as
 * OUT.qn.ranges.json: a text to read, and enough for a later build without the pictures (which rounds weights to the
 * nearest: how best to round them is learned on pictures).
 *
 * The network has one input, uint8 [1, height, width, 3], as DeepLab has. For any other quench/calibrator.h wants the
 * same: each sample as the compiled model will take it.
 *
 * Uses: libquench, libquench-compiler, libquench-image.
 */
#define _POSIX_C_SOURCE 200809L /* opendir, strcasecmp */

#include <quench/compiler.h>
#include <quench/image.h>

#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* ---- The pictures of a folder ---- */

typedef struct picture_folder {
    const char *path;
    char **names;
    size_t count, next;
    qn_image_range range; /* sizes that the network takes */
    qn_image picture;     /* the sample at hand */
} picture_folder;

static int is_picture(const char *name) {
    static const char *const endings[] = {".jpg", ".jpeg", ".png", ".ppm"};
    const char *dot = strrchr(name, '.');
    for (size_t i = 0; dot && i < sizeof endings / sizeof *endings; i++)
        if (!strcasecmp(dot, endings[i])) return 1;
    return 0;
}

static int compare_names(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

static char *copy_text(const char *text) {
    char *copy = malloc(strlen(text) + 1);
    return copy ? strcpy(copy, text) : NULL;
}

/* The names, sorted: the same pictures in the same order give the same model. */
static qn_status *list_pictures(picture_folder *folder) {
    DIR *directory = opendir(folder->path);
    if (!directory) return qn_status_create(QN_NOT_FOUND, "%s: no folder that can be read", folder->path);
    qn_status *status = NULL;
    for (struct dirent *entry; !status && (entry = readdir(directory));) {
        if (!is_picture(entry->d_name)) continue;
        char **names = realloc(folder->names, (folder->count + 1) * sizeof *names);
        if (names) folder->names = names;
        char *name = names ? copy_text(entry->d_name) : NULL;
        if (name)
            folder->names[folder->count++] = name;
        else
            status = qn_status_create(QN_OUT_OF_MEMORY, "no memory for the names of pictures");
    }
    closedir(directory);
    if (folder->count) qsort(folder->names, folder->count, sizeof *folder->names, compare_names);
    return status;
}

static void close_folder(picture_folder *folder) {
    for (size_t i = 0; i < folder->count; i++) free(folder->names[i]);
    free(folder->names);
    qn_image_deinit(&folder->picture);
}

/* The picture at a size that the network takes, as `quench segment` would show it. */
static qn_status *load_picture(const char *path, const qn_image_range *range, qn_image *out_picture) {
    qn_image photo = {0};
    qn_image_fit fit;
    qn_image_decode_options options;
    qn_image_decode_options_init(&options);
    options.channels = 3;
    qn_status *status = qn_image_load(path, &options, NULL, &photo);
    if (!status) status = qn_image_fit_plan(QN_IMAGE_FIT_SHRINK, photo.width, photo.height, range, &fit);
    if (!status) status = qn_image_resize(&photo, fit.width, fit.height, QN_IMAGE_BILINEAR, NULL, out_picture);
    qn_image_deinit(&photo);
    return status;
}

/* qn_samples.next: the pixels stay in folder->picture until the next call. */
static qn_status *next_sample(void *self, qn_tensor *inputs, size_t input_count, int *out_has) {
    picture_folder *folder = self;
    char path[4096];
    (void)input_count; /* one: checked before */
    *out_has = folder->next < folder->count;
    if (!*out_has) return NULL;
    if (snprintf(path, sizeof path, "%s/%s", folder->path, folder->names[folder->next++]) >= (int)sizeof path)
        return qn_status_create(QN_LIMIT, "%s: the path is too long", folder->path);
    qn_image_deinit(&folder->picture);
    qn_status *status = load_picture(path, &folder->range, &folder->picture);
    if (status) return status;
    inputs[0] = (qn_tensor){.dtype = QN_DTYPE_U8,
                            .rank = 4,
                            .dims = {1, folder->picture.height, folder->picture.width, 3},
                            .data = folder->picture.data};
    return NULL;
}

/* ---- The network ---- */

/* A dim's bound as qn_image_range wants it: 0 for "none". */
static int to_bound(int64_t dim) { return dim > INT_MAX ? 0 : (int)dim; }

/* The sizes that the compiled model will take. They are those of a build in float: cheap, and nothing is measured. */
static qn_status *find_range(const char *graph, const qn_config *config, qn_image_range *out_range) {
    qn_network *network = NULL;
    qn_model *model = NULL;
    qn_status *status = qn_network_import_file(graph, NULL, &network);
    if (!status) status = qn_build(network, config, NULL, &model);
    const qn_value_info *input = model ? qn_model_input(model, 0) : NULL;
    if (!status && (qn_model_get_info(model)->input_count != 1 || input->dtype != QN_DTYPE_U8 || input->rank != 4 ||
                    input->dims[3] != 3))
        status = qn_status_create(QN_UNSUPPORTED, "%s: expected one input, uint8 [1, height, width, 3]", graph);
    if (!status)
        *out_range = (qn_image_range){.min_width = to_bound(input->min_dims[2]),
                                      .min_height = to_bound(input->min_dims[1]),
                                      .max_width = to_bound(input->max_dims[2]),
                                      .max_height = to_bound(input->max_dims[1])};
    qn_model_destroy(model);
    qn_network_destroy(network);
    return status;
}

/* Warnings: few samples, duplicates, layers that nothing is known of. */
static void print_warning(void *self, qn_log_level level, const char *message) {
    (void)self;
    if (level == QN_LOG_WARNING) fprintf(stderr, "calibrate_int8: warning: %s\n", message);
}

static qn_status *save(qn_calibrator *calibrator, const qn_model *model, const char *path) {
    char ranges[4096];
    if (snprintf(ranges, sizeof ranges, "%s.ranges.json", path) >= (int)sizeof ranges)
        return qn_status_create(QN_LIMIT, "%s: the path is too long", path);
    qn_status *status = qn_calibrator_save_ranges_file(calibrator, ranges);
    if (!status) status = qn_model_save_file(model, path);
    if (status) return status;
    size_t bytes;
    qn_model_bytes(model, &bytes);
    printf("%s: %zu bytes, calibrated on %lld pictures\n", path, bytes,
           (long long)qn_calibrator_sample_count(calibrator));
    return NULL;
}

static qn_status *calibrate_and_build(const char *graph, picture_folder *folder, const qn_config *config,
                                      const char *out) {
    qn_network *network = NULL;
    qn_calibrator *calibrator = NULL;
    qn_model *model = NULL;
    const qn_log log = {NULL, print_warning};
    const qn_samples samples = {.self = folder, .count = (int64_t)folder->count, .next = next_sample};
    qn_calibrator_options calibrator_options;
    qn_build_options build_options;
    qn_calibrator_options_init(&calibrator_options);
    qn_build_options_init(&build_options);
    calibrator_options.log = build_options.log = &log;
    qn_status *status = qn_network_import_file(graph, NULL, &network);
    if (!status) status = qn_calibrator_create(&calibrator_options, &calibrator);
    if (!status) status = qn_calibrate(calibrator, network, config, &samples); /* with the configuration of the build */
    build_options.calibrator = calibrator;
    if (!status) status = qn_build(network, config, &build_options, &model);
    if (!status) status = save(calibrator, model, out);
    qn_model_destroy(model);
    qn_calibrator_destroy(calibrator);
    qn_network_destroy(network);
    return status;
}

static qn_status *run(const char *graph, const char *path, const char *out) {
    picture_folder folder = {.path = path};
    qn_config *config = NULL;
    qn_status *status = qn_config_create(NULL, &config);
    if (!status) status = list_pictures(&folder);
    if (!status) status = find_range(graph, config, &folder.range);
    if (!status) status = qn_config_set(config, "precision_config.precision_mode", "qint8_mixed_float16");
    if (!status) status = calibrate_and_build(graph, &folder, config, out);
    qn_config_destroy(config);
    close_folder(&folder);
    return status;
}

int main(int argc, char **argv) {
    if (argc != 4) {
        fprintf(stderr, "usage: calibrate_int8 GRAPH.pb FOLDER OUT.qn\n");
        return 2;
    }
    qn_status *status = run(argv[1], argv[2], argv[3]);
    if (!status) return 0;
    fprintf(stderr, "calibrate_int8: %s\n", qn_status_message(status));
    qn_status_free(status);
    return 1;
}
