/* make - files that shell scripts cannot write easily.
 *
 *     make layer FILE.pb "W W W W" "B B"    a TensorFlow graph: x [1, 8, 8, 2] -> 1 x 1 convolution -> + bias -> relu ->
 *                                           the same convolution -> y
 *     make relu FILE.pb NAME                x [1, 8, 8, 2] -> relu of that name
 *     make compiled-relu FILE.qn NAME       the same, compiled, and the network has that name, of any bytes
 *     make mask FILE.pb END ...             a TensorFlow graph: x [1, ?, ?, 3] of floats -> the sum of the channels, less
 *                                           1.5 -> the ends in their order (see `ends`) -> y
 *     make rows FILE.pb B KIND              x [B, 2] -> product with [2, 2] -> y; B -1: free. KIND rows: that is all;
 *                                           mean: of all rows, [2]; shift: + z [2], another input; flat: x is
 *                                           [B, 4, 2, 2] and made [-1, 16] for a product with [16, 2]
 *     make meta FILE.qn TEXT                again the same, which says this of itself
 *     make array FILE.npy 1,8,8,2 "V ..."   float32 elements, these again and again until all are there
 *
 * Numbers are those of strtod: also nan, inf, 1e-40. */
#include "../import/graphdef_builder.h"

#include "quench/compiler.h"
#include "quench/file.h"
#include "quench/npy.h"

#include "../model/sections.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CHANNELS = 2, SIDE = 8, NUMBERS_MAX = 4096 };

/* How many numbers `text` holds, into out[]. */
static int read_numbers(const char *text, float *out) {
    int count = 0;
    for (char *end; count < NUMBERS_MAX; text = end) {
        double number = strtod(text, &end);
        if (end == text) break;
        out[count++] = (float)number;
    }
    return count;
}

static int finish(qn_status *status) {
    if (status) fprintf(stderr, "make: %s\n", qn_status_message(status));
    const int code = status != NULL;
    qn_status_free(status);
    return code;
}

static void add_layer(gd_graph *graph, const char *name, const char *from) {
    char inputs[64];
    snprintf(inputs, sizeof inputs, "%s w", from);
    gd_node(graph, name, "Conv2D", inputs);
    gd_attr_ints(graph, "strides", 4, (int64_t[]){1, 1, 1, 1});
    gd_attr_text(graph, "padding", "VALID");
}

static int make_layer(const char *path, const char *weights_text, const char *bias_text) {
    float weights[NUMBERS_MAX], bias[NUMBERS_MAX];
    gd_graph graph;
    if (read_numbers(weights_text, weights) != CHANNELS * CHANNELS || read_numbers(bias_text, bias) != CHANNELS)
        return 2;
    gd_init(&graph);
    gd_placeholder(&graph, "x", GD_FLOAT, 4, (int64_t[]){1, SIDE, SIDE, CHANNELS});
    gd_const_f32(&graph, "w", 4, (int64_t[]){1, 1, CHANNELS, CHANNELS}, weights);
    gd_const_f32(&graph, "b", 1, (int64_t[]){CHANNELS}, bias);
    add_layer(&graph, "c", "x");
    gd_node(&graph, "a", "BiasAdd", "c b");
    gd_node(&graph, "r", "Relu", "a");
    add_layer(&graph, "y", "r");
    qn_bytes bytes = gd_finish(&graph);
    qn_status *status = qn_file_write_atomic(path, bytes.data, bytes.size);
    gd_deinit(&graph);
    return finish(status);
}

/* ---- Masks: one score for each pixel ---- */

static void end_in_squeeze(gd_graph *graph, const char *name, const char *from) {
    gd_node(graph, name, "Squeeze", from);
    gd_attr_ints(graph, "squeeze_dims", 1, (int64_t[]){3});
}

static void end_in_planes(gd_graph *graph, const char *name, const char *from) {
    char inputs[64];
    gd_const_s32(graph, "perm", 1, (int64_t[]){4}, (int32_t[]){0, 3, 1, 2});
    snprintf(inputs, sizeof inputs, "%s perm", from);
    gd_node(graph, name, "Transpose", inputs);
}

