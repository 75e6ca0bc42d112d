/* driver/sensitivity.h - what each layer loses as integers, and what it would cost as floats. */
#ifndef QN_DRIVER_SENSITIVITY_H
#define QN_DRIVER_SENSITIVITY_H

#include "driver/compile.h"
#include "quant/cost.h"
#include "quench/calibrator.h"
#include "quench/executor.h"

/* One layer that can be integer. */
typedef struct qn_sensitive_layer {
    qn_node *node;
    double macs, cost; /* cost: cycles that staying float takes more, at least a little (quant/cost.h) */
    double error;      /* where this layer alone is integer: share of labels that change, or squared error before the outputs
                          in parts of the signal */
} qn_sensitive_layer;

typedef struct qn_sensitivity {
    qn_sensitive_layer *layers; /* in the graph's order; after measuring those first that gain most for their cost */
    size_t count;
    double macs;          /* of all convolutions and products */
    double integer_macs;  /* of those that are integer whatever is decided: nodes that ask for it */
    qn_dtype kept; /* the float type of layers that stay float: F16 or F32 */
} qn_sensitivity;

/* Lists the layers of a simplified graph with ranges that will be integer. Arrays live in `arena`. */
qn_status *qn_sensitivity_list(qn_sensitivity *list, qn_graph *graph, const qn_config *config, qn_arena *arena) QN_MUST_USE;

/* Measures `error` on some of the samples, and sorts. The graph's wishes are as before afterwards. */
qn_status *qn_sensitivity_measure(qn_sensitivity *list, qn_graph *graph, const qn_config *config, const qn_samples *samples,
                                  const qn_executor *pool, const qn_progress *progress) QN_MUST_USE;

/* Wishes that the first `kept` layers stay float and the others do not. */
qn_status *qn_sensitivity_apply(const qn_sensitivity *list, qn_graph *graph, size_t kept) QN_MUST_USE;

/* The share of all multiply-adds that is integer then, 0 to 1. */
double qn_sensitivity_integer_share(const qn_sensitivity *list, size_t kept);

#endif
