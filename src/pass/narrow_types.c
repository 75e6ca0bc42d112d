#include "pass/narrow_types.h"

#include "pass/rewrite.h"

#include <math.h>
#include <stdio.h>

typedef struct narrowing {
    qn_graph *graph;
    void (*warn)(void *self, const char *message);
    void *warn_self;
} narrowing;

static qn_dtype narrowed(qn_dtype dtype) {
    switch (dtype) {
    case QN_DTYPE_S64: return QN_DTYPE_S32;
    case QN_DTYPE_U64: return QN_DTYPE_U32;
    case QN_DTYPE_F64: return QN_DTYPE_F32;
    default: return dtype;
    }
}

/* Writes element `i` of `from` into `to`; 0 if it had to be cut. */
static int narrow_element(const qn_view *from, const qn_view *to, int64_t i) {
    if (to->dtype == QN_DTYPE_F32) {
        double value = qn_view_get(from, i);
        qn_view_set(to, i, value);
        return isinf(value) || !isinf(((const float *)to->data)[i]);
    }
    int64_t value = qn_view_get_int(from, i);
    int64_t low = to->dtype == QN_DTYPE_S32 ? INT32_MIN : 0, high = to->dtype == QN_DTYPE_S32 ? INT32_MAX : UINT32_MAX;
    int64_t cut = qn_min_i64(qn_max_i64(value, low), high);
    if (from->dtype == QN_DTYPE_U64 && value < 0) cut = high; /* above INT64_MAX */
    qn_view_set_int(to, i, cut);
    return cut == value;
}

static qn_status *narrow_constant(const narrowing *n, qn_value *value) {
    qn_view from = qn_value_view(value), to = from;
    int64_t elems = qn_view_elems(&from), cut = 0;
    char text[512];
    to.dtype = narrowed(from.dtype);
    to.data = qn_arena_alloc_aligned(n->graph->arena, qn_view_bytes(&to) + 1, 64);
    if (!to.data) return qn_status_out_of_memory();
    for (int64_t i = 0; i < elems; i++) cut += !narrow_element(&from, &to, i);
    value->type.dtype = to.dtype;
    value->data = to.data;
    value->data_bytes = qn_view_bytes(&to);
    value->contents = NULL;
    if (!cut || !n->warn) return NULL;
    snprintf(text, sizeof text,
             "type64to32_conversion: constant '%.200s': %lld of %lld numbers do not fit %s and stop at its ends",
             value->name, (long long)cut, (long long)elems, qn_dtype_name(to.dtype));
    n->warn(n->warn_self, text);
    return NULL;
}

static void narrow_attributes(qn_node *node) {
    for (const qn_attr_def *row = node->op->attrs; row && row->name; row++) {
        if (row->kind != QN_ATTR_DTYPE) continue;
        int64_t *dtype = (int64_t *)((char *)node->attrs + row->offset);
        *dtype = narrowed((qn_dtype)*dtype);
    }
}

/* A cast behind an output that cannot be made narrow; it takes over the name of a result of the network. */
static qn_status *cast_behind(qn_graph *graph, qn_node *node, int output) {
    qn_value *wide = node->outputs[output];
    qn_node *cast;
    QN_TRY(qn_add_cast(graph, wide->name, NULL, narrowed(wide->type.dtype), node->next, &cast));
    cast->source = node->source;
    QN_TRY(qn_graph_replace_value(graph, wide, cast->outputs[0]));
    QN_TRY(qn_node_set_input(graph, cast, 0, wide));
    return qn_node_infer(graph, cast);
}

qn_status *qn_narrow_types(qn_graph *graph, void (*warn)(void *self, const char *message), void *warn_self) {
    const narrowing n = {graph, warn, warn_self};
    for (size_t i = 0; i < graph->values.count; i++) {
        qn_value *value = graph->values.items[i];
        if (narrowed(value->type.dtype) == value->type.dtype) continue;
        if (qn_value_is_constant(value)) {
            QN_TRY(narrow_constant(&n, value));
        } else if (value->is_input) {
            qn_type type = value->type;
            type.dtype = narrowed(type.dtype);
            qn_value_retype_input(value, &type);
        }
    }
    for (qn_node *node = graph->first; node; node = node->next) {
        narrow_attributes(node);
        QN_TRY(qn_node_infer(graph, node));
        for (int i = 0; i < node->output_count; i++)
            if (narrowed(node->outputs[i]->type.dtype) != node->outputs[i]->type.dtype)
                QN_TRY(cast_behind(graph, node, i));
    }
    return qn_graph_infer(graph);
}
