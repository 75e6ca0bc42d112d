#include "driver/picture/layout.h"

#include "pass/layout.h"

#include <stdlib.h>
#include <string.h>

/* ---- Telling a layout from the graph ---- */

enum { WALK_DEPTH_MAX = 64, PICTURE_RANK = 4 };

/* Axis i of the value at hand is axis axes[i] of the value we ask about; -1: none of its. */
typedef struct order {
    int rank;
    int axes[QN_MAX_RANK];
} order;

static const order plain = {PICTURE_RANK, {0, 1, 2, 3}};

/* Where an operator on NHWC meets the value. The batch may be an axis of its own by then. */
static qn_layout layout_in(const order *at) {
    static const int channels_last[] = {1, 2, 3}, channels_first[] = {2, 3, 1};
    if (at->rank != PICTURE_RANK) return QN_LAYOUT_UNKNOWN;
    if (!memcmp(at->axes + 1, channels_last, sizeof channels_last)) return QN_LAYOUT_NHWC;
    return memcmp(at->axes + 1, channels_first, sizeof channels_first) ? QN_LAYOUT_UNKNOWN : QN_LAYOUT_NCHW;
}

static int works_on_nhwc(const qn_op_def *op) { return op->axes.kind == QN_AXES_NHWC; }

/* The order behind `node`, which reads the value of order `at`; 0 if it does more than keep, permute, add or drop axes. */
static int order_behind(const qn_graph *graph, const qn_node *node, const order *at, order *out) {
    int source[QN_MAX_RANK];
    if (node->output_count != 1 || node->input_count < 1) return 0;
    out->rank = qn_node_trace_axes(graph, node, source);
    const int is_kept = node->op->axes.kind == QN_AXES_KEPT;
    if (out->rank < 0 || (is_kept ? out->rank : node->inputs[0]->type.rank) != at->rank) return 0;
    for (int i = 0; i < out->rank; i++) out->axes[i] = source[i] < 0 ? -1 : at->axes[source[i]];
    return 1;
}

static qn_layout look_down(const qn_graph *graph, const qn_value *value, const order *at, int depth) {
    for (size_t u = 0; u < value->uses.count && depth < WALK_DEPTH_MAX; u++) {
        const qn_use *use = &value->uses.items[u];
        order next;
        if (use->index == 0 && works_on_nhwc(use->node->op)) return layout_in(at);
        if (!order_behind(graph, use->node, at, &next)) continue;
        qn_layout found = look_down(graph, use->node->outputs[0], &next, depth + 1);
        if (found) return found;
    }
    return QN_LAYOUT_UNKNOWN;
}

static qn_layout look_up(const qn_graph *graph, const qn_value *value, const order *at, int depth) {
    const qn_node *node = value->producer;
    int source[QN_MAX_RANK];
    if (!node || depth >= WALK_DEPTH_MAX) return QN_LAYOUT_UNKNOWN;
    if (works_on_nhwc(node->op)) return layout_in(at);
    if (node->output_count != 1 || qn_node_trace_axes(graph, node, source) != PICTURE_RANK) return QN_LAYOUT_UNKNOWN;
    order next = {.rank = PICTURE_RANK, .axes = {-1, -1, -1, -1}};
    for (int i = 0; i < PICTURE_RANK; i++) /* axis i of the result is axis source[i] of its input */
        if (source[i] >= 0 && source[i] < PICTURE_RANK) next.axes[source[i]] = at->axes[i];
    const int count = node->op->axes.kind == QN_AXES_KEPT ? node->input_count : 1;
    for (int i = 0; i < count; i++) {
        const qn_value *input = node->inputs[i];
        if (!input || qn_value_is_constant(input) || input->type.rank != PICTURE_RANK) continue;
        qn_layout found = look_up(graph, input, &next, depth + 1);
        if (found) return found;
    }
    return QN_LAYOUT_UNKNOWN;
}

qn_layout qn_layout_of_input(const qn_graph *graph, const qn_value *input) {
    return input->type.rank == PICTURE_RANK ? look_down(graph, input, &plain, 0) : QN_LAYOUT_UNKNOWN;
}

qn_layout qn_layout_of_output(const qn_graph *graph, const qn_value *output) {
    return output->type.rank == PICTURE_RANK ? look_up(graph, output, &plain, 0) : QN_LAYOUT_UNKNOWN;
}

/* ---- Converting ---- */

/* What the configuration asks of one input or output. */
typedef struct conversion {
    const char *key, *index; /* for messages: "convert_input_layout", "0" */
    const char *src, *dst;
    qn_perm to_source; /* of the transpose from dst to src */
    qn_perm to_wanted; /* and from src to dst */
} conversion;

static void make_perms(conversion *c) {
    c->to_source.rank = c->to_wanted.rank = (int)strlen(c->src);
    for (int i = 0; i < c->to_source.rank; i++) {
        c->to_source.axis[i] = (int)(strchr(c->dst, c->src[i]) - c->dst);
        c->to_wanted.axis[i] = (int)(strchr(c->src, c->dst[i]) - c->src);
    }
}

