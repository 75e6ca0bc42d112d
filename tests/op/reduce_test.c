/* Reductions and argmax/argmin on hand-made cases. */
#include "drawn_case.h"

#include <math.h>
#include <string.h>

static operator_case *create(const qn_op_def *op, int64_t keep_dims, int64_t axis_count, const int32_t *axes) {
    operator_case *c = operator_case_create(op);
    ((qn_reduce_attrs *)c->attrs)->keep_dims = keep_dims;
    c->input_count = 1; /* x comes later */
    operator_case_input(c, QN_DTYPE_S32, DIMS(axis_count), axes);
    return c;
}

static void put_x(operator_case *c, qn_dtype dtype, int rank, const int64_t *dims, const void *data) {
    int count = c->input_count;
    c->input_count = 0;
    operator_case_input(c, dtype, rank, dims, data);
    c->input_count = count;
}

static const float x[] = {1, -2, 3, 4, 5, -6, 7, 8, 9, 10, -11, 12}; /* 2 x 3 x 2 */

static operator_case *create_cumsum(const char *axis, int exclusive, int reverse) {
    operator_case *c = operator_case_create(&qn_op_cumsum);
    operator_case_set(c, "axis", axis);
    operator_case_set(c, "exclusive", exclusive ? "true" : "false");
    operator_case_set(c, "reverse", reverse ? "true" : "false");
    return c;
}

static void sums_run_along_an_axis_from_either_end(void **state) {
    static const float expected[2][2][6] = {{{1, 3, 7, 1, 4, 9}, {0, 1, 3, 0, 1, 4}},
                                            {{7, 6, 4, 9, 8, 5}, {6, 4, 0, 8, 5, 0}}};
    static const int8_t bytes[] = {100, 100}; /* 200 wraps to -56 */
    (void)state;
    for (int64_t reverse = 0; reverse < 2; reverse++)
        for (int64_t exclusive = 0; exclusive < 2; exclusive++) {
            operator_case *c = create_cumsum("1", (int)exclusive, (int)reverse);
            operator_case_input(c, QN_DTYPE_F32, DIMS(2, 3), (float[]){1, 2, 4, 1, 3, 5});
            assert_view_floats(operator_case_run(c), expected[reverse][exclusive], 0);
            operator_case_destroy(c);
        }
    operator_case *c = operator_case_create(&qn_op_cumsum);
    operator_case_input(c, QN_DTYPE_S8, DIMS(2), bytes);
    assert_int_equal(qn_view_get_int(operator_case_run(c), 1), -56);
    operator_case_destroy(c);
    c = operator_case_create(&qn_op_cumsum);
    operator_case_set(c, "axis", "1");
    operator_case_input(c, QN_DTYPE_S8, DIMS(2), bytes);
    assert_infer_fails(c, "axis is 1, but x has rank 1");
    operator_case_destroy(c);
}

/* Element `at` of the sums of `of` along an axis, added up one by one from the end that they start at: for floats in
   f32, as numbers of 64 bits for integers. */
static void expect_sum(const qn_view *of, const qn_view *sums, int axis, int exclusive, int reverse, int64_t at) {
    int64_t strides[QN_MAX_RANK], whole = 0;
    float sum = 0;
    qn_view_strides(of, strides);
    const int64_t length = of->dims[axis], k = at / strides[axis] % length;
    const int64_t first = reverse ? length - 1 : 0, step = reverse ? -1 : 1, count = reverse ? length - 1 - k : k;
    for (int64_t i = 0; i < count + !exclusive; i++) {
        const int64_t from = at + (first + i * step - k) * strides[axis];
        if (qn_dtype_is_float(of->dtype))
            sum += (float)qn_view_get(of, from);
        else
            whole = (int64_t)((uint64_t)whole + (uint64_t)qn_view_get_int(of, from));
    }
    int64_t cell = 0;
    const qn_view expected = {.dtype = of->dtype, .data = &cell};
    if (qn_dtype_is_float(of->dtype))
        qn_view_set(&expected, 0, (double)sum);
    else
        qn_view_set_int(&expected, 0, whole);
    const size_t bytes = qn_dtype_size(of->dtype);
    if (memcmp(&cell, (const char *)sums->data + (size_t)at * bytes, bytes))
        fail_msg("element %lld of %s is %.9g, expected %.9g (axis %d of %d, exclusive %d, reverse %d)", (long long)at,
                 qn_dtype_name(of->dtype), qn_view_get(sums, at), qn_view_get(&expected, 0), axis, of->rank, exclusive,
                 reverse);
}

