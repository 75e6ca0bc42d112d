/* The ranges that operators tell of their results (qn_op_bounds) hold every element that eval makes, on random cases. */
#include "drawn_case.h"

#include <float.h>
#include <math.h>
#include <string.h>

enum { CASES_PER_OP = 200 };

static qn_interval range_of(const qn_view *view) {
    qn_interval range = {INFINITY, -INFINITY};
    if (view->dtype == QN_DTYPE_NONE || view->dtype == QN_DTYPE_STRING) return (qn_interval){-INFINITY, INFINITY};
    for (int64_t i = 0; i < qn_view_elems(view); i++) {
        const double element = qn_view_get(view, i);
        if (isnan(element)) return (qn_interval){-INFINITY, INFINITY};
        range.low = fmin(range.low, element);
        range.high = fmax(range.high, element);
    }
    return range;
}

/* Where results rise or fall with their operands, rounding them leaves no range. A function of the C library may be
   wrong by a unit in the last place; a resized picture is interpolated in three steps of three roundings. */
static double slack_of(const drawn_case *drawn, const qn_interval *bounds) {
    static const double units[QN_DTYPE_COUNT] = {
        [QN_DTYPE_F32] = 0x1p-23, [QN_DTYPE_F64] = 0x1p-52, [QN_DTYPE_F16] = 0x1p-10, [QN_DTYPE_BF16] = 0x1p-7};
    const qn_values values = drawn->c->op->values;
    const double steps = values == QN_VALUES_TABLE ? 1 : values == QN_VALUES_AVERAGED ? 9 : 0;
    const double span = fmax(fabs(bounds->low), fabs(bounds->high));
    return isfinite(span) ? steps * units[drawn->c->out.dtype] * span : 0;
}

/* Sizes of numbers from one to all bits of the type, so that some wrap, overflow, vanish or leave what a double
   holds. */
static void draw_wild(drawn_case *drawn, qn_view *view) {
    const int is_float = qn_dtype_is_float(view->dtype);
    const int64_t size = qn_rng_range(&drawn->rng, 0, is_float ? 260 : 63);
    for (int64_t i = 0; i < qn_view_elems(view); i++) {
        if (is_float)
            qn_view_set(view, i, ldexp(qn_rng_float(&drawn->rng, -1, 1), (int)size - 130));
        else
            qn_view_set_int(view, i, (int64_t)qn_rng_next(&drawn->rng) >> size);
    }
}

static void draw_wild_data(drawn_case *drawn) {
    for (int i = 0; i < qn_op_data_inputs(drawn->c->op, drawn->c->input_count); i++)
        if (qn_dtype_is_float(drawn->c->inputs[i].dtype) || qn_dtype_is_integer(drawn->c->inputs[i].dtype))
            draw_wild(drawn, &drawn->c->inputs[i]);
}

static qn_interval bounds_of(const operator_case *c) {
    qn_interval inputs[QN_BOUNDS_INPUTS_MAX];
    qn_dtype dtypes[QN_BOUNDS_INPUTS_MAX];
    for (int i = 0; i < c->input_count; i++) {
        inputs[i] = range_of(&c->inputs[i]);
        dtypes[i] = c->inputs[i].dtype;
    }
    return qn_op_bounds(c->op, &(qn_bounds){c->attrs, c->out.dtype, c->input_count, inputs, dtypes});
}

static int has_elements(const operator_case *c) {
    for (int i = 0; i < c->input_count; i++)
        if (c->inputs[i].dtype != QN_DTYPE_NONE && !qn_view_elems(&c->inputs[i])) return 0;
    return 1;
}

/* 1 if both ends are known. */
static int check(const qn_op_def *op, uint64_t seed, int is_wild) {
    drawn_case drawn;
    int is_known = 0;
    draw_case(&drawn, op, seed);
    expect_drawn_ok(&drawn, operator_case_infer(drawn.c), "infer");
    if (is_wild) draw_wild_data(&drawn);
    qn_status *status = operator_case_eval(drawn.c); /* wild divisors may be zero */
    if (!is_wild) expect_drawn_ok(&drawn, status, "eval");
    if (!status && drawn.c->input_count <= QN_BOUNDS_INPUTS_MAX && has_elements(drawn.c)) {
        const qn_interval bounds = bounds_of(drawn.c);
        const double slack = slack_of(&drawn, &bounds);
        is_known = isfinite(bounds.low) && isfinite(bounds.high);
        for (int64_t i = 0; i < qn_view_elems(&drawn.c->out); i++) {
            const double element = qn_view_get(&drawn.c->out, i);
            CHECK(&drawn, isnan(element) || (element >= bounds.low - slack && element <= bounds.high + slack),
                  "element %lld is %.17g, outside [%.17g, %.17g]", (long long)i, element, bounds.low, bounds.high);
        }
    }
    qn_status_free(status);
    drop_case(&drawn);
    return is_known;
}

