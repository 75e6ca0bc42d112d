/* Types, shapes and contents of every value; the demands that remain as checks; and what checks teach about ranges.
 *
 * Say a network slices 513 rows from an input of height h in [1, unbounded). Round 1 infers `slice`, which demands
 * h - 513 >= 0. That can neither be proved nor refuted, so it becomes a check; learning narrows h to [513, unbounded).
 * Round 2 infers everything again: the demand is proved now, no check is left, and nothing narrows any more. */
#include "ir/contents.h"
#include "ir/graph.h"

#include <string.h>

/* Each round but the last narrows some symbol. Demands that would need more rounds or more effort to be proved are left
   to the checks at run time. */
enum { ROUNDS_MAX = 16, LEARN_EFFORT = 1 << 20 };

/* One inference: of a node, or of a whole graph. */
struct session {
    qn_graph *graph;
    qn_node *node;    /* that is being inferred */
    qn_arena scratch; /* emptied after each node */
    uint32_t *seen;   /* conditions that have a check already; open addressing, dim id + 1; NULL: not kept */
    size_t seen_size, seen_count;
};

static qn_status *with_node(const qn_node *node, qn_status *status) {
    status = qn_status_of_node(status, node->name);
    if (node->source) return qn_status_context(status, "%s", node->source);
    return qn_status_context(status, "node '%s' (%s)", node->name, node->op->name);
}

/* ---- Checks ---- */

static size_t find_seen(const struct session *session, qn_dim condition) {
    size_t mask = session->seen_size - 1, slot = (condition.id * UINT32_C(2654435769)) & mask;
    while (session->seen[slot] && session->seen[slot] != condition.id + 1) slot = (slot + 1) & mask;
    return slot;
}

static int grow_seen(struct session *session) {
    size_t old_size = session->seen_size;
    uint32_t *old = session->seen;
    uint32_t *seen = qn_alloc_zeroed(session->graph->arena->allocator, old_size * 2, sizeof *seen, sizeof *seen);
    if (!seen) return 0;
    session->seen = seen;
    session->seen_size = old_size * 2;
    for (size_t i = 0; i < old_size; i++)
        if (old[i]) seen[find_seen(session, (qn_dim){old[i] - 1})] = old[i];
    qn_free(session->graph->arena->allocator, old);
    return 1;
}

/* 1 if the condition has a check already; -1 when memory runs out. */
static int note_condition(struct session *session, qn_dim condition) {
    if (!session->seen) return 0;
    if ((session->seen_count + 1) * 2 > session->seen_size && !grow_seen(session)) return -1;
    size_t slot = find_seen(session, condition);
    if (session->seen[slot]) return 1;
    session->seen[slot] = condition.id + 1;
    session->seen_count++;
    return 0;
}

static qn_status *add_check(struct session *session, qn_dim condition, const char *message) {
    qn_graph *graph = session->graph;
    const qn_node *node = session->node;
    int known = note_condition(session, condition);
    if (known) return known < 0 ? qn_status_out_of_memory() : NULL;
    qn_check check = {.condition = condition, .node = node};
    check.message = node->source
                        ? qn_arena_printf(graph->arena, "%s: %s", node->source, message)
                        : qn_arena_printf(graph->arena, "node '%s' (%s): %s", node->name, node->op->name, message);
    if (!check.message) return qn_status_out_of_memory();
    return QN_LIST_PUSH(graph->arena, &graph->checks, check);
}

static qn_status *host_require(void *self, qn_infer *infer, qn_dim condition, const char *message) {
    (void)infer;
    return add_check(self, condition, message);
}

/* The symbol of an output's dim whose size depends on data: made when the node is inferred first, and found by its
   name, "Where:0.0", when the node is inferred again. */
