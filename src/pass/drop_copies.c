/* Removes nodes that copy their input unchanged at every shape in range: resizes to the same size, slices of the
 * whole, paddings by nothing, repetitions once, concatenations of one. */
#include "pass/pass.h"
#include "pass/rewrite.h"

/* Are all elements of the control input `value` known to be the number `wanted`? */
static int contents_are(const qn_graph *graph, const qn_value *value, int64_t wanted) {
    int64_t elems = 1, dim, number;
    if (!value->contents) return 0;
    for (int i = 0; i < value->type.rank; i++) {
        if (!qn_dim_is_const(graph->dims, value->type.dims[i], &dim)) return 0;
        elems *= dim;
    }
    for (int64_t i = 0; i < elems; i++)
        if (!qn_dim_is_const(graph->dims, value->contents[i], &number) || number != wanted) return 0;
    return 1;
}

/* Same-size resizes copy whatever the coordinate rule: every rule maps pixel i to i when both sizes agree. */
static int is_copy(const qn_graph *graph, const qn_node *node) {
    if (!node->input_count || !node->output_count || !qn_types_equal(&node->inputs[0]->type, &node->outputs[0]->type))
        return 0;
    const qn_op_def *op = node->op;
    if (op == &qn_op_resize_bilinear || op == &qn_op_resize_nearest) return 1;
    if (op == &qn_op_slice) return contents_are(graph, node->inputs[1], 0);
    if (op == &qn_op_pad) return contents_are(graph, node->inputs[1], 0);
    if (op == &qn_op_tile) return 1;
    return op == &qn_op_concat && node->input_count == 1;
}

qn_status *qn_pass_drop_copies(qn_graph *graph) {
    for (qn_node *node = graph->first, *next; node; node = next) {
        next = node->next;
        if (is_copy(graph, node)) QN_TRY(qn_bypass(graph, node));
    }
    return NULL;
}
