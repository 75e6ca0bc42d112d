/* store_half: what becomes f16, where casts stand, what stays f32 and what it says of that. */
#include "pass_case.h"

#include "pass/precision.h"

#include <string.h>

enum { INPUTS_MAX = 4, ROUNDS = 4 };

static const qn_pass *store_half(void) {
    const qn_pass *pass = qn_pass_find("store_half");
    assert_non_null(pass);
    return pass;
}

/* A graph that asks for half precision as a whole. */
static qn_graph *half_graph(qn_arena *arena, const char *statements) {
    qn_graph *graph = graph_from(arena, statements);
    graph->precision = QN_DTYPE_F16;
    graph->precision_asker = (qn_who){QN_ASKER_NAMED, "force_float16"};
    return graph;
}

static void expect_graph(const qn_graph *expected, const qn_graph *found) {
    qn_buffer a, b;
    qn_buffer_init(&a, NULL);
    qn_buffer_init(&b, NULL);
    qn_graph_print(expected, 0, &a);
    qn_graph_print(found, 0, &b);
    int equal = strcmp(qn_buffer_text(&a), qn_buffer_text(&b)) == 0;
    if (!equal) print_error("expected\n%sfound\n%s", qn_buffer_text(&a), qn_buffer_text(&b));
    qn_buffer_deinit(&a);
    qn_buffer_deinit(&b);
    assert_true(equal);
}

/* `before` becomes `after`, stays so, and gives nearly what it gave, in the types it gave it in. */
static void expect_halves(const char *before, const char *after) {
    qn_arena arena;
    qn_rng rng;
    qn_arena_init(&arena, NULL);
    qn_rng_init(&rng, 7);
    qn_graph *old = graph_from(&arena, before), *new = half_graph(&arena, before), *golden = graph_from(&arena, after);
    run_pass(new, store_half());
    expect_graph(golden, new);
    run_pass(new, store_half());
    expect_graph(golden, new);
    for (int round = 0; round < ROUNDS; round++) {
        qn_view inputs[INPUTS_MAX];
        draw_inputs(old, &rng, round, &arena, inputs);
        expect_equal_outputs(old, new, inputs, 4e-3);
    }
    qn_arena_deinit(&arena);
}

static void expect_reason(const qn_graph *graph, const char *node, const char *reason) {
    const qn_node *found = qn_graph_find_node(graph, node);
    assert_non_null(found);
    const qn_outcome outcome = qn_outcome_of(graph, found);
    const char *text = qn_outcome_text(&outcome, graph->arena);
    assert_string_equal(text ? text : "", reason);
}

static void values_between_f32_input_and_output_become_halves(void **state) {
    (void)state;
    expect_halves("input %x : f32[n, 2]\n"
                  "const %c : f32[2] = {1.0009765625, 3}\n"
                  "%a = add(%x, %c)\n"
                  "%y = relu(%a)\n"
                  "output %y",
                  "input %x : f32[n, 2]\n"
                  "const %c/f16 : f16[2] = {1.0009765625, 3}\n"
                  "%x/f16 = cast(%x) {dtype=f16}\n"
                  "%a = add(%x/f16, %c/f16)\n"
                  "%y/f16 = relu(%a) name \"y\"\n"
                  "%y = cast(%y/f16) {dtype=f32} name \"y/f32\"\n"
                  "output %y");
}

static void pictures_become_halves_at_once_and_labels_stay_labels(void **state) {
    (void)state;
    expect_halves("input %x : u8[1, h, w, 3]\n"
                  "%f = cast(%x) {dtype=f32}\n"
                  "%y = argmax(%f) {axis=3, dtype=s32}\n"
                  "output %y",
                  "input %x : u8[1, h, w, 3]\n"
                  "%f = cast(%x) {dtype=f16}\n"
                  "%y = argmax(%f) {axis=3, dtype=s32}\n"
                  "output %y");
}

static void one_cast_serves_every_reader(void **state) {
    (void)state;
    expect_halves("input %x : f32[n]\n"
                  "%a = neg(%x)\n"
                  "%b = abs(%x)\n"
                  "%y = add(%a, %b)\n"
                  "output %y",
                  "input %x : f32[n]\n"
                  "%x/f16 = cast(%x) {dtype=f16}\n"
                  "%a = neg(%x/f16)\n"
                  "%b = abs(%x/f16)\n"
                  "%y/f16 = add(%a, %b) name \"y\"\n"
                  "%y = cast(%y/f16) {dtype=f32} name \"y/f32\"\n"
                  "output %y");
}

/* A float32 input is not rounded to half precision before it is rounded to bytes, whoever else reads its halves; what
   is half already is read so. Conversions keep their own reason. */
