/* All passes over random networks: sound after each, and the outputs stay what they were. */
#include "pass_case.h"
#include "random_graph.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { GRAPHS = 150, NODES = 12, INPUTS_MAX = 4, SHAPES = 3 };

static uint64_t at_seed; /* the graph at hand; 0 when all is well */

static const random_graph_options *options;

static char *text_of(const qn_graph *graph, int full) {
    qn_buffer buffer;
    qn_buffer_init(&buffer, NULL);
    qn_graph_print(graph, full, &buffer);
    char *text = malloc(buffer.size + 1);
    memcpy(text, qn_buffer_text(&buffer), buffer.size + 1);
    qn_buffer_deinit(&buffer);
    return text;
}

/* How many of the shapes drawn the graph accepts. */
static int compare(const qn_graph *before, const qn_graph *after, uint64_t seed, int shapes) {
    qn_rng rng;
    int computed = 0;
    qn_rng_init(&rng, seed);
    for (int i = 0; i < shapes; i++) {
        qn_arena arena;
        qn_view inputs[INPUTS_MAX];
        qn_arena_init(&arena, NULL);
        draw_inputs(before, &rng, shapes == 1 ? 2 : i, &arena, inputs);
        computed += expect_equal_outputs(before, after, inputs, 1e-4);
        qn_arena_deinit(&arena);
    }
    return computed;
}

static int count_transposes(const qn_graph *graph) {
    int count = 0;
    for (const qn_node *node = graph->first; node; node = node->next) count += node->op == &qn_op_transpose;
    return count;
}

/* How many transposes the networks had, and what was left of them. */
static int transposes_before, transposes_after;

static int check_graph(uint64_t seed) {
    qn_arena arena;
    qn_arena_init(&arena, NULL);
    qn_graph *before = random_graph(&arena, seed, options), *after = random_graph(&arena, seed, options);
    char *last = text_of(after, 1);
    for (size_t p = 0; p < qn_pass_count(); p++) {
        int transposes = count_transposes(after);
        run_pass(after, qn_pass_at(p));
        if (count_transposes(after) > transposes) fail_msg("pass %s adds transposes", qn_pass_at(p)->name);
        transposes_before += p == 0 ? transposes : 0;
        char *text = text_of(after, 1);
        if (strcmp(text, last)) compare(before, after, seed + p, 1);
        free(last);
        last = text;
        run_pass(after, qn_pass_at(p));
        char *again = text_of(after, 1);
        if (strcmp(text, again)) {
            fprintf(stderr, "%s\nbecomes\n%s\n", text, again); /* too long for the messages of cmocka */
            fail_msg("pass %s changes its own result", qn_pass_at(p)->name);
        }
        free(again);
    }
    transposes_after += count_transposes(after);
    free(last);
    int computed = compare(before, after, seed, SHAPES);
    qn_arena_deinit(&arena);
    return computed;
}

static void check_graphs(const random_graph_options *wanted) {
    options = wanted;
    const char *given = getenv("QN_SEED"); /* one graph alone */
    uint64_t first = given ? strtoull(given, NULL, 10) : 1;
    int computed = 0;
    for (at_seed = first; at_seed < first + (given ? 1 : GRAPHS); at_seed++) computed += check_graph(at_seed);
    print_message("seeds %llu to %llu: %d runs\n", (unsigned long long)first, (unsigned long long)first + GRAPHS - 1,
                  computed);
    if (!given) assert_true(computed > GRAPHS);
    at_seed = 0;
}

static void test_every_pass_keeps_the_outputs_of_random_networks(void **state) {
    (void)state;
    check_graphs(&(random_graph_options){.nodes = NODES, .fused = 1, .size_max = 12});
}

static void test_every_pass_keeps_the_outputs_of_random_networks_in_mixed_layouts(void **state) {
    (void)state;
    check_graphs(&(random_graph_options){.nodes = 2 * NODES, .layouts = 1, .size_max = 9});
    print_message("%d transposes became %d\n", transposes_before, transposes_after);
}

static int tell_seed(void **state) {
    (void)state;
    if (at_seed)
        print_message("failed at seed %llu: QN_SEED=%llu runs that graph alone\n", (unsigned long long)at_seed,
                      (unsigned long long)at_seed);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(test_every_pass_keeps_the_outputs_of_random_networks, tell_seed),
        cmocka_unit_test_teardown(test_every_pass_keeps_the_outputs_of_random_networks_in_mixed_layouts, tell_seed),
    };
    return cmocka_run_group_tests_name("pass/random", tests, NULL, NULL);
}
