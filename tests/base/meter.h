/* An allocator that counts what it hands out and stops at a budget, for tests of exhaustion and of leaks. */
#ifndef QN_TESTS_BASE_METER_H
#define QN_TESTS_BASE_METER_H

#include "quench/allocator.h"

#include <stdint.h>
#include <stdlib.h>

typedef struct meter {
    size_t allocations; /* that succeeded */
    size_t live;        /* not freed yet */
    size_t budget;      /* how many may succeed */
    size_t bytes;       /* asked for in all, refused ones too */
    size_t handed;      /* bytes that were handed out in all */
    size_t handed_max;  /* how many may be; 0: any number */
} meter;

/* Blocks are exact, so that the address sanitizer sees the first byte beyond. */
static inline void *meter_alloc(void *self, size_t bytes, size_t align) {
    meter *m = self;
    m->bytes += bytes;
    if (m->allocations >= m->budget || bytes > (size_t)1 << 40) return NULL;
    if (m->handed_max && m->handed + bytes > m->handed_max) return NULL;
    void *block = NULL;
    if (posix_memalign(&block, align < sizeof(void *) ? sizeof(void *) : align, bytes)) return NULL;
    m->allocations++;
    m->live++;
    m->handed += bytes;
    return block;
}

static inline void meter_free(void *self, void *block) {
    if (block) ((meter *)self)->live--;
    free(block);
}

static inline qn_allocator meter_allocator(meter *m, size_t budget) {
    *m = (meter){.budget = budget};
    return (qn_allocator){m, meter_alloc, meter_free};
}

#endif
