/* driver/calibrate/calibrator.h - the private side of quench/calibrator.h. */
#ifndef QN_DRIVER_CALIBRATE_CALIBRATOR_H
#define QN_DRIVER_CALIBRATE_CALIBRATOR_H

#include "driver/common/progress.h"
#include "driver/calibrate/value_ranges.h"
#include "ir/graph.h"
#include "quant/moments.h"
#include "quant/ranges.h"
#include "quench/calibrator.h"

/* One value that calibration watches. */
typedef struct qn_watched {
    const char *name;
    qn_observer *observer;
    qn_moments *moments; /* a list; NULL where nobody asked for them */
} qn_watched;

struct qn_calibrator {
    qn_allocator allocator;
    qn_arena arena; /* names, and ranges that were loaded */
    qn_log log;
    int has_log;
    const qn_range_algorithm *algorithm;
    int threads;
    qn_progress progress;
    QN_LIST(qn_watched) watched;
    const char *network; /* what was calibrated last */
    uint64_t source_bytes, source_hash;
    int64_t samples;
    QN_LIST(uint64_t) seen; /* hashes of samples, to notice duplicates; no more than DUPLICATES_MAX */
    int64_t duplicates;
    qn_value_ranges loaded;
    int has_loaded;
    float fixed_low, fixed_high; /* fixed_low < fixed_high: one range for all */
    qn_buffer text;
};

/* What layers' windows over a value held (quant/moments.h), or NULL: nobody asked, or the ranges are from elsewhere. */
const qn_moments *qn_calibrator_find_moments(const qn_calibrator *calibrator, const char *value);

/* The ranges as they are known, in `arena`; bits 8 or 16. Empty where nothing is. */
qn_status *qn_calibrator_ranges(const qn_calibrator *calibrator, int bits, int symmetric, qn_arena *arena,
                                qn_value_ranges *out_ranges) QN_MUST_USE;

/* Is `value` one that integer precision needs to know about: a float that a convolution or product reads, or
   an addition that is asked to be one of integers? */
int qn_calibrator_watches(const qn_graph *graph, const qn_value *value);

#endif
