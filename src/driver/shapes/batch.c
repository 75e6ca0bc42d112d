#include "driver/shapes/batch.h"

#include <string.h>

/* How many inputs are told apart by what is computed from them; all further ones are as one that everything is. */
enum { INPUTS_TOLD = 63 };

typedef struct survey {
    const qn_graph *graph;
    uint32_t *same;    /* by number of the symbol: one that is always equal, nearer to the first of all that are */
    uint8_t *is_other; /* by number of the first such symbol */
    uint64_t *from;    /* by id of the value: bit i: it is computed from input i */
} survey;

/* ---- Dims that are always equal: the batches of two inputs that are joined ---- */

static size_t number_of(const survey *s, qn_dim symbol) {
    size_t number = qn_dim_symbol_number(s->graph->dims, symbol);
    while (s->same[number] != number) number = s->same[number] = s->same[s->same[number]];
    return number;
}

/* Is it demanded that the condition, which is not to be negative, is not positive either? */
static int is_demanded_both_ways(const survey *s, const uint8_t *is_demanded, size_t ids, qn_dim condition) {
    const qn_dim back = qn_dim_sub(s->graph->dims, qn_dim_const(s->graph->dims, 0), condition);
    return back.id < ids && is_demanded[back.id];
}

static qn_status *join_equals(survey *s) {
    qn_dim_pool *dims = s->graph->dims;
    size_t ids = 0;
    for (size_t i = 0; i < s->graph->checks.count; i++)
        if (s->graph->checks.items[i].condition.id >= ids) ids = (size_t)s->graph->checks.items[i].condition.id + 1;
    uint8_t *is_demanded = QN_ARENA_ARRAY(s->graph->arena, uint8_t, ids + 1);
    if (!is_demanded) return qn_status_out_of_memory();
    for (size_t i = 0; i < s->graph->checks.count; i++) is_demanded[s->graph->checks.items[i].condition.id] = 1;
    for (size_t i = 0; i < s->graph->checks.count; i++) {
        qn_dim found[QN_DIM_SYMBOLS_MAX];
        const qn_dim condition = s->graph->checks.items[i].condition;
        if (qn_dim_symbols(dims, condition, found) != 2) continue;
        if (qn_dim_same(condition, qn_dim_sub(dims, found[0], found[1])) &&
            is_demanded_both_ways(s, is_demanded, ids, condition))
            s->same[number_of(s, found[1])] = (uint32_t)number_of(s, found[0]);
    }
    return qn_dim_pool_take_status(dims);
}

/* ---- Where the dims go ---- */

/* Does dim `axis` of a value follow the symbol? */
static int follows(const survey *s, const qn_value *value, int axis, qn_dim symbol) {
    qn_dim found[QN_DIM_SYMBOLS_MAX];
    if (!value || axis >= value->type.rank) return 0;
    const int count = qn_dim_symbols(s->graph->dims, value->type.dims[axis], found);
    for (int i = 0; i < count; i++)
        if (number_of(s, found[i]) == number_of(s, symbol)) return 1;
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
    if (qn_op_permutes(node->op)) return 1;
    for (int i = 0; i < node->input_count; i++)
        if (follows(s, node->inputs[i], axis, symbol)) return 1;
    return 0;
}

static void look_at_output(survey *s, const qn_node *node, const qn_value *output) {
    for (int axis = 0; axis < output->type.rank; axis++) {
        qn_dim found[QN_DIM_SYMBOLS_MAX];
        const int count = qn_dim_symbols(s->graph->dims, output->type.dims[axis], found);
        for (int i = 0; i < count; i++)
            if (!may_stand(s, node, output, axis, found[i])) s->is_other[number_of(s, found[i])] = 1;
    }
}

/* Does the node compute something from all rows together? */
static int mixes_rows(const survey *s, const qn_node *node, qn_dim symbol) {
    if (qn_op_mixes_axis(node->op, node->attrs, 0)) return 1;
    for (int o = 0; o < node->output_count; o++)
        if (follows_anywhere(s, node->outputs[o], symbol)) return 0;
    return 1;
}

