#include "evaluate.h"

#include <string.h>

enum { DIM_MAX = 1 << 20, SMALL = 14 };

int evaluate_dim(const evaluation *e, qn_dim dim, int64_t *out_value) {
    if (qn_dim_is_const(e->graph->dims, dim, out_value)) return 1;
    qn_arena scratch;
    uint32_t index;
    size_t count;
    qn_arena_init(&scratch, NULL);
    qn_dim_program_builder *builder = qn_dim_program_create(&scratch, e->graph->dims);
    qn_status *status = qn_dim_program_add(builder, dim, &index);
    const qn_dim_instr *code = qn_dim_program_code(builder, &count);
    int settled = 1;
    for (size_t i = 0; i < count; i++) settled &= code[i].code != QN_DIM_SYMBOL || e->symbols[code[i].a] >= 0;
    if (!status && settled) {
        int64_t *values = QN_ARENA_ARRAY(&scratch, int64_t, count);
        status = qn_dim_program_run(code, 0, count, e->symbols, values);
        *out_value = values[index];
    }
    settled &= !status;
    qn_status_free(status);
    qn_arena_deinit(&scratch);
    return settled;
}

qn_view evaluated(const evaluation *e, const qn_value *value) {
    if (!value) return (qn_view){.dtype = QN_DTYPE_NONE};
    return qn_value_is_constant(value) ? qn_value_view(value) : e->values[value->id];
}

static int64_t *find_symbol(const evaluation *e, qn_dim dim) {
    if (!qn_dim_is_symbol(e->graph->dims, dim)) return NULL;
    for (size_t i = 0; i < qn_dim_symbol_count(e->graph->dims); i++)
        if (qn_dim_same(qn_dim_symbol_at(e->graph->dims, i), dim)) return &e->symbols[i];
    return NULL;
}

static qn_status *bind_input(const evaluation *e, const qn_value *input, const qn_view *view) {
    if (input->type.dtype != view->dtype || input->type.rank != view->rank)
        return QN_ERR(QN_INVALID_ARGUMENT, "input '%s' has another type", input->name);
    for (int i = 0; i < view->rank; i++) {
        int64_t low, high, *symbol = find_symbol(e, input->type.dims[i]);
        qn_dim_range(e->graph->dims, input->type.dims[i], &low, &high);
        if (view->dims[i] < low || view->dims[i] > high || (symbol && *symbol >= 0 && *symbol != view->dims[i]))
            return QN_ERR(QN_INVALID_ARGUMENT, "dim %d of input '%s' cannot be %lld", i, input->name,
                          (long long)view->dims[i]);
        if (symbol) *symbol = view->dims[i];
    }
    e->values[input->id] = *view;
    return NULL;
}

static qn_status *test_checks(const evaluation *e) {
    for (size_t i = 0; i < e->graph->checks.count; i++) {
        int64_t condition;
        if (evaluate_dim(e, e->graph->checks.items[i].condition, &condition) && condition < 0)
            return QN_ERR(QN_INVALID_ARGUMENT, "%s", e->graph->checks.items[i].message);
    }
    return NULL;
}

/* A view for an output: its dims now, or the most they can be where data will tell. */
static qn_status *new_view(const evaluation *e, const qn_value *value, qn_view *out) {
    *out = (qn_view){.dtype = value->type.dtype, .rank = value->type.rank};
    for (int i = 0; i < out->rank; i++) {
        int64_t low;
        if (!evaluate_dim(e, value->type.dims[i], &out->dims[i]))
            qn_dim_range(e->graph->dims, value->type.dims[i], &low, &out->dims[i]);
        if (out->dims[i] < 0 || out->dims[i] > DIM_MAX)
            return QN_ERR(QN_INVALID_ARGUMENT, "dim %d of '%s' would be %lld", i, value->name, (long long)out->dims[i]);
    }
    size_t bytes = qn_view_bytes(out);
    out->data = qn_arena_alloc_aligned(e->arena, bytes, 64);
    if (!out->data) return qn_status_out_of_memory();
    memset(out->data, 0xA5, bytes); /* what eval leaves out shows */
    return NULL;
}

