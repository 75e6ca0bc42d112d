/* drop_identities: nodes that only hand their input on go. */
#include "pass_case.h"

static void test_an_identity_goes(void **state) {
    (void)state;
    expect_rewrite("drop_identities",
                   "symbol n [1, 5]\n"
                   "input %x : f32[n]\n"
                   "%a = identity(%x)\n"
                   "%y = relu(%a)\n"
                   "output %y\n",
                   "symbol n [1, 5]\n"
                   "input %x : f32[n]\n"
                   "%y = relu(%x)\n"
                   "output %y\n",
                   EXACT);
}

static void test_a_chain_of_identities_goes_and_the_output_keeps_its_name(void **state) {
    (void)state;
    expect_rewrite("drop_identities",
                   "input %x : f32[3]\n"
                   "%a = relu(%x)\n"
                   "%b = identity(%a)\n"
                   "%y = identity(%b)\n"
                   "output %y\n",
                   "input %x : f32[3]\n"
                   "%y = relu(%x) name \"a\"\n"
                   "output %y\n",
                   EXACT);
}

static void test_an_output_that_names_an_input_keeps_its_identity(void **state) {
    (void)state;
    expect_unchanged("drop_identities", "input %x : f32[3]\n"
                                        "%y = identity(%x)\n"
                                        "output %y\n");
}

static void test_an_output_that_names_a_constant_keeps_its_identity(void **state) {
    (void)state;
    expect_unchanged("drop_identities", "input %x : f32[3]\n"
                                        "const %c : f32[1] = {4}\n"
                                        "%y = identity(%c)\n"
                                        "%z = relu(%x)\n"
                                        "output %y\n"
                                        "output %z\n");
}

static void test_two_outputs_of_one_value_keep_both_names(void **state) {
    (void)state;
    expect_unchanged("drop_identities", "input %x : f32[3]\n"
                                        "%a = relu(%x)\n"
                                        "%y = identity(%a)\n"
                                        "output %a\n"
                                        "output %y\n");
}

static void test_a_cast_to_the_type_it_has_goes(void **state) {
    (void)state;
    expect_rewrite("drop_identities",
                   "input %x : u8[3]\n"
                   "%a = cast(%x) {dtype=u8}\n"
                   "%y = cast(%a) {dtype=f32}\n"
                   "output %y\n",
                   "input %x : u8[3]\n"
                   "%y = cast(%x) {dtype=f32}\n"
                   "output %y\n",
                   EXACT);
}

static void test_a_cast_to_another_type_stays(void **state) {
    (void)state;
    expect_unchanged("drop_identities", "input %x : s32[3]\n"
                                        "%y = cast(%x) {dtype=s64}\n"
                                        "output %y\n");
}

static void test_a_reshape_to_the_same_shape_goes(void **state) {
    (void)state;
    expect_rewrite("drop_identities",
                   "symbol h [1, 9]\n"
                   "input %x : f32[1, h, 4]\n"
                   "%s = shape(%x)\n"
                   "%r = reshape(%x, %s)\n"
                   "%y = relu(%r)\n"
                   "output %y\n",
                   "symbol h [1, 9]\n"
                   "input %x : f32[1, h, 4]\n"
                   "%y = relu(%x)\n"
                   "output %y\n",
                   EXACT);
}

static void test_a_reshape_to_another_shape_stays(void **state) {
    (void)state;
    expect_unchanged("drop_identities", "symbol h [1, 9]\n"
                                        "input %x : f32[1, h, 4]\n"
                                        "const %to : s32[2] = {-1, 4}\n"
                                        "%r = reshape(%x, %to)\n"
                                        "%y = relu(%r)\n"
                                        "output %y\n");
}

static void test_an_identity_in_the_middle_leaves_all_its_users_to_its_input(void **state) {
    (void)state;
    expect_rewrite("drop_identities",
                   "input %x : f32[3]\n"
                   "%a = neg(%x)\n"
                   "%i = identity(%a)\n"
                   "%b = relu(%i)\n"
                   "%c = add(%i, %b)\n"
                   "%y = mul(%c, %i)\n"
                   "output %y\n",
                   "input %x : f32[3]\n"
                   "%a = neg(%x)\n"
                   "%b = relu(%a)\n"
                   "%c = add(%a, %b)\n"
                   "%y = mul(%c, %a)\n"
                   "output %y\n",
                   EXACT);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_identity_goes),
        cmocka_unit_test(test_a_chain_of_identities_goes_and_the_output_keeps_its_name),
        cmocka_unit_test(test_an_output_that_names_an_input_keeps_its_identity),
        cmocka_unit_test(test_an_output_that_names_a_constant_keeps_its_identity),
        cmocka_unit_test(test_two_outputs_of_one_value_keep_both_names),
        cmocka_unit_test(test_a_cast_to_the_type_it_has_goes),
        cmocka_unit_test(test_a_cast_to_another_type_stays),
        cmocka_unit_test(test_a_reshape_to_the_same_shape_goes),
        cmocka_unit_test(test_a_reshape_to_another_shape_stays),
        cmocka_unit_test(test_an_identity_in_the_middle_leaves_all_its_users_to_its_input),
    };
    return cmocka_run_group_tests_name("pass/drop_identities", tests, NULL, NULL);
}
