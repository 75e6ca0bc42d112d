/* Resizing against TensorFlow's answers, bit for bit. */
#include "operator_case.h"

#include "op/geometry.h"

#include <math.h>

typedef enum mode { LEGACY, ALIGN_CORNERS, HALF_PIXEL, MODES } mode;

static void set_mode(operator_case *c, mode m) {
    qn_resize_attrs *attrs = c->attrs; /* resize_argmax begins with the same two fields */
    attrs->align_corners = m == ALIGN_CORNERS;
    attrs->half_pixel_centers = m == HALF_PIXEL;
}

static operator_case *create(const qn_op_def *op, mode m, qn_dtype dtype, int rank, const int64_t *dims,
                             const void *data, const int32_t size[2]) {
    operator_case *c = operator_case_create(op);
    set_mode(c, m);
    operator_case_input(c, dtype, rank, dims, data);
    operator_case_input(c, QN_DTYPE_S32, DIMS(2), size);
    return c;
}

static void bilinear_equals_tensorflow_in_all_modes(void **state) {
    (void)state;
    static const float x[] = {0.1f, 1.3f, -2.7f, 4.9f, 0.3f, 7.1f};
    static const float expected[MODES][15] = {
        {0.100000001f, 0.819999993f, 0.499999762f, -1.90000033f, -2.70000005f, 3.30000019f, 1.70000005f, 1.27333355f,
         3.19333339f, 3.83333373f, 4.9000001f, 2.1400001f, 1.66000032f, 5.74000025f, 7.0999999f},
        {0.100000001f, 0.699999988f, 1.29999995f, -0.700000048f, -2.70000005f, 2.5f, 1.6500001f, 0.799999952f,
         1.49999976f, 2.20000005f, 4.9000001f, 2.60000014f, 0.300000012f, 3.69999981f, 7.0999999f},
        {0.100000001f, 0.580000043f, 1.29999995f, -1.10000062f, -2.70000005f, 2.5f, 1.82000005f, 0.799999952f,
         1.6400001f, 2.20000005f, 4.9000001f, 3.05999994f, 0.300000012f, 4.38000107f, 7.0999999f},
    };
    for (mode m = LEGACY; m < MODES; m++) {
        operator_case *c = create(&qn_op_resize_bilinear, m, QN_DTYPE_F32, DIMS(1, 2, 3, 1), x, (int32_t[]){3, 5});
        const qn_view *out = operator_case_run(c);
        assert_view_dims(out, QN_DTYPE_F32, DIMS(1, 3, 5, 1));
        assert_view_floats(out, expected[m], 0);
        operator_case_destroy(c);
    }
}

/* 15.83 40.83 82.5 107.5 149.17 174.17 */
static void bilinear_of_bytes_rounds_half_to_even(void **state) {
    (void)state;
    uint8_t x[20];
    for (int i = 0; i < 20; i++) x[i] = (uint8_t)(10 * i);
    operator_case *c = create(&qn_op_resize_bilinear, HALF_PIXEL, QN_DTYPE_U8, DIMS(1, 4, 5, 1), x, (int32_t[]){3, 2});
    const qn_view *out = operator_case_run(c);
    assert_view_dims(out, QN_DTYPE_U8, DIMS(1, 3, 2, 1));
    assert_view_ints(out, (int64_t[]){16, 41, 82, 108, 149, 174});
    operator_case_destroy(c);
}

static void bilinear_of_wide_integers_gives_floats(void **state) {
    (void)state;
    int32_t x[20];
    for (int i = 0; i < 20; i++) x[i] = 10 * i;
    operator_case *c = create(&qn_op_resize_bilinear, HALF_PIXEL, QN_DTYPE_S32, DIMS(1, 4, 5, 1), x, (int32_t[]){3, 2});
    const qn_view *out = operator_case_run(c);
    assert_view_dims(out, QN_DTYPE_F32, DIMS(1, 3, 2, 1));
    assert_view_floats(out, (float[]){15.833334f, 40.8333359f, 82.5f, 107.5f, 149.166672f, 174.166672f}, 0);
    operator_case_destroy(c);
}

