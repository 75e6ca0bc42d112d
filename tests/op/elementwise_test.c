/* Unary, binary, cast, leaky_relu and select on small literals; the expected numbers come from NumPy (float64, rounded
 * once) and TensorFlow. */
#include "operator_case.h"

#include <math.h>
#include <string.h>

enum { COUNT = 10 };
static const float points[COUNT] = {-7.5f, -2.5f, -1.0f, -0.5f, -0.0f, 0.5f, 1.5f, 2.5f, 6.25f, 20.0f};

static void expect_unary(const char *name, const float *x, const float *y, int64_t count) {
    operator_case *c = operator_case_create(qn_op_find(name));
    operator_case_input(c, QN_DTYPE_F32, DIMS(count), x);
    const qn_view *out = operator_case_run(c);
    assert_view_dims(out, QN_DTYPE_F32, DIMS(count));
    assert_view_floats(out, y, 0);
    operator_case_destroy(c);
}

static void unary_operators_give_the_nearest_floats(void **state) {
    (void)state;
    static const struct {
        const char *name;
        float y[COUNT];
    } rows[] = {
        {"abs", {7.5f, 2.5f, 1, 0.5f, 0, 0.5f, 1.5f, 2.5f, 6.25f, 20}},
        {"neg", {7.5f, 2.5f, 1, 0.5f, 0, -0.5f, -1.5f, -2.5f, -6.25f, -20}},
        {"exp",
         {0.000553084363f, 0.0820849985f, 0.36787945f, 0.606530666f, 1, 1.64872122f, 4.48168898f, 12.1824942f,
          518.012817f, 485165184.0f}},
        {"sigmoid",
         {0.000552778656f, 0.0758581832f, 0.268941432f, 0.377540678f, 0.5f, 0.622459352f, 0.817574501f, 0.924141824f,
          0.99807328f, 1}},
        {"tanh",
         {-0.999999404f, -0.986614287f, -0.761594176f, -0.462117165f, 0, 0.462117165f, 0.905148268f, 0.986614287f,
          0.999992549f, 1}},
        {"softplus",
         {0.000552931451f, 0.078889735f, 0.313261688f, 0.474076986f, 0.693147182f, 0.974076986f, 1.70141327f,
          2.57888985f, 6.25192881f, 20}},
        {"elu", {-0.999446929f, -0.917914987f, -0.63212055f, -0.393469334f, 0, 0.5f, 1.5f, 2.5f, 6.25f, 20}},
        {"selu",
         {-1.75712693f, -1.61378574f, -1.11133075f, -0.691758215f, 0, 0.525350511f, 1.57605147f, 2.62675238f,
          6.56688118f, 21.014019f}},
        {"square", {56.25f, 6.25f, 1, 0.25f, 0, 0.25f, 2.25f, 6.25f, 39.0625f, 400}},
        {"relu", {0, 0, 0, 0, 0, 0.5f, 1.5f, 2.5f, 6.25f, 20}},
        {"relu6", {0, 0, 0, 0, 0, 0.5f, 1.5f, 2.5f, 6, 6}},
        {"floor", {-8, -3, -1, -1, 0, 0, 1, 2, 6, 20}},
        {"ceil", {-7, -2, -1, 0, 0, 1, 2, 3, 7, 20}},
        {"round", {-8, -2, -1, 0, 0, 0, 2, 2, 6, 20}},
        {"sign", {-1, -1, -1, -1, 0, 1, 1, 1, 1, 1}},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) expect_unary(rows[i].name, points, rows[i].y, COUNT);
    static const float positive[] = {0.25f, 0.5f, 1, 2, 3, 10, 100};
    expect_unary("log", positive,
                 (float[]){-1.38629436f, -0.693147182f, 0, 0.693147182f, 1.09861231f, 2.30258512f, 4.60517025f}, 7);
    expect_unary("sqrt", positive, (float[]){0.5f, 0.707106769f, 1, 1.41421354f, 1.73205078f, 3.1622777f, 10}, 7);
    expect_unary("rsqrt", positive, (float[]){2, 1.41421354f, 1, 0.707106769f, 0.577350259f, 0.316227764f, 0.1f}, 7);
}

