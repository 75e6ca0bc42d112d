/* op/permute.h - a tensor with its axes in another order, for transpose and for whoever turns constants. */
#ifndef QN_OP_PERMUTE_H
#define QN_OP_PERMUTE_H

#include "base/dtype.h"

/* Copies the elements of `x` into `y`, which has its memory: axis i of `y` is axis perm[i] of `x`. */
void qn_view_permute(const qn_view *x, const int64_t *perm, const qn_view *y);

#endif
