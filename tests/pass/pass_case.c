#include "pass_case.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { ROUNDS = 8, INPUTS_MAX = 8 };

void expect_ok(qn_status *status) {
    if (status) fail_msg("%s (%s)", qn_status_message(status), qn_status_where(status));
}

qn_graph *graph_from(qn_arena *arena, const char *statements) {
    qn_graph *graph = NULL;
    char *text = qn_arena_printf(arena, "graph \"g\" {\n%s\n}", statements);
    qn_status *status = qn_graph_parse(arena, text, &graph);
    qn_check *written = graph ? graph->checks.items : NULL;
    size_t written_count = graph ? graph->checks.count : 0;
    if (graph) graph->checks.items = NULL, graph->checks.count = graph->checks.capacity = 0;
    if (!status) status = qn_graph_infer(graph);
    if (!status) status = qn_graph_verify(graph);
    if (status) fail_msg("%s\nin %s", qn_status_message(status), text);
    if (written_count) graph->checks.items = written, graph->checks.count = graph->checks.capacity = written_count;
    return graph;
}

void run_pass(qn_graph *graph, const qn_pass *pass) {
    expect_ok(qn_status_context(pass->run(graph), "pass %s", pass->name));
    qn_graph_remove_dead(graph);
    expect_ok(qn_status_context(qn_graph_verify(graph), "after pass %s", pass->name));
}

/* ---- Comparison ---- */

static void expect_equal_views(const char *name, const qn_view *a, const qn_view *b, double tolerance) {
    if (a->dtype != b->dtype || a->rank != b->rank) fail_msg("output '%s': another type", name);
    for (int i = 0; i < a->rank; i++)
        if (a->dims[i] != b->dims[i])
            fail_msg("output '%s': dim %d was %lld, is %lld", name, i, (long long)a->dims[i], (long long)b->dims[i]);
    if (tolerance == 0 || !qn_dtype_is_float(a->dtype)) {
        if (memcmp(a->data, b->data, qn_view_bytes(a)) == 0) return;
        for (int64_t i = 0; i < qn_view_elems(a); i++)
            if (qn_view_get(a, i) != qn_view_get(b, i))
                fail_msg("output '%s': element %lld was %.9g, is %.9g", name, (long long)i, qn_view_get(a, i),
                         qn_view_get(b, i));
        fail_msg("output '%s': other bits", name);
    }
    double largest = 1;
    for (int64_t i = 0; i < qn_view_elems(a); i++)
        if (isfinite(qn_view_get(a, i))) largest = fmax(largest, fabs(qn_view_get(a, i)));
    for (int64_t i = 0; i < qn_view_elems(a); i++)
        if (qn_view_get(a, i) != qn_view_get(b, i) && /* infinite ones too */
            !(fabs(qn_view_get(a, i) - qn_view_get(b, i)) <= tolerance * largest))
            fail_msg("output '%s': element %lld was %.9g, is %.9g", name, (long long)i, qn_view_get(a, i),
                     qn_view_get(b, i));
}

int expect_equal_outputs(const qn_graph *before, const qn_graph *after, const qn_view *inputs, double tolerance) {
    qn_arena arena;
    evaluation old, new;
    qn_arena_init(&arena, NULL);
    assert_int_equal(before->outputs.count, after->outputs.count);
    qn_status *refused = evaluate(before, inputs, &arena, &old), *status = evaluate(after, inputs, &arena, &new);
    if (!refused != !status)
        fail_msg("before: '%s', after: '%s'", qn_status_message(refused), qn_status_message(status));
    for (size_t i = 0; !status && i < before->outputs.count; i++) {
        const qn_value *was = before->outputs.items[i], *is = after->outputs.items[i];
        assert_string_equal(was->name, is->name);
        qn_view a = evaluated(&old, was), b = evaluated(&new, is);
        expect_equal_views(is->name, &a, &b, tolerance);
    }
    int computed = !status;
    qn_status_free(refused);
    qn_status_free(status);
    qn_arena_deinit(&arena);
    return computed;
}

static void expect_equal_everywhere(const qn_graph *before, const qn_graph *after, double tolerance) {
    qn_rng rng;
    int computed = 0;
    qn_rng_init(&rng, 20250101);
    for (int round = 0; round < ROUNDS; round++) {
        qn_arena arena;
        qn_view inputs[INPUTS_MAX];
        qn_arena_init(&arena, NULL);
        assert_true(before->inputs.count <= INPUTS_MAX);
        draw_inputs(before, &rng, round, &arena, inputs);
        computed += expect_equal_outputs(before, after, inputs, tolerance);
        qn_arena_deinit(&arena);
    }
    if (!computed) fail_msg("none of the shapes drawn was accepted");
}

/* ---- Expectations ---- */

/* Equal texts; else the difference is shown. */
static void expect_text(const char *what, const qn_graph *expected, const qn_graph *found) {
    qn_buffer a, b;
    qn_buffer_init(&a, NULL);
    qn_buffer_init(&b, NULL);
    qn_graph_print(expected, 0, &a);
    qn_graph_print(found, 0, &b);
    int equal = strcmp(qn_buffer_text(&a), qn_buffer_text(&b)) == 0;
    if (!equal) fprintf(stderr, "%s: expected\n%sfound\n%s", what, qn_buffer_text(&a), qn_buffer_text(&b));
    qn_buffer_deinit(&a);
    qn_buffer_deinit(&b);
    assert_true(equal);
}

void expect_rewrite(const char *name, const char *before, const char *after, double tolerance) {
    qn_arena arena;
    qn_arena_init(&arena, NULL);
    const qn_pass *pass = qn_pass_find(name);
    assert_non_null(pass);
    qn_graph *old = graph_from(&arena, before), *new = graph_from(&arena, before), *golden = graph_from(&arena, after);
    qn_graph_remove_dead(golden); /* what the text of an unchanged graph leaves unused goes there too */
    run_pass(new, pass);
    expect_text(name, golden, new);
    expect_equal_everywhere(old, new, tolerance);
    run_pass(new, pass);
    expect_text("the second time", golden, new);
    qn_arena_deinit(&arena);
}

void expect_unchanged(const char *pass, const char *statements) { expect_rewrite(pass, statements, statements, EXACT); }
