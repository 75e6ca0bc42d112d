/* Whatever floating-point state the caller is in, quench computes the same bits and leaves that state as it was. */
#include "sample_case.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/float_states.h"
#include "base/status.h"
#include "import/graphdef_builder.h"

/* Resizing computes its weights when shapes are set and when tensors move; exp, sums and halves round. */
static const char running_network[] = "symbol h [1, 16]\nsymbol w [1, 16]\n"
                                      "input %x : f32[1, h, w, 2]\n"
                                      "const %size : s32[2] = {7, 3}\n"
                                      "const %k : f32[3, 3, 2, 5] = random 3\n"
                                      "%r = resize_bilinear(%x, %size)\n"
                                      "%c = conv2d(%r, %k) {padding=same_upper}\n"
                                      "%s = sigmoid(%c)\n"
                                      "%y = softmax(%s)\n"
                                      "output %y";

static const char *const precisions[] = {
    "{'precision_config': {'precision_mode': 'force_float32'}}",
    "{'precision_config': {'precision_mode': 'force_float16'}}",
    "{'precision_config': {'precision_mode': 'qint8_mixed_float16'}}",
    "{'precision_config': {'precision_mode': 'qint16_mixed_float16'}}",
    "{'precision_config': {'precision_mode': 'qint8_mixed_float16', 'rounding_iterations': 20}}",
};
enum { PRECISIONS = sizeof precisions / sizeof *precisions, X_ELEMS = 4 * 5 * 2, Y_ELEMS = 7 * 3 * 5 };

/* Builds are costly: with them every rounding mode goes with some of the rest. */
static int is_chosen(int state) { return state < 4 || state == 12 || state == 13 || state == 22 || state == 31; }

/* ---- Running ---- */

typedef struct run {
    float x[X_ELEMS], y[Y_ELEMS];
    float *moved; /* another place for x, so that steps are lowered again; NULL: x */
} run;

static qn_status *run_all(qn_model *model, run *r) {
    qn_engine *engine = NULL;
    qn_context *context = NULL;
    qn_engine_options options;
    qn_engine_options_init(&options);
    options.threads = 2; /* threads inherit the state of the one that starts them */
    qn_tensor x = {.dtype = QN_DTYPE_F32, .rank = 4, .dims = {1, 4, 5, 2}, .data = r->x};
    qn_tensor y = {.dtype = QN_DTYPE_F32, .data = r->y};
    qn_status *status = qn_engine_create(model, &options, &engine);
    if (!status) status = qn_context_create(engine, &context);
    if (!status) status = qn_context_set_input_shape(context, 0, 4, x.dims);
    if (!status) status = qn_context_get_output_shape(context, 0, &y.rank, y.dims);
    if (!status) status = qn_context_run(context, &x, 1, &y, 1);
    if (r->moved) x.data = memcpy(r->moved, r->x, sizeof r->x);
    if (!status) status = qn_context_run(context, &x, 1, &y, 1);
    qn_context_destroy(context);
    qn_engine_destroy(engine);
    return status;
}

static void test_running_does_not_depend_on_the_state(void **state) {
    (void)state;
    for (int p = 0; p < 2; p++) {
        qn_model *model = build_of(running_network, precisions[p]);
        float moved[X_ELEMS];
        run plain = {.moved = moved};
        for (int i = 0; i < X_ELEMS; i++) plain.x[i] = i == 7 ? 1e-40f : (float)i * 0.37f;
        expect_ok(run_all(model, &plain));
        for (int s = 0; s < FLOAT_STATES; s++) {
            qn_status *status;
            run other = {.moved = moved};
            memcpy(other.x, plain.x, sizeof other.x);
            IN_FLOAT_STATE(s, status = run_all(model, &other));
            expect_ok(status);
            assert_memory_equal(other.y, plain.y, sizeof plain.y);
        }
        qn_model_destroy(model);
    }
}

/* ---- Building ---- */

/* One calibration and build; what the tests make on the way, with arithmetic of their own, is made beforehand. */
typedef struct work {
    qn_network *measured, *built;
    qn_config *config;
    qn_calibrator *calibrator; /* NULL: a float build */
    feed samples, judged;
    qn_contract contract;
    qn_build_options options;
    char *ranges;
    qn_model *model;
} work;

