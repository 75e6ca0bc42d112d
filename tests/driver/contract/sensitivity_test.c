/* What layers lose as integers: a measure that does not depend on the order of the samples, nor on their sizes. */
#include "sample_case.h"

#include "driver/contract/sensitivity.h"

#include <math.h>

enum { FEW = 6 }; /* all of which are looked at */

/* The layers of the sample network, measured. */
typedef struct measured {
    qn_arena arena;
    qn_graph *graph;
    qn_config *config;
    qn_executor pool;
    qn_sensitivity list;
} measured;

static void measured_init(measured *m, qn_dtype floats, int is_reversed) {
    static const qn_value_stats stats[2] = {{.low = -2, .high = 3}, {.low = 0, .high = 12}};
    feed f;
    qn_arena_init(&m->arena, NULL);
    m->graph = graph_of(&m->arena, sample_network);
    m->config = config_of(INT8);
    feed_init(&f, 41, FEW);
    f.is_reversed = is_reversed;
    m->graph->precision = floats;
    m->graph->integer = (qn_integer_wish){.dtype = QN_DTYPE_U8, .who = {QN_ASKER_NAMED, "test"}, .equalise = 1};
    qn_graph_find_value(m->graph, "x")->stats = &stats[0];
    qn_graph_find_value(m->graph, "r")->stats = &stats[1];
    expect_ok(qn_executor_create_pool(NULL, &m->pool));
    expect_ok(qn_sensitivity_list(&m->list, m->graph, m->config, &m->arena));
    expect_ok(qn_sensitivity_measure(&m->list, m->graph, m->config, &f.samples, &m->pool, NULL));
}

static void measured_deinit(measured *m) {
    qn_sensitivity_deinit(&m->list);
    qn_executor_destroy_pool(&m->pool);
    qn_config_destroy(m->config);
    qn_arena_deinit(&m->arena);
}

static void measure(int is_reversed, double out_errors[2]) {
    measured m = {0};
    measured_init(&m, QN_DTYPE_NONE, is_reversed);
    assert_int_equal(m.list.count, 2);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(qn_facts_of(m.graph, m.list.layers[i].node)->wish.dtype, QN_DTYPE_NONE); /* as before */
        out_errors[m.list.layers[i].node == qn_graph_find_node(m.graph, "y")] = m.list.layers[i].error;
    }
    measured_deinit(&m);
}

static void errors_are_those_of_all_samples_in_any_order(void **state) {
    (void)state;
    double errors[2], reversed[2];
    measure(0, errors);
    measure(1, reversed);
    for (int i = 0; i < 2; i++) {
        if (!(errors[i] > 0 && errors[i] < 0.2)) fail_msg("layer %d: %g of the signal", i, errors[i]);
        if (!(fabs(errors[i] - reversed[i]) <= 1e-9 * errors[i]))
            fail_msg("layer %d: %.12g, in reverse %.12g", i, errors[i], reversed[i]);
    }
}

static void choose(measured *m, int floats_only) {
    expect_ok(qn_sensitivity_choose(&m->list, m->graph, m->config, m->list.count, floats_only, &m->pool));
    expect_ok(qn_sensitivity_apply(&m->list, m->graph, m->list.count));
}

static void a_layer_becomes_the_cheapest_that_loses_little(void **state) {
    (void)state;
    measured m = {0};
    measured_init(&m, QN_DTYPE_NONE, 0);
    choose(&m, 0);
    for (size_t i = 0; i < m.list.count; i++) {
        const qn_sensitive_layer *layer = &m.list.layers[i];
        assert_true(layer->form_count >= 2);
        assert_int_equal(layer->forms[0].dtype, QN_DTYPE_S16);
        assert_int_equal(layer->forms[0].weights, QN_DTYPE_S8);
        assert_int_equal(layer->forms[layer->form_count - 1].dtype, QN_DTYPE_F32);
        for (size_t f = 1; f < layer->form_count; f++) assert_true(layer->forms[f - 1].cycles < layer->forms[f].cycles);
        assert_int_equal(qn_facts_of(m.graph, layer->node)->wish.dtype, layer->chosen->dtype);
    }
    qn_sensitivity_mix mix = qn_sensitivity_mix_of(&m.list, m.list.count);
    assert_int_equal(mix.words + mix.floats, 2);
    assert_true(mix.words > 0 && mix.byte_share == 0 && mix.integer_share > 0);
    for (size_t i = 0; i < m.list.count; i++)
        m.list.layers[i].error = 0, m.list.layers[i].chosen = NULL; /* none loses little */
    choose(&m, 0);
    assert_int_equal(qn_sensitivity_mix_of(&m.list, 2).floats, 2);
    assert_int_equal(qn_facts_of(m.graph, m.list.layers[0].node)->wish.dtype, QN_DTYPE_F32);
    expect_ok(qn_sensitivity_apply(&m.list, m.graph, 0));
    assert_int_equal(qn_facts_of(m.graph, m.list.layers[0].node)->wish.dtype, QN_DTYPE_NONE);
    assert_int_equal(qn_facts_of(m.graph, m.list.layers[0].node)->wish.weights, QN_DTYPE_NONE);
    measured_deinit(&m);
}

