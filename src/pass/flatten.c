/* Transposes that are left before a network flattens its pictures:
 *
 *     %t = transpose(%x, {0, 3, 1, 2})   [n, h, w, c] -> [n, c, h, w]          %f = reshape(%x, ...)
 *     %f = reshape(%t, ...)              [n, c * h * w]                   ->   %y = matmul(%f, %u)
 *     %y = matmul(%f, %w)
 *
 * where %u is %w with its rows in the order in which %x has the elements. Others only move axes of one element: they are
 * reshapes, which take no time. */
#include "op/layer.h"
#include "pass/layout.h"
#include "pass/rewrite.h"

#include <assert.h>
#include <string.h>

/* ---- Into weights ---- */

/* The one node that reads `value`; NULL: there are several, or none, or it is an output. */
static qn_node *sole_reader(const qn_value *value) {
    return value->uses.count == 1 && !value->is_output && value->uses.items[0].index == 0 ? value->uses.items[0].node
                                                                                          : NULL;
}

/* Is `node` a product of its input 0, a matrix, with a constant that nobody else reads? */
static int weighs_rows(const qn_node *node, qn_layer_shape *out_shape) {
    if (!node || !node->op->layer || node->op->axes.kind == QN_AXES_NHWC) return 0;
    const qn_value *weights = node->inputs[node->op->layer->weights];
    if (!qn_value_is_constant(weights) || weights->uses.count != 1 || !qn_dtype_is_float(weights->type.dtype)) return 0;
    *out_shape = qn_layer_describe(node->op, node->attrs, weights->type.rank, weights->constant_dims);
    return out_shape->is_plain;
}

/* Does `reshape` flatten all axes of its operand but the first, which are numbers? */
static int flattens(const qn_graph *graph, const qn_node *reshape, int64_t rows, qn_view *out_picture) {
    const qn_type *from = &reshape->inputs[0]->type, *to = &reshape->outputs[0]->type;
    int64_t product = 1;
    if (to->rank != 2 || from->rank < 2 || !qn_dim_same(from->dims[0], to->dims[0])) return 0;
    *out_picture = (qn_view){.rank = from->rank};
    for (int i = 1; i < from->rank; i++)
        if (!qn_dim_is_const(graph->dims, from->dims[i], &out_picture->dims[i]) ||
            !qn_checked_mul_i64(product, out_picture->dims[i], &product))
            return 0;
    return product == rows;
}

qn_status *qn_transpose_into_weights(qn_graph *graph, qn_node *node, int *out_changed) {
    qn_perm perm, order;
    qn_view picture;
    qn_layer_shape shape;
    if (!qn_match_transpose(graph, node, &perm) || perm.axis[0]) return NULL;
    qn_node *reshape = sole_reader(node->outputs[0]), *product;
    if (!reshape || !qn_op_reshapes(reshape->op)) return NULL;
    product = sole_reader(reshape->outputs[0]);
    if (!weighs_rows(product, &shape) || !flattens(graph, reshape, shape.rows, &picture)) return NULL;
    const int index = product->op->layer->weights, rank = perm.rank;
    qn_value *weights = product->inputs[index], *turned;
    /* The rows as the picture's axes: beside the outputs, which come last, or first in weights that are turned. */
    qn_view view = qn_value_view(weights);
    view.rank = rank;
    order = perm;
    memcpy(view.dims, picture.dims, sizeof view.dims);
    view.dims[0] = shape.outputs;
    for (int i = 0; i < rank && !shape.is_turned; i++) {
        view.dims[i] = i + 1 < rank ? picture.dims[i + 1] : shape.outputs;
        order.axis[i] = i + 1 < rank ? perm.axis[i + 1] - 1 : i;
    }
    QN_TRY(qn_transpose_view(graph, &view, &order, &view));
    view.rank = 2;
    memcpy(view.dims, weights->constant_dims, sizeof view.dims);
    QN_TRY(qn_graph_add_constant(graph, weights->name, &view, &turned));
    turned->stats = weights->stats;
    QN_TRY(qn_flip_stats(graph, turned, &order));
    QN_TRY(qn_node_set_input(graph, product, index, turned));
    QN_TRY(qn_node_set_input(graph, reshape, 0, node->inputs[0]));
    qn_graph_remove_node(graph, node);
    *out_changed = 1;
    return NULL;
}

