/* Learned rounding from samples to file: what it gains, when it stays out, and that nothing depends on luck. */
#include "sample_case.h"

#include "base/meter.h"
#include "base/text.h"
#include "driver/calibrate/calibrator.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROUNDED                                                                                                        \
    "{'precision_config': {'precision_mode': 'qint8_mixed_float32', 'rounding_iterations': 10, "                       \
    "'weight_quant_granularity': 'per_tensor'}}"
#define NEAREST                                                                                                        \
    "{'precision_config': {'precision_mode': 'qint8_mixed_float32', 'rounding_iterations': 0, "                        \
    "'weight_quant_granularity': 'per_tensor'}}"

#define WORDS(iterations)                                                                                              \
    "{'precision_config': {'precision_mode': 'qint16_mixed_float32', 'weight_type': 'int8', "                          \
    "'rounding_iterations': " iterations ", 'weight_quant_granularity': 'per_tensor'}}"

/* Bytes that single nodes ask for in a mode of words. */
#define NODES(iterations)                                                                                              \
    "{'precision_config': {'precision_mode': 'qint16_mixed_float32', 'rounding_iterations': " iterations               \
    ", 'weight_quant_granularity': 'per_tensor'}, "                                                                    \
    "'custom_nodes': {'conv2d': {'precision': 'int8'}, 'matmul': {'precision': 'int8'}}}"

enum { SAMPLES = 20, OUTPUTS = 10 };

/* ---- A network of every kind of layer that is rounded ---- */

/* The first number is a large one, so that those of the others that matter have few integers to choose from. */
static void put_constant(qn_buffer *text, qn_rng *rng, const char *name, const char *dims, int count) {
    qn_buffer_printf(text, "const %%%s : f32[%s] = {", name, dims);
    for (int i = 0; i < count; i++)
        qn_buffer_printf(text, "%s%.6f", i ? ", " : "", i ? (double)qn_rng_float(rng, -1, 1) : 8.0);
    qn_buffer_printf(text, "}\n");
}

/* x [1, h, w, 2] -> 3 x 3 -> depthwise -> 1 x 1 -> y [1, h, w, OUTPUTS]. Freed with free(). */
static char *layers_network(uint64_t seed) {
    qn_buffer text;
    qn_rng rng;
    qn_rng_init(&rng, seed);
    qn_buffer_init(&text, NULL);
    qn_buffer_printf(&text, "symbol h [1, 9]\nsymbol w [1, 9]\ninput %%x : f32[1, h, w, 2]\n");
    put_constant(&text, &rng, "a", "3, 3, 2, 12", 3 * 3 * 2 * 12);
    put_constant(&text, &rng, "b", "3, 3, 1, 12", 3 * 3 * 12);
    put_constant(&text, &rng, "c", "1, 1, 12, 10", 12 * OUTPUTS);
    qn_buffer_printf(&text, "%%p = conv2d(%%x, %%a) {padding=same_upper}\n%%q = relu(%%p)\n"
                            "%%r = conv2d(%%q, %%b) {padding=explicit, pads=[2, 2, 2, 2], dilation=[2, 2], groups=12}\n"
                            "%%s = relu(%%r)\n%%y = conv2d(%%s, %%c)\noutput %%y");
    char *copy = strdup(qn_buffer_text(&text));
    qn_buffer_deinit(&text);
    assert_non_null(copy);
    return copy;
}

/* Pictures of one colour and some noise, as neighbours in photos are alike. */
typedef struct plain_feed {
    feed source;
    qn_samples samples;
} plain_feed;

static qn_status *next_plain(void *self, qn_tensor *inputs, size_t input_count, int *out_has) {
    feed *f = &((plain_feed *)self)->source;
    QN_TRY(f->samples.next(f, inputs, input_count, out_has));
    for (int64_t i = SAMPLE_CHANNELS; *out_has && i < f->height * f->width * SAMPLE_CHANNELS; i++)
        f->data[i] = f->data[i % SAMPLE_CHANNELS] + 0.1f * f->data[i];
    return NULL;
}

static void plain_feed_init(plain_feed *f, uint64_t seed, int64_t count) {
    feed_init(&f->source, seed, count);
    f->samples = (qn_samples){.self = f, .count = count, .next = next_plain};
}

static qn_calibrator *calibrated_on_plain(const char *statements, const char *json, uint64_t seed, int64_t count) {
    plain_feed f;
    qn_calibrator *calibrator;
    qn_network *network = network_of(statements);
    qn_config *config = config_of(json);
    plain_feed_init(&f, seed, count);
    expect_ok(qn_calibrator_create(NULL, &calibrator));
    expect_ok(qn_calibrate(calibrator, network, config, &f.samples));
    qn_config_destroy(config);
    qn_network_destroy(network);
    return calibrator;
}

