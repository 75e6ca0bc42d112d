/* The static cost model: multiply-adds counted by hand, and the order it puts precisions and CPUs in. */
#include "quant_case.h"

#include "quant/cost.h"

#include <math.h>

static void expect_ok(qn_status *status) {
    if (status) fail_msg("%s", qn_status_message(status));
}

static qn_graph *graph_of(qn_arena *arena, const char *statements) {
    qn_graph *graph;
    expect_ok(qn_graph_parse(arena, qn_arena_printf(arena, "graph \"g\" {\n%s\n}", statements), &graph));
    expect_ok(qn_graph_infer(graph));
    return graph;
}

static const char layers[] = "symbol h [1, 9]\nsymbol w [2, *]\n"
                             "input %x : f32[2, 8, 6, 4]\n"
                             "input %v : f32[1, h, w, 4]\n"
                             "input %m : f32[5, 7]\n"
                             "input %k : f32[3, 3, 4, 10]\n"
                             "input %d : f32[3, 3, 1, 4]\n"
                             "input %g : f32[1, 1, 2, 6]\n"
                             "input %b : f32[7, 11]\n"
                             "input %t : f32[11, 7]\n"
                             "%full = conv2d(%x, %k) {padding=same_upper}\n"
                             "%strided = conv2d(%x, %k) {padding=same_upper, stride=[2, 2]}\n"
                             "%depthwise = conv2d(%x, %d) {padding=same_upper, groups=4}\n"
                             "%groups = conv2d(%x, %g) {groups=2}\n"
                             "%product = matmul(%m, %b)\n"
                             "%transposed = matmul(%m, %t) {transpose_b=true}\n"
                             "%free = conv2d(%v, %k) {padding=same_upper}\n"
                             "output %full\noutput %strided\noutput %depthwise\noutput %groups\noutput %product\n"
                             "output %transposed\noutput %free";

static void multiply_adds_are_outputs_times_what_each_reads(void **state) {
    static const struct {
        const char *name;
        double macs;
    } rows[] = {
        {"full", 2 * 8 * 6 * 10 * 36.0}, {"strided", 2 * 4 * 3 * 10 * 36.0}, {"depthwise", 2 * 8 * 6 * 4 * 9.0},
        {"groups", 2 * 8 * 6 * 6 * 2.0}, {"product", 5 * 11 * 7.0},          {"transposed", 5 * 11 * 7.0},
        {"free", 9 * 256 * 10 * 36.0}, /* the upper end, and a moderate width where there is none */
    };
    qn_arena arena;
    (void)state;
    qn_arena_init(&arena, NULL);
    const qn_graph *graph = graph_of(&arena, layers);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        double macs = qn_cost_macs(graph, qn_graph_find_node(graph, rows[i].name));
        if (macs != rows[i].macs) fail_msg("%s: %g multiply-adds, expected %g", rows[i].name, macs, rows[i].macs);
    }
    qn_arena_deinit(&arena);
}

