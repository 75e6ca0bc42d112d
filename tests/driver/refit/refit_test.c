/* Weights replaced by name: the engine then computes what a fresh build with them would, to the bit. */
#include "driver_case.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "driver/compile/refit_source.h"

/* A scale and an offset that are folded into the convolution, a matrix, and a constant that decides a shape. */
#define NET(w, scale, offset, m)                                                                                       \
    "symbol h [1, 9]\n"                                                                                                \
    "input %x : f32[1, h, 4, 2]\n"                                                                                     \
    "const %w : f32[3, 3, 2, 20] = random " w "\n"                                                                     \
    "const %scale : f32[20] = random " scale "\n"                                                                      \
    "const %offset : f32[20] = random " offset "\n"                                                                    \
    "const %m : f32[20, 3] = random " m "\n"                                                                           \
    "const %shape : s32[2] = {-1, 20}\n"                                                                               \
    "%c = conv2d(%x, %w) {padding=same_upper}\n"                                                                       \
    "%s = mul(%c, %scale)\n"                                                                                           \
    "%o = add(%s, %offset)\n"                                                                                          \
    "%r = relu(%o)\n"                                                                                                  \
    "%f = reshape(%r, %shape)\n"                                                                                       \
    "%y = matmul(%f, %m)\n"                                                                                            \
    "output %y\n"

enum { ROWS = 5, ELEMS = ROWS * 4 * 3 };

typedef struct running {
    qn_model *model;
    qn_engine *engine;
    qn_context *context;
} running;

static running start(qn_model *model) {
    running r = {.model = model};
    expect_ok(qn_engine_create(model, NULL, &r.engine));
    expect_ok(qn_context_create(r.engine, &r.context));
    expect_ok(qn_context_set_input_shape(r.context, 0, 4, (int64_t[]){1, ROWS, 4, 2}));
    return r;
}

static void stop(running *r) {
    qn_context_destroy(r->context);
    qn_engine_destroy(r->engine);
    qn_model_destroy(r->model);
}

static void run(const running *r, float out[ELEMS]) {
    float in[ROWS * 8];
    for (int i = 0; i < ROWS * 8; i++) in[i] = (float)(i % 7) - 3;
    const qn_tensor x = {QN_DTYPE_F32, 4, {1, ROWS, 4, 2}, in};
    qn_tensor y = {QN_DTYPE_F32, 2, {ROWS * 4, 3}, out};
    expect_ok(qn_context_run(r->context, &x, 1, &y, 1));
}

/* What a fresh build of the statements answers. */
static void answer(const char *statements, const char *json, float out[ELEMS]) {
    running r = start(build_of(statements, json));
    run(&r, out);
    stop(&r);
}

/* The random constants of the text form. */
static void set_random(qn_refitter *refitter, const char *name, uint64_t seed, int rank, const int64_t *dims) {
    qn_tensor tensor = {.dtype = QN_DTYPE_F32, .rank = rank};
    int64_t elems = 1;
    for (int i = 0; i < rank; i++) elems *= tensor.dims[i] = dims[i];
    float *data = malloc((size_t)elems * sizeof *data);
    qn_rng rng;
    qn_rng_init(&rng, seed);
    for (int64_t i = 0; i < elems; i++) data[i] = qn_rng_float(&rng, -1, 1);
    tensor.data = data;
    expect_ok(qn_refitter_set_named_weights(refitter, name, &tensor));
    free(data); /* it was copied */
}

static void expect_equal(const float *a, const float *b) { assert_memory_equal(a, b, ELEMS * sizeof *a); }

/* ---- What comes of it ---- */

static void a_refitted_engine_computes_what_a_fresh_build_does(void **state) {
    (void)state;
    static const char *const configs[] = {
        "{'enable_refit': true}", "{'enable_refit': true, 'precision_config': {'precision_mode': 'force_float16'}}",
        "{'enable_refit': true, 'custom_nodes': {'matmul': {'precision': 'float16'}}}",
        "{'enable_refit': true, 'debug_config': {'fusion_enable': false}}"};
    float first[ELEMS], expected[ELEMS], found[ELEMS];
    for (size_t i = 0; i < sizeof configs / sizeof *configs; i++) {
        running r = start(build_of(NET("1", "2", "3", "4"), configs[i]));
        qn_refitter *refitter;
        run(&r, first);
        answer(NET("1", "2", "3", "4"), configs[i], expected);
        expect_equal(first, expected);
        expect_ok(qn_refitter_create(r.engine, &refitter));
        set_random(refitter, "scale", 7, 1, (int64_t[]){20}); /* one of two that were folded into one */
        run(&r, found);
        expect_equal(found, first); /* not yet */
        expect_ok(qn_refitter_refit_engine(refitter));
        run(&r, found);
        answer(NET("1", "7", "3", "4"), configs[i], expected);
        expect_equal(found, expected);
        set_random(refitter, "w", 8, 4, (int64_t[]){3, 3, 2, 20}); /* on top of the scale */
        set_random(refitter, "m", 9, 2, (int64_t[]){20, 3});
        expect_ok(qn_refitter_refit_engine(refitter));
        run(&r, found);
        answer(NET("8", "7", "3", "9"), configs[i], expected);
        expect_equal(found, expected);
        qn_refitter_destroy(refitter);
        stop(&r);
    }
}

