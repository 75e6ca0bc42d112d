/* fold_constants: what no input can change becomes a constant. */
#include "pass_case.h"

#include <stdlib.h>
#include <string.h>

/* 100 MB of zeros asked for by a few bytes of model. */
static void test_a_huge_result_is_left_to_run_time(void **state) {
    (void)state;
    qn_arena arena;
    qn_arena_init(&arena, NULL);
    qn_graph *graph = graph_from(&arena, "const %v : f32[] = {0}\n"
                                         "const %d : s64[2] = {5000, 5000}\n"
                                         "%f = fill(%d, %v)\n"
                                         "output %f");
    run_pass(graph, qn_pass_find("fold_constants"));
    assert_int_equal(graph->node_count, 1);
    assert_true(arena.used_bytes < 1 << 20);
    qn_arena_deinit(&arena);
}

/* 2000 x 2000 x 2000 multiply-adds over constants of 32 MB that the model itself holds would take minutes. */
static void test_a_product_that_would_take_long_is_left_to_run_time(void **state) {
    (void)state;
    qn_arena arena;
    qn_arena_init(&arena, NULL);
    qn_graph *graph = graph_from(&arena, "const %a : f32[2000, 2000] = splat 1\n"
                                         "%f = matmul(%a, %a)\n"
                                         "output %f");
    run_pass(graph, qn_pass_find("fold_constants"));
    assert_int_equal(graph->node_count, 1);
    qn_arena_deinit(&arena);
}

/* The statements of `count` nodes, each with its number in the place of #. */
static char *repeated(const char *start, const char *statement, int count) {
    qn_buffer text;
    qn_buffer_init(&text, NULL);
    qn_buffer_printf(&text, "%s", start);
    for (int i = 0; i < count; i++) {
        for (const char *at = statement; *at; at++) {
            if (*at == '#')
                qn_buffer_printf(&text, "%d", i);
            else
                qn_buffer_append(&text, at, 1);
        }
    }
    char *copy = strdup(qn_buffer_text(&text));
    qn_buffer_deinit(&text);
    return copy;
}

/* A thousand results of 4 MB each, of which every one would be folded alone. */
static void test_small_results_of_nothing_do_not_add_up_to_gigabytes(void **state) {
    (void)state;
    qn_arena arena;
    qn_arena_init(&arena, NULL);
    char *text = repeated("const %d : s64[2] = {1000, 1000}\n",
                          "const %v# : f32[] = {#}\n"
                          "%f# = fill(%d, %v#)\n"
                          "output %f#\n",
                          1000);
    qn_graph *graph = graph_from(&arena, text);
    run_pass(graph, qn_pass_find("fold_constants"));
    assert_true(graph->node_count < 1000); /* some are worth it */
    assert_true(arena.used_bytes < 80 << 20);
    free(text);
    qn_arena_deinit(&arena);
}

/* Two hundred sums over 4 million numbers that the model says in one. */
static void test_short_steps_do_not_add_up_to_hours(void **state) {
    (void)state;
    qn_arena arena;
    qn_arena_init(&arena, NULL);
    char *text = repeated("const %x : f32[4000000] = splat 1\n"
                          "const %axis : s32[1] = {0}\n",
                          "const %v# : f32[] = {#}\n"
                          "%s# = reduce_sum(%x, %axis)\n"
                          "%y# = mul(%s#, %v#)\n"
                          "output %y#\n",
                          200);
    qn_graph *graph = graph_from(&arena, text);
    run_pass(graph, qn_pass_find("fold_constants"));
    assert_in_range(graph->node_count, 200, 399);
    free(text);
    qn_arena_deinit(&arena);
}

