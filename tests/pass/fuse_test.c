/* fuse_bias, fuse_addend, fuse_activation: what follows a convolution or product happens inside it. */
#include "pass_case.h"

static void test_a_bias_per_channel_goes_into_the_convolution(void **state) {
    (void)state;
    expect_rewrite("fuse_bias",
                   "symbol h [1, 5]\n"
                   "input %x : f32[1, h, 4, 2]\n"
                   "const %w : f32[1, 1, 2, 3] = {1, 2, 3, 4, 5, 6}\n"
                   "const %b : f32[3] = {10, 20, 30}\n"
                   "%c = conv2d(%x, %w) {stride=[2, 1]}\n"
                   "%y = add(%c, %b)\n"
                   "output %y\n",
                   "symbol h [1, 5]\n"
                   "input %x : f32[1, h, 4, 2]\n"
                   "const %w : f32[1, 1, 2, 3] = {1, 2, 3, 4, 5, 6}\n"
                   "const %b : f32[3] = {10, 20, 30}\n"
                   "%y = conv2d(%x, %w, %b) {stride=[2, 1]}\n"
                   "output %y\n",
                   REASSOCIATED);
}

static void test_one_bias_for_all_is_spread_over_the_channels(void **state) {
    (void)state;
    expect_rewrite("fuse_bias",
                   "input %x : f32[1, 3, 4, 2]\n"
                   "const %w : f32[1, 1, 2, 3] = {1, 2, 3, 4, 5, 6}\n"
                   "const %b : f32[] = {7}\n"
                   "%c = conv2d(%x, %w)\n"
                   "%y = add(%b, %c)\n"
                   "output %y\n",
                   "input %x : f32[1, 3, 4, 2]\n"
                   "const %w : f32[1, 1, 2, 3] = {1, 2, 3, 4, 5, 6}\n"
                   "const %b_1 : f32[3] = {7, 7, 7}\n"
                   "%y = conv2d(%x, %w, %b_1)\n"
                   "output %y\n",
                   REASSOCIATED);
}

static void test_a_bias_of_rank_4_becomes_one_of_rank_1(void **state) {
    (void)state;
    expect_rewrite("fuse_bias",
                   "input %x : f32[1, 3, 4, 2]\n"
                   "const %w : f32[1, 1, 2, 3] = {1, 2, 3, 4, 5, 6}\n"
                   "const %b : f32[1, 1, 1, 3] = {7, 8, 9}\n"
                   "%c = conv2d(%x, %w)\n"
                   "%y = add(%c, %b)\n"
                   "output %y\n",
                   "input %x : f32[1, 3, 4, 2]\n"
                   "const %w : f32[1, 1, 2, 3] = {1, 2, 3, 4, 5, 6}\n"
                   "const %b_1 : f32[3] = {7, 8, 9}\n"
                   "%y = conv2d(%x, %w, %b_1)\n"
                   "output %y\n",
                   REASSOCIATED);
}

static void test_a_matrix_product_takes_a_bias(void **state) {
    (void)state;
    expect_rewrite("fuse_bias",
                   "symbol n [1, 5]\n"
                   "input %x : f32[n, 2]\n"
                   "const %w : f32[3, 2] = {1, 2, 3, 4, 5, 6}\n"
                   "const %b : f32[3] = {7, 8, 9}\n"
                   "%c = matmul(%x, %w) {transpose_b=true}\n"
                   "%y = add(%c, %b)\n"
                   "output %y\n",
                   "symbol n [1, 5]\n"
                   "input %x : f32[n, 2]\n"
                   "const %w : f32[3, 2] = {1, 2, 3, 4, 5, 6}\n"
                   "const %b : f32[3] = {7, 8, 9}\n"
                   "%y = matmul(%x, %w, %b) {transpose_b=true}\n"
                   "output %y\n",
                   REASSOCIATED);
}

static void test_a_second_bias_stays_outside(void **state) {
    (void)state;
    expect_unchanged("fuse_bias", "input %x : f32[1, 3, 4, 2]\n"
                                  "const %w : f32[1, 1, 2, 3] = {1, 2, 3, 4, 5, 6}\n"
                                  "const %b : f32[3] = {7, 8, 9}\n"
                                  "%c = conv2d(%x, %w, %b)\n"
                                  "%y = add(%c, %b)\n"
                                  "output %y\n");
}

static void test_a_bias_after_an_activation_or_addend_stays_outside(void **state) {
    (void)state;
    expect_unchanged("fuse_bias", "input %x : f32[1, 3, 4, 2]\n"
                                  "input %z : f32[1, 3, 4, 3]\n"
                                  "const %w : f32[1, 1, 2, 3] = {1, 2, 3, 4, 5, 6}\n"
                                  "const %b : f32[3] = {7, 8, 9}\n"
                                  "%c = conv2d(%x, %w) {activation=relu6}\n"
                                  "%d = conv2d(%x, %w, none, %z)\n"
                                  "%y = add(%c, %b)\n"
                                  "%v = add(%d, %b)\n"
                                  "output %y\n"
                                  "output %v\n");
}

