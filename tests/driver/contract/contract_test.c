/* Contracts: what is built keeps what was asked for, with as few layers float as it takes; what cannot be kept, and what
 * is wrong with a contract, is said. The agreement is measured anew by running both models. */
#include "sample_case.h"

#include "base/meter.h"

#include <stdio.h>
#include <string.h>

#define FLOATS "{'precision_config': {'precision_mode': 'qint8_mixed_float32'}}"
enum { COUNT = 40, PIXELS_MAX = SAMPLE_SIDE_MAX * SAMPLE_SIDE_MAX };

/* Samples whose true labels are those that a model gives, some of them wrong. */
typedef struct labelled_feed {
    feed feed; /* first: the callbacks are handed either */
    qn_model *model;
    int32_t labels[PIXELS_MAX];
    int64_t extra; /* labels too many */
    int32_t odd;   /* the label of the first pixel, where it is not 0 */
} labelled_feed;

static void label(qn_model *model, feed *f, int32_t *labels) {
    static float room[PIXELS_MAX];
    int64_t dims[QN_MAX_RANK];
    const qn_tensor input = {QN_DTYPE_F32, 4, {1, f->height, f->width, SAMPLE_CHANNELS}, f->data};
    run_model(model, &input, room, dims);
    memcpy(labels, room, (size_t)(f->height * f->width) * sizeof *labels);
}

static qn_status *true_labels(void *self, qn_tensor *out_labels) {
    labelled_feed *f = self;
    label(f->model, &f->feed, f->labels);
    for (int64_t i = 0; i < f->feed.height * f->feed.width; i++)
        if (i % 7 == 3) f->labels[i] = i % 2 ? 255 : (f->labels[i] + 1) % 4;
    if (f->odd) f->labels[0] = f->odd;
    *out_labels = (qn_tensor){QN_DTYPE_S32, 3, {1, f->feed.height, f->feed.width + f->extra}, f->labels};
    return NULL;
}

static void labelled_init(labelled_feed *f, qn_contract *contract, qn_metric metric, int64_t count) {
    memset(f, 0, sizeof *f);
    feed_init(&f->feed, 31, count);
    f->feed.samples.self = f;
    f->model = build_of(sample_labels_network, NULL);
    f->feed.samples.labels = metric == QN_METRIC_MIOU ? true_labels : NULL;
    qn_contract_init(contract);
    contract->metric = metric;
    contract->samples = f->feed.samples;
}

static void labelled_deinit(labelled_feed *f) { qn_model_destroy(f->model); }

static qn_status *build_under(const qn_contract *contract, const char *json, case_log *log, qn_model **out_model) {
    qn_calibrator *calibrator = calibrated(sample_labels_network, json, 31, COUNT);
    qn_status *status = try_build_with(sample_labels_network, json, calibrator, contract, log, out_model);
    qn_calibrator_destroy(calibrator);
    return status;
}

/* Shares of labels that two models agree on: of all, and the least of one sample. */
static double agreement_of(qn_model *a, qn_model *b) {
    int32_t one[PIXELS_MAX], other[PIXELS_MAX];
    double equal = 0, total = 0;
    feed f;
    feed_init(&f, 31, COUNT);
    for (;;) {
        int has;
        qn_tensor input;
        expect_ok(f.samples.next(&f, &input, 1, &has));
        if (!has) return equal / total;
        label(a, &f, one), label(b, &f, other);
        for (int64_t i = 0; i < f.height * f.width; i++) equal += one[i] == other[i], total++;
    }
}

/* How many steps a contract made `what`: "kept float", "made int16". */
static int count_steps(const qn_model *model, const char *what) {
    int count = 0;
    char text[64];
    snprintf(text, sizeof text, "%s by the contract", what);
    for (size_t i = 0; i < qn_model_get_info(model)->step_count; i++)
        count += strstr(qn_model_step(model, i)->precision, text) != NULL;
    return count;
}

