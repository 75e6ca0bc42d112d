/* driver/shapes/mutable.h - which fixed dims of the inputs can vary: found by trying, not by reading the graph.
 *
 * A network whose inputs were declared with fixed sizes often runs at others. Each fixed dim is made a symbol and the
 * graph is inferred: where that fails, or teaches that only one size is possible, the dim is pinned by the graph; so it
 * is where the network would no longer mean the same (driver/shapes/folds.h).
 */
#ifndef QN_DRIVER_SHAPES_MUTABLE_H
#define QN_DRIVER_SHAPES_MUTABLE_H

#include "ir/graph.h"

/* A dim of an input that the graph's own constants hold to one size. */
typedef struct qn_pin {
    size_t input; /* index into graph->inputs */
    int axis;
    int64_t size;
    const char *reason; /* names the node, and the constant where there is one; in the graph's arena */
} qn_pin;

typedef struct qn_pins {
    QN_LIST(qn_pin) list;
} qn_pins;

/* The pin of that dim, or NULL. */
const qn_pin *qn_pins_find(const qn_pins *pins, size_t input, int axis);

/* Frees every fixed dim of the inputs that the graph lets vary: it becomes the symbol "INPUT.AXIS", from 1 on. `keep`
   (NULL: none) says which fixed dims to leave alone. The graph has been inferred before and is again afterwards, with a
   pool of dims of its own: handles from before are void. Inputs declared free stay as they are.
   On failure (OUT_OF_MEMORY; INTERNAL) the graph may only be destroyed. */
qn_status *qn_mutable_apply(qn_graph *graph, int (*keep)(const void *self, size_t input, int axis, int64_t size),
                            const void *keep_self, qn_pins *out_pins) QN_MUST_USE;

#endif
