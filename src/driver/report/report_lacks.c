/* What the calibration samples lack, as far as it can be told for sure: each finding says what was measured. */
#include "driver/report/report.h"

#include "driver/calibrate/calibrator.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ENOUGH_SAMPLES = 8 };

/* A mean that lies so many deviations from that in training, over all channels, is no chance. */
static const double deviation_max = 1.0;
/* A divergence of the first layer above this: the samples are unlike the training data. Right ones measured 0.09 to
   0.25, [0, 1] for [-1, 1] 0.95. */
static const double divergence_max = 0.5;
/* Channels in opposite order bring it below this part, in most samples too: right orders measured 1.0 to 1.6, wrong
   ones 0.6 to 1.0. */
static const double turned_part = 0.8;
enum { TURNED_SAMPLES = 4 };
/* The first layer's values are so many times as wide, or narrow, as in training. */
static const double width_max = 3.0;

static void add(json_t *list, const char *kind, const char *format, ...) QN_PRINTF(3, 4);

static void add(json_t *list, const char *kind, const char *format, ...) {
    char text[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    json_array_append_new(list, json_pack("{s:s,s:o}", "kind", kind, "text", qn_report_text(text)));
}

/* ---- How many ---- */

static void add_counts(json_t *list, const qn_report *report) {
    const qn_calibrator *c = report->options->calibrator;
    if (!c) return;
    const int64_t samples = c->has_loaded ? c->loaded.samples : c->samples;
    if (c->fixed_low < c->fixed_high) {
        add(list, "no_samples",
            "one range was given for all values: nothing was measured, so accuracy is left to chance");
        return;
    }
    if (samples < ENOUGH_SAMPLES)
        add(list, "few_samples",
            "the ranges come from %lld sample%s: values that are rare in them get ranges too narrow",
            (long long)samples, samples == 1 ? "" : "s");
    if (!c->has_loaded && c->duplicates)
        add(list, "duplicates", "%lld of %lld samples are the same as others and tell nothing new",
            (long long)c->duplicates, (long long)samples);
}

static void add_missing_ranges(json_t *list, const qn_report *report) {
    if (report->ranged < report->wanted)
        add(list, "no_range", "%zu of %zu values that layers read have no range: these layers stay float",
            report->wanted - report->ranged, report->wanted);
}

/* ---- Channels without life ---- */

static void add_silent_channels(json_t *list, const qn_report *report) {
    int64_t silent = 0, channels = 0, most = 0;
    const qn_report_value *worst = NULL;
    for (size_t i = 0; i < report->values.count; i++) {
        const qn_value_stats *stats = report->values.items[i].stats;
        int64_t here = 0;
        if (!stats || !stats->channel_square) continue;
        for (int64_t c = 0; c < stats->channels; c++) here += stats->channel_square[c] == 0;
        silent += here;
        channels += stats->channels;
        if (here <= most) continue;
        most = here;
        worst = &report->values.items[i];
    }
    if (worst)
        add(list, "never_alive",
            "%lld of %lld channels were 0 in every sample, most of them in '%.200s' (%lld of %lld): the network does "
            "not use "
            "them, or these samples do not need them, and then their ranges are guesses",
            (long long)silent, (long long)channels, worst->name, (long long)most, (long long)worst->stats->channels);
}

/* ---- Unlike the training data ---- */

static void add_norms(json_t *list, const qn_report *report) {
    size_t judged = 0, far = 0;
    const qn_report_norm *worst = NULL;
    for (size_t i = 0; i < report->norms.count; i++) {
        const qn_report_norm *norm = &report->norms.items[i];
        if (norm->deviation < 0) continue;
        judged++;
        if (!(norm->deviation > deviation_max)) continue;
        far++;
        if (!worst || norm->deviation > worst->deviation) worst = norm;
    }
    if (worst)
        add(list, "unlike_training",
            "%zu of %zu values that batch norms make have means far from those in training, '%.200s' by %.1f "
            "deviations: the "
            "samples are unlike what the network was trained on, or not prepared as it expects",
            far, judged, worst->norm.name, worst->deviation);
}

static void add_first_layer(json_t *list, const qn_report *report) {
    const qn_report_first_layer *first = &report->first;
    double far[2], width;
    qn_report_judge_first(first, far, &width);
    if (width > width_max || width < 1 / width_max)
        add(list, "normalisation",
            "the samples make the values that '%.200s' reads %.2g times as wide as in training: mean, deviation or "
            "scale of "
            "the input are not what the network expects",
            first->norm, width);
    else if (first->samples >= TURNED_SAMPLES && 2 * first->better_turned > first->samples &&
             far[1] < turned_part * far[0])
        add(list, "colour_order",
            "with the channels of the samples in opposite order '%.200s' reads values more like those in training, in "
            "%lld of "
            "%lld samples (divergence %.2f, as they are %.2f): RGB and BGR may be confused",
            first->norm, (long long)first->better_turned, (long long)first->samples, far[1], far[0]);
    else if (far[0] > divergence_max)
        add(list, "normalisation",
            "the samples make the values that '%.200s' reads unlike those in training (divergence %.2f, expected below "
            "%.1f)",
            first->norm, far[0], divergence_max);
}

static void add_constant_inputs(json_t *list, const qn_report *report) {
    for (size_t i = 0; i < report->input_count && report->samples > 1; i++) {
        const qn_report_tensor *input = &report->inputs[i];
        int varies = input->channels == 0;
        for (int64_t c = 0; c < input->channels; c++) varies |= input->low[c] < input->high[c];
        if (!varies)
            add(list, "constant_input", "input '%.200s' is the same number everywhere in every sample", input->name);
    }
}

json_t *qn_report_make_lacks(const qn_report *report) {
    json_t *list = json_array();
    if (!list) return NULL;
    add_counts(list, report);
    add_missing_ranges(list, report);
    add_silent_channels(list, report);
    add_norms(list, report);
    add_first_layer(list, report);
    add_constant_inputs(list, report);
    return list;
}
