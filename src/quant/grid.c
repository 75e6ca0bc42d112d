#include "quant/grid.h"

#include "op/grid.h"

#include <math.h>

enum { CHANNELS_MAX = 1 << 16 };

/* A grid in the making. */
typedef struct maker {
    int64_t channels;
    float *scale, *low, *high;
    int32_t *zero_point;
} maker;

static qn_status *begin(qn_arena *arena, int64_t channels, maker *out) {
    *out = (maker){.channels = channels,
                   .scale = QN_ARENA_ARRAY(arena, float, (size_t)channels),
                   .low = QN_ARENA_ARRAY(arena, float, (size_t)channels),
                   .high = QN_ARENA_ARRAY(arena, float, (size_t)channels),
                   .zero_point = QN_ARENA_ARRAY(arena, int32_t, (size_t)channels)};
    return out->scale && out->low && out->high && out->zero_point ? NULL : qn_status_out_of_memory();
}

static qn_status *finish(qn_arena *arena, const maker *m, const char *of, const qn_value_stats **out) {
    qn_value_encoding *grid = QN_ARENA_NEW(arena, qn_value_encoding);
    qn_value_stats *stats = QN_ARENA_NEW(arena, qn_value_stats);
    if (!grid || !stats) return qn_status_out_of_memory();
    *grid = (qn_value_encoding){of, m->channels, m->scale, m->zero_point};
    *stats = (qn_value_stats){.low = m->low[0], .high = m->high[0], .grid = grid};
    for (int64_t c = 1; c < m->channels; c++) {
        stats->low = fminf(stats->low, m->low[c]);
        stats->high = fmaxf(stats->high, m->high[c]);
    }
    if (m->channels > 1) {
        stats->channels = m->channels;
        stats->channel_low = m->low;
        stats->channel_high = m->high;
    }
    *out = stats;
    return NULL;
}

/* ---- Of a node ---- */

/* Channels of the grid that a node's card tells of: 1, or those of the last axis; 0 where it has none that can be told. */
static int64_t count_channels(const qn_node *node) {
    const qn_grid_card *card = node->op->grid;
    if (!card || !card->is_plain(node->attrs, node->outputs[0]->type.rank)) return 0;
    if (!qn_value_is_constant(node->inputs[card->low]) || !qn_value_is_constant(node->inputs[card->high])) return 0;
    const qn_view low = qn_value_view(node->inputs[card->low]), high = qn_value_view(node->inputs[card->high]);
    const int64_t channels = qn_view_elems(&low);
    return channels == qn_view_elems(&high) && channels <= CHANNELS_MAX ? channels : 0;
}

qn_status *qn_grid_of_node(const qn_graph *graph, const qn_node *node, const qn_value_stats **out) {
    const int64_t channels = count_channels(node);
    maker m;
    *out = NULL;
    if (!channels) return NULL;
    const qn_grid_card *card = node->op->grid;
    const qn_view lows = qn_value_view(node->inputs[card->low]), highs = qn_value_view(node->inputs[card->high]);
    QN_TRY(begin(graph->arena, channels, &m));
    for (int64_t c = 0; c < channels; c++) {
        const float low = (float)qn_view_get(&lows, c), high = (float)qn_view_get(&highs, c);
        qn_grid grid = {.scale = 1, .high = 1};
        const int is_zero = low == 0 && high == 0 && channels > 1; /* a channel of zeros is on every grid */
        if (!is_zero && !card->find(node->attrs, node->inputs[0]->type.dtype, low, high, &grid)) return NULL;
        if (is_zero && !qn_value_is_constant(node->inputs[0])) return NULL;
        m.scale[c] = grid.scale;
        m.zero_point[c] = grid.zero_point;
        m.low[c] = grid.low;
        m.high[c] = grid.high;
    }
    return finish(graph->arena, &m, node->outputs[0]->name, out);
}

/* ---- Activations ---- */

int qn_grid_moves(const qn_node *node) {
    if (qn_op_moves(node->op)) return qn_op_data_inputs(node->op, node->input_count) == 1;
    const int filler = qn_op_filler(node->op, node->attrs), fills = filler && filler < node->input_count;
    return node->op->extents == QN_EXTENTS_PADDED && !(fills && node->inputs[filler]); /* zeros are on every grid */
}

/* Resizes average too, but keep what lies between. */
static int averages(const qn_node *node) {
    return node->op->values == QN_VALUES_AVERAGED && !(node->op->flags & QN_OP_FITS);
}

static int64_t channels_of(const qn_graph *graph, const qn_value *value) {
    int64_t channels = 0;
    if (value->type.rank) qn_dim_is_const(graph->dims, value->type.dims[value->type.rank - 1], &channels);
    return channels;
}

/* Do all channels have the one grid `grid`? */
static int is_uniform(const qn_value_encoding *grid) { return grid && grid->channels == 1; }

