/* merge_equal: equal expressions are computed once. */
#include "pass_case.h"

/* A thousand copies of one expression: hashing must find them all. */
static void test_a_thousand_equal_nodes_become_one(void **state) {
    (void)state;
    qn_arena arena;
    qn_arena_init(&arena, NULL);
    qn_graph *graph = graph_from(&arena, "input %x : f32[2]\n%y = relu(%x)\noutput %y");
    qn_value *x = graph->inputs.items[0], *sum = x;
    for (int i = 0; i < 1000; i++) {
        qn_node *neg, *add;
        expect_ok(qn_graph_add_node(graph, &qn_op_neg, NULL, NULL, 1, &x, NULL, &neg));
        expect_ok(
            qn_graph_add_node(graph, &qn_op_add, NULL, NULL, 2, (qn_value *[]){sum, neg->outputs[0]}, NULL, &add));
        sum = add->outputs[0];
    }
    expect_ok(qn_graph_mark_output(graph, sum));
    expect_ok(qn_graph_infer(graph));
    run_pass(graph, qn_pass_find("merge_equal"));
    assert_int_equal(graph->node_count, 1 + 1 + 1000);
    qn_arena_deinit(&arena);
}

static void test_equal_nodes_become_one(void **state) {
    (void)state;
    expect_rewrite("merge_equal",
                   "input %x : f32[3]\n"
                   "%a = relu(%x)\n"
                   "%b = relu(%x)\n"
                   "%y = add(%a, %b)\n"
                   "output %y\n",
                   "input %x : f32[3]\n"
                   "%a = relu(%x)\n"
                   "%y = add(%a, %a)\n"
                   "output %y\n",
                   EXACT);
}

static void test_nodes_that_become_equal_become_one_too(void **state) {
    (void)state;
    expect_rewrite("merge_equal",
                   "input %x : f32[3]\n"
                   "%a = relu(%x)\n"
                   "%b = relu(%x)\n"
                   "%c = neg(%a)\n"
                   "%d = neg(%b)\n"
                   "%y = add(%c, %d)\n"
                   "output %y\n",
                   "input %x : f32[3]\n"
                   "%a = relu(%x)\n"
                   "%c = neg(%a)\n"
                   "%y = add(%c, %c)\n"
                   "output %y\n",
                   EXACT);
}

static void test_other_attributes_make_other_nodes(void **state) {
    (void)state;
    expect_unchanged("merge_equal", "input %x : f32[2, 3]\n"
                                    "%a = softmax(%x) {axis=0}\n"
                                    "%b = softmax(%x) {axis=1}\n"
                                    "%y = add(%a, %b)\n"
                                    "output %y\n");
}

static void test_other_operators_and_operands_make_other_nodes(void **state) {
    (void)state;
    expect_unchanged("merge_equal", "input %x : f32[3]\n"
                                    "input %z : f32[3]\n"
                                    "%a = sub(%x, %z)\n"
                                    "%b = sub(%z, %x)\n"
                                    "%c = add(%x, %z)\n"
                                    "%d = add(%a, %b)\n"
                                    "%y = mul(%c, %d)\n"
                                    "output %y\n");
}

static void test_outputs_are_left_alone(void **state) {
    (void)state;
    expect_unchanged("merge_equal", "input %x : f32[3]\n"
                                    "%a = relu(%x)\n"
                                    "%b = relu(%x)\n"
                                    "output %a\n"
                                    "output %b\n");
}

static void test_assertions_are_left_alone(void **state) {
    (void)state;
    expect_unchanged("merge_equal", "input %c : bool[]\n"
                                    "input %x : f32[2]\n"
                                    "assert(%c) {message=\"m\"} name \"first\"\n"
                                    "assert(%c) {message=\"m\"} name \"second\"\n"
                                    "%y = relu(%x)\n"
                                    "output %y\n");
}

static void test_sizes_that_depend_on_data_are_told_apart(void **state) {
    (void)state;
    expect_unchanged("merge_equal", "input %c : bool[5]\n"
                                    "%a = where(%c)\n"
                                    "%b = where(%c)\n"
                                    "output %a\n"
                                    "output %b\n");
}

static void test_nodes_without_a_part_of_their_inputs_compare_as_a_whole(void **state) {
    (void)state;
    expect_rewrite("merge_equal",
                   "input %x : f32[1, 3, 3, 2]\n"
                   "const %w : f32[1, 1, 2, 2] = {1, 2, 3, 4}\n"
                   "const %b : f32[2] = {5, 6}\n"
                   "%a = conv2d(%x, %w)\n"
                   "%c = conv2d(%x, %w, %b)\n"
                   "%d = conv2d(%x, %w, %b)\n"
                   "%e = add(%a, %c)\n"
                   "%y = mul(%e, %d)\n"
                   "output %y\n",
                   "input %x : f32[1, 3, 3, 2]\n"
                   "const %w : f32[1, 1, 2, 2] = {1, 2, 3, 4}\n"
                   "const %b : f32[2] = {5, 6}\n"
                   "%a = conv2d(%x, %w)\n"
                   "%c = conv2d(%x, %w, %b)\n"
                   "%e = add(%a, %c)\n"
                   "%y = mul(%e, %c)\n"
                   "output %y\n",
                   EXACT);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_equal_nodes_become_one),
        cmocka_unit_test(test_nodes_that_become_equal_become_one_too),
        cmocka_unit_test(test_other_attributes_make_other_nodes),
        cmocka_unit_test(test_other_operators_and_operands_make_other_nodes),
        cmocka_unit_test(test_outputs_are_left_alone),
        cmocka_unit_test(test_assertions_are_left_alone),
        cmocka_unit_test(test_sizes_that_depend_on_data_are_told_apart),
        cmocka_unit_test(test_nodes_without_a_part_of_their_inputs_compare_as_a_whole),
        cmocka_unit_test(test_a_thousand_equal_nodes_become_one),
    };
    return cmocka_run_group_tests_name("pass/merge_equal", tests, NULL, NULL);
}
