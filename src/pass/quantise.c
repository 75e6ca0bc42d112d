/* Convolutions and products with constant weights compute in integers: each becomes its quantised operator, which still
 * gives floats, behind a quantize_linear of what it reads. Values that several read are converted once. The passes
 * after this one make the conversions between integer operators disappear.
 *
 * Additions that are asked for, or that the source computes on grids, do so too (pass/addition.h): as add_quantized, or
 * as the integer addend of a convolution.
 *
 * What stays float says why in precision_reason: the node asks for it, there is no range for what it reads, no kernel
 * for its groups, so many products in a sum that 32 bits might not hold it, or, by the cost model, no time to be gained
 * (quant/cost.h). */
#include "op/geometry.h"
#include "pass/addition.h"
#include "pass/byte_form.h"
#include "pass/conversion.h"
#include "pass/pass.h"
#include "pass/quantise.h"
#include "pass/rewrite.h"
#include "quant/cost.h"
#include "quant/encoding.h"
#include "quant/grid.h"
#include "quant/moments.h"

#include <math.h>
#include <string.h>

enum { X = 0, WEIGHTS = 1, BIAS = 2, ADDEND = 3, SIZE_TO_COUNT = 4096 };

static int is_conv(const qn_node *node) { return qn_op_is_convolution(node->op); }

static int is_depthwise(const qn_node *node) {
    return is_conv(node) && ((const qn_conv2d_attrs *)node->attrs)->conv.groups > 1;
}

/* ---- What can be integer ---- */

static const char *convolution_obstacle(const qn_node *node) {
    qn_view weights = qn_value_view(node->inputs[WEIGHTS]);
    int64_t groups = ((const qn_conv2d_attrs *)node->attrs)->conv.groups;
    if (groups > 1 && (weights.dims[2] != 1 || weights.dims[3] != groups)) return "groups of several channels";
    if (weights.dims[0] * weights.dims[1] * weights.dims[2] > QN_LAYER_ROWS_MAX) return "its sums are too long";
    return NULL;
}

static const char *product_obstacle(const qn_node *node) {
    qn_view weights = qn_value_view(node->inputs[WEIGHTS]);
    const qn_matmul_attrs *attrs = node->attrs;
    if (weights.rank != 2 || attrs->transpose_a) return "a product of this form";
    return weights.dims[attrs->transpose_b ? 1 : 0] > QN_LAYER_ROWS_MAX ? "its sums are too long" : NULL;
}

const char *qn_quantise_find_obstacle(qn_graph *graph, const qn_node *node) {
    const qn_value *x = node->inputs[X], *weights = node->inputs[WEIGHTS];
    if (node->precision == QN_DTYPE_F32 || node->precision == QN_DTYPE_F16) return node->precision_reason;
    if (!qn_value_is_constant(weights) || weights->type.dtype != QN_DTYPE_F32) return "its weights are no constants";
    qn_view view = qn_value_view(weights);
    if (!qn_view_elems(&view)) return "it has no weights";
    if (node->input_count > BIAS && node->inputs[BIAS] && !qn_value_is_constant(node->inputs[BIAS]))
        return "its bias is no constant";
    if (x->type.dtype != QN_DTYPE_F32 || qn_value_is_constant(x)) return "what it reads is no float value";
    if (!x->stats) return qn_arena_printf(graph->arena, "there is no range for '%s'", x->name);
    return is_conv(node) ? convolution_obstacle(node) : product_obstacle(node);
}

static int is_candidate(const qn_node *node) {
    return qn_op_is_layer(node->op) && node->inputs[X] && node->inputs[WEIGHTS] &&
           node->outputs[0]->type.dtype == QN_DTYPE_F32;
}

/* The integers that a node asks for, or those of the graph. */
static qn_dtype wanted_integers(const qn_graph *graph, const qn_node *node) {
    return node->precision == QN_DTYPE_U8 || node->precision == QN_DTYPE_S16 ? node->precision : graph->integer.dtype;
}

