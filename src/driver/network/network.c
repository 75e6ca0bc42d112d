#include "driver/network/network.h"

#include "base/entry.h"
#include "driver/network/print.h"
#include "import/import.h"

#include <string.h>

/* What protobuf allows, and so what TensorFlow can write. */
#define SOURCE_BYTES_MAX ((size_t)INT32_MAX)

void qn_network_options_init(qn_network_options *options) {
    if (!options) return;
    *options = (qn_network_options){.size = sizeof *options};
}

static void forward_warning(void *self, const char *message) {
    const qn_log *log = self;
    if (log && log->write) log->write(log->self, QN_LOG_WARNING, message);
}

/* The caller's inputs as the importer takes them. */
static qn_status *import_inputs(qn_arena *arena, const qn_network_options *options, qn_import_options *out) {
    if (options->input_count && !options->inputs)
        return QN_ERR(QN_INVALID_ARGUMENT, "options: no inputs were given (NULL), but %zu announced",
                      options->input_count);
    if (options->output_count && !options->outputs)
        return QN_ERR(QN_INVALID_ARGUMENT, "options: no outputs were given (NULL), but %zu announced",
                      options->output_count);
    for (size_t i = 0; i < options->output_count; i++)
        if (!options->outputs[i]) return QN_ERR(QN_INVALID_ARGUMENT, "options: output %zu has no name (NULL)", i);
    const char **names = QN_ARENA_ARRAY(arena, const char *, options->input_count);
    qn_import_input_dims *dims = QN_ARENA_ARRAY(arena, qn_import_input_dims, options->input_count);
    if (!names || !dims) return qn_status_out_of_memory();
    for (size_t i = 0; i < options->input_count; i++) {
        const qn_network_input *input = &options->inputs[i];
        if (!input->name) return QN_ERR(QN_INVALID_ARGUMENT, "options: input %zu has no name (NULL)", i);
        names[i] = input->name;
        if (input->rank < 0) continue;
        if (input->rank > QN_MAX_RANK)
            return QN_ERR(QN_INVALID_ARGUMENT, "input '%s': rank %d is above the limit of %d", input->name, input->rank,
                          QN_MAX_RANK);
        dims[i] = (qn_import_input_dims){.given = 1, .rank = input->rank};
        memcpy(dims[i].dims, input->dims, sizeof dims[i].dims);
    }
    out->inputs = names;
    out->input_dims = dims;
    out->input_count = options->input_count;
    return NULL;
}

/* The file's name without folder and ending. */
static const char *graph_name(qn_arena *arena, const char *path) {
    const char *base = strrchr(path, '/');
    base = base ? base + 1 : path;
    const char *dot = strrchr(base, '.');
    return qn_arena_copy_string(arena, base, dot && dot != base ? (size_t)(dot - base) : strlen(base));
}

/* The format that was asked for, or the one that the source has. */
static qn_status *settle_format(const qn_source *source, const char *name, const qn_import_format **out_format) {
    if (name)
        return qn_status_context(qn_import_format_find(&qn_import_formats_known, name, out_format), "%s", source->path);
    return qn_import_recognise(&qn_import_formats_known, source, out_format);
}

static qn_status *import_source(qn_network *network, const qn_network_options *options) {
    const qn_import_format *format;
    qn_source *source = &network->source;
    qn_import_options import = {.outputs = options->outputs,
                                .output_count = options->output_count,
                                .warn = forward_warning,
                                .warn_self = (void *)options->log};
    QN_TRY_CTX(import_inputs(&network->arena, options, &import), "%s", source->path);
    QN_TRY(settle_format(source, options->format, &format));
    network->format = format->name;
    QN_TRY(qn_import_run(format, source, &import, &network->arena, &network->graph));
    network->source_bytes = qn_source_count_bytes(source);
    network->source_hash = qn_source_hash(source);
    network->graph->name = graph_name(&network->arena, source->path);
    if (!network->graph->name) return qn_status_out_of_memory();
    return qn_status_context(qn_graph_infer(network->graph), "%s", source->path);
}

qn_status *qn_network_new(const qn_allocator *allocator, qn_network **out_network) {
    allocator = qn_allocator_or_default(allocator);
    qn_network *network = qn_alloc_zeroed(allocator, 1, sizeof *network, 16);
    if (!network) return qn_status_out_of_memory();
    network->allocator_copy = *allocator;
    network->allocator = &network->allocator_copy;
    qn_arena_init(&network->arena, network->allocator);
    qn_buffer_init(&network->text, network->allocator);
    *out_network = network;
    return NULL;
}

static qn_status *import_any(const char *path, const qn_bytes *bytes, const qn_network_options *options,
                             qn_network **out_network) {
    qn_network_options defaults;
    qn_network_options_init(&defaults);
    if (!options) options = &defaults;
    *out_network = NULL;
    qn_network *network = NULL;
    QN_TRY(qn_network_new(options->allocator, &network));
    qn_status *status = NULL;
    if (bytes)
        qn_source_init_memory(&network->source, *bytes, path, network->allocator);
    else
        status = qn_source_open(path, "a source model", SOURCE_BYTES_MAX, network->allocator, &network->source);
    if (!status) status = import_source(network, options);
    network->source.path = NULL; /* the caller's */
    if (status)
        qn_network_destroy(network);
    else
        *out_network = network;
    return status;
}

