#include "samples.h"

#include "base/text.h"

#include <math.h>

static qn_image row(uint8_t *labels, int count) { return (qn_image){count, 1, 1, (size_t)count, labels, NULL}; }

static void assert_close(double found, double expected) {
    if (!(fabs(found - expected) < 1e-12)) fail_msg("expected %.15g, found %.15g", expected, found);
}

/*          predicted 0  1  2  3
 * truth 0            1  1  0  0     IoU 1 / (2 + 2 - 1)
 *       1            0  2  0  0         2 / (2 + 3 - 2)
 *       2            1  0  0  0         0 / (1 + 0 - 0)
 *       3            0  0  0  0         absent */
static uint8_t truth_labels[6] = {0, 0, 1, 1, 2, 255}, predicted_labels[6] = {0, 1, 1, 1, 0, 2};

static void scores_match_an_example_worked_by_hand(void **state) {
    (void)state;
    const qn_image truth = row(truth_labels, 6), predicted = row(predicted_labels, 6);
    qn_image_confusion *confusion;
    assert_ok(qn_image_confusion_create(4, NULL, &confusion));
    assert_int_equal(qn_image_confusion_get_class_count(confusion), 4);
    assert_true(isnan(qn_image_confusion_get_miou(confusion)));
    assert_true(isnan(qn_image_confusion_get_pixel_accuracy(confusion)));
    assert_ok(qn_image_confusion_add(confusion, &truth, &predicted));
    assert_int_equal(qn_image_confusion_get_pixels(confusion, 0, 1), 1);
    assert_int_equal(qn_image_confusion_get_pixels(confusion, 1, 1), 2);
    assert_int_equal(qn_image_confusion_get_pixels(confusion, 2, 0), 1);
    assert_int_equal(qn_image_confusion_get_pixels(confusion, 4, 0), 0);
    assert_close(qn_image_confusion_get_iou(confusion, 0), 1.0 / 3);
    assert_close(qn_image_confusion_get_iou(confusion, 1), 2.0 / 3);
    assert_close(qn_image_confusion_get_iou(confusion, 2), 0);
    assert_true(isnan(qn_image_confusion_get_iou(confusion, 3)));
    assert_close(qn_image_confusion_get_miou(confusion), 1.0 / 3);
    assert_close(qn_image_confusion_get_pixel_accuracy(confusion), 3.0 / 5);
    qn_image_confusion_reset(confusion);
    assert_true(isnan(qn_image_confusion_get_miou(confusion)));
    qn_image_confusion_destroy(confusion);
    qn_image_confusion_destroy(NULL);
}

static void totals_are_kept_rather_than_means_of_pictures(void **state) {
    (void)state;
    static uint8_t a_truth[4] = {0, 0, 0, 0}, a_predicted[4] = {0, 0, 0, 1}, b_truth[1] = {1}, b_predicted[1] = {1};
    qn_image_confusion *confusion;
    assert_ok(qn_image_confusion_create(2, NULL, &confusion));
    assert_ok(qn_image_confusion_add(confusion, &(qn_image){2, 2, 1, 2, a_truth, NULL},
                                     &(qn_image){2, 2, 1, 2, a_predicted, NULL}));
    const qn_image truth = row(b_truth, 1), predicted = row(b_predicted, 1);
    assert_ok(qn_image_confusion_add(confusion, &truth, &predicted));
    assert_close(qn_image_confusion_get_miou(confusion), (3.0 / 4 + 1.0 / 2) / 2);
    assert_close(qn_image_confusion_get_pixel_accuracy(confusion), 4.0 / 5);
    qn_image_confusion_destroy(confusion);
}

