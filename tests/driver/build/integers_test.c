/* Integer precision as a configuration asks for it: where ranges come from and which comes first, what each mode makes
 * of a network, and what is said when ranges are missing or misnamed. */
#include "sample_case.h"

#include "base/text.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static char json_room[1024];

/* A mode with more keys: ", 'custom_ranges': {...}". */
static const char *mode(const char *name, const char *precision, const char *more) {
    snprintf(json_room, sizeof json_room, "{'precision_config': {'precision_mode': '%s'%s}%s}", name, precision, more);
    return json_room;
}
#define RANGES(text) mode("qint8_mixed_float32", "", ", 'custom_ranges': " text)

static qn_status *try_ranges(const char *json, case_log *log, qn_model **out_model) {
    return try_build_with(sample_network, json, NULL, NULL, log, out_model);
}

/* The greatest difference to the float network over some samples, in parts of its greatest output. */
static double error_of(qn_model *model) {
    static float got[SAMPLE_SIDE_MAX * SAMPLE_SIDE_MAX * 4], want[SAMPLE_SIDE_MAX * SAMPLE_SIDE_MAX * 4];
    qn_model *floats = build_of(sample_network, NULL);
    double most = 0, error = 0;
    feed f;
    feed_init(&f, 21, 6);
    for (;;) {
        int has;
        qn_tensor input;
        int64_t dims[QN_MAX_RANK];
        expect_ok(f.samples.next(&f, &input, 1, &has));
        if (!has) break;
        run_model(model, &input, got, dims);
        run_model(floats, &input, want, dims);
        for (int64_t i = 0; i < f.height * f.width * 4; i++) {
            most = fmax(most, fabs((double)want[i]));
            error = fmax(error, fabs((double)got[i] - (double)want[i]));
        }
    }
    qn_model_destroy(floats);
    return error / most;
}

static void expect_near(qn_model *model, double most) {
    double error = error_of(model);
    if (!(error <= most)) fail_msg("the greatest error is %g, expected at most %g", error, most);
    qn_model_destroy(model);
}

/* ---- Modes ---- */

