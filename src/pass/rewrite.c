#include "pass/rewrite.h"

#include <assert.h>
#include <string.h>

qn_node *qn_match_producer(const qn_value *value, const qn_op_def *op) {
    return value && value->producer && value->producer->op == op ? value->producer : NULL;
}

qn_node *qn_match_sole_producer(const qn_value *value, const qn_op_def *op) {
    qn_node *node = qn_match_producer(value, op);
    return node && value->uses.count == 1 && !value->is_output ? node : NULL;
}

int64_t qn_value_channels(const qn_value *value) { /* needs no pool: constants are compared through their view */
    if (!qn_value_is_constant(value)) return -1;
    qn_view view = qn_value_view(value);
    return view.rank ? view.dims[view.rank - 1] : 1;
}

qn_node *qn_match_sole_layer(const qn_value *value) {
    const qn_node *node = value ? value->producer : NULL;
    return node && qn_op_is_layer(node->op) ? qn_match_sole_producer(value, node->op) : NULL;
}

qn_node *qn_match_sole_arithmetic(const qn_value *value, qn_arithmetic arithmetic) {
    const qn_node *node = value ? value->producer : NULL;
    return node && node->op->arithmetic == arithmetic ? qn_match_sole_producer(value, node->op) : NULL;
}

int qn_match_channel_constant(const qn_value *value, int64_t channels) {
    if (!value || !qn_value_is_constant(value) || value->type.dtype != QN_DTYPE_F32) return 0;
    qn_view view = qn_value_view(value);
    int64_t elems = qn_view_elems(&view);
    if (elems > QN_CHANNELS_MAX) return 0;
    return elems == 1 || (elems > 0 && elems == channels && view.dims[view.rank - 1] == channels);
}

int qn_match_constant_operand(const qn_node *node, qn_value **out_other, qn_value **out_constant,
                              int *out_constant_index) {
    assert(node->input_count == 2);
    for (int index = 1; index >= 0; index--) {
        qn_value *constant = node->inputs[index], *other = node->inputs[1 - index];
        if (!qn_value_is_constant(constant) || qn_value_is_constant(other)) continue;
        if (!other->type.rank) continue; /* has no channels: a constant of rank 1 would enlarge it */
        if (!qn_types_equal(&other->type, &node->outputs[0]->type)) continue;
        if (!qn_match_channel_constant(constant, qn_value_channels(constant))) continue;
        *out_other = other;
        *out_constant = constant;
        *out_constant_index = index;
        return 1;
    }
    return 0;
}

qn_status *qn_make_channel_constant(qn_graph *graph, const char *name, int64_t channels, qn_value **out_value,
                                    float **out_data) {
    float *data = QN_ARENA_ARRAY(graph->arena, float, (size_t)channels);
    if (!data) return qn_status_out_of_memory();
    *out_data = data;
    qn_view view = {.dtype = QN_DTYPE_F32, .rank = 1, .dims = {channels}, .data = data};
    return qn_graph_add_constant(graph, name, &view, out_value);
}

float qn_channel_constant_at(const qn_value *constant, int64_t channel) {
    return ((const float *)constant->data)[constant->data_bytes == sizeof(float) ? 0 : channel];
}

/* Bytes of a constant up to where it only repeats its last element, which a model says in a few bytes. */
static int64_t told_bytes(const qn_value *value) {
    size_t size = qn_dtype_size(value->type.dtype), bytes = value->data_bytes;
    const uint8_t *data = value->data;
    if (!size) return 0;
    while (bytes > size && !memcmp(data + bytes - size, data + bytes - 2 * size, size)) bytes -= size;
    return (int64_t)bytes;
}

int64_t qn_graph_told_bytes(const qn_graph *graph) {
    int64_t told = 0;
    for (size_t i = 0; i < graph->values.count; i++)
        if (qn_value_is_constant(graph->values.items[i])) told += told_bytes(graph->values.items[i]);
    return told;
}

int qn_types_equal(const qn_type *a, const qn_type *b) {
    if (a->dtype != b->dtype || a->rank != b->rank) return 0;
    for (int i = 0; i < a->rank; i++)
        if (!qn_dim_same(a->dims[i], b->dims[i])) return 0;
    return 1;
}

static void take_precision(qn_node *node, const qn_node *from) {
    node->precision = from->precision;
    node->precision_reason = from->precision_reason;
    node->is_wish_for_kind = from->is_wish_for_kind;
}

/* What is taken in hands its wishes on, unless they are for nodes of its kind. That of a node of the same operator, named
   for itself, comes first. */
static void take_wishes(qn_node *node, const qn_node *taken) {
    int is_same = taken->op == node->op, is_named = !taken->is_wish_for_kind;
    if (taken->precision && (node->precision ? is_same && is_named : is_same || is_named)) take_precision(node, taken);
    if (!node->addend_precision) node->addend_precision = taken->addend_precision;
    for (int i = 0; i < 2; i++)
        if (!node->scales[i]) node->scales[i] = taken->scales[i];
    if (!node->weights) node->weights = taken->weights;
}

qn_status *qn_rewrite(qn_graph *graph, qn_node *node, const qn_op_def *op, const void *attrs, int input_count,
                      qn_value *const *inputs) {
    QN_LIST(qn_node *) suspects = {0};
    for (int i = 0; i < node->input_count; i++)
        if (node->inputs[i] && node->inputs[i]->producer)
            QN_TRY(QN_LIST_PUSH(graph->arena, &suspects, node->inputs[i]->producer));
    if (node->op != op && node->is_wish_for_kind) take_precision(node, &(qn_node){0});
    QN_TRY(qn_node_become(graph, node, op, attrs, input_count, inputs));
    while (suspects.count) {
        qn_node *suspect = suspects.items[--suspects.count];
        if (!suspect->outputs[0]->producer || qn_node_is_needed(suspect)) continue; /* gone already, or alive */
        for (int i = 0; i < suspect->input_count; i++)
            if (suspect->inputs[i] && suspect->inputs[i]->producer)
                QN_TRY(QN_LIST_PUSH(graph->arena, &suspects, suspect->inputs[i]->producer));
        take_wishes(node, suspect);
        qn_graph_remove_node(graph, suspect);
    }
    return NULL;
}

qn_status *qn_bypass(qn_graph *graph, qn_node *node) {
    qn_value *from = node->outputs[0], *to = node->inputs[0];
    if (from->is_output && (to->is_output || !to->producer)) return NULL;
    QN_TRY(qn_graph_replace_value(graph, from, to));
    qn_graph_remove_node(graph, node);
    return NULL;
}
