/* driver/compile/trial.h - a graph made runnable for a while: for calibration, and for finding out what precision costs. */
#ifndef QN_DRIVER_COMPILE_TRIAL_H
#define QN_DRIVER_COMPILE_TRIAL_H

#include "driver/config/config.h"
#include "ir/graph.h"
#include "pass/pass.h"
#include "quench/context.h"

typedef struct qn_trial {
    const qn_allocator *allocator;
    qn_model *model;
    qn_engine *engine;
    qn_context *context;
    qn_tensor *outputs;     /* [output_count]: of the last run; dims as computed, data the trial's */
    uint64_t *output_bytes; /* [output_count]: room there is */
    size_t input_count, output_count;
    qn_shape *shapes; /* [input_count]: those that are set */
    int has_shapes;
    /* of the graph: asked after every step, unless another observer takes the place of this one's */
    qn_cancel cancel;
    int is_cancelled;
} qn_trial;

/* How a trial runs. */
typedef struct qn_trial_options {
    const qn_allocator *allocator; /* NULL: the C library's heap */
    const qn_config *config;       /* what passes to leave out; NULL: none */
    qn_pass_stage first, last;     /* stages run on the copy; none if first > last */
    const qn_executor *executor;   /* threads; NULL: as many as the process may use */
} qn_trial_options;

/* Compiles a copy of `graph`, which stays as it is, and makes it ready to run. Freed by qn_trial_destroy() either way. */
qn_status *qn_trial_create(qn_trial *trial, const qn_graph *graph, const qn_trial_options *options) QN_MUST_USE;
void qn_trial_destroy(qn_trial *trial); /* accepts a zeroed one */

/* Is the run to end, which then gives CANCELLED? For observers that take the place of the trial's own. */
int qn_trial_ask(qn_trial *trial);

/* Sets the shapes of `inputs` and runs. INVALID_ARGUMENT: a type or a shape that does not fit; CANCELLED. */
qn_status *qn_trial_run(qn_trial *trial, const qn_tensor *inputs) QN_MUST_USE;

#endif
