#include "dim/pool.h"

#include "base/text.h"

#include <assert.h>
#include <string.h>

static const qn_dim_interval everything = {INT64_MIN, INT64_MAX};

qn_dim_pool *qn_dim_pool_create(qn_arena *arena) {
    qn_dim_pool *pool = QN_ARENA_NEW(arena, qn_dim_pool);
    if (!pool) return NULL;
    pool->arena = arena;
    pool->epoch = pool->last_epoch = 1;
    pool->table_size = 256;
    pool->names_size = 64;
    pool->table = QN_ARENA_ARRAY(arena, uint32_t, pool->table_size);
    pool->names = QN_ARENA_ARRAY(arena, uint32_t, pool->names_size);
    if (!pool->table || !pool->names) return NULL;
    qn_dim_const(pool, 0);
    if (pool->status) {
        qn_status_free(pool->status);
        return NULL;
    }
    return pool;
}

qn_status *qn_dim_pool_take_status(qn_dim_pool *pool) {
    qn_status *status = pool->status;
    pool->status = NULL;
    return status;
}

qn_dim qn_dim_fail(qn_dim_pool *pool, qn_status *status) {
    pool->status = qn_status_join(pool->status, status);
    return qn_dim_zero;
}

qn_dim qn_dim_fail_size(qn_dim_pool *pool) {
    if (pool->status) return qn_dim_zero;
    return qn_dim_fail(
        pool, QN_ERR(QN_LIMIT, "a shape expression overflows 64 bits or has more than %d terms", QN_DIM_TERMS_MAX));
}

/* ---- Interning ---- */

static uint64_t mix(uint64_t hash, uint64_t value) {
    hash = (hash ^ value) * UINT64_C(0x9E3779B97F4A7C15);
    return hash ^ (hash >> 29);
}

static uint64_t hash_node(const qn_dim_node *node) {
    uint64_t hash = mix(node->kind, (uint64_t)node->constant);
    switch ((qn_dim_kind)node->kind) {
    case QN_DIM_KIND_CONST: break;
    case QN_DIM_KIND_SYMBOL: hash = mix(hash, node->u.symbol); break;
    case QN_DIM_KIND_SUM:
        for (uint32_t i = 0; i < node->count; i++)
            hash = mix(mix(hash, node->u.terms[i].atom.id), (uint64_t)node->u.terms[i].coef);
        break;
    case QN_DIM_KIND_PRODUCT:
        for (uint32_t i = 0; i < node->count; i++) hash = mix(hash, node->u.factors[i].id);
        break;
    case QN_DIM_KIND_FLOOR:
    case QN_DIM_KIND_RELU:
    case QN_DIM_KIND_STEP: hash = mix(mix(hash, node->u.args[0].id), node->u.args[1].id); break;
    }
    return mix(hash, node->count);
}

static int same_node(const qn_dim_node *a, const qn_dim_node *b) {
    if (a->kind != b->kind || a->count != b->count || a->constant != b->constant) return 0;
    switch ((qn_dim_kind)a->kind) {
    case QN_DIM_KIND_CONST: return 1;
    case QN_DIM_KIND_SYMBOL: return a->u.symbol == b->u.symbol;
    case QN_DIM_KIND_SUM:
        for (uint32_t i = 0; i < a->count; i++) {
            const qn_dim_term *p = &a->u.terms[i], *q = &b->u.terms[i];
            if (!qn_dim_same(p->atom, q->atom) || p->coef != q->coef) return 0;
        }
        return 1;
    case QN_DIM_KIND_PRODUCT: return memcmp(a->u.factors, b->u.factors, a->count * sizeof *a->u.factors) == 0;
    case QN_DIM_KIND_FLOOR:
    case QN_DIM_KIND_RELU:
    case QN_DIM_KIND_STEP: return qn_dim_same(a->u.args[0], b->u.args[0]) && qn_dim_same(a->u.args[1], b->u.args[1]);
    }
    return 0;
}

static int grow_table(qn_dim_pool *pool) {
    size_t size = pool->table_size * 2;
    uint32_t *table = QN_ARENA_ARRAY(pool->arena, uint32_t, size);
    if (!table) return 0;
    for (uint32_t id = 0; id < pool->nodes.count; id++) {
        size_t slot = hash_node(&pool->nodes.items[id]) & (size - 1);
        while (table[slot]) slot = (slot + 1) & (size - 1);
        table[slot] = id + 1;
    }
    pool->table = table;
    pool->table_size = size;
    return 1;
}

