/* The examples in the comments at the heads of operators' files, number by number. */
#include "operator_case.h"

#include "op/geometry.h"
#include "op/grid.h"

#include <math.h>

static operator_case *create(const qn_op_def *op, const char *name, const char *text) {
    operator_case *c = operator_case_create(op);
    if (name) operator_case_set(c, name, text);
    return c;
}

static void expect_floats(operator_case *c, const float *expected) {
    assert_view_floats(operator_case_run(c), expected, 1e-6);
    operator_case_destroy(c);
}

static void expect_ints(operator_case *c, const int64_t *expected) {
    assert_view_ints(operator_case_run(c), expected);
    operator_case_destroy(c);
}

static void expect_dims(operator_case *c, int rank, const int64_t *dims) {
    assert_view_dims(operator_case_run(c), QN_DTYPE_F32, rank, dims);
    operator_case_destroy(c);
}

static const float zeros[120];

static void of_elements(void **state) {
    static const int32_t start_limit_delta[] = {10, 3, -3};
    (void)state;
    operator_case *c = create(&qn_op_argmax, "axis", "0");
    operator_case_input(c, QN_DTYPE_F32, DIMS(4), (float[]){3, 7, 7, 1});
    expect_ints(c, (int64_t[]){1});

    static const struct {
        const qn_op_def *op;
        int64_t result;
    } quotients[] = {{&qn_op_div, -3}, {&qn_op_floor_div, -4}, {&qn_op_floor_mod, -1}};
    for (int i = 0; i < 3; i++) {
        c = create(quotients[i].op, NULL, NULL);
        operator_case_input(c, QN_DTYPE_S32, SCALAR, (int32_t[]){7});
        operator_case_input(c, QN_DTYPE_S32, SCALAR, (int32_t[]){-2});
        expect_ints(c, &quotients[i].result);
    }
    c = create(&qn_op_cast, "dtype", "u8");
    operator_case_input(c, QN_DTYPE_F32, SCALAR, (float[]){300.7f});
    expect_ints(c, (int64_t[]){255});
    c = create(&qn_op_cast, "dtype", "u8");
    operator_case_input(c, QN_DTYPE_S32, SCALAR, (int32_t[]){300});
    expect_ints(c, (int64_t[]){44});

    c = create(&qn_op_range, NULL, NULL);
    for (int i = 0; i < 3; i++) operator_case_input(c, QN_DTYPE_S32, SCALAR, &start_limit_delta[i]);
    expect_ints(c, (int64_t[]){10, 7, 4});
    c = create(&qn_op_where, NULL, NULL);
    operator_case_input(c, QN_DTYPE_F32, DIMS(2, 2), (float[]){0, 5, 7, 0});
    expect_ints(c, (int64_t[]){0, 1, 1, 0});
}

static void of_grids(void **state) {
    const qn_fake_quant_attrs eight = {.bits = 8};
    qn_grid grid;
    (void)state;
    assert_true(qn_op_fake_quant.grid->find(&eight, QN_DTYPE_F32, -0.1f, 1, &grid));
    assert_int_equal(grid.zero_point, 23);
    assert_true(fabsf(grid.low + 0.0992f) < 1e-4f && fabsf(grid.high - 1.0008f) < 1e-4f);
    assert_true(fabsf(grid.scale - 1.1f / 255) < 1e-8f);

    operator_case *c = create(&qn_op_dequantize, NULL, NULL);
    operator_case_input(c, QN_DTYPE_U8, DIMS(1), (uint8_t[]){255});
    operator_case_input(c, QN_DTYPE_F32, SCALAR, (float[]){-1});
    operator_case_input(c, QN_DTYPE_F32, SCALAR, (float[]){1});
    expect_floats(c, (float[]){1});
    c = create(&qn_op_quantize_linear, NULL, NULL);
    operator_case_input(c, QN_DTYPE_F32, DIMS(1), (float[]){1.2f});
    operator_case_input(c, QN_DTYPE_F32, DIMS(1), (float[]){2});
    operator_case_input(c, QN_DTYPE_S32, DIMS(1), (int32_t[]){10});
    expect_ints(c, (int64_t[]){12});
}

