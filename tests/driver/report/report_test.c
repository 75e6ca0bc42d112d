/* The report of an integer build: what it measures, what it adds up to, what it finds missing, and hostile names. */
#include "driver_case.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

#define HOSTILE "<script>alert(1)</script>&\\\"'"

static const char *const network =
    "symbol h [4, 8]\n"
    "input %x : f32[1, h, 8, 3]\n"
    "const %a : f32[1, 1, 3, 4] = {1, 2, 3, 0, 0.5, -1, 1, 0, 0.25, 1, -2, 0}\n"
    "const %b : f32[4] = {0.5, 0, 1, 0}\n"
    "const %c : f32[3, 3, 1, 4] = {1, 2, 3, 4, 1, 2, 3, 4, 1, 2, 3, 4, 1, 2, 3, 4, 1, 2, 3, 4, "
    "1, 2, 3, 4, 1, 2, 3, 4, 1, 2, 3, 4, -1, -2, 3, 4}\n"
    "const %d : f32[1, 1, 4, 2] = {1, -1, 2, 0.5, 0.25, 4, 1, 1}\n"
    "%first = conv2d(%x, %a)\n"
    "%biased = add(%first, %b)\n"
    "%\"" HOSTILE "\" = relu6(%biased)\n"
    "%deep = conv2d(%\"" HOSTILE "\", %c) {padding=same_upper, groups=4}\n"
    "%y = conv2d(%deep, %d)\n"
    "output %y\n";

/* Layers as small as these would stay float by themselves. */
static const char *const integers = "{'precision_config': {'precision_mode': 'qint8_mixed_float16'}, "
                                    "'custom_nodes': {'conv2d': {'precision': 'int8'}}}";

/* ---- Samples: pictures of random numbers, of heights that differ ---- */

enum { FLOATS_MAX = 8 * 8 * 3 };

typedef struct source {
    int64_t count, at;
    int is_equal;        /* every sample is the same */
    float scale, offset; /* of channel 0; channel 2 has the opposite */
    float data[FLOATS_MAX];
} source;

static qn_status *next(void *self, qn_tensor *inputs, size_t count, int *out_has) {
    source *s = self;
    qn_rng rng;
    *out_has = s->at < s->count;
    if (!*out_has) return NULL;
    assert_int_equal(count, 1);
    qn_rng_init(&rng, s->is_equal ? 1 : (uint64_t)(s->at + 1));
    const int64_t height = s->is_equal ? 6 : 4 + s->at % 5;
    for (int i = 0; i < FLOATS_MAX; i++)
        s->data[i] = s->scale * ((float)qn_rng_range(&rng, -1000, 1000) / 1000.0f) + s->offset * (float)(1 - i % 3);
    inputs[0] = (qn_tensor){QN_DTYPE_F32, 4, {1, height, 8, 3}, s->data};
    s->at++;
    return NULL;
}

static qn_samples samples_of(source *s) {
    s->at = 0;
    return (qn_samples){.self = s, .count = s->count, .next = next};
}

/* ---- Reports ---- */

static void keep(void *self, const char *json) {
    char **text = self;
    assert_null(*text);
    *text = strdup(json);
}

typedef struct wishes {
    const char *statements, *config;
    source calibration, report;
} wishes;

static char *text_of(wishes w) {
    char *text = NULL;
    qn_network *graph = network_of(w.statements ? w.statements : network);
    qn_config *config = config_of(w.config ? w.config : integers);
    qn_calibrator *calibrator;
    qn_build_options options;
    qn_model *model;
    qn_samples calibration = samples_of(&w.calibration), report = samples_of(&w.report);
    expect_ok(qn_calibrator_create(NULL, &calibrator));
    if (w.calibration.count)
        expect_ok(qn_calibrate(calibrator, graph, config, &calibration));
    else
        expect_ok(qn_calibrator_set_fixed_range(calibrator, -4, 4));
    qn_build_options_init(&options);
    options.calibrator = calibrator;
    options.report = keep;
    options.report_self = &text;
    if (w.report.count) options.report_samples = &report;
    expect_ok(qn_build(graph, config, &options, &model));
    qn_model_destroy(model);
    qn_calibrator_destroy(calibrator);
    qn_config_destroy(config);
    qn_network_destroy(graph);
    return text;
}

static json_t *report_of(wishes w) {
    char *text = text_of(w);
    json_t *json = text ? json_loads(text, 0, NULL) : NULL;
    free(text);
    assert_non_null(json);
    return json;
}

