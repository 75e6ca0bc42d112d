/* Scales and zero points from ranges, and quantised weights, against arithmetic in double. */
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "quant_case.h"

static void expect_params(double low, double high, int bits, int symmetric, float scale, int zero_point) {
    const qn_range range = {low, high};
    const qn_quant_params params = qn_quant_params_from_range(&range, bits, symmetric);
    if (params.scale != scale || params.zero_point != zero_point)
        fail_msg("[%g, %g]: scale %.9g zero point %d, expected %.9g and %d", low, high, params.scale, params.zero_point,
                 scale, zero_point);
    assert_int_equal(params.min, bits == 16 ? -32767 : 0);
    assert_int_equal(params.max, bits == 16 ? 32767 : 255);
}

static void worked_examples(void **state) {
    (void)state;
    expect_params(0, 255, 8, 0, 1, 0);
    expect_params(0, 6, 8, 0, 6.0f / 255, 0);
    expect_params(-1, 254, 8, 0, 1, 1);
    expect_params(-255, 0, 8, 0, 1, 255);
    expect_params(-0.5, 254.5, 8, 0, 1, 0); /* half to even */
    expect_params(-1.5, 253.5, 8, 0, 1, 2);
    expect_params(-127, 127, 8, 1, 1, 128);
    expect_params(-1, 63.5, 8, 1, 0.5f, 128);
    expect_params(-32767, 5, 16, 0, 1, 0);
    expect_params(-1, 65534, 16, 1, 2, 0);
}

/* Zero is exact, ends are within half a step, and what lies in range moves by at most half a step. */
static void zero_is_exact_and_errors_are_below_half_a_step(void **state) {
    (void)state;
    uint64_t seed = 61;
    print_message("seed %llu\n", (unsigned long long)seed);
    qn_rng rng;
    qn_rng_init(&rng, seed);
    for (int round = 0; round < 2000; round++) {
        const double size = ldexp(1, (int)qn_rng_range(&rng, -60, 100));
        const qn_range range = {-size * qn_rng_float(&rng, 0, 1), size * qn_rng_float(&rng, 0.1f, 1)};
        const int bits = qn_rng_range(&rng, 0, 1) ? 8 : 16, symmetric = (int)qn_rng_range(&rng, 0, 1);
        const qn_quant_params params = qn_quant_params_from_range(&range, bits, symmetric);
        const qn_range real = qn_quant_params_range(&params);
        const double half = 0.5000001 * params.scale;
        assert_int_equal(qn_quant_value(&params, 0), params.zero_point);
        assert_int_equal(qn_quant_value(&params, NAN), params.zero_point);
        assert_int_equal(qn_quant_value(&params, INFINITY), params.max);
        assert_int_equal(qn_quant_value(&params, -INFINITY), params.min);
        assert_true(real.low <= range.low + half && real.high >= range.high - half);
        for (int i = 0; i < 20; i++) {
            const float x = (float)(range.low + (range.high - range.low) * i / 19);
            const double back = (double)params.scale * (qn_quant_value(&params, x) - params.zero_point);
            assert_true(fabs(back - x) <= 2 * half);
            if (x >= real.low && x <= real.high) assert_true(fabs(back - x) <= half + 1e-6 * fabs(x));
        }
    }
}

static int weight_at(const void *out, int bits, int64_t i) {
    return bits == 8 ? ((const int8_t *)out)[i] : ((const int16_t *)out)[i];
}

/* Sum of squared errors of channel c (of all where c < 0), each weight quantised anew at `scale`. */
static double error_of(const float *w, int64_t count, int64_t channels, int64_t c, double scale, int levels) {
    double sum = 0;
    for (int64_t i = 0; i < count; i++) {
        if (c >= 0 && i % channels != c) continue;
        double q = fmin(fmax(nearbyint(w[i] / scale), -levels), levels);
        sum += (w[i] - q * scale) * (w[i] - q * scale);
    }
    return sum;
}

/* Every weight is the nearest multiple of its scale; the scale is that of the largest, or a share that does no worse.
 */
static void expect_weights(qn_rng *rng, int64_t rows, int64_t channels, const qn_weight_request *request) {
    const int64_t count = rows * channels, scale_count = request->per_channel ? channels : 1;
    const int levels = request->bits == 8 ? 127 : 32767;
    float *w = malloc((size_t)count * sizeof *w), *scales = malloc((size_t)scale_count * sizeof *scales);
    void *out = malloc((size_t)count * (size_t)(request->bits / 8));
    for (int64_t i = 0; i < count; i++) {
        const float x = draw_normal(rng);
        w[i] = i % channels == 1 ? 0 : x * x * x * ldexpf(1, (int)(i % channels % 30) - 15);
    }
    assert_null(qn_quantise_weights(w, rows, channels, request, scales, out));
    for (int64_t c = 0; c < scale_count; c++) {
        const int64_t which = request->per_channel ? c : -1;
        double largest = 0;
        for (int64_t i = 0; i < count; i++)
            if (which < 0 || i % channels == which) largest = fmax(largest, fabsf(w[i]));
        const double full = largest > 0 ? (float)largest / (float)levels : 1;
        if (!request->search_clip) assert_true(scales[c] == (float)full);
        const double found = error_of(w, count, channels, which, scales[c], levels);
        assert_true(scales[c] <= full && scales[c] >= full / 2);
        assert_true(found <= 1.0001 * error_of(w, count, channels, which, full, levels) + 1e-30);
        for (int r = 16; r < 32 && request->search_clip; r++) /* no rougher grid of shares does better */
            assert_true(found <= 1.001 * error_of(w, count, channels, which, full * r / 32 + full / 32, levels));
    }
    for (int64_t i = 0; i < count; i++) {
        const double scale = scales[request->per_channel ? i % channels : 0];
        const double exact = fmin(fmax(w[i] / scale, -levels), levels);
        assert_true(fabs(weight_at(out, request->bits, i) - exact) <= 0.5 + 0.002 * (request->bits == 16) + 1e-4);
    }
    free(w), free(scales), free(out);
}