static qn_status *check_layout(const conversion *c, const char *what, const qn_value *value, qn_layout present) {
    static const char *const names[] = {"", "NHWC", "NCHW"};
    if (value->type.rank != c->to_source.rank)
        return QN_ERR(QN_INVALID_ARGUMENT, "%s.%s: '%s' has %d axes, %s '%s' has %d", c->key, c->index, c->src,
                      c->to_source.rank, what, value->name, value->type.rank);
    if (present && strcmp(names[present], c->src))
        return QN_ERR(QN_INVALID_ARGUMENT, "%s.%s: %s '%s' is %s already, not %s: leave the key out", c->key, c->index,
                      what, value->name, names[present], c->src);
    return NULL;
}

/* The input takes the wanted dims; a transpose at the very front makes of it what the graph expects. */
static qn_status *convert_input(qn_graph *graph, const conversion *c, qn_value *input, int *out_perm) {
    qn_node *node;
    qn_type type = input->type;
    QN_TRY(check_layout(c, "input", input, qn_layout_of_input(graph, input)));
    if (input->is_output)
        return QN_ERR(QN_UNSUPPORTED, "%s.%s: input '%s' is an output too", c->key, c->index, input->name);
    for (int i = 0; i < c->to_wanted.rank; i++) {
        type.dims[i] = input->type.dims[c->to_wanted.axis[i]];
        if (out_perm) out_perm[i] = c->to_wanted.axis[i];
    }
    const char *name = qn_arena_printf(graph->arena, "%s/to_%s", input->name, c->src);
    if (!name) return qn_status_out_of_memory();
    qn_value_retype_input(input, &type);
    QN_TRY(qn_add_transpose(graph, name, input, &c->to_source, graph->first, &node));
    QN_TRY(qn_node_infer(graph, node));
    return qn_graph_insert_after(graph, input, node, node->outputs[0]);
}

/* A transpose at the very end takes over name and mark of the output. */
static qn_status *convert_output(qn_graph *graph, const conversion *c, size_t number) {
    qn_node *node;
    qn_value *output = graph->outputs.items[number];
    QN_TRY(check_layout(c, "output", output, qn_layout_of_output(graph, output)));
    if (output->is_input)
        return QN_ERR(QN_UNSUPPORTED, "%s.%s: output '%s' is an input too", c->key, c->index, output->name);
    const char *promised = output->name, *name = qn_arena_printf(graph->arena, "%s/to_%s", promised, c->dst);
    if (!name) return qn_status_out_of_memory();
    QN_TRY(qn_add_transpose(graph, name, output, &c->to_wanted, NULL, &node));
    QN_TRY(qn_node_infer(graph, node));
    const char *inner = qn_arena_printf(graph->arena, "%s/%s", promised, c->src);
    for (int i = 1; inner && qn_graph_find_value(graph, inner); i++)
        inner = qn_arena_printf(graph->arena, "%s/%s_%d", promised, c->src, i);
    if (!inner) return qn_status_out_of_memory();
    QN_TRY(qn_graph_rename_value(graph, output, inner));
    QN_TRY(qn_graph_rename_value(graph, node->outputs[0], promised));
    qn_graph_replace_output(graph, output, node->outputs[0]);
    return NULL;
}

static qn_status *no_such(const char *key, const char *index, const char *what, size_t count) {
    return QN_ERR(QN_INVALID_ARGUMENT, "%s.%s: the network has %zu %s%s, numbered from 0", key, index, count, what,
                  count == 1 ? "" : "s");
}

qn_status *qn_layouts_convert(qn_graph *graph, const qn_config *config, int (*out_perms)[QN_MAX_RANK]) {
    conversion c = {.key = "convert_input_layout"};
    json_t *wish;
    for (size_t i = 0; out_perms && i < graph->inputs.count; i++)
        for (int axis = 0; axis < QN_MAX_RANK; axis++) out_perms[i][axis] = axis;
    json_object_foreach((json_t *)qn_config_find(config, c.key), c.index, wish) {
        size_t number = strtoul(c.index, NULL, 10);
        if (number >= graph->inputs.count) return no_such(c.key, c.index, "input", graph->inputs.count);
        c.src = json_string_value(json_object_get(wish, "src"));
        c.dst = json_string_value(json_object_get(wish, "dst"));
        make_perms(&c);
        QN_TRY(convert_input(graph, &c, graph->inputs.items[number], out_perms ? out_perms[number] : NULL));
    }
    c.key = "convert_output_layout";
    json_object_foreach((json_t *)qn_config_find(config, c.key), c.index, wish) {
        size_t number = strtoul(c.index, NULL, 10);
        if (number >= graph->outputs.count) return no_such(c.key, c.index, "output", graph->outputs.count);
        c.src = json_string_value(json_object_get(wish, "src"));
        c.dst = json_string_value(json_object_get(wish, "dst"));
        make_perms(&c);
        QN_TRY(convert_output(graph, &c, number));
    }
    return NULL;
}
