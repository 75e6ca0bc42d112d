/* Which nodes a graph needs: outputs, inputs, reachability, order. */
#include "import/tensorflow/importer.h"

#include <string.h>

static const qn_tf_node *node_at(const qn_tf_importer *importer, uint32_t index) {
    return &importer->source.nodes.items[index];
}

static int is_op(const qn_tf_node *node, const char *op) { return strcmp(node->op, op) == 0; }

/* ---- Ports by name ---- */

static const char *suggest(qn_tf_importer *importer, const char *name) {
    const size_t count = importer->source.nodes.count;
    const char **names = QN_ARENA_ARRAY(importer->scratch, const char *, count);
    if (!names) return "";
    for (size_t i = 0; i < count; i++) names[i] = importer->source.nodes.items[i].name;
    return qn_importer_suggest(importer->common, name, names, count);
}

static qn_status *add_port(qn_tf_importer *importer, qn_tf_ports *ports, const char *what, const char *text,
                           const qn_import_input_dims *dims) {
    const char *name;
    qn_tf_port port = {.dims = dims && dims->given ? dims : NULL};
    if (strlen(text) > QN_IMPORT_NAME_BYTES_MAX)
        return QN_ERR(QN_INVALID_ARGUMENT, "the name of an %s is too long", what);
    qn_status *status = qn_tf_parse_ref(importer->scratch, text, &name, &port.output);
    if (status) {
        qn_status_free(status);
        return QN_ERR(QN_INVALID_ARGUMENT, "%s '%s': NAME or NAME:NUMBER expected", what, text);
    }
    int64_t index = qn_tf_source_find(&importer->source, name);
    if (index < 0)
        return QN_ERR(QN_INVALID_ARGUMENT, "%s '%s': the graph has no node '%s'%s", what, text, name,
                      suggest(importer, name));
    port.node = (uint32_t)index;
    for (size_t i = 0; i < ports->count; i++)
        if (ports->items[i].node == port.node && ports->items[i].output == port.output)
            return QN_ERR(QN_INVALID_ARGUMENT, "%s '%s' is named twice", what, text);
    if (ports->count == QN_IMPORT_OUTPUTS_MAX)
        return QN_ERR(QN_LIMIT, "more than %d %ss are named", QN_IMPORT_OUTPUTS_MAX, what);
    return QN_LIST_PUSH(importer->scratch, ports, port);
}

static qn_status *add_named_ports(qn_tf_importer *importer) {
    const qn_import_options *options = importer->options;
    for (size_t i = 0; i < options->input_count; i++) {
        QN_TRY(add_port(importer, &importer->inputs, "input", options->inputs[i],
                        options->input_dims ? &options->input_dims[i] : NULL));
        const qn_tf_port *port = &importer->inputs.items[i];
        if (port->output >= QN_TF_CUT_OUTPUTS_MAX)
            return QN_ERR(QN_LIMIT, "input '%s': only outputs 0 to %d of a node can be inputs", options->inputs[i],
                          QN_TF_CUT_OUTPUTS_MAX - 1);
        importer->states[port->node].cuts |= 1ull << port->output;
    }
    for (size_t i = 0; i < options->output_count; i++)
        QN_TRY(add_port(importer, &importer->outputs, "output", options->outputs[i], NULL));
    return NULL;
}

/* ---- Outputs that nobody named ---- */

/* Ends of a graph that are no results: bookkeeping, constants left over, checks. */
static int is_result(const qn_tf_node *node) {
    static const char *const others[] = {
        "Assert",     "Const",       "NoOp",        "Placeholder", "PlaceholderWithDefault",
        "Print",      "PrintV2",     "SaveV2",      "RestoreV2",   "MergeV2Checkpoints",
        "VariableV2", "VarHandleOp", "WriteSummary"};
    size_t length = strlen(node->op), summary = strlen("Summary");
    if (length >= summary && strcmp(node->op + length - summary, "Summary") == 0) return 0;
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (is_op(node, others[i])) return 0;
    return 1;
}

static qn_status *find_outputs(qn_tf_importer *importer) {
    const qn_tf_source *source = &importer->source;
    for (size_t i = 0; i < source->nodes.count; i++) {
        const qn_tf_node *node = &source->nodes.items[i];
        for (size_t k = 0; k < node->input_count; k++) importer->states[node->inputs[k].node].consumed = 1;
    }
    for (uint32_t i = 0; i < source->nodes.count; i++) {
        if (importer->states[i].consumed || !is_result(node_at(importer, i))) continue;
        if (importer->outputs.count == QN_IMPORT_OUTPUTS_MAX)
            return QN_ERR(QN_LIMIT, "more than %d nodes look like outputs; name those that matter (--output NAME)",
                          QN_IMPORT_OUTPUTS_MAX);
        QN_TRY(QN_LIST_PUSH(importer->scratch, &importer->outputs, ((qn_tf_port){.node = i, .output = -1})));
    }
    if (!importer->outputs.count)
        return QN_ERR(QN_INVALID_MODEL,
                      "every node feeds another one, so no output can be found; name it (--output NAME)");
    return NULL;
}

