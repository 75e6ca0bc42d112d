#include "ir/graph.h"
#include "ir/names.h"

#include <assert.h>
#include <string.h>

qn_graph *qn_graph_create(qn_arena *arena, const char *name) {
    qn_graph *graph = QN_ARENA_NEW(arena, qn_graph);
    if (!graph) return NULL;
    graph->arena = arena;
    graph->dims = qn_dim_pool_create(arena);
    graph->names = qn_names_create(arena);
    graph->name = qn_arena_copy_string(arena, name, strlen(name));
    return graph->dims && graph->names && graph->name ? graph : NULL;
}

/* ---- Values ---- */

static qn_status *add_value(qn_graph *graph, const char *name, qn_value **out_value) {
    qn_value *value = QN_ARENA_NEW(graph->arena, qn_value);
    if (!value) return qn_status_out_of_memory();
    QN_TRY(qn_names_take(graph->names, QN_NAME_VALUE, name, value, &value->name));
    value->id = graph->next_id++;
    QN_TRY(QN_LIST_PUSH(graph->arena, &graph->values, value));
    *out_value = value;
    return NULL;
}

qn_status *qn_graph_add_input(qn_graph *graph, const char *name, const qn_type *type, qn_value **out_value) {
    qn_value *value;
    QN_TRY(add_value(graph, name ? name : "input", &value));
    value->type = *type;
    value->is_input = 1;
    QN_TRY(QN_LIST_PUSH(graph->arena, &graph->inputs, value));
    *out_value = value;
    return NULL;
}

static qn_status *constant_bytes(const qn_view *view, size_t *out_bytes) {
    size_t bytes = qn_dtype_size(view->dtype);
    if (view->rank < 0 || view->rank > QN_MAX_RANK)
        return QN_ERR(QN_UNSUPPORTED, "a constant of rank %d: the limit is %d", view->rank, QN_MAX_RANK);
    for (int i = 0; i < view->rank; i++) {
        if (view->dims[i] < 0)
            return QN_ERR(QN_INVALID_MODEL, "dim %d of a constant is %lld", i, (long long)view->dims[i]);
        if (!qn_checked_mul_size(bytes, (size_t)view->dims[i], &bytes) || bytes > PTRDIFF_MAX)
            return QN_ERR(QN_LIMIT, "the dims of a constant multiply to more than memory can hold");
    }
    *out_bytes = bytes;
    return NULL;
}

qn_status *qn_graph_add_constant(qn_graph *graph, const char *name, const qn_view *view, qn_value **out_value) {
    static const uint64_t nothing = 0;
    qn_value *value;
    size_t bytes = 0;
    QN_TRY(constant_bytes(view, &bytes));
    QN_TRY(add_value(graph, name ? name : "const", &value));
    value->type.dtype = view->dtype;
    value->type.rank = view->rank;
    for (int i = 0; i < view->rank; i++) value->type.dims[i] = qn_dim_const(graph->dims, view->dims[i]);
    QN_TRY(qn_dim_pool_take_status(graph->dims));
    value->constant_dims = qn_arena_copy(graph->arena, view->dims, sizeof view->dims);
    if (!value->constant_dims) return qn_status_out_of_memory();
    assert(view->data || bytes == 0);
    value->data = view->data ? view->data : &nothing;
    value->data_bytes = bytes;
    *out_value = value;
    return NULL;
}

qn_status *qn_graph_mark_output(qn_graph *graph, qn_value *value) {
    if (value->is_output) return NULL;
    QN_TRY(QN_LIST_PUSH(graph->arena, &graph->outputs, value));
    value->is_output = 1;
    return NULL;
}

void qn_graph_unmark_output(qn_graph *graph, qn_value *value) {
    size_t kept = 0;
    assert(value->is_output);
    for (size_t i = 0; i < graph->outputs.count; i++)
        if (graph->outputs.items[i] != value) graph->outputs.items[kept++] = graph->outputs.items[i];
    assert(kept < graph->outputs.count);
    graph->outputs.count = kept;
    value->is_output = 0;
}

