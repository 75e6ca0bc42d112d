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

/* ---- Operands ---- */

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
    QN_TRY(qn_make_transpose(graph, *out, &order, reader, &node));
    *out = node->outputs[0];
    return NULL;
}

/* The twin of an operand that broadcasts: its elements stay in their order. */
static qn_status *widened_twin(qn_graph *graph, qn_value *value, const qn_perm *perm, qn_node *reader, qn_value **out) {
    const qn_type type = qn_flip_type(graph, &value->type, perm);
    return qn_make_view(graph, value, &type, reader, out);
}

/* ---- What names axes ---- */

/* A control of which row k becomes row rows[k] of what it was. */
static qn_status *select_rows(qn_graph *graph, qn_node *node, int index, int count, const int *rows) {
    qn_value *value = node->inputs[index], *order;
    const char *name = qn_arena_printf(graph->arena, "%s/layout", value->name);
    qn_node *gather;
    if (!name) return qn_status_out_of_memory();
    if (qn_value_is_constant(value)) {
        qn_view from = qn_value_view(value), to = from;
        const size_t bytes = qn_view_bytes(&from) / (size_t)qn_max_i64(1, from.dims[0]);
        to.dims[0] = count;
        char *data = to.data = qn_arena_alloc_aligned(graph->arena, qn_view_bytes(&to), 16);
        if (!data) return qn_status_out_of_memory();
        for (int i = 0; i < count; i++)
            memcpy(data + (size_t)i * bytes, (const char *)from.data + (size_t)rows[i] * bytes, bytes);
        QN_TRY(qn_graph_add_constant(graph, value->name, &to, &order));
        return qn_node_set_input(graph, node, index, order);
    }
    QN_TRY(qn_make_ints(graph, qn_arena_printf(graph->arena, "%s/rows", name), count, rows, &order));
    QN_TRY(qn_add_gather(graph, name, value, order, node, node, &gather));
    return qn_node_set_input(graph, node, index, gather->outputs[0]);
}

/* A control whose row k belongs to axis k, with its rows in the order of the twin. */
static qn_status *flip_rows(qn_graph *graph, qn_node *node, int index, const qn_perm *perm) {
    const qn_perm order = qn_perm_invert(perm);
    return qn_perm_is_identity(perm) ? NULL : select_rows(graph, node, index, perm->rank, order.axis);
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

/* What the operator itself says of its controls (op/card.h: turn). */
static qn_status *turn_controls(qn_graph *graph, qn_node *node, const qn_axes_turn *turn) {
    for (int i = 0; i < node->input_count && i < QN_AXES_CONTROLS_MAX; i++) {
        const qn_turned_control *control = &turn->controls[i];
        int numbers[QN_TURN_NUMBERS_MAX];
        qn_value *made;
        if (control->kind == QN_TURN_KEEP) continue;
        for (int k = 0; k < control->count; k++) numbers[k] = (int)control->numbers[k];
        if (control->kind == QN_TURN_ROWS) {
            QN_TRY(select_rows(graph, node, i, control->count, numbers));
            continue;
        }
        QN_TRY(qn_make_ints(graph, node->inputs[i]->name, control->count, numbers, &made));
        QN_TRY(qn_node_set_input(graph, node, i, made));
    }
    return NULL;
}

static qn_status *flip_controls(qn_graph *graph, qn_node *node, const qn_perm *in, const qn_perm *out) {
    const qn_axes_card *card = &node->op->axes;
    if (card->turn) {
        qn_axes_turn turn = {.in = in->axis, .out = out->axis};
        turn.attrs = qn_arena_copy(graph->arena, node->attrs, node->op->attrs_bytes);
        if (!turn.attrs) return qn_status_out_of_memory();
        qn_node_turn_axes(graph, node, &turn);
        memcpy(node->attrs, turn.attrs, node->op->attrs_bytes);
        return turn_controls(graph, node, &turn);
    }
    for (int i = 0; i < node->input_count && i < QN_AXES_CONTROLS_MAX; i++) {
        if (!node->inputs[i]) continue;
        switch (card->controls[i]) {
        case QN_CONTROL_PER_AXIS: QN_TRY(flip_rows(graph, node, i, in)); break;
        case QN_CONTROL_PER_RESULT_AXIS: QN_TRY(flip_rows(graph, node, i, out)); break;
        case QN_CONTROL_NAMES_AXES: QN_TRY(flip_names(graph, node, i, in)); break;
        default: break;
        }
    }
    qn_op_rename_axes(node->op, node->attrs, card->attr_names_result ? out->axis : in->axis);
    return NULL;
}

/* ---- Flipping ---- */

static qn_status *flip_inputs(qn_graph *graph, qn_node *node, const qn_perm *in, qn_twins *twins) {
    for (int i = 0; i < node->input_count; i++) {
        qn_value *value = node->inputs[i], *found = value;
        if (!value || i >= qn_op_data_inputs(node->op, node->input_count)) continue;
        const int broadcasts = node->op->axes.kind == QN_AXES_KEPT || value->type.rank == in->rank;
        if (qn_value_is_constant(value) && broadcasts)
            QN_TRY(constant_twin(graph, value, in, twins, &found));
        else if (qn_flips_input(node, i, in))
            QN_TRY(twin(graph, value, in, node, &found));
        else if (qn_widens_input(node, i, in))
            QN_TRY(widened_twin(graph, value, in, node, &found));
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
    QN_TRY(flip_controls(graph, node, in, out));
    if (!qn_perm_is_identity(in)) QN_TRY(flip_inputs(graph, node, in, twins));
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
