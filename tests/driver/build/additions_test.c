/* Residual networks whose additions are integers: trained with fake quantisation, or asked for in the configuration.
 * Every CPU path and number of threads gives the bits that the operators' plain evaluation gives. */
#include "sample_case.h"

#include "driver/compile/compile.h"
#include "driver/build/integers.h"
#include "pass/evaluate.h"

#include <stdlib.h>
#include <string.h>

enum { SIDE = 61, CHANNELS = 8, ELEMS = SIDE * SIDE * CHANNELS, RUNS = 3 };

#define RANGES                                                                                                         \
    "const %a : f32[] = {-1}\nconst %b : f32[] = {1}\nconst %lo : f32[] = {-1.5}\nconst %hi : f32[] = {2.5}\n"         \
    "const %low : f32[] = {-4}\nconst %high : f32[] = {5}\nconst %zero : f32[] = {0}\nconst %six : f32[] = {6}\n"      \
    "const %lows : f32[8] = {-4, -3, -2, -4, -1, -3, -2.5, -4}\nconst %highs : f32[8] = {5, 3, 4, 2, 5, 5, 6, 1}\n"

/* Three sums: of a projection that is rounded first, with the relu behind it; with grids per channel; and of a
   projection that is not, which takes the other branch in. */
#define BLOCKS                                                                                                         \
    "symbol h [1, 61]\nsymbol w [1, 61]\ninput %x : f32[1, h, w, 8]\n" RANGES                                          \
    "const %k0 : f32[1, 1, 8, 8] = random 1\nconst %k1 : f32[3, 3, 1, 8] = random 3\n"                                 \
    "const %k2 : f32[1, 1, 8, 8] = random 5\nconst %k3 : f32[1, 1, 8, 8] = random 7\nconst %c0 : f32[8] = random 2\n"  \
    "%f0 = fake_quant(%k0, %a, %b) {narrow_range=true}\n%f1 = fake_quant(%k1, %a, %b) {narrow_range=true}\n"           \
    "%f2 = fake_quant(%k2, %a, %b) {narrow_range=true}\n%f3 = fake_quant(%k3, %a, %b) {narrow_range=true}\n"           \
    "%q = fake_quant(%x, %lo, %hi)\n"                                                                                  \
    "%m0 = conv2d(%q, %f0)\n%n0 = add(%m0, %c0)\n%p0 = fake_quant(%n0, %low, %high)\n"                                 \
    "%s0 = add(%p0, %q)\n%r0 = relu(%s0)\n%q0 = fake_quant(%r0, %zero, %six)\n"                                        \
    "%m1 = conv2d(%q0, %f1) {padding=same_upper, groups=8}\n%p1 = fake_quant(%m1, %lows, %highs)\n"                    \
    "%s1 = add(%q0, %p1)\n%q1 = fake_quant(%s1, %low, %six)\n"                                                         \
    "%m2 = conv2d(%q1, %f2)\n%s2 = add(%m2, %q1)\n%q2 = fake_quant(%s2, %low, %high)\n"                                \
    "%y = conv2d(%q2, %f3)\noutput %y"

/* The same without a grid, for words. */
#define PLAIN                                                                                                          \
    "symbol h [1, 9]\nsymbol w [1, 9]\ninput %x : f32[1, h, w, 2]\n"                                                   \
    "const %k0 : f32[1, 1, 2, 2] = random 1\nconst %k1 : f32[3, 3, 1, 2] = random 3\n"                                 \
    "const %k2 : f32[1, 1, 2, 2] = random 5\n"                                                                         \
    "%m = conv2d(%x, %k0)\n%s0 = add(%m, %x)\n%r = relu(%s0)\n"                                                        \
    "%d = conv2d(%r, %k1) {padding=same_upper, groups=2, activation=relu}\n%s1 = add(%r, %d)\n"                        \
    "%y = conv2d(%s1, %k2)\noutput %y"

#define MODE(mode, nodes) "{'precision_config': {'precision_mode': '" mode "'}, 'custom_nodes': {" nodes "}}"
#define LAYERS            "'conv2d': {'precision': 'int8'}"

/* ---- The oracle ---- */

