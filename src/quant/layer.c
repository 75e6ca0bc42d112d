#include "quant/layer.h"

#include "quant/rounding.h"

#include <assert.h>
#include <math.h>
#include <string.h>

/* What one layer's quantisation works on. */
typedef struct work {
    const qn_layer *layer;
    const qn_encoding *x;
    const qn_layer_options *options;
    double *moment;          /* [channels]: expected square of q - zero_point about its mean, which the bias takes up */
    double *mean;            /* [channels]: of q - zero_point; 0 where nothing is known */
    double top;              /* the greatest integer a weight becomes */
    double *wanted, *values; /* [rows] of one output: weights in units of their scale, and the integers they become */
    double *error;           /* [outputs]: expected squared error, where rounding tells it */
    const qn_rounding *rounding; /* NULL: the nearest integers */
} work;

static int64_t channel_of(const qn_layer *layer, const qn_encoding *x, int64_t row, int64_t output) {
    return layer->is_depthwise ? output : row % x->channels;
}

static int has_bytes(const work *w) { return w->x->dtype == QN_DTYPE_U8 || w->layer->has_byte_weights; }

/* How often what row k reads lies inside the picture. */
static double inside_of(const work *w, int64_t row) {
    const qn_layer *layer = w->layer;
    return layer->inside ? (double)layer->inside[layer->is_depthwise ? row : row / w->x->channels] : 1.0;
}

static double zero_of(const qn_encoding *x, int64_t channel) {
    return x->zero ? x->zero[channel] : (double)x->zero_point[channel];
}

/* The weight that the integers stand for. */
static double scaled_weight(const work *w, int64_t row, int64_t output) {
    int64_t c = channel_of(w->layer, w->x, row, output);
    return (double)w->layer->weights[row * w->layer->outputs + output] * (double)w->x->scale[c];
}

/* ---- What is known of the activation ---- */

/* Without statistics every code counts as equally likely. */
static qn_status *find_moments(work *w, qn_arena *arena) {
    const qn_encoding *x = w->x;
    w->moment = QN_ARENA_ARRAY(arena, double, (size_t)x->channels);
    w->mean = QN_ARENA_ARRAY(arena, double, (size_t)x->channels);
    if (!w->moment || !w->mean) return qn_status_out_of_memory();
    double codes = x->dtype == QN_DTYPE_U8 ? 255.0 : 65534.0;
    for (int64_t c = 0; c < x->channels; c++) {
        w->moment[c] = codes * codes / 12.0;
        if (!x->mean || !x->square) continue;
        double scale = (double)x->scale[c], mean = (double)x->mean[c] / scale;
        double variance = (double)x->square[c] / (scale * scale) - mean * mean;
        w->mean[c] = mean;
        w->moment[c] = (w->options->correct_bias ? 0.0 : mean * mean) + (variance > 0.0 ? variance : 0.0);
    }
    return NULL;
}

/* ---- Checks ---- */

static qn_status *check_finite(const qn_layer *layer) {
    for (int64_t i = 0; i < layer->rows * layer->outputs; i++)
        if (!isfinite(layer->weights[i]))
            return QN_ERR(QN_INVALID_MODEL, "weight %lld is %g: it cannot be an integer", (long long)i,
                          (double)layer->weights[i]);
    for (int64_t o = 0; layer->bias && o < layer->outputs; o++)
        if (!isfinite(layer->bias[o]))
            return QN_ERR(QN_INVALID_MODEL, "bias %lld is %g: it cannot be an integer", (long long)o,
                          (double)layer->bias[o]);
    return NULL;
}

/* ---- Scales ---- */

static double largest(const work *w, int64_t output) {
    double most = 0;
    for (int64_t k = 0; k < w->layer->rows; k++) most = fmax(most, fabs(scaled_weight(w, k, output)));
    return most;
}

static double clip(double value, double bound) { return value > bound ? bound : value < -bound ? -bound : value; }

