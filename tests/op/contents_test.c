/* Shapes and small integers as expressions: what infer makes of symbols, and what it demands of them. */
#include "operator_case.h"

#include <string.h>

/* A case whose inputs are given by type and contents only. */
static void add_symbolic(operator_case *c, qn_dtype dtype, int rank, const qn_dim *dims, const qn_dim *contents) {
    qn_type *type = &c->types[c->input_count];
    type->dtype = dtype;
    type->rank = rank;
    for (int i = 0; i < rank; i++) type->dims[i] = dims[i];
    c->contents[c->input_count++] = contents;
}

static qn_dim number(operator_case *c, int64_t value) { return qn_dim_const(c->dims, value); }

static void add_vector(operator_case *c, int64_t count, const qn_dim *contents) {
    qn_dim dims[1] = {number(c, count)};
    add_symbolic(c, QN_DTYPE_S32, 1, dims, contents);
}

static void add_scalar(operator_case *c, qn_dtype dtype, qn_dim contents) {
    qn_dim *element = QN_ARENA_NEW(&c->arena, qn_dim);
    assert_non_null(element);
    *element = contents;
    add_symbolic(c, dtype, 0, NULL, element);
}

/* The contents of `op`(h, b). */
static void expect_scalar(const char *name, int64_t b, const char *text) {
    operator_case *c = operator_case_create(qn_op_find(name));
    add_scalar(c, QN_DTYPE_S32, operator_case_symbol(c, "h", 1, 513));
    add_scalar(c, QN_DTYPE_S32, number(c, b));
    assert_null(operator_case_infer(c));
    assert_non_null(c->out_contents);
    assert_dim_text(c, c->out_contents[0], text);
    operator_case_destroy(c);
}

static void arithmetic_on_symbols_becomes_expressions(void **state) {
    (void)state;
    expect_scalar("add", 7, "h + 7");
    expect_scalar("sub", 7, "h + -7");
    expect_scalar("mul", 0, "0");
    expect_scalar("maximum", 513, "513");
    expect_scalar("maximum", 1, "h");
    expect_scalar("minimum", 600, "h");
    expect_scalar("div", 1, "h");
    expect_scalar("floor_div", 600, "0");
    expect_scalar("floor_mod", 600, "h");
    expect_scalar("less", 514, "1");
    expect_scalar("greater_equal", 1, "1");
    expect_scalar("greater", 513, "0");
    expect_scalar("equal", 0, "0");
    expect_scalar("not_equal", 0, "1");
}

static void division_by_what_may_be_zero_stays_unknown(void **state) {
    (void)state;
    static const char *const names[] = {"div", "floor_div", "floor_mod"};
    for (int i = 0; i < 3; i++) {
        operator_case *c = operator_case_create(qn_op_find(names[i]));
        add_scalar(c, QN_DTYPE_S32, number(c, 5));
        add_scalar(c, QN_DTYPE_S32, operator_case_symbol(c, "h", 0, 9));
        assert_null(operator_case_infer(c));
        assert_null(c->out_contents);
        operator_case_destroy(c);
    }
}

static void what_could_wrap_or_overflow_stays_unknown(void **state) {
    (void)state;
    operator_case *c = operator_case_create(&qn_op_mul);
    add_scalar(c, QN_DTYPE_S32, operator_case_symbol(c, "h", 0, 65536));
    add_scalar(c, QN_DTYPE_S32, number(c, 65536));
    assert_null(operator_case_infer(c));
    assert_null(c->out_contents);
    operator_case_destroy(c);
    c = operator_case_create(&qn_op_mul);
    add_scalar(c, QN_DTYPE_S64, number(c, INT64_MAX / 2));
    add_scalar(c, QN_DTYPE_S64, number(c, 3));
    assert_null(operator_case_infer(c)); /* the overflow is no failure of the graph */
    assert_null(c->out_contents);
    operator_case_destroy(c);
    c = operator_case_create(&qn_op_cast);
    ((qn_cast_attrs *)c->attrs)->dtype = QN_DTYPE_U8;
    add_scalar(c, QN_DTYPE_S32, operator_case_symbol(c, "h", 0, 256));
    assert_null(operator_case_infer(c));
    assert_null(c->out_contents);
    operator_case_destroy(c);
}

