/* What a compiled file says of itself: sound where quench wrote it, named where it is wrong. */
#include "driver_case.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "model/sections.h"

#define NET                                                                                                            \
    "input %x : f32[1, 4, 4, 2]\n"                                                                                     \
    "const %w : f32[3, 3, 2, 4] = random 1\n"                                                                          \
    "%c = conv2d(%x, %w) {padding=same_upper}\n"                                                                       \
    "output %c\n"

/* The program of `model` with another meta text. */
static qn_status *load_with(const qn_model *model, const char *meta, qn_model **out_model) {
    qn_buffer file;
    size_t bytes;
    const void *data = qn_model_bytes(model, &bytes);
    qn_buffer_init(&file, NULL);
    *out_model = NULL;
    qn_status *status = sections_with_meta((qn_bytes){data, bytes}, meta, &file);
    if (!status) status = qn_model_load_memory(file.data, file.size, QN_MEMORY_COPY, NULL, out_model);
    qn_buffer_deinit(&file);
    return status;
}

/* In single quotes, as config_of(). */
static char *with_quotes(const char *json) {
    char *text = strdup(json);
    assert_non_null(text);
    for (char *at = text; *at; at++)
        if (*at == '\'') *at = '"';
    return text;
}

static void expect_wrong(const qn_model *model, const char *json, const char *words) {
    qn_model *changed;
    char *text = with_quotes(json);
    expect_ok(load_with(model, text, &changed));
    expect_refused(qn_model_check_meta(changed), QN_INVALID_MODEL, words);
    qn_model_destroy(changed);
    free(text);
}

static void what_builds_write_is_sound(void **state) {
    (void)state;
    static const char *const configs[] = {NULL, "{'enable_refit': true}",
                                          "{'precision_config': {'precision_mode': 'force_float16'}}",
                                          "{'convert_input_layout': {'0': {'src': 'NHWC', 'dst': 'NCHW'}}}",
                                          "{'graph_shape_mutable': false, 'enable_refit': true}"};
    for (size_t i = 0; i < sizeof configs / sizeof *configs; i++) {
        qn_model *model = build_of(NET, configs[i]);
        expect_ok(qn_model_check_meta(model));
        qn_model_destroy(model);
    }
}

static void members_of_other_types_are_named(void **state) {
    (void)state;
    static const struct {
        const char *json, *words;
    } rows[] = {
        {"", "meta: line 1: no JSON"},
        {"{", "meta: line 1: no JSON"},
        {"[]", "meta: expected a JSON object, found an array"},
        {"{'quench': '1'} x", "no JSON"},
        {"{'quench': '\xff'}", "no JSON"},
        {"{'quench': 1}", "meta: quench: expected a text, found an integer: 1"},
        {"{'source': []}", "meta: source: expected an object, found an array"},
        {"{'source': {'format': 'x', 'name': 'y', 'bytes': -1, 'xxh3': '0123456789abcdef'}}", "source.bytes"},
        {"{'source': {'format': 'x', 'name': 'y', 'bytes': 1, 'xxh3': '0123456789abcdeg'}}", "source.xxh3"},
        {"{'source': {'format': 'x', 'name': {}, 'bytes': 1, 'xxh3': '0123456789abcdef'}}", "source.name"},
        {"{'config': 7}", "meta: config: expected an object"},
        {"{'config': {'precision_config': {'precision_mode': 'int3'}}}", "precision_mode"},
        {"{'config': {'nonsense': 1}}", "nonsense"},
        {"{'declared': {}}", "meta: declared: expected an array"},
        {"{'declared': [1]}", "meta: declared.0: expected an array"},
        {"{'declared': [[1], [1, 2.5]]}", "meta: declared.1: expected an integer from -1"},
        {"{'declared': [[-2]]}", "declared.0"},
        {"{'pinned': 'x'}", "pinned"},
        {"{'pinned': [7]}", "meta: pinned.0: expected an object"},
        {"{'pinned': [{'input': 'x', 'axis': 8, 'size': 1, 'reason': ''}]}", "pinned.0.axis"},
        {"{'pinned': [{'input': 'x', 'axis': 1, 'size': '1', 'reason': ''}]}", "pinned.0.size"},
        {"{'pinned': [{'input': 'x', 'axis': 1, 'size': 1, 'reason': null}]}", "pinned.0.reason"},
        {"{'image': []}", "image"},
        {"{'image': {'input': 'x'}}", "meta: image.output: expected a text, found nothing"},
        {"{'image': {'input': 'x', 'output': 'y', 'axis': 3.5}}", "image.axis"},
        {"{'image': {'input': 'x', 'output': 'y', 'class_count': -1}}", "image.class_count"},
        {"{'image': {'input': 'x', 'output': 'y', 'mean': [1, 'a']}}", "image.mean"},
        {"{'image': {'input': 'x', 'output': 'y', 'classes': ['a', 1]}}", "image.classes"},
        {"{'image': {'input': 'x', 'output': 'y', 'palette': [[1, 2, 256]]}}", "image.palette"},
        {"{'image': {'input': 'x', 'output': 'y', 'palette': [[1, 2]]}}", "image.palette"},
        {"{'image': {'input': 'x', 'output': 'y', 'palette': '/etc/passwd'}}", "expected voc, ade20k, cityscapes"},
        {"{'image': {'input': 'x', 'output': 'y', 'classes': 'names.txt'}}", "expected voc, ade20k, cityscapes"},
        {"{'refit': 1}", "refit"},
        {"{'refit': {}}", "refit"},
        {"{'refit': {'weight_bytes': 64, 'graph': 'x', 'precisions': {}}}", "refit"},
        {"{'refit': {'weight_bytes': 1000000000, 'graph': '', 'precisions': {}}}", "not in the constants"}};
    qn_model *model = build_of(NET, NULL);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) expect_wrong(model, rows[i].json, rows[i].words);
    qn_model_destroy(model);
}

