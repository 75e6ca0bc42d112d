/* fake_quant and dequantize against TensorFlow's answers, bit for bit. */
#include "operator_case.h"

#include <math.h>

static const float values[] = {-3, -1.04f, -.5f, 0, .26f, .777f, 1.5f, 9};

static void expect_fake_quant(int64_t bits, int64_t narrow, float min, float max, const float *expected) {
    operator_case *c = operator_case_create(&qn_op_fake_quant);
    *(qn_fake_quant_attrs *)c->attrs = (qn_fake_quant_attrs){bits, narrow};
    operator_case_input(c, QN_DTYPE_F32, DIMS(8), values);
    operator_case_input(c, QN_DTYPE_F32, SCALAR, &min);
    operator_case_input(c, QN_DTYPE_F32, SCALAR, &max);
    assert_view_floats(operator_case_run(c), expected, 0);
    operator_case_destroy(c);
}

static void fake_quant_nudges_the_range_so_that_zero_is_exact(void **state) {
    (void)state;
    expect_fake_quant(8, 0, -1, 1,
                      (float[]){-0.996078491f, -0.996078491f, -0.501960814f, 0, 0.258823544f, 0.776470661f, 1.00392163f,
                                1.00392163f});
}

static void fake_quant_leaves_out_the_lowest_level_of_a_narrow_range(void **state) {
    (void)state;
    expect_fake_quant(4, 1, -.5f, 1.5f,
                      (float[]){-0.571428597f, -0.571428597f, -0.428571463f, 0, 0.285714298f, 0.714285731f, 1.42857146f,
                                1.42857146f});
}

static void fake_quant_moves_a_range_that_excludes_zero(void **state) {
    (void)state;
    expect_fake_quant(2, 0, .5f, 2, (float[]){0, 0, 0, 0, .5f, 1, 1.5f, 1.5f});
}

static void fake_quant_of_an_empty_range_is_zero(void **state) {
    (void)state;
    expect_fake_quant(8, 0, 0, 0, (float[]){0, 0, 0, 0, 0, 0, 0, 0});
}

static void fake_quant_takes_a_range_for_each_channel(void **state) {
    (void)state;
    operator_case *c = operator_case_create(&qn_op_fake_quant);
    ((qn_fake_quant_attrs *)c->attrs)->bits = 3;
    operator_case_input(c, QN_DTYPE_F32, DIMS(4, 2), values);
    operator_case_input(c, QN_DTYPE_F32, DIMS(2), (float[]){-1, 0});
    operator_case_input(c, QN_DTYPE_F32, DIMS(2), (float[]){1, 3});
    assert_view_floats(operator_case_run(c),
                       (float[]){-0.857142925f, 0, -0.571428597f, 0, 0.285714298f, 0.857142866f, 1.14285719f, 3}, 0);
    operator_case_destroy(c);
}

static void fake_quant_names_a_range_of_the_wrong_length(void **state) {
    (void)state;
    operator_case *c = operator_case_create(&qn_op_fake_quant);
    operator_case_input(c, QN_DTYPE_F32, DIMS(4, 2), values);
    operator_case_input(c, QN_DTYPE_F32, DIMS(3), NULL);
    operator_case_input(c, QN_DTYPE_F32, DIMS(3), NULL);
    assert_infer_fails(c, "min has 3 elements, the last axis of x has 2");
    operator_case_destroy(c);
}

static void expect_dequantize(qn_dequantize_mode mode, int64_t narrow, qn_dtype dtype, int64_t count, const void *data,
                              float min, float max, const float *expected) {
    operator_case *c = operator_case_create(&qn_op_dequantize);
    *(qn_dequantize_attrs *)c->attrs = (qn_dequantize_attrs){mode, narrow, -1};
    operator_case_input(c, dtype, DIMS(count), data);
    operator_case_input(c, QN_DTYPE_F32, SCALAR, &min);
    operator_case_input(c, QN_DTYPE_F32, DIMS(1), &max); /* one element of any rank will do */
    const qn_view *out = operator_case_run(c);
    assert_view_dims(out, QN_DTYPE_F32, DIMS(count));
    assert_view_floats(out, expected, 0);
    operator_case_destroy(c);
}

static const uint8_t bytes[] = {0, 1, 128, 200, 255};
static const int8_t signed_bytes[] = {-128, -1, 0, 100, 127};

