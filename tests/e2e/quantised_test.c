/* qint8_mixed_float16 on the bundled models: next to no loss, a quarter of the constants, the same bytes on every path.
 * Needs nothing outside the repository; DeepLab and MobileNet are in quantised_deeplab_test.c. */
#include "quantised.h"

#include <stdio.h>
#include <string.h>

#define SCENES   "models/scenes/scenes.pb"
#define DYNAMIC  "models/scenes/scenes_dynamic.pb"
#define PICTURES "models/scenes/pictures"

enum { CLASSES = 9, SIDE_MAX = 161 };

/* mIoU over the bundled pictures of a model that was calibrated on them, and of float32. */
static void compare_miou(const char *path, int side_max) {
    file_feed feed;
    runner integers, floats;
    qn_image_confusion *ours, *theirs;
    int64_t equal = 0, total = 0;
    feed_open(&feed, source_path(PICTURES), ".jpg", side_max);
    expect_ok(qn_image_confusion_create(CLASSES, NULL, &ours));
    expect_ok(qn_image_confusion_create(CLASSES, NULL, &theirs));
    runner_open(&integers, build_calibrated(source_path("%s", path), INT8, &feed.samples), NULL, 2);
    runner_open(&floats, build_model(source_path("%s", path), NULL), NULL, 2);
    for (int64_t i = 0; i < feed.count; i++) {
        qn_image photo, mask;
        char name[64];
        expect_ok(qn_image_load(feed.paths[i], NULL, NULL, &photo));
        assert_int_equal(sscanf(strrchr(feed.paths[i], '/') + 1, "%63[^.]", name), 1);
        expect_ok(qn_image_load_mask(source_path("models/scenes/masks/%s.png", name), NULL, NULL, &mask));
        qn_image a = label_picture(&integers, &photo), b = label_picture(&floats, &photo);
        expect_ok(qn_image_count_equal(&a, &b, &equal, &total));
        expect_ok(qn_image_confusion_add(ours, &mask, &a));
        expect_ok(qn_image_confusion_add(theirs, &mask, &b));
        qn_image_deinit(&a), qn_image_deinit(&b), qn_image_deinit(&mask), qn_image_deinit(&photo);
    }
    double miou = qn_image_confusion_get_miou(ours), float_miou = qn_image_confusion_get_miou(theirs);
    double constants = (double)qn_model_get_info(integers.model)->const_bytes;
    double float_constants = (double)qn_model_get_info(floats.model)->const_bytes;
    char what[96];
    snprintf(what, sizeof what, "%s qint8, mIoU on its pictures", strrchr(path, '/') + 1);
    figure(what, "%.5f, float32 %.5f (bar: at most 0.002 below)", miou, float_miou);
    snprintf(what, sizeof what, "%s qint8, labels equal to float32's", strrchr(path, '/') + 1);
    figure(what, "%.3f %% over %lld pictures (bar 99.3 %%)", 100.0 * (double)equal / (double)total,
           (long long)feed.count);
    snprintf(what, sizeof what, "%s qint8, constants", strrchr(path, '/') + 1);
    figure(what, "%.0f of %.0f bytes (bar: a quarter, and what scales and alignment cost)", constants, float_constants);
    assert_true(float_miou - miou <= 0.002);
    assert_true((double)equal >= 0.993 * (double)total);
    assert_true(constants <= 0.36 * float_constants);
    qn_image_confusion_destroy(ours), qn_image_confusion_destroy(theirs);
    runner_close(&integers), runner_close(&floats);
    feed_close(&feed);
}

static void the_cropped_model_loses_next_to_nothing(void **state) {
    (void)state;
    compare_miou(SCENES, SIDE_MAX);
}

static void the_dynamic_model_loses_next_to_nothing(void **state) {
    (void)state;
    compare_miou(DYNAMIC, 0);
}

/* A copy with an engine of its own. */
static qn_model *reload(const qn_model *model) {
    size_t bytes;
    qn_model *copy;
    const void *data = qn_model_bytes(model, &bytes);
    expect_ok(qn_model_load_memory(data, bytes, QN_MEMORY_COPY, NULL, &copy));
    return copy;
}

