/* Editing graphs keeps use lists, names and order exact; hostile sizes stay linear. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ir/graph.h"

static uint64_t seed = 20240612;

static void check(qn_status *status) {
    if (status) fail_msg("%s", qn_status_message(status));
}

static int setup(void **state) {
    static qn_arena arena;
    qn_arena_init(&arena, NULL);
    *state = qn_graph_create(&arena, "test");
    return *state ? 0 : -1;
}

static int teardown(void **state) {
    qn_arena_deinit(((qn_graph *)*state)->arena);
    return 0;
}

static qn_value *add_input(qn_graph *graph, const char *name) {
    qn_type type = {.dtype = QN_DTYPE_F32, .rank = 1, .dims = {qn_dim_const(graph->dims, 4)}};
    qn_value *value;
    check(qn_graph_add_input(graph, name, &type, &value));
    return value;
}

static qn_value *add_node(qn_graph *graph, const qn_op_def *op, const char *name, qn_value *a, qn_value *b) {
    qn_value *inputs[2] = {a, b};
    qn_node *node;
    check(qn_graph_add_node(graph, op, name, NULL, op->min_inputs, inputs, NULL, &node));
    if (a && (b || op->min_inputs < 2)) check(qn_node_infer(graph, node));
    return node->outputs[0];
}

static qn_value *relu(qn_graph *graph, const char *name, qn_value *a) {
    return add_node(graph, &qn_op_relu, name, a, NULL);
}

static void names_that_are_taken_get_a_suffix(void **state) {
    qn_graph *graph = *state;
    qn_value *x = add_input(graph, "x"), *a = relu(graph, "y", x), *b = relu(graph, "y", a), *c = relu(graph, NULL, b);
    assert_string_equal(a->name, "y");
    assert_string_equal(b->name, "y_1");
    assert_string_equal(c->name, "relu");
    assert_string_equal(b->producer->name, "y_1");
    assert_ptr_equal(qn_graph_find_value(graph, "y_1"), b);
    assert_null(qn_graph_find_value(graph, "z"));
    check(qn_graph_mark_output(graph, a));
    qn_graph_remove_dead(graph);
    assert_null(qn_graph_find_value(graph, "y_1"));
    assert_string_equal(relu(graph, "y_1", a)->name, "y_1");
    check(qn_graph_verify(graph));
}

static void replacing_an_output_keeps_its_name(void **state) {
    qn_graph *graph = *state;
    qn_value *x = add_input(graph, "x"), *old = relu(graph, "out", x), *user = relu(graph, "user", old);
    check(qn_graph_mark_output(graph, old));
    qn_node *node;
    check(qn_graph_add_node(graph, &qn_op_abs, "fresh", NULL, 1, &x, old->producer, &node));
    check(qn_node_infer(graph, node));
    check(qn_graph_replace_value(graph, old, node->outputs[0]));
    assert_string_equal(node->outputs[0]->name, "out");
    assert_ptr_equal(qn_graph_find_value(graph, "out"), node->outputs[0]);
    assert_ptr_equal(graph->outputs.items[0], node->outputs[0]);
    assert_ptr_equal(user->producer->inputs[0], node->outputs[0]);
    assert_int_equal(old->uses.count, 0);
    assert_int_equal(qn_graph_remove_dead(graph), 2);
    check(qn_graph_verify(graph));
}

static void an_output_is_not_given_to_a_value_whose_name_is_promised(void **state) {
    qn_graph *graph = *state;
    qn_value *x = add_input(graph, "x"), *y = relu(graph, "y", x), *z = relu(graph, "z", y);
    check(qn_graph_mark_output(graph, y));
    check(qn_graph_replace_value(graph, y, x));
    assert_string_equal(x->name, "x");
    assert_true(y->is_output && !x->is_output);
    assert_ptr_equal(z->producer->inputs[0], x);
    check(qn_graph_verify(graph));
}

static void an_output_is_unmarked_and_the_others_keep_their_order(void **state) {
    qn_graph *graph = *state;
    qn_value *x = add_input(graph, "x"), *a = relu(graph, "a", x), *b = relu(graph, "b", a), *c = relu(graph, "c", b);
    qn_value *const outputs[] = {c, a, b};
    for (int i = 0; i < 3; i++) check(qn_graph_mark_output(graph, outputs[i]));
    qn_graph_unmark_output(graph, a);
    assert_int_equal(graph->outputs.count, 2);
    assert_ptr_equal(graph->outputs.items[0], c);
    assert_ptr_equal(graph->outputs.items[1], b);
    assert_false(a->is_output);
    assert_int_equal(a->uses.count, 1);
    qn_graph_unmark_output(graph, c);
    assert_int_equal(qn_graph_remove_dead(graph), 1);
    check(qn_graph_verify(graph));
    check(qn_graph_mark_output(graph, a));
    assert_ptr_equal(graph->outputs.items[1], a);
}

static void an_output_is_replaced_in_its_place_and_names_stay(void **state) {
    qn_graph *graph = *state;
    qn_value *x = add_input(graph, "x"), *a = relu(graph, "a", x), *b = relu(graph, "b", a), *c = relu(graph, "c", b);
    check(qn_graph_mark_output(graph, a));
    check(qn_graph_mark_output(graph, c));
    qn_graph_replace_output(graph, a, b);
    assert_int_equal(graph->outputs.count, 2);
    assert_ptr_equal(graph->outputs.items[0], b);
    assert_ptr_equal(graph->outputs.items[1], c);
    assert_true(b->is_output && !a->is_output);
    assert_string_equal(b->name, "b");
    assert_ptr_equal(b->producer->inputs[0], a);
    check(qn_graph_verify(graph));
}

static void a_chain_comes_between_a_value_and_whoever_read_it(void **state) {
    qn_graph *graph = *state;
    qn_value *x = add_input(graph, "x"), *one = relu(graph, "one", x),
             *twice = add_node(graph, &qn_op_add, "twice", x, x);
    check(qn_graph_mark_output(graph, one));
    check(qn_graph_mark_output(graph, twice));
    qn_node *head, *tail;
    check(qn_graph_add_node(graph, &qn_op_neg, "head", NULL, 1, &x, graph->first, &head));
    check(qn_graph_add_node(graph, &qn_op_neg, "tail", NULL, 1, head->outputs, head->next, &tail));
    check(qn_node_infer(graph, head));
    check(qn_node_infer(graph, tail));
    check(qn_graph_insert_after(graph, x, head, tail->outputs[0]));
    assert_int_equal(x->uses.count, 1);
    assert_ptr_equal(x->uses.items[0].node, head);
    assert_int_equal(tail->outputs[0]->uses.count, 3);
    assert_ptr_equal(twice->producer->inputs[0], tail->outputs[0]);
    assert_ptr_equal(twice->producer->inputs[1], tail->outputs[0]);
    check(qn_graph_verify(graph));
}

static void an_input_takes_another_type_and_inference_carries_it_on(void **state) {
    qn_graph *graph = *state;
    qn_value *x = add_input(graph, "x"), *y = relu(graph, "y", x);
    check(qn_graph_mark_output(graph, y));
    const qn_type type = {.dtype = QN_DTYPE_F32,
                          .rank = 2,
                          .dims = {qn_dim_const(graph->dims, 3), qn_dim_symbol(graph->dims, "n", 1, 9)}};
    qn_value_retype_input(x, &type);
    check(qn_graph_infer(graph));
    assert_int_equal(y->type.rank, 2);
    assert_true(qn_dim_same(y->type.dims[1], type.dims[1]));
    check(qn_graph_verify(graph));
}

static void nodes_are_sorted_with_their_order_kept_where_it_can_be(void **state) {
    qn_graph *graph = *state;
    qn_value *x = add_input(graph, "x");
    qn_value *late = add_node(graph, &qn_op_add, "late", x, NULL);
    qn_value *a = relu(graph, "a", x), *b = relu(graph, "b", x), *c = relu(graph, "c", b);
    check(qn_node_set_input(graph, late->producer, 1, c));
    qn_status *status = qn_graph_verify(graph);
    assert_int_equal(qn_status_code(status), QN_INTERNAL);
    qn_status_free(status);
    check(qn_graph_sort(graph));
    check(qn_graph_infer(graph));
    check(qn_graph_verify(graph));
    const qn_value *order[] = {b, c, late, a};
    qn_node *node = graph->first;
    for (size_t i = 0; i < 4; i++, node = node->next) assert_ptr_equal(node, order[i]->producer);
    check(qn_graph_sort(graph));
    assert_ptr_equal(graph->first, b->producer);
    assert_ptr_equal(graph->last, a->producer);
}

static void a_cycle_is_named(void **state) {
    qn_graph *graph = *state;
    qn_value *x = add_input(graph, "x"), *a = add_node(graph, &qn_op_add, "first", x, NULL);
    qn_value *b = add_node(graph, &qn_op_relu, "second", NULL, NULL);
    check(qn_node_set_input(graph, a->producer, 1, b));
    check(qn_node_set_input(graph, b->producer, 0, a));
    qn_status *status = qn_graph_sort(graph);
    assert_int_equal(qn_status_code(status), QN_INVALID_MODEL);
    assert_non_null(strstr(qn_status_message(status), "'first' <- 'second' <- 'first'"));
    qn_status_free(status);
    assert_ptr_equal(graph->first, a->producer);
    assert_ptr_equal(graph->last, b->producer);
}

static void a_wrong_number_of_inputs_is_refused(void **state) {
    qn_graph *graph = *state;
    qn_value *x = add_input(graph, "x");
    qn_node *node;
    qn_status *status = qn_graph_add_node(graph, &qn_op_add, "sum", NULL, 1, &x, NULL, &node);
    assert_int_equal(qn_status_code(status), QN_INVALID_MODEL);
    qn_status_free(status);
    assert_int_equal(x->uses.count, 0);
    check(qn_graph_verify(graph));
}

static void constants_are_checked(void **state) {
    qn_graph *graph = *state;
    qn_value *value;
    float data[4] = {0};
    qn_view view = {.dtype = QN_DTYPE_F32, .rank = 2, .dims = {INT64_MAX / 2, 16}, .data = data};
    qn_status *status = qn_graph_add_constant(graph, "c", &view, &value);
    assert_int_equal(qn_status_code(status), QN_LIMIT);
    qn_status_free(status);
    view.dims[0] = -1;
    status = qn_graph_add_constant(graph, "c", &view, &value);
    assert_int_equal(qn_status_code(status), QN_INVALID_MODEL);
    qn_status_free(status);
    view = (qn_view){.dtype = QN_DTYPE_F32, .rank = 1, .dims = {0}};
    check(qn_graph_add_constant(graph, "empty", &view, &value));
    assert_true(qn_value_is_constant(value));
    qn_view back = qn_value_view(value);
    assert_int_equal(back.dims[0], 0);
    check(qn_graph_verify(graph));
}

/* Any live value that may feed a node at `before` without making a cycle: one that stands before it. */
static qn_value *draw_value(qn_graph *graph, qn_rng *rng, const qn_node *before) {
    for (;;) {
        qn_value *value = graph->values.items[qn_rng_range(rng, 0, (int64_t)graph->values.count - 1)];
        if (value->is_input) return value;
        if (!value->producer || value->producer == before) continue;
        const qn_node *node = value->producer;
        while (node && node != before) node = node->next;
        if (node == before || !before) return value;
    }
}

