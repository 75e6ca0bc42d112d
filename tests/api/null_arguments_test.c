/* Every pointer argument of every public function may be NULL: one that must be given is named by INVALID_ARGUMENT, a
 * function without a status does nothing. The calls are made from the headers (null_calls.awk), so none is forgotten. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/float_states.h"
#include "quench/compiler.h"
#include "quench/file.h"
#include "quench/image.h"
#include "quench/vision.h"
#include "quench/text.h"

/* One argument of every type, sound where it matters, and room for what comes out. Named after the types, as
   null_calls.awk spells them. */
typedef struct fixture {
    qn_status *status;
    char text[64];
    int64_t numbers[QN_IMAGE_CLASSES_MAX];
    float elements[64];
    qn_value *input;

    const char *c_char_p, **c_char_pp;
    char *char_p, *made_text, **char_pp;
    const void *c_void_p;
    void *void_p;
    const int64_t *c_int64_t_p;
    int64_t *int64_t_p;
    uint64_t *uint64_t_p;
    int *int_p;
    double *double_p;
    size_t *size_t_p;
    size_t v_size_t;
    int v_int;
    int64_t v_int64_t;
    float v_float;
    double v_double;
    qn_text_style v_qn_text_style;
    qn_code v_qn_code;
    qn_dtype v_qn_dtype;
    qn_memory v_qn_memory;
    qn_graph_format v_qn_graph_format;
    qn_image_rect v_qn_image_rect;
    qn_image_filter v_qn_image_filter;
    qn_image_fit_mode v_qn_image_fit_mode;

    const qn_allocator *c_qn_allocator_p;
    const qn_log *c_qn_log_p;
    qn_model *qn_model_p, *made_model, **qn_model_pp;
    const qn_model *c_qn_model_p;
    const qn_model_options *c_qn_model_options_p;
    qn_engine *qn_engine_p, *made_engine, **qn_engine_pp;
    const qn_engine_options *c_qn_engine_options_p;
    qn_context *qn_context_p, *made_context, **qn_context_pp;
    const qn_context *c_qn_context_p;
    const qn_context_options *c_qn_context_options_p;
    const qn_shape *c_qn_shape_p;
    qn_cost *qn_cost_p;
    qn_arena_info *qn_arena_info_p;
    qn_step_profile *qn_step_profile_p;
    qn_tensor *qn_tensor_p;
    const qn_tensor *c_qn_tensor_p;
    qn_executor *qn_executor_p;
    const qn_pool_options *c_qn_pool_options_p;
    qn_cpu_info *made_info, **qn_cpu_info_pp;
    qn_queue *qn_queue_p, *made_queue, **qn_queue_pp;
    const qn_queue_options *c_qn_queue_options_p;
    qn_notifier *qn_notifier_p, *made_notifier, **qn_notifier_pp;
    qn_trace *qn_trace_p, *made_trace, **qn_trace_pp;
    const qn_trace *c_qn_trace_p;
    const qn_trace_options *c_qn_trace_options_p;
    qn_bench *made_bench, **qn_bench_pp;
    const qn_bench_options *c_qn_bench_options_p;
    qn_network *qn_network_p, *made_network, **qn_network_pp;
    const qn_network *c_qn_network_p;
    const qn_network_options *c_qn_network_options_p;
    qn_value *qn_value_p, *found_value, **qn_value_pp;
    const qn_value *c_qn_value_p;
    qn_node *qn_node_p, *found_node, **qn_node_pp;
    const qn_node *c_qn_node_p;
    qn_value_info *qn_value_info_p;
    const qn_value_info *c_qn_value_info_p;
    qn_attribute_info *qn_attribute_info_p;
    qn_config *qn_config_p, *made_config, **qn_config_pp;
    const qn_config *c_qn_config_p;
    const qn_build_options *c_qn_build_options_p;
    qn_contract_result *qn_contract_result_p;
    const qn_contract_result *c_qn_contract_result_p;
    qn_calibrator *qn_calibrator_p, *made_calibrator, **qn_calibrator_pp;
    const qn_calibrator_options *c_qn_calibrator_options_p;
    const qn_samples *c_qn_samples_p;
    qn_refitter *qn_refitter_p, *made_refitter, **qn_refitter_pp;
    const qn_refitter *c_qn_refitter_p;
    qn_weights_info *qn_weights_info_p;
    qn_npy_file *qn_npy_file_p, *made_file, **qn_npy_file_pp;
    qn_image *qn_image_p;
    const qn_image *c_qn_image_p;
    const qn_image_decode_options *c_qn_image_decode_options_p;
    qn_image_palette *qn_image_palette_p;
    const qn_image_palette *c_qn_image_palette_p;
    qn_image_buffer *qn_image_buffer_p;
    qn_image_fit *qn_image_fit_p;
    const qn_image_fit *c_qn_image_fit_p;
    qn_image_fit_mode *qn_image_fit_mode_p;
    const qn_image_range *c_qn_image_range_p;
    const qn_frame *c_qn_frame_p;
    qn_image_confusion *qn_image_confusion_p, *made_confusion, **qn_image_confusion_pp;
    const qn_image_confusion *c_qn_image_confusion_p;
    qn_vision *qn_vision_p, *made_vision, **qn_vision_pp;
    const qn_vision *c_qn_vision_p;
    qn_vision_options *qn_vision_options_p;
    const qn_vision_options *c_qn_vision_options_p;
    qn_segmenter *qn_segmenter_p, *made_segmenter, **qn_segmenter_pp;
    const qn_segmenter *c_qn_segmenter_p;
    qn_segmenter_options *qn_segmenter_options_p;
    const qn_segmenter_options *c_qn_segmenter_options_p;
    qn_segmenter_info *qn_segmenter_info_p;
} fixture;