void qn_graph_replace_output(qn_graph *graph, qn_value *from, qn_value *to) {
    assert(from->is_output && !to->is_output);
    for (size_t i = 0; i < graph->outputs.count; i++)
        if (graph->outputs.items[i] == from) graph->outputs.items[i] = to;
    from->is_output = 0;
    to->is_output = 1;
}

void qn_value_retype_input(qn_value *input, const qn_type *type) {
    assert(input->is_input && type->dtype != QN_DTYPE_NONE && type->rank >= 0 && type->rank <= QN_MAX_RANK);
    input->type = *type;
}

qn_value *qn_graph_find_value(const qn_graph *graph, const char *name) {
    return qn_names_find(graph->names, QN_NAME_VALUE, name);
}
qn_node *qn_graph_find_node(const qn_graph *graph, const char *name) {
    return qn_names_find(graph->names, QN_NAME_NODE, name);
}

int qn_value_is_constant(const qn_value *value) { return value && value->data != NULL; }

qn_view qn_value_view(const qn_value *value) {
    assert(qn_value_is_constant(value));
    qn_view view = {.dtype = value->type.dtype, .rank = value->type.rank, .data = (void *)(uintptr_t)value->data};
    memcpy(view.dims, value->constant_dims, sizeof view.dims);
    view.packing = value->packing;
    return view;
}

qn_status *qn_graph_rename_value(qn_graph *graph, qn_value *value, const char *name) {
    if (strcmp(value->name, name) == 0) return NULL;
    if (qn_graph_find_value(graph, name)) return QN_ERR(QN_INVALID_ARGUMENT, "two values are named '%s'", name);
    qn_names_release(graph->names, QN_NAME_VALUE, value->name, value);
    return qn_names_take(graph->names, QN_NAME_VALUE, name, value, &value->name);
}

/* ---- Uses ---- */

/* Makes input `index` of the node absent. The last use in the list of its value moves into the free slot, so that
   each use knows its slot: dropping use 0 of [a.0, b.1, c.0] leaves [c.0, b.1]. */
static void drop_use(qn_node *node, int index) {
    qn_value *value = node->inputs[index];
    if (!value) return;
    uint32_t slot = node->slots[index];
    assert(slot < value->uses.count && value->uses.items[slot].node == node && value->uses.items[slot].index == index);
    qn_use moved = value->uses.items[--value->uses.count];
    value->uses.items[slot] = moved;
    moved.node->slots[moved.index] = slot;
    node->inputs[index] = NULL;
}

static qn_status *add_use(qn_graph *graph, qn_node *node, int index, qn_value *value) {
    assert(!node->inputs[index]);
    if (!value) return NULL;
    qn_use use = {node, index};
    QN_TRY(QN_LIST_PUSH(graph->arena, &value->uses, use));
    node->slots[index] = (uint32_t)value->uses.count - 1;
    node->inputs[index] = value;
    return NULL;
}

qn_status *qn_node_set_input(qn_graph *graph, qn_node *node, int index, qn_value *value) {
    assert(index >= 0 && index < node->input_count);
    if (node->inputs[index] == value) return NULL;
    drop_use(node, index);
    return add_use(graph, node, index, value);
}

/* Arrays for `count` inputs, all absent. */
static qn_status *new_inputs(qn_graph *graph, qn_node *node, int count) {
    assert(count >= 0);
    qn_value **inputs = QN_ARENA_ARRAY(graph->arena, qn_value *, (size_t)count);
    uint32_t *slots = QN_ARENA_ARRAY(graph->arena, uint32_t, (size_t)count);
    if (!inputs || !slots) return qn_status_out_of_memory();
    node->inputs = inputs;
    node->slots = slots;
    node->input_count = count;
    return NULL;
}

