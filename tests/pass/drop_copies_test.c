/* drop_copies: nodes that copy their input at every shape in range go. */
#include "pass_case.h"

static void test_resizes_to_the_same_size_go(void **state) {
    (void)state;
    expect_rewrite("drop_copies",
                   "symbol h [1, 9]\n"
                   "symbol w [1, 9]\n"
                   "input %x : f32[1, h, w, 3]\n"
                   "const %one : s32[1] = {1}\n"
                   "const %three : s32[1] = {3}\n"
                   "%s = shape(%x)\n"
                   "%size = strided_slice(%s, %one, %three, %one)\n"
                   "%a = resize_bilinear(%x, %size) {align_corners=true}\n"
                   "%b = resize_nearest(%a, %size) {half_pixel_centers=true}\n"
                   "%c = resize_bilinear(%b, %size)\n"
                   "%y = relu(%c)\n"
                   "output %y\n",
                   "symbol h [1, 9]\n"
                   "symbol w [1, 9]\n"
                   "input %x : f32[1, h, w, 3]\n"
                   "%y = relu(%x)\n"
                   "output %y\n",
                   EXACT);
}

static void test_a_resize_to_another_size_stays(void **state) {
    (void)state;
    expect_unchanged("drop_copies", "symbol h [1, 9]\n"
                                    "input %x : f32[1, h, 4, 3]\n"
                                    "const %size : s32[2] = {4, 4}\n"
                                    "%a = resize_bilinear(%x, %size)\n"
                                    "%y = relu(%a)\n"
                                    "output %y\n");
}

static void test_a_resize_that_changes_the_type_stays(void **state) {
    (void)state;
    expect_unchanged("drop_copies", "input %x : u8[1, 4, 4, 3]\n"
                                    "const %size : s32[2] = {4, 4}\n"
                                    "%a = resize_bilinear(%x, %size)\n"
                                    "output %a\n");
}

static void test_a_slice_of_the_whole_goes(void **state) {
    (void)state;
    expect_rewrite("drop_copies",
                   "symbol h [1, 9]\n"
                   "input %x : f32[h, 4]\n"
                   "const %begin : s32[2] = {0, 0}\n"
                   "const %size : s32[2] = {-1, -1}\n"
                   "%a = slice(%x, %begin, %size)\n"
                   "%y = relu(%a)\n"
                   "output %y\n",
                   "symbol h [1, 9]\n"
                   "input %x : f32[h, 4]\n"
                   "%y = relu(%x)\n"
                   "output %y\n",
                   EXACT);
}

static void test_a_slice_of_a_part_stays(void **state) {
    (void)state;
    expect_unchanged("drop_copies", "symbol h [3, 9]\n"
                                    "input %x : f32[h, 4]\n"
                                    "const %begin : s32[2] = {1, 0}\n"
                                    "const %size : s32[2] = {2, 4}\n"
                                    "%y = slice(%x, %begin, %size)\n"
                                    "output %y\n");
}

static void test_a_padding_by_nothing_goes(void **state) {
    (void)state;
    expect_rewrite("drop_copies",
                   "input %x : f32[2, 3]\n"
                   "const %p : s32[2, 2] = {0, 0, 0, 0}\n"
                   "%a = pad(%x, %p)\n"
                   "%b = pad(%a, %p) {mode=reflect}\n"
                   "%y = relu(%b)\n"
                   "output %y\n",
                   "input %x : f32[2, 3]\n"
                   "%y = relu(%x)\n"
                   "output %y\n",
                   EXACT);
}

static void test_a_padding_that_is_nothing_at_every_size_in_range_goes(void **state) {
    (void)state;
    expect_rewrite("drop_copies",
                   "symbol h [1, 9]\n"
                   "input %x : f32[h, 3]\n"
                   "const %zero : s32[1] = {0}\n"
                   "const %one : s32[1] = {1}\n"
                   "const %nine : s32[1] = {9}\n"
                   "const %none : s32[1, 1] = {0}\n"
                   "const %edges : s32[2, 1] = {0, 0}\n"
                   "%s = shape(%x)\n"
                   "%size = strided_slice(%s, %zero, %one, %one)\n"
                   "%high = maximum(%size, %nine)\n"
                   "%gap = sub(%nine, %high)\n"
                   "%row = stack(%zero, %gap) {axis=1}\n"
                   "%two = concat(%row, %row) {axis=0}\n"
                   "%a = pad(%x, %two)\n"
                   "%y = relu(%a)\n"
                   "output %y\n",
                   "symbol h [1, 9]\n"
                   "input %x : f32[h, 3]\n"
                   "%y = relu(%x)\n"
                   "output %y\n",
                   EXACT);
}