static void test_a_bias_does_not_enter_what_others_look_at(void **state) {
    (void)state;
    expect_unchanged("fuse_bias", "input %x : f32[1, 3, 4, 2]\n"
                                  "const %w : f32[1, 1, 2, 3] = {1, 2, 3, 4, 5, 6}\n"
                                  "const %b : f32[3] = {7, 8, 9}\n"
                                  "%c = conv2d(%x, %w)\n"
                                  "%d = conv2d(%x, %w) {padding=valid}\n"
                                  "%n = neg(%c)\n"
                                  "%y = add(%c, %b)\n"
                                  "%v = add(%d, %b)\n"
                                  "output %y\n"
                                  "output %n\n"
                                  "output %v\n"
                                  "output %d\n");
}

static void test_a_bias_from_data_per_position_or_enlarging_stays_outside(void **state) {
    (void)state;
    expect_unchanged("fuse_bias", "input %x : f32[1, 1, 2, 2]\n"
                                  "input %b : f32[3]\n"
                                  "const %w : f32[1, 1, 2, 3] = {1, 2, 3, 4, 5, 6}\n"
                                  "const %p : f32[1, 1, 2, 1] = {7, 8}\n"
                                  "const %e : f32[2, 1, 1, 3] = {1, 2, 3, 4, 5, 6}\n"
                                  "%c = conv2d(%x, %w)\n"
                                  "%y = add(%c, %b)\n"
                                  "%d = conv2d(%x, %w)\n"
                                  "%v = add(%d, %p)\n"
                                  "%f = conv2d(%x, %w)\n"
                                  "%u = add(%f, %e)\n"
                                  "output %y\n"
                                  "output %v\n"
                                  "output %u\n");
}

static void test_a_bias_in_half_precision_stays_outside(void **state) {
    (void)state;
    expect_unchanged("fuse_bias", "input %x : f16[1, 1, 2, 1]\n"
                                  "const %w : f16[1, 1, 1, 1] = {2}\n"
                                  "const %b : f16[1] = {7}\n"
                                  "%c = conv2d(%x, %w)\n"
                                  "%y = add(%c, %b)\n"
                                  "output %y\n");
}

static void test_other_operators_take_no_bias(void **state) {
    (void)state;
    expect_unchanged("fuse_bias", "input %x : f32[1, 3, 3, 2]\n"
                                  "const %b : f32[2] = {7, 8}\n"
                                  "%c = avg_pool2d(%x) {kernel=[2, 2], stride=[1, 1], padding=valid}\n"
                                  "%y = add(%c, %b)\n"
                                  "%z = sub(%y, %b)\n"
                                  "output %z\n");
}

static void test_the_other_branch_goes_into_the_convolution(void **state) {
    (void)state;
    expect_rewrite("fuse_addend",
                   "symbol h [1, 5]\n"
                   "input %x : f32[1, h, 4, 3]\n"
                   "const %w : f32[1, 1, 3, 3] = {1, 2, 3, 4, 5, 6, 7, 8, 9}\n"
                   "const %b : f32[3] = {7, 8, 9}\n"
                   "%c = conv2d(%x, %w, %b)\n"
                   "%y = add(%c, %x)\n"
                   "output %y\n",
                   "symbol h [1, 5]\n"
                   "input %x : f32[1, h, 4, 3]\n"
                   "const %w : f32[1, 1, 3, 3] = {1, 2, 3, 4, 5, 6, 7, 8, 9}\n"
                   "const %b : f32[3] = {7, 8, 9}\n"
                   "%y = conv2d(%x, %w, %b, %x)\n"
                   "output %y\n",
                   REASSOCIATED);
}

static void test_a_convolution_without_a_bias_takes_an_addend_too(void **state) {
    (void)state;
    expect_rewrite("fuse_addend",
                   "input %x : f32[1, 3, 4, 2]\n"
                   "input %z : f32[1, 3, 4, 3]\n"
                   "const %w : f32[1, 1, 2, 3] = {1, 2, 3, 4, 5, 6}\n"
                   "%c = conv2d(%x, %w)\n"
                   "%y = add(%z, %c)\n"
                   "output %y\n",
                   "input %x : f32[1, 3, 4, 2]\n"
                   "input %z : f32[1, 3, 4, 3]\n"
                   "const %w : f32[1, 1, 2, 3] = {1, 2, 3, 4, 5, 6}\n"
                   "%y = conv2d(%x, %w, none, %z)\n"
                   "output %y\n",
                   REASSOCIATED);
}