/* Expected squared error of one output with this scale. */
static double output_error(const work *w, int64_t output, double scale) {
    double error = 0;
    for (int64_t k = 0; k < w->layer->rows; k++) {
        double weight = scaled_weight(w, k, output);
        double distance = weight - scale * clip(rint(weight / scale), w->top);
        error += distance * distance * w->moment[channel_of(w->layer, w->x, k, output)];
    }
    return error;
}

enum { CLIP_STEPS = 16 }; /* from all of the range down to a half, in steps of a thirty-second */

static double search_scale(const work *w, int64_t output, double most) {
    double best = most / w->top, least = output_error(w, output, best);
    for (int step = 1; step <= CLIP_STEPS; step++) {
        double scale = most * (1.0 - step / 32.0) / w->top, error = output_error(w, output, scale);
        if (error >= least) continue;
        least = error;
        best = scale;
    }
    return best;
}

/* A scale that is a normal float, and large enough for the bias to have less than half of the accumulator. */
static float sound_scale(const work *w, double scale, double bias) {
    double room = w->x->dtype == QN_DTYPE_U8 ? 0x1p29 : 0x1p60;
    scale = fmax(scale, fabs(bias) / room);
    return (float)fmin(fmax(scale, 0x1p-100), 0x1p100);
}

/* Where all weights are zero the scale is that of the bias alone: 20 bits of it, and room for zero points to be added. */
static double scale_of_zeros(const work *w, double bias) {
    if (w->options->per_tensor) return 0.0; /* others say */
    return bias != 0 ? fabs(bias) * 0x1p-20 : 1.0;
}

/* So far may a weight be from its grid, in steps, through roundings of floats. */
#define OFF_GRID 0x1p-10

/* The scale with which the weights of one output stay the integers they come from; 0: there is none such. */
static double kept_scale(const work *w, int64_t output) {
    const qn_layer *layer = w->layer;
    if (!layer->grid) return 0;
    const float *scale = w->x->scale, first = scale[channel_of(layer, w->x, 0, output)];
    const double step = (double)layer->grid[output];
    for (int64_t k = 0; k < layer->rows; k++) {
        const double steps = (double)layer->weights[k * layer->outputs + output] / step;
        if (scale[channel_of(layer, w->x, k, output)] != first) return 0;
        if (!(fabs(steps) < w->top + 0.5) || fabs(steps - rint(steps)) > OFF_GRID) return 0;
    }
    return step * (double)first;
}

/* The same for all outputs in common. */
static double kept_scale_of_all(const work *w) {
    const double scale = kept_scale(w, 0);
    for (int64_t o = 1; o < w->layer->outputs; o++)
        if (kept_scale(w, o) != scale) return 0;
    return scale;
}

static void count_kept(const work *w, qn_layer_integers *out) {
    const double common = w->options->per_tensor ? kept_scale_of_all(w) : 0;
    for (int64_t o = 0; o < w->layer->outputs; o++) {
        const double kept = w->options->per_tensor ? common : kept_scale(w, o);
        out->kept_grids += kept > 0 && (out->weight_scale[o] == (float)kept || largest(w, o) == 0);
    }
}

static qn_status *choose_scales(const work *w, float *out_scale) {
    const qn_layer *layer = w->layer;
    double most_of_all = 0, common = w->options->per_tensor ? kept_scale_of_all(w) : 0;
    for (int64_t o = 0; o < layer->outputs; o++) {
        QN_TRY(qn_cancel_check(w->options->cancel));
        double most = largest(w, o), scale = most / w->top, bias = layer->bias ? (double)layer->bias[o] : 0.0;
        const double kept = w->options->per_tensor ? common : kept_scale(w, o);
        most_of_all = fmax(most_of_all, most);
        if (most == 0)
            scale = scale_of_zeros(w, bias);
        else if (kept > 0)
            scale = kept;
        else if (w->options->search_clip && !w->options->per_tensor)
            scale = search_scale(w, o, most);
        out_scale[o] = sound_scale(w, scale, bias);
    }
    if (!w->options->per_tensor) return NULL;
    float one = sound_scale(w, common > 0 ? common : most_of_all > 0 ? most_of_all / w->top : 1.0, 0.0);
    for (int64_t o = 0; o < layer->outputs; o++) one = out_scale[o] > one ? out_scale[o] : one;
    for (int64_t o = 0; o < layer->outputs; o++) out_scale[o] = one;
    return NULL;
}

