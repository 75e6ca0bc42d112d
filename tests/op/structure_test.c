/* Operators that move elements or make shapes, on small literals; the expected numbers come from TensorFlow. */
#include "operator_case.h"

#include <string.h>

static const int32_t six[6] = {1, 2, 3, 4, 5, 6};
static int32_t counted[24]; /* 0 .. 23 */

static int count_up(void **state) {
    (void)state;
    for (int i = 0; i < 24; i++) counted[i] = i;
    return 0;
}

static void finish(operator_case *c, qn_dtype dtype, int rank, const int64_t *dims, const int64_t *expected) {
    const qn_view *out = operator_case_run(c);
    assert_view_dims(out, dtype, rank, dims);
    assert_view_ints(out, expected);
    operator_case_destroy(c);
}

static void identity_and_views_keep_the_elements_in_order(void **state) {
    (void)state;
    static const int32_t target[3] = {3, -1, 1};
    operator_case *c = operator_case_create(&qn_op_identity);
    operator_case_input(c, QN_DTYPE_S32, DIMS(2, 3), six);
    finish(c, QN_DTYPE_S32, DIMS(2, 3), (int64_t[]){1, 2, 3, 4, 5, 6});
    c = operator_case_create(&qn_op_reshape);
    operator_case_input(c, QN_DTYPE_S32, DIMS(2, 3), six);
    operator_case_input(c, QN_DTYPE_S32, DIMS(3), target);
    finish(c, QN_DTYPE_S32, DIMS(3, 2, 1), (int64_t[]){1, 2, 3, 4, 5, 6});
    c = operator_case_create(&qn_op_squeeze);
    ((qn_axes_attrs *)c->attrs)->axes = (qn_ints){1, {2}};
    operator_case_input(c, QN_DTYPE_S32, DIMS(1, 2, 1, 3), six);
    finish(c, QN_DTYPE_S32, DIMS(1, 2, 3), (int64_t[]){1, 2, 3, 4, 5, 6});
    c = operator_case_create(&qn_op_squeeze);
    operator_case_input(c, QN_DTYPE_S32, DIMS(1, 2, 1, 3), six);
    finish(c, QN_DTYPE_S32, DIMS(2, 3), (int64_t[]){1, 2, 3, 4, 5, 6});
    c = operator_case_create(&qn_op_expand_dims);
    ((qn_axes_attrs *)c->attrs)->axes = (qn_ints){2, {0, 3}};
    operator_case_input(c, QN_DTYPE_S32, DIMS(2, 3), six);
    finish(c, QN_DTYPE_S32, DIMS(1, 2, 3, 1), (int64_t[]){1, 2, 3, 4, 5, 6});
}

static void a_reshape_that_does_not_fit_is_refused_with_both_shapes(void **state) {
    (void)state;
    static const int32_t wrong[2] = {-1, 4}, twice[2] = {-1, -1};
    operator_case *c = operator_case_create(&qn_op_reshape);
    operator_case_input(c, QN_DTYPE_S32, DIMS(2, 3), six);
    operator_case_input(c, QN_DTYPE_S32, DIMS(2), wrong);
    assert_infer_fails(c, "expected as many elements as [2, 3] has, found shape [-1, 4]");
    operator_case_destroy(c);
    c = operator_case_create(&qn_op_reshape);
    operator_case_input(c, QN_DTYPE_S32, DIMS(2, 3), six);
    operator_case_input(c, QN_DTYPE_S32, DIMS(2), twice);
    assert_infer_fails(c, "at most one -1");
    operator_case_destroy(c);
}

