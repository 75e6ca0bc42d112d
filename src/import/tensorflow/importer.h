/* import/tensorflow/importer.h - what conversions work with: one import, one node at a time.
 *
 * A conversion is a function over a `qn_tf_site`: it reads attributes and inputs of one source node, adds nodes to the
 * graph and sets the node's outputs. Inputs are inferred when it runs, so ranks, dims and small contents are at hand.
 * Messages need no node name: the caller puts "node 'NAME' (OP)" before them.
 *
 * Adding an operator: a row in map.def, and a conversion in the file of its family unless it is a straight rename.
 */
#ifndef QN_IMPORT_TENSORFLOW_IMPORTER_H
#define QN_IMPORT_TENSORFLOW_IMPORTER_H

#include "import/import.h"
#include "import/tensorflow/source.h"
#include "import/tensorflow/tensor.h"

typedef struct qn_tf_site qn_tf_site;

/* One row of map.def. */
typedef struct qn_tf_row {
    const char *source;         /* TensorFlow's operator */
    int min_inputs, max_inputs; /* data inputs; max -1: any number */
    qn_status *(*convert)(qn_tf_site *site);
    const qn_op_def *op; /* ours; NULL where the conversion decides */
} qn_tf_row;

/* What an import knows about one source node. */
typedef struct qn_tf_state {
    const qn_tf_row *row;
    QN_LIST(qn_value *) outputs; /* empty until converted; [i] NULL: no such output */
    uint64_t cuts;               /* bit i: output i is an input of the graph */
    uint8_t needed;              /* an output depends on its value */
    uint8_t walked;              /* its control inputs have been followed */
    uint8_t consumed;            /* another node reads its value */
    uint8_t requested;           /* one of its outputs is an output of the graph */
    uint8_t order;               /* 0 unseen, 1 on the path, 2 done */
} qn_tf_state;

/* Outputs of one node that can be inputs of the graph: qn_tf_state.cuts has a bit for each. */
enum { QN_TF_CUT_OUTPUTS_MAX = 64 };

typedef struct qn_tf_port {
    uint32_t node;
    int output;                       /* -1: all that the conversion sets */
    const qn_import_input_dims *dims; /* inputs: NULL if as declared */
} qn_tf_port;

typedef QN_LIST(qn_tf_port) qn_tf_ports;

typedef struct qn_tf_importer {
    const char *file_name;
    const qn_import_options *options;
    qn_tf_source source;
    qn_tf_state *states; /* [source.nodes.count] */
    qn_tf_ports inputs, outputs;
    QN_LIST(uint32_t) order; /* needed nodes, producers first */
    qn_graph *graph;
    qn_arena *arena;   /* the graph's */
    qn_arena *scratch; /* freed when the import returns */
    qn_tf_copied copied;
    QN_LIST(const char *) warned; /* "op/attribute" */
} qn_tf_importer;

struct qn_tf_site {
    qn_tf_importer *importer;
    const qn_tf_node *node;
    qn_tf_state *state;
    const qn_op_def *op; /* of the row */
    int input_count;
    qn_value **inputs;
    int is_named; /* the failure that is on its way up names the node already */
};

/* ---- The stages (select.c, import.c) ---- */

const qn_tf_row *qn_tf_row_find(const char *source_op); /* NULL if there is none */
const qn_tf_row *qn_tf_row_at(size_t index);            /* in map.def's order; NULL behind the end */

/* Settles which outputs and inputs the graph has and which nodes it needs, in which order. Fails with all unsupported
   operators at once. */
qn_status *qn_tf_select(qn_tf_importer *importer) QN_MUST_USE;
/* Adds a graph input for one port. */
qn_status *qn_tf_add_input(qn_tf_importer *importer, const qn_tf_port *port) QN_MUST_USE;
/* The value that an Assert tests: its condition, seen through the Switch of a guard that runs only when it fails. */
qn_tf_ref qn_tf_assert_condition(const qn_tf_importer *importer, const qn_tf_node *node);
/* Does this input matter for the node's value? (An Assert's message does not.) */
size_t qn_tf_data_inputs(const qn_tf_node *node);

void qn_tf_warn(const qn_tf_importer *importer, const char *format, ...) QN_PRINTF(2, 3);

/* ---- Attributes (attr.c) ----
   Each gives the fallback where the node does not carry the attribute; a value of another kind is INVALID_MODEL. */

qn_status *qn_tf_get_int(qn_tf_site *site, const char *name, int64_t fallback, int64_t *out_value) QN_MUST_USE;
qn_status *qn_tf_get_float(qn_tf_site *site, const char *name, float fallback, float *out_value) QN_MUST_USE;
qn_status *qn_tf_get_bool(qn_tf_site *site, const char *name, int fallback, int64_t *out_value) QN_MUST_USE;
qn_status *qn_tf_get_dtype(qn_tf_site *site, const char *name, qn_dtype fallback, qn_dtype *out_dtype) QN_MUST_USE;
/* Text in scratch memory. */
qn_status *qn_tf_get_text(qn_tf_site *site, const char *name, const char *fallback, const char **out_text) QN_MUST_USE;
/* Index of the text in a NULL-terminated list; the error lists what is allowed. Fallback -1: the attribute is required.
 */
