/* compose_affine: chains of additions and multiplications by constants become x * scale + offset. */
#include "pass_case.h"

static void test_subtraction_becomes_addition(void **state) {
    (void)state;
    expect_rewrite("compose_affine",
                   "input %x : f32[2, 3]\n"
                   "const %c : f32[3] = {1, -2, 3}\n"
                   "%y = sub(%x, %c)\n"
                   "output %y\n",
                   "input %x : f32[2, 3]\n"
                   "const %c_1 : f32[3] = {-1, 2, -3}\n"
                   "%y = add(%x, %c_1)\n"
                   "output %y\n",
                   EXACT);
}

static void test_division_becomes_multiplication(void **state) {
    (void)state;
    expect_rewrite("compose_affine",
                   "input %x : f32[2, 3]\n"
                   "const %c : f32[1] = {127.5}\n"
                   "%y = div(%x, %c)\n"
                   "output %y\n",
                   "input %x : f32[2, 3]\n"
                   "const %c_1 : f32[1] = {0.007843138}\n"
                   "%y = mul(%x, %c_1)\n"
                   "output %y\n",
                   REASSOCIATED);
}

static void test_division_by_what_has_no_normal_inverse_stays(void **state) {
    (void)state;
    expect_unchanged("compose_affine", "input %x : f32[2, 3]\n"
                                       "const %c : f32[3] = {1, 0, 2}\n"
                                       "const %d : f32[] = {1e-39}\n"
                                       "%a = div(%x, %c)\n"
                                       "%y = div(%a, %d)\n"
                                       "output %y\n");
}

static void test_a_constant_minus_or_divided_by_a_value_stays(void **state) {
    (void)state;
    expect_unchanged("compose_affine", "input %x : f32[2, 3]\n"
                                       "const %c : f32[3] = {1, 2, 3}\n"
                                       "%a = sub(%c, %x)\n"
                                       "%y = div(%c, %a)\n"
                                       "output %y\n");
}

static void test_two_products_become_one(void **state) {
    (void)state;
    expect_rewrite("compose_affine",
                   "symbol n [1, 4]\n"
                   "input %x : f32[n, 3]\n"
                   "const %a : f32[3] = {1, 2, 3}\n"
                   "const %b : f32[] = {0.5}\n"
                   "%p = mul(%x, %a)\n"
                   "%y = mul(%b, %p)\n"
                   "output %y\n",
                   "symbol n [1, 4]\n"
                   "input %x : f32[n, 3]\n"
                   "const %b_1 : f32[3] = {0.5, 1, 1.5}\n"
                   "%y = mul(%x, %b_1)\n"
                   "output %y\n",
                   REASSOCIATED);
}

static void test_two_sums_become_one(void **state) {
    (void)state;
    expect_rewrite("compose_affine",
                   "symbol n [1, 4]\n"
                   "input %x : f32[n, 3]\n"
                   "const %a : f32[1, 3] = {1, 2, 3}\n"
                   "const %b : f32[3] = {10, 20, 30}\n"
                   "%p = add(%a, %x)\n"
                   "%y = sub(%p, %b)\n"
                   "output %y\n",
                   "symbol n [1, 4]\n"
                   "input %x : f32[n, 3]\n"
                   "const %b_1_1 : f32[3] = {-9, -18, -27}\n"
                   "%y = add(%x, %b_1_1)\n"
                   "output %y\n",
                   REASSOCIATED);
}

static void test_a_product_of_a_sum_becomes_a_sum_of_a_product(void **state) {
    (void)state;
    expect_rewrite("compose_affine",
                   "symbol n [1, 4]\n"
                   "input %x : f32[n, 3]\n"
                   "const %a : f32[3] = {4, 5, 6}\n"
                   "const %b : f32[] = {2}\n"
                   "%p = add(%x, %a)\n"
                   "%y = mul(%p, %b)\n"
                   "output %y\n",
                   "symbol n [1, 4]\n"
                   "input %x : f32[n, 3]\n"
                   "const %b : f32[] = {2}\n"
                   "const %a_1 : f32[3] = {8, 10, 12}\n"
                   "%p = mul(%x, %b)\n"
                   "%y = add(%p, %a_1)\n"
                   "output %y\n",
                   REASSOCIATED);
}

