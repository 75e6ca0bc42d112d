/* kernel/channels.h - vectors with one element for each channel, or one for all, for kernels that take elements in
 * pieces and want an element of the vector beside each. Short vectors are repeated in scratch. With 3 channels and
 * pieces of at most 512 elements a vector {a, b, c} is repeated 171 times; the piece from element 1000 on, which
 * belongs to channel 1000 % 3 = 1, begins at repeated[1000 % 513] = b, and goes on for 26 elements, to the end of the
 * copies.
 */
#ifndef QN_KERNEL_CHANNELS_H
#define QN_KERNEL_CHANNELS_H

#include "kernel/work.h"

enum { QN_CHANNEL_BYTES = 4 }; /* of an element: factors and limits are floats, zero points int32 */

typedef struct qn_channel_vector {
    const void *data;
    int64_t period; /* elements of all copies, a multiple of the channels; 0: all elements are the same */
    int64_t copies; /* how often `data` is copied to scratch; 0: it is read where it is */
} qn_channel_vector;

/* `count` is 1 or `channels`; `piece`: the most elements that are looked at in one go. */
static inline qn_channel_vector qn_channels_plan(const void *data, int64_t count, int64_t channels, int64_t piece) {
    qn_channel_vector v = {.data = data, .period = count == 1 ? 0 : channels};
    if (count == 1) {
        v.copies = piece;
    } else if (channels < piece) {
        v.copies = qn_ceil_div(piece, channels);
        v.period = channels * v.copies;
    }
    return v;
}

static inline int64_t qn_channels_scratch_bytes(const qn_channel_vector *v) {
    return v->copies ? qn_round_line(v->period ? v->period : v->copies) * QN_CHANNEL_BYTES : 0;
}

/* Makes the copies in `scratch`. Returns where qn_channels_find reads: `scratch`, or the data itself without copies. */
static inline const void *qn_channels_repeat(const qn_channel_vector *v, void *scratch) {
    if (!v->copies) return v->data;
    const int64_t total = (v->period ? v->period : v->copies) * QN_CHANNEL_BYTES;
    int64_t done = total / v->copies;
    memcpy(scratch, v->data, (size_t)done);
    for (int64_t more; done < total; done += more) {
        more = qn_min_i64(done, total - done);
        memcpy(qn_elem_mut(scratch, done, 1), scratch, (size_t)more);
    }
    return scratch;
}

/* The elements of the vector for element i and those after it. *inout_count is lowered to how many there are. */
static inline const void *qn_channels_find(const qn_channel_vector *v, const void *repeated, int64_t i,
                                           int64_t *inout_count) {
    if (!v->period) return repeated;
    const int64_t at = i % v->period;
    assert(*inout_count > 0);
    *inout_count = qn_min_i64(*inout_count, v->period - at);
    return qn_elem(repeated, at, QN_CHANNEL_BYTES);
}

#endif
