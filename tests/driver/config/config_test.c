/* The build configuration: merging, what is refused and how it is told, setters, the effective configuration, the
 * schema. */
#include "driver_case.h"

#include "driver/config/config.h"
#include "driver/config/config_check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static qn_config *empty(void) { return config_of(NULL); }

/* `json` in single quotes. */
static qn_status *merge(qn_config *config, const char *json) {
    char *text = strdup(json);
    for (char *c = text; *c; c++)
        if (*c == '\'') *c = '"';
    qn_status *status = qn_config_merge_text(config, text, "test");
    free(text);
    return status;
}

static void refuse(const char *json, qn_code code, const char *words) {
    qn_config *config = empty();
    expect_refused(merge(config, json), code, words);
    assert_string_equal(qn_config_text(config), "{}"); /* as it was */
    qn_config_destroy(config);
}

static void later_texts_win_and_objects_merge_key_by_key(void **state) {
    (void)state;
    qn_config *config = empty();
    expect_ok(
        merge(config, "{'debug_config': {'fusion_enable': false}, 'dim_range': {'0': {'min': [1], 'max': [2]}}}"));
    expect_ok(merge(config,
                    "{'debug_config': {'skip_passes': ['fuse_bias']}, 'dim_range': {'1': {'min': [3], 'max': [3]}}}"));
    expect_ok(merge(config, "{'dim_range': {'0': {'min': [4], 'max': [5]}}}"));
    assert_string_equal(qn_config_text(config),
                        "{\"debug_config\":{\"fusion_enable\":false,\"skip_passes\":[\"fuse_bias\"]},"
                        "\"dim_range\":{\"0\":{\"max\":[5],\"min\":[4]},\"1\":{\"max\":[3],\"min\":[3]}}}");
    qn_config_destroy(config);
}

static void unknown_and_misspelt_keys_are_refused_with_the_nearest(void **state) {
    (void)state;
    refuse("{'graph_shape_mutabel': true}", QN_INVALID_ARGUMENT,
           "key 'graph_shape_mutabel' is unknown; did you mean 'graph_shape_mutable'?");
    refuse("{'fusion_enable': true}", QN_INVALID_ARGUMENT, "did you mean 'debug_config.fusion_enable'?");
    refuse("{'debug_config.fusion_enable': true}", QN_INVALID_ARGUMENT, "write an object for each part");
    refuse("{'zzzzzzzzzzzzzzzz': 1}", QN_INVALID_ARGUMENT, "key 'zzzzzzzzzzzzzzzz' is unknown");
    refuse("{'image': {'colour': 'RGB'}}", QN_INVALID_ARGUMENT, "did you mean 'image.color'?");
}

static void wrong_types_are_refused_with_what_was_expected(void **state) {
    (void)state;
    refuse("{'graph_shape_mutable': 'yes'}", QN_INVALID_ARGUMENT,
           "key 'graph_shape_mutable': expected true or false, found a text");
    refuse("{'debug_config': true}", QN_INVALID_ARGUMENT, "key 'debug_config': expected an object, found true");
    refuse("{'computation_preference': 3}", QN_INVALID_ARGUMENT, "expected a text, found 3");
    refuse("{'debug_config': {'skip_passes': 'fuse_bias'}}", QN_INVALID_ARGUMENT, "expected an array of pass names");
    refuse("{'debug_config': {'print_ir': {'print_level': 3}}}", QN_INVALID_ARGUMENT, "expected 0, 1 or 2");
    refuse("{'precision_config': {'rounding_iterations': -1}}", QN_INVALID_ARGUMENT, "an integer from 0 to 1000000");
    refuse("{'precision_config': {'rounding_iterations': 1.5}}", QN_INVALID_ARGUMENT, "an integer from 0 to 1000000");
    refuse("{'precision_config': {'rounding_iterations': 1000001}}", QN_INVALID_ARGUMENT,
           "an integer from 0 to 1000000");
    refuse("{'archs': 'native'}", QN_INVALID_ARGUMENT, "expected an array of names, found a text");
    refuse("{'image': {'scale': 0}}", QN_INVALID_ARGUMENT, "a number above 0");
    refuse("{'image': {'std': [1, 0, 1]}}", QN_INVALID_ARGUMENT, "a number above 0");
    refuse("{'image': {'mean': [1, 2]}}", QN_INVALID_ARGUMENT,
           "2 numbers, expected one for all channels or one per channel");
    refuse("{'image': {'pad_value': 256}}", QN_INVALID_ARGUMENT, "from 0 to 255");
    refuse("{'image': {'decode': {'logits': 4}}}", QN_INVALID_ARGUMENT, "axis 1 or 3");
    refuse("{'image': {'palette': [[1, 2]]}}", QN_INVALID_ARGUMENT, "a colour [red, green, blue]");
    refuse("{'image': {'classes': []}}", QN_INVALID_ARGUMENT, "0 names, expected 1 to 256");
    refuse("{'image': {'input': ''}}", QN_INVALID_ARGUMENT, "expected a name");
    refuse("[1]", QN_INVALID_ARGUMENT, "expected a JSON object, found an array");
}