typedef struct null_call {
    const char *function, *argument;
    void (*call)(fixture *f);
    int has_status, is_optional;
} null_call;

static qn_status *new_status(void) { return qn_status_create(QN_IO, "cut"); }

static qn_status *do_nothing(void *arg) {
    (void)arg;
    return NULL;
}

static int visit_none(void *self, const char *name, const char *op) {
    (void)self;
    (void)name;
    (void)op;
    return 1;
}

#include "null_calls.inc"

/* ---- The fixture ---- */

static void ok(qn_status *status) {
    if (status) fail_msg("%s", qn_status_message(status));
}

static qn_status *no_samples(void *self, qn_tensor *inputs, size_t input_count, int *out_has) {
    (void)self;
    (void)inputs;
    (void)input_count;
    *out_has = 0;
    return NULL;
}

static float weights[4] = {1, 2, 3, 4};
static const qn_tensor weights_tensor = {.dtype = QN_DTYPE_F32, .rank = 2, .dims = {2, 2}, .data = weights};

/* x [1, 2] times w. */
static qn_network *new_network(qn_value **out_input) {
    qn_network *network;
    qn_value *w;
    qn_node *node;
    ok(qn_network_create("n", NULL, &network));
    ok(qn_network_add_input(network, "x", QN_DTYPE_F32, 2, (int64_t[]){1, 2}, out_input));
    ok(qn_network_add_constant(network, "w", &weights_tensor, &w));
    ok(qn_network_add_node(network, "matmul", "m", NULL, (qn_value *[]){*out_input, w}, 2, &node));
    ok(qn_network_mark_output(network, qn_node_get_output(node, 0), "y"));
    return network;
}

static qn_model *built; /* once, for the whole program */

static const void *model_bytes(size_t *out_bytes) {
    if (!built) {
        qn_value *x;
        qn_config *config;
        qn_network *network = new_network(&x);
        ok(qn_config_create(NULL, &config));
        ok(qn_config_set(config, "enable_refit", "true"));
        ok(qn_build(network, config, NULL, &built));
        qn_config_destroy(config);
        qn_network_destroy(network);
    }
    return qn_model_bytes(built, out_bytes);
}

