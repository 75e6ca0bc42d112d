/* qint8_mixed_float16 on the official DeepLabv3, calibrated on ../shared/calibration with default options: what it costs
 * in accuracy, time and memory, and that it is the same file every time. And MobileNet's top classes. The
 * bits are the same on every machine, so the bars are asserted as they stand. */
#include "quantised.h"

#include "base/text.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PASCAL    "models/tensorflow/deeplabv3_mnv2_pascal_float32.pb"
#define MOBILENET "models/tensorflow/mobilenet_v1_0.25_128.pb"

enum { CLASSES = 21, LINE_BYTES = 256, SIDE = 128 };

/* ---- Calibration in a process of its own, so that its memory can be told ---- */

typedef struct calibration {
    double seconds;
    uint64_t hash; /* of the file */
    int64_t pictures;
    double processor_seconds, megabytes; /* of all threads; peak of the process */
} calibration;

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static qn_model *build_deeplab(void) {
    file_feed feed;
    feed_open(&feed, shared_path("calibration"), ".jpg", 513);
    qn_model *model = build_calibrated(shared_path(PASCAL), INT8, &feed.samples);
    feed_close(&feed);
    return model;
}

static calibration calibrate_here(void) {
    calibration c = {.seconds = now()};
    file_feed feed;
    feed_open(&feed, shared_path("calibration"), ".jpg", 513);
    c.pictures = feed.count;
    feed_close(&feed);
    qn_model *model = build_deeplab();
    size_t bytes;
    const void *data = qn_model_bytes(model, &bytes);
    c.seconds = now() - c.seconds;
    c.hash = qn_hash_bytes(data, bytes, 0);
    qn_model_destroy(model);
    return c;
}

static double seconds_of(struct timeval time) { return (double)time.tv_sec + (double)time.tv_usec * 1e-6; }

/* Runs before anything else has made this process large. */
static calibration calibrate_in_a_child(void) {
    calibration c = {0};
    int ends[2], status;
    struct rusage usage;
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (!child) {
        calibration found = calibrate_here();
        _exit(write(ends[1], &found, sizeof found) != sizeof found);
    }
    close(ends[1]);
    int complete = read(ends[0], &c, sizeof c) == sizeof c;
    close(ends[0]);
    assert_int_equal(wait4(child, &status, 0, &usage), child);
    assert_true(complete && WIFEXITED(status) && !WEXITSTATUS(status));
    c.megabytes = (double)usage.ru_maxrss * 1024 / 1e6;
    c.processor_seconds = seconds_of(usage.ru_utime) + seconds_of(usage.ru_stime);
    return c;
}

static uint64_t first_hash;

static void calibrating_takes_little_time_and_memory(void **state) {
    (void)state;
    need_shared();
    calibration c = calibrate_in_a_child();
    first_hash = c.hash;
    figure("pascal qint8, calibration and build, default options",
           "%.1f s for %lld pictures, %.1f s of processor time (bar 25 s for 64 on two idle cores)", c.seconds,
           (long long)c.pictures, c.processor_seconds);
    figure("pascal qint8, calibration and build, peak memory", "%.0f MB (bar 300)", c.megabytes);
    assert_true(c.processor_seconds <= 50); /* of two cores; others may be busy on them, too */
    assert_true(c.megabytes <= 300);
}

/* ---- Accuracy ---- */

static void compare_on_voc(runner *integers, runner *floats) {
    qn_image_confusion *ours, *theirs;
    int64_t equal = 0, total = 0, pictures = 0;
    char name[LINE_BYTES];
    expect_ok(qn_image_confusion_create(CLASSES, NULL, &ours));
    expect_ok(qn_image_confusion_create(CLASSES, NULL, &theirs));
    FILE *list = fopen(shared_path("voc-dev/val.txt"), "r");
    assert_non_null(list);
    while (fscanf(list, "%255s", name) == 1) {
        qn_image photo, mask;
        expect_ok(qn_image_load(shared_path("voc-dev/JPEGImages/%s.jpg", name), NULL, NULL, &photo));
        expect_ok(qn_image_load_mask(shared_path("voc-dev/SegmentationClass/%s.png", name), NULL, NULL, &mask));
        qn_image a = label_picture(integers, &photo), b = label_picture(floats, &photo);
        expect_ok(qn_image_count_equal(&a, &b, &equal, &total));
        expect_ok(qn_image_confusion_add(ours, &mask, &a));
        expect_ok(qn_image_confusion_add(theirs, &mask, &b));
        qn_image_deinit(&a), qn_image_deinit(&b), qn_image_deinit(&mask), qn_image_deinit(&photo);
        pictures++;
    }
    fclose(list);
    double miou = qn_image_confusion_get_miou(ours), float_miou = qn_image_confusion_get_miou(theirs);
    double drop = 100.0 * (float_miou - miou), agreement = 100.0 * (double)equal / (double)total;
    figure("pascal qint8, mIoU on voc-dev", "%.5f, float32 %.5f: %.3f points below (bar 0.15), %lld pictures", miou,
           float_miou, drop, (long long)pictures);
    figure("pascal qint8, labels equal to float32's", "%.4f %% (bar 99.3 %%)", agreement);
    assert_true(drop <= 0.15);
    assert_true(agreement >= 99.3);
    qn_image_confusion_destroy(ours), qn_image_confusion_destroy(theirs);
}