/* TensorFlow's answers: what -1 stands for where there are no elements. */
static void an_empty_reshape_has_the_shape_that_tensorflow_gives_it(void **state) {
    (void)state;
    static const struct {
        int rank;
        int64_t dims[3];
        int target_rank;
        int32_t target[3];
        int64_t expected[3];
    } cases[] = {
        {2, {0, 6}, 2, {0, -1}, {0, 6}},
        {2, {0, 6}, 3, {0, -1, 4}, {0, 1, 4}},
        {2, {0, 6}, 2, {-1, 0}, {6, 0}},
        {2, {0, 6}, 2, {-1, 3}, {0, 3}},
        {2, {0, 0}, 2, {0, -1}, {0, 1}},
        {3, {2, 0, 3}, 2, {0, -1}, {0, 6}},
        {3, {2, 0, 3}, 3, {0, 0, -1}, {0, 0, 6}},
        {1, {0}, 2, {0, -1}, {0, 1}},
        {1, {0}, 1, {-1}, {0}},
        {3, {0, 6, 4}, 3, {4, -1, 0}, {4, 6, 0}},
        {2, {6, 0}, 3, {-1, 2, 0}, {3, 2, 0}},
        {2, {0, 2}, 3, {0, -1, 4}, {0, 0, 4}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        operator_case *c = operator_case_create(&qn_op_reshape);
        operator_case_input(c, QN_DTYPE_S32, cases[i].rank, cases[i].dims, six);
        operator_case_input(c, QN_DTYPE_S32, 1, (int64_t[]){cases[i].target_rank}, cases[i].target);
        finish(c, QN_DTYPE_S32, cases[i].target_rank, cases[i].expected, NULL);
    }
}

static void an_empty_shape_of_what_is_not_empty_is_refused(void **state) {
    (void)state;
    static const int32_t targets[2][2] = {{0, -1}, {-1, 0}};
    for (int i = 0; i < 2; i++) {
        operator_case *c = operator_case_create(&qn_op_reshape);
        operator_case_input(c, QN_DTYPE_S32, DIMS(2, 3), six);
        operator_case_input(c, QN_DTYPE_S32, DIMS(2), targets[i]);
        assert_infer_fails(c, "expected as many elements as [2, 3] has");
        operator_case_destroy(c);
    }
}

static void shape_size_and_rank_tell_the_dims(void **state) {
    (void)state;
    operator_case *c = operator_case_create(&qn_op_shape);
    ((qn_dtype_attrs *)c->attrs)->dtype = QN_DTYPE_S64;
    operator_case_input(c, QN_DTYPE_F32, DIMS(2, 0, 5), counted);
    finish(c, QN_DTYPE_S64, DIMS(3), (int64_t[]){2, 0, 5});
    c = operator_case_create(&qn_op_size);
    operator_case_input(c, QN_DTYPE_S32, DIMS(2, 3), six);
    finish(c, QN_DTYPE_S32, SCALAR, (int64_t[]){6});
    c = operator_case_create(&qn_op_rank);
    operator_case_input(c, QN_DTYPE_S32, DIMS(2, 3), six);
    finish(c, QN_DTYPE_S32, SCALAR, (int64_t[]){2});
}

static void transpose_reorders_the_axes(void **state) {
    (void)state;
    static const int32_t perm[3] = {2, 0, 1}, twice[3] = {2, 0, 2};
    operator_case *c = operator_case_create(&qn_op_transpose);
    operator_case_input(c, QN_DTYPE_S32, DIMS(2, 3, 4), counted);
    operator_case_input(c, QN_DTYPE_S32, DIMS(3), perm);
    finish(c, QN_DTYPE_S32, DIMS(4, 2, 3),
           (int64_t[]){0, 4, 8, 12, 16, 20, 1, 5, 9, 13, 17, 21, 2, 6, 10, 14, 18, 22, 3, 7, 11, 15, 19, 23});
    c = operator_case_create(&qn_op_transpose);
    operator_case_input(c, QN_DTYPE_S32, DIMS(2, 3, 4), counted);
    operator_case_input(c, QN_DTYPE_S32, DIMS(3), twice);
    assert_infer_fails(c, "expected every axis once in 'perm', found 2 twice");
    operator_case_destroy(c);
}

static void concat_and_stack_join_their_inputs(void **state) {
    (void)state;
    static const int32_t tens[6] = {10, 20, 30, 40, 50, 60};
    static const struct {
        const qn_op_def *op;
        int64_t axis;
        int rank;
        int64_t dims[3], y[12];
    } rows[] = {
        {&qn_op_concat, 0, 2, {4, 3}, {1, 2, 3, 4, 5, 6, 10, 20, 30, 40, 50, 60}},
        {&qn_op_concat, 1, 2, {2, 6}, {1, 2, 3, 10, 20, 30, 4, 5, 6, 40, 50, 60}},
        {&qn_op_stack, 1, 3, {2, 2, 3}, {1, 2, 3, 10, 20, 30, 4, 5, 6, 40, 50, 60}},
        {&qn_op_stack, 2, 3, {2, 3, 2}, {1, 10, 2, 20, 3, 30, 4, 40, 5, 50, 6, 60}},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        operator_case *c = operator_case_create(rows[i].op);
        ((qn_axis_attrs *)c->attrs)->axis = rows[i].axis;
        operator_case_input(c, QN_DTYPE_S32, DIMS(2, 3), six);
        operator_case_input(c, QN_DTYPE_S32, DIMS(2, 3), tens);
        finish(c, QN_DTYPE_S32, rows[i].rank, rows[i].dims, rows[i].y);
    }
    operator_case *c = operator_case_create(&qn_op_concat);
    operator_case_input(c, QN_DTYPE_S32, DIMS(2, 3), six);
    operator_case_input(c, QN_DTYPE_S32, DIMS(3, 2), tens);
    assert_infer_fails(c, "expected inputs with equal dims 1, found 3 and 2");
    operator_case_destroy(c);
}

static void split_gives_one_of_equal_parts(void **state) {
    (void)state;
    operator_case *c = operator_case_create(&qn_op_split);
    *(qn_split_attrs *)c->attrs = (qn_split_attrs){.axis = 2, .index = 1, .count = 2};
    operator_case_input(c, QN_DTYPE_S32, DIMS(2, 3, 4), counted);
    finish(c, QN_DTYPE_S32, DIMS(2, 3, 2), (int64_t[]){2, 3, 6, 7, 10, 11, 14, 15, 18, 19, 22, 23});
    c = operator_case_create(&qn_op_split);
    *(qn_split_attrs *)c->attrs = (qn_split_attrs){.axis = 1, .index = 0, .count = 2};
    operator_case_input(c, QN_DTYPE_S32, DIMS(2, 3, 4), counted);
    assert_infer_fails(c, "expected dim 1 to be a multiple of 2, found 3");
    operator_case_destroy(c);
}

static void expect_pad(qn_pad_mode mode, const int32_t *paddings, const int32_t *value, int64_t rows, int64_t columns,
                       const int64_t *y) {
    operator_case *c = operator_case_create(&qn_op_pad);
    ((qn_pad_attrs *)c->attrs)->mode = mode;
    operator_case_input(c, QN_DTYPE_S32, DIMS(2, 3), six);
    operator_case_input(c, QN_DTYPE_S32, DIMS(2, 2), paddings);
    if (value) operator_case_input(c, QN_DTYPE_S32, SCALAR, value);
    assert_null(operator_case_infer(c));
    assert_non_null(c->out_contents); /* small integers are followed */
    for (int64_t i = 0; i < rows * columns; i++)
        assert_true(qn_dim_same(c->out_contents[i], qn_dim_const(c->dims, y[i])));
    finish(c, QN_DTYPE_S32, DIMS(rows, columns), y);
}

static void pad_puts_a_value_or_a_mirror_image_around(void **state) {
    (void)state;
    static const int32_t nine = 9;
    static const int32_t some[4] = {1, 0, 2, 1}, end[4] = {0, 1, 1, 0}, most[4] = {1, 1, 2, 2}, all[4] = {2, 2, 3, 3};
    expect_pad(QN_PAD_CONSTANT, some, NULL, 3, 6, (int64_t[]){0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 0, 0, 0, 4, 5, 6, 0});
    expect_pad(QN_PAD_CONSTANT, end, &nine, 3, 4, (int64_t[]){9, 1, 2, 3, 9, 4, 5, 6, 9, 9, 9, 9});
    expect_pad(QN_PAD_REFLECT, some, NULL, 3, 6, (int64_t[]){6, 5, 4, 5, 6, 5, 3, 2, 1, 2, 3, 2, 6, 5, 4, 5, 6, 5});
    expect_pad(QN_PAD_SYMMETRIC, some, NULL, 3, 6, (int64_t[]){2, 1, 1, 2, 3, 3, 2, 1, 1, 2, 3, 3, 5, 4, 4, 5, 6, 6});
    expect_pad(QN_PAD_REFLECT, most, NULL, 4, 7,
               (int64_t[]){6, 5, 4, 5, 6, 5, 4, 3, 2, 1, 2, 3, 2, 1, 6, 5, 4, 5, 6, 5, 4, 3, 2, 1, 2, 3, 2, 1});
    expect_pad(QN_PAD_SYMMETRIC, all, NULL, 6, 9,
               (int64_t[]){6, 5, 4, 4, 5, 6, 6, 5, 4, 3, 2, 1, 1, 2, 3, 3, 2, 1, 3, 2, 1, 1, 2, 3, 3, 2, 1,
                           6, 5, 4, 4, 5, 6, 6, 5, 4, 6, 5, 4, 4, 5, 6, 6, 5, 4, 3, 2, 1, 1, 2, 3, 3, 2, 1});
}

static void a_mirror_reaches_no_further_than_the_picture(void **state) {
    (void)state;
    static const int32_t wide[4] = {0, 0, 0, 3};
    operator_case *c = operator_case_create(&qn_op_pad);
    ((qn_pad_attrs *)c->attrs)->mode = QN_PAD_REFLECT;
    operator_case_input(c, QN_DTYPE_S32, DIMS(2, 3), six);
    operator_case_input(c, QN_DTYPE_S32, DIMS(2, 2), wide);
    assert_infer_fails(c, "expected paddings[1][1] in [0, 2], found 3");
    operator_case_destroy(c);
}

static void gather_takes_slices_by_index(void **state) {
    (void)state;
    static const int32_t indices[2] = {2, 0}, far[2] = {2, 3};
    operator_case *c = operator_case_create(&qn_op_gather);
    ((qn_axis_attrs *)c->attrs)->axis = 1;
    operator_case_input(c, QN_DTYPE_S32, DIMS(2, 3, 4), counted);
    operator_case_input(c, QN_DTYPE_S32, DIMS(1, 2), indices);
    finish(c, QN_DTYPE_S32, DIMS(2, 1, 2, 4), (int64_t[]){8, 9, 10, 11, 0, 1, 2, 3, 20, 21, 22, 23, 12, 13, 14, 15});
    c = operator_case_create(&qn_op_gather);
    ((qn_axis_attrs *)c->attrs)->axis = 1;
    operator_case_input(c, QN_DTYPE_S32, DIMS(2, 3, 4), counted);
    operator_case_input(c, QN_DTYPE_S32, DIMS(2), far);
    assert_infer_fails(c, "expected indices[1] in [0, 2], found 3");
    c->contents[1] = NULL; /* as if they came from a run */
    assert_null(operator_case_infer(c));
    qn_status *status = operator_case_eval(c);
    assert_int_equal(qn_status_code(status), QN_INVALID_ARGUMENT);
    assert_non_null(strstr(qn_status_message(status), "expected indices[1] in [0, 2], found 3"));
    qn_status_free(status);
    operator_case_destroy(c);
}

static void tile_repeats_along_every_axis(void **state) {
    (void)state;
    static const int32_t twice[2] = {2, 2};
    operator_case *c = operator_case_create(&qn_op_tile);
    operator_case_input(c, QN_DTYPE_S32, DIMS(2, 3), six);
    operator_case_input(c, QN_DTYPE_S32, DIMS(2), twice);
    finish(c, QN_DTYPE_S32, DIMS(4, 6),
           (int64_t[]){1, 2, 3, 1, 2, 3, 4, 5, 6, 4, 5, 6, 1, 2, 3, 1, 2, 3, 4, 5, 6, 4, 5, 6});
}

static void where_lists_coordinates(void **state) {
    (void)state;
    static const uint8_t mask[6] = {0, 1, 1, 1, 0, 0};
    static const float scalar = 0.5f;
    operator_case *c = operator_case_create(&qn_op_where);
    operator_case_input(c, QN_DTYPE_BOOL, DIMS(2, 3), mask);
    finish(c, QN_DTYPE_S64, DIMS(3, 2), (int64_t[]){0, 1, 0, 2, 1, 0});
    c = operator_case_create(&qn_op_where);
    operator_case_input(c, QN_DTYPE_F32, SCALAR, &scalar);
    finish(c, QN_DTYPE_S64, DIMS(1, 0), NULL);
}

static void fill_and_range_make_tensors_from_scalars(void **state) {
    (void)state;
    static const int32_t dims[2] = {2, 3}, value = 7, start = 5, limit = -2, delta = -3;
    operator_case *c = operator_case_create(&qn_op_fill);
    operator_case_input(c, QN_DTYPE_S32, DIMS(2), dims);
    operator_case_input(c, QN_DTYPE_S32, SCALAR, &value);
    finish(c, QN_DTYPE_S32, DIMS(2, 3), (int64_t[]){7, 7, 7, 7, 7, 7});
    c = operator_case_create(&qn_op_range);
    operator_case_input(c, QN_DTYPE_S32, SCALAR, &start);
    operator_case_input(c, QN_DTYPE_S32, SCALAR, &limit);
    operator_case_input(c, QN_DTYPE_S32, SCALAR, &delta);
    finish(c, QN_DTYPE_S32, DIMS(3), (int64_t[]){5, 2, -1});
}

/* Of floats the length is known only when it runs: here with room for more than there are. */
static void a_range_of_floats_shrinks_to_its_length(void **state) {
    (void)state;
    static const float start = 0, limit = 1, delta = 0.1f;
    float room[16];
    const qn_view inputs[3] = {{.dtype = QN_DTYPE_F32, .data = (void *)(uintptr_t)&start},
                               {.dtype = QN_DTYPE_F32, .data = (void *)(uintptr_t)&limit},
                               {.dtype = QN_DTYPE_F32, .data = (void *)(uintptr_t)&delta}};
    qn_view out = {.dtype = QN_DTYPE_F32, .rank = 1, .dims = {16}, .data = room};
    qn_eval eval = {.input_count = 3, .inputs = inputs, .output_count = 1, .outputs = &out};
    assert_null(qn_op_range.eval(&eval));
    assert_view_dims(&out, QN_DTYPE_F32, DIMS(10));
    assert_view_floats(
        &out, (float[]){0, 0.1f, 0.2f, 0.300000012f, 0.4f, 0.5f, 0.600000024f, 0.699999988f, 0.8f, 0.900000036f}, 0);
    out.dims[0] = 9;
    qn_status *status = qn_op_range.eval(&eval);
    assert_int_equal(qn_status_code(status), QN_LIMIT);
    qn_status_free(status);
}

static void assert_says_its_message_when_an_element_does_not_hold(void **state) {
    (void)state;
    static const uint8_t condition[2] = {1, 0};
    operator_case *c = operator_case_create(&qn_op_assert);
    ((qn_assert_attrs *)c->attrs)->message = "pictures have 3 channels";
    operator_case_input(c, QN_DTYPE_BOOL, DIMS(2), condition);
    assert_infer_fails(c, "pictures have 3 channels");
    c->contents[0] = NULL;
    assert_null(operator_case_infer(c));
    qn_status *status = operator_case_eval(c);
    assert_int_equal(qn_status_code(status), QN_INVALID_ARGUMENT);
    assert_string_equal(qn_status_message(status), "pictures have 3 channels");
    qn_status_free(status);
    operator_case_destroy(c);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(identity_and_views_keep_the_elements_in_order),
        cmocka_unit_test(a_reshape_that_does_not_fit_is_refused_with_both_shapes),
        cmocka_unit_test(an_empty_reshape_has_the_shape_that_tensorflow_gives_it),
        cmocka_unit_test(an_empty_shape_of_what_is_not_empty_is_refused),
        cmocka_unit_test(shape_size_and_rank_tell_the_dims),
        cmocka_unit_test(transpose_reorders_the_axes),
        cmocka_unit_test(concat_and_stack_join_their_inputs),
        cmocka_unit_test(split_gives_one_of_equal_parts),
        cmocka_unit_test(pad_puts_a_value_or_a_mirror_image_around),
        cmocka_unit_test(a_mirror_reaches_no_further_than_the_picture),
        cmocka_unit_test(gather_takes_slices_by_index),
        cmocka_unit_test(tile_repeats_along_every_axis),
        cmocka_unit_test(where_lists_coordinates),
        cmocka_unit_test(fill_and_range_make_tensors_from_scalars),
        cmocka_unit_test(a_range_of_floats_shrinks_to_its_length),
        cmocka_unit_test(assert_says_its_message_when_an_element_does_not_hold),
    };
    return cmocka_run_group_tests(tests, count_up, NULL);
}
