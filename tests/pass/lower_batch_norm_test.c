/* lower_batch_norm: batch norm with constant statistics is one multiplication and one addition. */
#include "pass_case.h"

static void test_constant_statistics_become_a_factor_and_an_offset(void **state) {
    (void)state;
    expect_rewrite("lower_batch_norm",
                   "symbol n [1, 5]\n"
                   "input %x : f32[n, 2]\n"
                   "const %scale : f32[2] = {2, 3}\n"
                   "const %offset : f32[2] = {1, -1}\n"
                   "const %mean : f32[2] = {4, 0.5}\n"
                   "const %var : f32[2] = {3, 0.25}\n"
                   "%y = batch_norm(%x, %scale, %offset, %mean, %var) {epsilon=1}\n"
                   "output %y\n",
                   "symbol n [1, 5]\n"
                   "input %x : f32[n, 2]\n"
                   "const %y/scale : f32[2] = {1, 2.6832816}\n"
                   "const %y/offset : f32[2] = {-3, -2.3416408}\n"
                   "%y/mul = mul(%x, %y/scale)\n"
                   "%y = add(%y/mul, %y/offset)\n"
                   "output %y\n",
                   REASSOCIATED);
}

static void test_statistics_from_data_stay(void **state) {
    (void)state;
    expect_unchanged("lower_batch_norm", "input %x : f32[3, 2]\n"
                                         "input %mean : f32[2]\n"
                                         "const %one : f32[2] = {1, 2}\n"
                                         "const %var : f32[2] = {3, 4}\n"
                                         "%y = batch_norm(%x, %one, %one, %mean, %var) {epsilon=0.001}\n"
                                         "output %y\n");
}

static void test_statistics_computed_from_data_stay(void **state) {
    (void)state;
    expect_unchanged("lower_batch_norm", "input %x : f32[3, 2]\n"
                                         "const %one : f32[2] = {1, 2}\n"
                                         "const %axis : s32[1] = {0}\n"
                                         "%mean = reduce_mean(%x, %axis)\n"
                                         "%y = batch_norm(%x, %one, %one, %mean, %one) {epsilon=0.001}\n"
                                         "output %y\n");
}

static void test_half_precision_stays(void **state) {
    (void)state;
    expect_unchanged("lower_batch_norm", "input %x : f16[3, 2]\n"
                                         "const %one : f16[2] = {1, 2}\n"
                                         "%y = batch_norm(%x, %one, %one, %one, %one) {epsilon=0.001}\n"
                                         "output %y\n");
}

static void test_a_single_channel_and_an_inner_batch_norm_work_too(void **state) {
    (void)state;
    expect_rewrite("lower_batch_norm",
                   "symbol h [1, 5]\n"
                   "input %x : f32[1, h, 3, 1]\n"
                   "const %scale : f32[1] = {4}\n"
                   "const %zero : f32[1] = {0}\n"
                   "const %var : f32[1] = {4}\n"
                   "%a = relu(%x)\n"
                   "%bn = batch_norm(%a, %scale, %zero, %zero, %var) {epsilon=0}\n"
                   "%y = relu6(%bn)\n"
                   "output %y\n",
                   "symbol h [1, 5]\n"
                   "input %x : f32[1, h, 3, 1]\n"
                   "const %bn/scale : f32[1] = {2}\n"
                   "const %bn/offset : f32[1] = {0}\n"
                   "%a = relu(%x)\n"
                   "%bn/mul = mul(%a, %bn/scale)\n"
                   "%bn = add(%bn/mul, %bn/offset)\n"
                   "%y = relu6(%bn)\n"
                   "output %y\n",
                   REASSOCIATED);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_constant_statistics_become_a_factor_and_an_offset),
        cmocka_unit_test(test_statistics_from_data_stay),
        cmocka_unit_test(test_statistics_computed_from_data_stay),
        cmocka_unit_test(test_half_precision_stays),
        cmocka_unit_test(test_a_single_channel_and_an_inner_batch_norm_work_too),
    };
    return cmocka_run_group_tests_name("pass/lower_batch_norm", tests, NULL, NULL);
}
