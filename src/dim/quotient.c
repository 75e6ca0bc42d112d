/* floor(a / b). Rewriting by a constant b brings the numerator to one form: coefficients in (-b/2, b/2] with the first
 * positive, no common divisor with b, a constant in [0, b), no quotient inside a quotient. For example:
 *
 *     floor((9*h + 2*w + 21) / 8)      take_multiples: 9*h = 8*h + h comes out as h
 *     h + floor((h + 2*w + 21) / 8)    the constant: 21 = 2*8 + 5
 *     h + 2 + floor((h + 2*w + 5) / 8)
 *     floor((floor(h / 2) + 1) / 4)    merge_nested: floor((h + 2) / 8)
 *     floor((4*h + 6) / 8)             divide_content: floor((h + 1) / 2), 6 counting as 4
 */
#include "dim/pool.h"

#include <assert.h>
#include <string.h>

/* The largest divisor that nesting may make: keeps products of coefficients small. */
static const int64_t divisor_max = INT64_C(1) << 40;

/* out += the whole multiples of b in form's coefficients, of which residues of least magnitude stay in form. A
   residue of b/2 could as well be -b/2: the first term keeps the sign it has, others become positive. */
static int take_multiples(const qn_dim_pool *pool, qn_dim_form *form, int64_t b, int64_t sign, qn_dim_form *out) {
    qn_dim_form rest;
    qn_dim_form_clear(&rest);
    rest.constant = form->constant;
    for (size_t i = 0; i < form->count; i++) {
        int64_t coef = form->terms[i].coef, quotient = qn_floor_div_i64(coef, b), residue = coef - quotient * b;
        int keeps_sign = rest.count == 0 && coef < 0;
        if (residue > b - residue || (residue == b - residue && keeps_sign)) {
            residue -= b;
            quotient++;
        }
        if (!qn_dim_form_add_atom(pool, out, form->terms[i].atom, sign * quotient)) return 0;
        if (!qn_dim_form_add_atom(pool, &rest, form->terms[i].atom, residue)) return 0;
    }
    *form = rest;
    return 1;
}

/* floor(e / b) = -floor((-e + b - 1) / b) */
static int negate(qn_dim_form *form, int64_t b, int64_t *sign) {
    *sign = -*sign;
    return qn_dim_form_scale(form, -1) && qn_checked_add_i64(form->constant, b - 1, &form->constant);
}

/* The index of the only term that is 1 or -1 times floor(x / number); form->count if there is none or several. */
static size_t find_nested(const qn_dim_pool *pool, const qn_dim_form *form, int64_t b) {
    size_t found = form->count;
    for (size_t i = 0; i < form->count; i++) {
        const qn_dim_node *node = qn_dim_node_at(pool, form->terms[i].atom);
        if (node->kind != QN_DIM_KIND_FLOOR || qn_dim_kind_of(pool, node->u.args[1]) != QN_DIM_KIND_CONST) continue;
        if (form->terms[i].coef != 1 && form->terms[i].coef != -1) continue;
        if (found != form->count) return form->count;
        found = i;
    }
    if (found == form->count) return found;
    int64_t inner = qn_dim_node_at(pool, qn_dim_node_at(pool, form->terms[found].atom)->u.args[1])->constant;
    return inner > divisor_max / b ? form->count : found;
}

/* floor((floor(x / c) + m) / b) = floor((x + c * m) / (b * c)) */
static int merge_nested(const qn_dim_pool *pool, qn_dim_form *form, size_t at, int64_t *b, int64_t *sign) {
    if (form->terms[at].coef < 0 && !negate(form, *b, sign)) return 0;
    const qn_dim_node *node = qn_dim_node_at(pool, form->terms[at].atom);
    int64_t inner = qn_dim_node_at(pool, node->u.args[1])->constant;
    memmove(&form->terms[at], &form->terms[at + 1], (--form->count - at) * sizeof form->terms[0]);
    *b *= inner;
    return qn_dim_form_scale(form, inner) && qn_dim_form_add(pool, form, node->u.args[0], 1);
}

static void divide_content(qn_dim_form *form, int64_t *b) {
    int64_t content = qn_dim_form_content(form, 0), rest = *b;
    while (rest) {
        int64_t next = content % rest;
        content = rest;
        rest = next;
    }
    if (content == 1) return;
    for (size_t i = 0; i < form->count; i++) form->terms[i].coef /= content;
    form->constant = qn_floor_div_i64(form->constant, content);
    *b /= content;
}