static void end_in_resize(gd_graph *graph, const char *name, const char *from) {
    char inputs[64];
    gd_const_s32(graph, "sides", 1, (int64_t[]){2}, (int32_t[]){32, 48});
    snprintf(inputs, sizeof inputs, "%s sides", from);
    gd_node(graph, name, "ResizeNearestNeighbor", inputs);
}

/* Scores of two classes: 0 and the one there was. */
static void end_in_pair(gd_graph *graph, const char *name, const char *from) {
    char inputs[64];
    gd_const_f32(graph, "to_pair", 4, (int64_t[]){1, 1, 1, 2}, (float[]){0, 1});
    snprintf(inputs, sizeof inputs, "%s to_pair", from);
    gd_node(graph, name, "Conv2D", inputs);
    gd_attr_ints(graph, "strides", 4, (int64_t[]){1, 1, 1, 1});
    gd_attr_text(graph, "padding", "VALID");
}

static void end_in_softmax(gd_graph *graph, const char *name, const char *from) {
    gd_node(graph, name, "Softmax", from);
}
static void end_in_sigmoid(gd_graph *graph, const char *name, const char *from) {
    gd_node(graph, name, "Sigmoid", from);
}

static const struct {
    const char *name;
    void (*add)(gd_graph *graph, const char *name, const char *from);
} ends[] = {{"sigmoid", end_in_sigmoid}, {"squeeze", end_in_squeeze}, {"planes", end_in_planes},
            {"resize", end_in_resize},   {"pair", end_in_pair},       {"softmax", end_in_softmax}};

static int add_end(gd_graph *graph, const char *end, const char *name, const char *from) {
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
        if (!strcmp(end, ends[i].name)) return ends[i].add(graph, name, from), 0;
    return 2;
}

static int make_mask(const char *path, char **names, int count) {
    char from[16] = "a", name[16];
    int code = 0;
    gd_graph graph;
    gd_init(&graph);
    gd_placeholder(&graph, "x", GD_FLOAT, 4, (int64_t[]){1, -1, -1, 3});
    gd_const_f32(&graph, "w", 4, (int64_t[]){1, 1, 3, 1}, (float[]){1, 1, 1});
    gd_const_f32(&graph, "b", 1, (int64_t[]){1}, (float[]){-1.5f});
    add_layer(&graph, "c", "x");
    gd_node(&graph, "a", "BiasAdd", "c b");
    for (int i = 0; i < count && !code; i++) {
        snprintf(name, sizeof name, i + 1 < count ? "end_%d" : "y", i);
        code = add_end(&graph, names[i], name, from);
        strcpy(from, name);
    }
    qn_bytes bytes = gd_finish(&graph);
    qn_status *status = code ? NULL : qn_file_write_atomic(path, bytes.data, bytes.size);
    gd_deinit(&graph);
    return code ? code : finish(status);
}

static int make_relu(const char *path, const char *name) {
    gd_graph graph;
    gd_init(&graph);
    gd_placeholder(&graph, "x", GD_FLOAT, 4, (int64_t[]){1, SIDE, SIDE, CHANNELS});
    gd_node(&graph, name, "Relu", "x");
    qn_bytes bytes = gd_finish(&graph);
    qn_status *status = qn_file_write_atomic(path, bytes.data, bytes.size);
    gd_deinit(&graph);
    return finish(status);
}

/* The model with another meta text. */
static qn_status *save_with_meta(const qn_model *model, const char *meta, const char *path) {
    qn_buffer file;
    size_t bytes;
    const void *data = qn_model_bytes(model, &bytes);
    qn_buffer_init(&file, NULL);
    qn_status *status = sections_with_meta((qn_bytes){data, bytes}, meta, &file);
    if (!status) status = qn_file_write_atomic(path, file.data, file.size);
    qn_buffer_deinit(&file);
    return status;
}

