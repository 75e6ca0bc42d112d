#include "driver/compile/refit_source.h"

#include "pass/precision.h"

#include <stdlib.h>
#include <string.h>

enum { WEIGHT_ALIGN = 64 };

/* ---- Weights ---- */

int qn_refit_is_weight(const qn_value *constant, const char **out_reason) {
    const char *unused;
    if (!out_reason) out_reason = &unused;
    *out_reason = NULL;
    qn_dtype dtype = constant->type.dtype;
    if (!constant->data_bytes)
        *out_reason = "it has no elements";
    else if (!qn_dtype_is_float(dtype) && dtype != QN_DTYPE_U8 && dtype != QN_DTYPE_S8)
        *out_reason = "its numbers decide shapes or structure";
    return !*out_reason;
}

static int is_used_weight(const qn_value *value) {
    return qn_value_is_constant(value) && value->uses.count && qn_refit_is_weight(value, NULL);
}

qn_status *qn_refit_source_collect(const qn_graph *graph, qn_arena *arena, qn_bytes *out_weights) {
    size_t bytes = 0, at = 0;
    for (size_t i = 0; i < graph->values.count; i++)
        if (is_used_weight(graph->values.items[i]))
            bytes += qn_align_up(graph->values.items[i]->data_bytes, WEIGHT_ALIGN);
    uint8_t *data = qn_arena_alloc_aligned(arena, bytes, WEIGHT_ALIGN);
    if (!data) return qn_status_out_of_memory();
    if (bytes) memset(data, 0, bytes); /* the gaps too: the same file every time */
    for (size_t i = 0; i < graph->values.count; i++) {
        const qn_value *value = graph->values.items[i];
        if (!is_used_weight(value)) continue;
        memcpy(data + at, value->data, value->data_bytes);
        at += qn_align_up(value->data_bytes, WEIGHT_ALIGN);
    }
    *out_weights = (qn_bytes){data, bytes};
    return NULL;
}

/* Points the weights of a graph into `weights`. */
static qn_status *attach(qn_graph *graph, qn_bytes weights) {
    size_t at = 0;
    for (size_t i = 0; i < graph->values.count; i++) {
        qn_value *value = graph->values.items[i];
        if (!is_used_weight(value)) continue;
        if (value->data_bytes > weights.size - at) return QN_ERR(QN_INVALID_MODEL, "refit: there are too few weights");
        value->data = weights.data + at;
        at += qn_align_up(value->data_bytes, WEIGHT_ALIGN);
        if (at > weights.size) return QN_ERR(QN_INVALID_MODEL, "refit: there are too few weights");
    }
    return at == weights.size ? NULL : QN_ERR(QN_INVALID_MODEL, "refit: there are too many weights");
}

/* ---- Taking down ---- */

/* The graph as text, with zeros for its weights, which print as one element. */
static qn_status *print_without_weights(qn_graph *graph, qn_arena *arena, qn_buffer *text) {
    size_t most = 1;
    for (size_t i = 0; i < graph->values.count; i++)
        if (is_used_weight(graph->values.items[i]) && graph->values.items[i]->data_bytes > most)
            most = graph->values.items[i]->data_bytes;
    const void *zeros = qn_arena_alloc(arena, 1, most);
    const void **kept = QN_ARENA_ARRAY(arena, const void *, graph->values.count + 1);
    if (!zeros || !kept) return qn_status_out_of_memory();
    for (size_t i = 0; i < graph->values.count; i++) {
        kept[i] = graph->values.items[i]->data;
        if (is_used_weight(graph->values.items[i])) graph->values.items[i]->data = zeros;
    }
    qn_graph_print(graph, 1, text);
    for (size_t i = 0; i < graph->values.count; i++) graph->values.items[i]->data = kept[i];
    return text->failed ? qn_status_out_of_memory() : NULL;
}

static json_t *list_precisions(const qn_graph *graph) {
    json_t *object = json_object();
    for (const qn_node *node = graph->first; node; node = node->next) {
        const qn_node_wish *wish = &qn_facts_of(graph, node)->wish;
        if (!wish->dtype) continue;
        json_object_set_new(object, node->name,
                            json_pack("{s:s,s:s,s:b}", "dtype", qn_dtype_name(wish->dtype), "reason",
                                      qn_who_text(wish->who), "kind", wish->is_for_kind));
    }
    return object;
}

