/* Importers wrap what is NCHW in the source in transposes, as operators on pictures are NHWC here:
 *
 *     %a = conv2d(%x, %w)                                 %a = conv2d(%x, %w)
 *     %b = transpose(%a, {0, 3, 1, 2})                    %c = add(%a, %bias)        bias [C]
 *     %c = add(%b, %bias)        bias [C, 1, 1]   ->      %d = relu(%c)
 *     %d = relu(%c)                                       %g = conv2d(%d, %v)
 *     %e = transpose(%d, {0, 2, 3, 1})
 *     %g = conv2d(%e, %v)
 *
 * Nodes that treat axes alike, whatever their order (axes KEPT or TRACED, see op/card.h), can compute in either layout:
 * they can "flip" (pass/layout.h). Which of them should is a question about the whole network, not about one node:
 * behind a residual block, a transpose that moves below one reader is still needed by the other, until that one moves
 * too.
 *
 * So from each transpose a region of nodes is collected over which one change of layout spreads, from values to the
 * nodes that read and make them, up to transposes, constants and nodes that cannot flip. Each node of the region gets a
 * label, as it is or flipped, so that the least remains to be paid:
 *
 *     a transpose     for a value that is needed in a layout in which nobody makes it, however many read it
 *     a view          next to nothing: such a transpose that only moves axes of one element, which is a reshape
 *     a neighbour     far less: an operator on pictures that would fuse with the node, had no transpose between them
 *     a border        still less: a transpose between two nodes that can flip, so that those which remain go to the ends of
 *                     the region, which are often the ends of the network
 *
 * These prices are those of a cut, and the cheapest labels are found as a cheapest cut (pass/min_cut.h), in which
 * source stands for "flipped". Of equally cheap ones it is the one that flips least. What is paid for the whole
 * graph falls with every region that flips anything, and is a sum of numbers that are not negative: the pass ends,
 * and finds nothing to do when it runs again. Graphs without transposes stay untouched. */
#include "pass/layout.h"
#include "pass/min_cut.h"
#include "pass/pass.h"
#include "pass/rewrite.h"

#include <assert.h>
#include <string.h>

#define PRICE_TRANSPOSE   ((int64_t)1 << 30)
#define PRICE_NEIGHBOUR   ((int64_t)1 << 12)
#define PRICE_VIEW        ((int64_t)1 << 4)
#define PRICE_BORDER      ((int64_t)1)
#define CUT_EFFORT        ((int64_t)1 << 26) /* arcs looked at, of all regions together */
#define NODES_PER_NODE    64                 /* what all regions together may hold, for each node of the graph */
#define CONSTANT_FREE     ((int64_t)64 << 20)
#define CONSTANT_PER_BYTE 4

enum { SWEEPS_MAX = 64, VERTEX_FIRST = 2 };

/* What is known of a value: the order under which its twin is looked for, in region number `region`. */
typedef struct value_note {
    uint32_t region; /* 0: none so far */
    qn_perm perm;
} value_note;

typedef struct member {
    qn_node *node;
    qn_perm in, out;
} member;

/* One sweep over the graph. */
typedef struct sinking {
    qn_graph *graph;
    qn_arena scratch; /* of this sweep */
    qn_arena region_scratch;
    value_note *notes; /* by the id of values that were there when the sweep began */
    size_t note_count;
    uint32_t region;
    qn_twins twins;
    int64_t effort, nodes_left, bytes_left; /* of the pass */
    QN_LIST(member) members;                /* of the region; node->mark is the vertex, VERTEX_FIRST + index */
    QN_LIST(qn_value *) values;
    qn_cut cut;
    int changed;
} sinking;

/* ---- Collecting a region ---- */

static int is_noted(const sinking *s, const qn_value *value) {
    return value->id < s->note_count && s->notes[value->id].region == s->region;
}

