#include "pass/rewrite.h"

#include <assert.h>
#include <string.h>

qn_node *qn_match_sole_producer(const qn_value *value, const qn_op_def *op) {
    qn_node *node = value ? value->producer : NULL;
    return node && node->op == op && value->uses.count == 1 && !value->is_output ? node : NULL;
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

/* `taken` disappears into `node`, and its wishes go over, two at a time where both have one:
 *
 *     node           taken          node's type is then
 *     conv2d: none   relu: F32      F32, if the relu is asked by name; the wish "relu: float32" is for relus alone
 *     conv2d: U8     relu: F32      U8
 *     conv2d: U8     conv2d: F32    F32, if the second is asked by name
 */
static qn_status *take_wishes(qn_graph *graph, const qn_node *node, const qn_node *taken) {
    const qn_node_wish *from = &qn_facts_of(graph, taken)->wish;
    int is_same = taken->op == node->op, is_named = !from->is_for_kind;
    int is_taken = qn_facts_of(graph, node)->wish.dtype ? is_same && is_named : is_same || is_named;
    if (from->dtype && is_taken) QN_TRY(qn_facts_take_dtype(graph, node, taken));
    if (!from->addend && !from->scales[0] && !from->scales[1] && !from->weights) return NULL;
    qn_node_facts *facts;
    QN_TRY(qn_facts_edit(graph, node, &facts));
    if (!facts->wish.addend) facts->wish.addend = from->addend;
    for (int i = 0; i < 2; i++)
        if (!facts->wish.scales[i]) facts->wish.scales[i] = from->scales[i];
    if (!facts->wish.weights) facts->wish.weights = from->weights;
    return NULL;
}

qn_status *qn_add_cast(qn_graph *graph, const char *name, qn_value *value, qn_dtype dtype, qn_node *before,
                       qn_node **out) {
    const qn_cast_attrs attrs = {.dtype = dtype};
    if (!name) return qn_status_out_of_memory();
    return qn_graph_add_node(graph, &qn_op_cast, name, &attrs, 1, &value, before, out);
}

qn_status *qn_rewrite(qn_graph *graph, qn_node *node, const qn_op_def *op, const void *attrs, int input_count,
                      qn_value *const *inputs) {
    QN_LIST(qn_node *) suspects = {0};
    for (int i = 0; i < node->input_count; i++)
        if (node->inputs[i] && node->inputs[i]->producer)
            QN_TRY(QN_LIST_PUSH(graph->arena, &suspects, node->inputs[i]->producer));
    if (node->op != op && qn_facts_of(graph, node)->wish.is_for_kind)
        QN_TRY(qn_facts_ask(graph, node, QN_DTYPE_NONE, (qn_who){QN_ASKER_NOBODY, NULL}, 0));
    QN_TRY(qn_node_become(graph, node, op, attrs, input_count, inputs));
    while (suspects.count) {
        qn_node *suspect = suspects.items[--suspects.count];
        if (!suspect->outputs[0]->producer || qn_node_is_needed(suspect)) continue; /* gone already, or alive */
        for (int i = 0; i < suspect->input_count; i++)
            if (suspect->inputs[i] && suspect->inputs[i]->producer)
                QN_TRY(QN_LIST_PUSH(graph->arena, &suspects, suspect->inputs[i]->producer));
        QN_TRY(take_wishes(graph, node, suspect));
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
