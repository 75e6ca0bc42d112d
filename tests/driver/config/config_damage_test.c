/* Configurations that are wrong in every way the table of keys allows: each is refused by name, and what was there
 * stays. */
#include "driver_case.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "driver/config/config_check.h"

/* {"a": {"b": value}} for "a.b". */
static char *wrap(const char *path, const char *value) {
    char *text = malloc(strlen(value) + 256);
    size_t used = 0;
    int depth = 0;
    for (const char *part = path;; depth++) {
        size_t length = strcspn(part, ".");
        used += (size_t)sprintf(text + used, "{\"%.*s\": ", (int)length, part);
        if (!part[length]) break;
        part += length + 1;
    }
    used += (size_t)sprintf(text + used, "%s", value);
    for (; depth >= 0; depth--) used += (size_t)sprintf(text + used, "}");
    return text;
}

static qn_config *filled(void) {
    return config_of("{'graph_shape_mutable': false, 'dim_range': {'0': {'min': [1, 2], 'max': [3, 4]}},"
                     " 'debug_config': {'fusion_enable': false, 'skip_passes': ['fuse_bias', 'fold_scale']}}");
}

static const char kept[] = "{\"debug_config\":{\"fusion_enable\":false,\"skip_passes\":[\"fuse_bias\",\"fold_scale\"]},"
                           "\"dim_range\":{\"0\":{\"max\":[3,4],\"min\":[1,2]}},\"graph_shape_mutable\":false}";

/* Merging fails with this code and words, and changes nothing. */
static void refuse(qn_config *config, const char *text, qn_code code, const char *words) {
    expect_refused(qn_config_merge_text(config, text, "origin"), code, words);
    assert_string_equal(qn_config_text(config), kept);
}

static void every_key_refuses_what_it_does_not_take_by_name(void **state) {
    (void)state;
    static const char *const values[] = {"true",
                                         "false",
                                         "null",
                                         "3",
                                         "-7",
                                         "0.5",
                                         "1e300",
                                         "\"\"",
                                         "\"nonsense\"",
                                         "[]",
                                         "[1, \"a\", null]",
                                         "[[1]]",
                                         "{}",
                                         "{\"nonsense\": 1}",
                                         "{\"0\": {}}",
                                         "{\"0\": null}",
                                         "{\"0\": {\"min\": 1, \"max\": 2}}",
                                         "{\"x\": {\"min\": [1], \"max\": [1]}}",
                                         "{\"0\": {\"min\": [3], \"max\": [1]}}"};
    int accepted = 0, refused = 0;
    for (size_t k = 0; k < qn_config_key_count(); k++)
        for (size_t v = 0; v < sizeof values / sizeof *values; v++) {
            const qn_config_key *key = qn_config_key_at(k);
            char *text = wrap(key->path, values[v]);
            qn_config *config = filled();
            qn_status *status = qn_config_merge_text(config, text, "the origin");
            if (status) {
                refused++;
                if (!strstr(qn_status_message(status), "the origin") || !strstr(qn_status_message(status), key->path))
                    fail_msg("%s: '%s' names neither origin nor key", text, qn_status_message(status));
                assert_true(qn_status_code(status) == QN_INVALID_ARGUMENT || qn_status_code(status) == QN_UNSUPPORTED);
                assert_string_equal(qn_config_text(config), kept);
            } else {
                accepted++;
                json_t *root = json_loads(qn_config_text(config), 0, NULL);
                assert_non_null(root);
                json_decref(root);
            }
            qn_status_free(status);
            qn_config_destroy(config);
            free(text);
        }
    assert_true(refused > accepted && accepted > 0);
}

static void a_list_of_choices_is_no_choice(void **state) {
    (void)state;
    qn_config *config = filled();
    for (size_t k = 0; k < qn_config_key_count(); k++) {
        const qn_config_key *key = qn_config_key_at(k);
        if (key->kind != QN_CONFIG_TEXT || !strchr(key->allowed, ',')) continue;
        char value[256];
        snprintf(value, sizeof value, "\"%s\"", key->allowed);
        char *text = wrap(key->path, value);
        refuse(config, text, QN_UNSUPPORTED, key->path);
        free(text);
    }
    qn_config_destroy(config);
}

static void what_follows_a_good_key_does_not_let_it_through(void **state) {
    (void)state;
    qn_config *config = filled();
    refuse(config, "{\"graph_shape_mutable\": true, \"archz\": []}", QN_INVALID_ARGUMENT, "archs");
    refuse(config, "{\"graph_shape_mutable\": true, \"debug_config\": {\"fusion_enable\": 1}}", QN_INVALID_ARGUMENT,
           "fusion_enable");
    refuse(config, "{\"dim_range\": {\"0\": {\"min\": [1, 1], \"max\": [9, 9]}, \"1\": {\"min\": [1]}}}",
           QN_INVALID_ARGUMENT, "dim_range");
    refuse(config, "{\"graph_shape_mutable\": true, \"graph_shape_mutable\": true}", QN_INVALID_ARGUMENT, "duplicate");
    refuse(config, "{\"debug_config\": {\"fusion_enable\": true}, \"debug_config\": {}}", QN_INVALID_ARGUMENT,
           "duplicate");
    qn_config_destroy(config);
}

