/* Layers as integers against plain recomputation in double and int64: how near they are, and that no sum overflows. */
#include "layer_case.h"

#include <float.h>
#include <stdlib.h>

enum { ROUNDS = 40 };

static const qn_layer_options plain = {0};

static void quantise(layer_case *c, const qn_layer_options *options, qn_layer_integers *out) {
    qn_status *status = qn_layer_quantise(&c->layer, &c->x, options, &c->arena, out);
    if (status) fail_msg("%s", qn_status_message(status));
}

/* A code of the activation that row `row` reads. */
static int32_t draw_code(layer_case *c) {
    return (int32_t)(c->x.dtype == QN_DTYPE_U8 ? qn_rng_range(&c->rng, 0, 255) : qn_rng_range(&c->rng, -32767, 32767));
}

static int32_t *draw_codes(layer_case *c) {
    int32_t *q = QN_ARENA_ARRAY(&c->arena, int32_t, (size_t)c->layer.rows);
    for (int64_t k = 0; k < c->layer.rows; k++) q[k] = draw_code(c);
    return q;
}

static int32_t *zeros_as_codes(layer_case *c, int64_t output) {
    int32_t *q = QN_ARENA_ARRAY(&c->arena, int32_t, (size_t)c->layer.rows);
    for (int64_t k = 0; k < c->layer.rows; k++) q[k] = c->x.zero_point[row_channel(c, k, output)];
    return q;
}

/* A layer of random kind and size. */
static void draw_case(layer_case *c, uint64_t seed) {
    qn_rng rng;
    qn_rng_init(&rng, seed);
    qn_dtype dtype = qn_rng_range(&rng, 0, 1) ? QN_DTYPE_U8 : QN_DTYPE_S16;
    int is_depthwise = qn_rng_range(&rng, 0, 2) == 0;
    int64_t channels = qn_rng_range(&rng, 1, 12), taps = qn_rng_range(&rng, 1, 9);
    if (is_depthwise)
        layer_case_init(c, seed, dtype, taps, channels, channels, 1);
    else
        layer_case_init(c, seed, dtype, taps * channels, channels, qn_rng_range(&rng, 1, 9), 0);
    c->layer.has_byte_weights = (int)qn_rng_range(&rng, 0, 1);
}

/* ---- Grids ---- */

/* Weights become multiples of `step[o]`, up to `most` of them. */
static void put_on_grid(layer_case *c, const float *step, int most) {
    for (int64_t k = 0; k < c->layer.rows; k++)
        for (int64_t o = 0; o < c->layer.outputs; o++)
            c->weights[k * c->layer.outputs + o] = step[o] * (float)qn_rng_range(&c->rng, -most, most);
    c->layer.grid = step;
}

static void weights_on_a_grid_stay_the_integers_they_are(void **state) {
    (void)state;
    static const float step[5] = {0.013f, 0.5f, 7e-4f, 0.021f, 3};
    for (uint64_t seed = 1; seed <= ROUNDS; seed++) {
        layer_case c;
        qn_layer_integers integers;
        const int is_depthwise = seed % 2, is_words = seed % 3 != 0;
        layer_case_init(&c, seed, is_words ? QN_DTYPE_S16 : QN_DTYPE_U8, is_depthwise ? 9 : 20, 5, 5, is_depthwise);
        for (int i = 0; i < 5 && !is_depthwise; i++) c.x.scale[i] = c.x.scale[0];
        put_on_grid(&c, step, 120); /* a scale of its own would be finer */
        c.layer.has_byte_weights = seed % 3 == 1;
        const qn_layer_options options = {.correct_bias = 1, .search_clip = 1};
        quantise(&c, &options, &integers);
        assert_int_equal(integers.kept_grids, 5);
        assert_true(integers.weight_error < 1e-6 * integers.power);
        for (int64_t k = 0; k < c.layer.rows; k++)
            for (int64_t o = 0; o < 5; o++)
                assert_int_equal(integer_weight(&c, &integers, k, o), lrintf(c.weights[k * 5 + o] / step[o]));
        layer_case_deinit(&c);
    }
}

