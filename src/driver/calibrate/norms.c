#include "driver/calibrate/norms.h"

#include <float.h>
#include <math.h>

/* A batch norm as an operator, or spelled out: x * f + (offset - mean * f), f = rsqrt(variance + epsilon) * scale. */
typedef struct parts {
    const qn_value *x, *scale, *offset, *mean, *variance; /* all but x constants; scale NULL: 1 */
} parts;

/* ---- Finding them ---- */

static const qn_value *skip_identities(const qn_value *value) {
    while (value && value->producer && qn_op_is_identity(value->producer->op)) value = value->producer->inputs[0];
    return value;
}

static const qn_node *root_of(const qn_value *value) {
    value = skip_identities(value);
    return value && value->producer && value->producer->op == &qn_op_rsqrt ? value->producer : NULL;
}

static const qn_node *calculated_by(const qn_value *value, qn_arithmetic arithmetic) {
    value = skip_identities(value);
    return value && value->producer && value->producer->op->arithmetic == arithmetic ? value->producer : NULL;
}

static const qn_value *constant(const qn_value *value) {
    value = skip_identities(value);
    return value && qn_value_is_constant(value) && value->type.dtype == QN_DTYPE_F32 ? value : NULL;
}

static int match_operator(const qn_node *node, parts *out) {
    if (node->op != &qn_op_batch_norm) return 0;
    *out = (parts){.x = node->inputs[0],
                   .scale = constant(node->inputs[1]),
                   .offset = constant(node->inputs[2]),
                   .mean = constant(node->inputs[3]),
                   .variance = constant(node->inputs[4])};
    return out->scale != NULL;
}

/* rsqrt(variance + epsilon), perhaps times a scale. */
static int match_factor(const qn_value *factor, parts *out) {
    const qn_node *product = calculated_by(factor, QN_ARITHMETIC_MULTIPLY), *root = root_of(factor);
    for (int i = 0; product && !root && i < 2; i++) {
        root = root_of(product->inputs[i]);
        out->scale = constant(product->inputs[1 - i]);
    }
    const qn_node *sum = root ? calculated_by(root->inputs[0], QN_ARITHMETIC_ADD) : NULL;
    if (!sum || (product && !out->scale)) return 0;
    out->variance = constant(sum->inputs[0]);
    return out->variance != NULL;
}

/* offset - mean * f. */
static int match_shift(const qn_node *shift, parts *out, const qn_value **out_factor) {
    const qn_node *product = calculated_by(shift->inputs[1], QN_ARITHMETIC_MULTIPLY);
    out->offset = constant(shift->inputs[0]);
    for (int i = 0; product && i < 2; i++) {
        out->mean = constant(product->inputs[i]);
        *out_factor = skip_identities(product->inputs[1 - i]);
        if (out->mean && !qn_value_is_constant(*out_factor)) return out->offset != NULL;
    }
    return 0;
}

static int match_spelled_out(const qn_node *node, parts *out) {
    *out = (parts){0};
    if (node->op->arithmetic != QN_ARITHMETIC_ADD) return 0;
    for (int i = 0; i < 2; i++) {
        const qn_node *product = calculated_by(node->inputs[i], QN_ARITHMETIC_MULTIPLY),
                      *shift = calculated_by(node->inputs[1 - i], QN_ARITHMETIC_SUBTRACT);
        const qn_value *factor;
        if (!product || !shift || !match_shift(shift, out, &factor) || !match_factor(factor, out)) continue;
        const int is_second = skip_identities(product->inputs[1]) == factor;
        out->x = skip_identities(product->inputs[1 - is_second]);
        return skip_identities(product->inputs[is_second]) == factor;
    }
    return 0;
}

static int64_t count_elems(const qn_value *constant_value) {
    const qn_view view = qn_value_view(constant_value);
    return qn_view_elems(&view);
}

int qn_norm_match(const qn_node *node, qn_norm *out) {
    parts found;
    if (!match_operator(node, &found) && !match_spelled_out(node, &found)) return 0;
    if (!found.offset || !found.mean || !found.variance) return 0;
    *out = (qn_norm){.name = node->outputs[0]->name,
                     .x = found.x,
                     .channels = count_elems(found.mean),
                     .scale = found.scale ? found.scale->data : NULL,
                     .offset = found.offset->data,
                     .mean = found.mean->data,
                     .variance = found.variance->data};
    return count_elems(found.offset) == out->channels && count_elems(found.variance) == out->channels &&
           (!found.scale || count_elems(found.scale) == out->channels);
}

