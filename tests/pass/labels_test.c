/* retype_argmax and fuse_resize_argmax: labels are written once, in the type that is wanted. */
#include "pass_case.h"

static void test_a_cast_goes_into_the_argmax(void **state) {
    (void)state;
    expect_rewrite("retype_argmax",
                   "symbol h [1, 5]\n"
                   "input %x : f32[1, h, 4, 21]\n"
                   "%a = argmax(%x) {axis=3, dtype=s64}\n"
                   "%y = cast(%a) {dtype=u8}\n"
                   "output %y\n",
                   "symbol h [1, 5]\n"
                   "input %x : f32[1, h, 4, 21]\n"
                   "%y = argmax(%x) {axis=3, dtype=u8}\n"
                   "output %y\n",
                   EXACT);
}

static void test_casts_one_after_the_other_go(void **state) {
    (void)state;
    expect_rewrite("retype_argmax",
                   "input %x : f32[3, 21]\n"
                   "%a = argmax(%x) {axis=1, dtype=s64}\n"
                   "%b = cast(%a) {dtype=f32}\n"
                   "%y = cast(%b) {dtype=s32}\n"
                   "output %y\n",
                   "input %x : f32[3, 21]\n"
                   "%y = argmax(%x) {axis=1, dtype=s32}\n"
                   "output %y\n",
                   EXACT);
}

static void test_a_cast_goes_into_whatever_makes_labels(void **state) {
    (void)state;
    expect_rewrite("retype_argmax",
                   "input %x : f32[3, 21]\n"
                   "%a = argmin(%x) {axis=1, dtype=s64}\n"
                   "%y = cast(%a) {dtype=u8}\n"
                   "output %y\n",
                   "input %x : f32[3, 21]\n"
                   "%y = argmin(%x) {axis=1, dtype=u8}\n"
                   "output %y\n",
                   EXACT);
    expect_rewrite("retype_argmax",
                   "input %x : f32[1, 3, 4, 21]\n"
                   "const %size : s32[2] = {6, 8}\n"
                   "%a = resize_argmax(%x, %size) {dtype=s64}\n"
                   "%y = cast(%a) {dtype=u8}\n"
                   "output %y\n",
                   "input %x : f32[1, 3, 4, 21]\n"
                   "const %size : s32[2] = {6, 8}\n"
                   "%y = resize_argmax(%x, %size) {dtype=u8}\n"
                   "output %y\n",
                   EXACT);
}

static void test_a_cast_passes_what_only_moves_labels(void **state) {
    (void)state;
    expect_rewrite("retype_argmax",
                   "symbol h [6, 9]\n"
                   "input %x : f32[2, h, 6, 21]\n"
                   "const %size : s32[2] = {12, 12}\n"
                   "const %at : s32[3] = {0, 1, 0}\n"
                   "const %part : s32[3] = {1, 5, 6}\n"
                   "%a = argmax(%x) {axis=3, dtype=s64}\n"
                   "%s = slice(%a, %at, %part)\n"
                   "%e = expand_dims(%s) {axes=[3]}\n"
                   "%r = resize_nearest(%e, %size)\n"
                   "%q = squeeze(%r) {axes=[3]}\n"
                   "%y = cast(%q) {dtype=u8}\n"
                   "output %y\n",
                   "symbol h [6, 9]\n"
                   "input %x : f32[2, h, 6, 21]\n"
                   "const %size : s32[2] = {12, 12}\n"
                   "const %at : s32[3] = {0, 1, 0}\n"
                   "const %part : s32[3] = {1, 5, 6}\n"
                   "%a_4 = argmax(%x) {axis=3, dtype=u8}\n"
                   "%a_3 = slice(%a_4, %at, %part)\n"
                   "%a_2 = expand_dims(%a_3) {axes=[3]}\n"
                   "%a_1 = resize_nearest(%a_2, %size)\n"
                   "%y = squeeze(%a_1) {axes=[3]}\n"
                   "output %y\n",
                   EXACT);
}

static void test_a_type_too_small_for_the_labels_stays(void **state) {
    (void)state;
    expect_unchanged("retype_argmax", "input %x : f32[2, 257]\n"
                                      "%a = argmax(%x) {axis=1, dtype=s64}\n"
                                      "%y = cast(%a) {dtype=u8}\n"
                                      "output %y\n");
}

static void test_a_type_that_just_holds_the_labels_is_enough(void **state) {
    (void)state;
    expect_rewrite("retype_argmax",
                   "input %x : f32[2, 256]\n"
                   "%a = argmax(%x) {axis=1, dtype=s64}\n"
                   "%y = cast(%a) {dtype=u8}\n"
                   "output %y\n",
                   "input %x : f32[2, 256]\n"
                   "%y = argmax(%x) {axis=1, dtype=u8}\n"
                   "output %y\n",
                   EXACT);
}

