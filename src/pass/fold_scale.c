/* conv2d(x, w) * s = conv2d(x, w * s): a multiplication by a constant per channel disappears into constant weights
 * (and into a bias, if one is there already). The products are rounded once. Weights on a grid stay on one. */
#include "pass/pass.h"
#include "pass/rewrite.h"
#include "quant/grid.h"

/* The grid of `value` goes with the products. */
static qn_status *scale_grid(qn_graph *graph, const qn_value *value, const qn_value *scale, int64_t channels,
                             qn_value *scaled) {
    if (!value->stats) return NULL;
    float *factors = QN_ARENA_ARRAY(graph->arena, float, (size_t)channels);
    if (!factors) return qn_status_out_of_memory();
    for (int64_t c = 0; c < channels; c++) factors[c] = qn_channel_constant_at(scale, c);
    return qn_grid_scale(graph->arena, value->stats, factors, channels, &scaled->stats);
}

static qn_status *scale_constant(qn_graph *graph, const qn_value *value, const qn_value *scale, qn_value **out) {
    qn_view view = qn_value_view(value);
    int64_t elems = qn_view_elems(&view), channels = view.dims[view.rank - 1];
    const float *src = view.data;
    float *dst = qn_arena_alloc_aligned(graph->arena, qn_view_bytes(&view), 64);
    if (!dst) return qn_status_out_of_memory();
    for (int64_t i = 0; i < elems; i++) dst[i] = src[i] * qn_channel_constant_at(scale, i % channels);
    view.data = dst;
    QN_TRY(qn_graph_add_constant(graph, value->name, &view, out));
    return scale_grid(graph, value, scale, channels, *out);
}

static qn_status *fold(qn_graph *graph, qn_node *mul) {
    qn_value *x, *scale, *inputs[3] = {0};
    int index;
    if (!qn_match_constant_operand(mul, &x, &scale, &index)) return NULL;
    qn_node *conv = qn_match_sole_layer(x);
    if (!conv || !qn_op_is_convolution(conv->op)) return NULL;
    const qn_conv2d_attrs *attrs = conv->attrs;
    if (attrs->activation != QN_ACTIVATION_NONE || conv->input_count > 3 || conv->inputs[1]->type.dtype != QN_DTYPE_F32)
        return NULL;
    for (int i = 1; i < conv->input_count; i++)
        if (conv->inputs[i] && !qn_value_is_constant(conv->inputs[i])) return NULL;
    inputs[0] = conv->inputs[0];
    for (int i = 1; i < conv->input_count; i++)
        if (conv->inputs[i]) QN_TRY(scale_constant(graph, conv->inputs[i], scale, &inputs[i]));
    return qn_rewrite(graph, mul, conv->op, conv->attrs, conv->input_count, inputs);
}

qn_status *qn_pass_fold_scale(qn_graph *graph) {
    for (qn_node *node = graph->first; node; node = node->next)
        if (node->op->arithmetic == QN_ARITHMETIC_MULTIPLY) QN_TRY(fold(graph, node));
    return NULL;
}
