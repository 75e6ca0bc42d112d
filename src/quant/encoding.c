#include "quant/encoding.h"

#include "quant/scale.h"

#include <assert.h>
#include <math.h>

/* A channel that calibration hardly saw alive still gets this share of the widest one's range. */
#define LEAST_SHARE 0x1p-8
/* 16 bits are more than enough, so values may grow this far beyond what calibration saw. */
#define HEADROOM 4.0

enum { FEW_ELEMENTS = 4096 };

static double clamp(double value, double low, double high) { return value < low ? low : value > high ? high : value; }

/* One scale for all. */
static void fit_tensor(const qn_encoding_request *request, qn_encoding *out) {
    qn_range range = {(double)request->stats->low, (double)request->stats->high};
    qn_quant_params params =
        qn_quant_params_from_range(&range, request->dtype == QN_DTYPE_S16 ? 16 : 8, request->wish->symmetric);
    if (request->dtype == QN_DTYPE_S16 && !request->stats->grid) params.scale *= (float)HEADROOM;
    for (int64_t c = 0; c < out->channels; c++) {
        out->scale[c] = params.scale;
        out->zero_point[c] = params.zero_point;
    }
}

/* The grid that the source chose; 0 where there is none that bytes can keep. */
static int take_grid(const qn_encoding_request *request, qn_encoding *out) {
    const qn_value_encoding *grid = request->stats->grid;
    if (!grid || request->dtype != QN_DTYPE_U8 || (grid->channels != 1 && grid->channels != out->channels)) return 0;
    for (int64_t c = 1; request->one_zero_point && c < grid->channels; c++)
        if (grid->zero_point[c] != grid->zero_point[0]) return 0;
    for (int64_t c = 0; c < out->channels; c++) {
        out->scale[c] = grid->scale[grid->channels == 1 ? 0 : c];
        out->zero_point[c] = grid->zero_point[grid->channels == 1 ? 0 : c];
    }
    return 1;
}

/* The least scale of a channel that holds [low, high] around a given zero point. */
static double scale_around(double low, double high, double zero_point) {
    double below = zero_point > 0 ? -low / zero_point : 0, above = zero_point < 255 ? high / (255.0 - zero_point) : 0;
    return fmax(below, above);
}

/* How much wider than what was seen a channel's range has to be. The greatest of n elements is exceeded by the next one
   once in n + 1 times, and by how much shrinks with n: nothing to speak of where pictures were seen, a lot where each
   sample gave one element, as behind a global average, and where clipping shifts the whole result. */
static double width_factor(const qn_value_stats *stats) {
    if (!stats->elements || stats->elements >= FEW_ELEMENTS) return 1.0;
    return 1.0 + 8.0 / sqrt((double)(stats->elements + 1));
}

/* What a channel has to hold: what was seen of it, within the range of the whole value, and 0; made wider about its middle.
   An end at 0 stays there, and the other one goes twice as far. */
static qn_range channel_range(const qn_value_stats *stats, int64_t channel) {
    double low = fmax(fmin((double)stats->channel_low[channel], 0.0), (double)stats->low);
    double high = fmin(fmax((double)stats->channel_high[channel], 0.0), (double)stats->high);
    double more = (width_factor(stats) - 1.0) * (high - low) / (low < 0 && high > 0 ? 2.0 : 1.0);
    return (qn_range){low < 0 ? low - more : low, high > 0 ? high + more : high};
}

/* The finest scale that each channel allows; all zero points are that of the tensor if they must be one. */
static void find_finest(const qn_encoding_request *request, const qn_encoding *tensor, double *out_scale) {
    const qn_value_stats *stats = request->stats;
    double widest = 0;
    for (int64_t c = 0; c < request->channels; c++) {
        qn_range range = channel_range(stats, c);
        if (request->dtype == QN_DTYPE_S16)
            out_scale[c] = HEADROOM * fmax(range.high, -range.low) / 32767.0;
        else if (request->wish->symmetric || request->one_zero_point)
            out_scale[c] = scale_around(range.low, range.high, (double)tensor->zero_point[0]);
        else
            out_scale[c] = (range.high - range.low) / 255.0;
        widest = fmax(widest, out_scale[c]);
    }
    for (int64_t c = 0; c < request->channels; c++)
        out_scale[c] = fmax(fmax(out_scale[c], widest * LEAST_SHARE), 0x1p-100);
}