static void test_a_sum_of_a_product_is_what_is_wanted(void **state) {
    (void)state;
    expect_unchanged("compose_affine", "input %x : f32[2, 3]\n"
                                       "const %a : f32[3] = {4, 5, 6}\n"
                                       "const %b : f32[3] = {2, 3, 4}\n"
                                       "%p = mul(%x, %b)\n"
                                       "%y = add(%p, %a)\n"
                                       "output %y\n");
}

static void test_a_long_chain_becomes_one_product_and_one_sum(void **state) {
    (void)state;
    expect_rewrite("compose_affine",
                   "input %x : f32[2, 3]\n"
                   "const %c : f32[3] = {1, 2, 3}\n"
                   "const %a : f32[3] = {4, 5, 6}\n"
                   "const %b : f32[] = {2}\n"
                   "const %d : f32[] = {4}\n"
                   "const %e : f32[3] = {1, 1, 2}\n"
                   "%p = mul(%x, %c)\n"
                   "%q = add(%p, %a)\n"
                   "%r = mul(%q, %b)\n"
                   "%s = div(%r, %d)\n"
                   "%y = sub(%s, %e)\n"
                   "output %y\n",
                   "input %x : f32[2, 3]\n"
                   "const %d_1_1 : f32[3] = {0.5, 1, 1.5}\n"
                   "const %e_1_1 : f32[3] = {1, 1.5, 1}\n"
                   "%r = mul(%x, %d_1_1)\n"
                   "%y = add(%r, %e_1_1)\n"
                   "output %y\n",
                   REASSOCIATED);
}

static void test_a_value_with_a_second_use_stays(void **state) {
    (void)state;
    expect_unchanged("compose_affine", "input %x : f32[2, 3]\n"
                                       "const %a : f32[3] = {4, 5, 6}\n"
                                       "const %b : f32[3] = {2, 3, 4}\n"
                                       "%p = mul(%x, %a)\n"
                                       "%q = mul(%p, %b)\n"
                                       "%y = sub(%q, %p)\n"
                                       "output %y\n");
}

static void test_a_value_that_is_an_output_stays(void **state) {
    (void)state;
    expect_unchanged("compose_affine", "input %x : f32[2, 3]\n"
                                       "const %a : f32[3] = {4, 5, 6}\n"
                                       "const %b : f32[3] = {2, 3, 4}\n"
                                       "%p = mul(%x, %a)\n"
                                       "%y = mul(%p, %b)\n"
                                       "output %y\n"
                                       "output %p\n");
}

static void test_a_constant_that_is_not_per_channel_stays(void **state) {
    (void)state;
    expect_unchanged("compose_affine", "input %x : f32[2, 3]\n"
                                       "const %a : f32[2, 1] = {4, 5}\n"
                                       "const %b : f32[2, 1] = {2, 3}\n"
                                       "%p = mul(%x, %a)\n"
                                       "%y = mul(%p, %b)\n"
                                       "output %y\n");
}

static void test_a_constant_that_enlarges_stays(void **state) {
    (void)state;
    expect_unchanged("compose_affine", "input %x : f32[2, 1]\n"
                                       "const %a : f32[3] = {4, 5, 6}\n"
                                       "const %b : f32[] = {2}\n"
                                       "%y = sub(%x, %a)\n"
                                       "output %y\n");
}

static void test_a_constant_of_a_higher_rank_stays(void **state) {
    (void)state;
    expect_unchanged("compose_affine", "input %x : f32[3]\n"
                                       "const %a : f32[1, 3] = {4, 5, 6}\n"
                                       "%y = sub(%x, %a)\n"
                                       "output %y\n");
}