/* May `value` be looked for under `perm` in this region? */
static int may_note(const sinking *s, const qn_value *value, const qn_perm *perm) {
    if (value->id >= s->note_count) return 0; /* made in this sweep: the next one sees it */
    return s->notes[value->id].region != s->region || qn_perms_equal(&s->notes[value->id].perm, perm);
}

static qn_status *note(sinking *s, qn_value *value, const qn_perm *perm) {
    if (is_noted(s, value)) return NULL;
    s->notes[value->id] = (value_note){.region = s->region, .perm = *perm};
    return QN_LIST_PUSH(&s->region_scratch, &s->values, value);
}

/* Bytes of constants that would be transposed for a node. */
static int64_t constant_bytes(const qn_node *node) {
    int64_t bytes = 0;
    for (int i = 0; i < qn_op_data_inputs(node->op, node->input_count); i++)
        if (qn_value_is_constant(node->inputs[i])) bytes += (int64_t)node->inputs[i]->data_bytes;
    return bytes;
}

/* Where `value` is noted already, under the order it has there if that one goes with the other side, too. */
static void prefer_noted(const sinking *s, const qn_node *node, const qn_value *value, const qn_perm *in,
                         const qn_perm *out, qn_perm *inout_perm) {
    if (!value || !is_noted(s, value)) return;
    const qn_perm *noted = &s->notes[value->id].perm;
    if (qn_orders_agree(s->graph, node, in ? in : noted, out ? out : noted)) *inout_perm = *noted;
}

/* Takes a node that can flip into the region, if it agrees with what is there. An order that is as it was changes nothing. */
static qn_status *join(sinking *s, const member *m) {
    qn_node *node = m->node;
    int64_t bytes;
    const int turns_in = !qn_perm_is_identity(&m->in), turns_out = !qn_perm_is_identity(&m->out);
    if (!turns_in && !turns_out) return NULL;
    if (!s->nodes_left || (bytes = constant_bytes(node)) > s->bytes_left) return NULL;
    if (turns_out && !may_note(s, node->outputs[0], &m->out)) return NULL;
    for (int i = 0; turns_in && i < node->input_count; i++)
        if (qn_flips_input(node, i, &m->in) && !may_note(s, node->inputs[i], &m->in)) return NULL;
    s->nodes_left--;
    s->bytes_left -= bytes;
    QN_TRY(QN_LIST_PUSH(&s->region_scratch, &s->members, *m));
    node->mark = (uint32_t)s->members.count - 1 + VERTEX_FIRST;
    for (int i = 0; turns_in && i < node->input_count; i++)
        if (qn_flips_input(node, i, &m->in)) QN_TRY(note(s, node->inputs[i], &m->in));
    return turns_out ? note(s, node->outputs[0], &m->out) : NULL;
}

/* A node that reads a value whose twin is looked for. */
static qn_status *join_reader(sinking *s, const qn_use *use, const qn_perm *perm) {
    member m = {.node = use->node, .in = *perm};
    if (use->node->mark || !qn_can_flip(s->graph, use->node, use->index, perm, &m.out)) return NULL;
    prefer_noted(s, use->node, use->node->outputs[0], perm, NULL, &m.out);
    return join(s, &m);
}

/* The node that makes such a value. */
static qn_status *join_producer(sinking *s, qn_value *value, const qn_perm *perm) {
    member m = {.node = value->producer, .out = *perm};
    if (!m.node || m.node->mark || !qn_can_flip_result(s->graph, m.node, perm, &m.in)) return NULL;
    prefer_noted(s, m.node, m.node->inputs[0], NULL, perm, &m.in);
    return join(s, &m);
}

/* Does a node of the region make the value, or read it as its input `index`, in the order in which the region looks for it? */
static const member *member_of(const sinking *s, const qn_node *node) {
    return node && node->mark ? &s->members.items[node->mark - VERTEX_FIRST] : NULL;
}

static int is_made_flipped(const sinking *s, const qn_value *value, const qn_perm *perm) {
    const member *m = member_of(s, value->producer);
    return m && qn_perms_equal(&m->out, perm);
}

