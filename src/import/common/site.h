/* import/common/site.h - one node of a source being converted, whatever the format.
 *
 * A conversion is a function over a `qn_site`: it reads attributes and inputs of the source's node, adds nodes to the
 * graph and sets the node's outputs. Inputs are inferred when it runs, so ranks, dims and small contents are at hand.
 * Messages need no node name: qn_site_convert puts "node 'NAME' (OP)" before them.
 *
 *     static qn_status *convert_softmax(qn_site *site) {
 *         qn_axis_attrs attrs;
 *         QN_TRY(qn_site_get_axis(site, "axis", -1, site->inputs[0]->type.rank, &attrs.axis));
 *         return qn_site_emit_output(site, site->op, &attrs, 1, site->inputs);
 *     }
 *
 * Where attributes are only read, from attributes or from axes that are inputs, as here, the row says so itself
 * (qn_import_row.attrs, qn_convert_attrs) and there is no function to write.
 *
 * A format puts a qn_site into a struct of its own, together with whatever it knows beside that, and gives it the one
 * function that reads its attributes (qn_site_read_attr); formats differ in how these are stored and in nothing else.
 */
#ifndef QN_IMPORT_COMMON_SITE_H
#define QN_IMPORT_COMMON_SITE_H

#include "import/common/importer.h"
#include "import/common/table.h"

/* What attributes hold. */
typedef enum qn_site_attr_kind {
    QN_SITE_INT,
    QN_SITE_FLOAT,
    QN_SITE_BOOL,
    QN_SITE_TEXT,
    QN_SITE_DTYPE,
    QN_SITE_INTS,
    QN_SITE_SHAPE,
    QN_SITE_TENSOR
} qn_site_attr_kind;

typedef union qn_site_attr {
    int64_t number; /* INT; BOOL: 0 or 1 */
    float real;
    const char *text; /* in scratch memory */
    qn_dtype dtype;
    qn_ints ints;
    qn_import_shape shape;
    qn_view tensor; /* its data in the source's bytes or in the graph's arena */
} qn_site_attr;

/* Reads attribute `name`. *out_found 0: the node does not carry it (a value of another kind is INVALID_MODEL; messages
   name the attribute). */
typedef qn_status *qn_site_read_attr(qn_site *site, const char *name, qn_site_attr_kind kind, qn_site_attr *out_value,
                                     int *out_found);

/* Values of a node's outputs; [i] NULL: no such output. */
typedef QN_LIST(qn_value *) qn_site_outputs;

struct qn_site {
    qn_importer *importer;
    const char *node, *source_op; /* as the source calls them */
    qn_site_read_attr *read_attr;
    const qn_import_row *row;
    const qn_op_def *op; /* of the row; NULL where the conversion decides */
    int input_count;
    qn_value **inputs;              /* [input_count]; NULL where an optional one is left out */
    const char *const *input_names; /* as the source spells them */
    qn_site_outputs *outputs;
    int is_named; /* the failure that is on its way up names the node already */
};

/* Runs the conversion of site->row, after checking that the first row->min_inputs inputs are there. Inputs behind
   these may be NULL, in formats that let inputs be left out. */
qn_status *qn_site_convert(qn_site *site) QN_MUST_USE;
/* Is this many inputs what the row takes? INVALID_MODEL. */
qn_status *qn_site_check_input_count(const qn_site *site, size_t count) QN_MUST_USE;
/* Puts "node 'NAME' (OP)" before a failure that does not name the node yet; NULL stays NULL. */
qn_status *qn_site_context(const qn_site *site, qn_status *status) QN_MUST_USE;

/* ---- Attributes (attr.c) ----
   Each gives the fallback where the node does not carry the attribute. */

qn_status *qn_site_get_int(qn_site *site, const char *name, int64_t fallback, int64_t *out_value) QN_MUST_USE;
qn_status *qn_site_get_float(qn_site *site, const char *name, float fallback, float *out_value) QN_MUST_USE;
qn_status *qn_site_get_bool(qn_site *site, const char *name, int fallback, int64_t *out_value) QN_MUST_USE;
qn_status *qn_site_get_dtype(qn_site *site, const char *name, qn_dtype fallback, qn_dtype *out_dtype) QN_MUST_USE;
/* Text in scratch memory. */
qn_status *qn_site_get_text(qn_site *site, const char *name, const char *fallback, const char **out_text) QN_MUST_USE;
/* Index of the text in a NULL-terminated list; the error lists what is allowed. Fallback -1: the attribute is required.
 */
qn_status *qn_site_get_choice(qn_site *site, const char *name, const char *const *choices, int fallback,
                              int64_t *out_index) QN_MUST_USE;
/* An axis of `rank` dims, counted from the end where negative. */
qn_status *qn_site_get_axis(qn_site *site, const char *name, int64_t fallback, int rank, int64_t *out_axis) QN_MUST_USE;
/* A list of integers; count 0 where absent. */
qn_status *qn_site_get_ints(qn_site *site, const char *name, qn_ints *out_ints) QN_MUST_USE;
/* Rank -1 where absent. */
qn_status *qn_site_get_shape(qn_site *site, const char *name, qn_import_shape *out_shape) QN_MUST_USE;
/* Fills the attribute struct of site->op: the defaults, and what site->row->attrs names. Input 0 is the operand whose
   axes are named. */