static void every_mode_is_as_near_as_its_types_allow(void **state) {
    static const struct {
        const char *mode, *precision;
        double most;
        const char *step;
    } rows[] = {
        {"qint8_mixed_float16", "", 0.02, "u8: qint8_mixed_float16"},
        {"qint8_mixed_float32", "", 0.02, "u8: qint8_mixed_float32"},
        {"qint8_mixed_float32", ", 'activation_quant_algo': 'symmetric'", 0.03, "u8: qint8_mixed_float32"},
        {"qint8_mixed_float32", ", 'weight_quant_granularity': 'per_tensor'", 0.03, "u8: qint8_mixed_float32"},
        {"qint8_mixed_float32", ", 'weight_quant_granularity': 'per_tensor', 'activation_quant_algo': 'symmetric'",
         0.04, "u8: qint8_mixed_float32"},
        {"qint8_mixed_float32", ", 'channel_scales': false, 'bias_correction': false", 0.03, "u8: qint8_mixed_float32"},
        {"qint16_mixed_float32", "", 4e-4, "s16: qint16_mixed_float32"},
        {"qint16_mixed_float16", "", 2e-3, "s16: qint16_mixed_float16"},
        {"qint16_mixed_float32", ", 'weight_type': 'int8'", 0.01, "s16: qint16_mixed_float32, weights of 8 bits"},
        {"qint16_mixed_float32", ", 'weight_type': 'int16'", 4e-4, "s16: qint16_mixed_float32"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const char *json = mode(rows[i].mode, rows[i].precision, "");
        qn_calibrator *calibrator = calibrated(sample_network, json, 21, 6);
        qn_model *model = build_with(sample_network, json, calibrator);
        assert_string_equal(precision_of(model, "y"), rows[i].step);
        double error = error_of(model);
        if (!(error <= rows[i].most && error > 0))
            fail_msg("%s%s: the greatest error is %g, expected at most %g", rows[i].mode, rows[i].precision, error,
                     rows[i].most);
        qn_model_destroy(model);
        qn_calibrator_destroy(calibrator);
    }
}

static void a_calibrator_changes_nothing_where_no_integers_are_asked_for(void **state) {
    (void)state;
    qn_calibrator *calibrator = calibrated(sample_network, NULL, 21, 6);
    qn_model *with = build_with(sample_network, NULL, calibrator), *without = build_of(sample_network, NULL);
    expect_same_bytes(with, without);
    qn_model_destroy(with), qn_model_destroy(without);
    qn_calibrator_destroy(calibrator);
}

static void integer_values_say_what_they_stand_for(void **state) {
    static const char *const modes[] = {"qint8_mixed_float32", "qint16_mixed_float32", "force_float32"};
    (void)state;
    for (int i = 0; i < 3; i++) {
        qn_calibrator *calibrator = calibrated(sample_network, INT8, 21, 6);
        qn_model *model = build_with(sample_network, mode(modes[i], "", ""), calibrator);
        const qn_value_info *value;
        int found = 0; /* bit 0: x, 1: r, 2: others */
        for (size_t v = 0; (value = qn_model_value(model, v)); v++) {
            if (!value->encoding) continue;
            assert_int_equal(value->dtype, i == 0 ? QN_DTYPE_U8 : QN_DTYPE_S16);
            found |= strcmp(value->encoding->of, "x") ? strcmp(value->encoding->of, "r") ? 4 : 2 : 1;
            assert_true(value->encoding->channels == 1 || (int64_t)value->encoding->channels == value->dims[3]);
            assert_true(value->encoding->scale[0] > 0 && value->encoding->scale[0] < 1);
        }
        assert_int_equal(found, i < 2 ? 3 : 0);
        qn_model_destroy(model);
        qn_calibrator_destroy(calibrator);
    }
}

static void a_node_that_asks_for_floats_keeps_them(void **state) {
    (void)state;
    const char *json = mode("qint8_mixed_float32", "", ", 'custom_nodes': {'y': {'precision': 'float32'}}");
    qn_calibrator *calibrator = calibrated(sample_network, json, 21, 6);
    qn_model *model = build_with(sample_network, json, calibrator);
    assert_string_equal(precision_of(model, "r"), "u8: qint8_mixed_float32");
    assert_string_equal(precision_of(model, "y"), "f32: custom_nodes");
    expect_near(model, 0.02);
    qn_calibrator_destroy(calibrator);
}

/* ---- Ranges from the configuration ---- */

static void integers_without_ranges_are_refused_with_the_ways_to_give_them(void **state) {
    static const char *const modes[] = {"qint8_mixed_float16", "qint8_mixed_float32", "qint16_mixed_float16",
                                        "qint16_mixed_float32"};
    (void)state;
    qn_calibrator *empty;
    expect_ok(qn_calibrator_create(NULL, &empty));
    for (int i = 0; i < 8; i++) {
        qn_model *model;
        qn_status *status =
            try_build_with(sample_network, mode(modes[i / 2], "", ""), i % 2 ? empty : NULL, NULL, NULL, &model);
        assert_non_null(strstr(qn_status_message(status), "calibrate on samples"));
        assert_non_null(strstr(qn_status_message(status), "load a ranges file"));
        assert_non_null(strstr(qn_status_message(status), "custom_ranges"));
        expect_refused(status, QN_INVALID_ARGUMENT, modes[i / 2]);
        assert_null(model);
    }
    qn_calibrator_destroy(empty);
}

static void one_custom_range_may_serve_every_value(void **state) {
    (void)state;
    qn_model *model;
    expect_ok(try_ranges(RANGES("{'': {'min': [-2.5], 'max': [12.5]}}"), NULL, &model));
    assert_string_equal(precision_of(model, "r/u8"), "u8: qint8_mixed_float32");
    expect_near(model, 0.06);
}

static void custom_ranges_by_name_and_channel_come_before_those_of_all(void **state) {
    (void)state;
    qn_model *model;
    expect_ok(try_ranges(RANGES("{'': {'min': [-100], 'max': [1000]}, 'x': {'min': [-1, -2], 'max': [3, 1]},"
                                " 'r': {'min': [0, 0, 0], 'max': [4, 2.5, 11]}}"),
                         NULL, &model));
    expect_near(model, 0.02);
    expect_ok(try_ranges(RANGES("{'': {'min': [-100], 'max': [1000]}}"), NULL, &model));
    assert_true(error_of(model) > 0.1);
    qn_model_destroy(model);
}

static void custom_ranges_come_before_the_calibrators_but_not_those_of_all(void **state) {
    (void)state;
    qn_calibrator *calibrator = calibrated(sample_network, NULL, 21, 6);
    expect_near(build_with(sample_network, RANGES("{'': {'min': [-100], 'max': [1000]}}"), calibrator), 0.02);
    qn_model *model = build_with(sample_network, RANGES("{'r': {'min': [0], 'max': [2000]}}"), calibrator);
    assert_true(error_of(model) > 0.1);
    qn_model_destroy(model);
    qn_calibrator_destroy(calibrator);
}

static void values_without_a_range_stay_float_with_a_warning(void **state) {
    (void)state;
    case_log log;
    qn_model *model;
    case_log_init(&log);
    expect_ok(try_ranges(RANGES("{'x': {'min': [-2], 'max': [3]}}"), &log, &model));
    assert_int_equal(log.warnings, 1);
    assert_non_null(strstr(log.text, "1 of 2 values have no range and stay float, 'r' among them"));
    assert_string_equal(precision_of(model, "r"), "u8: qint8_mixed_float32");
    assert_string_equal(precision_of(model, "y"), "no integers: there is no range for 'r'");
    expect_near(model, 0.02);
}

static void misspelt_values_are_refused_with_the_nearest(void **state) {
    (void)state;
    qn_model *model;
    static const char network[] = "input %picture : f32[4, 2]\nconst %k : f32[2, 2] = splat 1\n"
                                  "%scores = matmul(%picture, %k)\n%y = matmul(%scores, %k)\noutput %y";
    expect_refused(try_build_with(network, RANGES("{'pictur': {'min': [0], 'max': [1]}}"), NULL, NULL, NULL, &model),
                   QN_INVALID_ARGUMENT, "no value 'pictur'; nearest: picture");
    expect_refused(try_build_with(network, RANGES("{'scroes': {'min': [0], 'max': [1]}}"), NULL, NULL, NULL, &model),
                   QN_INVALID_ARGUMENT, "nearest: scores");
    expect_refused(
        try_build_with(network, RANGES("{'xyzzyxyzzy': {'min': [0], 'max': [1]}}"), NULL, NULL, NULL, &model),
        QN_INVALID_ARGUMENT, "no value 'xyzzyxyzzy'");
    assert_null(model);
}

static void numbers_that_do_not_fit_the_channels_are_refused(void **state) {
    (void)state;
    qn_model *model;
    expect_refused(try_ranges(RANGES("{'r': {'min': [0, 0], 'max': [1, 1]}}"), NULL, &model), QN_INVALID_ARGUMENT,
                   "custom_ranges.r: 2 numbers, expected one or 3");
}

static void ranges_of_nothing_and_of_everything_are_survived(void **state) {
    static const char *const ranges[] = {
        "{'': {'min': [0], 'max': [0]}}",
        "{'': {'min': [0], 'max': [1e-44]}}",
        "{'': {'min': [-1e-30], 'max': [0]}}",
        "{'': {'min': [-3e38], 'max': [3e38]}}",
        "{'': {'min': [5], 'max': [6]}}",
        "{'': {'min': [-6], 'max': [-5]}}",
        "{'': {'min': [1000000], 'max': [1000000]}}",
        "{'x': {'min': [0, 0], 'max': [0, 0]}, 'r': {'min': [0, 1e-44, -3e38], 'max': [0, 1e-44, 3e38]}}",
    };
    (void)state;
    for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++)
        for (int words = 0; words < 2; words++) {
            static float out[SAMPLE_SIDE_MAX * SAMPLE_SIDE_MAX * 4];
            char more[512];
            qn_model *model;
            feed f;
            int has;
            qn_tensor input;
            int64_t dims[QN_MAX_RANK];
            snprintf(more, sizeof more, ", 'custom_ranges': %s", ranges[i]);
            expect_ok(try_ranges(mode(words ? "qint16_mixed_float32" : "qint8_mixed_float16", "", more), NULL, &model));
            feed_init(&f, 21, 1);
            expect_ok(f.samples.next(&f, &input, 1, &has));
            run_model(model, &input, out, dims);
            for (int64_t e = 0; e < f.height * f.width * 4; e++) assert_true(isfinite(out[e]));
            qn_model_destroy(model);
        }
}

