#include "quantised.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int is_array(const char *path) {
    size_t length = strlen(path);
    return length > 4 && !strcmp(path + length - 4, ".npy");
}

static int compare_paths(const void *a, const void *b) { return strcmp(a, b); }

static void drop_sample(file_feed *feed) {
    if (feed->photo.data)
        qn_image_deinit(&feed->photo);
    else if (feed->sample.data)
        qn_npy_free(&feed->sample, NULL);
    feed->photo = (qn_image){0};
    feed->sample = (qn_tensor){0};
}

static qn_status *load(file_feed *feed, const char *path) {
    if (is_array(path)) return qn_npy_load(path, NULL, &feed->sample);
    qn_status *status = qn_image_load(path, NULL, NULL, &feed->photo);
    if (status) return status;
    feed->sample = (qn_tensor){QN_DTYPE_U8, 4, {1, feed->photo.height, feed->photo.width, 3}, feed->photo.data};
    return NULL;
}

static qn_status *next_file(void *self, qn_tensor *inputs, size_t input_count, int *out_has) {
    file_feed *feed = self;
    assert_int_equal(input_count, 1);
    drop_sample(feed);
    *out_has = feed->at < feed->count;
    if (!*out_has) return NULL;
    qn_status *status = load(feed, feed->paths[feed->at++]);
    if (!status) inputs[0] = feed->sample;
    return status;
}

static qn_status *rewind_files(void *self) {
    ((file_feed *)self)->at = 0;
    return NULL;
}

static int is_small(const char *path, int side_max) {
    qn_image photo;
    if (!side_max || is_array(path)) return 1;
    expect_ok(qn_image_load(path, NULL, NULL, &photo));
    int fits = photo.width <= side_max && photo.height <= side_max;
    qn_image_deinit(&photo);
    return fits;
}

void feed_open(file_feed *feed, const char *folder, const char *suffix, int side_max) {
    DIR *dir = opendir(folder);
    memset(feed, 0, sizeof *feed);
    assert_non_null(dir);
    for (struct dirent *entry; (entry = readdir(dir));) {
        size_t length = strlen(entry->d_name), tail = strlen(suffix);
        if (length < tail || strcmp(entry->d_name + length - tail, suffix)) continue;
        char *path = feed->paths[feed->count];
        assert_true(feed->count < FILES_MAX - 1 && strlen(folder) + length + 2 < PATH_BYTES);
        snprintf(path, PATH_BYTES, "%.200s/%.200s", folder, entry->d_name);
        feed->count += is_small(path, side_max);
    }
    closedir(dir);
    assert_true(feed->count > 0);
    qsort(feed->paths, (size_t)feed->count, PATH_BYTES, compare_paths);
    feed->samples = (qn_samples){.self = feed, .count = feed->count, .next = next_file, .rewind = rewind_files};
}

void feed_close(file_feed *feed) { drop_sample(feed); }

qn_model *build_calibrated(const char *path, const char *config_text, const qn_samples *samples) {
    qn_network *network;
    qn_config *config;
    qn_calibrator *calibrator;
    qn_build_options options;
    qn_model *model;
    if (samples->rewind) expect_ok(samples->rewind(samples->self));
    expect_ok(qn_network_import_file(path, NULL, &network));
    expect_ok(qn_config_create(NULL, &config));
    expect_ok(qn_config_merge_text(config, config_text, "test"));
    expect_ok(qn_calibrator_create(NULL, &calibrator));
    expect_ok(qn_calibrate(calibrator, network, config, samples));
    qn_build_options_init(&options);
    options.calibrator = calibrator;
    expect_ok(qn_build(network, config, &options, &model));
    qn_calibrator_destroy(calibrator);
    qn_config_destroy(config);
    qn_network_destroy(network);
    return model;
}

qn_image label_picture(runner *r, const qn_image *photo) {
    const qn_tensor input = {
        .dtype = QN_DTYPE_U8, .rank = 4, .dims = {1, photo->height, photo->width, 3}, .data = photo->data};
    qn_tensor output = runner_run(r, &input, 1);
    qn_image labels;
    expect_ok(qn_image_init((int)output.dims[2], (int)output.dims[1], 1, NULL, &labels));
    for (size_t i = 0; i < tensor_elems(&output); i++) labels.data[i] = (uint8_t)tensor_at(&output, i);
    qn_npy_free(&output, NULL);
    return labels;
}
