#include "ir/graph.h"

#include <assert.h>

int qn_node_trace_axes(const qn_graph *graph, const qn_node *node, int *out_source) {
    qn_view views[QN_AXES_CONTROLS_MAX] = {{0}};
    /* Inputs beyond QN_AXES_CONTROLS_MAX, say of a concat, have the axes of those before. */
    int count = node->input_count < QN_AXES_CONTROLS_MAX ? node->input_count : QN_AXES_CONTROLS_MAX;
    for (int i = 0; i < count; i++) {
        const qn_value *value = node->inputs[i];
        if (!value) continue;
        views[i] = (qn_view){.dtype = value->type.dtype, .rank = value->type.rank};
        if (qn_value_is_constant(value)) views[i] = qn_value_view(value);
        for (int axis = 0; axis < value->type.rank; axis++)
            if (!qn_dim_is_const(graph->dims, value->type.dims[axis], &views[i].dims[axis])) views[i].dims[axis] = -1;
    }
    qn_eval operands = {.attrs = node->attrs, .input_count = count, .inputs = views};
    int rank = qn_op_trace_axes(node->op, &operands, out_source);
    assert(rank <= QN_MAX_RANK && node->output_count >= 1);
    return rank == node->outputs[0]->type.rank ? rank : -1;
}
