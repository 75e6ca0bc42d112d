/* pass/conversion.h - operators that compute in integers and the conversions to them, as several passes find and make
 * them. */
#ifndef QN_PASS_CONVERSION_H
#define QN_PASS_CONVERSION_H

#include "ir/graph.h"

/* quantize_linear? What qn_add_conversion() makes. */
int qn_node_is_conversion(const qn_node *node);
/* conv2d_quantized, matmul_quantized or add_quantized? */
int qn_node_is_quantised(const qn_node *node);
/* The node of these operators that produces `value`, if `value` has one use, so that both may disappear; else NULL. */
qn_node *qn_match_quantised(const qn_value *value);

/* A constant [count] of the name owner/what; `data` is borrowed, as by qn_graph_add_constant(). */
qn_status *qn_add_vector(qn_graph *graph, const char *owner, const char *what, qn_dtype dtype, int64_t count,
                         const void *data, qn_value **out) QN_MUST_USE;
/* A quantize_linear of `x` before a node, named `name`. `encoding` is what its result stands for and lives as long
   as the graph. The node says nothing of its source or reason yet. */
qn_status *qn_add_conversion(qn_graph *graph, qn_value *x, const char *name, qn_dtype dtype,
                             const qn_value_encoding *encoding, qn_node *before, qn_node **out) QN_MUST_USE;

#endif
