/* Constants are stored once, in the layout that every kernel reads straight from the mapped file: operators say
   which one they want (qn_op_def.pack), the kernel layer makes it (kernel/packing.h). */
#include "plan/internal.h"

#include "kernel/packing.h"

#include <assert.h>
#include <string.h>

/* The packed form that was made last of a constant, so that nodes that share weights share their packed form too. */
typedef struct packed_constant {
    qn_pack pack;
    qn_value *value; /* NULL: nothing yet */
} packed_constant;

static qn_weights weights_of(const qn_view *view) {
    return (qn_weights){.dtype = view->dtype, .rank = view->rank, .dims = view->dims, .data = view->data};
}

/* ---- Before packing: another order, another type ---- */

/* A matrix [n, k] as [k, n]. */
static qn_status *transpose(qn_arena *arena, qn_view *view) {
    const qn_view from = *view;
    const size_t size = qn_dtype_size(view->dtype);
    const char *src = from.data;
    char *dst = qn_arena_alloc(arena, (size_t)qn_view_elems(view), size);
    if (!dst) return qn_status_out_of_memory();
    view->data = dst;
    view->dims[0] = from.dims[1];
    view->dims[1] = from.dims[0];
    for (int64_t row = 0; row < view->dims[0]; row++)
        for (int64_t column = 0; column < view->dims[1]; column++, dst += size)
            memcpy(dst, src + (size_t)(column * from.dims[1] + row) * size, size);
    return NULL;
}

/* Integers as wider ones. */
static qn_status *widen(qn_arena *arena, qn_dtype dtype, qn_view *view) {
    const qn_view from = *view;
    view->dtype = dtype;
    view->data = qn_arena_alloc(arena, (size_t)qn_view_elems(view), qn_dtype_size(dtype));
    if (!view->data) return qn_status_out_of_memory();
    for (int64_t i = 0; i < qn_view_elems(view); i++) qn_view_set_int(view, i, qn_view_get_int(&from, i));
    return NULL;
}

/* ---- Packing ---- */

/* The size of constant `view` packed as `pack` says. 0: it stays plain, since it has no elements, or since it is
   large and padding would more than double it: a matrix [16 Mi, 1] would grow sixteenfold, and a small model could
   ask for any amount of memory. The operator then runs by its portable code. */
static int measure(const qn_view *view, const qn_pack *pack, size_t *out_bytes) {
    enum { LARGE_ELEMS = 16 << 20 };
    qn_view wanted = *view;
    wanted.dtype = pack->dtype;
    if (pack->is_transposed) {
        wanted.dims[0] = view->dims[1];
        wanted.dims[1] = view->dims[0];
    }
    const qn_weights weights = weights_of(&wanted);
    if (!qn_view_elems(view) || !qn_packing_takes(pack->packing, &weights) ||
        !qn_packing_measure(pack->packing, &weights, out_bytes))
        return 0;
    size_t elems = *out_bytes / qn_dtype_size(pack->dtype);
    return elems <= LARGE_ELEMS || elems <= 2 * (size_t)qn_view_elems(view);
}

/* A constant with the packed elements of `constant`. */
static qn_status *add_packed(qn_graph *graph, const qn_value *constant, const qn_pack *pack, size_t bytes,
                             qn_value **out) {
    qn_view view = qn_value_view(constant);
    if (pack->is_transposed) QN_TRY(transpose(graph->arena, &view));
    if (pack->dtype != view.dtype) QN_TRY(widen(graph->arena, pack->dtype, &view));
    void *packed = qn_arena_alloc_aligned(graph->arena, bytes, 64);
    if (!packed) return qn_status_out_of_memory();
    const qn_weights weights = weights_of(&view);
    assert(bytes >= qn_view_bytes(&view)); /* packing pads, and leaves nothing out */
    pack->packing->pack(&weights, packed);
    view.data = packed;
    QN_TRY(qn_graph_add_constant(graph, constant->name, &view, out));
    (*out)->data_bytes = bytes;
    (*out)->packing = pack->packing;
    return NULL;
}

static int packs_equal(const qn_pack *a, const qn_pack *b) {
    return a->packing == b->packing && a->dtype == b->dtype && a->is_transposed == b->is_transposed;
}

/* The packed form of `constant`, made on first use. */
static qn_status *find_packed(qn_graph *graph, packed_constant *known, const qn_value *constant, const qn_pack *pack,
                              size_t bytes, qn_value **out) {
    packed_constant *entry = &known[constant->id];
    *out = entry->value;
    if (entry->value && packs_equal(&entry->pack, pack)) return NULL;
    QN_TRY(add_packed(graph, constant, pack, bytes, out));
    *entry = (packed_constant){*pack, *out};
    return NULL;
}

/* ---- Nodes ---- */

/* The operands of `node` as qn_op_def.pack takes them. */
static qn_status *make_operands(qn_graph *graph, const qn_node *node, qn_eval *out) {
    qn_view *views = QN_ARENA_ARRAY(graph->arena, qn_view, (size_t)node->input_count);
    if (!views) return qn_status_out_of_memory();
    for (int i = 0; i < node->input_count; i++) {
        const qn_value *value = node->inputs[i];
        if (!value) continue;
        if (qn_value_is_constant(value))
            views[i] = qn_value_view(value);
        else
            views[i].dtype = value->type.dtype;
    }
    *out = (qn_eval){.attrs = node->attrs, .input_count = node->input_count, .inputs = views};
    return NULL;
}

static qn_status *pack_input(qn_graph *graph, packed_constant *known, qn_node *node, int input,
                             const qn_eval *operands) {
    qn_pack pack;
    qn_value *packed;
    size_t bytes;
    void *attrs = qn_arena_copy(graph->arena, node->attrs, node->op->attrs_bytes);
    if (!attrs) return qn_status_out_of_memory();
    assert(!node->inputs[input]->packing); /* graphs that passes see are plain, and each input is packed once */
    if (!node->op->pack(operands, input, attrs, &pack) || !measure(&operands->inputs[input], &pack, &bytes))
        return NULL;
    QN_TRY(find_packed(graph, known, node->inputs[input], &pack, bytes, &packed));
    node->attrs = attrs;
    return qn_node_set_input(graph, node, input, packed);
}

static qn_status *pack_node(qn_graph *graph, packed_constant *known, qn_node *node) {
    qn_eval operands;
    if (!node->op->pack) return NULL;
    QN_TRY(make_operands(graph, node, &operands));
    for (int i = 0; i < node->input_count; i++)
        if (qn_value_is_constant(node->inputs[i])) QN_TRY(pack_input(graph, known, node, i, &operands));
    return NULL;
}

qn_status *qn_plan_pack_weights(qn_graph *graph) {
    packed_constant *known = QN_ARENA_ARRAY(graph->arena, packed_constant, graph->next_id);
    if (!known) return qn_status_out_of_memory();
    for (qn_node *node = graph->first; node; node = node->next)
        QN_TRY_CTX(pack_node(graph, known, node), "%s", node->source ? node->source : node->name);
    return NULL;
}
