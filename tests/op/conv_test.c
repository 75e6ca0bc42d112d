/* Convolution and matrix product against TensorFlow's answers and hand-made ones; packed forms against eval. */
#include "operator_case.h"

#include "kernel/kernel.h"
#include "kernel/packing.h"
#include "op/geometry.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const float picture[] = {1, -2, 3, 0, 2, 1, 0, -1, 0, 3, 1, 2, -1, 0, 2, 1};
static const float taps[] = {1, 0, -1, 2, 1, 0, 0, -1, 3};

static qn_ints pair(int64_t a, int64_t b) { return (qn_ints){2, {a, b}}; }

/* The 4x4 picture under the 3x3 kernel. */
static operator_case *create_3x3(qn_padding padding, int64_t stride, int64_t dilation) {
    operator_case *c = operator_case_create(&qn_op_conv2d);
    qn_conv2d_attrs *attrs = c->attrs;
    attrs->padding = padding;
    attrs->stride = pair(stride, stride);
    attrs->dilation = pair(dilation, dilation);
    operator_case_input(c, QN_DTYPE_F32, DIMS(1, 4, 4, 1), picture);
    operator_case_input(c, QN_DTYPE_F32, DIMS(3, 3, 1, 1), taps);
    return c;
}

static void expect_square(operator_case *c, int64_t size, const float *expected) {
    const qn_view *out = operator_case_run(c);
    assert_view_dims(out, QN_DTYPE_F32, DIMS(1, size, size, 1));
    assert_view_floats(out, expected, 0);
    operator_case_destroy(c);
}

static void same_upper_puts_the_odd_pixel_below_and_right(void **state) {
    (void)state;
    expect_square(create_3x3(QN_PADDING_SAME_UPPER, 2, 1), 2, (float[]){3, 0, -3, 6});
}

static void same_lower_puts_the_odd_pixel_above_and_left(void **state) {
    (void)state;
    expect_square(create_3x3(QN_PADDING_SAME_LOWER, 2, 1), 2, (float[]){2, -4, 0, 10});
}

static void valid_takes_only_whole_windows(void **state) {
    (void)state;
    expect_square(create_3x3(QN_PADDING_VALID, 1, 1), 2, (float[]){3, 5, 11, 10});
}

static void dilation_spreads_the_taps_and_same_padding_follows(void **state) {
    (void)state;
    expect_square(create_3x3(QN_PADDING_SAME_UPPER, 1, 2), 4,
                  (float[]){4, 1, 4, -6, 9, 4, 2, 0, -3, 3, 2, 6, -1, 1, 2, 2});
}

static void explicit_pads_differ_on_every_side(void **state) {
    (void)state;
    operator_case *c = create_3x3(QN_PADDING_EXPLICIT, 1, 1);
    qn_conv2d_attrs *attrs = c->attrs;
    attrs->stride = pair(2, 1);
    attrs->pads = (qn_ints){4, {0, 2, 1, 1}};
    const qn_view *out = operator_case_run(c);
    assert_view_dims(out, QN_DTYPE_F32, DIMS(1, 2, 5, 1));
    assert_view_floats(out, (float[]){-1, 13, 3, 5, 0, 0, -4, -3, 3, 6}, 0);
    operator_case_destroy(c);
}

static void depthwise_with_multiplier_two_keeps_the_outputs_of_a_channel_together(void **state) {
    (void)state;
    const float weights[] = {1, 2, -1, 0, 0, 1, 1, -2, 3, -1, 0, 1, 1, 1, 2, 0};
    float x[18];
    for (int i = 0; i < 18; i++) x[i] = (float)(i - 6);
    operator_case *c = operator_case_create(&qn_op_conv2d);
    ((qn_conv2d_attrs *)c->attrs)->groups = 2;
    operator_case_input(c, QN_DTYPE_F32, DIMS(1, 3, 3, 2), x);
    operator_case_input(c, QN_DTYPE_F32, DIMS(2, 2, 1, 4), weights);
    const qn_view *out = operator_case_run(c);
    assert_view_dims(out, QN_DTYPE_F32, DIMS(1, 2, 2, 4));
    assert_view_floats(out, (float[]){-4, -14, 8, 7, 6, -8, 12, 5, 26, 4, 20, 1, 36, 10, 24, -1}, 0);
    operator_case_destroy(c);
}

