/* Flipping one node:
 *
 *     %v = transpose(%t, {0, 3, 1, 2})            %y = pad(%t, {0, 0, 1, 1, 2, 2, 0, 0})
 *     %y = pad(%v, {0, 0, 0, 0, 1, 1, 2, 2})      %y/layout = transpose(%y, {0, 3, 1, 2})
 *     ... = f(%y)                                 ... = f(%y/layout)
 *
 * What names axes, in attributes and control inputs, follows. Constants that take part are transposed now. */
#include "pass/layout.h"

#include "op/permute.h"
#include "pass/rewrite.h"

#include <assert.h>
#include <string.h>

enum { READERS_LOOKED_AT_MAX = 256 }; /* for a transpose that is there already */

/* ---- Orders ---- */

qn_perm qn_perm_invert(const qn_perm *perm) {
    qn_perm out = {.rank = perm->rank};
    for (int i = 0; i < perm->rank; i++) out.axis[perm->axis[i]] = i;
    return out;
}

qn_perm qn_perm_compose(const qn_perm *first, const qn_perm *second) {
    qn_perm out = {.rank = second->rank};
    assert(first->rank == second->rank);
    for (int i = 0; i < second->rank; i++) out.axis[i] = first->axis[second->axis[i]];
    return out;
}

int qn_perm_is_identity(const qn_perm *perm) {
    for (int i = 0; i < perm->rank; i++)
        if (perm->axis[i] != i) return 0;
    return 1;
}

int qn_perms_equal(const qn_perm *a, const qn_perm *b) {
    return a->rank == b->rank && !memcmp(a->axis, b->axis, (size_t)a->rank * sizeof *a->axis);
}

int qn_match_transpose(const qn_graph *graph, const qn_node *node, qn_perm *out_perm) {
    if (!node || !qn_op_permutes(node->op) || !node->outputs[0]->producer) return 0; /* gone */
    if (qn_value_is_constant(node->inputs[0]) || !node->inputs[1]->contents) return 0;
    *out_perm = (qn_perm){.rank = node->outputs[0]->type.rank};
    for (int i = 0; i < out_perm->rank; i++) {
        int64_t axis;
        if (!qn_dim_is_const(graph->dims, node->inputs[1]->contents[i], &axis)) return 0;
        out_perm->axis[i] = (int)axis;
    }
    return 1;
}

static qn_status *make_ints(qn_graph *graph, const char *name, const qn_perm *perm, qn_value **out) {
    int32_t *data = QN_ARENA_ARRAY(graph->arena, int32_t, (size_t)perm->rank + 1);
    if (!data) return qn_status_out_of_memory();
    for (int i = 0; i < perm->rank; i++) data[i] = perm->axis[i];
    qn_view view = {.dtype = QN_DTYPE_S32, .rank = 1, .dims = {perm->rank}, .data = data};
    return qn_graph_add_constant(graph, name, &view, out);
}

qn_status *qn_add_transpose(qn_graph *graph, const char *name, qn_value *value, const qn_perm *perm, qn_node *before,
                            qn_node **out_node) {
    const char *part = name ? qn_arena_printf(graph->arena, "%s/perm", name) : NULL;
    qn_value *order;
    if (!part) return qn_status_out_of_memory();
    QN_TRY(make_ints(graph, part, perm, &order));
    return qn_graph_add_node(graph, &qn_op_transpose, name, NULL, 2, (qn_value *[]){value, order}, before, out_node);
}

/* gather(value, rows), before a node; it comes from where `like` does in the source. */
static qn_status *add_gather(qn_graph *graph, const char *name, qn_value *value, qn_value *rows, const qn_node *like,
                             qn_node *before, qn_node **out_node) {
    QN_TRY(qn_graph_add_node(graph, &qn_op_gather, name, NULL, 2, (qn_value *[]){value, rows}, before, out_node));
    (*out_node)->source = like->source;
    return qn_node_infer(graph, *out_node);
}

/* Where a node that reads only `value` can come first. */
static qn_node *place_after(const qn_graph *graph, const qn_value *value) {
    return value->producer ? value->producer->next : graph->first;
}

