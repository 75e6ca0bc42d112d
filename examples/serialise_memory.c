/* serialise_memory - from a source model to a running one, without a file in between.
 *
 *     serialise_memory GRAPH.pb SHAPE        (a shape: 1,96,128,3)
 *
 * Reads a TensorFlow frozen graph, compiles it, and takes the bytes of the compiled model: what a program would put
 * into a database, send over a network or link into itself. Then it loads a model from these bytes in place, without a
 * copy of the weights (QN_MEMORY_BORROW), and runs it. The answer is compared with that of the model that was built.
 *
 * The model has one input, of uint8, and one output.
 *
 * Uses: libquench, libquench-compiler.
 */
#include <quench/compiler.h>

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What qn_model_load_memory() borrows must begin at a multiple of this. */
enum { BORROW_ALIGN = 64 };

static qn_status *build(const char *path, qn_model **out_model) {
    qn_network *network = NULL;
    qn_status *status = qn_network_import_file(path, NULL, &network);
    if (!status) status = qn_build(network, NULL, NULL, out_model);
    qn_network_destroy(network);
    if (status) return status;
    const qn_model_info *info = qn_model_get_info(*out_model);
    if (info->input_count != 1 || info->output_count != 1 || qn_model_input(*out_model, 0)->dtype != QN_DTYPE_U8)
        return qn_status_create(QN_UNSUPPORTED, "%s: expected one input, of uint8, and one output", path);
    return NULL;
}

/* The compiled model's bytes in memory of our own; NULL: there is none. */
static void *serialise(const qn_model *model, size_t *out_bytes) {
    const void *data = qn_model_bytes(model, out_bytes);
    size_t rounded = (*out_bytes + BORROW_ALIGN - 1) / BORROW_ALIGN * BORROW_ALIGN;
    void *copy = aligned_alloc(BORROW_ALIGN, rounded);
    if (copy) memcpy(copy, data, *out_bytes);
    return copy;
}

/* Stripes in the shape of "1,96,128,3": a batch of pictures. */
static qn_status *make_input(const char *shape, qn_tensor *out_input) {
    long long n, h, w, c;
    if (sscanf(shape, "%lld,%lld,%lld,%lld", &n, &h, &w, &c) != 4)
        return qn_status_create(QN_INVALID_ARGUMENT, "'%s' is no shape, expected for example 1,96,128,3", shape);
    qn_status *status = qn_tensor_init(QN_DTYPE_U8, 4, (int64_t[]){n, h, w, c}, NULL, out_input);
    uint8_t *pixels = out_input->data;
    for (size_t i = 0; i < qn_tensor_bytes(out_input); i++) pixels[i] = i / 24 % 2 ? 200 : 40;
    return status;
}

/* Runs a model once. The output is the caller's. */
static qn_status *run(qn_model *model, const qn_tensor *input, qn_tensor *out_output) {
    qn_engine *engine = NULL;
    qn_context *context = NULL;
    int rank;
    int64_t dims[QN_MAX_RANK];
    qn_status *status = qn_engine_create(model, NULL, &engine);
    if (!status) status = qn_context_create(engine, &context);
    if (!status) status = qn_context_set_input_shape(context, 0, input->rank, input->dims);
    if (!status) status = qn_context_get_output_shape(context, 0, &rank, dims);
    if (!status) status = qn_tensor_init(qn_model_output(model, 0)->dtype, rank, dims, NULL, out_output);
    if (!status) status = qn_context_run(context, input, 1, out_output, 1);
    qn_context_destroy(context);
    qn_engine_destroy(engine);
    return status;
}

static qn_status *demonstrate(const char *path, const char *shape) {
    qn_model *built = NULL, *loaded = NULL;
    qn_tensor input = {0}, expected = {0}, found = {0};
    size_t bytes = 0;
    void *data = NULL;
    qn_status *status = build(path, &built);
    if (!status) status = make_input(shape, &input);
    if (!status) status = run(built, &input, &expected);
    if (!status) {
        data = serialise(built, &bytes);
        if (!data) status = qn_status_create(QN_OUT_OF_MEMORY, "no memory for the compiled model");
    }
    qn_model_destroy(built); /* from here on only the bytes are left */
    if (!status) status = qn_model_load_memory(data, bytes, QN_MEMORY_BORROW, NULL, &loaded);
    if (!status) status = run(loaded, &input, &found);
    if (!status && (qn_tensor_bytes(&expected) != qn_tensor_bytes(&found) ||
                    memcmp(expected.data, found.data, qn_tensor_bytes(&found))))
        status = qn_status_create(QN_INTERNAL, "the loaded model answers differently from the built one");
    if (!status) printf("%zu bytes of compiled model, borrowed and run: identical answers\n", bytes);
    qn_model_destroy(loaded);
    free(data); /* not before everything made from the bytes is gone */
    qn_tensor_deinit(&found, NULL);
    qn_tensor_deinit(&expected, NULL);
    qn_tensor_deinit(&input, NULL);
    return status;
}

int main(int argc, char **argv) {
    if (argc != 3) {
        fprintf(stderr, "usage: serialise_memory GRAPH.pb SHAPE\n");
        return 2;
    }
    qn_status *status = demonstrate(argv[1], argv[2]);
    if (!status) return 0;
    fprintf(stderr, "serialise_memory: %s\n", qn_status_message(status));
    qn_status_free(status);
    return 1;
}
