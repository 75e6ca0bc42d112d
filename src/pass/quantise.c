/* Convolutions and products with constant weights compute in integers: each becomes its quantised operator, which still
 * gives floats, behind a quantize_linear of what it reads. The passes after this one make the conversions between integer
 * operators disappear. Additions that are asked for, or that the source computes on grids, do so too (pass/addition.h): as
 * add_quantized, or as the integer addend of a convolution.
 *
 * Which these are is chosen first (quantise_choose.c). Then, for each in order of execution:
 *
 *   reads      an encoding of what it reads: scale s and zero point z, so that x = s * (q - z). Chosen once for all who
 *              read the value as these integers, from its range and their weights (quant/encoding.h); values that are
 *              bytes behind their arithmetic (a picture, normalised) are read as those bytes
 *   weights    integers w' with one scale m per output, s and w being multiplied first (quant/layer.h)
 *   bias       b' in steps of m, less what the zero point adds to each sum
 *   result     y = m * (sum(w' * q) + b'), then limit and addend as floats
 *
 * A product of one output, w = (0.5, -1), b = 0.25, x in [-1, 3] as bytes: s = 4 / 255 = 0.01569, z = 64. In steps of s
 * the weights are (0.00784, -0.01569); the largest gets -127, so m = 0.0001235 and w' = (64, -127) (63.5 rounds to even).
 * b' = 0.25 / m - z * (64 - 127) = 2024 + 4032 = 6056. For x = (1, 2), q = (128, 191): m * (64 * 128 - 127 * 191 + 6056) =
 * -1.236, which is to be 0.5 - 2 + 0.25 = -1.25. (quant/layer.h searches for a better m, and takes the mean of the error
 * off the bias; both are left out here.)
 *
 * What stays float says why as its outcome (ir/facts.h). */
#include "op/layer.h"
#include "pass/addition.h"
#include "pass/byte_form.h"
#include "pass/conversion.h"
#include "pass/layout.h"
#include "pass/pass.h"
#include "pass/quantise.h"
#include "pass/rewrite.h"
#include "quant/encoding.h"
#include "quant/grid.h"
#include "quant/moments.h"

#include <math.h>
#include <string.h>

enum { X = 0, WEIGHTS = 1, BIAS = 2, ADDEND = 3, SIZE_TO_COUNT = 4096 };

static int is_conv(const qn_node *node) { return qn_op_is_convolution(node->op); }

/* The sums of a layer, whose weights are constant. */
static qn_layer_shape shape_of(const qn_node *node) {
    const qn_view weights = qn_value_view(node->inputs[WEIGHTS]);
    return qn_layer_describe(node->op, node->attrs, weights.rank, weights.dims);
}

/* U8 or S16: what a node reads its data as; NONE: as floats. */
static qn_dtype data_of(const qn_graph *graph, const qn_node *node) { return qn_facts_of(graph, node)->integers.data; }

static int is_addend(const qn_use *use) { return is_conv(use->node) && use->index == ADDEND; }

/* ---- Layers ---- */

/* Does the node see anything beyond the picture? */
static int may_pad(const qn_node *node) {
    if (!is_conv(node)) return 0;
    const qn_layer_shape shape = shape_of(node);
    return qn_window_may_pad(&shape.window);
}

