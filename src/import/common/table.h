/* import/common/table.h - a format's table of operators: which conversion reads which operator, in which versions.
 *
 * A format whose operators change with the version of an operator set (ONNX) has several rows for one operator, each for
 * versions of its own; rows of formats without such versions leave `since` and `until` at 0.
 *
 *     {"CumSum", 11,  0, 2, 2, qn_convert_attrs,    &qn_op_cumsum, "axis=#1, exclusive, reverse"},
 *     {"Relu",    1,  0, 1, 1, qn_convert_straight, &qn_op_relu,   NULL},    every version
 *     {"Split",   2, 12, 1, 1, convert_split_attr,  &qn_op_split,  NULL},    2 to 12: the sizes are an attribute
 *     {"Split",  13,  0, 1, 2, convert_split_input, &qn_op_split,  NULL},    since 13: they are an input
 *
 * `attrs` says where attributes of our operator come from, for conversions that have nothing else to do: entries
 * between commas, "exclusive" (an attribute of the same name), "bits=num_bits" (one of that name) or "axis=#1" (input
 * 1, a constant, which then is no operand). What the source leaves out has the default of our operator's schema.
 */
#ifndef QN_IMPORT_COMMON_TABLE_H
#define QN_IMPORT_COMMON_TABLE_H

#include "base/memory.h"
#include "op/op.h"

typedef struct qn_site qn_site; /* import/common/site.h */

/* Adds the nodes that stand for one source node and sets its outputs (import/common/site.h). */
typedef qn_status *qn_convert(qn_site *site);

typedef struct qn_import_row {
    const char *source;         /* the format's operator */
    int since, until;           /* versions of the operator set, both included; until 0: this row is the last one */
    int min_inputs, max_inputs; /* data inputs; max -1: any number */
    qn_convert *convert;
    const qn_op_def *op; /* ours; NULL where the conversion decides */
    const char *attrs;   /* see above; NULL: none */
} qn_import_row;

enum { QN_IMPORT_ATTR_NAME_MAX = 64 };

/* One entry of qn_import_row.attrs. */
typedef struct qn_import_attr {
    const qn_attr_def *ours;
    char source[QN_IMPORT_ATTR_NAME_MAX]; /* the source's attribute */
    int input;                            /* or the source's input; -1: an attribute */
    int is_axis;                          /* names an axis of the first operand: may count from the end */
} qn_import_attr;

/* Takes the first entry off `*inout_entries`. 0: there is none, or none that `op` has. */
int qn_import_attr_next(const qn_op_def *op, const char **inout_entries, qn_import_attr *out_attr);

/* Rows in the order of strcmp, rows of one operator by version and without overlap (qn_import_table_is_sound). */
typedef struct qn_import_table {
    const qn_import_row *rows;
    size_t count;
} qn_import_table;

/* The row that reads `source` in `version`, or NULL. */
const qn_import_row *qn_import_table_find(const qn_import_table *table, const char *source, int version);
/* Which versions of an operator are read, for messages: "10 to 12, since 16". NULL where there is none of that name, or
   on exhaustion. */
const char *qn_import_table_versions(const qn_import_table *table, const char *source, qn_arena *arena);
/* For tests: 1 if the rows are in order and say what they must. */
int qn_import_table_is_sound(const qn_import_table *table);

/* ---- Operators that no row reads: all of them in one message ---- */

struct qn_import_unknown_list;

typedef struct qn_import_unknown {
    qn_arena *arena;
    struct qn_import_unknown_list *list;
} qn_import_unknown;

/* Notes one node. `why`: what stands before the number of nodes ("control flow"), or NULL. */
qn_status *qn_import_unknown_add(qn_import_unknown *unknown, const char *op, const char *why,
                                 const char *node) QN_MUST_USE;
/* NULL where nothing was noted; else UNSUPPORTED with every operator, how often it occurs and the first nodes. */
qn_status *qn_import_unknown_status(const qn_import_unknown *unknown) QN_MUST_USE;

#endif
