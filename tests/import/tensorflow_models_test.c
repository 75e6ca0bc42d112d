/* The trained networks of ../shared: inputs and outputs that are found, types and shapes of what comes out, and what is
 * kept on the way. */
#include "base/file.h"
#include "expect.h"
#include "memory.h"
#include "import/import.h"
#include "support/skips.h"
#include "warnings.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

typedef struct fixture {
    qn_file_map map;
    qn_arena arena;
    qn_graph *graph;
    kept_warnings warnings;
} fixture;

static void close_model(fixture *f) {
    qn_arena_deinit(&f->arena);
    qn_file_map_close(&f->map);
}

/* Maps the model, or skips the test by name where it is absent. */
static void map_model(fixture *f, const char *name) {
    const char *path = shared_path("models/tensorflow/%s", name);
    need_path(path);
    memset(f, 0, sizeof *f);
    qn_arena_init(&f->arena, NULL);
    expect_ok(qn_file_map_open(path, &f->map));
}

static qn_status *import_model(fixture *f, const char *name, qn_import_options options) {
    map_model(f, name);
    warnings_keep(&f->warnings, &options);
    const qn_import_format *format;
    expect_ok(recognise_memory(f->map.bytes, name, &format));
    assert_string_equal(format->name, "tensorflow");
    QN_TRY(import_tensorflow(f->map.bytes, name, &options, &f->arena, &f->graph));
    return qn_graph_verify(f->graph);
}

/* "u8[1, ImageTensor.1, ImageTensor.2, 3]" */
static void expect_type(const fixture *f, const qn_value *value, const char *name, const char *want) {
    qn_buffer text;
    assert_string_equal(value->name, name);
    qn_buffer_init(&text, NULL);
    qn_buffer_printf(&text, "%s[", qn_dtype_name(value->type.dtype));
    for (int i = 0; i < value->type.rank; i++) {
        if (i) qn_buffer_printf(&text, ", ");
        qn_dim_print(f->graph->dims, value->type.dims[i], &text);
    }
    qn_buffer_printf(&text, "]");
    assert_string_equal(qn_buffer_text(&text), want);
    qn_buffer_deinit(&text);
}

static size_t count_nodes(const fixture *f, const qn_op_def *op) {
    size_t count = 0;
    for (const qn_node *node = f->graph->first; node; node = node->next) count += node->op == op;
    return count;
}

static void expect_deeplab(fixture *f, const char *high) {
    assert_int_equal(f->warnings.count, 0);
    assert_int_equal(f->graph->inputs.count, 1);
    assert_int_equal(f->graph->outputs.count, 1);
    expect_type(f, f->graph->inputs.items[0], "ImageTensor", "u8[1, ImageTensor.1, ImageTensor.2, 3]");
    expect_type(f, f->graph->outputs.items[0], "SemanticPredictions", "s32[1, ImageTensor.1, ImageTensor.2]");
    for (int axis = 1; axis <= 2; axis++) {
        int64_t bounds[2];
        char text[32];
        qn_dim_range(f->graph->dims, f->graph->inputs.items[0]->type.dims[axis], &bounds[0], &bounds[1]);
        snprintf(text, sizeof text, "%lld", (long long)bounds[1]);
        assert_int_equal(bounds[0], 1);
        assert_string_equal(text, high); /* the graph's own assertions bound the picture */
    }
    assert_int_equal(count_nodes(f, &qn_op_conv2d), 38 + 17);
    assert_int_equal(count_nodes(f, &qn_op_space_to_batch), 10);
    assert_int_equal(count_nodes(f, &qn_op_identity), 1); /* the output, which is an Identity */
}

static void deeplab_float_keeps_its_free_sizes_and_learns_513_from_its_asserts(void **state) {
    (void)state;
    fixture f;
    expect_ok(import_model(&f, "deeplabv3_mnv2_pascal_float32.pb", (qn_import_options){0}));
    expect_deeplab(&f, "513");
    assert_int_equal(count_nodes(&f, &qn_op_assert), 4);
    const qn_value *logits = qn_graph_find_value(f.graph, "ResizeBilinear_2");
    assert_non_null(logits);
    expect_type(&f, logits, "ResizeBilinear_2", "f32[1, 513, 513, 21]");
    close_model(&f);
}

static void deeplab_with_stored_bytes_keeps_its_dequantisation(void **state) {
    (void)state;
    fixture f;
    expect_ok(import_model(&f, "deeplabv3_mnv2_pascal_quint8_weights.pb", (qn_import_options){0}));
    expect_deeplab(&f, "513");
    assert_int_equal(count_nodes(&f, &qn_op_dequantize), 51);
    assert_int_equal(count_nodes(&f, &qn_op_batch_norm), 17);
    close_model(&f);
}

static void deeplab_for_ade20k_crops_at_257(void **state) {
    (void)state;
    fixture f;
    expect_ok(import_model(&f, "deeplabv3_mnv2_ade20k_quint8_weights.pb", (qn_import_options){0}));
    expect_deeplab(&f, "257");
    close_model(&f);
}

