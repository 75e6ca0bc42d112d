/* base/offsets.h - places blocks with limited lifetimes in one arena.
 *
 * Two blocks may share bytes only if their lifetimes do not meet. Blocks are placed in order of decreasing size, each
 * into the lowest gap that fits; ties go to the earlier lifetime, then to the lower index, so that the answer depends
 * on nothing but the blocks. Past some ten thousand blocks, those that are left go on top of whatever meets them, so
 * that time grows as n log n.
 */
#ifndef QN_BASE_OFFSETS_H
#define QN_BASE_OFFSETS_H

#include <stddef.h>
#include <stdint.h>

enum { QN_OFFSETS_ALIGN = 64 };

typedef struct qn_offsets_block {
    uint64_t bytes;       /* 0: takes no room, gets offset 0 */
    uint32_t first, last; /* lifetime in steps, inclusive; first <= last */
    uint64_t offset;      /* the answer, a multiple of QN_OFFSETS_ALIGN */
} qn_offsets_block;

/* Bytes of scratch for `count` blocks. */
size_t qn_offsets_scratch_bytes(size_t count);

/* Sets the offset of every block and *out_total_bytes, the end of the highest one rounded up to QN_OFFSETS_ALIGN.
   `scratch` is 8-aligned. Allocates nothing. Returns 1, or 0 if the total would not fit an int64_t. */
int qn_offsets_pack(qn_offsets_block *blocks, size_t count, void *scratch, uint64_t *out_total_bytes);

#endif
