/* Two lifetimes meet where one of them begins within the other, so the first steps of all blocks are the only points in
 * time that matter. Over these points stands a binary tree, a segment tree: a lifetime is cut into the few nodes whose
 * spans make it up. With points 0, 2, 3, 7 the lifetime 2 .. 8 covers the leaf of 2 and the node over 3 and 7. */

#include "base/skyline.h"

#include "base/heap.h"

#include <string.h>

static size_t leaves_for(size_t count) {
    size_t leaves = 1;
    while (leaves < count) leaves *= 2;
    return leaves;
}

size_t qn_skyline_scratch_bytes(size_t count) { return 4 * leaves_for(count) * sizeof(uint64_t); }

static int is_earlier(const void *self, const void *a, const void *b) {
    (void)self;
    return *(const uint32_t *)a < *(const uint32_t *)b;
}

void qn_skyline_init(qn_skyline *skyline, void *scratch, uint32_t *points, size_t count) {
    size_t leaves = leaves_for(count);
    qn_heap_sort(points, count, sizeof *points, is_earlier, NULL);
    *skyline = (qn_skyline){.whole = scratch, .points = points, .point_count = count, .leaves = leaves};
    skyline->most = skyline->whole + 2 * leaves;
    memset(scratch, 0, qn_skyline_scratch_bytes(count));
}

/* How many points are before `step`. */
static size_t points_before(const qn_skyline *skyline, uint64_t step) {
    size_t low = 0, high = skyline->point_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (skyline->points[middle] < step)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static uint64_t higher(uint64_t a, uint64_t b) { return a > b ? a : b; }

/* The highest end that was put in for a span that contains the span of `node` and more. */
static uint64_t above(const qn_skyline *skyline, size_t node) {
    uint64_t end = 0;
    for (node /= 2; node; node /= 2) end = higher(end, skyline->whole[node]);
    return end;
}

uint64_t qn_skyline_highest(const qn_skyline *skyline, uint32_t first, uint32_t last) {
    size_t left = points_before(skyline, first), right = points_before(skyline, (uint64_t)last + 1);
    if (left >= right) return 0;
    left += skyline->leaves;
    right += skyline->leaves;
    uint64_t end = higher(above(skyline, left), above(skyline, right - 1));
    for (; left < right; left /= 2, right /= 2) {
        if (left & 1) end = higher(end, skyline->most[left++]);
        if (right & 1) end = higher(end, skyline->most[--right]);
    }
    return end;
}

/* Puts a block's end in for just the span of `node`. */
static void cover(qn_skyline *skyline, size_t node, uint64_t end) {
    skyline->whole[node] = higher(skyline->whole[node], end);
    for (; node; node /= 2) skyline->most[node] = higher(skyline->most[node], end);
}

void qn_skyline_raise(qn_skyline *skyline, uint32_t first, uint32_t last, uint64_t end) {
    size_t left = points_before(skyline, first) + skyline->leaves;
    size_t right = points_before(skyline, (uint64_t)last + 1) + skyline->leaves;
    for (; left < right; left /= 2, right /= 2) {
        if (left & 1) cover(skyline, left++, end);
        if (right & 1) cover(skyline, --right, end);
    }
}