static void prepare(work *w, const char *network, const char *json) {
    memset(w, 0, sizeof *w);
    w->measured = network_of(network);
    w->built = network_of(network);
    w->config = config_of(json);
    feed_init(&w->samples, 5, 4);
    feed_init(&w->judged, 3, 4);
    qn_build_options_init(&w->options);
    if (!strstr(json, "qint")) return;
    expect_ok(qn_calibrator_create(NULL, &w->calibrator));
    w->options.calibrator = w->calibrator;
}

static void prepare_contract(work *w) {
    prepare(w, sample_labels_network, INT8);
    qn_contract_init(&w->contract);
    w->contract.min_agreement = 0.9;
    w->contract.samples = w->judged.samples;
    w->options.contract = &w->contract;
    w->options.report_samples = &w->judged.samples;
}

static qn_status *perform(work *w) {
    const char *ranges;
    if (w->calibrator) {
        QN_TRY(qn_calibrate(w->calibrator, w->measured, w->config, &w->samples.samples));
        QN_TRY(qn_calibrator_ranges_text(w->calibrator, &ranges));
        w->ranges = strdup(ranges);
    }
    return qn_build(w->built, w->config, &w->options, &w->model);
}

static qn_status *perform_fixed(work *w) {
    QN_TRY(qn_calibrator_set_fixed_range(w->calibrator, -2.1f, 5.9f));
    return qn_build(w->built, w->config, &w->options, &w->model);
}

static void clear(work *w) {
    free(w->ranges);
    qn_model_destroy(w->model);
    qn_calibrator_destroy(w->calibrator);
    qn_config_destroy(w->config);
    qn_network_destroy(w->built);
    qn_network_destroy(w->measured);
}

static void compare_states(const char *json, qn_status *(*act)(work *w)) {
    work plain;
    if (json)
        prepare(&plain, sample_network, json);
    else
        prepare_contract(&plain);
    expect_ok(act(&plain));
    for (int s = 0; s < FLOAT_STATES; s++) {
        work other;
        qn_status *status;
        if (!is_chosen(s)) continue;
        if (json)
            prepare(&other, sample_network, json);
        else
            prepare_contract(&other);
        IN_FLOAT_STATE(s, status = act(&other));
        expect_ok(status);
        expect_same_bytes(other.model, plain.model);
        if (plain.ranges) assert_string_equal(other.ranges, plain.ranges);
        clear(&other);
    }
    clear(&plain);
}

static void test_builds_in_every_precision_do_not_depend_on_the_state(void **state) {
    (void)state;
    for (int p = 0; p < PRECISIONS; p++) compare_states(precisions[p], perform);
}

static void test_builds_under_a_contract_do_not_depend_on_the_state(void **state) {
    (void)state;
    compare_states(NULL, perform);
}

static void test_fixed_ranges_do_not_depend_on_the_state(void **state) {
    (void)state;
    compare_states(INT8, perform_fixed);
}

/* ---- Networks ---- */

/* Attributes and constants as text: reading numbers rounds. */
static char *print_nodes(void) {
    qn_network *network;
    qn_value *x;
    qn_node *node;
    const char *text;
    expect_ok(qn_network_create("n", NULL, &network));
    expect_ok(qn_network_add_input(network, "x", QN_DTYPE_F32, 2, (int64_t[]){2, 3}, &x));
    expect_ok(qn_network_add_node(network, "leaky_relu", "l", "alpha=0.1234567891", &x, 1, &node));
    expect_ok(qn_network_mark_output(network, qn_node_get_output(node, 0), NULL));
    expect_ok(qn_network_print(network, QN_GRAPH_TEXT, &text));
    char *copy = strdup(text);
    qn_network_destroy(network);
    return copy;
}

static void test_numbers_in_attributes_do_not_depend_on_the_state(void **state) {
    (void)state;
    char *plain = print_nodes();
    for (int s = 0; s < FLOAT_STATES; s++) {
        char *other;
        IN_FLOAT_STATE(s, other = print_nodes());
        assert_string_equal(other, plain);
        free(other);
    }
    free(plain);
}

static char *print_config(void) {
    qn_config *config = config_of("{'archs': ['mtp_372']}");
    expect_ok(qn_config_set(config, "insert_bn_before_firstnode",
                            "{\"0\": {\"mean\": [0.1, 123.675], \"var\": [0.3, 58.395]}}"));
    char *copy = strdup(qn_config_effective_text(config));
    qn_config_destroy(config);
    return copy;
}

