/* base/skyline.h - how high the blocks of a stretch of time reach.
 *
 * A block has a lifetime, in steps, and an end in memory. "How high does any block reach that lives at the same time as
 * this block?" is answered in logarithmic time; looking at the blocks one by one would be quadratic. For example, with
 * the points 0, 2 and 3, after raise(0, 2, 128) and raise(2, 5, 64), highest(0, 1) is 128, highest(3, 4) is 64, and
 * highest(2, 9) is 128.
 */
#ifndef QN_BASE_SKYLINE_H
#define QN_BASE_SKYLINE_H

#include <stddef.h>
#include <stdint.h>

typedef struct qn_skyline {
    /* A binary tree over the points, node 1 being the root and node n having the children 2 * n and 2 * n + 1. By node:
       the highest end of the blocks that were put in for just this node's span; the highest end of the blocks that
       were put in for the span of this node or of any node below it. */
    uint64_t *whole, *most;
    const uint32_t *points; /* sorted first steps, one for each leaf */
    size_t point_count, leaves;
} qn_skyline;

/* Bytes of scratch for `count` blocks. */
size_t qn_skyline_scratch_bytes(size_t count);
/* An empty skyline. `points`: the first steps of all blocks that will be asked about or put in, in any order; they are
   sorted in place, and must outlive the skyline, as must `scratch`, which is 8-aligned. Allocates nothing. */
void qn_skyline_init(qn_skyline *skyline, void *scratch, uint32_t *points, size_t count);
/* The highest end of the blocks put in so far whose lifetime meets first .. last; 0 if there is none. `first` is a
 * point. */
uint64_t qn_skyline_highest(const qn_skyline *skyline, uint32_t first, uint32_t last);
/* Puts a block in; `first` is a point, first <= last. */
void qn_skyline_raise(qn_skyline *skyline, uint32_t first, uint32_t last, uint64_t end);

#endif
