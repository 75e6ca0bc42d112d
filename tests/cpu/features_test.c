/* Features, levels and masks. Oracles: the kernel's list in /proc/cpuinfo, and bit positions as the vendors print them.
 */
#include "cpu/features.h"
#include "support/skips.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define BIT(n) (UINT32_C(1) << (n))

/* Sets of CPUID bits that real processors report (only what quench looks at). */
static const uint32_t leaf1_ecx_avx = BIT(12) | BIT(27) | BIT(28) | BIT(29), leaf1_edx_sse2 = BIT(26);
static const uint32_t leaf7_ebx_avx2 = BIT(5), leaf7_ebx_avx512 = BIT(16) | BIT(17) | BIT(30) | BIT(31);
static const uint64_t state_avx = 0x7, state_avx512 = 0xe7, state_amx = 0x600e7;

static const char *level_of(const qn_cpu_x86_leaves *leaves) {
    return qn_cpu_level_name(qn_cpu_features_from_x86(leaves));
}

static void each_recorded_cpu_gets_its_level(void **state) {
    (void)state;
    const qn_cpu_x86_leaves nehalem = {.leaf1 = {0, 0, 0, leaf1_edx_sse2}};
    const qn_cpu_x86_leaves haswell = {
        .leaf1 = {0, 0, leaf1_ecx_avx, leaf1_edx_sse2}, .leaf7_0 = {0, leaf7_ebx_avx2, 0, 0}, .xcr0 = state_avx};
    const qn_cpu_x86_leaves skylake_server = {.leaf1 = {0, 0, leaf1_ecx_avx, leaf1_edx_sse2},
                                              .leaf7_0 = {0, leaf7_ebx_avx2 | leaf7_ebx_avx512, 0, 0},
                                              .xcr0 = state_avx512};
    const qn_cpu_x86_leaves cascade_lake = {.leaf1 = {0, 0, leaf1_ecx_avx, leaf1_edx_sse2},
                                            .leaf7_0 = {0, leaf7_ebx_avx2 | leaf7_ebx_avx512, BIT(11), 0},
                                            .xcr0 = state_avx512};
    const qn_cpu_x86_leaves sapphire_rapids = {
        .leaf1 = {0, 0, leaf1_ecx_avx, leaf1_edx_sse2},
        .leaf7_0 = {1, leaf7_ebx_avx2 | leaf7_ebx_avx512, BIT(11), BIT(22) | BIT(23) | BIT(24) | BIT(25)},
        .leaf7_1 = {BIT(4) | BIT(5), 0, 0, 0},
        .xcr0 = state_amx};
    assert_string_equal(level_of(&nehalem), "generic");
    assert_string_equal(level_of(&haswell), "avx2");
    assert_string_equal(level_of(&skylake_server), "avx512");
    assert_string_equal(level_of(&cascade_lake), "avx512vnni");
    assert_string_equal(level_of(&sapphire_rapids), "amx");
}

/* Where the system refuses, or has no such registers, only what needs them is lost. */
static void permission_concerns_tile_registers_only(void **state) {
    (void)state;
    const qn_cpu_features tiles = QN_CPU(AMX_TILE) | QN_CPU(AMX_INT8) | QN_CPU(AMX_BF16), all = ~UINT64_C(0);
    const qn_cpu_features found = qn_cpu_features_permitted(all);
    assert_true(qn_cpu_features_permitted(all & ~tiles) == (all & ~tiles));
    assert_true((found & ~tiles) == (all & ~tiles));
    assert_true((found & tiles) == 0 || (found & tiles) == tiles);
    if (!(qn_cpu_features_detect() & tiles)) assert_true((found & tiles) == 0);
}

static void registers_that_the_system_does_not_save_are_not_used(void **state) {
    (void)state;
    qn_cpu_x86_leaves leaves = {
        .leaf1 = {0, 0, leaf1_ecx_avx, leaf1_edx_sse2},
        .leaf7_0 = {1, leaf7_ebx_avx2 | leaf7_ebx_avx512, BIT(11), BIT(22) | BIT(23) | BIT(24) | BIT(25)}};
    leaves.xcr0 = 0;
    assert_string_equal(level_of(&leaves), "generic");
    leaves.xcr0 = 0x3; /* SSE only */
    assert_string_equal(level_of(&leaves), "generic");
    leaves.xcr0 = state_avx;
    assert_string_equal(level_of(&leaves), "avx2");
    leaves.xcr0 = state_avx | 0x20; /* mask registers without the upper halves */
    assert_string_equal(level_of(&leaves), "avx2");
    leaves.xcr0 = state_avx512;
    assert_string_equal(level_of(&leaves), "avx512fp16");
    leaves.xcr0 = state_avx512 | 0x20000; /* tile configuration without tile data */
    assert_string_equal(level_of(&leaves), "avx512fp16");
}

/* The blank-separated word in the first "flags" line of /proc/cpuinfo. */
static int system_lists(const char *flags, const char *word) {
    const size_t length = strlen(word);
    for (const char *at = flags; (at = strstr(at, word)) != NULL; at += length) {
        if (at[-1] == ' ' && (at[length] == ' ' || at[length] == '\n')) return 1;
    }
    return 0;
}