static void casts_and_logic_keep_symbols(void **state) {
    (void)state;
    operator_case *c = operator_case_create(&qn_op_cast);
    ((qn_cast_attrs *)c->attrs)->dtype = QN_DTYPE_S64;
    add_scalar(c, QN_DTYPE_S32, operator_case_symbol(c, "h", 1, 513));
    assert_null(operator_case_infer(c));
    assert_dim_text(c, c->out_contents[0], "h");
    operator_case_destroy(c);
    c = operator_case_create(&qn_op_cast);
    ((qn_cast_attrs *)c->attrs)->dtype = QN_DTYPE_BOOL;
    add_scalar(c, QN_DTYPE_S32, operator_case_symbol(c, "h", 1, 513));
    assert_null(operator_case_infer(c));
    assert_dim_text(c, c->out_contents[0], "1");
    operator_case_destroy(c);
    c = operator_case_create(&qn_op_logical_not);
    add_scalar(c, QN_DTYPE_BOOL, number(c, 0));
    assert_null(operator_case_infer(c));
    assert_dim_text(c, c->out_contents[0], "1");
    operator_case_destroy(c);
}

static void select_of_a_symbolic_condition_is_an_expression(void **state) {
    (void)state;
    operator_case *c = operator_case_create(&qn_op_select);
    qn_dim p = operator_case_symbol(c, "p", 0, 1);
    add_scalar(c, QN_DTYPE_BOOL, p);
    add_scalar(c, QN_DTYPE_S32, number(c, 7));
    add_scalar(c, QN_DTYPE_S32, number(c, 3));
    assert_null(operator_case_infer(c));
    qn_dim expected = qn_dim_add(c->dims, qn_dim_mul(c->dims, p, number(c, 4)), number(c, 3));
    assert_true(qn_dim_same(c->out_contents[0], expected));
    operator_case_destroy(c);
}

static void shape_and_size_are_their_dims(void **state) {
    (void)state;
    for (int size = 0; size < 2; size++) {
        operator_case *c = operator_case_create(size ? &qn_op_size : &qn_op_shape);
        qn_dim dims[3] = {number(c, 1), operator_case_symbol(c, "h", 1, 513), number(c, 3)};
        add_symbolic(c, QN_DTYPE_F32, 3, dims, NULL);
        assert_null(operator_case_infer(c));
        assert_true(qn_dim_same(c->out_contents[size ? 0 : 1], size ? qn_dim_mul(c->dims, dims[1], dims[2]) : dims[1]));
        operator_case_destroy(c);
    }
}

/* DeepLab pads a picture of h rows by max(513 - h, 0): the result has 513. */
static void pad_adds_symbolic_paddings(void **state) {
    (void)state;
    operator_case *c = operator_case_create(&qn_op_pad);
    qn_dim h = operator_case_symbol(c, "h", 1, 513), zero = number(c, 0);
    qn_dim dims[2] = {h, number(c, 3)}, rows[2] = {number(c, 2), number(c, 2)};
    qn_dim paddings[4] = {zero, qn_dim_max(c->dims, qn_dim_sub(c->dims, number(c, 513), h), zero), zero, zero};
    add_symbolic(c, QN_DTYPE_F32, 2, dims, NULL);
    add_symbolic(c, QN_DTYPE_S32, 2, rows, paddings);
    assert_null(operator_case_infer(c));
    assert_dim_text(c, c->out_type.dims[0], "513");
    assert_int_equal(c->demands.size, 0);
    operator_case_destroy(c);
}

static void pad_demands_paddings_that_are_not_negative(void **state) {
    (void)state;
    operator_case *c = operator_case_create(&qn_op_pad);
    qn_dim h = operator_case_symbol(c, "h", 1, QN_DIM_UNBOUNDED);
    qn_dim dims[1] = {h}, rows[2] = {number(c, 1), number(c, 2)};
    qn_dim paddings[2] = {number(c, 0), qn_dim_sub(c->dims, number(c, 513), h)};
    add_symbolic(c, QN_DTYPE_F32, 1, dims, NULL);
    add_symbolic(c, QN_DTYPE_S32, 2, rows, paddings);
    assert_null(operator_case_infer(c));
    assert_dim_text(c, c->out_type.dims[0], "513");
    assert_non_null(strstr(qn_buffer_text(&c->demands), "expected paddings[0][1] of at least 0, found "));
    operator_case_destroy(c);
}