static void set_up_scalars(fixture *f) {
    static const char *names[1] = {"name"};
    f->c_char_p = "/nonexistent/file"; /* a name, a text and a path that cannot be written */
    f->c_char_pp = names;
    f->char_pp = &f->made_text;
    f->char_p = f->text;
    f->c_void_p = f->void_p = f->elements;
    f->c_int64_t_p = f->int64_t_p = f->numbers;
    f->numbers[0] = 1;
    f->uint64_t_p = (uint64_t *)&f->numbers[1];
    f->int_p = (int *)&f->numbers[2];
    f->double_p = (double *)&f->numbers[3];
    f->size_t_p = (size_t *)&f->numbers[4];
    f->v_size_t = 1;
    f->v_int = 1;
    f->v_int64_t = 1;
    f->v_qn_dtype = QN_DTYPE_F32;
    f->v_qn_code = QN_IO;
    f->v_qn_image_rect = (qn_image_rect){0, 0, 1, 1};
}

static void set_up_runtime(fixture *f) {
    static qn_log log;
    static const qn_shape shape = {.rank = 2, .dims = {1, 2}};
    static qn_engine_options engine_options;
    static qn_model_options model_options;
    static qn_context_options context_options;
    static qn_pool_options pool_options;
    static qn_queue_options queue_options;
    static qn_trace_options trace_options;
    static qn_bench_options bench_options;
    size_t bytes;
    const void *data = model_bytes(&bytes);
    f->c_qn_log_p = &log;
    f->c_qn_shape_p = &shape;
    qn_model_options_init(&model_options);
    qn_engine_options_init(&engine_options);
    qn_context_options_init(&context_options);
    qn_pool_options_init(&pool_options);
    qn_queue_options_init(&queue_options);
    qn_trace_options_init(&trace_options);
    qn_bench_options_init(&bench_options);
    bench_options.iterations = 1;
    bench_options.warmup_ms = 0;
    engine_options.threads = pool_options.threads = 1;
    trace_options.events = 16;
    f->c_qn_model_options_p = &model_options;
    f->c_qn_engine_options_p = &engine_options;
    f->c_qn_context_options_p = &context_options;
    f->c_qn_pool_options_p = &pool_options;
    f->c_qn_queue_options_p = &queue_options;
    f->c_qn_trace_options_p = &trace_options;
    f->c_qn_bench_options_p = &bench_options;
    ok(qn_model_load_memory(data, bytes, QN_MEMORY_COPY, NULL, &f->qn_model_p));
    ok(qn_engine_create(f->qn_model_p, &engine_options, &f->qn_engine_p));
    ok(qn_context_create(f->qn_engine_p, &f->qn_context_p));
    ok(qn_queue_create(f->qn_engine_p, NULL, &f->qn_queue_p));
    ok(qn_notifier_create(f->qn_engine_p, &f->qn_notifier_p));
    ok(qn_trace_create(&trace_options, &f->qn_trace_p));
    f->c_qn_model_p = f->qn_model_p;
    f->c_qn_context_p = f->qn_context_p;
    f->c_qn_trace_p = f->qn_trace_p;
    f->qn_model_pp = &f->made_model;
    f->qn_engine_pp = &f->made_engine;
    f->qn_context_pp = &f->made_context;
    f->qn_cpu_info_pp = &f->made_info;
    f->qn_queue_pp = &f->made_queue;
    f->qn_notifier_pp = &f->made_notifier;
    f->qn_trace_pp = &f->made_trace;
    f->qn_bench_pp = &f->made_bench;
}