static void leaky_relu_scales_what_is_negative(void **state) {
    (void)state;
    operator_case *c = operator_case_create(&qn_op_leaky_relu);
    operator_case_set(c, "alpha", "0.3");
    operator_case_input(c, QN_DTYPE_F32, DIMS(COUNT), points);
    assert_view_floats(operator_case_run(c),
                       (float[]){-2.25f, -0.75f, -0.300000012f, -0.150000006f, 0, 0.5f, 1.5f, 2.5f, 6.25f, 20}, 0);
    operator_case_destroy(c);
}

static void a_nan_goes_through_activations_maximum_and_sign(void **state) {
    (void)state;
    static const char *const names[] = {"relu", "relu6", "sign", "abs", "floor", "tanh"};
    static const float nan_first[2] = {NAN, 1}, nan_last[2] = {1, NAN};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        operator_case *c = operator_case_create(qn_op_find(names[i]));
        operator_case_input(c, QN_DTYPE_F32, DIMS(2), nan_first);
        assert_true(isnan(qn_view_get(operator_case_run(c), 0)));
        operator_case_destroy(c);
    }
    for (int i = 0; i < 2; i++) {
        operator_case *c = operator_case_create(i ? &qn_op_minimum : &qn_op_maximum);
        operator_case_input(c, QN_DTYPE_F32, DIMS(2), nan_first);
        operator_case_input(c, QN_DTYPE_F32, DIMS(2), nan_last);
        const qn_view *out = operator_case_run(c);
        assert_true(isnan(qn_view_get(out, 0)) && isnan(qn_view_get(out, 1)));
        operator_case_destroy(c);
    }
}

static void integers_go_through_unary_operators_exactly(void **state) {
    (void)state;
    static const int8_t x[4] = {-128, -3, 0, 7};
    static const struct {
        const char *name;
        int64_t y[4];
    } rows[] = {{"abs", {-128, 3, 0, 7}}, {"neg", {-128, 3, 0, -7}}, {"square", {0, 9, 0, 49}},
                {"sign", {-1, -1, 0, 1}}, {"relu6", {0, 0, 0, 6}},   {"round", {-128, -3, 0, 7}}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        operator_case *c = operator_case_create(qn_op_find(rows[i].name));
        operator_case_input(c, QN_DTYPE_S8, DIMS(4), x);
        assert_view_ints(operator_case_run(c), rows[i].y);
        operator_case_destroy(c);
    }
}

static void expect_ints(const char *name, int64_t count, const int32_t *a, const int32_t *b, const int64_t *y) {
    operator_case *c = operator_case_create(qn_op_find(name));
    operator_case_input(c, QN_DTYPE_S32, DIMS(count), a);
    operator_case_input(c, QN_DTYPE_S32, DIMS(count), b);
    assert_view_ints(operator_case_run(c), y);
    operator_case_destroy(c);
}

static void integer_division_truncates_or_floors_as_its_name_says(void **state) {
    (void)state;
    static const int32_t a[6] = {7, -7, 7, -7, 0, 6}, b[6] = {2, 2, -2, -2, 5, 3};
    expect_ints("div", 6, a, b, (int64_t[]){3, -3, -3, 3, 0, 2});
    expect_ints("floor_div", 6, a, b, (int64_t[]){3, -4, -4, 3, 0, 2});
    expect_ints("floor_mod", 6, a, b, (int64_t[]){1, 1, -1, -1, 0, 0});
}