static void sums_are_those_of_adding_one_by_one(void **state) {
    static const qn_dtype dtypes[] = {QN_DTYPE_S32, QN_DTYPE_S64, QN_DTYPE_F32, QN_DTYPE_F16};
    qn_rng rng;
    (void)state;
    print_message("QN_SEED=%llu\n", (unsigned long long)drawn_seed());
    qn_rng_init(&rng, drawn_seed());
    for (int round = 0; round < 1000; round++) {
        int64_t data[4 * 4 * 4 * 4], dims[4];
        qn_view view = {.dtype = dtypes[round % 4], .rank = (int)qn_rng_range(&rng, 1, 4), .data = data};
        for (int i = 0; i < view.rank; i++) dims[i] = view.dims[i] = qn_rng_range(&rng, 1, 4);
        for (int64_t i = 0; i < qn_view_elems(&view); i++) {
            if (qn_dtype_is_float(view.dtype))
                qn_view_set(&view, i, (double)qn_rng_float(&rng, -100, 100));
            else
                qn_view_set_int(&view, i, (int64_t)qn_rng_next(&rng)); /* sums wrap */
        }
        const int axis = (int)qn_rng_range(&rng, 0, view.rank - 1);
        const int exclusive = (int)qn_rng_range(&rng, 0, 1), reverse = (int)qn_rng_range(&rng, 0, 1);
        operator_case *c = create_cumsum((const char *[]){"0", "1", "2", "3"}[axis], exclusive, reverse);
        operator_case_input(c, view.dtype, view.rank, dims, data);
        const qn_view *sums = operator_case_run(c);
        for (int64_t i = 0; i < qn_view_elems(&view); i++) expect_sum(&view, sums, axis, exclusive, reverse, i);
        operator_case_destroy(c);
    }
}

