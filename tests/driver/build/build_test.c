/* Building through the public API: what a network may be used for, what passes show, and what the file carries. */
#include "driver_case.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/meter.h"
#include "base/text.h"
#include "pass/pass.h"

static const char *const small = "symbol h [1, 9]\n"
                                 "input %x : f32[1, h, 4, 2]\n"
                                 "const %w : f32[1, 1, 2, 3] = {1, 2, 3, 4, 5, 6}\n"
                                 "const %b : f32[3] = {1, 2, 3}\n"
                                 "%i = identity(%x)\n"
                                 "%c = conv2d(%i, %w)\n"
                                 "%a = add(%c, %b)\n"
                                 "%y = relu(%a)\n"
                                 "output %y";

/* ---- Networks are used once ---- */

static void a_network_is_built_once(void **state) {
    (void)state;
    qn_network *network = network_of(small);
    qn_model *first, *second;
    expect_ok(qn_build(network, NULL, NULL, &first));
    expect_refused(qn_build(network, NULL, NULL, &second), QN_INVALID_ARGUMENT, "import it again");
    assert_null(second);
    qn_network_destroy(network); /* the model needs it no more */
    float in[8] = {1, 0, 0, 1, -1, 0, 0, -1}, out[12];
    int64_t dims[QN_MAX_RANK];
    run_model(first, &(qn_tensor){QN_DTYPE_F32, 4, {1, 1, 4, 2}, in}, out, dims);
    const float expected[12] = {2, 4, 6, 5, 7, 9}; /* relu(a row of w, or its negative, + b) */
    assert_memory_equal(out, expected, sizeof out);
    qn_model_destroy(first);
}

static void a_network_whose_build_failed_is_used_up_too(void **state) {
    (void)state;
    qn_network *network = network_of(small);
    qn_config *config = config_of("{'dim_range': {'3': {'min': [1], 'max': [1]}}}");
    qn_model *model = (qn_model *)network;
    expect_refused(qn_build(network, config, NULL, &model), QN_INVALID_ARGUMENT, "dim_range.3");
    assert_null(model);
    expect_refused(qn_build(network, NULL, NULL, &model), QN_INVALID_ARGUMENT, "import it again");
    qn_config_destroy(config);
    qn_network_destroy(network);
}

/* ---- Looking on ---- */

typedef struct witness {
    char names[1024];
    int calls;
    char last[4096];
} witness;

static void note(void *self, const char *pass, const char *text) {
    witness *w = self;
    w->calls++;
    snprintf(w->names + strlen(w->names), sizeof w->names - strlen(w->names), "%s ", pass);
    snprintf(w->last, sizeof w->last, "%s", text);
}

static witness watch(const char *print_after, const char *json) {
    witness w = {.calls = 0};
    qn_network *network = network_of(small);
    qn_config *config = config_of(json);
    qn_build_options options;
    qn_model *model;
    qn_build_options_init(&options);
    options.print_after = print_after;
    options.after_pass = note;
    options.after_pass_self = &w;
    expect_ok(qn_build(network, config, &options, &model));
    qn_model_destroy(model);
    qn_config_destroy(config);
    qn_network_destroy(network);
    return w;
}

static void the_graph_is_shown_after_the_pass_asked_for(void **state) {
    (void)state;
    witness w = watch("drop_identities", NULL);
    assert_string_equal(w.names, "drop_identities ");
    assert_null(strstr(w.last, "identity"));
    assert_non_null(strstr(w.last, "= relu(%a)"));
    w = watch("fuse_activation", NULL);
    assert_int_equal(w.calls, 1);
    assert_non_null(strstr(w.last, "activation=relu"));
}

static void the_graph_is_shown_after_every_pass(void **state) {
    (void)state;
    char expected[1024] = "";
    witness w = watch("all", NULL);
    for (size_t i = 0; qn_pass_name(i); i++) strcat(strcat(expected, qn_pass_name(i)), " ");
    assert_string_equal(w.names, expected);
    w = watch("all", "{'debug_config': {'fusion_enable': false, 'skip_passes': ['merge_equal']}}");
    assert_non_null(strstr(w.names, "drop_identities"));
    assert_null(strstr(w.names, "merge_equal"));
    assert_null(strstr(w.names, "fuse_bias"));
    w = watch("fuse_bias", "{'debug_config': {'fusion_enable': false}}");
    assert_int_equal(w.calls, 0);
}

