/* Additions in integers: which are asked for and which the source computes on grids, what becomes of them through
 * fuse_addend, quantise, take_fake_quant and fuse_requantize, and why others stay float. Ranges are such that scales
 * are powers of two. */
#include "quantise_case.h"

#include "pass/addition.h"
#include "quant/grid.h"
#include "random_graph.h"

static int count_op(const qn_graph *graph, const qn_op_def *op) {
    int count = 0;
    for (const qn_node *node = graph->first; node; node = node->next) count += node->op == op;
    return count;
}

/* A graph with ranges in which the node "y" asks for `dtype`. */
static qn_graph *asking_graph(qn_arena *arena, const char *statements, const char *ranges, qn_dtype dtype) {
    qn_graph *graph = ranged_graph(arena, statements, ranges);
    expect_ok(qn_precision_set_named(graph, "y", dtype, (qn_who){QN_ASKER_NAMED, "somebody"}));
    return graph;
}

static void expect_asked(const char *before, const char *ranges, const char *after, const char *node,
                         const char *reason) {
    qn_arena arena;
    qn_arena_init(&arena, NULL);
    qn_graph *graph = asking_graph(&arena, before, ranges, QN_DTYPE_U8);
    run_pass(graph, pass_named("fuse_addend"));
    run_pass(graph, pass_named("fuse_activation"));
    expect_becomes(graph, "quantise", after);
    expect_reason(graph, node, reason);
    qn_arena_deinit(&arena);
}

/* ---- What is asked for ---- */

#define OPERANDS "input %x : f32[1, 2, 3, 2]\ninput %e : f32[1, 2, 3, 2]\n"
#define CONVERTED                                                                                                      \
    OPERANDS "const %x/u8/multiplier : f32[1] = {1}\nconst %x/u8/zero_point : s32[1] = {10}\n"                         \
             "const %y/a_multiplier : f32[1] = {1}\nconst %y/a_zero_point : s32[1] = {10}\n"                           \
             "const %e/u8/multiplier : f32[1] = {0.5}\nconst %e/u8/zero_point : s32[1] = {0}\n"                        \
             "const %y/b_multiplier : f32[1] = {2}\nconst %y/b_zero_point : s32[1] = {0}\n"                            \
             "%x/u8 = quantize_linear(%x, %x/u8/multiplier, %x/u8/zero_point)\n"                                       \
             "%e/u8 = quantize_linear(%e, %e/u8/multiplier, %e/u8/zero_point)\n"

static void an_addition_that_is_asked_for_reads_integers(void **state) {
    (void)state;
    expect_asked(OPERANDS "%y = add(%x, %e)\noutput %y", "x -10 245, e 0 510",
                 CONVERTED "%y = add_quantized(%x/u8, %e/u8, %y/a_multiplier, %y/b_multiplier, %y/a_zero_point, "
                           "%y/b_zero_point)\noutput %y",
                 "y", "u8: somebody");
}

static void the_activation_behind_it_is_part_of_it(void **state) {
    (void)state;
    expect_asked(OPERANDS "%y = add(%x, %e)\n%r = relu(%y)\noutput %r", "x -10 245, e 0 510",
                 CONVERTED "%r = add_quantized(%x/u8, %e/u8, %y/a_multiplier, %y/b_multiplier, %y/a_zero_point, "
                           "%y/b_zero_point) {activation=relu}\noutput %r",
                 "r", "u8: somebody");
    expect_asked(OPERANDS "%y = add(%x, %e)\n%r = relu6(%y)\noutput %r", "x -10 245, e 0 510",
                 CONVERTED "const %r/limit : f32[1] = {6}\n"
                           "%r = add_quantized(%x/u8, %e/u8, %y/a_multiplier, %y/b_multiplier, %y/a_zero_point, "
                           "%y/b_zero_point, %r/limit) {activation=relu6}\noutput %r",
                 "r", "u8: somebody");
    expect_asked(OPERANDS "%y = add(%x, %e)\n%r = relu(%y)\noutput %r\noutput %y", "x -10 245, e 0 510",
                 CONVERTED "%y = add_quantized(%x/u8, %e/u8, %y/a_multiplier, %y/b_multiplier, %y/a_zero_point, "
                           "%y/b_zero_point)\n%r = relu(%y)\noutput %r\noutput %y",
                 "y", "u8: somebody");
}