/* A transpose of `value` by `perm`, other than `but`, that can come right after `value`. */
static qn_node *find_transpose(const qn_graph *graph, const qn_value *value, const qn_perm *perm, const qn_node *but) {
    for (size_t i = 0; i < value->uses.count && i < READERS_LOOKED_AT_MAX; i++) {
        qn_perm found;
        qn_node *reader = value->uses.items[i].node;
        if (reader == but || !qn_match_transpose(graph, reader, &found) || reader->inputs[1]->producer) continue;
        if (qn_perms_equal(&found, perm)) return reader;
    }
    return NULL;
}

/* transpose(value, perm), right after `value`: one that is there, or a new one. */
static qn_status *transpose(qn_graph *graph, qn_value *value, const qn_perm *perm, const qn_node *like,
                            qn_node **out_node) {
    qn_node *node = find_transpose(graph, value, perm, NULL);
    *out_node = node;
    if (node) {
        qn_node *place = place_after(graph, value);
        if (place != node) qn_graph_move_before(graph, node, place);
        return NULL;
    }
    const char *name = qn_arena_printf(graph->arena, "%s/layout", value->name);
    QN_TRY(qn_add_transpose(graph, name, value, perm, place_after(graph, value), out_node));
    (*out_node)->source = like->source;
    return qn_node_infer(graph, *out_node);
}

/* ---- May a node flip? ---- */

int qn_flips_input(const qn_node *node, int index, const qn_perm *in) {
    const qn_value *value = node->inputs[index];
    return value && index < qn_op_data_inputs(node->op, node->input_count) && !qn_value_is_constant(value) &&
           value->type.rank == in->rank;
}

/* 1 where the graph knows the elements of every control input that speaks of axes. */
static int controls_can_flip(const qn_node *node) {
    for (int i = 0; i < node->input_count && i < QN_AXES_CONTROLS_MAX; i++) {
        int control = node->op->axes.controls[i];
        const qn_value *value = node->inputs[i];
        if (control == QN_CONTROL_NO_AXES || !value) continue;
        if (control == QN_CONTROL_NAMES_AXES ? !qn_value_is_constant(value) : !value->contents) return 0;
    }
    return 1;
}

static int kept_can_flip(const qn_node *node, const qn_perm *in) {
    if (node->outputs[0]->type.rank != in->rank) return 0;
    if (node->op->axes.has_channels && in->axis[in->rank - 1] != in->rank - 1) return 0;
    for (int i = 0; i < qn_op_data_inputs(node->op, node->input_count); i++) {
        const qn_value *value = node->inputs[i];
        if (!value || value->type.rank == in->rank || !value->type.rank) continue;
        if (!qn_value_is_constant(value) || value->type.rank > in->rank) return 0;
    }
    return 1;
}

/* The axes that are left keep their order in both layouts, so that the order of the result is that of `in` with gaps
   closed: {0, 3, 1, 2} without axes 2 and 3 is {0, 3}, that is {0, 1}. */
static int traced_out(const qn_graph *graph, const qn_node *node, const qn_perm *in, qn_perm *out) {
    int source[QN_MAX_RANK], names = node->op->axes.attr != NULL;
    for (int i = 0; i < QN_AXES_CONTROLS_MAX; i++) names |= node->op->axes.controls[i] == QN_CONTROL_NAMES_AXES;
    int rank = names ? qn_node_trace_axes(graph, node, source) : -1;
    if (rank < 0) return 0;
    *out = (qn_perm){.rank = rank};
    for (int i = 0; i < rank; i++) {
        if (source[i] < 0) return 0;
        for (int k = 0; k < rank; k++) out->axis[i] += in->axis[source[k]] < in->axis[source[i]];
    }
    return 1;
}

int qn_can_flip(const qn_graph *graph, const qn_node *node, int index, const qn_perm *in, qn_perm *out) {
    if (node->output_count != 1 || !qn_flips_input(node, index, in) || !controls_can_flip(node)) return 0;
    if (node->op->axes.kind == QN_AXES_KEPT) {
        *out = *in;
        return kept_can_flip(node, in);
    }
    return node->op->axes.kind == QN_AXES_TRACED && index == 0 && traced_out(graph, node, in, out);
}

