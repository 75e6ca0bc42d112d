/* The questions of op/card.h that follow from more than one entry of a card. */
#include "op/card.h"

#include "op/layer.h"
#include "op/op.h"

#include <assert.h>
#include <string.h>

int qn_op_moves(const qn_op_def *op) { return op->values == QN_VALUES_SAME || op->values == QN_VALUES_MOVED; }

int qn_op_is_view(const qn_op_def *op) { return op->values == QN_VALUES_SAME; }

int qn_op_data_inputs(const qn_op_def *op, int input_count) {
    return op->data_inputs && op->data_inputs < input_count ? op->data_inputs : input_count;
}

int qn_op_keeps_channels(const qn_op_def *op) {
    if (op->axes.kind == QN_AXES_KEPT) return op->values == QN_VALUES_SAME;
    return op->axes.kind == QN_AXES_NHWC && (op->flags & QN_OP_FITS || op->values == QN_VALUES_PICKED);
}

int qn_op_is_layer(const qn_op_def *op) { return op->layer && !op->requantize; }

int qn_op_is_convolution(const qn_op_def *op) { return qn_op_is_layer(op) && op->axes.kind == QN_AXES_NHWC; }

int qn_op_is_identity(const qn_op_def *op) { return op->values == QN_VALUES_SAME && op->axes.kind == QN_AXES_KEPT; }

int qn_op_reshapes(const qn_op_def *op) { return op->axes.kind == QN_AXES_RESHAPED; }

int qn_op_permutes(const qn_op_def *op) {
    int permutes = 0;
    for (int i = 0; i < QN_AXES_CONTROLS_MAX; i++) permutes |= op->axes.controls[i] == QN_CONTROL_ORDERS_AXES;
    return permutes;
}

int qn_op_casts(const qn_op_def *op) { return op->values == QN_VALUES_ROUNDED && (op->flags & QN_OP_SETS_DTYPE) != 0; }

int qn_op_rounds_to_grid(const qn_op_def *op) { return op->values == QN_VALUES_ROUNDED && op->grid; }

int qn_op_joins(const qn_op_def *op) { return op->extents == QN_EXTENTS_JOINED; }

int qn_op_filler(const qn_op_def *op, const void *attrs) { return op->filler ? op->filler(attrs) : 0; }

const qn_op_def *qn_op_of_arithmetic(qn_arithmetic arithmetic) {
    size_t row = 0;
    assert(arithmetic != QN_ARITHMETIC_NONE);
    while (qn_op_at(row)->arithmetic != arithmetic) row++;
    return qn_op_at(row);
}

int qn_op_trace_axes(const qn_op_def *op, const qn_eval *operands, int *out_source) {
    if (op->axes.kind == QN_AXES_TRACED) return op->axes.trace(operands, out_source);
    if (op->axes.kind != QN_AXES_KEPT) return -1;
    int rank = 0; /* that of the largest operand, to which the others broadcast */
    for (int i = 0; i < qn_op_data_inputs(op, operands->input_count); i++)
        if (operands->inputs[i].rank > rank) rank = operands->inputs[i].rank;
    for (int i = 0; i < rank; i++) out_source[i] = i;
    return rank;
}

int qn_trace_rows(const qn_eval *operands, int *out_source) {
    const int rank = operands->inputs[0].rank;
    for (int i = 0; i < rank; i++) out_source[i] = i + 1 < rank ? i : -1;
    return rank;
}

static const qn_attr_def *find_axis_attr(const qn_op_def *op) {
    for (const qn_attr_def *row = op->attrs; row && row->name; row++) {
        if (strcmp(row->name, op->axes.attr)) continue;
        assert(row->kind == QN_ATTR_INT || row->kind == QN_ATTR_INTS);
        return row;
    }
    assert(!"the card names an attribute that the operator has");
    return NULL;
}

int64_t qn_op_axis(const qn_op_def *op, const void *attrs) {
    const qn_attr_def *row = op->axes.attr && !op->axes.attr_names_result ? find_axis_attr(op) : NULL;
    return row && row->kind == QN_ATTR_INT ? *(const int64_t *)(const void *)((const char *)attrs + row->offset) : -1;
}

int64_t qn_op_label_axis(const qn_op_def *op, const void *attrs) {
    assert(op->values == QN_VALUES_LABELS);
    return op->axes.kind == QN_AXES_NHWC ? 3 : qn_op_axis(op, attrs);
}

int qn_op_mixes_axis(const qn_op_def *op, const void *attrs, int64_t axis) {
    return op->axes.kind == QN_AXES_KEPT && op->values == QN_VALUES_NEW && qn_op_axis(op, attrs) == axis;
}

void qn_op_rename_axes(const qn_op_def *op, void *attrs, const int *renamed) {
    if (!op->axes.attr) return;
    const qn_attr_def *row = find_axis_attr(op);
    void *at_attr = (char *)attrs + row->offset;
    int64_t count = row->kind == QN_ATTR_INT ? 1 : ((qn_ints *)at_attr)->count;
    int64_t *axes = row->kind == QN_ATTR_INT ? at_attr : ((qn_ints *)at_attr)->values;
    for (int64_t i = 0; i < count; i++) {
        int64_t axis = axes[i] < 0 ? axes[i] : renamed[axes[i]], at = i;
        for (; at && axes[at - 1] > axis; at--) axes[at] = axes[at - 1];
        axes[at] = axis;
    }
}

qn_layer_shape qn_layer_describe(const qn_op_def *op, const void *attrs, int rank, const int64_t *weight_dims) {
    qn_layer_shape shape = {
        .window = {.kernel = {1, 1}, .stride = {1, 1}, .dilation = {1, 1}, .padding = QN_PADDING_VALID}, .groups = 1};
    assert(op->layer);
    op->layer->describe(attrs, rank, weight_dims, &shape);
    return shape;
}

int64_t *qn_layer_activation(const qn_op_def *op, void *attrs) {
    assert(op->layer);
    return (int64_t *)((char *)attrs + op->layer->activation);
}