static void texts_that_are_no_object_are_refused(void **state) {
    (void)state;
    static const char *const texts[] = {"",      " ",
                                        "null",  "[]",
                                        "3",     "\"archs\"",
                                        "{",     "}",
                                        "{]",    "{\"a\"}",
                                        "{} {}", "{\"archs\": }",
                                        "\xff",  "{\"archs\": [\"\xff\"]}",
                                        "// {}", "{'archs': []}"};
    qn_config *config = filled();
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) refuse(config, texts[i], QN_INVALID_ARGUMENT, "origin");
    qn_config_destroy(config);
}

/* 100 000 levels of each kind of bracket: neither stack nor time may go. */
static void nesting_without_end_is_refused(void **state) {
    (void)state;
    enum { DEEP = 100000 };
    qn_config *config = filled();
    char *text = malloc(DEEP * 6 + 16);
    for (int kind = 0; kind < 3; kind++) {
        size_t used = (size_t)sprintf(text, "{\"crop_config\": ");
        for (int i = 0; i < DEEP; i++)
            used += (size_t)sprintf(text + used, "%s",
                                    kind == 0   ? "["
                                    : kind == 1 ? "{\"a\":"
                                    : i % 2     ? "["
                                                : "{\"\":");
        refuse(config, text, QN_LIMIT, "deeper");
    }
    sprintf(text, "{\"crop_config\": \"");
    memset(text + 17, '[', DEEP); /* in a text they are no nesting */
    strcpy(text + 17 + DEEP, "\"}");
    expect_ok(qn_config_merge_text(config, text, "origin"));
    free(text);
    qn_config_destroy(config);
}

static void very_long_keys_are_refused(void **state) {
    (void)state;
    qn_config *config = filled();
    char *text = malloc(100100);
    sprintf(text, "{\"");
    memset(text + 2, 'k', 100000);
    strcpy(text + 100002, "\": 1}");
    refuse(config, text, QN_INVALID_ARGUMENT, "kkkk");
    free(text);
    qn_config_destroy(config);
}

static void bytes_changed_at_random_never_crash(void **state) {
    (void)state;
    static const char sound[] =
        "{\"graph_shape_mutable\": true, \"dim_range\": {\"0\": {\"min\": [1, 1], \"max\": [9, 9]}},"
        " \"precision_config\": {\"precision_mode\": \"force_float32\"}, \"debug_config\": {\"skip_passes\": "
        "[\"fuse_bias\"]},"
        " \"convert_input_layout\": {\"0\": {\"src\": \"NHWC\", \"dst\": \"NCHW\"}}, \"image\": {\"classes\": [\"a\", "
        "\"b\"]}}";
    uint64_t seed = 271828;
    qn_rng rng;
    int refused = 0;
    print_message("seed %llu\n", (unsigned long long)seed);
    qn_rng_init(&rng, seed);
    qn_config *fine = config_of("{}");
    expect_ok(qn_config_merge_text(fine, sound, "origin"));
    qn_config_destroy(fine);
    for (int round = 0; round < 4000; round++) {
        char text[sizeof sound];
        memcpy(text, sound, sizeof sound);
        for (int64_t changes = qn_rng_range(&rng, 1, 4); changes; changes--)
            text[qn_rng_range(&rng, 0, (int64_t)sizeof sound - 2)] = (char)qn_rng_range(&rng, 1, round % 2 ? 255 : 127);
        qn_config *config = filled();
        qn_status *status = qn_config_merge_text(config, text, "origin");
        if (status) assert_string_equal(qn_config_text(config), kept);
        refused += status != NULL;
        qn_status_free(status);
        qn_config_destroy(config);
    }
    assert_true(refused > 2000);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_key_refuses_what_it_does_not_take_by_name),
        cmocka_unit_test(a_list_of_choices_is_no_choice),
        cmocka_unit_test(what_follows_a_good_key_does_not_let_it_through),
        cmocka_unit_test(texts_that_are_no_object_are_refused),
        cmocka_unit_test(nesting_without_end_is_refused),
        cmocka_unit_test(very_long_keys_are_refused),
        cmocka_unit_test(bytes_changed_at_random_never_crash),
    };
    return cmocka_run_group_tests_name("driver/config_damage", tests, NULL, NULL);
}