static void groups_convolve_their_own_channels_only(void **state) {
    (void)state;
    /* 1x1 kernel, 4 channels in 2 groups, 1 output each. */
    operator_case *c = operator_case_create(&qn_op_conv2d);
    ((qn_conv2d_attrs *)c->attrs)->groups = 2;
    operator_case_input(c, QN_DTYPE_F32, DIMS(1, 1, 2, 4), (float[]){1, 2, 3, 4, 5, 6, 7, 8});
    operator_case_input(c, QN_DTYPE_F32, DIMS(1, 1, 2, 2), (float[]){1, 10, 100, 1000});
    assert_view_floats(operator_case_run(c), (float[]){201, 4030, 605, 8070}, 0);
    operator_case_destroy(c);
}

static void activation_comes_after_bias_and_addend(void **state) {
    (void)state;
    for (int64_t activation = QN_ACTIVATION_NONE; activation <= QN_ACTIVATION_RELU6; activation++) {
        static const float expected[3][4] = {{-1, 5, 9, 3}, {0, 5, 9, 3}, {0, 5, 6, 3}};
        operator_case *c = operator_case_create(&qn_op_conv2d);
        ((qn_conv2d_attrs *)c->attrs)->activation = activation;
        operator_case_input(c, QN_DTYPE_F32, DIMS(1, 1, 2, 1), (float[]){1, 2});
        operator_case_input(c, QN_DTYPE_F32, DIMS(1, 1, 1, 2), (float[]){1, 2});
        operator_case_input(c, QN_DTYPE_F32, DIMS(2), (float[]){1, -1});
        operator_case_input(c, QN_DTYPE_F32, DIMS(1, 1, 2, 2), (float[]){-3, 4, 6, 0});
        assert_view_floats(operator_case_run(c), expected[activation], 0);
        operator_case_destroy(c);
    }
}

static void addend_works_without_bias(void **state) {
    (void)state;
    operator_case *c = operator_case_create(&qn_op_conv2d);
    operator_case_input(c, QN_DTYPE_F32, DIMS(1, 1, 2, 1), (float[]){1, 2});
    operator_case_input(c, QN_DTYPE_F32, DIMS(1, 1, 1, 1), (float[]){3});
    operator_case_skip_input(c);
    operator_case_input(c, QN_DTYPE_F32, DIMS(1, 1, 2, 1), (float[]){10, 20});
    assert_view_floats(operator_case_run(c), (float[]){13, 26}, 0);
    operator_case_destroy(c);
}

static void half_precision_accumulates_wider_than_it_stores(void **state) {
    (void)state;
    uint16_t x[2050], w[2050]; /* 2048 + 1 + 1 is lost term by term in f16 */
    for (int i = 0; i < 2050; i++) x[i] = w[i] = qn_float_to_half(1.0f);
    operator_case *c = operator_case_create(&qn_op_conv2d);
    operator_case_input(c, QN_DTYPE_F16, DIMS(1, 1, 1, 2050), x);
    operator_case_input(c, QN_DTYPE_F16, DIMS(1, 1, 2050, 1), w);
    assert_true(qn_view_get(operator_case_run(c), 0) == 2050.0);
    operator_case_destroy(c);
}

static void channel_mismatch_names_both_numbers(void **state) {
    (void)state;
    operator_case *c = operator_case_create(&qn_op_conv2d);
    operator_case_input(c, QN_DTYPE_F32, DIMS(1, 4, 4, 3), NULL);
    operator_case_input(c, QN_DTYPE_F32, DIMS(3, 3, 8, 16), NULL);
    assert_infer_fails(c, "x has 3 channels, the weights take 8");
    operator_case_destroy(c);
}

