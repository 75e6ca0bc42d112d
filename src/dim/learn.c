/* Learning from demands, and rebuilding with what was learned. */
#include "dim/pool.h"

#include <assert.h>
#include <string.h>

/* Demands with more symbols or nodes are left to the checks at run time, and so are bounds beyond `far_away`, which no
   dim reaches. */
enum { LEARN_SYMBOLS_MAX = QN_DIM_SYMBOLS_MAX, LEARN_NODES_MAX = 128 };
static const int64_t far_away = INT64_C(1) << 40;

/* ---- The symbols of a dim ---- */

typedef struct symbol_set {
    const qn_dim_pool *pool;
    uint32_t symbols[LEARN_SYMBOLS_MAX];
    size_t count;
    qn_dim seen[LEARN_NODES_MAX];
    size_t seen_count;
    int too_large;
} symbol_set;

static void collect(void *self, qn_dim dim) {
    symbol_set *set = self;
    for (size_t i = 0; i < set->seen_count; i++)
        if (qn_dim_same(set->seen[i], dim)) return;
    const qn_dim_node *node = qn_dim_node_at(set->pool, dim);
    int is_symbol = node->kind == QN_DIM_KIND_SYMBOL;
    set->too_large |= set->seen_count == LEARN_NODES_MAX || (is_symbol && set->count == LEARN_SYMBOLS_MAX);
    if (set->too_large) return;
    set->seen[set->seen_count++] = dim;
    if (is_symbol) set->symbols[set->count++] = node->u.symbol;
    qn_dim_each_operand(set->pool, dim, collect, set);
}

int qn_dim_symbols(const qn_dim_pool *pool, qn_dim dim, qn_dim out_symbols[QN_DIM_SYMBOLS_MAX]) {
    symbol_set set = {.pool = pool};
    collect(&set, dim);
    if (set.too_large) return -1;
    for (size_t i = 0; i < set.count; i++) out_symbols[i] = pool->symbols.items[set.symbols[i]].dim;
    return (int)set.count;
}

typedef struct product_walk {
    symbol_set outside, inside; /* of products of sizes */
} product_walk;

/* Is the node a product of at least two sizes? Factors that are 0 or 1 are comparisons, no sizes. */
static int multiplies_sizes(const qn_dim_pool *pool, const qn_dim_node *node) {
    int sizes = 0;
    if (node->kind != QN_DIM_KIND_PRODUCT) return 0;
    for (uint32_t i = 0; i < node->count; i++) sizes += !qn_dim_is_bool(pool, node->u.factors[i]);
    return sizes > 1;
}

static void look_for_products(void *self, qn_dim dim) {
    product_walk *walk = self;
    symbol_set *outside = &walk->outside;
    for (size_t i = 0; i < outside->seen_count; i++)
        if (qn_dim_same(outside->seen[i], dim)) return;
    outside->too_large |= outside->seen_count == LEARN_NODES_MAX;
    if (outside->too_large) return;
    outside->seen[outside->seen_count++] = dim;
    if (multiplies_sizes(outside->pool, qn_dim_node_at(outside->pool, dim)))
        collect(&walk->inside, dim);
    else
        qn_dim_each_operand(outside->pool, dim, look_for_products, walk);
}

int qn_dim_multiplied_symbols(const qn_dim_pool *pool, qn_dim dim, qn_dim out_symbols[QN_DIM_SYMBOLS_MAX]) {
    product_walk walk = {{.pool = pool}, {.pool = pool}};
    look_for_products(&walk, dim);
    if (walk.outside.too_large || walk.inside.too_large) return -1;
    for (size_t i = 0; i < walk.inside.count; i++) out_symbols[i] = pool->symbols.items[walk.inside.symbols[i]].dim;
    return (int)walk.inside.count;
}

/* ---- Cutting refuted ends off a symbol's range ----
 *
 * A piece [low, high] of a symbol's range is refuted if interval arithmetic shows the condition to be negative for all
 * values in it. From each end the longest refuted piece is found by doubling steps and then by bisection. For the
 * condition 513 - h >= 0 and h in [1, unbounded): pieces [1 + 1, ..), [1 + 2, ..), .. [1 + 512, ..) are not refuted,
 * [1 + 1024, ..) is; bisection between 513 and 1025 finds that [514, ..) is refuted and [513, ..) is not, so h is in
 * [1, 513].
 */

struct probe {
    qn_dim_pool *pool;
    qn_dim condition;
    uint32_t symbol;
};

