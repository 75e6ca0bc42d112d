/* Runs a graph node by node with every operator's `eval`, at concrete shapes: slow, and independent of passes, planner,
 * kernels and runtime. What passes are measured against. */
#ifndef QN_TESTS_PASS_EVALUATE_H
#define QN_TESTS_PASS_EVALUATE_H

#include "ir/graph.h"

typedef struct evaluation {
    const qn_graph *graph;
    qn_arena *arena;  /* holds everything below and the data of values */
    int64_t *symbols; /* by number as in qn_dim_symbol_at; -1 where nothing has settled it yet */
    qn_view *values;  /* by qn_value.id; dtype NONE where not computed */
} evaluation;

/* Binds the inputs (one view each, in the graph's order), tests the graph's checks and runs every node. The graph is
   inferred. INVALID_ARGUMENT: an input whose dims the graph does not take, or a check that fails, with its message;
   else what a node's eval says. */
qn_status *evaluate(const qn_graph *graph, const qn_view *inputs, qn_arena *arena, evaluation *out) QN_MUST_USE;

/* The value of `dim`; 0 while a symbol in it is not settled. */
int evaluate_dim(const evaluation *e, qn_dim dim, int64_t *out_value);
/* The computed view of a value or constant. */
qn_view evaluated(const evaluation *e, const qn_value *value);

/* Draws the size of every symbol of an input, within its range and small; `style` 0: the least, 1: the most (if small),
   else random. Fills the inputs with random data from `arena`. */
void draw_inputs(const qn_graph *graph, qn_rng *rng, int style, qn_arena *arena, qn_view *out_inputs);

#endif
