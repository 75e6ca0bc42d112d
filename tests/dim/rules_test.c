/* The simplifications that shape arithmetic of real networks needs, one by one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "dim/dim.h"

typedef struct world {
    qn_arena arena;
    qn_dim_pool *pool;
    qn_dim h, w, free_one; /* h, w in [1, 513]; free_one in [0, unbounded) */
} world;

static int setup(void **state) {
    static world w;
    memset(&w, 0, sizeof w);
    qn_arena_init(&w.arena, NULL);
    w.pool = qn_dim_pool_create(&w.arena);
    w.h = qn_dim_symbol(w.pool, "h", 1, 513);
    w.w = qn_dim_symbol(w.pool, "w", 1, 513);
    w.free_one = qn_dim_symbol(w.pool, "n", 0, QN_DIM_UNBOUNDED);
    *state = &w;
    return 0;
}

static int teardown(void **state) {
    world *w = *state;
    qn_status_free(qn_dim_pool_take_status(w->pool));
    qn_arena_deinit(&w->arena);
    return 0;
}

static qn_dim parse(world *w, const char *text) {
    qn_dim dim;
    qn_status *status = qn_dim_parse(w->pool, text, &dim);
    if (status) fail_msg("%s: %s", text, qn_status_message(status));
    return dim;
}

static void expect_same(world *w, const char *a, const char *b) {
    qn_dim p = parse(w, a), q = parse(w, b);
    if (qn_dim_same(p, q)) return;
    qn_buffer text;
    qn_buffer_init(&text, NULL);
    qn_dim_print(w->pool, p, &text);
    qn_buffer_printf(&text, " is not ");
    qn_dim_print(w->pool, q, &text);
    print_error("%s vs. %s: %s\n", a, b, qn_buffer_text(&text));
    qn_buffer_deinit(&text);
    fail();
}

static void expect_range(world *w, const char *text, int64_t low, int64_t high) {
    int64_t found_low, found_high;
    qn_dim_range(w->pool, parse(w, text), &found_low, &found_high);
    if (found_low != low || found_high != high)
        fail_msg("%s: expected [%lld, %lld], found [%lld, %lld]", text, (long long)low, (long long)high,
                 (long long)found_low, (long long)found_high);
}

static void ranges_decide_max_and_min(void **state) {
    expect_same(*state, "max(h, 513)", "513");
    expect_same(*state, "min(h, 513)", "h");
    expect_same(*state, "max(h, 1)", "h");
    expect_same(*state, "max(513 - h, 0)", "513 - h");
    expect_same(*state, "max(h, w)", "max(w, h)");
    expect_same(*state, "max(h, w) + min(h, w)", "h + w");
    expect_same(*state, "max(2 * n, 6)", "2 * max(n, 3)");
    expect_same(*state, "max(max(n, 7), 9)", "max(n, 9)");
    expect_same(*state, "max(min(n, 9), 7)", "min(max(n, 7), 9)");
    expect_same(*state, "ge(h, 1)", "1");
    expect_same(*state, "ge(0, h)", "0");
}

static void quotients_cancel_and_nest(void **state) {
    expect_same(*state, "floor((8 * n + 3) / 8)", "n");
    expect_same(*state, "ceil((8 * n - 3) / 8)", "n");
    expect_same(*state, "ceil(ceil(h / 2) / 2)", "ceil(h / 4)");
    expect_same(*state, "floor(floor(n / 3) / 5)", "floor(n / 15)");
    expect_same(*state, "floor((floor((h - 1) / 2) + 1 - 1) / 2) + 1", "floor((h + 3) / 4)");
    expect_same(*state, "floor((6 * n + 9) / 4)", "n + 2 + floor((2 * n + 1) / 4)");
    expect_same(*state, "floor(6 * n / 4)", "floor(3 * n / 2)");
    expect_same(*state, "-1 * floor(-1 * n / 7)", "ceil(n / 7)");
    expect_same(*state, "floor((h - 1) / 1024)", "0");
    expect_same(*state, "floor((n * h * w * 21) / max(h * w, 1))", "21 * n");
    expect_same(*state, "ceil(h * w / h)", "w");
    expect_same(*state, "floor((h * w + 3 * w + 2 * h + 6) / (h + 3))", "w + 2");
    expect_same(*state, "floor(floor(n / h) / w)", "floor(n / (h * w))");
}