/* ---- Integers ---- */

/* The integers of one output, into w->values. */
static void choose_integers(const work *w, int64_t output, double scale) {
    for (int64_t k = 0; k < w->layer->rows; k++) {
        w->wanted[k] = scaled_weight(w, k, output) / scale;
        w->values[k] = clip(rint(w->wanted[k]), w->top);
    }
    if (!w->rounding) return;
    double error = qn_rounding_choose(w->rounding, w->wanted, w->top, w->options->rounding_iterations, w->values);
    w->error[output] = error * scale * scale;
}

/* What the bias takes up for row k, on average. */
static double mean_of(const work *w, int64_t row, int64_t channel) {
    return w->rounding ? w->rounding->mean[row] : w->mean[channel] * inside_of(w, row);
}

static void store_weight(const work *w, qn_layer_integers *out, int64_t index, int64_t value) {
    if (has_bytes(w))
        ((int8_t *)out->weights)[index] = (int8_t)value;
    else
        ((int16_t *)out->weights)[index] = (int16_t)value;
}

/* Rounds one output's weights. *out_bias: in units of the scale, zero points and correction included; *out_reach: the
   greatest size of any sum. */
static void round_output(const work *w, int64_t output, double scale, qn_layer_integers *out, double *out_bias,
                         double *out_reach) {
    const qn_layer *layer = w->layer;
    double low = w->x->dtype == QN_DTYPE_U8 ? 0 : -32767, high = w->x->dtype == QN_DTYPE_U8 ? 255 : 32767;
    double bias = layer->bias ? (double)layer->bias[output] / scale : 0.0, correction = 0, shift = 0, up = 0, down = 0;
    choose_integers(w, output, scale);
    for (int64_t k = 0; k < layer->rows; k++) {
        int64_t c = channel_of(layer, w->x, k, output);
        double value = w->values[k], zero_point = zero_of(w->x, c);
        store_weight(w, out, k * layer->outputs + output, (int64_t)value);
        shift += value * zero_point;
        correction += (w->wanted[k] - value) * mean_of(w, k, c);
        up += fmax(value * (high - zero_point), value * (low - zero_point));
        down += fmin(value * (high - zero_point), value * (low - zero_point));
    }
    if (w->options->correct_bias) bias += correction;
    *out_bias = rint(bias - shift);
    *out_reach = fmax(fabs(up + bias), fabs(down + bias)) + 1.0;
}

/* Layers of so few rows try so many scales up and down, in steps of a fiftieth. */
enum { SCALE_ROWS = 64, SCALE_STEPS = 6 };

/* The scale that suits the nearest integers need not be the one of which rounding makes most. */
static float search_rounded_scale(const work *w, int64_t output, float scale) {
    choose_integers(w, output, (double)scale);
    double least = w->error[output];
    float best = scale;
    for (int step = -SCALE_STEPS; step <= SCALE_STEPS; step++) {
        float tried = (float)((double)scale * (1.0 + step / 50.0));
        choose_integers(w, output, (double)tried);
        if (w->error[output] >= least) continue;
        least = w->error[output];
        best = tried;
    }
    return best;
}

static void quantise_output(const work *w, int64_t output, qn_layer_integers *out) {
    double limit = w->x->dtype == QN_DTYPE_U8 ? 0x1p31 - 2.0 : 0x1p62, bias, reach;
    float *scale = &out->weight_scale[output];
    if (w->rounding && !w->options->per_tensor && w->layer->rows <= SCALE_ROWS)
        *scale = search_rounded_scale(w, output, *scale);
    for (;;) { /* each turn halves the integers */
        round_output(w, output, (double)*scale, out, &bias, &reach);
        if (reach < limit && fabs(bias) < limit) break;
        *scale *= 2.0f;
    }
    if (w->x->dtype == QN_DTYPE_U8)
        ((int32_t *)out->bias)[output] = (int32_t)bias;
    else
        ((int64_t *)out->bias)[output] = (int64_t)bias;
}