static void test_a_number_without_channels_keeps_its_rank(void **state) {
    (void)state;
    expect_unchanged("compose_affine", "input %x : f32[]\n"
                                       "const %a : f32[] = {4}\n"
                                       "%p = sub(%x, %a)\n"
                                       "%y = div(%p, %a)\n"
                                       "output %y\n");
}

static void test_operands_that_are_no_constants_stay(void **state) {
    (void)state;
    expect_unchanged("compose_affine", "input %x : f32[2, 3]\n"
                                       "input %z : f32[3]\n"
                                       "%p = sub(%x, %z)\n"
                                       "%y = div(%p, %z)\n"
                                       "output %y\n");
}

static void test_integers_and_other_floats_stay(void **state) {
    (void)state;
    expect_unchanged("compose_affine", "input %i : s32[2]\n"
                                       "input %h : f16[2]\n"
                                       "input %d : f64[2]\n"
                                       "const %a : s32[2] = {4, 5}\n"
                                       "const %b : f16[2] = {4, 5}\n"
                                       "const %c : f64[2] = {4, 5}\n"
                                       "%y = sub(%i, %a)\n"
                                       "%z = sub(%h, %b)\n"
                                       "%w = sub(%d, %c)\n"
                                       "output %y\n"
                                       "output %z\n"
                                       "output %w\n");
}

static void test_products_that_leave_the_range_of_floats_stay_apart(void **state) {
    (void)state;
    expect_unchanged("compose_affine", "input %x : f32[2, 2]\n"
                                       "const %tiny : f32[2] = {1e-30, 1}\n"
                                       "const %huge : f32[2] = {1, 1e30}\n"
                                       "%a = mul(%x, %tiny)\n"
                                       "%b = mul(%a, %tiny)\n"
                                       "%c = mul(%x, %huge)\n"
                                       "%d = mul(%c, %huge)\n"
                                       "output %b\n"
                                       "output %d\n");
}

static void test_empty_constants_are_left_alone(void **state) {
    (void)state;
    expect_unchanged("compose_affine", "symbol n [1, 3]\n"
                                       "input %x : f32[n, 0]\n"
                                       "const %none : f32[0] = {}\n"
                                       "const %two : f32[] = {2}\n"
                                       "%p = add(%x, %none)\n"
                                       "%y = mul(%p, %none)\n"
                                       "output %y\n");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_subtraction_becomes_addition),
        cmocka_unit_test(test_division_becomes_multiplication),
        cmocka_unit_test(test_division_by_what_has_no_normal_inverse_stays),
        cmocka_unit_test(test_a_constant_minus_or_divided_by_a_value_stays),
        cmocka_unit_test(test_two_products_become_one),
        cmocka_unit_test(test_two_sums_become_one),
        cmocka_unit_test(test_a_product_of_a_sum_becomes_a_sum_of_a_product),
        cmocka_unit_test(test_a_sum_of_a_product_is_what_is_wanted),
        cmocka_unit_test(test_a_long_chain_becomes_one_product_and_one_sum),
        cmocka_unit_test(test_a_value_with_a_second_use_stays),
        cmocka_unit_test(test_a_value_that_is_an_output_stays),
        cmocka_unit_test(test_a_constant_that_is_not_per_channel_stays),
        cmocka_unit_test(test_a_constant_that_enlarges_stays),
        cmocka_unit_test(test_a_constant_of_a_higher_rank_stays),
        cmocka_unit_test(test_a_number_without_channels_keeps_its_rank),
        cmocka_unit_test(test_operands_that_are_no_constants_stay),
        cmocka_unit_test(test_integers_and_other_floats_stay),
        cmocka_unit_test(test_products_that_leave_the_range_of_floats_stay_apart),
        cmocka_unit_test(test_empty_constants_are_left_alone),
    };
    return cmocka_run_group_tests_name("pass/compose_affine", tests, NULL, NULL);
}