static int is_read_flipped(const sinking *s, const qn_use *use, const qn_perm *perm) {
    const member *m = member_of(s, use->node);
    return m && qn_perms_equal(&m->in, perm) && qn_flips_input(use->node, use->index, perm);
}

static qn_status *collect(sinking *s, qn_value *seed, const qn_perm *perm) {
    QN_TRY(note(s, seed, perm));
    for (size_t i = 0; i < s->values.count; i++) {
        qn_value *value = s->values.items[i];
        const qn_perm order = s->notes[value->id].perm;
        qn_perm unused;
        for (size_t k = 0; k < value->uses.count; k++)
            if (!qn_match_transpose(s->graph, value->uses.items[k].node, &unused))
                QN_TRY(join_reader(s, &value->uses.items[k], &order));
        if (!qn_match_transpose(s->graph, value->producer, &unused)) QN_TRY(join_producer(s, value, &order));
    }
    return NULL;
}

/* ---- Prices ---- */

/* Who reads a value, and in which layout for certain. */
typedef struct readers {
    int64_t transpose;             /* what one costs between the layouts of the value */
    int needs_plain, needs_twin;   /* outside of the region */
    int64_t near_plain, near_twin; /* the price of a transpose between value and reader beyond the transpose itself */
    QN_LIST(int) members;          /* vertices */
} readers;

static int is_on_pictures(const qn_node *node) { return node->op->axes.kind == QN_AXES_NHWC; }

/* What a transpose between a node of the region and `node` costs beyond itself. */
static int64_t price_between(const qn_node *node) {
    if (!node || qn_op_permutes(node->op)) return 0;
    if (is_on_pictures(node)) return PRICE_NEIGHBOUR;
    return node->op->axes.kind == QN_AXES_OWN || node->op->axes.kind == QN_AXES_RESHAPED ? 0 : PRICE_BORDER;
}

/* The same for one that reads a value. */
static int64_t price_of_use(const qn_use *use) {
    const int inputs = is_on_pictures(use->node) ? 1 : qn_op_data_inputs(use->node->op, use->node->input_count);
    return use->index < inputs ? price_between(use->node) : 0;
}

/* What it costs to make of a value of this type its twin under `perm`, or the other way round. */
static int64_t price_of_transpose(const qn_graph *graph, const qn_type *type, const qn_perm *perm) {
    return qn_transpose_is_view(graph, type, perm) ? PRICE_VIEW : PRICE_TRANSPOSE;
}

/* The same of the transpose that makes the twin of a value out of what a transpose by `made` made the value of. */
static int64_t price_of_twin(const qn_graph *graph, const qn_type *type, const qn_perm *perm, const qn_perm *made) {
    const qn_perm inverse = qn_perm_invert(perm), order = qn_perm_compose(made, &inverse);
    const qn_type twin = qn_flip_type(graph, type, perm);
    return price_of_transpose(graph, &twin, &order);
}

static int64_t price_of_uses(const qn_value *value) {
    int64_t price = 0;
    for (size_t i = 0; i < value->uses.count; i++) price += price_of_use(&value->uses.items[i]);
    return price;
}

/* Could `reader` read the twin of `value` as well, with the same result? So can nodes that read only the shape, and
   reshapes where the order of elements is the same. */
static int reads_either(const qn_graph *graph, const qn_value *value, const qn_perm *perm, const qn_node *reader) {
    if (reader->op->values == QN_VALUES_SHAPE) return !reader->outputs[0]->is_output;
    return qn_op_reshapes(reader->op) && reader->inputs[0] == value &&
           qn_perm_keeps_elements(graph, &value->type, perm);
}

