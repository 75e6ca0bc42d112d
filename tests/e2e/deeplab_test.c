/* The official DeepLabv3 graphs against TensorFlow's answers in ../shared/refs. */
#include "e2e.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PASCAL "models/tensorflow/deeplabv3_mnv2_pascal_float32.pb"
#define REFS   "refs/deeplabv3_mnv2_pascal_float32"

enum { CLASSES = 21, LINE_BYTES = 256 };

/* A photo as the network's input: shares its memory. */
static qn_tensor as_input(const qn_image *photo) {
    return (qn_tensor){
        .dtype = QN_DTYPE_U8, .rank = 4, .dims = {1, photo->height, photo->width, 3}, .data = photo->data};
}

/* s32 labels [1, H, W] as bytes. */
static qn_image as_labels(const qn_tensor *labels) {
    qn_image image;
    expect_ok(qn_image_init((int)labels->dims[2], (int)labels->dims[1], 1, NULL, &image));
    for (size_t i = 0; i < tensor_elems(labels); i++) image.data[i] = (uint8_t)tensor_at(labels, i);
    return image;
}

/* Runs every photo of `list` that has a reference and compares; adds to `confusion` when given. */
static void compare_photos(runner *r, const char *labels_folder, qn_image_confusion *confusion, int64_t *equal,
                           int64_t *total) {
    FILE *list = fopen(shared_path("voc-dev/val.txt"), "r");
    assert_non_null(list);
    char name[LINE_BYTES];
    while (fscanf(list, "%255s", name) == 1) {
        qn_image photo, expected, mask;
        qn_status *status = qn_image_load_mask(shared_path("%s/%s.png", labels_folder, name), NULL, NULL, &expected);
        if (qn_status_code(status) == QN_NOT_FOUND) { /* the quint8 references hold every sixth picture */
            qn_status_free(status);
            continue;
        }
        expect_ok(status);
        expect_ok(qn_image_load(shared_path("voc-dev/JPEGImages/%s.jpg", name), NULL, NULL, &photo));
        qn_tensor input = as_input(&photo), output = runner_run(r, &input, 1);
        qn_image labels = as_labels(&output);
        expect_ok(qn_image_count_equal(&labels, &expected, equal, total));
        expect_ok(qn_image_load_mask(shared_path("voc-dev/SegmentationClass/%s.png", name), NULL, NULL, &mask));
        if (confusion) expect_ok(qn_image_confusion_add(confusion, &mask, &labels));
        qn_image_deinit(&mask), qn_image_deinit(&labels), qn_image_deinit(&photo), qn_image_deinit(&expected);
        qn_npy_free(&output, NULL);
    }
    fclose(list);
}

static void labels_of_every_photo_equal_tensorflows(void **state) {
    (void)state;
    need_shared();
    runner r;
    qn_image_confusion *confusion;
    int64_t equal = 0, total = 0;
    expect_ok(qn_image_confusion_create(CLASSES, NULL, &confusion));
    runner_open(&r, build_model(shared_path(PASCAL), NULL), NULL, 0);
    compare_photos(&r, REFS "/labels", confusion, &equal, &total);
    double miou = qn_image_confusion_get_miou(confusion);
    figure("pascal float32, labels equal to TensorFlow's", "%.5f %% (bar 99.99 %%)",
           100.0 * (double)equal / (double)total);
    figure("pascal float32, mIoU on voc-dev", "%.4f (bar 0.6955 +- 0.0002)", miou);
    assert_true((double)equal >= 0.9999 * (double)total);
    assert_true(fabs(miou - 0.6955) <= 0.0002);
    qn_image_confusion_destroy(confusion);
    runner_close(&r);
}

