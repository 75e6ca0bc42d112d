/* Inference over small graphs given as text: shapes as expressions, contents, checks, and what is learned from them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

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

static qn_graph *parse(const char *text) {
    qn_graph *graph = NULL;
    qn_status *status = qn_graph_parse(&arena, text, &graph);
    if (status) fail_msg("%s", qn_status_message(status));
    return graph;
}

static qn_graph *infer(const char *text) {
    qn_graph *graph = parse(text);
    qn_status *status = qn_graph_infer(graph);
    if (!status) status = qn_graph_verify(graph);
    if (status) fail_msg("%s", qn_status_message(status));
    return graph;
}

static void expect_error(const char *text, const char *part) {
    qn_status *status = qn_graph_infer(parse(text));
    if (!status || !strstr(qn_status_message(status), part))
        fail_msg("expected an error with '%s', found '%s'", part, qn_status_message(status));
    qn_status_free(status);
}

static void expect_dim(qn_graph *graph, const char *name, int axis, const char *expected) {
    qn_value *value = qn_graph_find_value(graph, name);
    qn_dim dim;
    assert_non_null(value);
    assert_true(axis < value->type.rank);
    assert_null(qn_dim_parse(graph->dims, expected, &dim));
    if (qn_dim_same(dim, value->type.dims[axis])) return;
    qn_buffer text;
    qn_buffer_init(&text, NULL);
    qn_dim_print(graph->dims, value->type.dims[axis], &text);
    print_error("dim %d of %s: expected %s, found %s\n", axis, name, expected, qn_buffer_text(&text));
    qn_buffer_deinit(&text);
    fail();
}

static void expect_contents(qn_graph *graph, const char *name, int count, const char *const *expected) {
    qn_value *value = qn_graph_find_value(graph, name);
    assert_non_null(value);
    if (!value->contents) fail_msg("the elements of %s are unknown", name);
    for (int i = 0; i < count; i++) {
        qn_dim dim;
        assert_null(qn_dim_parse(graph->dims, expected[i], &dim));
        if (!qn_dim_same(dim, value->contents[i])) fail_msg("element %d of %s is not %s", i, name, expected[i]);
    }
}

static void shapes_follow_expressions(void **state) {
    (void)state;
    qn_graph *graph = infer("graph \"g\" {\n"
                            "  symbol h [1, 513]\n"
                            "  input %x : f32[1, h, 33, 3]\n"
                            "  const %w : f32[3, 3, 3, 8] = splat 1\n"
                            "  %y = conv2d(%x, %w) {stride=[2, 2], padding=same_upper}\n"
                            "  %z = max_pool2d(%y) {kernel=[2, 2], stride=[2, 2], padding=same_upper}\n"
                            "  output %z\n"
                            "}\n");
    expect_dim(graph, "y", 1, "ceil(h / 2)");
    expect_dim(graph, "z", 1, "ceil(h / 4)");
    expect_dim(graph, "z", 2, "9");
    expect_dim(graph, "z", 3, "8");
    assert_int_equal(graph->checks.count, 0);
}

/* Shape -> StridedSlice -> Maximum -> Sub -> stack -> Pad, as in DeepLab's preprocessing. */
static const char preprocessing[] =
    "graph \"g\" {\n"
    "  symbol x.1 [1, *]\n"
    "  symbol x.2 [1, *]\n"
    "  input %x : f32[1, x.1, x.2, 3]\n"
    "  const %zero : s32[1] = {0}\n"
    "  const %one : s32[1] = {1}\n"
    "  const %two : s32[1] = {2}\n"
    "  const %three : s32[1] = {3}\n"
    "  const %limit : s32[] = {513}\n"
    "  const %none : s32[] = {0}\n"
    "  %shape = shape(%x)\n"
    "  %h = strided_slice(%shape, %one, %two, %one) {shrink_axis_mask=1}\n"
    "  %w = strided_slice(%shape, %two, %three, %one) {shrink_axis_mask=1}\n"
    "  %ht = maximum(%h, %limit)\n"
    "  %wt = maximum(%w, %limit)\n"
    "  %hp = sub(%ht, %h)\n"
    "  %wp = sub(%wt, %w)\n"
    "  %nothing = stack(%none, %none) {axis=0}\n"
    "  %rows = stack(%none, %hp) {axis=0}\n"
    "  %columns = stack(%none, %wp) {axis=0}\n"
    "  %paddings = stack(%nothing, %rows, %columns, %nothing) {axis=0}\n"
    "  %padded = pad(%x, %paddings)\n"
    "  %fits = less_equal(%ht, %limit)\n"
    "  assert(%fits) {message=\"the picture is too high\"} name \"check\" source \"node 'check'\"\n"
    "  output %padded\n"
    "}\n";