/* A TensorFlow graph pads to a multiple of the rate and crops what it added. */
static void atrous_pads_and_crops_cancel(void **state) {
    world *w = *state;
    qn_dim_pool *p = w->pool;
    for (int64_t rate = 2; rate <= 24; rate++) {
        qn_dim b = qn_dim_const(p, rate), pad = qn_dim_const(p, rate),
               full = qn_dim_add(p, w->h, qn_dim_mul(p, pad, qn_dim_const(p, 2)));
        qn_dim rest = qn_dim_floor_mod(p, qn_dim_sub(p, b, qn_dim_floor_mod(p, full, b)), b);
        qn_dim pad_end = qn_dim_add(p, pad, rest), crop_end = rest;
        assert_true(qn_dim_same(qn_dim_sub(p, pad_end, crop_end), pad));
        qn_dim padded = qn_dim_add(p, qn_dim_add(p, w->h, pad), pad_end);
        assert_true(qn_dim_same(qn_dim_floor_mod(p, padded, b), qn_dim_const(p, 0)));
        /* a 3x3 convolution without padding on each of the rate*rate pictures */
        qn_dim small = qn_dim_sub(p, qn_dim_floor_div(p, padded, b), qn_dim_const(p, 2));
        assert_true(qn_dim_same(qn_dim_sub(p, qn_dim_mul(p, small, b), crop_end), w->h));
        int64_t low, high;
        qn_dim_range(p, rest, &low, &high);
        assert_int_equal(low, 0);
        assert_int_equal(high, rate - 1);
    }
}

static void same_padding_is_bounded_by_the_kernel(void **state) {
    /* (ceil(h / 2) - 1) * 2 + 3 - h: one or two pixels */
    expect_range(*state, "2 * ceil(h / 2) - 2 + 3 - h", 1, 2);
    expect_range(*state, "h - 2 * floor(h / 2)", 0, 1);
    expect_range(*state, "floor((2 * ceil(n / 2) + 1 - n) / 2)", 0, 1);
    expect_range(*state, "floor((2 * ceil(n / 2) + 1 - n) / 2) - n + 2 * floor(n / 2)", 0, 0);
}

static void ranges_follow_clamps_through_sums(void **state) {
    expect_range(*state, "max(n, 513) - n", 0, 513);
    assert_null(qn_dim_symbol_set_range(((world *)*state)->pool, ((world *)*state)->free_one, 1, 600, NULL));
    expect_range(*state, "max(n, 513) - n", 0, 512);
    expect_range(*state, "max(h, w)", 1, 513);
    expect_range(*state, "max(h, w) - h", 0, 512);
    expect_range(*state, "min(h, w)", 1, 513);
    expect_range(*state, "ge(n, 5) - ge(n, 9)", 0, 1);
    expect_range(*state, "min(max(n - 3, 0), 1)", 0, 1);
}

static void a_comparison_is_its_clamp(void **state) {
    expect_same(*state, "min(max(n - 3 + 1, 0), 1)", "ge(n, 3)");
    expect_same(*state, "max(min(n - 3 + 1, 1), 0)", "ge(n, 3)");
    expect_same(*state, "1 - ge(n, 3)", "ge(2, n)");
    expect_same(*state, "ge(n, 3) * ge(n, 5)", "ge(n, 5)");
    expect_same(*state, "ge(2 * n, 5)", "ge(n, 3)");
    expect_same(*state, "max(ge(n, 3), ge(n, 5))", "ge(n, 3)");
}

static int learn(world *w, qn_dim condition, const char *reason) {
    int64_t effort = 1 << 20;
    return qn_dim_learn_nonnegative(w->pool, condition, reason, NULL, &effort);
}

static void expect_learned(world *w, const char *condition, int64_t low, int64_t high) {
    int64_t found_low, found_high;
    int learned = learn(w, parse(w, condition), condition);
    qn_dim_range(w->pool, w->free_one, &found_low, &found_high);
    if (!learned || found_low != low || found_high != high)
        fail_msg("%s: expected to learn [%lld, %lld], found [%lld, %lld]", condition, (long long)low, (long long)high,
                 (long long)found_low, (long long)found_high);
    assert_string_equal(qn_dim_symbol_reason(w->pool, w->free_one), condition);
}

