#include "pass/addition.h"

#include "pass/rewrite.h"

int qn_addition_is(const qn_node *node) {
    if (node->op->arithmetic != QN_ARITHMETIC_ADD) return 0;
    for (int side = 0; side < 2; side++) {
        const qn_value *operand = node->inputs[side];
        if (operand->type.dtype != QN_DTYPE_F32 || !operand->type.rank || qn_value_is_constant(operand)) return 0;
    }
    return qn_types_equal(&node->inputs[0]->type, &node->inputs[1]->type);
}

int qn_addition_is_asked(const qn_graph *graph, const qn_node *node) {
    return qn_addition_is(node) && qn_dtype_is_integer(qn_facts_of(graph, node)->wish.dtype);
}

qn_node *qn_addition_activation(const qn_graph *graph, const qn_node *node) {
    const qn_value *sum = node->outputs[0];
    if (sum->is_output || sum->uses.count != 1) return NULL;
    qn_node *user = sum->uses.items[0].node;
    if (!user->op->activation) return NULL;
    return qn_dtype_is_float(qn_facts_of(graph, user)->wish.dtype) ? NULL : user;
}

qn_outcome qn_addition_obstacle(const qn_graph *graph, const qn_node *node) {
    int64_t channels;
    const qn_type *type = &node->outputs[0]->type;
    if (!qn_addition_is(node)) return (qn_outcome){.why = QN_WHY_ADDITION_FORM};
    if (!qn_dim_is_const(graph->dims, type->dims[type->rank - 1], &channels))
        return (qn_outcome){.why = QN_WHY_CHANNELS_VARY};
    for (int side = 0; side < 2; side++)
        if (!node->inputs[side]->stats)
            return (qn_outcome){.why = QN_WHY_RANGE_MISSING, .name = node->inputs[side]->name};
    return (qn_outcome){.why = QN_WHY_NOTHING};
}

qn_dtype qn_addition_wanted(const qn_graph *graph, const qn_node *node) {
    qn_dtype wish = qn_facts_of(graph, node)->wish.dtype;
    if (wish) return qn_dtype_is_integer(wish) ? wish : QN_DTYPE_NONE;
    const qn_node *activation = qn_addition_activation(graph, node);
    const qn_value *sum = activation ? activation->outputs[0] : node->outputs[0];
    for (int side = 0; side < 2; side++)
        if (!qn_addition_keeps_grid(graph, node->inputs[side], sum)) return QN_DTYPE_NONE;
    return QN_DTYPE_U8;
}

int qn_addition_keeps_grid(const qn_graph *graph, const qn_value *addend, const qn_value *sum) {
    if (graph->integer.dtype != QN_DTYPE_U8 || !addend->stats || !addend->stats->grid) return 0;
    for (size_t i = 0; i < sum->uses.count; i++) {
        const qn_node *user = sum->uses.items[i].node;
        if (!qn_op_rounds_to_grid(user->op) || sum->uses.items[i].index) return 0;
        if (!user->outputs[0]->stats || !user->outputs[0]->stats->grid) return 0;
    }
    return sum->uses.count && !sum->is_output;
}
