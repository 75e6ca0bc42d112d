/* What quench has no operator for, made of operators that it has. */
#include "import/common/convert.h"

#include <stdio.h>

/* ---- Conversions for rows ---- */

qn_status *qn_convert_straight(qn_site *site) {
    return qn_site_emit_output(site, site->op, NULL, site->input_count, site->inputs);
}

qn_status *qn_convert_attrs(qn_site *site) {
    const char *entries = site->row->attrs;
    qn_arena *scratch = site->importer->scratch;
    void *attrs = qn_arena_alloc(scratch, 1, site->op->attrs_bytes);
    qn_value **inputs = QN_ARENA_ARRAY(scratch, qn_value *, (size_t)site->input_count);
    uint32_t taken = 0; /* bit i: input i is an attribute here */
    int count = 0;
    qn_import_attr attr;
    if (!attrs || !inputs) return qn_status_out_of_memory();
    QN_TRY(qn_site_read_attrs(site, attrs));
    while (qn_import_attr_next(site->op, &entries, &attr))
        if (attr.input >= 0) taken |= 1u << attr.input;
    for (int i = 0; i < site->input_count; i++)
        if (i >= 32 || !(taken >> i & 1)) inputs[count++] = site->inputs[i];
    return qn_site_emit_output(site, site->op, attrs, count, inputs);
}

qn_status *qn_convert_forward(qn_site *site) { return qn_site_set_output(site, 0, site->inputs[0]); }

qn_status *qn_convert_forward_all(qn_site *site) {
    for (int i = 0; i < site->input_count; i++) QN_TRY(qn_site_set_output(site, i, site->inputs[i]));
    return NULL;
}

qn_status *qn_convert_nothing(qn_site *site) {
    (void)site;
    return NULL;
}

qn_status *qn_convert_reciprocal(qn_site *site) {
    qn_value *one;
    QN_TRY(qn_site_constant_scalar(site, "one", site->inputs[0]->type.dtype, 1.0, &one));
    return qn_site_emit_output(site, &qn_op_div, NULL, 2, (qn_value *[]){one, site->inputs[0]});
}

/* a - trunc(a / b) * b */
qn_status *qn_convert_truncated_mod(qn_site *site) {
    qn_value *a = site->inputs[0], *b = site->inputs[1], *value;
    if (!qn_dtype_is_integer(a->type.dtype))
        return QN_ERR(QN_UNSUPPORTED, "only the remainder of integers is supported, not of %s",
                      qn_dtype_name(a->type.dtype));
    QN_TRY(qn_site_emit(site, &qn_op_div, "quotient", NULL, 2, (qn_value *[]){a, b}, &value));
    QN_TRY(qn_site_emit(site, &qn_op_mul, "whole", NULL, 2, (qn_value *[]){value, b}, &value));
    return qn_site_emit_output(site, &qn_op_sub, NULL, 2, (qn_value *[]){a, value});
}

/* ---- Nodes that stand for one operator ---- */

qn_status *qn_site_emit_chain(qn_site *site, const qn_op_def *op, const char *part) {
    qn_value *value = site->inputs[0];
    for (int i = 1; i < site->input_count; i++) {
        const char *name = qn_arena_printf(site->importer->scratch, "%s_%d", part, i);
        if (!name) return qn_status_out_of_memory();
        if (i == site->input_count - 1) name = NULL; /* the last one is the result */
        QN_TRY(qn_site_emit(site, op, name, NULL, 2, (qn_value *[]){value, site->inputs[i]}, &value));
    }
    return qn_site_set_output(site, 0, value);
}