/* How many layers are no bytes. */
static int exceptions_of(const qn_model *model) {
    return count_steps(model, "kept float") + count_steps(model, "made int16");
}

#define BYTES_FOR(nodes) "{'precision_config': {'precision_mode': 'qint8_mixed_float32'}, 'custom_nodes': {" nodes "}}"
#define ALL_BYTES        BYTES_FOR("'c': {'precision': 'int8'}, 's': {'precision': 'int8'}")

/* ---- Kept ---- */

static void integers_throughout_are_taken_where_they_keep_the_contract(void **state) {
    (void)state;
    labelled_feed f;
    qn_contract contract;
    qn_model *model;
    case_log log;
    case_log_init(&log);
    labelled_init(&f, &contract, QN_METRIC_AGREEMENT, COUNT);
    contract.min_agreement = 0.8;
    expect_ok(build_under(&contract, INT8, &log, &model));
    assert_int_equal(exceptions_of(model), 0);
    assert_int_equal(f.feed.rewinds, 2); /* the float network, the integers, and no more */
    if (!strstr(log.text, "contract kept: agreement ")) fail_msg("%s", log.text);
    assert_non_null(strstr(log.text, "with 95 % confidence over 40 samples; 0 of 1 layers stay float, 88.9 % of "
                                     "multiply-adds are integer")); /* the other would save no time */
    qn_model *plain;
    expect_ok(build_under(NULL, INT8, NULL, &plain));
    assert_true(agreement_of(plain, f.model) > 0.8 && agreement_of(plain, f.model) < 1);
    assert_true(agreement_of(model, f.model) == agreement_of(plain, f.model));
    qn_model_destroy(plain);
    qn_model_destroy(model);
    labelled_deinit(&f);
}

/* They ask for integers themselves, so that none is the contract's to decide. */
static void nodes_that_ask_for_bytes_are_integer_layers(void **state) {
    (void)state;
    labelled_feed f;
    qn_contract contract;
    case_log log;
    qn_model *model;
    case_log_init(&log);
    labelled_init(&f, &contract, QN_METRIC_AGREEMENT, COUNT);
    contract.min_agreement = 0.5;
    expect_ok(build_under(&contract,
                          "{'precision_config': {'precision_mode': 'qint8_mixed_float16'}, "
                          "'custom_nodes': {'conv2d': {'precision': 'int8'}}}",
                          &log, &model));
    assert_non_null(strstr(log.text, "samples; 100.0 % of multiply-adds are integer"));
    assert_null(strstr(log.text, "leaves no layer integer"));
    qn_model_destroy(model);
    labelled_deinit(&f);
}

static void layers_leave_bytes_where_these_do_not_keep_it(void **state) {
    (void)state;
    labelled_feed f;
    qn_contract contract;
    qn_model *model, *again;
    case_log log;
    case_log_init(&log);
    labelled_init(&f, &contract, QN_METRIC_AGREEMENT, COUNT);
    contract.min_agreement = 1;
    expect_ok(build_under(&contract, FLOATS, &log, &model));
    assert_true(exceptions_of(model) >= 1);
    assert_true(agreement_of(model, f.model) == 1);
    assert_non_null(strstr(log.text, "contract kept: agreement 100.000 %, at least 100.000 %"));
    assert_non_null(
        strstr(log.text, "0 of 2 layers stay float, 2 became int16, 100.0 % of multiply-adds are integer, 0.0 % int8"));
    assert_int_equal(count_steps(model, "made int16"), 2);
    expect_ok(build_under(&contract, FLOATS, NULL, &again)); /* the same contract, the same file */
    expect_same_bytes(model, again);
    qn_model_destroy(again);
    qn_model_destroy(model);
    labelled_deinit(&f);
}

