/* base/heap.h - a binary heap of items of any kind, and sorting by it: in bounded time, without memory of its own and the same
 * everywhere, none of which the C library's qsort promises. */
#ifndef QN_BASE_HEAP_H
#define QN_BASE_HEAP_H

#include <stddef.h>

/* Is `a` to come out before `b`? Never of an item and itself. */
typedef int qn_heap_precedes(const void *self, const void *a, const void *b);

typedef struct qn_heap {
    void *items; /* the caller's; the first is the one that comes out next */
    size_t count, item_bytes;
    qn_heap_precedes *precedes;
    const void *self; /* handed to `precedes` */
} qn_heap;

/* Makes a heap of items in any order; everything else is filled in. O(count). */
void qn_heap_init(qn_heap *heap);
/* Takes the next item out; there is one. It stays behind those that are left, until items are added. O(log count). */
void *qn_heap_pop(qn_heap *heap);

/* Sorts so that no item precedes one before it. Items of which neither precedes the other may change places. O(n log n). */
void qn_heap_sort(void *items, size_t count, size_t item_bytes, qn_heap_precedes *precedes, const void *self);

#endif