static void look_at_input(survey *s, const qn_node *node, const qn_value *input) {
    qn_dim found[QN_DIM_SYMBOLS_MAX];
    if (!input || !input->type.rank) return;
    const int count = qn_dim_symbols(s->graph->dims, input->type.dims[0], found);
    for (int i = 0; i < count; i++)
        if (mixes_rows(s, node, found[i])) s->is_other[number_of(s, found[i])] = 1;
}

/* Is it the shape alone that the node looks at? */
static int only_asks(const qn_node *node) { return node->op->values == QN_VALUES_SHAPE; }

static void look_at_nodes(survey *s) {
    for (const qn_node *node = s->graph->first; node; node = node->next) {
        if (only_asks(node) || node->op->flags & QN_OP_EFFECT) continue;
        for (int i = 0; i < node->output_count; i++) look_at_output(s, node, node->outputs[i]);
        for (int i = 0; i < node->input_count; i++) look_at_input(s, node, node->inputs[i]);
    }
}

static void look_at_inputs(survey *s) {
    for (size_t i = 0; i < s->graph->inputs.count; i++) {
        const qn_type *type = &s->graph->inputs.items[i]->type;
        for (int axis = 1; axis < type->rank; axis++)
            if (qn_dim_is_symbol(s->graph->dims, type->dims[axis])) s->is_other[number_of(s, type->dims[axis])] = 1;
    }
}

static uint64_t bit_of(size_t input) { return UINT64_C(1) << (input < INPUTS_TOLD ? input : INPUTS_TOLD); }

/* Which inputs each value is computed from. */
static void trace_inputs(survey *s) {
    for (size_t i = 0; i < s->graph->inputs.count; i++) s->from[s->graph->inputs.items[i]->id] |= bit_of(i);
    for (const qn_node *node = s->graph->first; node; node = node->next) {
        uint64_t from = 0;
        for (int i = 0; i < node->input_count && !only_asks(node); i++)
            if (node->inputs[i]) from |= s->from[node->inputs[i]->id];
        for (int o = 0; o < node->output_count; o++) s->from[node->outputs[o]->id] = from;
    }
}

/* Does an output that is computed from the input have something else than its samples first? */
static int ends_otherwise(const survey *s, size_t input, qn_dim symbol) {
    for (size_t o = 0; o < s->graph->outputs.count; o++) {
        const qn_value *output = s->graph->outputs.items[o];
        if ((input >= INPUTS_TOLD || s->from[output->id] & bit_of(input)) && !follows(s, output, 0, symbol)) return 1;
    }
    return 0;
}

static qn_status *begin(survey *s) {
    const size_t symbols = qn_dim_symbol_count(s->graph->dims), values = s->graph->values.count;
    const size_t ids = values ? (size_t)s->graph->values.items[values - 1]->id + 1 : 1;
    s->same = QN_ARENA_ARRAY(s->graph->arena, uint32_t, symbols + 1);
    s->is_other = QN_ARENA_ARRAY(s->graph->arena, uint8_t, symbols + 1);
    s->from = QN_ARENA_ARRAY(s->graph->arena, uint64_t, ids);
    if (!s->same || !s->is_other || !s->from) return qn_status_out_of_memory();
    for (size_t i = 0; i < symbols; i++) s->same[i] = (uint32_t)i;
    return join_equals(s);
}

qn_status *qn_batch_find_others(const qn_graph *graph, int *out_is_other) {
    survey s = {.graph = graph};
    QN_TRY(begin(&s));
    look_at_nodes(&s);
    look_at_inputs(&s);
    trace_inputs(&s);
    for (size_t i = 0; i < graph->inputs.count; i++) {
        const qn_type *type = &graph->inputs.items[i]->type;
        out_is_other[i] = type->rank && qn_dim_is_symbol(graph->dims, type->dims[0]);
        if (!out_is_other[i]) continue;
        const qn_dim symbol = type->dims[0];
        out_is_other[i] = s.is_other[number_of(&s, symbol)] || ends_otherwise(&s, i, symbol);
    }
    return NULL;
}