static void test_a_first_type_that_wraps_labels_stays(void **state) {
    (void)state;
    expect_unchanged("retype_argmax", "input %x : f32[2, 300]\n"
                                      "%a = argmax(%x) {axis=1, dtype=u8}\n"
                                      "%y = cast(%a) {dtype=s32}\n"
                                      "output %y\n");
}

static void test_labels_without_a_bound_stay(void **state) {
    (void)state;
    expect_unchanged("retype_argmax", "symbol c [1, *]\n"
                                      "input %x : f32[2, c]\n"
                                      "%a = argmax(%x) {axis=1, dtype=s64}\n"
                                      "%y = cast(%a) {dtype=u8}\n"
                                      "output %y\n");
}

static void test_types_that_no_argmax_writes_stay(void **state) {
    (void)state;
    expect_unchanged("retype_argmax", "input %x : f32[2, 5]\n"
                                      "%a = argmax(%x) {axis=1, dtype=s64}\n"
                                      "%y = cast(%a) {dtype=s8}\n"
                                      "%b = argmax(%x) {axis=0, dtype=s64}\n"
                                      "%z = cast(%b) {dtype=bool}\n"
                                      "output %y\n"
                                      "output %z\n");
}

static void test_labels_that_others_look_at_stay(void **state) {
    (void)state;
    expect_unchanged("retype_argmax", "input %x : f32[2, 5]\n"
                                      "%a = argmax(%x) {axis=1, dtype=s64}\n"
                                      "%y = cast(%a) {dtype=u8}\n"
                                      "%n = neg(%a)\n"
                                      "%b = argmax(%x) {axis=0, dtype=s64}\n"
                                      "%z = cast(%b) {dtype=u8}\n"
                                      "output %y\n"
                                      "output %n\n"
                                      "output %z\n"
                                      "output %b\n");
}

static void test_movers_that_others_look_at_stay(void **state) {
    (void)state;
    expect_unchanged("retype_argmax", "input %x : f32[2, 5]\n"
                                      "const %to : s32[2] = {1, -1}\n"
                                      "%a = argmax(%x) {axis=1, dtype=s64}\n"
                                      "%r = reshape(%a, %to)\n"
                                      "%y = cast(%r) {dtype=u8}\n"
                                      "output %y\n"
                                      "output %r\n");
}

static void test_a_padding_or_choice_on_the_way_brings_other_values(void **state) {
    (void)state;
    expect_unchanged("retype_argmax", "input %x : f32[2, 5]\n"
                                      "input %c : bool[2]\n"
                                      "const %p : s32[1, 2] = {1, 1}\n"
                                      "const %v : s64[] = {255}\n"
                                      "const %zeros : s64[2] = {0, 0}\n"
                                      "%a = argmax(%x) {axis=1, dtype=s64}\n"
                                      "%r = pad(%a, %p, %v)\n"
                                      "%y = cast(%r) {dtype=u8}\n"
                                      "%b = argmax(%x) {axis=1, dtype=s64}\n"
                                      "%s = select(%c, %b, %zeros)\n"
                                      "%z = cast(%s) {dtype=u8}\n"
                                      "output %y\n"
                                      "output %z\n");
}

static void test_arithmetic_on_the_way_stays(void **state) {
    (void)state;
    expect_unchanged("retype_argmax", "input %x : f32[2, 5]\n"
                                      "%a = argmax(%x) {axis=1, dtype=s32}\n"
                                      "%n = neg(%a)\n"
                                      "%y = cast(%n) {dtype=f32}\n"
                                      "output %y\n");
}

static void test_a_resize_goes_into_the_argmax(void **state) {
    (void)state;
    expect_rewrite("fuse_resize_argmax",
                   "symbol h [1, 5]\n"
                   "input %x : f32[1, h, 4, 5]\n"
                   "const %size : s32[2] = {9, 7}\n"
                   "%r = resize_bilinear(%x, %size) {align_corners=true}\n"
                   "%y = argmax(%r) {axis=3, dtype=s32}\n"
                   "output %y\n",
                   "symbol h [1, 5]\n"
                   "input %x : f32[1, h, 4, 5]\n"
                   "const %size : s32[2] = {9, 7}\n"
                   "%y = resize_argmax(%x, %size) {align_corners=true, dtype=s32}\n"
                   "output %y\n",
                   EXACT);
}