static void quint8_weights_give_tensorflows_labels(void **state) {
    (void)state;
    need_shared();
    runner r;
    int64_t equal = 0, total = 0;
    runner_open(&r, build_model(shared_path("models/tensorflow/deeplabv3_mnv2_pascal_quint8_weights.pb"), NULL), NULL,
                0);
    compare_photos(&r, "refs/deeplabv3_mnv2_pascal_quint8_weights/labels", NULL, &equal, &total);
    figure("pascal quint8 weights, labels equal", "%.5f %% (bar 99.99 %%)", 100.0 * (double)equal / (double)total);
    assert_true((double)equal >= 0.9999 * (double)total);
    runner_close(&r);
}

static void ade20k_gives_tensorflows_labels(void **state) {
    (void)state;
    need_shared();
    static const char *const cases[] = {"airplane", "terrace", "train"};
    runner r;
    int64_t equal = 0, total = 0;
    runner_open(&r, build_model(shared_path("models/tensorflow/deeplabv3_mnv2_ade20k_quint8_weights.pb"), NULL), NULL,
                0);
    for (size_t i = 0; i < 3; i++) {
        const char *folder = "refs/deeplabv3_mnv2_ade20k_quint8_weights/tensors";
        qn_tensor output = runner_run_file(&r, shared_path("%s/%s.ImageTensor.npy", folder, cases[i]));
        qn_tensor expected = load_npy(shared_path("%s/%s.SemanticPredictions.npy", folder, cases[i]));
        count_equal(&output, &expected, &equal, &total);
        qn_npy_free(&output, NULL), qn_npy_free(&expected, NULL);
    }
    figure("ade20k quint8 weights, labels equal", "%.5f %% (bar 99.99 %%)", 100.0 * (double)equal / (double)total);
    assert_true((double)equal >= 0.9999 * (double)total);
    runner_close(&r);
}

static void one_model_serves_every_size(void **state) {
    (void)state;
    need_shared();
    static const char *const cases[] = {"tiny", "wide", "strip", "mid", "full", "2007_000123"};
    runner r;
    runner_open(&r, build_model(shared_path(PASCAL), NULL), NULL, 0);
    for (size_t i = 0; i < 6; i++) {
        int64_t equal = 0, total = 0;
        qn_tensor output = runner_run_file(&r, shared_path(REFS "/tensors/%s.ImageTensor.npy", cases[i]));
        qn_tensor expected = load_npy(shared_path(REFS "/tensors/%s.SemanticPredictions.npy", cases[i]));
        count_equal(&output, &expected, &equal, &total);
        figure("pascal float32, size case", "%s: %lld of %lld labels equal (bar 99.99 %%)", cases[i], (long long)equal,
               (long long)total);
        assert_true((double)equal >= 0.9999 * (double)total);
        qn_npy_free(&output, NULL), qn_npy_free(&expected, NULL);
    }
    runner_close(&r);
}

static void logits_are_within_a_thousandth(void **state) {
    (void)state;
    need_shared();
    static const char *const cases[] = {"mid", "2007_000123"}, *const names[] = {"logits/semantic/BiasAdd"};
    runner r;
    runner_open(&r, build_model(shared_path(PASCAL), NULL), NULL, 0);
    for (size_t i = 0; i < 2; i++) {
        qn_tensor input = load_npy(shared_path(REFS "/tensors/%s.ImageTensor.npy", cases[i])), logits;
        qn_tensor expected = load_npy(shared_path(REFS "/tensors/%s.logits_semantic_BiasAdd.npy", cases[i]));
        runner_watch(&r, &input, 1, names, 1, &logits);
        double worst = max_difference(&logits, &expected);
        figure("pascal float32, logits, largest difference", "%s: %.2e (bar 1e-3)", cases[i], worst);
        assert_true(worst <= 1e-3);
        qn_npy_free(&input, NULL), qn_npy_free(&expected, NULL), qn_npy_free(&logits, NULL);
    }
    runner_close(&r);
}

/* One row of layers.tsv. */
typedef struct layer_row {
    char name[LINE_BYTES], shape[64];
    double mean, deviation, min, max;
    int seen;
} layer_row;