static void what_is_no_json_is_refused_with_its_line(void **state) {
    (void)state;
    refuse("{\n'archs': [}", QN_INVALID_ARGUMENT, "line 2: no JSON");
    refuse("", QN_INVALID_ARGUMENT, "no JSON");
    refuse("{'archs': [], 'archs': []}", QN_INVALID_ARGUMENT, "duplicate");
}

static void nesting_a_hundred_thousand_deep_is_refused(void **state) {
    (void)state;
    enum { DEPTH = 100000 };
    char *text = malloc(DEPTH + 1);
    for (int kind = 0; kind < 2; kind++) {
        memset(text, "[{"[kind], DEPTH);
        text[DEPTH] = 0;
        refuse(text, QN_LIMIT, "nested deeper than 64 levels");
    }
    free(text);
}

static void bad_ranges_are_refused(void **state) {
    (void)state;
    refuse("{'dim_range': {'0': {'min': [1, 9], 'max': [1, 8]}}}", QN_INVALID_ARGUMENT,
           "key 'dim_range.0': dim 1: min 9 is above max 8");
    refuse("{'dim_range': {'0': {'min': [1, 9], 'max': [9]}}}", QN_INVALID_ARGUMENT, "'min' has 2 dims, 'max' has 1");
    refuse("{'dim_range': {'0': {'min': [0], 'max': [9]}}}", QN_INVALID_ARGUMENT, "integers, at least 1"); /* batch 0 */
    refuse("{'dim_range': {'0': {'min': [-1], 'max': [9]}}}", QN_INVALID_ARGUMENT, "integers, at least 1");
    refuse("{'dim_range': {'0': {'min': [1.5], 'max': [9]}}}", QN_INVALID_ARGUMENT, "integers, at least 1");
    refuse("{'dim_range': {'0': {'min': [1]}}}", QN_INVALID_ARGUMENT, "exactly 'min' and 'max'");
    refuse("{'dim_range': {'0': {'min': [1], 'max': 3}}}", QN_INVALID_ARGUMENT, "'max' to be an array, found 3");
    refuse("{'dim_range': {'x': {'min': [1], 'max': [9]}}}", QN_INVALID_ARGUMENT, "expected the number of an input");
    refuse("{'dim_range': {'': {'min': [1], 'max': [9]}}}", QN_INVALID_ARGUMENT, "expected the number of an input");
    refuse("{'dim_range': []}", QN_INVALID_ARGUMENT, "expected an object, found an array");
}

static void bad_ranges_of_values_are_refused(void **state) {
    (void)state;
    qn_config *config = empty();
    expect_ok(
        merge(config, "{'custom_ranges': {'': {'max': [1], 'min': [-1]}, 'a': {'min': [0, 0.5], 'max': [0, 2]}}}"));
    qn_config_destroy(config);
    refuse("{'custom_ranges': {'a': {'min': [2], 'max': [1]}}}", QN_INVALID_ARGUMENT,
           "key 'custom_ranges.a': number 0: min 2 is above max 1");
    refuse("{'custom_ranges': {'a': {'min': [0, 0], 'max': [1]}}}", QN_INVALID_ARGUMENT, "as many numbers as 'min'");
    refuse("{'custom_ranges': {'a': {'min': [], 'max': []}}}", QN_INVALID_ARGUMENT, "'min' to be an array of numbers");
    refuse("{'custom_ranges': {'a': {'min': 0, 'max': 1}}}", QN_INVALID_ARGUMENT, "'min' to be an array of numbers");
    refuse("{'custom_ranges': {'a': {'min': [0], 'max': [1e39]}}}", QN_INVALID_ARGUMENT,
           "'max' to be an array of numbers");
    refuse("{'custom_ranges': {'a': {'min': [0]}}}", QN_INVALID_ARGUMENT, "exactly 'min' and 'max'");
    refuse("{'custom_ranges': []}", QN_INVALID_ARGUMENT, "expected an object, found an array");
}

