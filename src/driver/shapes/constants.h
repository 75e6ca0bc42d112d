/* driver/shapes/constants.h - which constant stands behind what a node demands of shapes.
 *
 * Whoever reads that a dim is pinned by "tensorflow: node 'Flatten' (Reshape)" wants to know the numbers to change: the shape
 * that the reshape reads, the weights of the convolution. One node of the source may have become several here, and the
 * constant may be that of another of them. A network of many inputs asks for each, so the nodes of a source are looked
 * up rather than searched for.
 */
#ifndef QN_DRIVER_SHAPES_CONSTANTS_H
#define QN_DRIVER_SHAPES_CONSTANTS_H

#include "ir/graph.h"

typedef struct qn_node_constants {
    struct qn_source_constant {
        const char *source; /* of nodes; NULL: a free slot */
        const qn_value *constant;
    } * slots;
    size_t capacity;
} qn_node_constants;

/* Lists the nodes of `graph` that read constants with dims, in `arena`; the answers hold until the graph changes.
   OUT_OF_MEMORY. */
qn_status *qn_node_constants_init(qn_node_constants *constants, const qn_graph *graph, qn_arena *arena) QN_MUST_USE;
/* The last constant with dims that the node reads, as it is or through identities and casts; where it reads none, that of
   the first node in the graph which came from the same node of the source. NULL if there is none. */
const qn_value *qn_node_constants_find(const qn_node_constants *constants, const qn_node *node);

#endif