/* Scales between the finest (share 0) and the coarsest for all (share 4), in geometric steps of a quarter. */
static void blend(const qn_encoding_request *request, const double *finest, int share, qn_encoding *out) {
    double coarsest = 0;
    for (int64_t c = 0; c < out->channels; c++) coarsest = fmax(coarsest, finest[c]);
    for (int64_t c = 0; c < out->channels; c++) {
        double middle = sqrt(finest[c] * coarsest);
        double scale = share == 0   ? finest[c]
                       : share == 1 ? sqrt(finest[c] * middle)
                       : share == 2 ? middle
                       : share == 3 ? sqrt(middle * coarsest)
                                    : coarsest;
        out->scale[c] = (float)scale;
        if (request->dtype == QN_DTYPE_S16 || request->wish->symmetric || request->one_zero_point) continue;
        double low = channel_range(request->stats, c).low;
        out->zero_point[c] = (int32_t)clamp(rint(-low / scale), 0.0, 255.0);
    }
}

/* What all layers lose, each in parts of its signal. */
static qn_status *expected_loss(const qn_encoding_request *request, const qn_encoding *encoding,
                                const qn_allocator *allocator, double *out_loss) {
    qn_layer_options options = {.per_tensor = request->wish->per_tensor,
                                .correct_bias = request->wish->correct_bias,
                                .cancel = request->cancel};
    *out_loss = 0;
    for (size_t i = 0; i < request->layer_count; i++) {
        qn_arena scratch;
        qn_layer_integers integers;
        qn_arena_init(&scratch, allocator);
        qn_status *status = qn_layer_quantise(&request->layers[i], encoding, &options, &scratch, &integers);
        if (!status) *out_loss += (integers.weight_error + integers.activation_error) / fmax(integers.power, 0x1p-200);
        qn_arena_deinit(&scratch);
        QN_TRY(status);
    }
    return NULL;
}

static qn_status *equalise(const qn_encoding_request *request, qn_arena *arena, qn_encoding *out) {
    double *finest = QN_ARENA_ARRAY(arena, double, (size_t)out->channels);
    int only_depthwise = 1, best_share = 0;
    double best = INFINITY;
    if (!finest) return qn_status_out_of_memory();
    for (size_t i = 0; i < request->layer_count; i++) only_depthwise &= request->layers[i].is_depthwise;
    find_finest(request, out, finest);
    for (int share = 0; share <= 4 && !only_depthwise; share++) {
        double loss;
        blend(request, finest, share, out);
        QN_TRY(expected_loss(request, out, arena->allocator, &loss));
        if (loss >= best) continue;
        best = loss;
        best_share = share;
    }
    blend(request, finest, best_share, out);
    return NULL;
}

qn_status *qn_encoding_choose(const qn_encoding_request *request, qn_arena *arena, qn_encoding *out) {
    const qn_value_stats *stats = request->stats;
    *out = (qn_encoding){.dtype = request->dtype, .channels = request->channels};
    out->scale = QN_ARENA_ARRAY(arena, float, (size_t)request->channels);
    out->zero_point = QN_ARENA_ARRAY(arena, int32_t, (size_t)request->channels);
    if (!out->scale || !out->zero_point) return qn_status_out_of_memory();
    assert(request->channels > 0);
    int has_channels = stats->channels == request->channels;
    out->mean = has_channels ? stats->channel_mean : NULL;
    out->square = has_channels ? stats->channel_square : NULL;
    if (take_grid(request, out)) return NULL;
    fit_tensor(request, out);
    if (!has_channels || !request->equalise) return NULL;
    return equalise(request, arena, out);
}
