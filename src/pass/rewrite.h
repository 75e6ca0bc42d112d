/* pass/rewrite.h - what several passes ask of a graph. */
#ifndef QN_PASS_REWRITE_H
#define QN_PASS_REWRITE_H

#include "ir/graph.h"

/* Constants per channel of more channels than this are no constants per channel to passes: combining them over and over
   would let a small model ask for any amount of memory. */
enum { QN_CHANNELS_MAX = 1 << 16 };

/* The node that produces `value`, which may be NULL, if it is an `op` and the value has no other use and is no output of the
   graph, so that it may disappear; else NULL. */
qn_node *qn_match_sole_producer(const qn_value *value, const qn_op_def *op);
/* The layer on floats that produces `value`, for one use alone and under no output's name; else NULL. */
qn_node *qn_match_sole_layer(const qn_value *value);
/* The same of an operator of two operands that adds, subtracts, multiplies or divides, as `arithmetic` says. */
qn_node *qn_match_sole_arithmetic(const qn_value *value, qn_arithmetic arithmetic);
/* Is `value` a float32 constant with one element, or one per channel (last axis of `channels` elements, other dims 1)? */
int qn_match_channel_constant(const qn_value *value, int64_t channels);
/* Splits a binary node into its channel constant and the other operand. `index` of the constant; 0 when neither is one.
   Broadcasting must not enlarge the other operand. */
int qn_match_constant_operand(const qn_node *node, qn_value **out_other, qn_value **out_constant,
                              int *out_constant_index);
/* Channels (last dim) of a value of constant last dim, else -1. */
int64_t qn_value_channels(const qn_value *value);

/* A constant of `channels` floats, [channels], filled by the caller through *out_data. */
qn_status *qn_make_channel_constant(qn_graph *graph, const char *name, int64_t channels, qn_value **out_value,
                                    float **out_data) QN_MUST_USE;
/* Element `channel` of a channel constant. */
float qn_channel_constant_at(const qn_value *constant, int64_t channel);
/* Adds a cast of `value` (NULL: set later) to `dtype` before a node; not inferred yet. `name` NULL: OUT_OF_MEMORY. */
qn_status *qn_add_cast(qn_graph *graph, const char *name, qn_value *value, qn_dtype dtype, qn_node *before,
                       qn_node **out) QN_MUST_USE;
/* Turns `node` into another operation (qn_node_become) and removes the nodes before it that are not needed any more,
   so that the next pattern sees exact use lists. Nodes behind `node` stay: a loop over the graph may go on from it. */
qn_status *qn_rewrite(qn_graph *graph, qn_node *node, const qn_op_def *op, const void *attrs, int input_count,
                      qn_value *const *inputs) QN_MUST_USE;
/* Removes a node whose output is its first input unchanged. The node stays if its output is an output of the graph
   and the graph would then list an input, a constant or another output in its place. */
qn_status *qn_bypass(qn_graph *graph, qn_node *node) QN_MUST_USE;
/* Bytes of the graph's constants, each without the end in which it only repeats its last element. A file that says
   this much has about this size, so passes may make constants in proportion to it, and a small file cannot ask for
   any amount of memory. */
int64_t qn_graph_told_bytes(const qn_graph *graph);
/* Whether both types are equal, dims as expressions. */
int qn_types_equal(const qn_type *a, const qn_type *b);

#endif
