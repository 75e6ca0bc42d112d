/* The bundled models against the answers TensorFlow gave when they were exported, and the promises that hold for every
 * CPU path and thread count. Needs nothing outside the repository. */
#include "e2e.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CASES_MAX = 64, NAME_BYTES = 128 };

/* "05_2x64x48" of every NN_NxHxW.ImageTensor.npy in `folder`. */
static size_t list_cases(const char *folder, char names[CASES_MAX][NAME_BYTES]) {
    DIR *dir = opendir(folder);
    size_t count = 0;
    assert_non_null(dir);
    for (struct dirent *entry; (entry = readdir(dir));) {
        char *end = strstr(entry->d_name, ".ImageTensor.npy");
        if (!end || count == CASES_MAX) continue;
        snprintf(names[count++], NAME_BYTES, "%.*s", (int)(end - entry->d_name), entry->d_name);
    }
    closedir(dir);
    return count;
}

static void compare_cases(const char *model, const char *folder, size_t at_least) {
    char names[CASES_MAX][NAME_BYTES];
    size_t count = list_cases(source_path("%s", folder), names);
    int64_t equal = 0, total = 0;
    runner r;
    assert_true(count >= at_least);
    runner_open(&r, build_model(source_path("%s", model), NULL), NULL, 0);
    for (size_t i = 0; i < count; i++) {
        qn_tensor output = runner_run_file(&r, source_path("%s/%s.ImageTensor.npy", folder, names[i]));
        qn_tensor expected = load_npy(source_path("%s/%s.SemanticPredictions.npy", folder, names[i]));
        count_equal(&output, &expected, &equal, &total);
        qn_npy_free(&output, NULL), qn_npy_free(&expected, NULL);
    }
    figure(model, "%zu cases, %lld of %lld labels equal to TensorFlow's (bar 99.99 %%)", count, (long long)equal,
           (long long)total);
    assert_true((double)equal >= 0.9999 * (double)total);
    runner_close(&r);
}

static void the_dynamic_model_follows_twenty_shapes_and_batches(void **state) {
    (void)state;
    compare_cases("models/scenes/scenes_dynamic.pb", "models/scenes/refs", 20);
}

static void the_cropped_model_follows_its_sizes(void **state) {
    (void)state;
    compare_cases("models/scenes/scenes.pb", "models/scenes/refs_scenes", 4);
}

static void unfused_and_fused_programs_give_the_same_labels(void **state) {
    (void)state;
    runner fused, plain;
    int64_t equal = 0, total = 0;
    runner_open(&fused, build_model(source_path("models/scenes/scenes_dynamic.pb"), NULL), NULL, 0);
    runner_open(
        &plain,
        build_model(source_path("models/scenes/scenes_dynamic.pb"), "{\"debug_config\": {\"fusion_enable\": false}}"),
        NULL, 0);
    qn_tensor a = runner_run_file(&fused, source_path("models/scenes/refs/05_2x64x48.ImageTensor.npy"));
    qn_tensor b = runner_run_file(&plain, source_path("models/scenes/refs/05_2x64x48.ImageTensor.npy"));
    count_equal(&a, &b, &equal, &total);
    assert_int_equal(equal, total);
    qn_npy_free(&a, NULL), qn_npy_free(&b, NULL);
    runner_close(&fused), runner_close(&plain);
}

static void logits_are_within_a_thousandth_of_tensorflows(void **state) {
    (void)state;
    static const char *const cases[] = {"05_2x64x48", "15_3x29x101"}, *const names[] = {"logits/semantic/BiasAdd"};
    runner r;
    runner_open(&r, build_model(source_path("models/scenes/scenes_dynamic.pb"), NULL), NULL, 0);
    for (size_t i = 0; i < 2; i++) {
        qn_tensor input = load_npy(source_path("models/scenes/refs/%s.ImageTensor.npy", cases[i])), logits;
        qn_tensor expected = load_npy(source_path("models/scenes/refs/%s.logits_semantic_BiasAdd.npy", cases[i]));
        runner_watch(&r, &input, 1, names, 1, &logits);
        double worst = max_difference(&logits, &expected);
        figure("scenes_dynamic, logits, largest difference", "%.2e (bar 1e-3)", worst);
        assert_true(worst <= 1e-3);
        qn_npy_free(&input, NULL), qn_npy_free(&expected, NULL), qn_npy_free(&logits, NULL);
    }
    runner_close(&r);
}

