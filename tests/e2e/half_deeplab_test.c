/* force_float16 on the official DeepLabv3: accuracy on voc-dev, memory, and the same labels on every path. */
#include "e2e.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define PASCAL "models/tensorflow/deeplabv3_mnv2_pascal_float32.pb"
#define HALF   "{\"precision_config\": {\"precision_mode\": \"force_float16\"}}"

enum { CLASSES = 21, LINE_BYTES = 256 };

static qn_image labels_of(runner *r, const qn_image *photo) {
    const qn_tensor input = {
        .dtype = QN_DTYPE_U8, .rank = 4, .dims = {1, photo->height, photo->width, 3}, .data = photo->data};
    qn_tensor output = runner_run(r, &input, 1);
    qn_image labels;
    expect_ok(qn_image_init((int)output.dims[2], (int)output.dims[1], 1, NULL, &labels));
    for (size_t i = 0; i < tensor_elems(&output); i++) labels.data[i] = (uint8_t)tensor_at(&output, i);
    qn_npy_free(&output, NULL);
    return labels;
}

static void half_precision_costs_no_accuracy(void **state) {
    (void)state;
    need_shared();
    runner half, full;
    qn_image_confusion *half_counts, *full_counts;
    int64_t equal = 0, total = 0;
    char name[LINE_BYTES];
    expect_ok(qn_image_confusion_create(CLASSES, NULL, &half_counts));
    expect_ok(qn_image_confusion_create(CLASSES, NULL, &full_counts));
    runner_open(&half, build_model(shared_path(PASCAL), HALF), NULL, 0);
    runner_open(&full, build_model(shared_path(PASCAL), NULL), NULL, 0);
    FILE *list = fopen(shared_path("voc-dev/val.txt"), "r");
    assert_non_null(list);
    while (fscanf(list, "%255s", name) == 1) {
        qn_image photo, mask;
        expect_ok(qn_image_load(shared_path("voc-dev/JPEGImages/%s.jpg", name), NULL, NULL, &photo));
        expect_ok(qn_image_load_mask(shared_path("voc-dev/SegmentationClass/%s.png", name), NULL, NULL, &mask));
        qn_image a = labels_of(&half, &photo), b = labels_of(&full, &photo);
        expect_ok(qn_image_count_equal(&a, &b, &equal, &total));
        expect_ok(qn_image_confusion_add(half_counts, &mask, &a));
        expect_ok(qn_image_confusion_add(full_counts, &mask, &b));
        qn_image_deinit(&a), qn_image_deinit(&b), qn_image_deinit(&mask), qn_image_deinit(&photo);
    }
    fclose(list);
    double half_miou = qn_image_confusion_get_miou(half_counts), full_miou = qn_image_confusion_get_miou(full_counts);
    figure("pascal float16, mIoU on voc-dev", "%.5f, float32 %.5f (bar: within 0.0002)", half_miou, full_miou);
    figure("pascal float16, labels equal to float32's", "%.4f %% (bar 99.9 %%)", 100.0 * (double)equal / (double)total);
    assert_true(fabs(half_miou - full_miou) <= 0.0002);
    assert_true((double)equal >= 0.999 * (double)total);
    qn_image_confusion_destroy(half_counts), qn_image_confusion_destroy(full_counts);
    runner_close(&half), runner_close(&full);
}

static void constants_and_arena_are_half_the_size(void **state) {
    (void)state;
    need_shared();
    const int64_t dims[] = {1, 513, 513, 3};
    qn_model *full = build_model(shared_path(PASCAL), NULL);
    qn_arena_info arena;
    runner r;
    runner_open(&r, build_model(shared_path(PASCAL), HALF), NULL, 2);
    expect_ok(qn_context_set_input_shape(r.context, 0, 4, dims));
    qn_context_get_arena(r.context, &arena);
    double half_bytes = (double)qn_model_get_info(r.model)->const_bytes,
           bytes = (double)qn_model_get_info(full)->const_bytes;
    double ceiling = (double)qn_model_get_info(r.model)->arena_bytes_max;
    figure("pascal float16, constants", "%.3f MB, float32 %.3f MB (bar: half)", half_bytes / 1e6, bytes / 1e6);
    figure("pascal float16, arena at 513x513, two threads", "%.2f MiB, values at most %.2f MiB (bar 20)",
           (double)arena.total_bytes / 1048576, ceiling / 1048576);
    assert_true(half_bytes <= 0.501 * bytes);
    assert_true(ceiling > 0 && arena.total_bytes <= 20 << 20);
    qn_model_destroy(full);
    runner_close(&r);
}

static void every_cpu_path_and_thread_count_gives_the_same_labels(void **state) {
    (void)state;
    need_shared();
    static const char *const names[] = {"logits/semantic/BiasAdd", "SemanticPredictions"};
    static const struct {
        const char *cpu;
        int threads;
    } paths[] = {{"generic", 2}, {"avx2", 1}, {"avx2", 3}, {"avx512", 1}, {"avx512", 2}};
    qn_tensor input = load_npy(shared_path("refs/deeplabv3_mnv2_pascal_float32/tensors/mid.ImageTensor.npy")), first[2];
    for (size_t p = 0; p < sizeof paths / sizeof *paths; p++) {
        runner r;
        qn_tensor again[2], *values = p ? again : first;
        runner_open(&r, build_model(shared_path(PASCAL), HALF), paths[p].cpu, paths[p].threads);
        runner_watch(&r, &input, 1, names, 2, values);
        runner_close(&r);
        if (!p) continue;
        assert_memory_equal(first[0].data, again[0].data, tensor_elems(&first[0]) * sizeof(uint16_t));
        assert_memory_equal(first[1].data, again[1].data, tensor_elems(&first[1]) * sizeof(int32_t));
        qn_npy_free(&again[0], NULL), qn_npy_free(&again[1], NULL);
    }
    assert_int_equal(first[0].dtype, QN_DTYPE_F16);
    qn_npy_free(&first[0], NULL), qn_npy_free(&first[1], NULL), qn_npy_free(&input, NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(constants_and_arena_are_half_the_size),
        cmocka_unit_test(every_cpu_path_and_thread_count_gives_the_same_labels),
        cmocka_unit_test(half_precision_costs_no_accuracy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
