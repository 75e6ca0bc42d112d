/* Common subexpressions: of two nodes with one operator, equal attributes and the same inputs the later one goes.
 * Assertions are left alone. */
#include "pass/pass.h"
#include "pass/rewrite.h"

#include <string.h>

static uint64_t hash_node(const qn_node *node) {
    uint64_t hash = qn_attrs_hash(node->op, node->attrs);
    hash = qn_hash_bytes(&node->op, sizeof node->op, hash);
    for (int i = 0; i < node->output_count; i++)
        hash = qn_hash_bytes(node->outputs[i]->type.dims, (size_t)node->outputs[i]->type.rank * sizeof(qn_dim), hash);
    return qn_hash_bytes(node->inputs, (size_t)node->input_count * sizeof *node->inputs, hash);
}

static int nodes_equal(const qn_node *a, const qn_node *b) {
    if (a->op != b->op || a->input_count != b->input_count || !qn_attrs_equal(a->op, a->attrs, b->attrs)) return 0;
    for (int i = 0; i < a->output_count; i++) /* sizes that depend on data are a symbol of their own for each node */
        if (!qn_types_equal(&a->outputs[i]->type, &b->outputs[i]->type)) return 0;
    return !memcmp(a->inputs, b->inputs, (size_t)a->input_count * sizeof *a->inputs);
}

static int may_merge(const qn_node *node) {
    if (node->op->flags & QN_OP_EFFECT || !node->input_count) return 0;
    for (int i = 0; i < node->output_count; i++)
        if (node->outputs[i]->is_output) return 0;
    return 1;
}

qn_status *qn_pass_merge_equal(qn_graph *graph) {
    size_t slots = 16;
    while (slots < graph->node_count * 2) slots *= 2;
    qn_node **table = QN_ARENA_ARRAY(graph->arena, qn_node *, slots);
    if (!table) return qn_status_out_of_memory();
    for (qn_node *node = graph->first, *next; node; node = next) {
        next = node->next;
        if (!may_merge(node)) continue;
        size_t slot = hash_node(node) & (slots - 1);
        while (table[slot] && !nodes_equal(table[slot], node)) slot = (slot + 1) & (slots - 1);
        if (!table[slot]) {
            table[slot] = node;
            continue;
        }
        for (int i = 0; i < node->output_count; i++)
            QN_TRY(qn_graph_replace_value(graph, node->outputs[i], table[slot]->outputs[i]));
        qn_graph_remove_node(graph, node);
    }
    return NULL;
}
