/* The range of a dim over the ranges of its symbols. Plain interval arithmetic loses what terms have in common, so sums
 * are bounded in several ways and the bounds are intersected:
 *
 *   groups   all relu(L + c) and step(L + c) of one L, with L itself, are a piecewise linear function of one number.
 *            h - relu(h - 5) with h in [0, 9]: term by term [0, 9] - [0, 4] = [-4, 9]; as a function of h, which has its
 *            extremes at the ends and at the corner h = 5, [0, 5]
 *   branches M + k * relu(e) is max(M, M + k * e) for k > 0, min for k < 0.
 *            a - relu(a - b) is min(a, b): at most the high end of b, though a has none
 *   floors   floor(a / b) is (a - m) / b for an unknown m in [0, b - 1], which lets a cancel against other terms.
 *            h - 2 * floor(h / 2) is 2 * m / 2 = m, in [0, 1], where term by term nothing would bound it
 */
#include "dim/pool.h"

typedef qn_dim_interval interval;

static interval plain_bounds(const qn_dim_pool *pool, const qn_dim_form *form) {
    interval sum = {form->constant, form->constant};
    for (size_t i = 0; i < form->count; i++)
        sum = qn_dim_interval_add(
            sum, qn_dim_interval_scale(qn_dim_node_at(pool, form->terms[i].atom)->range, form->terms[i].coef));
    return sum;
}

/* ---- Groups ---- */

enum { GROUP_MAX = 16 };

/* f(t) = slope * t + sum of coef * relu(t + offset) or coef * step(t + offset), where t is the value of `direction` */
struct group {
    qn_dim direction;
    int64_t slope;
    size_t count;
    struct {
        int64_t coef, offset;
        int is_step;
    } parts[GROUP_MAX];
};

static int is_clamp(const qn_dim_node *node) {
    return node->kind == QN_DIM_KIND_RELU || node->kind == QN_DIM_KIND_STEP;
}

/* Moves all clamps along `direction`, and `direction` itself as often as its first term allows, from form to *out. */
static int take_group(const qn_dim_pool *pool, qn_dim_form *form, qn_dim direction, struct group *out) {
    *out = (struct group){.direction = direction};
    for (size_t i = 0; i < form->count;) {
        qn_dim_term term = form->terms[i];
        const qn_dim_node *node = qn_dim_node_at(pool, term.atom);
        if (!is_clamp(node) || !qn_dim_same(node->u.args[1], direction) || out->count == GROUP_MAX) {
            i++;
            continue;
        }
        out->parts[out->count].coef = term.coef;
        out->parts[out->count].offset = node->constant;
        out->parts[out->count++].is_step = node->kind == QN_DIM_KIND_STEP;
        if (!qn_dim_form_add_atom(pool, form, term.atom, -term.coef)) return 0;
    }
    const qn_dim_node *node = qn_dim_node_at(pool, direction);
    qn_dim_term lead = node->kind == QN_DIM_KIND_SUM ? node->u.terms[0] : (qn_dim_term){1, direction};
    for (size_t i = 0; i < form->count; i++)
        if (qn_dim_same(form->terms[i].atom, lead.atom)) out->slope = form->terms[i].coef / lead.coef;
    return out->slope != INT64_MIN && qn_dim_form_add(pool, form, direction, -out->slope);
}

/* *out = f(t); 0: overflow. */
static int group_value(const struct group *group, int64_t t, int64_t *out) {
    int64_t sum, part;
    if (!qn_checked_mul_i64(group->slope, t, &sum)) return 0;
    for (size_t i = 0; i < group->count; i++) {
        if (!qn_checked_add_i64(t, group->parts[i].offset, &part)) return 0;
        if (part < 0) continue;
        if (group->parts[i].is_step) part = 1;
        if (!qn_checked_mul_i64(group->parts[i].coef, part, &part)) return 0;
        if (!qn_checked_add_i64(sum, part, &sum)) return 0;
    }
    *out = sum;
    return 1;
}

/* Makes *inout contain f(t), if t is in `range`; 0: overflow. */
static int widen_at(const struct group *group, interval range, int64_t t, interval *inout) {
    int64_t value;
    if (t < range.low || t > range.high) return 1;
    if (!group_value(group, t, &value)) return 0;
    inout->low = qn_min_i64(inout->low, value);
    inout->high = qn_max_i64(inout->high, value);
    return 1;
}

