/* pass/labels.h - which types hold the labels of an argmax. */
#ifndef QN_PASS_LABELS_H
#define QN_PASS_LABELS_H

#include "ir/graph.h"

/* How many labels an argmax over `axis` of `type` can give at most; QN_DIM_UNBOUNDED if that has no bound. */
static inline int64_t qn_label_count(const qn_graph *graph, const qn_type *type, int64_t axis) {
    int64_t low, high;
    qn_dim_range(graph->dims, type->dims[axis], &low, &high);
    return high;
}

/* Does `dtype` hold every integer in [0, count) exactly, and do the kernels write it? */
static inline int qn_dtype_holds_labels(qn_dtype dtype, int64_t count) {
    switch (dtype) {
    case QN_DTYPE_U8: return count <= 256;
    case QN_DTYPE_F32: return count <= 1 << 24;
    case QN_DTYPE_S32: return count <= INT32_MAX;
    case QN_DTYPE_S64: return 1;
    default: return 0;
    }
}

#endif
