/* Plans of random networks: nobody overwrites what is still needed, and steps in the planned arena compute what the
 * network does. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "check_program.h"
#include "interpret.h"
#include "pass/random_graph.h"
#include "plan/plan.h"

enum { GRAPHS = 200, INPUTS_MAX = 4, OUTPUTS_MAX = 128, SHAPES = 4 };

static uint64_t at_seed; /* the graph at hand; 0 when all is well */

static void expect_ok(qn_status *status) {
    if (status) fail_msg("%s (%s)", qn_status_message(status), qn_status_where(status));
}

static void expect_equal_bytes(const qn_view *expected, const qn_view *found, const char *name) {
    assert_int_equal(expected->dtype, found->dtype);
    assert_int_equal(expected->rank, found->rank);
    for (int i = 0; i < expected->rank; i++) assert_int_equal(expected->dims[i], found->dims[i]);
    if (memcmp(expected->data, found->data, qn_view_bytes(expected))) fail_msg("output '%s' differs", name);
}

/* 1 if the network accepts the shapes drawn. */
static int run(const qn_graph *graph, const qn_program *program, qn_rng *rng, int style) {
    qn_arena arena;
    qn_view inputs[INPUTS_MAX], outputs[OUTPUTS_MAX];
    evaluation reference;
    qn_arena_init(&arena, NULL);
    draw_inputs(graph, rng, style, &arena, inputs);
    qn_status *refused = evaluate(graph, inputs, &arena, &reference);
    assert_int_equal(refused != NULL, interpret_refuses(program, inputs, &arena));
    assert_true(program->output_count <= OUTPUTS_MAX);
    if (!refused) interpret(program, inputs, &reference, &arena, outputs);
    for (size_t i = 0; !refused && i < program->output_count; i++) {
        const qn_value *value = graph->outputs.items[i];
        qn_view expected = evaluated(&reference, value);
        assert_string_equal(program->values[program->outputs[i]].name, value->name);
        expect_equal_bytes(&expected, &outputs[i], value->name);
    }
    int accepted = !refused;
    qn_status_free(refused);
    qn_arena_deinit(&arena);
    return accepted;
}

static int check_graph(uint64_t seed, const random_graph_options *options) {
    qn_arena arena;
    qn_program program, again;
    qn_buffer first, second;
    qn_rng rng;
    int accepted = 0;
    qn_rng_init(&rng, seed);
    qn_arena_init(&arena, NULL);
    qn_graph *reference = random_graph(&arena, seed, options);
    expect_ok(qn_plan_build(random_graph(&arena, seed, options), "{}", &arena, &program));
    expect_ok(qn_plan_build(random_graph(&arena, seed, options), "{}", &arena, &again));
    qn_buffer_init(&first, NULL);
    qn_buffer_init(&second, NULL);
    expect_ok(qn_program_write(&program, &first));
    expect_ok(qn_program_write(&again, &second));
    assert_int_equal(first.size, second.size); /* the same network, the same bytes */
    assert_memory_equal(first.data, second.data, first.size);
    qn_buffer_deinit(&first);
    qn_buffer_deinit(&second);
    assert_int_equal(program.output_count, reference->outputs.count);
    if (options->size_max != QN_DIM_UNBOUNDED) assert_true(program.arena_bytes > 0);
    check_program(&program);
    for (int i = 0; i < SHAPES; i++) accepted += run(reference, &program, &rng, i);
    qn_arena_deinit(&arena);
    return accepted;
}

static void check_graphs(uint64_t first, const random_graph_options *options) {
    const char *given = getenv("QN_SEED"); /* one graph alone */
    if (given) first = strtoull(given, NULL, 10);
    int accepted = 0;
    for (at_seed = first; at_seed < first + (given ? 1 : GRAPHS); at_seed++) accepted += check_graph(at_seed, options);
    print_message("seeds %llu to %llu: %d runs\n", (unsigned long long)first, (unsigned long long)at_seed - 1,
                  accepted);
    if (!given) assert_true(accepted > GRAPHS);
    at_seed = 0;
}

static int tell_seed(void **state) {
    (void)state;
    if (at_seed)
        print_message("failed at seed %llu: QN_SEED=%llu runs that graph alone\n", (unsigned long long)at_seed,
                      (unsigned long long)at_seed);
    return 0;
}

static void test_bounded_networks_run_in_their_planned_arena(void **state) {
    (void)state;
    check_graphs(1, &(random_graph_options){.nodes = 12, .fused = 1, .size_max = 12});
}

static void test_sizes_that_depend_on_data_are_planned_at_their_bound(void **state) {
    (void)state;
    check_graphs(10001, &(random_graph_options){.nodes = 12, .fused = 1, .data_shapes = 1, .size_max = 9});
}

static void test_networks_without_bounds_run_without_a_ceiling(void **state) {
    (void)state;
    check_graphs(20001, &(random_graph_options){.nodes = 12, .fused = 1, .size_max = QN_DIM_UNBOUNDED});
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(test_bounded_networks_run_in_their_planned_arena, tell_seed),
        cmocka_unit_test_teardown(test_sizes_that_depend_on_data_are_planned_at_their_bound, tell_seed),
        cmocka_unit_test_teardown(test_networks_without_bounds_run_without_a_ceiling, tell_seed),
    };
    return cmocka_run_group_tests_name("plan/random", tests, NULL, NULL);
}
