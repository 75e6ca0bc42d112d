/* The structure of a graph, checked from scratch: the promises of the functions that edit graphs, on which passes
   rely. */
#include "ir/graph.h"

#define BREACH(...) QN_ERR(QN_INTERNAL, __VA_ARGS__)

enum { NOT_PLACED = 0, PLACED = 1 };

static qn_status *verify_type(const qn_value *value) {
    if (value->type.dtype <= QN_DTYPE_NONE || value->type.dtype >= QN_DTYPE_COUNT)
        return BREACH("value '%s' has no type", value->name);
    if (value->type.rank < 0 || value->type.rank > QN_MAX_RANK)
        return BREACH("value '%s' has rank %d", value->name, value->type.rank);
    return NULL;
}

/* Inputs, constants and outputs of nodes; values of removed nodes are dead. */
static int is_live(const qn_value *value) { return value->is_input || value->data || value->producer; }

static qn_status *verify_uses(const qn_value *value) {
    for (size_t i = 0; i < value->uses.count; i++) {
        qn_use use = value->uses.items[i];
        if (use.index < 0 || use.index >= use.node->input_count || use.node->inputs[use.index] != value)
            return BREACH("value '%s' lists a use by node '%s' that does not exist", value->name, use.node->name);
        if (use.node->slots[use.index] != i)
            return BREACH("node '%s' does not know its place among the uses of '%s'", use.node->name, value->name);
    }
    return NULL;
}

static qn_status *verify_value(const qn_graph *graph, const qn_value *value) {
    if (!is_live(value)) {
        if (value->uses.count || value->is_output) return BREACH("the dead value '%s' is used", value->name);
        return NULL;
    }
    if (qn_graph_find_value(graph, value->name) != value) return BREACH("two values are named '%s'", value->name);
    if ((value->is_input != 0) + (value->data != NULL) + (value->producer != NULL) != 1)
        return BREACH("value '%s' is more than one of input, constant and result", value->name);
    if (value->producer && (value->producer_output >= value->producer->output_count ||
                            value->producer->outputs[value->producer_output] != value))
        return BREACH("value '%s' is no output of node '%s'", value->name, value->producer->name);
    QN_TRY(verify_type(value));
    return verify_uses(value);
}

static qn_status *verify_input(const qn_graph *graph, const qn_node *node, int index) {
    const qn_value *value = node->inputs[index];
    if (!value) {
        if (index < node->op->min_inputs)
            return BREACH("node '%s' (%s) lacks input %d", node->name, node->op->name, index);
        return NULL;
    }
    if (value->id >= graph->values.count || graph->values.items[value->id] != value)
        return BREACH("input %d of node '%s' is a value of another graph", index, node->name);
    if (!is_live(value)) return BREACH("node '%s' reads the dead value '%s'", node->name, value->name);
    uint32_t slot = node->slots[index];
    if (slot >= value->uses.count || value->uses.items[slot].node != node || value->uses.items[slot].index != index)
        return BREACH("value '%s' does not list its use by node '%s'", value->name, node->name);
    if (value->producer && value->producer->mark != PLACED)
        return BREACH("node '%s' stands before '%s', whose result it reads", node->name, value->producer->name);
    return NULL;
}

static qn_status *verify_node(const qn_graph *graph, const qn_node *node) {
    const qn_op_def *op = node->op;
    if (qn_graph_find_node(graph, node->name) != node) return BREACH("two nodes are named '%s'", node->name);
    if (node->input_count < op->min_inputs || (op->max_inputs >= 0 && node->input_count > op->max_inputs))
        return BREACH("node '%s' (%s) has %d inputs", node->name, op->name, node->input_count);
    if (node->output_count != op->outputs)
        return BREACH("node '%s' (%s) has %d outputs", node->name, op->name, node->output_count);
    for (int i = 0; i < node->input_count; i++) QN_TRY(verify_input(graph, node, i));
    for (int i = 0; i < node->output_count; i++)
        if (node->outputs[i]->producer != node || node->outputs[i]->producer_output != i)
            return BREACH("output %d of node '%s' names another producer", i, node->name);
    qn_status *status = qn_attrs_verify(op, node->attrs);
    if (!status) return NULL;
    qn_status *breach = BREACH("node '%s' (%s): %s", node->name, op->name, qn_status_message(status));
    qn_status_free(status);
    return breach;
}

static qn_status *verify_links(const qn_graph *graph) {
    const qn_node *prev = NULL;
    size_t count = 0;
    for (qn_node *node = graph->first; node; prev = node, node = node->next) {
        if (node->prev != prev) return BREACH("node '%s' is linked wrongly", node->name);
        if (++count > graph->node_count)
            return BREACH("the graph has more nodes than the %zu it counts", graph->node_count);
        node->mark = NOT_PLACED;
    }
    if (graph->last != prev) return BREACH("the last node is not the end of the list");
    if (count != graph->node_count) return BREACH("the graph has %zu nodes and counts %zu", count, graph->node_count);
    return NULL;
}

qn_status *qn_graph_verify(const qn_graph *graph) {
    QN_TRY(verify_links(graph));
    for (qn_node *node = graph->first; node; node = node->next) {
        QN_TRY(verify_node(graph, node));
        node->mark = PLACED;
    }
    for (size_t i = 0; i < graph->values.count; i++) QN_TRY(verify_value(graph, graph->values.items[i]));
    for (size_t i = 0; i < graph->inputs.count; i++)
        if (!graph->inputs.items[i]->is_input)
            return BREACH("'%s' is not marked as an input", graph->inputs.items[i]->name);
    for (size_t i = 0; i < graph->outputs.count; i++)
        if (!graph->outputs.items[i]->is_output || !is_live(graph->outputs.items[i]))
            return BREACH("'%s' is not marked as an output", graph->outputs.items[i]->name);
    return NULL;
}
