#include "plan/plan.h"

#include "plan/internal.h"

#include <string.h>

/* An output that names an input, a constant, shape arithmetic or a second output's value is written by a copy of its own. */
static qn_status *separate_outputs(qn_graph *graph) {
    for (size_t i = 0; i < graph->outputs.count; i++) {
        qn_value *value = graph->outputs.items[i];
        int repeated = 0;
        for (size_t j = 0; j < i; j++) repeated |= graph->outputs.items[j] == value;
        if (value->producer && !repeated) continue;
        qn_node *copy;
        QN_TRY(qn_graph_add_node(graph, &qn_op_identity, value->name, NULL, 1, &value, NULL, &copy));
        QN_TRY(qn_node_infer(graph, copy));
        copy->outputs[0]->is_output = 1;
        graph->outputs.items[i] = copy->outputs[0];
        if (!repeated) value->is_output = 0;
    }
    return NULL;
}

/* A node whose every output is written when shapes are set needs no step. */
static int is_shape_arithmetic(const qn_planner *planner, const qn_node *node) {
    if (node->op->flags & QN_OP_EFFECT) return 0;
    for (int i = 0; i < node->output_count; i++)
        if (node->outputs[i]->is_output || !qn_plan_is_dims_value(planner, node->outputs[i])) return 0;
    return 1;
}

static int is_input_symbol(const qn_graph *graph, qn_dim symbol) {
    for (size_t i = 0; i < graph->inputs.count; i++)
        for (int axis = 0; axis < graph->inputs.items[i]->type.rank; axis++)
            if (qn_dim_same(graph->inputs.items[i]->type.dims[axis], symbol)) return 1;
    return 0;
}

static int is_settled(const qn_planner *planner, uint32_t number) {
    for (size_t i = 0; i < planner->data_symbols.count; i++)
        if (planner->data_symbols.items[i].symbol == number) return 1;
    return 0;
}

/* The symbols that become known when `node` has run: dims of its outputs that are fresh symbols. */
static qn_status *add_data_symbols(qn_planner *planner, const qn_node *node, qn_program_step *step) {
    step->first_data_symbol = (uint32_t)planner->data_symbols.count;
    if (!(node->op->flags & QN_OP_DATA_SHAPE)) return NULL;
    size_t symbols = qn_dim_symbol_count(planner->graph->dims);
    for (int output = 0; output < node->output_count; output++)
        for (int axis = 0; axis < node->outputs[output]->type.rank; axis++) {
            qn_dim dim = node->outputs[output]->type.dims[axis];
            if (!qn_dim_is_symbol(planner->graph->dims, dim) || is_input_symbol(planner->graph, dim)) continue;
            uint32_t number = 0;
            while (number < symbols && !qn_dim_same(qn_dim_symbol_at(planner->graph->dims, number), dim)) number++;
            if (is_settled(planner, number)) continue;
            qn_program_data_symbol row = {number, (uint32_t)output, (uint32_t)axis};
            QN_TRY(QN_LIST_PUSH(planner->arena, &planner->data_symbols, row));
            step->data_symbol_count++;
        }
    return NULL;
}

static qn_status *add_step(qn_planner *planner, const qn_node *node) {
    qn_program_step step = {.op = node->op, .name = node->name, .attrs = node->attrs, .precision = "f32"};
    uint32_t index;
    step.first_input = (uint32_t)planner->operands.count;
    step.input_count = (uint32_t)node->input_count;
    for (int i = 0; i < node->input_count; i++) {
        index = UINT32_MAX;
        if (node->inputs[i]) QN_TRY(qn_plan_value(planner, node->inputs[i], &index));
        QN_TRY(QN_LIST_PUSH(planner->arena, &planner->operands, index));
    }
    step.first_output = (uint32_t)planner->operands.count;
    step.output_count = (uint32_t)node->output_count;
    for (int i = 0; i < node->output_count; i++) {
        QN_TRY(qn_plan_value(planner, node->outputs[i], &index));
        QN_TRY(QN_LIST_PUSH(planner->arena, &planner->operands, index));
    }
    QN_TRY(add_data_symbols(planner, node, &step));
    return QN_LIST_PUSH(planner->arena, &planner->steps, step);
}

