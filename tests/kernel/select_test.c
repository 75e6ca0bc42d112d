/* Selection, and the parts of the kernel contract that a picture says better than a random case. */
#include "kernel/kernels.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const void *chosen(const qn_kernel_set *set, const char *family) {
    const struct {
        const char *family;
        const void *kernel;
    } members[] = {{"conv_f32", set->conv_f32},
                   {"depthwise_f32", set->depthwise_f32},
                   {"elementwise", set->elementwise},
                   {"pool_f32", set->pool_f32},
                   {"resize_f32", set->resize_f32},
                   {"argmax_f32", set->argmax_f32},
                   {"conv_f16", set->conv_f16},
                   {"depthwise_f16", set->depthwise_f16},
                   {"convert_f16", set->convert_f16},
                   {"add_int", set->add_int},
                   {"quantize", set->quantize},
                   {"convert_u8", set->convert_u8},
                   {"convert_s16", set->convert_s16},
                   {"pool_int", set->pool_int},
                   {"conv_u8", set->conv_u8},
                   {"depthwise_u8", set->depthwise_u8},
                   {"conv_s16", set->conv_s16},
                   {"conv_s16s8", set->conv_s16s8},
                   {"depthwise_s16", set->depthwise_s16}};
    for (size_t i = 0; i < sizeof members / sizeof *members; i++) {
        if (strcmp(members[i].family, family) == 0) return members[i].kernel;
    }
    fail_msg("family %s is not in qn_kernel_set", family);
    return NULL;
}

/* Every set of the features that rows ask for. */
static void the_last_row_whose_needs_are_met_is_chosen(void **state) {
    qn_cpu_features asked = 0;
    (void)state;
    for (size_t i = 0; i < qn_kernel_row_count(); i++) asked |= qn_kernel_row_at(i)->needs;
    for (qn_cpu_features set = asked;; set = (set - 1) & asked) {
        qn_kernel_set selected;
        qn_kernel_select(set, &selected);
        for (size_t i = 0; i < qn_kernel_row_count(); i++) {
            const qn_kernel_row *row = qn_kernel_row_at(i);
            const void *expected = NULL;
            for (size_t j = 0; j < qn_kernel_row_count(); j++) {
                const qn_kernel_row *other = qn_kernel_row_at(j);
                const int runs = other->kernel && (other->needs & set) == other->needs;
                if (runs && strcmp(other->family, row->family) == 0) expected = other->kernel;
            }
            assert_non_null(expected);
            assert_ptr_equal(chosen(&selected, row->family), expected);
        }
        if (set == 0) break;
    }
}

static void features_that_no_row_asks_for_change_nothing(void **state) {
    qn_kernel_set all, more;
    qn_cpu_features asked = 0;
    (void)state;
    for (size_t i = 0; i < qn_kernel_row_count(); i++) asked |= qn_kernel_row_at(i)->needs;
    qn_kernel_select(asked, &all);
    qn_kernel_select(~UINT64_C(0), &more);
    assert_memory_equal(&all, &more, sizeof all);
}

static void the_first_row_of_each_family_needs_nothing(void **state) {
    const char *family = "";
    (void)state;
    for (size_t i = 0; i < qn_kernel_row_count(); i++) {
        const qn_kernel_row *row = qn_kernel_row_at(i);
        if (strcmp(row->family, family) != 0) assert_true(row->needs == 0 && row->kernel);
        family = row->family;
        assert_true(strncmp(row->name, family, strlen(family)) == 0);
    }
}

static float convolve_one(const float *src, const float *weights, int64_t depth, const float *bias, float low,
                          float high, qn_cpu_features features) {
    float packed[QN_CONV_PANEL * 8], dst = -1;
    qn_kernel_set set;
    qn_work work;
    assert_true(qn_conv_f32_packed_elems(depth, 1) <= sizeof packed / sizeof *packed);
    qn_kernel_select(features, &set);
    qn_conv_f32_pack(weights, depth, 1, packed);
    const qn_conv_f32_params params = {.kernel = set.conv_f32,
                                       .src = src,
                                       .weights = packed,
                                       .bias = bias,
                                       .dst = &dst,
                                       .batch = 1,
                                       .in_h = 1,
                                       .in_w = 1,
                                       .in_c = depth,
                                       .out_h = 1,
                                       .out_w = 1,
                                       .out_c = 1,
                                       .src_stride = depth,
                                       .dst_stride = 1,
                                       .kernel_h = 1,
                                       .kernel_w = 1,
                                       .stride_h = 1,
                                       .stride_w = 1,
                                       .dilation_h = 1,
                                       .dilation_w = 1,
                                       .act_min = low,
                                       .act_max = high};
    qn_conv_f32_work(&params, &work);
    assert_int_equal(work.scratch_bytes, 0);
    work.run(work.params, 0, work.tasks, NULL);
    return dst;
}