/* The graph as a build leaves it. */
static qn_graph *compiled_graph(qn_arena *arena, const char *statements, const char *json) {
    qn_graph *graph = graph_of(arena, statements);
    qn_config *config = config_of(json);
    qn_pins pins;
    qn_meta_facts facts;
    qn_build_options options;
    qn_norms norms = {{0}};
    qn_progress silent = {0};
    qn_build_options_init(&options);
    expect_ok(qn_compile_prepare(graph, config, NULL, &pins, &facts));
    expect_ok(qn_compile_set_precision(graph, config));
    expect_ok(qn_compile_passes(graph, config, &options, &silent, QN_PASS_CLEAN, QN_PASS_SIMPLIFY));
    expect_ok(qn_integers_prepare(graph, &norms, config, &options, &silent));
    expect_ok(qn_compile_passes(graph, config, &options, &silent, QN_PASS_FUSE, QN_PASS_CONVERT));
    qn_config_destroy(config);
    return graph;
}

static void evaluate_naively(const qn_graph *graph, const qn_tensor *x, float *out) {
    qn_arena arena;
    evaluation e;
    qn_arena_init(&arena, NULL);
    qn_view input = {.dtype = x->dtype, .rank = x->rank, .data = x->data};
    memcpy(input.dims, x->dims, sizeof input.dims);
    expect_ok(evaluate(graph, &input, &arena, &e));
    const qn_view y = evaluated(&e, graph->outputs.items[0]);
    memcpy(out, y.data, qn_view_bytes(&y));
    qn_arena_deinit(&arena);
}

static void run_on(const void *file, size_t bytes, const char *cpu, int threads, const qn_tensor *x, float *out) {
    qn_model *model;
    qn_engine *engine;
    qn_context *context;
    qn_engine_options options;
    qn_shape shape = {.rank = x->rank};
    qn_tensor y = {QN_DTYPE_F32, 4, {0}, out};
    memcpy(shape.dims, x->dims, sizeof shape.dims);
    memcpy(y.dims, x->dims, sizeof y.dims);
    qn_engine_options_init(&options);
    options.cpu = cpu;
    options.threads = threads;
    expect_ok(qn_model_load_memory(file, bytes, QN_MEMORY_COPY, NULL, &model));
    expect_ok(qn_engine_create(model, &options, &engine));
    expect_ok(qn_context_create(engine, &context));
    expect_ok(qn_context_set_input_shapes(context, &shape, 1));
    expect_ok(qn_context_run(context, x, 1, &y, 1));
    qn_context_destroy(context);
    qn_engine_destroy(engine);
    qn_model_destroy(model);
}

static int count_op(const qn_model *model, const char *op) {
    int count = 0;
    for (size_t i = 0; i < qn_model_get_info(model)->step_count; i++) count += !strcmp(qn_model_step(model, i)->op, op);
    return count;
}

/* ---- Grids ---- */

static void every_path_gives_the_bits_of_the_oracle(void **state) {
    static const char *const cpus[] = {"generic", "avx2", "avx512", "avx512vnni"};
    static const int threads[] = {1, 2, 3, 8};
    static float data[ELEMS], want[ELEMS], got[ELEMS];
    qn_arena arena;
    size_t bytes;
    (void)state;
    qn_arena_init(&arena, NULL);
    const char *json = MODE("qint8_mixed_float32", LAYERS);
    const qn_graph *graph = compiled_graph(&arena, BLOCKS, json);
    qn_model *model = build_of(BLOCKS, json);
    const void *file = qn_model_bytes(model, &bytes);
    assert_int_equal(count_op(model, "add_quantized"), 2);
    assert_int_equal(count_op(model, "add"), 0);
    assert_int_equal(count_op(model, "fake_quant"), 0);
    assert_int_equal(count_op(model, "quantize_linear"), 1); /* of the input */
    assert_non_null(strstr(precision_of(model, "q2/u8"), ", its addend u8"));
    for (int64_t run = 0; run < RUNS; run++) {
        qn_rng rng;
        qn_tensor x = {QN_DTYPE_F32, 4, {1, SIDE - 7 * run, SIDE - 3 * run, CHANNELS}, data};
        size_t elems = (size_t)(x.dims[1] * x.dims[2] * CHANNELS);
        qn_rng_init(&rng, (uint64_t)run + 1);
        for (size_t i = 0; i < elems; i++) data[i] = qn_rng_float(&rng, -2, 3);
        evaluate_naively(graph, &x, want);
        for (size_t c = 0; c < sizeof cpus / sizeof *cpus; c++)
            for (size_t t = 0; t < sizeof threads / sizeof *threads; t++) {
                memset(got, 0xA5, sizeof got);
                run_on(file, bytes, cpus[c], threads[t], &x, got);
                if (memcmp(got, want, elems * sizeof *got))
                    fail_msg("run %d, %s, %d threads", (int)run, cpus[c], threads[t]);
            }
    }
    qn_model_destroy(model);
    qn_arena_deinit(&arena);
}

