/* base/offsets.h - places blocks with limited lifetimes in one arena.
 *
 * Two blocks may share bytes only if their lifetimes do not meet. Blocks are placed in order of decreasing size, each
 * into the lowest gap that fits; ties go to the earlier lifetime, then to the lower index, so that the answer depends
 * on nothing but the blocks. Past some ten thousand blocks, the blocks that are left go on top of all blocks whose
 * lifetimes meet theirs, so that time grows as n log n.
 *
 * For example, with sizes rounded up to 64 bytes:
 *
 *     block  bytes  lives    placed  offset    because
 *     A      128    0 .. 1   2nd     256       C lies at 0 .. 255 and lives in step 1 too
 *     B      64     1 .. 2   4th     384       in step 1 C and A live, up to 383
 *     C      256    1 .. 3   1st     0         the largest
 *     D      128    2 .. 4   3rd     256       A is dead: its bytes are the lowest gap beside C
 *
 * B is 64 bytes at 384 .. 447, so the total is 448, where blocks one behind the other would take 576.
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