static void detection_agrees_with_the_system(void **state) {
    static const struct {
        qn_cpu_features feature;
        const char *word;
    } rows[] = {
        {QN_CPU(SSE2), "sse2"},
        {QN_CPU(AVX2), "avx2"},
        {QN_CPU(FMA), "fma"},
        {QN_CPU(F16C), "f16c"},
        {QN_CPU(AVX512F), "avx512f"},
        {QN_CPU(AVX512BW), "avx512bw"},
        {QN_CPU(AVX512VL), "avx512vl"},
        {QN_CPU(AVX512DQ), "avx512dq"},
        {QN_CPU(AVX512VNNI), "avx512_vnni"},
        {QN_CPU(AVXVNNI), "avx_vnni"},
        {QN_CPU(AVX512BF16), "avx512_bf16"},
        {QN_CPU(AVX512FP16), "avx512_fp16"},
        {QN_CPU(AMX_TILE), "amx_tile"},
        {QN_CPU(AMX_INT8), "amx_int8"},
        {QN_CPU(AMX_BF16), "amx_bf16"},
    };
    char line[8192];
    (void)state;
    FILE *file = fopen("/proc/cpuinfo", "r");
    if (!file) skip_because("needs /proc/cpuinfo");
    int found = 0;
    while (!found && fgets(line, sizeof line, file)) found = strncmp(line, "flags", 5) == 0;
    fclose(file);
    if (!found) skip_because("/proc/cpuinfo has no flags of an x86 CPU");
    const qn_cpu_features features = qn_cpu_features_detect();
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const int detected = (features & rows[i].feature) != 0;
        if (detected != system_lists(line, rows[i].word)) fail_msg("%s: detected %d", rows[i].word, detected);
    }
}

static void levels_grow_and_have_distinct_names(void **state) {
    (void)state;
    for (size_t i = 0; i < qn_cpu_level_count(); i++) {
        const qn_cpu_level *level = qn_cpu_level_at(i);
        assert_string_equal(qn_cpu_level_name(level->features), level->name);
        qn_cpu_features mask = 0;
        assert_null(qn_cpu_mask_parse(level->name, &mask));
        assert_true(mask == level->features);
    }
}

static void features_have_one_bit_each_and_distinct_names(void **state) {
    (void)state;
    for (size_t i = 0; i < qn_cpu_feature_count(); i++) {
        const qn_cpu_feature *feature = qn_cpu_feature_at(i);
        assert_true(feature->bit != 0 && (feature->bit & (feature->bit - 1)) == 0);
        for (size_t j = 0; j < i; j++) {
            assert_true(qn_cpu_feature_at(j)->bit != feature->bit);
            assert_string_not_equal(qn_cpu_feature_at(j)->name, feature->name);
        }
    }
}

static void a_misspelt_level_is_refused_with_the_nearest_name(void **state) {
    qn_cpu_features mask;
    (void)state;
    qn_status *status = qn_cpu_mask_parse("avx51", &mask);
    assert_non_null(status);
    assert_int_equal(qn_status_code(status), QN_INVALID_ARGUMENT);
    assert_non_null(strstr(qn_status_message(status), "did you mean 'avx512'"));
    assert_non_null(strstr(qn_status_message(status), "native"));
    qn_status_free(status);
    status = qn_cpu_mask_parse("", &mask);
    assert_non_null(status);
    qn_status_free(status);
}

static void text_and_environment_mask_what_was_detected(void **state) {
    const qn_cpu_features all = qn_cpu_features_detect();
    qn_cpu_features features;
    (void)state;
    unsetenv("QUENCH_CPU");
    assert_null(qn_cpu_features_choose(NULL, &features));
    assert_true(features == all);
    assert_null(qn_cpu_features_choose("native", &features));
    assert_true(features == all);
    setenv("QUENCH_CPU", "generic", 1);
    assert_null(qn_cpu_features_choose(NULL, &features));
    assert_true(features == (all & QN_CPU(SSE2)));
    assert_null(qn_cpu_features_choose("native", &features)); /* the argument wins */
    assert_true(features == all);
    setenv("QUENCH_CPU", "quick", 1);
    qn_status *status = qn_cpu_features_choose(NULL, &features);
    assert_non_null(status);
    assert_non_null(strstr(qn_status_message(status), "QUENCH_CPU"));
    qn_status_free(status);
    unsetenv("QUENCH_CPU");
}

static void features_print_as_names(void **state) {
    qn_buffer text;
    (void)state;
    qn_buffer_init(&text, NULL);
    qn_cpu_features_print(QN_CPU(FMA) | QN_CPU(AVX2), &text);
    assert_string_equal(qn_buffer_text(&text), "avx2 fma");
    qn_buffer_deinit(&text);
}

static void the_model_name_fits_any_buffer(void **state) {
    char name[64], tiny[4];
    (void)state;
    qn_cpu_model_name(name, sizeof name);
    assert_true(strlen(name) > 0);
    assert_true(name[0] != ' ');
    qn_cpu_model_name(tiny, sizeof tiny);
    assert_int_equal(strlen(tiny), 3);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_recorded_cpu_gets_its_level),
        cmocka_unit_test(registers_that_the_system_does_not_save_are_not_used),
        cmocka_unit_test(permission_concerns_tile_registers_only),
        cmocka_unit_test(detection_agrees_with_the_system),
        cmocka_unit_test(levels_grow_and_have_distinct_names),
        cmocka_unit_test(features_have_one_bit_each_and_distinct_names),
        cmocka_unit_test(a_misspelt_level_is_refused_with_the_nearest_name),
        cmocka_unit_test(text_and_environment_mask_what_was_detected),
        cmocka_unit_test(features_print_as_names),
        cmocka_unit_test(the_model_name_fits_any_buffer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