/* The weights of a node whose activations become `dtype`. */
static qn_dtype wanted_weights(const qn_graph *graph, const qn_node *node, qn_dtype dtype) {
    qn_dtype wish = node->weights ? node->weights : graph->integer.weights;
    return dtype == QN_DTYPE_U8 || wish == QN_DTYPE_S8 ? QN_DTYPE_S8 : QN_DTYPE_S16;
}

/* Cycles that a node saves as integers. */
static double gain_of(const qn_graph *graph, const qn_node *node) {
    const qn_cost_model *model = qn_cost_model_find(graph->integer.arch);
    const qn_node *producer = node->inputs[X]->producer;
    int converts = !producer || !producer->mark || producer->mark != node->mark;
    qn_dtype floats = graph->precision == QN_DTYPE_F16 ? QN_DTYPE_F16 : QN_DTYPE_F32;
    qn_dtype integers = (qn_dtype)node->mark;
    return qn_cost_layer(model, graph, node, floats, floats, 0) -
           qn_cost_layer(model, graph, node, integers, wanted_weights(graph, node, integers), converts);
}

/* The integers that a node reads a value as; NONE: as floats, or not at all. */
static qn_dtype read_as(const qn_value *value, const qn_use *use) {
    const qn_node *node = use->node;
    if (!node->mark) return QN_DTYPE_NONE;
    if (qn_addition_is(node)) return (qn_dtype)node->mark;
    if (!is_candidate(node)) return QN_DTYPE_NONE;
    if (use->index == X) return (qn_dtype)node->mark;
    return is_conv(node) && use->index == ADDEND && value->stats ? node->addend_precision : QN_DTYPE_NONE;
}

static int is_addend(const qn_use *use) { return is_conv(use->node) && use->index == ADDEND; }

/* Layers that nobody asked to be bytes, and that would be slower so, stay float. (Words are chosen for what they keep,
   not for time.) */
static void unmark_gainless(qn_graph *graph) {
    for (qn_node *node = graph->first; node; node = node->next) {
        if (!is_candidate(node) || node->mark != QN_DTYPE_U8 || node->precision || node->addend_precision) continue;
        if (gain_of(graph, node) > 0) continue;
        node->mark = QN_DTYPE_NONE;
        node->precision_reason = "no integers: they would save no time here";
    }
}

static qn_status *explain(qn_graph *graph, qn_node *node, const char *obstacle) {
    if (!obstacle) return qn_status_out_of_memory();
    node->precision_reason = qn_arena_printf(graph->arena, "no integers: %s", obstacle);
    return node->precision_reason ? NULL : qn_status_out_of_memory();
}

static qn_status *mark_layer(qn_graph *graph, qn_node *node) {
    const char *obstacle = qn_quantise_find_obstacle(graph, node);
    if (!obstacle) node->mark = wanted_integers(graph, node);
    return node->mark || qn_dtype_is_float(node->precision) ? NULL : explain(graph, node, obstacle);
}

static qn_status *mark_addition(qn_graph *graph, qn_node *node) {
    qn_dtype wanted = qn_addition_wanted(graph, node);
    const char *obstacle = wanted ? qn_addition_obstacle(graph, node) : NULL;
    if (obstacle) return explain(graph, node, obstacle);
    node->mark = wanted;
    return NULL;
}

static int has_one_zero_point(const qn_value_encoding *grid) {
    for (int64_t c = 1; c < grid->channels; c++)
        if (grid->zero_point[c] != grid->zero_point[0]) return 0;
    return 1;
}

/* Nobody asks, but the source has grids: the addend of a layer that is integer becomes bytes. */
static void mark_addend(const qn_graph *graph, qn_node *node) {
    if (!is_conv(node) || !node->mark || node->addend_precision || node->input_count <= ADDEND || !node->inputs[ADDEND])
        return;
    const qn_value *addend = node->inputs[ADDEND];
    if (qn_addition_keeps_grid(graph, addend, node->outputs[0]) && has_one_zero_point(addend->stats->grid))
        node->addend_precision = QN_DTYPE_U8;
}

