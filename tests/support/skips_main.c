/* skips_main GROUP - cases that skip, pass and fail, for skips.sh. */
#include "support/skips.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static int group_mark = 1, case_mark = 2;

static void nothing_is_there(void **state) {
    (void)state;
    need_path("/nonexistent/file");
    fail();
}

static void a_reason_is_given(void **state) {
    (void)state;
    skip_because("reason %d", 7);
}

static void no_reason_is_given(void **state) {
    (void)state;
    skip();
}

static void it_passes(void **state) { (void)state; }

static void it_fails(void **state) {
    (void)state;
    fail();
}

static int set_up_case(void **state) {
    if (!*state) *state = &case_mark;
    return 0;
}

static int set_up_group(void **state) {
    *state = &group_mark;
    return 0;
}

static int tear_down_group(void **state) { return *state != &group_mark; }

static void the_state_is_the_cases(void **state) { assert_ptr_equal(*state, &case_mark); }

static void the_state_is_the_groups(void **state) { assert_ptr_equal(*state, &group_mark); }

int main(int argc, char **argv) {
    const struct CMUnitTest all[] = {cmocka_unit_test(nothing_is_there), cmocka_unit_test(a_reason_is_given),
                                     cmocka_unit_test(no_reason_is_given)};
    const struct CMUnitTest some[] = {cmocka_unit_test(a_reason_is_given), cmocka_unit_test(it_passes)};
    const struct CMUnitTest failing[] = {cmocka_unit_test(a_reason_is_given), cmocka_unit_test(it_fails)};
    const struct CMUnitTest states[] = {cmocka_unit_test_setup(the_state_is_the_cases, set_up_case),
                                        cmocka_unit_test_prestate(the_state_is_the_cases, &case_mark)};
    const struct CMUnitTest group_states[] = {cmocka_unit_test_setup(the_state_is_the_groups, set_up_case)};
    const char *group = argc > 1 ? argv[1] : "";
    if (!strcmp(group, "all")) return cmocka_run_group_tests(all, NULL, NULL);
    if (!strcmp(group, "some")) return cmocka_run_group_tests(some, NULL, NULL);
    if (!strcmp(group, "failing")) return cmocka_run_group_tests(failing, NULL, NULL);
    if (!strcmp(group, "states")) return cmocka_run_group_tests(states, NULL, NULL);
    if (!strcmp(group, "group_states")) return cmocka_run_group_tests(group_states, set_up_group, tear_down_group);
    if (!strcmp(group, "path")) return puts(shared_path("a/%s", "b")) < 0;
    return 2;
}