struct order_walk {
    const qn_dim_pool *pool;
    uint64_t hash;
};

struct depth_walk {
    const qn_dim_pool *pool;
    int depth;
};

static void take_depth(void *self, qn_dim operand) {
    struct depth_walk *walk = self;
    int depth = qn_dim_node_at(walk->pool, operand)->depth + 1;
    if (depth > walk->depth) walk->depth = depth;
}

static void each_operand(const qn_dim_node *node, void (*visit)(void *self, qn_dim operand), void *self) {
    switch ((qn_dim_kind)node->kind) {
    case QN_DIM_KIND_CONST:
    case QN_DIM_KIND_SYMBOL: break;
    case QN_DIM_KIND_SUM:
        for (uint32_t i = 0; i < node->count; i++) visit(self, node->u.terms[i].atom);
        break;
    case QN_DIM_KIND_PRODUCT:
        for (uint32_t i = 0; i < node->count; i++) visit(self, node->u.factors[i]);
        break;
    case QN_DIM_KIND_FLOOR:
    case QN_DIM_KIND_RELU:
    case QN_DIM_KIND_STEP:
        visit(self, node->u.args[0]);
        visit(self, node->u.args[1]);
        break;
    }
}

void qn_dim_each_operand(const qn_dim_pool *pool, qn_dim dim, void (*visit)(void *self, qn_dim operand), void *self) {
    qn_dim_node node = *qn_dim_node_at(pool, dim); /* visitors may add nodes and so move the array */
    each_operand(&node, visit, self);
}

static void take_order(void *self, qn_dim operand) {
    struct order_walk *walk = self;
    walk->hash = mix(walk->hash, qn_dim_node_at(walk->pool, operand)->order);
}

/* Symbols by index; then by depth; then by structure. Not by id: that would depend on what was made before. */
static uint64_t order_of(const qn_dim_pool *pool, const qn_dim_node *node) {
    struct order_walk walk = {pool, mix(node->kind, (uint64_t)node->constant)};
    if (node->kind == QN_DIM_KIND_SYMBOL) return node->u.symbol;
    each_operand(node, take_order, &walk);
    if (node->kind == QN_DIM_KIND_SUM)
        for (uint32_t i = 0; i < node->count; i++) walk.hash = mix(walk.hash, (uint64_t)node->u.terms[i].coef);
    return (uint64_t)(node->depth + 1) << 48 | walk.hash >> 16;
}

#ifndef NDEBUG

static int atoms_are_in_order(const qn_dim_pool *pool, qn_dim a, qn_dim b) {
    return qn_dim_before(pool, a, b) && !qn_dim_same(a, b);
}

/* Does a clamp's argument begin with a positive coefficient, and is its second operand the argument without constant? */
static int is_normal_clamp(const qn_dim_pool *pool, const qn_dim_node *node) {
    const qn_dim_node *argument = qn_dim_node_at(pool, node->u.args[0]);
    if (argument->kind != QN_DIM_KIND_SUM) return node->constant == 0 && qn_dim_same(node->u.args[0], node->u.args[1]);
    return argument->u.terms[0].coef > 0 && argument->constant == node->constant;
}

/* The normal form that pool.h promises, as far as one node shows it. */
static int is_normal(const qn_dim_pool *pool, const qn_dim_node *node) {
    switch ((qn_dim_kind)node->kind) {
    case QN_DIM_KIND_CONST: return 1;
    case QN_DIM_KIND_SYMBOL: return node->u.symbol == pool->symbols.count; /* about to be listed */
    case QN_DIM_KIND_SUM:
        for (uint32_t i = 0; i < node->count; i++) {
            const qn_dim_term *term = &node->u.terms[i];
            const qn_dim_kind kind = qn_dim_kind_of(pool, term->atom);
            if (!term->coef || kind == QN_DIM_KIND_CONST || kind == QN_DIM_KIND_SUM) return 0;
            if (i && !atoms_are_in_order(pool, term[-1].atom, term->atom)) return 0;
        }
        return node->count > 1 || (node->count == 1 && (node->constant || node->u.terms[0].coef != 1));
    case QN_DIM_KIND_PRODUCT:
        for (uint32_t i = 1; i < node->count; i++)
            if (qn_dim_before(pool, node->u.factors[i], node->u.factors[i - 1])) return 0;
        return node->count > 1;
    case QN_DIM_KIND_FLOOR: return !qn_dim_same(node->u.args[1], qn_dim_zero);
    case QN_DIM_KIND_RELU:
    case QN_DIM_KIND_STEP: return is_normal_clamp(pool, node);
    }
    return 0;
}

