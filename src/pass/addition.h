/* pass/addition.h - which additions compute in integers: those that somebody asks for, and those that the source itself
 * computes on grids, with fake quantisation of both operands and of the sum. All others keep what rounding would take
 * from a residual branch.
 */
#ifndef QN_PASS_ADDITION_H
#define QN_PASS_ADDITION_H

#include "ir/graph.h"

/* An add of two float32 values of one type, neither of them constant? */
int qn_addition_is(const qn_node *node);
/* Such an add that is asked to compute in integers? */
int qn_addition_is_asked(const qn_graph *graph, const qn_node *node);

/* The operator that alone reads a sum and may be part of the addition, relu or relu6; NULL where there is none. */
qn_node *qn_addition_activation(const qn_graph *graph, const qn_node *node);

/* The integers in which an addition is to compute, U8 or S16; NONE: as floats. */
qn_dtype qn_addition_wanted(const qn_graph *graph, const qn_node *node);
/* Why an addition that is to be one of integers cannot; why NOTHING: nothing speaks against it. */
qn_outcome qn_addition_obstacle(const qn_graph *graph, const qn_node *node);
/* Does the source say itself that `addend` is on a grid of bytes, and that `sum` goes to one? */
int qn_addition_keeps_grid(const qn_graph *graph, const qn_value *addend, const qn_value *sum);

#endif
