/* Small questions about operands (op/operand.h). */
#include "op/operand.h"

#include "kernel/packing.h"

const char *const qn_activation_names[] = {"none", "relu", "relu6", NULL};

qn_status *qn_infer_expect_dim(qn_infer *infer, int input, int axis, qn_dim want, const char *name, const char *things,
                               const char *reason) {
    qn_dim have = infer->inputs[input].dims[axis];
    if (qn_dim_same(have, want)) return NULL;
    return qn_infer_require_equal(infer, have, want, "%s has %s %s, %s %s", name, qn_infer_dim_text(infer, have),
                                  things, reason, qn_infer_dim_text(infer, want));
}

qn_status *qn_infer_divide(qn_infer *infer, qn_dim dim, int64_t divisor, const char *what, qn_dim *out_dim) {
    qn_dim by = qn_infer_const(infer, divisor), none = qn_infer_const(infer, 0);
    qn_dim rest = qn_dim_floor_mod(infer->dims, dim, by);
    if (!qn_dim_same(rest, none))
        QN_TRY(qn_infer_require_equal(infer, rest, none, "%s is %s, which %lld does not divide", what,
                                      qn_infer_dim_text(infer, dim), (long long)divisor));
    *out_dim = qn_dim_floor_div(infer->dims, dim, by);
    return NULL;
}

qn_status *qn_eval_expect_plain(const qn_eval *eval, int input, const char *name) {
    const qn_packing *packing = eval->inputs[input].packing;
    if (!packing || !qn_view_elems(&eval->inputs[0])) return NULL;
    return QN_ERR(QN_INTERNAL, "%s packed as %s reached the plain evaluation of %s", name, packing->name,
                  qn_dtype_name(eval->inputs[0].dtype));
}

qn_status *qn_label_dtype_check(int64_t dtype) {
    if (dtype == QN_DTYPE_F32 || qn_dtype_is_integer((qn_dtype)dtype)) return NULL;
    return QN_ERR(QN_INVALID_MODEL, "dtype is %s; expected an integer type or f32", qn_dtype_name((qn_dtype)dtype));
}