static void passes_that_do_not_exist_are_refused_with_the_nearest(void **state) {
    (void)state;
    qn_build_options options;
    qn_model *model;
    static const char *const rows[][2] = {
        {"fuse_bais", "nearest: fuse_bias"}, {"xyzzyxyzzy", "no pass 'xyzzyxyzzy'"}, {"", "no pass ''"}};
    for (size_t i = 0; i < 3; i++) {
        qn_network *network = network_of(small);
        qn_build_options_init(&options);
        options.print_after = rows[i][0];
        expect_refused(qn_build(network, NULL, &options, &model), QN_INVALID_ARGUMENT, rows[i][1]);
        qn_network_destroy(network);
    }
    qn_network *network = network_of(small); /* nobody to show it to: no matter */
    options.print_after = "all";
    expect_ok(qn_build(network, NULL, &options, &model));
    qn_model_destroy(model);
    qn_network_destroy(network);
}

static void passes_are_listed(void **state) {
    (void)state;
    size_t count = 0;
    for (; qn_pass_name(count); count++) {
        assert_string_equal(qn_pass_name(count), qn_pass_at(count)->name);
        assert_true(strlen(qn_pass_description(count)) > 10);
    }
    assert_int_equal(count, qn_pass_count());
    assert_null(qn_pass_name(count));
    assert_null(qn_pass_description(count));
}

/* ---- Progress and cancelling ---- */

typedef struct overseer {
    int asked, patience; /* cancels when asked more often */
    char phases[256];    /* each once, in order */
    double last;
} overseer;

static void oversee(void *self, const char *phase, double fraction) {
    overseer *o = self;
    size_t length = strlen(o->phases), word = strlen(phase);
    assert_true(fraction >= 0 && fraction <= 1);
    if (length > word && !strncmp(o->phases + length - word - 1, phase, word)) {
        assert_true(fraction >= o->last);
    } else {
        assert_true(fraction == 0);
        snprintf(o->phases + length, sizeof o->phases - length, "%s ", phase);
    }
    o->last = fraction;
}

static int lose_patience(void *self) {
    overseer *o = self;
    return ++o->asked > o->patience;
}

static qn_status *build_overseen(overseer *o, qn_model **out_model) {
    qn_network *network = network_of(small);
    qn_build_options options;
    qn_build_options_init(&options);
    options.progress = oversee;
    options.cancel = lose_patience;
    options.progress_self = options.cancel_self = o;
    qn_status *status = qn_build(network, NULL, &options, out_model);
    qn_network_destroy(network);
    return status;
}

static void phases_are_told_in_order(void **state) {
    (void)state;
    overseer o = {.patience = 1000};
    qn_model *model;
    expect_ok(build_overseen(&o, &model));
    assert_string_equal(o.phases, "prepare optimise plan write check ");
    assert_true(o.last == 1);
    qn_model_destroy(model);
}

static void a_build_can_be_cancelled_wherever_it_asks(void **state) {
    (void)state;
    overseer whole = {.patience = 1000};
    qn_model *model;
    expect_ok(build_overseen(&whole, &model));
    qn_model_destroy(model);
    assert_true(whole.asked > (int)qn_pass_count()); /* between passes too */
    for (int patience = 0; patience < whole.asked; patience++) {
        overseer o = {.patience = patience};
        model = (qn_model *)&o;
        expect_refused(build_overseen(&o, &model), QN_CANCELLED, "cancelled in phase");
        assert_null(model);
        assert_int_equal(o.asked, patience + 1); /* and then at once */
    }
}

/* ---- The bundled model ---- */

#define SCENES QN_SOURCE_DIR "/models/scenes/scenes.pb"

