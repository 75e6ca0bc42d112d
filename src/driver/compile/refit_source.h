/* driver/compile/refit_source.h - what a file built with enable_refit keeps beside its program: the network as it was before
 * the passes ran, as text without the elements of its weights, and these as bytes at the end of the constants.
 * Replacing weights is building again from there, so a refitted engine computes what a fresh build would.
 *
 * The first build goes through the text too: the same text gives the same program, but for the bytes of constants.
 */
#ifndef QN_DRIVER_COMPILE_REFIT_SOURCE_H
#define QN_DRIVER_COMPILE_REFIT_SOURCE_H

#include "ir/graph.h"
#include "model/program.h"

#include <jansson.h>

typedef struct qn_refit_source {
    /* {"weight_bytes": 64, "precisions": {NODE: {"dtype", "reason"}}, "graph": text}; NULL: nothing is
       kept */
    const char *json;
    qn_bytes weights; /* of every weight, in the order of the graph's values, each at a multiple of 64 */
} qn_refit_source;

/* Can the constant be replaced? Numbers that decide shapes cannot. *out_reason (may be NULL) says why not, static. */
int qn_refit_is_weight(const qn_value *constant, const char **out_reason);

/* Takes down a network that is ready for the passes and puts what reading that gives in its place; all in `arena`.
   UNSUPPORTED: a name is no UTF-8. */
qn_status *qn_refit_source_take(qn_graph **inout_graph, qn_arena *arena, qn_refit_source *out) QN_MUST_USE;
/* The elements of the weights of `graph` alone. */
qn_status *qn_refit_source_collect(const qn_graph *graph, qn_arena *arena, qn_bytes *out_weights) QN_MUST_USE;
/* Makes the graph that was taken down, inferred; its weights point into `weights`. `json` is the object above; it comes
   from a file, so whatever it holds the answer is a graph or INVALID_MODEL. */
qn_status *qn_refit_source_read(const json_t *json, qn_bytes weights, qn_arena *arena,
                                qn_graph **out_graph) QN_MUST_USE;

/* Puts the weights behind the constants of a program, and finds them there again. */
qn_status *qn_refit_source_append(qn_bytes weights, qn_arena *arena, qn_program *program) QN_MUST_USE;
qn_status *qn_refit_source_find(const json_t *json, qn_bytes constants, qn_bytes *out_weights) QN_MUST_USE;

#endif