static void set_up_compiler(fixture *f) {
    static qn_network_options network_options;
    static qn_build_options build_options;
    static qn_calibrator_options calibrator_options;
    static qn_contract_result contract_result;
    static const qn_samples samples = {.count = -1, .next = no_samples};
    qn_network_options_init(&network_options);
    qn_build_options_init(&build_options);
    qn_calibrator_options_init(&calibrator_options);
    qn_contract_result_init(&contract_result);
    f->qn_contract_result_p = &contract_result;
    f->c_qn_contract_result_p = &contract_result;
    f->c_qn_network_options_p = &network_options;
    f->c_qn_build_options_p = &build_options;
    f->c_qn_calibrator_options_p = &calibrator_options;
    f->c_qn_samples_p = &samples;
    f->qn_network_p = new_network(&f->input);
    f->c_qn_network_p = f->qn_network_p;
    f->qn_node_p = qn_network_first_node(f->qn_network_p, NULL);
    f->c_qn_node_p = f->qn_node_p;
    ok(qn_network_add_input(f->qn_network_p, "spare", QN_DTYPE_F32, 1, (int64_t[]){1}, &f->qn_value_p));
    f->c_qn_value_p = f->qn_value_p;
    f->found_value = f->qn_value_p;
    ok(qn_config_create(NULL, &f->qn_config_p));
    f->c_qn_config_p = f->qn_config_p;
    ok(qn_calibrator_create(NULL, &f->qn_calibrator_p));
    ok(qn_refitter_create(f->qn_engine_p, &f->qn_refitter_p));
    f->c_qn_refitter_p = f->qn_refitter_p;
    f->qn_network_pp = &f->made_network;
    f->qn_value_pp = &f->found_value;
    f->qn_node_pp = &f->found_node;
    f->qn_config_pp = &f->made_config;
    f->qn_calibrator_pp = &f->made_calibrator;
    f->qn_refitter_pp = &f->made_refitter;
    f->qn_npy_file_pp = &f->made_file;
    char path[] = "/tmp/quench-null-XXXXXX";
    int descriptor = mkstemp(path);
    assert_true(descriptor >= 0);
    close(descriptor);
    ok(qn_npy_save(path, &weights_tensor));
    ok(qn_npy_open(path, NULL, &f->qn_npy_file_p));
    unlink(path);
}

static void set_up_structs(fixture *f) {
    static uint8_t pixels[3];
    static const qn_image photo = {1, 1, 1, 1, pixels, NULL};
    static qn_image image;
    static qn_image_decode_options decode_options;
    static qn_image_palette palette;
    static const qn_image_fit fit = {1, 1, 1, 1, 1, 1};
    static const qn_image_range range;
    static const qn_frame frame = {QN_PIXEL_GRAY, 1, 1, {pixels}, {1}, 0, 0};
    static union {
        qn_cost cost;
        qn_arena_info arena;
        qn_step_profile profile;
        qn_executor executor;
        qn_value_info value;
        qn_attribute_info attribute;
        qn_weights_info weights;
        qn_image_fit fit;
        qn_image_fit_mode mode;
    } out;
    static qn_tensor tensor;
    static qn_image_buffer buffer;
    memset(&out, 0, sizeof out);
    image = (qn_image){0};
    palette = (qn_image_palette){0};
    tensor = (qn_tensor){0};
    qn_image_decode_options_init(&decode_options);
    f->qn_cost_p = &out.cost;
    f->qn_arena_info_p = &out.arena;
    f->qn_step_profile_p = &out.profile;
    f->qn_executor_p = &out.executor;
    f->c_qn_value_info_p = f->qn_value_info_p = &out.value;
    f->qn_attribute_info_p = &out.attribute;
    f->qn_weights_info_p = &out.weights;
    f->qn_image_buffer_p = &buffer;
    f->qn_image_fit_p = &out.fit;
    f->qn_image_fit_mode_p = &out.mode;
    f->qn_tensor_p = &tensor;
    f->c_qn_tensor_p = &weights_tensor;
    f->qn_image_p = &image;
    f->c_qn_image_p = &photo;
    f->c_qn_image_decode_options_p = &decode_options;
    f->qn_image_palette_p = &palette;
    f->c_qn_image_palette_p = &palette;
    f->c_qn_image_fit_p = &fit;
    f->c_qn_image_range_p = &range;
    f->c_qn_frame_p = &frame;
    ok(qn_image_confusion_create(1, NULL, &f->qn_image_confusion_p));
    f->c_qn_image_confusion_p = f->qn_image_confusion_p;
    f->qn_image_confusion_pp = &f->made_confusion;
}

