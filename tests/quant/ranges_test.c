/* Range estimators: names, promises that hold for all, and each against plain arithmetic on the values themselves. */
#include <math.h>
#include <float.h>
#include <stdlib.h>
#include <string.h>

#include "quant_case.h"

static const qn_range_algorithm *named(const char *name) {
    const qn_range_algorithm *algorithm;
    assert_null(qn_range_algorithm_find(name, &algorithm));
    return algorithm;
}

/* An observer that saw `count` values, [count / channels, channels]. */
static qn_observer *observer_of(const float *values, int64_t count, int64_t channels) {
    qn_observer *observer;
    assert_null(qn_observer_create(NULL, channels, &observer));
    qn_observer_add(observer, values, count / channels);
    return observer;
}

static qn_range range_of(const char *algorithm, const qn_observer *observer, qn_range_request request) {
    qn_range range;
    assert_null(qn_range_estimate(named(algorithm), observer, &request, &range));
    return range;
}

static qn_range channel_range_of(const char *algorithm, const qn_observer *observer, int64_t channel) {
    const qn_range_request request = {.bits = 8};
    qn_range range;
    assert_null(qn_range_estimate_channel(named(algorithm), observer, &request, channel, &range));
    return range;
}

static void every_spelling_is_known(void **state) {
    (void)state;
    static const char *const spellings[][2] = {
        {"linear", "linear"},       {"LINEAR_ALGORITHM", "linear"},       {"Eqnm", "eqnm"}, {"EQNM_ALGORITHM", "eqnm"},
        {"eqnm_algorithm", "eqnm"}, {"moving-average", "moving_average"}, {"KL", "kl"},     {"MSE_ALGORITHM", "mse"}};
    for (size_t i = 0; i < sizeof spellings / sizeof *spellings; i++)
        assert_string_equal(named(spellings[i][0])->name, spellings[i][1]);
    for (size_t i = 0; i < qn_range_algorithm_count(); i++) {
        const qn_range_algorithm *algorithm = qn_range_algorithm_at(i);
        assert_ptr_equal(named(algorithm->name), algorithm);
        assert_ptr_equal(named(algorithm->spelling), algorithm);
        assert_true(strlen(algorithm->doc) > 10);
    }
}

static void unknown_names_are_answered_with_the_nearest(void **state) {
    (void)state;
    const qn_range_algorithm *algorithm;
    expect_refused(qn_range_algorithm_find("eqmn_algorithm", &algorithm), QN_INVALID_ARGUMENT, "did you mean 'eqnm'?");
    assert_null(algorithm);
    expect_refused(qn_range_algorithm_find("percentil", &algorithm), QN_INVALID_ARGUMENT, "'percentile'");
    expect_refused(qn_range_algorithm_find("", &algorithm), QN_INVALID_ARGUMENT, "unknown");
    expect_refused(qn_range_algorithm_find("_algorithm", &algorithm), QN_INVALID_ARGUMENT, "unknown");
    char word[500];
    memset(word, 'x', sizeof word - 1);
    word[sizeof word - 1] = 0;
    expect_refused(qn_range_algorithm_find(word, &algorithm), QN_INVALID_ARGUMENT, "unknown");
}

/* Kinds of values that occur, and those nobody wishes for. */
static float draw(qn_rng *rng, int kind, int64_t i) {
    switch (kind) {
    case 0: return 0;
    case 1: return 3.5f;
    case 2: return -7;
    case 3: return qn_rng_float(rng, -1e-44f, 1e-44f);
    case 4: return qn_rng_float(rng, 1e-30f, 1e-29f);
    case 5: return qn_rng_float(rng, 0, FLT_MAX) * (i % 2 ? 1.0f : -1.0f);
    case 6: return fmaxf(draw_normal(rng), 0);
    case 7: return i % 7 ? draw_normal(rng) : NAN;
    case 8: return i ? -fabsf(draw_normal(rng)) : -1e30f;
    case 9: return i ? 0 : FLT_MAX;
    case 10: return fminf(fmaxf(draw_normal(rng) * 4, 0), 6);
    default: return draw_normal(rng) * ldexpf(1, (int)qn_rng_range(rng, -20, 20));
    }
}

static void expect_sound(qn_range range, const qn_range_request *request) {
    assert_true(isfinite(range.low) && isfinite(range.high));
    assert_true(range.low <= 0 && range.high >= 0 && range.high - range.low >= QN_RANGE_SPAN_MIN);
    if (request->symmetric || request->bits == 16) assert_true(range.low == -range.high);
    const qn_quant_params params = qn_quant_params_from_range(&range, request->bits, request->symmetric);
    assert_true(isnormal(params.scale) && isnormal(1 / params.scale));
    assert_true(params.zero_point >= params.min && params.zero_point <= params.max);
}

