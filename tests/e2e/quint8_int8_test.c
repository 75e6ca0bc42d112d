/* DeepLabv3 whose weights are stored as bytes, in integers: calibrated on a few photos it labels others as its own
 * float32 build does. */
#include "e2e.h"

#include <stdio.h>

#define MODEL "models/tensorflow/deeplabv3_mnv2_pascal_quint8_weights.pb"

enum { CALIBRATED = 8, COMPARED = 6, NAME_BYTES = 256 };

/* The first photos of the list: some to calibrate on, others to compare. */
typedef struct photos {
    char names[CALIBRATED + COMPARED][NAME_BYTES];
    int at;
    qn_image photo;
} photos;

static void read_names(photos *p) {
    FILE *list = fopen(shared_path("voc-dev/val.txt"), "r");
    assert_non_null(list);
    for (int i = 0; i < CALIBRATED + COMPARED; i++) assert_int_equal(fscanf(list, "%255s", p->names[i]), 1);
    fclose(list);
}

static qn_tensor load(photos *p, int number) {
    qn_image_deinit(&p->photo);
    expect_ok(qn_image_load(shared_path("voc-dev/JPEGImages/%s.jpg", p->names[number]), NULL, NULL, &p->photo));
    return (qn_tensor){
        .dtype = QN_DTYPE_U8, .rank = 4, .dims = {1, p->photo.height, p->photo.width, 3}, .data = p->photo.data};
}

static qn_status *next(void *self, qn_tensor *inputs, size_t input_count, int *out_has) {
    photos *p = self;
    (void)input_count;
    *out_has = p->at < CALIBRATED;
    if (*out_has) inputs[0] = load(p, p->at++);
    return NULL;
}

static qn_model *build_integers(photos *p) {
    const qn_samples samples = {.self = p, .count = CALIBRATED, .next = next};
    qn_network *network;
    qn_config *config;
    qn_calibrator *calibrator;
    qn_build_options options;
    qn_model *model;
    expect_ok(qn_network_import_file(shared_path(MODEL), NULL, &network));
    expect_ok(qn_config_create(NULL, &config));
    expect_ok(qn_config_set(config, "precision_config.precision_mode", "qint8_mixed_float32"));
    expect_ok(qn_calibrator_create(NULL, &calibrator));
    expect_ok(qn_calibrate(calibrator, network, config, &samples));
    qn_build_options_init(&options);
    options.calibrator = calibrator;
    expect_ok(qn_build(network, config, &options, &model));
    qn_calibrator_destroy(calibrator);
    qn_config_destroy(config);
    qn_network_destroy(network);
    return model;
}

static void stored_bytes_become_integers_that_agree_with_floats(void **state) {
    (void)state;
    need_shared();
    photos p = {.at = 0};
    runner floats, integers;
    int64_t equal = 0, total = 0;
    read_names(&p);
    runner_open(&floats, build_model(shared_path(MODEL), NULL), NULL, 0);
    runner_open(&integers, build_integers(&p), NULL, 0);
    for (int i = 0; i < COMPARED; i++) {
        const qn_tensor input = load(&p, CALIBRATED + i);
        qn_tensor expected = runner_run(&floats, &input, 1), found = runner_run(&integers, &input, 1);
        count_equal(&expected, &found, &equal, &total);
        qn_npy_free(&expected, NULL);
        qn_npy_free(&found, NULL);
    }
    figure("pascal quint8 weights, int8, labels equal to float32's", "%.3f %% (bar 99 %%)",
           100.0 * (double)equal / (double)total);
    assert_true((double)equal >= 0.99 * (double)total);
    qn_image_deinit(&p.photo);
    runner_close(&floats);
    runner_close(&integers);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(stored_bytes_become_integers_that_agree_with_floats)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
