/* import/common/importer.h - what one import of any format works with, and the inputs and outputs of its graph.
 *
 * qn_import_run (import/import.h) makes a qn_importer and hands it to the format, which reads importer->source->bytes,
 * creates importer->graph and fills it. Messages need no format and no file name: qn_import_run puts them before.
 */
#ifndef QN_IMPORT_COMMON_IMPORTER_H
#define QN_IMPORT_COMMON_IMPORTER_H

#include "import/common/constant.h"
#include "import/common/names.h"
#include "import/import.h"

struct qn_importer {
    const char *format;    /* the format's name: messages and the sources of nodes begin with it */
    const char *file_name; /* what messages call the file */
    qn_source *source;     /* its bytes, and the files beside it */
    const qn_import_options *options;
    qn_graph *graph;   /* NULL until the format creates it */
    qn_arena *arena;   /* the graph's */
    qn_arena *scratch; /* freed when the import returns */
    qn_import_copied copied;
    const qn_import_names *taken; /* names of the source's nodes, which helper nodes keep clear of; or NULL */
    QN_LIST(const char *) warned; /* "op/attribute": warned about once */
};

/* "FORMAT: FILE: message", to the function that the caller of the import gave for warnings. */
void qn_importer_warn(const qn_importer *importer, const char *format, ...) QN_PRINTF(2, 3);
/* Warns that an attribute is not known, once for an operator and attribute. */
qn_status *qn_importer_warn_attr(qn_importer *importer, const char *node, const char *op, const char *attr) QN_MUST_USE;
/* importer->graph, named after the file. OUT_OF_MEMORY. */
qn_status *qn_importer_create_graph(qn_importer *importer) QN_MUST_USE;
/* "; did you mean 'X'?" or "": for a name that `candidates` do not hold. */
const char *qn_importer_suggest(qn_importer *importer, const char *name, const char *const *candidates, size_t count);

/* ---- Inputs and outputs of the graph ---- */

/* An input as the source declares it. */
typedef struct qn_import_input {
    const char *name;      /* of the value; a free dim becomes a symbol "NAME.AXIS" */
    const char *node, *op; /* for messages: who declares it; op NULL where the format has no such node */
    qn_dtype dtype;
    qn_import_shape declared;
    const qn_import_input_dims *asked; /* dims that the caller gives, or NULL */
} qn_import_input;

/* Adds an input. Dims that the caller asks for win over dims that the model declares, with a warning where the model
   declares other numbers. INVALID_ARGUMENT where neither caller nor model gives a shape. */
qn_status *qn_importer_add_input(qn_importer *importer, const qn_import_input *input, qn_value **out_value) QN_MUST_USE;
/* Marks `value` as an output called `name`: a value of another name gets an identity of that name. */
qn_status *qn_importer_mark_output(qn_importer *importer, const char *name, qn_value *value) QN_MUST_USE;

#endif
