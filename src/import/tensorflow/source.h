/* import/tensorflow/source.h - a GraphDef as plain arrays: what the file says, before any meaning is given to it.
 *
 * Everything lives in the scratch arena of one import; attribute values stay in the file's bytes and are read when a
 * conversion asks for them (import/tensorflow/attr.c).
 */
#ifndef QN_IMPORT_TENSORFLOW_SOURCE_H
#define QN_IMPORT_TENSORFLOW_SOURCE_H

#include "base/memory.h"
#include "import/common/names.h"
#include "import/wire.h"

typedef struct qn_tf_attr {
    const char *name;
    qn_wire value; /* an AttrValue */
    int known;     /* a conversion has asked for it */
} qn_tf_attr;

typedef struct qn_tf_attrs {
    qn_tf_attr *items;
    size_t count;
} qn_tf_attrs;

/* The attributes of a function call, for `placeholder` values inside the function's body. */
typedef struct qn_tf_scope {
    qn_tf_attrs attrs;
    qn_import_names names;           /* attributes to indices */
    const struct qn_tf_scope *outer; /* NULL at the top */
} qn_tf_scope;

typedef struct qn_tf_ref {
    const char *text; /* as the file spells it: "stack_3", "split:1", "^Assert" */
    uint32_t node;    /* index of the producer, after qn_tf_source_link */
    int output;       /* which of its outputs; not used for control inputs */
} qn_tf_ref;

typedef struct qn_tf_node {
    const char *name, *op;
    qn_tf_ref *inputs, *controls;
    size_t input_count, control_count;
    qn_tf_attrs attrs;
    const qn_tf_scope *scope; /* NULL outside functions */
    size_t offset;            /* of its bytes in the file */
    int depth;                /* of inlined calls around it */
} qn_tf_node;

/* One entry of the function library. */
typedef struct qn_tf_function {
    const char *name;
    QN_LIST(const char *) args;     /* names, in order */
    QN_LIST(const char *) outputs;  /* names, in order */
    QN_LIST(const char *) returns;  /* for output i: "node:out:0" */
    QN_LIST(const char *) controls; /* nodes that must have run, each once */
    QN_LIST(qn_tf_node) nodes;      /* inputs not linked */
    qn_import_names output_names;   /* to the first output of that name */
    qn_import_names locals;         /* parameters: index; body nodes: args.count + index; filled by the first call */
} qn_tf_function;

typedef struct qn_tf_source {
    qn_arena *arena;
    QN_LIST(qn_tf_node) nodes;
    QN_LIST(qn_tf_function) functions;
    qn_import_names node_names, function_names;
} qn_tf_source;

/* Parses a binary GraphDef: nodes and function library, inputs still as text. */
qn_status *qn_tf_source_read(qn_bytes bytes, qn_arena *arena, qn_tf_source *out_source) QN_MUST_USE;
/* Replaces every call of a library function by its body: the call keeps its name as an IdentityN of the results,
   parameters become Identity nodes "CALL/PARAMETER", and body nodes are "CALL/NODE". */
qn_status *qn_tf_source_inline(qn_tf_source *source) QN_MUST_USE;
/* Resolves every input to a node; run once, after inlining. */
qn_status *qn_tf_source_link(qn_tf_source *source) QN_MUST_USE;

/* Index of a node, or -1. */
int64_t qn_tf_source_find(const qn_tf_source *source, const char *name);
/* Splits "NAME", "NAME:2" into its parts; the name is a copy in `arena`. */
qn_status *qn_tf_parse_ref(qn_arena *arena, const char *text, const char **out_name, int *out_output) QN_MUST_USE;

/* Reads map<string, AttrValue> entries into a list. */
qn_status *qn_tf_read_attr(qn_arena *arena, const qn_wire *wire, const qn_wire_field *field,
                           qn_tf_attr *out_attr) QN_MUST_USE;
/* Parses one NodeDef. */
qn_status *qn_tf_read_node(qn_arena *arena, const qn_wire *wire, const qn_wire_field *field,
                           qn_tf_node *out_node) QN_MUST_USE;
/* Parses a FunctionDefLibrary into source->functions. */
qn_status *qn_tf_read_library(qn_tf_source *source, const qn_wire *wire, const qn_wire_field *field) QN_MUST_USE;

#endif
