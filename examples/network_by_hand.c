/* network_by_hand - an edge detector built node by node, compiled once and run at any size.
 *
 *     network_by_hand SIZE ...        (for example 8 11)
 *
 * The network: gray = mean of the channels of a picture, edges = |Sobel x| + |Sobel y| as one convolution with two
 * outputs, labels = edges > 1. Height and width are free, so the compiled model takes any picture.
 *
 * Uses: libquench, libquench-compiler.
 */
#include <quench/compiler.h>

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

/* Shorter calls: everything goes into one network, and the first failure stays. */
typedef struct builder {
    qn_network *network;
    qn_status *status;
} builder;

static qn_value *constant(builder *b, const char *name, const qn_tensor *tensor) {
    qn_value *value = NULL;
    if (!b->status) b->status = qn_network_add_constant(b->network, name, tensor, &value);
    return value;
}

static qn_value *node(builder *b, const char *op, const char *name, const char *attributes, qn_value *first,
                      qn_value *second) {
    qn_node *made = NULL;
    qn_value *inputs[2] = {first, second};
    if (!b->status) b->status = qn_network_add_node(b->network, op, name, attributes, inputs, second ? 2 : 1, &made);
    return made ? qn_node_get_output(made, 0) : NULL;
}

static qn_status *build(qn_model **out_model) {
    static float mean[3] = {1 / 3.0f, 1 / 3.0f, 1 / 3.0f}, one = 1;
    static float sobel[3][3][2] = {{{-1, -1}, {0, -2}, {1, -1}}, {{-2, 0}, {0, 0}, {2, 0}}, {{-1, 1}, {0, 2}, {1, 1}}};
    static int32_t last = 3;
    const qn_tensor mean_weights = {.dtype = QN_DTYPE_F32, .rank = 4, .dims = {1, 1, 3, 1}, .data = mean};
    const qn_tensor sobel_weights = {.dtype = QN_DTYPE_F32, .rank = 4, .dims = {3, 3, 1, 2}, .data = sobel};
    const qn_tensor threshold = {.dtype = QN_DTYPE_F32, .data = &one};
    const qn_tensor axis = {.dtype = QN_DTYPE_S32, .rank = 1, .dims = {1}, .data = &last};
    const int64_t dims[4] = {1, -1, -1, 3};
    builder b = {NULL, NULL};
    qn_value *x = NULL;
    b.status = qn_network_create("edges", NULL, &b.network);
    if (!b.status) b.status = qn_network_add_input(b.network, "picture", QN_DTYPE_F32, 4, dims, &x);
    qn_value *gray = node(&b, "conv2d", "gray", NULL, x, constant(&b, "mean", &mean_weights));
    qn_value *slopes = node(&b, "conv2d", "slopes", "padding=same_upper", gray, constant(&b, "sobel", &sobel_weights));
    qn_value *strength = node(&b, "reduce_sum", "strength", NULL, node(&b, "abs", "steepness", NULL, slopes, NULL),
                              constant(&b, "channels", &axis));
    qn_value *edges = node(&b, "greater", "edges", NULL, strength, constant(&b, "threshold", &threshold));
    qn_value *labels = node(&b, "cast", "labels", "dtype=u8", edges, NULL);
    if (!b.status) b.status = qn_network_mark_output(b.network, labels, NULL);
    if (!b.status) b.status = qn_build(b.network, NULL, NULL, out_model);
    qn_network_destroy(b.network);
    return b.status;
}

/* Runs on a white square in a black picture of `size` x `size` and prints the labels. */
static qn_status *show(qn_context *context, int64_t size) {
    size_t pixels = (size_t)(size * size);
    float *picture = calloc(pixels * 3, sizeof *picture);
    uint8_t *labels = calloc(pixels, 1);
    qn_status *status = picture && labels ? NULL : qn_status_create(QN_OUT_OF_MEMORY, "no memory for the picture");
    for (int64_t y = 2; !status && y < size - 2; y++)
        for (int64_t i = 2 * 3; i < (size - 2) * 3; i++) picture[y * size * 3 + i] = 1;
    qn_tensor input = {.dtype = QN_DTYPE_F32, .rank = 4, .dims = {1, size, size, 3}, .data = picture};
    qn_tensor output = {.dtype = QN_DTYPE_U8, .rank = 3, .dims = {1, size, size}, .data = labels};
    if (!status) status = qn_context_set_input_shape(context, 0, input.rank, input.dims);
    if (!status) status = qn_context_run(context, &input, 1, &output, 1);
    for (int64_t y = 0; !status && y < size; y++) {
        for (int64_t x = 0; x < size; x++) putchar(labels[y * size + x] ? '#' : '.');
        putchar('\n');
    }
    free(picture);
    free(labels);
    return status;
}

static qn_status *show_all(qn_context *context, int count, char **sizes) {
    qn_status *status = NULL;
    for (int i = 0; !status && i < count; i++) {
        char *end;
        long size = strtol(sizes[i], &end, 10);
        if (end == sizes[i] || *end || size < 1 || size > 200)
            return qn_status_create(QN_INVALID_ARGUMENT, "'%s' is no size, expected 1 to 200", sizes[i]);
        status = show(context, size);
    }
    return status;
}

int main(int argc, char **argv) {
    qn_model *model = NULL;
    qn_engine *engine = NULL;
    qn_context *context = NULL;
    if (argc < 2) {
        fprintf(stderr, "usage: network_by_hand SIZE ...\n");
        return 2;
    }
    qn_status *status = build(&model);
    if (!status) status = qn_engine_create(model, NULL, &engine);
    if (!status) status = qn_context_create(engine, &context);
    if (!status) status = show_all(context, argc - 1, argv + 1);
    qn_context_destroy(context);
    qn_engine_destroy(engine);
    qn_model_destroy(model);
    if (!status) return 0;
    fprintf(stderr, "network_by_hand: %s\n", qn_status_message(status));
    qn_status_free(status);
    return 1;
}