static void mobilenet_is_read_with_its_spelled_out_batch_norm(void **state) {
    (void)state;
    fixture f;
    expect_ok(import_model(&f, "mobilenet_v1_0.25_128.pb", (qn_import_options){0}));
    assert_int_equal(f.graph->inputs.count, 1);
    assert_int_equal(f.graph->outputs.count, 1);
    expect_type(&f, f.graph->inputs.items[0], "input", "f32[1, 128, 128, 3]");
    expect_type(&f, f.graph->outputs.items[0], "MobilenetV1/Predictions/Reshape_1", "f32[1, 1001]");
    assert_int_equal(count_nodes(&f, &qn_op_rsqrt), 27);
    close_model(&f);
}

static void the_autoencoder_keeps_a_free_batch(void **state) {
    (void)state;
    fixture f;
    expect_ok(import_model(&f, "autoencoder_ae0.pb", (qn_import_options){0}));
    expect_type(&f, f.graph->inputs.items[0], "X", "f32[X.0, 784]");
    assert_int_equal(f.graph->outputs.count, 1);
    const qn_value *output = f.graph->outputs.items[0];
    expect_type(&f, output, output->name, "f32[X.0, 784]");
    assert_int_equal(count_nodes(&f, &qn_op_matmul), 4);
    close_model(&f);
}

static void control_flow_is_listed_at_once(void **state) {
    (void)state;
    fixture f;
    qn_status *status = import_model(&f, "mtcnn.pb", (qn_import_options){0});
    assert_non_null(status);
    static const char *const parts[] = {"tensorflow: mtcnn.pb: ",
                                        "Enter (control flow; 27 nodes: '",
                                        "Merge (control flow; 10 nodes: '",
                                        "Switch (control flow; 52 nodes: '",
                                        "LoopCond (control flow; 1 node: '",
                                        "NextIteration",
                                        "Exit",
                                        "TensorArrayV3",
                                        "TensorArrayWriteV3",
                                        "TensorArrayConcatV3",
                                        "--output"};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        if (!strstr(qn_status_message(status), parts[i])) fail_msg("%s lacks %s", qn_status_message(status), parts[i]);
    /* Everything else in it is supported. */
    static const char *const absent[] = {"Where", "NonMaxSuppression", "CropAndResize", "Gather", "Tile", "Prod",
                                         "Select"};
    for (size_t i = 0; i < sizeof absent / sizeof *absent; i++)
        if (strstr(qn_status_message(status), absent[i])) fail_msg("%s", qn_status_message(status));
    expect_failure(status, QN_UNSUPPORTED, "operators are not supported");
    close_model(&f);
}

static void an_inner_value_can_be_the_output(void **state) {
    (void)state;
    fixture f;
    const char *outputs[] = {"MobilenetV2/expanded_conv_16/project/Conv2D:0", "ResizeBilinear_2"};
    expect_ok(import_model(&f, "deeplabv3_mnv2_pascal_float32.pb",
                           (qn_import_options){.outputs = outputs, .output_count = 2}));
    assert_int_equal(f.graph->outputs.count, 2);
    assert_string_equal(f.graph->outputs.items[0]->name, "MobilenetV2/expanded_conv_16/project/Conv2D");
    assert_string_equal(f.graph->outputs.items[1]->name, "ResizeBilinear_2");
    assert_int_equal(count_nodes(&f, &qn_op_argmax), 0);
    close_model(&f);
}

static void the_graph_can_be_cut_at_an_inner_value(void **state) {
    (void)state;
    fixture f;
    const char *inputs[] = {"sub_7"};
    const qn_import_input_dims dims[] = {{.given = 1, .rank = 4, .dims = {1, -1, 513, 3}}};
    const char *outputs[] = {"ResizeBilinear_1"};
    expect_ok(import_model(
        &f, "deeplabv3_mnv2_pascal_float32.pb",
        (qn_import_options){
            .inputs = inputs, .input_dims = dims, .input_count = 1, .outputs = outputs, .output_count = 1}));
    assert_int_equal(f.graph->inputs.count, 1);
    expect_type(&f, f.graph->inputs.items[0], "sub_7", "f32[1, sub_7.1, 513, 3]");
    assert_int_equal(count_nodes(&f, &qn_op_assert), 0);
    close_model(&f);
}

static void dims_can_be_fixed(void **state) {
    (void)state;
    fixture f;
    const char *inputs[] = {"ImageTensor:0"};
    const qn_import_input_dims dims[] = {{.given = 1, .rank = 4, .dims = {1, 300, 200, 3}}};
    expect_ok(import_model(&f, "deeplabv3_mnv2_pascal_float32.pb",
                           (qn_import_options){.inputs = inputs, .input_dims = dims, .input_count = 1}));
    expect_type(&f, f.graph->outputs.items[0], "SemanticPredictions", "s32[1, 300, 200]");
    close_model(&f);
}