static void integer_arithmetic_wraps(void **state) {
    (void)state;
    static const int32_t a[3] = {INT32_MAX, INT32_MIN, 65536}, b[3] = {1, -1, 65536};
    expect_ints("add", 3, a, b, (int64_t[]){INT32_MIN, INT32_MAX, 131072});
    expect_ints("sub", 3, a, b, (int64_t[]){INT32_MAX - 1, INT32_MIN + 1, 0});
    expect_ints("mul", 3, a, b, (int64_t[]){INT32_MAX, INT32_MIN, 0});
    expect_ints("div", 3, a, b, (int64_t[]){INT32_MAX, INT32_MIN, 1});
    expect_ints("floor_mod", 3, a, b, (int64_t[]){0, 0, 0});
    expect_ints("pow", 3, (int32_t[]){2, -3, 3}, (int32_t[]){31, 3, 0}, (int64_t[]){INT32_MIN, -27, 1});
    static const int64_t big[2] = {INT64_MIN, INT64_MAX}, minus[2] = {-1, 3};
    operator_case *c = operator_case_create(&qn_op_mul);
    operator_case_input(c, QN_DTYPE_S64, DIMS(2), big);
    operator_case_input(c, QN_DTYPE_S64, DIMS(2), minus);
    assert_view_ints(operator_case_run(c), (int64_t[]){INT64_MIN, INT64_MAX - 2});
    operator_case_destroy(c);
}

static void dividing_an_integer_by_zero_is_an_error(void **state) {
    (void)state;
    static const char *const names[] = {"div", "floor_div", "floor_mod"};
    static const int32_t a[2] = {4, 4}, b[2] = {2, 0};
    for (int i = 0; i < 3; i++) {
        operator_case *c = operator_case_create(qn_op_find(names[i]));
        operator_case_input(c, QN_DTYPE_S32, DIMS(2), a);
        operator_case_input(c, QN_DTYPE_S32, DIMS(2), b);
        assert_null(operator_case_infer(c));
        assert_null(c->out_contents);
        qn_status *status = operator_case_eval(c);
        assert_int_equal(qn_status_code(status), QN_INVALID_ARGUMENT);
        assert_non_null(strstr(qn_status_message(status), "division by zero"));
        qn_status_free(status);
        operator_case_destroy(c);
    }
}

static void expect_floats(const char *name, int64_t count, const float *a, const float *b, const float *y) {
    operator_case *c = operator_case_create(qn_op_find(name));
    operator_case_input(c, QN_DTYPE_F32, DIMS(count), a);
    operator_case_input(c, QN_DTYPE_F32, DIMS(count), b);
    assert_view_floats(operator_case_run(c), y, 0);
    operator_case_destroy(c);
}

static void float_arithmetic_rounds_each_step_to_f32(void **state) {
    (void)state;
    static const float a[6] = {7.5f, -7.5f, 7.5f, -7.5f, 0.3f, -1}, b[6] = {2, 2, -2, -2, 0.1f, 3};
    expect_floats("div", 6, a, b, (float[]){3.75f, -3.75f, -3.75f, 3.75f, 3, -0.333333343f});
    expect_floats("floor_div", 6, a, b, (float[]){3, -4, -4, 3, 3, -1});
    expect_floats("floor_mod", 6, a, b, (float[]){1.5f, 0.5f, -0.5f, -1.5f, 7.4505806e-09f, 2});
    expect_floats("squared_difference", 6, a, b, (float[]){30.25f, 90.25f, 90.25f, 30.25f, 0.0400000066f, 16});
    expect_floats("maximum", 6, a, b, (float[]){7.5f, 2, 7.5f, -2, 0.3f, 3});
    expect_floats("minimum", 6, a, b, (float[]){2, -7.5f, -2, -7.5f, 0.1f, -1});
    expect_floats("pow", 4, (float[]){2, 0.5f, -3, 9}, (float[]){0.5f, -2, 3, 0.5f}, (float[]){1.41421354f, 4, -27, 3});
    expect_floats("add", 2, (float[]){16777216, 0.1f}, (float[]){1, 0.2f}, (float[]){16777216, 0.300000012f});
}

