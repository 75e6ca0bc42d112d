/* Orders of axes, and transposes in their simplest form. */
#include "pass/layout.h"

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

qn_status *qn_make_ints(qn_graph *graph, const char *name, int count, const int *numbers, qn_value **out) {
    int32_t *data = name ? QN_ARENA_ARRAY(graph->arena, int32_t, (size_t)count + 1) : NULL;
    if (!data) return qn_status_out_of_memory();
    for (int i = 0; i < count; i++) data[i] = numbers[i];
    qn_view view = {.dtype = QN_DTYPE_S32, .rank = 1, .dims = {count}, .data = data};
    return qn_graph_add_constant(graph, name, &view, out);
}

qn_status *qn_add_transpose(qn_graph *graph, const char *name, qn_value *value, const qn_perm *perm, qn_node *before,
                            qn_node **out_node) {
    const char *part = name ? qn_arena_printf(graph->arena, "%s/perm", name) : NULL;
    qn_value *order;
    QN_TRY(qn_make_ints(graph, part, perm->rank, perm->axis, &order));
    return qn_graph_add_node(graph, &qn_op_transpose, name, NULL, 2, (qn_value *[]){value, order}, before, out_node);
}

qn_status *qn_add_gather(qn_graph *graph, const char *name, qn_value *value, qn_value *rows, const qn_node *like,
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

qn_status *qn_make_transpose(qn_graph *graph, qn_value *value, const qn_perm *perm, const qn_node *like,
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
    QN_TRY(qn_add_gather(graph, name, result, node->inputs[1], asking, asking->next, &gather));
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
        QN_TRY(qn_make_ints(graph, qn_arena_printf(graph->arena, "%s/perm", node->name), inout_perm->rank,
                            inout_perm->axis, &order));
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
    QN_TRY(qn_make_transpose(graph, node->inputs[0], &perm, node, &stays));
    qn_node *goes = stays == node ? same : node;
    QN_TRY(qn_graph_replace_value(graph, goes->outputs[0], stays->outputs[0]));
    qn_graph_remove_node(graph, goes);
    return NULL;
}
