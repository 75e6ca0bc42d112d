#include "pass/precision.h"

#include <string.h>

static qn_status *check_dtype(qn_dtype dtype) {
    if (dtype == QN_DTYPE_F16 || dtype == QN_DTYPE_F32 || dtype == QN_DTYPE_U8 || dtype == QN_DTYPE_S16) return NULL;
    return QN_ERR(QN_UNSUPPORTED, "floats are stored in f16, f32, or as integers in u8 or s16, not in %s",
                  qn_dtype_name(dtype));
}

qn_status *qn_precision_set_node(qn_graph *graph, qn_node *node, qn_dtype dtype, qn_who who) {
    QN_TRY(check_dtype(dtype));
    return qn_facts_ask(graph, node, dtype, who, 0);
}

qn_status *qn_precision_set_kind(qn_graph *graph, qn_node *node, qn_dtype dtype, qn_who who) {
    QN_TRY(check_dtype(dtype));
    return qn_facts_ask(graph, node, dtype, who, 1);
}

qn_status *qn_precision_set_value(qn_graph *graph, qn_value *value, qn_dtype dtype, qn_who who) {
    QN_TRY(check_dtype(dtype));
    if (value->producer) return qn_precision_set_node(graph, value->producer, dtype, who);
    for (size_t i = 0; i < value->uses.count; i++)
        QN_TRY(qn_precision_set_node(graph, value->uses.items[i].node, dtype, who));
    return NULL;
}

static qn_status *unknown_name(const qn_graph *graph, const char *name) {
    const char **names = QN_ARENA_ARRAY(graph->arena, const char *, graph->node_count);
    size_t count = 0;
    if (!names) return qn_status_out_of_memory();
    for (const qn_node *node = graph->first; node; node = node->next) names[count++] = node->name;
    const char *nearest = qn_text_nearest(name, names, count);
    return QN_ERR(QN_INVALID_ARGUMENT, "there is no node or value '%s'%s%s", name, nearest ? "; nearest: " : "",
                  nearest ? nearest : "");
}

qn_status *qn_precision_set_named(qn_graph *graph, const char *name, qn_dtype dtype, qn_who who) {
    qn_node *node = qn_graph_find_node(graph, name);
    if (node) return qn_precision_set_node(graph, node, dtype, who);
    qn_value *value = qn_graph_find_value(graph, name);
    return value ? qn_precision_set_value(graph, value, dtype, who) : unknown_name(graph, name);
}

qn_status *qn_precision_set_op(qn_graph *graph, const char *name, qn_dtype dtype, qn_who who) {
    const qn_op_def *op = qn_op_find(name);
    if (!op) return QN_ERR(QN_INVALID_ARGUMENT, "there is no operator '%s'", name);
    for (qn_node *node = graph->first; node; node = node->next)
        if (node->op == op) QN_TRY(qn_precision_set_kind(graph, node, dtype, who));
    return NULL;
}
