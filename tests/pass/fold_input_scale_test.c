/* fold_input_scale: what stands before a convolution goes into its weights and bias. */
#include "pass_case.h"

static void test_a_factor_per_input_channel_goes_into_the_weights(void **state) {
    (void)state;
    expect_rewrite("fold_input_scale",
                   "symbol h [3, 7]\n"
                   "input %x : f32[1, h, 4, 2]\n"
                   "const %w : f32[1, 2, 2, 2] = {1, 2, 3, 4, 5, 6, 7, 8}\n"
                   "const %s : f32[2] = {2, 10}\n"
                   "%m = mul(%x, %s)\n"
                   "%y = conv2d(%m, %w) {padding=same_upper}\n"
                   "output %y\n",
                   "symbol h [3, 7]\n"
                   "input %x : f32[1, h, 4, 2]\n"
                   "const %w_1 : f32[1, 2, 2, 2] = {2, 4, 30, 40, 10, 12, 70, 80}\n"
                   "%y = conv2d(%x, %w_1) {padding=same_upper}\n"
                   "output %y\n",
                   REASSOCIATED);
}

static void test_one_factor_for_all_channels_keeps_bias_and_activation(void **state) {
    (void)state;
    expect_rewrite("fold_input_scale",
                   "symbol h [3, 7]\n"
                   "input %x : f32[1, h, 4, 2]\n"
                   "const %w : f32[1, 2, 2, 2] = {1, 2, 3, 4, 5, 6, 7, 8}\n"
                   "const %s : f32[] = {3}\n"
                   "const %b : f32[2] = {5, -5}\n"
                   "%m = mul(%s, %x)\n"
                   "%y = conv2d(%m, %w, %b) {stride=[2, 1], activation=relu6}\n"
                   "output %y\n",
                   "symbol h [3, 7]\n"
                   "input %x : f32[1, h, 4, 2]\n"
                   "const %b : f32[2] = {5, -5}\n"
                   "const %w_1 : f32[1, 2, 2, 2] = {3, 6, 9, 12, 15, 18, 21, 24}\n"
                   "%y = conv2d(%x, %w_1, %b) {stride=[2, 1], activation=relu6}\n"
                   "output %y\n",
                   REASSOCIATED);
}

static void test_an_offset_becomes_a_bias_where_nothing_is_padded(void **state) {
    (void)state;
    expect_rewrite("fold_input_scale",
                   "symbol h [3, 7]\n"
                   "input %x : f32[1, h, 4, 2]\n"
                   "const %w : f32[1, 2, 2, 2] = {1, 2, 3, 4, 5, 6, 7, 8}\n"
                   "const %o : f32[2] = {1, 10}\n"
                   "%a = add(%x, %o)\n"
                   "%y = conv2d(%a, %w) {padding=valid}\n"
                   "output %y\n",
                   "symbol h [3, 7]\n"
                   "input %x : f32[1, h, 4, 2]\n"
                   "const %w : f32[1, 2, 2, 2] = {1, 2, 3, 4, 5, 6, 7, 8}\n"
                   "const %y/bias : f32[2] = {106, 128}\n"
                   "%y = conv2d(%x, %w, %y/bias) {padding=valid}\n"
                   "output %y\n",
                   REASSOCIATED);
}

static void test_an_offset_adds_to_the_bias_there_is(void **state) {
    (void)state;
    expect_rewrite("fold_input_scale",
                   "symbol h [3, 7]\n"
                   "input %x : f32[1, h, 4, 2]\n"
                   "const %w : f32[1, 2, 2, 2] = {1, 2, 3, 4, 5, 6, 7, 8}\n"
                   "const %o : f32[2] = {1, 10}\n"
                   "const %b : f32[2] = {-100, -100}\n"
                   "%a = add(%x, %o)\n"
                   "%y = conv2d(%a, %w, %b)\n"
                   "output %y\n",
                   "symbol h [3, 7]\n"
                   "input %x : f32[1, h, 4, 2]\n"
                   "const %w : f32[1, 2, 2, 2] = {1, 2, 3, 4, 5, 6, 7, 8}\n"
                   "const %y/bias : f32[2] = {6, 28}\n"
                   "%y = conv2d(%x, %w, %y/bias)\n"
                   "output %y\n",
                   REASSOCIATED);
}

static void test_an_offset_adds_to_the_addition_that_follows(void **state) {
    (void)state;
    expect_rewrite("fold_input_scale",
                   "symbol h [3, 7]\n"
                   "input %x : f32[1, h, 4, 2]\n"
                   "const %w : f32[1, 2, 2, 2] = {1, 2, 3, 4, 5, 6, 7, 8}\n"
                   "const %o : f32[2] = {1, 10}\n"
                   "const %b : f32[2] = {-100, -100}\n"
                   "%a = add(%x, %o)\n"
                   "%c = conv2d(%a, %w)\n"
                   "%y = add(%c, %b)\n"
                   "output %y\n",
                   "symbol h [3, 7]\n"
                   "input %x : f32[1, h, 4, 2]\n"
                   "const %w : f32[1, 2, 2, 2] = {1, 2, 3, 4, 5, 6, 7, 8}\n"
                   "const %c/bias : f32[2] = {6, 28}\n"
                   "%c = conv2d(%x, %w)\n"
                   "%y = add(%c, %c/bias)\n"
                   "output %y\n",
                   REASSOCIATED);
}

