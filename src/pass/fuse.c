#include "pass/fuse.h"

#include <string.h>

/* Where the activation lives in the attributes of an operator with an epilogue. */
static int64_t *activation_of(const qn_op_def *op, void *attrs) {
    return op == &qn_op_conv2d ? &((qn_conv2d_attrs *)attrs)->activation : &((qn_matmul_attrs *)attrs)->activation;
}

qn_node *qn_match_epilogue(const qn_value *value, int slot) {
    qn_node *node = qn_match_sole_producer(value, &qn_op_conv2d);
    if (!node) node = qn_match_sole_producer(value, &qn_op_matmul);
    if (!node || value->type.dtype != QN_DTYPE_F32) return NULL;
    if (slot == QN_EPILOGUE_ADDEND && node->op != &qn_op_conv2d) return NULL;
    if (*activation_of(node->op, node->attrs) != QN_ACTIVATION_NONE) return NULL;
    for (int i = slot; i < node->input_count; i++)
        if (node->inputs[i]) return NULL;
    return node;
}

qn_status *qn_absorb_epilogue(qn_graph *graph, qn_node *last, const qn_node *node, int slot, qn_value *extra,
                              int64_t activation) {
    qn_value *inputs[QN_EPILOGUE_INPUTS] = {0};
    union {
        qn_conv2d_attrs conv2d;
        qn_matmul_attrs matmul;
    } attrs;
    memcpy(&attrs, node->attrs, node->op->attrs_bytes);
    *activation_of(node->op, &attrs) = activation;
    int count = node->input_count;
    for (int i = 0; i < count; i++) inputs[i] = node->inputs[i];
    if (extra) {
        inputs[slot] = extra;
        count = count > slot + 1 ? count : slot + 1;
    }
    return qn_rewrite(graph, last, node->op, &attrs, count, inputs);
}
