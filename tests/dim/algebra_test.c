/* Properties of the dim algebra over random expressions, against plain 64-bit arithmetic on a tree of its own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/checked.h"
#include "base/text.h"
#include "dim/dim.h"

enum { SYMBOLS = 4, TREES = 4000, SAMPLES = 24, LEVELS = 4 };

typedef enum tree_kind { CONST, SYMBOL, ADD, SUB, MUL, FLOOR, CEIL, MOD, MAX, MIN, GE, GT, EQ, KINDS } tree_kind;

typedef struct tree {
    tree_kind kind;
    int64_t value; /* CONST, SYMBOL */
    struct tree *left, *right;
} tree;

typedef struct world {
    qn_arena arena;
    qn_dim_pool *pool;
    qn_dim symbols[SYMBOLS];
    int64_t low[SYMBOLS], high[SYMBOLS];
    qn_rng rng;
} world;

static uint64_t seed;

static void world_init(world *w, uint64_t salt) {
    static const char *const names[SYMBOLS] = {"h", "w", "n", "in/put-1.0"};
    memset(w, 0, sizeof *w);
    qn_rng_init(&w->rng, seed + salt);
    qn_arena_init(&w->arena, NULL);
    w->pool = qn_dim_pool_create(&w->arena);
    assert_non_null(w->pool);
    for (int i = 0; i < SYMBOLS; i++) {
        w->low[i] = qn_rng_range(&w->rng, i == 3 ? -20 : 0, 9);
        w->high[i] = w->low[i] + qn_rng_range(&w->rng, 0, 40);
        w->symbols[i] = qn_dim_symbol(w->pool, names[i], w->low[i], w->high[i]);
    }
}

static void world_deinit(world *w) {
    qn_status_free(qn_dim_pool_take_status(w->pool));
    qn_arena_deinit(&w->arena);
}

static tree *draw(world *w, int levels) {
    tree *t = QN_ARENA_NEW(&w->arena, tree);
    assert_non_null(t);
    if (levels == 0 || qn_rng_range(&w->rng, 0, 5) == 0) {
        t->kind = qn_rng_range(&w->rng, 0, 2) ? SYMBOL : CONST;
        t->value = t->kind == SYMBOL ? qn_rng_range(&w->rng, 0, SYMBOLS - 1) : qn_rng_range(&w->rng, -9, 12);
        return t;
    }
    t->kind = (tree_kind)qn_rng_range(&w->rng, ADD, KINDS - 1);
    if (t->kind == MUL && qn_rng_range(&w->rng, 0, 1)) t->kind = ADD;
    t->left = draw(w, levels - 1);
    t->right = draw(w, levels - 1);
    if ((t->kind == FLOOR || t->kind == CEIL || t->kind == MOD) && qn_rng_range(&w->rng, 0, 3)) {
        t->right->kind = CONST;
        t->right->value = qn_rng_range(&w->rng, 1, 12);
    }
    return t;
}

static qn_dim build(world *w, const tree *t) {
    qn_dim_pool *p = w->pool;
    if (t->kind == CONST) return qn_dim_const(p, t->value);
    if (t->kind == SYMBOL) return w->symbols[t->value];
    qn_dim a = build(w, t->left), b = build(w, t->right);
    switch (t->kind) {
    case ADD: return qn_dim_add(p, a, b);
    case SUB: return qn_dim_sub(p, a, b);
    case MUL: return qn_dim_mul(p, a, b);
    case FLOOR: return qn_dim_floor_div(p, a, b);
    case CEIL: return qn_dim_ceil_div(p, a, b);
    case MOD: return qn_dim_floor_mod(p, a, b);
    case MAX: return qn_dim_max(p, a, b);
    case MIN: return qn_dim_min(p, a, b);
    case GE: return qn_dim_ge(p, a, b);
    case GT: return qn_dim_gt(p, a, b);
    default: return qn_dim_eq(p, a, b);
    }
}

