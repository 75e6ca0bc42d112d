/* Expressions of one pool made again in another. */
#include "dim/pool.h"

#include <assert.h>

typedef struct translation {
    const qn_dim_pool *from;
    qn_dim_pool *to;
    qn_dim *made; /* by id in `from` */
    uint8_t *is_made;
} translation;

static qn_dim made_of(const translation *t, qn_dim dim) {
    assert(t->is_made[dim.id] || t->to->status);
    return t->made[dim.id];
}

static qn_dim translate_symbol(translation *t, uint32_t index) {
    const qn_dim_symbol_info *info = &t->from->symbols.items[index];
    qn_dim symbol;
    if (qn_dim_symbol_find(t->to, info->name, &symbol)) return symbol;
    symbol = qn_dim_symbol(t->to, info->name, info->range.low, info->range.high);
    if (t->to->status || !info->reason) return symbol;
    qn_status *status = qn_dim_symbol_set_range(t->to, symbol, info->range.low, info->range.high, info->reason);
    return status ? qn_dim_fail(t->to, status) : symbol;
}

/* The node made in `to` by the constructor of its kind; its operands are translated already. */
static qn_dim translate_node(translation *t, const qn_dim_node *node) {
    qn_dim out = qn_dim_zero;
    switch ((qn_dim_kind)node->kind) {
    case QN_DIM_KIND_CONST: return qn_dim_const(t->to, node->constant);
    case QN_DIM_KIND_SYMBOL: return translate_symbol(t, node->u.symbol);
    case QN_DIM_KIND_SUM:
        out = qn_dim_const(t->to, node->constant);
        for (uint32_t i = 0; i < node->count; i++)
            out = qn_dim_add(t->to, out,
                             qn_dim_affine(t->to, made_of(t, node->u.terms[i].atom), node->u.terms[i].coef, 0));
        return out;
    case QN_DIM_KIND_PRODUCT:
        out = made_of(t, node->u.factors[0]);
        for (uint32_t i = 1; i < node->count; i++) out = qn_dim_product(t->to, out, made_of(t, node->u.factors[i]));
        return out;
    case QN_DIM_KIND_FLOOR: return qn_dim_floor_div(t->to, made_of(t, node->u.args[0]), made_of(t, node->u.args[1]));
    case QN_DIM_KIND_RELU: return qn_dim_relu(t->to, made_of(t, node->u.args[0]));
    case QN_DIM_KIND_STEP: return qn_dim_step(t->to, made_of(t, node->u.args[0]));
    }
    return out;
}

/* Operands first; nodes nest at most QN_DIM_DEPTH_MAX deep. */
static void translate(void *self, qn_dim dim) {
    translation *t = self;
    if (t->to->status || t->is_made[dim.id]) return;
    qn_dim_each_operand(t->from, dim, translate, t);
    if (t->to->status) return;
    t->made[dim.id] = translate_node(t, qn_dim_node_at(t->from, dim));
    t->is_made[dim.id] = 1;
}

qn_status *qn_dim_translate(const qn_dim_pool *from, qn_dim dim, qn_dim_pool *to, qn_dim *out_dim) {
    if (qn_dim_is_symbol(from, dim)) { /* most are, and need no table */
        translation leaf = {.from = from, .to = to};
        *out_dim = translate_symbol(&leaf, qn_dim_node_at(from, dim)->u.symbol);
        return qn_dim_pool_take_status(to);
    }
    const size_t count = (size_t)dim.id + 1; /* operands have smaller ids */
    const qn_allocator *allocator = to->arena->allocator;
    *out_dim = qn_dim_zero;
    translation t = {.from = from, .to = to};
    t.made = qn_alloc_zeroed(allocator, count, sizeof *t.made, 16);
    t.is_made = qn_alloc_zeroed(allocator, count, sizeof *t.is_made, 16);
    if (t.made && t.is_made) {
        translate(&t, dim);
        *out_dim = made_of(&t, dim);
    }
    qn_status *status = t.made && t.is_made ? qn_dim_pool_take_status(to) : qn_status_out_of_memory();
    qn_free(allocator, t.is_made);
    qn_free(allocator, t.made);
    return status;
}