/* Each layer has integers of its own of weights that several share. A few bytes of model could so ask for any number of
   copies: beyond this, layers stay float. */
#define SHARED_BYTES_FREE     ((int64_t)16 << 20)
#define SHARED_BYTES_PER_BYTE 4 /* of constants */

static qn_status *unmark_sharers(qn_graph *graph) {
    uint8_t *is_taken = QN_ARENA_ARRAY(graph->arena, uint8_t, graph->next_id);
    if (!is_taken) return qn_status_out_of_memory();
    int64_t left = SHARED_BYTES_FREE + SHARED_BYTES_PER_BYTE * qn_graph_told_bytes(graph);
    for (qn_node *node = graph->first; node; node = node->next) {
        if (!is_candidate(node) || !node->mark) continue;
        const qn_value *weights = node->inputs[WEIGHTS];
        int64_t bytes = is_taken[weights->id] ? (int64_t)weights->data_bytes : 0;
        is_taken[weights->id] = 1;
        if (bytes <= left) {
            left -= bytes;
            continue;
        }
        node->mark = QN_DTYPE_NONE;
        QN_TRY(explain(graph, node, "its weights are shared by too many layers"));
    }
    return NULL;
}

qn_status *qn_quantise_mark(qn_graph *graph) {
    for (qn_node *node = graph->first; node; node = node->next) {
        node->mark = QN_DTYPE_NONE;
        if (is_candidate(node))
            QN_TRY(mark_layer(graph, node));
        else if (node->op->arithmetic == QN_ARITHMETIC_ADD && node->outputs[0]->type.dtype == QN_DTYPE_F32)
            QN_TRY(mark_addition(graph, node));
    }
    unmark_gainless(graph);
    QN_TRY(unmark_sharers(graph));
    for (qn_node *node = graph->first; node; node = node->next) mark_addend(graph, node);
    return NULL;
}

/* ---- Layers ---- */

/* b of a product as [k, n]. */
static qn_status *transpose(qn_graph *graph, const qn_view *view, const float **out) {
    const float *src = view->data;
    int64_t n = view->dims[0], k = view->dims[1];
    float *dst = QN_ARENA_ARRAY(graph->arena, float, (size_t)(n * k));
    if (!dst) return qn_status_out_of_memory();
    for (int64_t row = 0; row < k; row++)
        for (int64_t column = 0; column < n; column++) dst[row * n + column] = src[column * k + row];
    *out = dst;
    return NULL;
}

/* The layer of a marked node; *out_dims are those of its weights as the quantised operator takes them. */
static qn_status *describe(qn_graph *graph, const qn_node *node, qn_layer *out, qn_view *out_weights) {
    qn_view view = qn_value_view(node->inputs[WEIGHTS]);
    *out = (qn_layer){.weights = view.data,
                      .is_depthwise = is_depthwise(node),
                      .has_byte_weights = wanted_weights(graph, node, (qn_dtype)node->mark) == QN_DTYPE_S8};
    if (node->input_count > BIAS && node->inputs[BIAS]) out->bias = node->inputs[BIAS]->data;
    if (!is_conv(node) && ((const qn_matmul_attrs *)node->attrs)->transpose_b) {
        QN_TRY(transpose(graph, &view, &out->weights));
        int64_t n = view.dims[0];
        view.dims[0] = view.dims[1];
        view.dims[1] = n;
    }
    out->outputs = view.dims[view.rank - 1];
    out->rows = qn_view_elems(&view) / out->outputs;
    *out_weights = view;
    int is_turned = !is_conv(node) && ((const qn_matmul_attrs *)node->attrs)->transpose_b;
    return qn_grid_steps(graph->arena, node->inputs[WEIGHTS]->stats, out->outputs, is_turned, &out->grid);
}

