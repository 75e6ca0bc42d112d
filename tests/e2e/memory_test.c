/* Memory that ends anywhere between a source model in memory and its first answer: each allocation in turn, and all after
 * it, fails. Every time the answer is OUT_OF_MEMORY, and nothing stays behind. What the JSON library allocates while
 * building is its own affair. */
#include "e2e.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HEIGHT = 20, WIDTH = 30, CALLS_MAX = 5000 };

typedef struct counter {
    _Atomic long calls, live;
    long fail_at;
} counter;

static void *limited_alloc(void *self, size_t bytes, size_t align) {
    counter *c = self;
    if (atomic_fetch_add(&c->calls, 1) + 1 >= c->fail_at) return NULL;
    align = align < sizeof(void *) ? sizeof(void *) : align;
    void *block = aligned_alloc(align, (bytes + align) / align * align);
    atomic_fetch_add(&c->live, block != NULL);
    return block;
}

static void counted_free(void *self, void *block) {
    counter *c = self;
    atomic_fetch_sub(&c->live, block != NULL);
    free(block);
}

typedef struct source {
    void *bytes;
    size_t size;
    qn_config *config;
} source;

static qn_status *build(const source *s, const qn_allocator *allocator, qn_model **out_model) {
    qn_network *network = NULL;
    qn_network_options import;
    qn_build_options options;
    qn_network_options_init(&import);
    qn_build_options_init(&options);
    import.allocator = options.allocator = allocator;
    qn_status *status = qn_network_import_memory(s->bytes, s->size, "scenes", &import, &network);
    if (!status) status = qn_build(network, s->config, &options, out_model);
    qn_network_destroy(network);
    return status;
}

/* A model as another process would load it: from the bytes of the file. */
static qn_status *load(const qn_model *built, const qn_allocator *allocator, qn_model **out_model) {
    size_t bytes;
    const void *data = qn_model_bytes(built, &bytes);
    qn_model_options options;
    qn_model_options_init(&options);
    options.allocator = allocator;
    return qn_model_load_memory(data, bytes, QN_MEMORY_COPY, &options, out_model);
}

static qn_status *run(qn_model *model, const qn_allocator *allocator, const qn_tensor *input, qn_tensor *output) {
    qn_engine *engine = NULL;
    qn_context *context = NULL;
    qn_engine_options options;
    qn_engine_options_init(&options);
    options.allocator = allocator;
    options.threads = 2;
    qn_status *status = qn_engine_create(model, &options, &engine);
    if (!status) status = qn_context_create(engine, &context);
    if (!status) status = qn_context_set_input_shape(context, 0, input->rank, input->dims);
    if (!status) status = qn_context_get_output_shape(context, 0, &output->rank, output->dims);
    if (!status) status = qn_context_run(context, input, 1, output, 1);
    qn_context_destroy(context);
    qn_engine_destroy(engine);
    return status;
}

static qn_status *whole_life(const source *s, const qn_allocator *allocator, const qn_tensor *input,
                             qn_tensor *output) {
    qn_model *built = NULL, *loaded = NULL;
    qn_status *status = build(s, allocator, &built);
    if (!status) status = load(built, allocator, &loaded);
    qn_model_destroy(built);
    if (!status) status = run(loaded, allocator, input, output);
    qn_model_destroy(loaded);
    return status;
}

static source open_source(const char *json) {
    source s = {0};
    FILE *file = fopen(source_path("models/scenes/scenes.pb"), "rb");
    assert_non_null(file);
    fseek(file, 0, SEEK_END);
    s.size = (size_t)ftell(file);
    rewind(file);
    s.bytes = malloc(s.size);
    assert_int_equal(fread(s.bytes, 1, s.size, file), s.size);
    fclose(file);
    expect_ok(qn_config_create(NULL, &s.config));
    expect_ok(qn_config_merge_text(s.config, json, "test"));
    return s;
}

/* ---- A whole life that is tried again and again ---- */

typedef qn_status *a_life(const void *what, const qn_allocator *allocator);

/* Every `stride`-th allocation. */
static void fail_everywhere(a_life *live, const void *what, int stride) {
    long n = 1;
    for (int is_done = 0; !is_done; n += stride) {
        counter c = {.fail_at = n};
        const qn_allocator allocator = {&c, limited_alloc, counted_free};
        qn_status *status = live(what, &allocator);
        if (status && qn_status_code(status) != QN_OUT_OF_MEMORY)
            fail_msg("allocation %ld: %s", n, qn_status_message(status));
        is_done = !status;
        qn_status_free(status);
        if (atomic_load(&c.live)) fail_msg("allocation %ld: %ld blocks stay behind", n, atomic_load(&c.live));
        assert_true(n < CALLS_MAX);
    }
    figure("allocations in a whole life", "about %ld, any of which may fail", n - stride - 1);
}

static qn_status *live_from_import(const void *what, const qn_allocator *allocator) {
    static uint8_t pixels[HEIGHT * WIDTH * 3];
    static int32_t labels[HEIGHT * WIDTH];
    const qn_tensor input = {QN_DTYPE_U8, 4, {1, HEIGHT, WIDTH, 3}, pixels};
    qn_tensor output = {.dtype = QN_DTYPE_S32, .data = labels};
    return whole_life(what, allocator, &input, &output);
}

static void fail_from_import(const char *json, int stride) {
    source s = open_source(json);
    fail_everywhere(live_from_import, &s, stride);
    free(s.bytes);
    qn_config_destroy(s.config);
}

static void every_allocation_from_import_to_the_first_answer_may_fail(void **state) {
    (void)state;
    fail_from_import("{}", 1);
}

