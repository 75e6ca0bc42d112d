/* quant/pick.h - which rows of a sample stand for the others where looking at all would take too long. */
#ifndef QN_QUANT_PICK_H
#define QN_QUANT_PICK_H

#include <stdint.h>

/* Which row of its `step` a turn picks: another one in every turn, for a fixed one could fall on one column of a
   picture, and others in every sample. */
static inline int64_t qn_pick(uint64_t turn, uint64_t sample, int64_t step) {
    const uint64_t mixed = (turn + (sample << 32)) * UINT64_C(0x9e3779b97f4a7c15);
    return (int64_t)((mixed >> 32) % (uint64_t)step);
}

#endif
