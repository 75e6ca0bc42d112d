#include "pass/fuse.h"

#include "op/layer.h"

qn_node *qn_match_epilogue(const qn_value *value, int slot) {
    qn_node *node = qn_match_sole_layer(value);
    if (!node || value->type.dtype != QN_DTYPE_F32) return NULL;
    if (slot == QN_EPILOGUE_ADDEND && !node->op->layer->addend) return NULL;
    if (*qn_layer_activation(node->op, node->attrs) != QN_ACTIVATION_NONE) return NULL;
    for (int i = slot; i < node->input_count; i++)
        if (node->inputs[i]) return NULL;
    return node;
}

qn_status *qn_absorb_epilogue(qn_graph *graph, qn_node *last, const qn_node *node, int slot, qn_value *extra,
                              int64_t activation) {
    qn_value *inputs[QN_EPILOGUE_INPUTS] = {0};
    void *attrs = qn_arena_copy(graph->arena, node->attrs, node->op->attrs_bytes);
    if (!attrs) return qn_status_out_of_memory();
    *qn_layer_activation(node->op, attrs) = activation;
    int count = node->input_count;
    for (int i = 0; i < count; i++) inputs[i] = node->inputs[i];
    if (extra) {
        inputs[slot] = extra;
        count = count > slot + 1 ? count : slot + 1;
    }
    return qn_rewrite(graph, last, node->op, attrs, count, inputs);
}