#define CONV_OPERANDS "input %x : f32[1, 2, 2, 1]\ninput %e : f32[1, 2, 2, 1]\nconst %k : f32[1, 1, 1, 1] = {127}\n"

/* The convolution alone would save no time; that somebody asks for the sum is enough. */
static void the_addend_of_a_convolution_becomes_integers(void **state) {
    (void)state;
    expect_asked(CONV_OPERANDS "%c = conv2d(%x, %k)\n%y = add(%e, %c)\noutput %y", "x 0 255, e -20 490",
                 "input %x : f32[1, 2, 2, 1]\ninput %e : f32[1, 2, 2, 1]\n"
                 "const %x/u8/multiplier : f32[1] = {1}\nconst %x/u8/zero_point : s32[1] = {0}\n"
                 "const %k/s8 : s8[1, 1, 1, 1] = {127}\nconst %y/bias : s32[1] = {0}\n"
                 "const %y/multiplier : f32[1] = {1}\n"
                 "const %e/u8/multiplier : f32[1] = {0.5}\nconst %e/u8/zero_point : s32[1] = {10}\n"
                 "const %y/addend_multiplier : f32[1] = {2}\n"
                 "%x/u8 = quantize_linear(%x, %x/u8/multiplier, %x/u8/zero_point)\n"
                 "%e/u8 = quantize_linear(%e, %e/u8/multiplier, %e/u8/zero_point)\n"
                 "%y = conv2d_quantized(%x/u8, %k/s8, %y/bias, %y/multiplier, none, %y/addend_multiplier, %e/u8) "
                 "{addend_zero_point=10}\noutput %y",
                 "y", "u8: bytes, its addend u8");
}

/* Words for the sum among bytes: a wish for the addend is none for the convolution. */
static void an_addend_may_be_of_words(void **state) {
    qn_arena arena;
    (void)state;
    qn_arena_init(&arena, NULL);
    qn_graph *graph = asking_graph(&arena, CONV_OPERANDS "%c = conv2d(%x, %k)\n%y = add(%c, %e)\noutput %y",
                                   "x 0 255, e -20 490", QN_DTYPE_S16);
    run_pass(graph, pass_named("fuse_addend"));
    run_pass(graph, pass_named("quantise"));
    const qn_node *y = qn_graph_find_node(graph, "y");
    assert_int_equal(y->inputs[0]->type.dtype, QN_DTYPE_U8);
    assert_int_equal(y->inputs[6]->type.dtype, QN_DTYPE_S16);
    expect_reason(graph, "y", "u8: bytes, its addend s16");
    qn_arena_deinit(&arena);
}

/* What an addend is read as has one zero point, whatever its channels would like best. */
static void an_addend_has_one_zero_point(void **state) {
    static const float low[] = {-1, -200}, high[] = {250, 2};
    qn_arena arena;
    (void)state;
    qn_arena_init(&arena, NULL);
    for (int is_addend = 0; is_addend < 2; is_addend++) {
        qn_graph *graph = asking_graph(&arena,
                                       is_addend ? OPERANDS "const %k : f32[1, 1, 2, 2] = splat 1\n"
                                                            "%c = conv2d(%x, %k)\n%y = add(%c, %e)\noutput %y"
                                                 : OPERANDS "%y = add(%x, %e)\noutput %y",
                                       "x 0 255, e -200 250", QN_DTYPE_U8);
        qn_value_stats *stats = qn_arena_copy(&arena, qn_graph_find_value(graph, "e")->stats, sizeof *stats);
        stats->channels = 2;
        stats->channel_low = low;
        stats->channel_high = high;
        qn_graph_find_value(graph, "e")->stats = stats;
        run_pass(graph, pass_named("fuse_addend"));
        run_pass(graph, pass_named("quantise"));
        const qn_value_encoding *encoding = qn_graph_find_value(graph, "e/u8")->encoding;
        assert_int_equal(encoding->channels, 2);
        assert_int_equal(encoding->zero_point[0] == encoding->zero_point[1], is_addend);
    }
    qn_arena_deinit(&arena);
}

