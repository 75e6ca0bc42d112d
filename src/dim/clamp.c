/* max, min and comparisons, all made of relu(e) = max(e, 0) and step(e) = (e >= 0).
 *
 * relu and step first ask the range of e, which decides most of them: with h in [1, 513] relu(h - 513) is 0 and
 * step(h) is 1. What is left is brought to one form, so that equal values get equal handles:
 *
 *   common divisor     relu(4*h - 8) = 4 * relu(h - 2);  step(4*h - 6) = step(h - 2), since 4*h >= 6 means h >= 2
 *   nested             relu(relu(x) - 3) = relu(x - 3)
 *   one step wide      relu(e) with e <= 1 is step(e - 1);  step(e) with e in [-1, 0] is e + 1
 *   sign               relu(-e) = relu(e) - e;  step(-e) = 1 - step(e - 1)
 */
#include "dim/pool.h"

#include <assert.h>

static const qn_dim_interval zero_or_one = {0, 1};

/* The atom relu(form) or step(form). Its second operand, the form without its constant, tells which clamps belong
   together: range.c bounds relu(h - 3) and relu(h - 7) as functions of one h. */
static qn_dim clamp_node(qn_dim_pool *pool, qn_dim_kind kind, const qn_dim_form *form) {
    qn_dim_form direction = *form;
    assert(form->count > 0 && form->terms[0].coef > 0);
    direction.constant = 0;
    qn_dim_node node = {.kind = (uint8_t)kind, .constant = form->constant};
    node.u.args[0] = qn_dim_form_intern(pool, form);
    node.u.args[1] = qn_dim_form_intern(pool, &direction);
    return qn_dim_intern(pool, &node);
}

/* Where form is relu(x) + constant: *out_inner = x + constant. */
static int strip_relu(qn_dim_pool *pool, const qn_dim_form *form, qn_dim *out_inner) {
    if (form->count != 1 || form->terms[0].coef != 1) return 0;
    const qn_dim_node *node = qn_dim_node_at(pool, form->terms[0].atom);
    if (node->kind != QN_DIM_KIND_RELU) return 0;
    *out_inner = qn_dim_affine(pool, node->u.args[0], 1, form->constant);
    return 1;
}

/* Where form is min(y, d) for a number d >= 0, that is y - relu(y - d): *out_y and the relu. */
static int strip_min(qn_dim_pool *pool, const qn_dim_form *form, qn_dim *out_y, qn_dim *out_relu) {
    for (size_t i = 0; i < form->count; i++) {
        const qn_dim_node *node = qn_dim_node_at(pool, form->terms[i].atom);
        if (form->terms[i].coef != -1 || node->kind != QN_DIM_KIND_RELU) continue;
        qn_dim_form rest = *form;
        if (!qn_dim_form_add_atom(pool, &rest, form->terms[i].atom, 1)) continue;
        qn_dim_form limit = rest;
        if (!qn_dim_form_add(pool, &limit, node->u.args[0], -1) || limit.count != 0 || limit.constant < 0) continue;
        *out_relu = form->terms[i].atom;
        *out_y = qn_dim_form_intern(pool, &rest);
        return 1;
    }
    return 0;
}

qn_dim qn_dim_relu(qn_dim_pool *pool, qn_dim e) {
    if (pool->status) return qn_dim_zero;
    qn_dim_interval range = qn_dim_interval_of(pool, e);
    if (range.low >= 0) return e;
    if (range.high <= 0) return qn_dim_zero;
    if (range.high == 1) return qn_dim_step(pool, qn_dim_affine(pool, e, 1, -1));
    qn_dim_form form;
    qn_dim inner, relu;
    qn_dim_form_clear(&form);
    if (!qn_dim_form_add(pool, &form, e, 1)) return qn_dim_fail_size(pool);
    int64_t content = qn_dim_form_content(&form, 1);
    if (content > 1) {
        for (size_t i = 0; i < form.count; i++) form.terms[i].coef /= content;
        form.constant /= content;
        return qn_dim_affine(pool, qn_dim_relu(pool, qn_dim_form_intern(pool, &form)), content, 0);
    }
    if (strip_relu(pool, &form, &inner)) return qn_dim_relu(pool, inner); /* the constant is negative: see range */
    if (strip_min(pool, &form, &inner, &relu)) return qn_dim_sub(pool, qn_dim_relu(pool, inner), relu);
    if (form.terms[0].coef < 0) return qn_dim_add(pool, qn_dim_relu(pool, qn_dim_affine(pool, e, -1, 0)), e);
    return clamp_node(pool, QN_DIM_KIND_RELU, &form);
}

