/* fuse_requantize: what becomes of scales, limits, zero points and biases; results move by one at most, since scales
 * multiply with one more rounding; no sum leaves int32; and what store_half makes of the result. */
#include "quantise_case.h"

static void expect_fused(const char *before, const char *after) {
    qn_arena arena;
    qn_arena_init(&arena, NULL);
    const qn_graph *old = graph_from(&arena, before);
    qn_graph *new = graph_from(&arena, before);
    expect_becomes(new, "fuse_requantize", after);
    double most = greatest_difference(old, new, 5, NULL);
    if (most > 1) fail_msg("results differ by %g", most);
    qn_arena_deinit(&arena);
}

#define CONV "input %x : u8[1, 3, 3, 2]\nconst %k : s8[1, 1, 2, 2] = {1, 2, 3, -4}\n"

static void scales_multiply_and_one_zero_point_becomes_the_results(void **state) {
    (void)state;
    expect_fused(CONV "const %b : s32[2] = {10, -20}\nconst %s : f32[2] = {0.5, 0.25}\n"
                      "const %m : f32[1] = {2}\nconst %z : s32[1] = {9}\n"
                      "%y = conv2d_quantized(%x, %k, %b, %s) {dtype=f32}\n%q = quantize_linear(%y, %m, %z)\noutput %q",
                 CONV "const %b : s32[2] = {10, -20}\nconst %s_1 : f32[2] = {1, 0.5}\n"
                      "%q = conv2d_quantized(%x, %k, %b, %s_1) {dtype=u8, zero_point=9}\noutput %q");
}

/* Zero points 20 and 40: the result has 30, and the biases the rest, -10 / (0.5 * 2) and 10 / (0.25 * 2). */
static void other_zero_points_move_into_the_bias(void **state) {
    (void)state;
    expect_fused(CONV "const %b : s32[2] = {10, -20}\nconst %s : f32[2] = {0.5, 0.25}\n"
                      "const %m : f32[2] = {2, 2}\nconst %z : s32[2] = {20, 40}\n"
                      "%y = conv2d_quantized(%x, %k, %b, %s) {dtype=f32}\n%q = quantize_linear(%y, %m, %z)\noutput %q",
                 CONV "const %s_1 : f32[2] = {1, 0.5}\nconst %b_1 : s32[2] = {0, 0}\n"
                      "%q = conv2d_quantized(%x, %k, %b_1, %s_1) {dtype=u8, zero_point=30}\noutput %q");
}

static void a_limit_follows_the_scale(void **state) {
    (void)state;
    expect_fused(CONV "const %b : s32[2] = {10, -20}\nconst %s : f32[2] = {0.5, 0.25}\nconst %l : f32[2] = splat 6\n"
                      "const %m : f32[2] = {2, 4}\nconst %z : s32[1] = {9}\n"
                      "%y = conv2d_quantized(%x, %k, %b, %s, %l) {dtype=f32, activation=relu6}\n"
                      "%q = quantize_linear(%y, %m, %z)\noutput %q",
                 CONV
                 "const %b : s32[2] = {10, -20}\nconst %s_1 : f32[2] = splat 1\nconst %l_1 : f32[2] = {12, 24}\n"
                 "%q = conv2d_quantized(%x, %k, %b, %s_1, %l_1) {dtype=u8, zero_point=9, activation=relu6}\noutput %q");
}

static void a_limit_that_the_type_makes_idle_goes(void **state) {
    (void)state;
    expect_fused(CONV "const %b : s32[2] = {10, -20}\nconst %s : f32[2] = {0.5, 0.25}\nconst %l : f32[2] = splat 6\n"
                      "const %m : f32[1] = {42.5}\nconst %z : s32[1] = {0}\n"
                      "%y = conv2d_quantized(%x, %k, %b, %s, %l) {dtype=f32, activation=relu6}\n"
                      "%q = quantize_linear(%y, %m, %z)\noutput %q",
                 CONV "const %b : s32[2] = {10, -20}\nconst %s_1 : f32[2] = {21.25, 10.625}\n"
                      "%q = conv2d_quantized(%x, %k, %b, %s_1) {dtype=u8, activation=relu}\noutput %q");
}

