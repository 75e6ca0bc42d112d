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

/* The argmax that `value` comes from, alone and through movers that nobody else looks at; NULL if there is none. */
static qn_node *find_argmax(const qn_value *value) {
    for (int depth = 0; depth < DEPTH_MAX; depth++) {
        qn_node *node = value->producer;
        if (!node || value->uses.count != 1 || value->is_output) return NULL;
        if (node->op == &qn_op_argmax) return node;
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
    qn_node *argmax = find_argmax(cast->inputs[0]);
    if (!argmax) return NULL;
    qn_argreduce_attrs attrs = *(const qn_argreduce_attrs *)argmax->attrs;
    int64_t labels = qn_label_count(graph, &argmax->inputs[0]->type, attrs.axis);
    qn_dtype wanted = cast->outputs[0]->type.dtype;
    if (!qn_dtype_holds_labels(wanted, labels) || !qn_dtype_holds_labels((qn_dtype)attrs.dtype, labels)) return NULL;
    while (cast->inputs[0]->producer != argmax) QN_TRY(lift(graph, argmax->name, &cast));
    attrs.dtype = wanted;
    return qn_rewrite(graph, cast, argmax->op, &attrs, 1, argmax->inputs);
}

qn_status *qn_pass_retype_argmax(qn_graph *graph) {
    for (qn_node *node = graph->first; node; node = node->next)
        if (node->op == &qn_op_cast) QN_TRY(retype(graph, node));
    return NULL;
}
