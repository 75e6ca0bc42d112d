#include "sample_case.h"

#include <math.h>
#include <string.h>

#define BODY                                                                                                            \
    "symbol h [1, 9]\nsymbol w [1, 9]\n"                                                                                \
    "input %x : f32[1, h, w, 2]\n"                                                                                      \
    "const %k : f32[1, 1, 2, 3] = {1, -2, 3, 0.5, 0.25, -1}\n"                                                          \
    "const %l : f32[2, 2, 3, 4] = {0.5, -1, 2, 1, 1, 1, -0.5, 2, -1, 0.25, 0.75, 1, 2, -2, 1, 0.5, 1, 3, -1, 1, 0.1, "  \
    "0.2, 0.3, 0.4, -1, 1, 1, -1, 0.9, 0.8, 0.7, -0.6, 1, 2, -3, 1, 0.5, -1, 2, 1, 1, 1, -0.5, 2, -1, 0.25, 0.75, 1}\n" \
    "const %b : f32[3] = {0.5, 0, -0.25}\n"                                                                             \
    "%c = conv2d(%x, %k)\n"                                                                                             \
    "%a = add(%c, %b)\n"                                                                                                \
    "%r = relu(%a)\n"

const char sample_network[] = BODY "%y = conv2d(%r, %l) {padding=same_upper}\noutput %y";
const char sample_labels_network[] = BODY "%s = conv2d(%r, %l) {padding=same_upper}\n"
                                          "%y = argmax(%s) {axis=3, dtype=s32}\noutput %y";

/* ---- Samples ---- */

static void draw_sample(feed *f) {
    qn_rng rng;
    qn_rng_init(&rng, f->seed * 1000 + (uint64_t)(f->is_same ? 0 : f->is_reversed ? f->count - 1 - f->at : f->at));
    f->height = f->side ? f->side : qn_rng_range(&rng, 1, SAMPLE_SIDE_MAX);
    f->width = f->side ? f->side : qn_rng_range(&rng, 1, SAMPLE_SIDE_MAX);
    for (int64_t i = 0; i < f->height * f->width * SAMPLE_CHANNELS; i++)
        f->data[i] = qn_rng_float(&rng, i % 2 ? -2 : -1, i % 2 ? 1 : 3);
}

static void spoil_sample(feed *f, qn_tensor *input) {
    if (f->spoil == SPOIL_NAN) f->data[0] = NAN;
    if (f->spoil == SPOIL_INFINITY) f->data[0] = INFINITY;
    if (f->spoil == SPOIL_RANK) input->rank = 3;
    if (f->spoil == SPOIL_CHANNELS) input->dims[3] = 1;
    if (f->spoil == SPOIL_DTYPE) input->dtype = QN_DTYPE_U8;
    if (f->spoil == SPOIL_SIZE) input->dims[1] = SAMPLE_SIDE_MAX + 1, input->dims[2] = 1;
}

static qn_status *next_sample(void *self, qn_tensor *inputs, size_t input_count, int *out_has) {
    feed *f = self;
    int is_spoilt = f->spoil && f->at == f->spoil_at;
    assert_int_equal(input_count, 1);
    *out_has = f->at < f->count - (f->rewinds > 1 ? f->shrinks_by : 0);
    if (!*out_has) return NULL;
    if (is_spoilt && f->spoil == SPOIL_ERROR) return qn_status_make(QN_IO, __FILE__, __LINE__, "the camera is gone");
    draw_sample(f);
    inputs[0] = (qn_tensor){QN_DTYPE_F32, 4, {1, f->height, f->width, SAMPLE_CHANNELS}, f->data};
    if (is_spoilt) spoil_sample(f, &inputs[0]);
    f->at++;
    return NULL;
}

static qn_status *rewind_samples(void *self) {
    feed *f = self;
    f->at = 0;
    f->rewinds++;
    return NULL;
}

void feed_init(feed *f, uint64_t seed, int64_t count) {
    *f = (feed){.count = count, .seed = seed};
    f->samples = (qn_samples){.self = f, .count = count, .next = next_sample, .rewind = rewind_samples};
}

/* ---- Calibrating, building ---- */

qn_status *try_calibrate(qn_calibrator *calibrator, const char *statements, const char *json, feed *f) {
    qn_network *network = network_of(statements);
    qn_config *config = config_of(json);
    qn_status *status = qn_calibrate(calibrator, network, config, &f->samples);
    qn_config_destroy(config);
    qn_network_destroy(network);
    return status;
}

qn_calibrator *calibrated(const char *statements, const char *json, uint64_t seed, int64_t count) {
    qn_calibrator *calibrator;
    feed f;
    feed_init(&f, seed, count);
    expect_ok(qn_calibrator_create(NULL, &calibrator));
    expect_ok(try_calibrate(calibrator, statements, json, &f));
    return calibrator;
}

qn_status *try_build_with(const char *statements, const char *json, const qn_calibrator *calibrator,
                          const qn_contract *contract, case_log *log, qn_model **out_model) {
    qn_network *network = network_of(statements);
    qn_config *config = config_of(json);
    qn_build_options options;
    qn_build_options_init(&options);
    options.calibrator = calibrator;
    options.contract = contract;
    options.log = log ? &log->log : NULL;
    qn_status *status = qn_build(network, config, &options, out_model);
    qn_config_destroy(config);
    qn_network_destroy(network);
    return status;
}

qn_model *build_with(const char *statements, const char *json, const qn_calibrator *calibrator) {
    qn_model *model;
    expect_ok(try_build_with(statements, json, calibrator, NULL, NULL, &model));
    return model;
}

void expect_same_bytes(const qn_model *a, const qn_model *b) {
    size_t a_bytes, b_bytes;
    const void *a_data = qn_model_bytes(a, &a_bytes), *b_data = qn_model_bytes(b, &b_bytes);
    assert_int_equal(a_bytes, b_bytes);
    assert_memory_equal(a_data, b_data, a_bytes);
}

const char *precision_of(const qn_model *model, const char *step) {
    for (size_t i = 0; i < qn_model_get_info(model)->step_count; i++)
        if (!strcmp(qn_model_step(model, i)->name, step)) return qn_model_step(model, i)->precision;
    fail_msg("no step is called '%s'", step);
    return "";
}
