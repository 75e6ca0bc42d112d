/* quantize_linear(f(x)) = f(quantize_linear(x)) where f only moves values, takes the greatest or interpolates: such f
 * commute with a scale, a zero point and (nearly) with clipping. Then f works on integers, and the conversion may
 * disappear into what makes x. Channels keep their own scales: those of a concatenation are cut apart. Averages stay
 * behind: theirs is a narrower range, to which what they read must not be clipped. */
#include "pass/conversion.h"
#include "pass/pass.h"
#include "pass/rewrite.h"

#include <string.h>

enum { MULTIPLIER = 1, ZERO_POINT = 2 };

static int is_last_axis(const qn_node *concat) {
    return qn_op_axis(concat->op, concat->attrs) == concat->outputs[0]->type.rank - 1;
}

/* `count` elements of a vector from `first` on; a vector of one element stands for all. */
static qn_status *cut_vector(qn_graph *graph, qn_value *vector, int64_t first, int64_t count, qn_value **out) {
    qn_view view = qn_value_view(vector);
    *out = vector;
    if (view.dims[0] == 1 || (first == 0 && count == view.dims[0])) return NULL;
    view.data = (char *)view.data + (size_t)first * qn_dtype_size(view.dtype);
    view.dims[0] = count;
    return qn_graph_add_constant(graph, vector->name, &view, out);
}

/* What the integers of `x` stand for, likewise. */
static qn_status *cut_encoding(qn_graph *graph, const qn_node *quantize, const qn_value *x, int64_t first,
                               int64_t channels, qn_value *made) {
    const qn_value_encoding *whole = quantize->outputs[0]->encoding;
    if (!whole) return NULL;
    qn_value_encoding *part = QN_ARENA_NEW(graph->arena, qn_value_encoding);
    if (!part) return qn_status_out_of_memory();
    int is_uniform = whole->channels == 1;
    *part = (qn_value_encoding){.of = x->name,
                                .channels = is_uniform ? 1 : channels,
                                .scale = whole->scale + (is_uniform ? 0 : first),
                                .zero_point = whole->zero_point + (is_uniform ? 0 : first)};
    made->encoding = part;
    return NULL;
}

/* The same conversion of `x`, whose channels are those from `first` on. */
static qn_status *convert(qn_graph *graph, const qn_node *quantize, qn_value *x, int64_t first, int64_t channels,
                          qn_node *before, qn_value **out) {
    qn_value *inputs[3] = {x};
    qn_node *node;
    QN_TRY(cut_vector(graph, quantize->inputs[MULTIPLIER], first, channels, &inputs[MULTIPLIER]));
    QN_TRY(cut_vector(graph, quantize->inputs[ZERO_POINT], first, channels, &inputs[ZERO_POINT]));
    const char *name = qn_arena_printf(graph->arena, "%s/%s", x->name, qn_dtype_name(quantize->outputs[0]->type.dtype));
    if (!name) return qn_status_out_of_memory();
    QN_TRY(qn_graph_add_node(graph, quantize->op, name, quantize->attrs, 3, inputs, before, &node));
    node->source = quantize->source;
    const qn_outcome outcome = qn_outcome_of(graph, quantize);
    QN_TRY(qn_outcome_set(graph, node, &outcome));
    QN_TRY(cut_encoding(graph, quantize, x, first, channels, node->outputs[0]));
    *out = node->outputs[0];
    return qn_node_infer(graph, node);
}

static qn_status *hoist_over_concat(qn_graph *graph, qn_node *quantize, qn_node *concat) {
    qn_value **inputs = QN_ARENA_ARRAY(graph->arena, qn_value *, (size_t)concat->input_count);
    int64_t first = 0, channels = 0;
    if (!inputs) return qn_status_out_of_memory();
    for (int i = 0; i < concat->input_count; i++) {
        const qn_type *type = &concat->inputs[i]->type;
        if (qn_value_is_constant(concat->inputs[i])) return NULL;
        if (!qn_dim_is_const(graph->dims, type->dims[type->rank - 1], &channels)) return NULL;
    }
    for (int i = 0; i < concat->input_count; i++) {
        qn_value *x = concat->inputs[i];
        (void)qn_dim_is_const(graph->dims, x->type.dims[x->type.rank - 1], &channels);
        QN_TRY(convert(graph, quantize, x, first, channels, quantize, &inputs[i]));
        if (is_last_axis(concat)) first += channels;
    }
    return qn_rewrite(graph, quantize, concat->op, concat->attrs, concat->input_count, inputs);
}

static qn_status *hoist_over_one(qn_graph *graph, qn_node *quantize, qn_node *node) {
    qn_value **inputs = qn_arena_copy(graph->arena, node->inputs, (size_t)node->input_count * sizeof *inputs);
    qn_value *x = node->inputs[0];
    int64_t channels;
    if (!inputs) return qn_status_out_of_memory();
    if (!qn_dim_is_const(graph->dims, x->type.dims[x->type.rank - 1], &channels)) return NULL;
    QN_TRY(convert(graph, quantize, x, 0, channels, quantize, &inputs[0]));
    return qn_rewrite(graph, quantize, node->op, node->attrs, node->input_count, inputs);
}

static qn_status *hoist(qn_graph *graph, qn_node *quantize) {
    qn_node *node = quantize->inputs[0]->producer;
    if (!node || quantize->inputs[0]->uses.count != 1 || quantize->inputs[0]->is_output) return NULL;
    if (qn_dtype_is_float(qn_facts_of(graph, node)->wish.dtype)) return NULL;
    if (node->input_count < 1 || !qn_dtype_is_float(node->inputs[0]->type.dtype)) return NULL;
    if (qn_op_joins(node->op)) return hoist_over_concat(graph, quantize, node);
    return qn_op_keeps_channels(node->op) ? hoist_over_one(graph, quantize, node) : NULL;
}

/* Backwards, so that a conversion rises over a chain of operators in one go. */
qn_status *qn_pass_hoist_quantize(qn_graph *graph) {
    for (qn_node *node = graph->last, *prev; node; node = prev) {
        qn_node *before = node->prev;
        if (qn_node_is_conversion(node)) QN_TRY(hoist(graph, node));
        prev = node->prev != before ? node->prev : before;
    }
    return NULL;
}
