/* A batch norm remembers its training data twice: what it makes has, per channel, the mean `offset` and the deviation
 * `scale`; what it reads had the mean and variance that it stores. The first is held against what calibration saw of
 * the values that layers read, the second against what the first layer makes of the samples. */
#include "driver/report.h"

#include <math.h>
#include <string.h>

/* A batch norm as an operator, or spelled out: x * f + (offset - mean * f), f = rsqrt(variance + epsilon) * scale. */
typedef struct parts {
    const qn_value *x, *scale, *offset, *mean, *variance; /* all but x constants; scale NULL: 1 */
    int64_t channels;
} parts;

/* ---- Finding them ---- */

static const qn_value *skip_identities(const qn_value *value) {
    while (value && value->producer && value->producer->op == &qn_op_identity) value = value->producer->inputs[0];
    return value;
}

static const qn_node *made_by(const qn_value *value, const qn_op_def *op) {
    value = skip_identities(value);
    return value && value->producer && value->producer->op == op ? value->producer : NULL;
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
    const qn_node *product = made_by(factor, &qn_op_mul), *root = made_by(factor, &qn_op_rsqrt);
    for (int i = 0; product && !root && i < 2; i++) {
        root = made_by(product->inputs[i], &qn_op_rsqrt);
        out->scale = constant(product->inputs[1 - i]);
    }
    const qn_node *sum = root ? made_by(root->inputs[0], &qn_op_add) : NULL;
    if (!sum || (product && !out->scale)) return 0;
    out->variance = constant(sum->inputs[0]);
    return out->variance != NULL;
}