/* Does the node see anything beyond the picture? */
static int may_pad(const qn_node *node) {
    if (!is_conv(node)) return 0;
    const qn_conv_attrs *conv = &((const qn_conv2d_attrs *)node->attrs)->conv;
    qn_view weights = qn_value_view(node->inputs[WEIGHTS]);
    if (conv->padding == QN_PADDING_VALID) return 0;
    if (conv->padding != QN_PADDING_EXPLICIT) return weights.dims[0] > 1 || weights.dims[1] > 1;
    return conv->pads.values[0] || conv->pads.values[1] || conv->pads.values[2] || conv->pads.values[3];
}

/* The share of the results for which tap `tap` of one axis reads inside the picture; sizes at their upper ends. */
static double inside_share(const qn_graph *graph, const qn_node *node, const qn_window *window, int axis, int64_t tap) {
    int64_t in, out, unused, inside = 0;
    qn_dim_range(graph->dims, node->inputs[X]->type.dims[1 + axis], &unused, &in);
    qn_dim_range(graph->dims, node->outputs[0]->type.dims[1 + axis], &unused, &out);
    if (in > SIZE_TO_COUNT || out > SIZE_TO_COUNT || out < 1) return 1.0; /* so large that its edges hardly count */
    int64_t before = qn_window_pad_before(window, axis, in, out);
    for (int64_t o = 0; o < out; o++) {
        int64_t at = o * window->stride[axis] - before + tap * window->dilation[axis];
        inside += at >= 0 && at < in;
    }
    return (double)inside / (double)out;
}

/* layer->inside of a node that sees beyond the picture. */
static qn_status *count_inside(qn_graph *graph, const qn_node *node, qn_layer *layer) {
    qn_view weights = qn_value_view(node->inputs[WEIGHTS]);
    int64_t height = weights.dims[0], width = weights.dims[1];
    qn_window window = qn_conv_window(&((const qn_conv2d_attrs *)node->attrs)->conv, height, width);
    float *inside = QN_ARENA_ARRAY(graph->arena, float, (size_t)(height * width));
    if (!inside) return qn_status_out_of_memory();
    for (int64_t ky = 0; ky < height; ky++)
        for (int64_t kx = 0; kx < width; kx++)
            inside[ky * width + kx] =
                (float)(inside_share(graph, node, &window, 0, ky) * inside_share(graph, node, &window, 1, kx));
    layer->inside = inside;
    return NULL;
}

/* ---- Conversion of what is read ---- */

/* What a value becomes; made when its first reader is met. */
typedef struct conversion {
    qn_encoding encoding;
    qn_value *quantised;
} conversion;

/* `made`: by id of the value that is read, as U8 and as S16. */
static conversion *find_conversion(conversion (*made)[2], const qn_value *x, qn_dtype dtype) {
    return &made[x->id][dtype == QN_DTYPE_S16];
}

/* Does an addition of integers make it, perhaps behind an operator before which conversions move? It gives one zero
 * point. */
static int is_sum(const qn_value *x) {
    while (x->producer && qn_op_keeps_channels(x->producer->op)) x = x->producer->inputs[0];
    return x->producer && x->producer->op->requantize && !x->producer->op->layer;
}

