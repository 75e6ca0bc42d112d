/* A batch norm remembers its training data twice: what it makes has, per channel, the mean `offset` and the deviation
 * `scale`; what it reads had the mean and variance that it stores. The first is held against what calibration saw of
 * the values that layers read, the second against what the first layer makes of the samples. */
#include "driver/report.h"

#include <math.h>
#include <string.h>

enum { X = 0, SCALE = 1, OFFSET = 2, MEAN = 3, VARIANCE = 4, INPUTS = 5 };

static int has_constants(const qn_node *node) {
    for (int i = SCALE; i < INPUTS; i++)
        if (!qn_value_is_constant(node->inputs[i]) || node->inputs[i]->type.dtype != QN_DTYPE_F32) return 0;
    return 1;
}

static int64_t channels_of(const qn_node *norm) {
    const qn_view view = qn_value_view(norm->inputs[SCALE]);
    return qn_view_elems(&view);
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

static qn_status *take_first(qn_report *report, const qn_graph *graph, const qn_node *norm) {
    qn_report_first_layer *first = &report->first;
    const qn_value *x = norm->inputs[X];
    walk w = {0};
    if (first->graph || !x->producer || x->producer->op != &qn_op_conv2d) return NULL;
    if (!has_one_convolution(x, &w)) return NULL;
    first->channels = channels_of(norm);
    for (int turned = 0; turned < 2; turned++) {
        first->sums[turned] = QN_ARENA_ARRAY(report->arena, double, (size_t)first->channels);
        first->squares[turned] = QN_ARENA_ARRAY(report->arena, double, (size_t)first->channels);
        if (!first->sums[turned] || !first->squares[turned]) return qn_status_out_of_memory();
    }
    first->norm = norm->name;
    first->mean = norm->inputs[MEAN]->data;
    first->variance = norm->inputs[VARIANCE]->data;
    return cut_off(report, graph, x, &first->graph);
}

qn_status *qn_report_find_norms(qn_report *report, const qn_graph *graph) {
    for (const qn_node *node = graph->first; node; node = node->next) {
        if (node->op != &qn_op_batch_norm || !has_constants(node)) continue;
        const qn_report_norm norm = {.name = node->name,
                                     .channels = channels_of(node),
                                     .scale = node->inputs[SCALE]->data,
                                     .offset = node->inputs[OFFSET]->data,
                                     .deviation = -1};
        QN_TRY(QN_LIST_PUSH(report->arena, &report->norms, norm));
        QN_TRY(take_first(report, graph, node));
    }
    return NULL;
}

/* The mean of the divergences of N(seen) from N(trained). */
static double divergence(const qn_report_first_layer *first, int turned, double *out_width) {
    const double rows = (double)first->rows[turned];
    double sum = 0, widths = 0;
    int64_t counted = 0;
    for (int64_t c = 0; c < first->channels && rows > 1; c++) {
        const double mean = first->sums[turned][c] / rows;
        const double variance = first->squares[turned][c] / rows - mean * mean, trained = (double)first->variance[c];
        if (!(trained > 1e-6) || !(variance > 1e-9 * trained)) continue; /* dead in training or now */
        const double ratio = variance / trained, shift = mean - (double)first->mean[c];
        sum += 0.5 * (ratio - 1 - log(ratio) + shift * shift / trained);
        widths += 0.5 * log(ratio);
        counted++;
    }
    *out_width = counted ? exp(widths / (double)counted) : NAN;
    return counted ? sum / (double)counted : NAN;
}

void qn_report_judge_first(const qn_report_first_layer *first, double out_divergence[2], double *out_width) {
    double unused;
    out_divergence[0] = out_divergence[1] = *out_width = NAN;
    if (!first->graph) return;
    out_divergence[0] = divergence(first, 0, out_width);
    out_divergence[1] = divergence(first, 1, &unused);
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
static const qn_value_stats *find_stats(const qn_graph *graph, const qn_report_norm *norm, const qn_op_def **out_activation) {
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
        const double deviation = fabs((double)norm->scale[c]), mean = (double)norm->offset[c];
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