static void grids_that_integers_cannot_keep_are_left(void **state) {
    (void)state;
    static const float step[5] = {1, 1, 1, 1, 1};
    for (int variant = 0; variant < 5; variant++) {
        layer_case c;
        qn_layer_integers integers, expected;
        layer_case_init(&c, 3, QN_DTYPE_U8, 20, 5, 5, 0);
        for (int i = 0; i < 5; i++) c.x.scale[i] = c.x.scale[0];
        put_on_grid(&c, step, 100);
        if (variant == 0) c.x.scale[2] *= 2;      /* no step serves all that is read */
        if (variant == 1) c.weights[5 + 1] = 128; /* too far from zero */
        if (variant == 2) c.weights[5 + 1] = 2.5f;
        const qn_layer_options options = {.per_tensor = variant >= 3};
        if (variant == 4) c.weights[5 + 1] = 2.5f; /* and one for all is none for any */
        quantise(&c, &options, &integers);
        assert_int_equal(integers.kept_grids, variant == 0 || variant == 4 ? 0 : variant == 3 ? 5 : 4);
        c.layer.grid = NULL;
        quantise(&c, &options, &expected);
        if (variant != 3) assert_true(integers.weight_scale[1] == expected.weight_scale[1]);
        layer_case_deinit(&c);
    }
}

/* ---- Nearness ---- */

static void integer_layers_are_near_float_ones_within_half_a_step_per_weight(void **state) {
    (void)state;
    for (uint64_t seed = 1; seed <= ROUNDS; seed++) {
        layer_case c;
        qn_layer_integers integers;
        draw_case(&c, seed);
        const qn_layer_options options = {.per_tensor = seed % 2};
        quantise(&c, &options, &integers);
        for (int round = 0; round < 8; round++)
            for (int64_t o = 0; o < c.layer.outputs; o++) {
                const int32_t *q = draw_codes(&c);
                double scale = (double)integers.weight_scale[o], reach = 1;
                for (int64_t k = 0; k < c.layer.rows; k++) reach += abs(q[k] - c.x.zero_point[row_channel(&c, k, o)]);
                double error = fabs((double)integer_sum(&c, &integers, o, q) * scale - float_sum(&c, o, q));
                if (!(error <= 0.5 * scale * reach * (1 + 1e-9)))
                    fail_msg("seed %llu, output %lld: off by %g, expected at most %g", (unsigned long long)seed,
                             (long long)o, error, 0.5 * scale * reach);
            }
        layer_case_deinit(&c);
    }
}

static void clipping_moves_no_weight_by_more_than_half_of_the_largest(void **state) {
    (void)state;
    for (uint64_t seed = 1; seed <= ROUNDS; seed++) {
        layer_case c;
        qn_layer_integers clipped, whole;
        draw_case(&c, seed);
        const qn_layer_options options = {.search_clip = 1};
        quantise(&c, &options, &clipped);
        quantise(&c, &plain, &whole);
        for (int64_t o = 0; o < c.layer.outputs; o++)
            if (!(clipped.weight_scale[o] <= whole.weight_scale[o] &&
                  clipped.weight_scale[o] >= 0.49f * whole.weight_scale[o]))
                fail_msg("seed %llu: scale %g became %g", (unsigned long long)seed, (double)whole.weight_scale[o],
                         (double)clipped.weight_scale[o]);
        /* scales are rounded to float afterwards */
        assert_true(clipped.weight_error <= whole.weight_error * (1 + 1e-5));
        layer_case_deinit(&c);
    }
}