/* A model that holds much may have much folded: as the quantised weights of a network become floats. */
static void test_what_is_folded_grows_with_the_model(void **state) {
    (void)state;
    qn_arena arena;
    qn_arena_init(&arena, NULL);
    uint8_t *bytes = qn_arena_alloc(&arena, 1, 25000000);
    for (size_t i = 0; i < 25000000; i++) bytes[i] = (uint8_t)(i * 7);
    qn_graph *graph = qn_graph_create(&arena, "large");
    for (int i = 0; i < 10; i++) {
        qn_value *value;
        qn_node *node;
        qn_view view = {.dtype = QN_DTYPE_U8, .rank = 1, .dims = {2500000}, .data = bytes + i * 2500000};
        const qn_cast_attrs attrs = {.dtype = QN_DTYPE_F32};
        expect_ok(qn_graph_add_constant(graph, "w", &view, &value));
        expect_ok(qn_graph_add_node(graph, &qn_op_cast, "cast", &attrs, 1, &value, NULL, &node));
        expect_ok(qn_graph_mark_output(graph, node->outputs[0]));
    }
    expect_ok(qn_graph_infer(graph));
    run_pass(graph, qn_pass_find("fold_constants"));
    assert_int_equal(graph->node_count, 0);
    qn_arena_deinit(&arena);
}

/* A node that no constant can make work is an error of the model, which names the node. */
static void test_a_node_that_fails_is_named(void **state) {
    (void)state;
    qn_arena arena;
    qn_arena_init(&arena, NULL);
    qn_graph *graph = graph_from(&arena, "const %t : f32[3] = {1, 2, 3}\n"
                                         "const %i : s32[100] = splat 7\n"
                                         "%f = gather(%t, %i) name \"look up\"\n"
                                         "output %f");
    qn_status *status = qn_pass_find("fold_constants")->run(graph);
    assert_non_null(status);
    assert_non_null(strstr(qn_status_message(status), "look up"));
    qn_status_free(status);
    qn_arena_deinit(&arena);
}

static void test_a_node_of_constants_is_computed(void **state) {
    (void)state;
    expect_rewrite("fold_constants",
                   "input %x : f32[2, 3]\n"
                   "const %a : f32[3] = {1, 2, 3}\n"
                   "const %b : f32[3] = {10, 20, 30}\n"
                   "%c = add(%a, %b)\n"
                   "%y = mul(%x, %c)\n"
                   "output %y\n",
                   "input %x : f32[2, 3]\n"
                   "const %c_1 : f32[3] = {11, 22, 33}\n"
                   "%y = mul(%x, %c_1)\n"
                   "output %y\n",
                   EXACT);
}

static void test_a_chain_of_constants_is_computed_to_its_end(void **state) {
    (void)state;
    expect_rewrite("fold_constants",
                   "input %x : f32[1]\n"
                   "const %a : f32[1] = {2}\n"
                   "%b = square(%a)\n"
                   "%c = square(%b)\n"
                   "%d = neg(%c)\n"
                   "%y = mul(%x, %d)\n"
                   "output %y\n",
                   "input %x : f32[1]\n"
                   "const %d_1 : f32[1] = {-16}\n"
                   "%y = mul(%x, %d_1)\n"
                   "output %y\n",
                   EXACT);
}

static void test_sizes_known_by_inference_are_written_down(void **state) {
    (void)state;
    expect_rewrite("fold_constants",
                   "symbol n [1, 9]\n"
                   "input %x : f32[n, 4, 6]\n"
                   "const %one : s32[1] = {1}\n"
                   "const %three : s32[1] = {3}\n"
                   "const %all : s32[1] = {-1}\n"
                   "const %zero : s32[] = {0}\n"
                   "%shape = shape(%x)\n"
                   "%size = strided_slice(%shape, %one, %three, %one)\n"
                   "%product = reduce_prod(%size, %zero) {keep_dims=true}\n"
                   "%to = concat(%all, %product)\n"
                   "%y = reshape(%x, %to)\n"
                   "output %y\n",
                   "symbol n [1, 9]\n"
                   "input %x : f32[n, 4, 6]\n"
                   "const %to_1 : s32[2] = {-1, 24}\n"
                   "%y = reshape(%x, %to_1)\n"
                   "output %y\n",
                   EXACT);
}

