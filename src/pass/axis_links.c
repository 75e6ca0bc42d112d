/* Which order of axes goes with which on the two sides of a node.
 *
 * A node links axes of its operands to axes of its result. Reshape of [N, C, H, W] to [N, 2, C / 2, H * W] has three links:
 *
 *     operand   N   C       H   W               link 0: N   <->  N
 *     link      0   1       2   2               link 1: C   <->  2, C / 2
 *     result    0   1   1   2                   link 2: H, W <-> H * W
 *               N   2  C/2 H*W
 *
 * In another layout the axes of a link stay side by side and in their order, and links come in the same order on both sides:
 * the twin of the operand in NHWC is the operand of the twin [N, H * W, 2, C / 2]. Axes of one element, and those that are
 * made or go away, have no link (-1): they may stand anywhere, and are put beside the neighbour that stands further behind,
 * which is where channels are in NHWC. */
#include "pass/layout.h"

#include <assert.h>

enum { NO_LINK = -1, SIDE = 32 }; /* SIDE: more than axes that can stand beside one */

typedef struct side {
    int rank, link[QN_MAX_RANK];
} side;

typedef struct links {
    side in, out;
    int keeps_last; /* the last axes stay the last */
} links;

/* ---- What a node links ---- */

static int link_kept(const qn_node *node, links *out) {
    out->in.rank = out->out.rank = node->outputs[0]->type.rank;
    for (int i = 0; i < out->in.rank; i++) out->in.link[i] = out->out.link[i] = i;
    return 1;
}

static int link_traced(const qn_graph *graph, const qn_node *node, links *out) {
    int source[QN_MAX_RANK], rank = qn_op_permutes(node->op) ? -1 : qn_node_trace_axes(graph, node, source);
    if (rank < 0) return 0;
    out->in.rank = node->inputs[0]->type.rank;
    out->out.rank = rank;
    for (int i = 0; i < out->in.rank; i++) out->in.link[i] = NO_LINK;
    for (int i = 0; i < rank; i++) {
        out->out.link[i] = source[i] < 0 ? NO_LINK : source[i];
        if (source[i] >= 0) out->in.link[source[i]] = source[i];
    }
    return 1;
}

/* The next axis of `type`, from *at, that may have more than one element; past the end: the rank. */
static void skip_ones(const qn_graph *graph, const qn_type *type, side *out, int *at) {
    int64_t dim;
    for (; *at < type->rank && qn_dim_is_const(graph->dims, type->dims[*at], &dim) && dim == 1; ++*at)
        out->link[*at] = NO_LINK;
}

static qn_dim take_axis(const qn_graph *graph, const qn_type *type, side *out, int *at, int link) {
    const qn_dim dim = type->dims[*at];
    out->link[(*at)++] = link;
    skip_ones(graph, type, out, at);
    return dim;
}

static int64_t most(const qn_graph *graph, qn_dim dim) {
    int64_t low, high;
    qn_dim_range(graph->dims, dim, &low, &high);
    return high;
}

/* Links are closed as soon as both sides have as many elements. Which side takes the next axis decides only how many axes
   a link comes to have; what is left at the end belongs to the last, as both sides have as many elements in all. */
static int link_reshaped(const qn_graph *graph, const qn_node *node, links *out) {
    const qn_type *from = &node->inputs[0]->type, *to = &node->outputs[0]->type;
    int i = 0, k = 0, link = 0;
    out->in.rank = from->rank;
    out->out.rank = to->rank;
    skip_ones(graph, from, &out->in, &i);
    skip_ones(graph, to, &out->out, &k);
    for (; i < from->rank && k < to->rank; link++) {
        qn_dim a = take_axis(graph, from, &out->in, &i, link), b = take_axis(graph, to, &out->out, &k, link);
        while (!qn_dim_same(a, b) && (i < from->rank || k < to->rank)) {
            const int takes_in = k == to->rank || (i < from->rank && most(graph, a) < most(graph, b));
            if (takes_in)
                a = qn_dim_mul(graph->dims, a, take_axis(graph, from, &out->in, &i, link));
            else
                b = qn_dim_mul(graph->dims, b, take_axis(graph, to, &out->out, &k, link));
        }
    }
    if (!link) return i == from->rank && k == to->rank;
    while (i < from->rank) take_axis(graph, from, &out->in, &i, link - 1);
    while (k < to->rank) take_axis(graph, to, &out->out, &k, link - 1);
    return 1;
}

