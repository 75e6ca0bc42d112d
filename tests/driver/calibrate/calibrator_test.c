/* Calibrating through the public API: what ranges say, whose fault failures are and that they leave nothing behind, and
 * that the same samples give the same ranges and files. */
#include "sample_case.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/meter.h"
#include "base/text.h"

static const char *ranges_of(qn_calibrator *calibrator) {
    const char *text;
    expect_ok(qn_calibrator_ranges_text(calibrator, &text));
    return text;
}

/* A copy that the calibrator's next call leaves alone. */
static char *kept_ranges_of(qn_calibrator *calibrator) { return strdup(ranges_of(calibrator)); }

static void expect_no_ranges(qn_calibrator *calibrator) {
    const char *text = NULL;
    expect_refused(qn_calibrator_ranges_text(calibrator, &text), QN_INVALID_ARGUMENT, "there are no ranges yet");
    assert_string_equal(text, "");
    assert_int_equal(qn_calibrator_sample_count(calibrator), 0);
}

static qn_calibrator *fresh(void) {
    qn_calibrator *calibrator;
    expect_ok(qn_calibrator_create(NULL, &calibrator));
    return calibrator;
}

/* ---- What is measured ---- */

static double number_at(const json_t *value, const char *key, int channel) {
    const json_t *at = json_object_get(value, key);
    if (channel >= 0) at = json_array_get(at, (size_t)channel);
    assert_true(json_is_number(at));
    return json_number_value(at);
}

enum { PICTURES = 7 };

/* The extremes and moments of x, and of r = relu(conv(x) + b), in double. */
static void linear_ranges_are_what_the_samples_span(void **state) {
    static const double k[2][3] = {{1, -2, 3}, {0.5, 0.25, -1}}, b[3] = {0.5, 0, -0.25};
    (void)state;
    double low[2][3], high[2][3], sum[2][3] = {{0}}, square[2][3] = {{0}}, count = 0;
    for (int i = 0; i < 6; i++) low[i / 3][i % 3] = 1e9, high[i / 3][i % 3] = -1e9;
    feed f;
    feed_init(&f, 3, PICTURES);
    for (int has = 1;;) {
        qn_tensor input;
        expect_ok(f.samples.next(&f, &input, 1, &has));
        if (!has) break;
        for (int64_t p = 0; p < f.height * f.width; p++, count++)
            for (int i = 0; i < 5; i++) {
                double a = (double)f.data[2 * p], c = (double)f.data[2 * p + 1];
                int value = i >= 2, channel = value ? i - 2 : i;
                double v = !value ? (double)f.data[2 * p + channel]
                                  : fmax(0, a * k[0][channel] + c * k[1][channel] + b[channel]);
                low[value][channel] = fmin(low[value][channel], v),
                high[value][channel] = fmax(high[value][channel], v);
                sum[value][channel] += v, square[value][channel] += v * v;
            }
    }
    qn_calibrator *calibrator = calibrated(sample_network, NULL, 3, PICTURES);
    assert_int_equal(qn_calibrator_sample_count(calibrator), PICTURES);
    json_t *root = json_loads(ranges_of(calibrator), JSON_REJECT_DUPLICATES, NULL);
    assert_int_equal(json_integer_value(json_object_get(root, "samples")), PICTURES);
    assert_string_equal(json_string_value(json_object_get(root, "algorithm")), "linear");
    assert_string_equal(json_string_value(json_object_get(root, "network")), "g");
    const json_t *values = json_object_get(root, "values");
    assert_int_equal(json_object_size(values), 2); /* those that a layer reads */
    for (int i = 0; i < 5; i++) {
        int value = i >= 2, channel = value ? i - 2 : i;
        const json_t *row = json_object_get(values, value ? "r" : "x");
        assert_true(fabs(number_at(row, "channel_min", channel) - fmin(0, low[value][channel])) < 1e-5);
        assert_true(fabs(number_at(row, "channel_max", channel) - fmax(0, high[value][channel])) < 1e-5);
        assert_true(fabs(number_at(row, "channel_mean", channel) - sum[value][channel] / count) < 1e-5);
        assert_true(fabs(number_at(row, "channel_square", channel) - square[value][channel] / count) < 1e-4);
        assert_true(number_at(row, "min", -1) <= low[value][channel] + 1e-6);
        assert_true(number_at(row, "max", -1) >= high[value][channel] - 1e-6);
    }
    json_decref(root);
    qn_calibrator_destroy(calibrator);
}