/* offset - mean * f. */
static int match_shift(const qn_node *shift, parts *out, const qn_value **out_factor) {
    const qn_node *product = made_by(shift->inputs[1], &qn_op_mul);
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
    if (node->op != &qn_op_add) return 0;
    for (int i = 0; i < 2; i++) {
        const qn_node *product = made_by(node->inputs[i], &qn_op_mul),
                      *shift = made_by(node->inputs[1 - i], &qn_op_sub);
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

static int match(const qn_node *node, parts *out) {
    if (!match_operator(node, out) && !match_spelled_out(node, out)) return 0;
    if (!out->offset || !out->mean || !out->variance) return 0;
    out->channels = count_elems(out->mean);
    return count_elems(out->offset) == out->channels && count_elems(out->variance) == out->channels &&
           (!out->scale || count_elems(out->scale) == out->channels);
}

/* ---- The beginning of the network ---- */

typedef struct walk {
    int convolutions, visits; /* at most VISITS_MAX: what branches more is no beginning of a network */
} walk;

enum { VISITS_MAX = 256 };

/* Does `value` depend on inputs through one convolution only, whatever surrounds it? */
static int has_one_convolution(const qn_value *value, walk *w) {
    const qn_node *node = value->producer;
    if (!node) return 1;
    w->convolutions += node->op == &qn_op_conv2d;
    if (++w->visits > VISITS_MAX || w->convolutions > 1 || node->op == &qn_op_matmul) return 0;
    for (int i = 0; i < node->input_count; i++)
        if (node->inputs[i] && !has_one_convolution(node->inputs[i], w)) return 0;
    return 1;
}

/* A copy that ends with `value`. */
static qn_status *cut_off(qn_report *report, const qn_graph *graph, const qn_value *value, qn_graph **out) {
    QN_TRY(qn_graph_copy(graph, report->arena, out));
    for (size_t i = 0; i < (*out)->outputs.count; i++) (*out)->outputs.items[i]->is_output = 0;
    (*out)->outputs.count = 0;
    QN_TRY(qn_graph_mark_output(*out, qn_graph_find_value(*out, value->name)));
    qn_graph_remove_dead(*out);
    return qn_graph_infer(*out);
}

static qn_status *make_moments(qn_arena *arena, int64_t channels, qn_report_moments *out) {
    out->sums = QN_ARENA_ARRAY(arena, double, (size_t)channels);
    out->squares = QN_ARENA_ARRAY(arena, double, (size_t)channels);
    return out->sums && out->squares ? NULL : qn_status_out_of_memory();
}

static qn_status *take_first(qn_report *report, const qn_graph *graph, const char *name, const parts *norm) {
    qn_report_first_layer *first = &report->first;
    const qn_node *layer = made_by(norm->x, &qn_op_conv2d);
    walk w = {0};
    if (first->graph || !layer || !has_one_convolution(layer->outputs[0], &w)) return NULL;
    first->channels = norm->channels;
    for (int turned = 0; turned < 2; turned++) {
        QN_TRY(make_moments(report->arena, first->channels, &first->all[turned]));
        QN_TRY(make_moments(report->arena, first->channels, &first->last[turned]));
    }
    first->norm = name;
    first->mean = norm->mean->data;
    first->variance = norm->variance->data;
    return cut_off(report, graph, layer->outputs[0], &first->graph);
}

qn_status *qn_report_find_norms(qn_report *report, const qn_graph *graph) {
    for (const qn_node *node = graph->first; node; node = node->next) {
        parts found;
        if (!match(node, &found)) continue;
        const qn_report_norm norm = {.name = node->outputs[0]->name,
                                     .channels = found.channels,
                                     .scale = found.scale ? found.scale->data : NULL,
                                     .offset = found.offset->data,
                                     .deviation = -1};
        QN_TRY(QN_LIST_PUSH(report->arena, &report->norms, norm));
        QN_TRY(take_first(report, graph, norm.name, &found));
    }
    return NULL;
}

/* The mean of the divergences of N(seen) from N(trained); *out_width: the geometric mean of how much wider it is. */
static double diverge(const qn_report_first_layer *first, const qn_report_moments *moments, double *out_width) {
    const double rows = (double)moments->rows;
    double sum = 0, widths = 0;
    int64_t counted = 0;
    for (int64_t c = 0; c < first->channels && rows > 1; c++) {
        const double mean = moments->sums[c] / rows;
        const double variance = moments->squares[c] / rows - mean * mean, trained = (double)first->variance[c];
        if (!(trained > 1e-6) || !(variance > 1e-9 * trained)) continue; /* dead in training or now */
        const double ratio = variance / trained, shift = mean - (double)first->mean[c];
        sum += 0.5 * (ratio - 1 - log(ratio) + shift * shift / trained);
        widths += 0.5 * log(ratio);
        counted++;
    }
    *out_width = counted ? exp(widths / (double)counted) : NAN;
    return counted ? sum / (double)counted : NAN;
}

void qn_report_add_first(qn_report_first_layer *first) {
    double width;
    const double as_is = diverge(first, &first->last[0], &width), turned = diverge(first, &first->last[1], &width);
    first->samples += !isnan(as_is) && !isnan(turned);
    first->better_turned += turned < as_is;
    for (int i = 0; i < 2; i++) {
        qn_report_moments *last = &first->last[i], *all = &first->all[i];
        for (int64_t c = 0; c < first->channels; c++) {
            all->sums[c] += last->sums[c];
            all->squares[c] += last->squares[c];
            last->sums[c] = last->squares[c] = 0;
        }
        all->rows += last->rows;
        last->rows = 0;
    }
}

void qn_report_judge_first(const qn_report_first_layer *first, double out_divergence[2], double *out_width) {
    double unused;
    out_divergence[0] = out_divergence[1] = *out_width = NAN;
    if (!first->graph) return;
    out_divergence[0] = diverge(first, &first->all[0], out_width);
    out_divergence[1] = diverge(first, &first->all[1], &unused);
}

/* ---- Values that calibration saw ---- */

/* The mean of max(z - at, 0), z normal. */
static double mean_above(double mean, double deviation, double at) {
    const double t = (mean - at) / deviation;
    return (mean - at) * 0.5 * erfc(-t * 0.70710678118654752) + deviation * 0.3989422804014327 * exp(-0.5 * t * t);
}

/* The mean of what an activation makes of a normal distribution. */
static double expected_mean(const qn_op_def *activation, double mean, double deviation) {
    if (!activation) return mean;
    const double above = mean_above(mean, deviation, 0);
    return activation == &qn_op_relu6 ? above - mean_above(mean, deviation, 6) : above;
}

/* The ranges of what the norm makes, perhaps after an activation. */
static const qn_value_stats *find_stats(const qn_graph *graph, const qn_report_norm *norm,
                                        const qn_op_def **out_activation) {
    const qn_value *value = qn_graph_find_value(graph, norm->name);
    *out_activation = NULL;
    if (!value) return NULL;
    if (value->stats) return value->stats;
    if (value->uses.count != 1) return NULL;
    const qn_node *user = value->uses.items[0].node;
    if (user->op != &qn_op_relu && user->op != &qn_op_relu6) return NULL;
    *out_activation = user->op;
    return user->outputs[0]->stats;
}

static double judge(const qn_report_norm *norm, const qn_value_stats *stats, const qn_op_def *activation) {
    double sum = 0;
    int64_t counted = 0;
    for (int64_t c = 0; c < norm->channels; c++) {
        const double deviation = norm->scale ? fabs((double)norm->scale[c]) : 1, mean = (double)norm->offset[c];
        if (!(deviation > 1e-3)) continue; /* switched off in training */
        const double shift = ((double)stats->channel_mean[c] - expected_mean(activation, mean, deviation)) / deviation;
        sum += shift * shift;
        counted++;
    }
    return counted ? sqrt(sum / (double)counted) : -1;
}

void qn_report_judge_norms(qn_report *report, const qn_graph *graph) {
    for (size_t i = 0; i < report->norms.count; i++) {
        qn_report_norm *norm = &report->norms.items[i];
        const qn_op_def *activation;
        const qn_value_stats *stats = find_stats(graph, norm, &activation);
        if (!stats || !stats->channel_mean || stats->channels != norm->channels) continue;
        norm->deviation = judge(norm, stats, activation);
    }
}