static void group_mismatch_names_channels_and_groups(void **state) {
    (void)state;
    operator_case *c = operator_case_create(&qn_op_conv2d);
    ((qn_conv2d_attrs *)c->attrs)->groups = 4;
    operator_case_input(c, QN_DTYPE_F32, DIMS(1, 4, 4, 3), NULL);
    operator_case_input(c, QN_DTYPE_F32, DIMS(3, 3, 1, 8), NULL);
    assert_infer_fails(c, "x has 3 channels, the weights take 1 in each of 4 groups: 4");
    operator_case_destroy(c);
}

static void outputs_must_divide_into_groups(void **state) {
    (void)state;
    operator_case *c = operator_case_create(&qn_op_conv2d);
    ((qn_conv2d_attrs *)c->attrs)->groups = 3;
    operator_case_input(c, QN_DTYPE_F32, DIMS(1, 4, 4, 3), NULL);
    operator_case_input(c, QN_DTYPE_F32, DIMS(3, 3, 1, 8), NULL);
    assert_infer_fails(c, "8 output channels do not divide into 3 groups");
    operator_case_destroy(c);
}

static void wrong_bias_and_addend_are_refused(void **state) {
    (void)state;
    operator_case *c = operator_case_create(&qn_op_conv2d);
    operator_case_input(c, QN_DTYPE_F32, DIMS(1, 4, 4, 3), NULL);
    operator_case_input(c, QN_DTYPE_F32, DIMS(1, 1, 3, 8), NULL);
    operator_case_input(c, QN_DTYPE_F32, DIMS(7), NULL);
    assert_infer_fails(c, "bias has 7 elements, the weights give output channels 8");
    c->types[2].dtype = QN_DTYPE_NONE;
    operator_case_input(c, QN_DTYPE_F32, DIMS(1, 4, 5, 8), NULL);
    assert_infer_fails(c, "addend has 5 columns, the convolution gives 4");
    operator_case_destroy(c);
}

static void a_window_that_never_fits_is_an_error(void **state) {
    (void)state;
    operator_case *c = operator_case_create(&qn_op_conv2d);
    ((qn_conv2d_attrs *)c->attrs)->padding = QN_PADDING_VALID;
    operator_case_input(c, QN_DTYPE_F32, DIMS(1, 2, 9, 3), NULL);
    operator_case_input(c, QN_DTYPE_F32, DIMS(3, 3, 3, 8), NULL);
    assert_infer_fails(c, "x has height 2 and 0 of padding, the window spans 3");
    operator_case_destroy(c);
}

static void same_padding_of_a_symbolic_height_gives_its_half_rounded_up(void **state) {
    (void)state;
    operator_case *c = create_3x3(QN_PADDING_SAME_UPPER, 2, 1);
    qn_dim h = operator_case_symbol(c, "h", 1, 513), two = qn_dim_const(c->dims, 2);
    c->types[0].dims[1] = h;
    assert_null(operator_case_infer(c));
    assert_true(qn_dim_same(c->out_type.dims[1], qn_dim_ceil_div(c->dims, h, two)));
    int64_t low, high;
    qn_dim_range(c->dims, c->out_type.dims[1], &low, &high);
    assert_int_equal(low, 1);
    assert_int_equal(high, 257);
    assert_dim_text(c, c->out_type.dims[2], "2");
    assert_int_equal(c->demands.size, 0);
    operator_case_destroy(c);
}

static void valid_padding_of_a_symbolic_height_demands_that_a_window_fits(void **state) {
    (void)state;
    operator_case *c = create_3x3(QN_PADDING_VALID, 2, 1);
    qn_dim h = operator_case_symbol(c, "h", 1, 513), two = qn_dim_const(c->dims, 2);
    c->types[0].dims[1] = h;
    assert_null(operator_case_infer(c));
    qn_dim expected = qn_dim_floor_div(c->dims, qn_dim_sub(c->dims, h, qn_dim_const(c->dims, 1)), two);
    assert_true(qn_dim_same(c->out_type.dims[1], expected));
    assert_string_equal(qn_buffer_text(&c->demands), "x has height h and 0 of padding, the window spans 3: no output "
                                                     "position is left\n");
    operator_case_destroy(c);
}