/* A picture of four pixels, labelled. */
static qn_model *new_picture_model(void) {
    qn_network *network;
    qn_value *x;
    qn_node *node;
    qn_model *model;
    qn_config *config;
    ok(qn_network_create("p", NULL, &network));
    ok(qn_network_add_input(network, "x", QN_DTYPE_U8, 4, (int64_t[]){1, 2, 2, 3}, &x));
    ok(qn_network_add_node(network, "argmax", "labels", "axis=3", &x, 1, &node));
    ok(qn_network_mark_output(network, qn_node_get_output(node, 0), NULL));
    ok(qn_config_create(NULL, &config));
    ok(qn_config_set(config, "graph_shape_mutable", "false"));
    ok(qn_config_set(config, "image", "{\"input\": \"x\", \"output\": \"labels\"}"));
    ok(qn_build(network, config, NULL, &model));
    qn_config_destroy(config);
    qn_network_destroy(network);
    return model;
}

static void set_up_vision(fixture *f) {
    static qn_vision_options vision_options;
    static qn_segmenter_options segmenter_options;
    static qn_segmenter_info info;
    qn_model *model = new_picture_model();
    qn_vision_options_init(&vision_options);
    qn_segmenter_options_init(&segmenter_options);
    f->qn_vision_options_p = &vision_options;
    f->c_qn_vision_options_p = &vision_options;
    f->qn_segmenter_options_p = &segmenter_options;
    f->c_qn_segmenter_options_p = &segmenter_options;
    f->qn_segmenter_info_p = &info;
    ok(qn_vision_create(model, NULL, &f->qn_vision_p));
    ok(qn_segmenter_create(f->qn_vision_p, model, f->qn_context_p, NULL, &f->qn_segmenter_p));
    f->c_qn_vision_p = f->qn_vision_p;
    f->c_qn_segmenter_p = f->qn_segmenter_p;
    f->qn_vision_pp = &f->made_vision;
    f->qn_segmenter_pp = &f->made_segmenter;
    qn_model_destroy(model);
}

static void set_up(fixture *f) {
    memset(f, 0, sizeof *f);
    set_up_scalars(f);
    set_up_runtime(f);
    set_up_compiler(f);
    set_up_structs(f);
    set_up_vision(f);
}

static void clean_up(fixture *f) {
    qn_status_free(f->status);
    qn_segmenter_destroy(f->made_segmenter), qn_segmenter_destroy(f->qn_segmenter_p);
    qn_vision_destroy(f->made_vision), qn_vision_destroy(f->qn_vision_p);
    qn_queue_destroy(f->made_queue), qn_queue_destroy(f->qn_queue_p);
    qn_notifier_destroy(f->made_notifier), qn_notifier_destroy(f->qn_notifier_p);
    qn_refitter_destroy(f->made_refitter), qn_refitter_destroy(f->qn_refitter_p);
    qn_context_destroy(f->made_context), qn_context_destroy(f->qn_context_p);
    qn_engine_destroy(f->made_engine), qn_engine_destroy(f->qn_engine_p);
    qn_model_destroy(f->made_model), qn_model_destroy(f->qn_model_p);
    qn_bench_destroy(f->made_bench);
    qn_trace_destroy(f->made_trace), qn_trace_destroy(f->qn_trace_p);
    qn_cpu_info_destroy(f->made_info);
    qn_network_destroy(f->made_network), qn_network_destroy(f->qn_network_p);
    qn_config_destroy(f->made_config), qn_config_destroy(f->qn_config_p);
    qn_calibrator_destroy(f->made_calibrator), qn_calibrator_destroy(f->qn_calibrator_p);
    qn_npy_close(f->made_file), qn_npy_close(f->qn_npy_file_p);
    qn_image_confusion_destroy(f->made_confusion), qn_image_confusion_destroy(f->qn_image_confusion_p);
    qn_executor_destroy_pool(f->qn_executor_p);
    qn_image_buffer_deinit(f->qn_image_buffer_p);
    qn_tensor_deinit(f->qn_tensor_p, NULL);
    qn_image_deinit(f->qn_image_p);
    qn_image_palette_deinit(f->qn_image_palette_p);
}