/* d = x - max(x); d - log(sum(exp(d))) */
qn_status *qn_site_emit_log_softmax(qn_site *site, int64_t axis) {
    static const qn_reduce_attrs keep = {.keep_dims = 1};
    qn_value *axes, *value, *shifted;
    QN_TRY(qn_site_constant_ints(site, "axis", 1, &axis, &axes));
    QN_TRY(qn_site_emit(site, &qn_op_reduce_max, "max", &keep, 2, (qn_value *[]){site->inputs[0], axes}, &value));
    QN_TRY(qn_site_emit(site, &qn_op_sub, "shifted", NULL, 2, (qn_value *[]){site->inputs[0], value}, &shifted));
    QN_TRY(qn_site_emit(site, &qn_op_exp, "exp", NULL, 1, &shifted, &value));
    QN_TRY(qn_site_emit(site, &qn_op_reduce_sum, "sum", &keep, 2, (qn_value *[]){value, axes}, &value));
    QN_TRY(qn_site_emit(site, &qn_op_log, "log", NULL, 1, &value, &value));
    return qn_site_emit_output(site, &qn_op_sub, NULL, 2, (qn_value *[]){shifted, value});
}

qn_status *qn_site_emit_split(qn_site *site, qn_value *value, int64_t axis, int64_t count) {
    qn_split_attrs attrs = {.axis = axis, .count = count};
    for (attrs.index = 0; attrs.index < count; attrs.index++)
        QN_TRY(qn_site_emit_output_at(site, (int)attrs.index, &qn_op_split, &attrs, 1, &value));
    return NULL;
}

qn_status *qn_site_emit_split_sizes(qn_site *site, qn_value *value, int64_t axis, const qn_ints *sizes) {
    int64_t starts[QN_MAX_RANK] = {0}, widths[QN_MAX_RANK];
    const int rank = value->type.rank;
    for (int i = 0; i < rank; i++) widths[i] = -1; /* slice reads it as: to the end */
    for (int64_t i = 0; i < sizes->count; i++) {
        char begin_name[32], size_name[32];
        qn_value *begin, *size;
        snprintf(begin_name, sizeof begin_name, "begin_%d", (int)i);
        snprintf(size_name, sizeof size_name, "size_%d", (int)i);
        widths[axis] = sizes->values[i];
        QN_TRY(qn_site_constant_ints(site, begin_name, rank, starts, &begin));
        QN_TRY(qn_site_constant_ints(site, size_name, rank, widths, &size));
        QN_TRY(qn_site_emit_output_at(site, (int)i, &qn_op_slice, NULL, 3, (qn_value *[]){value, begin, size}));
        starts[axis] += sizes->values[i];
    }
    return NULL;
}

qn_status *qn_site_emit_unstack(qn_site *site, qn_value *value, int64_t axis, int64_t count) {
    const qn_axes_attrs squeeze = {.axes = {.count = 1, .values = {axis}}};
    qn_split_attrs attrs = {.axis = axis, .count = count};
    for (attrs.index = 0; attrs.index < count; attrs.index++) {
        char part[32];
        qn_value *slice;
        snprintf(part, sizeof part, "part_%d", (int)attrs.index);
        QN_TRY(qn_site_emit(site, &qn_op_split, part, &attrs, 1, &value, &slice));
        QN_TRY(qn_site_emit_output_at(site, (int)attrs.index, &qn_op_squeeze, &squeeze, 1, &slice));
    }
    return NULL;
}

/* Whole axes with stride -1. */
qn_status *qn_site_emit_reverse(qn_site *site, const qn_ints *axes) {
    const int rank = site->inputs[0]->type.rank;
    int64_t strides[QN_MAX_RANK], zeros[QN_MAX_RANK] = {0};
    qn_value *zero, *stride;
    const qn_strided_slice_attrs attrs = {.begin_mask = (1 << rank) - 1, .end_mask = (1 << rank) - 1};
    for (int i = 0; i < rank; i++) strides[i] = 1;
    for (int64_t i = 0; i < axes->count; i++) strides[axes->values[i]] = -1;
    QN_TRY(qn_site_constant_ints(site, "bounds", rank, zeros, &zero));
    QN_TRY(qn_site_constant_ints(site, "strides", rank, strides, &stride));
    return qn_site_emit_output(site, &qn_op_strided_slice, &attrs, 4,
                               (qn_value *[]){site->inputs[0], zero, zero, stride});
}