static void concrete_and_symbolic_sizes_agree(void **state) {
    (void)state;
    for (int64_t padding = QN_PADDING_EXPLICIT; padding <= QN_PADDING_VALID; padding++)
        for (int64_t stride = 1; stride <= 3; stride++)
            for (int64_t dilation = 1; dilation <= 2; dilation++)
                for (int64_t in = 7; in <= 12; in++) {
                    qn_window window = {{3, 3}, {stride, stride}, {dilation, dilation}, padding, {1, 2, 0, 3}};
                    operator_case *c = create_3x3((qn_padding)padding, stride, dilation);
                    ((qn_conv2d_attrs *)c->attrs)->pads = (qn_ints){4, {1, 2, 0, 3}};
                    for (int axis = 0; axis < 2; axis++) c->types[0].dims[1 + axis] = qn_dim_const(c->dims, in);
                    assert_null(operator_case_infer(c));
                    for (int axis = 0; axis < 2; axis++) {
                        int64_t out = 0;
                        assert_true(qn_dim_is_const(c->dims, c->out_type.dims[1 + axis], &out));
                        assert_int_equal(out, qn_window_out_size(&window, axis, in));
                    }
                    operator_case_destroy(c);
                }
}

static void packed_weights_never_reach_the_plain_evaluation(void **state) {
    (void)state;
    operator_case *c = create_3x3(QN_PADDING_VALID, 1, 1);
    c->inputs[1].packing = &qn_packing_panel16;
    assert_null(operator_case_infer(c));
    qn_status *status = operator_case_eval(c);
    assert_int_equal(qn_status_code(status), QN_INTERNAL);
    qn_status_free(status);
    operator_case_destroy(c);
}

/* ---- matmul ---- */

static void matmul_multiplies_with_either_side_transposed(void **state) {
    (void)state;
    const float a[] = {1, 2, 3, 4, 5, 6}, a_transposed[] = {1, 4, 2, 5, 3, 6};
    const float b[] = {1, 0, -1, 2, 3, 1}, b_transposed[] = {1, -1, 3, 0, 2, 1};
    for (int which = 0; which < 4; which++) {
        operator_case *c = operator_case_create(&qn_op_matmul);
        qn_matmul_attrs *attrs = c->attrs;
        attrs->transpose_a = which & 1;
        attrs->transpose_b = which >> 1;
        if (attrs->transpose_a)
            operator_case_input(c, QN_DTYPE_F32, DIMS(3, 2), a_transposed);
        else
            operator_case_input(c, QN_DTYPE_F32, DIMS(2, 3), a);
        if (attrs->transpose_b)
            operator_case_input(c, QN_DTYPE_F32, DIMS(2, 3), b_transposed);
        else
            operator_case_input(c, QN_DTYPE_F32, DIMS(3, 2), b);
        const qn_view *out = operator_case_run(c);
        assert_view_dims(out, QN_DTYPE_F32, DIMS(2, 2));
        assert_view_floats(out, (float[]){8, 7, 17, 16}, 0);
        operator_case_destroy(c);
    }
}

static void matmul_broadcasts_leading_axes_and_adds_bias_before_activation(void **state) {
    (void)state;
    operator_case *c = operator_case_create(&qn_op_matmul);
    ((qn_matmul_attrs *)c->attrs)->activation = QN_ACTIVATION_RELU;
    operator_case_input(c, QN_DTYPE_F32, DIMS(2, 1, 1, 2), (float[]){1, 2, 3, 4});
    operator_case_input(c, QN_DTYPE_F32, DIMS(3, 2, 1), (float[]){1, 1, 0, -1, 2, 0});
    operator_case_input(c, QN_DTYPE_F32, DIMS(1), (float[]){1});
    const qn_view *out = operator_case_run(c);
    assert_view_dims(out, QN_DTYPE_F32, DIMS(2, 3, 1, 1));
    assert_view_floats(out, (float[]){4, 0, 3, 8, 0, 7}, 0);
    operator_case_destroy(c);
}