static void operands_broadcast_to_each_other(void **state) {
    (void)state;
    static const float column[2] = {10, 20}, row[3] = {1, 2, 3};
    operator_case *c = operator_case_create(&qn_op_sub);
    operator_case_input(c, QN_DTYPE_F32, DIMS(2, 1), column);
    operator_case_input(c, QN_DTYPE_F32, DIMS(3), row);
    const qn_view *out = operator_case_run(c);
    assert_view_dims(out, QN_DTYPE_F32, DIMS(2, 3));
    assert_view_floats(out, (float[]){9, 8, 7, 19, 18, 17}, 0);
    operator_case_destroy(c);
}

static void comparisons_give_booleans_and_nan_equals_nothing(void **state) {
    (void)state;
    static const float a[4] = {1, 2, 3, NAN}, b[4] = {2, 2, 2, NAN};
    static const struct {
        const char *name;
        int64_t y[4];
    } rows[] = {{"less", {1, 0, 0, 0}},          {"less_equal", {1, 1, 0, 0}}, {"greater", {0, 0, 1, 0}},
                {"greater_equal", {0, 1, 1, 0}}, {"equal", {0, 1, 0, 0}},      {"not_equal", {1, 0, 1, 1}}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        operator_case *c = operator_case_create(qn_op_find(rows[i].name));
        operator_case_input(c, QN_DTYPE_F32, DIMS(4), a);
        operator_case_input(c, QN_DTYPE_F32, DIMS(4), b);
        const qn_view *out = operator_case_run(c);
        assert_view_dims(out, QN_DTYPE_BOOL, DIMS(4));
        assert_view_ints(out, rows[i].y);
        operator_case_destroy(c);
    }
}

static void logic_works_on_booleans_only(void **state) {
    (void)state;
    static const uint8_t a[4] = {0, 0, 1, 1}, b[4] = {0, 1, 0, 1};
    static const int64_t both[4] = {0, 0, 0, 1}, either[4] = {0, 1, 1, 1}, opposite[4] = {1, 1, 0, 0};
    for (int i = 0; i < 3; i++) {
        operator_case *c = operator_case_create(i == 0   ? &qn_op_logical_and
                                                : i == 1 ? &qn_op_logical_or
                                                         : &qn_op_logical_not);
        operator_case_input(c, QN_DTYPE_BOOL, DIMS(4), a);
        if (i < 2) operator_case_input(c, QN_DTYPE_BOOL, DIMS(4), b);
        assert_view_ints(operator_case_run(c), i == 0 ? both : i == 1 ? either : opposite);
        operator_case_destroy(c);
    }
    operator_case *c = operator_case_create(&qn_op_logical_not);
    operator_case_input(c, QN_DTYPE_F32, DIMS(2), points);
    assert_infer_fails(c, "expected 'x' of type bool, found f32");
    operator_case_destroy(c);
}

static void operands_of_two_dtypes_are_refused(void **state) {
    (void)state;
    operator_case *c = operator_case_create(&qn_op_add);
    operator_case_input(c, QN_DTYPE_F32, DIMS(2), NULL);
    operator_case_input(c, QN_DTYPE_S32, DIMS(2), NULL);
    assert_infer_fails(c, "s32");
    operator_case_destroy(c);
}

static const qn_view *run_cast(operator_case *c, qn_dtype from, int64_t count, const void *data, qn_dtype to) {
    ((qn_cast_attrs *)c->attrs)->dtype = to;
    operator_case_input(c, from, DIMS(count), data);
    return operator_case_run(c);
}

