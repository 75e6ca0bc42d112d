/* op/layer.h - operators with weights, as passes, quantisation, planning and reports see them: through their card. */
#ifndef QN_OP_LAYER_H
#define QN_OP_LAYER_H

#include "op/geometry.h"

/* The sums of a layer: each output element adds up `rows` products, and a window slides over the picture. */
typedef struct qn_layer_shape {
    qn_window window; /* of a matrix product: one pixel */
    int64_t groups;   /* blocks of channels that are convolved separately */
    int64_t rows;     /* products in one sum: taps times channels of a group */
    int64_t outputs;  /* channels of the result */
    int is_depthwise; /* every group has one channel, and one output */
    int is_turned;    /* weights are [outputs, rows] instead of [rows, outputs] */
    int is_plain;     /* x enters row by row, with one matrix of weights: what integer kernels compute */
} qn_layer_shape;

/* Describes the sums of a layer with constant weights of these dims. */
qn_layer_shape qn_layer_describe(const qn_op_def *op, const void *attrs, int rank, const int64_t *weight_dims);

/* The activation attribute in an attribute struct of the layer. */
int64_t *qn_layer_activation(const qn_op_def *op, void *attrs);

#endif
