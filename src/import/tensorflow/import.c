/* The stages of one import: read, inline, link, select, convert. */
#include "import/tensorflow/importer.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void qn_tf_warn(const qn_tf_importer *importer, const char *format, ...) {
    if (!importer->options->warn) return;
    qn_buffer text;
    va_list args;
    qn_buffer_init(&text, importer->arena->allocator);
    qn_buffer_printf(&text, "tensorflow: %s: ", importer->file_name);
    va_start(args, format);
    qn_buffer_vprintf(&text, format, args);
    va_end(args);
    importer->options->warn(importer->options->warn_self, qn_buffer_text(&text));
    qn_buffer_deinit(&text);
}

static int is_op(const qn_tf_node *node, const char *op) { return strcmp(node->op, op) == 0; }

/* ---- Inputs of the graph ---- */

/* The element type of the value at which the graph is cut. */
static qn_status *port_dtype(qn_tf_site *site, qn_dtype *out_dtype) {
    static const char *const comparisons[] = {"Equal",        "NotEqual",   "Less",      "LessEqual", "Greater",
                                              "GreaterEqual", "LogicalAnd", "LogicalOr", "LogicalNot"};
    static const char *const carriers[] = {"dtype", "DstT", "output_type", "out_type", "T", "Tparams"};
    *out_dtype = QN_DTYPE_NONE;
    for (size_t i = 0; i < sizeof comparisons / sizeof *comparisons; i++)
        if (is_op(site->node, comparisons[i])) *out_dtype = QN_DTYPE_BOOL;
    if (is_op(site->node, "ResizeBilinear") || is_op(site->node, "CropAndResize")) *out_dtype = QN_DTYPE_F32;
    for (size_t i = 0; i < sizeof carriers / sizeof *carriers && *out_dtype == QN_DTYPE_NONE; i++)
        QN_TRY(qn_tf_get_dtype(site, carriers[i], QN_DTYPE_NONE, out_dtype));
    if (*out_dtype == QN_DTYPE_NONE)
        return QN_ERR(QN_INVALID_MODEL, "no attribute tells the element type of this input");
    return NULL;
}

static qn_status *override_shape(qn_tf_site *site, const qn_import_input_dims *given, qn_tf_shape *inout_shape) {
    qn_tf_shape declared = *inout_shape;
    if (given->rank < 0 || given->rank > QN_MAX_RANK)
        return QN_ERR(QN_INVALID_ARGUMENT, "%d dims are given; at most %d are possible", given->rank, QN_MAX_RANK);
    if (declared.rank > 0 && declared.rank != given->rank)
        return QN_ERR(QN_INVALID_ARGUMENT, "%d dims are given, the graph declares %d", given->rank, declared.rank);
    inout_shape->rank = given->rank;
    for (int i = 0; i < given->rank; i++) {
        int64_t dim = inout_shape->dims[i] = given->dims[i];
        if (dim < -1)
            return QN_ERR(QN_INVALID_ARGUMENT, "dim %d is given as %lld; 0 or more expected, or -1 where it is free", i,
                          (long long)dim);
        if (declared.rank > 0 && declared.dims[i] >= 0 && declared.dims[i] != dim)
            qn_tf_warn(site->importer, "node '%s' (%s): dim %d is declared as %lld; %lld is used as asked",
                       site->node->name, site->node->op, i, (long long)declared.dims[i], (long long)dim);
    }
    return NULL;
}

static qn_status *port_shape(qn_tf_site *site, const qn_tf_port *port, qn_tf_shape *out_shape) {
    int found;
    *out_shape = (qn_tf_shape){.rank = -1};
    if (is_op(site->node, "Placeholder") || is_op(site->node, "PlaceholderWithDefault"))
        QN_TRY(qn_tf_get_shape(site, "shape", out_shape, &found));
    if (port->dims) return override_shape(site, port->dims, out_shape);
    if (out_shape->rank < 0)
        return QN_ERR(QN_INVALID_ARGUMENT,
                      "the graph does not declare the shape of this input; give it: --input "
                      "%s=1,224,224,3 (-1 where a dim is free)",
                      site->node->name);
    return NULL;
}