static qn_dim host_data_dim(void *self, qn_infer *infer, int output, int axis, qn_dim low, qn_dim high) {
    struct session *session = self;
    int64_t bounds[2], unused, known[2];
    qn_dim symbol;
    qn_dim_range(infer->dims, low, &bounds[0], &unused);
    qn_dim_range(infer->dims, high, &unused, &bounds[1]);
    bounds[0] = qn_max_i64(bounds[0], 0);
    bounds[1] = qn_max_i64(bounds[1], bounds[0]);
    const char *name = qn_arena_printf(&session->scratch, "%s:%d.%d", session->node->name, output, axis);
    if (!name) return (qn_dim){0};
    if (!qn_dim_symbol_find(infer->dims, name, &symbol)) {
        symbol = qn_dim_symbol(infer->dims, name, bounds[0], bounds[1]);
        if (qn_dim_is_symbol(infer->dims, symbol)) qn_dim_symbol_keep_range(infer->dims, symbol);
        return symbol;
    }
    qn_dim_range(infer->dims, symbol, &known[0], &known[1]);
    known[0] = qn_max_i64(known[0], bounds[0]);
    known[1] = qn_min_i64(known[1], bounds[1]);
    if (known[0] <= known[1]) qn_status_free(qn_dim_symbol_set_range(infer->dims, symbol, known[0], known[1], NULL));
    return symbol;
}

/* ---- One node ---- */

static qn_status *expect_complete(const qn_node *node) {
    for (int i = 0; i < node->op->min_inputs; i++)
        if (!node->inputs[i]) return QN_ERR(QN_INVALID_MODEL, "input %d is missing", i);
    return qn_attrs_verify(node->op, node->attrs);
}

static qn_status *make_infer(struct session *session, const qn_infer_host *host, qn_infer *out) {
    qn_node *node = session->node;
    qn_graph *graph = session->graph;
    qn_type *inputs = QN_ARENA_ARRAY(&session->scratch, qn_type, (size_t)node->input_count);
    const qn_dim **contents = QN_ARENA_ARRAY(&session->scratch, const qn_dim *, (size_t)node->input_count);
    qn_type *outputs = QN_ARENA_ARRAY(&session->scratch, qn_type, (size_t)node->output_count);
    qn_dim **out_contents = QN_ARENA_ARRAY(&session->scratch, qn_dim *, (size_t)node->output_count);
    if (!inputs || !contents || !outputs || !out_contents) return qn_status_out_of_memory();
    for (int i = 0; i < node->input_count; i++) {
        qn_value *value = node->inputs[i];
        if (!value) continue;
        if (qn_value_is_constant(value)) QN_TRY(qn_contents_of_constant(graph, value));
        if (value->type.dtype == QN_DTYPE_NONE)
            return QN_ERR(QN_INTERNAL, "input %d '%s' has not been inferred", i, value->name);
        inputs[i] = value->type;
        contents[i] = value->contents;
    }
    *out = (qn_infer){.dims = graph->dims,
                      .attrs = node->attrs,
                      .input_count = node->input_count,
                      .inputs = inputs,
                      .contents = contents,
                      .output_count = node->output_count,
                      .outputs = outputs,
                      .out_contents = out_contents,
                      .arena = graph->arena,
                      .host = host};
    return NULL;
}

/* `dim`, or the number that it is where its range leaves only one. */
static qn_dim settle(qn_dim_pool *dims, qn_dim dim) {
    int64_t value;
    return qn_dim_is_const(dims, dim, &value) ? qn_dim_const(dims, value) : dim;
}

/* Refuses a dim that is negative at all shapes, checks one that may be at some, and refuses an output that is too large
   for memory even with all dims at their least. */
static qn_status *check_output(struct session *session, int output, qn_type *type) {
    qn_dim_pool *dims = session->graph->dims;
    int64_t bytes = (int64_t)qn_dtype_size(type->dtype);
    for (int i = 0; i < type->rank; i++) {
        int64_t low, high;
        type->dims[i] = settle(dims, type->dims[i]);
        qn_dim_range(dims, type->dims[i], &low, &high);
        if (high < 0) return QN_ERR(QN_INVALID_MODEL, "dim %d of output %d would be %lld", i, output, (long long)high);
        if (low < 0) {
            const char *message =
                qn_arena_printf(&session->scratch, "dim %d of output %d would be negative", i, output);
            if (!message) return qn_status_out_of_memory();
            QN_TRY(add_check(session, type->dims[i], message));
        }
        if (!qn_checked_mul_i64(bytes, qn_max_i64(low, 0), &bytes))
            return QN_ERR(QN_LIMIT, "the dims of output %d multiply to more than memory can hold", output);
    }
    return NULL;
}

