#include "plan/plan.h"

#include "plan/internal.h"

#include <assert.h>
#include <string.h>

/* qn_node.mark */
enum { NO_STEP, ARITHMETIC, STEP };

/* `copy`, a copy of `value`, is the output in place of `value` and takes its name. `value` is called "name/dims" or
   "name/constant" from then on. */
static qn_status *hand_name_on(qn_graph *graph, qn_value *value, qn_value *copy) {
    const char *name = value->name,
               *hidden = qn_arena_printf(graph->arena, "%s/%s", name, value->producer ? "dims" : "constant");
    if (!hidden) return qn_status_out_of_memory();
    if (qn_graph_find_value(graph, hidden)) return NULL; /* then the copy keeps the name with a suffix */
    QN_TRY(qn_graph_rename_value(graph, value, hidden));
    return qn_graph_rename_value(graph, copy, name);
}

/* Every output becomes a value of its own, which exactly one step writes. An output that is an input, a
   constant, or listed twice becomes a copy (identity) of that value. So does one that is shape arithmetic which other
   nodes read: they read it where it is written when shapes are set, before there are tensors of the caller. */
static qn_status *separate_outputs(qn_graph *graph) {
    for (size_t i = 0; i < graph->outputs.count; i++) {
        qn_value *value = graph->outputs.items[i];
        int is_repeated = !value->is_output;
        value->is_output = 0; /* until the end of this function it means: listed before */
        int is_read_as_dims = value->contents && value->uses.count;
        if (value->producer && !is_repeated && !is_read_as_dims) continue;
        qn_node *copy;
        QN_TRY(qn_graph_add_node(graph, &qn_op_identity, value->name, NULL, 1, &value, NULL, &copy));
        QN_TRY(qn_node_infer(graph, copy));
        graph->outputs.items[i] = copy->outputs[0];
        if (!value->is_input && !is_repeated) QN_TRY(hand_name_on(graph, value, copy->outputs[0]));
    }
    for (size_t i = 0; i < graph->outputs.count; i++) graph->outputs.items[i]->is_output = 1;
    return NULL;
}

/* *out_is: all outputs of the node are written when shapes are set, so that no step has to. */
static qn_status *is_shape_arithmetic(qn_planner *planner, const qn_node *node, int *out_is) {
    *out_is = !(node->op->flags & QN_OP_EFFECT);
    for (int i = 0; i < node->output_count && *out_is; i++) {
        *out_is = 0;
        if (!node->outputs[i]->is_output) QN_TRY(qn_plan_is_dims_value(planner, node->outputs[i], out_is));
    }
    return NULL;
}

/* The symbols that become known when `node` has run: dims of its outputs that are fresh symbols. */
static qn_status *add_data_symbols(qn_planner *planner, const qn_node *node, qn_program_step *step) {
    step->first_data_symbol = (uint32_t)planner->data_symbols.count;
    if (!(node->op->flags & QN_OP_DATA_SHAPE)) return NULL;
    for (int output = 0; output < node->output_count; output++)
        for (int axis = 0; axis < node->outputs[output]->type.rank; axis++) {
            qn_dim dim = node->outputs[output]->type.dims[axis];
            if (!qn_dim_is_symbol(planner->graph->dims, dim)) continue;
            uint32_t number = (uint32_t)qn_dim_symbol_number(planner->graph->dims, dim);
            qn_symbol_source *source = &planner->symbols[number];
            if (source->input >= 0 || source->is_settled) continue;
            source->is_settled = 1;
            qn_program_data_symbol row = {number, (uint32_t)output, (uint32_t)axis};
            QN_TRY(QN_LIST_PUSH(planner->arena, &planner->data_symbols, row));
            step->data_symbol_count++;
        }
    return NULL;
}

/* "u8: custom_nodes": the type of what a step stores and, where a pass noted an outcome, why. NULL on exhaustion. */
static const char *precision_text(const qn_planner *planner, const qn_node *node) {
    const qn_outcome outcome = qn_outcome_of(planner->graph, node);
    if (outcome.why) return qn_outcome_text(&outcome, planner->arena);
    return node->output_count ? qn_dtype_name(node->outputs[0]->type.dtype) : "";
}

#ifndef NDEBUG

/* Has a step before made the value, or does it need none? */
static int is_there(const qn_planner *planner, const qn_value *value) {
    return !value->producer || value->producer->mark == ARITHMETIC || planner->index_of[value->id] != QN_NO_VALUE;
}

#endif