static void learning_bounds_a_symbol_from_below(void **state) {
    expect_learned(*state, "3 * n - 7", 3, QN_DIM_UNBOUNDED);
}
static void learning_bounds_a_symbol_from_above(void **state) { expect_learned(*state, "1000 - 3 * n", 0, 333); }
static void learning_from_a_maximum_bounds_both(void **state) { expect_learned(*state, "513 - max(n, h)", 0, 513); }
static void learning_from_an_equality_pins(void **state) {
    world *w = *state;
    expect_learned(w, "min(513 - n, n - 513)", 513, 513);
    assert_true(qn_dim_same(qn_dim_rebuild(w->pool, parse(w, "ceil(n / 8)")), qn_dim_const(w->pool, 65)));
}
static void learning_from_a_product_of_comparisons_takes_each(void **state) {
    expect_learned(*state, "ge(n, 4) * ge(99, n) * ge(h, w) - 1", 4, 99);
}
static void learning_goes_through_quotients(void **state) { expect_learned(*state, "64 - floor((n + 7) / 8)", 0, 512); }

static void a_demand_that_cannot_hold_teaches_nothing(void **state) {
    world *w = *state;
    int64_t low, high;
    assert_int_equal(learn(w, parse(w, "0 - h"), "no"), 0);
    qn_dim_range(w->pool, w->h, &low, &high);
    assert_int_equal(low, 1);
    assert_int_equal(high, 513);
    assert_null(qn_dim_symbol_reason(w->pool, w->h));
}

static void nothing_is_learned_once_the_effort_is_spent(void **state) {
    world *w = *state;
    int64_t effort = 1 << 20, before;
    assert_int_equal(qn_dim_learn_nonnegative(w->pool, parse(w, "1000 - n"), "first", NULL, &effort), 1);
    assert_true(effort < 1 << 20 && effort > 0);
    before = effort;
    assert_int_equal(qn_dim_learn_nonnegative(w->pool, parse(w, "1000 - n"), "known", NULL, &effort), 0);
    assert_true(effort == before); /* what holds already costs nothing */
    effort = 0;
    assert_int_equal(qn_dim_learn_nonnegative(w->pool, parse(w, "100 - n"), "second", NULL, &effort), 0);
}

static void who_asked_for_a_bound_is_remembered_with_its_reason(void **state) {
    world *w = *state;
    const int first = 0, second = 0;
    int64_t effort = 1 << 20;
    assert_null(qn_dim_symbol_asker(w->pool, w->free_one));
    assert_int_equal(qn_dim_learn_nonnegative(w->pool, parse(w, "1000 - n"), "room", &first, &effort), 1);
    assert_ptr_equal(qn_dim_symbol_asker(w->pool, w->free_one), &first);
    assert_int_equal(qn_dim_learn_nonnegative(w->pool, parse(w, "2000 - n"), "room", &second, &effort), 0);
    assert_ptr_equal(qn_dim_symbol_asker(w->pool, w->free_one), &first);
    assert_int_equal(qn_dim_learn_nonnegative(w->pool, parse(w, "500 - n"), "room", &second, &effort), 1);
    assert_ptr_equal(qn_dim_symbol_asker(w->pool, w->free_one), &second);
    assert_null(qn_dim_symbol_set_range(w->pool, w->free_one, 0, 100, "the caller"));
    assert_null(qn_dim_symbol_asker(w->pool, w->free_one));
}

static void few_symbols_of_a_dim_are_listed_each_once(void **state) {
    world *w = *state;
    qn_dim symbols[QN_DIM_SYMBOLS_MAX];
    assert_int_equal(qn_dim_symbols(w->pool, parse(w, "max(h, n) + floor(h / 3)"), symbols), 2);
    assert_int_equal(qn_dim_symbols(w->pool, parse(w, "7"), symbols), 0);
    assert_int_equal(qn_dim_symbols(w->pool, parse(w, "a + b + c + d + e + f + g + i + j"), symbols), -1);
}

