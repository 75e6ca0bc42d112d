#include "plan/internal.h"

enum { CONSTANT_ALIGN = 64 };

/* Does instruction `index` of the dim program depend on a symbol that a step settles? */
static int depends_on_data(const qn_planner *planner, uint32_t index) {
    size_t count;
    const qn_dim_instr *code = qn_dim_program_code(planner->dims, &count);
    const qn_dim_instr *instr = &code[index];
    if (instr->code == QN_DIM_CONST) return 0;
    if (instr->code != QN_DIM_SYMBOL) return depends_on_data(planner, instr->a) || depends_on_data(planner, instr->b);
    qn_dim symbol = qn_dim_symbol_at(planner->graph->dims, instr->a);
    for (size_t i = 0; i < planner->graph->inputs.count; i++) {
        const qn_type *type = &planner->graph->inputs.items[i]->type;
        for (int axis = 0; axis < type->rank; axis++)
            if (qn_dim_same(type->dims[axis], symbol)) return 0;
    }
    return 1;
}

static int64_t known_elems(const qn_planner *planner, const qn_value *value) {
    int64_t elems = 1, dim;
    for (int i = 0; i < value->type.rank; i++) {
        if (!qn_dim_is_const(planner->graph->dims, value->type.dims[i], &dim)) return -1;
        elems *= dim;
    }
    return elems;
}

int qn_plan_is_dims_value(const qn_planner *planner, const qn_value *value) {
    if (!value->contents || qn_value_is_constant(value) || value->is_input) return 0;
    int64_t elems = known_elems(planner, value);
    for (int64_t i = 0; i < elems; i++) {
        uint32_t index;
        qn_status *status = qn_dim_program_add(planner->dims, value->contents[i], &index);
        if (status) {
            qn_status_free(status);
            return 0;
        }
        if (depends_on_data(planner, index)) return 0;
    }
    return elems >= 0;
}

static qn_status *place_constant(qn_planner *planner, const qn_value *value, qn_program_value *out) {
    qn_buffer_align(&planner->constants, CONSTANT_ALIGN);
    out->place = QN_PLACE_CONSTANT;
    out->offset = planner->constants.size;
    out->bytes = value->data_bytes;
    qn_buffer_append(&planner->constants, value->data, value->data_bytes);
    return planner->constants.failed ? qn_status_out_of_memory() : NULL;
}

static qn_status *place_dims(qn_planner *planner, const qn_value *value, qn_program_value *out) {
    int64_t elems = known_elems(planner, value);
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

static int position_in(qn_value *const *list, size_t count, const qn_value *value) {
    for (size_t i = 0; i < count; i++)
        if (list[i] == value) return (int)i;
    return -1;
}

static qn_status *place(qn_planner *planner, const qn_value *value, qn_program_value *out) {
    const qn_graph *graph = planner->graph;
    if (qn_value_is_constant(value)) return place_constant(planner, value, out);
    if (value->is_input) {
        out->place = QN_PLACE_INPUT;
        out->offset = (uint64_t)position_in(graph->inputs.items, graph->inputs.count, value);
    } else if (value->is_output) {
        out->place = QN_PLACE_OUTPUT;
        out->offset = (uint64_t)position_in(graph->outputs.items, graph->outputs.count, value);
    } else if (qn_plan_is_dims_value(planner, value)) {
        return place_dims(planner, value, out);
    } else {
        out->place = QN_PLACE_ARENA;
    }
    return NULL;
}

qn_status *qn_plan_value(qn_planner *planner, const qn_value *value, uint32_t *out_index) {
    int32_t known = planner->index_of[value->id];
    if (known != QN_NO_VALUE) {
        *out_index = (uint32_t)known;
        return NULL;
    }
    qn_program_value fresh = {.name = value->name, .dtype = value->type.dtype, .rank = value->type.rank, .alias = -1};
    for (int i = 0; i < value->type.rank; i++) QN_TRY(qn_dim_program_add(planner->dims, value->type.dims[i], &fresh.dims[i]));
    QN_TRY(place(planner, value, &fresh));
    *out_index = (uint32_t)planner->values.count;
    planner->index_of[value->id] = (int32_t)*out_index;
    QN_TRY(QN_LIST_PUSH(planner->arena, &planner->values, fresh));
    return QN_LIST_PUSH(planner->arena, &planner->sources, value);
}
