/* Half precision as storage. A node that is asked to (by itself or by the graph, ir/graph.h) gets its float32 operands
 * as f16 and so makes f16 results; kernels compute in float32 between. A cast stands where two neighbours differ,
 * constants are rounded once, and the inputs and outputs of the graph keep their types.
 *
 * What stays float32 all the same, and says so as its outcome (ir/facts.h):
 *   - a node with a constant too large for half precision
 *   - arithmetic on sizes and indices: numbers computed from integers alone, which half precision holds up to 2048 only
 *   - operators that do not take f16
 *
 * A conversion to integers reads halves or floats as it finds them, so that none is rounded to half for it alone.
 *
 * A wish for integers that is still there was not met: the node is treated like one without, and says so. */
#include "pass/conversion.h"
#include "pass/pass.h"
#include "pass/rewrite.h"
#include "pass/precision.h"

#include <math.h>

typedef struct storage {
    qn_graph *graph;
    uint32_t id_count;      /* of values that were there before the pass */
    qn_value **other;       /* by id: the value in the other of the two types, once somebody needed it */
    uint8_t *fits;          /* by id: a constant's elements fit half precision, or do not, once somebody asked */
    uint8_t *from_integers; /* by id: a vector or number computed from integers alone */
} storage;

/* Does input `index` keep its element type whatever the node stores? */
static int is_fixed(const qn_node *node, int index) { return index < 32 && node->op->fixed_inputs >> index & 1; }

static int is_f32(const qn_value *value) { return value && value->type.dtype == QN_DTYPE_F32; }
static int is_f16(const qn_value *value) { return value && value->type.dtype == QN_DTYPE_F16; }

/* ---- Values in the other type ---- */

enum { UNKNOWN = 0, FITS = 1, TOO_LARGE = 2 };

/* Does every finite element stay finite? */
static int all_fit_half(const qn_value *constant) {
    qn_view view = qn_value_view(constant);
    int64_t elems = qn_view_elems(&view);
    const float *data = view.data;
    for (int64_t i = 0; i < elems; i++)
        if (isfinite(data[i]) && isinf(qn_half_to_float(qn_float_to_half(data[i])))) return 0;
    return 1;
}

/* The same, looked at once however many nodes read it. */
static int fits_half(storage *s, const qn_value *constant) {
    if (constant->id >= s->id_count) return all_fit_half(constant);
    uint8_t *known = &s->fits[constant->id];
    if (*known == UNKNOWN) *known = all_fit_half(constant) ? FITS : TOO_LARGE;
    return *known == FITS;
}

static qn_status *halve_constant(storage *s, const qn_value *constant, qn_value **out) {
    qn_view view = qn_value_view(constant);
    int64_t elems = qn_view_elems(&view);
    const float *from = view.data;
    const char *name = qn_arena_printf(s->graph->arena, "%s/f16", constant->name);
    uint16_t *to = qn_arena_alloc_aligned(s->graph->arena, (size_t)elems * sizeof *to, 64);
    if (!to || !name) return qn_status_out_of_memory();
    for (int64_t i = 0; i < elems; i++) to[i] = qn_float_to_half(from[i]);
    view.dtype = QN_DTYPE_F16;
    view.data = to;
    return qn_graph_add_constant(s->graph, name, &view, out);
}

static qn_status *add_cast(qn_graph *graph, qn_value *value, qn_dtype dtype, qn_node *before, qn_value **out) {
    const char *name = qn_arena_printf(graph->arena, "%s/%s", value->name, qn_dtype_name(dtype));
    qn_node *cast;
    QN_TRY(qn_add_cast(graph, name, value, dtype, before, &cast));
    cast->source = value->producer ? value->producer->source : NULL;
    const qn_outcome outcome = {
        .why = QN_WHY_CAST, .dtype = dtype, .from = dtype == QN_DTYPE_F16 ? QN_DTYPE_F32 : QN_DTYPE_F16};
    QN_TRY(qn_outcome_set(graph, cast, &outcome));
    *out = cast->outputs[0];
    return qn_node_infer(graph, cast);
}

/* `value`, a float of either type, as `dtype` for `user`. */
static qn_status *as_dtype(storage *s, qn_value *value, qn_dtype dtype, qn_node *user, qn_value **out) {
    *out = value;
    if (value->type.dtype == dtype || value->id >= s->id_count) return NULL;
    qn_value **known = &s->other[value->id];
    if (!*known && qn_value_is_constant(value))
        QN_TRY(halve_constant(s, value, known));
    else if (!*known)
        QN_TRY(add_cast(s->graph, value, dtype, user, known));
    *out = *known;
    return NULL;
}

/* Gives `node` its f32 and f16 inputs in `dtype`, the others as they are. Constants of f16 were so in the source. */
static qn_status *set_inputs(storage *s, qn_node *node, qn_dtype dtype) {
    for (int i = 0; i < node->input_count; i++) {
        qn_value *value = node->inputs[i], *wanted;
        if (is_fixed(node, i)) continue;
        int differs = dtype == QN_DTYPE_F16 ? is_f32(value) : is_f16(value) && !qn_value_is_constant(value);
        if (!differs) continue;
        QN_TRY(as_dtype(s, value, dtype, node, &wanted));
        QN_TRY(qn_node_set_input(s->graph, node, i, wanted));
    }
    return NULL;
}