static void products_fuse_into_words_too(void **state) {
    (void)state;
    expect_fused("input %x : s16[3, 2]\nconst %k : s16[2, 2] = {1, 2, 3, -4}\n"
                 "const %b : s64[2] = {10, -20}\nconst %s : f32[2] = {0.5, 0.25}\n"
                 "const %m : f32[1] = {2}\nconst %z : s32[1] = {0}\n"
                 "%y = matmul_quantized(%x, %k, %b, %s) {dtype=f32, activation=relu}\n"
                 "%q = quantize_linear(%y, %m, %z) {dtype=s16}\noutput %q",
                 "input %x : s16[3, 2]\nconst %k : s16[2, 2] = {1, 2, 3, -4}\n"
                 "const %b : s64[2] = {10, -20}\nconst %s_1 : f32[2] = {1, 0.5}\n"
                 "%q = matmul_quantized(%x, %k, %b, %s_1) {dtype=s16, activation=relu}\noutput %q");
}

#define UNSCALED                                                                                                       \
    "input %a : u8[1, 2, 3, 2]\ninput %b : u8[1, 2, 3, 2]\nconst %i : s32[1] = {10}\nconst %j : s32[2] = {20, 30}\n"
#define BYTES UNSCALED "const %s : f32[1] = {0.5}\nconst %t : f32[2] = {0.25, 2}\n"

static void sums_take_a_conversion_in(void **state) {
    (void)state;
    expect_fused(BYTES "const %m : f32[1] = {2}\nconst %z : s32[1] = {9}\n"
                       "%y = add_quantized(%a, %b, %s, %t, %i, %j)\n%q = quantize_linear(%y, %m, %z)\noutput %q",
                 UNSCALED "const %s_1 : f32[1] = {1}\nconst %t_1 : f32[2] = {0.5, 4}\n"
                          "%q = add_quantized(%a, %b, %s_1, %t_1, %i, %j) {dtype=u8, zero_point=9}\noutput %q");
    expect_fused(BYTES "const %l : f32[1] = {6}\nconst %m : f32[2] = {2, 4}\nconst %z : s32[1] = {9}\n"
                       "%y = add_quantized(%a, %b, %s, %t, %i, %j, %l) {activation=relu6}\n"
                       "%q = quantize_linear(%y, %m, %z)\noutput %q",
                 UNSCALED
                 "const %s_1 : f32[2] = {1, 2}\nconst %t_1 : f32[2] = {0.5, 8}\nconst %l_1 : f32[2] = {12, 24}\n"
                 "%q = add_quantized(%a, %b, %s_1, %t_1, %i, %j, %l_1) {dtype=u8, zero_point=9, activation=relu6}\n"
                 "output %q");
    expect_fused(BYTES "const %l : f32[1] = {6}\nconst %m : f32[1] = {42.5}\nconst %z : s32[1] = {0}\n"
                       "%y = add_quantized(%a, %b, %s, %t, %i, %j, %l) {activation=relu6}\n"
                       "%q = quantize_linear(%y, %m, %z)\noutput %q",
                 UNSCALED "const %s_1 : f32[1] = {21.25}\nconst %t_1 : f32[2] = {10.625, 85}\n"
                          "%q = add_quantized(%a, %b, %s_1, %t_1, %i, %j) {dtype=u8, activation=relu}\noutput %q");
}