/* The same as relu, but names that no importer takes, and a meta of its own unless that is NULL. */
static int make_compiled_relu(const char *path, const char *name, const char *meta) {
    qn_network *network = NULL;
    qn_model *model = NULL;
    qn_value *x;
    qn_node *y;
    qn_status *status = qn_network_create(name, NULL, &network);
    if (!status) status = qn_network_add_input(network, "x", QN_DTYPE_F32, 4, (int64_t[]){1, SIDE, SIDE, CHANNELS}, &x);
    if (!status) status = qn_network_add_node(network, "relu", name, NULL, &x, 1, &y);
    if (!status) status = qn_network_mark_output(network, qn_node_get_output(y, 0), NULL);
    if (!status) status = qn_build(network, NULL, NULL, &model);
    if (!status) status = meta ? save_with_meta(model, meta, path) : qn_model_save_file(model, path);
    qn_model_destroy(model);
    qn_network_destroy(network);
    return finish(status);
}

static int make_rows(const char *path, int64_t batch, const char *kind) {
    static const float weights[32] = {1, 0.5f, -0.25f, 2};
    const int is_mean = !strcmp(kind, "mean"), is_shift = !strcmp(kind, "shift"), is_flat = !strcmp(kind, "flat");
    gd_graph graph;
    if (!is_mean && !is_shift && !is_flat && strcmp(kind, "rows") != 0) return 2;
    gd_init(&graph);
    gd_placeholder(&graph, "x", GD_FLOAT, is_flat ? 4 : 2,
                   is_flat ? (int64_t[]){batch, 4, 2, 2} : (int64_t[]){batch, 2});
    if (is_flat) gd_const_s32(&graph, "to", 1, (int64_t[]){2}, (int32_t[]){-1, 16});
    if (is_flat) gd_node(&graph, "flat", "Reshape", "x to");
    gd_const_f32(&graph, "w", 2, (int64_t[]){is_flat ? 16 : 2, 2}, weights);
    gd_node(&graph, is_mean || is_shift ? "m" : "y", "MatMul", is_flat ? "flat w" : "x w");
    if (is_mean) gd_const_s32(&graph, "axes", 1, (int64_t[]){1}, (int32_t[]){0});
    if (is_mean) gd_node(&graph, "y", "Mean", "m axes");
    if (is_shift) gd_placeholder(&graph, "z", GD_FLOAT, 1, (int64_t[]){2});
    if (is_shift) gd_node(&graph, "y", "AddV2", "m z");
    qn_bytes bytes = gd_finish(&graph);
    qn_status *status = qn_file_write_atomic(path, bytes.data, bytes.size);
    gd_deinit(&graph);
    return finish(status);
}

static int make_array(const char *path, const char *dims, const char *numbers_text) {
    static float numbers[NUMBERS_MAX];
    const int count = read_numbers(numbers_text, numbers);
    qn_tensor tensor = {.dtype = QN_DTYPE_F32};
    size_t elems = 1;
    for (char *end; *dims && tensor.rank < QN_MAX_RANK; dims = end + (*end == ',')) {
        tensor.dims[tensor.rank] = strtoll(dims, &end, 10);
        elems *= (size_t)tensor.dims[tensor.rank++];
    }
    float *data = count ? malloc(elems * sizeof *data + 1) : NULL;
    if (!data) return 2;
    for (size_t i = 0; i < elems; i++) data[i] = numbers[i % (size_t)count];
    tensor.data = data;
    qn_status *status = qn_npy_save(path, &tensor);
    free(data);
    return finish(status);
}

int main(int argc, char **argv) {
    if (argc == 5 && !strcmp(argv[1], "layer")) return make_layer(argv[2], argv[3], argv[4]);
    if (argc >= 4 && !strcmp(argv[1], "mask")) return make_mask(argv[2], argv + 3, argc - 3);
    if (argc == 5 && !strcmp(argv[1], "rows")) return make_rows(argv[2], strtoll(argv[3], NULL, 10), argv[4]);
    if (argc == 5 && !strcmp(argv[1], "array")) return make_array(argv[2], argv[3], argv[4]);
    if (argc == 4 && !strcmp(argv[1], "relu")) return make_relu(argv[2], argv[3]);
    if (argc == 4 && !strcmp(argv[1], "compiled-relu")) return make_compiled_relu(argv[2], argv[3], NULL);
    if (argc == 4 && !strcmp(argv[1], "meta")) return make_compiled_relu(argv[2], "y", argv[3]);
    return 2;
}