static void text_for_messages_is_cut_short(void **state) {
    world *w = *state;
    qn_buffer text;
    qn_buffer_init(&text, NULL);
    qn_dim_print_short(w->pool, parse(w, "max(h + n, 3 * w) + floor(h / 3) + floor(w / 5)"), 8, &text);
    assert_true(text.size < 24 && strstr(qn_buffer_text(&text), "..."));
    qn_buffer_deinit(&text);
}

static void a_symbol_may_keep_its_range(void **state) {
    world *w = *state;
    int64_t low, high;
    qn_dim_symbol_keep_range(w->pool, w->free_one);
    assert_int_equal(learn(w, parse(w, "100 - h - n"), "sum"), 1);
    qn_dim_range(w->pool, w->free_one, &low, &high);
    assert_true(low == 0 && high == QN_DIM_UNBOUNDED);
    qn_dim_range(w->pool, w->h, &low, &high);
    assert_true(low == 1 && high == 100);
}

static void an_overflow_is_kept_until_it_is_taken(void **state) {
    world *w = *state;
    qn_dim huge = qn_dim_const(w->pool, INT64_MAX);
    assert_true(qn_dim_same(qn_dim_mul(w->pool, qn_dim_mul(w->pool, w->h, huge), huge), qn_dim_const(w->pool, 0)));
    qn_status *status = qn_dim_pool_take_status(w->pool);
    assert_int_equal(qn_status_code(status), QN_LIMIT);
    qn_status_free(status);
    assert_true(qn_dim_same(qn_dim_add(w->pool, w->h, qn_dim_const(w->pool, 0)), w->h));
}

static void deep_and_long_expressions_are_refused_not_followed(void **state) {
    world *w = *state;
    qn_dim deep = w->free_one;
    for (int i = 0; i < 5000; i++) /* neither nests nor cancels */
        deep = qn_dim_max(w->pool, qn_dim_floor_div(w->pool, deep, w->h), qn_dim_mul(w->pool, deep, w->w));
    qn_status *status = qn_dim_pool_take_status(w->pool);
    assert_int_equal(qn_status_code(status), QN_LIMIT);
    qn_status_free(status);
    qn_dim sum = w->h;
    for (int i = 0; i < 5000; i++) {
        char name[16];
        snprintf(name, sizeof name, "s%d", i);
        sum = qn_dim_add(w->pool, sum, qn_dim_symbol(w->pool, name, 0, 9));
    }
    status = qn_dim_pool_take_status(w->pool);
    assert_int_equal(qn_status_code(status), QN_LIMIT);
    qn_status_free(status);
    static char text[40000];
    memset(text, '(', sizeof text - 1);
    qn_dim dim;
    status = qn_dim_parse(w->pool, text, &dim);
    assert_int_equal(qn_status_code(status), QN_LIMIT);
    qn_status_free(status);
}

static void malformed_text_is_refused(void **state) {
    static const char *const texts[] = {"",   "h +", "h h",  "floor(h, 2)", "max(h)", "99999999999999999999",
                                        "(h", "\"h", "h * ", "-",           "$"};
    world *w = *state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        qn_dim dim;
        qn_status *status = qn_dim_parse(w->pool, texts[i], &dim);
        if (qn_status_code(status) != QN_INVALID_ARGUMENT) fail_msg("'%s' was accepted", texts[i]);
        qn_status_free(status);
    }
}

static void expect_refused(const qn_dim_instr *code, size_t count) {
    qn_status *status = qn_dim_program_verify(code, count, 1);
    assert_int_equal(qn_status_code(status), QN_INVALID_MODEL);
    qn_status_free(status);
}