static void expect_reshape(int want_free, int want_symbol, const char *text) {
    operator_case *c = operator_case_create(&qn_op_reshape);
    qn_dim n = operator_case_symbol(c, "n", 0, 8), h = operator_case_symbol(c, "h", 1, 513);
    qn_dim dims[3] = {n, h, number(c, 32)};
    qn_dim target[2] = {want_symbol ? n : number(c, 32),
                        want_free ? number(c, -1) : qn_dim_mul(c->dims, h, number(c, 32))};
    add_symbolic(c, QN_DTYPE_F32, 3, dims, NULL);
    add_vector(c, 2, target);
    assert_null(operator_case_infer(c));
    assert_dim_text(c, c->out_type.dims[1], text);
    operator_case_destroy(c);
}

static void reshape_divides_symbols_by_themselves(void **state) {
    (void)state;
    expect_reshape(1, 1, "32 * h");
    expect_reshape(0, 1, "32 * h");
    expect_reshape(1, 0, "n * h");
}

/* Boxes that may be none: [n, 7, 32] to [n, -1] has 224 columns even then. */
static void reshape_of_what_may_be_empty_keeps_the_other_dims(void **state) {
    (void)state;
    static const struct {
        int64_t target[2];
        const char *text[2];
    } rows[] = {{{0, -1}, {"0", "224"}}, {{-1, 32}, {"7 * n", "32"}}, {{-2, -1}, {"n", "224"}}};
    for (int i = 0; i < 3; i++) {
        operator_case *c = operator_case_create(&qn_op_reshape);
        qn_dim n = operator_case_symbol(c, "n", 0, i ? 8 : 0), dims[3] = {n, number(c, 7), number(c, 32)}, target[2];
        for (int k = 0; k < 2; k++) target[k] = rows[i].target[k] == -2 ? n : number(c, rows[i].target[k]);
        add_symbolic(c, QN_DTYPE_F32, 3, dims, NULL);
        add_vector(c, 2, target);
        assert_null(operator_case_infer(c));
        for (int k = 0; k < 2; k++) assert_dim_text(c, c->out_type.dims[k], rows[i].text[k]);
        operator_case_destroy(c);
    }
}

static void reshape_to_numbers_pins_a_symbol(void **state) {
    (void)state;
    operator_case *c = operator_case_create(&qn_op_reshape);
    qn_dim dims[2] = {operator_case_symbol(c, "n", 1, 8), number(c, 1001)}, target[2] = {number(c, 1), number(c, 1001)};
    add_symbolic(c, QN_DTYPE_F32, 2, dims, NULL);
    add_vector(c, 2, target);
    assert_null(operator_case_infer(c));
    assert_non_null(
        strstr(qn_buffer_text(&c->demands), "expected as many elements as [n, 1001] has, found shape [1, 1001]"));
    operator_case_destroy(c);
}

static void squeeze_without_axes_needs_to_know_every_dim(void **state) {
    (void)state;
    operator_case *c = operator_case_create(&qn_op_squeeze);
    qn_dim dims[2] = {operator_case_symbol(c, "n", 1, 8), number(c, 1)};
    add_symbolic(c, QN_DTYPE_F32, 2, dims, NULL);
    assert_infer_fails(c, "dim 0 (n) may be 1 or not");
    ((qn_axes_attrs *)c->attrs)->axes = (qn_ints){1, {1}};
    assert_null(operator_case_infer(c));
    assert_int_equal(c->out_type.rank, 1);
    operator_case_destroy(c);
}

static void concat_adds_symbols_along_its_axis(void **state) {
    (void)state;
    operator_case *c = operator_case_create(&qn_op_concat);
    qn_dim h = operator_case_symbol(c, "h", 1, 513), w = operator_case_symbol(c, "w", 1, 513);
    qn_dim first[2] = {h, w}, second[2] = {number(c, 2), number(c, 5)};
    add_symbolic(c, QN_DTYPE_F32, 2, first, NULL);
    add_symbolic(c, QN_DTYPE_F32, 2, second, NULL);
    assert_null(operator_case_infer(c));
    assert_dim_text(c, c->out_type.dims[0], "h + 2");
    assert_dim_text(c, c->out_type.dims[1], "5"); /* the number is the better of both */
    assert_non_null(strstr(qn_buffer_text(&c->demands), "expected inputs with equal dims 1, found w and 5"));
    operator_case_destroy(c);
}

