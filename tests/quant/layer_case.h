/* What the tests of layers and encodings share: random layers, and their sums in plain arithmetic. */
#ifndef QN_TESTS_QUANT_LAYER_CASE_H
#define QN_TESTS_QUANT_LAYER_CASE_H

#include "quant_case.h"

#include "quant/layer.h"

#include <math.h>

/* A layer with the activation it reads; everything lives in `arena`. */
typedef struct layer_case {
    qn_arena arena;
    qn_rng rng;
    qn_layer layer;
    qn_encoding x;
    float *weights, *bias;
} layer_case;

static inline void layer_case_init(layer_case *c, uint64_t seed, qn_dtype dtype, int64_t rows, int64_t channels,
                                   int64_t outputs, int is_depthwise) {
    memset(c, 0, sizeof *c);
    qn_arena_init(&c->arena, NULL);
    qn_rng_init(&c->rng, seed);
    c->weights = QN_ARENA_ARRAY(&c->arena, float, (size_t)(rows * outputs));
    c->bias = QN_ARENA_ARRAY(&c->arena, float, (size_t)outputs);
    c->x = (qn_encoding){.dtype = dtype, .channels = channels};
    c->x.scale = QN_ARENA_ARRAY(&c->arena, float, (size_t)channels);
    c->x.zero_point = QN_ARENA_ARRAY(&c->arena, int32_t, (size_t)channels);
    c->layer = (qn_layer){c->weights, c->bias, rows, outputs, is_depthwise, NULL, NULL, 0};
    for (int64_t i = 0; i < rows * outputs; i++) c->weights[i] = 0.1f * draw_normal(&c->rng);
    for (int64_t o = 0; o < outputs; o++) c->bias[o] = draw_normal(&c->rng);
    for (int64_t i = 0; i < channels; i++) {
        c->x.scale[i] = exp2f(qn_rng_float(&c->rng, -9, -4));
        c->x.zero_point[i] = dtype == QN_DTYPE_U8 ? (int32_t)qn_rng_range(&c->rng, 0, 255) : 0;
    }
}

static inline void layer_case_deinit(layer_case *c) { qn_arena_deinit(&c->arena); }

/* The channel of the activation that a row reads. */
static inline int64_t row_channel(const layer_case *c, int64_t row, int64_t output) {
    return c->layer.is_depthwise ? output : row % c->x.channels;
}

static inline int has_byte_weights(const layer_case *c) {
    return c->x.dtype == QN_DTYPE_U8 || c->layer.has_byte_weights;
}

static inline int64_t integer_weight(const layer_case *c, const qn_layer_integers *integers, int64_t row,
                                     int64_t output) {
    int64_t index = row * c->layer.outputs + output;
    return has_byte_weights(c) ? ((const int8_t *)integers->weights)[index]
                               : ((const int16_t *)integers->weights)[index];
}

static inline int64_t integer_bias(const layer_case *c, const qn_layer_integers *integers, int64_t output) {
    return c->x.dtype == QN_DTYPE_U8 ? ((const int32_t *)integers->bias)[output]
                                     : ((const int64_t *)integers->bias)[output];
}

/* bias + sum of integer weight * q, exact; q has one number for each row. */
static inline int64_t integer_sum(const layer_case *c, const qn_layer_integers *integers, int64_t output,
                                  const int32_t *q) {
    int64_t sum = integer_bias(c, integers, output);
    for (int64_t k = 0; k < c->layer.rows; k++) sum += integer_weight(c, integers, k, output) * q[k];
    return sum;
}

/* The float layer on the reals that q stands for, in double. */
static inline double float_sum(const layer_case *c, int64_t output, const int32_t *q) {
    double sum = c->layer.bias ? (double)c->layer.bias[output] : 0;
    for (int64_t k = 0; k < c->layer.rows; k++) {
        int64_t channel = row_channel(c, k, output);
        sum += (double)c->layer.weights[k * c->layer.outputs + output] * (double)c->x.scale[channel] *
               (double)(q[k] - c->x.zero_point[channel]);
    }
    return sum;
}

#endif