static void test_of_two_convolutions_the_first_operand_takes_the_other(void **state) {
    (void)state;
    expect_rewrite("fuse_addend",
                   "input %x : f32[1, 3, 4, 2]\n"
                   "const %w : f32[1, 1, 2, 3] = {1, 2, 3, 4, 5, 6}\n"
                   "%c = conv2d(%x, %w)\n"
                   "%d = conv2d(%x, %w)\n"
                   "%y = add(%d, %c)\n"
                   "output %y\n",
                   "input %x : f32[1, 3, 4, 2]\n"
                   "const %w : f32[1, 1, 2, 3] = {1, 2, 3, 4, 5, 6}\n"
                   "%c = conv2d(%x, %w)\n"
                   "%y = conv2d(%x, %w, none, %c)\n"
                   "output %y\n",
                   REASSOCIATED);
}

static void test_a_convolution_added_to_itself_stays(void **state) {
    (void)state;
    expect_unchanged("fuse_addend", "input %x : f32[1, 3, 4, 2]\n"
                                    "const %w : f32[1, 1, 2, 3] = {1, 2, 3, 4, 5, 6}\n"
                                    "%c = conv2d(%x, %w)\n"
                                    "%y = add(%c, %c)\n"
                                    "output %y\n");
}

static void test_a_branch_that_is_spread_out_or_spreads_stays_outside(void **state) {
    (void)state;
    expect_unchanged("fuse_addend", "input %x : f32[1, 1, 1, 2]\n"
                                    "input %z : f32[1, 2, 2, 3]\n"
                                    "input %u : f32[1, 1, 1, 1]\n"
                                    "const %w : f32[1, 1, 2, 3] = {1, 2, 3, 4, 5, 6}\n"
                                    "%c = conv2d(%x, %w)\n"
                                    "%y = add(%c, %z)\n"
                                    "%d = conv2d(%x, %w)\n"
                                    "%v = add(%d, %u)\n"
                                    "output %y\n"
                                    "output %v\n");
}

static void test_a_constant_branch_stays_outside(void **state) {
    (void)state;
    expect_unchanged("fuse_addend", "input %x : f32[1, 1, 1, 2]\n"
                                    "const %w : f32[1, 1, 2, 3] = {1, 2, 3, 4, 5, 6}\n"
                                    "const %z : f32[1, 1, 1, 3] = {1, 2, 3}\n"
                                    "%c = conv2d(%x, %w)\n"
                                    "%y = add(%c, %z)\n"
                                    "output %y\n");
}

static void test_a_convolution_with_an_addend_activation_or_other_users_takes_none(void **state) {
    (void)state;
    expect_unchanged("fuse_addend", "input %x : f32[1, 1, 1, 2]\n"
                                    "input %z : f32[1, 1, 1, 3]\n"
                                    "const %w : f32[1, 1, 2, 3] = {1, 2, 3, 4, 5, 6}\n"
                                    "%c = conv2d(%x, %w, none, %z)\n"
                                    "%y = add(%c, %z)\n"
                                    "%d = conv2d(%x, %w) {activation=relu}\n"
                                    "%v = add(%d, %z)\n"
                                    "%e = conv2d(%x, %w)\n"
                                    "%u = add(%e, %z)\n"
                                    "%t = mul(%e, %z)\n"
                                    "%f = conv2d(%x, %w) {dilation=[2, 2]}\n"
                                    "%s = add(%f, %z)\n"
                                    "output %y\n"
                                    "output %v\n"
                                    "output %u\n"
                                    "output %t\n"
                                    "output %s\n"
                                    "output %f\n");
}

static void test_a_matrix_product_takes_no_addend(void **state) {
    (void)state;
    expect_unchanged("fuse_addend", "input %x : f32[2, 2]\n"
                                    "input %z : f32[2, 3]\n"
                                    "const %w : f32[2, 3] = {1, 2, 3, 4, 5, 6}\n"
                                    "%c = matmul(%x, %w)\n"
                                    "%y = add(%c, %z)\n"
                                    "output %y\n");
}