static void preprocessing_becomes_shape_arithmetic(void **state) {
    (void)state;
    qn_graph *graph = infer(preprocessing);
    expect_dim(graph, "padded", 1, "513"); /* the assertion bounds the height */
    expect_dim(graph, "padded", 2, "max(x.2, 513)");
    const char *const paddings[] = {"0", "0", "0", "513 - x.1", "0", "max(513, x.2) - x.2", "0", "0"};
    expect_contents(graph, "paddings", 8, paddings);
}

static void a_failure_tells_programs_its_node(void **state) {
    (void)state;
    static const char *const sources[] = {"", " source \"tensorflow: node 'a/Shape: b' (Reshape)\""};
    for (int i = 0; i < 2; i++) {
        char text[512];
        snprintf(text, sizeof text,
                 "graph \"g\" {\ninput %%x : f32[2, 3]\nconst %%to : s32[1] = {5}\n"
                 "%%y = reshape(%%x, %%to) name \"flat\"%s\noutput %%y\n}",
                 sources[i]);
        qn_status *status = qn_graph_infer(parse(text));
        assert_non_null(status);
        assert_string_equal(qn_status_node(status), "flat");
        qn_status_free(status);
    }
}

static void assertions_narrow_the_range_and_say_why(void **state) {
    (void)state;
    qn_graph *graph = infer(preprocessing);
    qn_dim symbol;
    int64_t low, high;
    assert_true(qn_dim_symbol_find(graph->dims, "x.1", &symbol));
    qn_dim_range(graph->dims, symbol, &low, &high);
    assert_int_equal(low, 1);
    assert_int_equal(high, 513);
    assert_non_null(strstr(qn_dim_symbol_reason(graph->dims, symbol), "the picture is too high"));
    assert_true(qn_dim_symbol_find(graph->dims, "x.2", &symbol));
    qn_dim_range(graph->dims, symbol, &low, &high);
    assert_true(high == QN_DIM_UNBOUNDED);
    assert_int_equal(graph->checks.count, 0); /* the range says it all */
}

/* More elements than contents are kept of, and what is no constant is nobody's to judge. */
static void operators_judge_constants(void **state) {
    (void)state;
    expect_error("graph \"g\" {\n"
                 "  input %x : f32[4, 100]\n"
                 "  const %m : f32[1] = {2}\n"
                 "  const %z : s32[100] = splat 256\n"
                 "  %q = quantize_linear(%x, %m, %z)\n"
                 "  output %q\n"
                 "}\n",
                 "node 'q' (quantize_linear): channel 0: zero_point is 256; expected 0 to 255 for u8");
    infer("graph \"g\" {\n"
          "  input %x : f32[4, 100]\n"
          "  const %m : f32[1] = {2}\n"
          "  input %z : s32[100]\n"
          "  %q = quantize_linear(%x, %m, %z)\n"
          "  output %q\n"
          "}\n");
}

static void a_demand_on_two_symbols_becomes_a_check(void **state) {
    (void)state;
    qn_graph *graph = infer("graph \"g\" {\n"
                            "  symbol a [2, 9]\n"
                            "  symbol b [2, 9]\n"
                            "  input %x : f32[a]\n"
                            "  input %y : f32[b]\n"
                            "  %z = add(%x, %y)\n"
                            "  %again = add(%x, %y)\n"
                            "  output %z\n"
                            "}\n");
    assert_int_equal(graph->checks.count, 1);
    assert_non_null(strstr(graph->checks.items[0].message, "node 'z' (add)"));
}

