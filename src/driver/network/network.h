/* driver/network/network.h - the private side of quench/network.h. */
#ifndef QN_DRIVER_NETWORK_NETWORK_H
#define QN_DRIVER_NETWORK_NETWORK_H

#include "quench/network.h"

#include "import/common/source.h"
#include "ir/graph.h"

struct qn_network {
    const qn_allocator *allocator;
    qn_allocator allocator_copy;
    qn_arena arena;
    qn_source source; /* what was read, closed with the network: tensors lie in it */
    qn_graph *graph;
    const char *format;
    uint64_t source_bytes, source_hash;
    qn_buffer text; /* what qn_network_print last wrote */
    int consumed;
};

/* An empty network without a graph. OUT_OF_MEMORY. */
qn_status *qn_network_new(const qn_allocator *allocator, qn_network **out_network) QN_MUST_USE;

/* What callers are told of a value. */
void qn_network_fill_info(const qn_graph *graph, const qn_value *value, qn_value_info *out_info);

#endif
