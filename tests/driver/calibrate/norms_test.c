/* What batch norms let expect: moments against plain integration, which values get them, and that biases are corrected
 * by them where nobody measured anything. */
#include "sample_case.h"

#include "driver/calibrate/norms.h"
#include "pass/pass.h"

#include <math.h>
#include <string.h>

#define CHANNELS_4                                                                                                     \
    "const %scale : f32[4] = {1, -2, 0.5, 4}\nconst %offset : f32[4] = {0.5, -1, 7, 3}\n"                              \
    "const %mean : f32[4] = {1, 2, 3, 4}\nconst %variance : f32[4] = {1, 4, 9, 16}\n"
#define NETWORK                                                                                                        \
    "input %x : f32[1, 6, 6, 3]\nconst %k : f32[1, 1, 3, 4] = random 1\n" CHANNELS_4                                   \
    "const %l : f32[1, 1, 4, 2] = random 2\nconst %m : f32[1, 1, 4, 2] = random 3\n"                                   \
    "%c = conv2d(%x, %k)\n%n = batch_norm(%c, %scale, %offset, %mean, %variance)\n%r = relu6(%n)\n"                    \
    "%y = conv2d(%r, %l)\n%z = conv2d(%n, %m)\noutput %y\noutput %z"

/* By small steps over all of the normal distribution that matters. */
static void integrate(const qn_norm *norm, int channel, double low, double high, double *out_mean, double *out_square) {
    const double mean = (double)norm->offset[channel], deviation = fabs((double)norm->scale[channel]), step = 1e-3;
    *out_mean = *out_square = 0;
    for (double t = -10; t < 10; t += step) {
        const double share = exp(-0.5 * t * t) * step / sqrt(2 * acos(-1.0));
        const double value = fmin(fmax(mean + deviation * t, low), high);
        *out_mean += share * value;
        *out_square += share * value * value;
    }
}

static void moments_are_those_of_a_clipped_normal_distribution(void **state) {
    (void)state;
    static const float scale[] = {1, -2, 0.5f, 4, 0.1f, 30}, offset[] = {0.5f, -1, 7, 3, -3, 2};
    const qn_norm norm = {.channels = 6, .scale = scale, .offset = offset};
    const int64_t activations[] = {QN_ACTIVATION_NONE, QN_ACTIVATION_RELU, QN_ACTIVATION_RELU6};
    for (int a = 0; a < 3; a++)
        for (int c = 0; c < 6; c++) {
            double mean, square, expected, expected_square;
            qn_norm_expect(&norm, c, activations[a], &mean, &square);
            integrate(&norm, c, a ? 0 : -INFINITY, a == 2 ? 6 : INFINITY, &expected, &expected_square);
            if (fabs(mean - expected) > 1e-5 * (1 + fabs(expected)) ||
                fabs(square - expected_square) > 1e-5 * (1 + expected_square))
                fail_msg("channel %d, activation %d: %g and %g, expected %g and %g", c, a, mean, square, expected,
                         expected_square);
        }
}

static void give_range(qn_graph *graph, const char *name, qn_value_stats stats) {
    qn_graph_find_value(graph, name)->stats = qn_arena_copy(graph->arena, &stats, sizeof stats);
}

/* The simplified network, with a range on what its layers read. */
static qn_graph *completed(qn_arena *arena, qn_value_stats of_n, qn_value_stats of_r) {
    const qn_pass_options all = {.fusion = 1};
    qn_graph *graph = graph_of(arena, NETWORK);
    qn_norms norms;
    expect_ok(qn_norms_find(graph, &norms));
    assert_int_equal(norms.list.count, 1);
    expect_ok(qn_passes_run(graph, QN_PASS_CLEAN, QN_PASS_SIMPLIFY, &all));
    give_range(graph, "n", of_n);
    give_range(graph, "r", of_r);
    expect_ok(qn_norms_complete_stats(&norms, graph));
    return graph;
}

static void ranges_without_means_get_those_of_training(void **state) {
    (void)state;
    static const float low[] = {0, 0, 0, 0}, high[] = {1, 2, 3, 6};
    qn_arena arena;
    qn_arena_init(&arena, NULL);
    qn_graph *graph = completed(&arena, (qn_value_stats){.low = -9, .high = 9},
                                (qn_value_stats){.high = 6, .channels = 4, .channel_low = low, .channel_high = high});
    const qn_value_stats *n = qn_graph_find_value(graph, "n")->stats, *r = qn_graph_find_value(graph, "r")->stats;
    assert_true(n->expects_means && n->channels == 4 && n->channel_low[3] == -9 && n->channel_high[0] == 9);
    assert_true(n->channel_mean[1] == -1 && n->channel_square[1] == 5);
    assert_true(r->expects_means && r->channel_high == high);
    assert_true(r->channel_mean[2] > 5.9f && r->channel_mean[2] < 6.0f);
    qn_arena_deinit(&arena);
}

