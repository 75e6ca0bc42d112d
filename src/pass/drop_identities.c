/* Removes nodes that hand their input on under another name: identity, and casts to the type the value has. An output
 * of the graph keeps its name; where it would name an input or constant the identity stays. */
#include "pass/pass.h"
#include "pass/rewrite.h"

static int hands_on(const qn_node *node) {
    if (!node->output_count) return 0;
    if (!qn_op_is_view(node->op) && !qn_op_casts(node->op)) return 0;
    return qn_types_equal(&node->inputs[0]->type, &node->outputs[0]->type);
}

qn_status *qn_pass_drop_identities(qn_graph *graph) {
    for (qn_node *node = graph->first, *next; node; node = next) {
        next = node->next;
        if (hands_on(node)) QN_TRY(qn_bypass(graph, node));
    }
    return NULL;
}
