/* driver/contract/sensitivity.h - what each layer loses as integers, and what it would cost in another form. */
#ifndef QN_DRIVER_CONTRACT_SENSITIVITY_H
#define QN_DRIVER_CONTRACT_SENSITIVITY_H

#include "driver/compile/compile.h"
#include "quant/cost.h"
#include "quench/calibrator.h"
#include "quench/executor.h"

/* What a layer may become instead of the integers of the mode. */
typedef struct qn_layer_form {
    qn_dtype dtype, weights; /* S16 with S8 or S16, or the float type twice */
    double cycles;
} qn_layer_form;

enum { QN_LAYER_FORMS = 3 };

/* One layer that can be integer. */
typedef struct qn_sensitive_layer {
    qn_node *node;
    qn_dtype asked;    /* node->weights before anything was tried */
    double macs, cost; /* cost: cycles that the cheapest other form takes more, at least a little (quant/cost.h) */
    /* where this layer alone is integer: share of labels that change, or squared error before the outputs
       in parts of the signal */
    double error;
    qn_layer_form forms[QN_LAYER_FORMS]; /* the cheapest first, floats last */
    size_t form_count;
    const qn_layer_form *chosen; /* of these; NULL: not decided yet */
    int saves_no_time;           /* as integers of the mode, beside what the others became: it stays float */
} qn_sensitive_layer;

typedef struct qn_sensitivity {
    qn_sensitive_layer *layers; /* in the graph's order; after measuring those first that gain most for their cost */
    size_t count;
    double macs; /* of all convolutions and products */
    double integer_macs,
        byte_macs;              /* of those that are integer, and of 8 bits, whatever is decided: nodes ask for it */
    qn_dtype kept;              /* the float type of layers that stay float: F16 or F32 */
    qn_dtype dtype;             /* the integers of the mode: U8 or S16 */
    struct qn_few_samples *few; /* what layers are measured on */
    qn_arena *arena;
} qn_sensitivity;

/* What became of the first `kept` layers of a list. */
typedef struct qn_sensitivity_mix {
    size_t floats, words;             /* layers that stay float, that became int16 */
    double integer_share, byte_share; /* of all multiply-adds, 0 to 1: integer; of 8 bits */
} qn_sensitivity_mix;

/* Lists the layers of a simplified graph with ranges that will be integer. Everything lives in `arena`. Freed by
   qn_sensitivity_deinit() either way. */
qn_status *qn_sensitivity_list(qn_sensitivity *list, qn_graph *graph, const qn_config *config,
                               qn_arena *arena) QN_MUST_USE;
void qn_sensitivity_deinit(qn_sensitivity *list);

/* Measures `error` on some of the samples, and sorts. The graph's wishes are as before afterwards. */
qn_status *qn_sensitivity_measure(qn_sensitivity *list, qn_graph *graph, const qn_config *config,
                                  const qn_samples *samples, const qn_executor *pool,
                                  const qn_progress *progress) QN_MUST_USE;

/* Decides for the first `kept` layers what they become, where that is not done: the cheapest form that alone, measured
   as `error` is, loses little of it; with `floats_only` floats, for whoever had decided otherwise too. */
qn_status *qn_sensitivity_choose(qn_sensitivity *list, qn_graph *graph, const qn_config *config, size_t kept,
                                 int floats_only, const qn_executor *pool) QN_MUST_USE;

/* Wishes that the first `kept` layers become what was decided and the others integers of the mode. */
qn_status *qn_sensitivity_apply(const qn_sensitivity *list, qn_graph *graph, size_t kept) QN_MUST_USE;

/* The same for good: finds, too, which of the others stay float, since integers would save them no time now that layers
   beside them are none. */
qn_status *qn_sensitivity_settle(qn_sensitivity *list, qn_graph *graph, const qn_config *config,
                                 size_t kept) QN_MUST_USE;

qn_sensitivity_mix qn_sensitivity_mix_of(const qn_sensitivity *list, size_t kept);

#endif