static void of_shapes(void **state) {
    static const struct {
        const qn_op_def *op;
        const char *axes;
        int rank;
        int64_t dims[4], out_rank, out_dims[4];
    } rows[] = {{&qn_op_expand_dims, "[0, 2]", 2, {2, 3}, 4, {1, 2, 1, 3}},
                {&qn_op_squeeze, "[0]", 4, {1, 2, 1, 3}, 3, {2, 1, 3}},
                {&qn_op_squeeze, "[]", 4, {1, 2, 1, 3}, 2, {2, 3}}};
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        operator_case *c = create(rows[i].op, "axes", rows[i].axes);
        operator_case_input(c, QN_DTYPE_F32, rows[i].rank, rows[i].dims, zeros);
        expect_dims(c, (int)rows[i].out_rank, rows[i].out_dims);
    }
    operator_case *c = create(&qn_op_reshape, NULL, NULL);
    operator_case_input(c, QN_DTYPE_F32, DIMS(2, 3, 4), zeros);
    operator_case_input(c, QN_DTYPE_S32, DIMS(2), (int32_t[]){-1, 6});
    expect_dims(c, DIMS(4, 6));
    c = create(&qn_op_stack, "axis", "1");
    for (int i = 0; i < 2; i++) operator_case_input(c, QN_DTYPE_F32, DIMS(3, 4), zeros);
    expect_dims(c, DIMS(3, 2, 4));
    c = create(&qn_op_transpose, NULL, NULL);
    operator_case_input(c, QN_DTYPE_F32, DIMS(2, 3, 4), zeros);
    operator_case_input(c, QN_DTYPE_S32, DIMS(3), (int32_t[]){2, 0, 1});
    expect_dims(c, DIMS(4, 2, 3));
    static const qn_op_def *const ops[] = {&qn_op_shape, &qn_op_size, &qn_op_rank};
    static const int64_t told[][3] = {{2, 3, 4}, {24}, {3}};
    for (int i = 0; i < 3; i++) {
        c = create(ops[i], NULL, NULL);
        operator_case_input(c, QN_DTYPE_F32, DIMS(2, 3, 4), zeros);
        expect_ints(c, told[i]);
    }
}

/* x[1, ..., newaxis, 3:0:-2] of [2, 3, 4, 5] */
static void of_masks(void **state) {
    float x[120];
    (void)state;
    for (int i = 0; i < 120; i++) x[i] = (float)i;
    operator_case *c = create(&qn_op_strided_slice, "shrink_axis_mask", "1");
    operator_case_set(c, "ellipsis_mask", "2");
    operator_case_set(c, "new_axis_mask", "4");
    operator_case_input(c, QN_DTYPE_F32, DIMS(2, 3, 4, 5), x);
    operator_case_input(c, QN_DTYPE_S32, DIMS(4), (int32_t[]){1, 0, 0, 3});
    operator_case_input(c, QN_DTYPE_S32, DIMS(4), (int32_t[]){0, 0, 0, 0});
    operator_case_input(c, QN_DTYPE_S32, DIMS(4), (int32_t[]){1, 1, 1, -2});
    const qn_view *out = operator_case_run(c);
    assert_view_dims(out, QN_DTYPE_F32, DIMS(3, 4, 1, 2));
    for (int row = 0; row < 12; row++) {
        assert_true(qn_view_get(out, 2 * row) == 60 + 5 * row + 3);
        assert_true(qn_view_get(out, 2 * row + 1) == 60 + 5 * row + 1);
    }
    operator_case_destroy(c);
}

