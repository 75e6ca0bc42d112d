/* drop_asserts: assertions that shapes decide need no step. */
#include "pass_case.h"

static void test_an_assertion_on_true_constants_goes(void **state) {
    (void)state;
    expect_rewrite("drop_asserts",
                   "input %x : f32[2]\n"
                   "const %c : bool[2] = {1, 1}\n"
                   "assert(%c) {message=\"never\"}\n"
                   "%y = relu(%x)\n"
                   "output %y\n",
                   "input %x : f32[2]\n"
                   "%y = relu(%x)\n"
                   "output %y\n",
                   EXACT);
}

static void test_an_assertion_on_data_stays(void **state) {
    (void)state;
    expect_unchanged("drop_asserts", "input %x : f32[2]\n"
                                     "input %c : bool[]\n"
                                     "assert(%c) {message=\"the flag is off\"}\n"
                                     "%y = relu(%x)\n"
                                     "output %y\n");
}

static void test_an_assertion_that_became_a_check_goes_and_the_check_stays(void **state) {
    (void)state;
    expect_rewrite("drop_asserts",
                   "symbol h [1, 20]\n"
                   "symbol w [1, 20]\n"
                   "input %x : f32[h, w]\n"
                   "const %zero : s32[1] = {0}\n"
                   "const %one : s32[1] = {1}\n"
                   "const %two : s32[1] = {2}\n"
                   "%s = shape(%x)\n"
                   "%h = strided_slice(%s, %zero, %one, %one)\n"
                   "%w = strided_slice(%s, %one, %two, %one)\n"
                   "%fits = less_equal(%h, %w)\n"
                   "assert(%fits) {message=\"too high\"} name \"guard\"\n"
                   "%y = relu(%x)\n"
                   "output %y\n",
                   "symbol h [1, 20]\n"
                   "symbol w [1, 20]\n"
                   "input %x : f32[h, w]\n"
                   "%y = relu(%x)\n"
                   "check [-1 * ge(h + -1 * w + -1, 0)] \"node 'guard' (assert): too high\"\n"
                   "output %y\n",
                   EXACT);
}

static void test_an_assertion_on_false_for_a_constant_stays_and_fails_when_run(void **state) {
    (void)state;
    expect_unchanged("drop_asserts", "symbol n [1, 2]\n"
                                     "input %x : f32[n]\n"
                                     "input %t : f32[]\n"
                                     "const %c : f32[] = {2}\n"
                                     "%big = less(%t, %c)\n"
                                     "assert(%big) {message=\"t is too large\"}\n"
                                     "%y = relu(%x)\n"
                                     "output %y\n");
}

static void test_an_assertion_that_narrows_a_size_goes_and_the_bound_stays(void **state) {
    (void)state;
    expect_rewrite("drop_asserts",
                   "symbol h [1, 20]\n"
                   "input %x : f32[h]\n"
                   "const %zero : s32[] = {0}\n"
                   "const %most : s32[] = {7}\n"
                   "%s = shape(%x)\n"
                   "%h = gather(%s, %zero)\n"
                   "%fits = less_equal(%h, %most)\n"
                   "assert(%fits) {message=\"too long\"} name \"guard\"\n"
                   "%y = relu(%x)\n"
                   "output %y\n",
                   "symbol h [1, 7] \"node 'guard' (assert): too long\"\n"
                   "input %x : f32[h]\n"
                   "%y = relu(%x)\n"
                   "output %y\n",
                   EXACT);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_assertion_on_true_constants_goes),
        cmocka_unit_test(test_an_assertion_on_data_stays),
        cmocka_unit_test(test_an_assertion_that_became_a_check_goes_and_the_check_stays),
        cmocka_unit_test(test_an_assertion_on_false_for_a_constant_stays_and_fails_when_run),
        cmocka_unit_test(test_an_assertion_that_narrows_a_size_goes_and_the_bound_stays),
    };
    return cmocka_run_group_tests_name("pass/drop_asserts", tests, NULL, NULL);
}
