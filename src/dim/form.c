/* Linear forms, and the dims that are nothing else: sums and multiples. */
#include "dim/pool.h"

#include <assert.h>
#include <string.h>

int qn_dim_form_add_atom(const qn_dim_pool *pool, qn_dim_form *form, qn_dim atom, int64_t coef) {
    if (coef == 0) return 1;
    size_t low = 0, high = form->count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (qn_dim_before(pool, form->terms[middle].atom, atom))
            low = middle + 1;
        else
            high = middle;
    }
    qn_dim_term *at = &form->terms[low];
    if (low < form->count && qn_dim_same(at->atom, atom)) {
        if (!qn_checked_add_i64(at->coef, coef, &at->coef)) return 0;
        if (at->coef == 0) memmove(at, at + 1, (--form->count - low) * sizeof *at);
        return 1;
    }
    if (form->count == QN_DIM_TERMS_MAX) return 0;
    memmove(at + 1, at, (form->count++ - low) * sizeof *at);
    *at = (qn_dim_term){coef, atom};
    return 1;
}

int qn_dim_form_add(const qn_dim_pool *pool, qn_dim_form *form, qn_dim dim, int64_t scale) {
    const qn_dim_node *node = qn_dim_node_at(pool, dim);
    int64_t product;
    if (node->kind != QN_DIM_KIND_CONST && node->kind != QN_DIM_KIND_SUM)
        return qn_dim_form_add_atom(pool, form, dim, scale);
    if (!qn_checked_mul_i64(node->constant, scale, &product)) return 0;
    if (!qn_checked_add_i64(form->constant, product, &form->constant)) return 0;
    if (node->kind == QN_DIM_KIND_CONST) return 1;
    for (uint32_t i = 0; i < node->count; i++) {
        if (!qn_checked_mul_i64(node->u.terms[i].coef, scale, &product)) return 0;
        if (!qn_dim_form_add_atom(pool, form, node->u.terms[i].atom, product)) return 0;
    }
    return 1;
}

int qn_dim_form_scale(qn_dim_form *form, int64_t scale) {
    assert(scale != 0);
    if (!qn_checked_mul_i64(form->constant, scale, &form->constant)) return 0;
    for (size_t i = 0; i < form->count; i++)
        if (!qn_checked_mul_i64(form->terms[i].coef, scale, &form->terms[i].coef)) return 0;
    return 1;
}

static uint64_t magnitude(int64_t value) { return value < 0 ? 0 - (uint64_t)value : (uint64_t)value; }

int64_t qn_dim_form_content(const qn_dim_form *form, int with_constant) {
    uint64_t divisor = with_constant ? magnitude(form->constant) : 0;
    for (size_t i = 0; i < form->count && divisor != 1; i++) {
        uint64_t other = magnitude(form->terms[i].coef);
        while (other) {
            uint64_t rest = divisor % other;
            divisor = other;
            other = rest;
        }
    }
    return divisor == 0 || divisor > INT64_MAX ? 1 : (int64_t)divisor;
}

int64_t qn_dim_divisor(const qn_dim_pool *pool, qn_dim dim) {
    qn_dim_form form;
    qn_dim_form_clear(&form);
    return qn_dim_form_add(pool, &form, dim, 1) ? qn_dim_form_content(&form, 1) : 1;
}

qn_dim qn_dim_form_intern(qn_dim_pool *pool, const qn_dim_form *form) {
    if (form->count == 0) return qn_dim_const(pool, form->constant);
    if (form->count == 1 && form->constant == 0 && form->terms[0].coef == 1)
        return pool->status ? qn_dim_zero : form->terms[0].atom;
    qn_dim_node node = {.kind = QN_DIM_KIND_SUM, .count = (uint32_t)form->count, .constant = form->constant};
    node.u.terms = form->terms;
    return qn_dim_intern(pool, &node);
}

static qn_dim combine(qn_dim_pool *pool, qn_dim a, int64_t scale_a, qn_dim b, int64_t scale_b, int64_t constant) {
    qn_dim_form form;
    qn_dim_form_clear(&form);
    form.constant = constant;
    if (pool->status) return qn_dim_zero;
    if (!qn_dim_form_add(pool, &form, a, scale_a) || !qn_dim_form_add(pool, &form, b, scale_b))
        return qn_dim_fail_size(pool);
    return qn_dim_form_intern(pool, &form);
}

qn_dim qn_dim_add(qn_dim_pool *pool, qn_dim a, qn_dim b) { return combine(pool, a, 1, b, 1, 0); }
qn_dim qn_dim_sub(qn_dim_pool *pool, qn_dim a, qn_dim b) { return combine(pool, a, 1, b, -1, 0); }
qn_dim qn_dim_affine(qn_dim_pool *pool, qn_dim a, int64_t scale, int64_t constant) {
    return combine(pool, a, scale, qn_dim_zero, 1, constant);
}