static void operands_broadcast_where_a_dim_may_be_one(void **state) {
    (void)state;
    qn_graph *graph = infer("graph \"g\" {\n"
                            "  symbol a [1, 9]\n"
                            "  symbol b [1, 9]\n"
                            "  symbol c [0, 9]\n"
                            "  input %x : f32[a, 1, c]\n"
                            "  input %y : f32[b, 5, c]\n"
                            "  const %seven : f32[7] = splat 1\n"
                            "  %both = add(%x, %y)\n"
                            "  %fixed = add(%both, %seven)\n"
                            "  output %fixed\n"
                            "}\n");
    expect_dim(graph, "both", 0, "max(a, b)");
    expect_dim(graph, "both", 1, "5");
    expect_dim(graph, "both", 2, "c");
    expect_dim(graph, "fixed", 2, "7");
    assert_int_equal(graph->checks.count, 2); /* a and b; c and 7 */
    int64_t low, high;
    qn_dim_range(graph->dims, qn_graph_find_value(graph, "both")->type.dims[2], &low, &high);
    assert_true(low == 1 && high == 7);
}

static void an_equality_pins_a_symbol_everywhere(void **state) {
    (void)state;
    qn_graph *graph = infer("graph \"g\" {\n"
                            "  symbol n [1, *]\n"
                            "  input %x : f32[n, 4]\n"
                            "  const %w : f32[7, 4] = splat 1\n"
                            "  const %to : s32[1] = {28}\n"
                            "  %flat = reshape(%x, %to)\n"
                            "  %y = relu(%x)\n"
                            "  output %y\n"
                            "  output %flat\n"
                            "}\n");
    expect_dim(graph, "y", 0, "7");
    expect_dim(graph, "x", 0, "7");
    assert_int_equal(graph->checks.count, 0);
}

static void what_can_never_hold_is_an_error_with_the_node(void **state) {
    (void)state;
    expect_error("graph \"g\" {\n"
                 "  symbol n [3, 5]\n"
                 "  input %x : f32[n]\n"
                 "  const %w : f32[7] = splat 1\n"
                 "  %y = add(%x, %w) source \"tensorflow: node 'y' (Add)\"\n"
                 "}\n",
                 "tensorflow: node 'y' (Add): ");
    expect_error("graph \"g\" {\n"
                 "  const %no : bool[] = {0}\n"
                 "  assert(%no) {message=\"never\"} name \"guard\"\n"
                 "}\n",
                 "never");
}

static void elements_are_followed_through_any_operator_of_known_numbers(void **state) {
    (void)state;
    qn_graph *graph = infer("graph \"g\" {\n"
                            "  const %a : s32[2, 2] = {1, 2, 3, 4}\n"
                            "  const %axis : s32[1] = {0}\n"
                            "  const %perm : s32[2] = {1, 0}\n"
                            "  const %f : f32[2] = {2.5, -1}\n"
                            "  %sums = reduce_sum(%a, %axis)\n"
                            "  %turned = transpose(%a, %perm)\n"
                            "  %cut = cast(%f) {dtype=s64}\n"
                            "}\n");
    expect_contents(graph, "sums", 2, (const char *const[]){"4", "6"});
    expect_contents(graph, "turned", 4, (const char *const[]){"1", "3", "2", "4"});
    expect_contents(graph, "cut", 2, (const char *const[]){"2", "-1"});
}

static void inferring_again_changes_nothing(void **state) {
    (void)state;
    qn_graph *graph = infer(preprocessing);
    qn_buffer first, second;
    qn_buffer_init(&first, NULL);
    qn_buffer_init(&second, NULL);
    qn_graph_print(graph, 1, &first);
    assert_null(qn_graph_infer(graph));
    qn_graph_print(graph, 1, &second);
    assert_string_equal(qn_buffer_text(&first), qn_buffer_text(&second));
    qn_buffer_deinit(&first);
    qn_buffer_deinit(&second);
}