static void a_float_becomes_an_integer_towards_zero_and_stops_at_the_ends(void **state) {
    (void)state;
    static const float x[8] = {-1.9f, -0.5f, 1.9f, 255.9f, 300, -1e30f, 1e30f, NAN};
    static const struct {
        qn_dtype to;
        int64_t y[8];
    } rows[] = {
        {QN_DTYPE_U8, {0, 0, 1, 255, 255, 0, 255, 0}},
        {QN_DTYPE_S8, {-1, 0, 1, 127, 127, -128, 127, 0}},
        {QN_DTYPE_S32, {-1, 0, 1, 255, 300, INT32_MIN, INT32_MAX, 0}},
        {QN_DTYPE_S64, {-1, 0, 1, 255, 300, INT64_MIN, INT64_MAX, 0}},
        {QN_DTYPE_U32, {0, 0, 1, 255, 300, 0, UINT32_MAX, 0}},
        {QN_DTYPE_U64, {0, 0, 1, 255, 300, 0, -1, 0}},
        {QN_DTYPE_BOOL, {1, 1, 1, 1, 1, 1, 1, 1}},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        operator_case *c = operator_case_create(&qn_op_cast);
        const qn_view *out = run_cast(c, QN_DTYPE_F32, 8, x, rows[i].to);
        assert_view_dims(out, rows[i].to, DIMS(8));
        assert_view_ints(out, rows[i].y);
        operator_case_destroy(c);
    }
}

static void an_integer_becomes_the_nearest_float_or_wraps(void **state) {
    (void)state;
    /* Through double the second would round down before it is rounded to f32. */
    static const int64_t x[3] = {255, (INT64_C(1) << 60) + (INT64_C(1) << 36) + 1, -1};
    operator_case *c = operator_case_create(&qn_op_cast);
    assert_view_floats(run_cast(c, QN_DTYPE_S64, 3, x, QN_DTYPE_F32), (float[]){255, 0x1.000002p60f, -1}, 0);
    operator_case_destroy(c);
    c = operator_case_create(&qn_op_cast);
    assert_view_floats(run_cast(c, QN_DTYPE_U64, 3, x, QN_DTYPE_F32), (float[]){255, 0x1.000002p60f, 0x1p64f}, 0);
    operator_case_destroy(c);
    c = operator_case_create(&qn_op_cast);
    assert_view_ints(run_cast(c, QN_DTYPE_S64, 3, x, QN_DTYPE_S8), (int64_t[]){-1, 1, -1});
    operator_case_destroy(c);
}

static void select_picks_by_a_broadcast_condition(void **state) {
    (void)state;
    static const uint8_t condition[2] = {1, 0};
    static const int32_t a[3] = {1, 2, 3}, b[2] = {10, 20};
    operator_case *c = operator_case_create(&qn_op_select);
    operator_case_input(c, QN_DTYPE_BOOL, DIMS(2, 1), condition);
    operator_case_input(c, QN_DTYPE_S32, DIMS(3), a);
    operator_case_input(c, QN_DTYPE_S32, DIMS(2, 1), b);
    const qn_view *out = operator_case_run(c);
    assert_view_dims(out, QN_DTYPE_S32, DIMS(2, 3));
    assert_view_ints(out, (int64_t[]){1, 2, 3, 20, 20, 20});
    operator_case_destroy(c);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(unary_operators_give_the_nearest_floats),
        cmocka_unit_test(leaky_relu_scales_what_is_negative),
        cmocka_unit_test(a_nan_goes_through_activations_maximum_and_sign),
        cmocka_unit_test(integers_go_through_unary_operators_exactly),
        cmocka_unit_test(integer_division_truncates_or_floors_as_its_name_says),
        cmocka_unit_test(integer_arithmetic_wraps),
        cmocka_unit_test(dividing_an_integer_by_zero_is_an_error),
        cmocka_unit_test(float_arithmetic_rounds_each_step_to_f32),
        cmocka_unit_test(operands_broadcast_to_each_other),
        cmocka_unit_test(comparisons_give_booleans_and_nan_equals_nothing),
        cmocka_unit_test(logic_works_on_booleans_only),
        cmocka_unit_test(operands_of_two_dtypes_are_refused),
        cmocka_unit_test(a_float_becomes_an_integer_towards_zero_and_stops_at_the_ends),
        cmocka_unit_test(an_integer_becomes_the_nearest_float_or_wraps),
        cmocka_unit_test(select_picks_by_a_broadcast_condition),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