/* A divisor below 1 counts as 1, as dim.h says. */
static int64_t oracle(const tree *t, const int64_t *symbols) {
    if (t->kind == CONST) return t->value;
    if (t->kind == SYMBOL) return symbols[t->value];
    int64_t a = oracle(t->left, symbols), b = oracle(t->right, symbols), d = b < 1 ? 1 : b;
    switch (t->kind) {
    case ADD: return a + b;
    case SUB: return a - b;
    case MUL: return a * b;
    case FLOOR: return qn_floor_div_i64(a, d);
    case CEIL: return qn_ceil_div_i64(a, d);
    case MOD: return a - d * qn_floor_div_i64(a, d);
    case MAX: return a > b ? a : b;
    case MIN: return a < b ? a : b;
    case GE: return a >= b;
    case GT: return a > b;
    default: return a == b;
    }
}

static void draw_symbols(world *w, int64_t *out) {
    for (int i = 0; i < SYMBOLS; i++) {
        int64_t edge = qn_rng_range(&w->rng, 0, 5);
        out[i] = edge == 0 ? w->low[i] : edge == 1 ? w->high[i] : qn_rng_range(&w->rng, w->low[i], w->high[i]);
    }
}

/* The value by way of a program, which is how compiled files compute it. */
static int64_t evaluate(world *w, qn_dim dim, const int64_t *symbols) {
    qn_arena arena;
    qn_arena_init(&arena, NULL);
    qn_dim_program_builder *builder = qn_dim_program_create(&arena, w->pool);
    uint32_t index;
    size_t count;
    assert_null(qn_dim_program_add(builder, dim, &index));
    const qn_dim_instr *code = qn_dim_program_code(builder, &count);
    assert_null(qn_dim_program_verify(code, count, SYMBOLS));
    int64_t *values = calloc(count, sizeof *values);
    qn_status *status = qn_dim_program_run(code, 0, count, symbols, values);
    if (status) fail_msg("seed %llu: %s", (unsigned long long)seed, qn_status_message(status));
    int64_t value = values[index];
    free(values);
    qn_arena_deinit(&arena);
    return value;
}

static const char *text_of(world *w, qn_dim dim) {
    qn_buffer buffer;
    qn_buffer_init(&buffer, NULL);
    qn_dim_print(w->pool, dim, &buffer);
    const char *text = qn_arena_copy_string(&w->arena, qn_buffer_text(&buffer), buffer.size);
    qn_buffer_deinit(&buffer);
    return text;
}

/* Draws trees in fresh worlds and hands them over; those too large for the pool are skipped, and must be rare. */
static void for_each_tree(void (*check)(world *w, const tree *t, qn_dim dim)) {
    int skipped = 0;
    for (int i = 0; i < TREES; i++) {
        world w;
        world_init(&w, (uint64_t)i);
        tree *t = draw(&w, LEVELS);
        qn_dim dim = build(&w, t);
        qn_status *status = qn_dim_pool_take_status(w.pool);
        if (status)
            skipped++;
        else
            check(&w, t, dim);
        qn_status_free(status);
        world_deinit(&w);
    }
    assert_in_range(skipped, 0, TREES / 50);
}

static void check_value_and_range(world *w, const tree *t, qn_dim dim) {
    int64_t symbols[SYMBOLS], low, high, constant;
    qn_dim_range(w->pool, dim, &low, &high);
    for (int i = 0; i < SAMPLES; i++) {
        draw_symbols(w, symbols);
        int64_t expected = oracle(t, symbols), found = evaluate(w, dim, symbols);
        if (found != expected || found < low || found > high)
            fail_msg("seed %llu: %s at h=%lld w=%lld n=%lld x=%lld: expected %lld, found %lld in [%lld, %lld]",
                     (unsigned long long)seed, text_of(w, dim), (long long)symbols[0], (long long)symbols[1],
                     (long long)symbols[2], (long long)symbols[3], (long long)expected, (long long)found,
                     (long long)low, (long long)high);
        if (qn_dim_is_const(w->pool, dim, &constant)) assert_int_equal(constant, expected);
    }
}

static void simplified_expressions_keep_their_value_and_stay_in_range(void **state) {
    (void)state;
    for_each_tree(check_value_and_range);
}

static void check_cancel(world *w, const tree *t, qn_dim dim) {
    (void)t;
    qn_dim other = build(w, draw(w, LEVELS - 1));
    qn_status *status = qn_dim_pool_take_status(w->pool);
    if (!status) {
        qn_dim there = qn_dim_add(w->pool, dim, other), back = qn_dim_sub(w->pool, there, other);
        if (!(status = qn_dim_pool_take_status(w->pool)) && !qn_dim_same(back, dim))
            fail_msg("seed %llu: (%s) plus and minus (%s) is %s", (unsigned long long)seed, text_of(w, dim),
                     text_of(w, other), text_of(w, back));
    }
    qn_status_free(status);
}