static void every_cpu_path_and_thread_count_gives_the_same_bytes(void **state) {
    (void)state;
    static const char *const paths[] = {"generic", "avx2", "avx512", "avx512vnni"},
                             *const modes[] = {"qint8_mixed_float16", "qint8_mixed_float32", "qint16_mixed_float16",
                                               "qint16_mixed_float32",
                                               "qint16_mixed_float16\", \"weight_type\": \"int8"},
                             *const names[] = {"logits/semantic/BiasAdd", "SemanticPredictions"};
    static const int threads[] = {1, 2, 3, 8};
    static const char *const cases[] = {"10_2x53x59", "00_1x7x5"};
    file_feed feed;
    feed_open(&feed, source_path(PICTURES), ".jpg", SIDE_MAX);
    for (size_t m = 0; m < 5; m++) {
        char config[128];
        snprintf(config, sizeof config, "{\"precision_config\": {\"precision_mode\": \"%s\"}}", modes[m]);
        qn_model *model = build_calibrated(source_path(DYNAMIC), config, &feed.samples);
        for (size_t c = 0; c < 2; c++) {
            qn_tensor input = load_npy(source_path("models/scenes/refs/%s.ImageTensor.npy", cases[c])), first[2];
            for (size_t p = 0; p < 4; p++)
                for (size_t t = 0; t < 4; t++) {
                    runner r;
                    qn_tensor again[2], *values = p || t ? again : first;
                    runner_open(&r, reload(model), paths[p], threads[t]);
                    runner_watch(&r, &input, 1, names, 2, values);
                    runner_close(&r);
                    if (values == first) continue;
                    size_t bytes = first[0].dtype == QN_DTYPE_F16 ? 2 : 4;
                    assert_int_equal(first[0].dtype, again[0].dtype);
                    assert_memory_equal(first[0].data, again[0].data, tensor_elems(&first[0]) * bytes);
                    assert_memory_equal(first[1].data, again[1].data, tensor_elems(&first[1]) * sizeof(int32_t));
                    qn_npy_free(&again[0], NULL), qn_npy_free(&again[1], NULL);
                }
            qn_npy_free(&first[0], NULL), qn_npy_free(&first[1], NULL), qn_npy_free(&input, NULL);
        }
        qn_model_destroy(model);
    }
    figure("qint8 and qint16, generic to avx512vnni, 1 to 8 threads", "identical labels and logits (bar: identical)");
    feed_close(&feed);
}

static void the_same_pictures_give_the_same_file(void **state) {
    (void)state;
    file_feed feed;
    size_t a_bytes, b_bytes;
    feed_open(&feed, source_path(PICTURES), ".jpg", SIDE_MAX);
    qn_model *a = build_calibrated(source_path(SCENES), INT8, &feed.samples),
             *b = build_calibrated(source_path(SCENES), INT8, &feed.samples);
    const void *a_data = qn_model_bytes(a, &a_bytes), *b_data = qn_model_bytes(b, &b_bytes);
    assert_int_equal(a_bytes, b_bytes);
    assert_memory_equal(a_data, b_data, a_bytes);
    qn_model_destroy(a), qn_model_destroy(b);
    feed_close(&feed);
}

static void sixteen_bits_are_as_good_as_float32(void **state) {
    (void)state;
    file_feed feed;
    runner words, floats;
    int64_t equal = 0, total = 0;
    feed_open(&feed, source_path(PICTURES), ".jpg", SIDE_MAX);
    runner_open(&words,
                build_calibrated(source_path(SCENES),
                                 "{\"precision_config\": {\"precision_mode\": \"qint16_mixed_float32\"}}",
                                 &feed.samples),
                NULL, 2);
    runner_open(&floats, build_model(source_path(SCENES), NULL), NULL, 2);
    for (int64_t i = 0; i < feed.count; i++) {
        qn_image photo;
        expect_ok(qn_image_load(feed.paths[i], NULL, NULL, &photo));
        qn_image a = label_picture(&words, &photo), b = label_picture(&floats, &photo);
        expect_ok(qn_image_count_equal(&a, &b, &equal, &total));
        qn_image_deinit(&a), qn_image_deinit(&b), qn_image_deinit(&photo);
    }
    figure("scenes.pb qint16_mixed_float32, labels equal to float32's", "%.4f %% (bar 99.95 %%)",
           100.0 * (double)equal / (double)total);
    assert_true((double)equal >= 0.9995 * (double)total);
    runner_close(&words), runner_close(&floats);
    feed_close(&feed);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_cropped_model_loses_next_to_nothing),
        cmocka_unit_test(the_dynamic_model_loses_next_to_nothing),
        cmocka_unit_test(every_cpu_path_and_thread_count_gives_the_same_bytes),
        cmocka_unit_test(the_same_pictures_give_the_same_file),
        cmocka_unit_test(sixteen_bits_are_as_good_as_float32),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