static void members_of_the_same_name_are_named(void **state) {
    (void)state;
    qn_model *model = build_of(NET, NULL);
    expect_wrong(model, "{'quench': '1', 'quench': '2'}", "duplicate key 'quench'");
    expect_wrong(model, "{'config': {'archs': [], 'archs': []}}", "duplicate key 'archs'");
    qn_model_destroy(model);
}

static void members_of_newer_versions_are_left_alone(void **state) {
    (void)state;
    qn_model *model = build_of(NET, NULL), *changed;
    expect_ok(load_with(model, "{\"quench\": \"9\", \"novelty\": [{}], \"declared\": []}", &changed));
    expect_ok(qn_model_check_meta(changed));
    qn_model_destroy(changed);
    qn_model_destroy(model);
}

/* `depth` arrays within each other. */
static char *nested(int depth, const char *before, const char *after) {
    char *text = malloc(strlen(before) + strlen(after) + 2 * (size_t)depth + 1), *at = text;
    assert_non_null(text);
    at += strlen(strcpy(at, before));
    for (int i = 0; i < depth; i++) *at++ = '[';
    for (int i = 0; i < depth; i++) *at++ = ']';
    strcpy(at, after);
    return text;
}

static void deep_nesting_is_refused_when_the_file_is_loaded(void **state) {
    (void)state;
    static const int depths[] = {QN_JSON_DEPTH_MAX, 1000, 2040, 100000, 3000000};
    qn_model *model = build_of(NET, NULL), *changed;
    for (size_t i = 0; i < sizeof depths / sizeof *depths; i++) {
        char *text = nested(depths[i], "{\"a\\\"[\": ", "}");
        expect_refused(load_with(model, text, &changed), QN_INVALID_MODEL, "meta: JSON nested deeper than 64 levels");
        free(text);
        text = nested(depths[i], "{\"a\": \"", "\"}"); /* in a text it is no nesting */
        expect_ok(load_with(model, text, &changed));
        qn_model_destroy(changed);
        free(text);
    }
    char *text = nested(QN_JSON_DEPTH_MAX - 1, "{\"a\": ", "}");
    expect_ok(load_with(model, text, &changed));
    expect_ok(qn_model_check_meta(changed));
    qn_model_destroy(changed);
    free(text);
    qn_model_destroy(model);
}

/* Any byte of it may be anything: an answer, and no crash. */
static void damaged_meta_is_sound_or_refused(void **state) {
    (void)state;
    qn_model *model = build_of(NET, "{'enable_refit': true}"), *changed;
    char *text = strdup(qn_model_get_info(model)->meta);
    qn_rng rng;
    int refused = 0;
    assert_non_null(text);
    qn_rng_init(&rng, 1);
    for (int i = 0; i < 400; i++) {
        const size_t at = (size_t)qn_rng_range(&rng, 0, (int64_t)strlen(text) - 1);
        const char kept = text[at];
        text[at] = "{}[]\",:0a\x80\\"[qn_rng_range(&rng, 0, 10)];
        expect_ok(load_with(model, text, &changed));
        qn_status *status = qn_model_check_meta(changed);
        if (status) assert_int_equal(qn_status_code(status), QN_INVALID_MODEL);
        refused += status != NULL;
        qn_status_free(status);
        qn_model_destroy(changed);
        text[at] = kept;
    }
    assert_true(refused > 100);
    free(text);
    qn_model_destroy(model);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_builds_write_is_sound),
        cmocka_unit_test(members_of_other_types_are_named),
        cmocka_unit_test(members_of_the_same_name_are_named),
        cmocka_unit_test(members_of_newer_versions_are_left_alone),
        cmocka_unit_test(deep_nesting_is_refused_when_the_file_is_loaded),
        cmocka_unit_test(damaged_meta_is_sound_or_refused),
    };
    return cmocka_run_group_tests_name("driver/meta_check", tests, NULL, NULL);
}