/* Is the condition negative wherever the symbol lies in [low, high]? */
static int refuted(const struct probe *probe, int64_t low, int64_t high) {
    qn_dim_pool *pool = probe->pool;
    qn_dim_interval saved = pool->symbols.items[probe->symbol].range;
    assert(low <= high && low >= saved.low && high <= saved.high); /* hints of nodes hold within the range only */
    uint64_t epoch = pool->epoch;
    qn_dim_override_range(pool, probe->symbol, (qn_dim_interval){low, high});
    int answer = qn_dim_interval_of(pool, probe->condition).high < 0;
    pool->symbols.items[probe->symbol].range = saved;
    pool->epoch = epoch;
    return answer;
}

static int64_t middle(int64_t low, int64_t high) {
    return (int64_t)((uint64_t)low + ((uint64_t)high - (uint64_t)low) / 2);
}

/* The least value that is not refuted together with all values below it. The whole range is not refuted. */
static int64_t first_possible(const struct probe *probe, qn_dim_interval range) {
    int64_t bad = range.low, good = range.high; /* [range.low, bad] is refuted, [range.low, good] is not */
    if (range.low == INT64_MIN || !refuted(probe, bad, bad)) return range.low;
    for (int64_t step = 1; step > 0; step = step > INT64_MAX / 2 ? 0 : step * 2) {
        int64_t next;
        if (!qn_checked_add_i64(range.low, step, &next) || next >= range.high) break;
        if (!refuted(probe, range.low, next)) {
            good = next;
            break;
        }
        bad = next;
    }
    while (good - bad > 1) {
        int64_t next = middle(bad, good);
        if (refuted(probe, range.low, next))
            bad = next;
        else
            good = next;
    }
    return bad + 1;
}

/* The same from above. */
static int64_t last_possible(const struct probe *probe, qn_dim_interval range) {
    int64_t good = range.low, bad = range.high; /* [bad, range.high] is refuted, [good, range.high] is not */
    if (range.high != INT64_MAX) {
        if (!refuted(probe, bad, bad)) return range.high;
    } else {
        bad = qn_max_i64(range.low, 0);
        if (bad > far_away || !refuted(probe, bad + far_away, INT64_MAX)) return range.high;
        int64_t step = 1;
        for (; step < far_away && !refuted(probe, bad + step, INT64_MAX); step *= 2) good = bad + step;
        bad += step;
    }
    while (bad - 1 > good) {
        int64_t next = middle(good, bad);
        if (refuted(probe, next, range.high))
            bad = next;
        else
            good = next;
    }
    return bad - 1;
}

/* Narrows one symbol; 0 if nothing changed, -1 if no value is possible. */
static int narrow(qn_dim_pool *pool, qn_dim condition, uint32_t symbol, qn_dim_interval *out) {
    struct probe probe = {pool, condition, symbol};
    qn_dim_interval range = pool->symbols.items[symbol].range;
    *out = range;
    if (range.low == range.high) return refuted(&probe, range.low, range.high) ? -1 : 0;
    if (refuted(&probe, range.low, range.high)) return -1;
    if (pool->symbols.items[symbol].keeps_range) return 0;
    out->low = first_possible(&probe, range);
    range.low = out->low;
    if (range.low < range.high) out->high = last_possible(&probe, range);
    return out->low != pool->symbols.items[symbol].range.low || out->high != pool->symbols.items[symbol].range.high;
}

/* Remembers why a range was narrowed. A later reason replaces an earlier one, since the last narrowing sets the bound;
   but a reason for the lower end does not replace one for the upper end, which people ask for. */
static void note_reason(qn_dim_pool *pool, qn_dim_symbol_info *info, int high_narrowed, const char *reason,
                        const void *asker) {
    if (!reason || (info->reason && info->tells_high && !high_narrowed)) return;
    info->tells_high |= high_narrowed;
    if (!info->reason || strcmp(info->reason, reason) != 0) { /* the same is not copied again */
        const char *copy = qn_arena_copy_string(pool->arena, reason, strlen(reason));
        if (!copy) return;
        info->reason = copy;
    }
    info->asker = asker;
}

