/* Learned rounding: what it says of its error, that it is never worse than the nearest integers, and what it gains. */
#include "layer_case.h"

#include "quant/rounding.h"

enum { LINES = 600, ROUNDS = 40 };

/* A layer of `taps` x 1 windows with what it reads: lines of floats whose channels have some sources in common. */
typedef struct rounding_case {
    layer_case base;
    qn_window window;
    qn_moments *moments;
    float *lines; /* [LINES, taps, channels] */
    int64_t taps;
} rounding_case;

static void rounding_case_init(rounding_case *c, uint64_t seed, qn_dtype dtype, int64_t taps, int64_t channels,
                               int64_t outputs, int is_depthwise) {
    float source[4], mix[64][4];
    layer_case_init(&c->base, seed, dtype, is_depthwise ? taps : taps * channels, channels, outputs, is_depthwise);
    qn_rng *rng = &c->base.rng;
    c->taps = taps;
    c->window = (qn_window){.kernel = {1, taps}, .stride = {1, 1}, .dilation = {1, 1}, .padding = QN_PADDING_VALID};
    c->lines = QN_ARENA_ARRAY(&c->base.arena, float, (size_t)(LINES * taps * channels));
    assert_true(taps * channels <= 64);
    for (int i = 0; i < 64; i++)
        for (int s = 0; s < 4; s++) mix[i][s] = draw_normal(rng);
    assert_null(qn_moments_create(NULL, &c->window, is_depthwise, channels, &c->moments));
    for (int64_t line = 0; line < LINES; line++) {
        for (int s = 0; s < 4; s++) source[s] = draw_normal(rng);
        for (int64_t i = 0; i < taps * channels; i++) {
            float value = 2 + 0.3f * draw_normal(rng);
            for (int s = 0; s < 4; s++) value += mix[i][s] * source[s];
            c->lines[line * taps * channels + i] = value * c->base.x.scale[i % channels] * 10;
        }
        const int64_t dims[4] = {1, 1, taps, channels};
        qn_moments_add(c->moments, c->lines + line * taps * channels, dims);
    }
}

static void rounding_case_deinit(rounding_case *c) {
    qn_moments_destroy(c->moments);
    layer_case_deinit(&c->base);
}

static void draw_case(rounding_case *c, uint64_t seed) {
    qn_rng rng;
    qn_rng_init(&rng, seed);
    int64_t taps = qn_rng_range(&rng, 1, 6), channels = qn_rng_range(&rng, 1, 10);
    int is_depthwise = (int)qn_rng_range(&rng, 0, 1);
    rounding_case_init(c, seed, QN_DTYPE_U8, taps, channels, is_depthwise ? channels : 5, is_depthwise);
}

static double error_of(const qn_rounding *r, const double *wanted, const double *values) {
    double error = 0;
    for (int64_t i = 0; i < r->rows; i++)
        for (int64_t j = 0; j < r->rows; j++)
            error += (wanted[i] - values[i]) * r->h[i * r->rows + j] * (wanted[j] - values[j]);
    return error;
}

static void errors_are_what_is_said_and_never_above_those_of_the_nearest(void **state) {
    double gain = 0;
    (void)state;
    for (uint64_t seed = 1; seed <= ROUNDS; seed++) {
        rounding_case c;
        qn_rounding r;
        double wanted[64], values[64], nearest[64], top = seed % 3 ? 127 : 3;
        draw_case(&c, seed);
        assert_null(qn_rounding_init(&r, c.moments->rows, &c.base.arena));
        assert_null(qn_rounding_set(&r, c.moments, 0, c.base.x.scale, (int)(seed % 2), NULL));
        assert_true(r.is_usable);
        for (int64_t i = 0; i < r.rows; i++) {
            wanted[i] = (double)draw_normal(&c.base.rng) * 4;
            nearest[i] = fmax(fmin(rint(wanted[i]), top), -top);
        }
        double error = qn_rounding_choose(&r, wanted, top, 20, values), expected = error_of(&r, wanted, values);
        if (!(fabs(error - expected) <= 1e-6 * expected))
            fail_msg("seed %llu: said %g, is %g", (unsigned long long)seed, error, expected);
        assert_true(error <= error_of(&r, wanted, nearest) * (1 + 1e-9));
        for (int64_t i = 0; i < r.rows; i++) assert_true(values[i] == rint(values[i]) && fabs(values[i]) <= top);
        gain += log10(error_of(&r, wanted, nearest) / error) / ROUNDS;
        rounding_case_deinit(&c);
    }
    assert_true(gain > 0.2); /* 2 dB on average */
}

static void a_matrix_that_is_not_finite_is_not_usable(void **state) {
    rounding_case c;
    qn_rounding r;
    (void)state;
    rounding_case_init(&c, 2, QN_DTYPE_U8, 2, 3, 4, 0);
    assert_null(qn_rounding_init(&r, c.moments->rows, &c.base.arena));
    c.moments->product[1] = INFINITY;
    assert_null(qn_rounding_set(&r, c.moments, 0, c.base.x.scale, 1, NULL));
    assert_false(r.is_usable);
    rounding_case_deinit(&c);
}

/* ---- Layers ---- */