static const wishes usual = {.calibration = {.count = 20, .scale = 1}, .report = {.count = 12, .scale = 1}};

static const json_t *at(const json_t *json, const char *a, const char *b) {
    const json_t *found = json_object_get(json_object_get(json, a), b);
    assert_non_null(found);
    return found;
}

static double number(const json_t *json, const char *name) {
    const json_t *found = json_object_get(json, name);
    if (!json_is_number(found)) fail_msg("'%s' is no number", name);
    return json_number_value(found);
}

static const char *word(const json_t *json, const char *name) {
    const char *text = json_string_value(json_object_get(json, name));
    if (!text) fail_msg("'%s' is no text", name);
    return text;
}

static int has_finding(const json_t *report, const char *kind) {
    size_t i;
    json_t *finding;
    json_array_foreach(json_object_get(report, "lacks"), i, finding) if (!strcmp(word(finding, "kind"), kind)) return 1;
    return 0;
}

/* ---- Cases ---- */

static void layers_are_measured_and_add_up(void **state) {
    (void)state;
    json_t *report = report_of(usual), *layer;
    const json_t *layers = json_object_get(report, "layers"), *totals = json_object_get(report, "totals");
    double macs = 0, ms = 0, integer_macs = 0;
    size_t i;
    assert_int_equal(json_array_size(layers), 3);
    json_array_foreach((json_t *)(uintptr_t)layers, i, layer) {
        macs += number(layer, "macs");
        ms += number(layer, "ms");
        assert_string_equal(word(layer, "op"), "conv2d");
        assert_string_equal(word(layer, "precision"), "int8");
        assert_non_null(strstr(word(layer, "reason"), "custom_nodes"));
        integer_macs += number(layer, "macs");
        const json_t *output = json_object_get(layer, "output");
        assert_true(number(output, "sqnr_db") > 20 && number(output, "sqnr_db") < 80);
        assert_true(number(output, "cosine") > 0.99 && number(output, "cosine") <= 1);
        assert_int_equal(json_array_size(at(output, "histogram", "counts")), 64);
        assert_true(json_number_value(at(layer, "weights", "low")) < json_number_value(at(layer, "weights", "high")));
    }
    assert_true(number(totals, "macs") == macs);
    assert_true(fabs(number(totals, "ms") - ms) < 1e-6 * ms);
    assert_true(number(totals, "integer_macs_share") == integer_macs / macs);
    assert_int_equal(number(totals, "integer_layers"), 3);
    assert_int_equal(number(totals, "float_layers"), 0);
    assert_int_equal(number(report, "report_samples"), 8);
    assert_int_equal(number(report, "calibration_samples"), 20);
    assert_true(number(json_array_get(json_object_get(report, "outputs"), 0), "sqnr_db") > 20);
    json_decref(report);
}

static void a_histogram_counts_every_value_once(void **state) {
    (void)state;
    wishes w = usual;
    w.report.count = 1; /* 1 x 4 x 8 x 3 floats */
    json_t *report = report_of(w), *count;
    const json_t *layer = json_array_get(json_object_get(report, "layers"), 0);
    double total = 0;
    size_t i;
    json_array_foreach((json_t *)(uintptr_t)at(json_object_get(layer, "input"), "histogram", "counts"), i, count)
        total += json_number_value(count);
    assert_int_equal(total, 4 * 8 * 3);
    json_decref(report);
}

static void dead_outputs_are_told_from_silent_ones(void **state) {
    (void)state;
    json_t *report = report_of(usual);
    const json_t *layer =
        json_array_get(json_object_get(report, "layers"), 0); /* output 3 has no weights and no bias */
    assert_int_equal(number(layer, "outputs"), 4);
    assert_int_equal(number(layer, "dead_outputs"), 1);
    assert_int_equal(number(layer, "never_alive"), 1);
    assert_true(has_finding(report, "never_alive"));
    json_decref(report);
}

static void what_lies_beyond_a_range_is_clipped(void **state) {
    (void)state;
    wishes w = usual;
    json_t *report = report_of(w);
    const json_t *layer = json_array_get(json_object_get(report, "layers"), 0);
    assert_true(number(json_object_get(layer, "input"), "clipped") == 0);
    json_decref(report);
    w.report.scale = 4; /* four times what calibration saw */
    report = report_of(w);
    layer = json_array_get(json_object_get(report, "layers"), 0);
    assert_true(number(json_object_get(layer, "input"), "clipped") > 0.5);
    assert_true(number(json_object_get(layer, "input"), "at_ends") >=
                number(json_object_get(layer, "input"), "clipped"));
    json_decref(report);
}