/* As without the addend: the result has zero point 30, and the biases the rest. */
static void an_integer_addend_follows_the_scale(void **state) {
    (void)state;
    expect_fused("input %x : u8[1, 3, 3, 2]\ninput %e : u8[1, 3, 3, 2]\nconst %k : s8[1, 1, 2, 2] = {1, 2, 3, -4}\n"
                 "const %b : s32[2] = {10, -20}\nconst %s : f32[2] = {0.5, 0.25}\nconst %t : f32[2] = {0.5, 3}\n"
                 "const %m : f32[1] = {2}\nconst %z : s32[2] = {20, 40}\n"
                 "%y = conv2d_quantized(%x, %k, %b, %s, none, %t, %e) {addend_zero_point=7}\n"
                 "%q = quantize_linear(%y, %m, %z)\noutput %q",
                 "input %x : u8[1, 3, 3, 2]\ninput %e : u8[1, 3, 3, 2]\nconst %k : s8[1, 1, 2, 2] = {1, 2, 3, -4}\n"
                 "const %s_1 : f32[2] = {1, 0.5}\nconst %t_1 : f32[2] = {1, 6}\nconst %b_1 : s32[2] = {0, 0}\n"
                 "%q = conv2d_quantized(%x, %k, %b_1, %s_1, none, %t_1, %e) "
                 "{dtype=u8, zero_point=30, addend_zero_point=7}\noutput %q");
}

static void what_cannot_fuse_is_left_alone(void **state) {
    static const char *const texts[] = {
        /* the float is read elsewhere, or an output */
        CONV
        "const %b : s32[2] = {1, 2}\nconst %s : f32[2] = {1, 2}\nconst %m : f32[1] = {2}\nconst %z : s32[1] = {9}\n"
        "%y = conv2d_quantized(%x, %k, %b, %s) {dtype=f32}\n%q = quantize_linear(%y, %m, %z)\n%r = neg(%y)\n"
        "output %q\noutput %r",
        CONV
        "const %b : s32[2] = {1, 2}\nconst %s : f32[2] = {1, 2}\nconst %m : f32[1] = {2}\nconst %z : s32[1] = {9}\n"
        "%y = conv2d_quantized(%x, %k, %b, %s) {dtype=f32}\n%q = quantize_linear(%y, %m, %z)\noutput %q\noutput %y",
        /* a float addend */
        CONV
        "input %e : f32[1, 3, 3, 2]\nconst %b : s32[2] = {1, 2}\nconst %s : f32[2] = {1, 2}\nconst %m : f32[1] = {2}\n"
        "const %z : s32[1] = {9}\n%y = conv2d_quantized(%x, %k, %b, %s, none, none, %e) {dtype=f32}\n"
        "%q = quantize_linear(%y, %m, %z)\noutput %q",
        /* a lower bound of zero needs one zero point */
        CONV
        "const %b : s32[2] = {1, 2}\nconst %s : f32[2] = {1, 2}\nconst %m : f32[1] = {2}\nconst %z : s32[2] = {9, 8}\n"
        "%y = conv2d_quantized(%x, %k, %b, %s) {dtype=f32, activation=relu}\n%q = quantize_linear(%y, %m, %z)\noutput %q",
        /* several zero points, and no bias that could take them up */
        BYTES "const %m : f32[1] = {2}\nconst %z : s32[2] = {9, 10}\n%y = add_quantized(%a, %b, %s, %t, %i, %j)\n"
              "%q = quantize_linear(%y, %m, %z)\noutput %q",
        /* integers already */
        CONV
        "const %b : s32[2] = {1, 2}\nconst %s : f32[2] = {1, 2}\n%y = conv2d_quantized(%x, %k, %b, %s) {dtype=u8}\noutput %y",
    };
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) expect_unchanged("fuse_requantize", texts[i]);
}

/* ---- Sums within int32 ---- */

/* 40000 weights of 127 make sums of 1295400000; with the bias they just fit. The zero point, 20 of 2^23 units, does not. */
static void no_zero_point_is_moved_where_sums_have_no_room(void **state) {
    static const int signs[] = {1, -1};
    (void)state;
    for (int i = 0; i < 2; i++)
        for (int has_room = 0; has_room < 2; has_room++) {
            qn_arena arena;
            qn_arena_init(&arena, NULL);
            char *text =
                qn_arena_printf(&arena,
                                "input %%x : u8[1, 40000]\nconst %%k : s8[40000, 2] = splat %d\n"
                                "const %%b : s32[2] = {%d, 0}\nconst %%s : f32[2] = {1.1920928955078125e-07, 0.001}\n"
                                "const %%m : f32[1] = {1}\nconst %%z : s32[2] = {%d, %d}\n"
                                "%%y = matmul_quantized(%%x, %%k, %%b, %%s) {dtype=f32}\n"
                                "%%q = quantize_linear(%%y, %%m, %%z)\noutput %%q",
                                127 * signs[i], signs[i] * (has_room ? 600000000 : 800000000), 120 + 20 * signs[i],
                                120 - 20 * signs[i]);
            const qn_graph *before = graph_from(&arena, text);
            qn_graph *after = graph_from(&arena, text);
            run_pass(after, pass_named("fuse_requantize"));
            assert_int_equal(qn_graph_find_node(after, "q")->op == &qn_op_matmul_quantized, has_room);
            assert_true(greatest_difference(before, after, 7, NULL) <= 1);
            qn_arena_deinit(&arena);
        }
}