/* ---- Wishes ---- */

/* The greatest difference to the float network, over its greatest output. */
static double error_of(qn_model *model) {
    static float got[SAMPLE_SIDE_MAX * SAMPLE_SIDE_MAX * 2], want[SAMPLE_SIDE_MAX * SAMPLE_SIDE_MAX * 2];
    qn_model *floats = build_of(PLAIN, NULL);
    double most = 0, error = 0;
    feed f;
    feed_init(&f, 33, 6);
    for (;;) {
        int has;
        qn_tensor input;
        int64_t dims[QN_MAX_RANK];
        expect_ok(f.samples.next(&f, &input, 1, &has));
        if (!has) break;
        run_model(model, &input, got, dims);
        run_model(floats, &input, want, dims);
        for (int64_t i = 0; i < f.height * f.width * 2; i++) {
            double truth = (double)want[i], off = (double)got[i] - truth;
            most = truth > most ? truth : -truth > most ? -truth : most;
            error = off > error ? off : -off > error ? -off : error;
        }
    }
    qn_model_destroy(floats);
    return error / most;
}

static void additions_that_are_asked_for_are_calibrated(void **state) {
    static const struct {
        const char *json, *sum;
        double most;
    } rows[] = {
        {MODE("qint8_mixed_float32", LAYERS ", 'IElementwiseNode': {'precision': 'int8'}"), "u8: custom_nodes", 0.03},
        {MODE("qint8_mixed_float16", LAYERS ", 'add': {'precision': 'int8'}"), "u8: custom_nodes", 0.03},
        {MODE("qint16_mixed_float32", "'s0': {'precision': 'int16'}, 's1': {'precision': 'int16'}"),
         "s16: custom_nodes", 4e-4},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        qn_calibrator *calibrator = calibrated(PLAIN, rows[i].json, 33, 6);
        qn_model *model = build_with(PLAIN, rows[i].json, calibrator);
        const char *integers = i == 2 ? "s1/s16" : "s1/u8";
        assert_string_equal(precision_of(model, integers), rows[i].sum);
        assert_int_equal(count_op(model, "add"), 0);
        assert_int_equal(count_op(model, "quantize_linear"), 1); /* of the input: both sums give integers */
        double error = error_of(model);
        if (!(error <= rows[i].most))
            fail_msg("row %zu: the greatest error is %g, expected %g", i, error, rows[i].most);
        qn_model_destroy(model);
        qn_calibrator_destroy(calibrator);
    }
}

static void nobody_asks_and_sums_are_floats(void **state) {
    (void)state;
    const char *json = MODE("qint8_mixed_float32", LAYERS);
    qn_calibrator *calibrator = calibrated(PLAIN, json, 33, 6);
    qn_model *model = build_with(PLAIN, json, calibrator);
    assert_int_equal(count_op(model, "add"), 1); /* the other is a float addend */
    assert_int_equal(count_op(model, "add_quantized"), 0);
    qn_model_destroy(model);
    qn_calibrator_destroy(calibrator);
}

/* Ranges measured without the wish have none for what only the sum reads: it says so. */
static void a_sum_without_ranges_says_so(void **state) {
    (void)state;
    const char *json = MODE("qint8_mixed_float32", LAYERS ", 's1': {'precision': 'int8'}");
    qn_calibrator *calibrator = calibrated(PLAIN, MODE("qint8_mixed_float32", LAYERS), 33, 6);
    case_log log;
    qn_model *model;
    case_log_init(&log);
    expect_ok(try_build_with(PLAIN, json, calibrator, NULL, &log, &model));
    assert_non_null(strstr(log.text, "'d' among them"));
    assert_string_equal(precision_of(model, "s1"),
                        "f32: not in integers as asked for (no integers: there is no range for 'd')");
    qn_model_destroy(model);
    qn_calibrator_destroy(calibrator);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_path_gives_the_bits_of_the_oracle),
        cmocka_unit_test(additions_that_are_asked_for_are_calibrated),
        cmocka_unit_test(nobody_asks_and_sums_are_floats),
        cmocka_unit_test(a_sum_without_ranges_says_so),
    };
    return cmocka_run_group_tests_name("driver/additions", tests, NULL, NULL);
}