static void sixteen_bits_are_far_nearer_than_eight(void **state) {
    (void)state;
    layer_case c;
    qn_layer_integers bytes, words;
    layer_case_init(&c, 5, QN_DTYPE_U8, 72, 8, 4, 0);
    quantise(&c, &plain, &bytes);
    c.x.dtype = QN_DTYPE_S16;
    for (int64_t i = 0; i < 8; i++) c.x.scale[i] *= 255.0f / 65534.0f, c.x.zero_point[i] = 0;
    quantise(&c, &plain, &words);
    assert_true(words.weight_error / words.power < 1e-3 * bytes.weight_error / bytes.power);
    assert_true(words.activation_error / words.power < 1e-3 * bytes.activation_error / bytes.power);
    for (int64_t i = 0; i < 72 * 4; i++) assert_true(((const int16_t *)words.weights)[i] >= -32767);
    layer_case_deinit(&c);
}

static void one_scale_serves_all_outputs_of_a_tensor(void **state) {
    (void)state;
    for (uint64_t seed = 1; seed <= ROUNDS; seed++) {
        layer_case c;
        qn_layer_integers integers;
        draw_case(&c, seed);
        float most = 0;
        for (int64_t k = 0; k < c.layer.rows; k++)
            for (int64_t o = 0; o < c.layer.outputs; o++)
                most = fmaxf(most, fabsf(c.weights[k * c.layer.outputs + o] * c.x.scale[row_channel(&c, k, o)]));
        const qn_layer_options options = {.per_tensor = 1};
        quantise(&c, &options, &integers);
        for (int64_t o = 0; o < c.layer.outputs; o++) assert_true(integers.weight_scale[o] == integers.weight_scale[0]);
        float expected = most / (has_byte_weights(&c) ? 127.0f : 32767.0f);
        if (fabsf(integers.weight_scale[0] - expected) > 1e-5f * expected)
            fail_msg("seed %llu: scale %g, expected %g", (unsigned long long)seed, (double)integers.weight_scale[0],
                     (double)expected);
        layer_case_deinit(&c);
    }
}

/* ---- Zero points and bias ---- */

static void zeros_give_the_bias_exactly(void **state) {
    (void)state;
    for (uint64_t seed = 1; seed <= ROUNDS; seed++) {
        layer_case c;
        qn_layer_integers integers;
        draw_case(&c, seed);
        for (int64_t i = 0; i < c.x.channels; i++) c.x.scale[i] = 0x1p-6f;
        for (int64_t k = 0; k < c.layer.rows; k++) /* whole steps of 2^-6: the scale of the weights is 2^-6 too */
            for (int64_t o = 0; o < c.layer.outputs; o++)
                c.weights[k * c.layer.outputs + o] = k                      ? (float)qn_rng_range(&c.rng, -100, 100)
                                                     : has_byte_weights(&c) ? 127.0f
                                                                            : 32767.0f;
        for (int64_t o = 0; o < c.layer.outputs; o++) c.bias[o] = (float)qn_rng_range(&c.rng, -5000, 5000) * 0x1p-6f;
        quantise(&c, &plain, &integers);
        for (int64_t o = 0; o < c.layer.outputs; o++) {
            assert_true(integers.weight_scale[o] == 0x1p-6f);
            const int32_t *zeros = zeros_as_codes(&c, o), *q = draw_codes(&c);
            assert_true((double)integer_sum(&c, &integers, o, zeros) == (double)c.bias[o] * 64.0);
            assert_true((double)integer_sum(&c, &integers, o, q) * 0x1p-6 == float_sum(&c, o, q));
        }
        layer_case_deinit(&c);
    }
}

static void a_layer_without_bias_has_one_of_zero(void **state) {
    (void)state;
    layer_case c;
    qn_layer_integers integers;
    layer_case_init(&c, 3, QN_DTYPE_U8, 30, 10, 4, 0);
    c.layer.bias = NULL;
    quantise(&c, &plain, &integers);
    for (int64_t o = 0; o < 4; o++) assert_int_equal(integer_sum(&c, &integers, o, zeros_as_codes(&c, o)), 0);
    layer_case_deinit(&c);
}

enum { DATA = 400 };