static void matmul_names_the_inner_sizes_that_differ(void **state) {
    (void)state;
    operator_case *c = operator_case_create(&qn_op_matmul);
    operator_case_input(c, QN_DTYPE_F32, DIMS(2, 3), NULL);
    operator_case_input(c, QN_DTYPE_F32, DIMS(4, 5), NULL);
    assert_infer_fails(c, "b has 4 rows, the columns of a are 3");
    operator_case_destroy(c);
}

/* ---- Packed forms against eval ---- */

static float *random_floats(qn_rng *rng, int64_t count) {
    float *values = malloc((size_t)count * sizeof *values);
    assert_non_null(values);
    for (int64_t i = 0; i < count; i++) values[i] = qn_rng_float(rng, -2, 2);
    return values;
}

/* A case drawn by the operator's own sample function, with random data; `data` is what to free. */
static operator_case *draw_case(const qn_op_def *op, qn_rng *rng, float *data[4]) {
    operator_case *c = operator_case_create(op);
    qn_sample sample = {.rng = rng, .arena = &c->arena, .attrs = c->attrs, .low = -2, .high = 2};
    memset(c->attrs, 0, op->attrs_bytes);
    op->sample(&sample);
    memset(data, 0, 4 * sizeof *data);
    for (int i = 0; i < sample.input_count; i++) {
        data[i] = random_floats(rng, qn_view_elems(&sample.inputs[i]));
        operator_case_input(c, sample.inputs[i].dtype, sample.inputs[i].rank, sample.inputs[i].dims, data[i]);
    }
    return c;
}

static void expect_lowered_equals_eval(operator_case *c, const qn_packing *packing, const float *packed,
                                       uint64_t seed) {
    qn_kernel_set kernels;
    qn_kernel_select(0, &kernels);
    qn_view views[4], plain = c->out, out = c->out;
    memcpy(views, c->inputs, sizeof views);
    views[1].data = (void *)(uintptr_t)packed;
    views[1].packing = packing;
    out.data = malloc(qn_view_bytes(&out));
    assert_non_null(out.data);
    qn_eval operands = {
        .attrs = c->attrs, .input_count = c->input_count, .inputs = views, .output_count = 1, .outputs = &out};
    qn_work work = {0};
    assert_int_equal(c->op->lower(&operands, &kernels, &work), 1);
    void *scratch = aligned_alloc(64, (work.scratch_bytes + 64) / 64 * 64);
    assert_non_null(scratch);
    work.run(work.params, 0, work.tasks, scratch);
    for (int64_t i = 0; i < qn_view_elems(&out); i++) {
        double expected = qn_view_get(&plain, i), found = qn_view_get(&out, i);
        if (!(fabs(expected - found) <= 1e-4 * (1 + fabs(expected))))
            fail_msg("seed %llu, element %lld: eval %.9g, kernel %.9g", (unsigned long long)seed, (long long)i,
                     expected, found);
    }
    free(scratch);
    free(out.data);
}