static void bad_layouts_are_refused(void **state) {
    (void)state;
    refuse("{'convert_input_layout': {'0': {'src': 'NHWC', 'dst': 'NHWC'}}}", QN_INVALID_ARGUMENT,
           "'src' and 'dst' are both NHWC");
    refuse("{'convert_input_layout': {'0': {'src': 'NHWC', 'dst': 'NTC'}}}", QN_INVALID_ARGUMENT,
           "NHWC cannot become NTC");
    refuse("{'convert_output_layout': {'0': {'src': 'HWCN', 'dst': 'NHWC'}}}", QN_UNSUPPORTED,
           "'HWCN' is not possible, allowed: NCT");
    refuse("{'convert_output_layout': {'0': {'src': 'NHWC'}}}", QN_INVALID_ARGUMENT, "exactly 'src' and 'dst'");
    refuse("{'convert_output_layout': {'0': {'src': 'NHWC', 'dst': 4}}}", QN_INVALID_ARGUMENT, "'dst' to be a text");
    refuse("{'convert_output_layout': {'one': {'src': 'NHWC', 'dst': 'NCHW'}}}", QN_INVALID_ARGUMENT,
           "the number of an input or output");
}

static void bad_normalisations_are_refused(void **state) {
    (void)state;
    refuse("{'insert_bn_before_firstnode': {'0': {'mean': [1, 2], 'var': [1]}}}", QN_INVALID_ARGUMENT,
           "'mean' has 2 numbers, 'var' has 1");
    refuse("{'insert_bn_before_firstnode': {'0': {'mean': [1], 'var': [0]}}}", QN_INVALID_ARGUMENT,
           "'var' number 0: expected a number above 0");
    refuse("{'insert_bn_before_firstnode': {'0': {'mean': [], 'var': []}}}", QN_INVALID_ARGUMENT,
           "'mean' to be an array of numbers");
    refuse("{'insert_bn_before_firstnode': {'0': {'mean': ['a'], 'var': [1]}}}", QN_INVALID_ARGUMENT,
           "'mean' to be an array of numbers, found a text");
    refuse("{'insert_bn_before_firstnode': {'0': {'mean': [1], 'std': [1]}}}", QN_INVALID_ARGUMENT,
           "exactly 'mean' and 'var'");
}

static void what_this_version_lacks_is_refused_with_the_reason(void **state) {
    (void)state;
    refuse("{'computation_preference': 'fast'}", QN_UNSUPPORTED, "native half precision");
    refuse("{'precision_config': {'precision_mode': 'qint4_mixed_float16'}}", QN_UNSUPPORTED,
           "'qint4_mixed_float16' is not possible, allowed: force_float32");
    refuse("{'precision_config': {'weight_quant_granularity': 'per_channel'}}", QN_UNSUPPORTED, "one for each output");
    refuse("{'precision_config': {'weight_type': 'int4'}}", QN_UNSUPPORTED,
           "'int4' is not possible, allowed: int8, int16");
    refuse("{'precision_config': {'activation_quant_algo': 'EQNM'}}", QN_UNSUPPORTED, "where the range wants it");
    refuse("{'archs': ['z80']}", QN_UNSUPPORTED, "'z80' is not possible, allowed: x86_64-avx2");
    refuse("{'image': {'palette': 'colours.txt'}}", QN_UNSUPPORTED, "segment --palette FILE");
    refuse("{'image': {'color': 'YUV'}}", QN_UNSUPPORTED, "allowed: RGB, BGR, GRAY");
    refuse("{'debug_config': {'skip_passes': ['fuse_bais']}}", QN_INVALID_ARGUMENT,
           "there is no pass 'fuse_bais'; nearest: fuse_bias");
}

