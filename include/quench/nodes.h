/* quench/nodes.h - networks node by node: build one by hand, or look at and change an imported one.
 *
 *     qn_network *network;
 *     qn_value *x, *w;
 *     qn_node *conv;
 *     status = qn_network_create("tiny", NULL, &network);
 *     status = qn_network_add_input(network, "x", QN_DTYPE_F32, 4, (int64_t[]){1, -1, -1, 3}, &x);
 *     status = qn_network_add_constant(network, "w", &weights, &w);
 *     status = qn_network_add_node(network, "conv2d", "conv", "padding=same_upper", (qn_value *[]){x, w}, 2, &conv);
 *     status = qn_network_mark_output(network, qn_node_get_output(conv, 0), "y");
 *     status = qn_build(network, NULL, NULL, &model);
 *
 * Operators, their inputs and attributes are listed by qn_operator_at(); layouts are NHWC for pictures and
 * [KH, KW, Cin / groups, Cout] for the weights of conv2d.
 *
 * Ownership: values and nodes belong to their network and die with it, or with its qn_build(). Texts that are returned belong to the
 * network. A call that fails leaves the network as it was, but for memory that goes when the network does.
 * Threads: one at a time per network.
 */
#ifndef QUENCH_NODES_H
#define QUENCH_NODES_H

#include "quench/network.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct qn_value qn_value; /* an input, a constant or what a node makes */
typedef struct qn_node qn_node;

/* ---- Building ---- */

/* An empty network. `name` is copied; allocator NULL: the C library's heap, copied. OUT_OF_MEMORY. */
QN_API qn_status *qn_network_create(const char *name, const qn_allocator *allocator,
                                    qn_network **out_network) QN_MUST_USE;

/* Adds an input.
 * @param name  copied; a name that is taken gets a suffix. NULL: "input"
 * @param dims  `rank` sizes >= 0, or -1 where the size is free (1 or more)
 * returns  INVALID_ARGUMENT: dtype, rank or a dim is out of range; OUT_OF_MEMORY */
QN_API qn_status *qn_network_add_input(qn_network *network, const char *name, qn_dtype dtype, int rank,
                                       const int64_t *dims, qn_value **out_value) QN_MUST_USE;

/* Adds a constant; the elements are copied. `name` NULL: "const". INVALID_ARGUMENT, LIMIT, OUT_OF_MEMORY. */
QN_API qn_status *qn_network_add_constant(qn_network *network, const char *name, const qn_tensor *tensor,
                                          qn_value **out_value) QN_MUST_USE;

/* Adds a node after all others.
 * @param op          an operator's name ("conv2d"); the nearest is suggested when there is none of that name
 * @param name        NULL: after the operator
 * @param attributes  "stride=[2, 2], padding=same_upper"; NULL or "": the defaults
 * @param inputs      `input_count` values of this network; NULL for an optional input left out
 * returns  NOT_FOUND: no such operator; INVALID_ARGUMENT: `attributes` is no such list, or an input belongs to another network;
 *          INVALID_MODEL: attributes, types or shapes that the operator does not take; UNSUPPORTED; OUT_OF_MEMORY */
QN_API qn_status *qn_network_add_node(qn_network *network, const char *op, const char *name, const char *attributes,
                                      qn_value *const *inputs, size_t input_count, qn_node **out_node) QN_MUST_USE;

/* Makes a value an output, after those marked before. `name` (NULL: keep its own) renames it. INVALID_ARGUMENT: it is an
   output already. */
QN_API qn_status *qn_network_mark_output(qn_network *network, qn_value *value, const char *name) QN_MUST_USE;
/* The opposite. INVALID_ARGUMENT: it is no output. */
QN_API qn_status *qn_network_unmark_output(qn_network *network, qn_value *value) QN_MUST_USE;

/* ---- Looking ---- */

/* The node or value of that name. NOT_FOUND, with the nearest name. */
QN_API qn_status *qn_network_find_node(const qn_network *network, const char *name, qn_node **out_node) QN_MUST_USE;
QN_API qn_status *qn_network_find_value(const qn_network *network, const char *name, qn_value **out_value) QN_MUST_USE;

