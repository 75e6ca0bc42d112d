/* Networks that were trained with fake quantisation become integer without a calibrator, and compute what they did. */
#include "sample_case.h"

#include <math.h>
#include <string.h>

#define RANGES                                                                                                         \
    "const %lo : f32[] = {-1.5}\nconst %hi : f32[] = {2.5}\nconst %zero : f32[] = {0}\nconst %six : f32[] = {6}\n"     \
    "const %low : f32[] = {-9}\nconst %high : f32[] = {12}\nconst %a : f32[] = {-1}\nconst %b : f32[] = {1}\n"

/* A residual block as TensorFlow's contrib.quantize leaves it: convolution, depthwise convolution, projection, sum. */
#define NETWORK                                                                                                        \
    "symbol h [1, 9]\nsymbol w [1, 9]\ninput %x : f32[1, h, w, 2]\n" RANGES                                            \
    "const %k0 : f32[1, 1, 2, 8] = random 1\nconst %b0 : f32[8] = random 2\n"                                          \
    "const %k1 : f32[3, 3, 1, 8] = random 3\nconst %b1 : f32[8] = random 4\n"                                          \
    "const %k2 : f32[1, 1, 8, 2] = random 5\nconst %b2 : f32[2] = random 6\n"                                          \
    "%f0 = fake_quant(%k0, %a, %b) {narrow_range=true}\n%f1 = fake_quant(%k1, %a, %b) {narrow_range=true}\n"           \
    "%f2 = fake_quant(%k2, %a, %b) {narrow_range=true}\n"                                                              \
    "%q = fake_quant(%x, %lo, %hi)\n"                                                                                  \
    "%c0 = conv2d(%q, %f0)\n%a0 = add(%c0, %b0)\n%r0 = relu6(%a0)\n%q0 = fake_quant(%r0, %zero, %six)\n"               \
    "%c1 = conv2d(%q0, %f1) {padding=same_upper, groups=8}\n%a1 = add(%c1, %b1)\n%r1 = relu6(%a1)\n"                   \
    "%q1 = fake_quant(%r1, %zero, %six)\n"                                                                             \
    "%c2 = conv2d(%q1, %f2)\n%a2 = add(%c2, %b2)\n%q2 = fake_quant(%a2, %low, %high)\n"                                \
    "%s = add(%q2, %q)\n%y = fake_quant(%s, %low, %high)\noutput %y"

/* Layers this small save no time: they are asked for. */
#define INTEGERS                                                                                                       \
    "{'precision_config': {'precision_mode': 'qint8_mixed_float32'}, 'custom_nodes': {'conv2d': {'precision': "        \
    "'int8'}}}"

enum { SIDE = 9, ELEMS = SIDE * SIDE * 2 };

static void a_network_with_fake_quantisation_needs_no_calibration(void **state) {
    (void)state;
    const float grid_step = 21.0f / 255;
    case_log log;
    qn_model *integers, *floats = build_of(NETWORK, "{'precision_config': {'precision_mode': 'force_float32'}}");
    case_log_init(&log);
    expect_ok(try_build_with(NETWORK, INTEGERS, NULL, NULL, &log, &integers));
    assert_int_equal(log.warnings, 0);
    for (size_t i = 0; i < qn_model_get_info(integers)->step_count; i++) {
        const qn_step_info *step = qn_model_step(integers, i);
        if (!strcmp(step->op, "fake_quant")) fail_msg("'%s' is left", step->name);
    }
    assert_string_equal(precision_of(integers, "y/u8"), "u8: the grids of the source");
    for (uint64_t seed = 0; seed < 20; seed++) {
        float x[ELEMS], expected[ELEMS], found[ELEMS];
        int64_t dims[QN_MAX_RANK];
        qn_tensor input = {QN_DTYPE_F32, 4, {1, SIDE, SIDE - (int64_t)(seed % 4), 2}, x};
        qn_rng rng;
        qn_rng_init(&rng, seed);
        for (int i = 0; i < ELEMS; i++) x[i] = qn_rng_float(&rng, -2, 3);
        run_model(floats, &input, expected, dims);
        run_model(integers, &input, found, dims);
        for (int64_t i = 0; i < dims[1] * dims[2] * 2; i++)
            if (fabsf(expected[i] - found[i]) > 1.001f * grid_step)
                fail_msg("seed %d, element %d: %g, expected %g", (int)seed, (int)i, (double)found[i],
                         (double)expected[i]);
    }
    qn_model_destroy(floats);
    qn_model_destroy(integers);
}

static void a_part_without_ranges_stays_float_with_a_warning(void **state) {
    (void)state;
    static const char network[] = "input %x : f32[1, 3, 3, 2]\n" RANGES
                                  "const %k : f32[1, 1, 2, 2] = random 1\nconst %l : f32[1, 1, 2, 2] = random 2\n"
                                  "%q = fake_quant(%x, %lo, %hi)\n%c = conv2d(%q, %k)\n%y = conv2d(%c, %l)\noutput %y";
    case_log log;
    qn_model *model;
    case_log_init(&log);
    expect_ok(try_build_with(network, INTEGERS, NULL, NULL, &log, &model));
    assert_int_equal(log.warnings, 1);
    assert_non_null(strstr(log.text, "1 of 2 values have no range and stay float, 'c' among them"));
    qn_model_destroy(model);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_network_with_fake_quantisation_needs_no_calibration),
        cmocka_unit_test(a_part_without_ranges_stays_float_with_a_warning),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
