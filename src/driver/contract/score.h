/* driver/contract/score.h - how well labels agree, and how sure that is. */
#ifndef QN_DRIVER_CONTRACT_SCORE_H
#define QN_DRIVER_CONTRACT_SCORE_H

#include "base/memory.h"
#include "driver/picture/answer.h"
#include "quench/contract.h"

/* ---- Labels ---- */

/* How many labels a tensor holds: its elements where they are integers or booleans, and where `answer` says that each
   is a label or parts two classes; else one for each row of scores along the axis of classes. -1: none, a scalar of
   floats or rows of one float.
   @param answer  how the output is read; NULL: floats by the last axis */
int64_t qn_labels_count(const qn_tensor *tensor, const qn_answer *answer);
/* Writes them: labels as they are, classes by the index of the first greatest, two classes as 0 and 1. */
void qn_labels_read(const qn_tensor *tensor, const qn_answer *answer, int32_t *out_labels);

/* ---- What one sample tells ---- */

enum { QN_SCORE_CLASSES_MAX = 1024, QN_SCORE_IGNORED = 255 };

/* Counts of one sample; of class c: elements that both say, that the truth says, that the labels say. */
typedef struct qn_score_row {
    int64_t equal, total;            /* AGREEMENT */
    int64_t *both, *truth, *claimed; /* MIOU: [classes] */
} qn_score_row;

typedef struct qn_scores {
    qn_metric metric;
    int64_t classes;
    QN_LIST(qn_score_row) rows; /* one per sample */
    int64_t *sums;              /* [3 * classes]: scratch */
    qn_arena *arena;
} qn_scores;

/* Scores without a sample, in `arena`. OUT_OF_MEMORY. */
qn_status *qn_scores_init(qn_scores *scores, qn_metric metric, int64_t classes, qn_arena *arena) QN_MUST_USE;
/* Compares `labels` with `truth`. MIOU: truth of 255 is not judged; INVALID_ARGUMENT: a label outside the classes. */
qn_status *qn_scores_add(qn_scores *scores, const int32_t *labels, const int32_t *truth, int64_t count) QN_MUST_USE;

/* The score over all samples, 0 to 1: share of equal labels, or mean over the classes that occur of intersection over
   union, from totals. */
double qn_scores_total(const qn_scores *scores);

/* The greatest loss that a paired bootstrap over the samples does not exclude at `confidence` (one-sided): of
   total(before) - total(after), or with `before` NULL of 1 - total(after). Both have the same samples. Deterministic. */
qn_status *qn_scores_loss_bound(const qn_scores *before, const qn_scores *after, double confidence,
                                double *out_bound) QN_MUST_USE;

#endif