static qn_status *port_type(qn_tf_site *site, const qn_tf_port *port, const char *name, qn_type *out_type) {
    qn_tf_shape shape;
    QN_TRY(port_dtype(site, &out_type->dtype));
    QN_TRY(port_shape(site, port, &shape));
    qn_dim_pool *dims = site->importer->graph->dims;
    out_type->rank = shape.rank;
    for (int i = 0; i < shape.rank; i++) {
        const char *symbol = qn_arena_printf(site->importer->scratch, "%s.%d", name, i);
        if (!symbol) return qn_status_out_of_memory();
        out_type->dims[i] =
            shape.dims[i] < 0 ? qn_dim_symbol(dims, symbol, 1, QN_DIM_UNBOUNDED) : qn_dim_const(dims, shape.dims[i]);
    }
    return qn_dim_pool_take_status(dims);
}

static qn_tf_site make_site(qn_tf_importer *importer, uint32_t index) {
    return (qn_tf_site){
        .importer = importer, .node = &importer->source.nodes.items[index], .state = &importer->states[index]};
}

qn_status *qn_tf_add_input(qn_tf_importer *importer, const qn_tf_port *port) {
    qn_tf_site site = make_site(importer, port->node);
    qn_type type = {0};
    qn_value *value;
    const char *name = qn_tf_output_name(&site, port->output);
    if (!name) return qn_status_out_of_memory();
    QN_TRY_CTX(port_type(&site, port, name, &type), "input '%s' (%s)", name, site.node->op);
    QN_TRY(qn_graph_add_input(importer->graph, name, &type, &value));
    for (int i = 0; port->dims && i < type.rank; i++)
        if (port->dims->dims[i] >= 0) value->fixed_axes |= 1u << i; /* asked for, not only declared */
    return qn_tf_set_output(&site, port->output, value);
}

/* ---- Conversion ---- */

static qn_status *gather_inputs(qn_tf_site *site) {
    const qn_tf_node *node = site->node;
    site->input_count = (int)qn_tf_data_inputs(node);
    site->inputs = QN_ARENA_ARRAY(site->importer->scratch, qn_value *, (size_t)site->input_count);
    if (!site->inputs) return qn_status_out_of_memory();
    for (int i = 0; i < site->input_count; i++) {
        const qn_tf_ref *ref = &node->inputs[i];
        const qn_tf_state *producer = &site->importer->states[ref->node];
        if ((size_t)ref->output < producer->outputs.count) site->inputs[i] = producer->outputs.items[ref->output];
        if (!site->inputs[i])
            return qn_tf_input_context(site, i,
                                       QN_ERR(QN_INVALID_MODEL, "node '%s' (%s) has no output %d here",
                                              site->importer->source.nodes.items[ref->node].name,
                                              site->importer->source.nodes.items[ref->node].op, ref->output));
    }
    return NULL;
}

static qn_status *convert_node(qn_tf_site *site) {
    const qn_tf_row *row = site->state->row;
    size_t count = site->node->input_count;
    if (count < (size_t)row->min_inputs || (row->max_inputs >= 0 && count > (size_t)row->max_inputs))
        return QN_ERR(QN_INVALID_MODEL, "has %zu inputs, %s%d expected", count,
                      row->min_inputs == row->max_inputs ? ""
                      : count < (size_t)row->min_inputs  ? "at least "
                                                         : "at most ",
                      count < (size_t)row->min_inputs ? row->min_inputs : row->max_inputs);
    QN_TRY(gather_inputs(site));
    site->op = row->op;
    QN_TRY(row->convert(site));
    return qn_tf_warn_unknown_attrs(site);
}

