/* Is the free first dim of an input a number of samples? The file says where it is not. */
#include "driver_case.h"

static void expect_unbatched(const char *statements, const char *json) {
    qn_model *model = build_of(statements, NULL);
    expect_meta(model, "unbatched", json);
    qn_model_destroy(model);
}

#define W    "const %w : f32[3, 4] = random 1\n"
#define AXIS "const %zero : s32[1] = {0}\n"

static void a_dim_that_stays_first_counts_samples(void **state) {
    (void)state;
    expect_unbatched("input %x : f32[1, 3]\n" W "%y = matmul(%x, %w)\noutput %y\n", NULL);
    expect_unbatched(
        "symbol n [1, *]\ninput %x : f32[n, 8, 8, 3]\nconst %k : f32[3, 3, 3, 2] = random 1\n"
        "%c = conv2d(%x, %k) {padding=valid}\nconst %axes : s32[2] = {1, 2}\n%y = reduce_mean(%c, %axes)\noutput %y\n",
        NULL);
    expect_unbatched("symbol n [1, *]\ninput %x : f32[n, 8, 3]\nconst %to : s32[2] = {-1, 3}\n%r = reshape(%x, %to)\n" W
                     "%y = matmul(%r, %w)\noutput %y\n",
                     NULL);
}

static void what_is_transposed_for_a_while_may_count_them(void **state) {
    (void)state;
    expect_unbatched(
        "symbol n [1, *]\ninput %x : f32[n, 8, 3]\nconst %p : s32[3] = {1, 0, 2}\n%t = transpose(%x, %p)\n%r = "
        "relu(%t)\n%y = transpose(%r, %p)\noutput %y\n",
        NULL);
}

static void rows_of_a_picture_are_no_samples(void **state) {
    (void)state;
    expect_unbatched("symbol h [3, *]\nsymbol w [3, *]\ninput %x : f32[h, w, 3]\n%b = expand_dims(%x) {axes=[0]}\n"
                     "const %k : f32[3, 3, 3, 2] = random 1\n%c = conv2d(%b, %k) {padding=same_upper}\n"
                     "%y = squeeze(%c) {axes=[0]}\noutput %y\n",
                     "[0]");
}

static void what_is_computed_of_all_rows_together_makes_them_no_samples(void **state) {
    (void)state;
    expect_unbatched("symbol n [1, *]\ninput %x : f32[n, 3]\n" W AXIS
                     "%m = matmul(%x, %w)\n%y = reduce_mean(%m, %zero)\noutput %y\n",
                     "[0]");
    expect_unbatched("symbol n [1, *]\ninput %x : f32[n, 3]\n" AXIS
                     "%m = reduce_mean(%x, %zero) {keep_dims=true}\n%y = sub(%x, %m)\noutput %y\n",
                     "[0]");
    expect_unbatched("symbol n [1, *]\ninput %x : f32[n, 3]\n%y = softmax(%x) {axis=0}\noutput %y\n", "[0]");
    expect_unbatched("symbol n [1, *]\ninput %x : f32[n, 3]\n%y = cumsum(%x) {axis=0}\noutput %y\n", "[0]");
    expect_unbatched("symbol n [1, *]\ninput %x : f32[n, 3]\n%y = cumsum(%x) {axis=1}\noutput %y\n", NULL);
    expect_unbatched("symbol n [1, *]\ninput %x : f32[n, 3]\n%y = matmul(%x, %x) {transpose_b=true}\noutput %y\n",
                     "[0]");
}

static void only_the_input_in_question_is_named(void **state) {
    (void)state;
    expect_unbatched("symbol n [1, *]\nsymbol t [1, *]\ninput %x : f32[n, 3]\ninput %z : f32[t, 3]\n" AXIS
                     "%m = reduce_mean(%z, %zero)\n%y = add(%x, %m)\noutput %y\n",
                     "[1]");
    expect_unbatched("input %x : f32[]\n%y = relu(%x)\noutput %y\n", NULL);
}

static void inputs_that_are_joined_share_their_samples(void **state) {
    (void)state;
    expect_unbatched("symbol n [1, *]\nsymbol m [1, *]\ninput %x : f32[n, 3]\ninput %z : f32[m, 3]\n"
                     "%y = concat(%x, %z) {axis=1}\noutput %y\n",
                     NULL);
    expect_unbatched("symbol n [1, *]\nsymbol m [1, *]\ninput %x : f32[n, 3]\ninput %z : f32[m, 3]\n" AXIS
                     "%c = concat(%x, %z) {axis=1}\n%y = reduce_mean(%c, %zero)\noutput %y\n",
                     "[0,1]");
}

static void outputs_of_other_inputs_tell_nothing(void **state) {
    (void)state;
    expect_unbatched("symbol n [1, *]\nsymbol m [1, *]\ninput %x : f32[n, 3]\ninput %z : f32[m, 3]\n" W
                     "%a = matmul(%x, %w)\n%b = matmul(%z, %w)\noutput %a\noutput %b\n",
                     NULL);
    expect_unbatched("symbol n [1, *]\ninput %x : f32[n, 3]\nconst %c : f32[5, 4] = random 1\n" W
                     "%a = matmul(%x, %w)\n%s = shape(%x)\noutput %a\noutput %s\n",
                     NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_dim_that_stays_first_counts_samples),
        cmocka_unit_test(what_is_transposed_for_a_while_may_count_them),
        cmocka_unit_test(rows_of_a_picture_are_no_samples),
        cmocka_unit_test(what_is_computed_of_all_rows_together_makes_them_no_samples),
        cmocka_unit_test(inputs_that_are_joined_share_their_samples),
        cmocka_unit_test(outputs_of_other_inputs_tell_nothing),
        cmocka_unit_test(only_the_input_in_question_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
