/* pass/pass.h - rewrites of a graph, one file each, in the order of passes.def.
 *
 * A pass leaves the graph verified, inferred and equivalent: the same outputs, under the same names, for every shape in range.
 * What a pass may assume and promises stands at the top of its file.
 */
#ifndef QN_PASS_PASS_H
#define QN_PASS_PASS_H

#include "ir/graph.h"

typedef enum qn_pass_stage {
    QN_PASS_CLEAN = 0,    /* no value that computes anything disappears under its name; always runs */
    QN_PASS_SIMPLIFY = 1, /* makes the network smaller or plainer; what calibration sees */
    QN_PASS_FUSE = 2,     /* makes intermediate values disappear */
    QN_PASS_QUANTISE = 3, /* floats become integers, where the graph asks for it and ranges are known; always runs */
    QN_PASS_CONVERT = 4   /* changes what values are stored in, as graph and nodes ask (ir/graph.h); always runs */
} qn_pass_stage;

typedef struct qn_pass {
    qn_pass_stage stage;
    const char *name, *doc;
    qn_status *(*run)(qn_graph *graph);
} qn_pass;

size_t qn_pass_count(void);
const qn_pass *qn_pass_at(size_t index);
const qn_pass *qn_pass_find(const char *name); /* NULL if there is none */

typedef struct qn_pass_options {
    int fusion;              /* 0: only stages CLEAN, QUANTISE and CONVERT run */
    const char *const *skip; /* names of passes to leave out */
    size_t skip_count;
    /* Called after each pass that ran; NULL: nobody looks. */
    void (*after)(void *self, const qn_pass *pass, const qn_graph *graph);
    void *after_self;
    /* Called before each pass that runs, with its number among the `total` of the table; an error ends the run. NULL: nobody asks. */
    qn_status *(*before)(void *self, const qn_pass *pass, size_t number, size_t total);
    void *before_self;
} qn_pass_options;

/* Runs all passes of stages `first` to `last`, verifying after each in builds with assertions. */
qn_status *qn_passes_run(qn_graph *graph, qn_pass_stage first, qn_pass_stage last,
                         const qn_pass_options *options) QN_MUST_USE;

#define QN_PASS(stage, name, doc) qn_status *qn_pass_##name(qn_graph *graph) QN_MUST_USE;
#include "pass/passes.def"
#undef QN_PASS

#endif
