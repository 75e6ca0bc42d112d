/* narrow_types: 64-bit numbers become 32-bit ones, and constants that do not fit are told of. */
#include "pass_case.h"

#include "pass/narrow_types.h"

#include <stdio.h>
#include <string.h>

typedef struct heard {
    int count;
    char last[512];
} heard;

static void listen(void *self, const char *message) {
    heard *h = self;
    h->count++;
    snprintf(h->last, sizeof h->last, "%s", message);
}

/* The graph after narrowing. */
static qn_graph *narrow(qn_arena *arena, const char *statements, heard *out) {
    memset(out, 0, sizeof *out);
    qn_graph *graph = graph_from(arena, statements);
    expect_ok(qn_narrow_types(graph, listen, out));
    expect_ok(qn_graph_verify(graph));
    return graph;
}

static qn_dtype type_of(const qn_graph *graph, const char *name) {
    return qn_graph_find_value(graph, name)->type.dtype;
}

static void inputs_constants_and_results_become_32_bits_wide(void **state) {
    (void)state;
    qn_arena arena;
    heard h;
    qn_arena_init(&arena, NULL);
    qn_graph *graph =
        narrow(&arena,
               "input %x : s64[n]\ninput %f : f64[2]\nconst %c : s64[1] = {5}\nconst %d : f64[2] = {0.5, 0.1}\n"
               "%y = add(%x, %c)\n%z = mul(%f, %d)\noutput %y\noutput %z",
               &h);
    assert_int_equal(h.count, 0);
    assert_int_equal(type_of(graph, "x"), QN_DTYPE_S32);
    assert_int_equal(type_of(graph, "y"), QN_DTYPE_S32);
    assert_int_equal(type_of(graph, "f"), QN_DTYPE_F32);
    assert_int_equal(type_of(graph, "z"), QN_DTYPE_F32);
    qn_view c = qn_value_view(qn_graph_find_value(graph, "c")), d = qn_value_view(qn_graph_find_value(graph, "d"));
    assert_int_equal(qn_view_get_int(&c, 0), 5);
    assert_true(qn_view_get(&d, 1) == (double)0.1f);
    qn_arena_deinit(&arena);
}

static void constants_that_do_not_fit_stop_at_the_ends_with_a_warning(void **state) {
    (void)state;
    qn_arena arena;
    heard h;
    qn_arena_init(&arena, NULL);
    qn_graph *graph = narrow(&arena,
                             "input %x : s64[3]\nconst %c : s64[3] = {9223372036854775807, -2147483649, 7}\n"
                             "const %d : f64[1] = {1e300}\n%y = add(%x, %c)\n%z = add(%d, %d)\noutput %y\noutput %z",
                             &h);
    assert_int_equal(h.count, 2);
    qn_view c = qn_value_view(qn_graph_find_value(graph, "c"));
    assert_int_equal(qn_view_get_int(&c, 0), INT32_MAX);
    assert_int_equal(qn_view_get_int(&c, 1), INT32_MIN);
    assert_int_equal(qn_view_get_int(&c, 2), 7);
    assert_non_null(strstr(h.last, "constant 'd': 1 of 1 numbers do not fit f32"));
    qn_arena_deinit(&arena);
}

static void attributes_that_name_a_type_follow(void **state) {
    (void)state;
    qn_arena arena;
    heard h;
    qn_arena_init(&arena, NULL);
    qn_graph *graph = narrow(&arena,
                             "input %x : f32[h, 3]\n%s = shape(%x) {dtype=s64}\n%a = argmax(%x) {axis=1, dtype=s64}\n"
                             "%c = cast(%a) {dtype=f64}\noutput %s\noutput %a\noutput %c",
                             &h);
    assert_int_equal(type_of(graph, "s"), QN_DTYPE_S32);
    assert_int_equal(type_of(graph, "a"), QN_DTYPE_S32);
    assert_int_equal(type_of(graph, "c"), QN_DTYPE_F32);
    qn_arena_deinit(&arena);
}

static void an_operator_that_only_has_64_bits_is_followed_by_a_cast(void **state) {
    (void)state;
    qn_arena arena;
    heard h;
    qn_arena_init(&arena, NULL);
    qn_graph *graph = narrow(
        &arena,
        "input %x : bool[4]\nconst %one : s64[1] = {1}\n%w = where(%x)\n%y = add(%w, %one)\noutput %w\noutput %y", &h);
    assert_int_equal(type_of(graph, "w"), QN_DTYPE_S32); /* the name of the output stays with the output */
    assert_int_equal(type_of(graph, "y"), QN_DTYPE_S32);
    assert_ptr_equal(graph->outputs.items[0], qn_graph_find_value(graph, "w"));
    assert_ptr_equal(graph->outputs.items[0]->producer->op, &qn_op_cast);
    qn_arena_deinit(&arena);
}

static void shape_arithmetic_is_followed_as_before(void **state) {
    (void)state;
    qn_arena arena;
    heard h;
    qn_arena_init(&arena, NULL);
    qn_graph *graph =
        narrow(&arena,
               "symbol h [1, 9]\ninput %x : f32[h, 3]\nconst %three : s64[] = {3}\nconst %b : s64[1] = {0}\nconst %e : "
               "s64[1] = {1}\n"
               "const %st : s64[1] = {1}\n%s = shape(%x) {dtype=s64}\n%n = strided_slice(%s, %b, %e, %st)\n"
               "const %m : s64[1] = {-1}\n%t = concat(%n, %m) {axis=0}\n%y = reshape(%x, %t)\noutput %y",
               &h);
    int64_t three;
    const qn_value *y = qn_graph_find_value(graph, "y");
    assert_true(qn_dim_is_symbol(graph->dims, y->type.dims[0]));
    assert_true(qn_dim_is_const(graph->dims, y->type.dims[1], &three) && three == 3);
    qn_arena_deinit(&arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(inputs_constants_and_results_become_32_bits_wide),
        cmocka_unit_test(constants_that_do_not_fit_stop_at_the_ends_with_a_warning),
        cmocka_unit_test(attributes_that_name_a_type_follow),
        cmocka_unit_test(an_operator_that_only_has_64_bits_is_followed_by_a_cast),
        cmocka_unit_test(shape_arithmetic_is_followed_as_before),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
