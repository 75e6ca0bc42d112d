/* op/grid.h - the values that integers of a range stand for: value(q) = (q - zero_point) * scale. */
#ifndef QN_OP_GRID_H
#define QN_OP_GRID_H

#include "op/attrs.h"
#include "op/op.h"

typedef struct qn_grid {
    float scale; /* positive and finite */
    int32_t zero_point, lowest, highest;
    float low, high; /* what `lowest` and `highest` stand for */
} qn_grid;

/* The grid onto which fake_quant rounds within the range [min, max], in its own arithmetic. Returns 0 where there is
   none: the range has no width, or is not finite. */
int qn_fake_quant_grid(const qn_fake_quant_attrs *attrs, float min, float max, qn_grid *out);

/* The grid of what dequantize makes of integers of `dtype`, of 8 bits; 0 where there is none, as above. Where zero is
   no integer the nearest stands for it. */
int qn_dequantize_grid(const qn_dequantize_attrs *attrs, qn_dtype dtype, float min, float max, qn_grid *out);

#endif
