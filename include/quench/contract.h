/* quench/contract.h - a bound on what integer precision may cost, which the build keeps.
 *
 * The build measures how much each layer loses, takes the few that pay for it to 16 bits or leaves them float,
 * whichever costs less and loses little, those first that gain most for their cost, and stops when the contract holds
 * on the samples: not just on average, but at the upper end of a paired bootstrap over them. The cost of a layer is
 * that of a static model of the targets (`archs`), never a stopwatch: the same input gives the same file.
 */
#ifndef QUENCH_CONTRACT_H
#define QUENCH_CONTRACT_H

#include "quench/calibrator.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum qn_metric {
    /* share of equal labels, against the float network; needs no true labels. Outputs of floats
       count by their greatest element along the last axis */
    QN_METRIC_AGREEMENT = 0,
    QN_METRIC_MIOU = 1 /* mean intersection over union, against the samples' true labels (255: ignored) */
} qn_metric;

typedef struct qn_contract {
    size_t size; /* sizeof(qn_contract), set by qn_contract_init */
    qn_metric metric;
    double min_agreement; /* AGREEMENT: 0 to 1, for example 0.995 */
    double max_drop;      /* MIOU: of 1, for example 0.001 for 0.1 points */
    double confidence;    /* default 0.95: of the one-sided bound */
    int64_t classes;      /* MIOU: labels are below; default 0: as many as occur */
    qn_samples samples;   /* with rewind, and with labels for MIOU */
} qn_contract;

QN_API void qn_contract_init(qn_contract *contract);

/* What a contract came to. */
typedef struct qn_contract_result {
    size_t size;     /* sizeof(qn_contract_result), set by qn_contract_result_init */
    int is_kept;     /* 0: it cannot be kept, and the build failed with UNSUPPORTED; the rest tells how close it came */
    int is_measured; /* 0: the build ended before, and all that follows is 0 */
    qn_metric metric;
    double confidence;
    double score;         /* of 1: AGREEMENT: the share of equal labels; MIOU: of the model with integers */
    double loss;          /* of 1: how much that is below the float network; negative: it is above */
    double bound;         /* of 1: the loss is at most this, with that confidence */
    int64_t samples;      /* that it was measured on */
    size_t layer_count;   /* that were to become integer, */
    size_t float_layers;  /* of which so many stay float */
    size_t word_layers;   /* and so many became int16 */
    double integer_share; /* of all multiply-adds, 0 to 1: in integers, */
    double byte_share;    /* in those of 8 bits */
} qn_contract_result;

/* Sets everything to 0 but the size. */
QN_API void qn_contract_result_init(qn_contract_result *result);

/* "agreement 99.712 %, at least 99.604 % with 95 % confidence over 20 samples; ..." into `room` bytes, with a final 0; cut short
   where they are not enough (512 are). "" for NULL and what was not measured. Any thread. */
QN_API void qn_contract_result_print(const qn_contract_result *result, char *out_text, size_t room);

#ifdef __cplusplus
}
#endif
#endif
