/* Products. Sums are multiplied out, as long as that makes at most DISTRIBUTE_MAX terms: (h + 1) * (w + 2) becomes
 * h*w + 2*h + w + 2, so that it cancels against other terms. Comparisons, which are 0 or 1, stay factors.
 */
#include "dim/pool.h"

#include <string.h>

enum { DISTRIBUTE_MAX = 64 };

typedef struct factor_list {
    qn_dim items[QN_DIM_FACTORS_MAX];
    uint32_t count;
    int too_many;
} factor_list;

/* The node step(x) if `dim` is step(x) or, with *out_negated, 1 - step(x); else NULL. */
static const qn_dim_node *step_of(const qn_dim_pool *pool, qn_dim dim, int *out_negated) {
    const qn_dim_node *node = qn_dim_node_at(pool, dim);
    *out_negated =
        node->kind == QN_DIM_KIND_SUM && node->count == 1 && node->constant == 1 && node->u.terms[0].coef == -1;
    if (*out_negated) node = qn_dim_node_at(pool, node->u.terms[0].atom);
    return node->kind == QN_DIM_KIND_STEP ? node : NULL;
}

/* Is `b` 1 wherever `a` is 1? So for a = step(L + 2) and b = step(L + 5): L >= -2 implies L >= -5; and for their
   opposites the other way round, a = 1 - step(L + 5) and b = 1 - step(L + 2). */
static int step_implies(const qn_dim_pool *pool, qn_dim a, qn_dim b) {
    int a_negated, b_negated;
    const qn_dim_node *p = step_of(pool, a, &a_negated), *q = step_of(pool, b, &b_negated);
    if (!p || !q || a_negated != b_negated || !qn_dim_same(p->u.args[1], q->u.args[1])) return 0;
    return a_negated ? p->constant >= q->constant : p->constant <= q->constant;
}

/* Inserts a factor into the list, in the order of atoms. A comparison is left out if it is in the list already or if a
   comparison in the list implies it, and replaces the comparisons that are implied by it: step(h - 5) makes step(h - 3)
   needless. */
static void add_factor(const qn_dim_pool *pool, factor_list *list, qn_dim factor) {
    uint32_t i = 0;
    while (i < list->count) {
        if (qn_dim_same(list->items[i], factor) && qn_dim_is_bool(pool, factor)) return;
        if (step_implies(pool, list->items[i], factor)) return;
        if (step_implies(pool, factor, list->items[i]))
            memmove(&list->items[i], &list->items[i + 1], (--list->count - i) * sizeof list->items[0]);
        else
            i++;
    }
    if (list->count == QN_DIM_FACTORS_MAX) {
        list->too_many = 1;
        return;
    }
    for (i = list->count++; i > 0 && qn_dim_before(pool, factor, list->items[i - 1]); i--)
        list->items[i] = list->items[i - 1];
    list->items[i] = factor;
}

static void add_factors(const qn_dim_pool *pool, factor_list *list, qn_dim dim) {
    qn_dim_node node = *qn_dim_node_at(pool, dim);
    if (node.kind != QN_DIM_KIND_PRODUCT) {
        add_factor(pool, list, dim);
        return;
    }
    for (uint32_t i = 0; i < node.count; i++) add_factor(pool, list, node.u.factors[i]);
}

qn_dim qn_dim_product(qn_dim_pool *pool, qn_dim a, qn_dim b) {
    int64_t value;
    if (pool->status) return qn_dim_zero;
    if (qn_dim_is_number(pool, a, &value)) return qn_dim_affine(pool, b, value, 0);
    if (qn_dim_is_number(pool, b, &value)) return qn_dim_affine(pool, a, value, 0);
    factor_list list = {.count = 0};
    add_factors(pool, &list, a);
    add_factors(pool, &list, b);
    if (list.too_many)
        return qn_dim_fail(pool,
                           QN_ERR(QN_LIMIT, "a shape expression multiplies more than %d factors", QN_DIM_FACTORS_MAX));
    if (list.count == 1) return list.items[0];
    qn_dim_node node = {.kind = QN_DIM_KIND_PRODUCT, .count = list.count};
    node.u.factors = list.items;
    return qn_dim_intern(pool, &node);
}

/* *form = a * b, multiplied out. 0: overflow or too many terms. */
static int distribute(qn_dim_pool *pool, qn_dim a, qn_dim b, qn_dim_form *form) {
    qn_dim_form left, right;
    qn_dim_form_clear(&left);
    qn_dim_form_clear(&right);
    qn_dim_form_clear(form);
    if (!qn_dim_form_add(pool, &left, a, 1) || !qn_dim_form_add(pool, &right, b, 1)) return 0;
    if (left.constant && !qn_dim_form_add(pool, form, b, left.constant)) return 0;
    for (size_t i = 0; i < left.count; i++) {
        int64_t coef;
        if (!qn_checked_mul_i64(left.terms[i].coef, right.constant, &coef)) return 0;
        if (!qn_dim_form_add_atom(pool, form, left.terms[i].atom, coef)) return 0;
        for (size_t j = 0; j < right.count; j++) {
            if (!qn_checked_mul_i64(left.terms[i].coef, right.terms[j].coef, &coef)) return 0;
            qn_dim product = qn_dim_product(pool, left.terms[i].atom, right.terms[j].atom);
            if (!qn_dim_form_add(pool, form, product, coef)) return 0;
        }
    }
    return 1;
}

static size_t term_count(const qn_dim_pool *pool, qn_dim dim) {
    const qn_dim_node *node = qn_dim_node_at(pool, dim);
    return node->kind == QN_DIM_KIND_SUM ? node->count + (node->constant != 0) : 1;
}

qn_dim qn_dim_mul(qn_dim_pool *pool, qn_dim a, qn_dim b) {
    if (pool->status) return qn_dim_zero;
    int64_t value;
    if (qn_dim_is_number(pool, a, &value) || qn_dim_is_number(pool, b, &value)) return qn_dim_product(pool, a, b);
    if (qn_dim_is_bool(pool, a) && qn_dim_is_bool(pool, b)) return qn_dim_product(pool, a, b);
    if (term_count(pool, a) * term_count(pool, b) > DISTRIBUTE_MAX) return qn_dim_product(pool, a, b);
    qn_dim_form form;
    if (!distribute(pool, a, b, &form)) return qn_dim_fail_size(pool);
    return qn_dim_form_intern(pool, &form);
}
