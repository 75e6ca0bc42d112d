/* Labels are written in the type they are wanted in:
 *
 *     cast(argmax(x), T)        ->  argmax(x) in type T
 *     cast(move(argmax(x)), T)  ->  move(argmax(x) in type T)
 *
 * where T, and the type before, hold every label exactly, and `move` is any chain of operators that only reshape, slice
 * or copy, with no other user on the way. */
#include "pass/labels.h"
#include "pass/pass.h"
#include "pass/rewrite.h"

enum { DEPTH_MAX = 16 };

/* A mover whose data is its first input alone. */
static int is_mover(const qn_node *node) {
    return qn_op_moves(node->op) && (node->op->data_inputs == 1 || node->input_count == 1);
}

/* What makes the labels that `value` comes from, alone and through movers that nobody else looks at; NULL if there is none. */
static qn_node *find_labels(const qn_value *value) {
    for (int depth = 0; depth < DEPTH_MAX; depth++) {
        qn_node *node = value->producer;
        if (!node || value->uses.count != 1 || value->is_output) return NULL;
        if (node->op->values == QN_VALUES_LABELS) return node;
        if (!is_mover(node)) return NULL;
        value = node->inputs[0];
    }
    return NULL;
}

/* cast(move(x)) becomes move(cast(x)); *inout_cast is the new cast, called after `name`. */
static qn_status *lift(qn_graph *graph, const char *name, qn_node **inout_cast) {
    qn_node *cast = *inout_cast, *mover = cast->inputs[0]->producer;
    qn_value **inputs = QN_ARENA_ARRAY(graph->arena, qn_value *, (size_t)mover->input_count);
    if (!inputs) return qn_status_out_of_memory();
    QN_TRY(qn_graph_add_node(graph, cast->op, name, cast->attrs, 1, mover->inputs, mover, inout_cast));
    (*inout_cast)->source = cast->source;
    QN_TRY(qn_node_infer(graph, *inout_cast));
    for (int i = 0; i < mover->input_count; i++) inputs[i] = mover->inputs[i];
    inputs[0] = (*inout_cast)->outputs[0];
    return qn_rewrite(graph, cast, mover->op, mover->attrs, mover->input_count, inputs);
}

static qn_status *retype(qn_graph *graph, qn_node *cast) {
    qn_node *labels = find_labels(cast->inputs[0]);
    if (!labels) return NULL;
    void *attrs = qn_arena_copy(graph->arena, labels->attrs, labels->op->attrs_bytes);
    if (!attrs) return qn_status_out_of_memory();
    int64_t *dtype = (int64_t *)(void *)((char *)attrs + labels->op->dtype_offset);
    int64_t count = qn_label_count(graph, &labels->inputs[0]->type, qn_op_label_axis(labels->op, attrs));
    qn_dtype wanted = cast->outputs[0]->type.dtype;
    if (!qn_dtype_holds_labels(wanted, count) || !qn_dtype_holds_labels((qn_dtype)*dtype, count)) return NULL;
    while (cast->inputs[0]->producer != labels) QN_TRY(lift(graph, labels->name, &cast));
    *dtype = wanted;
    return qn_rewrite(graph, cast, labels->op, attrs, labels->input_count, labels->inputs);
}

qn_status *qn_pass_retype_argmax(qn_graph *graph) {
    for (qn_node *node = graph->first; node; node = node->next)
        if (qn_op_casts(node->op)) QN_TRY(retype(graph, node));
    return NULL;
}
