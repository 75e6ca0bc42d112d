/* quantise: what becomes integer and how, what stays float and says why, and how near integers are to floats. Ranges are
 * chosen such that scales are 1 and weights whole numbers, so that every constant can be told by hand. */
#include "quantise_case.h"

#include "quant/layer.h"
#include "random_graph.h"

/* ---- What becomes what ---- */

static void expect_integers(const char *before, const char *ranges, const char *after) {
    qn_arena arena;
    qn_arena_init(&arena, NULL);
    expect_becomes(ranged_graph(&arena, before, ranges), "quantise", after);
    qn_arena_deinit(&arena);
}

/* Zero is 10; biases are 5 - 10 * (127 + 3) and -6 - 10 * (2 - 127). */
static void a_convolution_reads_integers_and_takes_up_their_zero(void **state) {
    (void)state;
    expect_integers("symbol h [1, 9]\nsymbol w [1, 9]\ninput %x : f32[1, h, w, 2]\n"
                    "const %k : f32[1, 1, 2, 2] = {127, 2, 3, -127}\n"
                    "const %b : f32[2] = {5, -6}\n"
                    "%y = conv2d(%x, %k, %b)\n"
                    "output %y",
                    "x -10 245",
                    "symbol h [1, 9]\nsymbol w [1, 9]\ninput %x : f32[1, h, w, 2]\n"
                    "const %x/u8/multiplier : f32[1] = {1}\n"
                    "const %x/u8/zero_point : s32[1] = {10}\n"
                    "const %k/s8 : s8[1, 1, 2, 2] = {127, 2, 3, -127}\n"
                    "const %y/bias : s32[2] = {-1295, 1244}\n"
                    "const %y/multiplier : f32[2] = {1, 1}\n"
                    "%x/u8 = quantize_linear(%x, %x/u8/multiplier, %x/u8/zero_point)\n"
                    "%y = conv2d_quantized(%x/u8, %k/s8, %y/bias, %y/multiplier) {dtype=f32}\n"
                    "output %y");
}

static void padding_reads_as_zero_does(void **state) {
    (void)state;
    expect_integers("input %x : f32[1, 4, 5, 1]\n"
                    "const %k : f32[1, 3, 1, 1] = {127, 1, 2}\n"
                    "%y = conv2d(%x, %k) {padding=same_upper, stride=[1, 2], dilation=[1, 2], activation=relu}\n"
                    "output %y",
                    "x -10 245",
                    "input %x : f32[1, 4, 5, 1]\n"
                    "const %x/u8/multiplier : f32[1] = {1}\n"
                    "const %x/u8/zero_point : s32[1] = {10}\n"
                    "const %k/s8 : s8[1, 3, 1, 1] = {127, 1, 2}\n"
                    "const %y/bias : s32[1] = {-1300}\n"
                    "const %y/multiplier : f32[1] = {1}\n"
                    "%x/u8 = quantize_linear(%x, %x/u8/multiplier, %x/u8/zero_point)\n"
                    "%y = conv2d_quantized(%x/u8, %k/s8, %y/bias, %y/multiplier) {padding=same_upper, stride=[1, 2], "
                    "dilation=[1, 2], pad_value=10, dtype=f32, activation=relu}\n"
                    "output %y");
}

static void a_depthwise_convolution_keeps_its_groups(void **state) {
    (void)state;
    expect_integers("input %x : f32[1, 4, 5, 2]\n"
                    "const %k : f32[1, 2, 1, 2] = {127, -127, 1, 2}\n"
                    "%y = conv2d(%x, %k) {groups=2}\n"
                    "output %y",
                    "x 0 510",
                    "input %x : f32[1, 4, 5, 2]\n"
                    "const %x/u8/multiplier : f32[1] = {0.5}\n"
                    "const %x/u8/zero_point : s32[1] = {0}\n"
                    "const %k/s8 : s8[1, 2, 1, 2] = {127, -127, 1, 2}\n"
                    "const %y/bias : s32[2] = {0, 0}\n"
                    "const %y/multiplier : f32[2] = {2, 2}\n"
                    "%x/u8 = quantize_linear(%x, %x/u8/multiplier, %x/u8/zero_point)\n"
                    "%y = conv2d_quantized(%x/u8, %k/s8, %y/bias, %y/multiplier) {groups=2, dtype=f32}\n"
                    "output %y");
}