static qn_status *choose_encoding(qn_graph *graph, const qn_value *x, qn_dtype dtype, qn_encoding *out) {
    qn_layer *layers = QN_ARENA_ARRAY(graph->arena, qn_layer, x->uses.count);
    qn_encoding_request request = {.stats = x->stats,
                                   .wish = &graph->integer,
                                   .dtype = dtype,
                                   .equalise = graph->integer.equalise,
                                   .layers = layers,
                                   .cancel = &graph->cancel};
    qn_view unused;
    int wants_one = 0;
    request.one_zero_point = is_sum(x);
    if (!layers) return qn_status_out_of_memory();
    if (!qn_dim_is_const(graph->dims, x->type.dims[x->type.rank - 1], &request.channels))
        return QN_ERR(QN_INTERNAL, "'%s' has no fixed number of channels", x->name);
    for (size_t i = 0; i < x->uses.count; i++) {
        const qn_use *use = &x->uses.items[i];
        if (read_as(x, use) != dtype) continue;
        request.one_zero_point |= is_addend(use);
        if (!is_candidate(use->node) || is_addend(use)) continue;
        QN_TRY(describe(graph, use->node, &layers[request.layer_count++], &unused));
        request.one_zero_point |= may_pad(use->node);
        wants_one |= use->node->scales[X] == QN_SCALES_ONE;
        request.equalise |= use->node->scales[X] == QN_SCALES_PER_CHANNEL;
    }
    request.equalise &= !wants_one;
    return qn_encoding_choose(&request, graph->arena, out);
}

static int all_equal(const qn_encoding *a) {
    for (int64_t c = 1; c < a->channels; c++)
        if (a->scale[c] != a->scale[0] || a->zero_point[c] != a->zero_point[0]) return 0;
    return 1;
}

static qn_status *add_quantize(qn_graph *graph, qn_value *x, qn_node *before, conversion *made) {
    const qn_encoding *a = &made->encoding;
    const char *type = qn_dtype_name(a->dtype), *name = qn_arena_printf(graph->arena, "%s/%s", x->name, type);
    qn_value_encoding *encoding = QN_ARENA_NEW(graph->arena, qn_value_encoding);
    qn_node *node;
    if (!name || !encoding) return qn_status_out_of_memory();
    *encoding = (qn_value_encoding){x->name, all_equal(a) ? 1 : a->channels, a->scale, a->zero_point};
    QN_TRY(qn_add_conversion(graph, x, name, a->dtype, encoding, before, &node));
    node->source = x->producer ? x->producer->source : NULL;
    node->precision_reason = qn_arena_printf(graph->arena, "%s: %s", type, graph->integer.reason);
    made->quantised = node->outputs[0];
    return node->precision_reason ? NULL : qn_status_out_of_memory();
}

/* What `x` is as integers of `dtype`: a conversion, unless somebody made it before. */
static qn_status *convert(qn_graph *graph, qn_value *x, qn_dtype dtype, qn_node *before, conversion *made) {
    if (made->quantised) return NULL;
    QN_TRY(choose_encoding(graph, x, dtype, &made->encoding));
    return add_quantize(graph, x, before, made);
}

/* May a reader take bytes that are no encoding of ours? What it reads outside the picture must be one byte, and a sum
   has whole zero points. */
static int takes_bytes(const qn_value *x, const qn_byte_form *form) {
    int pads = 0;
    for (size_t i = 0; i < x->uses.count; i++) {
        const qn_use *use = &x->uses.items[i];
        if (read_as(x, use) && (!is_candidate(use->node) || is_addend(use))) return 0;
        pads |= use->node->mark && use->index == X && may_pad(use->node);
    }
    double first = rint(-form->offset[0] / form->scale[0]);
    for (int64_t c = 0; pads && c < form->channels; c++) {
        double zero = rint(-form->offset[c] / form->scale[c]);
        if (zero != first || zero < 0 || zero > 255) return 0;
    }
    return 1;
}

