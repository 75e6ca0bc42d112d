/* What rewrite_atrous leaves as it is. */
#include "pass_case.h"

static void test_crops_larger_than_paddings_stay(void **state) {
    (void)state;
    expect_unchanged("rewrite_atrous", "input %x : f32[1, 6, 6, 2]\n"
                                       "const %block : s32[2] = {2, 2}\n"
                                       "const %p : s32[2, 2] = {2, 2, 2, 2}\n"
                                       "const %c : s32[2, 2] = {3, 0, 0, 0}\n"
                                       "const %k : f32[3, 3, 2, 2] = random 3\n"
                                       "%s = space_to_batch(%x, %block, %p)\n"
                                       "%d = conv2d(%s, %k) {padding=valid}\n"
                                       "%y = batch_to_space(%d, %block, %c)\n"
                                       "output %y\n");
}

static void test_other_blocks_stay(void **state) {
    (void)state;
    expect_unchanged("rewrite_atrous", "input %x : f32[2, 6, 6, 2]\n"
                                       "const %block : s32[2] = {2, 3}\n"
                                       "const %other : s32[2] = {3, 2}\n"
                                       "const %p : s32[2, 2] = {2, 2, 3, 3}\n"
                                       "const %c : s32[2, 2] = {0, 0, 0, 0}\n"
                                       "const %k : f32[3, 3, 2, 2] = random 3\n"
                                       "%s = space_to_batch(%x, %block, %p)\n"
                                       "%d = conv2d(%s, %k) {padding=valid}\n"
                                       "%y = batch_to_space(%d, %other, %c)\n"
                                       "output %y\n");
}

static void test_strides_stay(void **state) {
    (void)state;
    expect_unchanged("rewrite_atrous", "input %x : f32[1, 6, 6, 2]\n"
                                       "const %block : s32[2] = {2, 2}\n"
                                       "const %p : s32[2, 2] = {2, 2, 2, 2}\n"
                                       "const %c : s32[2, 2] = {0, 0, 0, 0}\n"
                                       "const %k : f32[3, 3, 2, 2] = random 3\n"
                                       "%s = space_to_batch(%x, %block, %p)\n"
                                       "%d = conv2d(%s, %k) {padding=valid, stride=[2, 1]}\n"
                                       "%y = batch_to_space(%d, %block, %c)\n"
                                       "output %y\n");
}

static void test_dilations_stay(void **state) {
    (void)state;
    expect_unchanged("rewrite_atrous", "input %x : f32[1, 6, 6, 2]\n"
                                       "const %block : s32[2] = {2, 2}\n"
                                       "const %p : s32[2, 2] = {2, 2, 2, 2}\n"
                                       "const %c : s32[2, 2] = {0, 0, 0, 0}\n"
                                       "const %k : f32[2, 1, 2, 2] = random 4\n"
                                       "%s = space_to_batch(%x, %block, %p)\n"
                                       "%d = conv2d(%s, %k) {padding=valid, dilation=[2, 1]}\n"
                                       "%y = batch_to_space(%d, %block, %c)\n"
                                       "output %y\n");
}

static void test_convolutions_that_pad_stay(void **state) {
    (void)state;
    expect_unchanged("rewrite_atrous", "input %x : f32[1, 6, 6, 2]\n"
                                       "const %block : s32[2] = {2, 2}\n"
                                       "const %p : s32[2, 2] = {2, 2, 2, 2}\n"
                                       "const %c : s32[2, 2] = {0, 0, 0, 0}\n"
                                       "const %k : f32[3, 3, 2, 2] = random 3\n"
                                       "%s = space_to_batch(%x, %block, %p)\n"
                                       "%d = conv2d(%s, %k) {padding=same_upper}\n"
                                       "%e = conv2d(%s, %k) {pads=[0, 0, 1, 0]}\n"
                                       "%y = batch_to_space(%d, %block, %c)\n"
                                       "%z = batch_to_space(%e, %block, %c)\n"
                                       "output %y\n"
                                       "output %z\n");
}