/* The first node in order of execution, and the one after `node`; NULL past the last. With `op` only nodes of that operator are
   met (NULL: all). */
QN_API qn_node *qn_network_first_node(const qn_network *network, const char *op);
QN_API qn_node *qn_network_next_node(const qn_node *node, const char *op);

QN_API const char *qn_node_get_name(const qn_node *node);
QN_API const char *qn_node_get_op(const qn_node *node);
QN_API size_t qn_node_get_input_count(const qn_node *node);
QN_API size_t qn_node_get_output_count(const qn_node *node);
QN_API qn_value *qn_node_get_input(const qn_node *node, size_t index);  /* NULL: absent, or past the last */
QN_API qn_value *qn_node_get_output(const qn_node *node, size_t index); /* NULL: past the last */
QN_API qn_node *qn_value_get_producer(const qn_value *value);           /* NULL: an input or constant */
QN_API const char *qn_value_get_name(const qn_value *value);

/* dtype, rank, dims (-1 where free), min_dims, max_dims; location CONSTANT, INPUT, OUTPUT or ARENA. Texts belong to the network. */
QN_API void qn_network_describe_value(const qn_network *network, const qn_value *value, qn_value_info *out_info);

/* ---- Changing ---- */

/* Renames a value and, if it is the first output of a node, the node. A name that is taken is INVALID_ARGUMENT. */
QN_API qn_status *qn_network_rename(qn_network *network, qn_value *value, const char *name) QN_MUST_USE;
/* Gives an input another shape (-1: free); every shape that follows from it is found again. On failure it has the old one. */
QN_API qn_status *qn_network_set_input_dims(qn_network *network, qn_value *input, int rank,
                                            const int64_t *dims) QN_MUST_USE;
/* Bounds the sizes an input may have, as `dim_range` of a configuration does: min and max hold one size per dim, at least 1. Where
 * they are equal the dim stays that size, whatever `graph_shape_mutable` says; a `dim_range` that holds it is then no wish. */
QN_API qn_status *qn_network_set_input_range(qn_network *network, qn_value *input, const int64_t *min,
                                             const int64_t *max) QN_MUST_USE;
/* Gives an input another element type. */
QN_API qn_status *qn_network_set_input_dtype(qn_network *network, qn_value *input, qn_dtype dtype) QN_MUST_USE;

/* Asks for the type in which a node stores its floats, operands and results alike, whatever `precision_mode` says. The wish of a
 * value is that of the node that makes it, of an input or constant that of every node that reads it. Later wishes replace earlier
 * ones, and `custom_nodes` of a configuration all of them. `quench inspect` says what became of it.
 * @param dtype  QN_DTYPE_F16 or QN_DTYPE_F32: stored so, with arithmetic in float32, and not quantised; QN_DTYPE_U8 or QN_DTYPE_S16:
 *               computed in integers of 8 or 16 bits where the build quantises and the operator can, else as if nothing had been
 *               asked; anything else is UNSUPPORTED */
QN_API qn_status *qn_network_set_node_precision(qn_network *network, qn_node *node, qn_dtype dtype) QN_MUST_USE;
QN_API qn_status *qn_network_set_value_precision(qn_network *network, qn_value *value, qn_dtype dtype) QN_MUST_USE;

/* ---- Operators ---- */

typedef struct qn_operator_info {
    const char *name, *doc;
    int min_inputs, max_inputs; /* max -1: any number */
    int outputs;
} qn_operator_info;

/* Operator `index`, in alphabetical order; 0 past the last. Static texts. */
QN_API int qn_operator_at(size_t index, qn_operator_info *out_info);

typedef struct qn_attribute_info {
    const char *name, *kind, *fallback, *doc; /* fallback: the default as text, NULL if it must be given */
} qn_attribute_info;

/* Attribute `index` of operator `op`; 0 past the last, or if there is no such operator. Static texts. */
QN_API int qn_operator_attribute_at(const char *op, size_t index, qn_attribute_info *out_info);

#ifdef __cplusplus
}
#endif
#endif