/* Bytes that `x` is made of take the place of its conversion: made->quantised stays NULL where there are none. */
static qn_status *use_bytes(qn_graph *graph, qn_value *x, qn_node *before, conversion *made) {
    qn_encoding *e = &made->encoding;
    qn_byte_form form;
    int64_t channels;
    if (!qn_dim_is_const(graph->dims, x->type.dims[x->type.rank - 1], &channels)) return NULL;
    QN_TRY(qn_byte_form_find(graph, x, channels, before, &form));
    if (!form.bytes || !takes_bytes(x, &form)) return NULL;
    *e = (qn_encoding){.dtype = QN_DTYPE_U8,
                       .channels = channels,
                       .scale = QN_ARENA_ARRAY(graph->arena, float, (size_t)channels),
                       .zero_point = QN_ARENA_ARRAY(graph->arena, int32_t, (size_t)channels),
                       .zero = QN_ARENA_ARRAY(graph->arena, double, (size_t)channels)};
    if (!e->scale || !e->zero_point || !e->zero) return qn_status_out_of_memory();
    for (int64_t c = 0; c < channels; c++) {
        e->scale[c] = (float)form.scale[c];
        e->zero[c] = -form.offset[c] / form.scale[c];
        e->zero_point[c] = (int32_t)fmin(fmax(rint(e->zero[c]), 0.0), 255.0);
    }
    e->mean = x->stats->channels == channels ? x->stats->channel_mean : NULL;
    e->square = x->stats->channels == channels ? x->stats->channel_square : NULL;
    made->quantised = form.bytes;
    return NULL;
}

/* ---- The node itself ---- */

/* The vectors that every quantised operator takes, into inputs 1 to 4. */
static qn_status *add_parameters(qn_graph *graph, const qn_node *node, const qn_layer *layer, qn_view weights,
                                 const qn_layer_integers *integers, int has_limit, qn_value **inputs) {
    int is_bytes = inputs[0]->type.dtype == QN_DTYPE_U8;
    weights.dtype = layer->has_byte_weights ? QN_DTYPE_S8 : QN_DTYPE_S16;
    weights.data = integers->weights;
    const char *weights_name =
        qn_arena_printf(graph->arena, "%s/%s", node->inputs[WEIGHTS]->name, qn_dtype_name(weights.dtype));
    if (!weights_name) return qn_status_out_of_memory();
    QN_TRY(qn_graph_add_constant(graph, weights_name, &weights, &inputs[1]));
    QN_TRY(qn_add_vector(graph, node->name, "bias", is_bytes ? QN_DTYPE_S32 : QN_DTYPE_S64, layer->outputs,
                         integers->bias, &inputs[2]));
    QN_TRY(qn_add_vector(graph, node->name, "multiplier", QN_DTYPE_F32, layer->outputs, integers->weight_scale,
                         &inputs[3]));
    if (!has_limit) return NULL;
    float *limit = QN_ARENA_ARRAY(graph->arena, float, (size_t)layer->outputs);
    if (!limit) return qn_status_out_of_memory();
    for (int64_t o = 0; o < layer->outputs; o++) limit[o] = 6.0f;
    return qn_add_vector(graph, node->name, "limit", QN_DTYPE_F32, layer->outputs, limit, &inputs[4]);
}

/* inputs 5 and 6: the addend as integers, if it is to be that, else as the float it is. */
static qn_status *add_addend(qn_graph *graph, qn_node *node, conversion (*made)[2], qn_value **inputs,
                             qn_requantize_attrs *result) {
    qn_value *addend = node->input_count > ADDEND ? node->inputs[ADDEND] : NULL;
    qn_dtype dtype = addend && addend->stats ? node->addend_precision : QN_DTYPE_NONE;
    inputs[6] = addend;
    if (!dtype) return NULL;
    conversion *converted = find_conversion(made, addend, dtype);
    const qn_encoding *encoding = &converted->encoding;
    QN_TRY(convert(graph, addend, dtype, node, converted));
    inputs[6] = converted->quantised;
    result->addend_zero_point = encoding->zero_point[0];
    return qn_add_vector(graph, node->name, "addend_multiplier", QN_DTYPE_F32, encoding->channels, encoding->scale,
                         &inputs[5]);
}

static qn_status *become_convolution(qn_graph *graph, qn_node *node, const qn_encoding *x, conversion (*made)[2],
                                     qn_value **inputs) {
    const qn_conv2d_attrs *old = node->attrs;
    qn_conv2d_quantized_attrs attrs = {.conv = old->conv, .pad_value = may_pad(node) ? x->zero_point[0] : 0};
    attrs.result.dtype = QN_DTYPE_F32;
    attrs.result.activation = old->activation;
    QN_TRY(add_addend(graph, node, made, inputs, &attrs.result));
    int count = inputs[6] ? 7 : inputs[4] ? 5 : 4;
    return qn_node_become(graph, node, node->op->integer, &attrs, count, inputs);
}

