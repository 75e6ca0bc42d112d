/* The text of a report: docs/calibration-report.md. */
#include "driver/report/report.h"

#include "driver/calibrate/calibrator.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The clock at which modelled cycles become milliseconds. */
static const double cycles_per_ms = 3e6;

json_t *qn_report_number(double number) { return isfinite(number) ? json_real(number) : json_null(); }

json_t *qn_report_text(const char *text) {
    json_t *object = json_string(text);
    char *copy = object ? NULL : strdup(text);
    for (char *at = copy; at && *at; at++)
        if (*at & 0x80) *at = '?';
    if (copy) object = json_string(copy);
    free(copy);
    return object;
}

/* A whole number, kept in a double since sums of them may be large. */
static json_t *count_of(double number) { return json_integer(number < 9e15 ? (json_int_t)number : (json_int_t)9e15); }

static const char *type_name(qn_dtype dtype) {
    switch (dtype) {
    case QN_DTYPE_U8: return "uint8";
    case QN_DTYPE_S8: return "int8";
    case QN_DTYPE_S16: return "int16";
    case QN_DTYPE_S32: return "int32";
    case QN_DTYPE_S64: return "int64";
    case QN_DTYPE_F16: return "float16";
    case QN_DTYPE_F32: return "float32";
    default: return "none";
    }
}

/* What a layer computes in, in the words of precision modes. */
static const char *precision_name(qn_dtype dtype) { return dtype == QN_DTYPE_U8 ? "int8" : type_name(dtype); }

/* ---- Histograms ---- */

static void add_to_bin(double counts[QN_REPORT_BINS], double low, double width, double value, double count) {
    const double at = floor((value - low) / width);
    counts[at < 0 ? 0 : at >= QN_REPORT_BINS ? QN_REPORT_BINS - 1 : (int)at] += count;
}

/* The observer's fine bins, each by its middle, in bins of one width from the least to the greatest value. */
static json_t *make_histogram(const qn_observer *observer) {
    double counts[QN_REPORT_BINS] = {0};
    if (!observer || !(observer->min < observer->max)) return json_null();
    qn_histogram_copy *copy = qn_alloc_zeroed(observer->allocator, 1, sizeof *copy, _Alignof(qn_histogram_copy));
    if (!copy) return NULL;
    const double low = (double)observer->min, width = ((double)observer->max - low) / QN_REPORT_BINS;
    qn_histogram_settle(&observer->histogram, copy);
    const qn_histogram *fine = &copy->histogram;
    add_to_bin(counts, low, width, 0, (double)fine->zeros);
    for (int i = 0; i < fine->outlier_count; i++) add_to_bin(counts, low, width, (double)fine->outliers[i], 1);
    for (int i = 0; i < fine->negative + fine->positive; i++)
        if (fine->counts[i])
            add_to_bin(counts, low, width, 0.5 * (qn_histogram_edge(fine, i) + qn_histogram_edge(fine, i + 1)),
                       fine->counts[i]);
    qn_free(observer->allocator, copy);
    json_t *bins = json_array();
    for (int i = 0; i < QN_REPORT_BINS; i++) json_array_append_new(bins, count_of(counts[i]));
    return json_pack("{s:o,s:o,s:o}", "low", qn_report_number((double)observer->min), "high",
                     qn_report_number((double)observer->max), "counts", bins);
}

/* ---- Values ---- */

/* The widest channel over the narrowest that is alive. */
static double channel_spread(const qn_value_stats *stats) {
    double least = INFINITY, most = 0;
    for (int64_t c = 0; c < stats->channels; c++) {
        const double span = (double)stats->channel_high[c] - (double)stats->channel_low[c];
        if ((stats->channel_square && stats->channel_square[c] == 0) || !(span > 0)) continue;
        least = fmin(least, span);
        most = fmax(most, span);
    }
    return most > 0 ? most / least : NAN;
}

static void scale_range(const qn_value_encoding *encoding, double *out_low, double *out_high) {
    *out_low = INFINITY, *out_high = 0;
    for (int64_t c = 0; c < encoding->channels; c++) {
        *out_low = fmin(*out_low, (double)encoding->scale[c]);
        *out_high = fmax(*out_high, (double)encoding->scale[c]);
    }
}

