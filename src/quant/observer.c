#include "quant/observer.h"

#include "quant/pick.h"

#include <assert.h>
#include <math.h>
#include <string.h>

/* LANES_MIN floats side by side keep vectors busy; LINES lines are taken at once, so sums are loaded and stored less.
 */
enum { LANES_MIN = 64, LINES = 4, OUTLIERS = 256, CHANNEL_OUTLIERS = 8, ALIGN = 64 };

/* ---- Life ---- */

static void *allocate(const qn_observer *observer, int64_t count, size_t size) {
    return qn_alloc_zeroed(observer->allocator, (size_t)count, size, ALIGN);
}

static void init_histograms(qn_observer *observer, int64_t apart) {
    uint32_t *counts = observer->counts + QN_OBSERVER_BINS;
    float *outliers = observer->outliers + OUTLIERS;
    qn_histogram_init(&observer->histogram, observer->counts, QN_OBSERVER_BINS, observer->outliers, OUTLIERS);
    for (int64_t c = 0; c < apart; c++)
        qn_histogram_init(&observer->channel_histograms[c], counts + c * QN_OBSERVER_CHANNEL_BINS,
                          QN_OBSERVER_CHANNEL_BINS, outliers + c * CHANNEL_OUTLIERS, CHANNEL_OUTLIERS);
}

/* 0 when memory is short; what was allocated is in place all the same. */
static int allocate_all(qn_observer *observer, int64_t apart) {
    const int64_t channels = observer->channels, lanes = observer->lanes;
    observer->channel_min = allocate(observer, channels, sizeof *observer->channel_min);
    observer->channel_max = allocate(observer, channels, sizeof *observer->channel_max);
    observer->channel_sum = allocate(observer, channels, sizeof *observer->channel_sum);
    observer->channel_square_sum = allocate(observer, channels, sizeof *observer->channel_square_sum);
    observer->channel_count = allocate(observer, channels, sizeof *observer->channel_count);
    observer->lane_min = allocate(observer, lanes, sizeof *observer->lane_min);
    observer->lane_max = allocate(observer, lanes, sizeof *observer->lane_max);
    observer->lane_sum = allocate(observer, lanes, sizeof *observer->lane_sum);
    observer->lane_square_sum = allocate(observer, lanes, sizeof *observer->lane_square_sum);
    observer->counts = allocate(observer, QN_OBSERVER_BINS + apart * QN_OBSERVER_CHANNEL_BINS, sizeof(uint32_t));
    observer->outliers = allocate(observer, OUTLIERS + apart * CHANNEL_OUTLIERS, sizeof(float));
    if (apart) observer->channel_histograms = allocate(observer, apart, sizeof *observer->channel_histograms);
    return observer->channel_min && observer->channel_max && observer->channel_sum && observer->channel_square_sum &&
           observer->channel_count && observer->lane_min && observer->lane_max && observer->lane_sum &&
           observer->lane_square_sum && observer->counts && observer->outliers &&
           (observer->channel_histograms || !apart);
}

qn_status *qn_observer_create(const qn_allocator *allocator, int64_t channels, qn_observer **out_observer) {
    *out_observer = NULL;
    if (channels < 1)
        return QN_ERR(QN_INVALID_ARGUMENT, "a value of %lld channels cannot be observed", (long long)channels);
    allocator = qn_allocator_or_default(allocator);
    qn_observer *observer = qn_alloc_zeroed(allocator, 1, sizeof *observer, ALIGN);
    if (!observer) return qn_status_out_of_memory();
    observer->allocator = allocator;
    observer->row_elems = channels;
    observer->channels = channels > QN_OBSERVER_CHANNELS_MAX ? 1 : channels;
    observer->lanes = observer->channels * (1 + (LANES_MIN - 1) / observer->channels);
    const int64_t apart = observer->channels > 1 ? observer->channels : 0;
    if (!allocate_all(observer, apart)) {
        qn_observer_destroy(observer);
        return qn_status_out_of_memory();
    }
    init_histograms(observer, apart);
    observer->min = INFINITY;
    observer->max = -INFINITY;
    for (int64_t c = 0; c < observer->channels; c++) {
        observer->channel_min[c] = INFINITY;
        observer->channel_max[c] = -INFINITY;
    }
    *out_observer = observer;
    return NULL;
}