/* ---- What stays ---- */

static int is_cast(const qn_node *node) { return qn_op_casts(node->op); }

/* A cast whose result half precision may not hold. */
static int is_wide_cast(const qn_node *node) {
    qn_dtype from = node->inputs[0]->type.dtype;
    return is_cast(node) && qn_dtype_is_integer(from) && qn_dtype_size(from) > 1;
}

/* Marks and tells whether the node computes few numbers from integers alone: sizes, most likely. */
static int is_from_integers(storage *s, const qn_node *node) {
    int from_integers = 0;
    for (int i = 0; i < node->input_count; i++) {
        const qn_value *value = node->inputs[i];
        if (!value || qn_value_is_constant(value)) continue;
        if (is_f32(value) || is_f16(value)) {
            if (value->id >= s->id_count || !s->from_integers[value->id]) return 0;
        }
        from_integers = 1;
    }
    if (!from_integers || (is_cast(node) && !is_wide_cast(node) && !is_f32(node->inputs[0]))) return 0;
    for (int i = 0; i < node->output_count; i++)
        if (node->outputs[i]->type.rank > 1) return 0;
    for (int i = 0; i < node->output_count; i++)
        if (is_f32(node->outputs[i])) s->from_integers[node->outputs[i]->id] = 1;
    return 1;
}

/* Why a node that is asked to store halves cannot; why NOTHING: nothing speaks against it. */
static qn_outcome find_obstacle(storage *s, const qn_node *node) {
    if (is_from_integers(s, node)) return (qn_outcome){.why = QN_WHY_FROM_INTEGERS};
    if (node->input_count && is_f32(node->outputs[0]) && is_wide_cast(node))
        return (qn_outcome){.why = QN_WHY_INTEGERS_TOO_LARGE};
    for (int i = 0; i < node->input_count; i++) {
        const qn_value *value = node->inputs[i];
        if (is_f32(value) && !is_fixed(node, i) && qn_value_is_constant(value) && !fits_half(s, value))
            return (qn_outcome){.why = QN_WHY_CONSTANT_TOO_LARGE, .name = value->name};
    }
    return (qn_outcome){.why = QN_WHY_NOTHING};
}

/* ---- Nodes ---- */

static int has_floats(const qn_node *node) {
    for (int i = 0; i < node->input_count; i++)
        if (!is_fixed(node, i) && (is_f32(node->inputs[i]) || is_f16(node->inputs[i]))) return 1;
    for (int i = 0; i < node->output_count; i++)
        if (is_f32(node->outputs[i])) return 1;
    return 0;
}

static int has_halves(const qn_node *node) {
    for (int i = 0; i < node->input_count; i++)
        if (is_f16(node->inputs[i])) return 1;
    for (int i = 0; i < node->output_count; i++)
        if (is_f16(node->outputs[i])) return 1;
    return 0;
}

/* A cast from one float type to another says itself what is stored. */
static int is_float_cast(const qn_node *node) {
    return is_cast(node) && qn_dtype_is_float(node->inputs[0]->type.dtype) &&
           qn_dtype_is_float((qn_dtype)((const qn_cast_attrs *)node->attrs)->dtype);
}

static qn_status *set_dtype(storage *s, qn_node *node, qn_dtype dtype) {
    QN_TRY(set_inputs(s, node, dtype));
    int64_t *result =
        node->op->flags & QN_OP_SETS_DTYPE ? (int64_t *)(void *)((char *)node->attrs + node->op->dtype_offset) : NULL;
    if (result && (*result == QN_DTYPE_F32 || *result == QN_DTYPE_F16)) *result = dtype;
    return qn_node_infer(s->graph, node);
}

/* Operators of integers say already what they are. */
static qn_status *settle(storage *s, qn_node *node, qn_outcome outcome) {
    if (qn_node_is_quantised(node) && qn_outcome_of(s->graph, node).why) return NULL;
    outcome.dtype = has_halves(node) ? QN_DTYPE_F16 : QN_DTYPE_F32;
    return qn_outcome_set(s->graph, node, &outcome);
}

/* outcome.why NOTHING: floats that nobody has anything to say of. */
static qn_status *keep_f32(storage *s, qn_node *node, const qn_outcome *outcome) {
    QN_TRY(set_dtype(s, node, QN_DTYPE_F32));
    if (qn_node_is_quantised(node)) return NULL;
    return outcome->why ? settle(s, node, *outcome) : qn_outcome_set(s->graph, node, outcome);
}

