#include "driver/report/report.h"

#include "driver/calibrate/calibrator.h"
#include "driver/contract/sensitivity.h"
#include "op/layer.h"
#include "pass/addition.h"
#include "pass/conversion.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

qn_status *qn_report_begin(qn_report *report, const qn_graph *graph, const qn_config *config,
                           const qn_build_options *options, const qn_progress *progress) {
    *report = (qn_report){
        .config = config, .progress = progress, .arena = graph->arena, .mode = qn_who_text(graph->integer.who)};
    if (options->report && graph->integer.dtype) report->options = options;
    report->model = qn_compile_cost_model(config);
    return report->options ? qn_report_find_norms(report, graph) : NULL;
}

/* ---- After SIMPLIFY: the float network ---- */

static double constant_bytes(const qn_graph *graph) {
    double bytes = 0;
    for (size_t i = 0; i < graph->values.count; i++) {
        const qn_value *value = graph->values.items[i];
        if (qn_value_is_constant(value) && value->uses.count) bytes += (double)value->data_bytes;
    }
    return bytes;
}

static qn_status *take_floats(qn_report *report, const qn_graph *graph) {
    QN_TRY(qn_graph_copy(graph, report->arena, &report->floats));
    report->float_bytes = constant_bytes(graph);
    for (size_t i = 0; i < graph->values.count; i++) {
        if (!qn_calibrator_watches(graph, graph->values.items[i])) continue;
        report->wanted++;
        report->ranged += graph->values.items[i]->stats != NULL;
    }
    qn_report_judge_norms(report, graph);
    return NULL;
}

/* ---- After FUSE: the layers, with their weights still floats ---- */

static qn_status *add_value(qn_report *report, const qn_value *value, size_t *out_index) {
    for (*out_index = 0; *out_index < report->values.count; ++*out_index)
        if (!strcmp(report->values.items[*out_index].name, value->name)) return NULL;
    qn_report_value added = {.name = value->name, .stats = value->stats};
    return QN_LIST_PUSH(report->arena, &report->values, added);
}

/* Which output a weight belongs to. */
static int64_t output_of(const qn_view *weights, int is_turned, int64_t element) {
    int64_t last = weights->dims[weights->rank - 1];
    return is_turned ? element / last % weights->dims[weights->rank - 2] : element % last;
}

static qn_status *measure_weights(qn_report *report, const qn_node *node, qn_report_layer *layer) {
    if (!qn_op_is_layer(node->op) || !qn_value_is_constant(node->inputs[1]) ||
        node->inputs[1]->type.dtype != QN_DTYPE_F32)
        return NULL;
    qn_view view = qn_value_view(node->inputs[1]);
    int64_t elems = qn_view_elems(&view);
    if (view.rank < 2 || !elems) return NULL;
    int is_turned = qn_layer_describe(node->op, node->attrs, view.rank, view.dims).is_turned;
    layer->has_weights = 1;
    layer->outputs = view.dims[view.rank - (is_turned ? 2 : 1)];
    float *magnitude = QN_ARENA_ARRAY(report->arena, float, (size_t)layer->outputs), least = INFINITY, most = 0;
    if (!magnitude) return qn_status_out_of_memory();
    for (int64_t i = 0; i < elems; i++) {
        float weight = ((const float *)view.data)[i], *of = &magnitude[output_of(&view, is_turned, i)];
        *of = fmaxf(*of, fabsf(weight));
        layer->weight_low = fminf(layer->weight_low, weight);
        layer->weight_high = fmaxf(layer->weight_high, weight);
    }
    for (int64_t o = 0; o < layer->outputs; o++) {
        layer->dead_outputs += magnitude[o] == 0;
        if (magnitude[o] > 0) least = fminf(least, magnitude[o]);
        most = fmaxf(most, magnitude[o]);
    }
    layer->weight_spread = most > 0 ? (double)most / (double)least : 0;
    return NULL;
}

