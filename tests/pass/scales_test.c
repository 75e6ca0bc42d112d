/* quantise: wishes of nodes for one scale or one per channel, over what the graph says. */
#include "pass_case.h"
#include "quantise_case.h"

static const char network[] = "input %x : f32[1, 4, 4, 2]\nconst %k : f32[1, 1, 2, 2] = {1, 8, 2, 64}\n"
                              "%y = conv2d(%x, %k)\noutput %y";

/* Quantises with the wishes; *out_weights, *out_x: how many scales there are. */
static void count_scales(qn_scales x, qn_scales weights, int per_tensor, int equalise, int *out_x, int *out_weights) {
    static const float low[2] = {0, 0}, high[2] = {1, 100};
    const qn_value_stats stats = {.low = 0, .high = 100, .channels = 2, .channel_low = low, .channel_high = high};
    qn_arena arena;
    qn_arena_init(&arena, NULL);
    qn_graph *graph = ranged_graph(&arena, network, "x 0 100");
    graph->integer.per_tensor = per_tensor;
    graph->integer.equalise = equalise;
    qn_graph_find_value(graph, "x")->stats = &stats;
    qn_node *node = qn_graph_find_node(graph, "y");
    qn_node_facts *facts;
    expect_ok(qn_facts_ask(graph, node, QN_DTYPE_U8, (qn_who){QN_ASKER_NAMED, "test"}, 0));
    expect_ok(qn_facts_edit(graph, node, &facts));
    facts->wish.scales[0] = x;
    facts->wish.scales[1] = weights;
    run_pass(graph, pass_named("quantise"));
    qn_view multiplier = qn_value_view(node->inputs[3]);
    *out_weights = qn_view_get(&multiplier, 0) == qn_view_get(&multiplier, 1) ? 1 : 2;
    *out_x = (int)qn_value_view(node->inputs[0]->producer->inputs[1]).dims[0];
    qn_arena_deinit(&arena);
}

static void wishes_of_a_node_outweigh_those_of_the_graph(void **state) {
    int x, weights;
    (void)state;
    count_scales(QN_SCALES_ANY, QN_SCALES_ANY, 0, 0, &x, &weights);
    assert_int_equal(weights, 2);
    assert_int_equal(x, 1);
    count_scales(QN_SCALES_PER_CHANNEL, QN_SCALES_ONE, 0, 0, &x, &weights);
    assert_int_equal(weights, 1);
    count_scales(QN_SCALES_ONE, QN_SCALES_PER_CHANNEL, 1, 1, &x, &weights);
    assert_int_equal(weights, 2);
    assert_int_equal(x, 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(wishes_of_a_node_outweigh_those_of_the_graph)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