static void every_algorithm_gives_ranges_and_a_model(void **state) {
    static const char *const names[] = {"linear",         "LINEAR_ALGORITHM", "eqnm", "EQNM_ALGORITHM",
                                        "moving_average", "percentile",       "mse",  "kl"};
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        qn_calibrator_options options;
        qn_calibrator *calibrator;
        feed f;
        feed_init(&f, 4, 5);
        qn_calibrator_options_init(&options);
        options.algorithm = names[i];
        expect_ok(qn_calibrator_create(&options, &calibrator));
        expect_ok(try_calibrate(calibrator, sample_network, INT8, &f));
        qn_model_destroy(build_with(sample_network, INT8, calibrator));
        qn_calibrator_destroy(calibrator);
    }
    qn_calibrator_options options;
    qn_calibrator *calibrator = (qn_calibrator *)&options;
    qn_calibrator_options_init(&options);
    options.algorithm = "liner";
    expect_refused(qn_calibrator_create(&options, &calibrator), QN_INVALID_ARGUMENT, "linear");
    assert_null(calibrator);
    options = (qn_calibrator_options){.size = 4};
    expect_refused(qn_calibrator_create(&options, &calibrator), QN_INVALID_ARGUMENT, "qn_calibrator_options_init()");
}

static qn_status *next_pair(void *self, qn_tensor *inputs, size_t input_count, int *out_has) {
    static float a[4], b[2];
    int *at = self;
    assert_int_equal(input_count, 2);
    *out_has = *at < 3;
    for (int i = 0; i < 4; i++) a[i] = (float)(*at + i);
    for (int i = 0; i < 2; i++) b[i] = (float)(-*at - i);
    inputs[0] = (qn_tensor){QN_DTYPE_F32, 2, {2, 2}, a};
    inputs[1] = (qn_tensor){QN_DTYPE_F32, 2, {1, 2}, b};
    ++*at;
    return NULL;
}

static void several_inputs_advance_together(void **state) {
    (void)state;
    int at = 0;
    const qn_samples samples = {.self = &at, .count = -1, .next = next_pair};
    qn_network *network = network_of("input %a : f32[m, 2]\ninput %b : f32[n, 2]\nconst %k : f32[2, 2] = {1, 2, 3, 4}\n"
                                     "%c = matmul(%a, %k)\n%d = matmul(%b, %k)\noutput %c\noutput %d");
    qn_calibrator *calibrator = fresh();
    expect_ok(qn_calibrate(calibrator, network, NULL, &samples));
    json_t *root = json_loads(ranges_of(calibrator), 0, NULL), *values = json_object_get(root, "values");
    assert_true(number_at(json_object_get(values, "a"), "max", -1) == 5);
    assert_true(number_at(json_object_get(values, "b"), "min", -1) == -3);
    json_decref(root);
    qn_calibrator_destroy(calibrator);
    qn_network_destroy(network);
}

/* ---- What is refused ---- */

static void integers_without_ranges_are_refused_with_the_option_that_gives_them(void **state) {
    (void)state;
    qn_model *model;
    qn_status *status = try_build_with(
        sample_network, "{'precision_config': {'precision_mode': 'qint8_mixed_float32'}}", NULL, NULL, NULL, &model);
    assert_non_null(status);
    assert_string_equal(qn_status_option(status), "calibrator");
    expect_refused(status, QN_INVALID_ARGUMENT, "needs the ranges of the network's values");
    status = try_build_with(sample_network,
                            "{'precision_config': {'precision_mode': 'qint8_mixed_float32'}, 'dim_range': {'7': "
                            "{'min': [1], 'max': [2]}}}",
                            NULL, NULL, NULL, &model);
    assert_non_null(status);
    assert_null(qn_status_option(status)); /* ranges of another kind */
    expect_refused(status, QN_INVALID_ARGUMENT, "dim_range");
}