static void every_range_is_finite_wide_enough_and_includes_zero(void **state) {
    (void)state;
    static const qn_range_request requests[] = {
        {.bits = 8}, {.bits = 8, .symmetric = 1}, {.bits = 16}, {.bits = 8, .percentile = 90}};
    enum { COUNT = 900, CHANNELS = 3 };
    uint64_t seed = 51;
    print_message("seed %llu\n", (unsigned long long)seed);
    qn_rng rng;
    qn_rng_init(&rng, seed);
    float values[COUNT];
    for (int kind = 0; kind <= 11; kind++) {
        for (int64_t i = 0; i < COUNT; i++) values[i] = draw(&rng, kind, i);
        qn_observer *observer = observer_of(values, COUNT, CHANNELS);
        for (size_t a = 0; a < qn_range_algorithm_count(); a++)
            for (size_t r = 0; r < sizeof requests / sizeof *requests; r++) {
                qn_range range;
                assert_null(qn_range_estimate(qn_range_algorithm_at(a), observer, &requests[r], &range));
                expect_sound(range, &requests[r]);
                qn_range all[CHANNELS];
                assert_null(qn_range_estimate_channels(qn_range_algorithm_at(a), observer, &requests[r], all));
                for (int64_t c = 0; c < CHANNELS; c++) {
                    assert_null(qn_range_estimate_channel(qn_range_algorithm_at(a), observer, &requests[r], c, &range));
                    expect_sound(range, &requests[r]);
                    assert_true(all[c].low == range.low && all[c].high == range.high);
                }
            }
        qn_observer_destroy(observer);
    }
}

static void worked_examples(void **state) {
    (void)state;
    qn_observer *observer = observer_of((float[]){-1, 2, 3, 10}, 4, 2);
    qn_range range = range_of("linear", observer, (qn_range_request){.bits = 8});
    assert_true(range.low == -1 && range.high == 10);
    range = range_of("linear", observer, (qn_range_request){.bits = 8, .symmetric = 1});
    assert_true(range.low == -10 && range.high == 10);
    range = channel_range_of("linear", observer, 0);
    assert_true(range.low == -1 && range.high == 3);
    range = channel_range_of("linear", observer, 1);
    assert_true(range.low == 0 && range.high == 10); /* 2..10, and 0 */
    qn_observer_add(observer, (float[]){0, 0, 0, 0}, 2);
    range = range_of("moving_average", observer, (qn_range_request){.bits = 8});
    assert_true(fabs(range.low - -0.9) < 1e-12 && fabs(range.high - 9) < 1e-12);
    range = channel_range_of("moving_average", observer, 1);
    assert_true(range.low == 0 && fabs(range.high - 9) < 1e-12); /* its extremes within the whole range */
    qn_observer_destroy(observer);
    observer = observer_of((float[]){0, 0, 5, 5}, 4, 2);
    qn_observer *zeros = observer_of((float[]){0, -0.0f}, 2, 1);
    range = range_of("mse", zeros, (qn_range_request){.bits = 8});
    assert_true(range.low == 0 && range.high == 1);
    range = range_of("kl", zeros, (qn_range_request){.bits = 8, .symmetric = 1});
    assert_true(range.low == -1 && range.high == 1);
    range = range_of("mse", observer, (qn_range_request){.bits = 8}); /* 5 alone is represented exactly */
    assert_true(range.low == 0 && range.high == 5);
    qn_observer_destroy(observer), qn_observer_destroy(zeros);
}

static void requests_and_observers_that_make_no_sense_are_refused(void **state) {
    (void)state;
    qn_observer *observer = observer_of((float[]){1, 2}, 2, 2), *blind = observer_of((float[]){NAN, INFINITY}, 2, 1);
    const qn_range_algorithm *linear = named("linear");
    qn_range range;
    qn_range_request request = {.bits = 4};
    expect_refused(qn_range_estimate(linear, observer, &request, &range), QN_INVALID_ARGUMENT, "4 bits");
    request = (qn_range_request){.bits = 8, .percentile = 50};
    expect_refused(qn_range_estimate(linear, observer, &request, &range), QN_INVALID_ARGUMENT, "percentile 50");
    request.percentile = NAN;
    expect_refused(qn_range_estimate(linear, observer, &request, &range), QN_INVALID_ARGUMENT, "percentile");
    request.percentile = 0;
    expect_refused(qn_range_estimate(linear, blind, &request, &range), QN_INVALID_ARGUMENT, "no finite element");
    expect_refused(qn_range_estimate_channel(linear, observer, &request, 2, &range), QN_INVALID_ARGUMENT, "channel 2");
    expect_refused(qn_range_estimate_channel(linear, observer, &request, -1, &range), QN_INVALID_ARGUMENT, "channel");
    qn_observer_destroy(observer), qn_observer_destroy(blind);
}