/* ---- Flipping ---- */

/* Per-channel knowledge is along the last axis: it does not survive where that becomes another. */
qn_status *qn_flip_stats(qn_graph *graph, qn_value *value, const qn_perm *perm) {
    const qn_value_stats *stats = value->stats;
    if (!stats || perm->axis[perm->rank - 1] == perm->rank - 1) return NULL;
    qn_value_stats *copy = qn_arena_copy(graph->arena, stats, sizeof *stats);
    if (!copy) return qn_status_out_of_memory();
    copy->channels = 0;
    copy->channel_low = copy->channel_high = copy->channel_mean = copy->channel_square = NULL;
    copy->expects_means = 0;
    copy->moments = NULL;
    if (copy->grid && copy->grid->channels > 1) copy->grid = NULL;
    value->stats = copy;
    return NULL;
}

qn_status *qn_transpose_view(qn_graph *graph, const qn_view *from, const qn_perm *perm, qn_view *out) {
    qn_view to = {.dtype = from->dtype, .rank = from->rank};
    int64_t order[QN_MAX_RANK] = {0};
    assert(from->rank == perm->rank);
    for (int i = 0; i < perm->rank; i++) order[perm->axis[i]] = i;
    for (int i = 0; i < perm->rank; i++) to.dims[i] = from->dims[order[i]];
    to.data = qn_arena_alloc_aligned(graph->arena, qn_view_bytes(&to), 64);
    if (!to.data) return qn_status_out_of_memory();
    qn_view_permute(from, order, &to);
    *out = to;
    return NULL;
}

/* A constant under the order `perm`, of the rank of the other operands: [C, 1, 1] beside [N, C, H, W] becomes [C]. */
static qn_status *transpose_constant(qn_graph *graph, qn_value *value, const qn_perm *perm, qn_value **out) {
    qn_view view = qn_value_view(value);
    const int missing = perm->rank - view.rank;
    memmove(view.dims + missing, view.dims, (size_t)view.rank * sizeof *view.dims);
    for (int i = 0; i < missing; i++) view.dims[i] = 1;
    view.rank = perm->rank;
    QN_TRY(qn_transpose_view(graph, &view, perm, &view));
    while (missing && view.rank > 1 && view.dims[0] == 1)
        memmove(view.dims, view.dims + 1, (size_t)--view.rank * sizeof *view.dims);
    QN_TRY(qn_graph_add_constant(graph, value->name, &view, out));
    (*out)->stats = value->stats;
    return qn_flip_stats(graph, *out, perm);
}

static qn_status *constant_twin(qn_graph *graph, qn_value *value, const qn_perm *perm, qn_twins *twins,
                                qn_value **out) {
    qn_view view = qn_value_view(value);
    *out = value;
    if (view.dtype == QN_DTYPE_STRING || qn_view_elems(&view) == 1) return NULL;
    int is_kept = value->id < twins->count;
    if (is_kept && twins->twin[value->id] && qn_perms_equal(&twins->perm[value->id], perm)) {
        *out = twins->twin[value->id];
        return NULL;
    }
    QN_TRY(transpose_constant(graph, value, perm, out));
    if (!is_kept) return NULL;
    twins->twin[value->id] = *out;
    twins->perm[value->id] = *perm;
    return NULL;
}

static qn_status *twin(qn_graph *graph, qn_value *value, const qn_perm *perm, const qn_node *reader, qn_value **out) {
    qn_perm made, order = qn_perm_invert(perm);
    qn_node *node = value->producer;
    *out = value;
    if (qn_match_transpose(graph, node, &made)) {
        order = qn_perm_compose(&made, &order);
        *out = node->inputs[0];
    }
    if (qn_perm_is_identity(&order)) return NULL;
    QN_TRY(transpose(graph, *out, &order, reader, &node));
    *out = node->outputs[0];
    return NULL;
}