/* Sum of squares of what `model` gives otherwise than `truth`, on samples that calibration did not see. */
static double loss_of(qn_model *model, qn_model *truth) {
    double loss = 0;
    plain_feed f;
    plain_feed_init(&f, 77, 30);
    for (int has = 1;;) {
        float a[SAMPLE_SIDE_MAX * SAMPLE_SIDE_MAX * OUTPUTS], b[SAMPLE_SIDE_MAX * SAMPLE_SIDE_MAX * OUTPUTS];
        int64_t dims[QN_MAX_RANK];
        qn_tensor input;
        expect_ok(f.samples.next(&f, &input, 1, &has));
        if (!has) return loss;
        run_model(model, &input, a, dims);
        run_model(truth, &input, b, dims);
        for (int64_t i = 0; i < dims[1] * dims[2] * dims[3]; i++) loss += ((double)a[i] - b[i]) * ((double)a[i] - b[i]);
    }
}

static void expect_gain(const char *nearest_json, const char *rounded_json, double least) {
    double gain = 0;
    for (uint64_t seed = 1; seed <= 8; seed++) {
        char *network = layers_network(seed);
        qn_calibrator *calibrator = calibrated_on_plain(network, rounded_json, seed, 60);
        qn_model *truth = build_of(network, NULL), *nearest = build_with(network, nearest_json, calibrator);
        qn_model *learned = build_with(network, rounded_json, calibrator);
        gain += log10(loss_of(nearest, truth) / loss_of(learned, truth)) / 8;
        qn_model_destroy(truth), qn_model_destroy(nearest), qn_model_destroy(learned);
        qn_calibrator_destroy(calibrator);
        free(network);
    }
    if (!(gain > least)) fail_msg("a gain of %g dB", 10 * gain);
}

static void networks_lose_less_by_it(void **state) {
    (void)state;
    expect_gain(NEAREST, ROUNDED, 0.15);
    expect_gain(WORDS("0"), WORDS("10"), 0.15);
    expect_gain(NODES("0"), NODES("10"), 0.15);
}

/* ---- The same again ---- */

static void the_same_samples_give_the_same_file(void **state) {
    (void)state;
    char *network = layers_network(3);
    qn_model *models[2];
    for (int i = 0; i < 2; i++) {
        qn_calibrator *calibrator = calibrated(network, ROUNDED, 5, SAMPLES);
        models[i] = build_with(network, ROUNDED, calibrator);
        qn_calibrator_destroy(calibrator);
    }
    expect_same_bytes(models[0], models[1]);
    qn_model_destroy(models[0]), qn_model_destroy(models[1]);
    free(network);
}

static void a_calibration_that_fails_leaves_no_trace(void **state) {
    (void)state;
    feed f;
    qn_calibrator *calibrator = calibrated(sample_network, ROUNDED, 5, SAMPLES);
    qn_model *before = build_with(sample_network, ROUNDED, calibrator);
    feed_init(&f, 6, 9);
    f.spoil = SPOIL_NAN, f.spoil_at = 4;
    expect_refused(try_calibrate(calibrator, sample_network, ROUNDED, &f), QN_INVALID_ARGUMENT, "sample 5");
    qn_model *after = build_with(sample_network, ROUNDED, calibrator);
    expect_same_bytes(before, after);
    qn_model_destroy(before), qn_model_destroy(after);
    qn_calibrator_destroy(calibrator);
}

/* ---- Where it stays out ---- */

/* Weights of the two are those of one, whatever their meta say. */
static void expect_same_results(qn_model *a, qn_model *b) { assert_true(loss_of(a, b) == 0); }

static void nothing_is_gathered_that_nobody_asks_for(void **state) {
    (void)state;
    qn_calibrator *plain = calibrated(sample_network, NEAREST, 5, SAMPLES);
    qn_calibrator *asked = calibrated(sample_network, ROUNDED, 5, SAMPLES);
    assert_null(qn_calibrator_find_moments(plain, "r"));
    assert_null(qn_calibrator_find_moments(asked, "nobody"));
    const qn_moments *moments = qn_calibrator_find_moments(asked, "r");
    assert_non_null(moments);
    assert_int_equal(moments->rows, 12);
    assert_int_equal(moments->samples, SAMPLES);
    assert_null(moments->next);
    qn_calibrator_destroy(plain);
    qn_calibrator_destroy(asked);
}

static void ranges_alone_round_to_the_nearest_with_a_warning(void **state) {
    (void)state;
    const char *text;
    case_log log;
    char *network = layers_network(4);
    qn_calibrator *calibrator = calibrated(network, ROUNDED, 5, SAMPLES),
                  *loaded = calibrated(network, ROUNDED, 6, SAMPLES);
    qn_model *model, *nearest = build_with(network, NEAREST, calibrator);
    case_log_init(&log);
    expect_ok(qn_calibrator_ranges_text(calibrator, &text));
    expect_ok(qn_calibrator_load_ranges_text(loaded, text, "ranges"));
    expect_ok(try_build_with(network, ROUNDED, loaded, NULL, &log, &model));
    assert_int_equal(log.warnings, 1);
    assert_non_null(strstr(log.text, "rounding_iterations: weights are rounded to the nearest"));
    expect_same_results(model, nearest);
    qn_model_destroy(model), qn_model_destroy(nearest);
    qn_calibrator_destroy(calibrator), qn_calibrator_destroy(loaded);
    free(network);
}

