/* Removes nodes that copy their input unchanged at every shape in range: resizes to the same size, slices of the
 * whole, paddings by nothing, repetitions once, concatenations of one. */
#include "pass/pass.h"
#include "pass/rewrite.h"

/* Same-size resizes copy whatever the coordinate rule: every rule maps pixel i to i when both sizes agree. */
static int is_copy(const qn_node *node) {
    if (!node->input_count || !node->output_count || !qn_types_equal(&node->inputs[0]->type, &node->outputs[0]->type))
        return 0;
    return (node->op->flags & QN_OP_FITS) != 0;
}

qn_status *qn_pass_drop_copies(qn_graph *graph) {
    for (qn_node *node = graph->first, *next; node; node = next) {
        next = node->next;
        if (is_copy(node)) QN_TRY(qn_bypass(graph, node));
    }
    return NULL;
}