static qn_status *add_step(qn_planner *planner, const qn_node *node) {
    qn_program_step step = {
        .op = node->op, .name = node->name, .attrs = node->attrs, .precision = precision_text(planner, node)};
    uint32_t index;
    if (!step.precision) return qn_status_out_of_memory();
    step.first_input = (uint32_t)planner->operands.count;
    step.input_count = (uint32_t)node->input_count;
    for (int i = 0; i < node->input_count; i++) {
        index = UINT32_MAX;
        assert(!node->inputs[i] || is_there(planner, node->inputs[i]));
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
        symbols[i] = (qn_program_symbol){.name = qn_dim_symbol_name(graph->dims, symbol),
                                         .reason = reason ? reason : "",
                                         .input = planner->symbols[i].input,
                                         .axis = planner->symbols[i].axis};
        qn_dim_range(graph->dims, symbol, &symbols[i].low, &symbols[i].high);
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

/* What integers that steps compute stand for, in the order of values. */
static qn_status *list_encodings(const qn_planner *planner, qn_program *program) {
    const size_t count = planner->values.count;
    qn_program_encoding *encodings = QN_ARENA_ARRAY(planner->arena, qn_program_encoding, count);
    if (!encodings) return qn_status_out_of_memory();
    for (uint32_t i = 0; i < count; i++) {
        const qn_value_encoding *from = planner->sources.items[i]->encoding;
        if (!from) continue;
        uint8_t *zero_point = QN_ARENA_ARRAY(planner->arena, uint8_t, (size_t)from->channels);
        if (!zero_point) return qn_status_out_of_memory();
        for (int64_t c = 0; c < from->channels; c++) zero_point[c] = (uint8_t)from->zero_point[c];
        encodings[program->encoding_count++] =
            (qn_program_encoding){i, from->of, (uint32_t)from->channels, from->scale, zero_point};
    }
    program->encodings = encodings;
    return NULL;
}

static qn_status *list_ends(qn_planner *planner, qn_value *const *values, size_t count, const uint32_t **out) {
    uint32_t *list = QN_ARENA_ARRAY(planner->arena, uint32_t, count);
    if (!list) return qn_status_out_of_memory();
    for (size_t i = 0; i < count; i++) QN_TRY(qn_plan_value(planner, values[i], &list[i]));
    *out = list;
    return NULL;
}

/* Does a node that is a step read an output of `node`, or is `node` a step for its own sake? Nodes that read it come
   later in the graph and are marked already. */
static int is_wanted(const qn_node *node) {
    if (node->op->flags & (QN_OP_EFFECT | QN_OP_DATA_SHAPE)) return 1; /* checks may need the sizes it settles */
    for (int i = 0; i < node->output_count; i++) {
        const qn_value *output = node->outputs[i];
        if (output->is_output) return 1;
        for (size_t use = 0; use < output->uses.count; use++)
            if (output->uses.items[use].node->mark == STEP) return 1;
    }
    return 0;
}

/* Marks the nodes that are steps: those that outputs and effects of the graph need, without shape arithmetic and
   without nodes that only shape arithmetic reads. */
static qn_status *mark_steps(qn_planner *planner) {
    for (qn_node *node = planner->graph->first; node; node = node->next) {
        int is_arithmetic;
        QN_TRY(is_shape_arithmetic(planner, node, &is_arithmetic));
        node->mark = is_arithmetic ? ARITHMETIC : NO_STEP;
    }
    for (qn_node *node = planner->graph->last; node; node = node->prev)
        if (node->mark != ARITHMETIC && is_wanted(node)) node->mark = STEP;
    return NULL;
}

static qn_status *make_steps(qn_planner *planner, qn_program *program) {
    qn_graph *graph = planner->graph;
    QN_TRY(list_ends(planner, graph->inputs.items, graph->inputs.count, &program->inputs));
    QN_TRY(mark_steps(planner));
    for (qn_node *node = graph->first; node; node = node->next)
        if (node->mark == STEP) QN_TRY(add_step(planner, node));
    QN_TRY(list_ends(planner, graph->outputs.items, graph->outputs.count, &program->outputs));
    program->input_count = graph->inputs.count;
    program->output_count = graph->outputs.count;
    return NULL;
}

static qn_status *finish(qn_planner *planner, const char *meta, qn_program *program) {
    QN_TRY(list_symbols(planner, program));
    QN_TRY(list_checks(planner, program));
    QN_TRY(list_encodings(planner, program));
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
    assert(planner->values.count == planner->sources.count);
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
    QN_TRY(qn_plan_index_ports(planner));
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