static qn_status *look_at_readers(sinking *s, const qn_value *value, const qn_perm *perm, readers *out) {
    const qn_perm inverse = qn_perm_invert(perm);
    *out = (readers){.needs_plain = value->is_output, .transpose = price_of_transpose(s->graph, &value->type, perm)};
    for (size_t i = 0; i < value->uses.count; i++) {
        qn_perm found;
        const qn_node *node = value->uses.items[i].node;
        int index = value->uses.items[i].index;
        if (is_read_flipped(s, &value->uses.items[i], perm)) {
            QN_TRY(QN_LIST_PUSH(&s->region_scratch, &out->members, (int)node->mark));
        } else if (index == 0 && qn_match_transpose(s->graph, node, &found)) {
            if (!qn_perms_equal(&found, &inverse)) { /* one transpose from either layout, a view from one perhaps */
                const qn_perm through = qn_perm_compose(perm, &found);
                const int64_t from_plain = price_of_transpose(s->graph, &node->outputs[0]->type, &found);
                const int64_t from_twin = price_of_transpose(s->graph, &node->outputs[0]->type, &through);
                out->near_twin += from_plain - qn_min_i64(from_plain, from_twin);
                out->near_plain += from_twin - qn_min_i64(from_plain, from_twin);
                continue;
            }
            out->needs_twin = 1;
            out->near_twin += price_of_uses(node->outputs[0]);
        } else if (!reads_either(s->graph, value, perm, node)) {
            out->needs_plain = 1;
            out->near_plain += price_of_use(&value->uses.items[i]);
        }
    }
    return NULL;
}

/* A transpose is paid where `maker` is flipped and a reader is not. */
static qn_status *price_plain(sinking *s, int maker, const readers *r) {
    int any;
    if (maker == QN_CUT_SOURCE && r->needs_plain) return NULL; /* paid whatever the labels */
    QN_TRY(qn_cut_add_vertex(&s->cut, &any));
    QN_TRY(qn_cut_add_arc(&s->cut, maker, any, r->transpose));
    if (r->needs_plain) QN_TRY(qn_cut_add_arc(&s->cut, any, QN_CUT_SINK, QN_CUT_NEVER));
    for (size_t i = 0; i < r->members.count; i++)
        QN_TRY(qn_cut_add_arc(&s->cut, any, r->members.items[i], QN_CUT_NEVER));
    return NULL;
}

/* A transpose is paid where `maker` is as it is and a reader is flipped. */
static qn_status *price_twin(sinking *s, int maker, const readers *r) {
    int any;
    if (maker == QN_CUT_SINK && r->needs_twin) return NULL;
    QN_TRY(qn_cut_add_vertex(&s->cut, &any));
    QN_TRY(qn_cut_add_arc(&s->cut, any, maker, r->transpose));
    if (r->needs_twin) QN_TRY(qn_cut_add_arc(&s->cut, QN_CUT_SOURCE, any, QN_CUT_NEVER));
    for (size_t i = 0; i < r->members.count; i++)
        QN_TRY(qn_cut_add_arc(&s->cut, r->members.items[i], any, QN_CUT_NEVER));
    return NULL;
}

/* A value that a node of the region makes. */
static qn_status *price_made(sinking *s, int maker, const readers *r) {
    QN_TRY(price_plain(s, maker, r));
    QN_TRY(price_twin(s, maker, r));
    QN_TRY(qn_cut_add_arc(&s->cut, maker, QN_CUT_SINK, r->near_plain));
    QN_TRY(qn_cut_add_arc(&s->cut, QN_CUT_SOURCE, maker, r->near_twin));
    for (size_t i = 0; i < r->members.count; i++) {
        QN_TRY(qn_cut_add_arc(&s->cut, maker, r->members.items[i], PRICE_BORDER));
        QN_TRY(qn_cut_add_arc(&s->cut, r->members.items[i], maker, PRICE_BORDER));
    }
    return NULL;
}