/* The layer that a node is; *out_dims are those of its weights as the quantised operator takes them. */
static qn_status *describe(qn_graph *graph, const qn_node *node, qn_layer *out, qn_view *out_weights) {
    static const qn_perm turned = {.rank = 2, .axis = {1, 0}};
    const qn_layer_shape shape = shape_of(node);
    *out_weights = qn_value_view(node->inputs[WEIGHTS]);
    if (shape.is_turned) QN_TRY(qn_transpose_view(graph, out_weights, &turned, out_weights));
    *out = (qn_layer){.weights = out_weights->data,
                      .rows = shape.rows,
                      .outputs = shape.outputs,
                      .is_depthwise = shape.is_depthwise,
                      .has_byte_weights = qn_quantise_weights(graph, node, data_of(graph, node)) == QN_DTYPE_S8};
    if (node->input_count > BIAS && node->inputs[BIAS]) out->bias = node->inputs[BIAS]->data;
    return qn_grid_steps(graph->arena, node->inputs[WEIGHTS]->stats, out->outputs, shape.is_turned, &out->grid);
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
    const qn_window window = shape_of(node).window;
    const int64_t height = window.kernel[0], width = window.kernel[1];
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
        if (qn_quantise_read_as(graph, use) != dtype) continue;
        request.one_zero_point |= is_addend(use);
        if (!qn_quantise_is_layer(use->node) || is_addend(use)) continue;
        QN_TRY(describe(graph, use->node, &layers[request.layer_count++], &unused));
        request.one_zero_point |= may_pad(use->node);
        const qn_scales scales = qn_facts_of(graph, use->node)->wish.scales[X];
        wants_one |= scales == QN_SCALES_ONE;
        request.equalise |= scales == QN_SCALES_PER_CHANNEL;
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
    made->quantised = node->outputs[0];
    const qn_outcome outcome = {.why = QN_WHY_ASKED, .dtype = a->dtype, .who = graph->integer.who};
    return qn_outcome_set(graph, node, &outcome);
}

/* What `x` is as integers of `dtype`: a conversion, unless somebody made it before. */
static qn_status *convert(qn_graph *graph, qn_value *x, qn_dtype dtype, qn_node *before, conversion *made) {
    if (made->quantised) return NULL;
    QN_TRY(choose_encoding(graph, x, dtype, &made->encoding));
    return add_quantize(graph, x, before, made);
}

/* May a reader take bytes that are no encoding of ours? What it reads outside the picture must be one byte, and a sum
   has whole zero points. */