static void what_was_measured_stays(void **state) {
    (void)state;
    static const float zeros[4], ones[] = {1, 1, 1, 1};
    const qn_value_stats measured = {.high = 6,
                                     .channels = 4,
                                     .channel_low = zeros,
                                     .channel_high = ones,
                                     .channel_mean = zeros,
                                     .channel_square = ones};
    qn_arena arena;
    qn_arena_init(&arena, NULL);
    qn_graph *graph = completed(&arena, (qn_value_stats){.low = -9, .high = 9, .channels = 3}, measured);
    const qn_value_stats *r = qn_graph_find_value(graph, "r")->stats;
    assert_true(r->channel_mean == zeros && r->channel_square == ones && !r->expects_means);
    assert_null(qn_graph_find_value(graph, "n")->stats->channel_mean); /* those of something else */
    qn_arena_deinit(&arena);
}

/* How far mean outputs are off, the first left aside, on values as in training. */
static double mean_error(const char *network, const char *config, int output_channels) {
    enum { SIDE = 64, IN = 3, OUT = 8 };
    static float x[SIDE * SIDE * IN], expected[SIDE * SIDE * OUT], found[SIDE * SIDE * OUT];
    int64_t dims[QN_MAX_RANK];
    double error = 0;
    qn_rng rng;
    qn_tensor input = {QN_DTYPE_F32, 4, {1, SIDE, SIDE, IN}, x};
    qn_model *floats = build_of(network, NULL), *integers = build_of(network, config);
    qn_rng_init(&rng, 1);
    for (size_t i = 0; i < sizeof x / sizeof *x; i++) { /* sums of twelve are normal enough */
        x[i] = -6;
        for (int j = 0; j < 12; j++) x[i] += qn_rng_float(&rng, 0, 1);
    }
    run_model(floats, &input, expected, dims);
    run_model(integers, &input, found, dims);
    for (int c = 1; c < output_channels; c++) {
        double sum = 0;
        for (int i = 0; i < SIDE * SIDE; i++)
            sum += (double)(found[i * output_channels + c] - expected[i * output_channels + c]);
        error += fabs(sum) / (SIDE * SIDE);
    }
    qn_model_destroy(floats);
    qn_model_destroy(integers);
    return error;
}

/* The first output makes the one scale for all weights coarse: what rounding adds to the others does not cancel. */
static void biases_are_corrected_without_samples(void **state) {
    (void)state;
    static const char network[] =
        "input %x : f32[1, 64, 64, 3]\nconst %k : f32[1, 1, 3, 3] = {1, 0, 0, 0, 1, 0, 0, 0, 1}\n"
        "const %one : f32[3] = {1, 1, 1}\nconst %zero : f32[3] = {0, 0, 0}\nconst %offset : f32[3] = {2, 1, 3}\n"
        "const %l : f32[1, 1, 3, 8] = {100, 1.3, 1.2, -1.3, 0.3, 0.2, 2.7, 1, 90, 1.1, 1.2, 1.1, 0.3, 0.35, 2, 0.2, "
        "80, 0.9, 1.1, 1.2, 0.3, 0.3, 1.9, 1}\n"
        "%c = conv2d(%x, %k)\n%n = batch_norm(%c, %one, %offset, %zero, %one) {epsilon=0.00001}\n%r = relu(%n)\n"
        "%y = conv2d(%r, %l)\noutput %y";
#define MODE(correction)                                                                                               \
    "{'precision_config': {'precision_mode': 'qint8_mixed_float32', 'weight_quant_granularity': 'per_tensor', "        \
    "'bias_correction': " correction "}, 'custom_nodes': {'conv2d': {'precision': 'int8'}}, "                          \
    "'custom_ranges': {'': {'min': [-8], 'max': [8]}}}"
    const double plain = mean_error(network, MODE("false"), 8), corrected = mean_error(network, MODE("true"), 8);
    if (!(corrected < 0.1 * plain)) fail_msg("mean errors of %g, without correction %g", corrected, plain);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(moments_are_those_of_a_clipped_normal_distribution),
        cmocka_unit_test(ranges_without_means_get_those_of_training),
        cmocka_unit_test(what_was_measured_stays),
        cmocka_unit_test(biases_are_corrected_without_samples),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
