/* import/common/convert.h - conversions that several formats need: whole ones for rows of their tables, and the nodes
 * that stand for what quench has no operator for. */
#ifndef QN_IMPORT_COMMON_CONVERT_H
#define QN_IMPORT_COMMON_CONVERT_H

#include "import/common/site.h"

/* ---- Conversions for rows ---- */

qn_convert qn_convert_straight; /* row->op of the same inputs, with default attributes */
qn_convert qn_convert_attrs;    /* row->op of the inputs that row->attrs does not name, with the attributes it names */
qn_convert qn_convert_forward;  /* output 0 is input 0 */
qn_convert qn_convert_forward_all;   /* output i is input i */
qn_convert qn_convert_nothing;       /* no outputs */
qn_convert qn_convert_reciprocal;    /* 1 / x */
qn_convert qn_convert_truncated_mod; /* of integers: the remainder has the sign of the dividend */

/* ---- Nodes that stand for one operator ---- */

/* op(op(op(a, b), c), ...) over all inputs becomes output 0; the nodes between are called NAME/part_1, ... */
qn_status *qn_site_emit_chain(qn_site *site, const qn_op_def *op, const char *part) QN_MUST_USE;
/* log(softmax(x)) along one axis of input 0 becomes output 0; finite where the logarithm of a softmax would not be. */
qn_status *qn_site_emit_log_softmax(qn_site *site, int64_t axis) QN_MUST_USE;
/* Output i is the i-th of `count` equal parts of `value`. */
qn_status *qn_site_emit_split(qn_site *site, qn_value *value, int64_t axis, int64_t count) QN_MUST_USE;
/* Output i is as wide as sizes[i] says; the last size may be -1, "to the end". */
qn_status *qn_site_emit_split_sizes(qn_site *site, qn_value *value, int64_t axis, const qn_ints *sizes) QN_MUST_USE;
/* Output i is the i-th slice of width 1 of `value`, without its axis. */
qn_status *qn_site_emit_unstack(qn_site *site, qn_value *value, int64_t axis, int64_t count) QN_MUST_USE;
/* Input 0 with these axes backwards (normalised ones) becomes output 0. */
qn_status *qn_site_emit_reverse(qn_site *site, const qn_ints *axes) QN_MUST_USE;

#endif
