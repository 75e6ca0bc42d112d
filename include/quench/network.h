/* quench/network.h - a trained network as imported from what a training framework saved.
 *
 *     qn_network_options options;
 *     qn_network_options_init(&options);
 *     status = qn_network_import_file("frozen_inference_graph.pb", &options, &network);
 *     status = qn_build(network, NULL, NULL, &model);      (quench/build.h)
 *     qn_network_destroy(network);
 *
 * Life cycle: import -> (look at it) -> qn_build -> destroy. Model files are not trusted: whatever a file holds, the
 * answer is a sound network or a status that names file, node and reason.
 * Threads: one at a time per network.
 */
#ifndef QUENCH_NETWORK_H
#define QUENCH_NETWORK_H

#include "quench/allocator.h"
#include "quench/log.h"
#include "quench/model.h"
#include "quench/status.h"
#include "quench/tensor.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct qn_network qn_network;

/* An input chosen by name, and its shape if it is given. */
typedef struct qn_network_input {
    const char *name;          /* "NAME" or "NAME:0" */
    int rank;                  /* -1: as the model declares it; else 0 .. QN_MAX_RANK */
    int64_t dims[QN_MAX_RANK]; /* -1: free; a size stays, where one that the model declares may become free in a
                                  build */
} qn_network_input;

typedef struct qn_network_options {
    size_t size;                    /* sizeof(qn_network_options), set by qn_network_options_init */
    const qn_network_input *inputs; /* default none: found in the model */
    size_t input_count;
    const char *const *outputs; /* default none: found in the model */
    size_t output_count;
    const char *format;            /* default NULL: told from the content; else "tensorflow" */
    const qn_allocator *allocator; /* default NULL: the C library's heap. Copied */
    const qn_log *log;             /* default NULL: warnings are dropped. Used during the call only */
} qn_network_options;

/* Sets every option to its default. */
QN_API void qn_network_options_init(qn_network_options *options);

/* Imports a model file.
 * @param path         a TensorFlow frozen graph (binary GraphDef)
 * @param options      NULL for the defaults
 * @param out_network  on success the network, freed by qn_network_destroy(); else NULL
 * ownership  the network keeps a copy of the file, so that whoever changes it meanwhile does no harm
 * returns    NOT_FOUND, IO: the file cannot be read, or changes while it is copied; INVALID_MODEL: damaged or
 *            contradicting itself; UNSUPPORTED: another format, or operators quench does not have (all of them are
 *            listed); INVALID_ARGUMENT: an input or output that the model does not have (the nearest is suggested);
 *            LIMIT: the file has more than 2 GiB, or what it holds is too large; OUT_OF_MEMORY. All but the last name the
 *            file
 */
QN_API qn_status *qn_network_import_file(const char *path, const qn_network_options *options,
                                         qn_network **out_network) QN_MUST_USE;

/* The same from memory. `name` stands for the file in messages. `data` is borrowed and must outlive the network. */
QN_API qn_status *qn_network_import_memory(const void *data, size_t bytes, const char *name,
                                           const qn_network_options *options, qn_network **out_network) QN_MUST_USE;

/* Frees the network; accepts NULL. */
QN_API void qn_network_destroy(qn_network *network);

typedef struct qn_network_info {
    const char *name, *format;                                     /* owned by the network */
    size_t input_count, output_count, node_count, parameter_count; /* parameters: elements of constants in use */
} qn_network_info;

QN_API qn_network_info qn_network_get_info(const qn_network *network);
/* Input or output `index`: name, dtype, rank, dims (-1 where free), min_dims, max_dims. Returns 0 if there is no such.
   Texts are owned by the network. */
QN_API int qn_network_get_input(const qn_network *network, size_t index, qn_value_info *out_info);
QN_API int qn_network_get_output(const qn_network *network, size_t index, qn_value_info *out_info);

/* Names and operators of the nodes in order of execution, one call per node. Stops when `visit` returns non-zero. */
QN_API void qn_network_visit_nodes(const qn_network *network,
                                   int (*visit)(void *self, const char *name, const char *op), void *self);

typedef enum qn_graph_format { QN_GRAPH_TEXT, QN_GRAPH_DOT, QN_GRAPH_JSON } qn_graph_format;

/* Writes the graph as text: the text IR (docs/text-ir.md), Graphviz or JSON. *out_text is NUL-terminated, owned by the
   network and valid until the next call or its end. OUT_OF_MEMORY. */
QN_API qn_status *qn_network_print(qn_network *network, qn_graph_format format, const char **out_text) QN_MUST_USE;

#ifdef __cplusplus
}
#endif
#endif