static json_t *share(int64_t part, int64_t whole) {
    return whole ? json_real((double)part / (double)whole) : json_null();
}

static json_t *make_value(const qn_report_value *value) {
    const qn_value_stats *stats = value->stats;
    const qn_value_encoding *encoding = value->encoding;
    double scale_low = NAN, scale_high = NAN;
    if (encoding) scale_range(encoding, &scale_low, &scale_high);
    return json_pack("{s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o}", "name", qn_report_text(value->name), "type",
                     value->final_name ? json_string(type_name(value->dtype)) : json_null(), "low",
                     qn_report_number(stats ? (double)stats->low : NAN), "high",
                     qn_report_number(stats ? (double)stats->high : NAN), "channel_spread",
                     qn_report_number(stats ? channel_spread(stats) : NAN), "scale_low", qn_report_number(scale_low),
                     "scale_high", qn_report_number(scale_high), "at_ends",
                     encoding ? share(value->at_ends, value->sums.count) : json_null(), "clipped",
                     encoding ? share(value->clipped, value->sums.count) : json_null(), "sqnr_db",
                     qn_report_number(qn_report_sqnr(&value->sums)), "cosine",
                     qn_report_number(qn_report_cosine(&value->sums)), "histogram", make_histogram(value->observer));
}

/* ---- Layers ---- */

static json_t *make_weights(const qn_report_layer *layer) {
    if (!layer->has_weights) return json_null();
    return json_pack("{s:o,s:o,s:o}", "low", qn_report_number((double)layer->weight_low), "high",
                     qn_report_number((double)layer->weight_high), "channel_spread",
                     qn_report_number(layer->weight_spread));
}

/* The type stands beside it. */
static json_t *make_reason(const qn_report *report, const qn_report_layer *layer) {
    if (!layer->outcome.why) return json_null();
    const char *text = qn_outcome_text_untyped(&layer->outcome, report->arena);
    return text ? qn_report_text(text) : NULL;
}

static json_t *make_layer(const qn_report *report, const qn_report_layer *layer) {
    const int gone = layer->precision == QN_DTYPE_NONE;
    return json_pack("{s:o,s:s,s:s,s:o,s:o,s:o,s:o,s:o,s:o,s:I,s:I,s:I,s:o,s:o}", "name", qn_report_text(layer->name),
                     "op", layer->op, "precision", gone ? "none" : precision_name(layer->precision), "reason",
                     make_reason(report, layer), "macs", count_of(layer->macs), "cycles",
                     qn_report_number(layer->cycles), "ms", qn_report_number(layer->cycles / cycles_per_ms),
                     "float_cycles", qn_report_number(layer->float_cycles), "weights", make_weights(layer), "outputs",
                     (json_int_t)layer->outputs, "dead_outputs", (json_int_t)layer->dead_outputs, "never_alive",
                     (json_int_t)layer->never_alive, "input", make_value(&report->values.items[layer->input]), "output",
                     make_value(&report->values.items[layer->output]));
}

static json_t *make_layers(const qn_report *report) {
    json_t *list = json_array();
    for (size_t i = 0; i < report->layers.count; i++)
        if (json_array_append_new(list, make_layer(report, &report->layers.items[i]))) {
            json_decref(list);
            return NULL;
        }
    return list;
}

/* ---- Totals ---- */

static json_t *make_totals(const qn_report *report) {
    json_int_t integers = 0, floats = 0;
    double macs = 0, integer_macs = 0, cycles = 0, float_cycles = 0;
    for (size_t i = 0; i < report->layers.count; i++) {
        const qn_report_layer *layer = &report->layers.items[i];
        const int is_integer = qn_dtype_is_integer(layer->precision);
        integers += is_integer;
        floats += !is_integer;
        macs += layer->macs;
        integer_macs += is_integer ? layer->macs : 0;
        cycles += layer->cycles;
        float_cycles += layer->float_cycles;
    }
    return json_pack("{s:I,s:I,s:o,s:o,s:s,s:o,s:o,s:o,s:o}", "integer_layers", integers, "float_layers", floats,
                     "macs", count_of(macs), "integer_macs_share", qn_report_number(macs > 0 ? integer_macs / macs : 0),
                     "cost_model", report->model->arch, "ms", qn_report_number(cycles / cycles_per_ms), "float_ms",
                     qn_report_number(float_cycles / cycles_per_ms), "constant_bytes", count_of(report->final_bytes),
                     "float_constant_bytes", count_of(report->float_bytes));
}