/* ---- Random layers ---- */

enum { LAYERS = 150, CHANNELS = 3 };

static void append_vector(qn_buffer *text, qn_rng *rng, const char *name, int count, float low, float high,
                          int is_whole) {
    qn_buffer_printf(text, "const %%%s : %s[%d] = {", name, is_whole ? "s32" : "f32", count);
    for (int i = 0; i < count; i++) {
        double value = (double)qn_rng_float(rng, low, high);
        qn_buffer_printf(text, is_whole ? "%s%.0f" : "%s%.9g", i ? ", " : "", is_whole ? rint(value) : value);
    }
    qn_buffer_printf(text, "}\n");
}

/* A layer that calibration could have made: steps of the weights are far finer than those of the result. */
static void write_layer(qn_buffer *text, qn_rng *rng) {
    static const char *const activations[] = {"none", "relu", "relu6"};
    int64_t activation = qn_rng_range(rng, 0, 2), is_word = qn_rng_range(rng, 0, 3) == 0;
    int points = activation == 0 && !is_word && qn_rng_range(rng, 0, 1) ? CHANNELS : 1;
    qn_buffer_printf(text, "graph \"g\" {\ninput %%x : u8[1, 4, 5, 4]\nconst %%k : s8[1, 1, 4, %d] = {", CHANNELS);
    for (int i = 0; i < 4 * CHANNELS; i++)
        qn_buffer_printf(text, "%s%lld", i ? ", " : "", (long long)qn_rng_range(rng, -127, 127));
    qn_buffer_printf(text, "}\n");
    append_vector(text, rng, "b", CHANNELS, -50000, 50000, 1);
    append_vector(text, rng, "s", CHANNELS, 1e-5f, 1e-4f, 0);
    append_vector(text, rng, "m", qn_rng_range(rng, 0, 1) ? CHANNELS : 1, 10, 60, 0);
    append_vector(text, rng, "z", points, is_word ? 0 : 60, is_word ? 0 : 190, 1);
    if (activation == 2) append_vector(text, rng, "l", CHANNELS, 6, 6, 0);
    qn_buffer_printf(text, "%%y = conv2d_quantized(%%x, %%k, %%b, %%s%s) {dtype=f32, activation=%s}\n",
                     activation == 2 ? ", %l" : "", activations[activation]);
    qn_buffer_printf(text, "%%q = quantize_linear(%%y, %%m, %%z) {dtype=%s}\noutput %%q\n}\n", is_word ? "s16" : "u8");
}

static qn_graph *parse_and_infer(qn_arena *arena, const char *text) {
    qn_graph *graph;
    expect_ok(qn_graph_parse(arena, text, &graph));
    expect_ok(qn_graph_infer(graph));
    return graph;
}

static void fusing_moves_results_by_one_at_most(void **state) {
    double differ = 0;
    int fused = 0;
    (void)state;
    for (uint64_t seed = 1; seed <= LAYERS; seed++) {
        qn_arena arena;
        qn_rng rng;
        qn_buffer text;
        double share;
        qn_arena_init(&arena, NULL);
        qn_buffer_init(&text, NULL);
        qn_rng_init(&rng, seed);
        write_layer(&text, &rng);
        const qn_graph *before = parse_and_infer(&arena, qn_buffer_text(&text));
        qn_graph *after = parse_and_infer(&arena, qn_buffer_text(&text));
        run_pass(after, pass_named("fuse_requantize"));
        fused += qn_graph_find_node(after, "q")->op == &qn_op_conv2d_quantized;
        double most = greatest_difference(before, after, seed, &share);
        if (most > 1) fail_msg("seed %llu: results differ by %g", (unsigned long long)seed, most);
        differ += share;
        qn_buffer_deinit(&text);
        qn_arena_deinit(&arena);
    }
    assert_int_equal(fused, LAYERS);
    if (differ > 0.005 * LAYERS) fail_msg("%g of all results differ", differ / LAYERS);
}