/* By default it is no fault of who gives ranges from a file, but still to be known. */
static void ranges_from_a_file_are_noted_where_rounding_is_the_default(void **state) {
    static const struct {
        const char *json;
        int from_file, notes;
    } rows[] = {{INT8, 1, 1},
                {INT8, 0, 0},
                {NEAREST, 1, 0},
                {"{'precision_config': {'precision_mode': 'qint16_mixed_float32'}}", 1, 0}};
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const char *text;
        case_log log;
        qn_model *model;
        qn_calibrator *calibrator = calibrated(sample_network, INT8, 5, SAMPLES);
        case_log_init(&log);
        expect_ok(qn_calibrator_ranges_text(calibrator, &text));
        if (rows[i].from_file) expect_ok(qn_calibrator_load_ranges_text(calibrator, text, "ranges"));
        expect_ok(try_build_with(sample_network, rows[i].json, calibrator, NULL, &log, &model));
        assert_int_equal(log.warnings, 0);
        assert_int_equal(strstr(log.text, "rounding_iterations: weights are rounded to the nearest") != NULL,
                         rows[i].notes);
        qn_model_destroy(model);
        qn_calibrator_destroy(calibrator);
    }
}

static void layers_that_are_too_long_are_told_of(void **state) {
    static const char network[] = "symbol h [1, 9]\nsymbol w [1, 9]\ninput %x : f32[1, h, w, 2]\n"
                                  "const %a : f32[32, 33, 2, 3] = splat 0.25\nconst %b : f32[1, 1, 3, 3] = splat 0.5\n"
                                  "%p = conv2d(%x, %a) {padding=same_upper}\n%y = conv2d(%p, %b)\noutput %y";
    (void)state;
    case_log log;
    feed f;
    qn_calibrator *calibrator;
    qn_calibrator_options options;
    case_log_init(&log);
    qn_calibrator_options_init(&options);
    options.log = &log.log;
    expect_ok(qn_calibrator_create(&options, &calibrator));
    feed_init(&f, 5, SAMPLES);
    expect_ok(try_calibrate(calibrator, network, ROUNDED, &f));
    assert_non_null(strstr(log.text, "rounding_iterations: 1 layer has more than 2048 weights per output"));
    assert_null(qn_calibrator_find_moments(calibrator, "x"));
    assert_non_null(qn_calibrator_find_moments(calibrator, "p"));
    qn_model_destroy(build_with(network, ROUNDED, calibrator));
    qn_calibrator_destroy(calibrator);
}

/* ---- Memory ---- */

static qn_status *calibrate_twice(const qn_allocator *allocator) {
    qn_calibrator *calibrator;
    qn_calibrator_options options;
    qn_calibrator_options_init(&options);
    options.allocator = allocator;
    options.threads = 1;
    qn_status *status = qn_calibrator_create(&options, &calibrator);
    for (int i = 0; i < 2 && !status; i++) {
        feed f;
        feed_init(&f, 5, 2);
        status = try_calibrate(calibrator, sample_network, ROUNDED, &f);
    }
    qn_calibrator_destroy(calibrator);
    return status;
}

static void memory_may_end_at_any_point(void **state) {
    (void)state;
    int exhausted = 0;
    for (size_t budget = 0;; budget += 1 + budget / 24) {
        meter m;
        const qn_allocator allocator = meter_allocator(&m, budget);
        qn_status *status = calibrate_twice(&allocator);
        int ended = !status;
        if (status && qn_status_code(status) != QN_OUT_OF_MEMORY)
            fail_msg("after %zu allocations: %s", budget, qn_status_message(status));
        exhausted += status != NULL;
        qn_status_free(status);
        if (m.live) fail_msg("after %zu allocations %zu blocks are left", budget, m.live);
        if (ended) break;
    }
    assert_true(exhausted > 20);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(networks_lose_less_by_it),
        cmocka_unit_test(the_same_samples_give_the_same_file),
        cmocka_unit_test(a_calibration_that_fails_leaves_no_trace),
        cmocka_unit_test(nothing_is_gathered_that_nobody_asks_for),
        cmocka_unit_test(ranges_alone_round_to_the_nearest_with_a_warning),
        cmocka_unit_test(ranges_from_a_file_are_noted_where_rounding_is_the_default),
        cmocka_unit_test(layers_that_are_too_long_are_told_of),
        cmocka_unit_test(memory_may_end_at_any_point),
    };
    return cmocka_run_group_tests_name("driver/rounding", tests, NULL, NULL);
}