static void a_contract_without_integers_is_refused(void **state) {
    (void)state;
    qn_contract contract;
    qn_model *model;
    qn_contract_init(&contract);
    expect_refused(try_build_with(sample_network, NULL, NULL, &contract, NULL, &model), QN_INVALID_ARGUMENT,
                   "a contract needs a precision_mode of integers");
}

/* Ranges of words are symmetric: bytes would lose half of what they hold. */
static void bytes_in_a_mode_of_words_have_the_scales_of_bytes(void **state) {
    static const char *const configs[] = {
        "{'precision_config': {'precision_mode': 'qint8_mixed_float32'}, 'custom_nodes': {'conv2d': {'precision': 'int8'}}}",
        "{'precision_config': {'precision_mode': 'qint16_mixed_float32'}, 'custom_nodes': {'conv2d': {'precision': 'int8'}}}"};
    const qn_value_info *value, *other;
    qn_model *models[2];
    int found = 0;
    (void)state;
    for (int i = 0; i < 2; i++) {
        qn_calibrator *calibrator = calibrated(sample_network, configs[i], 21, 6);
        models[i] = build_with(sample_network, configs[i], calibrator);
        qn_calibrator_destroy(calibrator);
    }
    for (size_t v = 0; (value = qn_model_value(models[0], v)); v++) {
        size_t at;
        if (!value->encoding) continue;
        expect_ok(qn_model_find_value(models[1], value->name, &at));
        other = qn_model_value(models[1], at);
        assert_int_equal(other->dtype, QN_DTYPE_U8);
        assert_int_equal(other->encoding->channels, value->encoding->channels);
        assert_memory_equal(other->encoding->scale, value->encoding->scale, value->encoding->channels * sizeof(float));
        assert_memory_equal(other->encoding->zero_point, value->encoding->zero_point, value->encoding->channels);
        found++;
    }
    assert_int_equal(found, 2);
    qn_model_destroy(models[0]), qn_model_destroy(models[1]);
}

