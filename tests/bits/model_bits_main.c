/* model_bits [--cpu NAME] MODEL.qn SHAPE... - runs a model of one input at each shape (1,96,128,3) on numbers that are
 * the same on every machine, and prints a hash of the bytes of each output: two machines that print the same compute
 * the same. */
#include <quench/quench.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { OUTPUTS_MAX = 8 };

/* Bytes of an element, 0 for types that no output has. */
static size_t size_of(qn_dtype dtype) {
    switch (dtype) {
    case QN_DTYPE_F16:
    case QN_DTYPE_S16:
    case QN_DTYPE_U16: return 2;
    case QN_DTYPE_F32:
    case QN_DTYPE_S32:
    case QN_DTYPE_U32: return 4;
    case QN_DTYPE_S64:
    case QN_DTYPE_U64: return 8;
    case QN_DTYPE_S8:
    case QN_DTYPE_U8:
    case QN_DTYPE_BOOL: return 1;
    default: return 0;
    }
}

static size_t count_of(const qn_tensor *tensor) {
    size_t count = 1;
    for (int i = 0; i < tensor->rank; i++) count *= (size_t)tensor->dims[i];
    return count;
}

/* Slopes and edges with some noise: something for every channel to do. */
static unsigned char byte_at(size_t i, int64_t width) {
    const size_t x = i / 3 % (size_t)width, y = i / 3 / (size_t)width;
    uint32_t noise = (uint32_t)i * UINT32_C(2654435761);
    noise ^= noise >> 15;
    return (unsigned char)((x * 5 + y * 3 + (i % 3) * 70 + ((x / 16 + y / 24) % 2) * 90 + noise % 24) & 255);
}

static qn_status *fill(qn_tensor *input) {
    const size_t count = count_of(input);
    const int64_t width = input->rank > 2 && input->dims[2] > 0 ? input->dims[2] : 1;
    input->data = malloc(count * 4 + 1);
    if (!input->data) return qn_status_create(QN_OUT_OF_MEMORY, "no memory for the input");
    for (size_t i = 0; i < count; i++) {
        const unsigned char byte = byte_at(i, width);
        if (input->dtype == QN_DTYPE_U8)
            ((unsigned char *)input->data)[i] = byte;
        else if (input->dtype == QN_DTYPE_F32)
            ((float *)input->data)[i] = ((float)byte - 127.5f) / 127.5f;
        else
            return qn_status_create(QN_UNSUPPORTED, "expected an input of bytes or of float32");
    }
    return NULL;
}

static uint64_t hash_of(const unsigned char *bytes, size_t count) {
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < count; i++) hash = (hash ^ bytes[i]) * UINT64_C(0x100000001b3);
    return hash;
}

static void print_output(const qn_model *model, size_t i, const qn_tensor *output) {
    printf("  %s [", qn_model_output(model, i)->name);
    for (int d = 0; d < output->rank; d++) printf("%s%" PRId64, d ? ", " : "", output->dims[d]);
    printf("] %016" PRIx64 "\n", hash_of(output->data, count_of(output) * size_of(output->dtype)));
}

static qn_status *run_at(const qn_model *model, qn_context *context, const char *text) {
    qn_tensor input = {.dtype = qn_model_input(model, 0)->dtype}, outputs[OUTPUTS_MAX] = {0};
    const size_t output_count = qn_model_get_info(model)->output_count;
    for (const char *rest = text; *rest && input.rank < QN_MAX_RANK; rest += strspn(rest, ",")) {
        char *end;
        input.dims[input.rank++] = strtoll(rest, &end, 10);
        if (end == rest) return qn_status_create(QN_INVALID_ARGUMENT, "'%s' is no shape", text);
        rest = end;
    }
    qn_status *status = qn_context_set_input_shape(context, 0, input.rank, input.dims);
    if (!status) status = fill(&input);
    for (size_t i = 0; i < output_count && !status; i++) {
        outputs[i].dtype = qn_model_output(model, i)->dtype;
        status = qn_context_get_output_shape(context, i, &outputs[i].rank, outputs[i].dims);
        if (!status) outputs[i].data = malloc(count_of(&outputs[i]) * size_of(outputs[i].dtype) + 1);
        if (!status && !outputs[i].data) status = qn_status_create(QN_OUT_OF_MEMORY, "no memory for an output");
    }
    if (!status) status = qn_context_run(context, &input, 1, outputs, output_count);
    if (!status) printf("%s\n", text);
    for (size_t i = 0; i < output_count; i++) {
        if (!status) print_output(model, i, &outputs[i]);
        free(outputs[i].data);
    }
    free(input.data);
    return status;
}

static qn_status *run_all(const char *cpu, const char *path, char **shapes) {
    qn_model *model = NULL;
    qn_engine *engine = NULL;
    qn_context *context = NULL;
    qn_engine_options options;
    qn_engine_options_init(&options);
    options.cpu = cpu;
    options.threads = 2;
    qn_status *status = qn_model_load_file(path, NULL, &model);
    if (!status && (qn_model_get_info(model)->input_count != 1 || qn_model_get_info(model)->output_count > OUTPUTS_MAX))
        status = qn_status_create(QN_UNSUPPORTED, "%s: expected one input and %d outputs at most", path, OUTPUTS_MAX);
    if (!status) status = qn_engine_create(model, &options, &engine);
    if (!status) status = qn_context_create(engine, &context);
    for (; *shapes && !status; shapes++) status = run_at(model, context, *shapes);
    qn_context_destroy(context);
    qn_engine_destroy(engine);
    qn_model_destroy(model);
    return status;
}

int main(int argc, char **argv) {
    const char *cpu = NULL;
    if (argc > 2 && !strcmp(argv[1], "--cpu")) cpu = argv[2], argv += 2, argc -= 2;
    if (argc < 3) {
        fprintf(stderr, "usage: model_bits [--cpu NAME] MODEL.qn SHAPE...\n");
        return 2;
    }
    qn_status *status = run_all(cpu, argv[1], argv + 2);
    if (!status) return 0;
    fprintf(stderr, "model_bits: %s\n", qn_status_message(status));
    qn_status_free(status);
    return 1;
}
