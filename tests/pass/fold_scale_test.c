/* fold_scale: a multiplication by a constant per channel disappears into the weights before it. */
#include "pass_case.h"

static void test_a_factor_per_channel_goes_into_the_weights(void **state) {
    (void)state;
    expect_rewrite("fold_scale",
                   "symbol h [2, 6]\n"
                   "input %x : f32[1, h, 4, 1]\n"
                   "const %w : f32[2, 1, 1, 3] = {1, 2, 3, 4, 5, 6}\n"
                   "const %s : f32[3] = {2, 0.5, -1}\n"
                   "%c = conv2d(%x, %w) {padding=valid}\n"
                   "%y = mul(%c, %s)\n"
                   "output %y\n",
                   "symbol h [2, 6]\n"
                   "input %x : f32[1, h, 4, 1]\n"
                   "const %w_1 : f32[2, 1, 1, 3] = {2, 1, -3, 8, 2.5, -6}\n"
                   "%y = conv2d(%x, %w_1) {padding=valid}\n"
                   "output %y\n",
                   REASSOCIATED);
}

static void test_one_factor_for_all_and_a_bias_are_folded(void **state) {
    (void)state;
    expect_rewrite("fold_scale",
                   "input %x : f32[1, 4, 4, 2]\n"
                   "const %w : f32[1, 1, 2, 2] = {1, 2, 3, 4}\n"
                   "const %b : f32[2] = {10, 20}\n"
                   "const %s : f32[1, 1, 1, 1] = {3}\n"
                   "%c = conv2d(%x, %w, %b) {padding=same_upper, stride=[2, 2]}\n"
                   "%y = mul(%s, %c)\n"
                   "output %y\n",
                   "input %x : f32[1, 4, 4, 2]\n"
                   "const %w_1 : f32[1, 1, 2, 2] = {3, 6, 9, 12}\n"
                   "const %b_1 : f32[2] = {30, 60}\n"
                   "%y = conv2d(%x, %w_1, %b_1) {stride=[2, 2], padding=same_upper}\n"
                   "output %y\n",
                   REASSOCIATED);
}

static void test_a_depthwise_convolution_takes_its_factors(void **state) {
    (void)state;
    expect_rewrite("fold_scale",
                   "input %x : f32[1, 4, 4, 2]\n"
                   "const %w : f32[1, 2, 1, 4] = {1, 2, 3, 4, 5, 6, 7, 8}\n"
                   "const %s : f32[4] = {1, 10, 100, 1000}\n"
                   "%c = conv2d(%x, %w) {groups=2, padding=valid}\n"
                   "%y = mul(%c, %s)\n"
                   "output %y\n",
                   "input %x : f32[1, 4, 4, 2]\n"
                   "const %w_1 : f32[1, 2, 1, 4] = {1, 20, 300, 4000, 5, 60, 700, 8000}\n"
                   "%y = conv2d(%x, %w_1) {padding=valid, groups=2}\n"
                   "output %y\n",
                   REASSOCIATED);
}

static void test_weights_that_another_convolution_uses_stay_for_it(void **state) {
    (void)state;
    expect_rewrite("fold_scale",
                   "input %x : f32[1, 4, 4, 1]\n"
                   "const %w : f32[1, 1, 1, 1] = {5}\n"
                   "const %s : f32[] = {2}\n"
                   "%c = conv2d(%x, %w)\n"
                   "%y = mul(%c, %s)\n"
                   "%d = conv2d(%x, %w)\n"
                   "%z = neg(%d)\n"
                   "output %y\n"
                   "output %z\n",
                   "input %x : f32[1, 4, 4, 1]\n"
                   "const %w : f32[1, 1, 1, 1] = {5}\n"
                   "const %w_1 : f32[1, 1, 1, 1] = {10}\n"
                   "%y = conv2d(%x, %w_1)\n"
                   "%d = conv2d(%x, %w)\n"
                   "%z = neg(%d)\n"
                   "output %y\n"
                   "output %z\n",
                   REASSOCIATED);
}

static void test_a_convolution_with_a_second_use_stays(void **state) {
    (void)state;
    expect_unchanged("fold_scale", "input %x : f32[1, 4, 4, 1]\n"
                                   "const %w : f32[1, 1, 1, 1] = {5}\n"
                                   "const %s : f32[] = {2}\n"
                                   "%c = conv2d(%x, %w)\n"
                                   "%m = mul(%c, %s)\n"
                                   "%y = add(%m, %c)\n"
                                   "output %y\n");
}

static void test_a_convolution_that_is_an_output_stays(void **state) {
    (void)state;
    expect_unchanged("fold_scale", "input %x : f32[1, 4, 4, 1]\n"
                                   "const %w : f32[1, 1, 1, 1] = {5}\n"
                                   "const %s : f32[] = {2}\n"
                                   "%c = conv2d(%x, %w)\n"
                                   "%y = mul(%c, %s)\n"
                                   "output %y\n"
                                   "output %c\n");
}