/* Parts side by side, each with a grid of its own. */
static qn_status *join(const qn_graph *graph, const qn_node *concat, const qn_value_stats **out) {
    const int is_last = qn_op_axis(concat->op, concat->attrs) == concat->outputs[0]->type.rank - 1;
    const qn_value_encoding *first = concat->inputs[0]->stats ? concat->inputs[0]->stats->grid : NULL;
    int64_t channels = 0;
    int are_same = 1;
    maker m;
    for (int i = 0; i < concat->input_count; i++) {
        const qn_value_stats *stats = concat->inputs[i]->stats;
        if (!stats || !stats->grid || channels_of(graph, concat->inputs[i]) < 1) return NULL;
        channels += channels_of(graph, concat->inputs[i]);
        are_same &= is_uniform(first) && is_uniform(stats->grid) && qn_grid_matches(first, 1, stats->grid, 0);
    }
    if (are_same) return *out = concat->inputs[0]->stats, NULL;
    if (!is_last || channels > CHANNELS_MAX) return NULL;
    QN_TRY(begin(graph->arena, channels, &m));
    for (int64_t i = 0, c = 0; i < concat->input_count; i++) {
        const qn_value_stats *stats = concat->inputs[i]->stats;
        for (int64_t from = 0; from < channels_of(graph, concat->inputs[i]); from++, c++) {
            const int64_t at = is_uniform(stats->grid) ? 0 : from;
            m.scale[c] = stats->grid->scale[at];
            m.zero_point[c] = stats->grid->zero_point[at];
            m.low[c] = stats->channels ? stats->channel_low[at] : stats->low;
            m.high[c] = stats->channels ? stats->channel_high[at] : stats->high;
        }
    }
    return finish(graph->arena, &m, concat->outputs[0]->name, out);
}

static qn_status *mark_average(const qn_graph *graph, const qn_value_stats *stats, qn_value *out) {
    qn_value_stats *range = QN_ARENA_NEW(graph->arena, qn_value_stats);
    if (!range) return qn_status_out_of_memory();
    *range = (qn_value_stats){.low = stats->low, .high = stats->high};
    out->stats = range;
    return NULL;
}

static qn_status *mark(const qn_graph *graph, const qn_node *node) {
    qn_value *out = node->outputs[0];
    if (out->stats || out->type.dtype != QN_DTYPE_F32) return NULL;
    if (qn_op_rounds_to_grid(node->op)) return qn_grid_of_node(graph, node, &out->stats);
    const qn_value_stats *stats = node->input_count && node->inputs[0] ? node->inputs[0]->stats : NULL;
    if (!stats || !stats->grid) return NULL;
    if (qn_op_joins(node->op)) return join(graph, node, &out->stats);
    if (qn_op_keeps_channels(node->op) || (qn_grid_moves(node) && is_uniform(stats->grid)))
        return out->stats = stats, NULL;
    return averages(node) ? mark_average(graph, stats, out) : NULL;
}

qn_status *qn_grids_mark(qn_graph *graph) {
    for (const qn_node *node = graph->first; node; node = node->next)
        if (node->output_count == 1) QN_TRY(mark(graph, node));
    return NULL;
}

int qn_grid_matches(const qn_value_encoding *grid, int64_t channels, const qn_value_encoding *encoding, int64_t first) {
    for (int64_t c = 0; c < channels; c++) {
        const int64_t at = grid->channels == 1 ? 0 : c, other = encoding->channels == 1 ? 0 : first + c;
        if (at >= grid->channels || other >= encoding->channels) return 0;
        if (grid->scale[at] != encoding->scale[other] || grid->zero_point[at] != encoding->zero_point[other]) return 0;
    }
    return 1;
}

/* ---- Weights ---- */

qn_status *qn_grid_scale(qn_arena *arena, const qn_value_stats *stats, const float *factors, int64_t channels,
                         const qn_value_stats **out) {
    maker m;
    *out = NULL;
    if (!stats || !stats->grid || (stats->grid->channels != 1 && stats->grid->channels != channels)) return NULL;
    if (channels > CHANNELS_MAX) return NULL;
    QN_TRY(begin(arena, channels, &m));
    for (int64_t c = 0; c < channels; c++) {
        const int64_t from = stats->grid->channels == 1 ? 0 : c;
        const float low = stats->channels ? stats->channel_low[from] : stats->low,
                    high = stats->channels ? stats->channel_high[from] : stats->high;
        m.scale[c] = stats->grid->scale[from] * fabsf(factors[c]);
        if (!isnormal(m.scale[c])) return NULL;
        m.zero_point[c] = stats->grid->zero_point[from];
        m.low[c] = fminf(low * factors[c], high * factors[c]);
        m.high[c] = fmaxf(low * factors[c], high * factors[c]);
        if (factors[c] < 0) m.zero_point[c] = 255 - m.zero_point[c];
    }
    return finish(arena, &m, stats->grid->of, out);
}

qn_status *qn_grid_steps(qn_arena *arena, const qn_value_stats *stats, int64_t outputs, int is_turned,
                         const float **out) {
    *out = NULL;
    if (!stats || !stats->grid) return NULL;
    const qn_value_encoding *grid = stats->grid;
    if (grid->channels != 1 && (is_turned || grid->channels != outputs)) return NULL;
    float *steps = QN_ARENA_ARRAY(arena, float, (size_t)outputs);
    if (!steps) return qn_status_out_of_memory();
    for (int64_t o = 0; o < outputs; o++) steps[o] = grid->scale[grid->channels == 1 ? 0 : o];
    *out = steps;
    return NULL;
}
