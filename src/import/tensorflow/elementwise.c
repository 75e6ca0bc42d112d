/* Conversions of operators over single elements. */
#include "import/tensorflow/families.h"

#include <string.h>

qn_status *qn_tf_convert_straight(qn_tf_site *site) {
    return qn_tf_emit_output(site, site->op, NULL, site->input_count, site->inputs);
}

qn_status *qn_tf_convert_add_n(qn_tf_site *site) {
    qn_value *sum = site->inputs[0];
    for (int i = 1; i < site->input_count; i++) {
        const char *part = qn_arena_printf(site->importer->scratch, "sum_%d", i);
        if (!part) return qn_status_out_of_memory();
        if (i == site->input_count - 1) part = NULL; /* the last one is the result */
        QN_TRY(qn_tf_emit(site, site->op, part, NULL, 2, (qn_value *[]){sum, site->inputs[i]}, &sum));
    }
    return qn_tf_set_output(site, 0, sum);
}

qn_status *qn_tf_convert_cast(qn_tf_site *site) {
    qn_dtype dtype;
    QN_TRY(qn_tf_get_dtype(site, "DstT", QN_DTYPE_NONE, &dtype));
    if (dtype == QN_DTYPE_NONE) return QN_ERR(QN_INVALID_MODEL, "attribute 'DstT' is missing");
    return qn_tf_emit_output(site, site->op, &(qn_cast_attrs){.dtype = dtype}, 1, site->inputs);
}

qn_status *qn_tf_convert_leaky_relu(qn_tf_site *site) {
    qn_leaky_relu_attrs attrs;
    QN_TRY(qn_tf_get_float(site, "alpha", 0.2f, &attrs.alpha));
    return qn_tf_emit_output(site, site->op, &attrs, 1, site->inputs);
}

qn_status *qn_tf_convert_reciprocal(qn_tf_site *site) {
    qn_value *one;
    QN_TRY(qn_tf_constant_scalar(site, "one", site->inputs[0]->type.dtype, 1.0, &one));
    return qn_tf_emit_output(site, site->op, NULL, 2, (qn_value *[]){one, site->inputs[0]});
}

/* The remainder has the sign of the dividend: a - trunc(a / b) * b. */
qn_status *qn_tf_convert_truncate_mod(qn_tf_site *site) {
    qn_value *a = site->inputs[0], *b = site->inputs[1], *value;
    if (!qn_dtype_is_integer(a->type.dtype))
        return QN_ERR(QN_UNSUPPORTED, "only the remainder of integers is supported, not of %s",
                      qn_dtype_name(a->type.dtype));
    QN_TRY(qn_tf_emit(site, &qn_op_div, "quotient", NULL, 2, (qn_value *[]){a, b}, &value));
    QN_TRY(qn_tf_emit(site, &qn_op_mul, "whole", NULL, 2, (qn_value *[]){value, b}, &value));
    return qn_tf_emit_output(site, &qn_op_sub, NULL, 2, (qn_value *[]){a, value});
}

/* A condition of rank 1 chooses whole rows of operands of higher rank. */
qn_status *qn_tf_convert_select(qn_tf_site *site) {
    qn_value *condition = site->inputs[0];
    int rank = site->inputs[1]->type.rank;
    if (condition->type.rank == 1 && rank > 1) {
        int64_t dims[QN_MAX_RANK] = {qn_tf_const_dim(site, condition, 0)};
        for (int i = 1; i < rank; i++) dims[i] = 1;
        QN_TRY(qn_tf_reshape_to(site, "rows", rank, dims, condition, &condition));
    }
    return qn_tf_emit_output(site, site->op, NULL, 3, (qn_value *[]){condition, site->inputs[1], site->inputs[2]});
}

qn_status *qn_tf_convert_like(qn_tf_site *site) {
    qn_value *shape, *number;
    double value = strcmp(site->node->op, "OnesLike") == 0 ? 1.0 : 0.0;
    QN_TRY(qn_tf_emit(site, &qn_op_shape, "shape", NULL, 1, site->inputs, &shape));
    QN_TRY(qn_tf_constant_scalar(site, "value", site->inputs[0]->type.dtype, value, &number));
    return qn_tf_emit_output(site, site->op, NULL, 2, (qn_value *[]){shape, number});
}

static qn_status *last_axis(qn_tf_site *site, int64_t *out_axis) {
    if (site->inputs[0]->type.rank < 1)
        return qn_tf_input_context(site, 0, QN_ERR(QN_INVALID_MODEL, "at least 1 dim expected, a scalar found"));
    *out_axis = site->inputs[0]->type.rank - 1;
    return NULL;
}

qn_status *qn_tf_convert_softmax(qn_tf_site *site) {
    qn_axis_attrs attrs;
    QN_TRY(last_axis(site, &attrs.axis));
    return qn_tf_emit_output(site, site->op, &attrs, 1, site->inputs);
}

/* d = x - max(x); d - log(sum(exp(d))): stays finite where log(softmax(x)) would not. */
qn_status *qn_tf_convert_log_softmax(qn_tf_site *site) {
    static const qn_reduce_attrs keep = {.keep_dims = 1};
    int64_t axis;
    qn_value *axes, *value, *shifted;
    QN_TRY(last_axis(site, &axis));
    QN_TRY(qn_tf_constant_ints(site, "axis", 1, &axis, &axes));
    QN_TRY(qn_tf_emit(site, &qn_op_reduce_max, "max", &keep, 2, (qn_value *[]){site->inputs[0], axes}, &value));
    QN_TRY(qn_tf_emit(site, &qn_op_sub, "shifted", NULL, 2, (qn_value *[]){site->inputs[0], value}, &shifted));
    QN_TRY(qn_tf_emit(site, &qn_op_exp, "exp", NULL, 1, &shifted, &value));
    QN_TRY(qn_tf_emit(site, &qn_op_reduce_sum, "sum", &keep, 2, (qn_value *[]){value, axes}, &value));
    QN_TRY(qn_tf_emit(site, &qn_op_log, "log", NULL, 1, &value, &value));
    return qn_tf_emit_output(site, &qn_op_sub, NULL, 2, (qn_value *[]){shifted, value});
}