/* relu6 keeps its limit in units of the result. */
static void a_product_is_turned_round_and_keeps_its_limit(void **state) {
    (void)state;
    expect_integers(
        "input %x : f32[m, 3]\n"
        "const %w : f32[2, 3] = {127, 1, 2, 3, 4, -127}\n"
        "const %b : f32[2] = {1, 2}\n"
        "%y = matmul(%x, %w, %b) {transpose_b=true, activation=relu6}\n"
        "output %y",
        "x -1 254",
        "input %x : f32[m, 3]\n"
        "const %x/u8/multiplier : f32[1] = {1}\n"
        "const %x/u8/zero_point : s32[1] = {1}\n"
        "const %w/s8 : s8[3, 2] = {127, 3, 1, 4, 2, -127}\n"
        "const %y/bias : s32[2] = {-129, 122}\n"
        "const %y/multiplier : f32[2] = {1, 1}\n"
        "const %y/limit : f32[2] = splat 6\n"
        "%x/u8 = quantize_linear(%x, %x/u8/multiplier, %x/u8/zero_point)\n"
        "%y = matmul_quantized(%x/u8, %w/s8, %y/bias, %y/multiplier, %y/limit) {dtype=f32, activation=relu6}\n"
        "output %y");
}

static void an_addend_stays_the_float_it_was(void **state) {
    (void)state;
    expect_integers("input %x : f32[1, 2, 2, 1]\n"
                    "input %e : f32[1, 2, 2, 1]\n"
                    "const %k : f32[1, 1, 1, 1] = {127}\n"
                    "%y = conv2d(%x, %k, none, %e)\n"
                    "output %y",
                    "x 0 255",
                    "input %x : f32[1, 2, 2, 1]\n"
                    "input %e : f32[1, 2, 2, 1]\n"
                    "const %x/u8/multiplier : f32[1] = {1}\n"
                    "const %x/u8/zero_point : s32[1] = {0}\n"
                    "const %k/s8 : s8[1, 1, 1, 1] = {127}\n"
                    "const %y/bias : s32[1] = {0}\n"
                    "const %y/multiplier : f32[1] = {1}\n"
                    "%x/u8 = quantize_linear(%x, %x/u8/multiplier, %x/u8/zero_point)\n"
                    "%y = conv2d_quantized(%x/u8, %k/s8, %y/bias, %y/multiplier, none, none, %e) {dtype=f32}\n"
                    "output %y");
}

static const char two_readers[] = "input %x : f32[1, 2, 2, 1]\n"
                                  "const %k : f32[1, 1, 1, 1] = {127}\n"
                                  "const %l : f32[1, 1, 1, 1] = {-127}\n"
                                  "%a = conv2d(%x, %k)\n"
                                  "%b = conv2d(%x, %l)\n"
                                  "%c = neg(%x)\n"
                                  "output %a\noutput %b\noutput %c";

static void one_conversion_serves_all_readers_and_others_keep_the_float(void **state) {
    (void)state;
    expect_integers(two_readers, "x 0 255",
                    "input %x : f32[1, 2, 2, 1]\n"
                    "const %x/u8/multiplier : f32[1] = {1}\n"
                    "const %x/u8/zero_point : s32[1] = {0}\n"
                    "const %k/s8 : s8[1, 1, 1, 1] = {127}\n"
                    "const %a/bias : s32[1] = {0}\n"
                    "const %a/multiplier : f32[1] = {1}\n"
                    "const %l/s8 : s8[1, 1, 1, 1] = {-127}\n"
                    "const %b/bias : s32[1] = {0}\n"
                    "const %b/multiplier : f32[1] = {1}\n"
                    "%x/u8 = quantize_linear(%x, %x/u8/multiplier, %x/u8/zero_point)\n"
                    "%a = conv2d_quantized(%x/u8, %k/s8, %a/bias, %a/multiplier) {dtype=f32}\n"
                    "%b = conv2d_quantized(%x/u8, %l/s8, %b/bias, %b/multiplier) {dtype=f32}\n"
                    "%c = neg(%x)\n"
                    "output %a\noutput %b\noutput %c");
}

/* ---- Wishes ---- */