static void what_is_wrong_with_a_sample_is_said_with_its_number(void **state) {
    static const struct {
        spoil spoil;
        qn_code code;
        const char *words;
    } rows[] = {
        {SPOIL_NAN, QN_INVALID_ARGUMENT, "sample 3: 1 element of value 'x' is not finite"},
        {SPOIL_INFINITY, QN_INVALID_ARGUMENT, "sample 3: 1 element of value 'x' is not finite"},
        {SPOIL_RANK, QN_INVALID_ARGUMENT, "sample 3"},
        {SPOIL_CHANNELS, QN_INVALID_ARGUMENT, "sample 3"},
        {SPOIL_DTYPE, QN_INVALID_ARGUMENT, "sample 3"},
        {SPOIL_SIZE, QN_INVALID_ARGUMENT, "sample 3"},
        {SPOIL_ERROR, QN_IO, "the camera is gone"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        for (int is_second = 0; is_second < 2; is_second++)
            for (int64_t side = 0; side <= 4; side += 4) { /* with shapes that change, and such that are set already */
                qn_calibrator *calibrator = is_second ? calibrated(sample_network, NULL, 9, 3) : fresh();
                char *before = is_second ? kept_ranges_of(calibrator) : NULL;
                feed f;
                feed_init(&f, 5, 4);
                f.side = side, f.spoil = rows[i].spoil, f.spoil_at = 2;
                qn_status *status = try_calibrate(calibrator, sample_network, NULL, &f);
                assert_int_equal(qn_status_sample(status), rows[i].spoil == SPOIL_ERROR ? -1 : 2);
                expect_refused(status, rows[i].code, rows[i].words);
                if (is_second) {
                    assert_string_equal(ranges_of(calibrator), before); /* what it had */
                    assert_int_equal(qn_calibrator_sample_count(calibrator), 3);
                } else {
                    expect_no_ranges(calibrator);
                }
                f = (feed){0};
                feed_init(&f, 5, 4);
                expect_ok(try_calibrate(calibrator, sample_network, NULL, &f)); /* and goes on */
                free(before);
                qn_calibrator_destroy(calibrator);
            }
}

static void no_samples_are_refused(void **state) {
    (void)state;
    feed f;
    feed_init(&f, 5, 0);
    qn_calibrator *calibrator = fresh();
    expect_refused(try_calibrate(calibrator, sample_network, NULL, &f), QN_INVALID_ARGUMENT, "no samples");
    expect_no_ranges(calibrator);
    qn_calibrator_destroy(calibrator);
}

static void a_network_that_was_built_is_refused(void **state) {
    (void)state;
    feed f;
    qn_model *model;
    qn_network *network = network_of(sample_network);
    qn_calibrator *calibrator = fresh();
    feed_init(&f, 5, 2);
    expect_ok(qn_build(network, NULL, NULL, &model));
    expect_refused(qn_calibrate(calibrator, network, NULL, &f.samples), QN_INVALID_ARGUMENT,
                   "calibrate before the build");
    qn_model_destroy(model);
    qn_network_destroy(network);
    qn_calibrator_destroy(calibrator);
}

static void a_network_without_layers_is_refused(void **state) {
    (void)state;
    feed f;
    qn_calibrator *calibrator = fresh();
    feed_init(&f, 5, 2);
    expect_refused(try_calibrate(calibrator, "input %x : f32[1, h, w, 2]\n%y = neg(%x)\noutput %y", NULL, &f),
                   QN_INVALID_ARGUMENT, "no convolution or product");
    expect_no_ranges(calibrator);
    qn_calibrator_destroy(calibrator);
}

/* Values of the same names, with other channels. */
static const char wider[] = "input %x : f32[1, h, w, 2]\nconst %k : f32[1, 1, 2, 5] = splat 1\n"
                            "const %l : f32[1, 1, 5, 4] = splat 1\n%c = conv2d(%x, %k)\n%r = relu(%c)\n"
                            "%y = conv2d(%r, %l)\noutput %y";

static void another_network_with_the_same_names_is_refused(void **state) {
    (void)state;
    feed f;
    feed_init(&f, 5, 2);
    qn_calibrator *calibrator = calibrated(sample_network, NULL, 3, 3);
    char *before = kept_ranges_of(calibrator);
    expect_refused(try_calibrate(calibrator, wider, NULL, &f), QN_INVALID_ARGUMENT, "'r' has 5 channels");
    assert_string_equal(ranges_of(calibrator), before);
    free(before);
    qn_calibrator_destroy(calibrator);
}

/* ---- The same again ---- */

static void the_same_samples_give_the_same_ranges_and_file(void **state) {
    (void)state;
    char *first = NULL;
    qn_model *model = NULL;
    for (int threads = 1; threads <= 4; threads++) {
        qn_calibrator_options options;
        qn_calibrator *calibrator;
        feed f;
        feed_init(&f, 6, 9);
        qn_calibrator_options_init(&options);
        options.threads = threads;
        expect_ok(qn_calibrator_create(&options, &calibrator));
        expect_ok(try_calibrate(calibrator, sample_network, INT8, &f));
        qn_model *again = build_with(sample_network, INT8, calibrator);
        if (first) {
            assert_string_equal(ranges_of(calibrator), first);
            expect_same_bytes(model, again);
            qn_model_destroy(again);
        } else {
            first = kept_ranges_of(calibrator);
            model = again;
        }
        qn_calibrator_destroy(calibrator);
    }
    free(first);
    qn_model_destroy(model);
}

static void samples_in_two_calls_are_those_of_one(void **state) {
    (void)state;
    qn_calibrator *whole = calibrated(sample_network, NULL, 7, 6), *parts = calibrated(sample_network, NULL, 7, 4);
    feed f;
    feed_init(&f, 7, 6);
    f.at = 4;
    expect_ok(try_calibrate(parts, sample_network, NULL, &f));
    assert_int_equal(qn_calibrator_sample_count(parts), 6);
    char *text = kept_ranges_of(whole);
    assert_string_equal(ranges_of(parts), text);
    free(text);
    qn_calibrator_destroy(whole);
    qn_calibrator_destroy(parts);
}

static void ranges_that_were_saved_build_the_same_model(void **state) {
    /* Learned rounding needs the samples themselves. */
    static const char *const modes[] = {
        "{'precision_config': {'precision_mode': 'qint8_mixed_float16', 'rounding_iterations': 0}}",
        "{'precision_config': {'precision_mode': 'qint8_mixed_float32', 'rounding_iterations': 0}}"};
    (void)state;
    char folder[] = "/tmp/quench_calibrator_XXXXXX", path[64];
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/ranges.json", folder);
    for (int i = 0; i < 2; i++) {
        qn_calibrator *calibrator = calibrated(sample_network, modes[i], 8, 12), *by_text = fresh(), *by_file = fresh();
        expect_ok(qn_calibrator_save_ranges_file(calibrator, path));
        char *text = kept_ranges_of(calibrator);
        expect_ok(qn_calibrator_load_ranges_text(by_text, text, "ranges"));
        expect_ok(qn_calibrator_load_ranges_file(by_file, path));
        assert_string_equal(ranges_of(by_text), text);
        qn_model *model = build_with(sample_network, modes[i], calibrator);
        qn_model *a = build_with(sample_network, modes[i], by_text), *b = build_with(sample_network, modes[i], by_file);
        expect_same_bytes(model, a);
        expect_same_bytes(model, b);
        qn_model_destroy(a), qn_model_destroy(b), qn_model_destroy(model);
        free(text);
        qn_calibrator_destroy(by_text), qn_calibrator_destroy(by_file), qn_calibrator_destroy(calibrator);
    }
    unlink(path);
    assert_int_equal(rmdir(folder), 0);
}

static void ranges_that_cannot_be_read_leave_those_there_are(void **state) {
    (void)state;
    qn_calibrator *calibrator = calibrated(sample_network, NULL, 8, 3);
    char *before = kept_ranges_of(calibrator);
    expect_refused(qn_calibrator_load_ranges_text(calibrator, "{", "mine"), QN_INVALID_ARGUMENT, "mine");
    expect_refused(qn_calibrator_load_ranges_text(calibrator, "", "mine"), QN_INVALID_ARGUMENT, "mine");
    expect_refused(qn_calibrator_load_ranges_text(calibrator, "{\"format\": \"quench ranges 9\"}", "mine"),
                   QN_INCOMPATIBLE, "mine");
    expect_refused(qn_calibrator_load_ranges_file(calibrator, "/nowhere/at/all"), QN_NOT_FOUND, "/nowhere/at/all");
    expect_refused(qn_calibrator_save_ranges_file(calibrator, "/nowhere/at/all"), QN_IO, "/nowhere/at/all");
    assert_string_equal(ranges_of(calibrator), before);
    free(before);
    qn_calibrator_destroy(calibrator);
}

static void ranges_of_another_network_are_refused_by_the_build(void **state) {
    (void)state;
    qn_model *model;
    qn_calibrator *calibrator = calibrated(sample_network, INT8, 8, 3);
    expect_refused(
        try_build_with("input %p : f32[4, 2]\nconst %k : f32[2, 2] = splat 1\n%q = matmul(%p, %k)\noutput %q", INT8,
                       calibrator, NULL, NULL, &model),
        QN_INVALID_ARGUMENT, "the ranges are those of another network");
    assert_null(model);
    expect_refused(try_build_with(wider, INT8, calibrator, NULL, NULL, &model), QN_INVALID_ARGUMENT, "'r'");
    qn_calibrator_destroy(calibrator);
}

/* A build from ranges of a file of 77 bytes; how many warnings it gives. */
static int warnings_of_ranges(const char *name, uint64_t bytes, uint64_t hash, case_log *log) {
    static const char source[] = "\"source\": {\"bytes\": 77, \"hash\": \"0000000000000abc\"}, ";
    qn_calibrator *calibrator = calibrated(sample_network, INT8, 8, 12), *loaded = fresh();
    char *text = kept_ranges_of(calibrator), *values = strstr(text, "\"values\"");
    qn_buffer with_source;
    qn_buffer_init(&with_source, NULL);
    qn_buffer_printf(&with_source, "%.*s%s%s", (int)(values - text), text, source, values);
    expect_ok(qn_calibrator_load_ranges_text(loaded, qn_buffer_text(&with_source), "ranges"));
    qn_buffer_deinit(&with_source);
    free(text);
    qn_network *network = network_of(sample_network);
    network->graph->name = name;
    network->source_bytes = bytes, network->source_hash = hash;
    qn_config *config = config_of(INT8);
    qn_build_options options;
    qn_model *model;
    case_log_init(log);
    qn_build_options_init(&options);
    options.calibrator = loaded;
    options.log = &log->log;
    expect_ok(qn_build(network, config, &options, &model));
    qn_model_destroy(model);
    qn_config_destroy(config), qn_network_destroy(network);
    qn_calibrator_destroy(loaded), qn_calibrator_destroy(calibrator);
    return log->warnings;
}

static void ranges_of_another_file_are_used_with_a_warning(void **state) {
    (void)state;
    case_log log;
    assert_int_equal(warnings_of_ranges("measured", 77, 0xabc, &log), 0);
    assert_int_equal(warnings_of_ranges("by hand", 0, 0, &log), 0);
    assert_int_equal(warnings_of_ranges("retrained", 77, 0xabd, &log), 1);
    assert_non_null(strstr(log.text, "of 77 bytes, hash 0000000000000abc; this is 'retrained' of "
                                     "77 bytes, hash 0000000000000abd"));
    assert_int_equal(warnings_of_ranges("longer", 78, 0xabc, &log), 1);
}

/* ---- Fixed ranges ---- */

static void one_fixed_range_needs_no_samples(void **state) {
    static const float bad[][2] = {{1, 2}, {-2, -1}, {0, 0}, {1, -1}, {NAN, 1}, {0, INFINITY}, {-INFINITY, 0}};
    (void)state;
    qn_calibrator *calibrator = fresh();
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        expect_refused(qn_calibrator_set_fixed_range(calibrator, bad[i][0], bad[i][1]), QN_INVALID_ARGUMENT,
                       "a range from");
    static const float good[][2] = {{-1, 1}, {0, 6}, {-3, 0}, {-3e38f, 3e38f}, {0, 1e-40f}, {-1e-30f, 0}};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        expect_ok(qn_calibrator_set_fixed_range(calibrator, good[i][0], good[i][1]));
        qn_model *model = build_with(sample_network, INT8, calibrator);
        assert_string_equal(precision_of(model, "y"), "u8: qint8_mixed_float16");
        qn_model_destroy(model);
        model =
            build_with(sample_network, "{'precision_config': {'precision_mode': 'qint16_mixed_float32'}}", calibrator);
        assert_string_equal(precision_of(model, "y"), "s16: qint16_mixed_float32");
        qn_model_destroy(model);
    }
    qn_calibrator_destroy(calibrator);
}

/* ---- Remarks ---- */

static void few_samples_and_duplicates_are_remarked_on(void **state) {
    static const struct {
        int64_t count;
        int is_same;
        const char *few, *same;
    } rows[] = {
        {1, 0, "calibrated on 1 sample only", NULL},
        {2, 0, "calibrated on 2 samples only", NULL},
        {12, 0, NULL, NULL},
        {12, 1, NULL, "11 of 12 samples are duplicates"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        case_log log;
        qn_calibrator_options options;
        qn_calibrator *calibrator;
        feed f;
        feed_init(&f, 10, rows[i].count);
        f.is_same = rows[i].is_same;
        case_log_init(&log);
        qn_calibrator_options_init(&options);
        options.log = &log.log;
        expect_ok(qn_calibrator_create(&options, &calibrator));
        expect_ok(try_calibrate(calibrator, sample_network, NULL, &f));
        assert_int_equal(log.warnings, (rows[i].few != NULL) + (rows[i].same != NULL));
        if (rows[i].few) assert_non_null(strstr(log.text, rows[i].few));
        if (rows[i].same) assert_non_null(strstr(log.text, rows[i].same));
        qn_calibrator_destroy(calibrator);
    }
}

/* ---- Progress and cancelling ---- */

typedef struct overseer {
    int asked, patience, told;
    double last;
} overseer;

static void oversee(void *self, const char *phase, double fraction) {
    overseer *o = self;
    assert_string_equal(phase, "calibrate");
    assert_true((fraction >= o->last || fraction == -1) && fraction <= 1);
    o->last = fraction;
    o->told++;
}

static int lose_patience(void *self) {
    overseer *o = self;
    return ++o->asked > o->patience;
}

static qn_calibrator *overseen(overseer *o) {
    qn_calibrator_options options;
    qn_calibrator *calibrator;
    qn_calibrator_options_init(&options);
    options.progress = oversee;
    options.cancel = lose_patience;
    options.progress_self = options.cancel_self = o;
    expect_ok(qn_calibrator_create(&options, &calibrator));
    return calibrator;
}

static void a_calibration_tells_its_progress_and_can_be_cancelled_wherever_it_asks(void **state) {
    (void)state;
    feed f;
    overseer whole = {.patience = 1000};
    qn_calibrator *calibrator = overseen(&whole);
    feed_init(&f, 11, 5);
    expect_ok(try_calibrate(calibrator, sample_network, NULL, &f));
    assert_true(whole.told >= 5 && whole.last == 1);
    qn_calibrator_destroy(calibrator);
    for (int64_t claimed = -1; claimed <= 9; claimed += 3) { /* not known, too few, too many */
        overseer other = {.patience = 1000};
        calibrator = overseen(&other);
        feed_init(&f, 11, 5);
        f.samples.count = claimed;
        expect_ok(try_calibrate(calibrator, sample_network, NULL, &f));
        assert_true(other.told == whole.told && other.last == 1);
        qn_calibrator_destroy(calibrator);
    }
    for (int patience = 0; patience < whole.asked; patience++) {
        overseer o = {.patience = patience};
        calibrator = overseen(&o);
        feed_init(&f, 11, 5);
        expect_refused(try_calibrate(calibrator, sample_network, NULL, &f), QN_CANCELLED, "cancelled");
        assert_int_equal(o.asked, patience + 1);
        expect_no_ranges(calibrator);
        qn_calibrator_destroy(calibrator);
    }
}

/* ---- Memory ---- */

/* Calibrates twice, saves, loads and builds with so many allocations; what the calibrator had stays whole. */
static qn_status *calibrate_and_build(const qn_allocator *allocator, qn_network *network, const qn_config *config) {
    qn_calibrator_options options;
    qn_build_options build;
    qn_calibrator *calibrator;
    qn_model *model = NULL;
    const char *text;
    feed f;
    qn_calibrator_options_init(&options);
    qn_build_options_init(&build);
    options.allocator = build.allocator = allocator;
    options.threads = 1;
    QN_TRY(qn_calibrator_create(&options, &calibrator));
    feed_init(&f, 12, 2);
    qn_status *status = qn_calibrate(calibrator, network, config, &f.samples);
    f.at = 0;
    if (!status) {
        status = qn_calibrate(calibrator, network, config, &f.samples);
        assert_int_equal(qn_calibrator_sample_count(calibrator), status ? 2 : 4);
    } else {
        assert_int_equal(qn_calibrator_sample_count(calibrator), 0);
    }
    if (!status) status = qn_calibrator_ranges_text(calibrator, &text);
    build.calibrator = calibrator;
    if (!status) status = qn_build(network, config, &build, &model);
    qn_model_destroy(model);
    qn_calibrator_destroy(calibrator);
    return status;
}

static void memory_may_end_at_any_point_of_a_calibration_and_its_build(void **state) {
    (void)state;
    int exhausted = 0;
    for (size_t budget = 0;; budget += 1 + budget / 24) {
        meter m;
        const qn_allocator allocator = meter_allocator(&m, budget);
        qn_network *network = network_of(sample_network);
        qn_config *config = config_of(INT8);
        qn_status *status = calibrate_and_build(&allocator, network, config);
        int ended = !status;
        if (status && qn_status_code(status) != QN_OUT_OF_MEMORY)
            fail_msg("after %zu allocations: %s", budget, qn_status_message(status));
        exhausted += status != NULL;
        qn_status_free(status);
        qn_config_destroy(config);
        qn_network_destroy(network);
        if (m.live) fail_msg("after %zu allocations %zu blocks are left", budget, m.live);
        if (ended) break;
    }
    assert_true(exhausted > 20);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(linear_ranges_are_what_the_samples_span),
        cmocka_unit_test(every_algorithm_gives_ranges_and_a_model),
        cmocka_unit_test(several_inputs_advance_together),
        cmocka_unit_test(integers_without_ranges_are_refused_with_the_option_that_gives_them),
        cmocka_unit_test(what_is_wrong_with_a_sample_is_said_with_its_number),
        cmocka_unit_test(no_samples_are_refused),
        cmocka_unit_test(a_network_that_was_built_is_refused),
        cmocka_unit_test(a_network_without_layers_is_refused),
        cmocka_unit_test(another_network_with_the_same_names_is_refused),
        cmocka_unit_test(the_same_samples_give_the_same_ranges_and_file),
        cmocka_unit_test(samples_in_two_calls_are_those_of_one),
        cmocka_unit_test(ranges_that_were_saved_build_the_same_model),
        cmocka_unit_test(ranges_that_cannot_be_read_leave_those_there_are),
        cmocka_unit_test(ranges_of_another_network_are_refused_by_the_build),
        cmocka_unit_test(ranges_of_another_file_are_used_with_a_warning),
        cmocka_unit_test(one_fixed_range_needs_no_samples),
        cmocka_unit_test(few_samples_and_duplicates_are_remarked_on),
        cmocka_unit_test(a_calibration_tells_its_progress_and_can_be_cancelled_wherever_it_asks),
        cmocka_unit_test(memory_may_end_at_any_point_of_a_calibration_and_its_build),
    };
    return cmocka_run_group_tests_name("driver/calibrator", tests, NULL, NULL);
}
