/* rewrite_atrous: space_to_batch, convolution, batch_to_space is one dilated convolution. */
#include "pass_case.h"

/* %pads and %crops as TensorFlow computes them for %x: `base` before, and after it what makes the size divisible by
 * `block`. */
#define TF_PADDINGS(block, base)                                                                                       \
    "const %block : s32[2] = {" block ", " block "}\n"                                                                 \
    "const %base : s32[2] = {" base ", " base "}\n"                                                                    \
    "const %b1 : s32[1] = {1}\n"                                                                                       \
    "const %b3 : s32[1] = {3}\n"                                                                                       \
    "const %s1 : s32[1] = {1}\n"                                                                                       \
    "const %zero2 : s32[2] = {0, 0}\n"                                                                                 \
    "%shape = shape(%x)\n"                                                                                             \
    "%size = strided_slice(%shape, %b1, %b3, %s1)\n"                                                                   \
    "%start = add(%size, %base)\n"                                                                                     \
    "%full = add(%start, %base)\n"                                                                                     \
    "%rem = floor_mod(%full, %block)\n"                                                                                \
    "%gap = sub(%block, %rem)\n"                                                                                       \
    "%extra = floor_mod(%gap, %block)\n"                                                                               \
    "%end = add(%base, %extra)\n"                                                                                      \
    "%pads = stack(%base, %end) {axis=1}\n"                                                                            \
    "%crops = stack(%zero2, %extra) {axis=1}\n"

static void test_static_paddings_become_pads(void **state) {
    (void)state;
    expect_rewrite("rewrite_atrous",
                   "input %x : f32[1, 7, 6, 2]\n"
                   "const %block : s32[2] = {2, 2}\n"
                   "const %p : s32[2, 2] = {2, 3, 2, 2}\n"
                   "const %c : s32[2, 2] = {0, 1, 0, 0}\n"
                   "const %k : f32[3, 3, 2, 2] = random 3\n"
                   "%s = space_to_batch(%x, %block, %p)\n"
                   "%d = conv2d(%s, %k) {padding=valid}\n"
                   "%y = batch_to_space(%d, %block, %c)\n"
                   "output %y\n",
                   "input %x : f32[1, 7, 6, 2]\n"
                   "const %k : f32[3, 3, 2, 2] = random 3\n"
                   "%y = conv2d(%x, %k) {dilation=[2, 2], pads=[2, 2, 2, 2]}\n"
                   "output %y\n",
                   EXACT);
}

static void test_paddings_that_follow_the_size_cancel_for_block_2(void **state) {
    (void)state;
    expect_rewrite(
        "rewrite_atrous",
        "symbol n [1, 3]\n"
        "symbol h [1, 40]\n"
        "symbol w [1, 40]\n"
        "input %x : f32[n, h, w, 2]\n"
        "const %k : f32[3, 3, 2, 2] = random 3\n" TF_PADDINGS("2", "2") "%s = space_to_batch(%x, %block, %pads)\n"
                                                                        "%d = conv2d(%s, %k) {padding=valid}\n"
                                                                        "%y = batch_to_space(%d, %block, %crops)\n"
                                                                        "output %y\n",
        "symbol n [1, 3]\n"
        "symbol h [1, 40]\n"
        "symbol w [1, 40]\n"
        "input %x : f32[n, h, w, 2]\n"
        "const %k : f32[3, 3, 2, 2] = random 3\n"
        "%y = conv2d(%x, %k) {dilation=[2, 2], pads=[2, 2, 2, 2]}\n"
        "output %y\n",
        EXACT);
}

