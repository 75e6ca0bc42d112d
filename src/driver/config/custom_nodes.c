#include "driver/config/custom_nodes.h"

#include "pass/precision.h"

#include <stdio.h>
#include <string.h>

enum { NAMES_MAX = 256 };

/* ---- Types of MagicMind's nodes, which operators bring along ---- */

/* One filter per channel: more than one group, of one channel each. */
static int is_depthwise(const qn_node *node) {
    const qn_conv2d_attrs *attrs = qn_op_is_convolution(node->op) ? node->attrs : NULL;
    const qn_value *weights = attrs ? node->inputs[1] : NULL;
    return weights && attrs->groups > 1 && qn_value_is_constant(weights) && weights->constant_dims[2] == 1;
}

static const char *depthwise_type(const qn_op_def *op) { return op->layer ? op->layer->depthwise_type : NULL; }

static int are_equal(const char *a, const char *b) { return a && !strcmp(a, b); }

static int is_type_name(const char *name) {
    for (size_t i = 0; i < qn_op_count(); i++)
        if (are_equal(qn_op_at(i)->node_type, name) || are_equal(depthwise_type(qn_op_at(i)), name)) return 1;
    return 0;
}

/* Is the node of that type or operator? */
static int is_of_type(const qn_node *node, const char *type) {
    const char *depthwise = depthwise_type(node->op);
    return !strcmp(node->op->name, type) ||
           are_equal(depthwise && is_depthwise(node) ? depthwise : node->op->node_type, type);
}

/* ---- Form ---- */

static qn_status *malformed(const char *origin, const char *path, const char *expected) {
    return QN_ERR(QN_INVALID_ARGUMENT, "%s: key '%s': expected %s", origin, path, expected);
}

static qn_status *unknown_member(const char *origin, const char *path, const char *member, const char *const *known,
                                 size_t count) {
    const char *nearest = qn_text_nearest(member, known, count);
    return QN_ERR(QN_INVALID_ARGUMENT, "%s: key '%s' has no member '%.80s'%s%s%s", origin, path, member,
                  nearest ? "; did you mean '" : "", nearest ? nearest : "", nearest ? "'?" : "");
}

static qn_dtype dtype_of(const char *precision) {
    static const struct {
        const char *name;
        qn_dtype dtype;
    } rows[] = {{"float32", QN_DTYPE_F32}, {"float16", QN_DTYPE_F16}, {"int8", QN_DTYPE_U8}, {"int16", QN_DTYPE_S16}};
    for (size_t i = 0; precision && i < sizeof rows / sizeof *rows; i++)
        if (!strcmp(rows[i].name, precision)) return rows[i].dtype;
    return QN_DTYPE_NONE;
}

static qn_granularity granularity_of(const char *word) {
    if (word && !strcmp(word, "per_tensor")) return QN_GRANULARITY_PER_TENSOR;
    return word && !strcmp(word, "per_axis") ? QN_GRANULARITY_PER_AXIS : QN_GRANULARITY_ANY;
}

/* What "int8" and "int16" mean of weights. */
static qn_dtype weights_of(const char *word) {
    if (word && !strcmp(word, "int8")) return QN_DTYPE_S8;
    return word && !strcmp(word, "int16") ? QN_DTYPE_S16 : QN_DTYPE_NONE;
}

static qn_status *check_input(const json_t *input, int is_weights, const char *path, const char *origin) {
    static const char *const known[] = {"quant_granularity", "type"};
    const char *member;
    json_t *value;
    if (!json_is_object(input) || !json_object_size(input)) return malformed(origin, path, "an object for each input");
    json_object_foreach((json_t *)input, member, value) {
        if (!strcmp(member, "quant_granularity")) {
            if (granularity_of(json_string_value(value)) == QN_GRANULARITY_ANY)
                return malformed(origin, path, "'quant_granularity' per_tensor or per_axis for each input");
        } else if (strcmp(member, "type")) {
            return unknown_member(origin, path, member, known, sizeof known / sizeof *known);
        } else if (!is_weights || !weights_of(json_string_value(value))) {
            return malformed(origin, path, "'type' int8 or int16, and only for input 1, the weights");
        }
    }
    return NULL;
}

static qn_status *check_inputs(const json_t *inputs, const char *path, const char *origin) {
    const char *index;
    json_t *input;
    if (!json_is_object(inputs)) return malformed(origin, path, "'input' to be an object");
    json_object_foreach((json_t *)inputs, index, input) {
        if (strcmp(index, "0") && strcmp(index, "1"))
            return malformed(origin, path, "\"0\" or \"1\" in 'input': the data or the weights");
        QN_TRY(check_input(input, *index == '1', path, origin));
    }
    return NULL;
}

qn_status *qn_custom_nodes_check(const json_t *entry, const char *path, const char *origin) {
    static const char *const known[] = {"precision", "input"};
    const char *member;
    json_t *value;
    if (!json_is_object(entry)) return malformed(origin, path, "an object with 'precision' or 'input'");
    json_object_foreach((json_t *)entry, member, value) {
        if (!strcmp(member, "input"))
            QN_TRY(check_inputs(value, path, origin));
        else if (strcmp(member, "precision"))
            return unknown_member(origin, path, member, known, 2);
        else if (!dtype_of(json_string_value(value)))
            return malformed(origin, path, "'precision' to be float32, float16, int8 or int16");
    }
    return NULL;
}

