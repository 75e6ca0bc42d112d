#include "ir/graph.h"

#include <assert.h>
#include <string.h>

/* The operands of a node as its card is asked about them; `views` holds them. */
static qn_eval look_at_operands(const qn_graph *graph, const qn_node *node, qn_view *views) {
    /* Inputs beyond QN_AXES_CONTROLS_MAX, say of a concat, have the axes of those before. */
    int count = node->input_count < QN_AXES_CONTROLS_MAX ? node->input_count : QN_AXES_CONTROLS_MAX;
    memset(views, 0, QN_AXES_CONTROLS_MAX * sizeof *views);
    for (int i = 0; i < count; i++) {
        const qn_value *value = node->inputs[i];
        if (!value) continue;
        views[i] = (qn_view){.dtype = value->type.dtype, .rank = value->type.rank};
        if (qn_value_is_constant(value)) views[i] = qn_value_view(value);
        for (int axis = 0; axis < value->type.rank; axis++)
            if (!qn_dim_is_const(graph->dims, value->type.dims[axis], &views[i].dims[axis])) views[i].dims[axis] = -1;
    }
    return (qn_eval){.attrs = node->attrs, .input_count = count, .inputs = views};
}

int qn_node_trace_axes(const qn_graph *graph, const qn_node *node, int *out_source) {
    qn_view views[QN_AXES_CONTROLS_MAX];
    const qn_eval operands = look_at_operands(graph, node, views);
    int rank = qn_op_trace_axes(node->op, &operands, out_source);
    assert(rank <= QN_MAX_RANK && node->output_count >= 1);
    return rank == node->outputs[0]->type.rank ? rank : -1;
}

void qn_node_turn_axes(const qn_graph *graph, const qn_node *node, qn_axes_turn *turn) {
    qn_view views[QN_AXES_CONTROLS_MAX];
    const qn_eval operands = look_at_operands(graph, node, views);
    assert(node->op->axes.turn);
    node->op->axes.turn(&operands, turn);
}
