/* What stands before a convolution disappears into its constant weights and bias:
 *
 *     conv2d(x * s, w)  =  conv2d(x, w * s)            s per input channel
 *     conv2d(x + o, w)  =  conv2d(x, w) + sum(w * o)   only where the convolution pads nothing: its zeros are no x + o
 *     conv2d(x * s + o, w)  =  conv2d(x + o / s, w * s)   where it does pad, and o / s is normal
 *
 * where the inner value has no other use and comes from no convolution itself. This is how an input's normalisation is
 * folded into the first convolution. Sums are made in double and rounded once. */
#include "op/layer.h"
#include "pass/pass.h"
#include "pass/rewrite.h"

#include <math.h>

/* The geometry of constant weights [KH, KW, Cin / groups, Cout]. */
typedef struct weights {
    const float *data;
    int64_t elems, depth, outputs, per_group; /* depth: Cin / groups; per_group: Cout / groups */
} weights;

static weights weights_of(const qn_node *conv) {
    const qn_conv2d_attrs *attrs = conv->attrs;
    qn_view view = qn_value_view(conv->inputs[1]);
    return (weights){view.data, qn_view_elems(&view), view.dims[2], view.dims[3], view.dims[3] / attrs->groups};
}

/* The input channel that weight `i` multiplies. */
static int64_t channel_of(const weights *w, int64_t i) {
    return i % w->outputs / w->per_group * w->depth + i / w->outputs % w->depth;
}

static int is_foldable(const qn_node *conv) {
    if (!qn_op_is_convolution(conv->op) || !qn_value_is_constant(conv->inputs[1])) return 0;
    if (conv->inputs[1]->type.dtype != QN_DTYPE_F32 || conv->inputs[0]->type.dtype != QN_DTYPE_F32) return 0;
    return conv->input_count < 3 || !conv->inputs[2] || qn_value_is_constant(conv->inputs[2]);
}

static int may_pad(const qn_node *conv) {
    const qn_view view = qn_value_view(conv->inputs[1]);
    const qn_layer_shape shape = qn_layer_describe(conv->op, conv->attrs, view.rank, view.dims);
    return qn_window_may_pad(&shape.window);
}

/* The convolution on `x` instead of its input, with weights and bias as given. */
static qn_status *replace(qn_graph *graph, qn_node *conv, qn_value *x, qn_value *scaled, qn_value *bias) {
    qn_value *inputs[4] = {x, scaled, bias, conv->input_count > 3 ? conv->inputs[3] : NULL};
    int count = bias && conv->input_count < 3 ? 3 : conv->input_count;
    return qn_rewrite(graph, conv, conv->op, conv->attrs, count, inputs);
}

static qn_value *bias_of(const qn_node *conv) { return conv->input_count > 2 ? conv->inputs[2] : NULL; }

static qn_status *fold_scale(qn_graph *graph, qn_node *conv, qn_value *x, const qn_value *scale) {
    weights w = weights_of(conv);
    qn_view view = qn_value_view(conv->inputs[1]);
    float *data = qn_arena_alloc_aligned(graph->arena, qn_view_bytes(&view), 64);
    qn_value *scaled;
    if (!data) return qn_status_out_of_memory();
    for (int64_t i = 0; i < w.elems; i++) data[i] = w.data[i] * qn_channel_constant_at(scale, channel_of(&w, i));
    view.data = data;
    QN_TRY(qn_graph_add_constant(graph, conv->inputs[1]->name, &view, &scaled));
    return replace(graph, conv, x, scaled, bias_of(conv));
}

/* The addition of a constant per channel that alone follows the convolution; NULL if there is none. It takes the sums,
   so that the place of the bias stays free for it. */
static qn_node *following_add(const qn_node *conv, const qn_value **out_constant) {
    const qn_value *output = conv->outputs[0];
    qn_value *other, *constant;
    int index;
    if (output->uses.count != 1 || output->is_output) return NULL;
    if (((const qn_conv2d_attrs *)conv->attrs)->activation != QN_ACTIVATION_NONE)
        return NULL; /* the sums come before it */
    qn_node *add = output->uses.items[0].node;
    if (add->op->arithmetic != QN_ARITHMETIC_ADD || !qn_match_constant_operand(add, &other, &constant, &index))
        return NULL;
    *out_constant = constant;
    return add;
}

