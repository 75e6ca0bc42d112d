#include "base/offsets.h"

#include "base/checked.h"
#include "base/skyline.h"

#include <assert.h>
#include <string.h>

/* How many placed blocks are looked at, all blocks together, for the lowest gaps: a tenth of a second. Blocks beyond
   that go on top of whatever lives at the same time, which takes no search. */
#define LOOKS_MAX ((size_t)1 << 27)

/* A placed block; the list is kept sorted by `start`. */
typedef struct placed {
    uint64_t start, end;
    uint32_t first, last;
} placed;

size_t qn_offsets_scratch_bytes(size_t count) {
    return qn_skyline_scratch_bytes(count) + count * (sizeof(placed) + 2 * sizeof(uint32_t));
}

/* Does block a come before block b in the order of placement? */
static int goes_before(const qn_offsets_block *blocks, uint32_t a, uint32_t b) {
    if (blocks[a].bytes != blocks[b].bytes) return blocks[a].bytes > blocks[b].bytes;
    if (blocks[a].first != blocks[b].first) return blocks[a].first < blocks[b].first;
    return a < b;
}

/* Bottom-up merge sort of block numbers: the C library's qsort may allocate. The result is in the returned half. */
static const uint32_t *sort_order(const qn_offsets_block *blocks, size_t count, uint32_t *order, uint32_t *other) {
    for (size_t i = 0; i < count; i++) order[i] = (uint32_t)i;
    for (size_t width = 1; width < count; width *= 2) {
        for (size_t begin = 0; begin < count; begin += 2 * width) {
            size_t middle = begin + width < count ? begin + width : count;
            size_t end = middle + width < count ? middle + width : count;
            size_t a = begin, b = middle;
            for (size_t i = begin; i < end; i++) {
                int take_b = a == middle || (b < end && goes_before(blocks, order[b], order[a]));
                other[i] = order[take_b ? b++ : a++];
            }
        }
        uint32_t *swap = order;
        order = other;
        other = swap;
    }
    return order;
}

/* The lowest start at which `bytes` fit beside every placed block of a meeting lifetime. */
static uint64_t find_gap(const placed *list, size_t count, const qn_offsets_block *block, uint64_t bytes) {
    uint64_t start = 0;
    for (size_t i = 0; i < count; i++) {
        if (list[i].first > block->last || list[i].last < block->first) continue;
        if (list[i].start >= start && list[i].start - start >= bytes) break;
        if (list[i].end > start) start = list[i].end;
    }
    return start;
}

/* Puts a block into the list. */
static void insert(placed *list, size_t count, const placed *block) {
    size_t at = count;
    while (at > 0 && list[at - 1].start > block->start) at--;
    memmove(&list[at + 1], &list[at], (count - at) * sizeof *list);
    list[at] = *block;
}

/* Places the rest where the search has become too long: order[0 .. at) are placed, and `list` holds the `placed_count`
   of them that take room; order[at .. count) are not placed yet. `points` is room for `count` numbers. */
static int stack_rest(qn_offsets_block *blocks, const uint32_t *order, size_t at, size_t count, const placed *list,
                      size_t placed_count, void *scratch, uint32_t *points, uint64_t *inout_total) {
    qn_skyline skyline;
    for (size_t i = 0; i < count; i++) points[i] = blocks[i].first;
    qn_skyline_init(&skyline, scratch, points, count);
    for (size_t i = 0; i < placed_count; i++) qn_skyline_raise(&skyline, list[i].first, list[i].last, list[i].end);
    for (; at < count; at++) {
        qn_offsets_block *block = &blocks[order[at]];
        block->offset = 0;
        if (block->bytes == 0) continue;
        uint64_t start = qn_skyline_highest(&skyline, block->first, block->last);
        if (block->bytes > INT64_MAX / 2 || start > INT64_MAX / 2) return 0;
        block->offset = start;
        uint64_t end = start + qn_align_up(block->bytes, QN_OFFSETS_ALIGN);
        qn_skyline_raise(&skyline, block->first, block->last, end);
        if (end > *inout_total) *inout_total = end;
    }
    return 1;
}

#ifndef NDEBUG

/* Are the answers aligned, within the total, and apart where lifetimes meet? Of very many blocks only the first ones
   are compared with each other. */
static int are_apart(const qn_offsets_block *blocks, size_t count, uint64_t total) {
    enum { COMPARED_MAX = 1024 };
    for (size_t i = 0; i < count; i++) {
        const qn_offsets_block *a = &blocks[i];
        if (a->offset % QN_OFFSETS_ALIGN || (a->bytes && a->offset + a->bytes > total)) return 0;
        for (size_t j = 0; a->bytes && j < i && i < COMPARED_MAX; j++) {
            const qn_offsets_block *b = &blocks[j];
            const int meet = a->first <= b->last && b->first <= a->last;
            if (meet && b->bytes && a->offset < b->offset + b->bytes && b->offset < a->offset + a->bytes) return 0;
        }
    }
    return 1;
}

#endif

int qn_offsets_pack(qn_offsets_block *blocks, size_t count, void *scratch, uint64_t *out_total_bytes) {
    placed *list = scratch;
    uint8_t *skyline = (uint8_t *)(list + count);
    uint32_t *order_room = (uint32_t *)(void *)(skyline + qn_skyline_scratch_bytes(count));
    const uint32_t *order = sort_order(blocks, count, order_room, order_room + count);
    uint32_t *points = order == order_room ? order_room + count : order_room;
    size_t placed_count = 0, looks = 0;
    *out_total_bytes = 0;
    for (size_t i = 0; i < count; i++) {
        qn_offsets_block *block = &blocks[order[i]];
        looks += placed_count;
        if (looks > LOOKS_MAX) {
            if (!stack_rest(blocks, order, i, count, list, placed_count, skyline, points, out_total_bytes)) return 0;
            break;
        }
        block->offset = 0;
        if (block->bytes == 0) continue;
        if (block->bytes > INT64_MAX / 2) return 0;
        uint64_t bytes = qn_align_up(block->bytes, QN_OFFSETS_ALIGN);
        uint64_t start = find_gap(list, placed_count, block, bytes);
        if (start > INT64_MAX / 2) return 0;
        insert(list, placed_count++, &(placed){start, start + bytes, block->first, block->last});
        block->offset = start;
        if (start + bytes > *out_total_bytes) *out_total_bytes = start + bytes;
    }
    assert(are_apart(blocks, count, *out_total_bytes));
    return 1;
}