static qn_status *become_product(qn_graph *graph, qn_node *node, qn_value **inputs) {
    qn_matmul_quantized_attrs attrs = {.result.dtype = QN_DTYPE_F32};
    attrs.result.activation = ((const qn_matmul_attrs *)node->attrs)->activation;
    return qn_node_become(graph, node, node->op->integer, &attrs, inputs[4] ? 5 : 4, inputs);
}

/* Moments of what the node reads, where the graph wishes for rounding by them and they are known. Weights of 16 bits
   have little to gain. */
static const qn_moments *find_moments(const qn_graph *graph, const qn_node *node) {
    qn_window window;
    int by_channel;
    if (wanted_weights(graph, node, (qn_dtype)node->mark) == QN_DTYPE_S16) return NULL;
    if (!graph->integer.rounding_iterations || !qn_moments_describe(node, &window, &by_channel)) return NULL;
    return qn_moments_find(node->inputs[X]->stats->moments, &window, by_channel);
}

/* What became of the wish for an integer addend, if there is one. */
static const char *addend_reason(qn_graph *graph, const qn_node *node) {
    if (!node->addend_precision) return "";
    const qn_value *addend = node->inputs[ADDEND];
    if (!addend->stats)
        return qn_arena_printf(graph->arena, ", its addend float: there is no range for '%s'", addend->name);
    return node->addend_precision == QN_DTYPE_U8 ? ", its addend u8" : ", its addend s16";
}

/* Why the layer is integer, and whether weights that the source had rounded already are just those. They are not where
   they reach beyond 127 steps from zero, or what is read has a scale for each channel. */
static const char *reason_of(qn_graph *graph, const qn_node *node, const qn_layer *layer,
                             const qn_layer_integers *integers) {
    const char *type = qn_dtype_name((qn_dtype)node->mark), *addend = addend_reason(graph, node);
    const char *asks = node->precision ? node->precision_reason : graph->integer.reason;
    if (node->mark == QN_DTYPE_S16 && layer->has_byte_weights)
        asks = qn_arena_printf(graph->arena, "%s, weights of 8 bits", asks);
    if (!addend || !asks) return NULL;
    if (!layer->grid) return qn_arena_printf(graph->arena, "%s: %s%s", type, asks, addend);
    if (integers->kept_grids == layer->outputs)
        return qn_arena_printf(graph->arena, "%s: %s, weights as the source has them%s", type, asks, addend);
    return qn_arena_printf(graph->arena, "%s: %s, weights as the source has them in %lld of %lld outputs%s", type, asks,
                           (long long)integers->kept_grids, (long long)layer->outputs, addend);
}

static qn_status *quantise_layer(qn_graph *graph, qn_node *node, conversion (*conversions)[2]) {
    conversion *made = find_conversion(conversions, node->inputs[X], (qn_dtype)node->mark);
    const qn_integer_wish *wish = &graph->integer;
    int per_tensor = node->scales[WEIGHTS] ? node->scales[WEIGHTS] == QN_SCALES_ONE : wish->per_tensor;
    const qn_layer_options options = {.per_tensor = per_tensor,
                                      .correct_bias = wish->correct_bias,
                                      .search_clip = !per_tensor,
                                      .rounding_iterations = wish->rounding_iterations,
                                      .moments = find_moments(graph, node),
                                      .cancel = &graph->cancel};
    qn_value *inputs[7] = {0};
    qn_layer layer;
    qn_layer_integers integers;
    qn_view weights;
    if (!made->quantised && node->mark == QN_DTYPE_U8 && !wish->symmetric && !node->inputs[X]->stats->grid)
        QN_TRY(use_bytes(graph, node->inputs[X], node, made));
    QN_TRY(convert(graph, node->inputs[X], (qn_dtype)node->mark, node, made));
    int has_limit = is_conv(node) ? ((qn_conv2d_attrs *)node->attrs)->activation == QN_ACTIVATION_RELU6
                                  : ((qn_matmul_attrs *)node->attrs)->activation == QN_ACTIVATION_RELU6;
    inputs[0] = made->quantised;
    QN_TRY(describe(graph, node, &layer, &weights));
    if (may_pad(node)) QN_TRY(count_inside(graph, node, &layer));
    QN_TRY(qn_layer_quantise(&layer, &made->encoding, &options, graph->arena, &integers));
    QN_TRY(add_parameters(graph, node, &layer, weights, &integers, has_limit, inputs));
    node->precision_reason = reason_of(graph, node, &layer, &integers);
    if (!node->precision_reason) return qn_status_out_of_memory();
    return is_conv(node) ? become_convolution(graph, node, &made->encoding, conversions, inputs)
                         : become_product(graph, node, inputs);
}