/* ---- Ranges from a file ---- */

/* A build from a file with these values; single quotes stand for double ones. */
static qn_status *build_from_values(const char *values, case_log *log, qn_model **out_model) {
    char text[2000];
    qn_calibrator *loaded;
    snprintf(text, sizeof text,
             "{'format': 'quench ranges 1', 'network': 'n', 'algorithm': '', 'samples': 9, 'values': {%s}}", values);
    for (char *c = text; *c; c++)
        if (*c == '\'') *c = '"';
    expect_ok(qn_calibrator_create(NULL, &loaded));
    expect_ok(qn_calibrator_load_ranges_text(loaded, text, "mine.json"));
    qn_status *status = try_build_with(sample_network, INT8, loaded, NULL, log, out_model);
    qn_calibrator_destroy(loaded);
    return status;
}

#define X_AND_R "'x': {'min': -2, 'max': 3}, 'r': {'min': 0, 'max': 11}"

static void ranges_of_values_that_are_not_there_are_told_of(void **state) {
    (void)state;
    case_log log;
    qn_model *model;
    case_log_init(&log);
    expect_ok(build_from_values(X_AND_R, &log, &model));
    assert_int_equal(log.warnings, 0);
    qn_model_destroy(model);
    expect_ok(build_from_values(X_AND_R ", 'rr': {'min': 0, 'max': 1}, 'nobody': {'min': 0, 'max': 1}", &log, &model));
    assert_int_equal(log.warnings, 1);
    assert_non_null(
        strstr(log.text, "mine.json: the simplified network has no value 'rr' (nearest: 'r'), 'nobody': such"));
    qn_model_destroy(model);
    expect_ok(build_from_values(X_AND_R
                                ", 'k1': {'min': 0, 'max': 1}, 'k2': {'min': 0, 'max': 1}, 'k3': {'min': 0, 'max': 1}"
                                ", 'k4': {'min': 0, 'max': 1}, 'k5': {'min': 0, 'max': 1}",
                                &log, &model));
    assert_int_equal(log.warnings, 2);
    assert_non_null(strstr(log.text, "'k3'"));
    assert_null(strstr(log.text, "'k4'"));
    assert_non_null(strstr(log.text, " and 2 more: such ranges are not used"));
    qn_model_destroy(model);
}

static void files_whose_ranges_do_not_fit_are_named(void **state) {
    (void)state;
    qn_model *model;
    expect_refused(build_from_values("", NULL, &model), QN_INVALID_ARGUMENT, "mine.json holds no ranges");
    expect_refused(build_from_values("'v': {'min': 0, 'max': 1}", NULL, &model), QN_INVALID_ARGUMENT,
                   "mine.json: the ranges are those of another network ('n')");
    expect_refused(build_from_values("'x': {'min': 0, 'max': 1, 'channel_mean': [0, 0, 0, 0, 0, 0, 0]}", NULL, &model),
                   QN_INVALID_ARGUMENT, "mine.json: value 'x' has 2 channels, but its range is of 7");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_mode_is_as_near_as_its_types_allow),
        cmocka_unit_test(a_calibrator_changes_nothing_where_no_integers_are_asked_for),
        cmocka_unit_test(integer_values_say_what_they_stand_for),
        cmocka_unit_test(a_node_that_asks_for_floats_keeps_them),
        cmocka_unit_test(integers_without_ranges_are_refused_with_the_ways_to_give_them),
        cmocka_unit_test(one_custom_range_may_serve_every_value),
        cmocka_unit_test(custom_ranges_by_name_and_channel_come_before_those_of_all),
        cmocka_unit_test(custom_ranges_come_before_the_calibrators_but_not_those_of_all),
        cmocka_unit_test(values_without_a_range_stay_float_with_a_warning),
        cmocka_unit_test(misspelt_values_are_refused_with_the_nearest),
        cmocka_unit_test(numbers_that_do_not_fit_the_channels_are_refused),
        cmocka_unit_test(ranges_of_nothing_and_of_everything_are_survived),
        cmocka_unit_test(a_contract_without_integers_is_refused),
        cmocka_unit_test(bytes_in_a_mode_of_words_have_the_scales_of_bytes),
        cmocka_unit_test(ranges_of_values_that_are_not_there_are_told_of),
        cmocka_unit_test(files_whose_ranges_do_not_fit_are_named),
    };
    return cmocka_run_group_tests_name("driver/integers", tests, NULL, NULL);
}