/* Beyond the last corner the function goes on with this slope. */
static void widen_slope(int64_t slope, interval *inout) {
    if (slope > 0) inout->high = INT64_MAX;
    if (slope < 0) inout->low = INT64_MIN;
}

/* Exact bounds of f over `range`: a piecewise linear function has its extremes at corners and ends. 0: overflow. */
static int group_bounds(const struct group *group, interval range, interval *out) {
    int64_t last_slope = group->slope;
    *out = (interval){INT64_MAX, INT64_MIN};
    for (size_t i = 0; i < group->count; i++) {
        int64_t corner;
        if (!qn_checked_sub_i64(0, group->parts[i].offset, &corner) || corner == INT64_MIN) return 0;
        if (!widen_at(group, range, corner, out) || !widen_at(group, range, corner - 1, out)) return 0;
        if (!group->parts[i].is_step && !qn_checked_add_i64(last_slope, group->parts[i].coef, &last_slope)) return 0;
    }
    if (range.low != INT64_MIN && !widen_at(group, range, range.low, out)) return 0;
    if (range.high != INT64_MAX && !widen_at(group, range, range.high, out)) return 0;
    if (range.low == INT64_MIN) {
        if (group->slope == INT64_MIN) return 0;
        widen_slope(-group->slope, out);
    }
    if (range.high == INT64_MAX) widen_slope(last_slope, out);
    return out->low <= out->high;
}

static interval grouped_bounds(const qn_dim_pool *pool, const qn_dim_form *form, interval bounds) {
    qn_dim_form rest = *form;
    interval groups = {0, 0}, one;
    struct group taken;
    for (size_t i = 0; i < rest.count;) {
        const qn_dim_node *node = qn_dim_node_at(pool, rest.terms[i].atom);
        if (!is_clamp(node)) {
            i++;
            continue;
        }
        qn_dim direction = node->u.args[1];
        if (!take_group(pool, &rest, direction, &taken) || taken.count == GROUP_MAX) return bounds;
        if (!group_bounds(&taken, qn_dim_node_at(pool, direction)->range, &one)) return bounds;
        groups = qn_dim_interval_add(groups, one);
        i = 0;
    }
    return qn_dim_interval_meet(bounds, qn_dim_interval_add(groups, plain_bounds(pool, &rest)));
}

/* ---- Branches ---- */

enum { BRANCHES_MAX = 4 };

static interval branch_bounds(const qn_dim_pool *pool, const qn_dim_form *form, interval bounds) {
    int branches = 0;
    for (size_t i = 0; i < form->count && branches < BRANCHES_MAX; i++) {
        qn_dim_term term = form->terms[i];
        const qn_dim_node *node = qn_dim_node_at(pool, term.atom);
        if (node->kind != QN_DIM_KIND_RELU) continue;
        branches++;
        qn_dim_form off = *form;
        if (term.coef == INT64_MIN || !qn_dim_form_add_atom(pool, &off, term.atom, -term.coef)) continue;
        qn_dim_form on = off;
        if (!qn_dim_form_add(pool, &on, node->u.args[0], term.coef)) continue;
        interval p = plain_bounds(pool, &off), q = plain_bounds(pool, &on);
        interval both = {qn_max_i64(p.low, q.low), qn_max_i64(p.high, q.high)};
        if (term.coef < 0) both = (interval){qn_min_i64(p.low, q.low), qn_min_i64(p.high, q.high)};
        bounds = qn_dim_interval_meet(bounds, both);
    }
    return bounds;
}

static interval form_bounds(const qn_dim_pool *pool, const qn_dim_form *form) {
    interval bounds = plain_bounds(pool, form);
    for (size_t i = 0; i < form->count; i++)
        if (is_clamp(qn_dim_node_at(pool, form->terms[i].atom)))
            return branch_bounds(pool, form, grouped_bounds(pool, form, bounds));
    return bounds;
}

/* ---- Floors ---- */

enum { FLOORS_MAX = 8 };

/* The last floor by a constant: the outermost, since deeper atoms come later. */
static const qn_dim_node *last_floor(const qn_dim_pool *pool, const qn_dim_form *form, qn_dim_term *out_term,
                                     int64_t *out_b) {
    for (size_t i = form->count; i-- > 0;) {
        const qn_dim_node *node = qn_dim_node_at(pool, form->terms[i].atom);
        if (node->kind != QN_DIM_KIND_FLOOR || qn_dim_kind_of(pool, node->u.args[1]) != QN_DIM_KIND_CONST) continue;
        *out_term = form->terms[i];
        *out_b = qn_dim_node_at(pool, node->u.args[1])->constant;
        return node;
    }
    return NULL;
}