static void test_a_padding_by_something_stays(void **state) {
    (void)state;
    expect_unchanged("drop_copies", "input %x : f32[2, 3]\n"
                                    "const %p : s32[2, 2] = {0, 0, 0, 1}\n"
                                    "%y = pad(%x, %p)\n"
                                    "output %y\n");
}

static void test_a_padding_by_data_stays(void **state) {
    (void)state;
    expect_unchanged("drop_copies", "input %x : f32[2, 3]\n"
                                    "input %p : s32[2, 2]\n"
                                    "%y = pad(%x, %p) {mode=symmetric}\n"
                                    "output %y\n");
}

static void test_a_concatenation_of_one_and_a_tile_of_once_go(void **state) {
    (void)state;
    expect_rewrite("drop_copies",
                   "symbol h [1, 9]\n"
                   "input %x : f32[h, 3]\n"
                   "const %once : s32[2] = {1, 1}\n"
                   "%a = concat(%x) {axis=1}\n"
                   "%b = tile(%a, %once)\n"
                   "%y = relu(%b)\n"
                   "output %y\n",
                   "symbol h [1, 9]\n"
                   "input %x : f32[h, 3]\n"
                   "%y = relu(%x)\n"
                   "output %y\n",
                   EXACT);
}

static void test_a_concatenation_of_two_and_a_tile_of_twice_stay(void **state) {
    (void)state;
    expect_unchanged("drop_copies", "symbol h [1, 9]\n"
                                    "input %x : f32[h, 3]\n"
                                    "const %twice : s32[2] = {2, 1}\n"
                                    "%a = concat(%x, %x) {axis=1}\n"
                                    "%y = tile(%a, %twice)\n"
                                    "output %y\n");
}

static void test_an_output_keeps_its_name(void **state) {
    (void)state;
    expect_rewrite("drop_copies",
                   "input %x : f32[2, 3]\n"
                   "const %p : s32[2, 2] = {0, 0, 0, 0}\n"
                   "%a = relu(%x)\n"
                   "%y = pad(%a, %p)\n"
                   "output %y\n",
                   "input %x : f32[2, 3]\n"
                   "%y = relu(%x) name \"a\"\n"
                   "output %y\n",
                   EXACT);
}

static void test_a_copy_of_an_input_that_is_an_output_stays(void **state) {
    (void)state;
    expect_unchanged("drop_copies", "input %x : f32[2, 3]\n"
                                    "const %p : s32[2, 2] = {0, 0, 0, 0}\n"
                                    "%y = pad(%x, %p)\n"
                                    "output %y\n");
}

static void test_a_copy_of_an_output_that_is_an_output_stays(void **state) {
    (void)state;
    expect_unchanged("drop_copies", "input %x : f32[2, 3]\n"
                                    "const %p : s32[2, 2] = {0, 0, 0, 0}\n"
                                    "%a = relu(%x)\n"
                                    "%y = pad(%a, %p)\n"
                                    "output %a\n"
                                    "output %y\n");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_resizes_to_the_same_size_go),
        cmocka_unit_test(test_a_resize_to_another_size_stays),
        cmocka_unit_test(test_a_resize_that_changes_the_type_stays),
        cmocka_unit_test(test_a_slice_of_the_whole_goes),
        cmocka_unit_test(test_a_slice_of_a_part_stays),
        cmocka_unit_test(test_a_padding_by_nothing_goes),
        cmocka_unit_test(test_a_padding_that_is_nothing_at_every_size_in_range_goes),
        cmocka_unit_test(test_a_padding_by_something_stays),
        cmocka_unit_test(test_a_padding_by_data_stays),
        cmocka_unit_test(test_a_concatenation_of_one_and_a_tile_of_once_go),
        cmocka_unit_test(test_a_concatenation_of_two_and_a_tile_of_twice_stay),
        cmocka_unit_test(test_an_output_keeps_its_name),
        cmocka_unit_test(test_a_copy_of_an_input_that_is_an_output_stays),
        cmocka_unit_test(test_a_copy_of_an_output_that_is_an_output_stays),
    };
    return cmocka_run_group_tests_name("pass/drop_copies", tests, NULL, NULL);
}