static void bilinear_to_the_same_size_copies_even_infinities(void **state) {
    (void)state;
    const float x[] = {INFINITY, -0.0f, -INFINITY, 1e38f};
    for (mode m = LEGACY; m < MODES; m++) {
        operator_case *c = create(&qn_op_resize_bilinear, m, QN_DTYPE_F32, DIMS(1, 2, 2, 1), x, (int32_t[]){2, 2});
        assert_memory_equal(operator_case_run(c)->data, x, sizeof x);
        operator_case_destroy(c);
    }
}

static void nearest_equals_tensorflow_in_all_modes(void **state) {
    (void)state;
    static const int64_t up[MODES][15] = {
        {0, 0, 1, 1, 2, 0, 0, 1, 1, 2, 3, 3, 4, 4, 5},
        {0, 1, 1, 2, 2, 3, 4, 4, 5, 5, 3, 4, 4, 5, 5},
        {0, 0, 1, 2, 2, 3, 3, 4, 5, 5, 3, 3, 4, 5, 5},
    };
    static const int64_t down[MODES][6] = {{0, 1, 3, 10, 11, 13}, {0, 2, 4, 15, 17, 19}, {5, 7, 9, 15, 17, 19}};
    uint8_t x[20];
    for (int i = 0; i < 20; i++) x[i] = (uint8_t)i;
    for (mode m = LEGACY; m < MODES; m++) {
        operator_case *c = create(&qn_op_resize_nearest, m, QN_DTYPE_U8, DIMS(1, 2, 3, 1), x, (int32_t[]){3, 5});
        const qn_view *out = operator_case_run(c);
        assert_view_dims(out, QN_DTYPE_U8, DIMS(1, 3, 5, 1));
        assert_view_ints(out, up[m]);
        operator_case_destroy(c);
        c = create(&qn_op_resize_nearest, m, QN_DTYPE_U8, DIMS(1, 4, 5, 1), x, (int32_t[]){2, 3});
        assert_view_ints(operator_case_run(c), down[m]);
        operator_case_destroy(c);
    }
}

static void resize_argmax_is_the_argmax_of_the_resized_picture(void **state) {
    (void)state;
    const float x[] = {1, 0, .5f, 0, 1, .4f, .2f, .1f, .9f, 0, 0, 0};
    static const int64_t expected[] = {0, 0, 1, 0, 2, 1, 2, 2, 1, 2, 2, 0}; /* TensorFlow */
    static const qn_dtype dtypes[] = {QN_DTYPE_U8, QN_DTYPE_S32, QN_DTYPE_S64, QN_DTYPE_F32};
    for (size_t i = 0; i < sizeof dtypes / sizeof *dtypes; i++) {
        operator_case *c =
            create(&qn_op_resize_argmax, ALIGN_CORNERS, QN_DTYPE_F32, DIMS(1, 2, 2, 3), x, (int32_t[]){4, 3});
        ((qn_resize_argmax_attrs *)c->attrs)->dtype = dtypes[i];
        const qn_view *out = operator_case_run(c);
        assert_view_dims(out, dtypes[i], DIMS(1, 4, 3));
        assert_view_ints(out, expected);
        operator_case_destroy(c);
    }
}

static void resize_argmax_to_the_same_size_compares_what_is_stored(void **state) {
    (void)state;
    const float x[] = {INFINITY, 1, 1, INFINITY, 2, 2};
    operator_case *c = create(&qn_op_resize_argmax, LEGACY, QN_DTYPE_F32, DIMS(1, 1, 3, 2), x, (int32_t[]){1, 3});
    assert_view_ints(operator_case_run(c), (int64_t[]){0, 1, 0});
    operator_case_destroy(c);
}