static const char *find_rounded(const qn_value *value) {
    const qn_use *use = value->uses.count == 1 ? &value->uses.items[0] : NULL;
    return use && qn_op_rounds_to_grid(use->node->op) && !use->index ? use->node->outputs[0]->name : NULL;
}

static qn_status *take_layer(qn_report *report, const qn_graph *graph, const qn_node *node) {
    const qn_node *activation = node->op->arithmetic == QN_ARITHMETIC_ADD ? qn_addition_activation(graph, node) : NULL;
    qn_value *output = activation ? activation->outputs[0] : node->outputs[0];
    qn_report_layer layer = {
        .name = node->name, .op = node->op->name, .fused_output = output, .rounded = find_rounded(output)};
    qn_dtype kept = graph->precision == QN_DTYPE_F16 ? QN_DTYPE_F16 : QN_DTYPE_F32;
    layer.macs = qn_cost_macs(graph, node);
    layer.float_cycles = qn_cost_layer(report->model, graph, node, kept, kept, 0);
    layer.byte_cycles = qn_cost_layer(report->model, graph, node, QN_DTYPE_U8, QN_DTYPE_S8, 0);
    layer.word_byte_cycles = qn_cost_layer(report->model, graph, node, QN_DTYPE_S16, QN_DTYPE_S8, 0);
    layer.word_cycles = qn_cost_layer(report->model, graph, node, QN_DTYPE_S16, QN_DTYPE_S16, 0);
    QN_TRY(measure_weights(report, node, &layer));
    QN_TRY(add_value(report, node->inputs[0], &layer.input));
    QN_TRY(add_value(report, output, &layer.output));
    return QN_LIST_PUSH(report->arena, &report->layers, layer);
}

static int is_integer_addition(const qn_graph *graph, const qn_node *node) {
    return qn_addition_is(node) && qn_addition_wanted(graph, node) != QN_DTYPE_NONE;
}

static qn_status *take_layers(qn_report *report, const qn_graph *graph) {
    for (const qn_node *node = graph->first; node; node = node->next)
        if (qn_op_is_layer(node->op) || is_integer_addition(graph, node)) QN_TRY(take_layer(report, graph, node));
    return NULL;
}

/* ---- After QUANTISE: why layers stayed float ---- */

static int is_layer(const qn_node *node) {
    return qn_node_is_quantised(node) || qn_op_is_layer(node->op) || node->op->arithmetic == QN_ARITHMETIC_ADD;
}

static void take_obstacles(qn_report *report, const qn_graph *graph) {
    for (size_t i = 0; i < report->layers.count; i++) {
        qn_report_layer *layer = &report->layers.items[i];
        const qn_node *node = layer->fused_output->producer;
        if (node && !qn_node_is_quantised(node)) layer->outcome = qn_outcome_of(graph, node);
    }
}

/* ---- After CONVERT: what became of them ---- */

/* The value of the finished graph that stands for the float `name`: the one a layer makes before one that is converted.
 */
static const qn_value *find_final(const qn_graph *graph, const char *name, int of_layer) {
    const qn_value *value = qn_graph_find_value(graph, name);
    while (value && value->producer && qn_op_casts(value->producer->op) && value->producer->inputs[0]->producer &&
           is_layer(value->producer->inputs[0]->producer))
        value = value->producer->inputs[0];
    if (value && value->producer && (!of_layer || is_layer(value->producer))) return value;
    const qn_value *integers = NULL;
    for (size_t i = 0; i < graph->values.count; i++) {
        const qn_value *other = graph->values.items[i];
        if (!other->producer || !other->encoding || strcmp(other->encoding->of, name)) continue;
        if (!of_layer || is_layer(other->producer)) integers = other;
    }
    return integers ? integers : of_layer ? NULL : value;
}

static const qn_value *find_final_output(const qn_report *report, const qn_graph *graph, const qn_report_layer *layer) {
    const qn_value *final = find_final(graph, report->values.items[layer->output].name, 1);
    return final || !layer->rounded ? final : find_final(graph, layer->rounded, 1);
}