static void a_convolution_that_is_to_be_float_keeps_out_of_the_addition(void **state) {
    qn_arena arena;
    (void)state;
    qn_arena_init(&arena, NULL);
    qn_graph *graph = asking_graph(&arena, CONV_OPERANDS "%c = conv2d(%x, %k)\n%y = add(%c, %e)\noutput %y",
                                   "x 0 255, e -20 490, c 0 1020", QN_DTYPE_U8);
    expect_ok(qn_precision_set_named(graph, "c", QN_DTYPE_F16, (qn_who){QN_ASKER_NAMED, "somebody else"}));
    run_pass(graph, pass_named("fuse_addend"));
    run_pass(graph, pass_named("quantise"));
    assert_ptr_equal(qn_graph_find_node(graph, "c")->op, &qn_op_conv2d);
    assert_ptr_equal(qn_graph_find_node(graph, "y")->op, &qn_op_add_quantized);
    qn_arena_deinit(&arena);
}

/* ---- What stays float ---- */

static void expect_float(const char *statements, const char *ranges, const char *reason) {
    qn_arena arena;
    qn_arena_init(&arena, NULL);
    qn_graph *graph = asking_graph(&arena, statements, ranges, QN_DTYPE_U8);
    run_pass(graph, pass_named("quantise"));
    assert_ptr_equal(qn_graph_find_node(graph, "y")->op, &qn_op_add);
    expect_reason(graph, "y", reason);
    qn_arena_deinit(&arena);
}

static void an_addition_that_cannot_be_integer_says_why(void **state) {
    (void)state;
    expect_float(OPERANDS "%y = add(%x, %e)\noutput %y", "x 0 255", "no integers: there is no range for 'e'");
    expect_float("symbol c [1, 9]\ninput %x : f32[2, c]\ninput %e : f32[2, c]\n%y = add(%x, %e)\noutput %y",
                 "x 0 255, e 0 255", "no integers: its channels are no fixed number");
    expect_float("input %x : f32[1, 2, 3, 2]\ninput %e : f32[2]\n%y = add(%x, %e)\noutput %y", "x 0 255, e 0 255",
                 "no integers: an addition of this form");
    expect_float("input %x : f32[1, 2, 3, 2]\nconst %e : f32[2] = {1, 2}\n%y = add(%x, %e)\noutput %y", "x 0 255",
                 "no integers: an addition of this form");
}

/* The convolution has no range to read, and so the addition has none of its integers. */
static void an_addition_in_a_convolution_that_stays_float_says_why(void **state) {
    qn_arena arena;
    (void)state;
    qn_arena_init(&arena, NULL);
    qn_graph *graph =
        asking_graph(&arena, CONV_OPERANDS "%c = conv2d(%x, %k)\n%y = add(%c, %e)\noutput %y", "e 0 255", QN_DTYPE_U8);
    run_pass(graph, pass_named("fuse_addend"));
    run_pass(graph, pass_named("quantise"));
    graph->precision = QN_DTYPE_F16;
    run_pass(graph, pass_named("store_half"));
    expect_reason(graph, "y", "f16: not in integers as asked for (no integers: there is no range for 'x')");
    qn_arena_deinit(&arena);
}

static void an_addend_without_a_range_stays_float_and_says_so(void **state) {
    qn_arena arena;
    (void)state;
    qn_arena_init(&arena, NULL);
    qn_graph *graph =
        asking_graph(&arena, CONV_OPERANDS "%c = conv2d(%x, %k)\n%y = add(%c, %e)\noutput %y", "x 0 255", QN_DTYPE_U8);
    run_pass(graph, pass_named("fuse_addend"));
    run_pass(graph, pass_named("quantise"));
    assert_int_equal(qn_graph_find_node(graph, "y")->inputs[6]->type.dtype, QN_DTYPE_F32);
    expect_reason(graph, "y", "u8: bytes, its addend float: there is no range for 'e'");
    qn_arena_deinit(&arena);
}