static void test_paddings_that_follow_the_size_cancel_for_block_3(void **state) {
    (void)state;
    expect_rewrite(
        "rewrite_atrous",
        "symbol n [1, 3]\n"
        "symbol h [1, 40]\n"
        "symbol w [1, 40]\n"
        "input %x : f32[n, h, w, 2]\n"
        "const %k : f32[3, 3, 2, 2] = random 3\n" TF_PADDINGS("3", "3") "%s = space_to_batch(%x, %block, %pads)\n"
                                                                        "%d = conv2d(%s, %k) {padding=valid}\n"
                                                                        "%y = batch_to_space(%d, %block, %crops)\n"
                                                                        "output %y\n",
        "symbol n [1, 3]\n"
        "symbol h [1, 40]\n"
        "symbol w [1, 40]\n"
        "input %x : f32[n, h, w, 2]\n"
        "const %k : f32[3, 3, 2, 2] = random 3\n"
        "%y = conv2d(%x, %k) {dilation=[3, 3], pads=[3, 3, 3, 3]}\n"
        "output %y\n",
        EXACT);
}

static void test_a_valid_convolution_has_no_pads_left(void **state) {
    (void)state;
    expect_rewrite(
        "rewrite_atrous",
        "symbol h [5, 40]\n"
        "input %x : f32[1, h, 7, 2]\n"
        "const %k : f32[3, 3, 2, 2] = random 3\n" TF_PADDINGS("2", "0") "%s = space_to_batch(%x, %block, %pads)\n"
                                                                        "%d = conv2d(%s, %k) {padding=valid}\n"
                                                                        "%y = batch_to_space(%d, %block, %crops)\n"
                                                                        "output %y\n",
        "symbol h [5, 40]\n"
        "input %x : f32[1, h, 7, 2]\n"
        "const %k : f32[3, 3, 2, 2] = random 3\n"
        "%y = conv2d(%x, %k) {dilation=[2, 2]}\n"
        "output %y\n",
        EXACT);
}

static void test_a_depthwise_convolution_leaves_too(void **state) {
    (void)state;
    expect_rewrite("rewrite_atrous",
                   "symbol n [1, 3]\n"
                   "symbol h [1, 40]\n"
                   "symbol w [1, 40]\n"
                   "input %x : f32[n, h, w, 2]\n"
                   "const %k : f32[3, 3, 1, 2] = random 3\n" TF_PADDINGS(
                       "2", "2") "%s = space_to_batch(%x, %block, %pads)\n"
                                 "%d = conv2d(%s, %k) {padding=valid, groups=2}\n"
                                 "%y = batch_to_space(%d, %block, %crops)\n"
                                 "output %y\n",
                   "symbol n [1, 3]\n"
                   "symbol h [1, 40]\n"
                   "symbol w [1, 40]\n"
                   "input %x : f32[n, h, w, 2]\n"
                   "const %k : f32[3, 3, 1, 2] = random 3\n"
                   "%y = conv2d(%x, %k) {dilation=[2, 2], pads=[2, 2, 2, 2], groups=2}\n"
                   "output %y\n",
                   EXACT);
}

static void test_batch_norm_bias_and_relu6_in_between_come_after(void **state) {
    (void)state;
    expect_rewrite("rewrite_atrous",
                   "symbol n [1, 3]\n"
                   "symbol h [1, 40]\n"
                   "symbol w [1, 40]\n"
                   "input %x : f32[n, h, w, 2]\n"
                   "const %k : f32[3, 3, 2, 2] = random 3\n" TF_PADDINGS(
                       "2", "2") "const %scale : f32[2] = {2, 3}\n"
                                 "const %offset : f32[2] = {1, -1}\n"
                                 "const %mean : f32[2] = {0.5, 0.25}\n"
                                 "const %var : f32[2] = {3, 0.5}\n"
                                 "const %bias : f32[2] = {0.5, -0.5}\n"
                                 "%s = space_to_batch(%x, %block, %pads)\n"
                                 "%d = conv2d(%s, %k) {padding=valid}\n"
                                 "%bn = batch_norm(%d, %scale, %offset, %mean, %var) {epsilon=0.001}\n"
                                 "%b = add(%bn, %bias)\n"
                                 "%r = relu6(%b)\n"
                                 "%y = batch_to_space(%r, %block, %crops)\n"
                                 "output %y\n",
                   "symbol n [1, 3]\n"
                   "symbol h [1, 40]\n"
                   "symbol w [1, 40]\n"
                   "input %x : f32[n, h, w, 2]\n"
                   "const %k : f32[3, 3, 2, 2] = random 3\n"
                   "const %scale : f32[2] = {2, 3}\n"
                   "const %offset : f32[2] = {1, -1}\n"
                   "const %mean : f32[2] = {0.5, 0.25}\n"
                   "const %var : f32[2] = {3, 0.5}\n"
                   "const %bias : f32[2] = {0.5, -0.5}\n"
                   "%d_1 = conv2d(%x, %k) {dilation=[2, 2], pads=[2, 2, 2, 2]}\n"
                   "%bn_1 = batch_norm(%d_1, %scale, %offset, %mean, %var) {epsilon=0.001}\n"
                   "%b_1 = add(%bn_1, %bias)\n"
                   "%y = relu6(%b_1)\n"
                   "output %y\n",
                   EXACT);
}

