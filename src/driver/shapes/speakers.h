/* driver/shapes/speakers.h - which constant a message of inference speaks of.
 *
 * Messages begin with the source of a node, "tensorflow: node 'Pad' (Pad): ...", or with its name and operator. A
 * network of many inputs asks for each of them, so the nodes are looked up by those beginnings rather than one after
 * the other.
 */
#ifndef QN_DRIVER_SHAPES_SPEAKERS_H
#define QN_DRIVER_SHAPES_SPEAKERS_H

#include "ir/graph.h"

typedef struct qn_speakers {
    struct qn_speaker {
        const char *start; /* of a message, with the ": " that ends it; NULL: a free slot */
        const qn_value *constant;
    } * slots;
    size_t capacity;
} qn_speakers;

/* Lists the nodes of `graph` that read constants with dims, in `arena`; the answers hold until the graph changes.
   OUT_OF_MEMORY. */
qn_status *qn_speakers_init(qn_speakers *speakers, const qn_graph *graph, qn_arena *arena) QN_MUST_USE;
/* The last constant that the node reads, as it is or through identities and casts; of several nodes that `message` may
   speak of the first in the graph counts. NULL if there is none. */
const qn_value *qn_speakers_find(const qn_speakers *speakers, const char *message);

#endif
