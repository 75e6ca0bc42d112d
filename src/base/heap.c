#include "base/heap.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>

static uint8_t *item_at(const qn_heap *heap, size_t index) { return (uint8_t *)heap->items + index * heap->item_bytes; }

static void swap(uint8_t *a, uint8_t *b, size_t bytes) {
    uint8_t kept[64];
    for (size_t at = 0, part; at < bytes; at += part) {
        part = bytes - at < sizeof kept ? bytes - at : sizeof kept;
        memcpy(kept, a + at, part);
        memcpy(a + at, b + at, part);
        memcpy(b + at, kept, part);
    }
}

static int precedes(const qn_heap *heap, size_t a, size_t b) {
    return heap->precedes(heap->self, item_at(heap, a), item_at(heap, b));
}

static void sift_down(const qn_heap *heap, size_t root) {
    for (size_t child = 2 * root + 1; child < heap->count; child = 2 * root + 1) {
        if (child + 1 < heap->count && precedes(heap, child + 1, child)) child++;
        if (!precedes(heap, child, root)) return;
        swap(item_at(heap, root), item_at(heap, child), heap->item_bytes);
        root = child;
    }
}

void qn_heap_init(qn_heap *heap) {
    for (size_t i = heap->count / 2; i-- > 0;) sift_down(heap, i);
}

void *qn_heap_pop(qn_heap *heap) {
    assert(heap->count);
    uint8_t *last = item_at(heap, --heap->count);
    if (heap->count) swap(heap->items, last, heap->item_bytes);
    sift_down(heap, 0);
    return last;
}

/* Popping leaves the items in reverse order. */
void qn_heap_sort(void *items, size_t count, size_t item_bytes, qn_heap_precedes *comes_before, const void *self) {
    qn_heap heap = {items, count, item_bytes, comes_before, self};
    qn_heap_init(&heap);
    while (heap.count) qn_heap_pop(&heap);
    uint8_t *start = items;
    for (size_t i = 0; i < count / 2; i++)
        swap(start + i * item_bytes, start + (count - 1 - i) * item_bytes, item_bytes);
}
