/* batch_norm(x) = (x - mean) * scale / sqrt(variance + epsilon) + offset becomes x * s + o with
 * s = scale / sqrt(variance + epsilon) and o = offset - mean * s, when all four are constants. The arithmetic on constants
 * is done in double. */
#include "pass/pass.h"
#include "pass/rewrite.h"

#include <math.h>

static qn_status *lower(qn_graph *graph, qn_node *node) {
    const qn_batch_norm_attrs *attrs = node->attrs;
    int64_t channels = qn_value_channels(node->inputs[1]);
    for (int i = 1; i < 5; i++)
        if (!qn_match_channel_constant(node->inputs[i], channels)) return NULL;
    qn_value *scale, *offset;
    float *scales, *offsets;
    QN_TRY(qn_make_channel_constant(graph, qn_arena_printf(graph->arena, "%s/scale", node->name), channels, &scale,
                                    &scales));
    QN_TRY(qn_make_channel_constant(graph, qn_arena_printf(graph->arena, "%s/offset", node->name), channels, &offset,
                                    &offsets));
    for (int64_t c = 0; c < channels; c++) {
        double s = qn_channel_constant_at(node->inputs[1], c) /
                   sqrt((double)qn_channel_constant_at(node->inputs[4], c) + attrs->epsilon);
        scales[c] = (float)s;
        offsets[c] =
            (float)(qn_channel_constant_at(node->inputs[2], c) - qn_channel_constant_at(node->inputs[3], c) * s);
    }
    qn_node *product;
    QN_TRY(qn_graph_add_node(graph, qn_op_of_arithmetic(QN_ARITHMETIC_MULTIPLY),
                             qn_arena_printf(graph->arena, "%s/mul", node->name), NULL, 2,
                             (qn_value *[]){node->inputs[0], scale}, node, &product));
    product->source = node->source;
    QN_TRY(qn_node_infer(graph, product));
    return qn_rewrite(graph, node, qn_op_of_arithmetic(QN_ARITHMETIC_ADD), NULL, 2,
                      (qn_value *[]){product->outputs[0], offset});
}

qn_status *qn_pass_lower_batch_norm(qn_graph *graph) {
    for (qn_node *node = graph->first; node; node = node->next)
        if (node->op == &qn_op_batch_norm) QN_TRY(lower(graph, node));
    return NULL;
}
