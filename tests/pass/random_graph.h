/* Random networks of the kind that passes and the planner meet: convolutions with what surrounds them, residual adds,
 * atrous regions as TensorFlow writes them, copies, shape arithmetic, views, labels. One seed, one graph. */
#ifndef QN_TESTS_PASS_RANDOM_GRAPH_H
#define QN_TESTS_PASS_RANDOM_GRAPH_H

#include "ir/graph.h"

typedef struct random_graph_options {
    int nodes;        /* how many things to try to add */
    int fused;        /* 1: convolutions may come with bias, addend and activation */
    int data_shapes;  /* 1: sizes that depend on data may occur */
    int layouts;      /* 1: pictures may be turned to NCHW and others orders, and computed with there */
    int64_t size_max; /* upper end of free heights and widths; QN_DIM_UNBOUNDED: none */
} random_graph_options;

/* A verified and inferred graph with at least one output. Memory is plenty: NULL never comes. */
qn_graph *random_graph(qn_arena *arena, uint64_t seed, const random_graph_options *options);

#endif