/* The mean of integer minus float results over data whose means and squares are those the layer is told. */
static double mean_error(layer_case *c, const qn_layer_integers *integers, int64_t output, int32_t *const *data) {
    double sum = 0;
    for (int i = 0; i < DATA; i++)
        sum += (double)integer_sum(c, integers, output, data[i]) * (double)integers->weight_scale[output] -
               float_sum(c, output, data[i]);
    return sum / DATA;
}

/* Codes around a mean of each channel's own; a row of data gives every tap of a channel the same code. */
static void draw_data(layer_case *c, int32_t **out_data) {
    float *mean = QN_ARENA_ARRAY(&c->arena, float, (size_t)c->x.channels);
    float *square = QN_ARENA_ARRAY(&c->arena, float, (size_t)c->x.channels);
    int32_t *code = QN_ARENA_ARRAY(&c->arena, int32_t, (size_t)c->x.channels);
    double *sums = QN_ARENA_ARRAY(&c->arena, double, (size_t)(2 * c->x.channels));
    for (int i = 0; i < DATA; i++) {
        out_data[i] = QN_ARENA_ARRAY(&c->arena, int32_t, (size_t)c->layer.rows);
        for (int64_t channel = 0; channel < c->x.channels; channel++) {
            code[channel] = (int32_t)qn_rng_range(&c->rng, 128 + 10 * (channel % 4), 255);
            double real = (double)c->x.scale[channel] * (code[channel] - c->x.zero_point[channel]);
            sums[2 * channel] += real, sums[2 * channel + 1] += real * real;
        }
        for (int64_t k = 0; k < c->layer.rows; k++) out_data[i][k] = code[k % c->x.channels];
    }
    for (int64_t channel = 0; channel < c->x.channels; channel++) {
        mean[channel] = (float)(sums[2 * channel] / DATA);
        square[channel] = (float)(sums[2 * channel + 1] / DATA);
    }
    c->x.mean = mean, c->x.square = square;
}

static void bias_correction_takes_the_mean_of_the_rounding_away(void **state) {
    (void)state;
    double before = 0, after = 0;
    for (uint64_t seed = 1; seed <= 10; seed++) {
        layer_case c;
        qn_layer_integers rounded, corrected;
        int32_t *data[DATA];
        const qn_layer_options options = {.correct_bias = 1};
        layer_case_init(&c, seed, QN_DTYPE_U8, 48, 6, 5, 0);
        for (int64_t i = 0; i < 6; i++) c.x.zero_point[i] = (int32_t)(i % 3);
        draw_data(&c, data);
        quantise(&c, &plain, &rounded);
        quantise(&c, &options, &corrected);
        for (int64_t o = 0; o < 5; o++) {
            double step = (double)corrected.weight_scale[o], error = fabs(mean_error(&c, &corrected, o, data));
            if (!(error <= 0.501 * step))
                fail_msg("seed %llu, output %lld: mean error %g, step %g", (unsigned long long)seed, (long long)o,
                         error, step);
            before += fabs(mean_error(&c, &rounded, o, data)) / step;
            after += error / step;
        }
        assert_true(corrected.weight_error < rounded.weight_error); /* what the mean makes is gone */
        layer_case_deinit(&c);
    }
    assert_true(before > 50 * after);
}

/* ---- What is expected of the error ---- */

static void expect_near(const char *what, uint64_t seed, double found, double expected) {
    if (!(fabs(found - expected) <= 1e-6 * fabs(expected) + 1e-300))
        fail_msg("seed %llu: %s is %g, expected %g", (unsigned long long)seed, what, found, expected);
}

