/* driver/calibrate/norms.h - what the batch norms of a network remember of its training.
 *
 * A batch norm remembers its training data twice: what it makes has, per channel, the mean `offset` and the deviation
 * `scale`; what it reads had the mean and variance that it stores. Passes fold it away, so it has to be asked before.
 */
#ifndef QN_DRIVER_CALIBRATE_NORMS_H
#define QN_DRIVER_CALIBRATE_NORMS_H

#include "ir/graph.h"

typedef struct qn_norm {
    const char *name;             /* of the value it makes */
    const qn_value *x;            /* what it reads; good as long as the graph stays as it is */
    int64_t channels;             /* of the arrays below */
    const float *scale, *offset;  /* the deviation (NULL: 1), perhaps negative, and mean of what it makes */
    const float *mean, *variance; /* of what it reads */
} qn_norm;

typedef struct qn_norms {
    QN_LIST(qn_norm) list;
} qn_norms;

/* Is it a batch norm, as an operator or the last addition of x * f + (offset - mean * f), f = rsqrt(variance + epsilon)
   * scale, with constant statistics? */
int qn_norm_match(const qn_node *node, qn_norm *out);
qn_status *qn_norms_find(const qn_graph *graph, qn_norms *out) QN_MUST_USE;

/* Mean and mean square of what channel `channel` of the norm's values becomes in an activation (a
   qn_activation), if they are normally distributed as in training. */
void qn_norm_expect(const qn_norm *norm, int64_t channel, int64_t activation, double *out_mean, double *out_square);

/* Gives values that norms make, themselves or through an activation, the means of training where they have a range and
   no means: what corrects biases without samples. */
qn_status *qn_norms_complete_stats(const qn_norms *norms, qn_graph *graph) QN_MUST_USE;

#endif