/* 2^24 + 1 + 1: one by one each 1 is lost to rounding; in another order it is not. */
static void the_chain_runs_in_order_from_the_bias(void **state) {
    const float src[] = {1, 1, 1}, weights[] = {1, 1, -16777216.0f}, bias = 16777216.0f;
    (void)state;
    assert_true(convolve_one(src, weights, 3, &bias, -INFINITY, INFINITY, 0) == 0.0f);
    const float late[] = {16777216.0f, 1, 1};
    assert_true(convolve_one(src, late, 3, NULL, -INFINITY, INFINITY, 0) == 16777216.0f);
    const float early[] = {1, 1, 16777216.0f};
    assert_true(convolve_one(src, early, 3, NULL, -INFINITY, INFINITY, 0) == 16777218.0f);
}

/* (1 + e)(1 - e) - 1 = -e^2 with one rounding, 0 with two. */
static void products_are_not_rounded_before_they_are_added(void **state) {
    const float e = 0x1p-12f, src[] = {1.0f + e}, weights[] = {1.0f - e}, bias = -1;
    (void)state;
    assert_true(convolve_one(src, weights, 1, &bias, -INFINITY, INFINITY, 0) == -e * e);
}

static void a_nan_passes_through_every_activation(void **state) {
    const float src[] = {NAN}, weights[] = {1};
    (void)state;
    assert_true(isnan(convolve_one(src, weights, 1, NULL, 0, 6, 0)));
    assert_true(isnan(convolve_one(src, weights, 1, NULL, -INFINITY, INFINITY, 0)));
}

static void panels_hold_sixteen_outputs_and_are_padded_with_zeros(void **state) {
    enum { DEPTH = 3, OUTPUTS = 18 };
    float weights[DEPTH * OUTPUTS], packed[2 * 16 * DEPTH];
    (void)state;
    for (int i = 0; i < DEPTH * OUTPUTS; i++) weights[i] = (float)(i + 1);
    assert_int_equal(qn_conv_f32_packed_elems(DEPTH, OUTPUTS), 2 * 16 * DEPTH);
    qn_conv_f32_pack(weights, DEPTH, OUTPUTS, packed);
    for (int o = 0; o < 32; o++) {
        for (int k = 0; k < DEPTH; k++) {
            const float expected = o < OUTPUTS ? weights[k * OUTPUTS + o] : 0;
            assert_true(packed[(o / 16 * DEPTH + k) * 16 + o % 16] == expected);
        }
    }
}

static void empty_tensors_are_no_work(void **state) {
    qn_kernel_set set;
    qn_work work;
    (void)state;
    qn_kernel_select(0, &set);
    const qn_conv_f32_params conv = {.kernel = set.conv_f32,
                                     .in_h = 4,
                                     .in_w = 4,
                                     .in_c = 1,
                                     .out_h = 4,
                                     .out_w = 4,
                                     .out_c = 1,
                                     .src_stride = 1,
                                     .dst_stride = 1,
                                     .kernel_h = 1,
                                     .kernel_w = 1,
                                     .stride_h = 1,
                                     .stride_w = 1,
                                     .dilation_h = 1,
                                     .dilation_w = 1};
    qn_conv_f32_work(&conv, &work);
    assert_int_equal(work.tasks, 0);
    const qn_elementwise_params add = {.kernel = set.elementwise, .code = QN_EW_ADD};
    qn_elementwise_work(&add, &work);
    assert_int_equal(work.tasks, 0);
    const qn_pool_params pool = {.kernel = set.pool_f32, .kernel_h = 2, .kernel_w = 2};
    qn_pool_work(&pool, &work);
    assert_int_equal(work.tasks, 0);
    const qn_resize_f32_params resize = {.kernel = set.resize_f32, .in_h = 2, .in_w = 2, .channels = 3};
    qn_resize_f32_work(&resize, &work);
    assert_int_equal(work.tasks, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_last_row_whose_needs_are_met_is_chosen),
        cmocka_unit_test(features_that_no_row_asks_for_change_nothing),
        cmocka_unit_test(the_first_row_of_each_family_needs_nothing),
        cmocka_unit_test(the_chain_runs_in_order_from_the_bias),
        cmocka_unit_test(products_are_not_rounded_before_they_are_added),
        cmocka_unit_test(a_nan_passes_through_every_activation),
        cmocka_unit_test(panels_hold_sixteen_outputs_and_are_padded_with_zeros),
        cmocka_unit_test(empty_tensors_are_no_work),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
