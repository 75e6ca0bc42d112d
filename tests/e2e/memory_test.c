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

static qn_status *whole_life(const source *s, const qn_allocator *allocator, const qn_tensor *input, qn_tensor *output) {
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

/* Every `stride`-th allocation. */
static void fail_everywhere(const char *json, int stride) {
    source s = open_source(json);
    static uint8_t pixels[HEIGHT * WIDTH * 3];
    static int32_t labels[HEIGHT * WIDTH];
    const qn_tensor input = {QN_DTYPE_U8, 4, {1, HEIGHT, WIDTH, 3}, pixels};
    qn_tensor output = {.dtype = QN_DTYPE_S32, .data = labels};
    long n = 1;
    for (int is_done = 0; !is_done; n += stride) {
        counter c = {.fail_at = n};
        const qn_allocator allocator = {&c, limited_alloc, counted_free};
        qn_status *status = whole_life(&s, &allocator, &input, &output);
        if (status && qn_status_code(status) != QN_OUT_OF_MEMORY)
            fail_msg("allocation %ld: %s", n, qn_status_message(status));
        is_done = !status;
        qn_status_free(status);
        if (atomic_load(&c.live)) fail_msg("allocation %ld: %ld blocks stay behind", n, atomic_load(&c.live));
        assert_true(n < CALLS_MAX);
    }
    figure("allocations from import to the first answer", "about %ld, any of which may fail", n - stride - 1);
    free(s.bytes);
    qn_config_destroy(s.config);
}

static void every_allocation_from_import_to_the_first_answer_may_fail(void **state) {
    (void)state;
    fail_everywhere("{}", 1);
}

static void and_so_it_may_with_all_that_a_build_can_do(void **state) {
    (void)state;
    fail_everywhere("{\"enable_refit\": true, \"precision_config\": {\"precision_mode\": \"force_float16\"},"
                    " \"custom_nodes\": {\"IAvgPool2DNode\": {\"precision\": \"float32\"}}}",
                    5);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_allocation_from_import_to_the_first_answer_may_fail),
        cmocka_unit_test(and_so_it_may_with_all_that_a_build_can_do),
    };
    return cmocka_run_group_tests_name("e2e/memory", tests, NULL, NULL);
}