static void a_node_may_ask_for_words_among_bytes(void **state) {
    qn_arena arena;
    (void)state;
    qn_arena_init(&arena, NULL);
    qn_graph *graph = ranged_graph(&arena, two_readers, "x -32767 32767");
    expect_ok(qn_precision_set_named(graph, "b", QN_DTYPE_S16, (qn_who){.asker = QN_ASKER_CUSTOM_NODES}));
    run_pass(graph, pass_named("quantise"));
    assert_int_equal(qn_graph_find_value(graph, "x/u8")->type.dtype, QN_DTYPE_U8);
    assert_int_equal(qn_graph_find_value(graph, "x/s16")->type.dtype, QN_DTYPE_S16);
    const qn_node *words = qn_graph_find_node(graph, "b");
    assert_ptr_equal(words->inputs[0], qn_graph_find_value(graph, "x/s16"));
    assert_int_equal(words->inputs[1]->type.dtype, QN_DTYPE_S16);
    assert_int_equal(*(const int16_t *)words->inputs[1]->data, -32767);
    assert_int_equal(words->inputs[2]->type.dtype, QN_DTYPE_S64);
    assert_ptr_equal(qn_graph_find_node(graph, "a")->inputs[0], qn_graph_find_value(graph, "x/u8"));
    expect_reason(graph, "a", "u8: bytes");
    expect_reason(graph, "b", "s16: custom_nodes");
    expect_reason(graph, "x/u8", "u8: bytes");
    qn_arena_deinit(&arena);
}

static void nodes_that_ask_for_floats_stay_floats(void **state) {
    static const qn_dtype wishes[] = {QN_DTYPE_F32, QN_DTYPE_F16};
    (void)state;
    for (int i = 0; i < 2; i++) {
        qn_arena arena;
        qn_arena_init(&arena, NULL);
        qn_graph *graph = ranged_graph(&arena, two_readers, "x 0 255");
        expect_ok(qn_precision_set_named(graph, "a", wishes[i], (qn_who){.asker = QN_ASKER_CUSTOM_NODES}));
        run_pass(graph, pass_named("quantise"));
        assert_ptr_equal(qn_graph_find_node(graph, "a")->op, &qn_op_conv2d);
        assert_ptr_equal(qn_graph_find_node(graph, "b")->op, &qn_op_conv2d_quantized);
        expect_reason(graph, "a", "custom_nodes");
        qn_arena_deinit(&arena);
    }
}

static void a_graph_that_asks_for_nothing_is_left_alone(void **state) {
    (void)state;
    expect_unchanged("quantise", two_readers);
}

/* ---- What stays float ---- */

