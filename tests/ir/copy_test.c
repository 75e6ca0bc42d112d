/* Copies of graphs: the same text, sharing nothing that a pass changes, at any end of memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/meter.h"
#include "ir/graph.h"

static qn_arena arena;

static int setup(void **state) {
    (void)state;
    qn_arena_init(&arena, NULL);
    return 0;
}

static int teardown(void **state) {
    (void)state;
    qn_arena_deinit(&arena);
    return 0;
}

static void expect_ok(qn_status *status) {
    if (status) fail_msg("%s (%s)", qn_status_message(status), qn_status_where(status));
}

static const char *print(const qn_graph *graph) {
    qn_buffer buffer;
    qn_buffer_init(&buffer, NULL);
    qn_graph_print(graph, 1, &buffer);
    const char *text = qn_arena_copy_string(&arena, qn_buffer_text(&buffer), buffer.size);
    qn_buffer_deinit(&buffer);
    return text;
}

static qn_graph *graph_of(const char *statements) {
    qn_graph *graph = NULL;
    expect_ok(qn_graph_parse(&arena, qn_arena_printf(&arena, "graph \"g\" {\n%s\n}", statements), &graph));
    expect_ok(qn_graph_infer(graph));
    expect_ok(qn_graph_verify(graph));
    return graph;
}

static qn_graph *copy_of(const qn_graph *graph) {
    qn_graph *copy = NULL;
    expect_ok(qn_graph_copy(graph, &arena, &copy));
    expect_ok(qn_graph_verify(copy));
    return copy;
}

static void expect_same_text(const qn_graph *a, const qn_graph *b) {
    const char *text = print(a), *other = print(b);
    if (strcmp(text, other)) fail_msg("expected\n%sfound\n%s", text, other);
}

/* A picture of free size, cut, padded up and scaled back, as DeepLab does it. */
static const char picture[] = "symbol h [1, 513] \"test: the picture is too high\"\n"
                              "symbol w [1, *]\n"
                              "input %x : u8[1, h, w, 3]\n"
                              "const %two : s32[] = {2}\nconst %one : s32[1] = {1}\nconst %three : s32[1] = {3}\n"
                              "const %cap : s32[2] = {513, 513}\n"
                              "const %k : f32[3, 3, 3, 2] = splat 0.5\n"
                              "%f = cast(%x) {dtype=f32}\n"
                              "%s = shape(%x)\n"
                              "%size = strided_slice(%s, %one, %three, %one)\n"
                              "%most = maximum(%size, %cap)\n"
                              "%wide = mul(%most, %two)\n"
                              "%up = resize_bilinear(%f, %wide) {align_corners=true}\n"
                              "%c = conv2d(%up, %k) {padding=same_upper, stride=[2, 2]}\n"
                              "%d = conv2d(%up, %k) {padding=valid, dilation=[2, 2], stride=[3, 3]}\n"
                              "%back = resize_bilinear(%c, %size)\n"
                              "%y = argmax(%back) {axis=3, dtype=s32}\n"
                              "output %y\noutput %d";

static void a_copy_prints_the_same_text(void **state) {
    static const char *const texts[] = {
        picture,
        "input %x : f32[2, 3]\n%y = relu(%x)\noutput %y",
        /* inputs and constants that are outputs, an input that nobody reads */
        "input %x : f32[n]\ninput %idle : f32[2, m]\nconst %c : s32[2] = {1, 2}\n%y = neg(%x)\noutput %x\noutput %c\noutput %y",
        /* nodes without outputs, and nodes whose names are not those of their values */
        "input %x : f32[4, n]\nconst %most : s32[] = {9}\n%s = size(%x)\n%fits = less_equal(%s, %most)\n"
        "assert(%fits) {message=\"too large\"} name \"check\" source \"node 'check'\"\n"
        "%a = split(%x) {axis=0, index=1, count=4} name \"b\"\n%b = neg(%a) name \"a\"\noutput %b",
        "input %x : f32[n]\n%y/f16 = cast(%x) {dtype=f16} name \"y\"\n%y = cast(%y/f16) {dtype=f32} name \"y/f32\"\noutput %y",
        /* sizes that data decides */
        "input %x : f32[n]\n%z = where(%x)\n%s = shape(%z)\noutput %z\noutput %s",
        /* optional inputs that are absent */
        "input %x : f32[1, h, w, 2]\ninput %e : f32[1, h, w, 2]\nconst %k : f32[1, 1, 2, 2] = {1, 2, 3, 4}\n"
        "%y = conv2d(%x, %k, none, %e)\noutput %y",
        "symbol w [1, 9]\nsymbol h [1, 9]\ninput %x : f32[h, w]\ninput %y : f32[w + h]\n%z = neg(%x)\noutput %z\noutput %y",
        /* expressions over symbols that are no dim of any input by themselves */
        "symbol n [2, 7] \"test: few\"\ninput %x : f32[2 * n, n + 1]\n%y = neg(%x)\noutput %y",
    };
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        const qn_graph *graph = graph_of(texts[i]);
        expect_same_text(graph, copy_of(graph));
    }
}

