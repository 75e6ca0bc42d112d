/* dim/pool.h - inside of the dim layer: nodes, linear forms, intervals. Only dim/ includes this file.
 *
 * Normal form. A dim is a constant, an atom, or a sum: constant + coefficients times atoms. Atoms, in their order:
 *
 *   symbol    in order of creation; the others by depth and then by a hash of their structure, so that the form of
 *             an expression does not depend on what was made before it
 *   product   of two or more atoms (sums only where multiplying out would grow too large)
 *   floor     floor(a / b), b >= 1; ceil(a / b) is floor((a + b - 1) / b)
 *   relu      max(e, 0); max(a, b) is b + relu(a - b), min(a, b) is a - relu(a - b)
 *   step      1 where e >= 0, else 0: comparisons; "and" is a product, "not a" is 1 - a
 *
 * All rewriting happens when an atom is made, none when sums are added: atoms count as linearly independent, which is
 * what makes (e + x) - x the same handle as e for every e and x. Arguments of relu and step begin with a positive
 * coefficient, since relu(-e) = relu(e) - e and step(-e) = 1 - step(e - 1).
 *
 * For example, with symbols h and w, each in [1, unbounded):
 *
 *   w + h + w - 3          sum {-3, 1*h, 2*w}
 *   max(h, 513)            sum {513, 1*relu(h - 513)}; with h in [1, 513] relu(h - 513) is 0, and the sum is 513
 *   min(h, 513)            sum {1*h, -1*relu(h - 513)}
 *   max(h, 513) + min(h, 513) - 513    h: the two relus cancel
 *   (2*h + 4) / 2          h + 2: what divides without a rest comes out of the floor
 *   ceil(h / 16)           floor((h + 15) / 16), an atom with args {h + 15, 16}
 *
 * Handle 0 is the constant 0. Operands have smaller ids than the node they belong to, and nodes nest at most
 * QN_DIM_DEPTH_MAX deep, so that the recursive walks of this layer are bounded.
 */
#ifndef QN_DIM_POOL_H
#define QN_DIM_POOL_H

#include "base/checked.h"
#include "dim/dim.h"

enum { QN_DIM_TERMS_MAX = 128, QN_DIM_FACTORS_MAX = 32, QN_DIM_DEPTH_MAX = 200, QN_DIM_NODES_MAX = 1 << 24 };

typedef enum qn_dim_kind {
    QN_DIM_KIND_CONST,
    QN_DIM_KIND_SYMBOL,
    QN_DIM_KIND_SUM,
    QN_DIM_KIND_PRODUCT,
    QN_DIM_KIND_FLOOR,
    QN_DIM_KIND_RELU,
    QN_DIM_KIND_STEP
} qn_dim_kind;

typedef struct qn_dim_term {
    int64_t coef; /* never 0 */
    qn_dim atom;
} qn_dim_term;

/* Inclusive; low INT64_MIN and high INT64_MAX mean "no bound". */
typedef struct qn_dim_interval {
    int64_t low, high;
} qn_dim_interval;

typedef struct qn_dim_node {
    uint8_t kind; /* qn_dim_kind */
    uint16_t depth;
    uint32_t count;   /* SUM: terms; PRODUCT: factors */
    int64_t constant; /* CONST: value; SUM: constant; RELU, STEP: constant of the argument */
    union {
        const qn_dim_term *terms; /* SUM, in the order of atoms */
        const qn_dim *factors;    /* PRODUCT, in the order of atoms */
        qn_dim args[2];           /* FLOOR: a, b; RELU, STEP: argument, argument without its constant */
        uint32_t symbol;          /* index */
    } u;
    qn_dim_interval hint;  /* known from how the node was made: a max is at least its larger operand's low end */
    qn_dim_interval range; /* valid while range_epoch is the pool's epoch */
    uint64_t range_epoch, rebuilt_epoch;
    qn_dim rebuilt; /* qn_dim_rebuild of this node; valid while rebuilt_epoch is the pool's epoch */
    uint64_t order; /* of atoms: see qn_dim_before */
} qn_dim_node;

typedef struct qn_dim_symbol_info {
    const char *name, *reason;
    const void *asker; /* of the reason; NULL: not known */
    qn_dim dim;
    qn_dim_interval range;
    int tells_high;  /* the reason is that of the upper end */
    int keeps_range; /* learning leaves it alone */
} qn_dim_symbol_info;

struct qn_dim_pool {
    qn_arena *arena;
    qn_status *status; /* sticky failure */
    QN_LIST(qn_dim_node) nodes;
    QN_LIST(qn_dim_symbol_info) symbols;
    uint32_t *table; /* open addressing, node ids + 1 */
    size_t table_size;
    uint32_t *names; /* open addressing, symbol indices + 1 */
    size_t names_size;
    /* The number of the ranges in force, by which nodes know whether what they have cached still holds; and the highest
       number given out. Overriding a range takes a new number; undoing that puts the old number back. */
    uint64_t epoch, last_epoch;
};

