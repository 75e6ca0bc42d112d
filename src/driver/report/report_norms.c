/* The beginning of a network and the values that batch norms make (driver/calibrate/norms.h), held against what training had: the
 * second against what calibration saw of the values that layers read, the first against what the first layer makes of the
 * samples. */
#include "driver/calibrate/norms.h"
#include "driver/report/report.h"

#include <math.h>
#include <string.h>

/* ---- The beginning of the network ---- */

typedef struct walk {
    int convolutions, visits; /* at most VISITS_MAX: what branches more is no beginning of a network */
} walk;

enum { VISITS_MAX = 256 };

/* Does `value` depend on inputs through one convolution only, whatever surrounds it? */
static int has_one_convolution(const qn_value *value, walk *w) {
    const qn_node *node = value->producer;
    if (!node) return 1;
    const int is_convolution = qn_op_is_convolution(node->op);
    w->convolutions += is_convolution;
    if (++w->visits > VISITS_MAX || w->convolutions > 1 || (qn_op_is_layer(node->op) && !is_convolution)) return 0;
    for (int i = 0; i < node->input_count; i++)
        if (node->inputs[i] && !has_one_convolution(node->inputs[i], w)) return 0;
    return 1;
}

/* A copy that ends with `value`. */
static qn_status *cut_off(qn_report *report, const qn_graph *graph, const qn_value *value, qn_graph **out) {
    QN_TRY(qn_graph_copy(graph, report->arena, out));
    while ((*out)->outputs.count) qn_graph_unmark_output(*out, (*out)->outputs.items[(*out)->outputs.count - 1]);
    QN_TRY(qn_graph_mark_output(*out, qn_graph_find_value(*out, value->name)));
    qn_graph_remove_dead(*out);
    return qn_graph_infer(*out);
}

static qn_status *make_moments(qn_arena *arena, int64_t channels, qn_report_moments *out) {
    out->sums = QN_ARENA_ARRAY(arena, double, (size_t)channels);
    out->squares = QN_ARENA_ARRAY(arena, double, (size_t)channels);
    return out->sums && out->squares ? NULL : qn_status_out_of_memory();
}

/* The convolution that makes `value`, perhaps under another name; NULL: none. */
static const qn_node *convolution_of(const qn_value *value) {
    while (value->producer && qn_op_is_identity(value->producer->op)) value = value->producer->inputs[0];
    return value->producer && qn_op_is_convolution(value->producer->op) ? value->producer : NULL;
}

static qn_status *take_first(qn_report *report, const qn_graph *graph, const qn_norm *norm) {
    qn_report_first_layer *first = &report->first;
    const qn_node *layer = convolution_of(norm->x);
    walk w = {0};
    if (first->graph || !layer || !has_one_convolution(layer->outputs[0], &w)) return NULL;
    first->channels = norm->channels;
    for (int turned = 0; turned < 2; turned++) {
        QN_TRY(make_moments(report->arena, first->channels, &first->all[turned]));
        QN_TRY(make_moments(report->arena, first->channels, &first->last[turned]));
    }
    first->norm = norm->name;
    first->mean = norm->mean;
    first->variance = norm->variance;
    return cut_off(report, graph, layer->outputs[0], &first->graph);
}

qn_status *qn_report_find_norms(qn_report *report, const qn_graph *graph) {
    qn_norms norms;
    QN_TRY(qn_norms_find(graph, &norms));
    for (size_t i = 0; i < norms.list.count; i++) {
        const qn_norm *found = &norms.list.items[i];
        QN_TRY(QN_LIST_PUSH(report->arena, &report->norms, ((qn_report_norm){.norm = *found, .deviation = -1})));
        QN_TRY(take_first(report, graph, found));
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

/* The ranges of what the norm makes, perhaps after an activation. */
static const qn_value_stats *find_stats(const qn_graph *graph, const qn_report_norm *norm, int64_t *out_activation) {
    const qn_value *value = qn_graph_find_value(graph, norm->norm.name);
    *out_activation = QN_ACTIVATION_NONE;
    if (!value) return NULL;
    if (value->stats) return value->stats;
    if (value->uses.count != 1) return NULL;
    const qn_node *user = value->uses.items[0].node;
    if (!user->op->activation) return NULL;
    *out_activation = user->op->activation;
    return user->outputs[0]->stats;
}

static double judge(const qn_norm *norm, const qn_value_stats *stats, int64_t activation) {
    double sum = 0;
    int64_t counted = 0;
    for (int64_t c = 0; c < norm->channels; c++) {
        const double deviation = norm->scale ? fabs((double)norm->scale[c]) : 1;
        double mean, square;
        if (!(deviation > 1e-3)) continue; /* switched off in training */
        qn_norm_expect(norm, c, activation, &mean, &square);
        const double shift = ((double)stats->channel_mean[c] - mean) / deviation;
        sum += shift * shift;
        counted++;
    }
    return counted ? sqrt(sum / (double)counted) : -1;
}

void qn_report_judge_norms(qn_report *report, const qn_graph *graph) {
    for (size_t i = 0; i < report->norms.count; i++) {
        qn_report_norm *norm = &report->norms.items[i];
        int64_t activation;
        const qn_value_stats *stats = find_stats(graph, norm, &activation);
        if (!stats || !stats->channel_mean || stats->expects_means || stats->channels != norm->norm.channels) continue;
        norm->deviation = judge(&norm->norm, stats, activation);
    }
}