static void test_convolutions_with_an_addend_stay(void **state) {
    (void)state;
    expect_unchanged("rewrite_atrous", "input %x : f32[1, 6, 6, 2]\n"
                                       "const %block : s32[2] = {2, 2}\n"
                                       "const %p : s32[2, 2] = {2, 2, 2, 2}\n"
                                       "const %c : s32[2, 2] = {0, 0, 0, 0}\n"
                                       "const %k : f32[1, 1, 2, 2] = {1, 2, 3, 4}\n"
                                       "%s = space_to_batch(%x, %block, %p)\n"
                                       "%d = conv2d(%s, %k, none, %s)\n"
                                       "%y = batch_to_space(%d, %block, %c)\n"
                                       "output %y\n");
}

static void test_two_convolutions_in_a_row_stay(void **state) {
    (void)state;
    expect_unchanged("rewrite_atrous", "input %x : f32[1, 6, 6, 2]\n"
                                       "const %block : s32[2] = {2, 2}\n"
                                       "const %p : s32[2, 2] = {2, 2, 2, 2}\n"
                                       "const %c : s32[2, 2] = {0, 0, 0, 0}\n"
                                       "const %k : f32[3, 3, 2, 2] = random 3\n"
                                       "const %l : f32[1, 1, 2, 2] = {1, 2, 3, 4}\n"
                                       "%s = space_to_batch(%x, %block, %p)\n"
                                       "%d = conv2d(%s, %k) {padding=valid}\n"
                                       "%r = relu(%d)\n"
                                       "%e = conv2d(%r, %l) {padding=valid}\n"
                                       "%y = batch_to_space(%e, %block, %c)\n"
                                       "output %y\n");
}

static void test_arithmetic_before_the_convolution_stays(void **state) {
    (void)state;
    expect_unchanged("rewrite_atrous", "input %x : f32[1, 6, 6, 2]\n"
                                       "const %block : s32[2] = {2, 2}\n"
                                       "const %p : s32[2, 2] = {2, 2, 2, 2}\n"
                                       "const %c : s32[2, 2] = {0, 0, 0, 0}\n"
                                       "const %k : f32[3, 3, 2, 2] = random 3\n"
                                       "const %one : f32[] = {1}\n"
                                       "%s = space_to_batch(%x, %block, %p)\n"
                                       "%o = add(%s, %one)\n"
                                       "%d = conv2d(%o, %k) {padding=valid}\n"
                                       "%y = batch_to_space(%d, %block, %c)\n"
                                       "output %y\n");
}

static void test_a_region_that_others_look_into_stays(void **state) {
    (void)state;
    expect_unchanged("rewrite_atrous", "input %x : f32[1, 6, 6, 2]\n"
                                       "const %block : s32[2] = {2, 2}\n"
                                       "const %p : s32[2, 2] = {2, 2, 2, 2}\n"
                                       "const %c : s32[2, 2] = {0, 0, 0, 0}\n"
                                       "const %k : f32[3, 3, 2, 2] = random 3\n"
                                       "%s = space_to_batch(%x, %block, %p)\n"
                                       "%d = conv2d(%s, %k) {padding=valid}\n"
                                       "%r = relu(%d)\n"
                                       "%y = batch_to_space(%r, %block, %c)\n"
                                       "%n = neg(%d)\n"
                                       "%e = conv2d(%s, %k) {padding=valid, activation=relu}\n"
                                       "%z = batch_to_space(%e, %block, %c)\n"
                                       "output %y\n"
                                       "output %n\n"
                                       "output %z\n"
                                       "output %e\n");
}

static void test_operators_that_mix_positions_stay(void **state) {
    (void)state;
    expect_unchanged("rewrite_atrous", "input %x : f32[1, 6, 6, 2]\n"
                                       "const %block : s32[2] = {2, 2}\n"
                                       "const %p : s32[2, 2] = {2, 2, 2, 2}\n"
                                       "const %c : s32[2, 2] = {0, 0, 0, 0}\n"
                                       "const %k : f32[3, 3, 2, 2] = random 3\n"
                                       "%s = space_to_batch(%x, %block, %p)\n"
                                       "%d = conv2d(%s, %k) {padding=valid}\n"
                                       "%m = max_pool2d(%d) {kernel=[1, 1], stride=[1, 1], padding=valid}\n"
                                       "%y = batch_to_space(%m, %block, %c)\n"
                                       "output %y\n");
}