static qn_status *fold_offset(qn_graph *graph, qn_node *conv, qn_value *x, const qn_value *offset) {
    weights w = weights_of(conv);
    const qn_value *old = bias_of(conv);
    qn_node *add = following_add(conv, &old);
    double *sums = QN_ARENA_ARRAY(graph->arena, double, (size_t)w.outputs);
    qn_value *bias;
    float *data;
    if (!sums) return qn_status_out_of_memory();
    for (int64_t i = 0; i < w.elems; i++)
        sums[i % w.outputs] += (double)w.data[i] * qn_channel_constant_at(offset, channel_of(&w, i));
    QN_TRY(
        qn_make_channel_constant(graph, qn_arena_printf(graph->arena, "%s/bias", conv->name), w.outputs, &bias, &data));
    for (int64_t c = 0; c < w.outputs; c++) data[c] = (float)(sums[c] + (old ? qn_channel_constant_at(old, c) : 0));
    if (!add) return replace(graph, conv, x, conv->inputs[1], bias);
    QN_TRY(replace(graph, conv, x, conv->inputs[1], bias_of(conv)));
    return qn_rewrite(graph, add, add->op, NULL, 2, (qn_value *[]){conv->outputs[0], bias});
}

/* o / s per channel; *out is NULL where a quotient is not normal. */
static qn_status *divide(qn_graph *graph, const qn_value *o, const qn_value *s, qn_value **out) {
    int64_t channels = qn_max_i64(qn_value_channels(o), qn_value_channels(s));
    float *data;
    *out = NULL;
    for (int64_t c = 0; c < channels; c++) {
        float quotient = (float)((double)qn_channel_constant_at(o, c) / qn_channel_constant_at(s, c));
        if (!isnormal(quotient) && (quotient != 0 || !isnormal(qn_channel_constant_at(s, c)))) return NULL;
    }
    QN_TRY(qn_make_channel_constant(graph, o->name, channels, out, &data));
    for (int64_t c = 0; c < channels; c++)
        data[c] = (float)((double)qn_channel_constant_at(o, c) / qn_channel_constant_at(s, c));
    return NULL;
}

/* conv(x * s + o) where the convolution pads: the addition moves before the multiplication, which then folds. */
static qn_status *fold_through_offset(qn_graph *graph, qn_node *conv, qn_node *add, qn_value *product,
                                      const qn_value *offset, int *out_changed) {
    qn_value *x, *scale, *moved;
    int index;
    qn_node *mul = qn_match_sole_arithmetic(product, QN_ARITHMETIC_MULTIPLY);
    if (!mul || !qn_match_constant_operand(mul, &x, &scale, &index)) return NULL;
    QN_TRY(divide(graph, offset, scale, &moved));
    if (!moved) return NULL;
    QN_TRY(qn_rewrite(graph, add, add->op, NULL, 2, (qn_value *[]){x, moved}));
    *out_changed = 1;
    return fold_scale(graph, conv, add->outputs[0], scale);
}

/* What stands after a convolution or product already goes into that one. */
static int belongs_before(const qn_value *x) { return qn_match_sole_layer(x) != NULL; }

/* One step. */
static qn_status *fold(qn_graph *graph, qn_node *conv, int *out_changed) {
    qn_value *x, *constant;
    int index;
    *out_changed = 0;
    qn_node *mul = qn_match_sole_arithmetic(conv->inputs[0], QN_ARITHMETIC_MULTIPLY),
            *add = qn_match_sole_arithmetic(conv->inputs[0], QN_ARITHMETIC_ADD);
    if (mul && qn_match_constant_operand(mul, &x, &constant, &index) && !belongs_before(x)) {
        *out_changed = 1;
        return fold_scale(graph, conv, x, constant);
    }
    if (!add || !qn_match_constant_operand(add, &x, &constant, &index) || belongs_before(x)) return NULL;
    if (may_pad(conv)) return fold_through_offset(graph, conv, add, x, constant, out_changed);
    *out_changed = 1;
    return fold_offset(graph, conv, x, constant);
}

qn_status *qn_pass_fold_input_scale(qn_graph *graph) {
    for (qn_node *node = graph->first; node; node = node->next) {
        int changed;
        do {
            if (!is_foldable(node)) break;
            QN_TRY(fold(graph, node, &changed));
        } while (changed);
    }
    return NULL;
}