static void test_fake_quantisation_in_between_comes_after(void **state) {
    (void)state;
    expect_rewrite(
        "rewrite_atrous",
        "symbol n [1, 3]\n"
        "symbol h [1, 40]\n"
        "symbol w [1, 40]\n"
        "input %x : f32[n, h, w, 2]\n"
        "const %k : f32[3, 3, 2, 2] = random 3\n" TF_PADDINGS("2", "2") "const %low : f32[2] = {-2, -3}\n"
                                                                        "const %high : f32[2] = {2, 3}\n"
                                                                        "%s = space_to_batch(%x, %block, %pads)\n"
                                                                        "%d = conv2d(%s, %k) {padding=valid}\n"
                                                                        "%q = fake_quant(%d, %low, %high)\n"
                                                                        "%y = batch_to_space(%q, %block, %crops)\n"
                                                                        "output %y\n",
        "symbol n [1, 3]\n"
        "symbol h [1, 40]\n"
        "symbol w [1, 40]\n"
        "input %x : f32[n, h, w, 2]\n"
        "const %k : f32[3, 3, 2, 2] = random 3\n"
        "const %low : f32[2] = {-2, -3}\n"
        "const %high : f32[2] = {2, 3}\n"
        "%d_1 = conv2d(%x, %k) {dilation=[2, 2], pads=[2, 2, 2, 2]}\n"
        "%y = fake_quant(%d_1, %low, %high)\n"
        "output %y\n",
        EXACT);
}

static void test_a_bias_and_activation_inside_the_convolution_stay_there(void **state) {
    (void)state;
    expect_rewrite("rewrite_atrous",
                   "symbol n [1, 3]\n"
                   "symbol h [1, 40]\n"
                   "symbol w [1, 40]\n"
                   "input %x : f32[n, h, w, 2]\n"
                   "const %k : f32[3, 3, 2, 2] = random 3\n" TF_PADDINGS(
                       "2", "2") "const %bias : f32[2] = {0.5, -0.5}\n"
                                 "%s = space_to_batch(%x, %block, %pads)\n"
                                 "%d = conv2d(%s, %k, %bias) {padding=valid, activation=relu}\n"
                                 "%y = batch_to_space(%d, %block, %crops)\n"
                                 "output %y\n",
                   "symbol n [1, 3]\n"
                   "symbol h [1, 40]\n"
                   "symbol w [1, 40]\n"
                   "input %x : f32[n, h, w, 2]\n"
                   "const %k : f32[3, 3, 2, 2] = random 3\n"
                   "const %bias : f32[2] = {0.5, -0.5}\n"
                   "%y = conv2d(%x, %k, %bias) {dilation=[2, 2], pads=[2, 2, 2, 2], activation=relu}\n"
                   "output %y\n",
                   EXACT);
}