static int check_all(int is_wild) {
    int known = 0;
    print_message("QN_SEED=%llu\n", (unsigned long long)drawn_seed());
    for (size_t row = 0; row < qn_op_count(); row++) {
        const qn_op_def *op = qn_op_at(row);
        for (int k = 0; op->sample && op->outputs && k < CASES_PER_OP; k++)
            known += check(op, qn_hash_bytes(op->name, strlen(op->name), drawn_seed() + (uint64_t)k), is_wild);
    }
    return known;
}

static void results_lie_within_the_bounds_that_operators_tell(void **state) {
    (void)state;
    assert_true(check_all(0) > 20 * CASES_PER_OP / 2); /* not everything is left open */
}

static void so_do_results_that_wrap_or_overflow(void **state) {
    (void)state;
    assert_true(check_all(1) > 20 * CASES_PER_OP / 4);
}

static void expect_bounds_of(const qn_op_def *op, qn_dtype from, qn_dtype to, qn_interval a, qn_interval b, double low,
                             double high) {
    const qn_interval inputs[] = {a, b};
    const qn_dtype dtypes[] = {from, from};
    const qn_interval bounds = qn_op_bounds(op, &(qn_bounds){NULL, to, op->max_inputs, inputs, dtypes});
    if (bounds.low != low || bounds.high != high)
        fail_msg("%s to %s: [%g, %g], expected [%g, %g]", op->name, qn_dtype_name(to), bounds.low, bounds.high, low,
                 high);
}

static void expect_bounds(const qn_op_def *op, qn_interval a, qn_interval b, double low, double high) {
    expect_bounds_of(op, QN_DTYPE_F32, QN_DTYPE_F32, a, b, low, high);
}

static void ends_are_told_by_hand(void **state) {
    static const qn_interval all = {-INFINITY, INFINITY}, some = {-2, 3}, none = {0, 0};
    (void)state;
    expect_bounds(&qn_op_sigmoid, all, none, 0, 1);
    expect_bounds(&qn_op_tanh, all, none, -1, 1);
    expect_bounds(&qn_op_relu, some, none, 0, 3);
    expect_bounds(&qn_op_relu6, all, none, 0, 6);
    expect_bounds(&qn_op_neg, some, none, -3, 2);
    expect_bounds(&qn_op_round, (qn_interval){0.4, 2.6}, none, 0, 3);
    expect_bounds(&qn_op_add, some, (qn_interval){1, 2}, -1, 5);
    expect_bounds(&qn_op_sub, some, (qn_interval){1, 2}, -4, 2);
    expect_bounds(&qn_op_mul, some, (qn_interval){-1, 2}, -4, 6);
    expect_bounds(&qn_op_div, some, (qn_interval){2, 4}, -1, 1.5);
    expect_bounds(&qn_op_div, some, (qn_interval){-1, 4}, -INFINITY, INFINITY); /* by zero, perhaps */
    expect_bounds(&qn_op_sub, all, all, -INFINITY, INFINITY);
    expect_bounds(&qn_op_mul, all, none, -INFINITY, INFINITY); /* infinity times 0 is no number */
}