static void test_constants_per_position_stay(void **state) {
    (void)state;
    expect_unchanged("rewrite_atrous", "input %x : f32[1, 6, 6, 2]\n"
                                       "const %block : s32[2] = {2, 2}\n"
                                       "const %p : s32[2, 2] = {2, 2, 2, 2}\n"
                                       "const %c : s32[2, 2] = {0, 0, 0, 0}\n"
                                       "const %k : f32[3, 3, 2, 2] = random 3\n"
                                       "const %map : f32[1, 3, 3, 1] = {1, 2, 3, 4, 5, 6, 7, 8, 9}\n"
                                       "%s = space_to_batch(%x, %block, %p)\n"
                                       "%d = conv2d(%s, %k) {padding=valid}\n"
                                       "%m = mul(%d, %map)\n"
                                       "%y = batch_to_space(%m, %block, %c)\n"
                                       "output %y\n");
}

static void test_a_branch_from_outside_stays(void **state) {
    (void)state;
    expect_unchanged("rewrite_atrous", "input %x : f32[1, 6, 6, 2]\n"
                                       "const %block : s32[2] = {2, 2}\n"
                                       "const %p : s32[2, 2] = {2, 2, 2, 2}\n"
                                       "const %c : s32[2, 2] = {0, 0, 0, 0}\n"
                                       "const %k : f32[3, 3, 2, 2] = random 3\n"
                                       "input %z : f32[4, 3, 3, 2]\n"
                                       "%s = space_to_batch(%x, %block, %p)\n"
                                       "%d = conv2d(%s, %k) {padding=valid}\n"
                                       "%a = add(%d, %z)\n"
                                       "%y = batch_to_space(%a, %block, %c)\n"
                                       "output %y\n");
}

static void test_a_branch_whose_paddings_are_not_its_crops_stays(void **state) {
    (void)state;
    expect_unchanged("rewrite_atrous", "input %x : f32[1, 6, 6, 2]\n"
                                       "input %z : f32[1, 4, 6, 2]\n"
                                       "const %block : s32[2] = {2, 2}\n"
                                       "const %p : s32[2, 2] = {2, 2, 2, 2}\n"
                                       "const %c : s32[2, 2] = {0, 0, 0, 0}\n"
                                       "const %q : s32[2, 2] = {1, 1, 0, 0}\n"
                                       "const %k : f32[3, 3, 2, 2] = random 3\n"
                                       "%s = space_to_batch(%x, %block, %p)\n"
                                       "%d = conv2d(%s, %k) {padding=valid}\n"
                                       "%t = space_to_batch(%z, %block, %q)\n"
                                       "%a = add(%d, %t)\n"
                                       "%y = batch_to_space(%a, %block, %c)\n"
                                       "output %y\n");
}

static void test_a_branch_that_is_stretched_inside_stays(void **state) {
    (void)state;
    expect_unchanged("rewrite_atrous", "input %x : f32[1, 6, 6, 2]\n"
                                       "input %z : f32[1, 2, 2, 2]\n"
                                       "const %block : s32[2] = {2, 2}\n"
                                       "const %c : s32[2, 2] = {0, 0, 0, 0}\n"
                                       "const %k : f32[1, 1, 2, 2] = {1, 2, 3, 4}\n"
                                       "%s = space_to_batch(%x, %block, %c)\n"
                                       "%d = conv2d(%s, %k)\n"
                                       "%t = space_to_batch(%z, %block, %c)\n"
                                       "%a = add(%d, %t)\n"
                                       "%y = batch_to_space(%a, %block, %c)\n"
                                       "output %y\n");
}

