/* op/grid.h - the numbers that integers of a range stand for, value(q) = (q - zero_point) * scale: what qn_grid_card.find
   tells of a range. */
#ifndef QN_OP_GRID_H
#define QN_OP_GRID_H

#include <stdint.h>

typedef struct qn_grid {
    float scale; /* positive and finite */
    int32_t zero_point, lowest, highest;
    float low, high; /* what `lowest` and `highest` stand for */
} qn_grid;

#endif