static void min_combined_spreads_the_codes_over_the_range(void **state) {
    (void)state;
    expect_dequantize(QN_DEQUANTIZE_MIN_COMBINED, 0, QN_DTYPE_U8, 5, bytes, -1.37f, 2.6f,
                      (float[]){-1.37f, -1.35443139f, 0.622784257f, 1.74372542f, 2.5999999f});
    expect_dequantize(QN_DEQUANTIZE_MIN_COMBINED, 0, QN_DTYPE_S8, 5, signed_bytes, -1.37f, 2.6f,
                      (float[]){-1.37f, 0.607215643f, 0.622784257f, 2.17964697f, 2.5999999f});
}

static void min_first_moves_the_minimum_to_a_whole_step(void **state) {
    (void)state;
    expect_dequantize(QN_DEQUANTIZE_MIN_FIRST, 0, QN_DTYPE_U8, 5, bytes, -1.37f, 2.6f,
                      (float[]){-1.37003922f, -1.35447061f, 0.622745037f, 1.7436862f, 2.59996057f});
    expect_dequantize(QN_DEQUANTIZE_MIN_FIRST, 0, QN_DTYPE_S8, 5, signed_bytes, -1.37f, 2.6f,
                      (float[]){-1.37003922f, 0.607176423f, 0.622745037f, 2.17960787f, 2.5999608f});
    expect_dequantize(QN_DEQUANTIZE_MIN_FIRST, 0, QN_DTYPE_S32, 5, (int32_t[]){INT32_MIN, -1, 0, 1000000000, INT32_MAX},
                      -1.37f, 2.6f, (float[]){-1.37f, 0.61499989f, 0.61499989f, 1.53933752f, 2.5999999f});
}

static void scaled_keeps_zero_at_code_zero(void **state) {
    (void)state;
    expect_dequantize(QN_DEQUANTIZE_SCALED, 0, QN_DTYPE_S8, 5, signed_bytes, -4.1f, 2.6f,
                      (float[]){-4.0999999f, -0.0320312493f, 0, 3.203125f, 4.06796885f});
    expect_dequantize(QN_DEQUANTIZE_SCALED, 0, QN_DTYPE_U16, 3, (uint16_t[]){0, 1, 65535}, -4.1f, 2.6f,
                      (float[]){0, 3.9673454e-05f, 2.5999999f});
}

static void scaled_with_a_narrow_range_is_symmetric(void **state) {
    (void)state;
    expect_dequantize(QN_DEQUANTIZE_SCALED, 1, QN_DTYPE_S8, 5, (int8_t[]){-127, -1, 0, 100, 127}, -4.1f, 2.6f,
                      (float[]){-4.0999999f, -0.0322834626f, 0, 3.22834635f, 4.0999999f});
}

static void dequantize_takes_a_range_along_an_axis(void **state) {
    (void)state;
    operator_case *c = operator_case_create(&qn_op_dequantize);
    *(qn_dequantize_attrs *)c->attrs = (qn_dequantize_attrs){QN_DEQUANTIZE_SCALED, 0, 0};
    operator_case_input(c, QN_DTYPE_S16, DIMS(2, 3), (int16_t[]){-32768, 0, 7, 1, 2, 32767});
    operator_case_input(c, QN_DTYPE_F32, DIMS(2), (float[]){-1, -2});
    operator_case_input(c, QN_DTYPE_F32, DIMS(2), (float[]){1, 1.5f});
    assert_view_floats(operator_case_run(c),
                       (float[]){-1.00003052f, 0, 0.000213629566f, 6.10351562e-05f, 0.000122070312f, 1.99993896f}, 0);
    operator_case_destroy(c);
}

static void min_first_along_an_axis_is_refused(void **state) {
    (void)state;
    operator_case *c = operator_case_create(&qn_op_dequantize);
    *(qn_dequantize_attrs *)c->attrs = (qn_dequantize_attrs){QN_DEQUANTIZE_MIN_FIRST, 0, 1};
    operator_case_input(c, QN_DTYPE_U8, DIMS(2, 3), NULL);
    operator_case_input(c, QN_DTYPE_F32, DIMS(3), NULL);
    operator_case_input(c, QN_DTYPE_F32, DIMS(3), NULL);
    assert_infer_fails(c, "mode min_first has one range for all elements; expected axis -1, found 1");
    operator_case_destroy(c);
}

static void dequantize_wants_one_range_without_an_axis(void **state) {
    (void)state;
    operator_case *c = operator_case_create(&qn_op_dequantize);
    operator_case_input(c, QN_DTYPE_U8, DIMS(2, 3), NULL);
    operator_case_input(c, QN_DTYPE_F32, DIMS(3), NULL);
    operator_case_input(c, QN_DTYPE_F32, DIMS(3), NULL);
    assert_infer_fails(c, "min has shape [3]; expected one element, as axis is -1");
    operator_case_destroy(c);
}

/* ---- batch_norm, softmax ---- */

