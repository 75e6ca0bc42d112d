/* Removes assertions that need no step of their own: those on constants that hold, and those whose condition inference
 * knows as an expression (proven, or in the graph's list of checks, which run when shapes are set). Assertions on data stay
 * and run with the network. */
#include "pass/pass.h"

static int holds(const qn_value *condition) {
    qn_view view = qn_value_view(condition);
    for (int64_t i = 0; i < qn_view_elems(&view); i++)
        if (!qn_view_get_int(&view, i)) return 0;
    return 1;
}

qn_status *qn_pass_drop_asserts(qn_graph *graph) {
    for (qn_node *node = graph->first, *next; node; node = next) {
        next = node->next;
        if (node->op != &qn_op_assert) continue;
        const qn_value *condition = node->inputs[0];
        if (qn_value_is_constant(condition) ? holds(condition) : condition->contents != NULL)
            qn_graph_remove_node(graph, node);
    }
    return NULL;
}
