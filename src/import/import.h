/* import/import.h - from a model file to a graph.
 *
 *     qn_source source;
 *     const qn_import_format *format;
 *     QN_TRY(qn_source_open(path, "a source model", SIZE_MAX, allocator, &source));
 *     QN_TRY(qn_import_recognise(&qn_import_formats_known, &source, &format));
 *     QN_TRY(qn_import_run(format, &source, &options, &arena, &graph));
 *
 * The bytes are hostile: whatever they hold, the answer is a graph that qn_graph_verify() accepts or a status.
 * Threads: any, one per call; the importers keep no state.
 */
#ifndef QN_IMPORT_IMPORT_H
#define QN_IMPORT_IMPORT_H

#include "import/common/source.h"
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
/* Bytes, among the copied ones, that repeat the last value of a constant: a file of a few bytes may not ask for
   gigabytes. */
#define QN_IMPORT_REPEATED_BYTES_MAX ((size_t)128 << 20)
/* Elements of one constant that is listed number by number or repeats one value. */
enum { QN_IMPORT_LISTED_ELEMS_MAX = 1 << 26 };
/* Working memory of an import, freed when it returns. */
#define QN_IMPORT_SCRATCH_BYTES_MAX ((size_t)512 << 20)

/* Files beside the model: how many bytes all of them may have together. */
#define QN_IMPORT_SIBLING_BYTES_MAX ((size_t)16 << 30)

typedef struct qn_importer qn_importer;

/* Dims that the caller asks for one input to have. A size is fixed for good; -1 leaves it free. */
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
    /* Options that one format alone has: its own struct, as its header says, of `own_bytes` bytes. NULL: its defaults;
       a format without such options refuses them. */
    const void *own;
    size_t own_bytes;
} qn_import_options;

/* One source format: a row of import/formats.def. */
typedef struct qn_import_format {
    const char *name;  /* as --format spells it, and as messages and sources of nodes begin */
    const char *title; /* what such a file is: "a TensorFlow frozen graph (binary GraphDef, .pb)" */
    /* Is `source` of this format? UNSUPPORTED with a way out for its relatives that cannot be read (text, a folder of
       checkpoints); `source` is not empty unless it is a folder. */
    qn_status *(*recognise)(const qn_source *source, int *out_is_it);
    qn_status *(*import)(qn_importer *importer); /* fills importer->graph (import/common/importer.h) */
    size_t own_bytes;                            /* of the struct that qn_import_options.own points to; 0: none */
} qn_import_format;

typedef struct qn_import_formats {
    const qn_import_format *rows;
    size_t count;
} qn_import_formats;

/* The formats that quench reads. */
extern const qn_import_formats qn_import_formats_known;

/* The format of that name. INVALID_ARGUMENT with the nearest name, or all of them. */
qn_status *qn_import_format_find(const qn_import_formats *formats, const char *name,
                                 const qn_import_format **out_format) QN_MUST_USE;

/* Tells from its content which format a source has. Errors, each beginning with the source's path: UNSUPPORTED naming
   what the file is (text-format GraphDef, SavedModel, checkpoint, ONNX, TFLite, Caffe, PyTorch, Keras, an archive, ...)
   and a way out; INVALID_MODEL for what is no model at all (empty, a Git LFS pointer, a web page, text, unknown bytes);
   NOT_FOUND for a folder without a model. */
qn_status *qn_import_recognise(const qn_import_formats *formats, const qn_source *source,
                               const qn_import_format **out_format) QN_MUST_USE;

/* Reads a source of this format (docs/importing-tensorflow.md, docs/how-to-add-a-format.md).
   `options` may be NULL. The graph lives in `arena`; its constants point into the bytes of `source` and of the siblings
   that it opened where alignment allows, so `source` must outlive the arena. On failure *out_graph is NULL and what was
   allocated stays in the arena until it is freed as a whole. Errors, each "FORMAT: FILE: node 'NAME' (OP)[, input I
   'REF']: reason": INVALID_MODEL (damaged or contradicting itself), UNSUPPORTED (operators or attributes, all unknown
   operators in one message), INVALID_ARGUMENT (an input or output that the graph does not have, with the nearest name),
   NOT_FOUND and IO (a sibling), LIMIT, OUT_OF_MEMORY. */
qn_status *qn_import_run(const qn_import_format *format, qn_source *source, const qn_import_options *options,
                         qn_arena *arena, qn_graph **out_graph) QN_MUST_USE;

#endif
