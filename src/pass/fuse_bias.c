/* conv2d(x, w) + b and matmul(x, w) + b with b constant per channel become the operator with a bias. */
#include "pass/fuse.h"
#include "pass/pass.h"

/* `constant` as [channels] floats: the value itself or a copy. */
static qn_status *as_bias(qn_graph *graph, qn_value *constant, int64_t channels, qn_value **out_bias) {
    float *data;
    if (constant->type.rank == 1 && qn_value_channels(constant) == channels) {
        *out_bias = constant;
        return NULL;
    }
    QN_TRY(qn_make_channel_constant(graph, constant->name, channels, out_bias, &data));
    for (int64_t c = 0; c < channels; c++) data[c] = qn_channel_constant_at(constant, c);
    return NULL;
}

static qn_status *fuse(qn_graph *graph, qn_node *add) {
    qn_value *x, *constant, *bias;
    int index;
    int64_t channels;
    if (!qn_match_constant_operand(add, &x, &constant, &index)) return NULL;
    qn_node *node = qn_match_epilogue(x, QN_EPILOGUE_BIAS);
    if (!node || !qn_dim_is_const(graph->dims, x->type.dims[x->type.rank - 1], &channels)) return NULL;
    QN_TRY(as_bias(graph, constant, channels, &bias));
    return qn_absorb_epilogue(graph, add, node, QN_EPILOGUE_BIAS, bias, QN_ACTIVATION_NONE);
}

qn_status *qn_pass_fuse_bias(qn_graph *graph) {
    for (qn_node *node = graph->first; node; node = node->next)
        if (node->op->arithmetic == QN_ARITHMETIC_ADD) QN_TRY(fuse(graph, node));
    return NULL;
}
