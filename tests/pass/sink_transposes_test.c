/* sink_transposes: what is wrapped in transposes computes in the layout of what is around it. */
#include "pass_case.h"

#define PERMS                                                                                                          \
    "const %nchw : s32[4] = {0, 3, 1, 2}\n"                                                                            \
    "const %nhwc : s32[4] = {0, 2, 3, 1}\n"
#define WEIGHTS                                                                                                        \
    "const %w : f32[1, 1, 2, 2] = {1, 2, 3, 4}\n"                                                                      \
    "const %v : f32[1, 1, 2, 2] = {5, -6, 7, 8}\n"
#define PICTURE                                                                                                        \
    "symbol h [1, 9]\n"                                                                                                \
    "input %x : f32[1, h, 4, 2]\n"
#define HEAD PICTURE PERMS WEIGHTS

static void test_transposes_that_undo_each_other_go(void **state) {
    (void)state;
    expect_rewrite("sink_transposes",
                   HEAD "%a = conv2d(%x, %w)\n"
                        "%b = transpose(%a, %nchw)\n"
                        "%c = transpose(%b, %nhwc)\n"
                        "%y = conv2d(%c, %v)\n"
                        "output %y\n",
                   HEAD "%a = conv2d(%x, %w)\n"
                        "%y = conv2d(%a, %v)\n"
                        "output %y\n",
                   EXACT);
}

static void test_transposes_in_a_row_become_one(void **state) {
    (void)state;
    expect_rewrite("sink_transposes",
                   "input %x : f32[2, 3, 4]\n"
                   "const %p : s32[3] = {1, 2, 0}\n"
                   "%a = transpose(%x, %p)\n"
                   "%y = transpose(%a, %p)\n"
                   "output %y\n",
                   "input %x : f32[2, 3, 4]\n"
                   "const %\"y/perm\" : s32[3] = {2, 0, 1}\n"
                   "%y = transpose(%x, %\"y/perm\")\n"
                   "output %y\n",
                   EXACT);
}

static void test_equal_transposes_become_one(void **state) {
    (void)state;
    expect_rewrite("sink_transposes",
                   PICTURE PERMS "const %flat : s32[2] = {1, -1}\n"
                                 "%a = transpose(%x, %nchw)\n"
                                 "%b = transpose(%x, %nchw)\n"
                                 "%s = reshape(%a, %flat)\n"
                                 "%t = reshape(%b, %flat)\n"
                                 "output %s\n"
                                 "output %t\n",
                   PICTURE PERMS "const %flat : s32[2] = {1, -1}\n"
                                 "%a = transpose(%x, %nchw)\n"
                                 "%s = reshape(%a, %flat)\n"
                                 "%t = reshape(%a, %flat)\n"
                                 "output %s\n"
                                 "output %t\n",
                   EXACT);
}

/* Bias and activation come to stand behind the convolution, their constant as a vector along the last axis. */
static void test_bias_and_activation_between_convolutions_become_nhwc(void **state) {
    (void)state;
    expect_rewrite("sink_transposes",
                   HEAD "const %bias : f32[2, 1, 1] = {1, -2}\n"
                        "%a = conv2d(%x, %w)\n"
                        "%b = transpose(%a, %nchw)\n"
                        "%c = add(%b, %bias)\n"
                        "%d = relu(%c)\n"
                        "%e = transpose(%d, %nhwc)\n"
                        "%y = conv2d(%e, %v)\n"
                        "output %y\n",
                   HEAD "const %bias_1 : f32[2] = {1, -2}\n"
                        "%a = conv2d(%x, %w)\n"
                        "%c = add(%a, %bias_1)\n"
                        "%d = relu(%c)\n"
                        "%y = conv2d(%d, %v)\n"
                        "output %y\n",
                   EXACT);
}

