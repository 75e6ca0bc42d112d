/* import/common/order.h - the nodes that a graph needs, producers before consumers.
 *
 * Walks from consumers to producers without recursion, however long the chains of a hostile file are; a node that depends on
 * itself is INVALID_MODEL, with the nodes on the ring.
 */
#ifndef QN_IMPORT_COMMON_ORDER_H
#define QN_IMPORT_COMMON_ORDER_H

#include "base/memory.h"
#include "base/status.h"

/* Set the fields up to `name_node`, zero the rest. */
typedef struct qn_import_order {
    qn_arena *arena;
    size_t node_count;
    const void *self; /* for the functions */
    /* The node that input `index` of `node` waits for. 1: *out_producer; 0: for none (the graph is cut there); -1: the node
       has no more inputs. */
    int (*find_producer)(const void *self, uint32_t node, size_t index, uint32_t *out_producer);
    void (*name_node)(const void *self, uint32_t node, const char **out_name, const char **out_op); /* for messages */
    QN_LIST(uint32_t) nodes;                                                                        /* the result */
    uint8_t *marks;                                                                                 /* private */
} qn_import_order;

/* Appends what `root` needs and is not there yet, and `root`. */
qn_status *qn_import_order_add(qn_import_order *order, uint32_t root) QN_MUST_USE;

#endif