static void test_blocks_beyond_what_a_dilation_can_be_stay(void **state) {
    (void)state;
    expect_unchanged("rewrite_atrous", "input %x : f32[1, 70001, 4, 1]\n"
                                       "const %block : s32[2] = {70001, 1}\n"
                                       "const %c : s32[2, 2] = {0, 0, 0, 0}\n"
                                       "const %k : f32[1, 1, 1, 1] = {2}\n"
                                       "%s = space_to_batch(%x, %block, %c)\n"
                                       "%d = conv2d(%s, %k)\n"
                                       "%y = batch_to_space(%d, %block, %c)\n"
                                       "output %y\n");
}

static void test_a_transposition_in_between_stays(void **state) {
    (void)state;
    expect_unchanged("rewrite_atrous", "input %x : f32[1, 6, 6, 2]\n"
                                       "const %block : s32[2] = {2, 2}\n"
                                       "const %c : s32[2, 2] = {0, 0, 0, 0}\n"
                                       "const %k : f32[1, 1, 2, 2] = {1, 2, 3, 4}\n"
                                       "const %perm : s32[4] = {0, 2, 1, 3}\n"
                                       "%s = space_to_batch(%x, %block, %c)\n"
                                       "%d = conv2d(%s, %k)\n"
                                       "%t = transpose(%d, %perm)\n"
                                       "%y = batch_to_space(%t, %block, %c)\n"
                                       "output %y\n");
}

static void test_regions_of_one_or_three_spatial_axes_stay(void **state) {
    (void)state;
    expect_unchanged("rewrite_atrous", "input %x : f32[1, 6, 6, 2]\n"
                                       "const %block : s32[1] = {2}\n"
                                       "const %p : s32[1, 2] = {2, 2}\n"
                                       "const %c : s32[1, 2] = {0, 0}\n"
                                       "const %k : f32[3, 1, 2, 2] = random 9\n"
                                       "%s = space_to_batch(%x, %block, %p)\n"
                                       "%d = conv2d(%s, %k) {padding=valid}\n"
                                       "%y = batch_to_space(%d, %block, %c)\n"
                                       "output %y\n");
}

static void test_a_region_without_a_convolution_stays(void **state) {
    (void)state;
    expect_unchanged("rewrite_atrous", "input %x : f32[1, 6, 6, 2]\n"
                                       "const %block : s32[2] = {2, 2}\n"
                                       "const %p : s32[2, 2] = {2, 2, 2, 2}\n"
                                       "const %c : s32[2, 2] = {0, 0, 0, 0}\n"
                                       "%t = space_to_batch(%x, %block, %c)\n"
                                       "%y = batch_to_space(%t, %block, %c)\n"
                                       "output %y\n");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_crops_larger_than_paddings_stay),
        cmocka_unit_test(test_other_blocks_stay),
        cmocka_unit_test(test_strides_stay),
        cmocka_unit_test(test_dilations_stay),
        cmocka_unit_test(test_convolutions_that_pad_stay),
        cmocka_unit_test(test_convolutions_with_an_addend_stay),
        cmocka_unit_test(test_two_convolutions_in_a_row_stay),
        cmocka_unit_test(test_arithmetic_before_the_convolution_stays),
        cmocka_unit_test(test_a_region_that_others_look_into_stays),
        cmocka_unit_test(test_operators_that_mix_positions_stay),
        cmocka_unit_test(test_constants_per_position_stay),
        cmocka_unit_test(test_a_branch_from_outside_stays),
        cmocka_unit_test(test_a_branch_whose_paddings_are_not_its_crops_stays),
        cmocka_unit_test(test_a_branch_that_is_stretched_inside_stays),
        cmocka_unit_test(test_blocks_beyond_what_a_dilation_can_be_stay),
        cmocka_unit_test(test_a_transposition_in_between_stays),
        cmocka_unit_test(test_regions_of_one_or_three_spatial_axes_stay),
        cmocka_unit_test(test_a_region_without_a_convolution_stays),
    };
    return cmocka_run_group_tests_name("pass/rewrite_atrous_stay", tests, NULL, NULL);
}
