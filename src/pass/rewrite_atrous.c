/* space_to_batch(x) -> convolution -> batch_to_space, with operators that treat every element alike in between, is a
 * dilated convolution: TensorFlow writes atrous convolutions so. With block b, paddings p and crops c
 *
 *     batch_to_space(conv(space_to_batch(x, b, p), w), b, c)  =  conv(x, w, dilation b, pads p - c)
 *
 * whenever the convolution has stride 1 and pads nothing itself, and p - c are numbers >= 0 for every shape in range
 * (both usually hold the same expression that makes the size divisible by b: it cancels). A branch without a
 * convolution joins when its paddings equal the crops. Everything else runs as it stands. */
#include "pass/pass.h"
#include "pass/rewrite.h"

#include <string.h>

enum { REGION_DEPTH_MAX = 32, SPATIAL = 2, REGION_INPUTS_MAX = 8 };

typedef struct region {
    qn_graph *graph;
    int64_t block[SPATIAL];
    const qn_dim *crops; /* [SPATIAL, 2] */
} region;

static int read_block(const qn_graph *graph, const qn_node *node, int64_t out_block[SPATIAL]) {
    const qn_value *block = node->inputs[1];
    int64_t count;
    if (node->inputs[0]->type.rank != 4 || !block->contents ||
        !qn_dim_is_const(graph->dims, block->type.dims[0], &count))
        return 0;
    if (count != SPATIAL || !node->inputs[2]->contents) return 0;
    for (int i = 0; i < SPATIAL; i++)
        if (!qn_dim_is_const(graph->dims, block->contents[i], &out_block[i])) return 0;
    return 1;
}

/* Does the region begin with it? */
static int is_entry(const qn_node *node) { return node->op == &qn_op_space_to_batch; }

/* pads - crops of a space_to_batch of the region's block, as numbers: top, left, bottom, right. */
static int pads_less_crops(const region *r, const qn_value *value, int64_t out_pads[4]) {
    const qn_node *node = value->producer;
    int64_t block[SPATIAL];
    if (!node || !is_entry(node) || !read_block(r->graph, node, block) || memcmp(block, r->block, sizeof block))
        return 0;
    for (int i = 0; i < SPATIAL; i++)
        for (int end = 0; end < 2; end++) {
            qn_dim rest = qn_dim_sub(r->graph->dims, node->inputs[2]->contents[2 * i + end], r->crops[2 * i + end]);
            if (!qn_dim_is_const(r->graph->dims, rest, &out_pads[2 * end + i]) || out_pads[2 * end + i] < 0) return 0;
        }
    return 1;
}

static int is_plain_convolution(const qn_node *node) {
    if (!qn_op_is_convolution(node->op) || node->input_count > 3) return 0;
    const qn_conv2d_attrs *attrs = node->attrs;
    int pads_nothing = attrs->padding == QN_PADDING_VALID;
    if (attrs->padding == QN_PADDING_EXPLICIT)
        pads_nothing =
            !attrs->pads.values[0] && !attrs->pads.values[1] && !attrs->pads.values[2] && !attrs->pads.values[3];
    return pads_nothing && attrs->stride.values[0] == 1 && attrs->stride.values[1] == 1 &&
           attrs->dilation.values[0] == 1 && attrs->dilation.values[1] == 1;
}

/* What a convolution of the region becomes outside; 0 if it is none that can leave. */
static int dilate(const region *r, const qn_node *node, qn_conv2d_attrs *out) {
    if (!is_plain_convolution(node)) return 0;
    *out = *(const qn_conv2d_attrs *)node->attrs;
    out->padding = QN_PADDING_EXPLICIT;
    out->pads.count = 4;
    if (!pads_less_crops(r, node->inputs[0], out->pads.values)) return 0;
    for (int i = 0; i < SPATIAL; i++) out->dilation.values[i] = r->block[i];
    qn_status *status = qn_attrs_verify(node->op, out); /* attributes have limits, blocks and paddings none */
    qn_status_free(status);
    return !status;
}

/* Could `node` stretch `value` along height or width? Outside the sizes are others and it would not. */
static int is_stretched(const region *r, const qn_value *value, const qn_node *node) {
    const qn_type *from = &value->type, *to = &node->outputs[0]->type;
    for (int i = 1; i <= SPATIAL; i++) {
        int64_t low, high;
        qn_dim_range(r->graph->dims, from->dims[i], &low, &high);
        if (low <= 1 && !qn_dim_same(from->dims[i], to->dims[i])) return 1;
    }
    return 0;
}