static void wishes_for_nodes_have_a_form(void **state) {
    (void)state;
    qn_config *config = empty();
    expect_ok(merge(
        config,
        "{'custom_nodes': {'IConvDepthwiseNode': {'input': {'0': {'quant_granularity': 'per_axis'}}},"
        " 'a/b:1': {'precision': 'int16', 'input': {'1': {'quant_granularity': 'per_tensor', 'type': 'int8'}}}}}"));
    expect_ok(qn_config_set(config, "custom_nodes", "{\"softmax\": {\"precision\": \"float32\"}}"));
    qn_config_destroy(config);
    refuse("{'custom_nodes': []}", QN_INVALID_ARGUMENT, "key 'custom_nodes': expected an object");
    refuse("{'custom_nodes': {'conv2d': 'int8'}}", QN_INVALID_ARGUMENT,
           "key 'custom_nodes.conv2d': expected an object");
    refuse("{'custom_nodes': {'conv2d': {'precisoin': 'int8'}}}", QN_INVALID_ARGUMENT,
           "key 'custom_nodes.conv2d' has no member 'precisoin'; did you mean 'precision'?");
    refuse("{'custom_nodes': {'conv2d': {'precision': 'int4'}}}", QN_INVALID_ARGUMENT,
           "float32, float16, int8 or int16");
    refuse("{'custom_nodes': {'conv2d': {'precision': 8}}}", QN_INVALID_ARGUMENT, "float32, float16, int8 or int16");
    refuse("{'custom_nodes': {'conv2d': {'input': {'2': {'quant_granularity': 'per_axis'}}}}}", QN_INVALID_ARGUMENT,
           "\"0\" or \"1\" in 'input'");
    refuse("{'custom_nodes': {'conv2d': {'input': {'0': {'granularity': 'per_axis'}}}}}", QN_INVALID_ARGUMENT,
           "no member 'granularity'");
    refuse("{'custom_nodes': {'conv2d': {'input': {'0': {'quant_granularity': 'per_row'}}}}}", QN_INVALID_ARGUMENT,
           "per_tensor or per_axis");
    refuse("{'custom_nodes': {'conv2d': {'input': {'0': {}}}}}", QN_INVALID_ARGUMENT, "an object for each input");
    refuse("{'custom_nodes': {'conv2d': {'input': {'0': {'type': 'int8'}}}}}", QN_INVALID_ARGUMENT, "only for input 1");
    refuse("{'custom_nodes': {'conv2d': {'input': {'1': {'type': 'float16'}}}}}", QN_INVALID_ARGUMENT,
           "'type' int8 or int16");
    refuse("{'custom_nodes': {'conv2d': {'input': ['per_axis']}}}", QN_INVALID_ARGUMENT, "'input' to be an object");
}

static void asking_for_a_default_is_no_wish(void **state) {
    (void)state;
    qn_config *config = empty();
    expect_ok(merge(config, "{'custom_nodes': {}, 'custom_ranges': {}}"));
    qn_config_destroy(config);
}

static void keys_of_that_vendors_chip_are_accepted_with_one_warning_each(void **state) {
    (void)state;
    case_log log;
    qn_config *config;
    case_log_init(&log);
    expect_ok(qn_config_create(&log.log, &config));
    expect_ok(merge(config, "{'opt_config': {'tfu_enable': true}, 'crop_config': {'mtp_372': {}}, 'archs': "
                            "[{'mtp_372': [6, 8]}, 'tp_322', 'native']}"));
    assert_int_equal(log.warnings, 3);
    assert_non_null(strstr(log.text, "key 'opt_config.tfu_enable' means nothing on a CPU"));
    assert_non_null(strstr(log.text, "key 'archs' names chips of another maker"));
    expect_ok(merge(config, "{'archs': ['x86_64-avx2', 'aarch64-dotprod']}"));
    assert_int_equal(log.warnings, 3);
    refuse("{'archs': [{'mtp_372': [0]}]}", QN_INVALID_ARGUMENT, "cluster numbers from 1 on");
    qn_config_destroy(config);
}

static void setters_take_json_or_a_plain_word(void **state) {
    (void)state;
    qn_config *config = empty();
    expect_ok(qn_config_set(config, "debug_config.fusion_enable", "false"));
    expect_ok(qn_config_set(config, "computation_preference", "high_precision"));
    expect_ok(qn_config_set(config, "image.input", "\"x:0\""));
    expect_ok(qn_config_set(config, "image.decode", "{\"logits\": 1}"));
    expect_ok(qn_config_set(config, "dim_range", "{\"0\": {\"min\": [1], \"max\": [8]}}"));
    expect_ok(qn_config_set(config, "debug_config.print_ir.before_build", "true"));
    assert_string_equal(qn_config_text(config),
                        "{\"computation_preference\":\"high_precision\",\"debug_config\":{\"fusion_enable\":false,"
                        "\"print_ir\":{\"before_build\":true}},\"dim_range\":{\"0\":{\"max\":[8],\"min\":[1]}},"
                        "\"image\":{\"decode\":{\"logits\":1},\"input\":\"x:0\"}}");
    expect_refused(qn_config_set(config, "debug_config.fusion_enabel", "false"), QN_INVALID_ARGUMENT,
                   "did you mean 'debug_config.fusion_enable'?");
    expect_refused(qn_config_set(config, "debug_config.fusion_enable", "no"), QN_INVALID_ARGUMENT, "no JSON");
    expect_refused(qn_config_set(config, "computation_preference", "fast"), QN_UNSUPPORTED, "native half precision");
    expect_refused(qn_config_set(config, "computation_preference", ""), QN_UNSUPPORTED, "'' is not possible");
    qn_config_destroy(config);
}

