/* import/import.h - from the bytes of a model file to a graph.
 *
 *     qn_format format;
 *     QN_TRY(qn_import_recognise(map.bytes, path, &format));
 *     if (format == QN_FORMAT_TENSORFLOW) QN_TRY(qn_import_tensorflow(map.bytes, path, &options, &arena, &graph));
 *
 * The bytes are hostile: whatever they hold, the answer is a graph that qn_graph_verify() accepts or a status.
 * Threads: any, one per call; the importers keep no state.
 */
#ifndef QN_IMPORT_IMPORT_H
#define QN_IMPORT_IMPORT_H

#include "ir/graph.h"

/* Limits that every importer keeps (LIMIT when exceeded). */
enum {
    QN_IMPORT_NODES_MAX = 1000000,
    QN_IMPORT_NAME_BYTES_MAX = 8192,
    QN_IMPORT_NODE_INPUTS_MAX = 65536,
    QN_IMPORT_CALL_DEPTH_MAX = 32, /* functions that call functions */
    QN_IMPORT_OUTPUTS_MAX = 4096   /* of one node, and of one graph */
};
/* Bytes of constants that are not taken in place: misaligned, listed number by number, or one value repeated. */
#define QN_IMPORT_COPIED_BYTES_MAX ((size_t)2 << 30)
/* Of these, bytes that repeat a constant's last value beyond those listed: a few bytes may not ask for gigabytes. */
#define QN_IMPORT_REPEATED_BYTES_MAX ((size_t)128 << 20)
/* Elements of one constant that is listed number by number or repeats one value. */
enum { QN_IMPORT_LISTED_ELEMS_MAX = 1 << 26 };
/* Working memory of an import, freed when it returns. */
#define QN_IMPORT_SCRATCH_BYTES_MAX ((size_t)512 << 20)

/* The source formats that quench reads. */
typedef enum qn_format {
    QN_FORMAT_UNKNOWN = 0,
    QN_FORMAT_TENSORFLOW /* binary GraphDef, a frozen graph */
} qn_format;

/* Tells from their content what `bytes` are. `path` is what messages call the file; where it names a folder, `bytes`
   are empty and the folder's entries are looked at. Errors: UNSUPPORTED naming what the file is (text-format GraphDef,
   SavedModel, checkpoint, ONNX, TFLite, Caffe, PyTorch, Keras, a picture, an archive, ...) and a way out; INVALID_MODEL
   for what is no model at all (empty, a Git LFS pointer, a web page, text, unknown bytes); NOT_FOUND for a folder
   without a model. */
qn_status *qn_import_recognise(qn_bytes bytes, const char *path, qn_format *out_format) QN_MUST_USE;

/* Shape for one input, -1 where the size is free; where it is not, it stays the size that was asked for. */
typedef struct qn_import_input_dims {
    int given; /* 0: as the model declares it; the rest is not read */
    int rank;
    int64_t dims[QN_MAX_RANK];
} qn_import_input_dims;

/* Zeroed means: find inputs and outputs, shapes as declared, no warnings. */
typedef struct qn_import_options {
    /* "NAME" or "NAME:0". Any node may be named: the graph is cut there (a node that is no placeholder then needs
       dims). Placeholders that the outputs need beside these follow, in the order of the file. */
    const char *const *inputs;
    const qn_import_input_dims *input_dims; /* [input_count], or NULL */
    size_t input_count;
    /* "NAME" or "NAME:1". Count 0: every node that no other node consumes. */
    const char *const *outputs;
    size_t output_count;
    void (*warn)(void *self, const char *message); /* NULL: warnings are dropped */
    void *warn_self;
} qn_import_options;

/* Reads a binary GraphDef (docs/importing-tensorflow.md).
   `file_name` is what messages call the file; `options` may be NULL. The graph lives in `arena`; its constants point
   into `bytes` where alignment allows, so `bytes` must outlive the arena. On failure *out_graph is NULL and what was
   allocated stays in the arena until it is freed as a whole. Errors, each "tensorflow: FILE: node 'NAME' (OP)[, input I
   'REF']: reason": INVALID_MODEL (damaged or contradicting itself), UNSUPPORTED (operators or attributes, all unknown
   operators in one message), INVALID_ARGUMENT (an input or output that the graph does not have, with the nearest name),
   LIMIT, OUT_OF_MEMORY. */
qn_status *qn_import_tensorflow(qn_bytes bytes, const char *file_name, const qn_import_options *options,
                                qn_arena *arena, qn_graph **out_graph) QN_MUST_USE;

#endif
