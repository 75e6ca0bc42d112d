/* Runs a graph node by node with every operator's `eval`, in the order of the graph: slow, and independent of passes,
 * planner, kernels and runtime. Dims that depend on data may only belong to outputs of the graph. */
#ifndef QN_TESTS_IMPORT_GRAPH_EVAL_H
#define QN_TESTS_IMPORT_GRAPH_EVAL_H

#include "ir/graph.h"

/* values[id] is the view of the value with that id: set those of the inputs before; data of the others comes from
 * `arena`. */
qn_status *graph_eval(const qn_graph *graph, qn_arena *arena, qn_view *values) QN_MUST_USE;

#endif