/* Labels and logits of one picture on one path. */
static void run_path(const char *cpu, int threads, const qn_tensor *input, qn_tensor out_values[2]) {
    static const char *const names[] = {"logits/semantic/BiasAdd", "SemanticPredictions"};
    runner r;
    runner_open(&r, build_model(source_path("models/scenes/scenes_dynamic.pb"), NULL), cpu, threads);
    runner_watch(&r, input, 1, names, 2, out_values);
    runner_close(&r);
}

static void every_cpu_path_and_thread_count_gives_the_same_bytes(void **state) {
    (void)state;
    static const char *const paths[] = {"generic", "avx2", "avx512"};
    qn_tensor input = load_npy(source_path("models/scenes/refs/10_2x53x59.ImageTensor.npy")), first[2];
    run_path("generic", 1, &input, first);
    for (size_t p = 0; p < 3; p++)
        for (int threads = 1; threads <= 3; threads++) {
            qn_tensor again[2];
            run_path(paths[p], threads, &input, again);
            assert_memory_equal(first[0].data, again[0].data, tensor_elems(&first[0]) * sizeof(float));
            assert_memory_equal(first[1].data, again[1].data, tensor_elems(&first[1]) * sizeof(int32_t));
            qn_npy_free(&again[0], NULL), qn_npy_free(&again[1], NULL);
        }
    figure("generic, avx2, avx512, 1 to 3 threads", "identical labels and logits (bar: identical)");
    qn_npy_free(&first[0], NULL), qn_npy_free(&first[1], NULL), qn_npy_free(&input, NULL);
}

static void the_same_model_compiles_to_the_same_bytes(void **state) {
    (void)state;
    qn_model *a = build_model(source_path("models/scenes/scenes.pb"), NULL),
             *b = build_model(source_path("models/scenes/scenes.pb"), NULL);
    size_t a_bytes, b_bytes;
    const void *a_data = qn_model_bytes(a, &a_bytes), *b_data = qn_model_bytes(b, &b_bytes);
    assert_int_equal(a_bytes, b_bytes);
    assert_memory_equal(a_data, b_data, a_bytes);
    qn_model_destroy(a), qn_model_destroy(b);
}

static void changing_shapes_back_and_forth_equals_a_fresh_context(void **state) {
    (void)state;
    char names[CASES_MAX][NAME_BYTES];
    size_t count = list_cases(source_path("models/scenes/refs"), names);
    runner reused, fresh;
    runner_open(&reused, build_model(source_path("models/scenes/scenes_dynamic.pb"), NULL), NULL, 2);
    for (size_t i = 0; i < 2 * count; i++) {
        const char *file = source_path("models/scenes/refs/%s.ImageTensor.npy", names[i * 7 % count]);
        int64_t equal = 0, total = 0;
        runner_open(&fresh, build_model(source_path("models/scenes/scenes_dynamic.pb"), NULL), NULL, 2);
        qn_tensor a = runner_run_file(&reused, file), b = runner_run_file(&fresh, file);
        count_equal(&a, &b, &equal, &total);
        assert_int_equal(equal, total);
        qn_npy_free(&a, NULL), qn_npy_free(&b, NULL);
        runner_close(&fresh);
    }
    runner_close(&reused);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_cropped_model_follows_its_sizes),
        cmocka_unit_test(the_dynamic_model_follows_twenty_shapes_and_batches),
        cmocka_unit_test(unfused_and_fused_programs_give_the_same_labels),
        cmocka_unit_test(logits_are_within_a_thousandth_of_tensorflows),
        cmocka_unit_test(every_cpu_path_and_thread_count_gives_the_same_bytes),
        cmocka_unit_test(the_same_model_compiles_to_the_same_bytes),
        cmocka_unit_test(changing_shapes_back_and_forth_equals_a_fresh_context),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