void qn_observer_destroy(qn_observer *observer) {
    if (!observer) return;
    void *const blocks[] = {observer->channel_min,        observer->channel_max,   observer->channel_sum,
                            observer->channel_square_sum, observer->channel_count, observer->channel_histograms,
                            observer->lane_min,           observer->lane_max,      observer->lane_sum,
                            observer->lane_square_sum,    observer->counts,        observer->outliers};
    for (size_t i = 0; i < sizeof blocks / sizeof *blocks; i++) qn_free(observer->allocator, blocks[i]);
    qn_free(observer->allocator, observer);
}

/* Copies all but the arrays: `to` keeps pointing to its own. */
static void copy_histogram(const qn_histogram *from, qn_histogram *to) {
    uint32_t *counts = to->counts;
    float *outliers = to->outliers;
    *to = *from;
    to->counts = counts;
    to->outliers = outliers;
}

qn_status *qn_observer_copy(const qn_observer *observer, qn_observer **out_copy) {
    qn_observer *copy;
    QN_TRY(qn_observer_create(observer->allocator, observer->row_elems, &copy));
    const size_t channels = (size_t)observer->channels, apart = observer->channel_histograms ? channels : 0;
    copy->samples = observer->samples;
    copy->elements = observer->elements;
    copy->non_finite = observer->non_finite;
    copy->min = observer->min, copy->max = observer->max;
    copy->average_min = observer->average_min, copy->average_max = observer->average_max;
    memcpy(copy->channel_min, observer->channel_min, channels * sizeof *copy->channel_min);
    memcpy(copy->channel_max, observer->channel_max, channels * sizeof *copy->channel_max);
    memcpy(copy->channel_sum, observer->channel_sum, channels * sizeof *copy->channel_sum);
    memcpy(copy->channel_square_sum, observer->channel_square_sum, channels * sizeof *copy->channel_square_sum);
    memcpy(copy->channel_count, observer->channel_count, channels * sizeof *copy->channel_count);
    memcpy(copy->counts, observer->counts,
           (QN_OBSERVER_BINS + apart * QN_OBSERVER_CHANNEL_BINS) * sizeof *copy->counts);
    memcpy(copy->outliers, observer->outliers, (OUTLIERS + apart * CHANNEL_OUTLIERS) * sizeof *copy->outliers);
    copy_histogram(&observer->histogram, &copy->histogram);
    for (size_t c = 0; c < apart; c++) copy_histogram(&observer->channel_histograms[c], &copy->channel_histograms[c]);
    *out_copy = copy;
    return NULL;
}

/* ---- Extremes and sums ---- */

static int all_finite(const float *data, int64_t count) {
    uint32_t bad = 0;
    for (int64_t i = 0; i < count; i++) {
        uint32_t bits;
        memcpy(&bits, data + i, sizeof bits);
        bad |= (bits & 0x7f800000u) == 0x7f800000u;
    }
    return !bad;
}

static inline float smaller(float a, float b) { return a < b ? a : b; }
static inline float larger(float a, float b) { return a > b ? a : b; }

/* LINES lines of `lanes` finite floats. */
static void add_lines(const float *restrict data, int64_t lanes, float *restrict min, float *restrict max,
                      double *restrict sum, double *restrict square_sum) {
    const float *restrict p = data, *restrict q = data + lanes, *restrict r = q + lanes, *restrict s = r + lanes;
    for (int64_t i = 0; i < lanes; i++) {
        min[i] = smaller(smaller(smaller(p[i], q[i]), smaller(r[i], s[i])), min[i]);
        max[i] = larger(larger(larger(p[i], q[i]), larger(r[i], s[i])), max[i]);
    }
    for (int64_t i = 0; i < lanes; i++) {
        double a = p[i], b = q[i], c = r[i], d = s[i];
        sum[i] += (a + b) + (c + d);
        square_sum[i] += (a * a + b * b) + (c * c + d * d);
    }
}