static void integers_that_may_wrap_are_not_known(void **state) {
    static const qn_interval all = {-INFINITY, INFINITY}, some = {-2, 3}, none = {0, 0}, high = {200, 250};
    const qn_dtype u8 = QN_DTYPE_U8, s8 = QN_DTYPE_S8, s64 = QN_DTYPE_S64;
    (void)state;
    expect_bounds_of(&qn_op_add, u8, u8, high, (qn_interval){0, 5}, 200, 255);
    expect_bounds_of(&qn_op_add, u8, u8, high, (qn_interval){0, 6}, -INFINITY, INFINITY);
    expect_bounds_of(&qn_op_sub, u8, u8, high, (qn_interval){200, 210}, -INFINITY, INFINITY);
    expect_bounds_of(&qn_op_mul, s8, s8, some, (qn_interval){-40, 40}, -120, 120);
    expect_bounds_of(&qn_op_mul, s8, s8, some, (qn_interval){-43, 43}, -INFINITY, INFINITY);
    expect_bounds_of(&qn_op_div, s8, s8, (qn_interval){-7, 7}, (qn_interval){2, 3}, -3, 3);
    expect_bounds_of(&qn_op_div, s8, s8, (qn_interval){-128, 7}, (qn_interval){-1, -1}, -INFINITY, INFINITY);
    expect_bounds_of(&qn_op_neg, s8, s8, (qn_interval){-127, 5}, none, -5, 127);
    expect_bounds_of(&qn_op_neg, s8, s8, (qn_interval){-128, 5}, none, -INFINITY, INFINITY);
    expect_bounds_of(&qn_op_neg, u8, u8, (qn_interval){0, 5}, none, -INFINITY, INFINITY);
    expect_bounds_of(&qn_op_relu6, s64, s64, all, none, 0, 6);
    expect_bounds_of(&qn_op_add, s64, s64, (qn_interval){0, 0x1p60}, (qn_interval){-0x1p60, 0}, -INFINITY, INFINITY);
}

static void expect_cast(qn_dtype from, qn_dtype to, qn_interval x, double low, double high) {
    expect_bounds_of(&qn_op_cast, from, to, x, x, low, high);
}

static void casts_cut_saturate_and_wrap(void **state) {
    static const qn_interval all = {-INFINITY, INFINITY};
    (void)state;
    expect_cast(QN_DTYPE_F32, QN_DTYPE_U8, (qn_interval){-1, 300}, 0, 255);
    expect_cast(QN_DTYPE_F32, QN_DTYPE_S32, (qn_interval){-1.7, 2.7}, -1, 2);
    expect_cast(QN_DTYPE_F32, QN_DTYPE_S32, (qn_interval){-1.7, INFINITY}, -1, INFINITY);
    expect_cast(QN_DTYPE_F32, QN_DTYPE_F16, (qn_interval){0.1, 1e6}, 0.0999755859375, INFINITY);
    expect_cast(QN_DTYPE_S32, QN_DTYPE_U8, (qn_interval){0, 255}, 0, 255);
    expect_cast(QN_DTYPE_S32, QN_DTYPE_U8, (qn_interval){-1, 255}, -INFINITY, INFINITY);
    expect_cast(QN_DTYPE_U8, QN_DTYPE_S32, (qn_interval){0, INFINITY}, 0, INFINITY);
    expect_cast(QN_DTYPE_S8, QN_DTYPE_U32, (qn_interval){-5, 5}, -INFINITY, INFINITY);
    expect_cast(QN_DTYPE_F32, QN_DTYPE_BOOL, (qn_interval){0.5, 9}, 1, 1);
    expect_cast(QN_DTYPE_F32, QN_DTYPE_BOOL, all, 0, 1);
    expect_cast(QN_DTYPE_S64, QN_DTYPE_F32, (qn_interval){0, 0x1p60}, -INFINITY, INFINITY);
}

/* min -1 and max 1 in 2 bits: steps of 2/3, on which -2/3, 0, 2/3 and 4/3 lie. */
static void grids_clamp(void **state) {
    static const qn_fake_quant_attrs attrs = {.bits = 2};
    static const qn_dtype dtypes[] = {QN_DTYPE_F32, QN_DTYPE_F32, QN_DTYPE_F32};
    const qn_interval inputs[] = {{5, 6}, {-1, -1}, {1, 1}};
    (void)state;
    const qn_interval bounds = qn_op_bounds(&qn_op_fake_quant, &(qn_bounds){&attrs, QN_DTYPE_F32, 3, inputs, dtypes});
    assert_true(bounds.low == bounds.high && fabs(bounds.low - 2.0 / 3) < 1e-6);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(results_lie_within_the_bounds_that_operators_tell),
        cmocka_unit_test(so_do_results_that_wrap_or_overflow),
        cmocka_unit_test(ends_are_told_by_hand),
        cmocka_unit_test(integers_that_may_wrap_are_not_known),
        cmocka_unit_test(casts_cut_saturate_and_wrap),
        cmocka_unit_test(grids_clamp),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
