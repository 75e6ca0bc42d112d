#include "quant/cost.h"

#include "op/layer.h"

#include <string.h>

/* Rates of this project's kernels on operands in the second cache level, rounded. The first row is the default. */
static const qn_cost_model models[] = {
    {"x86_64-avx512vnni", 22.0, 80.0, 40.0, 16.0, 0.25, 16.0}, {"x86_64-avx512", 22.0, 30.0, 32.0, 16.0, 0.25, 16.0},
    {"x86_64-avx2", 11.0, 16.0, 16.0, 8.0, 0.25, 16.0},        {"x86_64-amx", 22.0, 200.0, 40.0, 16.0, 0.1, 16.0},
    {"aarch64-dotprod", 7.0, 28.0, 14.0, 7.0, 0.25, 12.0},
};

enum { MODERATE_DIM = 256 };

const qn_cost_model *qn_cost_model_find(const char *arch) {
    for (size_t i = 0; arch && i < sizeof models / sizeof *models; i++)
        if (!strcmp(models[i].arch, arch)) return &models[i];
    return &models[0];
}

static double elems_of(const qn_graph *graph, const qn_type *type) {
    double elems = 1;
    for (int axis = 0; axis < type->rank; axis++) {
        int64_t low, high;
        qn_dim_range(graph->dims, type->dims[axis], &low, &high);
        elems *= (double)(high == QN_DIM_UNBOUNDED ? qn_max_i64(low, MODERATE_DIM) : qn_max_i64(high, 1));
    }
    return elems;
}

/* The sums of a layer; dims of the weights that are no numbers count as 1, as only what is said of them matters here. */
static qn_layer_shape shape_of(const qn_graph *graph, const qn_node *node) {
    const qn_type *weights = &node->inputs[node->op->layer->weights]->type;
    int64_t dims[QN_MAX_RANK];
    for (int axis = 0; axis < weights->rank; axis++)
        if (!qn_dim_is_const(graph->dims, weights->dims[axis], &dims[axis])) dims[axis] = 1;
    return qn_layer_describe(node->op, node->attrs, weights->rank, dims);
}

static int is_depthwise(const qn_graph *graph, const qn_node *node) {
    return qn_op_is_layer(node->op) && shape_of(graph, node).groups > 1;
}

double qn_cost_macs(const qn_graph *graph, const qn_node *node) {
    if (!qn_op_is_layer(node->op)) return 0;
    const qn_type *weights = &node->inputs[node->op->layer->weights]->type;
    double outputs = elems_of(graph, &node->outputs[0]->type);
    if (qn_op_is_convolution(node->op)) {
        qn_type window = *weights;
        window.rank = 3; /* height, width, channels of a group */
        return outputs * elems_of(graph, &window);
    }
    qn_type depth = {.rank = 1, .dims = {weights->dims[weights->rank - (shape_of(graph, node).is_turned ? 1 : 2)]}};
    return outputs * elems_of(graph, &depth);
}

/* In depthwise convolutions of 16 bits weights of 8 save less: as much as makes them as fast as floats. */
static double rate_of(const qn_cost_model *model, const qn_graph *graph, const qn_node *node, qn_dtype dtype,
                      qn_dtype weights) {
    double share = is_depthwise(graph, node) ? model->depthwise_share : 1.0;
    if (dtype == QN_DTYPE_U8) return model->byte_macs * share;
    if (dtype != QN_DTYPE_S16) return model->float_macs * share;
    if (weights == QN_DTYPE_S16) return model->word_macs * share;
    return (is_depthwise(graph, node) ? model->float_macs : model->word_byte_macs) * share;
}

double qn_cost_layer(const qn_cost_model *model, const qn_graph *graph, const qn_node *node, qn_dtype dtype,
                     qn_dtype weights, int converts) {
    int is_integer = dtype == QN_DTYPE_U8 || dtype == QN_DTYPE_S16;
    double size = (double)qn_dtype_size(dtype), inputs = elems_of(graph, &node->inputs[0]->type);
    double bytes = size * (inputs + elems_of(graph, &node->outputs[0]->type)) +
                   (double)qn_dtype_size(weights) * elems_of(graph, &node->inputs[1]->type);
    if (is_integer && converts) bytes += (4.0 + size) * inputs;
    return qn_cost_macs(graph, node) / rate_of(model, graph, node, dtype, weights) + bytes / model->bytes;
}