static void a_file_that_can_be_refitted_computes_what_one_that_cannot_does(void **state) {
    (void)state;
    float with[ELEMS], without[ELEMS];
    answer(NET("1", "2", "3", "4"), "{'enable_refit': true}", with);
    answer(NET("1", "2", "3", "4"), NULL, without);
    expect_equal(with, without);
    qn_model *model = build_of(NET("1", "2", "3", "4"), "{'enable_refit': true}");
    qn_model *plain = build_of(NET("1", "2", "3", "4"), NULL);
    size_t weights = (360 + 20 + 20 + 60) * sizeof(float); /* and less than 64 for each, to align it */
    uint64_t more = qn_model_get_info(model)->const_bytes - qn_model_get_info(plain)->const_bytes;
    assert_true(more >= weights && more < weights + 5 * 64);
    expect_meta(plain, "refit", NULL);
    qn_model_destroy(model), qn_model_destroy(plain);
}

static void a_second_refitter_goes_on_from_the_first(void **state) {
    (void)state;
    running r = start(build_of(NET("1", "2", "3", "4"), "{'enable_refit': true}"));
    qn_refitter *refitter;
    float expected[ELEMS], found[ELEMS];
    expect_ok(qn_refitter_create(r.engine, &refitter));
    set_random(refitter, "scale", 7, 1, (int64_t[]){20});
    expect_ok(qn_refitter_refit_engine(refitter));
    qn_refitter_destroy(refitter);
    expect_ok(qn_refitter_create(r.engine, &refitter));
    set_random(refitter, "offset", 8, 1, (int64_t[]){20});
    expect_ok(qn_refitter_refit_engine(refitter));
    run(&r, found);
    answer(NET("1", "7", "8", "4"), NULL, expected);
    expect_equal(found, expected);
    qn_engine_destroy(r.engine); /* the refitter and the context keep it */
    r.engine = NULL;
    set_random(refitter, "m", 9, 2, (int64_t[]){20, 3});
    expect_ok(qn_refitter_refit_engine(refitter));
    run(&r, found);
    answer(NET("1", "7", "8", "9"), NULL, expected);
    expect_equal(found, expected);
    qn_refitter_destroy(refitter);
    stop(&r);
}

/* ---- Names ---- */

static void names_are_listed_and_so_is_what_is_missing(void **state) {
    (void)state;
    running r = start(build_of(NET("1", "2", "3", "4"), "{'enable_refit': true}"));
    qn_refitter *refitter;
    qn_weights_info info;
    size_t fixed = 0, count = 0;
    expect_ok(qn_refitter_create(r.engine, &refitter));
    static const char *const names[] = {"w", "scale", "offset", "m"};
    for (size_t i = 0; i < 4; i++) {
        assert_string_equal(qn_refitter_get_name(refitter, i), names[i]);
        assert_string_equal(qn_refitter_get_missing_name(refitter, i), names[i]);
    }
    assert_null(qn_refitter_get_name(refitter, 4));
    set_random(refitter, "scale", 5, 1, (int64_t[]){20});
    assert_string_equal(qn_refitter_get_missing_name(refitter, 1), "offset");
    assert_null(qn_refitter_get_missing_name(refitter, 3));
    for (; qn_refitter_get_weights(refitter, count, &info); count++) {
        assert_int_equal(info.is_set, !strcmp(info.name, "scale"));
        if (!info.reason) continue;
        fixed++;
        assert_string_equal(info.name, "shape");
        assert_string_equal(info.reason, "its numbers decide shapes or structure");
    }
    assert_int_equal(count, 5);
    assert_int_equal(fixed, 1);
    expect_ok(qn_refitter_refit_engine(refitter));
    assert_string_equal(qn_refitter_get_missing_name(refitter, 1), "scale");
    qn_refitter_destroy(refitter);
    stop(&r);
}