static void a_single_outlier_is_survived(void **state) {
    (void)state;
    static const char *const robust[] = {"percentile", "mse", "kl", "eqnm"};
    enum { COUNT = 60000, CHANNELS = 2 };
    qn_rng rng;
    qn_rng_init(&rng, 52);
    float *values = malloc(COUNT * sizeof *values);
    for (int at = 0; at < COUNT; at += COUNT - 1) /* the first, the last */
        for (int kind = 0; kind < 2; kind++) {
            for (int i = 0; i < COUNT; i++) values[i] = kind ? draw_normal(&rng) / 4 : 1;
            values[at] = 1e6f;
            qn_observer *observer = observer_of(values, COUNT, CHANNELS);
            assert_true(range_of("linear", observer, (qn_range_request){.bits = 8}).high == 1e6);
            for (size_t a = 0; a < 4; a++)
                for (int symmetric = 0; symmetric < 2; symmetric++) {
                    qn_range range = range_of(robust[a], observer, (qn_range_request){8, symmetric, 0});
                    if (range.high > 2 || range.high < 0.5) fail_msg("%s: high %g", robust[a], range.high);
                }
            for (size_t a = 0; a < 2; a++) assert_true(channel_range_of(robust[a], observer, at % CHANNELS).high < 2);
            qn_observer_destroy(observer);
        }
    free(values);
}

static void values_that_are_nearly_always_zero_keep_their_range(void **state) {
    (void)state;
    enum { COUNT = 40000 };
    float *values = calloc(COUNT, sizeof *values);
    values[70] = 3, values[71] = -1;
    qn_observer *observer = observer_of(values, COUNT, 1);
    const qn_range range = range_of("percentile", observer, (qn_range_request){.bits = 8});
    assert_true(range.low == -1 && range.high == 3);
    qn_observer_destroy(observer);
    free(values);
}