static void test_a_size_that_varies_stays(void **state) {
    (void)state;
    expect_unchanged("fold_constants", "symbol h [1, 9]\n"
                                       "input %x : f32[1, h]\n"
                                       "%s = shape(%x)\n"
                                       "output %s\n");
}

static void test_an_output_that_is_constant_keeps_its_name(void **state) {
    (void)state;
    expect_rewrite("fold_constants",
                   "input %x : f32[3, 4]\n"
                   "const %a : f32[2] = {-1, 2}\n"
                   "%s = shape(%x)\n"
                   "%b = relu(%a)\n"
                   "%r = relu(%x)\n"
                   "output %s\n"
                   "output %b\n"
                   "output %r\n",
                   "input %x : f32[3, 4]\n"
                   "const %s : s32[2] = {3, 4}\n"
                   "const %b : f32[2] = {0, 2}\n"
                   "%r = relu(%x)\n"
                   "output %s\n"
                   "output %b\n"
                   "output %r\n",
                   EXACT);
}

static void test_an_assertion_on_a_constant_is_not_folded_away(void **state) {
    (void)state;
    expect_unchanged("fold_constants", "input %x : f32[2]\n"
                                       "const %c : bool[1] = {1}\n"
                                       "assert(%c) {message=\"always\"}\n"
                                       "%y = relu(%x)\n"
                                       "output %y\n");
}

static void test_a_value_used_twice_is_folded_once(void **state) {
    (void)state;
    expect_rewrite("fold_constants",
                   "input %x : f32[2]\n"
                   "const %a : f32[2] = {3, 4}\n"
                   "%b = neg(%a)\n"
                   "%y = add(%x, %b)\n"
                   "%z = mul(%y, %b)\n"
                   "output %z\n",
                   "input %x : f32[2]\n"
                   "const %b_1 : f32[2] = {-3, -4}\n"
                   "%y = add(%x, %b_1)\n"
                   "%z = mul(%y, %b_1)\n"
                   "output %z\n",
                   EXACT);
}

static void test_an_empty_constant_is_folded(void **state) {
    (void)state;
    expect_rewrite("fold_constants",
                   "input %x : f32[2]\n"
                   "const %e : f32[0, 3] = {}\n"
                   "const %none : f32[0, 3] = {}\n"
                   "%f = add(%e, %none)\n"
                   "%y = relu(%x)\n"
                   "output %f\n"
                   "output %y\n",
                   "input %x : f32[2]\n"
                   "const %f : f32[0, 3] = {}\n"
                   "%y = relu(%x)\n"
                   "output %f\n"
                   "output %y\n",
                   EXACT);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_node_of_constants_is_computed),
        cmocka_unit_test(test_a_chain_of_constants_is_computed_to_its_end),
        cmocka_unit_test(test_sizes_known_by_inference_are_written_down),
        cmocka_unit_test(test_a_size_that_varies_stays),
        cmocka_unit_test(test_an_output_that_is_constant_keeps_its_name),
        cmocka_unit_test(test_an_assertion_on_a_constant_is_not_folded_away),
        cmocka_unit_test(test_a_value_used_twice_is_folded_once),
        cmocka_unit_test(test_an_empty_constant_is_folded),
        cmocka_unit_test(test_a_huge_result_is_left_to_run_time),
        cmocka_unit_test(test_a_product_that_would_take_long_is_left_to_run_time),
        cmocka_unit_test(test_small_results_of_nothing_do_not_add_up_to_gigabytes),
        cmocka_unit_test(test_short_steps_do_not_add_up_to_hours),
        cmocka_unit_test(test_what_is_folded_grows_with_the_model),
        cmocka_unit_test(test_a_node_that_fails_is_named),
    };
    return cmocka_run_group_tests_name("pass/fold_constants", tests, NULL, NULL);
}
