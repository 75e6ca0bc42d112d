#include "graph_eval.h"

/* A view for `value` at the upper bounds of its dims. */
static qn_status *new_view(const qn_graph *graph, qn_arena *arena, const qn_value *value, qn_view *out_view) {
    *out_view = (qn_view){.dtype = value->type.dtype, .rank = value->type.rank};
    for (int i = 0; i < value->type.rank; i++) {
        int64_t low;
        qn_dim_range(graph->dims, value->type.dims[i], &low, &out_view->dims[i]);
        if (out_view->dims[i] > 1 << 20) return QN_ERR(QN_UNSUPPORTED, "value '%s' has no bound", value->name);
    }
    size_t bytes = qn_view_bytes(out_view);
    out_view->data = qn_arena_alloc_aligned(arena, bytes ? bytes : 1, 64);
    return out_view->data ? NULL : qn_status_out_of_memory();
}

static qn_status *eval_node(const qn_graph *graph, qn_arena *arena, const qn_node *node, qn_view *values) {
    qn_view *inputs = QN_ARENA_ARRAY(arena, qn_view, (size_t)node->input_count);
    qn_view *outputs = QN_ARENA_ARRAY(arena, qn_view, (size_t)node->output_count);
    for (int i = 0; i < node->input_count; i++) {
        const qn_value *value = node->inputs[i];
        if (value) inputs[i] = qn_value_is_constant(value) ? qn_value_view(value) : values[value->id];
    }
    for (int i = 0; i < node->output_count; i++) QN_TRY(new_view(graph, arena, node->outputs[i], &outputs[i]));
    qn_eval eval = {.attrs = node->attrs,
                    .input_count = node->input_count,
                    .inputs = inputs,
                    .output_count = node->output_count,
                    .outputs = outputs};
    size_t scratch = node->op->scratch_bytes ? node->op->scratch_bytes(&eval) : 0;
    eval.scratch = qn_arena_alloc_aligned(arena, scratch ? scratch : 1, 64);
    QN_TRY_CTX(node->op->eval(&eval), "%s", node->source ? node->source : node->name);
    for (int i = 0; i < node->output_count; i++) values[node->outputs[i]->id] = outputs[i];
    return NULL;
}

qn_status *graph_eval(const qn_graph *graph, qn_arena *arena, qn_view *values) {
    for (const qn_node *node = graph->first; node; node = node->next) QN_TRY(eval_node(graph, arena, node, values));
    return NULL;
}
