#include "quant/ranges.h"

#include "base/text.h"

#include <assert.h>
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define QN_RANGE(name, spelling, channels, doc) {#name, spelling, channels, doc, qn_range_##name},
static const qn_range_algorithm algorithms[] = {
#include "quant/ranges.def"
};
#undef QN_RANGE

enum { ALGORITHM_COUNT = sizeof algorithms / sizeof *algorithms, NAME_BYTES = 64 };

size_t qn_range_algorithm_count(void) { return ALGORITHM_COUNT; }
const qn_range_algorithm *qn_range_algorithm_at(size_t index) { return &algorithms[index]; }

/* ---- Names ---- */

/* "EQNM-Algorithm" becomes "eqnm"; what is too long is cut and matches nothing. */
static void normalise(const char *name, char *out) {
    static const char suffix[] = "_algorithm";
    size_t length = 0;
    for (; name[length] && length < NAME_BYTES - 1; length++)
        out[length] = name[length] == '-' ? '_' : (char)tolower((unsigned char)name[length]);
    out[length] = 0;
    if (length > sizeof suffix - 1 && !strcmp(out + length - (sizeof suffix - 1), suffix))
        out[length - (sizeof suffix - 1)] = 0;
}

qn_status *qn_range_algorithm_find(const char *name, const qn_range_algorithm **out_algorithm) {
    const char *names[ALGORITHM_COUNT];
    char word[NAME_BYTES];
    normalise(name, word);
    for (size_t i = 0; i < ALGORITHM_COUNT; i++) {
        names[i] = algorithms[i].name;
        *out_algorithm = &algorithms[i];
        if (!strcmp(word, names[i])) return NULL;
    }
    *out_algorithm = NULL;
    char list[ALGORITHM_COUNT * 24] = "";
    for (size_t i = 0; i < ALGORITHM_COUNT; i++)
        snprintf(list + strlen(list), sizeof list - strlen(list), "%s%s", i ? ", " : "", names[i]);
    const char *nearest = qn_text_nearest(word, names, ALGORITHM_COUNT);
    return QN_ERR(QN_INVALID_ARGUMENT, "range algorithm '%.*s' is unknown, there are %s%s%s%s", NAME_BYTES, name, list,
                  nearest ? "; did you mean '" : "", nearest ? nearest : "", nearest ? "'?" : "");
}

/* ---- Estimating ---- */

static qn_status *check(const qn_observer *observer, const qn_range_request *request) {
    if (request->bits != 8 && request->bits != 16)
        return QN_ERR(QN_INVALID_ARGUMENT, "values of %d bits: 8 and 16 are possible", request->bits);
    if (request->percentile != 0 && !(request->percentile > 50 && request->percentile <= 100))
        return QN_ERR(QN_INVALID_ARGUMENT, "percentile %g is not above 50 and at most 100", request->percentile);
    if (observer->min > observer->max)
        return QN_ERR(QN_INVALID_ARGUMENT, "no finite element in %llu of %llu samples",
                      (unsigned long long)observer->elements, (unsigned long long)observer->samples);
    return NULL;
}

/* What every range promises. */
static qn_range finish(qn_range range, const qn_range_request *request) {
    const int symmetric = request->symmetric || request->bits == 16;
    range.low = fmin(range.low, 0);
    range.high = fmax(range.high, 0);
    if (symmetric) {
        range.high = fmax(range.high, -range.low);
        range.low = -range.high;
    }
    if (range.high - range.low < QN_RANGE_SPAN_MIN) range = (qn_range){symmetric ? -1 : 0, 1};
    assert(isfinite(range.low) && isfinite(range.high) && range.low < range.high);
    return range;
}

static qn_range clip(qn_range range, double low, double high) {
    return (qn_range){fmin(fmax(range.low, low), high), fmin(fmax(range.high, low), high)};
}

/* No estimate reaches beyond what occurred, and none is of noise only where more occurred: of a value that is nearly
   always 0, say. */
static qn_range estimate(const qn_range_algorithm *algorithm, const qn_range_source *source,
                         const qn_range_request *request) {
    const qn_range all = {fmin(source->min, 0), fmax(source->max, 0)};
    const qn_range range = clip(algorithm->estimate(source, request), all.low, all.high);
    return range.high - range.low < QN_RANGE_SPAN_MIN ? all : range;
}

static qn_range estimate_whole(const qn_range_algorithm *algorithm, const qn_observer *observer,
                               const qn_range_request *request) {
    const qn_range_source source = {&observer->histogram, observer->min, observer->max, observer->average_min,
                                    observer->average_max};
    return estimate(algorithm, &source, request);
}

qn_status *qn_range_estimate(const qn_range_algorithm *algorithm, const qn_observer *observer,
                             const qn_range_request *request, qn_range *out_range) {
    QN_TRY(check(observer, request));
    *out_range = finish(estimate_whole(algorithm, observer, request), request);
    return NULL;
}

/* `whole` is used by algorithms that do not work on channels. */
static qn_range estimate_channel(const qn_range_algorithm *algorithm, const qn_observer *observer,
                                 const qn_range_request *request, int64_t channel, const qn_range *whole) {
    const int has = observer->channel_count[channel] > 0;
    const double min = has ? observer->channel_min[channel] : 0, max = has ? observer->channel_max[channel] : 0;
    const qn_range_source source = {&observer->channel_histograms[channel], min, max, min, max};
    if (algorithm->works_on_channels) return finish(estimate(algorithm, &source, request), request);
    return finish(clip((qn_range){min, max}, whole->low, whole->high), request);
}

qn_status *qn_range_estimate_channels(const qn_range_algorithm *algorithm, const qn_observer *observer,
                                      const qn_range_request *request, qn_range *out_ranges) {
    qn_range whole = {0, 0};
    QN_TRY(check(observer, request));
    if (!observer->channel_histograms) return qn_range_estimate(algorithm, observer, request, out_ranges);
    if (!algorithm->works_on_channels) QN_TRY(qn_range_estimate(algorithm, observer, request, &whole));
    for (int64_t c = 0; c < observer->channels; c++)
        out_ranges[c] = estimate_channel(algorithm, observer, request, c, &whole);
    return NULL;
}

qn_status *qn_range_estimate_channel(const qn_range_algorithm *algorithm, const qn_observer *observer,
                                     const qn_range_request *request, int64_t channel, qn_range *out_range) {
    qn_range whole = {0, 0};
    QN_TRY(check(observer, request));
    if (channel < 0 || channel >= observer->channels)
        return QN_ERR(QN_INVALID_ARGUMENT, "channel %lld of a value whose observer knows %lld", (long long)channel,
                      (long long)observer->channels);
    if (!observer->channel_histograms || !algorithm->works_on_channels)
        QN_TRY(qn_range_estimate(algorithm, observer, request, &whole));
    *out_range = observer->channel_histograms ? estimate_channel(algorithm, observer, request, channel, &whole) : whole;
    return NULL;
}