/* A control whose row k belongs to axis k, with its rows in the order of the twin. */
static qn_status *flip_rows(qn_graph *graph, qn_node *node, int index, const qn_perm *in) {
    qn_value *value = node->inputs[index], *rows;
    const char *name = qn_arena_printf(graph->arena, "%s/layout", value->name);
    qn_node *gather;
    qn_perm order = qn_perm_invert(in);
    if (!name) return qn_status_out_of_memory();
    if (qn_value_is_constant(value)) {
        qn_view from = qn_value_view(value), to = from;
        const size_t bytes = qn_view_bytes(&from) / (size_t)in->rank;
        char *data = to.data = qn_arena_alloc_aligned(graph->arena, qn_view_bytes(&to), 16);
        if (!data) return qn_status_out_of_memory();
        for (int i = 0; i < in->rank; i++)
            memcpy(data + i * bytes, (const char *)from.data + order.axis[i] * bytes, bytes);
        QN_TRY(qn_graph_add_constant(graph, value->name, &to, &rows));
        return qn_node_set_input(graph, node, index, rows);
    }
    QN_TRY(make_ints(graph, qn_arena_printf(graph->arena, "%s/rows", name), &order, &rows));
    QN_TRY(add_gather(graph, name, value, rows, node, node, &gather));
    return qn_node_set_input(graph, node, index, gather->outputs[0]);
}

static qn_status *flip_names(qn_graph *graph, qn_node *node, int index, const qn_perm *in) {
    qn_value *value = node->inputs[index], *renamed;
    qn_view view = qn_value_view(value), to = view;
    to.data = qn_arena_alloc_aligned(graph->arena, qn_view_bytes(&view), 16);
    if (!to.data) return qn_status_out_of_memory();
    for (int64_t i = 0; i < qn_view_elems(&view); i++) {
        int64_t axis = qn_view_get_int(&view, i);
        qn_view_set_int(&to, i, in->axis[axis < 0 ? axis + in->rank : axis]);
    }
    QN_TRY(qn_graph_add_constant(graph, value->name, &to, &renamed));
    return qn_node_set_input(graph, node, index, renamed);
}

static qn_status *flip_inputs(qn_graph *graph, qn_node *node, const qn_perm *in, qn_twins *twins) {
    for (int i = 0; i < node->input_count; i++) {
        qn_value *value = node->inputs[i], *found = value;
        int control = i < QN_AXES_CONTROLS_MAX ? node->op->axes.controls[i] : QN_CONTROL_NO_AXES;
        if (!value) continue;
        if (control == QN_CONTROL_PER_AXIS) QN_TRY(flip_rows(graph, node, i, in));
        if (control == QN_CONTROL_NAMES_AXES) QN_TRY(flip_names(graph, node, i, in));
        if (i >= qn_op_data_inputs(node->op, node->input_count)) continue;
        if (qn_value_is_constant(value))
            QN_TRY(constant_twin(graph, value, in, twins, &found));
        else if (value->type.rank == in->rank)
            QN_TRY(twin(graph, value, in, node, &found));
        QN_TRY(qn_node_set_input(graph, node, i, found));
        qn_node *before = value->producer;
        if (before && !qn_node_is_needed(before)) qn_graph_remove_node(graph, before);
    }
    return NULL;
}

qn_status *qn_flip_node(qn_graph *graph, qn_node *node, const qn_perm *in, const qn_perm *out, qn_twins *twins) {
    qn_value *result = node->outputs[0];
    qn_node *restore;
    int changed;
    QN_TRY(flip_inputs(graph, node, in, twins));
    qn_op_rename_axes(node->op, node->attrs, in->axis);
    QN_TRY(qn_node_infer(graph, node));
    if (qn_perm_is_identity(out)) return NULL;
    QN_TRY(qn_flip_stats(graph, result, out));
    const char *name = qn_arena_printf(graph->arena, "%s/layout", result->name);
    QN_TRY(qn_add_transpose(graph, name, NULL, out, node->next, &restore));
    restore->source = node->source;
    QN_TRY(qn_graph_replace_value(graph, result, restore->outputs[0]));
    QN_TRY(qn_node_set_input(graph, restore, 0, result));
    QN_TRY(qn_node_infer(graph, restore));
    /* Transposes that read it read the twin. */
    const size_t count = restore->outputs[0]->uses.count;
    const qn_use *uses = qn_arena_copy(graph->arena, restore->outputs[0]->uses.items, count * sizeof *uses);
    if (count && !uses) return qn_status_out_of_memory();
    for (size_t i = 0; i < count; i++)
        if (qn_op_permutes(uses[i].node->op) && uses[i].index == 0)
            QN_TRY(qn_simplify_transpose(graph, uses[i].node, &changed));
    return qn_simplify_transpose(graph, restore, &changed);
}