static void test_two_branches_that_meet_leave_together(void **state) {
    (void)state;
    expect_rewrite("rewrite_atrous",
                   "input %x : f32[1, 6, 6, 2]\n"
                   "input %z : f32[1, 6, 6, 2]\n"
                   "const %block : s32[2] = {2, 2}\n"
                   "const %p : s32[2, 2] = {2, 2, 2, 2}\n"
                   "const %c : s32[2, 2] = {0, 0, 0, 0}\n"
                   "const %k : f32[3, 3, 2, 2] = random 3\n"
                   "%s = space_to_batch(%x, %block, %p)\n"
                   "%d = conv2d(%s, %k) {padding=valid}\n"
                   "%t = space_to_batch(%z, %block, %c)\n"
                   "%a = add(%d, %t)\n"
                   "%r = relu(%a)\n"
                   "%y = batch_to_space(%r, %block, %c)\n"
                   "output %y\n",
                   "input %x : f32[1, 6, 6, 2]\n"
                   "input %z : f32[1, 6, 6, 2]\n"
                   "const %k : f32[3, 3, 2, 2] = random 3\n"
                   "%d_1 = conv2d(%x, %k) {dilation=[2, 2], pads=[2, 2, 2, 2]}\n"
                   "%a_1 = add(%d_1, %z)\n"
                   "%y = relu(%a_1)\n"
                   "output %y\n",
                   EXACT);
}

static void test_two_convolutions_that_meet_leave_together(void **state) {
    (void)state;
    expect_rewrite("rewrite_atrous",
                   "input %x : f32[1, 6, 6, 2]\n"
                   "const %block : s32[2] = {2, 2}\n"
                   "const %p : s32[2, 2] = {2, 2, 2, 2}\n"
                   "const %c : s32[2, 2] = {0, 0, 0, 0}\n"
                   "const %k : f32[3, 3, 2, 2] = random 3\n"
                   "const %l : f32[1, 1, 2, 2] = {1, 2, 3, 4}\n"
                   "%s = space_to_batch(%x, %block, %p)\n"
                   "%d = conv2d(%s, %k) {padding=valid}\n"
                   "%t = space_to_batch(%x, %block, %c)\n"
                   "%e = conv2d(%t, %l)\n"
                   "%m = mul(%e, %d)\n"
                   "%y = batch_to_space(%m, %block, %c)\n"
                   "output %y\n",
                   "input %x : f32[1, 6, 6, 2]\n"
                   "const %k : f32[3, 3, 2, 2] = random 3\n"
                   "const %l : f32[1, 1, 2, 2] = {1, 2, 3, 4}\n"
                   "%e_1 = conv2d(%x, %l) {dilation=[2, 2]}\n"
                   "%d_1 = conv2d(%x, %k) {dilation=[2, 2], pads=[2, 2, 2, 2]}\n"
                   "%y = mul(%e_1, %d_1)\n"
                   "output %y\n",
                   EXACT);
}

static void test_one_padded_input_serves_two_regions(void **state) {
    (void)state;
    expect_rewrite("rewrite_atrous",
                   "input %x : f32[1, 6, 6, 2]\n"
                   "const %block : s32[2] = {2, 2}\n"
                   "const %p : s32[2, 2] = {2, 2, 2, 2}\n"
                   "const %c : s32[2, 2] = {0, 0, 0, 0}\n"
                   "const %k : f32[3, 3, 2, 2] = random 3\n"
                   "%s = space_to_batch(%x, %block, %p)\n"
                   "%d = conv2d(%s, %k) {padding=valid}\n"
                   "%y = batch_to_space(%d, %block, %c)\n"
                   "%e = conv2d(%s, %k) {padding=valid, activation=relu6}\n"
                   "%z = batch_to_space(%e, %block, %c)\n"
                   "output %y\n"
                   "output %z\n",
                   "input %x : f32[1, 6, 6, 2]\n"
                   "const %k : f32[3, 3, 2, 2] = random 3\n"
                   "%y = conv2d(%x, %k) {dilation=[2, 2], pads=[2, 2, 2, 2]}\n"
                   "%z = conv2d(%x, %k) {dilation=[2, 2], pads=[2, 2, 2, 2], activation=relu6}\n"
                   "output %y\n"
                   "output %z\n",
                   EXACT);
}