static qn_status *make_json(qn_graph *graph, size_t weight_bytes, qn_arena *arena, json_t **out_json) {
    qn_buffer text;
    qn_buffer_init(&text, arena->allocator);
    qn_status *status = print_without_weights(graph, arena, &text);
    *out_json = status ? NULL
                       : json_pack("{s:I,s:o,s:s}", "weight_bytes", (json_int_t)weight_bytes, "precisions",
                                   list_precisions(graph), "graph", qn_buffer_text(&text));
    qn_buffer_deinit(&text);
    if (!status && !*out_json)
        status = QN_ERR(QN_UNSUPPORTED, "enable_refit: a name of the network is no UTF-8, so it cannot be kept");
    return status;
}

qn_status *qn_refit_source_take(qn_graph **inout_graph, qn_arena *arena, qn_refit_source *out) {
    json_t *json;
    QN_TRY(qn_refit_source_collect(*inout_graph, arena, &out->weights));
    QN_TRY(make_json(*inout_graph, out->weights.size, arena, &json));
    char *text = json_dumps(json, JSON_COMPACT | JSON_SORT_KEYS);
    out->json = text ? qn_arena_copy_string(arena, text, strlen(text)) : NULL;
    free(text);
    qn_status *status =
        out->json ? qn_refit_source_read(json, out->weights, arena, inout_graph) : qn_status_out_of_memory();
    json_decref(json);
    return status;
}

/* ---- Reading ---- */

static qn_status *set_precisions(qn_graph *graph, const json_t *json) {
    const char *name;
    json_t *wish;
    json_object_foreach(json_object_get(json, "precisions"), name, wish) {
        qn_node *node = qn_graph_find_node(graph, name);
        const char *dtype = json_string_value(json_object_get(wish, "dtype"));
        const char *reason = json_string_value(json_object_get(wish, "reason"));
        if (!node || !dtype || !reason) return QN_ERR(QN_INVALID_MODEL, "refit: the precision of '%s' is none", name);
        const qn_who who = {QN_ASKER_NAMED, reason};
        int is_kind = json_is_true(json_object_get(wish, "kind"));
        QN_TRY((is_kind ? qn_precision_set_kind : qn_precision_set_node)(graph, node, qn_dtype_from_name(dtype), who));
    }
    return NULL;
}

static qn_status *read_graph(const json_t *json, qn_bytes weights, qn_arena *arena, qn_graph **out_graph) {
    const char *text = json_string_value(json_object_get(json, "graph"));
    if (!text) return QN_ERR(QN_INVALID_MODEL, "refit: there is no graph");
    QN_TRY(qn_graph_parse(arena, text, out_graph));
    QN_TRY(attach(*out_graph, weights));
    QN_TRY(set_precisions(*out_graph, json));
    return qn_graph_infer(*out_graph);
}

qn_status *qn_refit_source_read(const json_t *json, qn_bytes weights, qn_arena *arena, qn_graph **out_graph) {
    qn_status *status = read_graph(json, weights, arena, out_graph);
    qn_code code = qn_status_code(status);
    if (!status || code == QN_OUT_OF_MEMORY || code == QN_INVALID_MODEL) return status;
    qn_status *damaged = QN_ERR(QN_INVALID_MODEL, "refit: %s", qn_status_message(status));
    qn_status_free(status);
    return damaged;
}

/* ---- In a program ---- */

qn_status *qn_refit_source_append(qn_bytes weights, qn_arena *arena, qn_program *program) {
    size_t start = qn_align_up(program->constants.size, WEIGHT_ALIGN);
    uint8_t *data = qn_arena_alloc_aligned(arena, start + weights.size, WEIGHT_ALIGN);
    if (!data) return qn_status_out_of_memory();
    memset(data, 0, start);
    if (program->constants.size) memcpy(data, program->constants.data, program->constants.size);
    if (weights.size) memcpy(data + start, weights.data, weights.size);
    program->constants = (qn_bytes){data, start + weights.size};
    return NULL;
}

qn_status *qn_refit_source_find(const json_t *json, qn_bytes constants, qn_bytes *out_weights) {
    const json_t *bytes = json_object_get(json, "weight_bytes");
    if (!json_is_integer(bytes) || json_integer_value(bytes) < 0 ||
        (uint64_t)json_integer_value(bytes) > constants.size || json_integer_value(bytes) % WEIGHT_ALIGN)
        return QN_ERR(QN_INVALID_MODEL, "refit: the weights are not in the constants");
    size_t size = (size_t)json_integer_value(bytes);
    *out_weights = (qn_bytes){size ? constants.data + (constants.size - size) : constants.data, size};
    return NULL;
}