qn_status *qn_norms_find(const qn_graph *graph, qn_norms *out) {
    *out = (qn_norms){{0}};
    for (const qn_node *node = graph->first; node; node = node->next) {
        qn_norm found;
        if (qn_norm_match(node, &found)) QN_TRY(QN_LIST_PUSH(graph->arena, &out->list, found));
    }
    return NULL;
}

/* ---- What is to be expected ---- */

/* The means of max(z - at, 0) and of its square, z normal. */
static void expect_above(double mean, double deviation, double at, double *out_mean, double *out_square) {
    const double distance = mean - at, t = distance / deviation;
    const double share = 0.5 * erfc(-t * 0.70710678118654752), density = 0.3989422804014327 * exp(-0.5 * t * t);
    *out_mean = distance * share + deviation * density;
    *out_square = (distance * distance + deviation * deviation) * share + distance * deviation * density;
}

void qn_norm_expect(const qn_norm *norm, int64_t channel, int64_t activation, double *out_mean, double *out_square) {
    const double mean = (double)norm->offset[channel];
    const double deviation = fmax(norm->scale ? fabs((double)norm->scale[channel]) : 1, 1e-30);
    *out_mean = mean;
    *out_square = mean * mean + deviation * deviation;
    if (!activation) return;
    expect_above(mean, deviation, 0, out_mean, out_square);
    if (activation != QN_ACTIVATION_RELU6) return;
    double over, square_over; /* z^2 - 6^2 = (z - 6)^2 + 12 (z - 6) where z is above 6 */
    expect_above(mean, deviation, 6, &over, &square_over);
    *out_mean -= over;
    *out_square -= square_over + 12 * over;
}

static const float *repeat(qn_arena *arena, float number, int64_t count) {
    float *list = QN_ARENA_ARRAY(arena, float, (size_t)count);
    for (int64_t i = 0; list && i < count; i++) list[i] = number;
    return list;
}

static qn_status *complete(const qn_norm *norm, qn_arena *arena, qn_value *value, int64_t activation) {
    const qn_value_stats *known = value->stats;
    if (!known || known->channel_mean || (known->channels && known->channels != norm->channels)) return NULL;
    qn_value_stats *stats = qn_arena_copy(arena, known, sizeof *known);
    float *mean = QN_ARENA_ARRAY(arena, float, (size_t)norm->channels);
    float *square = QN_ARENA_ARRAY(arena, float, (size_t)norm->channels);
    if (!stats || !mean || !square) return qn_status_out_of_memory();
    for (int64_t c = 0; c < norm->channels; c++) {
        double expected, expected_square;
        qn_norm_expect(norm, c, activation, &expected, &expected_square);
        if (!isfinite(expected) || !(expected_square < (double)FLT_MAX)) return NULL;
        mean[c] = (float)expected;
        square[c] = fmaxf((float)expected_square, FLT_MIN);
    }
    if (!stats->channels) {
        stats->channels = norm->channels;
        stats->channel_low = repeat(arena, stats->low, norm->channels);
        stats->channel_high = repeat(arena, stats->high, norm->channels);
        if (!stats->channel_low || !stats->channel_high) return qn_status_out_of_memory();
    }
    stats->channel_mean = mean;
    stats->channel_square = square;
    stats->expects_means = 1;
    value->stats = stats;
    return NULL;
}

static int has_channels(const qn_graph *graph, const qn_value *value, int64_t channels) {
    int64_t last;
    return value->type.rank && qn_dim_is_const(graph->dims, value->type.dims[value->type.rank - 1], &last) &&
           last == channels;
}

qn_status *qn_norms_complete_stats(const qn_norms *norms, qn_graph *graph) {
    for (size_t i = 0; i < norms->list.count; i++) {
        const qn_norm *norm = &norms->list.items[i];
        qn_value *value = qn_graph_find_value(graph, norm->name);
        if (!value || !has_channels(graph, value, norm->channels)) continue;
        QN_TRY(complete(norm, graph->arena, value, QN_ACTIVATION_NONE));
        for (size_t use = 0; use < value->uses.count; use++) {
            const qn_node *user = value->uses.items[use].node;
            if (user->op->activation) QN_TRY(complete(norm, graph->arena, user->outputs[0], user->op->activation));
        }
    }
    return NULL;
}