static void weights_are_nearest_multiples_of_the_best_scale(void **state) {
    (void)state;
    static const int64_t sizes[][2] = {{1, 1}, {1, 5}, {9, 3}, {40, 17}, {3, 600}};
    uint64_t seed = 62;
    print_message("seed %llu\n", (unsigned long long)seed);
    qn_rng rng;
    qn_rng_init(&rng, seed);
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++)
        for (int how = 0; how < 8; how++) {
            const qn_weight_request request = {how & 1 ? 16 : 8, (how & 2) != 0, (how & 4) != 0};
            expect_weights(&rng, sizes[s][0], sizes[s][1], &request);
        }
}

static void a_worked_example(void **state) {
    (void)state;
    const float w[6] = {127, -1, 0.5f, 2.54f, -63.4f, 1e-42f}; /* [2, 3] */
    const qn_weight_request each = {8, 1, 0}, all = {8, 0, 0}, wide = {16, 1, 0};
    float scales[3];
    int8_t q[6];
    int16_t q16[6];
    assert_null(qn_quantise_weights(w, 2, 3, &each, scales, q));
    assert_true(scales[0] == 1 && scales[1] == 63.4f / 127 && scales[2] == 0.5f / 127);
    assert_memory_equal(q, ((int8_t[]){127, -2, 127, 3, -127, 0}), 6);
    assert_null(qn_quantise_weights(w, 2, 3, &all, scales, q));
    assert_true(scales[0] == 1);
    assert_memory_equal(q, ((int8_t[]){127, -1, 0, 3, -63, 0}), 6);
    assert_null(qn_quantise_weights(w, 2, 3, &wide, scales, q16));
    assert_true(scales[0] == 127.0f / 32767 && q16[0] == 32767 && q16[4] == -32767 && q16[3] == 655);
}

static void one_large_weight_is_clipped_where_that_pays(void **state) {
    (void)state;
    enum { ROWS = 4000 };
    qn_rng rng;
    qn_rng_init(&rng, 63);
    static float w[ROWS];
    static int8_t q[ROWS];
    for (int i = 0; i < ROWS; i++) w[i] = draw_normal(&rng);
    w[77] = 5.4f;
    const qn_weight_request request = {8, 1, 1};
    float scale;
    assert_null(qn_quantise_weights(w, ROWS, 1, &request, &scale, q));
    assert_true(scale < 5.4f / 127);
    assert_int_equal(q[77], 127);
}

static void channels_of_nothing_get_scale_one(void **state) {
    (void)state;
    const float w[8] = {0, -0.0f, 1e-44f, 3e38f, 0, 0, -1e-25f, -3.4e38f};
    for (int how = 0; how < 4; how++) {
        const qn_weight_request request = {how & 1 ? 16 : 8, 1, how >> 1};
        float scales[4];
        int16_t out[8] = {0};
        assert_null(qn_quantise_weights(w, 2, 4, &request, scales, out));
        for (int c = 0; c < 3; c++) assert_true(scales[c] == 1);
        assert_true(isnormal(scales[3]));
        for (int i = 0; i < 8; i++) assert_int_equal(weight_at(out, request.bits, i) != 0, i % 4 == 3);
    }
}

static void weights_that_are_no_numbers_are_named(void **state) {
    (void)state;
    float w[6] = {1, 2, 3, 4, NAN, 6}, scales[3];
    int8_t out[6];
    qn_weight_request request = {8, 1, 0};
    expect_refused(qn_quantise_weights(w, 2, 3, &request, scales, out), QN_INVALID_MODEL,
                   "weight 4 (row 1, channel 1)");
    w[4] = 1, w[2] = -INFINITY;
    expect_refused(qn_quantise_weights(w, 2, 3, &request, scales, out), QN_INVALID_MODEL,
                   "weight 2 (row 0, channel 2)");
    request.bits = 4;
    expect_refused(qn_quantise_weights(w, 2, 3, &request, scales, out), QN_INVALID_ARGUMENT, "4 bits");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(worked_examples),
        cmocka_unit_test(zero_is_exact_and_errors_are_below_half_a_step),
        cmocka_unit_test(weights_are_nearest_multiples_of_the_best_scale),
        cmocka_unit_test(a_worked_example),
        cmocka_unit_test(one_large_weight_is_clipped_where_that_pays),
        cmocka_unit_test(channels_of_nothing_get_scale_one),
        cmocka_unit_test(weights_that_are_no_numbers_are_named),
    };
    return cmocka_run_group_tests_name("quant/scale", tests, NULL, NULL);
}