static void test_an_activation_keeps_the_offset_before_it(void **state) {
    (void)state;
    expect_rewrite("fold_input_scale",
                   "symbol h [3, 7]\n"
                   "input %x : f32[1, h, 4, 2]\n"
                   "const %w : f32[1, 2, 2, 2] = {1, 2, 3, 4, 5, 6, 7, 8}\n"
                   "const %o : f32[2] = {1, 10}\n"
                   "const %b : f32[2] = {-100, -100}\n"
                   "%a = add(%x, %o)\n"
                   "%c = conv2d(%a, %w) {activation=relu6}\n"
                   "%y = add(%c, %b)\n"
                   "output %y\n",
                   "symbol h [3, 7]\n"
                   "input %x : f32[1, h, 4, 2]\n"
                   "const %w : f32[1, 2, 2, 2] = {1, 2, 3, 4, 5, 6, 7, 8}\n"
                   "const %b : f32[2] = {-100, -100}\n"
                   "const %c/bias : f32[2] = {106, 128}\n"
                   "%c = conv2d(%x, %w, %c/bias) {activation=relu6}\n"
                   "%y = add(%c, %b)\n"
                   "output %y\n",
                   REASSOCIATED);
}

static void test_an_offset_stays_where_zeros_are_padded(void **state) {
    (void)state;
    expect_unchanged("fold_input_scale", "symbol h [3, 7]\n"
                                         "input %x : f32[1, h, 4, 2]\n"
                                         "const %w : f32[1, 2, 2, 2] = {1, 2, 3, 4, 5, 6, 7, 8}\n"
                                         "const %o : f32[2] = {1, 10}\n"
                                         "%a = add(%x, %o)\n"
                                         "%y = conv2d(%a, %w) {padding=same_upper}\n"
                                         "output %y\n");
}

static void test_a_factor_goes_in_past_an_offset_that_must_stay(void **state) {
    (void)state;
    expect_rewrite("fold_input_scale",
                   "symbol h [3, 7]\n"
                   "input %x : f32[1, h, 4, 2]\n"
                   "const %w : f32[1, 2, 2, 2] = {1, 2, 3, 4, 5, 6, 7, 8}\n"
                   "const %s : f32[2] = {2, 4}\n"
                   "const %o : f32[2] = {1, 10}\n"
                   "%m = mul(%x, %s)\n"
                   "%a = add(%m, %o)\n"
                   "%y = conv2d(%a, %w) {pads=[0, 1, 0, 0]}\n"
                   "output %y\n",
                   "symbol h [3, 7]\n"
                   "input %x : f32[1, h, 4, 2]\n"
                   "const %o_1 : f32[2] = {0.5, 2.5}\n"
                   "const %w_1 : f32[1, 2, 2, 2] = {2, 4, 12, 16, 10, 12, 28, 32}\n"
                   "%a = add(%x, %o_1)\n"
                   "%y = conv2d(%a, %w_1) {pads=[0, 1, 0, 0]}\n"
                   "output %y\n",
                   REASSOCIATED);
}

static void test_a_factor_of_zero_does_not_pass_an_offset(void **state) {
    (void)state;
    expect_unchanged("fold_input_scale", "symbol h [3, 7]\n"
                                         "input %x : f32[1, h, 4, 2]\n"
                                         "const %w : f32[1, 2, 2, 2] = {1, 2, 3, 4, 5, 6, 7, 8}\n"
                                         "const %s : f32[2] = {2, 0}\n"
                                         "const %o : f32[2] = {1, 10}\n"
                                         "%m = mul(%x, %s)\n"
                                         "%a = add(%m, %o)\n"
                                         "%y = conv2d(%a, %w) {pads=[0, 1, 0, 0]}\n"
                                         "output %y\n");
}

static void test_groups_take_the_factors_of_their_own_channels(void **state) {
    (void)state;
    expect_rewrite("fold_input_scale",
                   "input %x : f32[1, 2, 3, 4]\n"
                   "const %w : f32[1, 1, 2, 4] = {1, 2, 3, 4, 5, 6, 7, 8}\n"
                   "const %d : f32[1, 1, 1, 8] = {1, 2, 3, 4, 5, 6, 7, 8}\n"
                   "const %s : f32[4] = {1, 10, 100, 1000}\n"
                   "%m = mul(%x, %s)\n"
                   "%y = conv2d(%m, %w) {groups=2}\n"
                   "%n = mul(%x, %s)\n"
                   "%z = conv2d(%n, %d) {groups=4}\n"
                   "output %y\n"
                   "output %z\n",
                   "input %x : f32[1, 2, 3, 4]\n"
                   "const %w_1 : f32[1, 1, 2, 4] = {1, 2, 300, 400, 50, 60, 7000, 8000}\n"
                   "const %d_1 : f32[1, 1, 1, 8] = {1, 2, 30, 40, 500, 600, 7000, 8000}\n"
                   "%y = conv2d(%x, %w_1) {groups=2}\n"
                   "%z = conv2d(%x, %d_1) {groups=4}\n"
                   "output %y\n"
                   "output %z\n",
                   REASSOCIATED);
}

