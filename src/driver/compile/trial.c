#include "driver/compile/trial.h"

#include "driver/compile/compile.h"

#include <string.h>

static qn_status *compile(const qn_graph *graph, const qn_trial_options *options, qn_arena *arena, qn_buffer *file) {
    qn_graph *copy;
    qn_build_options build;
    qn_progress silent = {0};
    qn_build_options_init(&build);
    QN_TRY(qn_graph_copy(graph, arena, &copy));
    if (options->first <= options->last)
        QN_TRY(qn_compile_passes(copy, options->config, &build, &silent, options->first, options->last));
    return qn_compile_program(copy, "{}", (qn_bytes){0}, NULL, file);
}

int qn_trial_ask(qn_trial *trial) {
    trial->is_cancelled = qn_cancel_is_asked(&trial->cancel);
    return trial->is_cancelled;
}

/* An observer that only asks whether to go on. */
static int ask(void *self, const char *name, const qn_tensor *tensor) {
    (void)name, (void)tensor;
    return qn_trial_ask(self);
}

static qn_status *load(qn_trial *trial, const qn_buffer *file, const qn_executor *executor) {
    qn_model_options model;
    qn_engine_options engine;
    qn_model_options_init(&model);
    qn_engine_options_init(&engine);
    model.allocator = engine.allocator = trial->allocator;
    engine.executor = executor;
    QN_TRY(qn_model_load_memory(file->data, file->size, QN_MEMORY_COPY, &model, &trial->model));
    QN_TRY(qn_engine_create(trial->model, &engine, &trial->engine));
    QN_TRY(qn_context_create(trial->engine, &trial->context));
    return trial->cancel.is_asked ? qn_context_set_observer(trial->context, ask, trial) : NULL;
}

static qn_status *make_tables(qn_trial *trial) {
    const qn_model_info *info = qn_model_get_info(trial->model);
    trial->input_count = info->input_count;
    trial->output_count = info->output_count;
    trial->outputs = qn_alloc_zeroed(trial->allocator, info->output_count, sizeof *trial->outputs, 16);
    trial->output_bytes = qn_alloc_zeroed(trial->allocator, info->output_count, sizeof *trial->output_bytes, 16);
    trial->shapes = qn_alloc_zeroed(trial->allocator, info->input_count, sizeof *trial->shapes, 16);
    return trial->outputs && trial->output_bytes && trial->shapes ? NULL : qn_status_out_of_memory();
}

qn_status *qn_trial_create(qn_trial *trial, const qn_graph *graph, const qn_trial_options *options) {
    qn_arena arena;
    qn_buffer file;
    *trial = (qn_trial){.allocator = qn_allocator_or_default(options->allocator), .cancel = graph->cancel};
    qn_arena_init(&arena, trial->allocator);
    qn_buffer_init(&file, trial->allocator);
    qn_status *status = compile(graph, options, &arena, &file);
    qn_arena_deinit(&arena);
    if (!status) status = load(trial, &file, options->executor);
    qn_buffer_deinit(&file);
    return status ? status : make_tables(trial);
}

void qn_trial_destroy(qn_trial *trial) {
    qn_context_destroy(trial->context);
    qn_engine_destroy(trial->engine);
    qn_model_destroy(trial->model);
    for (size_t i = 0; trial->outputs && i < trial->output_count; i++)
        qn_free(trial->allocator, trial->outputs[i].data);
    qn_free(trial->allocator, trial->outputs);
    qn_free(trial->allocator, trial->output_bytes);
    qn_free(trial->allocator, trial->shapes);
    *trial = (qn_trial){0};
}

/* ---- Running ---- */

static int shapes_are_set(const qn_trial *trial, const qn_tensor *inputs) {
    if (!trial->has_shapes) return 0;
    for (size_t i = 0; i < trial->input_count; i++)
        if (trial->shapes[i].rank != inputs[i].rank ||
            memcmp(trial->shapes[i].dims, inputs[i].dims, (size_t)inputs[i].rank * sizeof inputs[i].dims[0]))
            return 0;
    return 1;
}

/* The shape of an output at the shapes that are set, and room for it. */
static qn_status *make_room(qn_trial *trial, size_t index) {
    qn_tensor *out = &trial->outputs[index];
    const qn_value_info *info = qn_model_output(trial->model, index);
    int64_t bytes = (int64_t)qn_dtype_size(info->dtype);
    *out = (qn_tensor){.dtype = info->dtype, .data = out->data};
    qn_status *status = qn_context_get_output_shape(trial->context, index, &out->rank, out->dims);
    if (status && qn_status_code(status) != QN_UNAVAILABLE) return status;
    qn_status_free(status); /* UNAVAILABLE: the run will tell, and this is an upper bound */
    for (int axis = 0; axis < out->rank; axis++)
        if (!qn_checked_mul_i64(bytes, out->dims[axis], &bytes))
            return QN_ERR(QN_LIMIT, "output '%s' is larger than memory can be", info->name);
    if ((uint64_t)bytes <= trial->output_bytes[index] && out->data) return NULL;
    qn_free(trial->allocator, out->data);
    out->data = qn_alloc_zeroed(trial->allocator, (size_t)bytes + 1, 1, 64);
    trial->output_bytes[index] = out->data ? (uint64_t)bytes : 0;
    return out->data ? NULL : qn_status_out_of_memory();
}

static qn_status *set_shapes(qn_trial *trial, const qn_tensor *inputs) {
    for (size_t i = 0; i < trial->input_count; i++) {
        const qn_value_info *info = qn_model_input(trial->model, i);
        if (inputs[i].dtype != info->dtype || inputs[i].rank < 0 || inputs[i].rank > QN_MAX_RANK)
            return QN_ERR(QN_INVALID_ARGUMENT, "input '%s' takes %s of rank %d", info->name, qn_dtype_name(info->dtype),
                          info->rank);
        trial->shapes[i].rank = inputs[i].rank;
        memcpy(trial->shapes[i].dims, inputs[i].dims, sizeof trial->shapes[i].dims);
    }
    trial->has_shapes = 0;
    QN_TRY(qn_context_set_input_shapes(trial->context, trial->shapes, trial->input_count));
    trial->has_shapes = 1;
    return NULL;
}

qn_status *qn_trial_run(qn_trial *trial, const qn_tensor *inputs) {
    if (!shapes_are_set(trial, inputs)) QN_TRY(set_shapes(trial, inputs));
    for (size_t i = 0; i < trial->output_count; i++) QN_TRY(make_room(trial, i));
    qn_status *status = qn_context_run(trial->context, inputs, trial->input_count, trial->outputs, trial->output_count);
    if (!trial->is_cancelled) return status;
    qn_status_free(status);
    return QN_ERR(QN_CANCELLED, "cancelled");
}