static void test_an_output_keeps_its_layout_and_name(void **state) {
    (void)state;
    expect_rewrite("sink_transposes",
                   HEAD "const %bias : f32[1, 2, 1, 1] = {1, -2}\n"
                        "%a = conv2d(%x, %w)\n"
                        "%b = transpose(%a, %nchw)\n"
                        "%c = add(%bias, %b)\n"
                        "%y = relu(%c)\n"
                        "output %y\n",
                   HEAD "const %bias_1 : f32[1, 1, 1, 2] = {1, -2}\n"
                        "%a = conv2d(%x, %w)\n"
                        "%c = add(%bias_1, %a)\n"
                        "const %\"y/layout/perm\" : s32[4] = {0, 3, 1, 2}\n"
                        "%\"y/layout\" = relu(%c) name \"y\"\n"
                        "%y = transpose(%\"y/layout\", %\"y/layout/perm\") name \"y/layout\"\n"
                        "output %y\n",
                   EXACT);
}

static void test_an_input_is_transposed_once_and_what_prepares_it_is_nhwc(void **state) {
    (void)state;
    expect_rewrite("sink_transposes",
                   "symbol h [1, 9]\n"
                   "input %x : f32[1, 2, h, 4]\n" PERMS WEIGHTS "const %half : f32[] = {0.5}\n"
                   "%a = mul(%x, %half)\n"
                   "%b = sub(%a, %half)\n"
                   "%c = transpose(%b, %nhwc)\n"
                   "%y = conv2d(%c, %w)\n"
                   "output %y\n",
                   "symbol h [1, 9]\n"
                   "input %x : f32[1, 2, h, 4]\n" PERMS WEIGHTS "const %half : f32[] = {0.5}\n"
                   "const %\"x/layout/perm\" : s32[4] = {0, 2, 3, 1}\n"
                   "%\"x/layout\" = transpose(%x, %\"x/layout/perm\")\n"
                   "%a = mul(%\"x/layout\", %half)\n"
                   "%b = sub(%a, %half)\n"
                   "%y = conv2d(%b, %w)\n"
                   "output %y\n",
                   EXACT);
}

/* The value after the first addition has two readers, of which only both together can do without the transpose. */
static void test_residual_blocks_become_nhwc_as_a_whole(void **state) {
    (void)state;
    expect_rewrite("sink_transposes",
                   HEAD "const %scale : f32[2, 1, 1] = {2, 3}\n"
                        "%a = conv2d(%x, %w)\n"
                        "%b = transpose(%a, %nchw)\n"
                        "%c = mul(%b, %scale)\n"
                        "%d = relu(%c)\n"
                        "%e = transpose(%d, %nhwc)\n"
                        "%f = conv2d(%e, %v)\n"
                        "%g = transpose(%f, %nchw)\n"
                        "%i = add(%b, %g)\n"
                        "%j = mul(%i, %scale)\n"
                        "%k = transpose(%j, %nhwc)\n"
                        "%y = conv2d(%k, %w)\n"
                        "output %y\n",
                   HEAD "const %scale_1 : f32[2] = {2, 3}\n"
                        "%a = conv2d(%x, %w)\n"
                        "%c = mul(%a, %scale_1)\n"
                        "%d = relu(%c)\n"
                        "%f = conv2d(%d, %v)\n"
                        "%i = add(%a, %f)\n"
                        "%j = mul(%i, %scale_1)\n"
                        "%y = conv2d(%j, %w)\n"
                        "output %y\n",
                   EXACT);
}

