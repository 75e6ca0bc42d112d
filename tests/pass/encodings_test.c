/* hoist_quantize: conversions rise, and every integer value keeps saying what it stands for. */
#include "pass_case.h"

#include <math.h>
#include <string.h>

static const qn_value_stats wide = {.low = -1, .high = 3};

static const char *const text = "input %x : f32[1, 2, 2, 2]\n"
                                "const %a : f32[1, 1, 2, 2] = {1, 2, 3, 4}\n"
                                "const %b : f32[1, 1, 2, 3] = {1, -2, 3, 4, 5, -6}\n"
                                "const %c : f32[1, 1, 5, 1] = {1, 20, 3, 4, 500}\n"
                                "%l = conv2d(%x, %a)\n"
                                "%r = conv2d(%x, %b)\n"
                                "%both = concat(%l, %r) {axis=3}\n"
                                "%y = conv2d(%both, %c)\n"
                                "output %y\n";

static qn_graph *quantised(qn_arena *arena) {
    static const float low[5] = {-1, -1, -1, -0.5f, -0.25f}, high[5] = {3, 1, 2, 1, 0.5f};
    static const qn_value_stats channels = {
        .low = -1, .high = 3, .channels = 5, .channel_low = low, .channel_high = high};
    qn_graph *graph = graph_from(arena, text);
    graph->integer = (qn_integer_wish){.dtype = QN_DTYPE_U8, .who = {QN_ASKER_NAMED, "test"}, .equalise = 1};
    qn_graph_find_value(graph, "x")->stats = &wide;
    qn_graph_find_value(graph, "both")->stats = &channels;
    for (qn_node *node = graph->first; node; node = node->next)
        if (node->op == &qn_op_conv2d)
            expect_ok(qn_facts_ask(graph, node, QN_DTYPE_U8, (qn_who){QN_ASKER_NAMED, "test"}, 0));
    run_pass(graph, qn_pass_find("quantise"));
    return graph;
}

static const qn_value_encoding *encoding_of(const qn_graph *graph, const char *name) {
    for (size_t i = 0; i < graph->values.count; i++) {
        const qn_value *value = graph->values.items[i];
        if (value->encoding && value->producer && !strcmp(value->encoding->of, name)) return value->encoding;
    }
    fail_msg("no integer value stands for '%s'", name);
    return NULL;
}

static void parts_of_a_concatenation_keep_the_scales_of_their_channels(void **state) {
    (void)state;
    qn_arena arena;
    qn_arena_init(&arena, NULL);
    qn_graph *graph = quantised(&arena);
    const qn_value_encoding *both = encoding_of(graph, "both");
    assert_int_equal(both->channels, 5);
    run_pass(graph, qn_pass_find("hoist_quantize"));
    run_pass(graph, qn_pass_find("fuse_requantize"));
    const qn_value_encoding *left = encoding_of(graph, "l"), *right = encoding_of(graph, "r");
    assert_int_equal(left->channels, 2);
    assert_int_equal(right->channels, 3);
    for (int c = 0; c < 5; c++) {
        const qn_value_encoding *part = c < 2 ? left : right;
        assert_true(part->scale[c < 2 ? c : c - 2] == both->scale[c]);
        assert_int_equal(part->zero_point[c < 2 ? c : c - 2], both->zero_point[c]);
    }
    assert_ptr_equal(encoding_of(graph, "both"), both);
    assert_ptr_equal(qn_graph_find_node(graph, "l/u8")->op, &qn_op_conv2d_quantized);
    qn_arena_deinit(&arena);
}

static void expect_decodes(const qn_value *value, const qn_view *integers, const qn_view *floats) {
    const qn_value_encoding *encoding = value->encoding;
    const int64_t channels = integers->dims[integers->rank - 1];
    for (int64_t i = 0; i < qn_view_elems(floats); i++) {
        const int64_t c = encoding->channels == 1 ? 0 : i % channels;
        const double decoded =
            (double)encoding->scale[c] * (double)(qn_view_get_int(integers, i) - encoding->zero_point[c]);
        if (!(fabs(decoded - qn_view_get(floats, i)) <= 0.15))
            fail_msg("%s, element %lld: %g stands for %g", value->name, (long long)i, decoded, qn_view_get(floats, i));
    }
}

/* A zero point that fuse_requantize moved into the bias still belongs to its channel: off by one such step it were 1.
 */
static void integers_stand_for_what_the_float_network_computes(void **state) {
    (void)state;
    static float data[8] = {0.05f, -0.05f, 0.03f, 0.01f, -0.04f, 0.02f, 0, 0.05f};
    const qn_view x = {.dtype = QN_DTYPE_F32, .rank = 4, .dims = {1, 2, 2, 2}, .data = data};
    qn_arena arena;
    evaluation before, after;
    int decoded = 0;
    qn_arena_init(&arena, NULL);
    qn_graph *floats = graph_from(&arena, text), *graph = quantised(&arena);
    run_pass(graph, qn_pass_find("hoist_quantize"));
    run_pass(graph, qn_pass_find("fuse_requantize"));
    expect_ok(evaluate(floats, &x, &arena, &before));
    expect_ok(evaluate(graph, &x, &arena, &after));
    for (size_t i = 0; i < graph->values.count; i++) {
        const qn_value *value = graph->values.items[i];
        if (!value->encoding || !value->producer) continue;
        const qn_view want = evaluated(&before, qn_graph_find_value(floats, value->encoding->of));
        const qn_view got = evaluated(&after, value);
        expect_decodes(value, &got, &want);
        decoded++;
    }
    assert_int_equal(decoded, 4); /* of x, l, r, both */
    qn_arena_deinit(&arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parts_of_a_concatenation_keep_the_scales_of_their_channels),
        cmocka_unit_test(integers_stand_for_what_the_float_network_computes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