static void the_bound_of_the_samples_counts_not_their_mean(void **state) {
    (void)state;
    labelled_feed f;
    qn_contract contract;
    qn_model *plain, *model;
    labelled_init(&f, &contract, QN_METRIC_AGREEMENT, COUNT);
    expect_ok(build_under(NULL, FLOATS, NULL, &plain));
    contract.min_agreement = agreement_of(plain, f.model); /* kept by the mean of all integers, not surely */
    expect_ok(build_under(&contract, FLOATS, NULL, &model));
    assert_true(exceptions_of(model) >= 1);
    assert_true(agreement_of(model, f.model) > contract.min_agreement);
    qn_model_destroy(plain), qn_model_destroy(model);
    labelled_deinit(&f);
}

static void a_drop_of_miou_is_kept_by_labels(void **state) {
    static const double drops[] = {0.2, 0};
    (void)state;
    for (int i = 0; i < 2; i++) {
        labelled_feed f;
        qn_contract contract;
        qn_model *model;
        case_log log;
        case_log_init(&log);
        labelled_init(&f, &contract, QN_METRIC_MIOU, COUNT);
        contract.max_drop = drops[i];
        contract.classes = i ? 0 : 4;
        expect_ok(build_under(&contract, FLOATS, &log, &model));
        assert_int_equal(exceptions_of(model) > 0, i);
        if (!strstr(log.text, "contract kept: mIoU 0.")) fail_msg("%s", log.text);
        assert_non_null(strstr(log.text, "float, at most"));
        qn_model_destroy(model);
        labelled_deinit(&f);
    }
}

static void what_a_contract_came_to_is_told_in_numbers(void **state) {
    (void)state;
    for (int is_kept = 0; is_kept < 2; is_kept++) {
        labelled_feed f;
        qn_contract contract;
        qn_contract_result result;
        qn_build_options options;
        qn_model *model;
        char text[512];
        case_log log;
        case_log_init(&log);
        labelled_init(&f, &contract, QN_METRIC_AGREEMENT, COUNT);
        contract.min_agreement = is_kept ? 0.8 : 1;
        qn_contract_result_init(&result);
        qn_contract_result_print(&result, text, sizeof text);
        assert_string_equal(text, ""); /* nothing yet */
        qn_build_options_init(&options);
        options.calibrator = calibrated(sample_labels_network, is_kept ? INT8 : ALL_BYTES, 31, COUNT);
        options.contract = &contract;
        options.contract_result = &result;
        options.log = &log.log;
        qn_network *network = network_of(sample_labels_network);
        qn_config *config = config_of(is_kept ? INT8 : ALL_BYTES);
        qn_status *status = qn_build(network, config, &options, &model);
        assert_int_equal(qn_status_code(status), is_kept ? QN_OK : QN_UNSUPPORTED);
        assert_true(result.is_measured && result.is_kept == is_kept);
        assert_true(result.metric == QN_METRIC_AGREEMENT && result.confidence == 0.95 && result.samples == COUNT);
        assert_true(result.score > 0.8 && result.score < 1 && result.loss > 0 && result.bound >= result.loss);
        assert_true(result.layer_count == (is_kept ? 1 : 0) && !result.float_layers && !result.word_layers);
        assert_true(result.integer_share > 0.88 && result.byte_share == result.integer_share);
        qn_contract_result_print(&result, text, sizeof text);
        assert_non_null(strstr(is_kept ? log.text : qn_status_message(status), text));
        assert_int_equal(strncmp(text, "agreement 9", 11), 0);
        qn_contract_result_print(&result, text, 10);
        assert_string_equal(text, "agreement");
        qn_status_free(status);
        qn_model_destroy(model);
        qn_config_destroy(config);
        qn_network_destroy(network);
        qn_calibrator_destroy((qn_calibrator *)(uintptr_t)options.calibrator);
        labelled_deinit(&f);
    }
}