static qn_node *draw_node(qn_graph *graph, qn_rng *rng) {
    qn_node *node = graph->first;
    for (int64_t i = graph->node_count ? qn_rng_range(rng, 0, (int64_t)graph->node_count - 1) : 0; i > 0; i--)
        node = node->next;
    return node;
}

static void random_edit(qn_graph *graph, qn_rng *rng) {
    qn_node *node = draw_node(graph, rng), *fresh;
    int kind = (int)qn_rng_range(rng, 0, 5);
    if (!node || kind <= 2) {
        qn_node *before = kind ? NULL : node;
        qn_value *inputs[2] = {draw_value(graph, rng, before), draw_value(graph, rng, before)};
        int two = (int)qn_rng_range(rng, 0, 1);
        check(qn_graph_add_node(graph, two ? &qn_op_add : &qn_op_relu, two ? "sum" : NULL, NULL, 1 + two, inputs,
                                before, &fresh));
        check(qn_node_infer(graph, fresh));
    } else if (kind == 3) {
        int index = (int)qn_rng_range(rng, 0, node->input_count - 1);
        check(qn_node_set_input(graph, node, index, draw_value(graph, rng, node)));
    } else if (kind == 4) {
        qn_value *to = draw_value(graph, rng, node);
        if (to != node->outputs[0]) check(qn_graph_replace_value(graph, node->outputs[0], to));
    } else if (!node->outputs[0]->uses.count && !node->outputs[0]->is_output) {
        qn_graph_remove_node(graph, node);
    } else if (qn_rng_range(rng, 0, 9) == 0) {
        check(qn_graph_mark_output(graph, node->outputs[0]));
    }
}