static void layers_that_stay_float_say_why(void **state) {
    (void)state;
    wishes w = usual;
    w.config = "{'precision_config': {'precision_mode': 'qint8_mixed_float32'}, 'custom_nodes': {'conv2d': "
               "{'precision': 'int8'}, 'deep': {'precision': 'float32'}}}";
    json_t *report = report_of(w);
    const json_t *layer = json_array_get(json_object_get(report, "layers"), 1);
    assert_string_equal(word(layer, "precision"), "float32");
    assert_non_null(strstr(word(layer, "reason"), "custom_nodes"));
    assert_true(number(json_object_get(layer, "output"), "sqnr_db") > 20);
    assert_int_equal(json_number_value(at(report, "totals", "float_layers")), 1);
    json_decref(report);
    w.config = "{'precision_config': {'precision_mode': 'qint8_mixed_float16'}}";
    report = report_of(w);
    layer = json_array_get(json_object_get(report, "layers"), 0);
    assert_string_equal(word(layer, "precision"), "float16");
    assert_non_null(strstr(word(layer, "reason"), "save no time"));
    json_decref(report);
}

static void too_few_and_equal_samples_are_found(void **state) {
    (void)state;
    wishes w = {.calibration = {.count = 3, .scale = 1, .is_equal = 1}};
    json_t *report = report_of(w);
    assert_true(has_finding(report, "few_samples"));
    assert_true(has_finding(report, "duplicates"));
    json_decref(report);
    report = report_of(usual);
    assert_false(has_finding(report, "few_samples"));
    assert_false(has_finding(report, "duplicates"));
    json_decref(report);
}

static void without_samples_there_is_still_a_report(void **state) {
    (void)state;
    json_t *report = report_of((wishes){.calibration = {.count = 0}});
    const json_t *layer = json_array_get(json_object_get(report, "layers"), 2);
    assert_true(has_finding(report, "no_samples"));
    assert_int_equal(number(report, "report_samples"), 0);
    assert_true(json_is_null(at(layer, "output", "sqnr_db")));
    assert_true(json_is_null(at(layer, "output", "histogram")));
    assert_true(number(layer, "macs") > 0);
    json_decref(report);
}

static void names_stay_what_they_are(void **state) {
    (void)state;
    json_t *report = report_of(usual);
    const json_t *layer = json_array_get(json_object_get(report, "layers"), 0);
    assert_string_equal(word(layer, "name"), "<script>alert(1)</script>&\"'");
    json_decref(report);
}

static void the_same_build_reports_the_same(void **state) {
    (void)state;
    char *first = text_of(usual), *second = text_of(usual);
    assert_string_equal(first, second);
    free(first);
    free(second);
}

/* ---- Batch norms ---- */

/* What a first layer of two outputs, channels 0 and 2 of the input, had in training. */
typedef struct trained {
    double first_mean, second_mean, variance;
    int is_spelled_out;
    float offset; /* of the samples */
} trained;

static const char *norm_network(qn_arena *arena, trained t) {
    static const char *const as_operator = "%n = batch_norm(%c, %one, %zero, %mean, %variance)\n";
    static const char *const spelled_out = "const %epsilon : f32[] = {0.001}\n"
                                           "%read = identity(%variance)\n"
                                           "%sum = add(%read, %epsilon)\n"
                                           "%root = rsqrt(%sum)\n"
                                           "%factor = mul(%root, %one)\n"
                                           "%product = mul(%c, %factor)\n"
                                           "%moved = mul(%mean, %factor)\n"
                                           "%shift = sub(%zero, %moved)\n"
                                           "%n = add(%product, %shift)\n";
    return qn_arena_printf(arena,
                           "input %%x : f32[1, 8, 8, 3]\n"
                           "const %%w : f32[1, 1, 3, 2] = {1, 0, 0, 0, 0, 1}\n"
                           "const %%one : f32[2] = {1, 1}\n"
                           "const %%zero : f32[2] = {0, 0}\n"
                           "const %%mean : f32[2] = {%g, %g}\n"
                           "const %%variance : f32[2] = {%g, %g}\n"
                           "const %%v : f32[1, 1, 2, 1] = {1, 2}\n"
                           "%%c = conv2d(%%x, %%w)\n"
                           "%s"
                           "%%r = relu(%%n)\n"
                           "%%y = conv2d(%%r, %%v)\n"
                           "output %%y\n",
                           t.first_mean, t.second_mean, t.variance, t.variance,
                           t.is_spelled_out ? spelled_out : as_operator);
}

