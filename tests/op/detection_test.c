/* Operators of detection networks against TensorFlow's answers. */
#include "operator_case.h"

#include <math.h>

static const float boxes[] = {0, 0,  1, 1,  0, .1f,   1, 1.1f,  0, -.1f, 1, .9f,
                              0, 10, 1, 11, 0, 10.1f, 1, 11.1f, 1, 101,  0, 100};
static const float scores[] = {.9f, .75f, .6f, .95f, .5f, .3f};

static operator_case *create_nms(const float *of, int32_t *limit, float *overlap, float *least) {
    operator_case *c = operator_case_create(&qn_op_non_max_suppression);
    operator_case_input(c, QN_DTYPE_F32, DIMS(6, 4), boxes);
    operator_case_input(c, QN_DTYPE_F32, DIMS(6), of);
    operator_case_input(c, QN_DTYPE_S32, SCALAR, limit);
    operator_case_input(c, QN_DTYPE_F32, SCALAR, overlap);
    if (least) operator_case_input(c, QN_DTYPE_F32, SCALAR, least);
    return c;
}

static void expect_nms(const float *of, int32_t limit, float overlap, float *least, int64_t count,
                       const int64_t *expected) {
    operator_case *c = create_nms(of, &limit, &overlap, least);
    const qn_view *out = operator_case_run(c);
    assert_view_dims(out, QN_DTYPE_S32, DIMS(count));
    assert_view_ints(out, expected);
    operator_case_destroy(c);
}

static void better_boxes_suppress_those_they_overlap(void **state) {
    (void)state;
    expect_nms(scores, 30, .5f, NULL, 3, (int64_t[]){3, 0, 5});
}

static void no_more_than_the_limit_are_chosen(void **state) {
    (void)state;
    expect_nms(scores, 2, .5f, NULL, 2, (int64_t[]){3, 0});
    expect_nms(scores, 0, .5f, NULL, 0, NULL);
}

static void a_score_has_to_be_above_the_threshold(void **state) {
    (void)state;
    float least = .5f;
    expect_nms(scores, 30, .5f, &least, 2, (int64_t[]){3, 0});
}

static void equal_scores_come_in_the_order_of_their_indices(void **state) {
    (void)state;
    const float equal[] = {.5f, .5f, .5f, .5f, .5f, .5f};
    expect_nms(equal, 30, 1, NULL, 6, (int64_t[]){0, 1, 2, 3, 4, 5});
}

static void a_nan_score_is_never_chosen(void **state) {
    (void)state;
    const float odd[] = {NAN, .75f, NAN, .95f, NAN, -1};
    expect_nms(odd, 30, .5f, NULL, 3, (int64_t[]){3, 1, 5});
}

static void thresholds_out_of_range_are_refused_when_run(void **state) {
    (void)state;
    int32_t limit = 3;
    float overlap = 1.5f;
    operator_case *c = create_nms(scores, &limit, &overlap, NULL);
    assert_null(operator_case_infer(c));
    qn_status *status = operator_case_eval(c);
    assert_string_equal(qn_status_message(status), "iou_threshold is 1.5; expected 0 to 1");
    qn_status_free(status);
    limit = -1;
    status = operator_case_eval(c);
    assert_string_equal(qn_status_message(status), "max_output_size is -1; expected at least 0");
    qn_status_free(status);
    operator_case_destroy(c);
}

static void the_number_of_chosen_boxes_is_bounded_by_boxes_and_limit(void **state) {
    (void)state;
    int32_t limit = 4;
    float overlap = .5f;
    int64_t low, high;
    operator_case *c = create_nms(scores, &limit, &overlap, NULL);
    assert_null(operator_case_infer(c));
    qn_dim_range(c->dims, c->out_type.dims[0], &low, &high);
    assert_int_equal(low, 0);
    assert_int_equal(high, 4);
    c->contents[2] = NULL;
    assert_null(operator_case_infer(c));
    qn_dim_range(c->dims, c->out_type.dims[0], &low, &high);
    assert_int_equal(high, 6);
    operator_case_destroy(c);
}

static void boxes_and_scores_have_to_match(void **state) {
    (void)state;
    operator_case *c = operator_case_create(&qn_op_non_max_suppression);
    operator_case_input(c, QN_DTYPE_F32, DIMS(6, 4), NULL);
    operator_case_input(c, QN_DTYPE_F32, DIMS(5), NULL);
    operator_case_input(c, QN_DTYPE_S32, SCALAR, NULL);
    operator_case_input(c, QN_DTYPE_F32, SCALAR, NULL);
    assert_infer_fails(c, "scores has 5 elements, boxes has rows: 6");
    operator_case_destroy(c);
}

