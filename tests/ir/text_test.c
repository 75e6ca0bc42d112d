/* The text form: what is printed in full parses back to the same graph; what is malformed is refused with its line. */
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

static const char *print(const qn_graph *graph, int full) {
    qn_buffer buffer;
    qn_buffer_init(&buffer, NULL);
    qn_graph_print(graph, full, &buffer);
    const char *text = qn_arena_copy_string(&arena, qn_buffer_text(&buffer), buffer.size);
    qn_buffer_deinit(&buffer);
    return text;
}

static qn_graph *parse(const char *text) {
    qn_graph *graph = NULL;
    qn_status *status = qn_graph_parse(&arena, text, &graph);
    if (status) fail_msg("%s", qn_status_message(status));
    return graph;
}

static const char sample[] =
    "graph \"a \\\"name\\\"\" {\n"
    "  symbol x.1 [1, 513] \"too large\"\n"
    "  symbol \"in put/0.1\" [0, *]\n"
    "  input %x : f32[1, x.1, \"in put/0.1\", 3]\n"
    "  const %w : f32[3, 1, 3, 2] = {1, -2.5, 0.1, 1e-45, 3.4028235e+38, -0, 0x7fc00001, 0xff800000, 1e+20, "
    "0.33333334, 7, 8, 9, 10, 11, 12,\n"
    "    13, 14}\n"
    "  const %half : f16[2] = {0.333251953, 6.10351562e-05}\n"
    "  const %double : f64[1] = {0.10000000000000001}\n"
    "  const %flags : bool[2] = {1, 0}\n"
    "  const %\"odd name, really\" : u64[1] = {18446744073709551615}\n"
    "  const %long : s64[2] = {-9223372036854775808, 9223372036854775807}\n"
    "  const %zeros : u8[4, 4] = splat 0\n"
    "  const %empty : f32[0] = {}\n"
    "  const %text : string[2]\n"
    "  %scope/conv-1:0 : f32[1, floor((x.1 + 1) / 2), \"in put/0.1\", 2] = conv2d(%x, %w) {stride=[2, 1], "
    "padding=same_upper}"
    " name \"scope/conv-1\" source \"tensorflow: node 'conv' (Conv2D)\"\n"
    "  %y : ? = relu(%scope/conv-1:0)\n"
    "  check [max(\"in put/0.1\" + -7, 0) + -2 * x.1 * \"in put/0.1\" + 3] \"a \\\"check\\\"\"\n"
    "  output %y\n"
    "}\n";

static void what_is_printed_in_full_parses_to_the_same_text(void **state) {
    (void)state;
    const char *once = print(parse(sample), 1);
    assert_string_equal(print(parse(once), 1), once);
}

static void parsed_values_are_those_written(void **state) {
    (void)state;
    qn_graph *graph = parse(sample);
    qn_view w = qn_value_view(qn_graph_find_value(graph, "w"));
    uint32_t bits[18];
    memcpy(bits, w.data, sizeof bits);
    assert_int_equal(bits[3], 1);
    assert_int_equal(bits[5], 0x80000000u);
    assert_int_equal(bits[6], 0x7fc00001u);
    assert_int_equal(bits[7], 0xff800000u);
    assert_true(((const float *)w.data)[1] == -2.5f);
    qn_view longs = qn_value_view(qn_graph_find_value(graph, "long"));
    assert_true(qn_view_get_int(&longs, 0) == INT64_MIN && qn_view_get_int(&longs, 1) == INT64_MAX);
    qn_node *conv = qn_graph_find_node(graph, "scope/conv-1");
    assert_non_null(conv);
    assert_string_equal(conv->source, "tensorflow: node 'conv' (Conv2D)");
    assert_int_equal(((const qn_conv2d_attrs *)conv->attrs)->stride.values[0], 2);
    assert_int_equal(graph->checks.count, 1);
    assert_string_equal(graph->checks.items[0].message, "a \"check\"");
    qn_dim symbol;
    assert_true(qn_dim_symbol_find(graph->dims, "in put/0.1", &symbol));
}