static void expected_errors_are_those_of_the_weights_as_rounded(void **state) {
    (void)state;
    for (uint64_t seed = 1; seed <= ROUNDS; seed++) {
        layer_case c;
        qn_layer_integers integers;
        draw_case(&c, seed);
        float *mean = QN_ARENA_ARRAY(&c.arena, float, (size_t)c.x.channels);
        float *square = QN_ARENA_ARRAY(&c.arena, float, (size_t)c.x.channels);
        for (int64_t i = 0; i < c.x.channels; i++) {
            mean[i] = qn_rng_float(&c.rng, -1, 1);
            square[i] = mean[i] * mean[i] + qn_rng_float(&c.rng, 0.1f, 1);
        }
        c.x.mean = mean, c.x.square = square;
        const qn_layer_options options = {.correct_bias = seed % 2, .search_clip = seed % 3 == 0};
        quantise(&c, &options, &integers);
        double weight_error = 0, activation_error = 0, power = 0;
        for (int64_t k = 0; k < c.layer.rows; k++)
            for (int64_t o = 0; o < c.layer.outputs; o++) {
                int64_t channel = row_channel(&c, k, o);
                double scale = (double)c.x.scale[channel], m = (double)mean[channel];
                double real = (double)c.weights[k * c.layer.outputs + o] * scale;
                double rest = real - (double)integers.weight_scale[o] * (double)integer_weight(&c, &integers, k, o);
                double moment = (double)square[channel] - (seed % 2 ? 1 : 0) * m * m;
                if (!(seed % 2)) moment = (double)square[channel];
                weight_error += rest * rest * moment / (scale * scale);
                activation_error += real * real / 12;
                power += real * real * moment / (scale * scale);
            }
        expect_near("weight_error", seed, integers.weight_error, weight_error);
        expect_near("activation_error", seed, integers.activation_error, activation_error);
        expect_near("power", seed, integers.power, power);
        layer_case_deinit(&c);
    }
}

/* ---- No sum leaves its accumulator ---- */

/* The extremes of every sum, in the order of the rows, begun with the bias or ended with it. */
static void expect_sums_fit(const layer_case *c, const qn_layer_integers *integers, const char *what) {
    int is_bytes = c->x.dtype == QN_DTYPE_U8;
    int64_t low_code = is_bytes ? 0 : -32767, high_code = is_bytes ? 255 : 32767;
    double limit = is_bytes ? 0x1p31 : 0x1p63;
    for (int64_t o = 0; o < c->layer.outputs; o++) {
        double least = 0, most = 0, bias = (double)integer_bias(c, integers, o),
               scale = (double)integers->weight_scale[o];
        for (int64_t k = 0; k < c->layer.rows; k++) {
            double weight = (double)integer_weight(c, integers, k, o);
            assert_true(fabs(weight) <= (is_bytes ? 127 : 32767));
            least += fmin(weight * (double)low_code, weight * (double)high_code);
            most += fmax(weight * (double)low_code, weight * (double)high_code);
            if (!(bias + least >= -limit && bias + most < limit && least >= -limit && most < limit))
                fail_msg("%s: output %lld reaches %g to %g with bias %g", what, (long long)o, least, most, bias);
        }
        assert_true(isnormal(scale) && scale > 0);
    }
    assert_true(isfinite(integers->weight_error) && isfinite(integers->activation_error) && isfinite(integers->power));
}

typedef void spoil(layer_case *c);