/* Brings form / b into normal form, adding what comes out whole to `out`; the rest counts `*sign` times. */
static int normalise(const qn_dim_pool *pool, qn_dim_form *form, int64_t *b, int64_t *sign, qn_dim_form *out) {
    for (;;) {
        if (!take_multiples(pool, form, *b, *sign, out)) return 0;
        size_t nested = find_nested(pool, form, *b);
        if (nested < form->count) {
            if (!merge_nested(pool, form, nested, b, sign)) return 0;
            continue;
        }
        int64_t before = *b;
        divide_content(form, b);
        if (*b != before) continue;
        if (form->count == 0 || form->terms[0].coef > 0) break;
        if (!negate(form, *b, sign)) return 0;
    }
    assert(*b >= 1 && (form->count == 0 || form->terms[0].coef > 0));
    int64_t quotient = qn_floor_div_i64(form->constant, *b);
    form->constant -= quotient * *b;
    return qn_checked_add_i64(out->constant, *sign * quotient, &out->constant);
}

static qn_dim floor_node(qn_dim_pool *pool, qn_dim a, qn_dim b) {
    qn_dim_node node = {.kind = QN_DIM_KIND_FLOOR, .u.args = {a, b}};
    return qn_dim_intern(pool, &node);
}

static qn_dim divide_by_number(qn_dim_pool *pool, qn_dim a, int64_t b) {
    qn_dim_form form, out;
    int64_t sign = 1;
    qn_dim_form_clear(&form);
    qn_dim_form_clear(&out);
    if (!qn_dim_form_add(pool, &form, a, 1) || !normalise(pool, &form, &b, &sign, &out)) return qn_dim_fail_size(pool);
    qn_dim rest = qn_dim_form_intern(pool, &form);
    if (pool->status) return qn_dim_zero;
    qn_dim_interval range = qn_dim_interval_of(pool, rest);
    int64_t low = qn_floor_div_i64(range.low, b), high = qn_floor_div_i64(range.high, b);
    qn_dim quotient = low == high ? qn_dim_const(pool, low) : floor_node(pool, rest, qn_dim_const(pool, b));
    if (!qn_dim_form_add(pool, &out, quotient, sign)) return qn_dim_fail_size(pool);
    return qn_dim_form_intern(pool, &out);
}

/* ---- Division by an expression: long division of polynomials ---- */

typedef struct monomial {
    qn_dim atom; /* the whole product */
    qn_dim factors[QN_DIM_FACTORS_MAX];
    uint32_t count;
    int64_t coef;
} monomial;

static monomial monomial_of(const qn_dim_pool *pool, qn_dim_term term) {
    monomial out = {.atom = term.atom, .count = 1, .coef = term.coef};
    const qn_dim_node *node = qn_dim_node_at(pool, term.atom);
    out.factors[0] = term.atom;
    if (node->kind == QN_DIM_KIND_PRODUCT) {
        out.count = node->count;
        memcpy(out.factors, node->u.factors, node->count * sizeof *node->u.factors);
    }
    return out;
}

/* Graded lexicographic order: by degree, then by the first factor that differs. */
static int monomial_compare(const qn_dim_pool *pool, const monomial *a, const monomial *b) {
    if (a->count != b->count) return a->count > b->count ? 1 : -1;
    for (uint32_t i = 0; i < a->count; i++)
        if (!qn_dim_same(a->factors[i], b->factors[i]))
            return qn_dim_before(pool, a->factors[i], b->factors[i]) ? 1 : -1;
    return 0;
}

/* The greatest term of a form that has terms. */
static monomial lead_of(const qn_dim_pool *pool, const qn_dim_form *form) {
    monomial lead = monomial_of(pool, form->terms[0]);
    for (size_t i = 1; i < form->count; i++) {
        monomial other = monomial_of(pool, form->terms[i]);
        if (monomial_compare(pool, &other, &lead) > 0) lead = other;
    }
    return lead;
}

/* *out = a / b where that is whole. */
static int divide_monomial(qn_dim_pool *pool, const monomial *a, const monomial *b, qn_dim *out) {
    if (a->coef % b->coef != 0) return 0;
    qn_dim product = qn_dim_const(pool, a->coef / b->coef);
    uint32_t j = 0;
    for (uint32_t i = 0; i < a->count; i++) {
        if (j < b->count && qn_dim_same(a->factors[i], b->factors[j]))
            j++;
        else
            product = qn_dim_mul(pool, product, a->factors[i]);
    }
    *out = product;
    return j == b->count;
}

enum { DIVISION_STEPS_MAX = 64, DIVISION_TERMS_MAX = 8 };

/* Returns a quotient with a = quotient * b + *out_rest; terms of `a` that the leading term of `b` does not divide
   end in the rest. Dividing h*w + 2*h by w + 2: h*w / w = h, and h*w + 2*h - h * (w + 2) = 0, so the quotient is h. */