static qn_status *next_square(void *self, qn_tensor *inputs, size_t count, int *out_has) {
    QN_TRY(next(self, inputs, count, out_has));
    inputs[0].dims[1] = 8;
    return NULL;
}

static json_t *norm_report(trained t) {
    qn_arena arena;
    char *text = NULL;
    source calibration = {.count = 16, .scale = 1, .offset = t.offset},
           report = {.count = 8, .scale = 1, .offset = t.offset};
    qn_samples calibration_samples = {.self = &calibration, .count = 16, .next = next_square};
    qn_samples report_samples = {.self = &report, .count = 8, .next = next_square};
    qn_calibrator *calibrator;
    qn_build_options options;
    qn_model *model;
    qn_arena_init(&arena, NULL);
    qn_network *graph = network_of(norm_network(&arena, t));
    qn_config *config = config_of("{'precision_config': {'precision_mode': 'qint8_mixed_float32'}}");
    expect_ok(qn_calibrator_create(NULL, &calibrator));
    expect_ok(qn_calibrate(calibrator, graph, config, &calibration_samples));
    qn_build_options_init(&options);
    options.calibrator = calibrator;
    options.report = keep;
    options.report_self = &text;
    options.report_samples = &report_samples;
    expect_ok(qn_build(graph, config, &options, &model));
    json_t *json = json_loads(text, 0, NULL);
    free(text);
    qn_model_destroy(model);
    qn_calibrator_destroy(calibrator);
    qn_config_destroy(config);
    qn_network_destroy(graph);
    qn_arena_deinit(&arena);
    assert_non_null(json);
    return json;
}

static void samples_unlike_the_training_data_are_found(void **state) {
    (void)state;
    for (int is_spelled_out = 0; is_spelled_out < 2; is_spelled_out++) {
        json_t *report =
            norm_report((trained){0, 0, 0.33, is_spelled_out, 0}); /* what uniform numbers of -1 to 1 have */
        assert_int_equal(json_array_size(at(report, "training", "norms")), 1);
        assert_true(number(at(report, "training", "first_layer"), "divergence") < 0.1);
        assert_false(has_finding(report, "normalisation"));
        assert_false(has_finding(report, "unlike_training"));
        json_decref(report);
        report = norm_report((trained){0, 0, 5500, is_spelled_out, 0}); /* training had bytes about 0 */
        assert_true(has_finding(report, "normalisation"));
        json_decref(report);
        report = norm_report((trained){-2, -2, 0.33, is_spelled_out, 0});
        assert_true(has_finding(report, "normalisation"));
        assert_true(has_finding(report, "unlike_training"));
        json_decref(report);
    }
}

static void turned_colours_are_found(void **state) {
    (void)state;
    json_t *report = norm_report((trained){0.5, -0.5, 0.33, 0, 0.5f});
    assert_false(has_finding(report, "colour_order"));
    json_decref(report);
    report = norm_report((trained){-0.5, 0.5, 0.33, 0, 0.5f});
    assert_true(has_finding(report, "colour_order"));
    json_decref(report);
}

/* ---- Fake quantisation, and additions ---- */

static const char *const rounded =
    "input %x : f32[1, 8, 8, 3]\nconst %a : f32[] = {-4}\nconst %b : f32[] = {4}\nconst %z : f32[] = {0}\n"
    "const %k : f32[1, 1, 3, 3] = {1, 0.5, -1, 0.25, 1, 0, 0.5, -1, 1}\n"
    "%q = fake_quant(%x, %a, %b)\n%c = conv2d(%q, %k)\n%p = fake_quant(%c, %a, %b)\n"
    "%s = add(%p, %q)\n%r = relu(%s)\n%t = fake_quant(%r, %z, %b)\n%y = conv2d(%t, %k)\noutput %y\n";

static void layers_behind_fake_quantisation_are_found(void **state) {
    static const char *const names[] = {"c", "s", "y"}, *const outputs[] = {"c", "r", "y"};
    (void)state;
    json_t *report = report_of((wishes){.statements = rounded, .report = {.count = 4, .scale = 1}});
    const json_t *layers = json_object_get(report, "layers");
    assert_int_equal(json_array_size(layers), 3);
    for (size_t i = 0; i < 3; i++) {
        const json_t *layer = json_array_get(layers, i), *output = json_object_get(layer, "output");
        assert_string_equal(word(layer, "name"), names[i]);
        assert_string_equal(word(layer, "precision"), "int8");
        assert_string_equal(word(output, "name"), outputs[i]);
        assert_true(number(output, "sqnr_db") > 20);
    }
    assert_string_equal(word(json_array_get(layers, 1), "reason"), "the grids of the source");
    assert_int_equal((int)number(json_array_get(layers, 1), "macs"), 0);
    assert_true(number(json_array_get(layers, 1), "cycles") > 0);
    json_decref(report);
}