static qn_status *quantise_outputs(work *w, qn_arena *scratch, qn_layer_integers *out) {
    const qn_layer *layer = w->layer;
    const qn_moments *moments = w->options->rounding_iterations > 0 ? w->options->moments : NULL;
    if (moments && (!moments->count || layer->grid)) moments = NULL; /* weights on a grid are integers already */
    qn_rounding rounding = {0};
    w->wanted = QN_ARENA_ARRAY(scratch, double, (size_t)layer->rows);
    w->values = QN_ARENA_ARRAY(scratch, double, (size_t)layer->rows);
    if (!w->wanted || !w->values) return qn_status_out_of_memory();
    if (moments) QN_TRY(qn_rounding_init(&rounding, layer->rows, scratch));
    for (int64_t o = 0; o < layer->outputs; o++) {
        QN_TRY(qn_cancel_check(w->options->cancel));
        w->error[o] = -1; /* not told */
        if (moments && (o == 0 || layer->is_depthwise))
            QN_TRY(qn_rounding_set(&rounding, moments, layer->is_depthwise ? o : 0, w->x->scale,
                                   w->options->correct_bias, w->options->cancel));
        w->rounding = rounding.is_usable ? &rounding : NULL;
        quantise_output(w, o, out);
    }
    return NULL;
}

/* ---- Expected errors ---- */

static qn_status *add_errors(const work *w, qn_layer_integers *out) {
    const qn_layer *layer = w->layer;
    for (int64_t o = 0; o < layer->outputs; o++) {
        QN_TRY(qn_cancel_check(w->options->cancel));
        out->weight_error += w->error[o] >= 0 ? w->error[o] : output_error(w, o, (double)out->weight_scale[o]);
        for (int64_t k = 0; k < layer->rows; k++) {
            double weight = scaled_weight(w, k, o);
            out->activation_error += weight * weight / 12.0;
            out->power += weight * weight * w->moment[channel_of(layer, w->x, k, o)];
        }
    }
    return NULL;
}

qn_status *qn_layer_quantise(const qn_layer *layer, const qn_encoding *encoding, const qn_layer_options *options,
                             qn_arena *arena, qn_layer_integers *out) {
    work w = {.layer = layer, .x = encoding, .options = options};
    int is_bytes = encoding->dtype == QN_DTYPE_U8;
    assert(layer->is_depthwise ? layer->outputs == encoding->channels : layer->rows % encoding->channels == 0);
    w.top = has_bytes(&w) ? 127.0 : 32767.0;
    *out = (qn_layer_integers){0};
    QN_TRY(check_finite(layer));
    QN_TRY(find_moments(&w, arena));
    out->weights = qn_arena_alloc_aligned(arena, (size_t)(layer->rows * layer->outputs) * (has_bytes(&w) ? 1 : 2), 64);
    out->bias = qn_arena_alloc_aligned(arena, (size_t)layer->outputs * (is_bytes ? 4 : 8), 64);
    out->weight_scale = QN_ARENA_ARRAY(arena, float, (size_t)layer->outputs);
    w.error = QN_ARENA_ARRAY(arena, double, (size_t)layer->outputs);
    if (!out->weights || !out->bias || !out->weight_scale || !w.error) return qn_status_out_of_memory();
    QN_TRY(choose_scales(&w, out->weight_scale));
    qn_arena scratch;
    qn_arena_init(&scratch, arena->allocator);
    qn_status *status = quantise_outputs(&w, &scratch, out);
    qn_arena_deinit(&scratch);
    QN_TRY(status);
    count_kept(&w, out);
    return add_errors(&w, out);
}