/* Is `value` a constant with one element or one for each channel? Such a constant has no positions, which
   space_to_batch would change, and so is the same inside and outside the region. */
static int is_position_free(const qn_value *value) {
    return value && qn_value_is_constant(value) && qn_match_channel_constant(value, qn_value_channels(value));
}

/* Does the operator compute each element from those of its position and numbers per channel, as batch_norm does? */
static int treats_positions_alike(const qn_op_def *op) {
    return op->flags & QN_OP_ELEMENTWISE || (op->axes.kind == QN_AXES_KEPT && op->axes.has_channels);
}

/* Can `value`, which lives between the two operators, be computed outside? */
static int can_leave(const region *r, const qn_value *value, int depth) {
    int64_t pads[4];
    if (pads_less_crops(r, value, pads)) return !pads[0] && !pads[1] && !pads[2] && !pads[3];
    const qn_node *node = value->producer;
    if (!node || depth >= REGION_DEPTH_MAX || value->uses.count != 1 || value->is_output) return 0;
    qn_conv2d_attrs attrs;
    if (dilate(r, node, &attrs)) return 1;
    int inside = 0;
    if (node->input_count > REGION_INPUTS_MAX || !treats_positions_alike(node->op)) return 0;
    for (int i = 0; i < node->input_count; i++) {
        if (is_position_free(node->inputs[i])) continue;
        if (!node->inputs[i] || is_stretched(r, node->inputs[i], node) || !can_leave(r, node->inputs[i], depth + 1))
            return 0;
        inside++;
    }
    return inside > 0;
}

/* The operands with which the node that makes `value` computes outside the region: `attrs_out` for a convolution. */
static qn_status *leave(const region *r, const qn_value *value, qn_node *before, qn_value **out_value);

static qn_status *outside_operands(const region *r, const qn_node *node, qn_node *before, qn_conv2d_attrs *attrs_out,
                                   qn_value **inputs) {
    for (int i = 0; i < node->input_count; i++) inputs[i] = node->inputs[i];
    if (!qn_op_is_convolution(node->op)) {
        for (int i = 0; i < node->input_count; i++)
            if (!is_position_free(inputs[i])) QN_TRY(leave(r, node->inputs[i], before, &inputs[i]));
        return NULL;
    }
    dilate(r, node, attrs_out);
    inputs[0] = node->inputs[0]->producer->inputs[0];
    return NULL;
}

static qn_status *leave(const region *r, const qn_value *value, qn_node *before, qn_value **out_value) {
    const qn_node *node = value->producer;
    if (is_entry(node)) {
        *out_value = node->inputs[0];
        return NULL;
    }
    qn_value *inputs[REGION_INPUTS_MAX];
    qn_conv2d_attrs attrs;
    QN_TRY(outside_operands(r, node, before, &attrs, inputs));
    qn_node *copy;
    QN_TRY(qn_graph_add_node(r->graph, node->op, node->name, qn_op_is_convolution(node->op) ? &attrs : node->attrs,
                             node->input_count, inputs, before, &copy));
    copy->source = node->source;
    *out_value = copy->outputs[0];
    return qn_node_infer(r->graph, copy);
}

static qn_status *rewrite(qn_graph *graph, qn_node *batch_to_space, int *inout_changed) {
    region r = {.graph = graph, .crops = batch_to_space->inputs[2]->contents};
    if (!read_block(graph, batch_to_space, r.block)) return NULL;
    const qn_value *top = batch_to_space->inputs[0];
    if (!top->producer || is_entry(top->producer) || !can_leave(&r, top, 0)) return NULL;
    qn_value *inputs[REGION_INPUTS_MAX];
    qn_conv2d_attrs attrs;
    const qn_node *node = top->producer;
    QN_TRY(outside_operands(&r, node, batch_to_space, &attrs, inputs));
    *inout_changed = 1;
    return qn_rewrite(graph, batch_to_space, node->op, qn_op_is_convolution(node->op) ? &attrs : node->attrs,
                      node->input_count, inputs);
}

qn_status *qn_pass_rewrite_atrous(qn_graph *graph) {
    int changed = 0;
    for (qn_node *node = graph->first; node; node = node->next)
        if (node->op == &qn_op_batch_to_space) QN_TRY(rewrite(graph, node, &changed));
    qn_graph_remove_dead(graph);
    /* Sizes that went through both operators are plainer now, all the way down. */
    return changed ? qn_graph_infer(graph) : NULL;
}
