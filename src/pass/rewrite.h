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
/* The same of an operator that calculates so with two operands. */
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
/* Turns `node` into another operation (qn_node_become) and removes the nodes that nobody needs any more because of it, so
   that what remains has exact uses and the next pattern is seen. Only nodes before `node` go. */
qn_status *qn_rewrite(qn_graph *graph, qn_node *node, const qn_op_def *op, const void *attrs, int input_count,
                      qn_value *const *inputs) QN_MUST_USE;
/* Takes out a node whose output is its first input unchanged. It stays where its output, as one of the graph, would then name
   an input, a constant or another output. */
qn_status *qn_bypass(qn_graph *graph, qn_node *node) QN_MUST_USE;
/* Bytes that the graph's constants hold, each up to where it only repeats its last element. What a pass may make of the
   constants is measured by this: a model says so much in a file of about this size. */
int64_t qn_graph_told_bytes(const qn_graph *graph);
/* Whether both types are equal, dims as expressions. */
int qn_types_equal(const qn_type *a, const qn_type *b);

#endif
