/* force_float16 on the bundled models: near float32, half the constants, the same bytes on every path. Needs nothing
 * outside the repository; DeepLab is in half_deeplab_test.c. */
#include "e2e.h"

#include "quench/nodes.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>

#define HALF    "{\"precision_config\": {\"precision_mode\": \"force_float16\"}}"
#define DYNAMIC "models/scenes/scenes_dynamic.pb"
#define REFS    "models/scenes/refs"

static void labels_agree_with_float32(void **state) {
    (void)state;
    runner half, full;
    int64_t equal = 0, total = 0;
    runner_open(&half, build_model(source_path(DYNAMIC), HALF), NULL, 2);
    runner_open(&full, build_model(source_path(DYNAMIC), NULL), NULL, 2);
    DIR *dir = opendir(source_path(REFS));
    assert_non_null(dir);
    for (struct dirent *entry; (entry = readdir(dir));) {
        if (!strstr(entry->d_name, ".ImageTensor.npy")) continue;
        const char *file = source_path(REFS "/%s", entry->d_name);
        qn_tensor a = runner_run_file(&half, file), b = runner_run_file(&full, file);
        count_equal(&a, &b, &equal, &total);
        qn_npy_free(&a, NULL), qn_npy_free(&b, NULL);
    }
    closedir(dir);
    figure("scenes_dynamic float16, labels equal to float32's", "%.4f %% (bar 99.9 %%)",
           100.0 * (double)equal / (double)total);
    assert_true(total > 0 && (double)equal >= 0.999 * (double)total);
    runner_close(&half), runner_close(&full);
}

static void constants_are_half_the_size(void **state) {
    (void)state;
    qn_model *half = build_model(source_path(DYNAMIC), HALF), *full = build_model(source_path(DYNAMIC), NULL);
    double a = (double)qn_model_get_info(half)->const_bytes, b = (double)qn_model_get_info(full)->const_bytes;
    figure("scenes_dynamic float16, constants", "%.0f of %.0f bytes (bar: half, and what alignment costs)", a, b);
    assert_true(a <= 0.56 * b);
    qn_model_destroy(half), qn_model_destroy(full);
}

/* Logits and labels on one path. */
static void run_path(const char *cpu, int threads, const qn_tensor *input, qn_tensor out_values[2]) {
    static const char *const names[] = {"logits/semantic/BiasAdd", "SemanticPredictions"};
    runner r;
    runner_open(&r, build_model(source_path(DYNAMIC), HALF), cpu, threads);
    runner_watch(&r, input, 1, names, 2, out_values);
    runner_close(&r);
}

static void every_cpu_path_and_thread_count_gives_the_same_bytes(void **state) {
    (void)state;
    static const char *const paths[] = {"generic", "avx2", "avx512"};
    qn_tensor input = load_npy(source_path(REFS "/10_2x53x59.ImageTensor.npy")), first[2];
    run_path("generic", 1, &input, first);
    assert_int_equal(first[0].dtype, QN_DTYPE_F16);
    for (size_t p = 0; p < 3; p++)
        for (int threads = 1; threads <= 3; threads++) {
            qn_tensor again[2];
            run_path(paths[p], threads, &input, again);
            assert_memory_equal(first[0].data, again[0].data, tensor_elems(&first[0]) * sizeof(uint16_t));
            assert_memory_equal(first[1].data, again[1].data, tensor_elems(&first[1]) * sizeof(int32_t));
            qn_npy_free(&again[0], NULL), qn_npy_free(&again[1], NULL);
        }
    qn_npy_free(&first[0], NULL), qn_npy_free(&first[1], NULL), qn_npy_free(&input, NULL);
}

static void unfused_programs_run_in_half_precision_too(void **state) {
    (void)state;
    runner fused, plain;
    int64_t equal = 0, total = 0;
    runner_open(&fused, build_model(source_path(DYNAMIC), HALF), NULL, 0);
    runner_open(&plain,
                build_model(source_path(DYNAMIC), "{\"precision_config\": {\"precision_mode\": \"force_float16\"},"
                                                  " \"debug_config\": {\"fusion_enable\": false}}"),
                NULL, 0);
    qn_tensor a = runner_run_file(&fused, source_path(REFS "/05_2x64x48.ImageTensor.npy"));
    qn_tensor b = runner_run_file(&plain, source_path(REFS "/05_2x64x48.ImageTensor.npy"));
    count_equal(&a, &b, &equal, &total);
    figure("scenes_dynamic float16, unfused labels equal to fused ones", "%lld of %lld", (long long)equal,
           (long long)total);
    assert_true((double)equal >= 0.99 * (double)total);
    qn_npy_free(&a, NULL), qn_npy_free(&b, NULL);
    runner_close(&fused), runner_close(&plain);
}

static void every_step_says_its_precision_and_why(void **state) {
    (void)state;
    qn_model *model = build_model(source_path(DYNAMIC), HALF);
    size_t halves = 0;
    for (size_t i = 0; i < qn_model_get_info(model)->step_count; i++) {
        const qn_step_info *step = qn_model_step(model, i);
        assert_true(*step->precision);
        halves += !strcmp(step->precision, "f16: force_float16");
    }
    assert_true(halves > 10);
    qn_model_destroy(model);
}

static const char *precision_of(const qn_model *model, const char *name) {
    for (size_t i = 0; i < qn_model_get_info(model)->step_count; i++)
        if (!strcmp(qn_model_step(model, i)->name, name)) return qn_model_step(model, i)->precision;
    fail_msg("no step is called '%s'", name);
    return "";
}

static void a_node_keeps_the_precision_it_was_given(void **state) {
    (void)state;
    static const qn_dtype wishes[] = {QN_DTYPE_F32, QN_DTYPE_F16};
    for (size_t i = 0; i < 2; i++) { /* f32 in a model of halves, and the other way round */
        qn_network *network;
        qn_config *config;
        qn_model *model;
        qn_value *logits;
        expect_ok(qn_network_import_file(source_path(DYNAMIC), NULL, &network));
        expect_ok(qn_config_create(NULL, &config));
        if (wishes[i] == QN_DTYPE_F32) expect_ok(qn_config_merge_text(config, HALF, "test"));
        expect_ok(qn_network_find_value(network, "logits/semantic/BiasAdd", &logits));
        expect_ok(qn_network_set_value_precision(network, logits, wishes[i]));
        expect_ok(qn_build(network, config, NULL, &model));
        assert_string_equal(precision_of(model, "logits/semantic/BiasAdd"),
                            i ? "f16: set in the network" : "f32: set in the network");
        qn_model_destroy(model);
        qn_config_destroy(config);
        qn_network_destroy(network);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(labels_agree_with_float32),
        cmocka_unit_test(constants_are_half_the_size),
        cmocka_unit_test(every_cpu_path_and_thread_count_gives_the_same_bytes),
        cmocka_unit_test(unfused_programs_run_in_half_precision_too),
        cmocka_unit_test(every_step_says_its_precision_and_why),
        cmocka_unit_test(a_node_keeps_the_precision_it_was_given),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
