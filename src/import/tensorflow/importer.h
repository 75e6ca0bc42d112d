/* import/tensorflow/importer.h - what importing TensorFlow's graphs knows beside what every import does
 * (import/common/importer.h, import/common/site.h).
 *
 * Adding an operator: a row in map.def, and a conversion in the file of its family unless it is a straight rename.
 */
#ifndef QN_IMPORT_TENSORFLOW_IMPORTER_H
#define QN_IMPORT_TENSORFLOW_IMPORTER_H

#include "import/common/order.h"
#include "import/common/site.h"
#include "import/tensorflow/source.h"
#include "import/tensorflow/tensor.h"

/* What an import knows about one source node. */
typedef struct qn_tf_state {
    const qn_import_row *row;
    qn_site_outputs outputs; /* empty until converted */
    uint64_t cuts;           /* bit i: output i is an input of the graph */
    uint8_t needed;          /* an output depends on its value */
    uint8_t walked;          /* its control inputs have been followed */
    uint8_t consumed;        /* another node reads its value */
    uint8_t requested;       /* one of its outputs is an output of the graph */
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
    qn_importer *common;
    const qn_import_options *options; /* of `common` */
    qn_arena *scratch;                /* of `common` */
    qn_tf_source source;
    qn_tf_state *states; /* [source.nodes.count] */
    qn_tf_ports inputs, outputs;
    qn_import_order order; /* needed nodes, producers first */
} qn_tf_importer;

/* A node being converted; conversions are given `site` and ask for the rest where they need it. */
typedef struct qn_tf_site {
    qn_site site; /* first: qn_tf_site_of */
    qn_tf_importer *importer;
    const qn_tf_node *node;
    qn_tf_state *state;
} qn_tf_site;

static inline qn_tf_site *qn_tf_site_of(qn_site *site) { return (qn_tf_site *)site; }

/* The operators, from map.def. They know no versions: TensorFlow gives a changed operator another name. */
extern const qn_import_table qn_tf_table;

/* ---- The stages (select.c, import.c) ---- */

/* Settles which outputs and inputs the graph has and which nodes it needs, in which order. Fails with all unsupported
   operators at once. */
qn_status *qn_tf_select(qn_tf_importer *importer) QN_MUST_USE;
/* The value that an Assert tests: its condition, seen through the Switch of a guard that runs only when it fails. */
qn_tf_ref qn_tf_assert_condition(const qn_tf_importer *importer, const qn_tf_node *node);
/* How many inputs matter for the node's value: the first so many. (Of an Assert only the condition does.) */
size_t qn_tf_data_inputs(const qn_tf_node *node);

/* ---- Attributes (attr.c) ---- */

/* Reads NodeDef attributes for the accessors of import/common/site.h. */
qn_site_read_attr qn_tf_read_site_attr;
/* The TensorProto of attribute "value", of any node; INVALID_MODEL where there is none. */
qn_status *qn_tf_find_value_tensor(qn_arena *scratch, const qn_tf_node *node, qn_wire *out_message) QN_MUST_USE;
/* Warns about attributes that no conversion asked for and that are not known to be harmless, once per operator and
   attribute. */
qn_status *qn_tf_warn_unknown_attrs(qn_tf_site *site) QN_MUST_USE;

/* ---- Layout (layout.c) ---- */

/* Reads data_format. For NCHW *out_value is input `index` transposed to NHWC and *out_nchw 1. */
qn_status *qn_tf_enter_nhwc(qn_site *site, int index, int64_t *out_nchw, qn_value **out_value) QN_MUST_USE;
/* A list attribute over N, H, W, C in the source's layout: `spatial` gets H and W; N and C must be 1. Absent:
   `required` or ones. */
qn_status *qn_tf_get_spatial(qn_site *site, const char *name, int64_t nchw, int required,
                             qn_ints *out_spatial) QN_MUST_USE;
qn_status *qn_tf_check_spatial(const char *name, const qn_ints *all, int64_t nchw, qn_ints *out_spatial) QN_MUST_USE;
/* padding and explicit_paddings. */
qn_status *qn_tf_get_padding(qn_site *site, int64_t nchw, int64_t *out_padding, qn_ints *out_pads) QN_MUST_USE;

#endif