static void conversions_to_integers_read_what_there_is(void **state) {
    (void)state;
    static const char *const before = "input %x : f32[n, 2]\n"
                                      "const %m : f32[1] = {16}\nconst %z : s32[1] = {128}\n"
                                      "%a = relu(%x)\n"
                                      "%p = quantize_linear(%x, %m, %z)\n"
                                      "%q = quantize_linear(%a, %m, %z)\n"
                                      "output %p\noutput %q";
    expect_halves(before, "input %x : f32[n, 2]\n"
                          "const %m : f32[1] = {16}\nconst %z : s32[1] = {128}\n"
                          "%x/f16 = cast(%x) {dtype=f16}\n"
                          "%a = relu(%x/f16)\n"
                          "%p = quantize_linear(%x, %m, %z)\n"
                          "%q = quantize_linear(%a, %m, %z)\n"
                          "output %p\noutput %q");
    qn_arena arena;
    qn_arena_init(&arena, NULL);
    qn_graph *graph = half_graph(&arena, before);
    expect_ok(
        qn_outcome_set(graph, qn_graph_find_node(graph, "p"),
                       &(qn_outcome){.why = QN_WHY_ASKED, .dtype = QN_DTYPE_U8, .who = {QN_ASKER_NAMED, "test"}}));
    expect_ok(
        qn_outcome_set(graph, qn_graph_find_node(graph, "q"),
                       &(qn_outcome){.why = QN_WHY_ASKED, .dtype = QN_DTYPE_U8, .who = {QN_ASKER_NAMED, "test"}}));
    run_pass(graph, store_half());
    expect_reason(graph, "p", "u8: test");
    expect_reason(graph, "q", "u8: test");
    qn_arena_deinit(&arena);
}

static void a_constant_beyond_half_precision_keeps_its_node(void **state) {
    static const char text[] = "input %x : f32[n]\n"
                               "const %big : f32[] = {70000}\n"
                               "%a = neg(%x)\n"
                               "%b = div(%a, %big)\n"
                               "%y = neg(%b)\n"
                               "output %y";
    (void)state;
    expect_halves(text, "input %x : f32[n]\n"
                        "const %big : f32[] = {70000}\n"
                        "%x/f16 = cast(%x) {dtype=f16}\n"
                        "%a = neg(%x/f16)\n"
                        "%a/f32 = cast(%a) {dtype=f32}\n"
                        "%b = div(%a/f32, %big)\n"
                        "%b/f16 = cast(%b) {dtype=f16}\n"
                        "%y/f16 = neg(%b/f16) name \"y\"\n"
                        "%y = cast(%y/f16) {dtype=f32} name \"y/f32\"\n"
                        "output %y");
    qn_arena arena;
    qn_arena_init(&arena, NULL);
    qn_graph *graph = half_graph(&arena, text);
    run_pass(graph, store_half());
    expect_reason(graph, "a", "f16: force_float16");
    expect_reason(graph, "b", "f32: constant 'big' is too large for f16");
    expect_reason(graph, "a/f32", "f32: from f16");
    qn_arena_deinit(&arena);
}

/* 2049 has no half: sizes computed through floats must not pass through one. */
static void arithmetic_on_sizes_stays_f32(void **state) {
    static const char text[] = "input %n : s32[2]\n"
                               "const %half : f32[] = {0.5}\n"
                               "%f = cast(%n) {dtype=f32}\n"
                               "%g = mul(%f, %half)\n"
                               "%y = cast(%g) {dtype=s32}\n"
                               "output %y";
    (void)state;
    expect_halves(text, text);
    qn_arena arena;
    qn_arena_init(&arena, NULL);
    qn_graph *graph = half_graph(&arena, text);
    run_pass(graph, store_half());
    expect_reason(graph, "g", "f32: computed from integers");
    qn_arena_deinit(&arena);
}

static void wide_integers_stay_f32_until_they_are_computed_with(void **state) {
    (void)state;
    expect_halves("input %x : s32[1, h]\n"
                  "%f = cast(%x) {dtype=f32}\n"
                  "%y = neg(%f)\n"
                  "output %y",
                  "input %x : s32[1, h]\n"
                  "%f = cast(%x) {dtype=f32}\n"
                  "%f/f16 = cast(%f) {dtype=f16}\n"
                  "%y/f16 = neg(%f/f16) name \"y\"\n"
                  "%y = cast(%y/f16) {dtype=f32} name \"y/f32\"\n"
                  "output %y");
}

static const char three[] = "input %x : f32[n]\n"
                            "%a = neg(%x)\n"
                            "%b = exp(%a)\n"
                            "%y = neg(%b)\n"
                            "output %y";

static void a_node_asked_to_stay_f32_does(void **state) {
    qn_arena arena;
    (void)state;
    qn_arena_init(&arena, NULL);
    qn_graph *graph = half_graph(&arena, three);
    expect_ok(qn_precision_set_op(graph, "exp", QN_DTYPE_F32, (qn_who){.asker = QN_ASKER_CUSTOM_NODES}));
    run_pass(graph, store_half());
    assert_int_equal(qn_graph_find_value(graph, "a")->type.dtype, QN_DTYPE_F16);
    assert_int_equal(qn_graph_find_value(graph, "b")->type.dtype, QN_DTYPE_F32);
    expect_reason(graph, "b", "f32: custom_nodes");
    expect_reason(graph, "a", "f16: force_float16");
    qn_arena_deinit(&arena);
}