static inline const qn_dim_node *qn_dim_node_at(const qn_dim_pool *pool, qn_dim dim) {
    return &pool->nodes.items[dim.id];
}
static inline qn_dim_kind qn_dim_kind_of(const qn_dim_pool *pool, qn_dim dim) {
    return (qn_dim_kind)pool->nodes.items[dim.id].kind;
}
/* The order of atoms in sums and products. */
static inline int qn_dim_before(const qn_dim_pool *pool, qn_dim a, qn_dim b) {
    uint64_t p = qn_dim_node_at(pool, a)->order, q = qn_dim_node_at(pool, b)->order;
    return p != q ? p < q : a.id < b.id;
}
static const qn_dim qn_dim_zero = {0};

/* Records `status`, which is taken over, unless a failure is recorded already. Returns the constant 0. */
qn_dim qn_dim_fail(qn_dim_pool *pool, qn_status *status);
/* The same for LIMIT: an overflow, or too many terms. */
qn_dim qn_dim_fail_size(qn_dim_pool *pool);
/* The handle of the node that is like `node`, whose operands are in normal form: the one there is, or a new one, for
   which terms and factors are copied. */
qn_dim qn_dim_intern(qn_dim_pool *pool, const qn_dim_node *node);
/* Notes that `dim` lies in [low, high] at every legal value of the symbols. */
void qn_dim_add_hint(qn_dim_pool *pool, qn_dim dim, qn_dim_interval hint);
/* Calls `visit` for each operand of a node. */
void qn_dim_each_operand(const qn_dim_pool *pool, qn_dim dim, void (*visit)(void *self, qn_dim operand), void *self);
/* Gives a symbol another range for now; restore pool->epoch and the range to undo. */
void qn_dim_override_range(qn_dim_pool *pool, uint32_t symbol, qn_dim_interval range);

/* ---- Linear forms (form.c) ---- */

typedef struct qn_dim_form {
    int64_t constant;
    size_t count;
    qn_dim_term terms[QN_DIM_TERMS_MAX];
} qn_dim_form;

static inline void qn_dim_form_clear(qn_dim_form *form) {
    form->constant = 0;
    form->count = 0;
}
/* form += scale * dim. This and the next two return 1, or 0 on overflow or too many terms; the form is spoilt then. */
int qn_dim_form_add(const qn_dim_pool *pool, qn_dim_form *form, qn_dim dim, int64_t scale);
/* form += coef * atom. */
int qn_dim_form_add_atom(const qn_dim_pool *pool, qn_dim_form *form, qn_dim atom, int64_t coef);
int qn_dim_form_scale(qn_dim_form *form, int64_t scale);
/* Greatest common divisor of the coefficients, and of the constant if asked; at least 1. */
int64_t qn_dim_form_content(const qn_dim_form *form, int with_constant);
qn_dim qn_dim_form_intern(qn_dim_pool *pool, const qn_dim_form *form);
/* 1, with *out_value, when only one value is possible. */
int qn_dim_is_number(const qn_dim_pool *pool, qn_dim dim, int64_t *out_value);
/* a * scale + constant. */
qn_dim qn_dim_affine(qn_dim_pool *pool, qn_dim a, int64_t scale, int64_t constant);

/* ---- Intervals (interval.c) ---- */

qn_dim_interval qn_dim_interval_add(qn_dim_interval a, qn_dim_interval b);
qn_dim_interval qn_dim_interval_scale(qn_dim_interval a, int64_t scale);
qn_dim_interval qn_dim_interval_mul(qn_dim_interval a, qn_dim_interval b);
qn_dim_interval qn_dim_interval_floor_div(qn_dim_interval a, qn_dim_interval b); /* b.low >= 1 */
qn_dim_interval qn_dim_interval_meet(qn_dim_interval a, qn_dim_interval b);

qn_dim_interval qn_dim_interval_of(const qn_dim_pool *pool, qn_dim dim); /* range.c */
static inline int qn_dim_is_bool(const qn_dim_pool *pool, qn_dim dim) {
    qn_dim_interval range = qn_dim_interval_of(pool, dim);
    return range.low >= 0 && range.high <= 1;
}

/* a * b without multiplying sums out. product.c */
qn_dim qn_dim_product(qn_dim_pool *pool, qn_dim a, qn_dim b);
qn_dim qn_dim_relu(qn_dim_pool *pool, qn_dim e); /* clamp.c */
qn_dim qn_dim_step(qn_dim_pool *pool, qn_dim e);

#endif