static void test_what_names_axes_follows(void **state) {
    (void)state;
    expect_rewrite("sink_transposes",
                   HEAD "const %p : s32[4, 2] = {0, 0, 0, 0, 1, 2, 3, 4}\n"
                        "const %begin : s32[4] = {0, 1, 0, 0}\n"
                        "const %size : s32[4] = {1, 2, 2, 3}\n"
                        "%a = conv2d(%x, %w)\n"
                        "%b = transpose(%a, %nchw)\n"
                        "%c = pad(%b, %p)\n"
                        "%d = concat(%c, %c) {axis=1}\n"
                        "%e = slice(%d, %begin, %size)\n"
                        "%f = softmax(%e) {axis=1}\n"
                        "%g = transpose(%f, %nhwc)\n"
                        "%y = conv2d(%g, %w)\n"
                        "output %y\n",
                   HEAD "const %p_1 : s32[4, 2] = {0, 0, 1, 2, 3, 4, 0, 0}\n"
                        "const %begin_1 : s32[4] = {0, 0, 0, 1}\n"
                        "const %size_1 : s32[4] = {1, 2, 3, 2}\n"
                        "%a = conv2d(%x, %w)\n"
                        "%c = pad(%a, %p_1)\n"
                        "%d = concat(%c, %c) {axis=3}\n"
                        "%e = slice(%d, %begin_1, %size_1)\n"
                        "%f = softmax(%e) {axis=3}\n"
                        "%y = conv2d(%f, %w)\n"
                        "output %y\n",
                   EXACT);
}

static void test_a_mean_over_the_picture_leaves_nothing_to_transpose(void **state) {
    (void)state;
    expect_rewrite("sink_transposes",
                   HEAD "const %axes : s32[2] = {2, -1}\n"
                        "%a = conv2d(%x, %w)\n"
                        "%b = transpose(%a, %nchw)\n"
                        "%y = reduce_mean(%b, %axes)\n"
                        "output %y\n",
                   HEAD "const %axes_1 : s32[2] = {1, 2}\n"
                        "%a = conv2d(%x, %w)\n"
                        "%y = reduce_mean(%a, %axes_1)\n"
                        "output %y\n",
                   REASSOCIATED);
}

static void test_labels_over_the_channels_leave_nothing_to_transpose(void **state) {
    (void)state;
    expect_rewrite("sink_transposes",
                   HEAD "%a = conv2d(%x, %w)\n"
                        "%b = transpose(%a, %nchw)\n"
                        "%y = argmax(%b) {axis=1}\n"
                        "output %y\n",
                   HEAD "%a = conv2d(%x, %w)\n"
                        "%y = argmax(%a) {axis=3}\n"
                        "output %y\n",
                   EXACT);
}

static void test_what_is_squeezed_keeps_a_shorter_order(void **state) {
    (void)state;
    expect_rewrite("sink_transposes",
                   HEAD "%a = conv2d(%x, %w)\n"
                        "%b = transpose(%a, %nchw)\n"
                        "%c = squeeze(%b) {axes=[0]}\n"
                        "%y = relu(%c)\n"
                        "output %y\n",
                   HEAD "%a = conv2d(%x, %w)\n"
                        "%c = squeeze(%a) {axes=[0]}\n"
                        "%\"y/layout\" = relu(%c) name \"y\"\n"
                        "const %\"y/layout/perm\" : s32[3] = {2, 0, 1}\n"
                        "%y = transpose(%\"y/layout\", %\"y/layout/perm\") name \"y/layout\"\n"
                        "output %y\n",
                   EXACT);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_transposes_that_undo_each_other_go),
        cmocka_unit_test(test_transposes_in_a_row_become_one),
        cmocka_unit_test(test_equal_transposes_become_one),
        cmocka_unit_test(test_bias_and_activation_between_convolutions_become_nhwc),
        cmocka_unit_test(test_an_output_keeps_its_layout_and_name),
        cmocka_unit_test(test_an_input_is_transposed_once_and_what_prepares_it_is_nhwc),
        cmocka_unit_test(test_residual_blocks_become_nhwc_as_a_whole),
        cmocka_unit_test(test_what_names_axes_follows),
        cmocka_unit_test(test_a_mean_over_the_picture_leaves_nothing_to_transpose),
        cmocka_unit_test(test_labels_over_the_channels_leave_nothing_to_transpose),
        cmocka_unit_test(test_what_is_squeezed_keeps_a_shorter_order),
    };
    return cmocka_run_group_tests_name("pass/sink_transposes", tests, NULL, NULL);
}
