/* quant/ranges.h - from what an observer saw to the range that quantised values shall span.
 *
 *     const qn_range_algorithm *algorithm;
 *     const qn_range_request request = {.bits = 8};
 *     qn_range range;
 *     QN_TRY(qn_range_algorithm_find("EQNM_ALGORITHM", &algorithm));
 *     QN_TRY(qn_range_estimate(algorithm, observer, &request, &range));
 *
 * Every range is finite, includes 0, and is at least QN_RANGE_SPAN_MIN wide, so that scales made of it are normal
 * floats. What spans less, all-zero values for instance, gets [0, 1], or [-1, 1] where it is to be symmetric.
 */
#ifndef QN_QUANT_RANGES_H
#define QN_QUANT_RANGES_H

#include "base/status.h"
#include "quant/observer.h"

/* 2^-64: less is noise, and scales below could no longer be divided by each other safely. */
#define QN_RANGE_SPAN_MIN 0x1p-64

typedef struct qn_range {
    double low, high; /* low <= 0 <= high */
} qn_range;

typedef struct qn_range_request {
    int bits;          /* 8, or 16, which is symmetric always */
    int symmetric;     /* low = -high? */
    double percentile; /* for "percentile": above 50, at most 100; 0: 99.99 */
} qn_range_request;

/* What estimators look at: the whole value or one channel. */
typedef struct qn_range_source {
    const qn_histogram *histogram;
    double min, max;                 /* of finite elements; both 0 where there are none */
    double average_min, average_max; /* moving averages; min and max for a channel */
} qn_range_source;

typedef struct qn_range_algorithm {
    const char *name;      /* "eqnm" */
    const char *spelling;  /* in configurations: "EQNM_ALGORITHM" */
    int works_on_channels; /* else a channel gets its extremes within the range of the whole value */
    const char *doc;
    /* Any range: the caller adds 0, makes it symmetric and wide enough. */
    qn_range (*estimate)(const qn_range_source *source, const qn_range_request *request);
} qn_range_algorithm;

/* The rows of ranges.def, in their order. */
size_t qn_range_algorithm_count(void);
const qn_range_algorithm *qn_range_algorithm_at(size_t index);

/* By name or spelling; neither case nor '-' for '_' matters. INVALID_ARGUMENT, with the nearest name. */
qn_status *qn_range_algorithm_find(const char *name, const qn_range_algorithm **out_algorithm) QN_MUST_USE;

/* The range of the whole value. INVALID_ARGUMENT: a request outside the limits above, or no finite element was seen. */
qn_status *qn_range_estimate(const qn_range_algorithm *algorithm, const qn_observer *observer,
                             const qn_range_request *request, qn_range *out_range) QN_MUST_USE;

/* The same for one channel, 0 <= channel < observer->channels; a channel without a finite element counts as zeros. */
qn_status *qn_range_estimate_channel(const qn_range_algorithm *algorithm, const qn_observer *observer,
                                     const qn_range_request *request, int64_t channel, qn_range *out_range) QN_MUST_USE;

/* The same for all channels, out_ranges[observer->channels]: what all of them share is computed once. */
qn_status *qn_range_estimate_channels(const qn_range_algorithm *algorithm, const qn_observer *observer,
                                      const qn_range_request *request, qn_range *out_ranges) QN_MUST_USE;

/* The estimators, one file each. */
#define QN_RANGE(name, spelling, channels, doc)                                                                        \
    qn_range qn_range_##name(const qn_range_source *source, const qn_range_request *request);
#include "quant/ranges.def"
#undef QN_RANGE

#endif
