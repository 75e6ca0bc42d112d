/* mutable_shapes - one context, many shapes.
 *
 *     mutable_shapes MODEL.qn SHAPE...        (a shape: 1,96,128,3)
 *
 * Sets one input shape after the other, asks which shapes the outputs will have before anything runs, and runs. Prints
 * a line for each shape; a shape that the model refuses is reported with the model's reason, and the next one is tried.
 * At the end it prints how far the arena grew: it holds the largest shape, not the sum of all.
 *
 * The model has one input and one output. Make MODEL.qn with `quench build GRAPH.pb -o MODEL.qn`.
 *
 * Uses: libquench.
 */
#include <quench/quench.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/* Reads "1,96,128,3". */
static qn_status *parse_shape(const char *text, qn_shape *out_shape) {
    const char *rest = text;
    char *end;
    out_shape->rank = 0;
    do {
        if (out_shape->rank == QN_MAX_RANK)
            return qn_status_create(QN_INVALID_ARGUMENT, "'%s' has more than %d dims", text, QN_MAX_RANK);
        out_shape->dims[out_shape->rank++] = strtoll(rest, &end, 10);
        if (end == rest || (*end && *end != ','))
            return qn_status_create(QN_INVALID_ARGUMENT, "'%s' is no shape, expected for example 1,96,128,3", text);
        rest = end + 1;
    } while (*end);
    return NULL;
}

/* Runs on zeros at the shapes that are set. */
static qn_status *run(const qn_model *model, qn_context *context, const qn_shape *input_shape,
                      const qn_shape *output_shape) {
    const qn_dtype input_dtype = qn_model_input(model, 0)->dtype, output_dtype = qn_model_output(model, 0)->dtype;
    qn_tensor input = {0}, output = {0};
    qn_status *status = qn_tensor_init(input_dtype, input_shape->rank, input_shape->dims, NULL, &input);
    if (!status) status = qn_tensor_init(output_dtype, output_shape->rank, output_shape->dims, NULL, &output);
    if (!status) status = qn_context_run(context, &input, 1, &output, 1);
    qn_tensor_deinit(&output, NULL);
    qn_tensor_deinit(&input, NULL);
    return status;
}

static qn_status *try_shape(const qn_model *model, qn_context *context, const char *text) {
    qn_shape input, output;
    char dims[QN_DIMS_TEXT];
    qn_status *status = parse_shape(text, &input);
    if (status) return status;
    printf("%s %s", qn_model_input(model, 0)->name, qn_dims_print(input.rank, input.dims, dims));
    status = qn_context_set_input_shape(context, 0, input.rank, input.dims);
    if (qn_status_code(status) == QN_INVALID_ARGUMENT) {
        printf(": refused: %s\n", qn_status_message(status));
        qn_status_free(status);
        return NULL;
    }
    if (!status) status = qn_context_get_output_shape(context, 0, &output.rank, output.dims);
    const char *known = "";
    if (qn_status_code(status) == QN_UNAVAILABLE) { /* the size depends on data; what came back is its bound */
        qn_status_free(status);
        status = NULL;
        known = " at most";
    }
    if (status) return status;
    printf(" ->%s %s %s\n", known, qn_model_output(model, 0)->name, qn_dims_print(output.rank, output.dims, dims));
    return run(model, context, &input, &output);
}

static qn_status *try_shapes(const char *path, char **shapes, int count) {
    qn_model *model = NULL;
    qn_engine *engine = NULL;
    qn_context *context = NULL;
    qn_status *status = qn_model_load_file(path, NULL, &model);
    if (!status && (qn_model_get_info(model)->input_count != 1 || qn_model_get_info(model)->output_count != 1))
        status = qn_status_create(QN_UNSUPPORTED, "%s: expected one input and one output", path);
    if (!status) status = qn_engine_create(model, NULL, &engine);
    if (!status) status = qn_context_create(engine, &context);
    for (int i = 0; i < count && !status; i++) status = try_shape(model, context, shapes[i]);
    if (!status) {
        qn_arena_info arena;
        qn_context_get_arena(context, &arena);
        printf("arena: %" PRIu64 " bytes\n", arena.total_bytes);
    }
    qn_context_destroy(context);
    qn_engine_destroy(engine);
    qn_model_destroy(model);
    return status;
}

int main(int argc, char **argv) {
    if (argc < 3) {
        fprintf(stderr, "usage: mutable_shapes MODEL.qn SHAPE...\n");
        return 2;
    }
    qn_status *status = try_shapes(argv[1], argv + 2, argc - 2);
    if (!status) return 0;
    fprintf(stderr, "mutable_shapes: %s\n", qn_status_message(status));
    qn_status_free(status);
    return 1;
}