static void what_stays_float_says_why(void **state) {
    static const struct {
        const char *text, *ranges, *reason;
    } rows[] = {
        {"input %x : f32[1, 2, 2, 1]\nconst %k : f32[1, 1, 1, 1] = {1}\n%y = conv2d(%x, %k)\noutput %y", "",
         "no integers: there is no range for 'x'"},
        {"input %x : f32[1, 2, 2, 1]\ninput %k : f32[1, 1, 1, 1]\n%y = conv2d(%x, %k)\noutput %y", "x 0 1",
         "no integers: its weights are no constants"},
        {"input %x : f32[1, 2, 2, 1]\ninput %b : f32[1]\nconst %k : f32[1, 1, 1, 1] = {1}\n%y = conv2d(%x, %k, %b)\noutput %y",
         "x 0 1", "no integers: its bias is no constant"},
        {"input %x : f32[1, 2, 2, 4]\nconst %k : f32[1, 1, 2, 4] = splat 1\n%y = conv2d(%x, %k) {groups=2}\noutput %y",
         "x 0 1", "no integers: groups of several channels"},
        {"input %x : f32[1, 2, 2, 2]\nconst %k : f32[1, 1, 1, 4] = splat 1\n%y = conv2d(%x, %k) {groups=2}\noutput %y",
         "x 0 1", "no integers: groups of several channels"},
        {"input %x : f32[1, 8, 8, 1025]\nconst %k : f32[8, 8, 1025, 1] = splat 1\n%y = conv2d(%x, %k)\noutput %y",
         "x 0 1", "no integers: its sums are too long"},
        {"input %x : f32[1, 65537]\nconst %k : f32[65537, 1] = splat 1\n%y = matmul(%x, %k)\noutput %y", "x 0 1",
         "no integers: its sums are too long"},
        {"input %x : f32[3, 2]\nconst %k : f32[3, 4] = splat 1\n%y = matmul(%x, %k) {transpose_a=true}\noutput %y",
         "x 0 1", "no integers: a product of this form"},
        {"input %x : f32[2, 3, 2]\nconst %k : f32[2, 2, 4] = splat 1\n%y = matmul(%x, %k)\noutput %y", "x 0 1",
         "no integers: a product of this form"},
        {"input %x : f32[1, 2, 2, 0]\nconst %k : f32[1, 1, 0, 4] = {}\n%y = conv2d(%x, %k)\noutput %y", "x 0 1",
         "no integers: it has no weights"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        qn_arena arena;
        qn_arena_init(&arena, NULL);
        qn_graph *graph = ranged_graph(&arena, rows[i].text, rows[i].ranges);
        const char *before = text_of(graph);
        run_pass(graph, pass_named("quantise"));
        assert_string_equal(text_of(graph), before);
        expect_reason(graph, "y", rows[i].reason);
        qn_arena_deinit(&arena);
    }
}

/* Each layer makes integers of its own: 20 of them would be 40 MB for a model that says 2 MB in a few bytes. */
static void weights_that_very_many_layers_share_stay_float_from_some_on(void **state) {
    (void)state;
    qn_arena arena;
    qn_arena_init(&arena, NULL);
    qn_buffer text;
    qn_buffer_init(&text, NULL);
    qn_buffer_printf(&text, "input %%x : f32[1, 1024]\nconst %%w : f32[1024, 512] = splat 0.5\n");
    for (int i = 0; i < 20; i++)
        qn_buffer_printf(&text, "%%a%d = leaky_relu(%%x) {alpha=0.%d}\n%%y%d = matmul(%%a%d, %%w)\noutput %%y%d\n", i,
                         i + 1, i, i, i);
    qn_graph *graph = graph_from(&arena, qn_buffer_text(&text));
    graph->integer = (qn_integer_wish){.dtype = QN_DTYPE_U8, .who = {QN_ASKER_NAMED, "bytes"}};
    for (int i = 0; i < 20; i++) {
        char name[16];
        snprintf(name, sizeof name, "a%d", i);
        give_range(graph, name, -1, 1);
        snprintf(name, sizeof name, "y%d", i);
        expect_ok(qn_facts_ask(graph, qn_graph_find_node(graph, name), QN_DTYPE_U8, /* whatever is gained */
                               (qn_who){QN_ASKER_NAMED, "bytes"}, 0));
    }
    run_pass(graph, pass_named("quantise"));
    expect_reason(graph, "y0", "u8: bytes");
    expect_reason(graph, "y8", "u8: bytes");
    expect_reason(graph, "y9", "no integers: its weights are shared by too many layers");
    expect_reason(graph, "y19", "no integers: its weights are shared by too many layers");
    qn_buffer_deinit(&text);
    qn_arena_deinit(&arena);
}

static void a_layer_of_the_most_rows_is_still_integer(void **state) {
    qn_arena arena;
    (void)state;
    qn_arena_init(&arena, NULL);
    qn_graph *graph = ranged_graph(&arena,
                                   "input %x : f32[1, 32768]\nconst %k : f32[32768, 1] = splat 1\n"
                                   "%y = matmul(%x, %k)\noutput %y",
                                   "x 0 1");
    run_pass(graph, pass_named("quantise"));
    assert_ptr_equal(qn_graph_find_node(graph, "y")->op, &qn_op_matmul_quantized);
    qn_arena_deinit(&arena);
}

static void weights_that_are_not_finite_are_refused_with_their_node(void **state) {
    qn_arena arena;
    (void)state;
    qn_arena_init(&arena, NULL);
    qn_graph *graph = ranged_graph(&arena,
                                   "input %x : f32[1, 2, 2, 1]\nconst %k : f32[1, 1, 1, 2] = {1, 2}\n"
                                   "%y = conv2d(%x, %k)\noutput %y",
                                   "x 0 1");
    qn_graph_find_value(graph, "k")->data = (const float[]){1, INFINITY};
    qn_status *status = pass_named("quantise")->run(graph);
    assert_int_equal(qn_status_code(status), QN_INVALID_MODEL);
    if (!strstr(qn_status_message(status), "y: weight 1 is inf")) fail_msg("%s", qn_status_message(status));
    qn_status_free(status);
    qn_arena_deinit(&arena);
}

/* ---- Nearness, layer by layer, on random graphs ---- */

enum { GRAPHS = 60 };

/* Ranges of everything that convolutions and products read, as wide as what one evaluation gave, and half as much again. */
static void give_seen_ranges(qn_graph *graph, const evaluation *e) {
    for (const qn_node *node = graph->first; node; node = node->next) {
        if (node->op != &qn_op_conv2d && node->op != &qn_op_matmul) continue;
        if (qn_value_is_constant(node->inputs[0])) continue;
        qn_view view = evaluated(e, node->inputs[0]);
        float low = 0, high = 0x1p-20f;
        for (int64_t i = 0; i < qn_view_elems(&view); i++) {
            low = fminf(low, (float)qn_view_get(&view, i));
            high = fmaxf(high, (float)qn_view_get(&view, i));
        }
        give_range(graph, node->inputs[0]->name, 1.5f * low, 1.5f * high);
    }
}

/* The node of the float graph on other operands: inputs 0 to 3 as given, NULL data for absent ones. */
static void run_float(const qn_node *node, qn_view *inputs, int count, qn_activation activation, qn_view *out) {
    qn_conv2d_attrs conv;
    qn_matmul_attrs product;
    const void *attrs = &conv;
    if (node->op == &qn_op_conv2d) {
        conv = *(const qn_conv2d_attrs *)node->attrs;
        conv.activation = activation;
    } else {
        product = *(const qn_matmul_attrs *)node->attrs;
        product.activation = activation;
        attrs = &product;
    }
    qn_eval eval = {.attrs = attrs, .input_count = count, .inputs = inputs, .output_count = 1, .outputs = out};
    expect_ok(node->op->eval(&eval));
}

static qn_view fresh(qn_arena *arena, const qn_view *like) {
    qn_view view = *like;
    view.dtype = QN_DTYPE_F32;
    view.data = QN_ARENA_ARRAY(arena, float, (size_t)qn_view_elems(&view) + 1);
    return view;
}

/* One quantised node against its float one on the very values it read: each activation is off by at most half a step,
   each weight by half of its own, the bias by half of one. Returns 0 where a value left its range. */
static int check_layer(const qn_node *old, const qn_node *new, const evaluation *e, qn_arena *arena, uint64_t seed) {
    const qn_node *quantize = new->inputs[0]->producer;
    const qn_value_stats *stats = quantize->inputs[0]->stats;
    qn_view x = evaluated(e, quantize->inputs[0]), q = evaluated(e, new->inputs[0]),
            got = evaluated(e, new->outputs[0]);
    qn_view weights = qn_value_view(old->inputs[1]), multiplier = qn_value_view(new->inputs[3]);
    qn_view step = qn_value_view(quantize->inputs[1]), zero = qn_value_view(quantize->inputs[2]);
    qn_view sizes = fresh(arena, &weights), ones = fresh(arena, &weights), halves = fresh(arena, &x),
            reach = fresh(arena, &x);
    qn_view want = fresh(arena, &got), steps = fresh(arena, &got), codes = fresh(arena, &got);
    for (int64_t i = 0; i < qn_view_elems(&x); i++) {
        double value = qn_view_get(&x, i);
        if (value < (double)stats->low || value > (double)stats->high) return 0;
        qn_view_set(&halves, i, 0.5 / qn_view_get(&step, 0));
        qn_view_set(&reach, i, fabs(qn_view_get(&q, i) - qn_view_get(&zero, 0)));
    }
    for (int64_t i = 0; i < qn_view_elems(&weights); i++) {
        qn_view_set(&sizes, i, fabs(qn_view_get(&weights, i)));
        qn_view_set(&ones, i, 1);
    }
    qn_view operands[4] = {x, weights};
    for (int i = 2; i < old->input_count; i++)
        if (old->inputs[i]) operands[i] = i == 2 ? qn_value_view(old->inputs[2]) : evaluated(e, new->inputs[6]);
    int64_t activation = old->op == &qn_op_conv2d ? ((const qn_conv2d_attrs *)old->attrs)->activation
                                                  : ((const qn_matmul_attrs *)old->attrs)->activation;
    run_float(old, operands, old->input_count, (qn_activation)activation, &want);
    run_float(old, (qn_view[]){halves, sizes}, 2, QN_ACTIVATION_NONE, &steps);
    run_float(old, (qn_view[]){reach, ones}, 2, QN_ACTIVATION_NONE, &codes);
    for (int64_t i = 0; i < qn_view_elems(&got); i++) {
        double scale = qn_view_get(&multiplier, i % multiplier.dims[0]);
        double bound = qn_view_get(&steps, i) + 0.5 * scale * (qn_view_get(&codes, i) + 1);
        double difference = fabs(qn_view_get(&got, i) - qn_view_get(&want, i));
        if (!(difference <= bound * 1.001 + 1e-5 * fabs(qn_view_get(&want, i)) + 1e-5))
            fail_msg("seed %llu, node '%s', element %lld: %g instead of %g, expected within %g",
                     (unsigned long long)seed, new->name, (long long)i, qn_view_get(&got, i), qn_view_get(&want, i),
                     bound);
    }
    return 1;
}

static int is_quantised(const qn_node *node) {
    return node->op == &qn_op_conv2d_quantized || node->op == &qn_op_matmul_quantized;
}

static void every_layer_of_a_random_graph_is_as_near_as_its_scales_allow(void **state) {
    int checked = 0, left = 0;
    (void)state;
    for (uint64_t seed = 1; seed <= GRAPHS; seed++) {
        qn_arena arena;
        qn_rng rng;
        qn_view inputs[8];
        evaluation floats, integers;
        qn_graph *graph;
        const random_graph_options options = {.nodes = 14, .fused = (int)(seed % 2), .size_max = 20};
        qn_arena_init(&arena, NULL);
        qn_rng_init(&rng, seed);
        const qn_graph *old = random_graph(&arena, seed, &options);
        expect_ok(qn_graph_copy(old, &arena, &graph));
        assert_string_equal(text_of(graph), text_of(old));
        draw_inputs(old, &rng, (int)(seed % 3), &arena, inputs);
        qn_status *status = evaluate(old, inputs, &arena, &floats);
        if (status) { /* sizes that its checks refuse */
            qn_status_free(status);
            qn_arena_deinit(&arena);
            continue;
        }
        give_seen_ranges((qn_graph *)(uintptr_t)old, &floats);
        expect_ok(qn_graph_copy(old, &arena, &graph));
        graph->integer = (qn_integer_wish){
            .dtype = seed % 3 ? QN_DTYPE_U8 : QN_DTYPE_S16, .who = {QN_ASKER_NAMED, "test"}, .per_tensor = 1};
        run_pass(graph, pass_named("quantise"));
        expect_ok(evaluate(graph, inputs, &arena, &integers));
        for (const qn_node *node = graph->first; node; node = node->next) {
            if (!is_quantised(node)) continue;
            int fits = check_layer(qn_graph_find_node(old, node->name), node, &integers, &arena, seed);
            checked += fits, left += !fits;
        }
        const char *once = text_of(graph);
        run_pass(graph, pass_named("quantise"));
        assert_string_equal(text_of(graph), once);
        qn_arena_deinit(&arena);
    }
    if (checked < 50 || checked < left) fail_msg("only %d layers checked, %d left their ranges", checked, left);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_convolution_reads_integers_and_takes_up_their_zero),
        cmocka_unit_test(padding_reads_as_zero_does),
        cmocka_unit_test(a_depthwise_convolution_keeps_its_groups),
        cmocka_unit_test(a_product_is_turned_round_and_keeps_its_limit),
        cmocka_unit_test(an_addend_stays_the_float_it_was),
        cmocka_unit_test(one_conversion_serves_all_readers_and_others_keep_the_float),
        cmocka_unit_test(a_node_may_ask_for_words_among_bytes),
        cmocka_unit_test(nodes_that_ask_for_floats_stay_floats),
        cmocka_unit_test(a_graph_that_asks_for_nothing_is_left_alone),
        cmocka_unit_test(what_stays_float_says_why),
        cmocka_unit_test(weights_that_very_many_layers_share_stay_float_from_some_on),
        cmocka_unit_test(a_layer_of_the_most_rows_is_still_integer),
        cmocka_unit_test(weights_that_are_not_finite_are_refused_with_their_node),
        cmocka_unit_test(every_layer_of_a_random_graph_is_as_near_as_its_scales_allow),
    };
    return cmocka_run_group_tests_name("pass/quantise", tests, NULL, NULL);
}