#endif

static qn_dim add_node(qn_dim_pool *pool, const qn_dim_node *node, size_t slot) {
    struct depth_walk walk = {pool, 0};
    assert(is_normal(pool, node));
    each_operand(node, take_depth, &walk);
    if (walk.depth > QN_DIM_DEPTH_MAX)
        return qn_dim_fail(pool,
                           QN_ERR(QN_LIMIT, "a shape expression nests deeper than %d operations", QN_DIM_DEPTH_MAX));
    if (pool->nodes.count >= QN_DIM_NODES_MAX)
        return qn_dim_fail(pool, QN_ERR(QN_LIMIT, "more than %d different shape expressions", QN_DIM_NODES_MAX));
    qn_dim_node copy = *node;
    copy.depth = (uint16_t)walk.depth;
    copy.order = order_of(pool, &copy);
    copy.hint = everything;
    copy.range_epoch = copy.rebuilt_epoch = 0;
    if (node->kind == QN_DIM_KIND_SUM) {
        copy.u.terms = qn_arena_copy(pool->arena, node->u.terms, node->count * sizeof *node->u.terms);
        if (!copy.u.terms) return qn_dim_fail(pool, qn_status_out_of_memory());
    } else if (node->kind == QN_DIM_KIND_PRODUCT) {
        copy.u.factors = qn_arena_copy(pool->arena, node->u.factors, node->count * sizeof *node->u.factors);
        if (!copy.u.factors) return qn_dim_fail(pool, qn_status_out_of_memory());
    }
    qn_status *status = QN_LIST_PUSH(pool->arena, &pool->nodes, copy);
    if (status) return qn_dim_fail(pool, status);
    pool->table[slot] = (uint32_t)pool->nodes.count;
    return (qn_dim){(uint32_t)pool->nodes.count - 1};
}

qn_dim qn_dim_intern(qn_dim_pool *pool, const qn_dim_node *node) {
    if (pool->status) return qn_dim_zero;
    if ((pool->nodes.count + 1) * 2 > pool->table_size && !grow_table(pool))
        return qn_dim_fail(pool, qn_status_out_of_memory());
    size_t mask = pool->table_size - 1, slot = hash_node(node) & mask;
    for (; pool->table[slot]; slot = (slot + 1) & mask)
        if (same_node(&pool->nodes.items[pool->table[slot] - 1], node)) return (qn_dim){pool->table[slot] - 1};
    return add_node(pool, node, slot);
}

void qn_dim_add_hint(qn_dim_pool *pool, qn_dim dim, qn_dim_interval hint) {
    qn_dim_node *node = &pool->nodes.items[dim.id];
    if (pool->status || node->kind == QN_DIM_KIND_CONST || node->kind == QN_DIM_KIND_SYMBOL) return;
    qn_dim_interval met = qn_dim_interval_meet(node->hint, hint);
    if (met.low == node->hint.low && met.high == node->hint.high) return;
    node->hint = met;
    if (node->range_epoch == pool->epoch) node->range = qn_dim_interval_meet(node->range, met);
}

/* ---- Constants and symbols ---- */

qn_dim qn_dim_const(qn_dim_pool *pool, int64_t value) {
    qn_dim_node node = {.kind = QN_DIM_KIND_CONST, .constant = value};
    return qn_dim_intern(pool, &node);
}

static size_t name_slot(const qn_dim_pool *pool, const char *name) {
    size_t mask = pool->names_size - 1, slot = qn_hash_bytes(name, strlen(name), 0) & mask;
    while (pool->names[slot] && strcmp(pool->symbols.items[pool->names[slot] - 1].name, name) != 0)
        slot = (slot + 1) & mask;
    return slot;
}

static int grow_names(qn_dim_pool *pool) {
    uint32_t *names = QN_ARENA_ARRAY(pool->arena, uint32_t, pool->names_size * 2);
    if (!names) return 0;
    pool->names = names;
    pool->names_size *= 2;
    for (uint32_t i = 0; i < pool->symbols.count; i++) {
        size_t slot = name_slot(pool, pool->symbols.items[i].name);
        if (!names[slot]) names[slot] = i + 1; /* of two symbols with one name the first is found */
    }
    return 1;
}

