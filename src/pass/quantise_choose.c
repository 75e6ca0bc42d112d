/* What becomes integer, and why not the rest: the first half of pass quantise (quantise.c), in three steps.
 *
 *   1. each layer and addition by itself: is anything in its way (qn_quantise_find_obstacle)?
 *   2. bytes that nobody asked for and that save no time by the cost model (quant/cost.h) go; words are chosen for what
 *      they keep, not for time. So do layers that share weights with too many others
 *   3. addends of layers that are integer now become integers too, where that is asked, or the source has grids there
 *
 * What was chosen stands in the facts of the nodes (ir/facts.h) as `integers`, why not as `outcome`. */
#include "op/layer.h"
#include "pass/addition.h"
#include "pass/quantise.h"
#include "pass/rewrite.h"
#include "quant/cost.h"
#include "quant/layer.h"

enum { X = 0, WEIGHTS = 1, BIAS = 2, ADDEND = 3 };

static int is_conv(const qn_node *node) { return qn_op_is_convolution(node->op); }

int qn_quantise_is_layer(const qn_node *node) {
    return qn_op_is_layer(node->op) && node->inputs[X] && node->inputs[WEIGHTS] &&
           node->outputs[0]->type.dtype == QN_DTYPE_F32;
}

/* ---- What is in the way of one layer ---- */

static qn_why find_obstacle_in_sums(const qn_node *node) {
    const qn_view weights = qn_value_view(node->inputs[WEIGHTS]);
    const qn_layer_shape shape = qn_layer_describe(node->op, node->attrs, weights.rank, weights.dims);
    if (!shape.is_plain) return is_conv(node) ? QN_WHY_GROUPS : QN_WHY_PRODUCT_FORM;
    return shape.rows > QN_LAYER_ROWS_MAX ? QN_WHY_TOO_MANY_PRODUCTS : QN_WHY_NOTHING;
}

static qn_why find_obstacle_in_operands(const qn_node *node) {
    const qn_value *x = node->inputs[X], *weights = node->inputs[WEIGHTS];
    if (!qn_value_is_constant(weights) || weights->type.dtype != QN_DTYPE_F32) return QN_WHY_WEIGHTS_NOT_CONSTANT;
    qn_view view = qn_value_view(weights);
    if (!qn_view_elems(&view)) return QN_WHY_WEIGHTS_EMPTY;
    if (node->input_count > BIAS && node->inputs[BIAS] && !qn_value_is_constant(node->inputs[BIAS]))
        return QN_WHY_BIAS_NOT_CONSTANT;
    if (x->type.dtype != QN_DTYPE_F32 || qn_value_is_constant(x)) return QN_WHY_DATA_NOT_FLOAT;
    if (!x->stats) return QN_WHY_RANGE_MISSING;
    return find_obstacle_in_sums(node);
}

qn_outcome qn_quantise_find_obstacle(const qn_graph *graph, const qn_node *node) {
    const qn_node_wish *wish = &qn_facts_of(graph, node)->wish;
    if (qn_dtype_is_float(wish->dtype)) return (qn_outcome){.why = QN_WHY_ASKED, .who = wish->who};
    qn_outcome obstacle = {.why = find_obstacle_in_operands(node)};
    if (obstacle.why == QN_WHY_RANGE_MISSING) obstacle.name = node->inputs[X]->name;
    return obstacle;
}

/* ---- 1. Each by itself ---- */

qn_dtype qn_quantise_weights(const qn_graph *graph, const qn_node *node, qn_dtype data) {
    qn_dtype asked = qn_facts_of(graph, node)->wish.weights, wish = asked ? asked : graph->integer.weights;
    return data == QN_DTYPE_U8 || wish == QN_DTYPE_S8 ? QN_DTYPE_S8 : QN_DTYPE_S16;
}

static qn_status *choose_data(qn_graph *graph, const qn_node *node, qn_dtype data) {
    qn_node_facts *facts;
    if (qn_facts_of(graph, node)->integers.data == data) return NULL;
    QN_TRY(qn_facts_edit(graph, node, &facts));
    facts->integers.data = data;
    return NULL;
}

/* A layer that is asked to be float has said so already. */
static qn_status *choose_layer(qn_graph *graph, const qn_node *node) {
    const qn_outcome obstacle = qn_quantise_find_obstacle(graph, node);
    qn_dtype wish = qn_facts_of(graph, node)->wish.dtype;
    if (!obstacle.why) return choose_data(graph, node, qn_dtype_is_integer(wish) ? wish : graph->integer.dtype);
    return obstacle.why == QN_WHY_ASKED ? NULL : qn_outcome_set(graph, node, &obstacle);
}

static qn_status *choose_addition(qn_graph *graph, const qn_node *node) {
    qn_dtype wanted = qn_addition_wanted(graph, node);
    if (!wanted) return NULL;
    const qn_outcome obstacle = qn_addition_obstacle(graph, node);
    return obstacle.why ? qn_outcome_set(graph, node, &obstacle) : choose_data(graph, node, wanted);
}

static qn_status *choose_each(qn_graph *graph) {
    for (const qn_node *node = graph->first; node; node = node->next) {
        QN_TRY(choose_data(graph, node, QN_DTYPE_NONE));
        if (qn_quantise_is_layer(node))
            QN_TRY(choose_layer(graph, node));
        else if (node->op->arithmetic == QN_ARITHMETIC_ADD && node->outputs[0]->type.dtype == QN_DTYPE_F32)
            QN_TRY(choose_addition(graph, node));
    }
    return NULL;
}