static void dims_known_only_at_run_time_get_one_bounded_symbol(void **state) {
    (void)state;
    qn_graph *graph = infer("graph \"g\" {\n"
                            "  symbol n [1, 40]\n"
                            "  input %x : bool[n, 3]\n"
                            "  %found = where(%x)\n"
                            "  output %found\n"
                            "}\n");
    int64_t low, high;
    qn_dim dim = qn_graph_find_value(graph, "found")->type.dims[0];
    assert_true(qn_dim_is_symbol(graph->dims, dim));
    qn_dim_range(graph->dims, dim, &low, &high);
    assert_int_equal(low, 0);
    assert_int_equal(high, 120);
    size_t count = qn_dim_symbol_count(graph->dims);
    assert_null(qn_graph_infer(graph));
    assert_int_equal(qn_dim_symbol_count(graph->dims), count);
}

typedef struct failing {
    int64_t left;
} failing;

static void *failing_alloc(void *self, size_t bytes, size_t align) {
    failing *f = self;
    if (f->left-- <= 0) return NULL;
    return qn_allocator_default()->alloc(qn_allocator_default()->self, bytes, align);
}

static void failing_free(void *self, void *block) {
    (void)self;
    qn_allocator_default()->free(qn_allocator_default()->self, block);
}

/* Arenas ask for large pieces, so it takes a large graph to make the allocator fail in many places. */
static void running_out_of_memory_is_an_error_wherever_it_happens(void **state) {
    (void)state;
    qn_buffer text;
    qn_buffer_init(&text, NULL);
    qn_buffer_printf(&text,
                     "graph \"g\" {\n  symbol h [1, *]\n  input %%v0 : f32[1, h, 9, 4]\n  const %%s : s32[1] = {1}\n");
    for (int i = 0; i < 50; i++)
        qn_buffer_printf(&text,
                         "  %%p%d = max_pool2d(%%v%d) {kernel=[2, 2], stride=[1, 1], padding=same_upper}\n"
                         "  %%t%d = shape(%%p%d)\n  %%q%d = strided_slice(%%t%d, %%s, %%s, %%s) {shrink_axis_mask=1}\n"
                         "  %%v%d = add(%%p%d, %%p%d)\n",
                         i, i, i, i, i, i, i + 1, i, i);
    qn_buffer_printf(&text, "}\n");
    int succeeded = 0;
    for (int64_t allowed = 0; !succeeded; allowed++) {
        failing f = {allowed};
        const qn_allocator allocator = {&f, failing_alloc, failing_free};
        qn_arena limited;
        qn_graph *graph;
        qn_arena_init(&limited, &allocator);
        qn_status *status = qn_graph_parse(&limited, qn_buffer_text(&text), &graph);
        if (!status) status = qn_graph_infer(graph);
        succeeded = !status;
        if (status && qn_status_code(status) != QN_OUT_OF_MEMORY) fail_msg("%s", qn_status_message(status));
        qn_status_free(status);
        qn_arena_deinit(&limited);
    }
    qn_buffer_deinit(&text);
}

static void a_missing_input_is_an_error_with_the_node(void **state) {
    (void)state;
    expect_error("graph \"g\" {\n"
                 "  input %x : f32[4]\n"
                 "  %y = add(%x, none)\n"
                 "}\n",
                 "node 'y' (add): input 1 is missing");
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        CASE(shapes_follow_expressions),
        CASE(preprocessing_becomes_shape_arithmetic),
        CASE(a_failure_tells_programs_its_node),
        CASE(assertions_narrow_the_range_and_say_why),
        CASE(operators_judge_constants),
        CASE(a_demand_on_two_symbols_becomes_a_check),
        CASE(operands_broadcast_where_a_dim_may_be_one),
        CASE(an_equality_pins_a_symbol_everywhere),
        CASE(what_can_never_hold_is_an_error_with_the_node),
        CASE(elements_are_followed_through_any_operator_of_known_numbers),
        CASE(inferring_again_changes_nothing),
        CASE(dims_known_only_at_run_time_get_one_bounded_symbol),
        CASE(running_out_of_memory_is_an_error_wherever_it_happens),
        CASE(a_missing_input_is_an_error_with_the_node),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