/* Is there anything of a channel each, beside operands that have all axes? One number for many channels is not. */
static int has_vectors(const qn_graph *graph, const qn_node *node) {
    const qn_type *x = &node->inputs[0]->type;
    int64_t channels, elems;
    if (!x->rank || !qn_dim_is_const(graph->dims, x->dims[x->rank - 1], &channels)) channels = 1;
    for (int i = 1; i < node->input_count; i++) {
        const qn_value *value = node->inputs[i];
        if (!value || !value->type.rank) continue;
        if (i < qn_op_data_inputs(node->op, node->input_count) && value->type.rank == x->rank) continue;
        if (value->type.rank > 1 || !qn_dim_is_const(graph->dims, value->type.dims[0], &elems)) return 1;
        if (elems != 1 || channels == 1) return 1;
    }
    return 0;
}

static int find_links(const qn_graph *graph, const qn_node *node, links *out) {
    if (node->output_count != 1 || node->input_count < 1 || !node->inputs[0]) return 0;
    out->keeps_last = node->op->axes.has_channels && (node->op->axes.kind != QN_AXES_KEPT || has_vectors(graph, node));
    switch (node->op->axes.kind) {
    case QN_AXES_KEPT: return link_kept(node, out);
    case QN_AXES_TRACED: return link_traced(graph, node, out);
    case QN_AXES_RESHAPED: return link_reshaped(graph, node, out);
    default: return 0;
    }
}

/* ---- Orders of links ---- */

static int keeps_last(const qn_perm *perm) { return !perm->rank || perm->axis[perm->rank - 1] == perm->rank - 1; }

/* The links in the order in which a side has them under `perm`; 0: one of them would be torn apart. */
static int order_links(const side *s, const qn_perm *perm, int *out_order, int *out_count) {
    const qn_perm at = qn_perm_invert(perm);
    int count = 0, last = -1;
    for (int i = 0; i < s->rank; i++) {
        const int axis = at.axis[i], link = s->link[axis];
        if (link == NO_LINK) continue;
        if (count && out_order[count - 1] == link) {
            if (axis < last) return 0;
        } else {
            for (int k = 0; k < count; k++)
                if (out_order[k] == link) return 0;
            out_order[count++] = link;
        }
        last = axis;
    }
    *out_count = count;
    return 1;
}

/* Where axis `axis`, which has no link, wants to stand, by the places of its nearest neighbours that have one. */
static int place_beside(const side *s, const int *place, int axis) {
    int before = axis, after = axis;
    while (before >= 0 && s->link[before] == NO_LINK) before--;
    while (after < s->rank && s->link[after] == NO_LINK) after++;
    if (before < 0 && after == s->rank) return axis;
    if (after == s->rank || (before >= 0 && place[before] > place[after])) return place[before] + axis - before;
    return place[after] - (after - axis);
}

/* The order of a side that has its links in that order. */
static void arrange(const side *s, const int *order, int count, int pins_last, qn_perm *out) {
    int place[QN_MAX_RANK] = {0};
    *out = (qn_perm){.rank = s->rank};
    for (int i = 0; i < s->rank; i++)
        for (int k = 0; k < count; k++)
            if (s->link[i] == order[k]) place[i] = (k * QN_MAX_RANK + i + 1) * SIDE;
    for (int i = 0; i < s->rank; i++)
        if (s->link[i] == NO_LINK) place[i] = place_beside(s, place, i);
    if (pins_last && s->rank) place[s->rank - 1] = (QN_MAX_RANK + 1) * QN_MAX_RANK * SIDE;
    for (int i = 0; i < s->rank; i++)
        for (int k = 0; k < s->rank; k++) out->axis[i] += place[k] < place[i] || (place[k] == place[i] && k < i);
}

/* ---- May a node flip? ---- */

int qn_flips_input(const qn_node *node, int index, const qn_perm *in) {
    const qn_value *value = node->inputs[index];
    return value && index < qn_op_data_inputs(node->op, node->input_count) && !qn_value_is_constant(value) &&
           value->type.rank == in->rank;
}