/* ---- Simplest form ---- */

/* shape(transpose(x, perm)) = gather(shape(x), perm); rank and size are those of x. */
static qn_status *ask_operand_for_shape(qn_graph *graph, qn_node *node, qn_node *asking, int *out_changed) {
    qn_value *result = asking->outputs[0];
    if (result->is_output && result->type.rank) return NULL;
    *out_changed = 1;
    QN_TRY(qn_node_set_input(graph, asking, 0, node->inputs[0]));
    QN_TRY(qn_node_infer(graph, asking));
    if (!result->type.rank) return NULL;
    qn_node *gather;
    const char *name = qn_arena_printf(graph->arena, "%s/layout", result->name);
    if (!name) return qn_status_out_of_memory();
    QN_TRY(add_gather(graph, name, result, node->inputs[1], asking, asking->next, &gather));
    return qn_graph_insert_after(graph, result, gather, gather->outputs[0]);
}

static qn_status *release_shapes(qn_graph *graph, qn_node *node, int *out_changed) {
    const size_t count = node->outputs[0]->uses.count;
    const qn_use *uses = qn_arena_copy(graph->arena, node->outputs[0]->uses.items, count * sizeof *uses);
    if (count && !uses) return qn_status_out_of_memory();
    for (size_t i = 0; i < count; i++)
        if (uses[i].node->op->values == QN_VALUES_SHAPE)
            QN_TRY(ask_operand_for_shape(graph, node, uses[i].node, out_changed));
    return NULL;
}

static qn_status *look_through(qn_graph *graph, qn_node *node, qn_perm *inout_perm, int *out_changed) {
    qn_perm before;
    while (qn_match_transpose(graph, node->inputs[0]->producer, &before)) {
        qn_node *inner = node->inputs[0]->producer;
        qn_value *order;
        *inout_perm = qn_perm_compose(&before, inout_perm);
        QN_TRY(make_ints(graph, qn_arena_printf(graph->arena, "%s/perm", node->name), inout_perm, &order));
        QN_TRY(qn_node_become(graph, node, node->op, NULL, 2, (qn_value *[]){inner->inputs[0], order}));
        if (!qn_node_is_needed(inner)) qn_graph_remove_node(graph, inner);
        *out_changed = 1;
    }
    return NULL;
}

qn_status *qn_simplify_transpose(qn_graph *graph, qn_node *node, int *out_changed) {
    qn_perm perm;
    if (!qn_match_transpose(graph, node, &perm)) return NULL;
    QN_TRY(look_through(graph, node, &perm, out_changed));
    QN_TRY(release_shapes(graph, node, out_changed));
    if (!qn_node_is_needed(node)) {
        qn_graph_remove_node(graph, node);
        *out_changed = 1;
        return NULL;
    }
    if (qn_perm_is_identity(&perm)) {
        const size_t count = graph->node_count;
        QN_TRY(qn_bypass(graph, node));
        *out_changed |= graph->node_count != count;
        return NULL;
    }
    qn_node *same = node->inputs[1]->producer ? NULL : find_transpose(graph, node->inputs[0], &perm, node);
    if (!same || (node->outputs[0]->is_output && same->outputs[0]->is_output)) return NULL;
    *out_changed = 1;
    qn_node *stays;
    QN_TRY(transpose(graph, node->inputs[0], &perm, node, &stays));
    qn_node *goes = stays == node ? same : node;
    QN_TRY(qn_graph_replace_value(graph, goes->outputs[0], stays->outputs[0]));
    qn_graph_remove_node(graph, goes);
    return NULL;
}