static void programs_are_checked_before_they_run(void **state) {
    (void)state;
    const qn_dim_instr sound[] = {
        {.code = QN_DIM_SYMBOL}, {.code = QN_DIM_CONST, .imm = 2}, {.code = QN_DIM_FLOOR_DIV, .a = 0, .b = 1}};
    int64_t symbol = -7, values[3];
    assert_null(qn_dim_program_verify(sound, 3, 1));
    assert_null(qn_dim_program_run(sound, 0, 3, &symbol, values));
    assert_int_equal(values[2], -4);
    expect_refused((qn_dim_instr[]){{.code = QN_DIM_ADD, .a = 0, .b = 0}}, 1);
    expect_refused((qn_dim_instr[]){{.code = QN_DIM_SYMBOL, .a = 1}}, 1);
    expect_refused((qn_dim_instr[]){{.code = QN_DIM_CODE_COUNT}}, 1);
    expect_refused((qn_dim_instr[]){{.code = QN_DIM_CONST, .reserved = 1}}, 1);
    const qn_dim_instr by_zero[] = {{.code = QN_DIM_CONST}, {.code = QN_DIM_CEIL_DIV}};
    assert_null(qn_dim_program_verify(by_zero, 2, 0));
    qn_status *status = qn_dim_program_run(by_zero, 0, 2, NULL, values);
    assert_int_equal(qn_status_code(status), QN_INVALID_ARGUMENT);
    qn_status_free(status);
}

static void programs_share_what_they_have_computed(void **state) {
    world *w = *state;
    qn_dim_program_builder *builder = qn_dim_program_create(&w->arena, w->pool);
    uint32_t first, again;
    size_t count, more;
    assert_null(qn_dim_program_add(builder, parse(w, "ceil(h / 4) * 3 + 1"), &first));
    qn_dim_program_code(builder, &count);
    assert_null(qn_dim_program_add(builder, parse(w, "ceil(h / 4) * 3 + 1"), &again));
    qn_dim_program_code(builder, &more);
    assert_int_equal(first, again);
    assert_int_equal(count, more);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

static void expressions_tell_their_symbols_products_and_divisors(void **state) {
    world *w = *state;
    qn_dim found[QN_DIM_SYMBOLS_MAX];
    assert_int_equal(qn_dim_symbols(w->pool, parse(w, "h * w + 3 * n"), found), 3);
    assert_int_equal(qn_dim_symbols(w->pool, parse(w, "7"), found), 0);
    assert_int_equal(qn_dim_multiplied_symbols(w->pool, parse(w, "floor((h * w + 3) / 4) + n"), found), 2);
    assert_int_equal(qn_dim_multiplied_symbols(w->pool, parse(w, "h + w"), found), 0);
    const qn_dim three = qn_dim_const(w->pool, 3),
                 both = qn_dim_and(w->pool, qn_dim_ge(w->pool, w->h, three), qn_dim_ge(w->pool, w->w, three));
    assert_int_equal(qn_dim_multiplied_symbols(w->pool, both, found), 0); /* comparisons are no sizes */
    assert_int_equal(qn_dim_divisor(w->pool, parse(w, "4 * h + 8")), 4);
    assert_int_equal(qn_dim_divisor(w->pool, parse(w, "4 * h + 9")), 1);
    assert_int_equal(qn_dim_divisor(w->pool, parse(w, "h")), 1);
}

static void too_many_symbols_are_not_told(void **state) {
    world *w = *state;
    qn_dim found[QN_DIM_SYMBOLS_MAX], sum = qn_dim_const(w->pool, 0);
    for (int i = 0; i <= QN_DIM_SYMBOLS_MAX; i++) {
        char name[16];
        snprintf(name, sizeof name, "s%d", i);
        sum = qn_dim_add(w->pool, sum, qn_dim_symbol(w->pool, name, 1, 9));
    }
    assert_int_equal(qn_dim_symbols(w->pool, sum, found), -1);
}

/* Two pools that know the same symbols have the same text for the same expression, whatever was made before in each. */
static void a_translated_dim_is_the_same_expression_in_the_other_pool(void **state) {
    static const char *const texts[] = {"0",
                                        "-7",
                                        "h",
                                        "3 * h + -2 * w + 11",
                                        "h * w * n + 5",
                                        "product(h + 1, w + n)",
                                        "floor((h + 7) / 8)",
                                        "floor((4 * h + n) / (w + 1))",
                                        "max(h - w, n) + min(h, 3 * n)",
                                        "ge(h + n, w) * ge(n, 3) * h",
                                        "floor((max(h + 2 * ceil(w / 3), 513) * n) / 2)"};
    world *w = *state;
    qn_dim_pool *other = qn_dim_pool_create(&w->arena);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        if (i == 2) qn_dim_symbol(other, "unrelated", 0, 5);
        qn_dim dim = parse(w, texts[i]), there, back;
        assert_null(qn_dim_translate(w->pool, dim, other, &there));
        assert_null(qn_dim_translate(other, there, w->pool, &back));
        if (!qn_dim_same(back, dim)) fail_msg("%s comes back as another expression", texts[i]);
        int64_t low, high, low_there, high_there;
        qn_dim_range(w->pool, dim, &low, &high);
        qn_dim_range(other, there, &low_there, &high_there);
        assert_true(low == low_there && high == high_there);
    }
}