static void a_layer_costs_its_products_and_its_bytes(void **state) {
    qn_arena arena;
    (void)state;
    qn_arena_init(&arena, NULL);
    const qn_graph *graph = graph_of(&arena, layers);
    const qn_node *full = qn_graph_find_node(graph, "full"), *depthwise = qn_graph_find_node(graph, "depthwise");
    const qn_cost_model model = {"test", 10, 40, 20, 5, 0.5, 8};
    double macs = 34560, elems = 384 + 960 + 360;
    assert_true(fabs(qn_cost_layer(&model, graph, full, QN_DTYPE_F32, QN_DTYPE_F32, 0) - (macs / 10 + elems * 4 / 8)) <
                1e-6);
    assert_true(fabs(qn_cost_layer(&model, graph, full, QN_DTYPE_F16, QN_DTYPE_F16, 1) - (macs / 10 + elems * 2 / 8)) <
                1e-6);
    assert_true(fabs(qn_cost_layer(&model, graph, full, QN_DTYPE_U8, QN_DTYPE_S8, 0) - (macs / 40 + elems / 8)) < 1e-6);
    assert_true(fabs(qn_cost_layer(&model, graph, full, QN_DTYPE_U8, QN_DTYPE_S8, 1) -
                     (macs / 40 + (elems + 384 * 5) / 8)) < 1e-6);
    assert_true(fabs(qn_cost_layer(&model, graph, full, QN_DTYPE_S16, QN_DTYPE_S16, 0) - (macs / 5 + elems * 2 / 8)) <
                1e-6);
    assert_true(fabs(qn_cost_layer(&model, graph, full, QN_DTYPE_S16, QN_DTYPE_S8, 0) -
                     (macs / 20 + ((384 + 960) * 2 + 360) / 8.0)) < 1e-6);
    assert_true(fabs(qn_cost_layer(&model, graph, depthwise, QN_DTYPE_S16, QN_DTYPE_S8, 0) -
                     (3456 / 5.0 + ((384 + 384) * 2 + 36) / 8.0)) < 1e-6); /* at the rate of floats */
    assert_true(fabs(qn_cost_layer(&model, graph, depthwise, QN_DTYPE_F32, QN_DTYPE_F32, 0) -
                     (3456 / 5.0 + (384 + 384 + 36) * 4 / 8.0)) < 1e-6);
    qn_arena_deinit(&arena);
}

static void models_are_found_by_the_names_of_archs(void **state) {
    static const char *const names[] = {"x86_64-avx2", "x86_64-avx512", "x86_64-avx512vnni", "x86_64-amx",
                                        "aarch64-dotprod"};
    static const char *const others[] = {"native", "x86_64-sse9", ""};
    (void)state;
    for (size_t i = 0; i < 5; i++) assert_string_equal(qn_cost_model_find(names[i])->arch, names[i]);
    for (size_t i = 0; i < 3; i++) assert_ptr_equal(qn_cost_model_find(others[i]), qn_cost_model_find(NULL));
    assert_string_equal(qn_cost_model_find(NULL)->arch, "x86_64-avx512vnni");
}

static void bytes_are_faster_than_floats_on_every_cpu(void **state) {
    static const char *const names[] = {"x86_64-avx2", "x86_64-avx512", "x86_64-avx512vnni", "x86_64-amx",
                                        "aarch64-dotprod"};
    qn_arena arena;
    (void)state;
    qn_arena_init(&arena, NULL);
    const qn_graph *graph = graph_of(&arena, layers);
    const qn_node *full = qn_graph_find_node(graph, "full");
    for (size_t i = 0; i < 5; i++) {
        const qn_cost_model *model = qn_cost_model_find(names[i]);
        assert_true(qn_cost_layer(model, graph, full, QN_DTYPE_U8, QN_DTYPE_S8, 0) <
                    qn_cost_layer(model, graph, full, QN_DTYPE_F16, QN_DTYPE_F16, 0));
        assert_true(qn_cost_layer(model, graph, full, QN_DTYPE_F16, QN_DTYPE_F16, 0) <
                    qn_cost_layer(model, graph, full, QN_DTYPE_F32, QN_DTYPE_F32, 0));
        assert_true(qn_cost_layer(model, graph, full, QN_DTYPE_U8, QN_DTYPE_S8, 0) <
                    qn_cost_layer(model, graph, full, QN_DTYPE_U8, QN_DTYPE_S8, 1));
    }
    qn_arena_deinit(&arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(multiply_adds_are_outputs_times_what_each_reads),
        cmocka_unit_test(a_layer_costs_its_products_and_its_bytes),
        cmocka_unit_test(models_are_found_by_the_names_of_archs),
        cmocka_unit_test(bytes_are_faster_than_floats_on_every_cpu),
    };
    return cmocka_run_group_tests_name("quant/cost", tests, NULL, NULL);
}