static void eight_bits_cost_next_to_no_accuracy(void **state) {
    (void)state;
    need_shared();
    runner integers, floats;
    size_t bytes;
    qn_model *model = build_deeplab();
    const void *data = qn_model_bytes(model, &bytes);
    /* the same file as in the other process */
    if (first_hash) assert_true(qn_hash_bytes(data, bytes, 0) == first_hash);
    double constants = (double)qn_model_get_info(model)->const_bytes / 1048576;
    figure("pascal qint8, constants", "%.3f MiB (bar 2.2)", constants);
    runner_open(&integers, model, NULL, 0);
    runner_open(&floats, build_model(shared_path(PASCAL), NULL), NULL, 0);
    compare_on_voc(&integers, &floats);
    assert_true(constants <= 2.2);
    runner_close(&integers), runner_close(&floats);
}

/* ---- MobileNet ---- */

static size_t top_class(const qn_tensor *scores) {
    size_t best = 0;
    for (size_t i = 1; i < tensor_elems(scores); i++)
        if (tensor_at(scores, i) > tensor_at(scores, best)) best = i;
    return best;
}

/* The calibration pictures as MobileNet takes them: 128x128, from -1 to 1. */
typedef struct scaled_feed {
    file_feed files;
    float data[SIDE * SIDE * 3];
} scaled_feed;

static qn_status *next_scaled(void *self, qn_tensor *inputs, size_t input_count, int *out_has) {
    scaled_feed *feed = self;
    qn_tensor photo;
    qn_image small;
    qn_status *status = feed->files.samples.next(&feed->files, &photo, input_count, out_has);
    if (status || !*out_has) return status;
    expect_ok(qn_image_resize(&feed->files.photo, SIDE, SIDE, QN_IMAGE_BILINEAR, NULL, &small));
    for (size_t i = 0; i < sizeof feed->data / sizeof *feed->data; i++)
        feed->data[i] = (float)small.data[i] / 127.5f - 1.0f;
    qn_image_deinit(&small);
    inputs[0] = (qn_tensor){QN_DTYPE_F32, 4, {1, SIDE, SIDE, 3}, feed->data};
    return NULL;
}

static void mobilenets_top_classes_stay(void **state) {
    (void)state;
    need_shared();
    static const char *const cases[] = {"airplane", "cow", "sheep", "train"};
    static scaled_feed feed;
    runner r;
    int kept = 0;
    feed_open(&feed.files, shared_path("calibration"), ".jpg", 0);
    const qn_samples samples = {.self = &feed, .count = feed.files.count, .next = next_scaled};
    runner_open(&r, build_calibrated(shared_path(MOBILENET), INT8, &samples), NULL, 0);
    for (size_t i = 0; i < 4; i++) {
        qn_tensor output = runner_run_file(&r, shared_path("refs/mobilenet_v1_0.25_128/%s.input.npy", cases[i]));
        qn_tensor expected =
            load_npy(shared_path("refs/mobilenet_v1_0.25_128/%s.MobilenetV1_Predictions_Reshape_1.npy", cases[i]));
        size_t best = top_class(&output), wanted = top_class(&expected);
        kept += best == wanted;
        if (best != wanted)
            print_message("%s: class %zu with %.3f instead of %zu with %.3f; in float %.3f and %.3f\n", cases[i], best,
                          tensor_at(&output, best), wanted, tensor_at(&output, wanted), tensor_at(&expected, best),
                          tensor_at(&expected, wanted));
        qn_npy_free(&output, NULL), qn_npy_free(&expected, NULL);
    }
    figure("mobilenet_v1 qint8, top classes kept", "%d of 4 (bar: all)", kept);
    assert_true(kept == 4);
    runner_close(&r);
    feed_close(&feed.files);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(calibrating_takes_little_time_and_memory),
        cmocka_unit_test(eight_bits_cost_next_to_no_accuracy),
        cmocka_unit_test(mobilenets_top_classes_stay),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