/* ---- What is refused ---- */

static void weights_that_do_not_fit_are_refused(void **state) {
    (void)state;
    running r = start(build_of(NET("1", "2", "3", "4"), "{'enable_refit': true}"));
    qn_refitter *refitter;
    float data[20] = {0};
    int32_t shape[2] = {20, -1};
    expect_ok(qn_refitter_create(r.engine, &refitter));
    expect_refused(qn_refitter_set_named_weights(refitter, "scal", &(qn_tensor){QN_DTYPE_F32, 1, {20}, data}),
                   QN_NOT_FOUND, "did you mean 'scale'?");
    expect_refused(qn_refitter_set_named_weights(refitter, "scale", &(qn_tensor){QN_DTYPE_F16, 1, {20}, data}),
                   QN_INVALID_ARGUMENT, "'scale' are f32, but f16");
    expect_refused(qn_refitter_set_named_weights(refitter, "scale", &(qn_tensor){QN_DTYPE_F32, 1, {19}, data}),
                   QN_INVALID_ARGUMENT, "dim 0 is 20, but 19");
    expect_refused(qn_refitter_set_named_weights(refitter, "scale", &(qn_tensor){QN_DTYPE_F32, 2, {1, 20}, data}),
                   QN_INVALID_ARGUMENT, "rank 1, but 2");
    expect_refused(qn_refitter_set_named_weights(refitter, "scale", &(qn_tensor){QN_DTYPE_F32, 1, {20}, NULL}),
                   QN_INVALID_ARGUMENT, "NULL");
    expect_refused(qn_refitter_set_named_weights(refitter, "shape", &(qn_tensor){QN_DTYPE_S32, 1, {2}, shape}),
                   QN_INVALID_ARGUMENT, "'shape' cannot be replaced: its numbers decide shapes");
    qn_refitter_destroy(refitter);
    stop(&r);
}

static void weights_that_change_the_program_are_refused_and_change_nothing(void **state) {
    (void)state;
    running r = start(build_of(NET("1", "2", "3", "4"),
                               "{'enable_refit': true, 'precision_config': {'precision_mode': 'force_float16'}}"));
    qn_refitter *refitter;
    float before[ELEMS], after[ELEMS], large[60];
    for (int i = 0; i < 60; i++) large[i] = 1e6f; /* beyond half precision */
    run(&r, before);
    expect_ok(qn_refitter_create(r.engine, &refitter));
    expect_ok(qn_refitter_set_named_weights(refitter, "m", &(qn_tensor){QN_DTYPE_F32, 2, {20, 3}, large}));
    expect_refused(qn_refitter_refit_engine(refitter), QN_UNSUPPORTED, "another program");
    run(&r, after);
    expect_equal(before, after);
    set_random(refitter, "m", 9, 2, (int64_t[]){20, 3}); /* what was wrong can be set right */
    expect_ok(qn_refitter_refit_engine(refitter));
    qn_refitter_destroy(refitter);
    stop(&r);
}

static void models_that_keep_nothing_are_refused(void **state) {
    (void)state;
    running r = start(build_of(NET("1", "2", "3", "4"), NULL));
    qn_refitter *refitter = (qn_refitter *)&r;
    expect_refused(qn_refitter_create(r.engine, &refitter), QN_UNSUPPORTED, "build it with enable_refit");
    assert_null(refitter);
    expect_refused(qn_refitter_create(NULL, &refitter), QN_INVALID_ARGUMENT, "NULL");
    qn_refitter_destroy(NULL);
    stop(&r);
}