static void of_what_lies_around(void **state) {
    static const char *const modes[] = {"constant", "reflect", "symmetric"};
    static const float expected[][6] = {{0, 0, 1, 2, 3, 0}, {3, 2, 1, 2, 3, 2}, {2, 1, 1, 2, 3, 3}};
    (void)state;
    for (int i = 0; i < 3; i++) {
        operator_case *c = create(&qn_op_pad, "mode", modes[i]);
        operator_case_input(c, QN_DTYPE_F32, DIMS(3), (float[]){1, 2, 3});
        operator_case_input(c, QN_DTYPE_S32, DIMS(1, 2), (int32_t[]){2, 1});
        expect_floats(c, expected[i]);
    }
    operator_case *c = create(&qn_op_space_to_batch, NULL, NULL);
    operator_case_input(c, QN_DTYPE_F32, DIMS(1, 4), (float[]){1, 2, 3, 4});
    operator_case_input(c, QN_DTYPE_S32, DIMS(1), (int32_t[]){2});
    operator_case_input(c, QN_DTYPE_S32, DIMS(1, 2), (int32_t[]){1, 1});
    expect_floats(c, (float[]){0, 2, 4, 1, 3, 0});
    c = create(&qn_op_batch_to_space, NULL, NULL);
    operator_case_input(c, QN_DTYPE_F32, DIMS(2, 3), (float[]){0, 2, 4, 1, 3, 0});
    operator_case_input(c, QN_DTYPE_S32, DIMS(1), (int32_t[]){2});
    operator_case_input(c, QN_DTYPE_S32, DIMS(1, 2), (int32_t[]){1, 1});
    expect_floats(c, (float[]){1, 2, 3, 4});
}

static void of_windows(void **state) {
    static const struct {
        int64_t padding, dilation, before;
    } rows[] = {{QN_PADDING_SAME_UPPER, 1, 0}, {QN_PADDING_SAME_LOWER, 1, 1}, {QN_PADDING_SAME_UPPER, 2, 1}};
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const qn_window window = {.kernel = {3, 3},
                                  .stride = {2, 2},
                                  .dilation = {rows[i].dilation, rows[i].dilation},
                                  .padding = rows[i].padding};
        assert_int_equal(qn_window_out_size(&window, 0, 6), 3);
        assert_int_equal(qn_window_pad_before(&window, 0, 6, 3), rows[i].before);
    }
}

static void of_pixels(void **state) {
    static const char *const rules[] = {"align_corners", "half_pixel_centers", NULL};
    static const float linear[][4] = {{0, 8.0f / 3, 16.0f / 3, 8}, {0, 2, 6, 8}, {0, 4, 8, 8}};
    static const float nearest[] = {0, 0, 8, 8};
    (void)state;
    for (int i = 0; i < 6; i++) {
        const int is_linear = i < 3;
        operator_case *c = create(is_linear ? &qn_op_resize_bilinear : &qn_op_resize_nearest, rules[i % 3], "true");
        operator_case_input(c, QN_DTYPE_F32, DIMS(1, 1, 2, 1), (float[]){0, 8});
        operator_case_input(c, QN_DTYPE_S32, DIMS(2), (int32_t[]){1, 4});
        expect_floats(c, is_linear ? linear[i % 3] : nearest);
    }
    operator_case *c = create(&qn_op_crop_and_resize, NULL, NULL);
    operator_case_input(c, QN_DTYPE_F32, DIMS(1, 5, 1, 1), (float[]){0, 10, 20, 30, 40});
    operator_case_input(c, QN_DTYPE_F32, DIMS(1, 4), (float[]){0.25f, 0, 0.75f, 0});
    operator_case_input(c, QN_DTYPE_S32, DIMS(1), (int32_t[]){0});
    operator_case_input(c, QN_DTYPE_S32, DIMS(2), (int32_t[]){3, 1});
    expect_floats(c, (float[]){10, 20, 30});
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(of_elements), cmocka_unit_test(of_grids),   cmocka_unit_test(of_shapes),
        cmocka_unit_test(of_masks),    cmocka_unit_test(of_windows), cmocka_unit_test(of_what_lies_around),
        cmocka_unit_test(of_pixels),
    };
    return cmocka_run_group_tests_name("examples hold", tests, NULL, NULL);
}
