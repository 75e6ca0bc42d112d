/* quant/cost.h - how long layers take on a kind of CPU, by a model: numbers of a table and the layer's size, never a
 * stopwatch, so that the same input always gives the same file. Good enough to compare precisions of one layer, and
 * layers with each other; no promise of milliseconds. */
#ifndef QN_QUANT_COST_H
#define QN_QUANT_COST_H

#include "ir/graph.h"

/* What one core of a kind of CPU does per cycle. */
typedef struct qn_cost_model {
    const char *arch;                 /* as in `archs`: "x86_64-avx512vnni" */
    double float_macs, byte_macs;     /* multiply-adds: float32, 8 bits */
    double word_byte_macs, word_macs; /* activations of 16 bits by weights of 8 and of 16 */
    double depthwise_share;           /* of these that depthwise convolutions reach */
    double bytes;                     /* moved to and from the caches a layer's values live in */
} qn_cost_model;

/* The model of that name; the default for "native", names of others and NULL. */
const qn_cost_model *qn_cost_model_find(const char *arch);

/* Cycles of a conv2d, matmul or add at the upper ends of the sizes (where there is no end, at a moderate size), with its
   activations in `dtype`, F32, F16, U8 or S16. `weights`: the type of its weights, the same or with integers S8 or S16;
   of an add the same. With integers, `converts`: what it reads has to be converted first. */
double qn_cost_layer(const qn_cost_model *model, const qn_graph *graph, const qn_node *node, qn_dtype dtype,
                     qn_dtype weights, int converts);

/* Multiply-adds, likewise. */
double qn_cost_macs(const qn_graph *graph, const qn_node *node);

#endif
