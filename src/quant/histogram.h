/* quant/histogram.h - how often which values occur, in memory that does not grow.
 *
 * Bins of one width, a power of two, lie side by side with their edges at multiples of it, so that 0 is an edge always:
 *
 *        outliers   |  negative bins  0  positive bins  |   outliers
 *      exact values [-negative * width      positive * width)   exact values
 *
 * A value outside the bins joins a short list of exact values. When the list is full the bins widen (neighbours merge)
 * or slide until the smaller half of it fits, so one value a million times larger than the others costs no resolution.
 * Zeros, which every quantisation represents exactly, are counted apart.
 *
 * The same values in the same order give the same histogram. Counts saturate: when one is full, all are halved.
 */
#ifndef QN_QUANT_HISTOGRAM_H
#define QN_QUANT_HISTOGRAM_H

#include <stddef.h>
#include <stdint.h>

enum { QN_HISTOGRAM_BINS_MAX = 2048, QN_HISTOGRAM_OUTLIERS_MAX = 256 };

typedef struct qn_histogram {
    uint32_t *counts;       /* [bins], the caller's */
    float *outliers;        /* [capacity], the caller's: what lies outside the bins */
    uint64_t zeros;         /* values that are 0 */
    double bins_per_unit;   /* 1 / width */
    int bins, capacity;     /* sizes; bins <= QN_HISTOGRAM_BINS_MAX, 2 <= capacity <= QN_HISTOGRAM_OUTLIERS_MAX */
    int outlier_count;      /* below capacity */
    int negative, positive; /* bins below and above 0: their sum is `bins`, or 0 before there is a width */
    int exponent;           /* width is 2^exponent */
} qn_histogram;

/* A copy that may be changed, with room of its own. */
typedef struct qn_histogram_copy {
    qn_histogram histogram; /* points into the two arrays: not to be copied by assignment */
    uint32_t counts[QN_HISTOGRAM_BINS_MAX];
    float outliers[QN_HISTOGRAM_OUTLIERS_MAX];
} qn_histogram_copy;

/* `counts` and `outliers` are zeroed and stay the caller's. */
void qn_histogram_init(qn_histogram *histogram, uint32_t *counts, int bins, float *outliers, int capacity);

/* What qn_histogram_add does with a value that lies in no bin, and with a full count. */
void qn_histogram_add_outlier(qn_histogram *histogram, float value);
void qn_histogram_halve(qn_histogram *histogram);

/* Counts one finite value. */
static inline void qn_histogram_add(qn_histogram *histogram, float value) {
    if (value == 0) {
        histogram->zeros++;
        return;
    }
    double at = value * histogram->bins_per_unit; /* exact: a power of two */
    if (at >= -histogram->negative && at < histogram->positive) {
        int bin = (int)at;
        bin += histogram->negative - (at < bin);
        if (histogram->counts[bin] == UINT32_MAX) qn_histogram_halve(histogram);
        histogram->counts[bin]++;
    } else {
        qn_histogram_add_outlier(histogram, value);
    }
}

/* How many values it holds: zeros, those in bins and outliers. */
uint64_t qn_histogram_total(const qn_histogram *histogram);

/* Copies `histogram` and widens the copy until at most one value of QN_HISTOGRAM_OUTLIER_SHARE is an outlier. */
enum { QN_HISTOGRAM_OUTLIER_SHARE = 8192 };
void qn_histogram_settle(const qn_histogram *histogram, qn_histogram_copy *out_copy);

/* The lower edge of bin `index`; index = bins gives the end of the last. */
double qn_histogram_edge(const qn_histogram *histogram, int index);

/* The value that exactly `rank` others exceed (from_top) or stay below (else), 0 <= rank < total. Exact among outliers
   and zeros, interpolated within a bin. */
double qn_histogram_rank(const qn_histogram *histogram, uint64_t rank, int from_top);

#endif
