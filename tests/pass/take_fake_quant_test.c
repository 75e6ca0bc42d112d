/* take_fake_quant: grids that the source chose become the scales of integers, without any calibration; what fake
 * quantisation then has left to do, and that weights on a grid lose nothing. */
#include "quantise_case.h"

#include "quant/grid.h"

#define RANGE  "const %lo : f32[] = {-1.5}\nconst %hi : f32[] = {6.0}\n"
#define KERNEL "const %k : f32[1, 1, 2, 2] = {127, 2, 3, -127}\n"

/* Each output reads one channel, whose scale goes into its weights without a rounding. */
#define DIAGONAL "const %k : f32[1, 1, 2, 2] = {127, 0, 0, -127}\n"

static int count_op(const qn_graph *graph, const qn_op_def *op) {
    int count = 0;
    for (const qn_node *node = graph->first; node; node = node->next) count += node->op == op;
    return count;
}

/* The graph with ranges marked and layers integer. */
static qn_graph *quantised(qn_arena *arena, const char *statements) {
    qn_graph *graph = ranged_graph(arena, statements, "");
    run_pass(graph, pass_named("fold_constants"));
    expect_ok(qn_grids_mark(graph));
    run_pass(graph, pass_named("quantise"));
    return graph;
}

static void run_rest(qn_graph *graph) {
    run_pass(graph, pass_named("take_fake_quant"));
    run_pass(graph, pass_named("hoist_quantize"));
    run_pass(graph, pass_named("fuse_requantize"));
}

/* After the pass `fakes` are left, and the results are what they were but for roundings at the middle of a step. */
static void expect_taken(const char *statements, int fakes, int dequantised, double most_wanted) {
    qn_arena arena;
    double share;
    qn_arena_init(&arena, NULL);
    const qn_graph *before = graph_from(&arena, statements);
    qn_graph *after = quantised(&arena, statements);
    run_pass(after, pass_named("take_fake_quant"));
    if (count_op(after, &qn_op_fake_quant) != fakes || count_op(after, &qn_op_dequantize_linear) != dequantised)
        fail_msg("found %s", text_of(after));
    const char *once = text_of(after);
    run_pass(after, pass_named("take_fake_quant"));
    assert_string_equal(once, text_of(after));
    run_rest(after);
    double most = greatest_difference(before, after, 3, &share);
    if (most > most_wanted) fail_msg("results differ by %g, expected %g\n%s", most, most_wanted, text_of(after));
    qn_arena_deinit(&arena);
}

/* ---- Activations ---- */

/* Nudged as TensorFlow does: a step of 7.5 / 255, zero at 51. */
static void a_conversion_has_the_scale_and_zero_of_the_operator(void **state) {
    (void)state;
    static const char *const statements[] = {
        "input %x : f32[1, 3, 4, 2]\n" RANGE KERNEL "%q = fake_quant(%x, %lo, %hi)\n%y = conv2d(%q, %k)\noutput %y",
        "input %x : f32[1, 3, 4, 2]\n" RANGE KERNEL
        "%q = fake_quant(%x, %lo, %hi)\n%p = max_pool2d(%q) {kernel=[2, 2], padding=valid, stride=[1, 1]}\n"
        "%y = conv2d(%p, %k)\noutput %y",
    };
    for (size_t i = 0; i < 2; i++) {
        qn_arena arena;
        qn_arena_init(&arena, NULL);
        qn_graph *graph = quantised(&arena, statements[i]);
        const qn_value *bytes = qn_graph_find_value(graph, i ? "p/u8" : "q/u8");
        assert_non_null(bytes);
        assert_true(bytes->encoding->scale[0] == 7.5f / 255.0f);
        assert_int_equal(bytes->encoding->zero_point[0], 51);
        qn_arena_deinit(&arena);
        expect_taken(statements[i], 0, 0, 1e-4);
    }
}

static void what_only_moves_values_is_looked_through(void **state) {
    (void)state;
    expect_taken("input %x : f32[1, 3, 4, 2]\n" RANGE KERNEL "const %s : s32[4] = {1, 4, 3, 2}\n"
                 "%q = fake_quant(%x, %lo, %hi)\n%r = reshape(%q, %s)\n%y = conv2d(%r, %k)\n%z = conv2d(%q, %k)\n"
                 "output %y\noutput %z",
                 0, 0, 1e-4);
    expect_taken("input %x : f32[1, 3, 4, 1]\ninput %z : f32[1, 3, 4, 1]\n" RANGE DIAGONAL "const %up : f32[] = {3.0}\n"
                 "%q = fake_quant(%x, %lo, %hi)\n%r = fake_quant(%z, %lo, %up)\n%c = concat(%q, %r) {axis=3}\n"
                 "%y = conv2d(%c, %k)\noutput %y",
                 0, 0, 1e-4);
}

