/* The stages of one import: read, inline, link, select, convert. */
#include "import/formats.h"
#include "import/tensorflow/importer.h"

#include <string.h>

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
        QN_TRY(qn_site_get_dtype(&site->site, carriers[i], QN_DTYPE_NONE, out_dtype));
    if (*out_dtype == QN_DTYPE_NONE)
        return QN_ERR(QN_INVALID_MODEL, "no attribute tells the element type of this input");
    return NULL;
}

/* Attributes and names of node `index`, for its conversion. */
static qn_tf_site make_site(qn_tf_importer *importer, uint32_t index) {
    const qn_tf_node *node = &importer->source.nodes.items[index];
    qn_tf_state *state = &importer->states[index];
    return (qn_tf_site){.site = {.importer = importer->common,
                                 .node = node->name,
                                 .source_op = node->op,
                                 .read_attr = qn_tf_read_site_attr,
                                 .row = state->row,
                                 .outputs = &state->outputs},
                        .importer = importer,
                        .node = node,
                        .state = state};
}

static qn_status *describe_input(qn_tf_site *site, qn_import_input *input) {
    QN_TRY(port_dtype(site, &input->dtype));
    if (is_op(site->node, "Placeholder") || is_op(site->node, "PlaceholderWithDefault"))
        QN_TRY(qn_site_get_shape(&site->site, "shape", &input->declared));
    return NULL;
}

/* Adds a graph input for one port. */
static qn_status *add_input(qn_tf_importer *importer, const qn_tf_port *port) {
    qn_tf_site site = make_site(importer, port->node);
    qn_import_input input = {.name = qn_site_output_name(&site.site, port->output),
                             .node = site.node->name,
                             .op = site.node->op,
                             .declared = {.rank = -1},
                             .asked = port->dims};
    qn_value *value;
    if (!input.name) return qn_status_out_of_memory();
    QN_TRY_CTX(describe_input(&site, &input), "input '%s' (%s)", input.name, input.op);
    QN_TRY(qn_importer_add_input(importer->common, &input, &value));
    return qn_site_set_output(&site.site, port->output, value);
}

/* ---- Conversion ---- */

/* The values of the inputs that matter, and the names of all. */
static qn_status *gather_inputs(qn_tf_site *tf_site) {
    const qn_tf_importer *importer = tf_site->importer;
    const qn_tf_node *node = tf_site->node;
    qn_site *site = &tf_site->site;
    site->input_count = (int)qn_tf_data_inputs(node);
    site->inputs = QN_ARENA_ARRAY(importer->scratch, qn_value *, (size_t)site->input_count);
    const char **names = QN_ARENA_ARRAY(importer->scratch, const char *, node->input_count);
    if (!site->inputs || !names) return qn_status_out_of_memory();
    for (size_t i = 0; i < node->input_count; i++) names[i] = node->inputs[i].text;
    site->input_names = names;
    for (int i = 0; i < site->input_count; i++) {
        const qn_tf_ref *ref = &node->inputs[i];
        const qn_tf_state *producer = &importer->states[ref->node];
        if ((size_t)ref->output < producer->outputs.count) site->inputs[i] = producer->outputs.items[ref->output];
        if (!site->inputs[i])
            return qn_site_input_context(site, i,
                                         QN_ERR(QN_INVALID_MODEL, "node '%s' (%s) has no output %d here",
                                                importer->source.nodes.items[ref->node].name,
                                                importer->source.nodes.items[ref->node].op, ref->output));
    }
    return NULL;
}

static qn_status *convert_node(qn_tf_site *site) {
    QN_TRY(qn_site_check_input_count(&site->site, site->node->input_count));
    QN_TRY(gather_inputs(site));
    QN_TRY(qn_site_convert(&site->site));
    return qn_tf_warn_unknown_attrs(site);
}

static qn_status *convert_nodes(qn_tf_importer *importer) {
    for (size_t i = 0; i < importer->order.nodes.count; i++) {
        qn_tf_site site = make_site(importer, importer->order.nodes.items[i]);
        if (is_op(site.node, "Placeholder")) continue; /* an input already */
        QN_TRY(qn_site_context(&site.site, convert_node(&site)));
    }
    return NULL;
}

/* ---- Outputs of the graph ---- */

/* The output carries the name it was asked by. */
static qn_status *mark_output(qn_tf_importer *importer, uint32_t index, int output) {
    qn_tf_site site = make_site(importer, index);
    const qn_site_outputs *outputs = site.site.outputs;
    qn_value *value = (size_t)output < outputs->count ? outputs->items[output] : NULL;
    const char *name = qn_site_output_name(&site.site, output);
    if (!name) return qn_status_out_of_memory();
    if (!value)
        return QN_ERR(QN_INVALID_ARGUMENT, "output '%s': node '%s' (%s) has no output %d here", name, site.node->name,
                      site.node->op, output);
    return qn_importer_mark_output(importer->common, name, value);
}

static qn_status *mark_outputs(qn_tf_importer *importer) {
    for (size_t i = 0; i < importer->outputs.count; i++) {
        const qn_tf_port *port = &importer->outputs.items[i];
        const qn_tf_state *state = &importer->states[port->node];
        if (port->output >= 0) QN_TRY(mark_output(importer, port->node, port->output));
        for (int k = 0; port->output < 0 && (size_t)k < state->outputs.count; k++)
            if (state->outputs.items[k]) QN_TRY(mark_output(importer, port->node, k));
    }
    if (!importer->common->graph->outputs.count) return QN_ERR(QN_INVALID_MODEL, "the graph's outputs carry no values");
    return NULL;
}

/* ---- Entry ---- */

qn_status *qn_tf_import(qn_importer *common) {
    qn_tf_importer importer = {.common = common, .options = common->options, .scratch = common->scratch};
    QN_TRY(qn_tf_source_read(common->source->bytes, common->scratch, &importer.source));
    QN_TRY(qn_tf_source_inline(&importer.source));
    QN_TRY(qn_tf_source_link(&importer.source));
    common->taken = &importer.source.node_names;
    QN_TRY(qn_tf_select(&importer));
    QN_TRY(qn_importer_create_graph(common));
    for (size_t i = 0; i < importer.inputs.count; i++) QN_TRY(add_input(&importer, &importer.inputs.items[i]));
    QN_TRY(convert_nodes(&importer));
    return mark_outputs(&importer);
}