static void random_edits_keep_the_graph_sound(void **state) {
    qn_graph *graph = *state;
    qn_rng rng;
    qn_rng_init(&rng, seed);
    add_input(graph, "x");
    add_input(graph, "y");
    for (int i = 0; i < 3000; i++) {
        random_edit(graph, &rng);
        qn_status *status = qn_graph_verify(graph);
        if (status) fail_msg("seed %llu, edit %d: %s", (unsigned long long)seed, i, qn_status_message(status));
        if (i % 500 == 499) qn_graph_remove_dead(graph);
    }
    check(qn_graph_sort(graph));
    check(qn_graph_infer(graph));
    check(qn_graph_verify(graph));
}

/* A quadratic step anywhere would take minutes. */
static void a_hundred_thousand_nodes_take_linear_time(void **state) {
    enum { COUNT = 100000 };
    qn_graph *graph = *state;
    qn_value *x = add_input(graph, "x"), *last = x;
    qn_node *node;
    for (int i = 0; i < COUNT; i++) { /* the node feeds the one before it, and all of them read x */
        qn_value *inputs[2] = {x, NULL};
        check(qn_graph_add_node(graph, &qn_op_add, "same", NULL, 2, inputs, NULL, &node));
        if (last != x) check(qn_node_set_input(graph, last->producer, 1, node->outputs[0]));
        last = node->outputs[0];
    }
    check(qn_node_set_input(graph, last->producer, 1, x));
    check(qn_graph_mark_output(graph, graph->first->outputs[0]));
    check(qn_graph_sort(graph));
    check(qn_graph_infer(graph));
    check(qn_graph_verify(graph));
    check(qn_graph_replace_value(graph, graph->outputs.items[0], graph->first->outputs[0]));
    assert_int_equal(qn_graph_remove_dead(graph), COUNT - 1);
    check(qn_graph_verify(graph));
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
    const char *text = getenv("QN_SEED");
    if (text) seed = strtoull(text, NULL, 0);
    printf("seed %llu (set QN_SEED to replay)\n", (unsigned long long)seed);
    const struct CMUnitTest tests[] = {
        CASE(names_that_are_taken_get_a_suffix),
        CASE(replacing_an_output_keeps_its_name),
        CASE(an_output_is_not_given_to_a_value_whose_name_is_promised),
        CASE(an_output_is_unmarked_and_the_others_keep_their_order),
        CASE(an_output_is_replaced_in_its_place_and_names_stay),
        CASE(a_chain_comes_between_a_value_and_whoever_read_it),
        CASE(an_input_takes_another_type_and_inference_carries_it_on),
        CASE(nodes_are_sorted_with_their_order_kept_where_it_can_be),
        CASE(a_cycle_is_named),
        CASE(a_wrong_number_of_inputs_is_refused),
        CASE(constants_are_checked),
        CASE(random_edits_keep_the_graph_sound),
        CASE(a_hundred_thousand_nodes_take_linear_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