/* ---- Reachability ---- */

/* A node whose value is needed, or that must merely have run before another one: of the latter only asserts matter. */
typedef struct step {
    uint32_t node;
    int for_value;
} step;

typedef QN_LIST(step) steps;

static int is_cut(const qn_tf_importer *importer, const qn_tf_ref *ref) {
    uint64_t cuts = importer->states[ref->node].cuts;
    return cuts && ref->output >= 0 && ref->output < QN_TF_CUT_OUTPUTS_MAX && (cuts >> ref->output & 1);
}

size_t qn_tf_data_inputs(const qn_tf_node *node) {
    return is_op(node, "Assert") && node->input_count > 1 ? 1 : node->input_count;
}

static qn_tf_ref skip_identities(const qn_tf_importer *importer, qn_tf_ref ref) {
    enum { CHAIN_MAX = 64 };
    for (int i = 0; i < CHAIN_MAX && is_op(node_at(importer, ref.node), "Identity") &&
                    node_at(importer, ref.node)->input_count == 1;
         i++)
        ref = node_at(importer, ref.node)->inputs[0];
    return ref;
}

qn_tf_ref qn_tf_assert_condition(const qn_tf_importer *importer, const qn_tf_node *node) {
    qn_tf_ref condition = skip_identities(importer, node->inputs[0]);
    const qn_tf_node *guard = node_at(importer, condition.node);
    if (!is_op(guard, "Switch") || guard->input_count != 2) return node->inputs[0];
    qn_tf_ref value = skip_identities(importer, guard->inputs[0]),
              predicate = skip_identities(importer, guard->inputs[1]);
    int same = value.node == predicate.node && value.output == predicate.output;
    return same ? value : node->inputs[0];
}

static qn_status *push(qn_tf_importer *importer, steps *stack, uint32_t node, int for_value) {
    const qn_tf_state *state = &importer->states[node];
    if (state->needed || (!for_value && state->walked)) return NULL;
    return QN_LIST_PUSH(importer->scratch, stack, ((step){node, for_value}));
}

static qn_status *need_node(qn_tf_importer *importer, steps *stack, uint32_t index) {
    qn_tf_node *node = &importer->source.nodes.items[index];
    importer->states[index].needed = 1;
    if (is_op(node, "Assert") && node->input_count) node->inputs[0] = qn_tf_assert_condition(importer, node);
    for (size_t i = 0; i < qn_tf_data_inputs(node); i++)
        if (!is_cut(importer, &node->inputs[i])) QN_TRY(push(importer, stack, node->inputs[i].node, 1));
    for (size_t i = 0; i < node->control_count; i++) QN_TRY(push(importer, stack, node->controls[i].node, 0));
    return NULL;
}

static qn_status *walk_node(qn_tf_importer *importer, steps *stack, uint32_t index) {
    const qn_tf_node *node = node_at(importer, index);
    importer->states[index].walked = 1;
    if (is_op(node, "Assert")) return need_node(importer, stack, index);
    for (size_t i = 0; i < node->input_count; i++) QN_TRY(push(importer, stack, node->inputs[i].node, 0));
    for (size_t i = 0; i < node->control_count; i++) QN_TRY(push(importer, stack, node->controls[i].node, 0));
    return NULL;
}

static qn_status *mark_needed(qn_tf_importer *importer) {
    steps stack = {0};
    for (size_t i = 0; i < importer->outputs.count; i++) {
        qn_tf_ref ref = {.node = importer->outputs.items[i].node, .output = importer->outputs.items[i].output};
        importer->states[ref.node].requested = 1;
        if (!is_cut(importer, &ref)) QN_TRY(push(importer, &stack, ref.node, 1));
    }
    while (stack.count) {
        step next = stack.items[--stack.count];
        const qn_tf_state *state = &importer->states[next.node];
        if (state->needed || (!next.for_value && state->walked)) continue;
        QN_TRY(next.for_value ? need_node(importer, &stack, next.node) : walk_node(importer, &stack, next.node));
    }
    return NULL;
}