static void swap_names(qn_graph *graph, qn_value *a, qn_value *b) {
    const char *name = a->name;
    a->name = b->name;
    b->name = name;
    qn_names_move(graph->names, QN_NAME_VALUE, a->name, a);
    qn_names_move(graph->names, QN_NAME_VALUE, b->name, b);
}

qn_status *qn_graph_replace_value(qn_graph *graph, qn_value *from, qn_value *to) {
    assert(from != to);
    while (from->uses.count) {
        qn_use use = from->uses.items[from->uses.count - 1];
        QN_TRY(qn_node_set_input(graph, use.node, use.index, to));
    }
    if (!from->is_output || to->is_input || to->is_output) return NULL;
    qn_graph_replace_output(graph, from, to);
    swap_names(graph, from, to);
    return NULL;
}

qn_status *qn_graph_insert_after(qn_graph *graph, qn_value *from, const qn_node *reader, qn_value *to) {
    const size_t count = from->uses.count;
    assert(from != to);
    /* A copy of the list, which changes as uses move to `to`. */
    const qn_use *uses = qn_arena_copy(graph->arena, from->uses.items, count * sizeof *uses);
    if (count && !uses) return qn_status_out_of_memory();
    for (size_t i = 0; i < count; i++)
        if (uses[i].node != reader) QN_TRY(qn_node_set_input(graph, uses[i].node, uses[i].index, to));
    return NULL;
}

/* ---- Nodes ---- */

/* Puts a node that is in no list before `before`, or at the end. */
static void link_node(qn_graph *graph, qn_node *node, qn_node *before) {
    node->next = before;
    node->prev = before ? before->prev : graph->last;
    *(node->prev ? &node->prev->next : &graph->first) = node;
    *(before ? &before->prev : &graph->last) = node;
}

static void unlink_node(qn_graph *graph, qn_node *node) {
    assert((node->prev ? node->prev->next : graph->first) == node);
    assert((node->next ? node->next->prev : graph->last) == node);
    *(node->prev ? &node->prev->next : &graph->first) = node->next;
    *(node->next ? &node->next->prev : &graph->last) = node->prev;
    node->prev = node->next = NULL;
}

static qn_status *copy_attrs(qn_graph *graph, const qn_op_def *op, const void *attrs, void **out_attrs) {
    *out_attrs = NULL;
    if (!op->attrs_bytes) return NULL;
    char *copy = qn_arena_alloc(graph->arena, 1, op->attrs_bytes);
    if (!copy) return qn_status_out_of_memory();
    *out_attrs = copy;
    if (!attrs) {
        qn_attrs_init(op, copy);
        return NULL;
    }
    memcpy(copy, attrs, op->attrs_bytes);
    for (const qn_attr_def *def = op->attrs; def && def->name; def++) {
        if (def->kind != QN_ATTR_TEXT) continue;
        const char **text = (const char **)(void *)(copy + def->offset);
        if (!*text) continue;
        *text = qn_arena_copy_string(graph->arena, *text, strlen(*text));
        if (!*text) return qn_status_out_of_memory();
    }
    return NULL;
}

static qn_status *check_input_count(const qn_op_def *op, int count) {
    if (count >= op->min_inputs && (op->max_inputs < 0 || count <= op->max_inputs)) return NULL;
    if (op->max_inputs < 0)
        return QN_ERR(QN_INVALID_MODEL, "%s takes at least %d inputs, found %d", op->name, op->min_inputs, count);
    if (op->min_inputs == op->max_inputs)
        return QN_ERR(QN_INVALID_MODEL, "%s takes %d inputs, found %d", op->name, op->min_inputs, count);
    return QN_ERR(QN_INVALID_MODEL, "%s takes %d to %d inputs, found %d", op->name, op->min_inputs, op->max_inputs,
                  count);
}

