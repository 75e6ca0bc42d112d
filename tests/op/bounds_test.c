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

/* Rounding to a grid, and of results to their own type, may leave a range a little: half a step of 8 bits is 1/510. */
static double slack_of(const drawn_case *drawn, const qn_interval *bounds) {
    const double span = fmax(fabs(bounds->low), fabs(bounds->high));
    if (!isfinite(span)) return 0;
    return (drawn->c->op->values == QN_VALUES_ROUNDED ? 1.0 : 1e-2) * fmax(span, 1e-3);
}

static int check(const qn_op_def *op, uint64_t seed) {
    drawn_case drawn;
    qn_interval inputs[QN_BOUNDS_INPUTS_MAX];
    int is_known = 0;
    draw_case(&drawn, op, seed);
    expect_drawn_ok(&drawn, operator_case_infer(drawn.c), "infer");
    expect_drawn_ok(&drawn, operator_case_eval(drawn.c), "eval");
    if (drawn.c->input_count <= QN_BOUNDS_INPUTS_MAX && qn_dtype_is_float(drawn.c->out.dtype)) {
        for (int i = 0; i < drawn.c->input_count; i++) inputs[i] = range_of(&drawn.c->inputs[i]);
        const qn_interval bounds = qn_op_bounds(op, drawn.c->attrs, inputs, drawn.c->input_count);
        const double slack = slack_of(&drawn, &bounds);
        is_known = isfinite(bounds.low) && isfinite(bounds.high);
        for (int64_t i = 0; i < qn_view_elems(&drawn.c->out); i++) {
            const double element = qn_view_get(&drawn.c->out, i);
            CHECK(&drawn, isnan(element) || (element >= bounds.low - slack && element <= bounds.high + slack),
                  "element %lld is %g, outside [%g, %g]", (long long)i, element, bounds.low, bounds.high);
        }
    }
    drop_case(&drawn);
    return is_known;
}

static void results_lie_within_the_bounds_that_operators_tell(void **state) {
    int known = 0;
    (void)state;
    print_message("QN_SEED=%llu\n", (unsigned long long)drawn_seed());
    for (size_t row = 0; row < qn_op_count(); row++) {
        const qn_op_def *op = qn_op_at(row);
        for (int k = 0; op->sample && op->outputs && k < CASES_PER_OP; k++)
            known += check(op, qn_hash_bytes(op->name, strlen(op->name), drawn_seed() + (uint64_t)k));
    }
    assert_true(known > 20 * CASES_PER_OP / 4); /* not everything is left open */
}

static void expect_bounds(const qn_op_def *op, qn_interval a, qn_interval b, double low, double high) {
    const qn_interval bounds = qn_op_bounds(op, NULL, (qn_interval[]){a, b}, op->max_inputs);
    if (bounds.low != low || bounds.high != high)
        fail_msg("%s: [%g, %g], expected [%g, %g]", op->name, bounds.low, bounds.high, low, high);
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

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(results_lie_within_the_bounds_that_operators_tell),
        cmocka_unit_test(ends_are_told_by_hand),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