static void a_value_asked_to_be_half_is_in_a_float_graph(void **state) {
    qn_arena arena;
    (void)state;
    qn_arena_init(&arena, NULL);
    qn_graph *graph = graph_from(&arena, three);
    expect_ok(qn_precision_set_value(graph, qn_graph_find_value(graph, "b"), QN_DTYPE_F16,
                                     (qn_who){.asker = QN_ASKER_CUSTOM_NODES}));
    run_pass(graph, store_half());
    assert_int_equal(qn_graph_find_value(graph, "a")->type.dtype, QN_DTYPE_F32);
    assert_int_equal(qn_graph_find_value(graph, "b")->type.dtype, QN_DTYPE_F16);
    assert_int_equal(qn_graph_find_value(graph, "y")->type.dtype, QN_DTYPE_F32);
    expect_reason(graph, "b", "f16: custom_nodes");
    expect_reason(graph, "a", "");
    qn_arena_deinit(&arena);
}

static void a_fused_node_inherits_the_wish(void **state) {
    qn_arena arena;
    (void)state;
    qn_arena_init(&arena, NULL);
    qn_graph *graph = half_graph(&arena, "input %x : f32[1, 4, 4, 1]\n"
                                         "const %w : f32[1, 1, 1, 1] = {2}\n"
                                         "%c = conv2d(%x, %w)\n"
                                         "%y = relu(%c)\n"
                                         "output %y");
    expect_ok(qn_precision_set_named(graph, "c", QN_DTYPE_F32, (qn_who){.asker = QN_ASKER_CUSTOM_NODES}));
    run_pass(graph, qn_pass_find("fuse_activation"));
    run_pass(graph, store_half());
    assert_null(qn_graph_find_node(graph, "c"));
    expect_reason(graph, "y", "f32: custom_nodes");
    qn_arena_deinit(&arena);
}

static void a_wish_for_integers_that_nobody_met_is_reported(void **state) {
    qn_arena arena;
    (void)state;
    qn_arena_init(&arena, NULL);
    qn_graph *graph = half_graph(&arena, three);
    expect_ok(qn_precision_set_named(graph, "b", QN_DTYPE_U8, (qn_who){.asker = QN_ASKER_CUSTOM_NODES}));
    run_pass(graph, store_half());
    expect_reason(graph, "b", "f16: not in integers as asked for (custom_nodes)");
    graph = graph_from(&arena, three);
    expect_ok(qn_precision_set_named(graph, "b", QN_DTYPE_S16, (qn_who){.asker = QN_ASKER_CUSTOM_NODES}));
    run_pass(graph, store_half());
    expect_reason(graph, "b", "f32: not in integers as asked for (custom_nodes)");
    qn_arena_deinit(&arena);
}

static void unknown_names_and_types_are_refused(void **state) {
    qn_arena arena;
    (void)state;
    qn_arena_init(&arena, NULL);
    qn_graph *graph = graph_from(&arena, three);
    qn_status *name = qn_precision_set_named(graph, "bb", QN_DTYPE_F16, (qn_who){QN_ASKER_NAMED, "test"});
    qn_status *op = qn_precision_set_op(graph, "expp", QN_DTYPE_F16, (qn_who){QN_ASKER_NAMED, "test"});
    qn_status *dtype = qn_precision_set_named(graph, "b", QN_DTYPE_S8, (qn_who){QN_ASKER_NAMED, "test"});
    assert_int_equal(qn_status_code(name), QN_INVALID_ARGUMENT);
    assert_non_null(strstr(qn_status_message(name), "nearest: b"));
    assert_int_equal(qn_status_code(op), QN_INVALID_ARGUMENT);
    assert_int_equal(qn_status_code(dtype), QN_UNSUPPORTED);
    qn_status_free(name), qn_status_free(op), qn_status_free(dtype);
    qn_arena_deinit(&arena);
}

static void a_graph_that_asks_for_nothing_is_left_alone(void **state) {
    (void)state;
    expect_unchanged("store_half", three);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_between_f32_input_and_output_become_halves),
        cmocka_unit_test(pictures_become_halves_at_once_and_labels_stay_labels),
        cmocka_unit_test(one_cast_serves_every_reader),
        cmocka_unit_test(conversions_to_integers_read_what_there_is),
        cmocka_unit_test(a_constant_beyond_half_precision_keeps_its_node),
        cmocka_unit_test(arithmetic_on_sizes_stays_f32),
        cmocka_unit_test(wide_integers_stay_f32_until_they_are_computed_with),
        cmocka_unit_test(a_node_asked_to_stay_f32_does),
        cmocka_unit_test(a_value_asked_to_be_half_is_in_a_float_graph),
        cmocka_unit_test(a_fused_node_inherits_the_wish),
        cmocka_unit_test(a_wish_for_integers_that_nobody_met_is_reported),
        cmocka_unit_test(unknown_names_and_types_are_refused),
        cmocka_unit_test(a_graph_that_asks_for_nothing_is_left_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