static void a_result_that_was_not_made_ready_is_refused(void **state) {
    (void)state;
    labelled_feed f;
    qn_contract contract;
    qn_contract_result result = {0};
    qn_build_options options;
    qn_model *model;
    labelled_init(&f, &contract, QN_METRIC_AGREEMENT, COUNT);
    qn_build_options_init(&options);
    options.calibrator = calibrated(sample_labels_network, INT8, 31, COUNT);
    options.contract = &contract;
    options.contract_result = &result;
    qn_network *network = network_of(sample_labels_network);
    qn_config *config = config_of(INT8);
    expect_refused(qn_build(network, config, &options, &model), QN_INVALID_ARGUMENT, "qn_contract_result_init()");
    qn_config_destroy(config);
    qn_network_destroy(network);
    qn_calibrator_destroy((qn_calibrator *)(uintptr_t)options.calibrator);
    labelled_deinit(&f);
}

/* ---- Not kept ---- */

/* Where nodes are to be integers whatever it costs. */
static void what_cannot_be_kept_is_refused_with_what_there_is(void **state) {
    static const struct {
        const char *json, *first, *second;
    } rows[] = {
        {ALL_BYTES,
         "custom_nodes or the network itself wants every layer integer, so none may become float, and there is agreement 9",
         "samples; 100.0 % of multiply-adds are integer. Ask for less"},
        {BYTES_FOR("'c': {'precision': 'int8'}"),
         "with every layer float, but for those that custom_nodes or the network itself wants integer, there is still agreement 9",
         "1 of 1 layers stay float, "},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        labelled_feed f;
        qn_contract contract;
        qn_model *model;
        labelled_init(&f, &contract, QN_METRIC_AGREEMENT, COUNT);
        contract.min_agreement = 1;
        qn_status *status = build_under(&contract, rows[i].json, NULL, &model);
        if (!strstr(qn_status_message(status), rows[i].second)) fail_msg("%s", qn_status_message(status));
        if (!strstr(qn_status_message(status), rows[i].first)) fail_msg("%s", qn_status_message(status));
        expect_refused(status, QN_UNSUPPORTED, "the contract cannot be kept");
        assert_null(model);
        labelled_deinit(&f);
    }
}

static void a_contract_kept_by_integers_that_nodes_ask_for_has_some(void **state) {
    (void)state;
    labelled_feed f;
    qn_contract contract;
    qn_model *model;
    case_log log;
    case_log_init(&log);
    labelled_init(&f, &contract, QN_METRIC_AGREEMENT, COUNT);
    contract.min_agreement = 0.8;
    expect_ok(build_under(&contract, ALL_BYTES, &log, &model));
    assert_non_null(strstr(log.text, "40 samples; 100.0 % of multiply-adds are integer"));
    assert_null(strstr(log.text, "leaves no layer integer"));
    qn_model_destroy(model);
    labelled_deinit(&f);
}

/* ---- What is wrong with a contract ---- */

static qn_status *scalar_labels(void *self, qn_tensor *out_labels) {
    static int32_t one = 1;
    (void)self;
    *out_labels = (qn_tensor){QN_DTYPE_S32, 0, {0}, &one};
    return NULL;
}

static qn_status *float_labels(void *self, qn_tensor *out_labels) {
    static float ones[2 * PIXELS_MAX];
    const labelled_feed *f = self;
    *out_labels = (qn_tensor){QN_DTYPE_F32, 4, {1, f->feed.height, f->feed.width, 2}, ones};
    return NULL;
}

static qn_status *no_labels(void *self, qn_tensor *out_labels) {
    (void)self, (void)out_labels;
    return qn_status_make(QN_NOT_FOUND, __FILE__, __LINE__, "the mask is lost");
}

