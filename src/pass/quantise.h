/* pass/quantise.h - what pass quantise can make integer. */
#ifndef QN_PASS_QUANTISE_H
#define QN_PASS_QUANTISE_H

#include "ir/graph.h"

/* Why a conv2d or matmul cannot be integer, or is asked not to be; NULL: nothing speaks against it but, perhaps, that no
   time would be saved. The text is static or in the graph's arena. */
const char *qn_quantise_find_obstacle(qn_graph *graph, const qn_node *node);

/* What the pass would make integer in a fused graph: node->mark is the type of what a conv2d or matmul reads then, NONE
   elsewhere, with why not in its precision_reason. */
qn_status *qn_quantise_mark(qn_graph *graph) QN_MUST_USE;

#endif