static void settle_value(qn_report *report, size_t index, const qn_value *final) {
    qn_report_value *value = &report->values.items[index];
    if (!final || value->final_name) return;
    value->final_name = final->name;
    value->dtype = final->type.dtype;
    value->encoding = qn_dtype_is_integer(final->type.dtype) ? final->encoding : NULL;
    if (qn_dtype_is_integer(final->type.dtype) && !final->encoding)
        value->final_name = NULL; /* nobody knows its scale */
}

static void settle_layer(qn_report *report, const qn_graph *graph, qn_report_layer *layer) {
    const qn_value *final = find_final_output(report, graph, layer);
    const qn_node *node = final ? final->producer : NULL;
    settle_value(report, layer->output, final);
    if (!node) return;
    layer->precision = node->inputs[0]->type.dtype;
    if (qn_node_is_quantised(node) || !layer->outcome.why) layer->outcome = qn_outcome_of(graph, node);
    int has_byte_weights = node->input_count > 1 && node->inputs[1]->type.dtype == QN_DTYPE_S8;
    layer->cycles = layer->precision == QN_DTYPE_U8    ? layer->byte_cycles
                    : layer->precision != QN_DTYPE_S16 ? layer->float_cycles
                    : has_byte_weights                 ? layer->word_byte_cycles
                                                       : layer->word_cycles;
}

static void settle_layers(qn_report *report, const qn_graph *graph) {
    for (size_t i = 0; i < report->layers.count; i++) settle_layer(report, graph, &report->layers.items[i]);
    for (size_t i = 0; i < report->layers.count; i++) { /* what no layer makes */
        const qn_report_layer *layer = &report->layers.items[i];
        const qn_value *final = find_final_output(report, graph, layer);
        settle_value(report, layer->input, final ? final->producer->inputs[0] : NULL);
    }
    report->final_bytes = constant_bytes(graph);
}

/* Outputs that were 0 in every sample of the calibration, or constant in those of the report where that says nothing.
 */
static int64_t count_silent(const qn_report_value *value) {
    const qn_value_stats *stats = value->stats;
    const qn_observer *seen = value->observer;
    int64_t silent = 0;
    if (stats && stats->channel_square) {
        for (int64_t c = 0; c < stats->channels; c++) silent += stats->channel_square[c] == 0;
        return silent;
    }
    for (int64_t c = 0; seen && seen->channels == seen->row_elems && c < seen->channels; c++)
        silent += seen->channel_min[c] >= seen->channel_max[c];
    return silent;
}

/* ---- The end ---- */

static qn_status *hand_over(const qn_report *report) {
    json_t *json = qn_report_make_json(report);
    char *text = json ? json_dumps(json, JSON_INDENT(1) | JSON_REAL_PRECISION(7)) : NULL;
    json_decref(json);
    if (!text) return qn_status_out_of_memory();
    report->options->report(report->options->report_self, text);
    free(text);
    return NULL;
}

static qn_status *finish(qn_report *report, const qn_graph *graph) {
    settle_layers(report, graph);
    qn_status *status = report->options->report_samples ? qn_report_measure(report, graph) : NULL;
    for (size_t i = 0; i < report->layers.count && !status; i++)
        report->layers.items[i].never_alive = count_silent(&report->values.items[report->layers.items[i].output]);
    if (!status) status = hand_over(report);
    qn_report_forget(report);
    return status;
}

qn_status *qn_report_after(qn_report *report, const qn_graph *graph, qn_pass_stage stage) {
    if (!report->options) return NULL;
    switch (stage) {
    case QN_PASS_CLEAN: return NULL;
    case QN_PASS_SIMPLIFY: return take_floats(report, graph);
    case QN_PASS_FUSE: return take_layers(report, graph);
    case QN_PASS_QUANTISE: take_obstacles(report, graph); return NULL;
    case QN_PASS_CONVERT: return finish(report, graph);
    }
    return NULL;
}