static void merged_totals_equal_totals_in_one_go(void **state) {
    (void)state;
    qn_rng rng;
    qn_rng_init(&rng, sample_seed("merge"));
    qn_image_confusion *all, *parts[2];
    assert_ok(qn_image_confusion_create(5, NULL, &all));
    for (int i = 0; i < 2; ++i) assert_ok(qn_image_confusion_create(5, NULL, &parts[i]));
    for (int round = 0; round < 20; ++round) {
        uint8_t a[50], b[50];
        for (int i = 0; i < 50; ++i) {
            a[i] = i % 9 ? (uint8_t)qn_rng_range(&rng, 0, 4) : 255;
            b[i] = (uint8_t)qn_rng_range(&rng, 0, 4);
        }
        const qn_image truth = row(a, 50), predicted = row(b, 50);
        assert_ok(qn_image_confusion_add(all, &truth, &predicted));
        assert_ok(qn_image_confusion_add(parts[round % 2], &truth, &predicted));
    }
    assert_ok(qn_image_confusion_merge(parts[0], parts[1]));
    for (int i = 0; i < 25; ++i)
        assert_int_equal(qn_image_confusion_get_pixels(parts[0], i / 5, i % 5),
                         qn_image_confusion_get_pixels(all, i / 5, i % 5));
    qn_image_confusion *other;
    assert_ok(qn_image_confusion_create(4, NULL, &other));
    assert_error(qn_image_confusion_merge(all, other), QN_INVALID_ARGUMENT, "4 classes", NULL);
    qn_image_confusion_destroy(other);
    qn_image_confusion_destroy(all);
    for (int i = 0; i < 2; ++i) qn_image_confusion_destroy(parts[i]);
}

static void labels_that_are_no_classes_are_refused_and_nothing_is_added(void **state) {
    (void)state;
    const qn_image truth = row(truth_labels, 6), predicted = row(predicted_labels, 6);
    qn_image_confusion *confusion;
    assert_ok(qn_image_confusion_create(2, NULL, &confusion));
    assert_error(qn_image_confusion_add(confusion, &truth, &predicted), QN_INVALID_ARGUMENT,
                 "truth has label 2 at column 4, row 0", "0 .. 1", "255", NULL);
    assert_error(qn_image_confusion_add(confusion, &predicted, &truth), QN_INVALID_ARGUMENT, "prediction has label 2",
                 NULL);
    assert_true(isnan(qn_image_confusion_get_pixel_accuracy(confusion)));
    static uint8_t other[6];
    assert_error(qn_image_confusion_add(confusion, &truth, &(qn_image){3, 2, 1, 3, other, NULL}), QN_INVALID_ARGUMENT,
                 "6 x 1 and 3 x 2", NULL);
    assert_error(qn_image_confusion_add(confusion, &truth, &(qn_image){2, 1, 3, 6, other, NULL}), QN_INVALID_ARGUMENT,
                 "1 channel", "3", NULL);
    qn_image_confusion_destroy(confusion);
    assert_error(qn_image_confusion_create(0, NULL, &confusion), QN_INVALID_ARGUMENT, "0 classes", NULL);
    assert_error(qn_image_confusion_create(257, NULL, &confusion), QN_INVALID_ARGUMENT, "257 classes", NULL);
    assert_null(confusion);
}

static void agreement_counts_equal_pixels(void **state) {
    (void)state;
    const qn_image a = row(truth_labels, 6), b = row(predicted_labels, 6);
    int64_t equal = 1, pixels = 10;
    assert_ok(qn_image_count_equal(&a, &b, &equal, &pixels));
    assert_int_equal(equal, 1 + 3);
    assert_int_equal(pixels, 16);
}