/* 1 where the graph knows the elements of every control input that speaks of axes. */
static int controls_can_flip(const qn_node *node) {
    for (int i = 0; i < node->input_count && i < QN_AXES_CONTROLS_MAX; i++) {
        int control = node->op->axes.controls[i];
        const qn_value *value = node->inputs[i];
        if (control == QN_CONTROL_NO_AXES || !value) continue;
        if (control == QN_CONTROL_NAMES_AXES ? !qn_value_is_constant(value) : !value->contents) return 0;
    }
    return 1;
}

static qn_type widen_type(const qn_graph *graph, const qn_type *type, int rank) {
    qn_type wide = {.dtype = type->dtype, .rank = rank};
    const int missing = rank - type->rank;
    for (int i = 0; i < rank; i++) wide.dims[i] = i < missing ? qn_dim_const(graph->dims, 1) : type->dims[i - missing];
    return wide;
}

qn_type qn_flip_type(const qn_graph *graph, const qn_type *type, const qn_perm *perm) {
    const qn_type wide = widen_type(graph, type, perm->rank);
    qn_type twin = wide;
    for (int i = 0; i < perm->rank; i++) twin.dims[perm->axis[i]] = wide.dims[i];
    return twin;
}

int qn_widens_input(const qn_node *node, int index, const qn_perm *in) {
    const qn_value *value = node->inputs[index];
    return node->op->axes.kind == QN_AXES_KEPT && value && index < qn_op_data_inputs(node->op, node->input_count) &&
           !qn_value_is_constant(value) && value->type.rank && value->type.rank < in->rank;
}

/* Operands that broadcast: constants are transposed, scalars have no axes, others become views that have all of them. */
static int operands_can_flip(const qn_graph *graph, const qn_node *node, const qn_perm *in) {
    for (int i = 0; i < qn_op_data_inputs(node->op, node->input_count); i++) {
        if (node->inputs[i] && node->inputs[i]->type.rank > in->rank) return 0;
        if (!qn_widens_input(node, i, in)) continue;
        const qn_type wide = widen_type(graph, &node->inputs[i]->type, in->rank);
        if (node->op->axes.has_channels || !qn_transpose_is_view(graph, &wide, in)) return 0;
    }
    return 1;
}

static int can_flip(const qn_graph *graph, const qn_node *node, links *out) {
    return find_links(graph, node, out) && controls_can_flip(node);
}

static int follow(const qn_graph *graph, const qn_node *node, const links *l, const side *from, const side *to,
                  const qn_perm *perm, qn_perm *out) {
    int order[QN_MAX_RANK], count;
    if (perm->rank != from->rank || (l->keeps_last && !keeps_last(perm))) return 0;
    if (!order_links(from, perm, order, &count)) return 0;
    arrange(to, order, count, l->keeps_last, out);
    return node->op->axes.kind != QN_AXES_KEPT || operands_can_flip(graph, node, perm);
}

int qn_can_flip(const qn_graph *graph, const qn_node *node, int index, const qn_perm *in, qn_perm *out) {
    links l;
    return qn_flips_input(node, index, in) && can_flip(graph, node, &l) &&
           follow(graph, node, &l, &l.in, &l.out, in, out);
}

int qn_can_flip_result(const qn_graph *graph, const qn_node *node, const qn_perm *out, qn_perm *in) {
    links l;
    return can_flip(graph, node, &l) && follow(graph, node, &l, &l.out, &l.in, out, in);
}

int qn_orders_agree(const qn_graph *graph, const qn_node *node, const qn_perm *in, const qn_perm *out) {
    int a[QN_MAX_RANK], b[QN_MAX_RANK], count, others;
    links l;
    if (!can_flip(graph, node, &l) || in->rank != l.in.rank || out->rank != l.out.rank) return 0;
    if (l.keeps_last && (!keeps_last(in) || !keeps_last(out))) return 0;
    if (!order_links(&l.in, in, a, &count) || !order_links(&l.out, out, b, &others)) return 0;
    assert(count == others);
    for (int i = 0; i < count; i++)
        if (a[i] != b[i]) return 0;
    return 1;
}