/* Half precision; *out_done 0: the operator refuses and is as it was. */
static qn_status *try_half(storage *s, qn_node *node, int *out_done) {
    qn_value **inputs = qn_arena_copy(s->graph->arena, node->inputs, (size_t)node->input_count * sizeof *inputs);
    if (!inputs) return qn_status_out_of_memory();
    qn_status *status = set_dtype(s, node, QN_DTYPE_F16);
    *out_done = !status;
    if (!status || qn_status_code(status) == QN_OUT_OF_MEMORY) return status;
    qn_status_free(status);
    for (int i = 0; i < node->input_count; i++) QN_TRY(qn_node_set_input(s->graph, node, i, inputs[i]));
    return NULL;
}

/* Does the node ask for integers, or for those of its addend (then pass quantise found an obstacle and said so), and
   computes in floats all the same? */
static int is_unmet(const qn_graph *graph, const qn_node *node) {
    const qn_node_wish *wish = &qn_facts_of(graph, node)->wish;
    int is_asked = qn_dtype_is_integer(wish->dtype) || (wish->addend && qn_outcome_of(graph, node).why);
    return is_asked && !qn_node_is_quantised(node);
}

/* Why the node stores the floats that it does: because a wish for integers could not be met, because somebody asks for
   these floats of the node, or else because somebody asks for them of the whole graph. */
static qn_outcome find_asker(const qn_graph *graph, const qn_node *node) {
    qn_outcome outcome = {.why = QN_WHY_ASKED, .who = graph->precision_asker};
    if (is_unmet(graph, node)) {
        outcome = qn_outcome_of(graph, node);
        outcome.is_unmet = 1;
    } else if (qn_facts_of(graph, node)->wish.dtype) {
        outcome = qn_outcome_of(graph, node);
    } else if (graph->precision != QN_DTYPE_F16) {
        outcome.why = QN_WHY_NOTHING;
    }
    return outcome;
}

static qn_status *convert(storage *s, qn_node *node) {
    const qn_dtype wish = qn_facts_of(s->graph, node)->wish.dtype;
    if (!has_floats(node) || is_float_cast(node) || qn_node_is_conversion(node)) return NULL;
    qn_outcome outcome = find_asker(s->graph, node);
    if ((qn_dtype_is_float(wish) ? wish : s->graph->precision) != QN_DTYPE_F16) return keep_f32(s, node, &outcome);
    const qn_outcome obstacle = find_obstacle(s, node);
    if (obstacle.why) return keep_f32(s, node, &obstacle);
    int done;
    QN_TRY(try_half(s, node, &done));
    if (!done) outcome = (qn_outcome){.why = QN_WHY_OPERATOR_REFUSES, .name = node->op->name};
    if (!done) return keep_f32(s, node, &outcome);
    return settle(s, node, has_halves(node) ? outcome : (qn_outcome){.why = QN_WHY_NEVER_HALF});
}

/* ---- Outputs ---- */

/* An output that was f32 is so again, under its name. */
static qn_status *restore_output(qn_graph *graph, qn_value *value) {
    const char *name = value->name, *hidden = qn_arena_printf(graph->arena, "%s/f16", name);
    qn_value *out;
    if (!hidden) return qn_status_out_of_memory();
    while (qn_graph_find_value(graph, hidden)) {
        hidden = qn_arena_printf(graph->arena, "%s_", hidden);
        if (!hidden) return qn_status_out_of_memory();
    }
    QN_TRY(add_cast(graph, value, QN_DTYPE_F32, value->producer->next, &out));
    qn_graph_replace_output(graph, value, out);
    QN_TRY(qn_graph_rename_value(graph, value, hidden));
    return qn_graph_rename_value(graph, out, name);
}

static int is_asked_for(const qn_graph *graph) {
    if (graph->precision == QN_DTYPE_F16) return 1;
    for (const qn_node *node = graph->first; node; node = node->next)
        if (qn_facts_of(graph, node)->wish.dtype) return 1;
    return 0;
}

qn_status *qn_pass_store_half(qn_graph *graph) {
    if (!is_asked_for(graph)) return NULL;
    storage s = {.graph = graph, .id_count = graph->next_id};
    s.other = QN_ARENA_ARRAY(graph->arena, qn_value *, graph->next_id);
    s.from_integers = QN_ARENA_ARRAY(graph->arena, uint8_t, graph->next_id);
    uint8_t *was_f32 = QN_ARENA_ARRAY(graph->arena, uint8_t, graph->outputs.count);
    s.fits = QN_ARENA_ARRAY(graph->arena, uint8_t, graph->next_id);
    if (!s.other || !s.fits || !s.from_integers || !was_f32) return qn_status_out_of_memory();
    for (size_t i = 0; i < graph->outputs.count; i++) was_f32[i] = (uint8_t)is_f32(graph->outputs.items[i]);
    for (qn_node *node = graph->first; node; node = node->next) QN_TRY(convert(&s, node));
    for (size_t i = 0; i < graph->outputs.count; i++)
        if (was_f32[i] && is_f16(graph->outputs.items[i])) QN_TRY(restore_output(graph, graph->outputs.items[i]));
    qn_graph_remove_dead(graph);
    return qn_graph_infer(graph); /* checks once, and not those of attempts */
}
