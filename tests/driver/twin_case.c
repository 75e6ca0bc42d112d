#include "twin_case.h"

#include "base/memory.h"
#include "quench/calibrator.h"

#include <string.h>

enum { ELEMENTS_MAX = 1 << 14 };

qn_model *twin_build(qn_network *network, int is_integer) {
    qn_calibrator *calibrator = NULL;
    qn_build_options options;
    qn_model *built;
    qn_build_options_init(&options);
    qn_config *config =
        config_of(is_integer ? "{'precision_config': {'precision_mode': 'qint8_mixed_float32'}}" : NULL);
    if (is_integer) {
        expect_ok(qn_calibrator_create(NULL, &calibrator));
        expect_ok(qn_calibrator_set_fixed_range(calibrator, -2, 6));
        options.calibrator = calibrator;
    }
    expect_ok(qn_build(network, config, &options, &built));
    qn_calibrator_destroy(calibrator);
    qn_config_destroy(config);
    qn_network_destroy(network);
    return built;
}

int twin_count_steps(const qn_model *model, const char *op) {
    const qn_step_info *step;
    int count = 0;
    for (size_t i = 0; (step = qn_model_step(model, i)); i++) count += !op || !strcmp(step->op, op);
    return count;
}

/* The next step from *at on that is no transpose, which *at is then; NULL: there is none. */
static const qn_step_info *next_step(const qn_model *model, size_t *at) {
    const qn_step_info *step;
    while ((step = qn_model_step(model, *at)) && !strcmp(step->op, "transpose")) ++*at;
    return step;
}

void twin_expect_same_steps(const qn_model *plain, const qn_model *turned, int ports) {
    assert_int_equal(twin_count_steps(turned, NULL), twin_count_steps(plain, NULL) + ports);
    assert_int_equal(twin_count_steps(turned, "transpose"), twin_count_steps(plain, "transpose") + ports);
    for (size_t i = 0, k = 0; next_step(plain, &i); i++, k++) {
        char a[512], b[512];
        assert_non_null(next_step(turned, &k));
        assert_string_equal(qn_model_step(turned, k)->op, qn_model_step(plain, i)->op);
        expect_ok(qn_model_step_attributes(plain, i, a, sizeof a, NULL));
        expect_ok(qn_model_step_attributes(turned, k, b, sizeof b, NULL));
        assert_string_equal(b, a);
    }
}

/* [1, H, W, C] as [1, C, H, W]. */
static void turn_data(const float *from, int64_t pixels, int64_t channels, float *to) {
    for (int64_t p = 0; p < pixels; p++)
        for (int64_t c = 0; c < channels; c++) to[c * pixels + p] = from[p * channels + c];
}

void twin_expect_same_results(qn_model *plain, qn_model *turned, int64_t height, int64_t width, int64_t channels,
                              int turned_ports) {
    static float x[ELEMENTS_MAX], x_turned[ELEMENTS_MAX], a[ELEMENTS_MAX], b[ELEMENTS_MAX], a_turned[ELEMENTS_MAX];
    int64_t dims[QN_MAX_RANK], turned_dims[QN_MAX_RANK];
    qn_rng rng;
    qn_rng_init(&rng, 1);
    assert_true(height * width * channels <= ELEMENTS_MAX);
    for (int64_t i = 0; i < height * width * channels; i++) x[i] = qn_rng_float(&rng, -2, 2);
    turn_data(x, height * width, channels, x_turned);
    qn_tensor input = {QN_DTYPE_F32, 4, {1, height, width, channels}, x};
    qn_tensor input_turned = {QN_DTYPE_F32, 4, {1, channels, height, width}, x_turned};
    int rank = run_model(plain, &input, a, dims);
    assert_int_equal(run_model(turned, turned_ports ? &input_turned : &input, b, turned_dims), rank);
    int64_t elems = 1;
    for (int i = 0; i < rank; i++) elems *= dims[i];
    assert_true(elems > 2 && elems <= ELEMENTS_MAX);
    const int is_turned = turned_ports && rank == 4;
    if (is_turned) turn_data(a, dims[1] * dims[2], dims[3], a_turned);
    assert_memory_equal(b, is_turned ? a_turned : a, (size_t)elems * sizeof *a);
}