static void translated_symbols_keep_their_range_or_take_that_of_the_other_pool(void **state) {
    world *w = *state;
    qn_dim_pool *other = qn_dim_pool_create(&w->arena);
    qn_dim made, known = qn_dim_symbol(other, "w", 20, 20), dim;
    int64_t low, high;
    assert_null(qn_dim_symbol_set_range(w->pool, w->h, 2, 9, "the reason"));
    assert_null(qn_dim_translate(w->pool, w->h, other, &made));
    qn_dim_range(other, made, &low, &high);
    assert_true(low == 2 && high == 9);
    assert_string_equal(qn_dim_symbol_name(other, made), "h");
    assert_string_equal(qn_dim_symbol_reason(other, made), "the reason");
    assert_null(qn_dim_translate(w->pool, w->w, other, &dim));
    assert_true(qn_dim_same(dim, known));
    assert_null(qn_dim_translate(w->pool, parse(w, "max(h, w)"), other, &dim));
    assert_true(qn_dim_is_const(other, dim, &low));
    assert_int_equal(low, 20);
}

/* A double of a double of ...: its text would be of 2^24 pieces, its nodes are a few hundred. */
static void shared_parts_are_translated_once(void **state) {
    world *w = *state;
    qn_dim_pool *other = qn_dim_pool_create(&w->arena);
    qn_dim dim = w->h, there;
    for (int i = 0; i < 24; i++)
        dim = qn_dim_max(w->pool,
                         qn_dim_floor_div(w->pool, qn_dim_mul(w->pool, dim, w->free_one), qn_dim_const(w->pool, 7)),
                         qn_dim_floor_div(w->pool, qn_dim_mul(w->pool, dim, w->w), qn_dim_const(w->pool, 5)));
    assert_null(qn_dim_pool_take_status(w->pool));
    assert_null(qn_dim_translate(w->pool, dim, other, &there));
    qn_dim back;
    assert_null(qn_dim_translate(other, there, w->pool, &back));
    assert_true(qn_dim_same(back, dim));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        CASE(expressions_tell_their_symbols_products_and_divisors),
        CASE(too_many_symbols_are_not_told),
        CASE(a_translated_dim_is_the_same_expression_in_the_other_pool),
        CASE(translated_symbols_keep_their_range_or_take_that_of_the_other_pool),
        CASE(shared_parts_are_translated_once),
        CASE(ranges_decide_max_and_min),
        CASE(quotients_cancel_and_nest),
        CASE(atrous_pads_and_crops_cancel),
        CASE(same_padding_is_bounded_by_the_kernel),
        CASE(ranges_follow_clamps_through_sums),
        CASE(a_comparison_is_its_clamp),
        CASE(learning_bounds_a_symbol_from_below),
        CASE(learning_bounds_a_symbol_from_above),
        CASE(learning_from_a_maximum_bounds_both),
        CASE(learning_from_an_equality_pins),
        CASE(learning_from_a_product_of_comparisons_takes_each),
        CASE(learning_goes_through_quotients),
        CASE(a_demand_that_cannot_hold_teaches_nothing),
        CASE(a_symbol_may_keep_its_range),
        CASE(who_asked_for_a_bound_is_remembered_with_its_reason),
        CASE(nothing_is_learned_once_the_effort_is_spent),
        CASE(few_symbols_of_a_dim_are_listed_each_once),
        CASE(text_for_messages_is_cut_short),
        CASE(an_overflow_is_kept_until_it_is_taken),
        CASE(deep_and_long_expressions_are_refused_not_followed),
        CASE(malformed_text_is_refused),
        CASE(programs_are_checked_before_they_run),
        CASE(programs_share_what_they_have_computed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
