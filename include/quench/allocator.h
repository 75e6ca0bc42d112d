/* quench/allocator.h - where quench gets its memory.
 *
 * An allocator is given when a top-level object is created and remembered by it; everything the object owns comes
 * from there. NULL where an allocator is asked for means the C library's heap; neither of an allocator's functions may
 * be NULL.
 */
#ifndef QUENCH_ALLOCATOR_H
#define QUENCH_ALLOCATOR_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct qn_allocator {
    void *self;
    /* Returns `bytes` (> 0) bytes aligned to `align` (a power of two, at most 4096), or NULL. Must be callable
       from every thread that uses an object created with it. */
    void *(*alloc)(void *self, size_t bytes, size_t align);
    /* Frees what alloc returned; `block` may be NULL. */
    void (*free)(void *self, void *block);
} qn_allocator;

#ifdef __cplusplus
}
#endif
#endif