static qn_status *list_symbols(const qn_planner *planner, qn_program *program) {
    const qn_graph *graph = planner->graph;
    size_t count = qn_dim_symbol_count(graph->dims);
    qn_program_symbol *symbols = QN_ARENA_ARRAY(planner->arena, qn_program_symbol, count);
    if (!symbols) return qn_status_out_of_memory();
    for (size_t i = 0; i < count; i++) {
        qn_dim symbol = qn_dim_symbol_at(graph->dims, i);
        const char *reason = qn_dim_symbol_reason(graph->dims, symbol);
        symbols[i] = (qn_program_symbol){.name = qn_dim_symbol_name(graph->dims, symbol), .reason = reason ? reason : "", .input = -1, .axis = -1};
        qn_dim_range(graph->dims, symbol, &symbols[i].low, &symbols[i].high);
        for (size_t input = graph->inputs.count; input-- > 0;)
            for (int axis = graph->inputs.items[input]->type.rank; axis-- > 0;)
                if (qn_dim_same(graph->inputs.items[input]->type.dims[axis], symbol)) {
                    symbols[i].input = (int32_t)input;
                    symbols[i].axis = axis;
                }
    }
    program->symbols = symbols;
    program->symbol_count = count;
    return NULL;
}

static qn_status *list_checks(qn_planner *planner, qn_program *program) {
    size_t count = planner->graph->checks.count;
    qn_program_check *checks = QN_ARENA_ARRAY(planner->arena, qn_program_check, count);
    if (!checks) return qn_status_out_of_memory();
    for (size_t i = 0; i < count; i++) {
        checks[i].message = planner->graph->checks.items[i].message;
        QN_TRY(qn_dim_program_add(planner->dims, planner->graph->checks.items[i].condition, &checks[i].condition));
    }
    program->checks = checks;
    program->check_count = count;
    return NULL;
}

static qn_status *list_ends(qn_planner *planner, qn_value *const *values, size_t count, const uint32_t **out) {
    uint32_t *list = QN_ARENA_ARRAY(planner->arena, uint32_t, count);
    if (!list) return qn_status_out_of_memory();
    for (size_t i = 0; i < count; i++) QN_TRY(qn_plan_value(planner, values[i], &list[i]));
    *out = list;
    return NULL;
}

static qn_status *make_steps(qn_planner *planner, qn_program *program) {
    qn_graph *graph = planner->graph;
    QN_TRY(list_ends(planner, graph->inputs.items, graph->inputs.count, &program->inputs));
    for (qn_node *node = graph->first; node; node = node->next)
        if (!is_shape_arithmetic(planner, node)) QN_TRY(add_step(planner, node));
    QN_TRY(list_ends(planner, graph->outputs.items, graph->outputs.count, &program->outputs));
    program->input_count = graph->inputs.count;
    program->output_count = graph->outputs.count;
    return NULL;
}

static qn_status *finish(qn_planner *planner, const char *meta, qn_program *program) {
    QN_TRY(list_symbols(planner, program));
    QN_TRY(list_checks(planner, program));
    program->name = planner->graph->name;
    program->meta = qn_arena_copy_string(planner->arena, meta, strlen(meta));
    void *constants = qn_arena_alloc_aligned(planner->arena, planner->constants.size, 64);
    if (!program->meta || !constants) return qn_status_out_of_memory();
    if (planner->constants.size) memcpy(constants, planner->constants.data, planner->constants.size);
    program->constants = (qn_bytes){constants, planner->constants.size};
    program->dims = qn_dim_program_code(planner->dims, &program->dim_count);
    program->values = planner->values.items;
    program->value_count = planner->values.count;
    program->operands = planner->operands.items;
    program->operand_count = planner->operands.count;
    program->steps = planner->steps.items;
    program->step_count = planner->steps.count;
    program->data_symbols = planner->data_symbols.items;
    program->data_symbol_count = planner->data_symbols.count;
    program->contents = planner->contents.items;
    program->content_count = planner->contents.count;
    program->arena_bytes = planner->arena_bytes;
    return NULL;
}

static qn_status *build(qn_planner *planner, const char *meta, qn_program *program) {
    QN_TRY(separate_outputs(planner->graph));
    QN_TRY(qn_plan_pack_weights(planner->graph));
    qn_graph_remove_dead(planner->graph);
    planner->dims = qn_dim_program_create(planner->arena, planner->graph->dims);
    planner->index_of = QN_ARENA_ARRAY(planner->arena, int32_t, planner->graph->next_id);
    if (!planner->dims || !planner->index_of) return qn_status_out_of_memory();
    for (uint32_t i = 0; i < planner->graph->next_id; i++) planner->index_of[i] = QN_NO_VALUE;
    QN_TRY(make_steps(planner, program));
    QN_TRY(qn_plan_memory(planner));
    return finish(planner, meta, program);
}

qn_status *qn_plan_build(qn_graph *graph, const char *meta, qn_arena *arena, qn_program *out_program) {
    qn_planner planner = {.graph = graph, .arena = arena};
    *out_program = (qn_program){0};
    qn_buffer_init(&planner.constants, arena->allocator);
    qn_status *status = build(&planner, meta, out_program);
    qn_buffer_deinit(&planner.constants);
    return status;
}