static void test_relu_and_relu6_go_into_convolution_and_product(void **state) {
    (void)state;
    expect_rewrite("fuse_activation",
                   "symbol n [1, 3]\n"
                   "input %x : f32[n, 3, 4, 2]\n"
                   "input %a : f32[2, 2]\n"
                   "const %w : f32[1, 1, 2, 3] = {1, 2, 3, 4, 5, 6}\n"
                   "const %m : f32[2, 2] = {1, -1, 3, -3}\n"
                   "%c = conv2d(%x, %w)\n"
                   "%y = relu6(%c)\n"
                   "%d = conv2d(%x, %w, none, %y)\n"
                   "%z = relu(%d)\n"
                   "%p = matmul(%a, %m)\n"
                   "%q = relu6(%p)\n"
                   "output %z\n"
                   "output %q\n",
                   "symbol n [1, 3]\n"
                   "input %x : f32[n, 3, 4, 2]\n"
                   "input %a : f32[2, 2]\n"
                   "const %w : f32[1, 1, 2, 3] = {1, 2, 3, 4, 5, 6}\n"
                   "const %m : f32[2, 2] = {1, -1, 3, -3}\n"
                   "%y = conv2d(%x, %w) {activation=relu6}\n"
                   "%z = conv2d(%x, %w, none, %y) {activation=relu}\n"
                   "%q = matmul(%a, %m) {activation=relu6}\n"
                   "output %z\n"
                   "output %q\n",
                   EXACT);
}

static void test_a_second_activation_stays_outside(void **state) {
    (void)state;
    expect_unchanged("fuse_activation", "input %x : f32[1, 3, 4, 2]\n"
                                        "const %w : f32[1, 1, 2, 3] = {1, 2, 3, 4, 5, 6}\n"
                                        "%c = conv2d(%x, %w) {activation=relu}\n"
                                        "%y = relu6(%c)\n"
                                        "output %y\n");
}

static void test_an_activation_does_not_enter_what_others_look_at(void **state) {
    (void)state;
    expect_unchanged("fuse_activation", "input %x : f32[1, 3, 4, 2]\n"
                                        "const %w : f32[1, 1, 2, 3] = {1, 2, 3, 4, 5, 6}\n"
                                        "%c = conv2d(%x, %w)\n"
                                        "%y = relu6(%c)\n"
                                        "%n = neg(%c)\n"
                                        "%d = conv2d(%x, %w) {padding=valid}\n"
                                        "%z = relu(%d)\n"
                                        "output %y\n"
                                        "output %n\n"
                                        "output %z\n"
                                        "output %d\n");
}

static void test_other_activations_and_types_stay_outside(void **state) {
    (void)state;
    expect_unchanged("fuse_activation", "input %x : f32[1, 3, 4, 2]\n"
                                        "input %h : f16[1, 1, 1, 1]\n"
                                        "const %w : f32[1, 1, 2, 3] = {1, 2, 3, 4, 5, 6}\n"
                                        "const %v : f16[1, 1, 1, 1] = {2}\n"
                                        "%c = conv2d(%x, %w)\n"
                                        "%y = sigmoid(%c)\n"
                                        "%d = conv2d(%x, %w)\n"
                                        "%z = leaky_relu(%d) {alpha=0.5}\n"
                                        "%e = conv2d(%h, %v)\n"
                                        "%u = relu(%e)\n"
                                        "%r = relu(%x)\n"
                                        "%s = relu6(%r)\n"
                                        "output %y\n"
                                        "output %z\n"
                                        "output %u\n"
                                        "output %s\n");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_bias_per_channel_goes_into_the_convolution),
        cmocka_unit_test(test_one_bias_for_all_is_spread_over_the_channels),
        cmocka_unit_test(test_a_bias_of_rank_4_becomes_one_of_rank_1),
        cmocka_unit_test(test_a_matrix_product_takes_a_bias),
        cmocka_unit_test(test_a_second_bias_stays_outside),
        cmocka_unit_test(test_a_bias_after_an_activation_or_addend_stays_outside),
        cmocka_unit_test(test_a_bias_does_not_enter_what_others_look_at),
        cmocka_unit_test(test_a_bias_from_data_per_position_or_enlarging_stays_outside),
        cmocka_unit_test(test_a_bias_in_half_precision_stays_outside),
        cmocka_unit_test(test_other_operators_take_no_bias),
        cmocka_unit_test(test_the_other_branch_goes_into_the_convolution),
        cmocka_unit_test(test_a_convolution_without_a_bias_takes_an_addend_too),
        cmocka_unit_test(test_of_two_convolutions_the_first_operand_takes_the_other),
        cmocka_unit_test(test_a_convolution_added_to_itself_stays),
        cmocka_unit_test(test_a_branch_that_is_spread_out_or_spreads_stays_outside),
        cmocka_unit_test(test_a_constant_branch_stays_outside),
        cmocka_unit_test(test_a_convolution_with_an_addend_activation_or_other_users_takes_none),
        cmocka_unit_test(test_a_matrix_product_takes_no_addend),
        cmocka_unit_test(test_relu_and_relu6_go_into_convolution_and_product),
        cmocka_unit_test(test_a_second_activation_stays_outside),
        cmocka_unit_test(test_an_activation_does_not_enter_what_others_look_at),
        cmocka_unit_test(test_other_activations_and_types_stay_outside),
    };
    return cmocka_run_group_tests_name("pass/fuse", tests, NULL, NULL);
}
