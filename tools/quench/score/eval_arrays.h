/* score/eval_arrays.h - scores any model on .npy arrays: classifiers by their largest score, others by their labels, label
 * maps by their mIoU too. */
#ifndef QUENCH_SCORE_EVAL_ARRAYS_H
#define QUENCH_SCORE_EVAL_ARRAYS_H

#include "session/session.h"

typedef struct eval_array_options {
    cli_texts inputs;                    /* --inputs, as samples.h takes them */
    const char *labels, *against, *json; /* each may be NULL, but not both labels and against */
    int64_t classes;                     /* of label maps; 0: as many as the model's image block says */
    const cli_run_options *run;
} eval_array_options;

/* Runs the model on every sample, compares and prints. */
qn_status *eval_arrays(const char *model, const eval_array_options *options) QN_MUST_USE;

#endif