static void an_addition_that_stays_float_says_why(void **state) {
    (void)state;
    const wishes w = {.statements = "symbol h [4, 8]\ninput %x : f32[1, h, 8, 3]\nconst %p : s32[4] = {0, 2, 3, 1}\n"
                                    "%t = transpose(%x, %p)\n%n = neg(%t)\n%s = add(%t, %n)\noutput %s\n",
                      .config = "{'precision_config': {'precision_mode': 'qint8_mixed_float32'}, "
                                "'custom_nodes': {'add': {'precision': 'int8'}}}"};
    json_t *report = report_of(w);
    const json_t *layer = json_array_get(json_object_get(report, "layers"), 0);
    assert_string_equal(word(layer, "name"), "s");
    assert_string_equal(word(layer, "precision"), "float32");
    assert_string_equal(word(layer, "reason"), "no integers: its channels are no fixed number");
    json_decref(report);
}

/* ---- Cancelling ---- */

typedef struct overseer {
    int asked, patience;
    int before, in_report; /* how often was asked before the report's samples run, and since */
} overseer;

static void oversee(void *self, const char *phase, double fraction) {
    overseer *o = self;
    if (!strcmp(phase, "report") && !o->before) o->before = o->asked;
    if (!strcmp(phase, "report") && fraction == 1) o->in_report = o->asked - o->before;
}

static int lose_patience(void *self) {
    overseer *o = self;
    return ++o->asked > o->patience;
}

static void throw_away(void *self, const char *json) { (void)self, (void)json; }

static qn_status *build_overseen(overseer *o, qn_model **out_model) {
    source feed = {.count = 2, .scale = 1};
    qn_samples samples = samples_of(&feed);
    qn_network *graph = network_of(network);
    qn_config *config = config_of(integers);
    qn_calibrator *calibrator;
    qn_build_options options;
    expect_ok(qn_calibrator_create(NULL, &calibrator));
    expect_ok(qn_calibrator_set_fixed_range(calibrator, -4, 4));
    qn_build_options_init(&options);
    options.calibrator = calibrator;
    options.report = throw_away;
    options.report_samples = &samples;
    options.progress = oversee;
    options.cancel = lose_patience;
    options.progress_self = options.cancel_self = o;
    qn_status *status = qn_build(graph, config, &options, out_model);
    qn_calibrator_destroy(calibrator);
    qn_config_destroy(config);
    qn_network_destroy(graph);
    return status;
}

static void a_report_can_be_cancelled_within_each_of_its_runs(void **state) {
    qn_model *model;
    overseer whole = {.patience = 1000000};
    (void)state;
    expect_ok(build_overseen(&whole, &model));
    qn_model_destroy(model);
    assert_true(whole.in_report > 2 * 2 * 4); /* two samples, two networks, an input and three layers at least */
    for (int patience = whole.before; patience < whole.before + whole.in_report; patience++) {
        overseer o = {.patience = patience};
        expect_refused(build_overseen(&o, &model), QN_CANCELLED, "cancelled");
        assert_null(model);
        assert_int_equal(o.asked, patience + 1);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(layers_behind_fake_quantisation_are_found),
        cmocka_unit_test(an_addition_that_stays_float_says_why),
        cmocka_unit_test(layers_are_measured_and_add_up),
        cmocka_unit_test(a_histogram_counts_every_value_once),
        cmocka_unit_test(dead_outputs_are_told_from_silent_ones),
        cmocka_unit_test(what_lies_beyond_a_range_is_clipped),
        cmocka_unit_test(layers_that_stay_float_say_why),
        cmocka_unit_test(too_few_and_equal_samples_are_found),
        cmocka_unit_test(without_samples_there_is_still_a_report),
        cmocka_unit_test(names_stay_what_they_are),
        cmocka_unit_test(the_same_build_reports_the_same),
        cmocka_unit_test(samples_unlike_the_training_data_are_found),
        cmocka_unit_test(turned_colours_are_found),
        cmocka_unit_test(a_report_can_be_cancelled_within_each_of_its_runs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