static qn_status *run_node(const evaluation *e, const qn_node *node) {
    qn_view inputs[64], outputs[16];
    if (node->input_count > 64 || node->output_count > 16) return QN_ERR(QN_UNSUPPORTED, "too many operands");
    for (int i = 0; i < node->input_count; i++) inputs[i] = evaluated(e, node->inputs[i]);
    for (int i = 0; i < node->output_count; i++) QN_TRY(new_view(e, node->outputs[i], &outputs[i]));
    qn_eval eval = {.attrs = node->attrs,
                    .input_count = node->input_count,
                    .inputs = inputs,
                    .output_count = node->output_count,
                    .outputs = outputs};
    size_t scratch = node->op->scratch_bytes ? node->op->scratch_bytes(&eval) : 0;
    eval.scratch = qn_arena_alloc_aligned(e->arena, scratch, 64);
    QN_TRY(node->op->eval(&eval));
    for (int i = 0; i < node->output_count; i++) {
        e->values[node->outputs[i]->id] = outputs[i];
        for (int axis = 0; axis < outputs[i].rank; axis++) {
            int64_t *symbol = find_symbol(e, node->outputs[i]->type.dims[axis]);
            if (symbol && *symbol < 0) *symbol = outputs[i].dims[axis];
        }
    }
    return NULL;
}

qn_status *evaluate(const qn_graph *graph, const qn_view *inputs, qn_arena *arena, evaluation *out) {
    size_t symbols = qn_dim_symbol_count(graph->dims);
    *out = (evaluation){.graph = graph, .arena = arena};
    out->symbols = QN_ARENA_ARRAY(arena, int64_t, symbols);
    out->values = QN_ARENA_ARRAY(arena, qn_view, graph->next_id);
    if (!out->symbols || !out->values) return qn_status_out_of_memory();
    for (size_t i = 0; i < symbols; i++) out->symbols[i] = -1;
    for (size_t i = 0; i < graph->inputs.count; i++) QN_TRY(bind_input(out, graph->inputs.items[i], &inputs[i]));
    QN_TRY(test_checks(out));
    for (const qn_node *node = graph->first; node; node = node->next)
        QN_TRY_CTX(run_node(out, node), "node '%s'", node->name);
    return test_checks(out);
}

/* ---- Inputs ---- */

static int64_t draw_size(const qn_graph *graph, qn_rng *rng, int style, qn_dim dim) {
    int64_t low, high;
    qn_dim_range(graph->dims, dim, &low, &high);
    if (style == 0 || low == high) return low;
    if (style == 1 && high - low <= 3 * SMALL) return high;
    return qn_rng_range(rng, low, qn_min_i64(high, low + SMALL));
}

static void fill_random(const qn_view *view, qn_rng *rng) {
    for (int64_t i = 0; i < qn_view_elems(view); i++) {
        if (qn_dtype_is_float(view->dtype))
            qn_view_set(view, i, qn_rng_float(rng, -2, 2));
        else
            qn_view_set_int(view, i,
                            qn_rng_range(rng, 0,
                                         view->dtype == QN_DTYPE_U8     ? 255
                                         : view->dtype == QN_DTYPE_BOOL ? 1
                                                                        : 4));
    }
}

void draw_inputs(const qn_graph *graph, qn_rng *rng, int style, qn_arena *arena, qn_view *out_inputs) {
    size_t symbols = qn_dim_symbol_count(graph->dims);
    int64_t *sizes = QN_ARENA_ARRAY(arena, int64_t, symbols);
    for (size_t i = 0; i < symbols; i++) sizes[i] = draw_size(graph, rng, style, qn_dim_symbol_at(graph->dims, i));
    for (size_t input = 0; input < graph->inputs.count; input++) {
        const qn_type *type = &graph->inputs.items[input]->type;
        qn_view *view = &out_inputs[input];
        *view = (qn_view){.dtype = type->dtype, .rank = type->rank};
        for (int axis = 0; axis < type->rank; axis++) {
            qn_dim_is_const(graph->dims, type->dims[axis], &view->dims[axis]);
            for (size_t i = 0; i < symbols; i++)
                if (qn_dim_same(qn_dim_symbol_at(graph->dims, i), type->dims[axis])) view->dims[axis] = sizes[i];
        }
        view->data = qn_arena_alloc_aligned(arena, qn_view_bytes(view), 64);
        fill_random(view, rng);
    }
}