static void test_numbers_in_configurations_do_not_depend_on_the_state(void **state) {
    (void)state;
    char *plain = print_config();
    for (int s = 0; s < FLOAT_STATES; s++) {
        char *other;
        IN_FLOAT_STATE(s, other = print_config());
        assert_string_equal(other, plain);
        free(other);
    }
    free(plain);
}

/* Constants as float16, a folded square root, attributes: what the importer computes while it reads. */
static char *import_text(void) {
    static const float values[3] = {0.1f, 2.7f, 1e-39f};
    qn_network *network;
    const char *text;
    gd_graph g;
    gd_init(&g);
    gd_placeholder(&g, "x", GD_FLOAT, 2, (int64_t[]){2, 3});
    gd_const_f32(&g, "c", 1, (int64_t[]){3}, values);
    gd_node(&g, "r", "Sqrt", "c");
    gd_node(&g, "l", "LeakyRelu", "x");
    gd_attr_float(&g, "alpha", 0.1f);
    gd_node(&g, "y", "Mul", "l r");
    qn_bytes bytes = gd_finish(&g);
    expect_ok(qn_network_import_memory(bytes.data, bytes.size, "g.pb", NULL, &network));
    expect_ok(qn_network_print(network, QN_GRAPH_TEXT, &text));
    char *copy = strdup(text);
    qn_network_destroy(network);
    gd_deinit(&g);
    return copy;
}

static void test_imports_do_not_depend_on_the_state(void **state) {
    (void)state;
    char *plain = import_text();
    for (int s = 0; s < FLOAT_STATES; s++) {
        char *other;
        IN_FLOAT_STATE(s, other = import_text());
        assert_string_equal(other, plain);
        free(other);
    }
    free(plain);
}

/* ---- Refit ---- */

static qn_model *refittable(void) {
    return build_of("input %x : f32[1, 3, 3, 2]\nconst %w : f32[3, 3, 2, 4] = random 1\n"
                    "const %s : f32[4] = random 2\n%c = conv2d(%x, %w) {padding=same_upper}\n%y = mul(%c, %s)\n"
                    "output %y",
                    "{'enable_refit': true}");
}

static void refit(qn_model *model, uint8_t **out_bytes, size_t *out_size) {
    qn_engine *engine;
    qn_refitter *refitter;
    float s[4] = {0.1f, 0.7f, 1.3f, 2.9f};
    const qn_tensor tensor = {.dtype = QN_DTYPE_F32, .rank = 1, .dims = {4}, .data = s};
    expect_ok(qn_engine_create(model, NULL, &engine));
    expect_ok(qn_refitter_create(engine, &refitter));
    expect_ok(qn_refitter_set_named_weights(refitter, "s", &tensor));
    expect_ok(qn_refitter_refit_engine(refitter));
    qn_model *changed = qn_engine_share_model(engine);
    const void *bytes = qn_model_bytes(changed, out_size);
    *out_bytes = malloc(*out_size);
    memcpy(*out_bytes, bytes, *out_size);
    qn_model_destroy(changed);
    qn_refitter_destroy(refitter);
    qn_engine_destroy(engine);
}

static void test_refits_do_not_depend_on_the_state(void **state) {
    (void)state;
    uint8_t *plain, *other;
    size_t plain_size, other_size;
    qn_model *model = refittable();
    refit(model, &plain, &plain_size);
    for (int s = 0; s < FLOAT_STATES; s++) {
        if (!is_chosen(s)) continue;
        IN_FLOAT_STATE(s, refit(model, &other, &other_size));
        assert_int_equal(other_size, plain_size);
        assert_memory_equal(other, plain, plain_size);
        free(other);
    }
    free(plain);
    qn_model_destroy(model);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_running_does_not_depend_on_the_state),
        cmocka_unit_test(test_builds_in_every_precision_do_not_depend_on_the_state),
        cmocka_unit_test(test_builds_under_a_contract_do_not_depend_on_the_state),
        cmocka_unit_test(test_fixed_ranges_do_not_depend_on_the_state),
        cmocka_unit_test(test_numbers_in_attributes_do_not_depend_on_the_state),
        cmocka_unit_test(test_numbers_in_configurations_do_not_depend_on_the_state),
        cmocka_unit_test(test_imports_do_not_depend_on_the_state),
        cmocka_unit_test(test_refits_do_not_depend_on_the_state),
    };
    return cmocka_run_group_tests_name("driver/float_state", tests, NULL, NULL);
}