static qn_status *convert_nodes(qn_tf_importer *importer) {
    for (size_t i = 0; i < importer->order.count; i++) {
        qn_tf_site site = make_site(importer, importer->order.items[i]);
        if (is_op(site.node, "Placeholder")) continue; /* an input already */
        qn_status *status = convert_node(&site);
        if (status && site.is_named) return status;
        if (status) return qn_status_context(status, "node '%s' (%s)", site.node->name, site.node->op);
    }
    return NULL;
}

/* ---- Outputs of the graph ---- */

/* The output carries the name it was asked by: a value that was passed through gets an identity of that name. */
static qn_status *mark_output(qn_tf_importer *importer, uint32_t index, int output) {
    qn_tf_site site = make_site(importer, index);
    qn_value *value = (size_t)output < site.state->outputs.count ? site.state->outputs.items[output] : NULL;
    const char *name = qn_tf_output_name(&site, output);
    if (!name) return qn_status_out_of_memory();
    if (!value)
        return QN_ERR(QN_INVALID_ARGUMENT, "output '%s': node '%s' (%s) has no output %d here", name, site.node->name,
                      site.node->op, output);
    if (strcmp(value->name, name) != 0) {
        qn_node *node;
        QN_TRY(qn_graph_add_node(importer->graph, &qn_op_identity, name, NULL, 1, &value, NULL, &node));
        QN_TRY(qn_node_infer(importer->graph, node));
        value = node->outputs[0];
    }
    return qn_graph_mark_output(importer->graph, value);
}

static qn_status *mark_outputs(qn_tf_importer *importer) {
    for (size_t i = 0; i < importer->outputs.count; i++) {
        const qn_tf_port *port = &importer->outputs.items[i];
        const qn_tf_state *state = &importer->states[port->node];
        if (port->output >= 0) QN_TRY(mark_output(importer, port->node, port->output));
        for (int k = 0; port->output < 0 && (size_t)k < state->outputs.count; k++)
            if (state->outputs.items[k]) QN_TRY(mark_output(importer, port->node, k));
    }
    if (!importer->graph->outputs.count) return QN_ERR(QN_INVALID_MODEL, "the graph's outputs carry no values");
    return NULL;
}

/* ---- Entry ---- */

static qn_status *run_import(qn_tf_importer *importer, qn_bytes bytes) {
    QN_TRY(qn_tf_source_read(bytes, importer->scratch, &importer->source));
    QN_TRY(qn_tf_source_inline(&importer->source));
    QN_TRY(qn_tf_source_link(&importer->source));
    QN_TRY(qn_tf_select(importer));
    const char *slash = strrchr(importer->file_name, '/');
    importer->graph = qn_graph_create(importer->arena, slash ? slash + 1 : importer->file_name);
    if (!importer->graph) return qn_status_out_of_memory();
    for (size_t i = 0; i < importer->inputs.count; i++) QN_TRY(qn_tf_add_input(importer, &importer->inputs.items[i]));
    QN_TRY(convert_nodes(importer));
    QN_TRY(mark_outputs(importer));
    qn_graph_remove_dead(importer->graph);
    return NULL;
}

qn_status *qn_import_tensorflow(qn_bytes bytes, const char *file_name, const qn_import_options *options,
                                qn_arena *arena, qn_graph **out_graph) {
    static const qn_import_options defaults;
    qn_arena scratch;
    qn_arena_init(&scratch, arena->allocator);
    qn_tf_importer importer = {
        .file_name = file_name, .options = options ? options : &defaults, .arena = arena, .scratch = &scratch};
    *out_graph = NULL;
    qn_status *status = qn_status_context(run_import(&importer, bytes), "tensorflow: %s", file_name);
    qn_arena_deinit(&scratch);
    /* Nodes know their source by now, and messages of inference begin with it. */
    if (!status) status = qn_status_context(qn_graph_infer(importer.graph), "%s", file_name);
    if (!status) *out_graph = importer.graph;
    return status;
}