static void weights_all_equal(layer_case *c) {
    for (int64_t i = 0; i < c->layer.rows * c->layer.outputs; i++) c->weights[i] = 3.5f;
}
static void weights_all_equal_and_negative(layer_case *c) {
    for (int64_t i = 0; i < c->layer.rows * c->layer.outputs; i++) c->weights[i] = -3.5f;
}
static void a_bias_beyond_int32(layer_case *c) {
    for (int64_t o = 0; o < c->layer.outputs; o++) c->bias[o] = o % 2 ? 1e15f : -1e15f;
}
static void the_greatest_bias(layer_case *c) {
    for (int64_t o = 0; o < c->layer.outputs; o++) c->bias[o] = o % 2 ? FLT_MAX : -FLT_MAX;
}
static void a_bias_just_below_half_of_the_sums(layer_case *c) {
    weights_all_equal(c);
    float unit = 3.5f / 127.0f * c->x.scale[0];
    for (int64_t o = 0; o < c->layer.outputs; o++) c->bias[o] = (o % 2 ? 0x1p29f : -0x1p29f) * unit;
}
static void one_huge_weight(layer_case *c) { c->weights[c->layer.outputs / 2] = 3e38f; }
static void the_greatest_weights_and_scales(layer_case *c) {
    for (int64_t i = 0; i < c->layer.rows * c->layer.outputs; i++) c->weights[i] = i % 3 ? FLT_MAX : -FLT_MAX;
    for (int64_t i = 0; i < c->x.channels; i++) c->x.scale[i] = 1e30f;
}
static void subnormal_weights(layer_case *c) {
    for (int64_t i = 0; i < c->layer.rows * c->layer.outputs; i++) c->weights[i] *= 0x1p-130f;
}
static void channels_of_zeros(layer_case *c) {
    for (int64_t i = 0; i < c->layer.rows * c->layer.outputs; i++)
        if (i % c->layer.outputs % 2 == 0) c->weights[i] = 0;
}
static void zeros_with_a_great_bias(layer_case *c) {
    memset(c->weights, 0, (size_t)(c->layer.rows * c->layer.outputs) * sizeof *c->weights);
    a_bias_beyond_int32(c);
}
static void means_far_off(layer_case *c) {
    float *mean = QN_ARENA_ARRAY(&c->arena, float, (size_t)c->x.channels);
    for (int64_t i = 0; i < c->x.channels; i++) mean[i] = i % 2 ? 1e8f : -1e8f;
    c->x.mean = mean, c->x.square = mean;
}
static void nothing_else(layer_case *c) { (void)c; }

static void no_sum_leaves_its_accumulator(void **state) {
    static const struct {
        const char *what;
        spoil *act;
    } rows[] = {
        {"plain", nothing_else},
        {"weights all equal", weights_all_equal},
        {"weights all equal and negative", weights_all_equal_and_negative},
        {"a bias beyond int32", a_bias_beyond_int32},
        {"the greatest bias", the_greatest_bias},
        {"a bias just below half of the sums", a_bias_just_below_half_of_the_sums},
        {"one huge weight", one_huge_weight},
        {"the greatest weights and scales", the_greatest_weights_and_scales},
        {"subnormal weights", subnormal_weights},
        {"channels of zeros", channels_of_zeros},
        {"zeros with a great bias", zeros_with_a_great_bias},
        {"means far off", means_far_off},
    };
    static const int64_t depths[] = {1, 300, QN_LAYER_ROWS_MAX};
    static const int32_t zero_points[] = {0, 128, 255};
    (void)state;
    for (size_t r = 0; r < sizeof rows / sizeof *rows; r++)
        for (int variant = 0; variant < 18; variant++) {
            layer_case c;
            qn_layer_integers integers;
            qn_dtype dtype = variant % 2 ? QN_DTYPE_S16 : QN_DTYPE_U8;
            int64_t rows_of = depths[variant / 2 % 3], channels = rows_of > 1 ? 4 : 1;
            layer_case_init(&c, 11, dtype, rows_of, channels, 3, 0);
            for (int64_t i = 0; i < channels && dtype == QN_DTYPE_U8; i++) c.x.zero_point[i] = zero_points[variant / 6];
            rows[r].act(&c);
            const qn_layer_options options = {
                .per_tensor = variant % 3 == 0, .correct_bias = 1, .search_clip = variant % 3 == 1 && rows_of < 1000};
            quantise(&c, &options, &integers);
            expect_sums_fit(&c, &integers, rows[r].what);
            layer_case_deinit(&c);
        }
}

static void a_great_bias_is_kept_to_a_billionth(void **state) {
    (void)state;
    layer_case c;
    qn_layer_integers integers;
    layer_case_init(&c, 12, QN_DTYPE_U8, 9, 3, 2, 0);
    a_bias_beyond_int32(&c);
    quantise(&c, &plain, &integers);
    for (int64_t o = 0; o < 2; o++) {
        double got = (double)integer_sum(&c, &integers, o, zeros_as_codes(&c, o)) * (double)integers.weight_scale[o];
        assert_true(fabs(got - (double)c.bias[o]) <= 2e-9 * fabs((double)c.bias[o]));
    }
    layer_case_deinit(&c);
}

