/* Copies of a graph, on which something is tried: which layers could be integer, which dims could vary. */
#include "ir/graph.h"

#include <assert.h>
#include <string.h>

typedef struct copier {
    const qn_graph *from;
    qn_graph *to;
    qn_value **of; /* the copy of each value, by id in `from`; NULL: none yet */
} copier;

/* ---- Dims ----
   Symbols are copied first, so that expressions find them by name. */

/* Copies the symbols that dims of inputs name, in the order of the original. Symbols of sizes that data decides are
   made by inference of the copy. */
static qn_status *copy_symbols(copier *c) {
    const qn_graph *from = c->from;
    qn_dim_program_builder *builder = qn_dim_program_create(c->to->arena, from->dims);
    uint8_t *is_used = QN_ARENA_ARRAY(c->to->arena, uint8_t, qn_dim_symbol_count(from->dims));
    uint32_t unused;
    qn_dim copy;
    size_t count;
    if (!builder || !is_used) return qn_status_out_of_memory();
    for (size_t i = 0; i < from->inputs.count; i++) {
        const qn_type *type = &from->inputs.items[i]->type;
        for (int axis = 0; axis < type->rank; axis++) QN_TRY(qn_dim_program_add(builder, type->dims[axis], &unused));
    }
    const qn_dim_instr *code = qn_dim_program_code(builder, &count);
    for (size_t i = 0; i < count; i++)
        if (code[i].code == QN_DIM_SYMBOL) is_used[code[i].a] = 1;
    for (size_t i = 0; i < qn_dim_symbol_count(from->dims); i++)
        if (is_used[i]) QN_TRY(qn_dim_translate(from->dims, qn_dim_symbol_at(from->dims, i), c->to->dims, &copy));
    return NULL;
}

/* `dim` in the pool of the copy; where its range leaves one number, that number. */
static qn_status *copy_dim(copier *c, qn_dim dim, qn_dim *out_dim) {
    int64_t number;
    if (!qn_dim_is_const(c->from->dims, dim, &number))
        return qn_dim_translate(c->from->dims, dim, c->to->dims, out_dim);
    *out_dim = qn_dim_const(c->to->dims, number);
    return NULL;
}

/* ---- Values ---- */

static qn_status *copy_inputs(copier *c) {
    const qn_graph *from = c->from;
    QN_TRY(copy_symbols(c));
    for (size_t i = 0; i < from->inputs.count; i++) {
        const qn_value *input = from->inputs.items[i];
        qn_type type = input->type;
        for (int axis = 0; axis < type.rank; axis++) QN_TRY(copy_dim(c, type.dims[axis], &type.dims[axis]));
        QN_TRY(qn_graph_add_input(c->to, input->name, &type, &c->of[input->id]));
        c->of[input->id]->fixed_axes = input->fixed_axes;
    }
    return NULL;
}

static qn_status *copy_constants(copier *c) {
    for (size_t i = 0; i < c->from->values.count; i++) {
        const qn_value *value = c->from->values.items[i];
        if (!qn_value_is_constant(value)) continue;
        qn_view view = qn_value_view(value);
        QN_TRY(qn_graph_add_constant(c->to, value->name, &view, &c->of[value->id]));
        c->of[value->id]->data_bytes = value->data_bytes;
        c->of[value->id]->packing = value->packing;
    }
    return NULL;
}

/* The copied facts point to the original's texts, which must outlive the copy, as its constants must. */
static qn_status *copy_facts(copier *c, const qn_node *node, const qn_node *copy) {
    const qn_node_facts *facts = qn_facts_of(c->from, node);
    qn_node_facts *copied;
    static const qn_node_facts nothing;
    if (!memcmp(facts, &nothing, sizeof nothing)) return NULL;
    QN_TRY(qn_facts_edit(c->to, copy, &copied));
    *copied = *facts;
    return NULL;
}

static qn_status *copy_node(copier *c, const qn_node *node) {
    qn_value **inputs = QN_ARENA_ARRAY(c->to->arena, qn_value *, (size_t)node->input_count);
    qn_node *copy;
    if (!inputs) return qn_status_out_of_memory();
    for (int i = 0; i < node->input_count; i++)
        if (node->inputs[i]) inputs[i] = c->of[node->inputs[i]->id];
    QN_TRY(qn_graph_add_node(c->to, node->op, node->name, node->attrs, node->input_count, inputs, NULL, &copy));
    copy->source = node->source;
    QN_TRY(copy_facts(c, node, copy));
    for (int i = 0; i < node->output_count; i++) {
        QN_TRY(qn_graph_rename_value(c->to, copy->outputs[i], node->outputs[i]->name));
        c->of[node->outputs[i]->id] = copy->outputs[i];
    }
    return NULL;
}

static qn_status *copy_all(copier *c) {
    QN_TRY(copy_inputs(c));
    QN_TRY(copy_constants(c));
    for (const qn_node *node = c->from->first; node; node = node->next) QN_TRY(copy_node(c, node));
    for (size_t i = 0; i < c->from->values.count; i++) {
        const qn_value *value = c->from->values.items[i];
        if (!c->of[value->id]) continue; /* a value of a removed node */
        c->of[value->id]->stats = value->stats;
        c->of[value->id]->encoding = value->encoding;
    }
    for (size_t i = 0; i < c->from->outputs.count; i++)
        QN_TRY(qn_graph_mark_output(c->to, c->of[c->from->outputs.items[i]->id]));
    return qn_graph_infer(c->to);
}

qn_status *qn_graph_copy(const qn_graph *graph, qn_arena *arena, qn_graph **out_copy) {
    copier c = {.from = graph, .to = qn_graph_create(arena, graph->name)};
    *out_copy = NULL;
    if (c.to) c.of = QN_ARENA_ARRAY(arena, qn_value *, graph->next_id);
    if (!c.to || !c.of) return qn_status_out_of_memory();
    c.to->precision = graph->precision;
    c.to->precision_asker = graph->precision_asker;
    c.to->integer = graph->integer;
    c.to->cancel = graph->cancel;
    QN_TRY(copy_all(&c));
    assert(c.to->node_count == graph->node_count && c.to->outputs.count == graph->outputs.count);
    *out_copy = c.to;
    return NULL;
}