typedef struct layer_table {
    layer_row *rows;
    size_t count;
    double worst;
} layer_table;

static layer_table read_layers(const char *path) {
    layer_table table = {calloc(512, sizeof(layer_row)), 0, 0};
    FILE *file = fopen(path, "r");
    char line[LINE_BYTES * 2];
    assert_non_null(file);
    assert_non_null(fgets(line, sizeof line, file)); /* headings */
    while (fgets(line, sizeof line, file) && table.count < 512) {
        layer_row *row = &table.rows[table.count++];
        assert_int_equal(6, sscanf(line, "%255[^\t]\t%63s\t%lf\t%lf\t%lf\t%lf", row->name, row->shape, &row->mean,
                                   &row->deviation, &row->min, &row->max));
    }
    fclose(file);
    return table;
}

/* Difference relative to the scale of the layer, so that a mean near 0 is not asked for more digits than it has. */
static void compare_statistic(layer_table *table, const layer_row *row, const char *what, double found,
                              double expected) {
    double scale = fmax(fabs(expected), row->deviation), difference = fabs(found - expected) / scale;
    if (difference > table->worst) table->worst = difference;
    if (!(difference <= 1e-4)) fail_msg("%s: %s is %.8g, TensorFlow has %.8g", row->name, what, found, expected);
}

static int compare_layer(void *self, const char *name, const qn_tensor *tensor) {
    layer_table *table = self;
    for (size_t i = 0; i < table->count; i++) {
        layer_row *row = &table->rows[i];
        if (strcmp(row->name, name)) continue;
        char shape[64] = "";
        for (int d = 0; d < tensor->rank; d++)
            sprintf(shape + strlen(shape), d ? "x%lld" : "%lld", (long long)tensor->dims[d]);
        assert_string_equal(shape, row->shape);
        const float *data = tensor->data;
        size_t elems = tensor_elems(tensor);
        double sum = 0, squares = 0, min = INFINITY, max = -INFINITY;
        for (size_t e = 0; e < elems; e++) {
            sum += data[e];
            min = fmin(min, data[e]);
            max = fmax(max, data[e]);
        }
        double mean = sum / (double)elems;
        for (size_t e = 0; e < elems; e++) squares += (data[e] - mean) * (data[e] - mean);
        compare_statistic(table, row, "mean", mean, row->mean);
        compare_statistic(table, row, "deviation", sqrt(squares / (double)elems), row->deviation);
        compare_statistic(table, row, "minimum", min, row->min);
        compare_statistic(table, row, "maximum", max, row->max);
        row->seen = 1;
    }
    return 0;
}

static void every_layer_agrees_when_nothing_is_fused(void **state) {
    (void)state;
    need_shared();
    runner r;
    layer_table table = read_layers(shared_path(REFS "/tensors/2007_000123.layers.tsv"));
    runner_open(&r, build_model(shared_path(PASCAL), "{\"debug_config\": {\"fusion_enable\": false}}"), NULL, 0);
    expect_ok(qn_context_set_observer(r.context, compare_layer, &table));
    qn_tensor output = runner_run_file(&r, shared_path(REFS "/tensors/2007_000123.ImageTensor.npy"));
    for (size_t i = 0; i < table.count; i++)
        if (!table.rows[i].seen) fail_msg("no value is called '%s'", table.rows[i].name);
    figure("pascal float32 unfused, layers compared", "%zu, worst statistic off by %.1e (bar 1e-4)", table.count,
           table.worst);
    qn_npy_free(&output, NULL);
    runner_close(&r);
    free(table.rows);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_model_serves_every_size),
        cmocka_unit_test(logits_are_within_a_thousandth),
        cmocka_unit_test(every_layer_agrees_when_nothing_is_fused),
        cmocka_unit_test(labels_of_every_photo_equal_tensorflows),
        cmocka_unit_test(quint8_weights_give_tensorflows_labels),
        cmocka_unit_test(ade20k_gives_tensorflows_labels),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