static void long_constants_are_shown_by_hash_unless_everything_is_asked_for(void **state) {
    (void)state;
    const char *text = print(parse(sample), 0);
    assert_non_null(strstr(text, "const %w : f32[3, 1, 3, 2] = hash 0x"));
    assert_null(strstr(text, "source"));
    qn_graph *graph;
    qn_status *status = qn_graph_parse(&arena, text, &graph);
    assert_non_null(strstr(qn_status_message(status), "hash"));
    qn_status_free(status);
}

static void random_constants_are_the_same_every_time(void **state) {
    (void)state;
    const char *text = "graph \"g\" {\n  const %a : f32[40] = random 7\n  const %b : f32[40] = random 7\n  const %c : "
                       "f32[40] = random 8\n}\n";
    qn_graph *graph = parse(text);
    const float *a = qn_graph_find_value(graph, "a")->data, *b = qn_graph_find_value(graph, "b")->data;
    assert_memory_equal(a, b, 160);
    assert_true(memcmp(a, qn_graph_find_value(graph, "c")->data, 160) != 0);
}

static void expect_refused(const char *text, const char *part) {
    qn_graph *graph;
    qn_status *status = qn_graph_parse(&arena, text, &graph);
    if (!status || !strstr(qn_status_message(status), part))
        fail_msg("'%s': expected an error with '%s', found '%s'", text, part, qn_status_message(status));
    qn_status_free(status);
}

static void malformed_text_is_refused_with_its_line(void **state) {
    (void)state;
    expect_refused("", "expected 'graph'");
    expect_refused("graph \"g\" {\n  what(%x)\n}", "line 2: expected an operator");
    expect_refused("graph \"g\" {\n  input %x : f32[2]\n  %y = relu(%z)\n}", "line 3: no value is named 'z'");
    expect_refused("graph \"g\" {\n  input %x : f32[2]\n  input %x : f32[2]\n}", "line 3: two values are named 'x'");
    expect_refused("graph \"g\" {\n  input %x : f99[2]\n}", "line 2: expected an element type");
    expect_refused("graph \"g\" {\n  const %x : s8[2] = {1, 128}\n}", "expected s8 at '128");
    expect_refused("graph \"g\" {\n  const %x : f32[3] = {1, 2}\n}", "expected ','");
    expect_refused("graph \"g\" {\n  const %x : f32[1000000, 1000000] = splat 0\n}", "elements");
    expect_refused("graph \"g\" {\n  input %x : f32[1, 2, 3, 4, 5, 6, 7, 8, 9]\n}", "8 dims");
    expect_refused("graph \"g\" {\n  symbol h [3, 2]\n}", "empty");
    expect_refused("graph \"g\" {\n  input %x : f32[2]\n  %y = add(%x)\n}", "add takes 2 inputs, found 1");
    expect_refused("graph \"g\" {\n  input %x : f32[2]\n  %y = softmax(%x) {axes=1}\n}", "line 3");
    expect_refused("graph \"g\" {", "operator");
}

/* Cutting or changing one byte must never crash; sanitizers watch. */
static void damaged_text_never_crashes(void **state) {
    (void)state;
    qn_rng rng;
    qn_rng_init(&rng, 99);
    const char *whole = print(parse(sample), 1);
    size_t length = strlen(whole);
    for (int i = 0; i < 3000; i++) {
        qn_arena scratch;
        qn_arena_init(&scratch, NULL);
        char *copy = qn_arena_copy_string(&scratch, whole, length);
        copy[qn_rng_range(&rng, 0, (int64_t)length - 1)] = (char)(i % 2 ? qn_rng_range(&rng, 1, 127) : 0);
        qn_graph *graph;
        qn_status *status = qn_graph_parse(&scratch, copy, &graph);
        if (!status) {
            status = qn_graph_infer(graph);
            if (!status) status = qn_graph_verify(graph);
            assert_int_not_equal(qn_status_code(status), QN_INTERNAL);
        }
        qn_status_free(status);
        qn_arena_deinit(&scratch);
    }
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        CASE(what_is_printed_in_full_parses_to_the_same_text),
        CASE(parsed_values_are_those_written),
        CASE(long_constants_are_shown_by_hash_unless_everything_is_asked_for),
        CASE(random_constants_are_the_same_every_time),
        CASE(malformed_text_is_refused_with_its_line),
        CASE(damaged_text_never_crashes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