/* ---- With halves after it ---- */

static void with_halves_multipliers_stay_floats_and_results_become_halves(void **state) {
    qn_arena arena;
    (void)state;
    qn_arena_init(&arena, NULL);
    qn_graph *graph =
        ranged_graph(&arena,
                     "input %x : f32[1, 4, 4, 1]\nconst %k : f32[1, 1, 1, 2] = {127, 100}\n"
                     "const %l : f32[1, 1, 2, 1] = {127, -3}\nconst %b : f32[1] = {70000}\n"
                     "%a = conv2d(%x, %k) {activation=relu6}\n%c = conv2d(%a, %l, %b)\n%y = neg(%c)\noutput %y",
                     "x 0 255, a 0 3");
    graph->precision = QN_DTYPE_F16;
    graph->precision_asker = (qn_who){QN_ASKER_NAMED, "halves"};
    for (qn_node *node = graph->first; node; node = node->next) /* however little is gained */
        if (node->op == &qn_op_conv2d)
            expect_ok(qn_facts_ask(graph, node, QN_DTYPE_U8, (qn_who){QN_ASKER_NAMED, "bytes"}, 0));
    run_pass(graph, pass_named("quantise"));
    run_pass(graph, pass_named("hoist_quantize"));
    run_pass(graph, pass_named("fuse_requantize"));
    run_pass(graph, pass_named("store_half"));
    const qn_node *last = qn_graph_find_node(graph, "c");
    assert_ptr_equal(last->op, &qn_op_conv2d_quantized);
    assert_int_equal(last->outputs[0]->type.dtype, QN_DTYPE_F16);
    assert_int_equal(last->inputs[3]->type.dtype, QN_DTYPE_F32);
    assert_int_equal(last->inputs[2]->type.dtype, QN_DTYPE_S32);
    expect_reason(graph, "c", "u8: bytes");
    const qn_node *first = last->inputs[0]->producer;
    assert_ptr_equal(first->op, &qn_op_conv2d_quantized);
    assert_int_equal(first->outputs[0]->type.dtype, QN_DTYPE_U8);
    assert_int_equal(first->inputs[3]->type.dtype, QN_DTYPE_F32);
    assert_int_equal(first->inputs[0]->producer->inputs[1]->type.dtype, QN_DTYPE_F32); /* of the conversion */
    assert_int_equal(qn_graph_find_value(graph, "y")->type.dtype, QN_DTYPE_F32);
    const char *once = text_of(graph);
    run_pass(graph, pass_named("store_half"));
    assert_string_equal(text_of(graph), once);
    qn_arena_deinit(&arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scales_multiply_and_one_zero_point_becomes_the_results),
        cmocka_unit_test(other_zero_points_move_into_the_bias),
        cmocka_unit_test(a_limit_follows_the_scale),
        cmocka_unit_test(a_limit_that_the_type_makes_idle_goes),
        cmocka_unit_test(products_fuse_into_words_too),
        cmocka_unit_test(sums_take_a_conversion_in),
        cmocka_unit_test(an_integer_addend_follows_the_scale),
        cmocka_unit_test(what_cannot_fuse_is_left_alone),
        cmocka_unit_test(no_zero_point_is_moved_where_sums_have_no_room),
        cmocka_unit_test(fusing_moves_results_by_one_at_most),
        cmocka_unit_test(with_halves_multipliers_stay_floats_and_results_become_halves),
    };
    return cmocka_run_group_tests_name("pass/fuse_requantize", tests, NULL, NULL);
}
