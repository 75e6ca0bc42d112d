/* Facts of nodes (ir/facts.h): wishes and outcomes survive what happens to nodes, and words decide nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "ir/graph.h"

static void ok(qn_status *status) {
    if (status) fail_msg("%s", qn_status_message(status));
}

static qn_graph *graph_of(qn_arena *arena) {
    qn_graph *graph;
    qn_arena_init(arena, NULL);
    ok(qn_graph_parse(
        arena, "graph \"g\" {\ninput %x : f32[2]\n%a = neg(%x)\n%b = exp(%a)\n%c = abs(%b)\noutput %c\n}\n", &graph));
    ok(qn_graph_infer(graph));
    return graph;
}

static void nothing_is_known_of_a_node_until_somebody_says_it(void **state) {
    (void)state;
    qn_arena arena;
    qn_graph *graph = graph_of(&arena);
    const qn_node *node = qn_graph_find_node(graph, "b");
    assert_non_null(qn_facts_of(graph, node));
    assert_int_equal(qn_facts_of(graph, node)->wish.dtype, QN_DTYPE_NONE);
    const qn_outcome outcome = qn_outcome_of(graph, node);
    assert_int_equal(outcome.why, QN_WHY_NOTHING);
    assert_null(qn_outcome_text(&outcome, &arena));
    qn_arena_deinit(&arena);
}

static void facts_stay_with_a_node_that_becomes_another_operation_and_go_to_copies(void **state) {
    (void)state;
    qn_arena arena;
    qn_graph *graph = graph_of(&arena), *copy;
    qn_node *node = qn_graph_find_node(graph, "b");
    ok(qn_facts_ask(graph, node, QN_DTYPE_F16, (qn_who){.asker = QN_ASKER_CUSTOM_NODES}, 0));
    ok(qn_node_become(graph, node, &qn_op_tanh, NULL, 1, (qn_value *[]){node->inputs[0]}));
    assert_int_equal(qn_facts_of(graph, node)->wish.dtype, QN_DTYPE_F16);
    ok(qn_graph_copy(graph, &arena, &copy));
    const qn_node *twin = qn_graph_find_node(copy, "b");
    assert_int_equal(qn_facts_of(copy, twin)->wish.dtype, QN_DTYPE_F16);
    ok(qn_facts_ask(graph, node, QN_DTYPE_NONE, (qn_who){0}, 0)); /* the copy has its own */
    assert_int_equal(qn_facts_of(copy, twin)->wish.dtype, QN_DTYPE_F16);
    assert_int_equal(qn_facts_of(graph, qn_graph_find_node(graph, "a"))->wish.dtype, QN_DTYPE_NONE);
    qn_arena_deinit(&arena);
}

static void outcomes_are_enums_whatever_words_stand_in_names(void **state) {
    static const char name[] = "f32: constant no integers: u8";
    (void)state;
    qn_arena arena;
    qn_graph *graph = graph_of(&arena);
    qn_node *node = qn_graph_find_node(graph, "b");
    ok(qn_outcome_set(graph, node, &(qn_outcome){.why = QN_WHY_RANGE_MISSING, .name = name}));
    qn_outcome outcome = qn_outcome_of(graph, node);
    assert_int_equal(outcome.why, QN_WHY_RANGE_MISSING);
    assert_string_equal(qn_outcome_text(&outcome, &arena),
                        "no integers: there is no range for 'f32: constant no integers: u8'");
    ok(qn_outcome_set(graph, node,
                      &(qn_outcome){.why = QN_WHY_ASKED, .dtype = QN_DTYPE_U8, .who = {QN_ASKER_NAMED, name}}));
    outcome = qn_outcome_of(graph, node);
    assert_int_equal(outcome.why, QN_WHY_ASKED);
    assert_string_equal(qn_outcome_text(&outcome, &arena), "u8: f32: constant no integers: u8");
    assert_string_equal(qn_outcome_text_untyped(&outcome, &arena), name);
    qn_arena_deinit(&arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_known_of_a_node_until_somebody_says_it),
        cmocka_unit_test(facts_stay_with_a_node_that_becomes_another_operation_and_go_to_copies),
        cmocka_unit_test(outcomes_are_enums_whatever_words_stand_in_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