static void a_copy_knows_what_is_not_printed(void **state) {
    (void)state;
    qn_graph *graph = graph_of(picture);
    static const qn_value_stats stats = {.low = -1, .high = 2};
    static const float scale = 0.5f;
    static const int32_t zero_point = 3;
    static const qn_value_encoding encoding = {"x", 1, &scale, &zero_point};
    qn_node *node = qn_graph_find_node(graph, "c");
    expect_ok(qn_facts_ask(graph, node, QN_DTYPE_S16, (qn_who){QN_ASKER_NAMED, "test"}, 0));
    node->source = "tensorflow: node 'c' (Conv2D)";
    qn_graph_find_value(graph, "f")->stats = &stats;
    qn_graph_find_value(graph, "x")->encoding = &encoding;
    graph->inputs.items[0]->fixed_axes = 9;
    graph->precision = QN_DTYPE_F16;
    graph->precision_asker = (qn_who){QN_ASKER_NAMED, "half"};
    graph->integer = (qn_integer_wish){.dtype = QN_DTYPE_U8, .who = {QN_ASKER_NAMED, "bytes"}, .symmetric = 1};
    const qn_graph *copy = copy_of(graph);
    const qn_node *twin = qn_graph_find_node(copy, "c");
    assert_ptr_not_equal(twin, node);
    assert_int_equal(qn_facts_of(copy, twin)->wish.dtype, QN_DTYPE_S16);
    assert_string_equal(qn_facts_of(copy, twin)->wish.who.name, "test");
    assert_string_equal(twin->source, "tensorflow: node 'c' (Conv2D)");
    assert_ptr_equal(qn_graph_find_value(copy, "f")->stats, &stats);
    assert_ptr_equal(qn_graph_find_value(copy, "x")->encoding, &encoding);
    assert_int_equal(copy->inputs.items[0]->fixed_axes, 9);
    assert_int_equal(copy->precision, QN_DTYPE_F16);
    assert_string_equal(copy->precision_asker.name, "half");
    assert_int_equal(copy->integer.dtype, QN_DTYPE_U8);
    assert_int_equal(copy->integer.symmetric, 1);
    assert_string_equal(copy->name, "g");
    assert_int_equal(copy->checks.count, graph->checks.count);
    assert_ptr_equal(qn_graph_find_value(copy, "k")->data, qn_graph_find_value(graph, "k")->data); /* borrowed */
}

static void what_happens_to_a_copy_leaves_the_original_alone(void **state) {
    (void)state;
    qn_graph *graph = graph_of(picture);
    const char *before = print(graph);
    qn_graph *copy = copy_of(graph);
    qn_node *argmax = qn_graph_find_node(copy, "y"), *conv = qn_graph_find_node(copy, "c"), *added;
    qn_value *inputs[1] = {qn_graph_find_value(copy, "back")};
    ((qn_argreduce_attrs *)argmax->attrs)->dtype = QN_DTYPE_S64;
    ((qn_conv2d_attrs *)conv->attrs)->activation = QN_ACTIVATION_RELU;
    expect_ok(qn_facts_ask(copy, conv, QN_DTYPE_F16, (qn_who){QN_ASKER_NAMED, "test"}, 0));
    expect_ok(qn_graph_add_node(copy, &qn_op_relu, "more", NULL, 1, inputs, argmax, &added));
    expect_ok(qn_node_infer(copy, added));
    expect_ok(qn_node_set_input(copy, argmax, 0, added->outputs[0]));
    expect_ok(qn_graph_rename_value(copy, qn_graph_find_value(copy, "up"), "down"));
    qn_dim symbol;
    assert_true(qn_dim_symbol_find(copy->dims, "w", &symbol));
    expect_ok(qn_dim_symbol_set_range(copy->dims, symbol, 2, 3, "narrowed"));
    expect_ok(qn_graph_infer(copy));
    qn_graph_remove_dead(copy);
    assert_string_not_equal(print(copy), before);
    assert_string_equal(print(graph), before);
    expect_ok(qn_graph_verify(graph));
    assert_null(qn_graph_find_value(graph, "more"));
    assert_int_equal(qn_facts_of(graph, qn_graph_find_node(graph, "c"))->wish.dtype, QN_DTYPE_NONE);
}