/* ---- Inputs and outputs ---- */

static json_t *make_input(const qn_report_tensor *input) {
    json_t *low = json_array(), *high = json_array(), *mean = json_array();
    for (int64_t c = 0; c < input->channels; c++) {
        if (!input->counts[c]) continue;
        json_array_append_new(low, qn_report_number(input->low[c]));
        json_array_append_new(high, qn_report_number(input->high[c]));
        json_array_append_new(mean, qn_report_number(input->sum[c] / (double)input->counts[c]));
    }
    return json_pack("{s:o,s:s,s:o,s:o,s:o}", "name", qn_report_text(input->name), "type", type_name(input->dtype),
                     "low", low, "high", high, "mean", mean);
}

static json_t *make_output(const qn_report_tensor *output) {
    const int is_float = qn_dtype_is_float(output->dtype);
    const double nothing = NAN;
    return json_pack("{s:o,s:s,s:o,s:o,s:o}", "name", qn_report_text(output->name), "type", type_name(output->dtype),
                     "sqnr_db", qn_report_number(is_float ? qn_report_sqnr(&output->sums) : nothing), "cosine",
                     qn_report_number(is_float ? qn_report_cosine(&output->sums) : nothing), "agreement",
                     is_float ? json_null() : share(output->sums.equal, output->sums.count));
}

static json_t *make_tensors(const qn_report_tensor *tensors, size_t count,
                            json_t *(*make)(const qn_report_tensor *tensor)) {
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++) json_array_append_new(list, make(&tensors[i]));
    return list;
}

/* ---- What batch norms remember ---- */

static json_t *make_norms(const qn_report *report) {
    json_t *list = json_array();
    for (size_t i = 0; i < report->norms.count; i++) {
        const qn_report_norm *norm = &report->norms.items[i];
        if (norm->deviation >= 0)
            json_array_append_new(list, json_pack("{s:o,s:o}", "name", qn_report_text(norm->norm.name), "deviation",
                                                  qn_report_number(norm->deviation)));
    }
    return list;
}

static json_t *make_training(const qn_report *report) {
    double divergence[2], width;
    qn_report_judge_first(&report->first, divergence, &width);
    json_t *first =
        isnan(divergence[0])
            ? json_null()
            : json_pack("{s:o,s:o,s:o,s:o,s:I,s:I}", "name", qn_report_text(report->first.norm), "divergence",
                        qn_report_number(divergence[0]), "turned_divergence", qn_report_number(divergence[1]), "width",
                        qn_report_number(width), "samples", (json_int_t)report->first.samples, "better_turned",
                        (json_int_t)report->first.better_turned);
    return json_pack("{s:o,s:o}", "first_layer", first, "norms", make_norms(report));
}

/* ---- The whole ---- */

static const char *algorithm_of(const qn_calibrator *calibrator) {
    if (!calibrator) return "given";
    if (calibrator->fixed_low < calibrator->fixed_high) return "fixed";
    return calibrator->has_loaded ? calibrator->loaded.algorithm : calibrator->algorithm->name;
}

json_t *qn_report_make_json(const qn_report *report) {
    const qn_calibrator *calibrator = report->options->calibrator;
    const int64_t samples = !calibrator ? 0 : calibrator->has_loaded ? calibrator->loaded.samples : calibrator->samples;
    return json_pack("{s:s,s:o,s:o,s:o,s:I,s:I,s:o,s:o,s:o,s:o,s:o,s:o}", "format", "quench report 1", "network",
                     qn_report_text(report->floats->name), "mode", qn_report_text(report->mode), "algorithm",
                     qn_report_text(algorithm_of(calibrator)), "calibration_samples", (json_int_t)samples,
                     "report_samples", (json_int_t)report->samples, "totals", make_totals(report), "lacks",
                     qn_report_make_lacks(report), "training", make_training(report), "inputs",
                     make_tensors(report->inputs, report->input_count, make_input), "outputs",
                     make_tensors(report->outputs, report->output_count, make_output), "layers", make_layers(report));
}