static void packed_convolutions_equal_eval(void **state) {
    (void)state;
    int dense = 0, depthwise = 0;
    for (uint64_t seed = 1; seed <= 200; seed++) {
        qn_rng rng;
        float *data[4], *packed = NULL;
        const qn_packing *packing = NULL;
        qn_rng_init(&rng, seed);
        operator_case *c = draw_case(&qn_op_conv2d, &rng, data);
        qn_conv2d_attrs *attrs = c->attrs;
        const int64_t *w = c->inputs[1].dims, channels = c->inputs[0].dims[3];
        operator_case_run(c);
        if (attrs->groups == 1) {
            packed = malloc(qn_conv_f32_packed_elems(w[0] * w[1] * w[2], w[3]) * sizeof *packed);
            assert_non_null(packed);
            qn_conv_f32_pack(data[1], w[0] * w[1] * w[2], w[3], packed);
            packing = &qn_packing_panel16;
            dense++;
        } else if (attrs->groups == channels && w[3] == channels) {
            packed = malloc(qn_depthwise_f32_packed_elems(w[0] * w[1], channels) * sizeof *packed);
            assert_non_null(packed);
            qn_depthwise_f32_pack(data[1], w[0] * w[1], channels, packed);
            packing = &qn_packing_channel16;
            depthwise++;
        }
        if (packed) expect_lowered_equals_eval(c, packing, packed, seed);
        free(packed);
        for (int i = 0; i < 4; i++) free(data[i]);
        operator_case_destroy(c);
    }
    assert_true(dense > 30 && depthwise > 30);
}

static void packed_products_equal_eval(void **state) {
    (void)state;
    int lowered = 0;
    for (uint64_t seed = 1; seed <= 200; seed++) {
        qn_rng rng;
        float *data[4];
        qn_rng_init(&rng, seed);
        operator_case *c = draw_case(&qn_op_matmul, &rng, data);
        qn_matmul_attrs *attrs = c->attrs;
        operator_case_run(c);
        if (c->inputs[1].rank == 2 && !attrs->transpose_a && !attrs->transpose_b) {
            const int64_t *b = c->inputs[1].dims;
            float *packed = malloc(qn_conv_f32_packed_elems(b[0], b[1]) * sizeof *packed);
            assert_non_null(packed);
            qn_conv_f32_pack(data[1], b[0], b[1], packed);
            expect_lowered_equals_eval(c, &qn_packing_panel16, packed, seed);
            free(packed);
            lowered++;
        }
        for (int i = 0; i < 4; i++) free(data[i]);
        operator_case_destroy(c);
    }
    assert_true(lowered > 10);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(same_upper_puts_the_odd_pixel_below_and_right),
        cmocka_unit_test(same_lower_puts_the_odd_pixel_above_and_left),
        cmocka_unit_test(valid_takes_only_whole_windows),
        cmocka_unit_test(dilation_spreads_the_taps_and_same_padding_follows),
        cmocka_unit_test(explicit_pads_differ_on_every_side),
        cmocka_unit_test(depthwise_with_multiplier_two_keeps_the_outputs_of_a_channel_together),
        cmocka_unit_test(groups_convolve_their_own_channels_only),
        cmocka_unit_test(activation_comes_after_bias_and_addend),
        cmocka_unit_test(addend_works_without_bias),
        cmocka_unit_test(half_precision_accumulates_wider_than_it_stores),
        cmocka_unit_test(channel_mismatch_names_both_numbers),
        cmocka_unit_test(group_mismatch_names_channels_and_groups),
        cmocka_unit_test(outputs_must_divide_into_groups),
        cmocka_unit_test(wrong_bias_and_addend_are_refused),
        cmocka_unit_test(a_window_that_never_fits_is_an_error),
        cmocka_unit_test(same_padding_of_a_symbolic_height_gives_its_half_rounded_up),
        cmocka_unit_test(valid_padding_of_a_symbolic_height_demands_that_a_window_fits),
        cmocka_unit_test(concrete_and_symbolic_sizes_agree),
        cmocka_unit_test(packed_weights_never_reach_the_plain_evaluation),
        cmocka_unit_test(matmul_multiplies_with_either_side_transposed),
        cmocka_unit_test(matmul_broadcasts_leading_axes_and_adds_bias_before_activation),
        cmocka_unit_test(matmul_names_the_inner_sizes_that_differ),
        cmocka_unit_test(packed_convolutions_equal_eval),
        cmocka_unit_test(packed_products_equal_eval),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
