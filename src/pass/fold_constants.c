/* Replaces every value that no input can change by a constant: nodes whose inputs are all constants are evaluated, and
 * small integers whose elements inference knows as numbers are written down. Very large results are left to run time,
 * so that a few bytes of model cannot ask for gigabytes or hours. */
#include "pass/pass.h"

#include <assert.h>

#define RESULT_BYTES_MAX ((int64_t)64 << 20)
#define RESULT_MACS_MAX ((int64_t)1 << 30)

/* Concrete dims and size of a type; 0 when a dim is no number or the size is above the limit. */
static int concrete_view(const qn_graph *graph, const qn_type *type, qn_view *out_view) {
    *out_view = (qn_view){.dtype = type->dtype, .rank = type->rank};
    int64_t bytes = (int64_t)qn_dtype_size(type->dtype);
    for (int i = 0; i < type->rank; i++) {
        int64_t dim;
        if (!qn_dim_is_const(graph->dims, type->dims[i], &dim)) return 0;
        if (!qn_checked_mul_i64(bytes, dim, &bytes) || bytes > RESULT_BYTES_MAX) return 0;
        out_view->dims[i] = dim;
    }
    return bytes > 0 || qn_dtype_size(type->dtype) > 0;
}

static int inputs_are_constant(const qn_node *node) {
    for (int i = 0; i < node->input_count; i++)
        if (node->inputs[i] && !qn_value_is_constant(node->inputs[i])) return 0;
    return 1;
}

static qn_status *replace_by_constant(qn_graph *graph, qn_value *value, const qn_view *view) {
    qn_value *constant;
    QN_TRY(qn_graph_add_constant(graph, value->name, view, &constant));
    return qn_graph_replace_value(graph, value, constant);
}

static qn_status *evaluate(qn_graph *graph, qn_node *node, int *out_done) {
    qn_view *inputs = QN_ARENA_ARRAY(graph->arena, qn_view, (size_t)node->input_count);
    qn_view *outputs = QN_ARENA_ARRAY(graph->arena, qn_view, (size_t)node->output_count);
    if (!inputs || !outputs) return qn_status_out_of_memory();
    *out_done = 0;
    for (int i = 0; i < node->input_count; i++)
        if (node->inputs[i]) inputs[i] = qn_value_view(node->inputs[i]);
    for (int i = 0; i < node->output_count; i++)
        if (!concrete_view(graph, &node->outputs[i]->type, &outputs[i])) return NULL;
    qn_eval eval = {.attrs = node->attrs, .input_count = node->input_count, .inputs = inputs,
                    .output_count = node->output_count, .outputs = outputs};
    if (node->op->macs && node->op->macs(&eval) > RESULT_MACS_MAX) return NULL;
    for (int i = 0; i < node->output_count; i++) {
        outputs[i].data = qn_arena_alloc_aligned(graph->arena, qn_view_bytes(&outputs[i]), 64);
        if (!outputs[i].data) return qn_status_out_of_memory();
    }
    if (node->op->scratch_bytes) {
        eval.scratch = qn_arena_alloc_aligned(graph->arena, node->op->scratch_bytes(&eval), 64);
        if (!eval.scratch) return qn_status_out_of_memory();
    }
    QN_TRY_CTX(node->op->eval(&eval), "%s", node->source ? node->source : node->name);
    for (int i = 0; i < node->output_count; i++) QN_TRY(replace_by_constant(graph, node->outputs[i], &outputs[i]));
    *out_done = 1;
    return NULL;
}

/* A constant from elements that are all known numbers; does nothing for others. */
static qn_status *write_contents(qn_graph *graph, qn_value *value) {
    qn_view view;
    if (!value->contents || (!value->uses.count && !value->is_output)) return NULL;
    if (!concrete_view(graph, &value->type, &view)) return NULL;
    int64_t elems = qn_view_elems(&view), number;
    for (int64_t i = 0; i < elems; i++)
        if (!qn_dim_is_const(graph->dims, value->contents[i], &number)) return NULL;
    view.data = qn_arena_alloc_aligned(graph->arena, qn_view_bytes(&view), 16);
    if (!view.data) return qn_status_out_of_memory();
    for (int64_t i = 0; i < elems; i++) {
        qn_dim_is_const(graph->dims, value->contents[i], &number);
        qn_view_set_int(&view, i, number);
    }
    return replace_by_constant(graph, value, &view);
}

qn_status *qn_pass_fold_constants(qn_graph *graph) {
    for (qn_node *node = graph->first; node; node = node->next) {
        if (node->op->flags & QN_OP_EFFECT) continue;
        int done = 0;
        if (inputs_are_constant(node)) QN_TRY(evaluate(graph, node, &done));
        if (done) continue;
        for (int i = 0; i < node->output_count; i++) QN_TRY(write_contents(graph, node->outputs[i]));
    }
    return NULL;
}