/* ---- Into reshapes ---- */

int qn_perm_keeps_elements(const qn_graph *graph, const qn_type *type, const qn_perm *perm) {
    int last = -1;
    for (int i = 0; i < perm->rank; i++) {
        int64_t dim;
        if (qn_dim_is_const(graph->dims, type->dims[i], &dim) && dim == 1) continue;
        if (perm->axis[i] < last) return 0;
        last = perm->axis[i];
    }
    return 1;
}

/* The dims as numbers, one of them -1 perhaps; 0: they are more than one that is no number. */
static int tell_shape(const qn_graph *graph, const qn_type *type, int64_t *out_dims) {
    int unknown = 0, has_zero = 0;
    for (int i = 0; i < type->rank; i++) {
        if (!qn_dim_is_const(graph->dims, type->dims[i], &out_dims[i])) out_dims[i] = -1, unknown++;
        has_zero |= !out_dims[i];
    }
    return unknown + has_zero < 2;
}

int qn_transpose_is_view(const qn_graph *graph, const qn_type *type, const qn_perm *perm) {
    int64_t dims[QN_MAX_RANK];
    return qn_perm_keeps_elements(graph, type, perm) && tell_shape(graph, type, dims);
}

/* The dims of a type as a constant that a reshape takes; NULL: they cannot be told. */
static qn_status *make_shape(qn_graph *graph, const char *of, const qn_type *type, qn_value **out) {
    int64_t *data = QN_ARENA_ARRAY(graph->arena, int64_t, (size_t)type->rank + 1);
    *out = NULL;
    if (!data) return qn_status_out_of_memory();
    if (!tell_shape(graph, type, data)) return NULL;
    const char *name = qn_arena_printf(graph->arena, "%s/shape", of);
    if (!name) return qn_status_out_of_memory();
    qn_view view = {.dtype = QN_DTYPE_S64, .rank = 1, .dims = {type->rank}, .data = data};
    return qn_graph_add_constant(graph, name, &view, out);
}

qn_status *qn_make_view(qn_graph *graph, qn_value *value, const qn_type *type, qn_node *reader, qn_value **out) {
    qn_value *shape;
    qn_node *node;
    const char *name = qn_arena_printf(graph->arena, "%s/layout", value->name);
    if (!name) return qn_status_out_of_memory();
    QN_TRY(make_shape(graph, name, type, &shape));
    assert(shape);
    QN_TRY(qn_graph_add_node(graph, &qn_op_reshape, name, NULL, 2, (qn_value *[]){value, shape}, reader, &node));
    node->source = reader->source;
    *out = node->outputs[0];
    return qn_node_infer(graph, node);
}

qn_status *qn_transpose_past_reshapes(qn_graph *graph, qn_node *node, int *out_changed) {
    qn_perm perm;
    if (!qn_match_transpose(graph, node, &perm) || !qn_perm_keeps_elements(graph, &node->outputs[0]->type, &perm))
        return NULL;
    qn_value *operand = node->inputs[0];
    const size_t count = node->outputs[0]->uses.count;
    const qn_use *uses = qn_arena_copy(graph->arena, node->outputs[0]->uses.items, count * sizeof *uses);
    if (count && !uses) return qn_status_out_of_memory();
    for (size_t i = 0; i < count; i++) {
        if (!qn_op_reshapes(uses[i].node->op) || uses[i].index) continue;
        QN_TRY(qn_node_set_input(graph, uses[i].node, 0, operand));
        *out_changed = 1;
    }
    if (!qn_node_is_needed(node)) qn_graph_remove_node(graph, node);
    return NULL;
}

qn_status *qn_transpose_into_reshape(qn_graph *graph, qn_node *node, int *out_changed) {
    qn_perm perm;
    qn_value *shape;
    if (!qn_match_transpose(graph, node, &perm) || !qn_perm_keeps_elements(graph, &node->outputs[0]->type, &perm))
        return NULL;
    QN_TRY(make_shape(graph, node->name, &node->outputs[0]->type, &shape));
    if (!shape) return NULL;
    *out_changed = 1;
    return qn_rewrite(graph, node, &qn_op_reshape, NULL, 2, (qn_value *[]){node->inputs[0], shape});
}
