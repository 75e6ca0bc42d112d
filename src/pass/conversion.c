#include "pass/conversion.h"

#include "pass/rewrite.h"

int qn_node_is_conversion(const qn_node *node) { return node->op == &qn_op_quantize_linear; }

int qn_node_is_quantised(const qn_node *node) { return node->op->requantize != NULL; }

qn_node *qn_match_quantised(const qn_value *value) {
    qn_node *node = value->producer;
    return node && qn_node_is_quantised(node) ? qn_match_sole_producer(value, node->op) : NULL;
}

qn_status *qn_add_vector(qn_graph *graph, const char *owner, const char *what, qn_dtype dtype, int64_t count,
                         const void *data, qn_value **out) {
    qn_view view = {.dtype = dtype, .rank = 1, .dims = {count}, .data = (void *)(uintptr_t)data};
    const char *name = qn_arena_printf(graph->arena, "%s/%s", owner, what);
    return name ? qn_graph_add_constant(graph, name, &view, out) : qn_status_out_of_memory();
}

qn_status *qn_add_conversion(qn_graph *graph, qn_value *x, const char *name, qn_dtype dtype,
                             const qn_value_encoding *encoding, qn_node *before, qn_node **out) {
    const qn_quantize_linear_attrs attrs = {.dtype = dtype};
    const int64_t count = encoding->channels;
    float *multiplier = QN_ARENA_ARRAY(graph->arena, float, (size_t)count);
    qn_value *inputs[3] = {x};
    if (!multiplier) return qn_status_out_of_memory();
    for (int64_t c = 0; c < count; c++) multiplier[c] = 1.0f / encoding->scale[c];
    QN_TRY(qn_add_vector(graph, name, "multiplier", QN_DTYPE_F32, count, multiplier, &inputs[1]));
    QN_TRY(qn_add_vector(graph, name, "zero_point", QN_DTYPE_S32, count, encoding->zero_point, &inputs[2]));
    QN_TRY(qn_graph_add_node(graph, &qn_op_quantize_linear, name, &attrs, 3, inputs, before, out));
    (*out)->outputs[0]->encoding = encoding;
    return qn_node_infer(graph, *out);
}