typedef void spoil_contract(qn_contract *contract, labelled_feed *f);
static void wrong_size(qn_contract *c, labelled_feed *f) { (void)f, c->size = 8; }
static void no_next(qn_contract *c, labelled_feed *f) { (void)f, c->samples.next = NULL; }
static void no_rewind(qn_contract *c, labelled_feed *f) { (void)f, c->samples.rewind = NULL; }
static void no_label_callback(qn_contract *c, labelled_feed *f) { (void)f, c->samples.labels = NULL; }
static void high_agreement(qn_contract *c, labelled_feed *f) {
    (void)f, c->metric = QN_METRIC_AGREEMENT, c->min_agreement = 99.5;
}
static void low_agreement(qn_contract *c, labelled_feed *f) {
    (void)f, c->metric = QN_METRIC_AGREEMENT, c->min_agreement = -0.1;
}
static void high_drop(qn_contract *c, labelled_feed *f) { (void)f, c->max_drop = 1.5; }
static void no_drop(qn_contract *c, labelled_feed *f) { (void)f, c->max_drop = 0.0 / 0.0; }
static void sure(qn_contract *c, labelled_feed *f) { (void)f, c->confidence = 1; }
static void unsure(qn_contract *c, labelled_feed *f) { (void)f, c->confidence = 0.4; }
static void few_classes(qn_contract *c, labelled_feed *f) { (void)f, c->classes = 2; }
static void negative_classes(qn_contract *c, labelled_feed *f) { (void)f, c->classes = -1; }
static void many_classes(qn_contract *c, labelled_feed *f) { (void)f, c->classes = 1 << 20; }
static void unknown_metric(qn_contract *c, labelled_feed *f) { (void)f, c->metric = (qn_metric)7; }
static void one_sample(qn_contract *c, labelled_feed *f) { (void)c, f->feed.count = 1; }
static void no_samples(qn_contract *c, labelled_feed *f) { (void)c, f->feed.count = 0; }
static void lost_mask(qn_contract *c, labelled_feed *f) { (void)f, c->samples.labels = no_labels; }
static void scalar_mask(qn_contract *c, labelled_feed *f) { (void)f, c->samples.labels = scalar_labels; }
static void float_mask(qn_contract *c, labelled_feed *f) { (void)f, c->samples.labels = float_labels; }
static void wide_mask(qn_contract *c, labelled_feed *f) { (void)c, f->extra = 1; }
static void odd_mask(qn_contract *c, labelled_feed *f) { (void)c, f->odd = 300; }
static void bad_shape(qn_contract *c, labelled_feed *f) {
    (void)c, f->feed.spoil = SPOIL_CHANNELS, f->feed.spoil_at = 2;
}
static void broken_source(qn_contract *c, labelled_feed *f) {
    (void)c, f->feed.spoil = SPOIL_ERROR, f->feed.spoil_at = 2;
}
static void fewer_the_second_time(qn_contract *c, labelled_feed *f) { (void)c, f->feed.shrinks_by = 3; }
static void more_the_second_time(qn_contract *c, labelled_feed *f) { (void)c, f->feed.shrinks_by = -3; }
static void fewer_agree(qn_contract *c, labelled_feed *f) {
    c->metric = QN_METRIC_AGREEMENT, c->min_agreement = 0.1, f->feed.shrinks_by = 3;
}
static void more_agree(qn_contract *c, labelled_feed *f) {
    c->metric = QN_METRIC_AGREEMENT, c->min_agreement = 0.1, f->feed.shrinks_by = -3;
}

