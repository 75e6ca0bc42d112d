#include "quant/histogram.h"

#include "base/checked.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Widths below the smallest float serve nobody. */
enum { EXPONENT_MIN = -149, SHIFT_MAX = 16 };

void qn_histogram_init(qn_histogram *histogram, uint32_t *counts, int bins, float *outliers, int capacity) {
    assert(bins >= 2 && bins <= QN_HISTOGRAM_BINS_MAX && capacity >= 2 && capacity <= QN_HISTOGRAM_OUTLIERS_MAX);
    *histogram = (qn_histogram){.counts = counts, .outliers = outliers, .bins = bins, .capacity = capacity};
}

void qn_histogram_halve(qn_histogram *histogram) {
    for (int i = 0; i < histogram->bins; i++) histogram->counts[i] -= histogram->counts[i] / 2;
    histogram->zeros -= histogram->zeros / 2;
}

uint64_t qn_histogram_total(const qn_histogram *histogram) {
    uint64_t total = histogram->zeros + (uint64_t)histogram->outlier_count;
    for (int i = 0; i < histogram->bins; i++) total += histogram->counts[i];
    return total;
}

double qn_histogram_edge(const qn_histogram *histogram, int index) {
    return ldexp(index - histogram->negative, histogram->exponent);
}

/* ---- Widening ---- */

/* By magnitude; negative first among equals, so that no order depends on the sorting algorithm. */
static int compare_magnitudes(const void *left, const void *right) {
    float a = *(const float *)left, b = *(const float *)right;
    if (fabsf(a) != fabsf(b)) return fabsf(a) < fabsf(b) ? -1 : 1;
    return (a > b) - (a < b);
}

static int64_t ceil_shift(int64_t bins, int shift) {
    return qn_ceil_div_i64(bins, INT64_C(1) << (shift < SHIFT_MAX ? shift : SHIFT_MAX));
}

/* Moves the counts to bins 2^shift times as wide, `negative` of them below 0. */
static void rebin(qn_histogram *histogram, int shift, int negative) {
    uint32_t old[QN_HISTOGRAM_BINS_MAX];
    const int64_t merged = INT64_C(1) << (shift < SHIFT_MAX ? shift : SHIFT_MAX);
    memcpy(old, histogram->counts, (size_t)histogram->bins * sizeof *old);
    memset(histogram->counts, 0, (size_t)histogram->bins * sizeof *old);
    for (int i = 0; i < histogram->bins; i++) {
        if (!old[i]) continue;
        uint32_t *count = &histogram->counts[qn_floor_div_i64(i - histogram->negative, merged) + negative];
        *count = old[i] > UINT32_MAX - *count ? UINT32_MAX : *count + old[i];
    }
    histogram->exponent += shift;
    histogram->negative = negative;
    histogram->positive = histogram->bins - negative;
    histogram->bins_per_unit = ldexp(1, -histogram->exponent);
}

/* Makes the bins cover low <= 0 <= high besides what they hold. */
static void cover(qn_histogram *histogram, double low, double high) {
    int first = 0, last = histogram->bins - 1, shift = 0;
    double below, above;
    if (!histogram->positive && !histogram->negative) {
        int exponent = ilogb(fmax(-low, high)) - ilogb(histogram->bins) - 1;
        histogram->exponent = exponent > EXPONENT_MIN ? exponent : EXPONENT_MIN;
    }
    while (first < histogram->bins && !histogram->counts[first]) first++;
    while (last > first && !histogram->counts[last]) last--;
    const int64_t used_below = qn_max_i64(histogram->negative - first, 0);
    const int64_t used_above = first < histogram->bins ? qn_max_i64(last + 1 - histogram->negative, 0) : 0;
    for (;; shift++) {
        double unit = ldexp(1, -histogram->exponent - shift);
        below = fmax(ceil(-low * unit), (double)ceil_shift(used_below, shift));
        above = fmax(high > 0 ? floor(high * unit) + 1 : 0, (double)ceil_shift(used_above, shift));
        if (below + above <= histogram->bins) break;
    }
    /* Bins to spare go to both sides alike, but none to a side without values. */
    double spare = histogram->bins - below - above;
    rebin(histogram, shift, (int)(below + floor(spare * below / (below + above))));
}