static void others_read_the_integers_as_floats(void **state) {
    (void)state;
    expect_taken("input %x : f32[1, 3, 4, 2]\n" RANGE KERNEL
                 "%q = fake_quant(%x, %lo, %hi)\n%n = neg(%q)\n%y = conv2d(%q, %k)\noutput %y\noutput %n",
                 0, 1, 1e-4);
    expect_taken("input %x : f32[1, 3, 4, 2]\n" RANGE KERNEL
                 "%q = fake_quant(%x, %lo, %hi)\n%y = conv2d(%q, %k)\noutput %y\noutput %q",
                 0, 1, 1e-4);
}

/* A step of the last grid is 12 / 255. */
static void what_an_integer_operator_makes_is_integers_for_floats_too(void **state) {
    (void)state;
    const double step = 1.01 * 12 / 255;
    expect_taken("input %x : f32[1, 3, 4, 2]\n" RANGE KERNEL "const %low : f32[] = {-3}\nconst %high : f32[] = {9}\n"
                 "%q = fake_quant(%x, %lo, %hi)\n%c = conv2d(%q, %k)\n%r = fake_quant(%c, %low, %high)\n%y = neg(%r)\n"
                 "output %y\noutput %r",
                 0, 1, step);
    expect_taken("input %x : f32[1, 3, 4, 2]\ninput %e : f32[1, 3, 4, 2]\n" RANGE
                 "const %low : f32[] = {-3}\nconst %high : f32[] = {9}\n"
                 "%q = fake_quant(%x, %lo, %hi)\n%p = fake_quant(%e, %lo, %hi)\n%s = add(%q, %p)\n"
                 "%y = fake_quant(%s, %low, %high)\noutput %y",
                 0, 1, step);
    /* the float is read as well */
    expect_taken("input %x : f32[1, 3, 4, 2]\n" RANGE KERNEL
                 "%q = fake_quant(%x, %lo, %hi)\n%c = conv2d(%q, %k)\n%y = fake_quant(%c, %lo, %hi)\n"
                 "output %y\noutput %c",
                 1, 0, step);
}

static void without_a_conversion_on_its_grid_it_stays(void **state) {
    (void)state;
    expect_taken("input %x : f32[1, 3, 4, 2]\n" RANGE "%q = fake_quant(%x, %lo, %hi)\n%n = neg(%q)\noutput %n", 1, 0,
                 0);
    /* four bits: integers of eight would not clip as it does, but they are on its grid */
    expect_taken("input %x : f32[1, 3, 4, 2]\n" RANGE KERNEL
                 "%q = fake_quant(%x, %lo, %hi) {bits=4}\n%y = conv2d(%q, %k)\noutput %y",
                 1, 0, 1e-4);
    /* an average is on no grid */
    expect_taken("input %x : f32[1, 3, 4, 2]\n" RANGE KERNEL
                 "%q = fake_quant(%x, %lo, %hi)\n%p = avg_pool2d(%q) {kernel=[2, 2], padding=valid, stride=[1, 1]}\n"
                 "%y = conv2d(%p, %k)\noutput %y",
                 1, 0, 130 * 7.5 / 255);
    /* zero is 51 here and 0 there, but what lies outside the picture is one integer */
    expect_taken("input %x : f32[1, 3, 4, 2]\nconst %lo : f32[2] = {-1.5, 0}\nconst %hi : f32[2] = {6, 6}\n"
                 "const %k : f32[3, 3, 2, 1] = splat 1\n"
                 "%q = fake_quant(%x, %lo, %hi)\n%y = conv2d(%q, %k) {padding=same_upper}\noutput %y",
                 1, 0, 20 * 7.5 / 255);
}

static void channels_have_their_own_grids(void **state) {
    (void)state;
    expect_taken("input %x : f32[1, 3, 4, 2]\nconst %lo : f32[2] = {-1.5, 0}\nconst %hi : f32[2] = {6, 3}\n" DIAGONAL
                 "%q = fake_quant(%x, %lo, %hi)\n%y = conv2d(%q, %k)\noutput %y",
                 0, 0, 1e-4);
}

static void nothing_happens_without_integers(void **state) {
    (void)state;
    expect_unchanged("take_fake_quant", "input %x : f32[1, 3, 4, 2]\n" RANGE KERNEL
                                        "%q = fake_quant(%x, %lo, %hi)\n%y = conv2d(%q, %k)\noutput %y");
}

/* ---- Weights ---- */

