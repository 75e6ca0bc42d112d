/* Conversions of operators over single elements. */
#include "import/tensorflow/families.h"

#include <string.h>

qn_status *qn_tf_convert_add_n(qn_site *site) { return qn_site_emit_chain(site, site->op, "sum"); }

/* A condition of rank 1 chooses whole rows of operands of higher rank. */
qn_status *qn_tf_convert_select(qn_site *site) {
    qn_value *condition = site->inputs[0];
    int rank = site->inputs[1]->type.rank;
    if (condition->type.rank == 1 && rank > 1) {
        int64_t dims[QN_MAX_RANK] = {qn_site_const_dim(site, condition, 0)};
        for (int i = 1; i < rank; i++) dims[i] = 1;
        QN_TRY(qn_site_reshape_to(site, "rows", rank, dims, condition, &condition));
    }
    return qn_site_emit_output(site, site->op, NULL, 3, (qn_value *[]){condition, site->inputs[1], site->inputs[2]});
}

qn_status *qn_tf_convert_like(qn_site *site) {
    qn_value *shape, *number;
    double value = strcmp(site->source_op, "OnesLike") == 0 ? 1.0 : 0.0;
    QN_TRY(qn_site_emit(site, &qn_op_shape, "shape", NULL, 1, site->inputs, &shape));
    QN_TRY(qn_site_constant_scalar(site, "value", site->inputs[0]->type.dtype, value, &number));
    return qn_site_emit_output(site, site->op, NULL, 2, (qn_value *[]){shape, number});
}

static qn_status *last_axis(qn_site *site, int64_t *out_axis) {
    if (site->inputs[0]->type.rank < 1)
        return qn_site_input_context(site, 0, QN_ERR(QN_INVALID_MODEL, "at least 1 dim expected, a scalar found"));
    *out_axis = site->inputs[0]->type.rank - 1;
    return NULL;
}

qn_status *qn_tf_convert_softmax(qn_site *site) {
    qn_axis_attrs attrs;
    QN_TRY(last_axis(site, &attrs.axis));
    return qn_site_emit_output(site, site->op, &attrs, 1, site->inputs);
}

qn_status *qn_tf_convert_log_softmax(qn_site *site) {
    int64_t axis = 0;
    QN_TRY(last_axis(site, &axis));
    return qn_site_emit_log_softmax(site, axis);
}