static void what_happens_to_the_original_leaves_a_copy_alone(void **state) {
    (void)state;
    qn_graph *graph = graph_of(picture);
    const qn_graph *copy = copy_of(graph);
    const char *before = print(copy);
    ((qn_conv2d_attrs *)qn_graph_find_node(graph, "c")->attrs)->activation = QN_ACTIVATION_RELU;
    expect_ok(qn_graph_rename_value(graph, qn_graph_find_value(graph, "up"), "down"));
    expect_ok(qn_graph_infer(graph));
    assert_string_equal(print(copy), before);
    expect_ok(qn_graph_verify(copy));
}

/* A constant that died may have lent its name to another. */
static void dead_values_are_not_copied(void **state) {
    (void)state;
    static const float numbers[2] = {7, 8};
    qn_graph *graph =
        graph_of("input %x : f32[2]\nconst %c : f32[2] = {1, 2}\n%a = add(%x, %c)\n%b = neg(%a)\noutput %b");
    const qn_view view = {.dtype = QN_DTYPE_F32, .rank = 1, .dims = {2}, .data = (void *)(uintptr_t)numbers};
    qn_node *add = qn_graph_find_node(graph, "a");
    expect_ok(qn_node_set_input(graph, add, 1, qn_graph_find_value(graph, "x")));
    qn_graph_remove_dead(graph);
    qn_value *again;
    expect_ok(qn_graph_add_constant(graph, "c", &view, &again));
    assert_string_equal(again->name, "c");
    expect_ok(qn_node_set_input(graph, add, 1, again));
    const qn_graph *copy = copy_of(graph);
    expect_same_text(graph, copy);
    assert_memory_equal(qn_graph_find_value(copy, "c")->data, numbers, sizeof numbers);
}

static void a_copy_of_a_copy_is_the_same_again(void **state) {
    (void)state;
    const qn_graph *graph = graph_of(picture);
    const qn_graph *copy = copy_of(graph), *twice = copy_of(copy);
    expect_same_text(graph, twice);
}

static void memory_may_end_at_any_point_of_a_copy(void **state) {
    (void)state;
    const qn_graph *graph = graph_of(picture);
    int refused = 0;
    for (size_t budget = 0;; budget++) {
        meter m;
        const qn_allocator allocator = meter_allocator(&m, budget);
        qn_arena small;
        qn_graph *copy = (qn_graph *)(uintptr_t)graph;
        qn_arena_init(&small, &allocator);
        qn_status *status = qn_graph_copy(graph, &small, &copy);
        int ended = !status;
        if (status) {
            assert_int_equal(qn_status_code(status), QN_OUT_OF_MEMORY);
            assert_null(copy);
            refused++;
        } else {
            expect_same_text(graph, copy);
        }
        qn_status_free(status);
        qn_arena_deinit(&small);
        assert_int_equal(m.live, 0);
        if (ended) break;
    }
    assert_true(refused > 5);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_copy_prints_the_same_text, setup, teardown),
        cmocka_unit_test_setup_teardown(a_copy_knows_what_is_not_printed, setup, teardown),
        cmocka_unit_test_setup_teardown(what_happens_to_a_copy_leaves_the_original_alone, setup, teardown),
        cmocka_unit_test_setup_teardown(what_happens_to_the_original_leaves_a_copy_alone, setup, teardown),
        cmocka_unit_test_setup_teardown(dead_values_are_not_copied, setup, teardown),
        cmocka_unit_test_setup_teardown(a_copy_of_a_copy_is_the_same_again, setup, teardown),
        cmocka_unit_test_setup_teardown(memory_may_end_at_any_point_of_a_copy, setup, teardown),
    };
    return cmocka_run_group_tests_name("ir/copy", tests, NULL, NULL);
}