qn_dim qn_dim_symbol(qn_dim_pool *pool, const char *name, int64_t low, int64_t high) {
    assert(low <= high);
    if (pool->status) return qn_dim_zero;
    if ((pool->symbols.count + 1) * 2 > pool->names_size && !grow_names(pool))
        return qn_dim_fail(pool, qn_status_out_of_memory());
    qn_dim_symbol_info info = {.range = {low, high}};
    info.name = qn_arena_copy_string(pool->arena, name, strlen(name));
    if (!info.name) return qn_dim_fail(pool, qn_status_out_of_memory());
    qn_dim_node node = {.kind = QN_DIM_KIND_SYMBOL, .u.symbol = (uint32_t)pool->symbols.count};
    info.dim = qn_dim_intern(pool, &node);
    if (pool->status) return qn_dim_zero;
    qn_status *status = QN_LIST_PUSH(pool->arena, &pool->symbols, info);
    if (status) return qn_dim_fail(pool, status);
    size_t slot = name_slot(pool, info.name);
    if (!pool->names[slot]) pool->names[slot] = (uint32_t)pool->symbols.count;
    return info.dim;
}

int qn_dim_symbol_find(const qn_dim_pool *pool, const char *name, qn_dim *out_symbol) {
    uint32_t found = pool->names[name_slot(pool, name)];
    if (!found) return 0;
    *out_symbol = pool->symbols.items[found - 1].dim;
    return 1;
}

size_t qn_dim_symbol_number(const qn_dim_pool *pool, qn_dim symbol) {
    assert(qn_dim_is_symbol(pool, symbol));
    return qn_dim_node_at(pool, symbol)->u.symbol;
}

int qn_dim_is_symbol(const qn_dim_pool *pool, qn_dim dim) { return qn_dim_kind_of(pool, dim) == QN_DIM_KIND_SYMBOL; }

static qn_dim_symbol_info *symbol_info(const qn_dim_pool *pool, qn_dim symbol) {
    assert(qn_dim_is_symbol(pool, symbol));
    return &pool->symbols.items[qn_dim_node_at(pool, symbol)->u.symbol];
}

void qn_dim_override_range(qn_dim_pool *pool, uint32_t symbol, qn_dim_interval range) {
    pool->symbols.items[symbol].range = range;
    pool->epoch = ++pool->last_epoch;
}

qn_status *qn_dim_symbol_set_range(qn_dim_pool *pool, qn_dim symbol, int64_t low, int64_t high, const char *reason) {
    qn_dim_symbol_info *info = symbol_info(pool, symbol);
    if (low > high)
        return QN_ERR(QN_INVALID_ARGUMENT, "the range of '%s' is empty: %lld is above %lld", info->name, (long long)low,
                      (long long)high);
    if (reason) {
        const char *copy = qn_arena_copy_string(pool->arena, reason, strlen(reason));
        if (!copy) return qn_status_out_of_memory();
        info->reason = copy;
        info->asker = NULL;
        info->tells_high = high != QN_DIM_UNBOUNDED;
    }
    if (info->range.low != low || info->range.high != high)
        qn_dim_override_range(pool, qn_dim_node_at(pool, symbol)->u.symbol, (qn_dim_interval){low, high});
    return NULL;
}

void qn_dim_symbol_keep_range(qn_dim_pool *pool, qn_dim symbol) { symbol_info(pool, symbol)->keeps_range = 1; }
const char *qn_dim_symbol_reason(const qn_dim_pool *pool, qn_dim symbol) { return symbol_info(pool, symbol)->reason; }
const void *qn_dim_symbol_asker(const qn_dim_pool *pool, qn_dim symbol) { return symbol_info(pool, symbol)->asker; }
const char *qn_dim_symbol_name(const qn_dim_pool *pool, qn_dim symbol) { return symbol_info(pool, symbol)->name; }
size_t qn_dim_symbol_count(const qn_dim_pool *pool) { return pool->symbols.count; }
qn_dim qn_dim_symbol_at(const qn_dim_pool *pool, size_t index) {
    assert(index < pool->symbols.count);
    return pool->symbols.items[index].dim;
}

int qn_dim_is_number(const qn_dim_pool *pool, qn_dim dim, int64_t *out_value) {
    qn_dim_interval range = qn_dim_interval_of(pool, dim);
    if (range.low != range.high) return 0;
    *out_value = range.low;
    return 1;
}

int qn_dim_is_const(const qn_dim_pool *pool, qn_dim dim, int64_t *out_value) {
    int64_t value;
    if (!qn_dim_is_number(pool, dim, &value)) return 0;
    if (out_value) *out_value = value;
    return 1;
}