/* A value that comes into the region from outside: plain, or through a transpose, which flipped nodes look through. */
static qn_status *price_given(sinking *s, const qn_value *value, const qn_perm *perm, const readers *r) {
    qn_perm made;
    const qn_node *node = value->producer;
    int is_transposed = qn_match_transpose(s->graph, node, &made),
        is_twin = is_transposed && qn_perms_equal(&made, perm);
    readers through = *r;
    if (is_transposed) {
        through.transpose = price_of_transpose(s->graph, &value->type, &made);
        QN_TRY(price_plain(s, QN_CUT_SOURCE, &through));
        through.transpose = price_of_twin(s->graph, &value->type, perm, &made);
    }
    if (!is_twin) QN_TRY(price_twin(s, QN_CUT_SINK, &through));
    const int64_t near_twin = is_twin ? price_between(node->inputs[0]->producer) : 0;
    const int64_t near_plain = is_transposed ? 0 : price_between(node);
    for (size_t i = 0; i < r->members.count; i++) {
        QN_TRY(qn_cut_add_arc(&s->cut, QN_CUT_SOURCE, r->members.items[i], near_twin));
        QN_TRY(qn_cut_add_arc(&s->cut, r->members.items[i], QN_CUT_SINK, near_plain));
    }
    return NULL;
}

/* Does a region lie on both sides of one transpose? Whether that transpose is needed then depends on the labels
   of both sides together, which is nothing that the capacity of one arc can say. */
static int is_on_both_sides(const sinking *s) {
    for (size_t i = 0; i < s->values.count; i++) {
        qn_perm unused;
        const qn_node *node = s->values.items[i]->producer;
        if (qn_match_transpose(s->graph, node, &unused) && is_noted(s, node->inputs[0])) return 1;
    }
    return 0;
}

static qn_status *price(sinking *s) {
    int vertex;
    s->cut = (qn_cut){.arena = &s->region_scratch};
    for (size_t i = 0; i < s->members.count + VERTEX_FIRST; i++) QN_TRY(qn_cut_add_vertex(&s->cut, &vertex));
    for (size_t i = 0; i < s->values.count; i++) {
        const qn_value *value = s->values.items[i];
        const qn_perm *perm = &s->notes[value->id].perm;
        readers r;
        QN_TRY(look_at_readers(s, value, perm, &r));
        if (is_made_flipped(s, value, perm))
            QN_TRY(price_made(s, (int)value->producer->mark, &r));
        else
            QN_TRY(price_given(s, value, perm, &r));
    }
    for (size_t i = 0; i < s->members.count; i++) {
        const member *m = &s->members.items[i];
        for (int k = 0; k < m->node->input_count; k++)
            if (qn_widens_input(m->node, k, &m->in))
                QN_TRY(qn_cut_add_arc(&s->cut, (int)i + VERTEX_FIRST, QN_CUT_SINK, PRICE_VIEW));
    }
    return NULL;
}

/* ---- Regions ---- */

static qn_status *flip_region(sinking *s) {
    int is_known = 0;
    QN_TRY(price(s));
    uint8_t *is_flipped = QN_ARENA_ARRAY(&s->region_scratch, uint8_t, s->cut.first.count);
    if (!is_flipped) return qn_status_out_of_memory();
    if (!is_on_both_sides(s)) QN_TRY(qn_cut_find(&s->cut, &s->effort, is_flipped, &is_known));
    for (size_t i = 0; i < s->members.count; i++) {
        member *m = &s->members.items[i];
        m->node->mark = 0;
        if (!is_flipped[i + VERTEX_FIRST]) continue;
        QN_TRY(qn_flip_node(s->graph, m->node, &m->in, &m->out, &s->twins));
        s->changed = 1;
    }
    return NULL;
}

