/* sink_transposes: what is wrapped in transposes computes in the layout of what is around it. */
#include "pass_case.h"

#include <stdio.h>

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

/* The subtraction is next to the convolution; the product follows, so that the one transpose is at the input. */
static void test_a_transpose_between_what_can_flip_goes_to_the_end(void **state) {
    (void)state;
    expect_rewrite("sink_transposes",
                   "symbol h [1, 9]\n"
                   "input %x : f32[1, 2, h, 4]\n" PERMS WEIGHTS "const %half : f32[] = {0.5}\n"
                   "%a = mul(%x, %half)\n"
                   "%b = transpose(%a, %nhwc)\n"
                   "%c = sub(%b, %half)\n"
                   "%y = conv2d(%c, %w)\n"
                   "output %y\n",
                   "symbol h [1, 9]\n"
                   "input %x : f32[1, 2, h, 4]\n" PERMS WEIGHTS "const %half : f32[] = {0.5}\n"
                   "const %\"x/layout/perm\" : s32[4] = {0, 2, 3, 1}\n"
                   "%\"x/layout\" = transpose(%x, %\"x/layout/perm\")\n"
                   "%a = mul(%\"x/layout\", %half)\n"
                   "%c = sub(%a, %half)\n"
                   "%y = conv2d(%c, %w)\n"
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

static void test_a_flattened_picture_is_weighed_in_its_own_order(void **state) {
    (void)state;
    for (int is_turned = 0; is_turned < 2; is_turned++) {
        char before[1024], after[1024];
        const char *dims = is_turned ? "2, 12" : "12, 2", *attrs = is_turned ? " {transpose_b=true}" : "";
        const char *was = is_turned
                              ? "0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31"
                              : "0, 20, 1, 21, 2, 22, 3, 23, 4, 24, 5, 25, 6, 26, 7, 27, 8, 28, 9, 29, 10, 30, 11, 31";
        const char *is = is_turned
                             ? "0, 6, 1, 7, 2, 8, 3, 9, 4, 10, 5, 11, 20, 26, 21, 27, 22, 28, 23, 29, 24, 30, 25, 31"
                             : "0, 20, 6, 26, 1, 21, 7, 27, 2, 22, 8, 28, 3, 23, 9, 29, 4, 24, 10, 30, 5, 25, 11, 31";
        static const char head[] = "symbol n [1, 3]\ninput %x : f32[n, 3, 2, 2]\n" PERMS WEIGHTS
                                   "const %flat : s32[2] = {-1, 12}\n%a = conv2d(%x, %w)\n";
        snprintf(before, sizeof before,
                 "%sconst %%m : f32[%s] = {%s}\n%%b = transpose(%%a, %%nchw)\n%%c = reshape(%%b, %%flat)\n"
                 "%%y = matmul(%%c, %%m)%s\noutput %%y\n",
                 head, dims, was, attrs);
        snprintf(after, sizeof after,
                 "%sconst %%m_1 : f32[%s] = {%s}\n%%c = reshape(%%a, %%flat)\n%%y = matmul(%%c, %%m_1)%s\noutput %%y\n",
                 head, dims, is, attrs);
        expect_rewrite("sink_transposes", before, after, REASSOCIATED);
    }
}

static void test_a_vector_that_is_not_constant_is_reshaped(void **state) {
    (void)state;
    expect_rewrite("sink_transposes",
                   HEAD "input %z : f32[4]\n"
                        "%a = conv2d(%x, %w)\n"
                        "%b = transpose(%a, %nchw)\n"
                        "%c = mul(%b, %z)\n"
                        "%d = transpose(%c, %nhwc)\n"
                        "%y = conv2d(%d, %v)\n"
                        "output %y\n",
                   HEAD "input %z : f32[4]\n"
                        "const %\"z/layout/shape\" : s64[4] = {1, 1, 4, 1}\n"
                        "%a = conv2d(%x, %w)\n"
                        "%\"z/layout\" = reshape(%z, %\"z/layout/shape\")\n"
                        "%c = mul(%a, %\"z/layout\")\n"
                        "%y = conv2d(%c, %v)\n"
                        "output %y\n",
                   EXACT);
}

/* Rows may come in any order, as long as they stay rows. */
static void test_a_product_of_rows_keeps_their_order(void **state) {
    (void)state;
    expect_rewrite("sink_transposes",
                   "symbol n [1, 9]\n"
                   "input %x : f32[n, 3, 2]\n"
                   "const %p : s32[3] = {1, 0, 2}\n"
                   "const %w : f32[2, 2] = {1, 2, 3, 4}\n"
                   "const %b : f32[2] = {5, 6}\n"
                   "%a = transpose(%x, %p)\n"
                   "%c = matmul(%a, %w, %b)\n"
                   "%d = relu(%c)\n"
                   "%y = transpose(%d, %p)\n"
                   "output %y\n",
                   "symbol n [1, 9]\n"
                   "input %x : f32[n, 3, 2]\n"
                   "const %w : f32[2, 2] = {1, 2, 3, 4}\n"
                   "const %b : f32[2] = {5, 6}\n"
                   "%c = matmul(%x, %w, %b)\n"
                   "%y = relu(%c) name \"d\"\n"
                   "output %y\n",
                   EXACT);
}

static void test_a_transpose_of_single_elements_is_a_reshape(void **state) {
    (void)state;
    expect_rewrite("sink_transposes",
                   "symbol n [1, 3]\n"
                   "input %x : f32[n, 1, 1, 5]\n" PERMS "const %flat : s32[2] = {-1, 5}\n"
                   "%a = transpose(%x, %nchw)\n"
                   "%y = reshape(%a, %flat)\n"
                   "%z = transpose(%x, %nchw)\n"
                   "output %y\n"
                   "output %z\n",
                   "symbol n [1, 3]\n"
                   "input %x : f32[n, 1, 1, 5]\n"
                   "const %flat : s32[2] = {-1, 5}\n"
                   "const %\"a/shape\" : s64[4] = {-1, 5, 1, 1}\n"
                   "%z = reshape(%x, %\"a/shape\") name \"a\"\n"
                   "%y = reshape(%x, %flat)\n"
                   "output %y\n"
                   "output %z\n",
                   EXACT);
}

/* Sizes are asked of the value that is there. */
static void test_shapes_are_asked_in_front_of_the_transpose(void **state) {
    (void)state;
    expect_rewrite("sink_transposes",
                   HEAD "%a = conv2d(%x, %w)\n"
                        "%b = transpose(%a, %nchw)\n"
                        "%s = shape(%b)\n"
                        "%y = relu(%s)\n"
                        "output %y\n",
                   HEAD "%a = conv2d(%x, %w)\n"
                        "%s = shape(%a)\n"
                        "%\"s/layout\" = gather(%s, %nchw) {axis=0}\n"
                        "%y = relu(%\"s/layout\")\n"
                        "output %y\n",
                   EXACT);
}

/* Paddings that are computed: their rows are put into the other order where they are computed. */
static void test_computed_paddings_are_reordered_as_rows(void **state) {
    (void)state;
    expect_rewrite("sink_transposes",
                   HEAD "const %one : s32[4, 2] = {0, 0, 0, 0, 1, 0, 0, 0}\n"
                        "const %l : s32[1] = {1}\n"
                        "const %m : s32[1] = {2}\n"
                        "%s = shape(%x)\n"
                        "%h = strided_slice(%s, %l, %m, %l)\n"
                        "%p = mul(%one, %h)\n"
                        "%a = conv2d(%x, %w)\n"
                        "%b = transpose(%a, %nchw)\n"
                        "%c = pad(%b, %p)\n"
                        "%d = transpose(%c, %nhwc)\n"
                        "%y = conv2d(%d, %v)\n"
                        "output %y\n",
                   HEAD "const %one : s32[4, 2] = {0, 0, 0, 0, 1, 0, 0, 0}\n"
                        "const %l : s32[1] = {1}\n"
                        "const %m : s32[1] = {2}\n"
                        "const %\"p/layout/rows\" : s32[4] = {0, 2, 3, 1}\n"
                        "%s = shape(%x)\n"
                        "%h = strided_slice(%s, %l, %m, %l)\n"
                        "%p = mul(%one, %h)\n"
                        "%a = conv2d(%x, %w)\n"
                        "%\"p/layout\" = gather(%p, %\"p/layout/rows\") {axis=0}\n"
                        "%c = pad(%a, %\"p/layout\")\n"
                        "%y = conv2d(%c, %v)\n"
                        "output %y\n",
                   EXACT);
}

/* ---- What stays ---- */

static void test_networks_in_nhwc_stay(void **state) {
    (void)state;
    expect_unchanged("sink_transposes", HEAD "const %bias : f32[2] = {1, -2}\n"
                                             "%a = conv2d(%x, %w)\n"
                                             "%b = add(%a, %bias)\n"
                                             "%c = relu(%b)\n"
                                             "%y = conv2d(%c, %v)\n"
                                             "output %y\n");
}

static void test_transposes_at_inputs_and_outputs_stay(void **state) {
    (void)state;
    expect_unchanged("sink_transposes", "symbol h [1, 9]\n"
                                        "input %x : f32[1, 2, h, 4]\n" PERMS WEIGHTS "%a = transpose(%x, %nhwc)\n"
                                        "%b = conv2d(%a, %w)\n"
                                        "%y = transpose(%b, %nchw)\n"
                                        "output %y\n");
}

/* Below the readers there would be three. */
static void test_one_transpose_for_many_outputs_stays(void **state) {
    (void)state;
    expect_unchanged("sink_transposes", HEAD "%a = conv2d(%x, %w)\n"
                                             "%b = transpose(%a, %nchw)\n"
                                             "%y = relu(%b)\n"
                                             "%z = exp(%b)\n"
                                             "%u = neg(%b)\n"
                                             "output %y\n"
                                             "output %z\n"
                                             "output %u\n");
}

/* Nothing is gained where the other operand would need a transpose of its own. */
static void test_an_addition_to_something_else_stays(void **state) {
    (void)state;
    expect_unchanged("sink_transposes", "input %x : f32[2, 3, 4]\n"
                                        "input %z : f32[4, 2, 3]\n"
                                        "const %p : s32[3] = {2, 0, 1}\n"
                                        "%a = transpose(%x, %p)\n"
                                        "%b = add(%a, %z)\n"
                                        "%y = relu(%b)\n"
                                        "output %y\n");
}

/* Two axes of an operand that broadcasts would have to change places. */
static void test_an_operand_that_broadcasts_in_another_order_stays(void **state) {
    (void)state;
    expect_unchanged("sink_transposes", HEAD "input %z : f32[2, 1, 4]\n"
                                             "%a = conv2d(%x, %w)\n"
                                             "%b = transpose(%a, %nchw)\n"
                                             "%c = mul(%b, %z)\n"
                                             "%d = transpose(%c, %nhwc)\n"
                                             "%y = conv2d(%d, %v)\n"
                                             "output %y\n");
}

/* What a reshape joins it joins in the order of the source. */
static void test_a_transpose_before_a_reshape_stays(void **state) {
    (void)state;
    expect_unchanged("sink_transposes", HEAD "const %flat : s32[2] = {1, -1}\n"
                                             "%a = conv2d(%x, %w)\n"
                                             "%b = transpose(%a, %nchw)\n"
                                             "%y = reshape(%b, %flat)\n"
                                             "output %y\n");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_transposes_that_undo_each_other_go),
        cmocka_unit_test(test_transposes_in_a_row_become_one),
        cmocka_unit_test(test_equal_transposes_become_one),
        cmocka_unit_test(test_bias_and_activation_between_convolutions_become_nhwc),
        cmocka_unit_test(test_an_output_keeps_its_layout_and_name),
        cmocka_unit_test(test_an_input_is_transposed_once_and_what_prepares_it_is_nhwc),
        cmocka_unit_test(test_a_transpose_between_what_can_flip_goes_to_the_end),
        cmocka_unit_test(test_residual_blocks_become_nhwc_as_a_whole),
        cmocka_unit_test(test_what_names_axes_follows),
        cmocka_unit_test(test_a_mean_over_the_picture_leaves_nothing_to_transpose),
        cmocka_unit_test(test_labels_over_the_channels_leave_nothing_to_transpose),
        cmocka_unit_test(test_what_is_squeezed_keeps_a_shorter_order),
        cmocka_unit_test(test_a_flattened_picture_is_weighed_in_its_own_order),
        cmocka_unit_test(test_a_transpose_of_single_elements_is_a_reshape),
        cmocka_unit_test(test_shapes_are_asked_in_front_of_the_transpose),
        cmocka_unit_test(test_computed_paddings_are_reordered_as_rows),
        cmocka_unit_test(test_networks_in_nhwc_stay),
        cmocka_unit_test(test_transposes_at_inputs_and_outputs_stay),
        cmocka_unit_test(test_one_transpose_for_many_outputs_stays),
        cmocka_unit_test(test_an_addition_to_something_else_stays),
        cmocka_unit_test(test_an_operand_that_broadcasts_in_another_order_stays),
        cmocka_unit_test(test_a_vector_that_is_not_constant_is_reshaped),
        cmocka_unit_test(test_a_product_of_rows_keeps_their_order),
        cmocka_unit_test(test_a_transpose_before_a_reshape_stays),
    };
    return cmocka_run_group_tests_name("pass/sink_transposes", tests, NULL, NULL);
}