qn_status *qn_site_read_attrs(qn_site *site, void *attrs) QN_MUST_USE;
/* A tensor, which the node must carry. */
qn_status *qn_site_get_tensor(qn_site *site, const char *name, qn_view *out_view) QN_MUST_USE;

/* ---- Inputs (input.c) ---- */

/* The elements of an integer input that must be known when importing. Messages name the input. */
qn_status *qn_site_input_ints(qn_site *site, int index, qn_ints *out_ints) QN_MUST_USE;
/* One such number, as an axis of `rank` dims: -rank .. rank - 1 becomes 0 .. rank - 1. */
qn_status *qn_site_input_axis(qn_site *site, int index, int rank, int64_t *out_axis) QN_MUST_USE;
/* Puts "node 'NAME' (OP), input I 'REF'" before a failure; NULL stays NULL. */
qn_status *qn_site_input_context(qn_site *site, int index, qn_status *status) QN_MUST_USE;
qn_status *qn_site_expect_rank(qn_site *site, int index, int rank) QN_MUST_USE;
/* The dim as a number, or -1. */
int64_t qn_site_const_dim(const qn_site *site, const qn_value *value, int axis);

/* An axis of `rank` dims: -rank .. rank - 1 becomes 0 .. rank - 1. */
qn_status *qn_axis_normalise(int64_t axis, int rank, int64_t *out_axis) QN_MUST_USE;
/* The same for a list, in which no axis may be named twice. */
qn_status *qn_axes_normalise(const qn_ints *axes, int rank, qn_ints *out_axes) QN_MUST_USE;

/* ---- Results (emit.c) ---- */

/* Adds and infers a node. `part` NULL gives it the source node's name, else "NAME/part". attrs NULL: the defaults. */
qn_status *qn_site_emit(qn_site *site, const qn_op_def *op, const char *part, const void *attrs, int input_count,
                        qn_value *const *inputs, qn_value **out_value) QN_MUST_USE;
/* The same, and its value becomes output 0. */
qn_status *qn_site_emit_output(qn_site *site, const qn_op_def *op, const void *attrs, int input_count,
                               qn_value *const *inputs) QN_MUST_USE;
/* The same for output `index`, whose name the node takes. */
qn_status *qn_site_emit_output_at(qn_site *site, int index, const qn_op_def *op, const void *attrs, int input_count,
                                  qn_value *const *inputs) QN_MUST_USE;
/* Output `index` of the source node is `value`. */
qn_status *qn_site_set_output(qn_site *site, int index, qn_value *value) QN_MUST_USE;
/* The name of output `index`: "NAME" or "NAME:1", in scratch memory; NULL on exhaustion. */
const char *qn_site_output_name(const qn_site *site, int index);

/* New constants; `part` as above. */
qn_status *qn_site_constant(qn_site *site, const char *part, const qn_view *view, qn_value **out_value) QN_MUST_USE;
/* s32; count -1: a scalar. */
qn_status *qn_site_constant_ints(qn_site *site, const char *part, int64_t count, const int64_t *values,
                                 qn_value **out_value) QN_MUST_USE;
/* A scalar of a float or integer type. */
qn_status *qn_site_constant_scalar(qn_site *site, const char *part, qn_dtype dtype, double number,
                                   qn_value **out_value) QN_MUST_USE;

/* `value` as dtype: itself, or through a cast named NAME/part. */
qn_status *qn_site_cast_to(qn_site *site, const char *part, qn_dtype dtype, qn_value *value,
                           qn_value **out_value) QN_MUST_USE;
/* `value` reshaped; -1 in dims as reshape takes it. A constant stays one, of the same bytes (dims then are numbers). */
qn_status *qn_site_reshape_to(qn_site *site, const char *part, int rank, const int64_t *dims, qn_value *value,
                              qn_value **out_value) QN_MUST_USE;
/* `value` with its axes in another order: axis i of the result is axis perm[i] of `value`. `part` NULL: the node has the
   source node's name. */
qn_status *qn_site_transpose(qn_site *site, const char *part, const char *perm_part, int rank, const int64_t *perm,
                             qn_value *value, qn_value **out_value) QN_MUST_USE;

/* ---- Layout (emit.c): operators over pictures are NHWC here, and many sources say NCHW ---- */

/* Input `index`, which has 4 dims; transposed to NHWC where `nchw`. */
qn_status *qn_site_enter_nhwc(qn_site *site, int index, int64_t nchw, qn_value **out_value) QN_MUST_USE;
/* qn_site_emit_output, transposed back where `nchw`. */
qn_status *qn_site_emit_nhwc(qn_site *site, int64_t nchw, const qn_op_def *op, const void *attrs, int input_count,
                             qn_value *const *inputs) QN_MUST_USE;

#endif