static qn_status *store_outputs(struct session *session, qn_infer *infer) {
    qn_node *node = session->node;
    qn_dim_pool *dims = session->graph->dims;
    for (int i = 0; i < node->output_count; i++) {
        qn_value *value = node->outputs[i];
        if (infer->outputs[i].dtype == QN_DTYPE_NONE) return QN_ERR(QN_INTERNAL, "output %d was not inferred", i);
        QN_TRY(check_output(session, i, &infer->outputs[i]));
        value->type = infer->outputs[i];
        value->contents = infer->out_contents[i];
        if (!value->contents) continue;
        int64_t elems = 1, dim;
        for (int axis = 0; axis < value->type.rank; axis++)
            elems = qn_dim_is_const(dims, value->type.dims[axis], &dim) ? elems * dim : 0;
        for (int64_t e = 0; e < elems; e++) value->contents[e] = settle(dims, value->contents[e]);
    }
    return NULL;
}

/* op->check over the constant inputs, whose types op->infer has found to be right. */
static qn_status *check_constants(struct session *session) {
    const qn_node *node = session->node;
    if (!node->op->check) return NULL;
    qn_view *views = QN_ARENA_ARRAY(&session->scratch, qn_view, (size_t)node->input_count);
    if (!views) return qn_status_out_of_memory();
    for (int i = 0; i < node->input_count; i++) {
        const qn_value *value = node->inputs[i];
        if (value)
            views[i] = qn_value_is_constant(value) ? qn_value_view(value) : (qn_view){.dtype = value->type.dtype};
    }
    const qn_eval operands = {.attrs = node->attrs, .input_count = node->input_count, .inputs = views};
    return node->op->check(&operands);
}

static qn_status *infer_node(struct session *session) {
    qn_infer infer;
    qn_infer_host host = {session, host_require, host_data_dim};
    QN_TRY(expect_complete(session->node));
    QN_TRY(make_infer(session, &host, &infer));
    qn_status *status = session->node->op->infer(&infer);
    /* An expression that overflowed explains the rest. */
    QN_TRY(qn_status_join(qn_dim_pool_take_status(session->graph->dims), status));
    QN_TRY(check_constants(session));
    QN_TRY(qn_contents_derive(session->node, &infer, &session->scratch));
    QN_TRY(store_outputs(session, &infer));
    return qn_dim_pool_take_status(session->graph->dims);
}

static qn_status *infer_in_session(struct session *session, qn_node *node) {
    session->node = node;
    qn_arena_init(&session->scratch, session->graph->arena->allocator);
    qn_status *status = infer_node(session);
    qn_arena_deinit(&session->scratch);
    return status ? with_node(node, status) : NULL;
}

qn_status *qn_node_infer(qn_graph *graph, qn_node *node) {
    struct session session = {.graph = graph};
    return infer_in_session(&session, node);
}

/* ---- The whole graph ---- */

static qn_status *infer_all(qn_graph *graph) {
    struct session session = {.graph = graph, .seen_size = 64};
    session.seen =
        qn_alloc_zeroed(graph->arena->allocator, session.seen_size, sizeof *session.seen, sizeof *session.seen);
    qn_status *status = session.seen ? NULL : qn_status_out_of_memory();
    graph->checks.count = 0;
    for (qn_node *node = graph->first; !status && node; node = node->next) status = infer_in_session(&session, node);
    qn_free(graph->arena->allocator, session.seen);
    return status;
}

static qn_status *rebuild_inputs(qn_graph *graph) {
    for (size_t i = 0; i < graph->inputs.count; i++) {
        qn_type *type = &graph->inputs.items[i]->type;
        for (int axis = 0; axis < type->rank; axis++) type->dims[axis] = qn_dim_rebuild(graph->dims, type->dims[axis]);
    }
    return qn_dim_pool_take_status(graph->dims);
}

static int learn(qn_graph *graph) {
    int narrowed = 0;
    int64_t effort = LEARN_EFFORT;
    for (size_t i = 0; i < graph->checks.count; i++) {
        const qn_check *check = &graph->checks.items[i];
        narrowed |= qn_dim_learn_nonnegative(graph->dims, check->condition, check->message, check->node, &effort);
    }
    return narrowed;
}

qn_status *qn_graph_infer(qn_graph *graph) {
    for (int round = 0; round < ROUNDS_MAX; round++) {
        QN_TRY(rebuild_inputs(graph));
        QN_TRY(infer_all(graph));
        if (!learn(graph)) return NULL;
    }
    QN_TRY(rebuild_inputs(graph));
    return infer_all(graph);
}
