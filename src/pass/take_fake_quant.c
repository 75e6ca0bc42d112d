/* quantize_linear(fake_quant(x)) = quantize_linear(x) where both are on one grid: rounding twice changes nothing, and
 * the values at the ends stay there. Fake quantisation that only such conversions read, perhaps behind operators that
 * move values, goes. Where others read it too, the conversion takes its place, and they read its integers as floats:
 *
 *     q = quantize_linear(y), y = fake_quant(x)   becomes   q = quantize_linear(x), y = dequantize_linear(q)
 *
 * The same where only floats read y but an integer operator makes x: it gives q, and nothing is rounded as a float.
 *
 * Of a grid that leaves out the lowest integer, values below its range may then become that integer, one step lower.
 * Interpolation reads what is not rounded yet: its results move by less than a step. */
#include "pass/conversion.h"
#include "pass/pass.h"
#include "pass/rewrite.h"
#include "quant/grid.h"

enum { BITS = 8, VISITS_MAX = 256 };

/* A walk from a fake_quant to whoever reads it. */
typedef struct walk {
    const qn_graph *graph;
    const qn_value_encoding *grid;
    int visits; /* what branches more is not worth the time */
} walk;

static int64_t channels_of(const walk *w, const qn_value *value) {
    int64_t channels = 0;
    if (value->type.rank) qn_dim_is_const(w->graph->dims, value->type.dims[value->type.rank - 1], &channels);
    return channels;
}

/* Is it the conversion to bytes on this grid? Its channels from `first` on are ours, `channels` of them; 0: who knows
   which. */
static int is_conversion(const walk *w, const qn_node *node, int64_t channels, int64_t first) {
    if (!qn_node_is_conversion(node) || ((const qn_quantize_linear_attrs *)node->attrs)->dtype != QN_DTYPE_U8) return 0;
    const qn_value_encoding *encoding = node->outputs[0]->encoding;
    if (!encoding || (!channels && encoding->channels != 1)) return 0;
    return qn_grid_matches(w->grid, channels ? channels : 1, encoding, first);
}

static int only_conversions_read(walk *w, const qn_value *value, int64_t channels, int64_t first);

static int64_t concat_offset(const walk *w, const qn_node *concat, int input) {
    int64_t offset = 0;
    if (qn_op_axis(concat->op, concat->attrs) != concat->outputs[0]->type.rank - 1) return 0;
    for (int i = 0; i < input; i++) offset += channels_of(w, concat->inputs[i]);
    return offset;
}

static int takes(walk *w, const qn_use *use, int64_t channels, int64_t first) {
    const qn_node *node = use->node;
    if (qn_op_joins(node->op))
        return only_conversions_read(w, node->outputs[0], channels, first + concat_offset(w, node, use->index));
    if (use->index) return 0;
    if (qn_op_keeps_channels(node->op)) return only_conversions_read(w, node->outputs[0], channels, first);
    if (qn_grid_moves(node)) return w->grid->channels == 1 && only_conversions_read(w, node->outputs[0], 0, 0);
    return is_conversion(w, node, channels, first);
}

static int only_conversions_read(walk *w, const qn_value *value, int64_t channels, int64_t first) {
    if (value->is_output || !value->uses.count || ++w->visits > VISITS_MAX) return 0;
    for (size_t i = 0; i < value->uses.count; i++)
        if (!takes(w, &value->uses.items[i], channels, first)) return 0;
    return 1;
}

/* The conversion of all of `value`; NULL if there is none. */
static qn_node *find_conversion(const walk *w, const qn_value *value) {
    for (size_t i = 0; i < value->uses.count; i++)
        if (is_conversion(w, value->uses.items[i].node, channels_of(w, value), 0)) return value->uses.items[i].node;
    return NULL;
}

/* Does an integer operator make it that gives floats, and for nobody else? */
static int makes_integers(const qn_value *value) {
    return qn_match_quantised(value) && qn_dtype_is_float(value->type.dtype);
}

/* The conversion of what `node` rounds. */
static qn_status *add_conversion(qn_graph *graph, const qn_value_encoding *grid, qn_node *node, qn_node **out) {
    const char *name = qn_arena_printf(graph->arena, "%s/u8", node->outputs[0]->name);
    if (!name) return qn_status_out_of_memory();
    QN_TRY(qn_add_conversion(graph, node->inputs[0], name, QN_DTYPE_U8, grid, node, out));
    (*out)->source = node->source;
    return NULL;
}

/* `node` becomes the floats of what `conversion` now makes of its input. */
static qn_status *read_integers(qn_graph *graph, qn_node *node, qn_node *conversion, const qn_value_encoding *grid) {
    const qn_dequantize_linear_attrs attrs = {.dtype = QN_DTYPE_F32};
    qn_value *inputs[3] = {conversion->outputs[0]};
    QN_TRY(qn_add_vector(graph, node->name, "scale", QN_DTYPE_F32, grid->channels, grid->scale, &inputs[1]));
    QN_TRY(qn_add_vector(graph, node->name, "zero_point", QN_DTYPE_S32, grid->channels, grid->zero_point, &inputs[2]));
    QN_TRY(qn_node_set_input(graph, conversion, 0, node->inputs[0]));
    qn_graph_move_before(graph, conversion, node);
    return qn_node_become(graph, node, &qn_op_dequantize_linear, &attrs, 3, inputs);
}

static qn_status *take(qn_graph *graph, qn_node *node) {
    const qn_fake_quant_attrs *attrs = node->attrs;
    const qn_value_stats *stats;
    if (attrs->bits != BITS) return NULL;
    QN_TRY(qn_grid_of_node(graph, node, &stats));
    if (!stats) return NULL;
    walk w = {.graph = graph, .grid = stats->grid};
    const int64_t channels = channels_of(&w, node->outputs[0]);
    if (channels < 1) return NULL;
    if (only_conversions_read(&w, node->outputs[0], channels, 0)) return qn_bypass(graph, node);
    if (attrs->narrow_range) return NULL;
    qn_node *conversion = find_conversion(&w, node->outputs[0]);
    if (!conversion && makes_integers(node->inputs[0]) && !qn_dtype_is_float(qn_facts_of(graph, node)->wish.dtype))
        QN_TRY(add_conversion(graph, stats->grid, node, &conversion));
    return conversion ? read_integers(graph, node, conversion, stats->grid) : NULL;
}

qn_status *qn_pass_take_fake_quant(qn_graph *graph) {
    for (qn_node *node = graph->first, *next; node; node = next) {
        next = node->next;
        if (node->op == &qn_op_fake_quant) QN_TRY(take(graph, node));
    }
    return NULL;
}