/* (form + slack) / denominator: replaces coef * floor(a / b) by (coef * a - coef * m) / b. */
static int relax_floor(const qn_dim_pool *pool, qn_dim_form *form, interval *slack, int64_t *denominator) {
    qn_dim_term term;
    int64_t b;
    const qn_dim_node *node = last_floor(pool, form, &term, &b);
    if (!node || term.coef == INT64_MIN || !qn_dim_form_add_atom(pool, form, term.atom, -term.coef)) return 0;
    if (!qn_dim_form_scale(form, b) || !qn_dim_form_add(pool, form, node->u.args[0], term.coef)) return 0;
    if (!qn_checked_mul_i64(*denominator, b, denominator)) return 0;
    interval error = qn_dim_interval_scale((interval){1 - b, 0}, term.coef);
    *slack = qn_dim_interval_add(qn_dim_interval_scale(*slack, b), error);
    return 1;
}

static interval sum_bounds(const qn_dim_pool *pool, const qn_dim_node *node) {
    qn_dim_form form;
    form.constant = node->constant;
    form.count = node->count;
    for (uint32_t i = 0; i < node->count; i++) form.terms[i] = node->u.terms[i];
    interval bounds = form_bounds(pool, &form), slack = {0, 0};
    if (node->count < 2) return bounds;
    int64_t denominator = 1;
    for (int i = 0; i < FLOORS_MAX && bounds.low != bounds.high; i++) {
        if (!relax_floor(pool, &form, &slack, &denominator)) break;
        interval wide = qn_dim_interval_add(form_bounds(pool, &form), slack);
        if (wide.low != INT64_MIN) bounds.low = qn_max_i64(bounds.low, qn_ceil_div_i64(wide.low, denominator));
        if (wide.high != INT64_MAX) bounds.high = qn_min_i64(bounds.high, qn_floor_div_i64(wide.high, denominator));
    }
    return bounds;
}

/* ---- All kinds ---- */

static interval node_bounds(const qn_dim_pool *pool, const qn_dim_node *node) {
    interval out = {1, 1};
    switch ((qn_dim_kind)node->kind) {
    case QN_DIM_KIND_CONST: return (interval){node->constant, node->constant};
    case QN_DIM_KIND_SYMBOL: return pool->symbols.items[node->u.symbol].range;
    case QN_DIM_KIND_SUM: return sum_bounds(pool, node);
    case QN_DIM_KIND_PRODUCT:
        for (uint32_t i = 0; i < node->count; i++)
            out = qn_dim_interval_mul(out, qn_dim_node_at(pool, node->u.factors[i])->range);
        return out;
    case QN_DIM_KIND_FLOOR: {
        interval divisor = qn_dim_node_at(pool, node->u.args[1])->range;
        divisor.low = qn_max_i64(divisor.low, 1);
        divisor.high = qn_max_i64(divisor.high, 1);
        return qn_dim_interval_floor_div(qn_dim_node_at(pool, node->u.args[0])->range, divisor);
    }
    case QN_DIM_KIND_RELU:
        out = qn_dim_node_at(pool, node->u.args[0])->range;
        return (interval){qn_max_i64(out.low, 0), qn_max_i64(out.high, 0)};
    case QN_DIM_KIND_STEP:
        out = qn_dim_node_at(pool, node->u.args[0])->range;
        return (interval){out.low >= 0, out.high >= 0};
    }
    return out;
}

static void refresh(void *self, qn_dim dim) { qn_dim_interval_of(self, dim); }

qn_dim_interval qn_dim_interval_of(const qn_dim_pool *pool, qn_dim dim) {
    qn_dim_node *node = &pool->nodes.items[dim.id];
    if (node->range_epoch == pool->epoch) return node->range;
    qn_dim_each_operand(pool, dim, refresh, (void *)(uintptr_t)pool);
    interval bounds = node_bounds(pool, node), met = qn_dim_interval_meet(bounds, node->hint);
    /* Only a symbol whose range was widened can contradict a hint. */
    node->range = met.low <= met.high ? met : bounds;
    node->range_epoch = pool->epoch;
    return node->range;
}

void qn_dim_range(const qn_dim_pool *pool, qn_dim dim, int64_t *out_low, int64_t *out_high) {
    interval range = qn_dim_interval_of(pool, dim);
    *out_low = range.low;
    *out_high = range.high;
}