/* ---- The tests ---- */

static void test_null_is_answered_by_every_function(void **state) {
    (void)state;
    assert_true(FUNCTIONS > 150); /* the headers have been read */
    for (size_t i = 0; i < sizeof null_calls / sizeof *null_calls; i++) {
        const null_call *c = &null_calls[i];
        char quoted[64];
        fixture f;
        set_up(&f);
        IN_FLOAT_STATE(29, c->call(&f));
        if (c->has_status && !c->is_optional) {
            snprintf(quoted, sizeof quoted, "no %s was given (NULL)", c->argument);
            if (qn_status_code(f.status) != QN_INVALID_ARGUMENT || !strstr(qn_status_message(f.status), quoted))
                fail_msg("%s, %s is NULL: %s", c->function, c->argument, qn_status_message(f.status));
            if (!strstr(qn_status_message(f.status), c->function)) fail_msg("%s is not named", c->function);
            assert_null(f.made_model);
            assert_null(f.made_text);
            assert_null(f.made_engine);
            assert_null(f.made_context);
            assert_null(f.made_network);
            assert_null(f.made_queue);
        }
        clean_up(&f);
    }
}

static void expect_refused(qn_status *status) {
    if (qn_status_code(status) != QN_INVALID_ARGUMENT)
        fail_msg("not INVALID_ARGUMENT: '%s'", qn_status_message(status));
    qn_status_free(status);
}