static qn_model *build_scenes(const char *json) {
    qn_network *network;
    qn_model *model;
    qn_config *config = config_of(json);
    expect_ok(qn_network_import_file(SCENES, NULL, &network));
    expect_ok(qn_build(network, config, NULL, &model));
    qn_config_destroy(config);
    qn_network_destroy(network);
    return model;
}

enum { SIDE = 17 };

/* Labels of a picture of random bytes. */
static void label(const qn_model *model, uint8_t labels[SIDE * SIDE]) {
    uint8_t picture[SIDE * SIDE * 3];
    int64_t wide[SIDE * SIDE], dims[QN_MAX_RANK];
    qn_rng rng;
    qn_rng_init(&rng, 17);
    for (size_t i = 0; i < sizeof picture; i++) picture[i] = (uint8_t)qn_rng_next(&rng);
    run_model((qn_model *)(uintptr_t)model, &(qn_tensor){QN_DTYPE_U8, 4, {1, SIDE, SIDE, 3}, picture}, (float *)wide,
              dims);
    qn_dtype dtype = qn_model_output(model, 0)->dtype;
    qn_view view = {dtype, 1, {SIDE * SIDE}, wide};
    assert_int_equal(dims[1] * dims[2], SIDE * SIDE);
    for (int i = 0; i < SIDE * SIDE; i++) labels[i] = (uint8_t)qn_view_get_int(&view, i);
}

/* Leaving a pass out may cost time, never the answer. */
static void every_pass_can_be_left_out(void **state) {
    (void)state;
    uint8_t expected[SIDE * SIDE], found[SIDE * SIDE];
    qn_model *model = build_scenes(NULL);
    label(model, expected);
    qn_model_destroy(model);
    for (size_t i = 0; qn_pass_name(i); i++) {
        char json[128];
        int differ = 0;
        snprintf(json, sizeof json, "{'debug_config': {'skip_passes': ['%s']}}", qn_pass_name(i));
        model = build_scenes(json);
        label(model, found);
        for (int p = 0; p < SIDE * SIDE; p++) differ += expected[p] != found[p];
        if (differ > 1) fail_msg("without %s %d of %d labels differ", qn_pass_name(i), differ, SIDE * SIDE);
        qn_model_destroy(model);
    }
}

static void the_same_input_gives_the_same_file(void **state) {
    (void)state;
    size_t first_bytes, second_bytes;
    qn_model *first = build_scenes(NULL), *second = build_scenes("{}");
    const void *a = qn_model_bytes(first, &first_bytes), *b = qn_model_bytes(second, &second_bytes);
    assert_int_equal(first_bytes, second_bytes);
    assert_memory_equal(a, b, first_bytes);
    qn_model_destroy(first);
    qn_model_destroy(second);
}

