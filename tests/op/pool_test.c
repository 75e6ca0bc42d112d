/* Pooling against TensorFlow's answers. */
#include "operator_case.h"

#include <math.h>

static const float picture[] = {1, 5, 2, 4, -3, 0, -1, 2, 7, 3, 3, 3}; /* 4 x 3 */

static operator_case *create(const qn_op_def *op, qn_padding padding, int64_t height, int64_t width, int64_t stride) {
    operator_case *c = operator_case_create(op);
    qn_pool2d_attrs *attrs = c->attrs;
    attrs->padding = padding;
    attrs->kernel = (qn_ints){2, {height, width}};
    attrs->stride = (qn_ints){2, {stride, stride}};
    operator_case_input(c, QN_DTYPE_F32, DIMS(1, 4, 3, 1), picture);
    return c;
}

static void expect(operator_case *c, int64_t height, int64_t width, const float *expected, double tolerance) {
    const qn_view *out = operator_case_run(c);
    assert_view_dims(out, QN_DTYPE_F32, DIMS(1, height, width, 1));
    assert_view_floats(out, expected, tolerance);
    operator_case_destroy(c);
}

static void maximum_of_each_window_ignores_the_padding(void **state) {
    (void)state;
    expect(create(&qn_op_max_pool2d, QN_PADDING_SAME_UPPER, 2, 2, 2), 2, 2, (float[]){5, 2, 3, 7}, 0);
    expect(create(&qn_op_max_pool2d, QN_PADDING_VALID, 3, 2, 1), 2, 2, (float[]){5, 7, 4, 7}, 0);
}

static void padding_is_not_taken_for_zero_where_all_values_are_negative(void **state) {
    (void)state;
    operator_case *c = operator_case_create(&qn_op_max_pool2d);
    qn_pool2d_attrs *attrs = c->attrs;
    attrs->padding = QN_PADDING_SAME_UPPER;
    attrs->kernel = (qn_ints){2, {2, 2}};
    operator_case_input(c, QN_DTYPE_F32, DIMS(1, 1, 1, 2), (float[]){-3, -5});
    assert_view_floats(operator_case_run(c), (float[]){-3, -5}, 0);
    operator_case_destroy(c);
}

static void maximum_of_integers_keeps_their_type(void **state) {
    (void)state;
    operator_case *c = operator_case_create(&qn_op_max_pool2d);
    ((qn_pool2d_attrs *)c->attrs)->kernel = (qn_ints){2, {1, 2}};
    operator_case_input(c, QN_DTYPE_S8, DIMS(1, 1, 3, 1), (int8_t[]){-128, -7, 127});
    const qn_view *out = operator_case_run(c);
    assert_view_dims(out, QN_DTYPE_S8, DIMS(1, 1, 2, 1));
    assert_view_ints(out, (int64_t[]){-7, 127});
    operator_case_destroy(c);
}

static void average_divides_by_the_cells_inside_the_picture(void **state) {
    (void)state;
    expect(create(&qn_op_avg_pool2d, QN_PADDING_SAME_UPPER, 2, 2, 2), 2, 2, (float[]){1.75f, 1, 1.75f, 5}, 0);
    expect(
        create(&qn_op_avg_pool2d, QN_PADDING_SAME_UPPER, 3, 3, 1), 4, 3,
        (float[]){1.75f, 1.5f, 1, 1.33333337f, 1.88888884f, 2.16666675f, 1.33333337f, 2, 2, 1.75f, 2.83333325f, 3.75f},
        1e-6);
}

static void average_divides_by_the_whole_window_when_padding_counts(void **state) {
    (void)state;
    operator_case *c = create(&qn_op_avg_pool2d, QN_PADDING_EXPLICIT, 2, 2, 2);
    qn_pool2d_attrs *attrs = c->attrs;
    attrs->pads = (qn_ints){4, {1, 0, 1, 1}};
    attrs->count_include_pad = 1;
    /* Rows -1..0, 1..2, 3..4 and columns 0..1, 2..3. */
    expect(c, 3, 2, (float[]){1.5f, 0.5f, 0.5f, 1.75f, 1.5f, 0.75f}, 0);
}