static void and_so_it_may_with_all_that_a_build_can_do(void **state) {
    (void)state;
    fail_from_import("{\"enable_refit\": true, \"precision_config\": {\"precision_mode\": \"force_float16\"},"
                     " \"custom_nodes\": {\"IAvgPool2DNode\": {\"precision\": \"float32\"}}}",
                     5);
}

/* ---- Calibration, a contract and a report, on a network of two convolutions and an argmax ---- */

enum { SIDE = 16, CHANNELS = 2, HIDDEN = 3, CLASSES = 4, SAMPLE_COUNT = 3 };

typedef struct feed {
    int at;
    float data[SIDE * SIDE * CHANNELS];
} feed;

static qn_status *next_sample(void *self, qn_tensor *inputs, size_t input_count, int *out_has) {
    feed *f = self;
    (void)input_count;
    *out_has = f->at < SAMPLE_COUNT;
    for (int i = 0; i < SIDE * SIDE * CHANNELS; i++) f->data[i] = (float)((i * 7919 + f->at * 104729) % 1009) / 100 - 5;
    inputs[0] = (qn_tensor){QN_DTYPE_F32, 4, {1, SIDE, SIDE, CHANNELS}, f->data};
    f->at++;
    return NULL;
}

static qn_status *rewind_samples(void *self) { return ((feed *)self)->at = 0, NULL; }

static qn_status *add_convolution(qn_network *network, const char *name, int64_t from, int64_t to,
                                  qn_value **inout_value) {
    float weights[HIDDEN * CLASSES * 2];
    const qn_tensor tensor = {QN_DTYPE_F32, 4, {1, 1, from, to}, weights};
    qn_node *node;
    qn_value *constant;
    for (int i = 0; i < from * to; i++) weights[i] = (float)(i * 37 % 101) * 0.0173f - 0.9f;
    qn_status *status = qn_network_add_constant(network, name, &tensor, &constant);
    if (!status)
        status = qn_network_add_node(network, "conv2d", name, NULL, (qn_value *[]){*inout_value, constant}, 2, &node);
    if (!status) *inout_value = qn_node_get_output(node, 0);
    return status;
}

static qn_status *make_network(const qn_allocator *allocator, qn_network **out_network) {
    qn_value *x;
    qn_node *labels;
    qn_status *status = qn_network_create("two", allocator, out_network);
    if (!status)
        status = qn_network_add_input(*out_network, "x", QN_DTYPE_F32, 4, (int64_t[]){1, SIDE, SIDE, CHANNELS}, &x);
    if (!status) status = add_convolution(*out_network, "first", CHANNELS, HIDDEN, &x);
    if (!status) status = add_convolution(*out_network, "second", HIDDEN, CLASSES, &x);
    if (!status) status = qn_network_add_node(*out_network, "argmax", "labels", "axis=3, dtype=s32", &x, 1, &labels);
    return status ? status : qn_network_mark_output(*out_network, qn_node_get_output(labels, 0), NULL);
}

static void ignore_report(void *self, const char *json) { (void)self, (void)json; }

static qn_status *build_under_contract(qn_network *network, const qn_config *config, const qn_allocator *allocator,
                                       const qn_calibrator *calibrator, qn_samples samples, qn_model **out_model) {
    qn_contract contract;
    qn_build_options options;
    feed others = {0};
    qn_samples report_samples = samples;
    report_samples.self = &others;
    qn_contract_init(&contract);
    qn_build_options_init(&options);
    contract.samples = samples;
    contract.metric = QN_METRIC_AGREEMENT;
    contract.min_agreement = 1; /* so that layers are measured, and some do not become int8 */
    options.allocator = allocator;
    options.calibrator = calibrator;
    options.contract = &contract;
    options.report = ignore_report;
    options.report_samples = &report_samples;
    return qn_build(network, config, &options, out_model);
}

static int count_kept_from_bytes(const qn_model *model) {
    int count = 0;
    for (size_t i = 0; i < qn_model_get_info(model)->step_count; i++)
        count += strstr(qn_model_step(model, i)->precision, "by the contract") != NULL;
    return count;
}

static qn_status *live_under_contract(const void *config, const qn_allocator *allocator) {
    feed f = {0};
    const qn_samples samples = {.self = &f, .count = SAMPLE_COUNT, .next = next_sample, .rewind = rewind_samples};
    qn_network *network = NULL;
    qn_calibrator *calibrator = NULL;
    qn_model *model = NULL;
    qn_calibrator_options options;
    qn_calibrator_options_init(&options);
    options.allocator = allocator;
    options.threads = 1;
    qn_status *status = make_network(allocator, &network);
    if (!status) status = qn_calibrator_create(&options, &calibrator);
    if (!status) status = qn_calibrate(calibrator, network, config, &samples);
    if (!status) status = build_under_contract(network, config, allocator, calibrator, samples, &model);
    if (!status) assert_true(count_kept_from_bytes(model) > 0); /* or layers would not have been measured */
    qn_model_destroy(model);
    qn_calibrator_destroy(calibrator);
    qn_network_destroy(network);
    return status;
}

static void and_so_it_may_while_a_contract_is_kept(void **state) {
    (void)state;
    qn_config *config;
    expect_ok(qn_config_create(NULL, &config));
    expect_ok(
        qn_config_merge_text(config, "{\"precision_config\": {\"precision_mode\": \"qint8_mixed_float32\"}}", "test"));
    fail_everywhere(live_under_contract, config, 1);
    qn_config_destroy(config);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_allocation_from_import_to_the_first_answer_may_fail),
        cmocka_unit_test(and_so_it_may_with_all_that_a_build_can_do),
        cmocka_unit_test(and_so_it_may_while_a_contract_is_kept),
    };
    return cmocka_run_group_tests_name("e2e/memory", tests, NULL, NULL);
}