static void a_file_merges_like_a_text(void **state) {
    (void)state;
    char path[] = "/tmp/quench-config-XXXXXX";
    int file = mkstemp(path);
    const char text[] = "{\"graph_shape_mutable\": false}";
    assert_int_equal(write(file, text, sizeof text - 1), sizeof text - 1);
    close(file);
    qn_config *config = empty();
    expect_ok(qn_config_merge_file(config, path));
    assert_int_equal(qn_config_bool(config, "graph_shape_mutable", 1), 0);
    unlink(path);
    expect_refused(qn_config_merge_file(config, path), QN_NOT_FOUND, path);
    qn_config_destroy(config);
}

static void the_effective_configuration_has_every_default(void **state) {
    (void)state;
    qn_config *config = empty();
    expect_ok(merge(config, "{'opt_config': {'conv_scale_fold': false}}"));
    json_t *effective = json_loads(qn_config_effective_text(config), 0, NULL);
    const qn_config found = {.root = effective};
    for (size_t i = 0; i < qn_config_key_count(); i++) {
        const qn_config_key *key = qn_config_key_at(i);
        if (!key->fallback) continue;
        if (!qn_config_find(&found, key->path)) fail_msg("'%s' is missing", key->path);
        qn_config *again = empty(); /* a default must be a value that the key takes */
        char text[512];
        snprintf(text, sizeof text, "%s", key->fallback);
        expect_ok(qn_config_set(again, key->path, text));
        qn_config_destroy(again);
    }
    assert_int_equal(qn_config_bool(&found, "opt_config.conv_scale_fold", 1), 0);
    assert_int_equal(qn_config_bool(&found, "graph_shape_mutable", 0), 1);
    assert_int_equal(qn_config_int(&found, "debug_config.print_ir.print_level", 9), 1);
    expect_ok(qn_config_merge_text(config, qn_config_effective_text(config), "itself"));
    json_decref(effective);
    qn_config_destroy(config);
}

static void the_effective_configuration_is_stored_in_the_file(void **state) {
    (void)state;
    qn_model *model = build_of("input %x : f32[2]\n%y = relu(%x)\noutput %y\n", "{'archs': ['native']}");
    expect_meta(model, "config.archs", "['native']");
    expect_meta(model, "config.graph_shape_mutable", "true");
    expect_meta(model, "config.precision_config.precision_mode", "'force_float32'");
    qn_model_destroy(model);
    model = build_of("input %x : f32[2]\n%y = relu(%x)\noutput %y\n", NULL);
    expect_meta(model, "config.archs", "[]");
    qn_model_destroy(model);
}

/* ---- The schema ---- */

static json_t *load_schema(void) {
    json_error_t error;
    json_t *schema = json_load_file(QN_SOURCE_DIR "/docs/configuration.schema.json", JSON_REJECT_DUPLICATES, &error);
    if (!schema) fail_msg("line %d: %s", error.line, error.text);
    return schema;
}

/* The schema's entry of a dotted path, or NULL. */
static const json_t *entry_of(const json_t *schema, const char *path) {
    char name[128];
    while (schema && *path) {
        size_t length = strcspn(path, ".");
        snprintf(name, sizeof name, "%.*s", (int)length, path);
        schema = json_object_get(json_object_get(schema, "properties"), name);
        path += length + (path[length] == '.');
    }
    return schema;
}