static void a_fixed_size_beyond_the_graph_s_own_limit_is_refused_with_its_message(void **state) {
    (void)state;
    fixture f;
    const char *inputs[] = {"ImageTensor"};
    const qn_import_input_dims dims[] = {{.given = 1, .rank = 4, .dims = {1, 514, 200, 3}}};
    expect_failure(import_model(&f, "deeplabv3_mnv2_pascal_float32.pb",
                                (qn_import_options){.inputs = inputs, .input_dims = dims, .input_count = 1}),
                   QN_INVALID_MODEL, "node 'Slice' (Slice): expected size[1] in [0, 513], found 514");
    close_model(&f);
}

/* layers.tsv: name, shape ("1x257x257x32") and statistics of what TensorFlow computed for one picture. */
static void every_layer_that_tensorflow_lists_is_found_with_its_shape(void **state) {
    (void)state;
    fixture f;
    char line[1024], name[512], want[128], got[128];
    int rows = 0;
    const char *inputs[] = {"ImageTensor"};
    const qn_import_input_dims dims[] = {{.given = 1, .rank = 4, .dims = {1, 375, 500, 3}}};
    expect_ok(import_model(&f, "deeplabv3_mnv2_pascal_float32.pb",
                           (qn_import_options){.inputs = inputs, .input_dims = dims, .input_count = 1}));
    FILE *file = fopen(shared_path("refs/deeplabv3_mnv2_pascal_float32/tensors/2007_000123.layers.tsv"), "r");
    assert_non_null(file);
    assert_non_null(fgets(line, sizeof line, file)); /* the heading */
    while (fgets(line, sizeof line, file)) {
        assert_int_equal(sscanf(line, "%511[^\t]\t%127[^\t]", name, want), 2);
        const qn_value *value = qn_graph_find_value(f.graph, name);
        if (!value) fail_msg("no value '%s'", name);
        size_t used = 0;
        for (int i = 0; i < value->type.rank; i++) {
            int64_t dim;
            assert_true(qn_dim_is_const(f.graph->dims, value->type.dims[i], &dim));
            used += (size_t)snprintf(got + used, sizeof got - used, "%s%lld", i ? "x" : "", (long long)dim);
        }
        assert_string_equal(got, want);
        rows++;
    }
    fclose(file);
    assert_int_equal(rows, 187);
    close_model(&f);
}

static void a_misspelt_output_is_answered_with_the_nearest_name(void **state) {
    (void)state;
    fixture f;
    const char *outputs[] = {"SemanticPrediction"};
    expect_failure(
        import_model(&f, "deeplabv3_mnv2_pascal_float32.pb",
                     (qn_import_options){.outputs = outputs, .output_count = 1}),
        QN_INVALID_ARGUMENT,
        "output 'SemanticPrediction': the graph has no node 'SemanticPrediction'; did you mean 'SemanticPredictions'?");
    close_model(&f);
}

/* A model cut at every 1000th byte is refused, or is shorter but sound. */
static void a_model_cut_anywhere_never_crashes(void **state) {
    (void)state;
    static const char *const names[] = {"autoencoder_ae0.pb", "deeplabv3_mnv2_pascal_quint8_weights.pb"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        fixture f;
        size_t refused = 0, total = 0;
        map_model(&f, names[i]);
        for (size_t size = 0; size < f.map.bytes.size; size += 1000, total++) {
            qn_graph *graph;
            qn_arena arena;
            qn_arena_init(&arena, NULL);
            qn_status *status = import_tensorflow((qn_bytes){f.map.bytes.data, size}, names[i], NULL, &arena, &graph);
            if (status) {
                refused++;
                assert_null(graph);
                assert_non_null(strstr(qn_status_message(status), names[i]));
            } else {
                expect_ok(qn_graph_verify(graph));
            }
            qn_status_free(status);
            qn_arena_deinit(&arena);
        }
        print_message("%s: %zu of %zu cuts refused\n", names[i], refused, total);
        close_model(&f);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(deeplab_float_keeps_its_free_sizes_and_learns_513_from_its_asserts),
        cmocka_unit_test(deeplab_with_stored_bytes_keeps_its_dequantisation),
        cmocka_unit_test(deeplab_for_ade20k_crops_at_257),
        cmocka_unit_test(mobilenet_is_read_with_its_spelled_out_batch_norm),
        cmocka_unit_test(the_autoencoder_keeps_a_free_batch),
        cmocka_unit_test(control_flow_is_listed_at_once),
        cmocka_unit_test(an_inner_value_can_be_the_output),
        cmocka_unit_test(the_graph_can_be_cut_at_an_inner_value),
        cmocka_unit_test(dims_can_be_fixed),
        cmocka_unit_test(a_fixed_size_beyond_the_graph_s_own_limit_is_refused_with_its_message),
        cmocka_unit_test(every_layer_that_tensorflow_lists_is_found_with_its_shape),
        cmocka_unit_test(a_misspelt_output_is_answered_with_the_nearest_name),
        cmocka_unit_test(a_model_cut_anywhere_never_crashes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
