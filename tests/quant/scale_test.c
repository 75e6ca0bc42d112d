/* Scales and zero points from ranges, against arithmetic in double. */
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

/* The integer nearest to x, clamped. */
static int32_t nearest(const qn_quant_params *params, double x) {
    double q = nearbyint(x / (double)params->scale) + params->zero_point;
    return (int32_t)fmin(fmax(q, params->min), params->max);
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
        const qn_range real = {(double)params.scale * (params.min - params.zero_point),
                               (double)params.scale * (params.max - params.zero_point)};
        const double half = 0.5000001 * params.scale;
        assert_true(real.low <= range.low + half && real.high >= range.high - half);
        for (int i = 0; i < 20; i++) {
            const float x = (float)(range.low + (range.high - range.low) * i / 19);
            const double back = (double)params.scale * (nearest(&params, (double)x) - params.zero_point);
            assert_true(fabs(back - x) <= 2 * half);
            if (x >= real.low && x <= real.high) assert_true(fabs(back - x) <= half + 1e-6 * fabs(x));
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(worked_examples),
        cmocka_unit_test(zero_is_exact_and_errors_are_below_half_a_step),
    };
    return cmocka_run_group_tests_name("quant/scale", tests, NULL, NULL);
}