qn_status *qn_tf_get_choice(qn_tf_site *site, const char *name, const char *const *choices, int fallback,
                            int64_t *out_index) QN_MUST_USE;
/* list(int); count 0 where absent. */
qn_status *qn_tf_get_ints(qn_tf_site *site, const char *name, qn_ints *out_ints) QN_MUST_USE;
/* *out_found 0 where absent. */
qn_status *qn_tf_get_shape(qn_tf_site *site, const char *name, qn_tf_shape *out_shape, int *out_found) QN_MUST_USE;
qn_status *qn_tf_get_tensor(qn_tf_site *site, const char *name, qn_wire *out_message) QN_MUST_USE;
/* Warns about attributes that no conversion asked for and that are not known to be harmless, once per operator and
 * attribute. */
qn_status *qn_tf_warn_unknown_attrs(qn_tf_site *site) QN_MUST_USE;

/* ---- Inputs (site.c) ---- */

/* The elements of an integer input that must be known when importing. Messages name the input. */
qn_status *qn_tf_input_ints(qn_tf_site *site, int index, qn_ints *out_ints) QN_MUST_USE;
/* One such number, as an axis of `rank` dims: -rank .. rank - 1 becomes 0 .. rank - 1. */
qn_status *qn_tf_input_axis(qn_tf_site *site, int index, int rank, int64_t *out_axis) QN_MUST_USE;
qn_status *qn_tf_normalise_axis(int64_t axis, int rank, int64_t *out_axis) QN_MUST_USE;
/* Puts "node 'NAME' (OP), input I 'REF'" before a failure. */
qn_status *qn_tf_input_context(qn_tf_site *site, int index, qn_status *status) QN_MUST_USE;
qn_status *qn_tf_expect_rank(qn_tf_site *site, int index, int rank) QN_MUST_USE;
/* The dim as a number, or -1. */
int64_t qn_tf_const_dim(const qn_tf_site *site, const qn_value *value, int axis);

/* ---- Results (site.c) ---- */

/* Adds and infers a node. `part` NULL gives it the source node's name, else "NAME/part". attrs NULL: the defaults. */
qn_status *qn_tf_emit(qn_tf_site *site, const qn_op_def *op, const char *part, const void *attrs, int input_count,
                      qn_value *const *inputs, qn_value **out_value) QN_MUST_USE;
/* The same, and its value becomes output 0. */
qn_status *qn_tf_emit_output(qn_tf_site *site, const qn_op_def *op, const void *attrs, int input_count,
                             qn_value *const *inputs) QN_MUST_USE;
/* Output `index` of the source node is `value`. */
qn_status *qn_tf_set_output(qn_tf_site *site, int index, qn_value *value) QN_MUST_USE;
/* The name of output `index`: "NAME" or "NAME:1", in scratch memory; NULL on exhaustion. */
const char *qn_tf_output_name(const qn_tf_site *site, int index);

/* New constants; `part` as above. */
qn_status *qn_tf_constant(qn_tf_site *site, const char *part, const qn_view *view, qn_value **out_value) QN_MUST_USE;
/* s32; count -1: a scalar. */
qn_status *qn_tf_constant_ints(qn_tf_site *site, const char *part, int64_t count, const int64_t *values,
                               qn_value **out_value) QN_MUST_USE;
/* A scalar of a float or integer type. */
qn_status *qn_tf_constant_scalar(qn_tf_site *site, const char *part, qn_dtype dtype, double number,
                                 qn_value **out_value) QN_MUST_USE;
/* `value` as dtype: itself, or through a cast named NAME/part. */
qn_status *qn_tf_cast_to(qn_tf_site *site, const char *part, qn_dtype dtype, qn_value *value,
                         qn_value **out_value) QN_MUST_USE;
/* `value` reshaped; -1 in dims as reshape takes it. A constant stays one, of the same bytes (dims then are numbers). */
qn_status *qn_tf_reshape_to(qn_tf_site *site, const char *part, int rank, const int64_t *dims, qn_value *value,
                            qn_value **out_value) QN_MUST_USE;

/* ---- Layout (layout.c) ---- */

/* Reads data_format. For NCHW *out_value is input `index` transposed to NHWC and *out_nchw 1. */
qn_status *qn_tf_enter_nhwc(qn_tf_site *site, int index, int64_t *out_nchw, qn_value **out_value) QN_MUST_USE;
/* qn_tf_emit_output, transposed back where `nchw`. */
qn_status *qn_tf_emit_nhwc(qn_tf_site *site, int64_t nchw, const qn_op_def *op, const void *attrs, int input_count,
                           qn_value *const *inputs) QN_MUST_USE;
/* A list attribute over N, H, W, C in the source's layout: `spatial` gets H and W; N and C must be 1. Absent:
   `required` or ones. */
qn_status *qn_tf_get_spatial(qn_tf_site *site, const char *name, int64_t nchw, int required,
                             qn_ints *out_spatial) QN_MUST_USE;
qn_status *qn_tf_check_spatial(const char *name, const qn_ints *all, int64_t nchw, qn_ints *out_spatial) QN_MUST_USE;
/* padding and explicit_paddings. */
qn_status *qn_tf_get_padding(qn_tf_site *site, int64_t nchw, int64_t *out_padding, qn_ints *out_pads) QN_MUST_USE;

#endif