/* ---- crop_and_resize ---- */

static const float image[] = {1, 2, 3, 4, 5, 6, 7, 8, 10};

static operator_case *create_crop(int64_t method, int64_t count, const float *regions, const int32_t *index,
                                  const int32_t *size) {
    operator_case *c = operator_case_create(&qn_op_crop_and_resize);
    *(qn_crop_and_resize_attrs *)c->attrs = (qn_crop_and_resize_attrs){method, -9};
    operator_case_input(c, QN_DTYPE_F32, DIMS(1, 3, 3, 1), image);
    operator_case_input(c, QN_DTYPE_F32, DIMS(count, 4), regions);
    operator_case_input(c, QN_DTYPE_S32, DIMS(count), index);
    operator_case_input(c, QN_DTYPE_S32, DIMS(2), size);
    return c;
}

static void expect_crop(int64_t method, int64_t count, const float *regions, const int32_t size[2],
                        const float *expected) {
    operator_case *c = create_crop(method, count, regions, (int32_t[]){0, 0}, size);
    const qn_view *out = operator_case_run(c);
    assert_view_dims(out, QN_DTYPE_F32, DIMS(count, size[0], size[1], 1));
    assert_view_floats(out, expected, 0);
    operator_case_destroy(c);
}

static void crops_interpolate_inside_and_extrapolate_outside(void **state) {
    (void)state;
    expect_crop(0, 2, (float[]){0, 0, 1, 1, .25f, -.5f, .75f, .6f}, (int32_t[]){2, 3},
                (float[]){1, 2, 3, 7, 8, 10, -9, 2.5999999f, 3.69999981f, -9, 5.5999999f, 6.79999971f});
}

static void crops_can_take_the_nearest_pixel_and_be_flipped(void **state) {
    (void)state;
    expect_crop(1, 2, (float[]){0, 0, 1, 1, .8f, .1f, .2f, .9f}, (int32_t[]){2, 2},
                (float[]){1, 3, 7, 10, 7, 10, 1, 3});
}

static void a_crop_of_one_pixel_takes_the_centre_of_its_box(void **state) {
    (void)state;
    expect_crop(0, 1, (float[]){0, 0, 1, .5f}, (int32_t[]){1, 1}, (float[]){4.5f});
}

static void a_box_with_nan_reads_nothing(void **state) {
    (void)state;
    expect_crop(0, 1, (float[]){NAN, 0, 1, .5f}, (int32_t[]){1, 1}, (float[]){-9});
}

static void a_box_of_a_picture_that_does_not_exist_is_refused_when_run(void **state) {
    (void)state;
    for (int32_t wrong = -1; wrong <= 1; wrong += 2) {
        operator_case *c = create_crop(0, 1, (float[]){0, 0, 1, 1}, &wrong, (int32_t[]){2, 2});
        assert_null(operator_case_infer(c));
        qn_status *status = operator_case_eval(c);
        assert_int_equal(qn_status_code(status), QN_INVALID_ARGUMENT);
        qn_status_free(status);
        operator_case_destroy(c);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(better_boxes_suppress_those_they_overlap),
        cmocka_unit_test(no_more_than_the_limit_are_chosen),
        cmocka_unit_test(a_score_has_to_be_above_the_threshold),
        cmocka_unit_test(equal_scores_come_in_the_order_of_their_indices),
        cmocka_unit_test(a_nan_score_is_never_chosen),
        cmocka_unit_test(thresholds_out_of_range_are_refused_when_run),
        cmocka_unit_test(the_number_of_chosen_boxes_is_bounded_by_boxes_and_limit),
        cmocka_unit_test(boxes_and_scores_have_to_match),
        cmocka_unit_test(crops_interpolate_inside_and_extrapolate_outside),
        cmocka_unit_test(crops_can_take_the_nearest_pixel_and_be_flipped),
        cmocka_unit_test(a_crop_of_one_pixel_takes_the_centre_of_its_box),
        cmocka_unit_test(a_box_with_nan_reads_nothing),
        cmocka_unit_test(a_box_of_a_picture_that_does_not_exist_is_refused_when_run),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