static void test_a_value_with_another_use_or_an_output_stays(void **state) {
    (void)state;
    expect_unchanged("fold_input_scale", "symbol h [3, 7]\n"
                                         "input %x : f32[1, h, 4, 2]\n"
                                         "const %w : f32[1, 2, 2, 2] = {1, 2, 3, 4, 5, 6, 7, 8}\n"
                                         "const %s : f32[2] = {2, 10}\n"
                                         "%m = mul(%x, %s)\n"
                                         "%y = conv2d(%m, %w)\n"
                                         "%n = neg(%m)\n"
                                         "%p = add(%x, %s)\n"
                                         "%z = conv2d(%p, %w)\n"
                                         "output %y\n"
                                         "output %n\n"
                                         "output %z\n"
                                         "output %p\n");
}

static void test_what_follows_a_convolution_goes_into_that_one(void **state) {
    (void)state;
    expect_unchanged("fold_input_scale", "symbol h [3, 7]\n"
                                         "input %x : f32[1, h, 4, 2]\n"
                                         "const %w : f32[1, 1, 2, 2] = {1, 2, 3, 4}\n"
                                         "const %s : f32[2] = {2, 10}\n"
                                         "%c = conv2d(%x, %w)\n"
                                         "%m = mul(%c, %s)\n"
                                         "%y = conv2d(%m, %w)\n"
                                         "output %y\n");
}

static void test_weights_bias_or_factors_from_data_stay(void **state) {
    (void)state;
    expect_unchanged("fold_input_scale", "symbol h [3, 7]\n"
                                         "input %x : f32[1, h, 4, 2]\n"
                                         "const %w : f32[1, 2, 2, 2] = {1, 2, 3, 4, 5, 6, 7, 8}\n"
                                         "input %v : f32[1, 1, 2, 2]\n"
                                         "input %b : f32[2]\n"
                                         "input %t : f32[2]\n"
                                         "const %s : f32[2] = {2, 10}\n"
                                         "%m = mul(%x, %s)\n"
                                         "%y = conv2d(%m, %v)\n"
                                         "%n = add(%x, %s)\n"
                                         "%z = conv2d(%n, %w, %b)\n"
                                         "%o = mul(%x, %t)\n"
                                         "%u = conv2d(%o, %w)\n"
                                         "output %y\n"
                                         "output %z\n"
                                         "output %u\n");
}

static void test_factors_per_position_or_enlarging_stay(void **state) {
    (void)state;
    expect_unchanged("fold_input_scale", "input %x : f32[1, 2, 2, 1]\n"
                                         "const %w : f32[1, 1, 1, 1] = {3}\n"
                                         "const %p : f32[1, 2, 2, 1] = {1, 2, 3, 4}\n"
                                         "const %e : f32[2] = {1, 2}\n"
                                         "const %v : f32[1, 1, 2, 1] = {1, 2}\n"
                                         "%m = mul(%x, %p)\n"
                                         "%y = conv2d(%m, %w)\n"
                                         "%n = mul(%x, %e)\n"
                                         "%z = conv2d(%n, %v)\n"
                                         "output %y\n"
                                         "output %z\n");
}

static void test_half_precision_stays(void **state) {
    (void)state;
    expect_unchanged("fold_input_scale", "input %x : f16[1, 2, 2, 1]\n"
                                         "const %w : f16[1, 1, 1, 1] = {3}\n"
                                         "const %s : f16[1] = {3}\n"
                                         "%m = mul(%x, %s)\n"
                                         "%y = conv2d(%m, %w)\n"
                                         "output %y\n");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_factor_per_input_channel_goes_into_the_weights),
        cmocka_unit_test(test_one_factor_for_all_channels_keeps_bias_and_activation),
        cmocka_unit_test(test_an_offset_becomes_a_bias_where_nothing_is_padded),
        cmocka_unit_test(test_an_offset_adds_to_the_bias_there_is),
        cmocka_unit_test(test_an_offset_adds_to_the_addition_that_follows),
        cmocka_unit_test(test_an_activation_keeps_the_offset_before_it),
        cmocka_unit_test(test_an_offset_stays_where_zeros_are_padded),
        cmocka_unit_test(test_a_factor_goes_in_past_an_offset_that_must_stay),
        cmocka_unit_test(test_a_factor_of_zero_does_not_pass_an_offset),
        cmocka_unit_test(test_groups_take_the_factors_of_their_own_channels),
        cmocka_unit_test(test_a_value_with_another_use_or_an_output_stays),
        cmocka_unit_test(test_what_follows_a_convolution_goes_into_that_one),
        cmocka_unit_test(test_weights_bias_or_factors_from_data_stay),
        cmocka_unit_test(test_factors_per_position_or_enlarging_stay),
        cmocka_unit_test(test_half_precision_stays),
    };
    return cmocka_run_group_tests_name("pass/fold_input_scale", tests, NULL, NULL);
}
