#include "driver/batch.h"

#include <string.h>

typedef struct survey {
    const qn_graph *graph;
    uint8_t *is_other; /* by number of the symbol */
    uint32_t *ends;    /* by number of the symbol: outputs whose first dim follows it */
} survey;

/* Does dim `axis` of a value follow the symbol? */
static int follows(const survey *s, const qn_value *value, int axis, qn_dim symbol) {
    qn_dim found[QN_DIM_SYMBOLS_MAX];
    if (!value || axis >= value->type.rank) return 0;
    const int count = qn_dim_symbols(s->graph->dims, value->type.dims[axis], found);
    for (int i = 0; i < count; i++)
        if (qn_dim_same(found[i], symbol)) return 1;
    return 0;
}

static int follows_anywhere(const survey *s, const qn_value *value, qn_dim symbol) {
    for (int axis = 0; axis < value->type.rank; axis++)
        if (follows(s, value, axis, symbol)) return 1;
    return 0;
}

/* May the symbol be that of dim `axis` of an output of the node, and samples be counted by it? */
static int may_stand(const survey *s, const qn_node *node, const qn_value *output, int axis, qn_dim symbol) {
    if (!axis) return 1;
    for (int other = 0; other < output->type.rank; other++)
        if (other != axis && follows(s, output, other, symbol)) return 0;
    if (node->op == &qn_op_transpose) return 1;
    for (int i = 0; i < node->input_count; i++)
        if (follows(s, node->inputs[i], axis, symbol)) return 1;
    return 0;
}

static void look_at_output(survey *s, const qn_node *node, const qn_value *output) {
    for (int axis = 0; axis < output->type.rank; axis++) {
        qn_dim found[QN_DIM_SYMBOLS_MAX];
        const int count = qn_dim_symbols(s->graph->dims, output->type.dims[axis], found);
        for (int i = 0; i < count; i++)
            if (!may_stand(s, node, output, axis, found[i]))
                s->is_other[qn_dim_symbol_number(s->graph->dims, found[i])] = 1;
    }
}

/* Does the node compute something from all rows together? */
static int mixes_rows(const survey *s, const qn_node *node, qn_dim symbol) {
    if (node->op == &qn_op_softmax) return ((const qn_axis_attrs *)node->attrs)->axis == 0;
    for (int o = 0; o < node->output_count; o++)
        if (follows_anywhere(s, node->outputs[o], symbol)) return 0;
    return 1;
}

static void look_at_input(survey *s, const qn_node *node, const qn_value *input) {
    qn_dim found[QN_DIM_SYMBOLS_MAX];
    if (!input || !input->type.rank) return;
    const int count = qn_dim_symbols(s->graph->dims, input->type.dims[0], found);
    for (int i = 0; i < count; i++)
        if (mixes_rows(s, node, found[i])) s->is_other[qn_dim_symbol_number(s->graph->dims, found[i])] = 1;
}

static void look_at_nodes(survey *s) {
    for (const qn_node *node = s->graph->first; node; node = node->next) {
        const int only_asks = node->op == &qn_op_shape || node->op == &qn_op_size || node->op == &qn_op_rank;
        if (only_asks || node->op->flags & QN_OP_EFFECT) continue;
        for (int i = 0; i < node->output_count; i++) look_at_output(s, node, node->outputs[i]);
        for (int i = 0; i < node->input_count; i++) look_at_input(s, node, node->inputs[i]);
    }
}

static void look_at_ends(survey *s) {
    for (size_t o = 0; o < s->graph->outputs.count; o++) {
        const qn_type *type = &s->graph->outputs.items[o]->type;
        qn_dim found[QN_DIM_SYMBOLS_MAX];
        const int count = type->rank ? qn_dim_symbols(s->graph->dims, type->dims[0], found) : 0;
        for (int i = 0; i < count; i++) s->ends[qn_dim_symbol_number(s->graph->dims, found[i])]++;
    }
    for (size_t i = 0; i < s->graph->inputs.count; i++) {
        const qn_type *type = &s->graph->inputs.items[i]->type;
        for (int axis = 1; axis < type->rank; axis++)
            if (qn_dim_is_symbol(s->graph->dims, type->dims[axis]))
                s->is_other[qn_dim_symbol_number(s->graph->dims, type->dims[axis])] = 1;
    }
}

qn_status *qn_batch_find_others(const qn_graph *graph, int *out_is_other) {
    const size_t count = qn_dim_symbol_count(graph->dims);
    survey s = {graph, QN_ARENA_ARRAY(graph->arena, uint8_t, count + 1),
                QN_ARENA_ARRAY(graph->arena, uint32_t, count + 1)};
    if (!s.is_other || !s.ends) return qn_status_out_of_memory();
    look_at_nodes(&s);
    look_at_ends(&s);
    for (size_t i = 0; i < graph->inputs.count; i++) {
        const qn_type *type = &graph->inputs.items[i]->type;
        out_is_other[i] = type->rank && qn_dim_is_symbol(graph->dims, type->dims[0]);
        if (!out_is_other[i]) continue;
        const size_t number = qn_dim_symbol_number(graph->dims, type->dims[0]);
        out_is_other[i] = s.is_other[number] || s.ends[number] != graph->outputs.count;
    }
    return NULL;
}