static void nothing_becomes_of_additions_that_nobody_asks_for(void **state) {
    static const char *const statements[] = {
        OPERANDS "%y = add(%x, %e)\noutput %y",
        OPERANDS "const %lo : f32[] = {-1}\nconst %hi : f32[] = {1}\n" /* the sum goes to no grid */
                 "%q = fake_quant(%x, %lo, %hi)\n%r = fake_quant(%e, %lo, %hi)\n%y = add(%q, %r)\noutput %y",
        OPERANDS "const %lo : f32[] = {-1}\nconst %hi : f32[] = {1}\n" /* one operand is on none */
                 "%q = fake_quant(%x, %lo, %hi)\n%s = add(%q, %e)\n%y = fake_quant(%s, %lo, %hi)\noutput %y",
        OPERANDS "const %lo : f32[] = {-1}\nconst %hi : f32[] = {1}\n" /* somebody else reads the sum itself */
                 "%q = fake_quant(%x, %lo, %hi)\n%r = fake_quant(%e, %lo, %hi)\n%s = add(%q, %r)\n"
                 "%y = fake_quant(%s, %lo, %hi)\n%z = neg(%s)\noutput %y\noutput %z",
        "input %x : f32[1, 2, 3, 2]\ninput %e : f32[2]\nconst %lo : f32[] = {-1}\nconst %hi : f32[] = {1}\n"
        "%q = fake_quant(%x, %lo, %hi)\n%r = fake_quant(%e, %lo, %hi)\n%s = add(%q, %r)\n" /* repeats */
        "%y = fake_quant(%s, %lo, %hi)\noutput %y",
    };
    (void)state;
    for (size_t i = 0; i < sizeof statements / sizeof *statements; i++) {
        qn_arena arena;
        qn_arena_init(&arena, NULL);
        qn_graph *graph = ranged_graph(&arena, statements[i], "x -1 1, e -1 1");
        expect_ok(qn_grids_mark(graph));
        expect_becomes(graph, "quantise", statements[i]);
        qn_arena_deinit(&arena);
    }
}

/* ---- Grids of the source ---- */

#define GRIDS                                                                                                          \
    "const %lo : f32[] = {-1.5}\nconst %hi : f32[] = {6.0}\nconst %low : f32[] = {-3}\nconst %high : f32[] = {9}\n"    \
    "const %zero : f32[] = {0}\nconst %k : f32[1, 1, 2, 2] = {127, 2, 3, -127}\n"

static qn_graph *through_the_passes(qn_arena *arena, const char *statements) {
    static const char *const fusing[] = {"fuse_addend", "fuse_activation"};
    static const char *const passes[] = {"quantise", "take_fake_quant", "hoist_quantize", "fuse_requantize"};
    qn_graph *graph = ranged_graph(arena, statements, "");
    expect_ok(qn_grids_mark(graph));
    for (size_t i = 0; i < 2; i++) run_pass(graph, pass_named(fusing[i]));
    for (size_t i = 0; i < 4; i++) run_pass(graph, pass_named(passes[i]));
    return graph;
}

/* `sums` of add_quantized that give bytes, and results that are off by less than a step where the roundings of floats
   meet the middle between two. */
static void expect_on_grids(const char *statements, int sums, int fakes, double most_wanted) {
    qn_arena arena;
    double share;
    int bytes = 0;
    qn_arena_init(&arena, NULL);
    const qn_graph *before = graph_from(&arena, statements);
    const qn_graph *after = through_the_passes(&arena, statements);
    for (const qn_node *node = after->first; node; node = node->next)
        bytes += node->op == &qn_op_add_quantized && node->outputs[0]->type.dtype == QN_DTYPE_U8;
    if (bytes != sums || count_op(after, &qn_op_add) || count_op(after, &qn_op_fake_quant) != fakes)
        fail_msg("found %s", text_of(after));
    double most = greatest_difference(before, after, 3, &share);
    if (most > most_wanted) fail_msg("results differ by %g, expected %g\n%s", most, most_wanted, text_of(after));
    qn_arena_deinit(&arena);
}

static void an_addition_between_grids_is_one_of_bytes(void **state) {
    const double steps = 1.01 * (127 + 2) * 12 / 255; /* what one step of the sum changes behind the convolution */
    (void)state;
    expect_on_grids("input %x : f32[1, 3, 4, 2]\ninput %e : f32[1, 3, 4, 2]\n" GRIDS
                    "%q = fake_quant(%x, %lo, %hi)\n%r = fake_quant(%e, %low, %hi)\n%s = add(%q, %r)\n"
                    "%t = fake_quant(%s, %low, %high)\n%y = conv2d(%t, %k)\noutput %y",
                    1, 0, steps);
    expect_on_grids("input %x : f32[1, 3, 4, 2]\ninput %e : f32[1, 3, 4, 2]\n" GRIDS
                    "%q = fake_quant(%x, %lo, %hi)\n%r = fake_quant(%e, %low, %hi)\n%s = add(%q, %r)\n%u = relu(%s)\n"
                    "%t = fake_quant(%u, %zero, %high)\n%y = conv2d(%t, %k)\noutput %y",
                    1, 0, steps);
    /* a trunk of two additions, pooled between them */
    expect_on_grids(
        "input %x : f32[1, 4, 4, 2]\ninput %e : f32[1, 4, 4, 2]\n" GRIDS
        "%q = fake_quant(%x, %lo, %hi)\n%r = fake_quant(%e, %low, %hi)\n%s = add(%q, %r)\n"
        "%t = fake_quant(%s, %low, %high)\n%p = max_pool2d(%t) {kernel=[1, 1], stride=[1, 1], padding=valid}\n"
        "%v = add(%p, %q)\n%w = fake_quant(%v, %low, %high)\n%y = conv2d(%w, %k)\noutput %y",
        2, 0, 2 * steps);
}

