/* quantize_linear(conv2d_quantized(...)) = conv2d_quantized(...) that gives integers: the scales multiply, that of an
 * integer addend too, limits follow them, and a zero point per channel moves into the bias, whose steps are much finer.
 * The same for products, and for sums that get one zero point. */
#include "pass/conversion.h"
#include "pass/pass.h"
#include "pass/rewrite.h"

#include <math.h>
#include <string.h>

enum { X = 0, WEIGHTS = 1, BIAS = 2, MULTIPLIER = 3, LIMIT = 4, ADDEND_MULTIPLIER = 5, ADDEND = 6, INPUTS_MAX = 7 };
enum { SUM_MULTIPLIERS = 2, SUM_LIMIT = 6 }; /* of add_quantized */

static qn_requantize_attrs *result_of(const qn_op_def *op, void *attrs) {
    return (qn_requantize_attrs *)(void *)((char *)attrs + op->requantize->result);
}

static int64_t zero_point_of(const qn_node *quantize, int64_t channel) {
    qn_view view = qn_value_view(quantize->inputs[2]);
    return qn_view_get_int(&view, view.dims[0] == 1 ? 0 : channel);
}

/* *inout_vector * the conversion's multiplier, channel by channel; where it is absent it stays so. */
static qn_status *scale_vector(qn_graph *graph, const qn_node *quantize, qn_value **inout_vector) {
    const qn_value *vector = *inout_vector;
    if (!vector) return NULL;
    qn_view from = qn_value_view(vector), factor = qn_value_view(quantize->inputs[1]);
    int64_t count = qn_max_i64(from.dims[0], factor.dims[0]);
    float *data;
    QN_TRY(qn_make_channel_constant(graph, vector->name, count, inout_vector, &data));
    for (int64_t c = 0; c < count; c++)
        data[c] = (float)qn_view_get(&from, from.dims[0] == 1 ? 0 : c) *
                  (float)qn_view_get(&factor, factor.dims[0] == 1 ? 0 : c);
    return NULL;
}

/* Do all sums of one output fit their accumulator with this bias? */
static int fits(const qn_value *x, const qn_value *weights, int64_t channel, double bias) {
    qn_view view = qn_value_view(weights);
    int64_t outputs = view.dims[view.rank - 1], rows = qn_view_elems(&view) / outputs;
    double low = x->type.dtype == QN_DTYPE_U8 ? 0 : -32767, high = x->type.dtype == QN_DTYPE_U8 ? 255 : 32767;
    double limit = x->type.dtype == QN_DTYPE_U8 ? 0x1p31 : 0x1p62, least = bias, most = bias;
    for (int64_t k = 0; k < rows; k++) {
        double weight = (double)qn_view_get_int(&view, k * outputs + channel);
        least += fmin(weight * low, weight * high);
        most += fmax(weight * low, weight * high);
    }
    return least >= -limit && most < limit;
}

/* The zero points less that of the result, in units of the sum, go into the bias; 0 where the sums have no room. */
static qn_status *shift_bias(qn_graph *graph, const qn_node *quantize, int64_t zero_point, qn_value **inputs,
                             int *out_done) {
    qn_view bias = qn_value_view(inputs[BIAS]), multiplier = qn_value_view(inputs[MULTIPLIER]);
    void *copy = qn_arena_copy(graph->arena, bias.data, qn_view_bytes(&bias));
    int changes = 0;
    *out_done = 1;
    if (!copy) return qn_status_out_of_memory();
    qn_view shifted = bias;
    shifted.data = copy;
    for (int64_t c = 0; c < bias.dims[0]; c++) {
        int64_t difference = zero_point_of(quantize, c) - zero_point;
        if (!difference) continue;
        double moved = (double)qn_view_get_int(&bias, c) + rint((double)difference / qn_view_get(&multiplier, c));
        if (!(fabs(moved) < 0x1p30) || !fits(inputs[X], inputs[WEIGHTS], c, moved)) return *out_done = 0, NULL;
        qn_view_set_int(&shifted, c, (int64_t)moved);
        changes = 1;
    }
    return changes ? qn_graph_add_constant(graph, inputs[BIAS]->name, &shifted, &inputs[BIAS]) : NULL;
}

/* The zero point of the result. With an activation the lower bound of the result is its zero point, which then must be
   that of every channel. */