static void a_symbolic_size_becomes_the_output_size(void **state) {
    (void)state;
    operator_case *c =
        create(&qn_op_resize_bilinear, ALIGN_CORNERS, QN_DTYPE_F32, DIMS(1, 65, 65, 21), NULL, (int32_t[]){0, 0});
    qn_dim size[2] = {operator_case_symbol(c, "h", 1, 513), operator_case_symbol(c, "w", 1, 513)};
    c->contents[1] = size;
    assert_null(operator_case_infer(c));
    assert_dim_text(c, c->out_type.dims[1], "h");
    assert_dim_text(c, c->out_type.dims[2], "w");
    assert_dim_text(c, c->out_type.dims[3], "21");
    assert_int_equal(c->demands.size, 0);
    operator_case_destroy(c);
}

static void a_size_known_only_from_data_is_refused_with_a_way_out(void **state) {
    (void)state;
    operator_case *c = create(&qn_op_resize_nearest, LEGACY, QN_DTYPE_F32, DIMS(1, 2, 2, 1), NULL, NULL);
    assert_infer_fails(c, "size depends on data that is known only while running; give it as a constant");
    operator_case_destroy(c);
}

static void both_coordinate_attributes_at_once_are_refused(void **state) {
    (void)state;
    operator_case *c = create(&qn_op_resize_bilinear, LEGACY, QN_DTYPE_F32, DIMS(1, 2, 2, 1), NULL, (int32_t[]){4, 4});
    ((qn_resize_attrs *)c->attrs)->align_corners = ((qn_resize_attrs *)c->attrs)->half_pixel_centers = 1;
    assert_infer_fails(c, "align_corners and half_pixel_centers exclude each other");
    operator_case_destroy(c);
}

static void a_size_of_zero_is_refused(void **state) {
    (void)state;
    operator_case *c = create(&qn_op_resize_bilinear, LEGACY, QN_DTYPE_F32, DIMS(1, 2, 2, 1), NULL, (int32_t[]){4, 0});
    assert_infer_fails(c, "the new width must be at least 1");
    operator_case_destroy(c);
}

static void every_coordinate_stays_inside_the_picture(void **state) {
    (void)state;
    for (mode m = LEGACY; m < MODES; m++)
        for (int64_t in = 1; in <= 40; in++)
            for (int64_t out = 1; out <= 90; out++) {
                qn_resize_axis axis = qn_resize_axis_make(in, out, m == ALIGN_CORNERS, m == HALF_PIXEL);
                for (int64_t i = 0; i < out; i++) {
                    qn_resize_point point = qn_resize_axis_linear(&axis, i);
                    int64_t nearest = qn_resize_axis_nearest(&axis, i);
                    assert_true(point.lower >= 0 && point.lower <= point.upper && point.upper < in);
                    assert_true(point.upper - point.lower <= 1 && point.fraction >= 0 && point.fraction <= 1);
                    assert_true(nearest >= 0 && nearest < in);
                }
            }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bilinear_equals_tensorflow_in_all_modes),
        cmocka_unit_test(bilinear_of_bytes_rounds_half_to_even),
        cmocka_unit_test(bilinear_of_wide_integers_gives_floats),
        cmocka_unit_test(bilinear_to_the_same_size_copies_even_infinities),
        cmocka_unit_test(nearest_equals_tensorflow_in_all_modes),
        cmocka_unit_test(resize_argmax_is_the_argmax_of_the_resized_picture),
        cmocka_unit_test(resize_argmax_to_the_same_size_compares_what_is_stored),
        cmocka_unit_test(a_symbolic_size_becomes_the_output_size),
        cmocka_unit_test(a_size_known_only_from_data_is_refused_with_a_way_out),
        cmocka_unit_test(both_coordinate_attributes_at_once_are_refused),
        cmocka_unit_test(a_size_of_zero_is_refused),
        cmocka_unit_test(every_coordinate_stays_inside_the_picture),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