/* The projection is rounded to a grid of its own before it is added, as the source does: its sum is no addend. */
static void a_projection_on_a_grid_is_rounded_before_it_is_added(void **state) {
    (void)state;
    expect_on_grids("input %x : f32[1, 3, 4, 2]\n" GRIDS
                    "%q = fake_quant(%x, %lo, %hi)\n%c = conv2d(%q, %k)\n%d = fake_quant(%c, %low, %high)\n"
                    "%s = add(%d, %q)\n%t = fake_quant(%s, %low, %high)\n%y = conv2d(%t, %k)\noutput %y",
                    1, 0, 2 * 1.01 * (127 + 2) * 12 / 255);
}

/* One that is not is added where it is, to bytes. */
static void a_projection_on_no_grid_takes_the_other_branch_as_bytes(void **state) {
    qn_arena arena;
    (void)state;
    qn_arena_init(&arena, NULL);
    const qn_graph *graph =
        through_the_passes(&arena, "input %x : f32[1, 3, 4, 2]\n" GRIDS
                                   "%q = fake_quant(%x, %lo, %hi)\n%c = conv2d(%q, %k)\n%s = add(%c, %q)\n"
                                   "%t = fake_quant(%s, %low, %high)\n%y = conv2d(%t, %k)\noutput %y");
    const qn_value *sum = qn_graph_find_value(graph, "t/u8");
    assert_ptr_equal(sum->producer->op, &qn_op_conv2d_quantized);
    assert_int_equal(sum->type.dtype, QN_DTYPE_U8);
    assert_ptr_equal(sum->producer->inputs[6], sum->producer->inputs[0]);
    assert_int_equal(count_op(graph, &qn_op_fake_quant), 0);
    const qn_outcome outcome = qn_outcome_of(graph, sum->producer);
    assert_non_null(strstr(qn_outcome_text(&outcome, &arena), ", its addend u8"));
    qn_arena_deinit(&arena);
}

/* ---- Random graphs ---- */

enum { GRAPHS = 200 };

/* Every addition asks for integers, and every float has the range that one evaluation gave it. */
static void ask_for_all(qn_graph *graph, const evaluation *e, qn_dtype dtype) {
    for (qn_node *node = graph->first; node; node = node->next)
        if (qn_addition_is(node))
            expect_ok(qn_precision_set_node(graph, node, dtype, (qn_who){QN_ASKER_NAMED, "test"}));
    for (size_t i = 0; i < graph->values.count; i++) {
        const qn_value *value = graph->values.items[i];
        if (value->type.dtype != QN_DTYPE_F32 || qn_value_is_constant(value) || !value->type.rank) continue;
        qn_view view = evaluated(e, value);
        float low = 0, high = 0x1p-20f;
        for (int64_t c = 0; view.dtype && c < qn_view_elems(&view); c++) {
            low = fminf(low, (float)qn_view_get(&view, c));
            high = fmaxf(high, (float)qn_view_get(&view, c));
        }
        give_range(graph, value->name, low, high);
    }
}