static void whoever_asks_for_floats_gets_them(void **state) {
    (void)state;
    measured m = {0};
    measured_init(&m, QN_DTYPE_NONE, 0);
    choose(&m, 0);
    choose(&m, 1);
    assert_int_equal(qn_sensitivity_mix_of(&m.list, 2).floats, 2);
    measured_deinit(&m);
}

/* The first layer reads an input that would have to be converted, which costs more than it saves of halves. */
static void layers_that_stay_float_for_time_are_not_listed(void **state) {
    (void)state;
    measured m = {0};
    measured_init(&m, QN_DTYPE_F16, 0);
    assert_int_equal(m.list.count, 1);
    assert_ptr_equal(m.list.layers[0].node, qn_graph_find_node(m.graph, "y"));
    assert_true(qn_sensitivity_mix_of(&m.list, 0).integer_share < 1);
    measured_deinit(&m);
}

/* The second layer saves time where the first gives it bytes, and none where it would have to make them. */
static void whoever_saves_no_time_beside_floats_counts_as_float(void **state) {
    static const char network[] = "input %x : f32[1, 9, 9, 2]\nconst %k : f32[3, 3, 2, 16] = random 1\n"
                                  "const %l : f32[1, 1, 16, 2] = random 2\n%r = conv2d(%x, %k) {padding=same_upper}\n"
                                  "%y = conv2d(%r, %l)\noutput %y";
    static const qn_value_stats stats = {.low = -2, .high = 3};
    measured m = {0};
    (void)state;
    qn_arena_init(&m.arena, NULL);
    m.graph = graph_of(&m.arena, network);
    m.config = config_of(INT8);
    m.graph->integer = (qn_integer_wish){.dtype = QN_DTYPE_U8, .who = {QN_ASKER_NAMED, "test"}};
    qn_graph_find_value(m.graph, "x")->stats = qn_graph_find_value(m.graph, "r")->stats = &stats;
    expect_ok(qn_sensitivity_list(&m.list, m.graph, m.config, &m.arena));
    assert_int_equal(m.list.count, 2);
    qn_sensitive_layer *first = &m.list.layers[0];
    first->chosen = &first->forms[first->form_count - 1];
    expect_ok(qn_sensitivity_settle(&m.list, m.graph, m.config, 0));
    assert_int_equal(qn_sensitivity_mix_of(&m.list, 0).floats, 0);
    assert_true(qn_sensitivity_mix_of(&m.list, 0).byte_share == 1);
    expect_ok(qn_sensitivity_settle(&m.list, m.graph, m.config, 1));
    assert_int_equal(qn_facts_of(m.graph, first->node)->wish.dtype, QN_DTYPE_F32);
    assert_int_equal(qn_facts_of(m.graph, m.list.layers[1].node)->wish.dtype, QN_DTYPE_NONE);
    assert_int_equal(qn_sensitivity_mix_of(&m.list, 1).floats, 2);
    assert_true(qn_sensitivity_mix_of(&m.list, 1).integer_share == 0);
    measured_deinit(&m);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(errors_are_those_of_all_samples_in_any_order),
        cmocka_unit_test(a_layer_becomes_the_cheapest_that_loses_little),
        cmocka_unit_test(whoever_asks_for_floats_gets_them),
        cmocka_unit_test(layers_that_stay_float_for_time_are_not_listed),
        cmocka_unit_test(whoever_saves_no_time_beside_floats_counts_as_float),
    };
    return cmocka_run_group_tests_name("driver/sensitivity", tests, NULL, NULL);
}
