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

#ifdef __cplusplus
}
#endif
#endif