static void a_channel_of_zeros_gives_its_bias(void **state) {
    (void)state;
    layer_case c;
    qn_layer_integers integers;
    layer_case_init(&c, 13, QN_DTYPE_U8, 9, 3, 2, 0);
    channels_of_zeros(&c);
    quantise(&c, &plain, &integers);
    const int32_t *q = draw_codes(&c);
    for (int64_t k = 0; k < 9; k++) assert_int_equal(integer_weight(&c, &integers, k, 0), 0);
    double got = (double)integer_sum(&c, &integers, 0, q) * (double)integers.weight_scale[0];
    if (!(fabs(got - (double)c.bias[0]) <= 1e-6 * fabs((double)c.bias[0])))
        fail_msg("the bias %g became %g", (double)c.bias[0], got);
    layer_case_deinit(&c);
}

static void a_channel_of_zeros_does_not_coarsen_a_tensor(void **state) {
    (void)state;
    layer_case c;
    qn_layer_integers integers;
    const qn_layer_options options = {.per_tensor = 1};
    layer_case_init(&c, 15, QN_DTYPE_U8, 9, 3, 2, 0);
    channels_of_zeros(&c);
    c.bias[0] = c.bias[1] = 0;
    float most = 0;
    for (int64_t k = 0; k < 9; k++) most = fmaxf(most, fabsf(c.weights[2 * k + 1] * c.x.scale[k % 3]));
    quantise(&c, &options, &integers);
    if (!(fabsf(integers.weight_scale[0] - most / 127) <= 1e-5f * most))
        fail_msg("scale %g, expected %g", (double)integers.weight_scale[0], (double)most / 127);
    layer_case_deinit(&c);
}

/* ---- What is refused ---- */

static void weights_and_biases_that_are_not_finite_are_refused_by_number(void **state) {
    static const float bad[] = {NAN, INFINITY, -INFINITY};
    (void)state;
    for (int i = 0; i < 3; i++) {
        layer_case c;
        qn_layer_integers integers;
        layer_case_init(&c, 14, QN_DTYPE_U8, 9, 3, 2, 0);
        c.weights[13] = bad[i];
        expect_refused(qn_layer_quantise(&c.layer, &c.x, &plain, &c.arena, &integers), QN_INVALID_MODEL,
                       "weight 13 is");
        c.weights[13] = 0;
        c.bias[1] = bad[i];
        expect_refused(qn_layer_quantise(&c.layer, &c.x, &plain, &c.arena, &integers), QN_INVALID_MODEL, "bias 1 is");
        layer_case_deinit(&c);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(weights_on_a_grid_stay_the_integers_they_are),
        cmocka_unit_test(grids_that_integers_cannot_keep_are_left),
        cmocka_unit_test(integer_layers_are_near_float_ones_within_half_a_step_per_weight),
        cmocka_unit_test(clipping_moves_no_weight_by_more_than_half_of_the_largest),
        cmocka_unit_test(sixteen_bits_are_far_nearer_than_eight),
        cmocka_unit_test(one_scale_serves_all_outputs_of_a_tensor),
        cmocka_unit_test(zeros_give_the_bias_exactly),
        cmocka_unit_test(a_layer_without_bias_has_one_of_zero),
        cmocka_unit_test(bias_correction_takes_the_mean_of_the_rounding_away),
        cmocka_unit_test(expected_errors_are_those_of_the_weights_as_rounded),
        cmocka_unit_test(no_sum_leaves_its_accumulator),
        cmocka_unit_test(a_great_bias_is_kept_to_a_billionth),
        cmocka_unit_test(a_channel_of_zeros_gives_its_bias),
        cmocka_unit_test(a_channel_of_zeros_does_not_coarsen_a_tensor),
        cmocka_unit_test(weights_and_biases_that_are_not_finite_are_refused_by_number),
    };
    return cmocka_run_group_tests_name("quant/layer", tests, NULL, NULL);
}
