/* driver/calibrate/value_ranges.h - the ranges of a network's values: what calibration finds, and a file that people can read.
 *
 *     {
 *       "format": "quench ranges 1",
 *       "network": "deeplab",
 *       "algorithm": "eqnm",
 *       "samples": 100,
 *       "source": {"bytes": 8773281, "hash": "90c5f2b1a6d3e478"},
 *       "values": {
 *         "MobilenetV2/Conv/Relu6": {"min": 0.0, "max": 6.0, "elements": 4226816,
 *           "channel_min": [0.0, 0.0],
 *           "channel_max": [6.0, 5.5],
 *           "channel_mean": [0.75, 1.25],
 *           "channel_square": [1.5, 2.5]},
 *         ...
 *
 * "elements": how many each channel was seen to have. "source", "elements" and the arrays may be absent; "channel_min"
 * and "channel_max" come together. "channel_square" is the mean of squares. Values keep their order, and numbers are
 * read back as the floats they were.
 */
#ifndef QN_DRIVER_CALIBRATE_VALUE_RANGES_H
#define QN_DRIVER_CALIBRATE_VALUE_RANGES_H

#include "base/memory.h"
#include "base/status.h"

#include <stdint.h>

enum { QN_VALUE_CHANNELS_MAX = 65536 };

typedef struct qn_value_range {
    const char *name;
    int64_t channels;                        /* of the arrays below; 0 where there are none */
    float low, high;                         /* finite, low <= high */
    int64_t elements;                        /* of each channel, that were seen; 0: not known */
    const float *channel_low, *channel_high; /* [channels], or both NULL; low <= channel_low <= channel_high <= high */
    const float *channel_mean, *channel_square; /* [channels], or NULL; means within the channel's range where that is
                                                   known, squares not below the mean's own, but for rounding */
} qn_value_range;

typedef struct qn_value_ranges {
    const char *origin;              /* the file, or whatever it was called; "" where nothing was read */
    const char *network, *algorithm; /* "" where unknown; the arena's after reading, else the caller's */
    int64_t samples;
    int has_source; /* is the file known that was calibrated? */
    uint64_t source_bytes, source_hash;
    QN_LIST(qn_value_range) list; /* in the order of adding */
    qn_arena *arena;              /* owns the list and all it points to */
    uint32_t *slots;              /* [slot_count] by hash of the name: index into the list + 1, or 0 */
    size_t slot_count;            /* 0 or a power of two */
} qn_value_ranges;

/* An empty table. `arena` must outlive it; there is nothing to deinit. */
void qn_value_ranges_init(qn_value_ranges *ranges, qn_arena *arena);

/* Adds a copy of `range`. INVALID_ARGUMENT: a name that is there already, numbers or arrays outside the limits above;
   OUT_OF_MEMORY. Messages name the value. */
qn_status *qn_value_ranges_add(qn_value_ranges *ranges, const qn_value_range *range) QN_MUST_USE;

/* The range of that name, or NULL. Valid until the next addition. */
const qn_value_range *qn_value_ranges_find(const qn_value_ranges *ranges, const char *name);

/* The same for a value of the network at hand. NOT_FOUND: there is none; INVALID_ARGUMENT: it has another number of
   channels, so the ranges are another model's. `channels` < 0: any. */
qn_status *qn_value_ranges_get(const qn_value_ranges *ranges, const char *name, int64_t channels,
                               const qn_value_range **out_range) QN_MUST_USE;

/* Appends the JSON above. INVALID_ARGUMENT: a name that is no UTF-8; OUT_OF_MEMORY. */
qn_status *qn_value_ranges_write(const qn_value_ranges *ranges, qn_buffer *buffer) QN_MUST_USE;

/* Initialises *out_ranges and fills it from such text, which may be hostile; `origin` begins every message, which names
   value and key too. INVALID_ARGUMENT: anything but the format above; INCOMPATIBLE: another version of it;
   LIMIT: more than 16 MiB, 64 levels or QN_VALUE_CHANNELS_MAX channels; OUT_OF_MEMORY. */
qn_status *qn_value_ranges_parse(const char *text, size_t bytes, const char *origin, qn_arena *arena,
                                 qn_value_ranges *out_ranges) QN_MUST_USE;
/* The same from a file; + NOT_FOUND, IO. */
qn_status *qn_value_ranges_read_file(const char *path, qn_arena *arena, qn_value_ranges *out_ranges) QN_MUST_USE;

#endif