/* Widens until all but the `keep` largest outliers fit. */
static void admit(qn_histogram *histogram, int keep) {
    int count = histogram->outlier_count;
    float low = 0, high = 0;
    qsort(histogram->outliers, (size_t)count, sizeof *histogram->outliers, compare_magnitudes);
    for (int i = 0; i < count - keep; i++) {
        low = fminf(low, histogram->outliers[i]);
        high = fmaxf(high, histogram->outliers[i]);
    }
    cover(histogram, low, high);
    histogram->outlier_count = 0;
    for (int i = 0; i < count; i++) qn_histogram_add(histogram, histogram->outliers[i]); /* keeps at most `keep` */
}

void qn_histogram_add_outlier(qn_histogram *histogram, float value) {
    histogram->outliers[histogram->outlier_count++] = value;
    if (histogram->outlier_count == histogram->capacity) admit(histogram, histogram->capacity / 2);
}

void qn_histogram_settle(const qn_histogram *histogram, qn_histogram_copy *out_copy) {
    const uint64_t keep = qn_histogram_total(histogram) / QN_HISTOGRAM_OUTLIER_SHARE;
    memcpy(out_copy->counts, histogram->counts, (size_t)histogram->bins * sizeof *out_copy->counts);
    memcpy(out_copy->outliers, histogram->outliers, (size_t)histogram->outlier_count * sizeof *out_copy->outliers);
    out_copy->histogram = *histogram;
    out_copy->histogram.counts = out_copy->counts;
    out_copy->histogram.outliers = out_copy->outliers;
    if ((uint64_t)histogram->outlier_count > keep) admit(&out_copy->histogram, (int)keep);
}

/* ---- Ranks ---- */

static int compare_values(const void *left, const void *right) {
    float a = *(const float *)left, b = *(const float *)right;
    return (a > b) - (a < b);
}

/* Steps over `count` values at `value`; 1 if the rank is among them. */
static int is_among(uint64_t *rank, uint64_t count) {
    if (*rank < count) return 1;
    *rank -= count;
    return 0;
}

/* The value of rank `rank` in the order from bin `from` to bin `to`, both inclusive; 0 if it is beyond them. */
static int rank_in_bins(const qn_histogram *histogram, uint64_t *rank, int from, int to, double *out_value) {
    const int step = from <= to ? 1 : -1;
    for (int i = from; i != to + step; i += step) {
        if (!is_among(rank, histogram->counts[i])) continue;
        double share = (double)*rank / histogram->counts[i], width = ldexp(1, histogram->exponent);
        *out_value = qn_histogram_edge(histogram, step > 0 ? i : i + 1) + step * share * width;
        return 1;
    }
    return 0;
}

double qn_histogram_rank(const qn_histogram *histogram, uint64_t rank, int from_top) {
    float outliers[QN_HISTOGRAM_OUTLIERS_MAX];
    const int count = histogram->outlier_count, bins = histogram->bins, negative = histogram->negative;
    int below = 0;
    double value = 0;
    memcpy(outliers, histogram->outliers, (size_t)count * sizeof *outliers);
    qsort(outliers, (size_t)count, sizeof *outliers, compare_values);
    while (below < count && outliers[below] < 0) below++;
    if (from_top) {
        if (is_among(&rank, (uint64_t)(count - below))) return outliers[count - 1 - (int)rank];
        if (negative < bins && rank_in_bins(histogram, &rank, bins - 1, negative, &value)) return value;
        if (is_among(&rank, histogram->zeros)) return 0;
        if (negative > 0 && rank_in_bins(histogram, &rank, negative - 1, 0, &value)) return value;
        assert(rank < (uint64_t)below);
        return outliers[below - 1 - (int)rank];
    }
    if (is_among(&rank, (uint64_t)below)) return outliers[rank];
    if (negative > 0 && rank_in_bins(histogram, &rank, 0, negative - 1, &value)) return value;
    if (is_among(&rank, histogram->zeros)) return 0;
    if (negative < bins && rank_in_bins(histogram, &rank, negative, bins - 1, &value)) return value;
    assert(rank < (uint64_t)(count - below));
    return outliers[below + (int)rank];
}