static void same_lower_puts_the_odd_pixel_above_and_left(void **state) {
    (void)state;
    /* Columns -1..0 and 1..2. */
    expect(create(&qn_op_max_pool2d, QN_PADDING_SAME_LOWER, 1, 2, 2), 2, 2, (float[]){1, 5, -1, 7}, 0);
}

static void pads_as_wide_as_the_window_are_refused(void **state) {
    (void)state;
    operator_case *c = create(&qn_op_max_pool2d, QN_PADDING_EXPLICIT, 2, 3, 1);
    ((qn_pool2d_attrs *)c->attrs)->pads = (qn_ints){4, {0, 0, 2, 0}};
    assert_infer_fails(c, "pads[2] is 2; expected less than the window's height of 2");
    operator_case_destroy(c);
}

static void a_window_larger_than_the_picture_is_refused(void **state) {
    (void)state;
    operator_case *c = create(&qn_op_avg_pool2d, QN_PADDING_VALID, 2, 4, 1);
    assert_infer_fails(c, "x has width 3 and 0 of padding, the window spans 4");
    operator_case_destroy(c);
}

/* Sums over two cells: 1 + 2, 2 + 3, 3 + 254. */
static void average_of_bytes_rounds_half_to_even(void **state) {
    (void)state;
    operator_case *c = operator_case_create(&qn_op_avg_pool2d);
    ((qn_pool2d_attrs *)c->attrs)->kernel = (qn_ints){2, {1, 2}};
    operator_case_input(c, QN_DTYPE_U8, DIMS(1, 1, 4, 1), (uint8_t[]){1, 2, 3, 254});
    const qn_view *out = operator_case_run(c);
    assert_view_dims(out, QN_DTYPE_U8, DIMS(1, 1, 3, 1));
    assert_view_ints(out, (int64_t[]){2, 2, 128});
    operator_case_destroy(c);
}

static void average_of_bytes_cannot_count_the_padding(void **state) {
    (void)state;
    operator_case *c = create(&qn_op_avg_pool2d, QN_PADDING_VALID, 2, 2, 1);
    c->types[0].dtype = QN_DTYPE_U8;
    ((qn_pool2d_attrs *)c->attrs)->count_include_pad = 1;
    assert_infer_fails(c, "count_include_pad");
    operator_case_destroy(c);
}

static void average_of_wide_integers_is_refused(void **state) {
    (void)state;
    operator_case *c = create(&qn_op_avg_pool2d, QN_PADDING_VALID, 2, 2, 1);
    c->types[0].dtype = QN_DTYPE_S32;
    assert_infer_fails(c, "s32");
    operator_case_destroy(c);
}

static void a_missing_window_is_an_error_of_the_attribute(void **state) {
    (void)state;
    operator_case *c = operator_case_create(&qn_op_max_pool2d);
    operator_case_input(c, QN_DTYPE_F32, DIMS(1, 4, 3, 1), picture);
    assert_infer_fails(c, "kernel");
    operator_case_destroy(c);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(maximum_of_each_window_ignores_the_padding),
        cmocka_unit_test(padding_is_not_taken_for_zero_where_all_values_are_negative),
        cmocka_unit_test(maximum_of_integers_keeps_their_type),
        cmocka_unit_test(average_divides_by_the_cells_inside_the_picture),
        cmocka_unit_test(average_divides_by_the_whole_window_when_padding_counts),
        cmocka_unit_test(same_lower_puts_the_odd_pixel_above_and_left),
        cmocka_unit_test(pads_as_wide_as_the_window_are_refused),
        cmocka_unit_test(a_window_larger_than_the_picture_is_refused),
        cmocka_unit_test(average_of_bytes_rounds_half_to_even),
        cmocka_unit_test(average_of_bytes_cannot_count_the_padding),
        cmocka_unit_test(average_of_wide_integers_is_refused),
        cmocka_unit_test(a_missing_window_is_an_error_of_the_attribute),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