static int find_zero_point(const qn_node *quantize, const qn_requantize_attrs *result, int64_t *out_zero_point) {
    qn_view view = qn_value_view(quantize->inputs[2]);
    int64_t low = INT64_MAX, high = INT64_MIN;
    for (int64_t c = 0; c < view.dims[0]; c++) {
        low = qn_min_i64(low, qn_view_get_int(&view, c));
        high = qn_max_i64(high, qn_view_get_int(&view, c));
    }
    *out_zero_point = low == high ? low : (low + high) / 2;
    return low == high || result->activation == QN_ACTIVATION_NONE;
}

/* A limit that the type's own upper bound makes idle goes: what calibration saw stays below it. */
static void drop_idle_limit(qn_requantize_attrs *result, qn_value **inputs, int at, int *inout_count) {
    if (!inputs[at]) return;
    qn_view limit = qn_value_view(inputs[at]);
    double high = (double)(result->dtype == QN_DTYPE_U8 ? 255 - result->zero_point : 32767 - result->zero_point);
    for (int64_t c = 0; c < limit.dims[0]; c++)
        if (rint(qn_view_get(&limit, c)) < high) return;
    result->activation = QN_ACTIVATION_RELU;
    inputs[at] = NULL;
    if (*inout_count == at + 1) *inout_count = at;
}

/* The operator that alone makes what is converted; NULL if there is none that could give integers instead. */
static qn_node *find_maker(const qn_node *quantize) {
    if (!qn_value_is_constant(quantize->inputs[1]) || !qn_value_is_constant(quantize->inputs[2])) return NULL;
    return qn_match_quantised(quantize->inputs[0]);
}

/* 0: a float addend would have to be scaled too. */
static qn_status *scale_layer(qn_graph *graph, const qn_node *quantize, qn_requantize_attrs *result, qn_value **inputs,
                              int *out_done) {
    if (inputs[ADDEND] && qn_dtype_is_float(inputs[ADDEND]->type.dtype)) return *out_done = 0, NULL;
    QN_TRY(scale_vector(graph, quantize, &inputs[MULTIPLIER]));
    QN_TRY(scale_vector(graph, quantize, &inputs[LIMIT]));
    QN_TRY(scale_vector(graph, quantize, &inputs[ADDEND_MULTIPLIER]));
    return shift_bias(graph, quantize, result->zero_point, inputs, out_done);
}

/* 0: channels would have zero points of their own, and there is no bias for what they differ by. */
static qn_status *scale_sum(qn_graph *graph, const qn_node *quantize, const qn_requantize_attrs *result,
                            qn_value **inputs, int *out_done) {
    qn_view zero_points = qn_value_view(quantize->inputs[2]);
    *out_done = 1;
    for (int64_t c = 0; c < zero_points.dims[0]; c++) *out_done &= zero_point_of(quantize, c) == result->zero_point;
    if (!*out_done) return NULL;
    for (int side = 0; side < 2; side++) QN_TRY(scale_vector(graph, quantize, &inputs[SUM_MULTIPLIERS + side]));
    return scale_vector(graph, quantize, &inputs[SUM_LIMIT]);
}

static qn_status *fuse(qn_graph *graph, qn_node *quantize) {
    const qn_node *node = find_maker(quantize);
    union {
        qn_conv2d_quantized_attrs conv2d;
        qn_matmul_quantized_attrs matmul;
        qn_add_quantized_attrs add;
    } attrs;
    qn_value *inputs[INPUTS_MAX] = {0};
    int done;
    if (!node) return NULL;
    int is_sum = !node->op->layer;
    memcpy(&attrs, node->attrs, node->op->attrs_bytes);
    for (int i = 0; i < node->input_count; i++) inputs[i] = node->inputs[i];
    qn_requantize_attrs *result = result_of(node->op, &attrs);
    if (qn_dtype_is_integer((qn_dtype)result->dtype)) return NULL;
    if (!find_zero_point(quantize, result, &result->zero_point)) return NULL;
    result->dtype = ((const qn_quantize_linear_attrs *)quantize->attrs)->dtype;
    QN_TRY(is_sum ? scale_sum(graph, quantize, result, inputs, &done)
                  : scale_layer(graph, quantize, result, inputs, &done));
    if (!done) return NULL;
    int count = node->input_count;
    drop_idle_limit(result, inputs, is_sum ? SUM_LIMIT : LIMIT, &count);
    const qn_outcome outcome = qn_outcome_of(graph, node);
    QN_TRY(qn_rewrite(graph, quantize, node->op, &attrs, count, inputs));
    return qn_outcome_set(graph, quantize, &outcome);
}

qn_status *qn_pass_fuse_requantize(qn_graph *graph) {
    for (qn_node *node = graph->first; node; node = node->next)
        if (qn_node_is_conversion(node)) QN_TRY(fuse(graph, node));
    return NULL;
}
