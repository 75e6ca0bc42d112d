#include "quant/ranges.h"

#include <math.h>

/* The search TensorRT made known: cut the histogram of magnitudes at a threshold, give what is beyond to the last bin,
   compare that distribution with itself at the resolution of quantised values. */
enum { STEPS = 256 }; /* thresholds tried at most */

/* Counts of |x| in bins as wide as the histogram's; returns how many are in use. */
static int fold(const qn_histogram *histogram, double *out_counts) {
    int used = 0;
    for (int i = 0; i < histogram->bins; i++) {
        const int bin = i < histogram->negative ? histogram->negative - 1 - i : i - histogram->negative;
        if (!histogram->counts[i]) continue;
        out_counts[bin] += histogram->counts[i];
        if (bin >= used) used = bin + 1;
    }
    return used;
}

/* Sum of p log(p / q) over the first `count` bins, where q is p without `beyond`, spread evenly over the bins that hold
   something in each of `levels` groups. */
static double divergence(const double *counts, int count, double beyond, int levels) {
    double total = beyond, inside = 0, sum = 0;
    for (int i = 0; i < count; i++) inside += counts[i];
    total += inside;
    if (!(inside > 0)) return INFINITY;
    for (int level = 0; level < levels; level++) {
        const int from = (int)((int64_t)level * count / levels), to = (int)((int64_t)(level + 1) * count / levels);
        double group = 0;
        int holding = 0;
        for (int i = from; i < to; i++) {
            group += counts[i];
            holding += counts[i] > 0;
        }
        for (int i = from; i < to; i++) {
            const double p = (counts[i] + (i == count - 1 ? beyond : 0)) / total;
            /* Where only clipped values fall, q counts one value: a bin that quantisation cannot tell of. */
            const double q = (counts[i] > 0 ? group / holding : 1) / inside;
            if (p > 0) sum += p * log(p / q);
        }
    }
    return sum;
}

/* How many quantised values stand for magnitudes; more than there are bins lose nothing. */
static int count_levels(const qn_histogram *histogram, const qn_range_request *request) {
    if (request->bits == 16) return QN_HISTOGRAM_BINS_MAX;
    const int one_sided = !histogram->negative || !histogram->positive;
    return one_sided && !request->symmetric ? 256 : 128;
}

qn_range qn_range_kl(const qn_range_source *source, const qn_range_request *request) {
    double counts[QN_HISTOGRAM_BINS_MAX] = {0}, beyond = 0, least = INFINITY;
    qn_histogram_copy settled;
    qn_histogram_settle(source->histogram, &settled);
    const int used = fold(&settled.histogram, counts), levels = count_levels(&settled.histogram, request);
    const int step = used > levels ? (used - levels - 1) / STEPS + 1 : 1;
    int best = used;
    for (int count = used; count >= levels; count -= step) {
        const double d = divergence(counts, count, beyond, levels);
        if (d < least) least = d, best = count;
        for (int i = count - step; i >= 0 && i < count; i++) beyond += counts[i];
    }
    const double threshold = ldexp(best, settled.histogram.exponent);
    return (qn_range){-threshold, threshold};
}