static qn_dim long_division(qn_dim_pool *pool, qn_dim a, qn_dim b, qn_dim *out_rest) {
    qn_dim_form divisor, form;
    qn_dim_form_clear(&divisor);
    *out_rest = a;
    if (!qn_dim_form_add(pool, &divisor, b, 1) || divisor.count > DIVISION_TERMS_MAX) return qn_dim_zero;
    monomial lead_b = lead_of(pool, &divisor);
    qn_dim quotient = qn_dim_zero, left = a, kept = qn_dim_zero;
    for (int step = 0; step < DIVISION_STEPS_MAX; step++) {
        qn_dim_form_clear(&form);
        if (pool->status || !qn_dim_form_add(pool, &form, left, 1) || form.count == 0) break;
        monomial lead = lead_of(pool, &form);
        qn_dim part;
        if (divide_monomial(pool, &lead, &lead_b, &part)) {
            quotient = qn_dim_add(pool, quotient, part);
            left = qn_dim_sub(pool, left, qn_dim_mul(pool, part, b));
        } else {
            part = qn_dim_affine(pool, lead.atom, lead.coef, 0);
            kept = qn_dim_add(pool, kept, part);
            left = qn_dim_sub(pool, left, part);
        }
    }
    *out_rest = qn_dim_add(pool, left, kept);
    return quotient;
}

/* floor(rest / b) where ranges tell it is 0 or -1. */
static int small_quotient(qn_dim_pool *pool, qn_dim rest, qn_dim b, int64_t *out_value) {
    qn_dim_interval range = qn_dim_interval_of(pool, rest);
    if (range.low >= 0 && qn_dim_interval_of(pool, qn_dim_sub(pool, rest, b)).high < 0) {
        *out_value = 0;
        return 1;
    }
    *out_value = -1;
    return range.high < 0 && qn_dim_interval_of(pool, qn_dim_add(pool, rest, b)).low >= 0;
}

static int is_monomial(const qn_dim_pool *pool, qn_dim dim) {
    const qn_dim_node *node = qn_dim_node_at(pool, dim);
    return node->kind != QN_DIM_KIND_SUM || (node->count == 1 && node->constant == 0);
}

static qn_dim divide_by_dim(qn_dim_pool *pool, qn_dim a, qn_dim b) {
    const qn_dim_node *node = qn_dim_node_at(pool, a);
    if (node->kind == QN_DIM_KIND_FLOOR) {
        qn_dim x = node->u.args[0], inner = node->u.args[1];
        return qn_dim_floor_div(pool, x, qn_dim_mul(pool, inner, b));
    }
    qn_dim rest, quotient = long_division(pool, a, b, &rest);
    if (pool->status) return qn_dim_zero;
    int64_t value;
    if (!is_monomial(pool, b) && qn_dim_kind_of(pool, rest) != QN_DIM_KIND_CONST) {
        quotient = qn_dim_zero; /* a division that does not come out only makes the expression longer */
        rest = a;
    }
    if (small_quotient(pool, rest, b, &value)) return qn_dim_affine(pool, quotient, 1, value);
    return qn_dim_add(pool, quotient, floor_node(pool, rest, b));
}

qn_dim qn_dim_floor_div(qn_dim_pool *pool, qn_dim a, qn_dim b) {
    if (pool->status) return qn_dim_zero;
    if (qn_dim_interval_of(pool, b).low < 1) b = qn_dim_max(pool, b, qn_dim_const(pool, 1));
    int64_t divisor;
    if (pool->status) return qn_dim_zero;
    if (qn_dim_is_number(pool, b, &divisor)) return divide_by_number(pool, a, divisor);
    return divide_by_dim(pool, a, b);
}

qn_dim qn_dim_ceil_div(qn_dim_pool *pool, qn_dim a, qn_dim b) {
    qn_dim one = qn_dim_const(pool, 1);
    if (qn_dim_interval_of(pool, b).low < 1) b = qn_dim_max(pool, b, one);
    return qn_dim_floor_div(pool, qn_dim_sub(pool, qn_dim_add(pool, a, b), one), b);
}

qn_dim qn_dim_floor_mod(qn_dim_pool *pool, qn_dim a, qn_dim b) {
    qn_dim_interval range = qn_dim_interval_of(pool, b);
    if (range.low < 1) b = qn_dim_max(pool, b, qn_dim_const(pool, 1));
    qn_dim rest = qn_dim_sub(pool, a, qn_dim_mul(pool, b, qn_dim_floor_div(pool, a, b)));
    int64_t high = range.high == INT64_MAX ? INT64_MAX : qn_max_i64(range.high, 1) - 1;
    qn_dim_add_hint(pool, rest, (qn_dim_interval){0, high});
    return rest;
}