static void test_half_pixel_centers_and_free_sizes_go_along(void **state) {
    (void)state;
    expect_rewrite("fuse_resize_argmax",
                   "symbol h [1, 12]\n"
                   "symbol w [1, 12]\n"
                   "input %x : f32[1, 4, 4, 5]\n"
                   "input %like : u8[h, w]\n"
                   "%size = shape(%like)\n"
                   "%r = resize_bilinear(%x, %size) {half_pixel_centers=true}\n"
                   "%y = argmax(%r) {axis=3, dtype=u8}\n"
                   "output %y\n",
                   "symbol h [1, 12]\n"
                   "symbol w [1, 12]\n"
                   "input %x : f32[1, 4, 4, 5]\n"
                   "input %like : u8[h, w]\n"
                   "%size = shape(%like)\n"
                   "%y = resize_argmax(%x, %size) {half_pixel_centers=true, dtype=u8}\n"
                   "output %y\n",
                   EXACT);
}

static void test_an_argmax_over_another_axis_stays(void **state) {
    (void)state;
    expect_unchanged("fuse_resize_argmax", "input %x : f32[1, 4, 4, 5]\n"
                                           "const %size : s32[2] = {9, 7}\n"
                                           "%r = resize_bilinear(%x, %size)\n"
                                           "%y = argmax(%r) {axis=1, dtype=s32}\n"
                                           "output %y\n");
}

static void test_a_resize_that_others_look_at_stays(void **state) {
    (void)state;
    expect_unchanged("fuse_resize_argmax", "input %x : f32[1, 4, 4, 5]\n"
                                           "const %size : s32[2] = {9, 7}\n"
                                           "%r = resize_bilinear(%x, %size)\n"
                                           "%y = argmax(%r) {axis=3, dtype=s32}\n"
                                           "%n = neg(%r)\n"
                                           "%s = resize_bilinear(%x, %size) {align_corners=true}\n"
                                           "%z = argmax(%s) {axis=3, dtype=s32}\n"
                                           "output %y\n"
                                           "output %n\n"
                                           "output %z\n"
                                           "output %s\n");
}

static void test_nearest_resizes_and_argmin_stay(void **state) {
    (void)state;
    expect_unchanged("fuse_resize_argmax", "input %x : f32[1, 4, 4, 5]\n"
                                           "const %size : s32[2] = {9, 7}\n"
                                           "%r = resize_nearest(%x, %size)\n"
                                           "%y = argmax(%r) {axis=3, dtype=s32}\n"
                                           "%s = resize_bilinear(%x, %size)\n"
                                           "%z = argmin(%s) {axis=3, dtype=s32}\n"
                                           "output %y\n"
                                           "output %z\n");
}

static void test_bytes_and_too_small_labels_stay(void **state) {
    (void)state;
    expect_unchanged("fuse_resize_argmax", "input %x : u8[1, 2, 2, 5]\n"
                                           "input %c : f32[1, 1, 1, 300]\n"
                                           "const %size : s32[2] = {3, 3}\n"
                                           "%r = resize_bilinear(%x, %size)\n"
                                           "%y = argmax(%r) {axis=3, dtype=s32}\n"
                                           "%s = resize_bilinear(%c, %size)\n"
                                           "%z = argmax(%s) {axis=3, dtype=u8}\n"
                                           "output %y\n"
                                           "output %z\n");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_cast_goes_into_the_argmax),
        cmocka_unit_test(test_casts_one_after_the_other_go),
        cmocka_unit_test(test_a_cast_goes_into_whatever_makes_labels),
        cmocka_unit_test(test_a_cast_passes_what_only_moves_labels),
        cmocka_unit_test(test_a_type_too_small_for_the_labels_stays),
        cmocka_unit_test(test_a_type_that_just_holds_the_labels_is_enough),
        cmocka_unit_test(test_a_first_type_that_wraps_labels_stays),
        cmocka_unit_test(test_labels_without_a_bound_stay),
        cmocka_unit_test(test_types_that_no_argmax_writes_stay),
        cmocka_unit_test(test_labels_that_others_look_at_stay),
        cmocka_unit_test(test_movers_that_others_look_at_stay),
        cmocka_unit_test(test_a_padding_or_choice_on_the_way_brings_other_values),
        cmocka_unit_test(test_arithmetic_on_the_way_stays),
        cmocka_unit_test(test_a_resize_goes_into_the_argmax),
        cmocka_unit_test(test_half_pixel_centers_and_free_sizes_go_along),
        cmocka_unit_test(test_an_argmax_over_another_axis_stays),
        cmocka_unit_test(test_a_resize_that_others_look_at_stays),
        cmocka_unit_test(test_nearest_resizes_and_argmin_stay),
        cmocka_unit_test(test_bytes_and_too_small_labels_stay),
    };
    return cmocka_run_group_tests_name("pass/labels", tests, NULL, NULL);
}