/* The region around `seed`, whose twin under `perm` is on the other side of a transpose. */
static qn_status *try_region(sinking *s, qn_value *seed, const qn_perm *perm, uint32_t first_region) {
    if (seed->id >= s->note_count || qn_value_is_constant(seed)) return NULL;
    const value_note *was = &s->notes[seed->id];
    if (was->region >= first_region && qn_perms_equal(&was->perm, perm)) return NULL; /* part of one already */
    s->region++;
    s->members.items = NULL, s->members.count = s->members.capacity = 0;
    s->values.items = NULL, s->values.count = s->values.capacity = 0;
    qn_arena_init(&s->region_scratch, s->graph->arena->allocator);
    qn_status *status = collect(s, seed, perm);
    if (!status && s->members.count) status = flip_region(s);
    qn_arena_deinit(&s->region_scratch);
    return status;
}

static qn_status *simplify_all(sinking *s) {
    for (qn_node *node = s->graph->first, *next; node; node = next) {
        next = node->next;
        QN_TRY(qn_simplify_transpose(s->graph, node, &s->changed));
        QN_TRY(qn_transpose_into_weights(s->graph, node, &s->changed));
        QN_TRY(qn_transpose_past_reshapes(s->graph, node, &s->changed));
    }
    return NULL;
}

static qn_status *sweep(sinking *s) {
    QN_LIST(qn_node *) transposes = {0};
    qn_perm perm;
    QN_TRY(simplify_all(s));
    for (qn_node *node = s->graph->first; node; node = node->next) {
        node->mark = 0;
        if (qn_match_transpose(s->graph, node, &perm) && !qn_perm_is_identity(&perm)) /* outputs may need a copy */
            QN_TRY(QN_LIST_PUSH(&s->scratch, &transposes, node));
    }
    if (!transposes.count) return NULL;
    s->note_count = s->twins.count = s->graph->next_id;
    s->notes = QN_ARENA_ARRAY(&s->scratch, value_note, s->note_count);
    s->twins.twin = QN_ARENA_ARRAY(&s->scratch, qn_value *, s->note_count);
    s->twins.perm = QN_ARENA_ARRAY(&s->scratch, qn_perm, s->note_count);
    if (!s->notes || !s->twins.twin || !s->twins.perm) return qn_status_out_of_memory();
    const uint32_t first_region = s->region + 1;
    for (size_t i = 0; i < transposes.count && s->effort > 0; i++) {
        qn_node *node = transposes.items[i];
        if (qn_match_transpose(s->graph, node, &perm)) QN_TRY(try_region(s, node->outputs[0], &perm, first_region));
        if (!qn_match_transpose(s->graph, node, &perm)) continue; /* gone by now */
        perm = qn_perm_invert(&perm);
        QN_TRY(try_region(s, node->inputs[0], &perm, first_region));
    }
    return NULL;
}

/* Transposes that stay and cost nothing become reshapes. What reads those is priced anew. */
static qn_status *end_transposes(qn_graph *graph, int *inout_changed) {
    for (qn_node *node = graph->first, *next; node; node = next) {
        next = node->next;
        QN_TRY(qn_transpose_into_reshape(graph, node, inout_changed));
    }
    return NULL;
}

qn_status *qn_pass_sink_transposes(qn_graph *graph) {
    sinking s = {.graph = graph, .effort = CUT_EFFORT};
    s.nodes_left = NODES_PER_NODE * ((int64_t)graph->node_count + 1);
    s.bytes_left = CONSTANT_FREE + CONSTANT_PER_BYTE * qn_graph_told_bytes(graph);
    int changed = 0;
    for (int i = 0; i < SWEEPS_MAX && (!i || s.changed); i++) {
        s.changed = 0;
        qn_arena_init(&s.scratch, graph->arena->allocator);
        qn_status *status = sweep(&s);
        qn_arena_deinit(&s.scratch);
        QN_TRY(status);
        if (!s.changed) QN_TRY(end_transposes(graph, &s.changed));
        changed |= s.changed;
    }
    if (s.changed) QN_TRY(end_transposes(graph, &s.changed)); /* sweeps ran out */
    qn_graph_remove_dead(graph);
    /* Checks speak of the axes that nodes have now. */
    return changed ? qn_graph_infer(graph) : NULL;
}