/* What is kept comes from a file, and files are not trusted. */
static void damaged_graphs_are_refused_or_read(void **state) {
    (void)state;
    qn_model *model = build_of(NET("1", "2", "3", "4"), "{'enable_refit': true}");
    json_t *meta = json_loads(qn_model_get_info(model)->meta, 0, NULL), *refit = json_object_get(meta, "refit");
    char *text = strdup(json_string_value(json_object_get(refit, "graph")));
    size_t length = strlen(text), size = (size_t)json_integer_value(json_object_get(refit, "weight_bytes"));
    uint8_t *weights = aligned_alloc(64, size);
    memset(weights, 0, size);
    qn_rng rng;
    qn_rng_init(&rng, 4);
    int refused = 0;
    for (int i = 0; i < 600; i++) {
        char *damaged = strdup(text);
        size_t at = (size_t)qn_rng_range(&rng, 0, (int64_t)length - 1);
        if (i % 3 == 0)
            damaged[at] = 0; /* cut off */
        else if (i % 3 == 1)
            memmove(damaged + at, damaged + at + 1, length - at);
        else
            damaged[at] = (char)qn_rng_range(&rng, 32, 126);
        json_object_set_new(refit, "graph", json_string(damaged));
        qn_arena arena;
        qn_graph *graph;
        qn_arena_init(&arena, NULL);
        qn_status *status = qn_refit_source_read(refit, (qn_bytes){weights, size}, &arena, &graph);
        if (status) assert_int_equal(qn_status_code(status), QN_INVALID_MODEL);
        refused += status != NULL;
        qn_status_free(status);
        qn_arena_deinit(&arena);
        free(damaged);
    }
    assert_true(refused > 300);
    json_object_set_new(refit, "graph", json_string(text));
    qn_arena arena;
    qn_graph *graph;
    qn_arena_init(&arena, NULL);
    expect_refused(qn_refit_source_read(refit, (qn_bytes){weights, size - 64}, &arena, &graph), QN_INVALID_MODEL,
                   "too few");
    qn_bytes found;
    expect_refused(qn_refit_source_find(refit, (qn_bytes){weights, size - 64}, &found), QN_INVALID_MODEL,
                   "not in the constants");
    qn_arena_deinit(&arena);
    free(text), free(weights);
    json_decref(meta);
    qn_model_destroy(model);
}

/* ---- The bundled model ---- */

/* Every weight of it, by the names TensorFlow gave them, a little smaller: folded batch norms and all. */
static void the_bundled_model_is_refitted_whole(void **state) {
    (void)state;
    qn_network *network;
    qn_config *config = config_of("{'enable_refit': true}");
    qn_model *model;
    qn_refitter *refitter;
    expect_ok(qn_network_import_file(QN_SOURCE_DIR "/models/scenes/scenes.pb", NULL, &network));
    expect_ok(qn_build(network, config, NULL, &model));
    qn_network_destroy(network);
    qn_engine *engine;
    expect_ok(qn_engine_create(model, NULL, &engine));
    expect_ok(qn_refitter_create(engine, &refitter));
    expect_ok(qn_network_import_file(QN_SOURCE_DIR "/models/scenes/scenes.pb", NULL, &network));
    size_t set = 0;
    for (const char *name; (name = qn_refitter_get_missing_name(refitter, 0));) {
        qn_value *value = qn_graph_find_value(network->graph, name);
        assert_non_null(value);
        qn_view view = qn_value_view(value);
        qn_tensor tensor = {.dtype = view.dtype, .rank = view.rank};
        memcpy(tensor.dims, view.dims, sizeof tensor.dims);
        tensor.data = qn_arena_copy(&network->arena, value->data, value->data_bytes);
        qn_view copy = view;
        copy.data = tensor.data;
        for (int64_t i = 0; view.rank > 1 && i < qn_view_elems(&copy); i++)
            qn_view_set(&copy, i, 0.75 * qn_view_get(&view, i));
        value->data = copy.data;
        expect_ok(qn_refitter_set_named_weights(refitter, name, &tensor));
        set++;
    }
    assert_true(set > 50);
    expect_ok(qn_refitter_refit_engine(refitter));
    qn_model *fresh, *shared = qn_engine_share_model(engine);
    expect_ok(qn_build(network, config, NULL, &fresh));
    size_t bytes, fresh_bytes;
    const void *a = qn_model_bytes(shared, &bytes), *b = qn_model_bytes(fresh, &fresh_bytes);
    assert_int_equal(bytes, fresh_bytes);
    assert_memory_equal(a, b, bytes); /* the whole file */
    qn_refitter_destroy(refitter);
    qn_engine_destroy(engine);
    qn_model_destroy(shared), qn_model_destroy(fresh), qn_model_destroy(model);
    qn_network_destroy(network);
    qn_config_destroy(config);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_refitted_engine_computes_what_a_fresh_build_does),
        cmocka_unit_test(a_file_that_can_be_refitted_computes_what_one_that_cannot_does),
        cmocka_unit_test(a_second_refitter_goes_on_from_the_first),
        cmocka_unit_test(names_are_listed_and_so_is_what_is_missing),
        cmocka_unit_test(weights_that_do_not_fit_are_refused),
        cmocka_unit_test(weights_that_change_the_program_are_refused_and_change_nothing),
        cmocka_unit_test(models_that_keep_nothing_are_refused),
        cmocka_unit_test(damaged_graphs_are_refused_or_read),
        cmocka_unit_test(the_bundled_model_is_refitted_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
