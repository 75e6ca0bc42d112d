/* What the tests of the integer passes share: graphs whose values have ranges, and comparisons of what they become. */
#ifndef QN_TESTS_PASS_QUANTISE_CASE_H
#define QN_TESTS_PASS_QUANTISE_CASE_H

#include "pass_case.h"

#include "pass/precision.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { CASE_INPUTS_MAX = 4, CASE_ROUNDS = 4 };

static inline void give_range(qn_graph *graph, const char *name, float low, float high) {
    qn_value_stats *stats = QN_ARENA_NEW(graph->arena, qn_value_stats);
    *stats = (qn_value_stats){.low = low, .high = high};
    qn_value *value = qn_graph_find_value(graph, name);
    if (!value) fail_msg("there is no value '%s'", name);
    value->stats = stats;
}

/* A graph that asks for bytes; `ranges`: "x -10 245, a 0 6". */
static inline qn_graph *ranged_graph(qn_arena *arena, const char *statements, const char *ranges) {
    qn_graph *graph = graph_from(arena, statements);
    char name[64];
    float low, high;
    int length;
    graph->integer =
        (qn_integer_wish){.dtype = QN_DTYPE_U8, .who = {QN_ASKER_NAMED, "bytes"}, .equalise = 1, .correct_bias = 1};
    for (; sscanf(ranges, " %63[^ ,] %f %f%n", name, &low, &high, &length) == 3; ranges += *ranges == ',') {
        give_range(graph, name, low, high);
        ranges += length;
    }
    return graph;
}

static inline const char *text_of(const qn_graph *graph) {
    qn_buffer buffer;
    qn_buffer_init(&buffer, NULL);
    qn_graph_print(graph, 0, &buffer);
    const char *text = qn_arena_copy_string(graph->arena, qn_buffer_text(&buffer), buffer.size);
    qn_buffer_deinit(&buffer);
    return text;
}

static inline void expect_graph(const qn_graph *expected, const qn_graph *found) {
    const char *a = text_of(expected), *b = text_of(found);
    if (strcmp(a, b)) {
        print_error("expected\n%sfound\n%s", a, b);
        fail();
    }
}

static inline const qn_pass *pass_named(const char *name) {
    const qn_pass *pass = qn_pass_find(name);
    assert_non_null(pass);
    return pass;
}

/* `graph` becomes `after` by the pass, and stays so. */
static inline void expect_becomes(qn_graph *graph, const char *pass, const char *after) {
    qn_graph *golden = graph_from(graph->arena, after);
    run_pass(graph, pass_named(pass));
    expect_graph(golden, graph);
    run_pass(graph, pass_named(pass));
    expect_graph(golden, graph);
}

static inline void expect_reason(const qn_graph *graph, const char *node, const char *reason) {
    const qn_node *found = qn_graph_find_node(graph, node);
    if (!found) fail_msg("there is no node '%s'", node);
    const qn_outcome outcome = qn_outcome_of(graph, found);
    const char *text = qn_outcome_text(&outcome, graph->arena);
    assert_string_equal(text ? text : "", reason);
}

/* The greatest difference of two outputs of integers, over random inputs; *out_share: of elements that differ. */
static inline double greatest_difference(const qn_graph *before, const qn_graph *after, uint64_t seed,
                                         double *out_share) {
    qn_rng rng;
    double most = 0, differ = 0, total = 0;
    qn_rng_init(&rng, seed);
    for (int round = 0; round < CASE_ROUNDS; round++) {
        qn_arena arena;
        qn_view inputs[CASE_INPUTS_MAX];
        evaluation old, new;
        qn_arena_init(&arena, NULL);
        draw_inputs(before, &rng, round, &arena, inputs);
        expect_ok(evaluate(before, inputs, &arena, &old));
        expect_ok(evaluate(after, inputs, &arena, &new));
        assert_int_equal(before->outputs.count, after->outputs.count);
        for (size_t i = 0; i < before->outputs.count; i++) {
            qn_view a = evaluated(&old, before->outputs.items[i]), b = evaluated(&new, after->outputs.items[i]);
            assert_int_equal(a.dtype, b.dtype);
            assert_int_equal(qn_view_elems(&a), qn_view_elems(&b));
            for (int64_t e = 0; e < qn_view_elems(&a); e++) {
                double difference = fabs(qn_view_get(&a, e) - qn_view_get(&b, e));
                most = fmax(most, difference);
                differ += difference > 0;
                total++;
            }
        }
        qn_arena_deinit(&arena);
    }
    if (out_share) *out_share = total > 0 ? differ / total : 0;
    return most;
}

#endif
