/* driver/config/custom_nodes.h - the configuration key `custom_nodes`: wishes for single nodes, or for all nodes of a type.
 *
 *     {"IConvDepthwiseNode": {"input": {"1": {"quant_granularity": "per_axis"}}}, "logits": {"precision": "float32"}}
 *
 * A key is a type of MagicMind's nodes, one of our operators, or the name of a node or value. Types and operators come
 * first, names after them, whatever the order of the text.
 */
#ifndef QN_DRIVER_CONFIG_CUSTOM_NODES_H
#define QN_DRIVER_CONFIG_CUSTOM_NODES_H

#include "driver/config/config.h"
#include "ir/graph.h"

/* How many scales an input has once it is quantised. */
typedef enum qn_granularity {
    QN_GRANULARITY_ANY, /* nobody asked */
    QN_GRANULARITY_PER_TENSOR,
    QN_GRANULARITY_PER_AXIS
} qn_granularity;

/* Checks the form of one entry, `path` being its key in full. INVALID_ARGUMENT: an unknown member, a wrong type or
   value, each with the key. */
qn_status *qn_custom_nodes_check(const json_t *entry, const char *path, const char *origin) QN_MUST_USE;

/* Puts the wishes on the nodes of a network as it was imported; `log` (may be NULL) hears of types that it has no node
   of. INVALID_ARGUMENT: a key that is neither type, operator, node nor value, with the nearest that is. */
qn_status *qn_custom_nodes_apply(qn_graph *graph, const qn_config *config, const qn_log *log) QN_MUST_USE;

/* What is wished of input 0 or 1 of a node, found by its name, the names of its outputs, its operator and its type. A
   node that was fused is known by the name of the last of those it was made of. `config` may be NULL. */
qn_granularity qn_custom_nodes_granularity(const qn_config *config, const qn_node *node, int input);
/* The same of the type of its weights: S8, S16 or, where nobody asked, NONE. */
qn_dtype qn_custom_nodes_weights(const qn_config *config, const qn_node *node);
/* Does anything in custom_nodes ask for weights of 8 bits, by itself or with activations of 8? */
int qn_custom_nodes_ask_for_bytes(const qn_config *config);

#endif