static void fill_tile_and_range_take_symbols(void **state) {
    (void)state;
    operator_case *c = operator_case_create(&qn_op_fill);
    qn_dim h = operator_case_symbol(c, "h", 1, 513), target[2] = {h, number(c, 2)};
    add_vector(c, 2, target);
    add_scalar(c, QN_DTYPE_S32, number(c, 4));
    assert_null(operator_case_infer(c));
    assert_true(qn_dim_same(c->out_type.dims[0], h));
    operator_case_destroy(c);

    c = operator_case_create(&qn_op_tile);
    qn_dim dims[1] = {number(c, 3)}, multiples[1] = {operator_case_symbol(c, "n", 0, 8)};
    add_symbolic(c, QN_DTYPE_F32, 1, dims, NULL);
    add_vector(c, 1, multiples);
    assert_null(operator_case_infer(c));
    assert_dim_text(c, c->out_type.dims[0], "3 * n");
    operator_case_destroy(c);

    c = operator_case_create(&qn_op_range);
    add_scalar(c, QN_DTYPE_S32, number(c, 0));
    add_scalar(c, QN_DTYPE_S32, operator_case_symbol(c, "h", 1, 513));
    add_scalar(c, QN_DTYPE_S32, number(c, 1));
    assert_null(operator_case_infer(c));
    assert_dim_text(c, c->out_type.dims[0], "h");
    operator_case_destroy(c);
}

static void unknown_control_inputs_leave_dims_to_the_run(void **state) {
    (void)state;
    static const struct {
        const char *name;
        int64_t low, high;
    } rows[] = {{"tile", 0, QN_DIM_UNBOUNDED}, {"reshape", 0, 6}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        operator_case *c = operator_case_create(qn_op_find(rows[i].name));
        qn_dim dims[1] = {number(c, 6)};
        int64_t low, high;
        add_symbolic(c, QN_DTYPE_F32, 1, dims, NULL);
        add_vector(c, 1, NULL);
        assert_null(operator_case_infer(c));
        qn_dim_range(c->dims, c->out_type.dims[0], &low, &high);
        assert_true(low == rows[i].low && high == rows[i].high);
        operator_case_destroy(c);
    }
}

static void assert_demands_what_is_not_known_to_hold(void **state) {
    (void)state;
    operator_case *c = operator_case_create(&qn_op_assert);
    ((qn_assert_attrs *)c->attrs)->message = "at most 513 rows, 100 %";
    qn_dim h = operator_case_symbol(c, "h", 1, QN_DIM_UNBOUNDED);
    add_scalar(c, QN_DTYPE_BOOL, qn_dim_ge(c->dims, number(c, 513), h));
    assert_null(operator_case_infer(c));
    assert_string_equal(qn_buffer_text(&c->demands), "at most 513 rows, 100 %\n");
    operator_case_destroy(c);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(arithmetic_on_symbols_becomes_expressions),
        cmocka_unit_test(division_by_what_may_be_zero_stays_unknown),
        cmocka_unit_test(what_could_wrap_or_overflow_stays_unknown),
        cmocka_unit_test(casts_and_logic_keep_symbols),
        cmocka_unit_test(select_of_a_symbolic_condition_is_an_expression),
        cmocka_unit_test(shape_and_size_are_their_dims),
        cmocka_unit_test(pad_adds_symbolic_paddings),
        cmocka_unit_test(pad_demands_paddings_that_are_not_negative),
        cmocka_unit_test(reshape_divides_symbols_by_themselves),
        cmocka_unit_test(reshape_of_what_may_be_empty_keeps_the_other_dims),
        cmocka_unit_test(reshape_to_numbers_pins_a_symbol),
        cmocka_unit_test(squeeze_without_axes_needs_to_know_every_dim),
        cmocka_unit_test(concat_adds_symbols_along_its_axis),
        cmocka_unit_test(fill_tile_and_range_take_symbols),
        cmocka_unit_test(unknown_control_inputs_leave_dims_to_the_run),
        cmocka_unit_test(assert_demands_what_is_not_known_to_hold),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