static void test_blocks_may_differ_between_height_and_width(void **state) {
    (void)state;
    expect_rewrite("rewrite_atrous",
                   "input %x : f32[2, 6, 6, 2]\n"
                   "const %block : s64[2] = {3, 1}\n"
                   "const %p : s64[2, 2] = {3, 3, 1, 1}\n"
                   "const %c : s64[2, 2] = {0, 0, 0, 0}\n"
                   "const %k : f32[3, 3, 2, 2] = random 3\n"
                   "%s = space_to_batch(%x, %block, %p)\n"
                   "%d = conv2d(%s, %k) {padding=valid}\n"
                   "%y = batch_to_space(%d, %block, %c)\n"
                   "output %y\n",
                   "input %x : f32[2, 6, 6, 2]\n"
                   "const %k : f32[3, 3, 2, 2] = random 3\n"
                   "%y = conv2d(%x, %k) {dilation=[3, 1], pads=[3, 1, 3, 1]}\n"
                   "output %y\n",
                   EXACT);
}

static void test_crops_that_equal_paddings_leave_a_plain_window(void **state) {
    (void)state;
    expect_rewrite("rewrite_atrous",
                   "input %x : f32[1, 6, 6, 2]\n"
                   "const %block : s32[2] = {2, 2}\n"
                   "const %p : s32[2, 2] = {2, 2, 2, 2}\n"
                   "const %c : s32[2, 2] = {1, 2, 0, 2}\n"
                   "const %k : f32[3, 3, 2, 2] = random 3\n"
                   "%s = space_to_batch(%x, %block, %p)\n"
                   "%d = conv2d(%s, %k) {padding=valid}\n"
                   "%y = batch_to_space(%d, %block, %c)\n"
                   "output %y\n",
                   "input %x : f32[1, 6, 6, 2]\n"
                   "const %k : f32[3, 3, 2, 2] = random 3\n"
                   "%y = conv2d(%x, %k) {dilation=[2, 2], pads=[1, 2, 0, 0]}\n"
                   "output %y\n",
                   EXACT);
}

static void test_paddings_that_no_crop_takes_back_stay(void **state) {
    (void)state;
    expect_unchanged("rewrite_atrous", "symbol h [1, 20]\n"
                                       "input %x : f32[1, h, 6, 2]\n"
                                       "const %k : f32[1, 1, 2, 2] = {1, 2, 3, 4}\n" TF_PADDINGS(
                                           "2", "0") "const %none : s32[2, 2] = {0, 0, 0, 0}\n"
                                                     "%s = space_to_batch(%x, %block, %pads)\n"
                                                     "%d = conv2d(%s, %k) {padding=valid}\n"
                                                     "%y = batch_to_space(%d, %block, %none)\n"
                                                     "output %y\n");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_static_paddings_become_pads),
        cmocka_unit_test(test_paddings_that_follow_the_size_cancel_for_block_2),
        cmocka_unit_test(test_paddings_that_follow_the_size_cancel_for_block_3),
        cmocka_unit_test(test_a_valid_convolution_has_no_pads_left),
        cmocka_unit_test(test_a_depthwise_convolution_leaves_too),
        cmocka_unit_test(test_batch_norm_bias_and_relu6_in_between_come_after),
        cmocka_unit_test(test_fake_quantisation_in_between_comes_after),
        cmocka_unit_test(test_a_bias_and_activation_inside_the_convolution_stay_there),
        cmocka_unit_test(test_two_branches_that_meet_leave_together),
        cmocka_unit_test(test_two_convolutions_that_meet_leave_together),
        cmocka_unit_test(test_one_padded_input_serves_two_regions),
        cmocka_unit_test(test_blocks_may_differ_between_height_and_width),
        cmocka_unit_test(test_crops_that_equal_paddings_leave_a_plain_window),
        cmocka_unit_test(test_paddings_that_no_crop_takes_back_stay),
    };
    return cmocka_run_group_tests_name("pass/rewrite_atrous", tests, NULL, NULL);
}