/* `count` <= lanes floats, finite or not. */
static void add_line(qn_observer *observer, const float *data, int64_t count) {
    for (int64_t i = 0; i < count; i++) {
        float x = data[i];
        if (!isfinite(x)) {
            observer->non_finite++;
            observer->channel_count[i % observer->channels]--;
            continue;
        }
        observer->lane_min[i] = smaller(x, observer->lane_min[i]);
        observer->lane_max[i] = larger(x, observer->lane_max[i]);
        observer->lane_sum[i] += x;
        observer->lane_square_sum[i] += (double)x * x;
    }
}

static void add_all(qn_observer *observer, const float *data, int64_t elems) {
    const int64_t lanes = observer->lanes, lines = lanes * LINES;
    int64_t at = 0;
    while (at < elems) {
        if (elems - at >= lines && all_finite(data + at, lines)) {
            add_lines(data + at, lanes, observer->lane_min, observer->lane_max, observer->lane_sum,
                      observer->lane_square_sum);
            at += lines;
        } else {
            int64_t count = elems - at < lanes ? elems - at : lanes;
            add_line(observer, data + at, count);
            at += count;
        }
    }
}

static void clear_lanes(qn_observer *observer) {
    for (int64_t i = 0; i < observer->lanes; i++) {
        observer->lane_min[i] = INFINITY;
        observer->lane_max[i] = -INFINITY;
        observer->lane_sum[i] = observer->lane_square_sum[i] = 0;
    }
}

/* Brings the sample's lanes together. */
static void merge_lanes(qn_observer *observer) {
    float min = INFINITY, max = -INFINITY;
    for (int64_t i = 0; i < observer->lanes; i++) {
        const int64_t c = i % observer->channels;
        observer->channel_min[c] = smaller(observer->lane_min[i], observer->channel_min[c]);
        observer->channel_max[c] = larger(observer->lane_max[i], observer->channel_max[c]);
        observer->channel_sum[c] += observer->lane_sum[i];
        observer->channel_square_sum[c] += observer->lane_square_sum[i];
        min = smaller(observer->lane_min[i], min);
        max = larger(observer->lane_max[i], max);
    }
    if (min > max) return; /* nothing finite */
    const double keep = observer->min > observer->max ? 0 : QN_OBSERVER_MOMENTUM;
    observer->average_min = keep * observer->average_min + (1 - keep) * min;
    observer->average_max = keep * observer->average_max + (1 - keep) * max;
    observer->min = smaller(min, observer->min);
    observer->max = larger(max, observer->max);
}

/* ---- Histograms ---- */

static void add_picked(qn_observer *observer, const float *data, int64_t rows) {
    const int64_t channels = observer->channels, step = (rows * channels - 1) / QN_OBSERVER_PICK + 1;
    uint64_t turn = 0;
    for (int64_t start = 0; start < rows; start += step) {
        const int64_t row = start + qn_pick(turn++, observer->samples, step);
        const float *line = data + row * channels;
        if (row >= rows) break;
        for (int64_t c = 0; c < channels; c++) {
            if (!isfinite(line[c])) continue;
            qn_histogram_add(&observer->histogram, line[c]);
            if (observer->channel_histograms) qn_histogram_add(&observer->channel_histograms[c], line[c]);
        }
    }
}

void qn_observer_add(qn_observer *observer, const float *data, int64_t rows) {
    assert(rows >= 0);
    observer->samples++;
    if (!rows) return;
    rows *= observer->row_elems / observer->channels;
    const int64_t elems = rows * observer->channels;
    observer->elements += (uint64_t)elems;
    for (int64_t c = 0; c < observer->channels; c++) observer->channel_count[c] += (uint64_t)rows;
    clear_lanes(observer);
    add_all(observer, data, elems);
    merge_lanes(observer);
    add_picked(observer, data, rows);
}

double qn_observer_channel_mean(const qn_observer *observer, int64_t channel) {
    const uint64_t count = observer->channel_count[channel];
    return count ? observer->channel_sum[channel] / (double)count : 0;
}

double qn_observer_channel_square(const qn_observer *observer, int64_t channel) {
    const uint64_t count = observer->channel_count[channel];
    return count ? observer->channel_square_sum[channel] / (double)count : 0;
}
