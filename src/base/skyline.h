/* base/skyline.h - how high the blocks of a stretch of time reach.
 *
 * Blocks have a lifetime and an end in memory. "How high does anything reach that lives at the same time as this one?"
 * is answered in logarithmic time, whatever lives how long; looking at the blocks one by one would be quadratic.
 */
#ifndef QN_BASE_SKYLINE_H
#define QN_BASE_SKYLINE_H

#include <stddef.h>
#include <stdint.h>

typedef struct qn_skyline {
    uint64_t *whole, *most; /* a tree: what covers a node's whole span; the highest within it */
    const uint32_t *points;
    size_t point_count, leaves;
} qn_skyline;

/* Bytes of scratch for `count` blocks. */
size_t qn_skyline_scratch_bytes(size_t count);
/* `points`: the first steps of all blocks that will be asked about or put in, in any order; sorted in place and kept.
   `scratch` is 8-aligned. Allocates nothing. */
void qn_skyline_init(qn_skyline *skyline, void *scratch, uint32_t *points, size_t count);
/* The highest end of the blocks put in so far whose lifetime meets first .. last; 0 if there is none. `first` is a
 * point. */
uint64_t qn_skyline_highest(const qn_skyline *skyline, uint32_t first, uint32_t last);
/* Puts a block in; `first` is a point, first <= last. */
void qn_skyline_raise(qn_skyline *skyline, uint32_t first, uint32_t last, uint64_t end);

#endif
