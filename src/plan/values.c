/* Which values the program has, and where each of them lies. A value gets its entry when the first step that reads or
 * makes it is added, so values stand in the order of steps. */
#include "plan/internal.h"

#include <assert.h>

enum { CONSTANT_ALIGN = 64 };

qn_status *qn_plan_index_ports(qn_planner *planner) {
    const qn_graph *graph = planner->graph;
    size_t count = qn_dim_symbol_count(graph->dims);
    planner->symbols = QN_ARENA_ARRAY(planner->arena, qn_symbol_source, count);
    planner->port_of = QN_ARENA_ARRAY(planner->arena, int32_t, graph->next_id);
    if (!planner->symbols || !planner->port_of) return qn_status_out_of_memory();
    for (size_t i = 0; i < count; i++) planner->symbols[i] = (qn_symbol_source){-1, -1, 0};
    for (size_t i = 0; i < graph->outputs.count; i++) planner->port_of[graph->outputs.items[i]->id] = (int32_t)i;
    for (size_t i = graph->inputs.count; i-- > 0;) { /* the first input that has a symbol gives it */
        const qn_value *input = graph->inputs.items[i];
        planner->port_of[input->id] = (int32_t)i;
        for (int axis = input->type.rank; axis-- > 0;) {
            if (!qn_dim_is_symbol(graph->dims, input->type.dims[axis])) continue;
            qn_symbol_source *source = &planner->symbols[qn_dim_symbol_number(graph->dims, input->type.dims[axis])];
            source->input = (int32_t)i;
            source->axis = axis;
        }
    }
    return NULL;
}

/* Fills `on_data` for the dim instructions that were added since the last call. */
static qn_status *follow_data(qn_planner *planner) {
    size_t count;
    const qn_dim_instr *code = qn_dim_program_code(planner->dims, &count);
    for (size_t i = planner->on_data.count; i < count; i++) {
        uint8_t depends = 0;
        if (code[i].code == QN_DIM_SYMBOL)
            depends = planner->symbols[code[i].a].input < 0;
        else if (code[i].code != QN_DIM_CONST)
            depends = planner->on_data.items[code[i].a] | planner->on_data.items[code[i].b];
        QN_TRY(QN_LIST_PUSH(planner->arena, &planner->on_data, depends));
    }
    return NULL;
}

/* The number of elements; -1: a dim is no number. */
static int64_t known_elems(const qn_planner *planner, const qn_value *value) {
    int64_t elems = 1, dim;
    for (int i = 0; i < value->type.rank; i++) {
        if (!qn_dim_is_const(planner->graph->dims, value->type.dims[i], &dim)) return -1;
        elems *= dim;
    }
    return elems;
}

qn_status *qn_plan_is_dims_value(qn_planner *planner, const qn_value *value, int *out_is) {
    *out_is = 0;
    if (!value->contents || qn_value_is_constant(value) || value->is_input) return NULL;
    int64_t elems = known_elems(planner, value);
    for (int64_t i = 0; i < elems; i++) {
        uint32_t index;
        QN_TRY(qn_dim_program_add(planner->dims, value->contents[i], &index));
        QN_TRY(follow_data(planner));
        if (planner->on_data.items[index]) return NULL;
    }
    *out_is = elems >= 0;
    return NULL;
}

static qn_status *place_constant(qn_planner *planner, const qn_value *value, qn_program_value *out) {
    qn_buffer_align(&planner->constants, CONSTANT_ALIGN);
    assert(planner->constants.failed || planner->constants.size % CONSTANT_ALIGN == 0);
    out->place = QN_PLACE_CONSTANT;
    out->offset = planner->constants.size;
    out->bytes = value->data_bytes;
    out->packing = value->packing;
    qn_buffer_append(&planner->constants, value->data, value->data_bytes);
    return planner->constants.failed ? qn_status_out_of_memory() : NULL;
}

static qn_status *place_dims(qn_planner *planner, const qn_value *value, qn_program_value *out) {
    int64_t elems = known_elems(planner, value);
    assert(elems >= 0 && elems <= QN_CONTENT_MAX);
    out->place = QN_PLACE_DIMS;
    out->first_content = (uint32_t)planner->contents.count;
    out->content_count = (uint32_t)elems;
    for (int64_t i = 0; i < elems; i++) {
        uint32_t index;
        QN_TRY(qn_dim_program_add(planner->dims, value->contents[i], &index));
        QN_TRY(QN_LIST_PUSH(planner->arena, &planner->contents, index));
    }
    return NULL;
}

static qn_status *place(qn_planner *planner, const qn_value *value, qn_program_value *out) {
    int is_dims;
    if (qn_value_is_constant(value)) return place_constant(planner, value, out);
    out->offset = (uint64_t)planner->port_of[value->id];
    out->place = QN_PLACE_INPUT;
    if (value->is_input) return NULL;
    out->place = QN_PLACE_OUTPUT;
    if (value->is_output) return NULL;
    out->place = QN_PLACE_ARENA;
    out->offset = 0;
    QN_TRY(qn_plan_is_dims_value(planner, value, &is_dims));
    return is_dims ? place_dims(planner, value, out) : NULL;
}

qn_status *qn_plan_value(qn_planner *planner, const qn_value *value, uint32_t *out_index) {
    int32_t known = planner->index_of[value->id];
    if (known != QN_NO_VALUE) {
        *out_index = (uint32_t)known;
        return NULL;
    }
    qn_program_value fresh = {.name = value->name, .dtype = value->type.dtype, .rank = value->type.rank, .alias = -1};
    for (int i = 0; i < value->type.rank; i++)
        QN_TRY(qn_dim_program_add(planner->dims, value->type.dims[i], &fresh.dims[i]));
    QN_TRY(place(planner, value, &fresh));
    *out_index = (uint32_t)planner->values.count;
    planner->index_of[value->id] = (int32_t)*out_index;
    assert(planner->values.count == planner->sources.count);
    QN_TRY(QN_LIST_PUSH(planner->arena, &planner->values, fresh));
    return QN_LIST_PUSH(planner->arena, &planner->sources, value);
}