/* ---- 2. What is not worth it ---- */

static qn_status *keep_float(qn_graph *graph, const qn_node *node, qn_why why) {
    const qn_outcome outcome = {.why = why};
    QN_TRY(choose_data(graph, node, QN_DTYPE_NONE));
    return qn_outcome_set(graph, node, &outcome);
}

/* Cycles that a layer saves as integers. What its producer makes as integers of the same type needs no conversion. */
static double gain_of(const qn_graph *graph, const qn_node *node) {
    const qn_cost_model *model = qn_cost_model_find(graph->integer.arch);
    const qn_node *producer = node->inputs[X]->producer;
    qn_dtype integers = qn_facts_of(graph, node)->integers.data;
    int converts = !producer || qn_facts_of(graph, producer)->integers.data != integers;
    qn_dtype floats = graph->precision == QN_DTYPE_F16 ? QN_DTYPE_F16 : QN_DTYPE_F32;
    return qn_cost_layer(model, graph, node, floats, floats, 0) -
           qn_cost_layer(model, graph, node, integers, qn_quantise_weights(graph, node, integers), converts);
}

static qn_status *drop_gainless(qn_graph *graph) {
    for (const qn_node *node = graph->first; node; node = node->next) {
        const qn_node_facts *facts = qn_facts_of(graph, node);
        if (!qn_quantise_is_layer(node) || facts->integers.data != QN_DTYPE_U8) continue;
        if (facts->wish.dtype || facts->wish.addend || gain_of(graph, node) > 0) continue;
        QN_TRY(keep_float(graph, node, QN_WHY_NO_TIME_SAVED));
    }
    return NULL;
}

/* Each layer has integers of its own of weights that several share. A few bytes of model could so ask for any number of
   copies: beyond this, layers stay float. */
#define SHARED_BYTES_FREE     ((int64_t)16 << 20)
#define SHARED_BYTES_PER_BYTE 4 /* of constants */

static qn_status *drop_sharers(qn_graph *graph) {
    uint8_t *is_taken = QN_ARENA_ARRAY(graph->arena, uint8_t, graph->next_id);
    if (!is_taken) return qn_status_out_of_memory();
    int64_t left = SHARED_BYTES_FREE + SHARED_BYTES_PER_BYTE * qn_graph_told_bytes(graph);
    for (const qn_node *node = graph->first; node; node = node->next) {
        if (!qn_quantise_is_layer(node) || !qn_facts_of(graph, node)->integers.data) continue;
        const qn_value *weights = node->inputs[WEIGHTS];
        int64_t bytes = is_taken[weights->id] ? (int64_t)weights->data_bytes : 0;
        is_taken[weights->id] = 1;
        if (bytes > left)
            QN_TRY(keep_float(graph, node, QN_WHY_WEIGHTS_SHARED));
        else
            left -= bytes;
    }
    return NULL;
}

/* ---- 3. Addends ---- */

static int has_one_zero_point(const qn_value_encoding *grid) {
    for (int64_t c = 1; c < grid->channels; c++)
        if (grid->zero_point[c] != grid->zero_point[0]) return 0;
    return 1;
}

/* As asked, which takes a range; or, where nobody asks but the source has grids, bytes. */
static qn_dtype wanted_of_addend(const qn_graph *graph, const qn_node *node) {
    const qn_node_facts *facts = qn_facts_of(graph, node);
    const qn_value *addend = is_conv(node) && node->input_count > ADDEND ? node->inputs[ADDEND] : NULL;
    if (!addend || !facts->integers.data || !addend->stats) return QN_DTYPE_NONE;
    if (facts->wish.addend) return facts->wish.addend;
    if (!qn_addition_keeps_grid(graph, addend, node->outputs[0])) return QN_DTYPE_NONE;
    return has_one_zero_point(addend->stats->grid) ? QN_DTYPE_U8 : QN_DTYPE_NONE;
}

static qn_status *choose_addends(qn_graph *graph) {
    for (const qn_node *node = graph->first; node; node = node->next) {
        qn_dtype wanted = wanted_of_addend(graph, node);
        qn_node_facts *facts;
        if (qn_facts_of(graph, node)->integers.addend == wanted) continue;
        QN_TRY(qn_facts_edit(graph, node, &facts));
        facts->integers.addend = wanted;
    }
    return NULL;
}

qn_status *qn_quantise_choose(qn_graph *graph) {
    QN_TRY(choose_each(graph));
    QN_TRY(drop_gainless(graph));
    QN_TRY(drop_sharers(graph));
    return choose_addends(graph);
}

qn_dtype qn_quantise_read_as(const qn_graph *graph, const qn_use *use) {
    const qn_integer_choice *choice = &qn_facts_of(graph, use->node)->integers;
    if (qn_addition_is(use->node)) return choice->data;
    if (!qn_quantise_is_layer(use->node)) return QN_DTYPE_NONE;
    if (use->index == X) return choice->data;
    return is_conv(use->node) && use->index == ADDEND ? choice->addend : QN_DTYPE_NONE;
}
