/* pass/precision.h - saying what the floats of nodes are to be stored in, before the passes run; pass store_half does
 * it. U8 and S16 ask that a node compute in integers of 8 or 16 bits: a wish to whoever quantises, which F32 and F16
 * forbid. Where it is not met the node stores floats like the graph, and says so.
 *
 * Every node stores its float operands and results in one type. A wish belongs to a node; that of a value belongs to
 * the node that makes it, and that of an input or constant to every node that reads it. Later wishes replace earlier
 * ones, so those for operators come before those for names.
 *
 * When nodes are fused the wish goes with them: that of the layer, or else one that another of them has by name. A wish
 * for a kind of nodes ("add") says nothing of a convolution that takes one of them in. Wishes and what becomes of them
 * stand in ir/facts.h.
 */
#ifndef QN_PASS_PRECISION_H
#define QN_PASS_PRECISION_H

#include "ir/graph.h"

/* `dtype` F16, F32, U8 or S16; anything else is UNSUPPORTED. The name in `who` is copied. */
qn_status *qn_precision_set_node(qn_graph *graph, qn_node *node, qn_dtype dtype, qn_who who) QN_MUST_USE;
/* The same where all nodes of some kind are asked, of which this is one. */
qn_status *qn_precision_set_kind(qn_graph *graph, qn_node *node, qn_dtype dtype, qn_who who) QN_MUST_USE;
qn_status *qn_precision_set_value(qn_graph *graph, qn_value *value, qn_dtype dtype, qn_who who) QN_MUST_USE;
/* The node or else the value of that name. INVALID_ARGUMENT: there is none; the nearest is named. */
qn_status *qn_precision_set_named(qn_graph *graph, const char *name, qn_dtype dtype, qn_who who) QN_MUST_USE;
/* Every node of an operator ("softmax"). INVALID_ARGUMENT: there is no such operator. */
qn_status *qn_precision_set_op(qn_graph *graph, const char *op, qn_dtype dtype, qn_who who) QN_MUST_USE;

#endif