qn_dim qn_dim_step(qn_dim_pool *pool, qn_dim e) {
    if (pool->status) return qn_dim_zero;
    qn_dim_interval range = qn_dim_interval_of(pool, e);
    if (range.low >= 0) return qn_dim_const(pool, 1);
    if (range.high < 0) return qn_dim_zero;
    if (range.low == -1 && range.high == 0) return qn_dim_affine(pool, e, 1, 1);
    qn_dim_form form;
    qn_dim inner, relu;
    qn_dim_form_clear(&form);
    if (!qn_dim_form_add(pool, &form, e, 1)) return qn_dim_fail_size(pool);
    int64_t content = qn_dim_form_content(&form, 0);
    for (size_t i = 0; i < form.count; i++) form.terms[i].coef /= content;
    form.constant = qn_floor_div_i64(form.constant, content);
    if (strip_relu(pool, &form, &inner)) return qn_dim_step(pool, inner);
    if (strip_min(pool, &form, &inner, &relu)) return qn_dim_step(pool, inner);
    if (form.terms[0].coef < 0) {
        if (!qn_dim_form_scale(&form, -1) || !qn_checked_sub_i64(form.constant, 1, &form.constant))
            return qn_dim_fail_size(pool);
        return qn_dim_not(pool, qn_dim_step(pool, qn_dim_form_intern(pool, &form)));
    }
    return clamp_node(pool, QN_DIM_KIND_STEP, &form);
}

static int both_bool(const qn_dim_pool *pool, qn_dim a, qn_dim b) {
    return qn_dim_is_bool(pool, a) && qn_dim_is_bool(pool, b);
}

qn_dim qn_dim_max(qn_dim_pool *pool, qn_dim a, qn_dim b) {
    if (pool->status || qn_dim_same(a, b)) return a;
    if (both_bool(pool, a, b)) return qn_dim_or(pool, a, b);
    qn_dim out = qn_dim_add(pool, b, qn_dim_relu(pool, qn_dim_sub(pool, a, b)));
    qn_dim_interval p = qn_dim_interval_of(pool, a), q = qn_dim_interval_of(pool, b);
    qn_dim_add_hint(pool, out, (qn_dim_interval){qn_max_i64(p.low, q.low), qn_max_i64(p.high, q.high)});
    return out;
}

qn_dim qn_dim_min(qn_dim_pool *pool, qn_dim a, qn_dim b) {
    if (pool->status || qn_dim_same(a, b)) return a;
    if (both_bool(pool, a, b)) return qn_dim_mul(pool, a, b);
    qn_dim_interval p = qn_dim_interval_of(pool, a), q = qn_dim_interval_of(pool, b);
    qn_dim difference = qn_dim_sub(pool, a, b), out;
    /* min(a, 1) of an a that is never negative is a comparison. */
    if (q.low == q.high && q.low > INT64_MIN && p.low == q.low - 1)
        out = qn_dim_affine(pool, qn_dim_step(pool, difference), 1, p.low);
    else if (p.low == p.high && p.low > INT64_MIN && q.low == p.low - 1)
        out = qn_dim_affine(pool, qn_dim_step(pool, qn_dim_affine(pool, difference, -1, 0)), 1, q.low);
    else
        out = qn_dim_sub(pool, a, qn_dim_relu(pool, difference));
    qn_dim_add_hint(pool, out, (qn_dim_interval){qn_min_i64(p.low, q.low), qn_min_i64(p.high, q.high)});
    return out;
}

qn_dim qn_dim_ge(qn_dim_pool *pool, qn_dim a, qn_dim b) { return qn_dim_step(pool, qn_dim_sub(pool, a, b)); }
qn_dim qn_dim_gt(qn_dim_pool *pool, qn_dim a, qn_dim b) {
    return qn_dim_step(pool, qn_dim_affine(pool, qn_dim_sub(pool, a, b), 1, -1));
}

qn_dim qn_dim_eq(qn_dim_pool *pool, qn_dim a, qn_dim b) {
    qn_dim difference = qn_dim_sub(pool, a, b);
    qn_dim out = qn_dim_sub(pool, qn_dim_step(pool, difference), qn_dim_gt(pool, a, b));
    qn_dim_add_hint(pool, out, zero_or_one);
    return out;
}

qn_dim qn_dim_not(qn_dim_pool *pool, qn_dim a) {
    qn_dim out = qn_dim_affine(pool, a, -1, 1);
    qn_dim_add_hint(pool, out, zero_or_one);
    return out;
}

qn_dim qn_dim_and(qn_dim_pool *pool, qn_dim a, qn_dim b) { return qn_dim_mul(pool, a, b); }
qn_dim qn_dim_or(qn_dim_pool *pool, qn_dim a, qn_dim b) {
    return qn_dim_not(pool, qn_dim_and(pool, qn_dim_not(pool, a), qn_dim_not(pool, b)));
}