static void every_key_is_in_the_schema_with_its_default(void **state) {
    (void)state;
    json_t *schema = load_schema();
    for (size_t i = 0; i < qn_config_key_count(); i++) {
        const qn_config_key *key = qn_config_key_at(i);
        const json_t *entry = entry_of(schema, key->path);
        if (!entry) fail_msg("'%s' is not in docs/configuration.schema.json", key->path);
        if (!json_string_value(json_object_get(entry, "description"))) fail_msg("'%s' has no description", key->path);
        json_t *fallback = key->fallback ? json_loads(key->fallback, JSON_DECODE_ANY, NULL) : NULL;
        const json_t *written = json_object_get(entry, "default");
        if (fallback ? !written || !json_equal(written, fallback) : written != NULL)
            fail_msg("'%s': the schema's default is another", key->path);
        json_decref(fallback);
    }
    json_decref(schema);
}

/* An array of texts as config_keys.def lists them: "a, b". */
static void join(const json_t *texts, char *out, size_t size) {
    size_t i;
    json_t *text;
    *out = 0;
    json_array_foreach((json_t *)texts, i, text) {
        size_t used = strlen(out);
        snprintf(out + used, size - used, "%s%s", i ? ", " : "", json_string_value(text));
    }
}

static void words_in_the_schema_are_those_that_are_allowed(void **state) {
    (void)state;
    json_t *schema = load_schema();
    for (size_t i = 0; i < qn_config_key_count(); i++) {
        const qn_config_key *key = qn_config_key_at(i);
        char words[512];
        if (key->kind != QN_CONFIG_TEXT) continue;
        join(json_object_get(entry_of(schema, key->path), "enum"), words, sizeof words);
        assert_string_equal(words, key->allowed);
    }
    json_decref(schema);
}

static size_t count_leaves(const json_t *schema, const char *prefix) {
    const char *name;
    json_t *entry;
    size_t count = 0;
    json_object_foreach(json_object_get(schema, "properties"), name, entry) {
        char path[256];
        const qn_config_key *key;
        snprintf(path, sizeof path, "%s%s%s", prefix, *prefix ? "." : "", name);
        expect_ok(qn_config_key_find(path, "schema", &key));
        count++;
        if (key->kind == QN_CONFIG_OBJECT) count += count_leaves(entry, path);
    }
    return count;
}

static void the_schema_knows_no_other_keys(void **state) {
    (void)state;
    json_t *schema = load_schema();
    assert_int_equal(count_leaves(schema, ""), qn_config_key_count());
    json_decref(schema);
}

static void every_key_is_in_the_documentation(void **state) {
    (void)state;
    static char text[1 << 16];
    FILE *file = fopen(QN_SOURCE_DIR "/docs/configuration.md", "r");
    assert_non_null(file);
    text[fread(text, 1, sizeof text - 1, file)] = 0;
    fclose(file);
    for (size_t i = 0; i < qn_config_key_count(); i++) {
        char quoted[160];
        if (qn_config_key_at(i)->kind == QN_CONFIG_OBJECT) continue;
        snprintf(quoted, sizeof quoted, "`%s`", qn_config_key_at(i)->path);
        if (!strstr(text, quoted)) fail_msg("docs/configuration.md does not mention %s", quoted);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(later_texts_win_and_objects_merge_key_by_key),
        cmocka_unit_test(unknown_and_misspelt_keys_are_refused_with_the_nearest),
        cmocka_unit_test(wrong_types_are_refused_with_what_was_expected),
        cmocka_unit_test(what_is_no_json_is_refused_with_its_line),
        cmocka_unit_test(nesting_a_hundred_thousand_deep_is_refused),
        cmocka_unit_test(bad_ranges_are_refused),
        cmocka_unit_test(bad_ranges_of_values_are_refused),
        cmocka_unit_test(bad_layouts_are_refused),
        cmocka_unit_test(bad_normalisations_are_refused),
        cmocka_unit_test(what_this_version_lacks_is_refused_with_the_reason),
        cmocka_unit_test(wishes_for_nodes_have_a_form),
        cmocka_unit_test(asking_for_a_default_is_no_wish),
        cmocka_unit_test(keys_of_that_vendors_chip_are_accepted_with_one_warning_each),
        cmocka_unit_test(setters_take_json_or_a_plain_word),
        cmocka_unit_test(a_file_merges_like_a_text),
        cmocka_unit_test(the_effective_configuration_has_every_default),
        cmocka_unit_test(the_effective_configuration_is_stored_in_the_file),
        cmocka_unit_test(every_key_is_in_the_schema_with_its_default),
        cmocka_unit_test(words_in_the_schema_are_those_that_are_allowed),
        cmocka_unit_test(the_schema_knows_no_other_keys),
        cmocka_unit_test(every_key_is_in_the_documentation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