static void whatever_is_wrong_with_a_contract_is_said(void **state) {
    static const struct {
        spoil_contract *act;
        qn_code code;
        const char *words;
    } rows[] = {
        {wrong_size, QN_INVALID_ARGUMENT, "qn_contract_init()"},
        {no_next, QN_INVALID_ARGUMENT, "give next and rewind"},
        {no_rewind, QN_INVALID_ARGUMENT, "give next and rewind"},
        {no_label_callback, QN_INVALID_ARGUMENT, "needs the true labels"},
        {high_agreement, QN_INVALID_ARGUMENT, "min_agreement is 99.5; expected 0 to 1"},
        {low_agreement, QN_INVALID_ARGUMENT, "min_agreement is -0.1"},
        {high_drop, QN_INVALID_ARGUMENT, "max_drop is 1.5; expected 0 to 1"},
        {no_drop, QN_INVALID_ARGUMENT, "max_drop is"},
        {sure, QN_INVALID_ARGUMENT, "confidence is 1; expected 0.5 to below 1"},
        {unsure, QN_INVALID_ARGUMENT, "confidence is 0.4"},
        {few_classes, QN_INVALID_ARGUMENT, "expected 0 to 1"},
        {negative_classes, QN_INVALID_ARGUMENT, "-1 classes"},
        {many_classes, QN_INVALID_ARGUMENT, "1048576 classes"},
        {unknown_metric, QN_INVALID_ARGUMENT, "there is no metric 7"},
        {one_sample, QN_INVALID_ARGUMENT, "a contract on 1 sample says nothing"},
        {no_samples, QN_INVALID_ARGUMENT, "a contract on 0 samples says nothing"},
        {lost_mask, QN_NOT_FOUND, "the mask is lost"},
        {scalar_mask, QN_INVALID_ARGUMENT, "sample 1: 1 true labels"},
        {float_mask, QN_INVALID_ARGUMENT, "sample 1"},
        {wide_mask, QN_INVALID_ARGUMENT, "sample 1"},
        {odd_mask, QN_INVALID_ARGUMENT, "sample 1: label"},
        {bad_shape, QN_INVALID_ARGUMENT, "sample 3"},
        {broken_source, QN_IO, "the camera is gone"},
        {fewer_the_second_time, QN_INVALID_ARGUMENT, "samples changed: there were 12"},
        {more_the_second_time, QN_INVALID_ARGUMENT, "samples changed: there were 12"},
        {fewer_agree, QN_INVALID_ARGUMENT, "samples changed: there were 12"},
        {more_agree, QN_INVALID_ARGUMENT, "samples changed: there were 12"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        labelled_feed f;
        qn_contract contract;
        qn_model *model;
        labelled_init(&f, &contract, QN_METRIC_MIOU, 12);
        contract.max_drop = 0.5;
        rows[i].act(&contract, &f);
        expect_refused(build_under(&contract, INT8, NULL, &model), rows[i].code, rows[i].words);
        assert_null(model);
        labelled_deinit(&f);
    }
}

static void a_network_without_labels_is_refused(void **state) {
    (void)state;
    labelled_feed f;
    qn_contract contract;
    qn_model *model;
    static const char one[] =
        "symbol h [1, 9]\nsymbol w [1, 9]\ninput %x : f32[1, h, w, 2]\nconst %k : f32[1, 1, 2, 1] = {1, 2}\n"
        "%y = conv2d(%x, %k)\noutput %y";
    labelled_init(&f, &contract, QN_METRIC_AGREEMENT, 5);
    qn_calibrator *calibrator = calibrated(one, INT8, 31, 5);
    expect_refused(try_build_with(one, INT8, calibrator, &contract, NULL, &model), QN_UNSUPPORTED,
                   "it gives f32 of rank 4");
    qn_calibrator_destroy(calibrator);
    labelled_deinit(&f);
}

/* ---- Progress, cancelling, memory ---- */

typedef struct overseer {
    int asked, patience, in_contract;
} overseer;

static void oversee(void *self, const char *phase, double fraction) {
    overseer *o = self;
    assert_true(fraction >= 0 && fraction <= 1);
    o->in_contract += !strncmp(phase, "contract: ", 10);
}

static int lose_patience(void *self) {
    overseer *o = self;
    return ++o->asked > o->patience;
}

static qn_status *build_overseen(overseer *o, const qn_calibrator *calibrator, const qn_contract *contract,
                                 const qn_allocator *allocator, qn_model **out_model) {
    qn_network *network = network_of(sample_labels_network);
    qn_config *config = config_of(FLOATS);
    qn_build_options options;
    qn_build_options_init(&options);
    options.calibrator = calibrator;
    options.contract = contract;
    options.allocator = allocator;
    options.progress = oversee;
    options.cancel = lose_patience;
    options.progress_self = options.cancel_self = o;
    qn_status *status = qn_build(network, config, &options, out_model);
    qn_config_destroy(config);
    qn_network_destroy(network);
    return status;
}

static void a_contract_tells_its_progress_and_can_be_cancelled_wherever_it_asks(void **state) {
    (void)state;
    labelled_feed f;
    qn_contract contract;
    qn_model *model;
    labelled_init(&f, &contract, QN_METRIC_AGREEMENT, 6);
    contract.min_agreement = 1;
    qn_calibrator *calibrator = calibrated(sample_labels_network, FLOATS, 31, COUNT);
    overseer whole = {.patience = 1000000};
    expect_ok(build_overseen(&whole, calibrator, &contract, NULL, &model));
    assert_true(whole.in_contract > 12);
    qn_model_destroy(model);
    for (int patience = 0; patience < whole.asked; patience += 1 + patience / 8) {
        overseer o = {.patience = patience};
        f.feed.rewinds = 0;
        expect_refused(build_overseen(&o, calibrator, &contract, NULL, &model), QN_CANCELLED, "cancelled");
        assert_null(model);
        assert_int_equal(o.asked, patience + 1);
    }
    qn_calibrator_destroy(calibrator);
    labelled_deinit(&f);
}

static void memory_may_end_at_any_point_of_a_contract(void **state) {
    (void)state;
    labelled_feed f;
    qn_contract contract;
    int exhausted = 0;
    labelled_init(&f, &contract, QN_METRIC_AGREEMENT, 3);
    contract.min_agreement = 1;
    qn_calibrator *calibrator = calibrated(sample_labels_network, FLOATS, 31, COUNT);
    for (size_t budget = 0;; budget += 1 + budget / 12) {
        meter m;
        const qn_allocator allocator = meter_allocator(&m, budget);
        qn_model *model;
        overseer o = {.patience = 1000000};
        f.feed.rewinds = 0;
        qn_status *status = build_overseen(&o, calibrator, &contract, &allocator, &model);
        int ended = !status;
        if (status && qn_status_code(status) != QN_OUT_OF_MEMORY) fail_msg("%s", qn_status_message(status));
        exhausted += status != NULL;
        qn_status_free(status);
        qn_model_destroy(model);
        assert_int_equal(m.live, 0);
        if (ended) break;
    }
    assert_true(exhausted > 5);
    qn_calibrator_destroy(calibrator);
    labelled_deinit(&f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(integers_throughout_are_taken_where_they_keep_the_contract),
        cmocka_unit_test(nodes_that_ask_for_bytes_are_integer_layers),
        cmocka_unit_test(layers_leave_bytes_where_these_do_not_keep_it),
        cmocka_unit_test(the_bound_of_the_samples_counts_not_their_mean),
        cmocka_unit_test(a_drop_of_miou_is_kept_by_labels),
        cmocka_unit_test(what_a_contract_came_to_is_told_in_numbers),
        cmocka_unit_test(a_result_that_was_not_made_ready_is_refused),
        cmocka_unit_test(what_cannot_be_kept_is_refused_with_what_there_is),
        cmocka_unit_test(a_contract_kept_by_integers_that_nodes_ask_for_has_some),
        cmocka_unit_test(whatever_is_wrong_with_a_contract_is_said),
        cmocka_unit_test(a_network_without_labels_is_refused),
        cmocka_unit_test(a_contract_tells_its_progress_and_can_be_cancelled_wherever_it_asks),
        cmocka_unit_test(memory_may_end_at_any_point_of_a_contract),
    };
    return cmocka_run_group_tests_name("driver/contract", tests, NULL, NULL);
}