/* ---- Wishes ---- */

static const qn_who custom_nodes = {QN_ASKER_CUSTOM_NODES, NULL};

static qn_status *apply_to_type(qn_graph *graph, const char *type, qn_dtype dtype, const qn_log *log) {
    size_t met = 0;
    for (qn_node *node = graph->first; node; node = node->next) {
        if (!is_of_type(node, type)) continue;
        met++;
        if (dtype) QN_TRY(qn_precision_set_kind(graph, node, dtype, custom_nodes));
    }
    if (!met && log) {
        char text[NAMES_MAX];
        snprintf(text, sizeof text, "custom_nodes.%.80s: the network has no such node", type);
        log->write(log->self, QN_LOG_WARNING, text);
    }
    return NULL;
}

/* The nearest among operators, types, nodes, inputs and constants. */
static qn_status *unknown_key(const qn_graph *graph, const char *key) {
    size_t count = 0, room = 3 * qn_op_count() + graph->node_count + graph->values.count;
    const char **names = QN_ARENA_ARRAY(graph->arena, const char *, room);
    if (!names) return qn_status_out_of_memory();
    for (size_t i = 0; i < qn_op_count(); i++) {
        const qn_op_def *op = qn_op_at(i);
        if (op->node_type) names[count++] = op->node_type;
        if (depthwise_type(op)) names[count++] = depthwise_type(op);
        names[count++] = op->name;
    }
    for (const qn_node *node = graph->first; node; node = node->next) names[count++] = node->name;
    for (size_t i = 0; i < graph->values.count; i++)
        if (graph->values.items[i]->uses.count) names[count++] = graph->values.items[i]->name;
    const char *nearest = qn_text_nearest(key, names, count);
    return QN_ERR(QN_INVALID_ARGUMENT, "custom_nodes: there is no operator, node or value '%s'%s%s", key,
                  nearest ? "; nearest: " : "", nearest ? nearest : "");
}

static qn_status *apply_to_name(qn_graph *graph, const char *name, qn_dtype dtype) {
    if (!qn_graph_find_node(graph, name) && !qn_graph_find_value(graph, name)) return unknown_key(graph, name);
    return dtype ? qn_precision_set_named(graph, name, dtype, custom_nodes) : NULL;
}

qn_status *qn_custom_nodes_apply(qn_graph *graph, const qn_config *config, const qn_log *log) {
    const json_t *wishes = qn_config_find(config, "custom_nodes");
    for (int names = 0; names < 2; names++) { /* types first */
        const char *key;
        json_t *entry;
        json_object_foreach((json_t *)wishes, key, entry) {
            int is_name = !is_type_name(key) && !qn_op_find(key);
            qn_dtype dtype = dtype_of(json_string_value(json_object_get(entry, "precision")));
            if (is_name != names) continue;
            QN_TRY(names ? apply_to_name(graph, key, dtype) : apply_to_type(graph, key, dtype, log));
        }
    }
    return NULL;
}

static int has_name(const qn_node *node, const char *name) {
    if (!strcmp(node->name, name)) return 1;
    for (int i = 0; i < node->output_count; i++)
        if (!strcmp(node->outputs[i]->name, name)) return 1;
    return 0;
}

/* The word that `member` of input 0 or 1 of a node has; names win over types. NULL: nothing is wished. */
static const char *input_wish(const qn_config *config, const qn_node *node, int input, const char *member) {
    const char *index = input ? "1" : "0", *key, *of_type = NULL, *of_name = NULL;
    json_t *entry;
    json_object_foreach((json_t *)qn_config_find(config, "custom_nodes"), key, entry) {
        const json_t *inputs = json_object_get(json_object_get(entry, "input"), index);
        const char *wish = json_string_value(json_object_get(inputs, member));
        if (!wish) continue;
        if (is_of_type(node, key))
            of_type = wish;
        else if (!is_type_name(key) && !qn_op_find(key) && has_name(node, key))
            of_name = wish;
    }
    return of_name ? of_name : of_type;
}

qn_granularity qn_custom_nodes_granularity(const qn_config *config, const qn_node *node, int input) {
    return granularity_of(input_wish(config, node, input, "quant_granularity"));
}

int qn_custom_nodes_ask_for_bytes(const qn_config *config) {
    const char *key;
    json_t *entry;
    json_object_foreach((json_t *)qn_config_find(config, "custom_nodes"), key, entry) {
        const json_t *inputs = json_object_get(entry, "input");
        const char *type = json_string_value(json_object_get(json_object_get(inputs, "1"), "type"));
        if (weights_of(type) == QN_DTYPE_S8) return 1;
        if (dtype_of(json_string_value(json_object_get(entry, "precision"))) == QN_DTYPE_U8) return 1;
    }
    return 0;
}

qn_dtype qn_custom_nodes_weights(const qn_config *config, const qn_node *node) {
    return weights_of(input_wish(config, node, 1, "type"));
}