static void test_an_activation_comes_before_the_factor(void **state) {
    (void)state;
    expect_unchanged("fold_scale", "input %x : f32[1, 4, 4, 1]\n"
                                   "const %w : f32[1, 1, 1, 1] = {5}\n"
                                   "const %s : f32[] = {-2}\n"
                                   "%c = conv2d(%x, %w) {activation=relu}\n"
                                   "%y = mul(%c, %s)\n"
                                   "output %y\n");
}

static void test_an_addend_would_need_the_factor_too(void **state) {
    (void)state;
    expect_unchanged("fold_scale", "input %x : f32[1, 4, 4, 1]\n"
                                   "const %w : f32[1, 1, 1, 1] = {5}\n"
                                   "const %s : f32[] = {2}\n"
                                   "%c = conv2d(%x, %w, none, %x)\n"
                                   "%y = mul(%c, %s)\n"
                                   "output %y\n");
}

static void test_weights_that_are_no_constant_stay(void **state) {
    (void)state;
    expect_unchanged("fold_scale", "input %x : f32[1, 4, 4, 1]\n"
                                   "input %w : f32[1, 1, 1, 1]\n"
                                   "const %s : f32[] = {2}\n"
                                   "%c = conv2d(%x, %w)\n"
                                   "%y = mul(%c, %s)\n"
                                   "output %y\n");
}

static void test_a_bias_that_is_no_constant_stays(void **state) {
    (void)state;
    expect_unchanged("fold_scale", "input %x : f32[1, 4, 4, 1]\n"
                                   "input %b : f32[1]\n"
                                   "const %w : f32[1, 1, 1, 1] = {5}\n"
                                   "const %s : f32[] = {2}\n"
                                   "%c = conv2d(%x, %w, %b)\n"
                                   "%y = mul(%c, %s)\n"
                                   "output %y\n");
}

static void test_a_factor_that_is_no_constant_stays(void **state) {
    (void)state;
    expect_unchanged("fold_scale", "input %x : f32[1, 4, 4, 1]\n"
                                   "input %s : f32[1]\n"
                                   "const %w : f32[1, 1, 1, 1] = {5}\n"
                                   "%c = conv2d(%x, %w)\n"
                                   "%y = mul(%c, %s)\n"
                                   "output %y\n");
}

static void test_a_factor_per_position_stays(void **state) {
    (void)state;
    expect_unchanged("fold_scale", "input %x : f32[1, 2, 2, 1]\n"
                                   "const %s : f32[1, 2, 2, 1] = {1, 2, 3, 4}\n"
                                   "const %w : f32[1, 1, 1, 1] = {5}\n"
                                   "%c = conv2d(%x, %w)\n"
                                   "%y = mul(%c, %s)\n"
                                   "output %y\n");
}

static void test_a_factor_that_enlarges_stays(void **state) {
    (void)state;
    expect_unchanged("fold_scale", "input %x : f32[1, 2, 2, 1]\n"
                                   "const %s : f32[3] = {1, 2, 3}\n"
                                   "const %w : f32[1, 1, 1, 1] = {5}\n"
                                   "%c = conv2d(%x, %w)\n"
                                   "%y = mul(%c, %s)\n"
                                   "output %y\n");
}

static void test_half_precision_stays(void **state) {
    (void)state;
    expect_unchanged("fold_scale", "input %x : f16[1, 2, 2, 1]\n"
                                   "const %s : f16[] = {3}\n"
                                   "const %w : f16[1, 1, 1, 1] = {5}\n"
                                   "%c = conv2d(%x, %w)\n"
                                   "%y = mul(%c, %s)\n"
                                   "output %y\n");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_factor_per_channel_goes_into_the_weights),
        cmocka_unit_test(test_one_factor_for_all_and_a_bias_are_folded),
        cmocka_unit_test(test_a_depthwise_convolution_takes_its_factors),
        cmocka_unit_test(test_weights_that_another_convolution_uses_stay_for_it),
        cmocka_unit_test(test_a_convolution_with_a_second_use_stays),
        cmocka_unit_test(test_a_convolution_that_is_an_output_stays),
        cmocka_unit_test(test_an_activation_comes_before_the_factor),
        cmocka_unit_test(test_an_addend_would_need_the_factor_too),
        cmocka_unit_test(test_weights_that_are_no_constant_stay),
        cmocka_unit_test(test_a_bias_that_is_no_constant_stays),
        cmocka_unit_test(test_a_factor_that_is_no_constant_stays),
        cmocka_unit_test(test_a_factor_per_position_stays),
        cmocka_unit_test(test_a_factor_that_enlarges_stays),
        cmocka_unit_test(test_half_precision_stays),
    };
    return cmocka_run_group_tests_name("pass/fold_scale", tests, NULL, NULL);
}