static int takes_bytes(const qn_graph *graph, const qn_value *x, const qn_byte_form *form) {
    int pads = 0;
    for (size_t i = 0; i < x->uses.count; i++) {
        const qn_use *use = &x->uses.items[i];
        if (qn_quantise_read_as(graph, use) && (!qn_quantise_is_layer(use->node) || is_addend(use))) return 0;
        pads |= data_of(graph, use->node) && use->index == X && may_pad(use->node);
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
    if (!form.bytes || !takes_bytes(graph, x, &form)) return NULL;
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
    qn_dtype dtype = qn_facts_of(graph, node)->integers.addend;
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
    if (qn_quantise_weights(graph, node, data_of(graph, node)) == QN_DTYPE_S16) return NULL;
    if (!graph->integer.rounding_iterations || !qn_moments_describe(node, &window, &by_channel)) return NULL;
    return qn_moments_find(node->inputs[X]->stats->moments, &window, by_channel);
}

/* Why the layer is integer, and whether weights that the source had rounded already are just those. They are not where
   they reach beyond 127 steps from zero, or what is read has a scale for each channel. */
static qn_outcome describe_outcome(const qn_graph *graph, const qn_node *node, const qn_layer *layer,
                                   const qn_layer_integers *integers) {
    const qn_node_facts *facts = qn_facts_of(graph, node);
    qn_outcome outcome = {.why = QN_WHY_ASKED, .dtype = facts->integers.data};
    outcome.who = facts->wish.dtype ? facts->wish.who : graph->integer.who;
    outcome.has_byte_weights = outcome.dtype == QN_DTYPE_S16 && layer->has_byte_weights;
    outcome.outputs = layer->grid ? layer->outputs : 0;
    outcome.kept_grids = layer->grid ? integers->kept_grids : 0;
    outcome.addend = facts->integers.addend;
    if (facts->wish.addend && !outcome.addend) outcome.unranged_addend = node->inputs[ADDEND]->name;
    return outcome;
}

static qn_status *quantise_layer(qn_graph *graph, qn_node *node, conversion (*conversions)[2]) {
    conversion *made = find_conversion(conversions, node->inputs[X], data_of(graph, node));
    const qn_integer_wish *wish = &graph->integer;
    const qn_scales scales = qn_facts_of(graph, node)->wish.scales[WEIGHTS];
    int per_tensor = scales ? scales == QN_SCALES_ONE : wish->per_tensor;
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
    if (!made->quantised && data_of(graph, node) == QN_DTYPE_U8 && !wish->symmetric && !node->inputs[X]->stats->grid)
        QN_TRY(use_bytes(graph, node->inputs[X], node, made));
    QN_TRY(convert(graph, node->inputs[X], data_of(graph, node), node, made));
    const int has_limit = *qn_layer_activation(node->op, node->attrs) == QN_ACTIVATION_RELU6;
    inputs[0] = made->quantised;
    QN_TRY(describe(graph, node, &layer, &weights));
    if (may_pad(node)) QN_TRY(count_inside(graph, node, &layer));
    QN_TRY(qn_layer_quantise(&layer, &made->encoding, &options, graph->arena, &integers));
    QN_TRY(add_parameters(graph, node, &layer, weights, &integers, has_limit, inputs));
    const qn_outcome outcome = describe_outcome(graph, node, &layer, &integers);
    QN_TRY(qn_outcome_set(graph, node, &outcome));
    return is_conv(node) ? become_convolution(graph, node, &made->encoding, conversions, inputs)
                         : become_product(graph, node, inputs);
}

/* ---- Additions ---- */

/* Operand `side`, with its multiplier and zero point. */
static qn_status *add_operand(qn_graph *graph, qn_node *node, int side, conversion *made, qn_value **inputs) {
    const qn_encoding *encoding = &made->encoding;
    QN_TRY(convert(graph, node->inputs[side], data_of(graph, node), node, made));
    int64_t count = all_equal(encoding) ? 1 : encoding->channels;
    inputs[side] = made->quantised;
    QN_TRY(qn_add_vector(graph, node->name, side ? "b_multiplier" : "a_multiplier", QN_DTYPE_F32, count,
                         encoding->scale, &inputs[2 + side]));
    return qn_add_vector(graph, node->name, side ? "b_zero_point" : "a_zero_point", QN_DTYPE_S32, count,
                         encoding->zero_point, &inputs[4 + side]);
}

static qn_status *quantise_addition(qn_graph *graph, qn_node *node, conversion (*made)[2]) {
    static const float limit = 6.0f;
    qn_node *activation = qn_addition_activation(graph, node), *last = activation ? activation : node;
    qn_add_quantized_attrs attrs = {.result.dtype = QN_DTYPE_F32};
    qn_value *inputs[7] = {0};
    const qn_node_facts *facts = qn_facts_of(graph, node);
    const qn_dtype dtype = facts->integers.data;
    const qn_who source = {QN_ASKER_SOURCE, NULL};
    const qn_outcome outcome = {
        .why = QN_WHY_ASKED, .dtype = dtype, .who = facts->wish.dtype ? facts->wish.who : source};
    for (int side = 0; side < 2; side++)
        QN_TRY(add_operand(graph, node, side, find_conversion(made, node->inputs[side], dtype), inputs));
    if (activation) attrs.result.activation = QN_ACTIVATION_RELU;
    if (activation && activation->op->activation == QN_ACTIVATION_RELU6) {
        attrs.result.activation = QN_ACTIVATION_RELU6;
        QN_TRY(qn_add_vector(graph, last->name, "limit", QN_DTYPE_F32, 1, &limit, &inputs[6]));
    }
    QN_TRY(qn_rewrite(graph, last, node->op->integer, &attrs, inputs[6] ? 7 : 6, inputs));
    return qn_outcome_set(graph, last, &outcome);
}

qn_status *qn_pass_quantise(qn_graph *graph) {
    if (!graph->integer.dtype) return NULL;
    conversion(*made)[2] = qn_arena_alloc(graph->arena, graph->next_id, sizeof *made);
    if (!made) return qn_status_out_of_memory();
    QN_TRY(qn_quantise_choose(graph));
    for (qn_node *node = graph->first, *next; node; node = next) {
        next = node->next;
        if (!data_of(graph, node)) continue;
        QN_TRY_CTX((qn_quantise_is_layer(node) ? quantise_layer : quantise_addition)(graph, node, made), "%s",
                   node->source ? node->source : node->name);
    }
    qn_graph_remove_dead(graph);
    return NULL;
}