int qn_dim_learn_nonnegative(qn_dim_pool *pool, qn_dim condition, const char *reason, const void *asker,
                             int64_t *inout_effort) {
    if (pool->status || *inout_effort <= 0) return 0;
    qn_dim_interval range = qn_dim_interval_of(pool, condition);
    if (range.low >= 0 || range.high < 0) return 0;
    symbol_set set = {.pool = pool};
    collect(&set, condition);
    *inout_effort -= (int64_t)(set.seen_count * (set.count + 1)); /* each symbol is probed by computing all nodes */
    if (set.too_large) return 0;
    qn_dim_interval found[LEARN_SYMBOLS_MAX];
    int any = 0;
    for (size_t i = 0; i < set.count; i++) {
        int outcome = narrow(pool, condition, set.symbols[i], &found[i]);
        if (outcome < 0) return 0;
        any |= outcome;
    }
    for (size_t i = 0; any && i < set.count; i++) {
        qn_dim_symbol_info *info = &pool->symbols.items[set.symbols[i]];
        if (info->range.low == found[i].low && info->range.high == found[i].high) continue;
        note_reason(pool, info, found[i].high < info->range.high, reason, asker);
        qn_dim_override_range(pool, set.symbols[i], found[i]);
    }
    return any;
}

/* ---- Rebuilding ---- */

/* Only after qn_dim_rebuild(dim) in this epoch. */
static qn_dim rebuilt_of(const qn_dim_pool *pool, qn_dim dim) { return qn_dim_node_at(pool, dim)->rebuilt; }

/* A product is rebuilt to itself if all its factors are rebuilt to themselves and none has become a number. */
static int is_product_settled(const qn_dim_pool *pool, const qn_dim_node *node) {
    int64_t value;
    for (uint32_t i = 0; i < node->count; i++) {
        qn_dim factor = node->u.factors[i];
        if (!qn_dim_same(rebuilt_of(pool, factor), factor) || qn_dim_is_number(pool, factor, &value)) return 0;
    }
    return 1;
}

/* The node with its operands replaced by what they were rebuilt to. */
static qn_dim rebuild_node(qn_dim_pool *pool, qn_dim dim) {
    qn_dim_node node = *qn_dim_node_at(pool, dim);
    qn_dim_form form;
    qn_dim out = qn_dim_zero;
    switch ((qn_dim_kind)node.kind) {
    case QN_DIM_KIND_CONST: return dim;
    case QN_DIM_KIND_SYMBOL: {
        qn_dim_interval range = pool->symbols.items[node.u.symbol].range;
        return range.low == range.high ? qn_dim_const(pool, range.low) : dim;
    }
    case QN_DIM_KIND_SUM:
        qn_dim_form_clear(&form);
        form.constant = node.constant;
        for (uint32_t i = 0; i < node.count; i++)
            if (!qn_dim_form_add(pool, &form, rebuilt_of(pool, node.u.terms[i].atom), node.u.terms[i].coef))
                return qn_dim_fail_size(pool);
        return qn_dim_form_intern(pool, &form);
    case QN_DIM_KIND_PRODUCT:
        if (is_product_settled(pool, &node)) return dim;
        out = rebuilt_of(pool, node.u.factors[0]);
        for (uint32_t i = 1; i < node.count; i++) out = qn_dim_mul(pool, out, rebuilt_of(pool, node.u.factors[i]));
        return out;
    case QN_DIM_KIND_FLOOR:
        return qn_dim_floor_div(pool, rebuilt_of(pool, node.u.args[0]), rebuilt_of(pool, node.u.args[1]));
    case QN_DIM_KIND_RELU: return qn_dim_relu(pool, rebuilt_of(pool, node.u.args[0]));
    case QN_DIM_KIND_STEP: return qn_dim_step(pool, rebuilt_of(pool, node.u.args[0]));
    }
    return out;
}

static void rebuild_operand(void *self, qn_dim dim) { qn_dim_rebuild(self, dim); }

qn_dim qn_dim_rebuild(qn_dim_pool *pool, qn_dim dim) {
    if (pool->status) return qn_dim_zero;
    if (qn_dim_node_at(pool, dim)->rebuilt_epoch == pool->epoch) return rebuilt_of(pool, dim);
    qn_dim_each_operand(pool, dim, rebuild_operand, pool);
    if (pool->status) return qn_dim_zero;
    qn_dim out = rebuild_node(pool, dim);
    if (pool->status) return qn_dim_zero;
    qn_dim_node *node = &pool->nodes.items[dim.id];
    qn_dim_add_hint(pool, out, node->hint);
    node->rebuilt = out;
    node->rebuilt_epoch = pool->epoch;
    return out;
}