/* ---- Additions ---- */

/* Operand `side`, with its multiplier and zero point. */
static qn_status *add_operand(qn_graph *graph, qn_node *node, int side, conversion *made, qn_value **inputs) {
    const qn_encoding *encoding = &made->encoding;
    QN_TRY(convert(graph, node->inputs[side], (qn_dtype)node->mark, node, made));
    int64_t count = all_equal(encoding) ? 1 : encoding->channels;
    inputs[side] = made->quantised;
    QN_TRY(qn_add_vector(graph, node->name, side ? "b_multiplier" : "a_multiplier", QN_DTYPE_F32, count,
                         encoding->scale, &inputs[2 + side]));
    return qn_add_vector(graph, node->name, side ? "b_zero_point" : "a_zero_point", QN_DTYPE_S32, count,
                         encoding->zero_point, &inputs[4 + side]);
}

static qn_status *quantise_addition(qn_graph *graph, qn_node *node, conversion (*made)[2]) {
    static const float limit = 6.0f;
    qn_node *activation = qn_addition_activation(node), *last = activation ? activation : node;
    qn_add_quantized_attrs attrs = {.result.dtype = QN_DTYPE_F32};
    qn_value *inputs[7] = {0};
    qn_dtype dtype = (qn_dtype)node->mark;
    const char *asks = node->precision ? node->precision_reason : "the grids of the source";
    for (int side = 0; side < 2; side++)
        QN_TRY(add_operand(graph, node, side, find_conversion(made, node->inputs[side], dtype), inputs));
    if (activation) attrs.result.activation = QN_ACTIVATION_RELU;
    if (activation && activation->op->activation == QN_ACTIVATION_RELU6) {
        attrs.result.activation = QN_ACTIVATION_RELU6;
        QN_TRY(qn_add_vector(graph, last->name, "limit", QN_DTYPE_F32, 1, &limit, &inputs[6]));
    }
    QN_TRY(qn_rewrite(graph, last, node->op->integer, &attrs, inputs[6] ? 7 : 6, inputs));
    last->precision_reason = qn_arena_printf(graph->arena, "%s: %s", qn_dtype_name(dtype), asks);
    return last->precision_reason ? NULL : qn_status_out_of_memory();
}

qn_status *qn_pass_quantise(qn_graph *graph) {
    if (!graph->integer.dtype) return NULL;
    conversion(*made)[2] = qn_arena_alloc(graph->arena, graph->next_id, sizeof *made);
    if (!made) return qn_status_out_of_memory();
    QN_TRY(qn_quantise_mark(graph));
    for (qn_node *node = graph->first, *next; node; node = next) {
        next = node->next;
        if (!node->mark) continue;
        QN_TRY_CTX((is_candidate(node) ? quantise_layer : quantise_addition)(graph, node, made), "%s",
                   node->source ? node->source : node->name);
    }
    qn_graph_remove_dead(graph);
    return NULL;
}