static void each_reduction_over_the_middle_axis(void **state) {
    (void)state;
    static const struct {
        const qn_op_def *op;
        float expected[4];
    } rows[] = {
        {&qn_op_reduce_sum, {9, -4, 5, 30}},       {&qn_op_reduce_mean, {3, -1.33333337f, 1.66666663f, 10}},
        {&qn_op_reduce_prod, {15, 48, -693, 960}}, {&qn_op_reduce_max, {5, 4, 9, 12}},
        {&qn_op_reduce_min, {1, -6, -11, 8}},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        for (int64_t keep_dims = 0; keep_dims < 2; keep_dims++) {
            operator_case *c = create(rows[i].op, keep_dims, 1, (int32_t[]){keep_dims ? -2 : 1});
            put_x(c, QN_DTYPE_F32, DIMS(2, 3, 2), x);
            const qn_view *out = operator_case_run(c);
            if (keep_dims)
                assert_view_dims(out, QN_DTYPE_F32, DIMS(2, 1, 2));
            else
                assert_view_dims(out, QN_DTYPE_F32, DIMS(2, 2));
            assert_view_floats(out, rows[i].expected, 0);
            operator_case_destroy(c);
        }
}

static void several_axes_in_any_order_reduce_together(void **state) {
    (void)state;
    operator_case *c = create(&qn_op_reduce_sum, 0, 2, (int32_t[]){-1, 0});
    put_x(c, QN_DTYPE_F32, DIMS(2, 3, 2), x);
    const qn_view *out = operator_case_run(c);
    assert_view_dims(out, QN_DTYPE_F32, DIMS(3));
    assert_view_floats(out, (float[]){14, 26, 0}, 0);
    operator_case_destroy(c);
}

static void no_axes_leave_everything_as_it_is(void **state) {
    (void)state;
    operator_case *c = create(&qn_op_reduce_max, 0, 0, (int32_t[]){0});
    put_x(c, QN_DTYPE_F32, DIMS(2, 3, 2), x);
    const qn_view *out = operator_case_run(c);
    assert_view_dims(out, QN_DTYPE_F32, DIMS(2, 3, 2));
    assert_view_floats(out, x, 0);
    operator_case_destroy(c);
}

static void all_and_any_of_bools(void **state) {
    (void)state;
    const uint8_t flags[] = {1, 0, 1, 1, 0, 0};
    for (int any = 0; any < 2; any++) {
        operator_case *c = create(any ? &qn_op_reduce_any : &qn_op_reduce_all, 0, 1, (int32_t[]){1});
        put_x(c, QN_DTYPE_BOOL, DIMS(3, 2), flags);
        const qn_view *out = operator_case_run(c);
        assert_view_dims(out, QN_DTYPE_BOOL, DIMS(3));
        assert_view_ints(out, any ? (int64_t[]){1, 1, 0} : (int64_t[]){0, 1, 0});
        operator_case_destroy(c);
    }
}

static void integer_mean_rounds_towards_zero_and_sums_do_not_saturate(void **state) {
    (void)state;
    operator_case *c = create(&qn_op_reduce_mean, 0, 1, (int32_t[]){1});
    put_x(c, QN_DTYPE_S32, DIMS(2, 2), (int32_t[]){-3, -4, 3, 4});
    assert_view_ints(operator_case_run(c), (int64_t[]){-3, 3});
    operator_case_destroy(c);
    c = create(&qn_op_reduce_sum, 0, 1, (int32_t[]){0});
    put_x(c, QN_DTYPE_U8, DIMS(2), (uint8_t[]){200, 100});
    assert_view_ints(operator_case_run(c), (int64_t[]){44});
    operator_case_destroy(c);
}

static void reductions_of_nothing_give_the_neutral_element(void **state) {
    (void)state;
    static const struct {
        const qn_op_def *op;
        double expected;
    } rows[] = {
        {&qn_op_reduce_sum, 0},
        {&qn_op_reduce_prod, 1},
        {&qn_op_reduce_max, -INFINITY},
        {&qn_op_reduce_min, INFINITY},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        operator_case *c = create(rows[i].op, 0, 1, (int32_t[]){0});
        put_x(c, QN_DTYPE_F32, DIMS(0, 1), x);
        assert_true(qn_view_get(operator_case_run(c), 0) == rows[i].expected);
        operator_case_destroy(c);
    }
    operator_case *c = create(&qn_op_reduce_max, 0, 1, (int32_t[]){0});
    put_x(c, QN_DTYPE_S16, DIMS(0), x);
    assert_view_ints(operator_case_run(c), (int64_t[]){INT16_MIN});
    operator_case_destroy(c);
}

static void a_nan_makes_the_maximum_nan(void **state) {
    (void)state;
    operator_case *c = create(&qn_op_reduce_max, 0, 1, (int32_t[]){0});
    put_x(c, QN_DTYPE_F32, DIMS(3), (float[]){1, NAN, 2});
    assert_true(isnan(qn_view_get(operator_case_run(c), 0)));
    operator_case_destroy(c);
}

static void known_elements_give_known_results(void **state) {
    (void)state;
    static const struct {
        const qn_op_def *op;
        const char *expected[2];
    } rows[] = {
        {&qn_op_reduce_prod, {"3 * h", "5 * w"}},
        {&qn_op_reduce_sum, {"h + 3", "w + 5"}},
        {&qn_op_reduce_max, {"h", "w"}},
        {&qn_op_reduce_min, {"3", "5"}},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        operator_case *c = create(rows[i].op, 0, 1, (int32_t[]){0});
        put_x(c, QN_DTYPE_S32, DIMS(2, 2), NULL);
        qn_dim h = operator_case_symbol(c, "h", 3, 513), w = operator_case_symbol(c, "w", 5, 513);
        qn_dim elements[4] = {h, w, qn_dim_const(c->dims, 3), qn_dim_const(c->dims, 5)};
        c->contents[0] = elements;
        assert_null(operator_case_infer(c));
        assert_non_null(c->out_contents);
        for (int k = 0; k < 2; k++) assert_dim_text(c, c->out_contents[k], rows[i].expected[k]);
        operator_case_destroy(c);
    }
}

static void known_bools_give_known_conjunctions(void **state) {
    (void)state;
    operator_case *c = create(&qn_op_reduce_all, 0, 1, (int32_t[]){0});
    put_x(c, QN_DTYPE_BOOL, DIMS(3), NULL);
    qn_dim h = operator_case_symbol(c, "h", 1, 1000), limit = qn_dim_const(c->dims, 513);
    qn_dim small = qn_dim_ge(c->dims, limit, h), yes = qn_dim_const(c->dims, 1);
    qn_dim elements[3] = {yes, small, yes};
    c->contents[0] = elements;
    assert_null(operator_case_infer(c));
    assert_non_null(c->out_contents);
    assert_true(qn_dim_same(c->out_contents[0], small));
    operator_case_destroy(c);
}

static void wrong_axes_are_named(void **state) {
    (void)state;
    operator_case *c = create(&qn_op_reduce_sum, 0, 2, (int32_t[]){0, 3});
    put_x(c, QN_DTYPE_F32, DIMS(2, 3, 2), x);
    assert_infer_fails(c, "axes[1] is 3, but x has rank 3");
    operator_case_destroy(c);
    c = create(&qn_op_reduce_sum, 0, 2, (int32_t[]){1, -2});
    put_x(c, QN_DTYPE_F32, DIMS(2, 3, 2), x);
    assert_infer_fails(c, "axes names axis 1 twice");
    operator_case_destroy(c);
    c = create(&qn_op_reduce_sum, 0, 2, NULL);
    put_x(c, QN_DTYPE_F32, DIMS(2, 3, 2), x);
    assert_infer_fails(c, "axes depend on the input; give them as a constant");
    operator_case_destroy(c);
}

/* ---- argmax, argmin ---- */

static void expect_arg(const qn_op_def *op, int64_t axis, qn_dtype dtype, const float *data, int rank,
                       const int64_t *dims, const int64_t *expected) {
    operator_case *c = operator_case_create(op);
    *(qn_argreduce_attrs *)c->attrs = (qn_argreduce_attrs){axis, dtype};
    operator_case_input(c, QN_DTYPE_F32, DIMS(2, 3, 2), data);
    const qn_view *out = operator_case_run(c);
    assert_view_dims(out, dtype, rank, dims);
    assert_view_ints(out, expected);
    operator_case_destroy(c);
}

static void argmax_finds_the_index_along_any_axis(void **state) {
    (void)state;
    expect_arg(&qn_op_argmax, 2, QN_DTYPE_S64, x, DIMS(2, 3), (int64_t[]){0, 1, 0, 1, 1, 1});
    expect_arg(&qn_op_argmax, 1, QN_DTYPE_S32, x, DIMS(2, 2), (int64_t[]){2, 1, 1, 2});
    expect_arg(&qn_op_argmax, 0, QN_DTYPE_U8, x, DIMS(3, 2), (int64_t[]){1, 1, 1, 1, 0, 1});
    expect_arg(&qn_op_argmin, 1, QN_DTYPE_F32, x, DIMS(2, 2), (int64_t[]){0, 2, 2, 0});
}

static void the_first_of_equals_wins(void **state) {
    (void)state;
    const float equal[12] = {0};
    expect_arg(&qn_op_argmax, 1, QN_DTYPE_S64, equal, DIMS(2, 2), (int64_t[]){0, 0, 0, 0});
    expect_arg(&qn_op_argmin, 2, QN_DTYPE_S64, equal, DIMS(2, 3), (int64_t[]){0, 0, 0, 0, 0, 0});
}

static void a_nan_never_wins_over_what_came_before(void **state) {
    (void)state;
    const float data[] = {1, NAN, 2, NAN, NAN, 3, 0, 0, 0, 0, 0, 0};
    expect_arg(&qn_op_argmax, 2, QN_DTYPE_S64, data, DIMS(2, 3), (int64_t[]){0, 0, 0, 0, 0, 0});
}

static void labels_have_to_be_integers_or_f32(void **state) {
    (void)state;
    operator_case *c = operator_case_create(&qn_op_argmax);
    ((qn_argreduce_attrs *)c->attrs)->dtype = QN_DTYPE_BOOL;
    operator_case_input(c, QN_DTYPE_F32, DIMS(2, 3), x);
    assert_infer_fails(c, "dtype is bool; expected an integer type or f32");
    *(qn_argreduce_attrs *)c->attrs = (qn_argreduce_attrs){2, QN_DTYPE_S64};
    assert_infer_fails(c, "axis is 2, but x has rank 2");
    operator_case_destroy(c);
}

static void argmax_over_an_empty_axis_is_refused(void **state) {
    (void)state;
    operator_case *c = operator_case_create(&qn_op_argmax);
    ((qn_argreduce_attrs *)c->attrs)->axis = 1;
    operator_case_input(c, QN_DTYPE_F32, DIMS(2, 0), x);
    assert_infer_fails(c, "axis 1 of x is empty");
    operator_case_destroy(c);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sums_run_along_an_axis_from_either_end),
        cmocka_unit_test(sums_are_those_of_adding_one_by_one),
        cmocka_unit_test(each_reduction_over_the_middle_axis),
        cmocka_unit_test(several_axes_in_any_order_reduce_together),
        cmocka_unit_test(no_axes_leave_everything_as_it_is),
        cmocka_unit_test(all_and_any_of_bools),
        cmocka_unit_test(integer_mean_rounds_towards_zero_and_sums_do_not_saturate),
        cmocka_unit_test(reductions_of_nothing_give_the_neutral_element),
        cmocka_unit_test(a_nan_makes_the_maximum_nan),
        cmocka_unit_test(known_elements_give_known_results),
        cmocka_unit_test(known_bools_give_known_conjunctions),
        cmocka_unit_test(wrong_axes_are_named),
        cmocka_unit_test(argmax_finds_the_index_along_any_axis),
        cmocka_unit_test(the_first_of_equals_wins),
        cmocka_unit_test(a_nan_never_wins_over_what_came_before),
        cmocka_unit_test(labels_have_to_be_integers_or_f32),
        cmocka_unit_test(argmax_over_an_empty_axis_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
