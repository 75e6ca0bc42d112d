/* pass/precision.h - wishes for the types of nodes, set before the passes run. F16 and F32 are types in which a node is
 * to store its floats, which pass store_half sees to, and forbid integers. U8 and S16 ask that a node compute in
 * integers of 8 or 16 bits, which pass quantise sees to; where that cannot be, the node stores floats like the rest of
 * the graph, and its outcome says why.
 *
 * Every node stores all its float operands and results in one type, so a wish belongs to a node. A wish for a value is
 * one for the node that makes it; a wish for an input or constant is one for every node that reads it. A later wish
 * replaces an earlier one, so wishes for operators are set before wishes for names.
 *
 * When nodes are fused, the fused node has the wish of the layer; if the layer has none, the wish of another of the
 * fused nodes, if that node was asked by its name. For example, conv2d "c" and add "a" are fused: with {"a": int8} the
 * fused convolution is asked for int8; with {"add": int8}, a wish for all additions, it is not. Wishes and outcomes
 * stand in ir/facts.h.
 */
#ifndef QN_PASS_PRECISION_H
#define QN_PASS_PRECISION_H

#include "ir/graph.h"

/* `dtype` F16, F32, U8 or S16; anything else is UNSUPPORTED. The name in `who` is copied. */
qn_status *qn_precision_set_node(qn_graph *graph, qn_node *node, qn_dtype dtype, qn_who who) QN_MUST_USE;
/* The same of a node that is asked because it is of a kind of which all nodes are asked: all "add", all of type f32. */
qn_status *qn_precision_set_kind(qn_graph *graph, qn_node *node, qn_dtype dtype, qn_who who) QN_MUST_USE;
qn_status *qn_precision_set_value(qn_graph *graph, qn_value *value, qn_dtype dtype, qn_who who) QN_MUST_USE;
/* The node or else the value of that name. INVALID_ARGUMENT: there is none; the nearest is named. */
qn_status *qn_precision_set_named(qn_graph *graph, const char *name, qn_dtype dtype, qn_who who) QN_MUST_USE;
/* Every node of an operator ("softmax"). INVALID_ARGUMENT: there is no such operator. */
qn_status *qn_precision_set_op(qn_graph *graph, const char *op, qn_dtype dtype, qn_who who) QN_MUST_USE;

#endif
