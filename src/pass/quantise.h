/* pass/quantise.h - what pass quantise can make integer. The choice (quantise_choose.c) comes before anything changes, so
 * that contracts can ask for it alone.
 */
#ifndef QN_PASS_QUANTISE_H
#define QN_PASS_QUANTISE_H

#include "ir/graph.h"

/* Why a conv2d or matmul cannot be integer, or (ASKED) is asked not to be; why NOTHING: nothing speaks against it but,
   perhaps, that no time would be saved. */
qn_outcome qn_quantise_find_obstacle(const qn_graph *graph, const qn_node *node);

/* Chooses what becomes integer in a fused graph and writes it into the facts of all nodes: `integers`, and of layers and
   additions that stay float, why. OUT_OF_MEMORY. */
qn_status *qn_quantise_choose(qn_graph *graph) QN_MUST_USE;

/* A conv2d or matmul of float32 results? */
int qn_quantise_is_layer(const qn_node *node);
/* The integers that a node reads a value as, by the choice; NONE: as floats, or not at all. */
qn_dtype qn_quantise_read_as(const qn_graph *graph, const qn_use *use);
/* Those of the weights of a layer whose data becomes `data`, U8 or S16. */
qn_dtype qn_quantise_weights(const qn_graph *graph, const qn_node *node, qn_dtype data);

#endif