/* The placeholders that are needed beside the named inputs. */
static qn_status *add_placeholders(qn_tf_importer *importer) {
    for (uint32_t i = 0; i < importer->source.nodes.count; i++) {
        qn_tf_ref ref = {.node = i, .output = 0};
        if (!importer->states[i].needed || !is_op(node_at(importer, i), "Placeholder") || is_cut(importer, &ref))
            continue;
        importer->states[i].cuts = 1;
        if (importer->inputs.count == QN_IMPORT_OUTPUTS_MAX)
            return QN_ERR(QN_LIMIT, "more than %d placeholders are needed", QN_IMPORT_OUTPUTS_MAX);
        QN_TRY(QN_LIST_PUSH(importer->scratch, &importer->inputs, ((qn_tf_port){.node = i})));
    }
    return NULL;
}

/* ---- Unsupported operators ---- */

/* Why no operator of a family is supported, and what the user can do instead. */
static const char *reason_for(const char *op) {
    static const struct {
        const char *prefix, *reason;
    } reasons[] = {
        {"Enter", "control flow"},
        {"Exit", "control flow"},
        {"If", "control flow"},
        {"LoopCond", "control flow"},
        {"Merge", "control flow"},
        {"NextIteration", "control flow"},
        {"StatelessIf", "control flow"},
        {"StatelessWhile", "control flow"},
        {"Switch", "control flow"},
        {"While", "control flow"},
        {"RefSwitch", "control flow"},
        {"TensorArray", "control flow"},
        {"TensorList", "control flow"},
        {"VariableV2", "a variable: freeze the graph first"},
        {"Variable", "a variable: freeze the graph first"},
        {"VarHandleOp", "a variable: freeze the graph first"},
        {"ReadVariableOp", "a variable: freeze the graph first"},
        {"RandomUniform", "random numbers"},
        {"RandomStandardNormal", "random numbers"},
        {"DecodeJpeg", "decoding pictures: start behind it (--input NAME=DIMS)"},
        {"DecodePng", "decoding pictures: start behind it (--input NAME=DIMS)"},
    };
    for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++)
        if (strncmp(op, reasons[i].prefix, strlen(reasons[i].prefix)) == 0) return reasons[i].reason;
    return NULL;
}

static qn_status *check_supported(qn_tf_importer *importer) {
    qn_import_unknown unknown = {.arena = importer->scratch};
    for (uint32_t i = 0; i < importer->source.nodes.count; i++) {
        const qn_tf_node *node = node_at(importer, i);
        if (!importer->states[i].needed) continue;
        importer->states[i].row = qn_import_table_find(&qn_tf_table, node->op, 0);
        if (!importer->states[i].row)
            QN_TRY(qn_import_unknown_add(&unknown, node->op, reason_for(node->op), node->name));
    }
    return qn_import_unknown_status(&unknown);
}

/* ---- Order ---- */

static int find_producer(const void *self, uint32_t node, size_t index, uint32_t *out_producer) {
    const qn_tf_importer *importer = self;
    const qn_tf_node *consumer = node_at(importer, node);
    if (index >= qn_tf_data_inputs(consumer)) return -1;
    *out_producer = consumer->inputs[index].node;
    return !is_cut(importer, &consumer->inputs[index]);
}

static void name_node(const void *self, uint32_t node, const char **out_name, const char **out_op) {
    *out_name = node_at(self, node)->name;
    *out_op = node_at(self, node)->op;
}

/* Asserts come first, so that nothing runs on inputs that they reject. */
static qn_status *order_nodes(qn_tf_importer *importer) {
    qn_import_order *order = &importer->order;
    *order = (qn_import_order){.arena = importer->scratch,
                               .node_count = importer->source.nodes.count,
                               .self = importer,
                               .find_producer = find_producer,
                               .name_node = name_node};
    for (uint32_t i = 0; i < importer->source.nodes.count; i++)
        if (importer->states[i].needed && is_op(node_at(importer, i), "Assert")) QN_TRY(qn_import_order_add(order, i));
    for (size_t i = 0; i < importer->outputs.count; i++)
        if (importer->states[importer->outputs.items[i].node].needed)
            QN_TRY(qn_import_order_add(order, importer->outputs.items[i].node));
    return NULL;
}

qn_status *qn_tf_select(qn_tf_importer *importer) {
    importer->states = QN_ARENA_ARRAY(importer->scratch, qn_tf_state, importer->source.nodes.count);
    if (!importer->states) return qn_status_out_of_memory();
    QN_TRY(add_named_ports(importer));
    if (!importer->outputs.count) QN_TRY(find_outputs(importer));
    QN_TRY(mark_needed(importer));
    QN_TRY(check_supported(importer));
    QN_TRY(add_placeholders(importer));
    return order_nodes(importer);
}
