/* driver/network/print.h - graphs for other programs to read. */
#ifndef QN_DRIVER_NETWORK_PRINT_H
#define QN_DRIVER_NETWORK_PRINT_H

#include "ir/graph.h"

/* Graphviz: nodes, and edges labelled with type and shape. */
void qn_print_graph_dot(const qn_graph *graph, qn_buffer *buffer);
/* {"name", "inputs": [value], "outputs": [name], "nodes": [{"name", "op", "attributes", "inputs": [name], "outputs": [value]}]} where
   value is {"name", "dtype", "shape": [dim text]}. */
void qn_print_graph_json(const qn_graph *graph, qn_buffer *buffer);

#endif