static void test_counts_without_arrays_and_numbers_out_of_range_are_answered(void **state) {
    (void)state;
    fixture f;
    qn_image_fit none = {0}, fit = {10, 10, 2, 2, 5, 5};
    qn_value_info value;
    qn_operator_info operator;
    qn_attribute_info attribute;
    qn_weights_info info;
    qn_step_profile profile;
    int rank;
    set_up(&f);
    expect_refused(qn_context_set_input_shape(f.qn_context_p, 0, -1, f.numbers));
    expect_refused(qn_context_set_input_shape(f.qn_context_p, 0, 99, f.numbers));
    expect_refused(qn_context_set_input_shape(f.qn_context_p, SIZE_MAX, 2, f.numbers));
    expect_refused(qn_context_set_input_shapes(f.qn_context_p, f.c_qn_shape_p, 0));
    expect_refused(qn_context_set_input_shapes(f.qn_context_p, NULL, 0));
    expect_refused(qn_context_get_output_shape(f.qn_context_p, SIZE_MAX, &rank, f.numbers));
    expect_refused(qn_context_get_step_profile(f.qn_context_p, SIZE_MAX, &profile));
    expect_refused(qn_context_run(f.qn_context_p, NULL, 0, NULL, 0));
    const qn_tensor forged = {.dtype = QN_DTYPE_F32, .rank = -3, .data = weights};
    qn_tensor outputs[1] = {{.dtype = QN_DTYPE_F32, .rank = 77, .data = f.elements}};
    expect_refused(qn_context_run(f.qn_context_p, &forged, 1, outputs, 1));
    expect_refused(qn_context_run(f.qn_context_p, &weights_tensor, 1, outputs, 1));
    expect_refused(qn_engine_measure_cost(f.qn_engine_p, NULL, 0, f.qn_cost_p));
    expect_refused(qn_model_step_attributes(f.qn_model_p, SIZE_MAX, NULL, 0, NULL));
    expect_refused(qn_npy_save("/nonexistent/x.npy", &forged));
    expect_refused(qn_npy_save("/nonexistent/x.npy", &(qn_tensor){.dtype = QN_DTYPE_F32, .rank = 1, .dims = {-1}}));
    expect_refused(qn_npy_save("/nonexistent/x.npy", &(qn_tensor){.dtype = QN_DTYPE_F32, .rank = 1, .dims = {3}}));
    expect_refused(qn_network_add_input(f.qn_network_p, "a", QN_DTYPE_F32, -1, f.numbers, &f.found_value));
    expect_refused(qn_network_add_input(f.qn_network_p, "a", QN_DTYPE_F32, 99, f.numbers, &f.found_value));
    expect_refused(qn_network_add_input(f.qn_network_p, "a", (qn_dtype)99, 0, NULL, &f.found_value));
    expect_refused(qn_network_add_constant(f.qn_network_p, "a", &forged, &f.found_value));
    expect_refused(qn_network_add_constant(
        f.qn_network_p, "a", &(qn_tensor){.dtype = QN_DTYPE_F32, .rank = 1, .dims = {3}}, &f.found_value));
    expect_refused(qn_network_set_input_dims(f.qn_network_p, f.input, -1, f.numbers));
    qn_network_options options;
    qn_network_options_init(&options);
    options.input_count = 1;
    expect_refused(qn_network_import_memory("", 0, "x", &options, &f.made_network));
    options.inputs = &(qn_network_input){.name = NULL};
    expect_refused(qn_network_import_memory("", 0, "x", &options, &f.made_network));
    options = (qn_network_options){.size = sizeof options, .output_count = 1};
    expect_refused(qn_network_import_memory("", 0, "x", &options, &f.made_network));
    options.outputs = (const char *[]){NULL};
    expect_refused(qn_network_import_memory("", 0, "x", &options, &f.made_network));
    expect_refused(qn_calibrate(f.qn_calibrator_p, f.qn_network_p, NULL, &(qn_samples){.count = 1}));
    expect_refused(qn_refitter_set_named_weights(f.qn_refitter_p, "w", &forged));
    expect_refused(qn_image_palette_from_names((const char *[]){NULL}, 1, NULL, f.qn_image_palette_p));
    expect_refused(qn_image_fit_stitch(&none, 0, f.c_qn_image_p, f.qn_image_p));
    expect_refused(qn_image_crop(f.c_qn_image_p, (qn_image_rect){-1, 0, 1, 1}, NULL, f.qn_image_p));
    assert_int_equal(qn_image_fit_tile(&none, 0).width, 0);
    assert_int_equal(qn_image_fit_tile(&fit, -1).width, 0);
    assert_int_equal(qn_image_fit_tile(&fit, 4).width, 0);
    assert_int_equal(qn_image_fit_tile_share(&fit, 4).width, 0);
    assert_int_equal(qn_image_fit_tile_share(&fit, 3).width, 5);
    assert_null(qn_model_input(f.qn_model_p, SIZE_MAX));
    assert_null(qn_model_output(f.qn_model_p, 1));
    assert_null(qn_model_value(f.qn_model_p, SIZE_MAX));
    assert_null(qn_model_step(f.qn_model_p, SIZE_MAX));
    assert_null(qn_node_get_input(f.qn_node_p, SIZE_MAX));
    assert_null(qn_node_get_output(f.qn_node_p, 1));
    assert_null(qn_pass_name(SIZE_MAX));
    assert_null(qn_pass_description(SIZE_MAX));
    assert_null(qn_refitter_get_name(f.qn_refitter_p, SIZE_MAX));
    assert_int_equal(qn_refitter_get_weights(f.qn_refitter_p, SIZE_MAX, &info), 0);
    assert_int_equal(qn_network_get_input(f.qn_network_p, SIZE_MAX, &value), 0);
    assert_int_equal(qn_operator_at(SIZE_MAX, &operator), 0);
    assert_int_equal(qn_operator_attribute_at("matmul", SIZE_MAX, &attribute), 0);
    assert_int_equal(qn_image_confusion_get_pixels(f.qn_image_confusion_p, -1, 7), 0);
    clean_up(&f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_null_is_answered_by_every_function),
        cmocka_unit_test(test_counts_without_arrays_and_numbers_out_of_range_are_answered),
    };
    int failures = cmocka_run_group_tests_name("api/null_arguments", tests, NULL, NULL);
    qn_model_destroy(built);
    return failures;
}
