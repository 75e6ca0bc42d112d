/* quant/observer.h - what is kept of one value while calibration runs the float network on samples.
 *
 * A value is seen once per sample as float32 [rows, channels]: all axes but the last are rows, and their number may
 * differ from sample to sample. Nothing grows with the number of samples, and the same samples in the same order give
 * the same bits, on every machine.
 *
 *     qn_observer *observer;
 *     QN_TRY(qn_observer_create(NULL, 64, &observer));
 *     for each sample: qn_observer_add(observer, data, rows);
 *     ...                                              estimate ranges (quant/ranges.h)
 *     qn_observer_destroy(observer);
 *
 * NaN and infinities are counted and left out of everything else.
 */
#ifndef QN_QUANT_OBSERVER_H
#define QN_QUANT_OBSERVER_H

#include "base/memory.h"
#include "base/status.h"
#include "quant/histogram.h"

#include <stdint.h>

/* Values with more channels are observed as a whole only, as if they had one. */
#define QN_OBSERVER_CHANNELS_MAX INT64_C(65536)

/* At most about so many elements of one sample enter the histograms, other rows in every sample; minima, maxima and
   sums see all. */
enum { QN_OBSERVER_PICK = 1 << 16, QN_OBSERVER_BINS = 2048, QN_OBSERVER_CHANNEL_BINS = 128 };

/* Each sample after the first moves the averages of minimum and maximum by 1 - this. */
#define QN_OBSERVER_MOMENTUM 0.9

/* For reading by others; only quant/observer.c writes. */
typedef struct qn_observer {
    const qn_allocator *allocator;
    int64_t row_elems; /* the channels of the value */
    int64_t channels;  /* those observed one by one: row_elems, or 1 above QN_OBSERVER_CHANNELS_MAX */
    uint64_t samples;  /* calls of qn_observer_add, empty ones too */
    uint64_t elements; /* seen in all, finite or not */
    uint64_t non_finite;
    float min, max;                           /* of finite elements; min > max where there was none yet */
    double average_min, average_max;          /* moving averages of the samples' extremes; 0 where there was none yet */
    float *channel_min, *channel_max;         /* [channels]; min > max where there was no finite element */
    double *channel_sum, *channel_square_sum; /* [channels] */
    uint64_t *channel_count;                  /* [channels]: finite elements */
    qn_histogram histogram;                   /* QN_OBSERVER_BINS */
    qn_histogram *channel_histograms;         /* [channels] of QN_OBSERVER_CHANNEL_BINS; NULL where channels == 1 */
    /* One sample's minima, maxima and sums, [lanes]: several rows side by side where channels are few. */
    int64_t lanes;
    float *lane_min, *lane_max;
    double *lane_sum, *lane_square_sum;
    uint32_t *counts; /* of all histograms */
    float *outliers;  /* of all histograms */
} qn_observer;

/* For a value of `channels` >= 1. `allocator` (NULL: the heap) is remembered and must outlive the observer. Takes about
   0.6 KiB a channel. OUT_OF_MEMORY, with *out_observer NULL; INVALID_ARGUMENT. */
qn_status *qn_observer_create(const qn_allocator *allocator, int64_t channels, qn_observer **out_observer) QN_MUST_USE;
void qn_observer_destroy(qn_observer *observer); /* accepts NULL */
/* Another that has seen the same, on the same allocator. OUT_OF_MEMORY. */
qn_status *qn_observer_copy(const qn_observer *observer, qn_observer **out_copy) QN_MUST_USE;

/* Takes in one sample: `data` is [rows, channels], rows >= 0, finite or not. Allocates nothing. */
void qn_observer_add(qn_observer *observer, const float *data, int64_t rows);

/* Mean and mean of squares of the finite elements of a channel < observer->channels; 0 where there are none. */
double qn_observer_channel_mean(const qn_observer *observer, int64_t channel);
double qn_observer_channel_square(const qn_observer *observer, int64_t channel);

#endif