qn_status *qn_network_import_file(const char *path, const qn_network_options *options, qn_network **out_network) {
    QN_ENTER();
    QN_REQUIRE_ARG(out_network);
    *out_network = NULL;
    QN_REQUIRE_ARG(path);
    return import_any(path, NULL, options, out_network);
}

qn_status *qn_network_import_memory(const void *data, size_t bytes, const char *name, const qn_network_options *options,
                                    qn_network **out_network) {
    QN_ENTER();
    QN_REQUIRE_ARG(out_network);
    *out_network = NULL;
    QN_REQUIRE_ARRAY(data, bytes);
    QN_REQUIRE_ARG(name);
    qn_bytes view = {data, bytes};
    return import_any(name, &view, options, out_network);
}

void qn_network_destroy(qn_network *network) {
    if (!network) return;
    qn_buffer_deinit(&network->text);
    qn_arena_deinit(&network->arena);
    qn_source_close(&network->source);
    qn_allocator allocator = network->allocator_copy;
    qn_free(&allocator, network);
}

qn_network_info qn_network_get_info(const qn_network *network) {
    if (!network) return (qn_network_info){0};
    const qn_graph *graph = network->graph;
    qn_network_info info = {.name = graph->name,
                            .format = network->format,
                            .input_count = graph->inputs.count,
                            .output_count = graph->outputs.count,
                            .node_count = graph->node_count};
    for (size_t i = 0; i < graph->values.count; i++) {
        const qn_value *value = graph->values.items[i];
        if (!qn_value_is_constant(value) || !value->uses.count || !qn_dtype_size(value->type.dtype)) continue;
        qn_view view = qn_value_view(value);
        info.parameter_count += (size_t)qn_view_elems(&view);
    }
    return info;
}

void qn_network_fill_info(const qn_graph *graph, const qn_value *value, qn_value_info *out_info) {
    *out_info = (qn_value_info){.name = value->name, .dtype = value->type.dtype, .rank = value->type.rank, .alias = -1};
    out_info->location = qn_value_is_constant(value) ? QN_LOCATION_CONSTANT
                         : value->is_input           ? QN_LOCATION_INPUT
                         : value->is_output          ? QN_LOCATION_OUTPUT
                                                     : QN_LOCATION_ARENA;
    out_info->bytes = value->data_bytes;
    for (int i = 0; i < value->type.rank; i++) {
        int64_t low, high;
        qn_dim_range(graph->dims, value->type.dims[i], &low, &high);
        out_info->min_dims[i] = low;
        out_info->max_dims[i] = high;
        out_info->dims[i] = low == high ? low : -1;
        out_info->reasons[i] = "";
        if (!qn_dim_is_symbol(graph->dims, value->type.dims[i])) continue;
        const char *reason = qn_dim_symbol_reason(graph->dims, value->type.dims[i]);
        if (reason) out_info->reasons[i] = reason;
    }
}

static int describe(const qn_graph *graph, qn_value *const *values, size_t count, size_t index,
                    qn_value_info *out_info) {
    if (index >= count) return 0;
    qn_network_fill_info(graph, values[index], out_info);
    return 1;
}

int qn_network_get_input(const qn_network *network, size_t index, qn_value_info *out_info) {
    if (!network || !out_info) return 0;
    return describe(network->graph, network->graph->inputs.items, network->graph->inputs.count, index, out_info);
}

int qn_network_get_output(const qn_network *network, size_t index, qn_value_info *out_info) {
    if (!network || !out_info) return 0;
    return describe(network->graph, network->graph->outputs.items, network->graph->outputs.count, index, out_info);
}

void qn_network_visit_nodes(const qn_network *network, int (*visit)(void *self, const char *name, const char *op),
                            void *self) {
    if (!network || !visit) return;
    for (const qn_node *node = network->graph->first; node; node = node->next)
        if (visit(self, node->name, node->op->name)) return;
}

qn_status *qn_network_print(qn_network *network, qn_graph_format format, const char **out_text) {
    QN_ENTER();
    QN_REQUIRE_ARG(out_text);
    *out_text = "";
    QN_REQUIRE_ARG(network);
    qn_buffer_deinit(&network->text);
    qn_buffer_init(&network->text, network->allocator);
    switch (format) {
    case QN_GRAPH_DOT: qn_print_graph_dot(network->graph, &network->text); break;
    case QN_GRAPH_JSON: qn_print_graph_json(network->graph, &network->text); break;
    default: qn_graph_print(network->graph, 0, &network->text);
    }
    *out_text = qn_buffer_text(&network->text);
    return network->text.failed ? qn_status_out_of_memory() : NULL;
}