#define FAKE_WEIGHTS                                                                                                   \
    "input %x : f32[1, 3, 4, 2]\n" RANGE "const %w : f32[1, 1, 2, 3] = {0.11, -0.97, 0.5, 0.33, -0.05, 0.8}\n"         \
    "%q = fake_quant(%x, %lo, %hi)\n"

static void expect_weights(const char *statements, const char *reason, double most_wanted) {
    qn_arena arena;
    double share;
    qn_arena_init(&arena, NULL);
    const qn_graph *before = graph_from(&arena, statements);
    qn_graph *after = quantised(&arena, statements);
    expect_reason(after, "y", reason);
    run_rest(after);
    double most = greatest_difference(before, after, 4, &share);
    if (most > most_wanted) fail_msg("results differ by %g, expected %g\n%s", most, most_wanted, text_of(after));
    qn_arena_deinit(&arena);
}

/* Scales of weights are those of the source, so that a sum differs by the rounding of floats only. */
static void weights_on_a_grid_around_zero_lose_nothing(void **state) {
    (void)state;
    const char *kept = "u8: bytes, weights as the source has them";
    expect_weights(FAKE_WEIGHTS "const %a : f32[] = {-1.0}\nconst %b : f32[] = {1.0}\n"
                                "%v = fake_quant(%w, %a, %b) {narrow_range=true}\n%y = conv2d(%q, %v)\noutput %y",
                   kept, 1e-5);
    expect_weights(FAKE_WEIGHTS "const %a : f32[3] = {-0.5, -1.0, -0.8}\nconst %b : f32[3] = {0.5, 1.0, 0.8}\n"
                                "%v = fake_quant(%w, %a, %b) {narrow_range=true}\n%y = conv2d(%q, %v)\noutput %y",
                   kept, 1e-5);
    expect_weights("input %x : f32[1, 3, 4, 2]\n" RANGE "const %a : f32[1] = {-1.0}\nconst %b : f32[1] = {1.0}\n"
                   "%q = fake_quant(%x, %lo, %hi)\n"
                   "const %s : s8[1, 1, 2, 3] = {127, -127, 3, 4, 55, 6}\n"
                   "%v = dequantize(%s, %a, %b) {mode=scaled}\n%y = conv2d(%q, %v)\noutput %y",
                   kept, 1e-5);
}

/* From -0.2 to 1: 212 steps lie above zero. The first output stays below 127 of them. */
static void weights_that_reach_too_far_are_rounded_again(void **state) {
    (void)state;
    expect_weights("input %x : f32[1, 3, 4, 2]\n" RANGE "const %a : f32[] = {-0.2}\nconst %b : f32[] = {1.0}\n"
                   "const %w : f32[1, 1, 2, 2] = {0.11, 0.97, 0.33, -0.05}\n"
                   "%q = fake_quant(%x, %lo, %hi)\n%v = fake_quant(%w, %a, %b)\n%y = conv2d(%q, %v)\noutput %y",
                   "u8: bytes, weights as the source has them in 1 of 2 outputs", 2 * 6 * 0.5 / 127);
}

static void a_scale_folded_into_weights_goes_into_their_grid(void **state) {
    (void)state;
    qn_arena arena;
    qn_arena_init(&arena, NULL);
    qn_graph *graph = ranged_graph(&arena,
                                   FAKE_WEIGHTS "const %a : f32[] = {-1.0}\nconst %b : f32[] = {1.0}\n"
                                                "const %f : f32[3] = {2, -0.3, 0.01}\n"
                                                "%v = fake_quant(%w, %a, %b) {narrow_range=true}\n%c = conv2d(%q, %v)\n"
                                                "%y = mul(%c, %f)\noutput %y",
                                   "");
    run_pass(graph, pass_named("fold_constants"));
    run_pass(graph, pass_named("fold_scale"));
    expect_ok(qn_grids_mark(graph));
    run_pass(graph, pass_named("quantise"));
    expect_reason(graph, "y", "u8: bytes, weights as the source has them");
    qn_arena_deinit(&arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_conversion_has_the_scale_and_zero_of_the_operator),
        cmocka_unit_test(what_only_moves_values_is_looked_through),
        cmocka_unit_test(others_read_the_integers_as_floats),
        cmocka_unit_test(what_an_integer_operator_makes_is_integers_for_floats_too),
        cmocka_unit_test(without_a_conversion_on_its_grid_it_stays),
        cmocka_unit_test(channels_have_their_own_grids),
        cmocka_unit_test(nothing_happens_without_integers),
        cmocka_unit_test(weights_on_a_grid_around_zero_lose_nothing),
        cmocka_unit_test(weights_that_reach_too_far_are_rounded_again),
        cmocka_unit_test(a_scale_folded_into_weights_goes_into_their_grid),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