static void labels_come_from_tensors_of_any_number_type(void **state) {
    (void)state;
    static int64_t wide[8] = {0, 1, 2, 3, 20, 21, 254, 255};
    static int32_t narrow[8] = {0, 1, 2, 3, 20, 21, 254, 255};
    static float real[8] = {0, 1, 2, 3, 20, 21, 254, 255};
    static const uint8_t expected[8] = {0, 1, 2, 3, 20, 21, 254, 255};
    const struct {
        qn_dtype dtype;
        void *data;
    } types[] = {{QN_DTYPE_S64, wide}, {QN_DTYPE_S32, narrow}, {QN_DTYPE_F32, real}};
    for (int i = 0; i < 3; ++i) {
        const qn_tensor tensors[] = {{types[i].dtype, 2, {2, 4}, types[i].data},
                                     {types[i].dtype, 3, {1, 2, 4}, types[i].data},
                                     {types[i].dtype, 4, {1, 2, 4, 1}, types[i].data}};
        for (int k = 0; k < 3; ++k) {
            qn_image labels;
            assert_ok(qn_image_from_labels(&tensors[k], 0, NULL, &labels));
            assert_int_equal(labels.width, 4);
            assert_int_equal(labels.height, 2);
            assert_memory_equal(labels.data, expected, 8);
            qn_image_deinit(&labels);
        }
    }
    qn_image labels;
    assert_ok(qn_image_from_labels(&(qn_tensor){QN_DTYPE_S32, 3, {4, 2, 1}, narrow}, 3, NULL, &labels));
    assert_memory_equal(labels.data, expected + 6, 2);
    qn_image_deinit(&labels);
    wide[5] = 256;
    float part[4] = {0.25f, 0.75f, 0.5f, NAN};
    uint8_t truth[4] = {0, 1, 1, 0};
    assert_error(qn_image_from_labels(&(qn_tensor){QN_DTYPE_F32, 4, {1, 2, 2, 1}, part}, 0, NULL, &labels),
                 QN_UNSUPPORTED, "label 0.25 at column 0, row 0", "qn_image_from_foreground", NULL);
    assert_ok(qn_image_from_foreground(&(qn_tensor){QN_DTYPE_F32, 4, {1, 2, 2, 1}, part}, 0, 0.5, NULL, &labels));
    assert_memory_equal(labels.data, ((uint8_t[]){0, 1, 0, 0}), 4);
    qn_image_deinit(&labels);
    assert_ok(qn_image_from_foreground(&(qn_tensor){QN_DTYPE_F32, 3, {2, 1, 2}, part}, 1, 0, NULL, &labels));
    assert_memory_equal(labels.data, ((uint8_t[]){1, 0}), 2);
    qn_image_deinit(&labels);
    assert_error(qn_image_from_foreground(&(qn_tensor){QN_DTYPE_F32, 4, {1, 1, 2, 2}, part}, 0, 0, NULL, &labels),
                 QN_INVALID_ARGUMENT, "as scores", NULL);
    assert_ok(qn_image_from_labels(&(qn_tensor){QN_DTYPE_BOOL, 2, {2, 2}, truth}, 0, NULL, &labels));
    assert_memory_equal(labels.data, truth, 4);
    qn_image_deinit(&labels);
    assert_error(qn_image_from_labels(&(qn_tensor){QN_DTYPE_S64, 2, {2, 4}, wide}, 0, NULL, &labels), QN_UNSUPPORTED,
                 "label 256 at column 1, row 1", NULL);
    assert_error(qn_image_from_labels(&(qn_tensor){QN_DTYPE_S32, 3, {4, 2, 1}, narrow}, 4, NULL, &labels),
                 QN_INVALID_ARGUMENT, "picture 4", "[4,2,1]", NULL);
    assert_error(qn_image_from_labels(&(qn_tensor){QN_DTYPE_S32, 4, {1, 2, 2, 2}, narrow}, 0, NULL, &labels),
                 QN_INVALID_ARGUMENT, "[1,2,2,2]", NULL);
    assert_error(qn_image_from_labels(&(qn_tensor){QN_DTYPE_S32, 2, {0, 4}, narrow}, 0, NULL, &labels),
                 QN_INVALID_ARGUMENT, "[0,4]", NULL);
    assert_null(labels.data);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scores_match_an_example_worked_by_hand),
        cmocka_unit_test(totals_are_kept_rather_than_means_of_pictures),
        cmocka_unit_test(merged_totals_equal_totals_in_one_go),
        cmocka_unit_test(labels_that_are_no_classes_are_refused_and_nothing_is_added),
        cmocka_unit_test(agreement_counts_equal_pixels),
        cmocka_unit_test(labels_come_from_tensors_of_any_number_type),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