static qn_status *add_outputs(qn_graph *graph, qn_node *node) {
    node->output_count = node->op->outputs;
    node->outputs = QN_ARENA_ARRAY(graph->arena, qn_value *, (size_t)node->output_count);
    if (!node->outputs) return qn_status_out_of_memory();
    for (int i = 0; i < node->output_count; i++) {
        const char *name = i == 0 ? node->name : qn_arena_printf(graph->arena, "%s:%d", node->name, i);
        if (!name) return qn_status_out_of_memory();
        QN_TRY(add_value(graph, name, &node->outputs[i]));
        node->outputs[i]->producer = node;
        node->outputs[i]->producer_output = i;
    }
    return NULL;
}

qn_status *qn_graph_add_node(qn_graph *graph, const qn_op_def *op, const char *name, const void *attrs, int input_count,
                             qn_value *const *inputs, qn_node *before, qn_node **out_node) {
    QN_TRY(check_input_count(op, input_count));
    qn_node *node = QN_ARENA_NEW(graph->arena, qn_node);
    if (!node) return qn_status_out_of_memory();
    node->id = graph->next_node_id++;
    node->op = op;
    QN_TRY(copy_attrs(graph, op, attrs, &node->attrs));
    QN_TRY(qn_names_take(graph->names, QN_NAME_NODE, name ? name : op->name, node, &node->name));
    QN_TRY(new_inputs(graph, node, input_count));
    for (int i = 0; i < input_count; i++) QN_TRY(add_use(graph, node, i, inputs[i]));
    QN_TRY(add_outputs(graph, node));
    link_node(graph, node, before);
    graph->node_count++;
    *out_node = node;
    return NULL;
}

qn_status *qn_node_become(qn_graph *graph, qn_node *node, const qn_op_def *op, const void *attrs, int input_count,
                          qn_value *const *inputs) {
    assert(op->outputs == node->output_count);
    QN_TRY(check_input_count(op, input_count));
    void *copy;
    QN_TRY(copy_attrs(graph, op, attrs, &copy));
    for (int i = 0; i < node->input_count; i++) drop_use(node, i);
    node->op = op;
    node->attrs = copy;
    QN_TRY(new_inputs(graph, node, input_count));
    for (int i = 0; i < input_count; i++) QN_TRY(add_use(graph, node, i, inputs[i]));
    return qn_node_infer(graph, node);
}

void qn_graph_remove_node(qn_graph *graph, qn_node *node) {
    for (int i = 0; i < node->input_count; i++) drop_use(node, i);
    for (int i = 0; i < node->output_count; i++) {
        qn_value *value = node->outputs[i];
        assert(value->uses.count == 0 && !value->is_output);
        value->producer = NULL;
        qn_names_release(graph->names, QN_NAME_VALUE, value->name, value);
    }
    qn_names_release(graph->names, QN_NAME_NODE, node->name, node);
    unlink_node(graph, node);
    assert(graph->node_count > 0);
    graph->node_count--;
}

void qn_graph_move_before(qn_graph *graph, qn_node *node, qn_node *before) {
    if (node == before) return;
    unlink_node(graph, node);
    link_node(graph, node, before);
}

int qn_node_is_needed(const qn_node *node) {
    if (node->op->flags & QN_OP_EFFECT) return 1;
    for (int i = 0; i < node->output_count; i++)
        if (node->outputs[i]->uses.count || node->outputs[i]->is_output) return 1;
    return 0;
}

size_t qn_graph_remove_dead(qn_graph *graph) {
    size_t before = graph->node_count;
    for (qn_node *node = graph->last, *prev; node; node = prev) { /* backwards: users go before what they use */
        prev = node->prev;
        if (!qn_node_is_needed(node)) qn_graph_remove_node(graph, node);
    }
    for (size_t i = 0; i < graph->values.count; i++) {
        qn_value *value = graph->values.items[i];
        if (!value->data || value->uses.count || value->is_output) continue;
        value->data = NULL;
        value->data_bytes = 0;
        qn_names_release(graph->names, QN_NAME_VALUE, value->name, value);
    }
    return before - graph->node_count;
}