static void adding_and_subtracting_the_same_gives_the_same_handle(void **state) {
    (void)state;
    for_each_tree(check_cancel);
}

/* Later knowledge (a mod bounds what it is made of) may let a rebuilt expression come out simpler, which is rare. */
static int simplified_later;

static void check_text(world *w, const tree *t, qn_dim dim) {
    qn_dim parsed;
    qn_status *status = qn_dim_parse(w->pool, text_of(w, dim), &parsed);
    if (status) fail_msg("seed %llu: %s", (unsigned long long)seed, qn_status_message(status));
    if (qn_dim_same(parsed, dim)) return;
    simplified_later++;
    check_value_and_range(w, t, parsed);
}

static void printing_and_parsing_gives_the_same_expression(void **state) {
    (void)state;
    simplified_later = 0;
    for_each_tree(check_text);
    assert_in_range(simplified_later, 0, TREES / 100);
}

static void check_rebuild(world *w, const tree *t, qn_dim dim) {
    qn_dim same = qn_dim_rebuild(w->pool, dim);
    if (!qn_dim_same(same, dim)) check_value_and_range(w, t, same);
    for (int i = 0; i < SYMBOLS; i++) {
        w->low[i] = qn_rng_range(&w->rng, w->low[i], w->high[i]);
        w->high[i] = qn_rng_range(&w->rng, w->low[i], w->high[i]);
        assert_null(qn_dim_symbol_set_range(w->pool, w->symbols[i], w->low[i], w->high[i], "test"));
    }
    qn_dim again = qn_dim_rebuild(w->pool, dim);
    qn_status *status = qn_dim_pool_take_status(w->pool);
    if (!status) {
        check_value_and_range(w, t, again);
        check_value_and_range(w, t, dim);
    }
    qn_status_free(status);
}

static void rebuilding_under_narrower_ranges_keeps_the_value(void **state) {
    (void)state;
    for_each_tree(check_rebuild);
}

/* Every assignment that satisfies the condition must survive what was learned from it. */
static void check_learn(world *w, const tree *t, qn_dim dim) {
    int64_t effort = 1 << 20;
    int learned = qn_dim_learn_nonnegative(w->pool, dim, "demand", NULL, &effort);
    int changed = 0;
    for (int i = 0; i < SYMBOLS; i++) {
        int64_t low, high;
        qn_dim_range(w->pool, w->symbols[i], &low, &high);
        assert_true(low >= w->low[i] && high <= w->high[i] && low <= high);
        changed |= low != w->low[i] || high != w->high[i];
    }
    assert_int_equal(learned, changed);
    for (int k = 0; k < 4 * SAMPLES; k++) {
        int64_t symbols[SYMBOLS];
        draw_symbols(w, symbols);
        if (oracle(t, symbols) < 0) continue;
        for (int i = 0; i < SYMBOLS; i++) {
            int64_t low, high;
            qn_dim_range(w->pool, w->symbols[i], &low, &high);
            if (symbols[i] < low || symbols[i] > high)
                fail_msg("seed %llu: %s >= 0 cut off a legal value", (unsigned long long)seed, text_of(w, dim));
        }
    }
}

static void learning_never_cuts_off_a_value_that_satisfies_the_demand(void **state) {
    (void)state;
    for_each_tree(check_learn);
}

int main(void) {
    const char *text = getenv("QN_SEED");
    seed = text ? strtoull(text, NULL, 0) : 20240611;
    printf("seed %llu (set QN_SEED to replay)\n", (unsigned long long)seed);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(simplified_expressions_keep_their_value_and_stay_in_range),
        cmocka_unit_test(adding_and_subtracting_the_same_gives_the_same_handle),
        cmocka_unit_test(printing_and_parsing_gives_the_same_expression),
        cmocka_unit_test(rebuilding_under_narrower_ranges_keeps_the_value),
        cmocka_unit_test(learning_never_cuts_off_a_value_that_satisfies_the_demand),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