/* A sum against that of the floats its operands were made of: each is off by half a step. 0: one left its range. */
static int check_sum(const qn_node *node, const evaluation *e, uint64_t seed) {
    const qn_requantize_attrs *result = &((const qn_add_quantized_attrs *)node->attrs)->result;
    qn_view got = evaluated(e, node->outputs[0]), operands[2];
    double step[2];
    for (int side = 0; side < 2; side++) {
        const qn_node *quantize = node->inputs[side]->producer;
        const qn_value_stats *stats = quantize->inputs[0]->stats;
        qn_view multiplier = qn_value_view(quantize->inputs[1]);
        operands[side] = evaluated(e, quantize->inputs[0]);
        step[side] = 1 / qn_view_get(&multiplier, 0);
        for (int64_t i = 0; i < qn_view_elems(&operands[side]); i++) {
            double value = qn_view_get(&operands[side], i);
            if (value < (double)stats->low || value > (double)stats->high) return 0;
        }
    }
    for (int64_t i = 0; i < qn_view_elems(&got); i++) {
        double want = qn_view_get(&operands[0], i) + qn_view_get(&operands[1], i);
        if (result->activation != QN_ACTIVATION_NONE) want = fmax(want, 0);
        if (result->activation == QN_ACTIVATION_RELU6) want = fmin(want, 6);
        double off = fabs(qn_view_get(&got, i) - want);
        if (!(off <= 0.5005 * (step[0] + step[1]) + 1e-5 * fabs(want)))
            fail_msg("seed %llu, '%s', element %lld: off by %g, steps of %g and %g", (unsigned long long)seed,
                     node->name, (long long)i, off, step[0], step[1]);
    }
    return 1;
}

static int check_random_graph(uint64_t seed) {
    static const char *const fusing[] = {"fuse_bias", "fuse_addend", "fuse_activation", "quantise"};
    static const char *const rest[] = {"take_fake_quant", "hoist_quantize", "fuse_requantize", "store_half"};
    const random_graph_options options = {.nodes = 14, .fused = (int)(seed % 2), .size_max = 20};
    int checked = 0;
    qn_arena arena;
    qn_rng rng;
    qn_view inputs[8];
    evaluation floats, integers;
    qn_arena_init(&arena, NULL);
    qn_rng_init(&rng, seed);
    qn_graph *graph = random_graph(&arena, seed, &options);
    draw_inputs(graph, &rng, (int)(seed % 3), &arena, inputs);
    qn_status *status = evaluate(graph, inputs, &arena, &floats);
    if (!status) {
        qn_dtype dtype = seed % 3 ? QN_DTYPE_U8 : QN_DTYPE_S16;
        ask_for_all(graph, &floats, dtype);
        graph->integer = (qn_integer_wish){.dtype = dtype, .who = {QN_ASKER_NAMED, "test"}};
        for (size_t i = 0; i < 4; i++) run_pass(graph, pass_named(fusing[i]));
        expect_ok(evaluate(graph, inputs, &arena, &integers));
        for (const qn_node *node = graph->first; node; node = node->next)
            if (node->op == &qn_op_add_quantized) checked += check_sum(node, &integers, seed);
        for (size_t i = 0; i < 4; i++) run_pass(graph, pass_named(rest[i]));
        expect_ok(evaluate(graph, inputs, &arena, &integers));
    }
    qn_status_free(status); /* of sizes that its checks refuse */
    qn_arena_deinit(&arena);
    return checked;
}

static void every_sum_of_a_random_graph_is_as_near_as_its_steps_allow(void **state) {
    int checked = 0;
    (void)state;
    for (uint64_t seed = 1; seed <= GRAPHS; seed++) checked += check_random_graph(seed);
    if (checked < 80) fail_msg("only %d sums checked", checked);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_addition_that_is_asked_for_reads_integers),
        cmocka_unit_test(the_activation_behind_it_is_part_of_it),
        cmocka_unit_test(the_addend_of_a_convolution_becomes_integers),
        cmocka_unit_test(an_addend_may_be_of_words),
        cmocka_unit_test(an_addend_has_one_zero_point),
        cmocka_unit_test(a_convolution_that_is_to_be_float_keeps_out_of_the_addition),
        cmocka_unit_test(an_addition_that_cannot_be_integer_says_why),
        cmocka_unit_test(an_addition_in_a_convolution_that_stays_float_says_why),
        cmocka_unit_test(an_addend_without_a_range_stays_float_and_says_so),
        cmocka_unit_test(nothing_becomes_of_additions_that_nobody_asks_for),
        cmocka_unit_test(an_addition_between_grids_is_one_of_bytes),
        cmocka_unit_test(a_projection_on_a_grid_is_rounded_before_it_is_added),
        cmocka_unit_test(a_projection_on_no_grid_takes_the_other_branch_as_bytes),
        cmocka_unit_test(every_sum_of_a_random_graph_is_as_near_as_its_steps_allow),
    };
    return cmocka_run_group_tests_name("pass/additions", tests, NULL, NULL);
}
