#include "quant/ranges.h"

#define PERCENTILE_DEFAULT 99.99

/* The share that is left out is rounded down to whole values: of fewer than 10000, 99.99 % leaves out none. */
qn_range qn_range_percentile(const qn_range_source *source, const qn_range_request *request) {
    const double percentile = request->percentile > 0 ? request->percentile : PERCENTILE_DEFAULT;
    const uint64_t total = qn_histogram_total(source->histogram);
    const uint64_t beyond = (uint64_t)((double)total * (100 - percentile) / 100 + 1e-6); /* 100 - 99.9 is below 0.1 */
    if (!beyond) return (qn_range){source->min, source->max};
    return (qn_range){qn_histogram_rank(source->histogram, beyond, 0), qn_histogram_rank(source->histogram, beyond, 1)};
}