static void the_file_says_where_it_comes_from_and_how_pictures_go_in(void **state) {
    (void)state;
    qn_model *model = build_scenes("{'debug_config': {'fusion_enable': false}}");
    const qn_model_info *info = qn_model_get_info(model);
    json_t *root = json_loads(info->meta, JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(root);
    const json_t *source = json_object_get(root, "source");
    assert_string_equal(json_string_value(json_object_get(source, "format")), "tensorflow");
    assert_string_equal(json_string_value(json_object_get(source, "name")), "scenes");
    FILE *file = fopen(SCENES, "rb");
    fseek(file, 0, SEEK_END);
    long bytes = ftell(file);
    uint8_t *data = malloc((size_t)bytes);
    rewind(file);
    assert_int_equal(fread(data, 1, (size_t)bytes, file), bytes);
    fclose(file);
    char hash[32];
    snprintf(hash, sizeof hash, "%016llx", (unsigned long long)qn_hash_bytes(data, (size_t)bytes, 0));
    free(data);
    assert_int_equal(json_integer_value(json_object_get(source, "bytes")), bytes);
    assert_string_equal(json_string_value(json_object_get(source, "xxh3")), hash);
    json_decref(root);
    expect_meta(model, "config.debug_config.fusion_enable", "false");
    expect_meta(model, "image.input", "'ImageTensor'");
    expect_meta(model, "image.color", "'RGB'");
    expect_meta(model, "image.output", "'SemanticPredictions'");
    expect_meta(model, "image.decode", "'labels'");
    assert_string_equal(info->name, "scenes");
    qn_model_destroy(model);
}

/* ---- Files ---- */

static void a_saved_model_is_loaded_again_and_a_failed_save_leaves_nothing(void **state) {
    (void)state;
    char folder[] = "/tmp/quench-build-test-XXXXXX", path[128];
    size_t bytes, again_bytes;
    qn_model *model = build_of(small, NULL), *again;
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/missing/model.qn", folder);
    expect_refused(qn_model_save_file(model, path), QN_IO, "missing/model.qn");
    snprintf(path, sizeof path, "%s/model.qn", folder);
    expect_ok(qn_model_save_file(model, path));
    expect_ok(qn_model_load_file(path, NULL, &again));
    const void *data = qn_model_bytes(model, &bytes), *loaded = qn_model_bytes(again, &again_bytes);
    assert_int_equal(bytes, again_bytes);
    assert_memory_equal(data, loaded, bytes);
    qn_model_destroy(again);
    qn_model_destroy(model);
    unlink(path);
    assert_int_equal(rmdir(folder), 0);
}

/* ---- Shapes as outputs ---- */

/* A size that the network gives out and also works with itself. */
static void shape_arithmetic_may_be_an_output_and_a_control_input(void **state) {
    (void)state;
    qn_network *network =
        network_of("symbol h [1, 9]\nsymbol w [1, 9]\n"
                   "input %x : f32[1, h, w, 1]\n"
                   "const %one : s32[1] = {1}\nconst %three : s32[1] = {3}\nconst %two : s32[2] = {2, 2}\n"
                   "%s = shape(%x)\n%size = strided_slice(%s, %one, %three, %one)\n%twice = mul(%size, %two)\n"
                   "%y = resize_nearest(%x, %twice)\noutput %y\noutput %twice");
    qn_model *model;
    qn_engine *engine;
    qn_context *context;
    float in[2] = {3, 4}, out[8];
    int32_t size[2];
    qn_tensor tensors[2] = {{QN_DTYPE_F32, 4, {1, 2, 4, 1}, out}, {QN_DTYPE_S32, 1, {2}, size}};
    expect_ok(qn_build(network, NULL, NULL, &model));
    qn_network_destroy(network);
    assert_string_equal(qn_model_output(model, 1)->name, "twice");
    expect_ok(qn_engine_create(model, NULL, &engine));
    expect_ok(qn_context_create(engine, &context));
    expect_ok(qn_context_set_input_shape(context, 0, 4, (int64_t[]){1, 1, 2, 1}));
    expect_ok(qn_context_run(context, &(qn_tensor){QN_DTYPE_F32, 4, {1, 1, 2, 1}, in}, 1, tensors, 2));
    const float expected[8] = {3, 3, 4, 4, 3, 3, 4, 4};
    assert_memory_equal(out, expected, sizeof out);
    assert_int_equal(size[0], 2);
    assert_int_equal(size[1], 4);
    qn_context_destroy(context);
    qn_engine_destroy(engine);
    qn_model_destroy(model);
}

/* ---- Memory ---- */

static void memory_may_end_at_any_point_of_a_build(void **state) {
    (void)state;
    meter m;
    const qn_allocator allocator = meter_allocator(&m, SIZE_MAX);
    int exhausted = 0, built = 0;
    for (m.handed_max = 256; !built && m.handed_max < 1 << 25; m.handed_max += m.handed_max / 6) {
        qn_network *network;
        qn_build_options options;
        qn_model *model = NULL;
        qn_graph *graph = NULL;
        m.handed = 0;
        qn_build_options_init(&options);
        options.allocator = &allocator;
        qn_status *status = qn_network_create("g", &allocator, &network);
        char text[2048];
        snprintf(text, sizeof text, "graph \"g\" {\n%s\n}", small);
        if (!status) status = qn_graph_parse(&network->arena, text, &graph);
        if (!status) status = qn_graph_infer(graph);
        if (!status) {
            network->graph = graph;
            status = qn_build(network, NULL, &options, &model);
        }
        if (status && qn_status_code(status) != QN_OUT_OF_MEMORY) fail_msg("%s", qn_status_message(status));
        built += !status;
        exhausted += status != NULL;
        qn_status_free(status);
        qn_model_destroy(model);
        qn_network_destroy(network);
        assert_int_equal(m.live, 0);
    }
    assert_true(exhausted > 5 && built);
}

static qn_step_role role_of(const qn_model *model, const char *name) {
    const qn_step_info *step;
    for (size_t i = 0; (step = qn_model_step(model, i)); i++)
        if (!strcmp(step->name, name)) return step->role;
    fail_msg("no step '%s'", name);
    return QN_ROLE_COMPUTES;
}

static void steps_say_what_they_do(void **state) {
    (void)state;
    qn_model *model = build_of("symbol h [4, 9]\ninput %x : f32[1, h, 8, 3]\n"
                               "const %paddings : s32[4, 2] = {0, 0, 1, 1, 0, 0, 0, 0}\n"
                               "const %size : s32[2] = {6, 6}\n"
                               "const %at : s32[4] = {0, 1, 1, 0}\n"
                               "const %part : s32[4] = {1, 4, 4, 3}\n"
                               "const %order : s32[4] = {0, 3, 2, 1}\n"
                               "const %w : f32[3, 3, 4, 2] = random 1\n"
                               "const %rows : f32[8, 5] = random 2\n"
                               "const %flat : s32[2] = {-1, 8}\n"
                               "%pad = pad(%x, %paddings)\n"
                               "%scale = resize_bilinear(%pad, %size)\n"
                               "%crop = slice(%scale, %at, %part)\n"
                               "%turn = transpose(%crop, %order)\n"
                               "%sine = sigmoid(%turn)\n"
                               "%conv = conv2d(%sine, %w) {padding=same_upper}\n"
                               "%double = concat(%conv, %conv) {axis=1}\n"
                               "%view = reshape(%double, %flat)\n"
                               "%product = matmul(%view, %rows)\n"
                               "output %product\n",
                               "{'debug_config': {'fusion_enable': false}}");
    assert_int_equal(role_of(model, "pad"), QN_ROLE_PAD);
    assert_int_equal(role_of(model, "scale"), QN_ROLE_SCALE);
    assert_int_equal(role_of(model, "crop"), QN_ROLE_CROP);
    assert_int_equal(role_of(model, "turn"), QN_ROLE_TRANSPOSE);
    assert_int_equal(role_of(model, "sine"), QN_ROLE_COMPUTES);
    assert_int_equal(role_of(model, "conv"), QN_ROLE_LAYER);
    assert_int_equal(role_of(model, "double"), QN_ROLE_MOVE);
    assert_int_equal(role_of(model, "view"), QN_ROLE_VIEW);
    assert_int_equal(role_of(model, "product"), QN_ROLE_LAYER);
    qn_model_destroy(model);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_network_is_built_once),
        cmocka_unit_test(a_network_whose_build_failed_is_used_up_too),
        cmocka_unit_test(the_graph_is_shown_after_the_pass_asked_for),
        cmocka_unit_test(the_graph_is_shown_after_every_pass),
        cmocka_unit_test(passes_that_do_not_exist_are_refused_with_the_nearest),
        cmocka_unit_test(passes_are_listed),
        cmocka_unit_test(phases_are_told_in_order),
        cmocka_unit_test(a_build_can_be_cancelled_wherever_it_asks),
        cmocka_unit_test(every_pass_can_be_left_out),
        cmocka_unit_test(the_same_input_gives_the_same_file),
        cmocka_unit_test(the_file_says_where_it_comes_from_and_how_pictures_go_in),
        cmocka_unit_test(a_saved_model_is_loaded_again_and_a_failed_save_leaves_nothing),
        cmocka_unit_test(shape_arithmetic_may_be_an_output_and_a_control_input),
        cmocka_unit_test(memory_may_end_at_any_point_of_a_build),
        cmocka_unit_test(steps_say_what_they_do),
    };
    return cmocka_run_group_tests_name("driver/build", tests, NULL, NULL);
}
