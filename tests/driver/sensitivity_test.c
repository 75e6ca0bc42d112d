/* What layers lose as integers: a measure that does not depend on the order of the samples, nor on their sizes. */
#include "sample_case.h"

#include "driver/sensitivity.h"

#include <math.h>

enum { FEW = 6 }; /* all of which are looked at */

static void measure(qn_arena *arena, int is_reversed, double out_errors[2]) {
    static const qn_value_stats stats[2] = {{.low = -2, .high = 3}, {.low = 0, .high = 12}};
    qn_graph *graph = graph_of(arena, sample_network);
    qn_config *config = config_of(INT8);
    qn_executor pool = {0};
    qn_sensitivity list;
    feed f;
    feed_init(&f, 41, FEW);
    f.is_reversed = is_reversed;
    graph->integer = (qn_integer_wish){.dtype = QN_DTYPE_U8, .reason = "test", .equalise = 1};
    qn_graph_find_value(graph, "x")->stats = &stats[0];
    qn_graph_find_value(graph, "r")->stats = &stats[1];
    expect_ok(qn_executor_create_pool(NULL, &pool));
    expect_ok(qn_sensitivity_list(&list, graph, config, arena));
    assert_int_equal(list.count, 2);
    expect_ok(qn_sensitivity_measure(&list, graph, config, &f.samples, &pool, NULL));
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(list.layers[i].node->precision, QN_DTYPE_NONE); /* as before */
        out_errors[list.layers[i].node == qn_graph_find_node(graph, "y")] = list.layers[i].error;
    }
    qn_executor_destroy_pool(&pool);
    qn_config_destroy(config);
}

static void errors_are_those_of_all_samples_in_any_order(void **state) {
    (void)state;
    qn_arena arena;
    double errors[2], reversed[2];
    qn_arena_init(&arena, NULL);
    measure(&arena, 0, errors);
    measure(&arena, 1, reversed);
    for (int i = 0; i < 2; i++) {
        if (!(errors[i] > 0 && errors[i] < 0.2)) fail_msg("layer %d: %g of the signal", i, errors[i]);
        if (!(fabs(errors[i] - reversed[i]) <= 1e-9 * errors[i]))
            fail_msg("layer %d: %.12g, in reverse %.12g", i, errors[i], reversed[i]);
    }
    qn_arena_deinit(&arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(errors_are_those_of_all_samples_in_any_order),
    };
    return cmocka_run_group_tests_name("driver/sensitivity", tests, NULL, NULL);
}