static int ascending(const void *a, const void *b) {
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

static void percentiles_are_those_of_the_sorted_values(void **state) {
    (void)state;
    enum { COUNT = 20000 };
    static const double percentiles[] = {0, 70, 75, 90, 99, 99.9, 100};
    uint64_t seed = 53;
    print_message("seed %llu\n", (unsigned long long)seed);
    qn_rng rng;
    qn_rng_init(&rng, seed);
    float *values = malloc(COUNT * sizeof *values);
    for (int round = 0; round < 4; round++) {
        for (int i = 0; i < COUNT; i++) values[i] = draw_normal(&rng) * (float)(i % 3) - (float)round / 2;
        qn_observer *observer = observer_of(values, COUNT, 1);
        const double width = ldexp(1, observer->histogram.exponent);
        qsort(values, COUNT, sizeof *values, ascending);
        for (size_t p = 0; p < sizeof percentiles / sizeof *percentiles; p++) {
            const double percentile = percentiles[p] > 0 ? percentiles[p] : 99.99;
            const int beyond = (int)(COUNT * (100 - percentile) / 100 + 1e-9);
            qn_range range = range_of("percentile", observer, (qn_range_request){8, 0, percentiles[p]});
            assert_true(fabs(range.low - fmin(values[beyond], 0)) <= 2 * width);
            assert_true(fabs(range.high - fmax(values[COUNT - 1 - beyond], 0)) <= 2 * width);
        }
        qn_observer_destroy(observer);
    }
    free(values);
}

/* Squared error of the values themselves, quantised one by one. */
static double error_of(const float *values, int count, qn_range range, int bits, int symmetric) {
    const qn_quant_params params = qn_quant_params_from_range(&range, bits, symmetric);
    double sum = 0;
    for (int i = 0; i < count; i++) {
        double code =
            fmin(fmax(nearbyint((double)(values[i] / params.scale)) + params.zero_point, params.min), params.max);
        double back = (double)params.scale * (code - params.zero_point);
        sum += (values[i] - back) * (values[i] - back);
    }
    return sum;
}

/* The least error of a plain grid of ends; symmetric ones where asked for. */
static double least_error_of(const float *values, int count, double min, double max, int symmetric) {
    enum { STEPS = 60 };
    double least = INFINITY;
    for (int h = 1; h <= STEPS; h++)
        for (int l = 1; l <= (symmetric || min == 0 ? 1 : STEPS); l++) {
            qn_range range = {min * l / STEPS, max * h / STEPS};
            if (symmetric) range.high = fmax(-min, max) * h / STEPS, range.low = -range.high;
            least = fmin(least, error_of(values, count, range, 8, symmetric));
        }
    return least;
}

static float draw_shape(qn_rng *rng, int shape) {
    const float x = draw_normal(rng);
    switch (shape) {
    case 0: return x;
    case 1: return fmaxf(x, 0);                /* after a relu */
    case 2: return x * x * x;                  /* heavy tails */
    case 3: return fmaxf(x * x * x, -0.5f);    /* one heavy tail */
    case 4: return qn_rng_float(rng, -1, 3);   /* nothing to clip */
    default: return fminf(fmaxf(3 * x, 0), 6); /* after a relu6 */
    }
}

static void least_squares_come_close_to_an_exhaustive_search(void **state) {
    (void)state;
    enum { COUNT = 3000 };
    uint64_t seed = 54;
    print_message("seed %llu\n", (unsigned long long)seed);
    qn_rng rng;
    qn_rng_init(&rng, seed);
    float values[COUNT];
    for (int shape = 0; shape < 6; shape++) {
        for (int i = 0; i < COUNT; i++) values[i] = draw_shape(&rng, shape);
        qn_observer *observer = observer_of(values, COUNT, 1);
        const double min = fmin(observer->min, 0), max = fmax(observer->max, 0);
        const double both = least_error_of(values, COUNT, min, max, 1),
                     each = least_error_of(values, COUNT, min, max, 0);
        double found = error_of(values, COUNT, range_of("mse", observer, (qn_range_request){.bits = 8}), 8, 0);
        print_message("shape %d: mse %.4f of the least", shape, found / each);
        assert_true(found <= 1.1 * each);
        const qn_range_request symmetric = {.bits = 8, .symmetric = 1};
        found = error_of(values, COUNT, range_of("mse", observer, symmetric), 8, 1);
        assert_true(found <= 1.1 * both);
        found = error_of(values, COUNT, range_of("eqnm", observer, symmetric), 8, 1);
        print_message(", eqnm %.4f\n", found / both);
        assert_true(found <= 1.1 * both);
        qn_observer_destroy(observer);
    }
}

static void divergence_keeps_what_is_even_and_clips_thin_tails(void **state) {
    (void)state;
    enum { COUNT = 50000 };
    qn_rng rng;
    qn_rng_init(&rng, 55);
    float *values = malloc(COUNT * sizeof *values);
    for (int i = 0; i < COUNT; i++) values[i] = qn_rng_float(&rng, 0, 1);
    qn_observer *observer = observer_of(values, COUNT, 1);
    assert_true(range_of("kl", observer, (qn_range_request){.bits = 8}).high > 0.95);
    qn_observer_destroy(observer);
    for (int i = 0; i < COUNT; i++) values[i] = draw_normal(&rng);
    for (int i = 0; i < COUNT; i += 2500) values[i] = 100; /* a few far away, too many for outliers */
    observer = observer_of(values, COUNT, 1);
    const qn_range range = range_of("kl", observer, (qn_range_request){.bits = 8, .symmetric = 1});
    if (!(range.high > 2 && range.high < 50)) fail_msg("high %g", range.high);
    assert_true(range_of("kl", observer, (qn_range_request){.bits = 16}).high == 100); /* nothing to gain */
    qn_observer_destroy(observer);
    free(values);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_spelling_is_known),
        cmocka_unit_test(unknown_names_are_answered_with_the_nearest),
        cmocka_unit_test(every_range_is_finite_wide_enough_and_includes_zero),
        cmocka_unit_test(worked_examples),
        cmocka_unit_test(requests_and_observers_that_make_no_sense_are_refused),
        cmocka_unit_test(a_single_outlier_is_survived),
        cmocka_unit_test(values_that_are_nearly_always_zero_keep_their_range),
        cmocka_unit_test(percentiles_are_those_of_the_sorted_values),
        cmocka_unit_test(least_squares_come_close_to_an_exhaustive_search),
        cmocka_unit_test(divergence_keeps_what_is_even_and_clips_thin_tails),
    };
    return cmocka_run_group_tests_name("quant/ranges", tests, NULL, NULL);
}