/* Mean and mean square of what the integers of all outputs are off on the layer's lines, in floats. */
static void measure(const rounding_case *c, const qn_layer_integers *integers, double *out_mean, double *out_square) {
    const qn_layer *layer = &c->base.layer;
    int64_t channels = c->base.x.channels;
    *out_mean = *out_square = 0;
    for (int64_t o = 0; o < layer->outputs; o++) {
        double sum = 0, square = 0, scale = (double)integers->weight_scale[o];
        for (int64_t line = 0; line < LINES; line++) {
            double off = ((double)integer_bias(&c->base, integers, o)) * scale - (double)layer->bias[o];
            for (int64_t k = 0; k < layer->rows; k++) {
                int64_t of = row_channel(&c->base, k, o), tap = layer->is_depthwise ? k : k / channels;
                double x = (double)c->lines[(line * c->taps + tap) * channels + of], step = (double)c->base.x.scale[of];
                double q = x / step + c->base.x.zero_point[of];
                off += scale * (double)integer_weight(&c->base, integers, k, o) * q;
                off -= (double)layer->weights[k * layer->outputs + o] * x;
            }
            sum += off, square += off * off;
        }
        *out_mean += fabs(sum / LINES / scale) / (double)layer->outputs;
        *out_square += square / LINES;
    }
}

static void layers_lose_less_by_it_and_keep_their_mean(void **state) {
    double gain = 0;
    (void)state;
    for (uint64_t seed = 1; seed <= ROUNDS; seed++) {
        rounding_case c;
        qn_layer_integers nearest, learned, again;
        double mean, before, after;
        draw_case(&c, seed);
        qn_layer_options options = {.correct_bias = 1, .search_clip = 1, .moments = c.moments};
        assert_null(qn_layer_quantise(&c.base.layer, &c.base.x, &options, &c.base.arena, &nearest));
        options.rounding_iterations = 10;
        assert_null(qn_layer_quantise(&c.base.layer, &c.base.x, &options, &c.base.arena, &learned));
        assert_null(qn_layer_quantise(&c.base.layer, &c.base.x, &options, &c.base.arena, &again));
        size_t weights = (size_t)(c.base.layer.rows * c.base.layer.outputs);
        assert_memory_equal(learned.weights, again.weights, weights);
        measure(&c, &nearest, &mean, &before);
        measure(&c, &learned, &mean, &after);
        assert_true(mean < 0.51); /* steps: no more than rounding the bias makes */
        gain += log10(before / after) / ROUNDS;
        if (!(after < before * 1.3)) fail_msg("seed %llu: %g became %g", (unsigned long long)seed, before, after);
        rounding_case_deinit(&c);
    }
    if (!(gain > 0.2)) fail_msg("a gain of %g dB", 10 * gain);
}

static void one_scale_of_a_tensor_stays_one(void **state) {
    rounding_case c;
    qn_layer_integers integers;
    (void)state;
    rounding_case_init(&c, 7, QN_DTYPE_U8, 2, 6, 4, 0);
    const qn_layer_options options = {.per_tensor = 1, .moments = c.moments, .rounding_iterations = 3};
    assert_null(qn_layer_quantise(&c.base.layer, &c.base.x, &options, &c.base.arena, &integers));
    for (int o = 1; o < 4; o++) assert_true(integers.weight_scale[o] == integers.weight_scale[0]);
    rounding_case_deinit(&c);
}

static void moments_of_no_window_leave_the_nearest(void **state) {
    rounding_case c;
    qn_layer_integers nearest, learned;
    (void)state;
    rounding_case_init(&c, 8, QN_DTYPE_U8, 2, 6, 4, 0);
    c.moments->count = 0;
    qn_layer_options options = {.moments = c.moments};
    assert_null(qn_layer_quantise(&c.base.layer, &c.base.x, &options, &c.base.arena, &nearest));
    options.rounding_iterations = 5;
    assert_null(qn_layer_quantise(&c.base.layer, &c.base.x, &options, &c.base.arena, &learned));
    assert_memory_equal(nearest.weights, learned.weights, 12 * 4);
    rounding_case_deinit(&c);
}

/* ---- Cancelling ---- */

typedef struct patience {
    int64_t asked, most;
} patience;

static int lose_patience(void *self) {
    patience *p = self;
    return ++p->asked > p->most;
}

/* Rows and outputs are few operations each, however large the layer. */
static void every_row_and_every_output_asks_whether_to_go_on(void **state) {
    rounding_case c;
    qn_layer_integers integers;
    patience p = {.most = INT64_MAX};
    const qn_cancel cancel = {lose_patience, &p};
    (void)state;
    rounding_case_init(&c, 3, QN_DTYPE_U8, 4, 8, 6, 0);
    const qn_layer_options options = {
        .correct_bias = 1, .search_clip = 1, .rounding_iterations = 3, .moments = c.moments, .cancel = &cancel};
    assert_null(qn_layer_quantise(&c.base.layer, &c.base.x, &options, &c.base.arena, &integers));
    assert_int_equal(p.asked, 3 * c.base.layer.outputs + 2 * c.base.layer.rows);
    for (int64_t asked = p.asked, most = 0; most < asked; most++) {
        p = (patience){.most = most};
        qn_status *status = qn_layer_quantise(&c.base.layer, &c.base.x, &options, &c.base.arena, &integers);
        assert_int_equal(qn_status_code(status), QN_CANCELLED);
        assert_int_equal(p.asked, most + 1);
        qn_status_free(status);
    }
    rounding_case_deinit(&c);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(errors_are_what_is_said_and_never_above_those_of_the_nearest),
        cmocka_unit_test(a_matrix_that_is_not_finite_is_not_usable),
        cmocka_unit_test(layers_lose_less_by_it_and_keep_their_mean),
        cmocka_unit_test(one_scale_of_a_tensor_stays_one),
        cmocka_unit_test(moments_of_no_window_leave_the_nearest),
        cmocka_unit_test(every_row_and_every_output_asks_whether_to_go_on),
    };
    return cmocka_run_group_tests_name("quant/rounding", tests, NULL, NULL);
}
