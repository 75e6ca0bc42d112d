/* pass/quantise.h - what pass quantise can make integer. */
#ifndef QN_PASS_QUANTISE_H
#define QN_PASS_QUANTISE_H

#include "ir/graph.h"

/* Why a conv2d or matmul cannot be integer, or is asked not to be; NULL: nothing speaks against it but, perhaps, that no
   time would be saved. The text is static or in the graph's arena. */
const char *qn_quantise_find_obstacle(qn_graph *graph, const qn_node *node);

#endif