static void batch_norm_uses_the_stored_statistics(void **state) {
    (void)state;
    operator_case *c = operator_case_create(&qn_op_batch_norm);
    ((qn_batch_norm_attrs *)c->attrs)->epsilon = 0.01f;
    operator_case_input(c, QN_DTYPE_F32, DIMS(1, 1, 2, 2), (float[]){1, 2, 3, 4});
    operator_case_input(c, QN_DTYPE_F32, DIMS(2), (float[]){1, 2});
    operator_case_input(c, QN_DTYPE_F32, DIMS(2), (float[]){0, -1});
    operator_case_input(c, QN_DTYPE_F32, DIMS(2), (float[]){2, 3});
    operator_case_input(c, QN_DTYPE_F32, DIMS(2), (float[]){4, .25f});
    assert_view_floats(operator_case_run(c), (float[]){-0.499376178f, -4.92232275f, 0.499376178f, 2.92232275f}, 1e-6);
    operator_case_destroy(c);
}

static void batch_norm_names_the_parameter_that_does_not_fit(void **state) {
    (void)state;
    operator_case *c = operator_case_create(&qn_op_batch_norm);
    operator_case_input(c, QN_DTYPE_F32, DIMS(1, 1, 2, 2), NULL);
    for (int i = 0; i < 4; i++) operator_case_input(c, QN_DTYPE_F32, DIMS(i == 2 ? 3 : 2), NULL);
    assert_infer_fails(c, "mean has 3 elements, x has channels: 2");
    operator_case_destroy(c);
}

static void softmax_sums_to_one_and_survives_large_inputs(void **state) {
    (void)state;
    operator_case *c = operator_case_create(&qn_op_softmax);
    ((qn_axis_attrs *)c->attrs)->axis = 1;
    operator_case_input(c, QN_DTYPE_F32, DIMS(2, 3), (float[]){1, 2, 3, 1000, 0, -1000});
    assert_view_floats(operator_case_run(c), (float[]){0.0900305733f, 0.244728476f, 0.665240943f, 1, 0, 0}, 1e-7);
    operator_case_destroy(c);
}

static void softmax_works_along_an_inner_axis(void **state) {
    (void)state;
    operator_case *c = operator_case_create(&qn_op_softmax);
    operator_case_input(c, QN_DTYPE_F32, DIMS(3, 2), (float[]){1, 1000, 2, 0, 3, -1000});
    assert_view_floats(operator_case_run(c), (float[]){0.0900305733f, 1, 0.244728476f, 0, 0.665240943f, 0}, 1e-7);
    operator_case_destroy(c);
}

static void softmax_exponentials_equal_the_c_library_to_the_last_float_bit(void **state) {
    (void)state;
    for (int i = 0; i <= 4000; i++) {
        float x[2] = {0, -0.005f * (float)i * (float)i / 200};
        operator_case *c = operator_case_create(&qn_op_softmax);
        operator_case_input(c, QN_DTYPE_F64, DIMS(2), (double[]){0, (double)x[1]});
        double e = exp((double)x[1]), found = qn_view_get(operator_case_run(c), 1);
        assert_true(fabs(found - e / (1 + e)) <= 4e-16 * e);
        operator_case_destroy(c);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fake_quant_nudges_the_range_so_that_zero_is_exact),
        cmocka_unit_test(fake_quant_leaves_out_the_lowest_level_of_a_narrow_range),
        cmocka_unit_test(fake_quant_moves_a_range_that_excludes_zero),
        cmocka_unit_test(fake_quant_of_an_empty_range_is_zero),
        cmocka_unit_test(fake_quant_takes_a_range_for_each_channel),
        cmocka_unit_test(fake_quant_names_a_range_of_the_wrong_length),
        cmocka_unit_test(min_combined_spreads_the_codes_over_the_range),
        cmocka_unit_test(min_first_moves_the_minimum_to_a_whole_step),
        cmocka_unit_test(scaled_keeps_zero_at_code_zero),
        cmocka_unit_test(scaled_with_a_narrow_range_is_symmetric),
        cmocka_unit_test(dequantize_takes_a_range_along_an_axis),
        cmocka_unit_test(min_first_along_an_axis_is_refused),
        cmocka_unit_test(dequantize_wants_one_range_without_an_axis),
        cmocka_unit_test(batch_norm_uses_the_stored_statistics),
        cmocka_unit_test(batch_norm_names_the_parameter_that_does_not_fit),
        cmocka_unit_test(softmax_sums_to_one_and_survives_large_inputs),
        cmocka_unit_test(softmax_works_along_an_inner_axis),
        cmocka_unit_test(softmax_exponentials_equal_the_c_library_to_the_last_float_bit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
