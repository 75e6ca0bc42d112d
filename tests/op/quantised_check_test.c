/* Zero points, paddings and scales that no integer of their type could have: refused with what was expected and found.
 */
#include "operator_case.h"

#include <math.h>

/* ---- Conversions ---- */

static void expect_conversion_refused(const qn_op_def *op, qn_dtype integer, float factor, int32_t zero_point,
                                      const char *text) {
    const int is_quantize = op == &qn_op_quantize_linear;
    const float factors[3] = {1, 1, factor};
    const int32_t zero_points[3] = {0, zero_point, 0};
    operator_case *c = operator_case_create(op);
    if (is_quantize) ((qn_quantize_linear_attrs *)c->attrs)->dtype = integer;
    operator_case_input(c, is_quantize ? QN_DTYPE_F32 : integer, DIMS(2, 3), NULL);
    operator_case_input(c, QN_DTYPE_F32, DIMS(3), factors);
    operator_case_input(c, QN_DTYPE_S32, DIMS(3), zero_points);
    if (text)
        assert_infer_fails(c, text);
    else
        assert_null(operator_case_infer(c));
    operator_case_destroy(c);
}

static void conversions_refuse_zero_points_that_their_integers_lack(void **state) {
    static const qn_op_def *const ops[] = {&qn_op_quantize_linear, &qn_op_dequantize_linear};
    (void)state;
    for (int i = 0; i < 2; i++) {
        expect_conversion_refused(ops[i], QN_DTYPE_U8, 1, 256,
                                  "channel 1: zero_point is 256; expected 0 to 255 for u8");
        expect_conversion_refused(ops[i], QN_DTYPE_U8, 1, -1, "channel 1: zero_point is -1; expected 0 to 255 for u8");
        expect_conversion_refused(ops[i], QN_DTYPE_U8, 1, 255, NULL);
        expect_conversion_refused(ops[i], QN_DTYPE_S16, 1, 32768,
                                  "zero_point is 32768; expected -32767 to 32767 for s16");
        expect_conversion_refused(ops[i], QN_DTYPE_S16, 1, INT32_MIN, "zero_point is -2147483648; expected -32767");
        expect_conversion_refused(ops[i], QN_DTYPE_S16, 1, 32767, NULL);
    }
}

static void conversions_refuse_factors_that_are_no_scales(void **state) {
    static const qn_op_def *const ops[] = {&qn_op_quantize_linear, &qn_op_dequantize_linear};
    static const char *const texts[] = {"multiplier of channel 2 is", "scale of channel 2 is"};
    static const float factors[] = {0, -1, NAN, INFINITY, -INFINITY};
    (void)state;
    for (int i = 0; i < 2; i++) {
        for (size_t k = 0; k < sizeof factors / sizeof *factors; k++)
            expect_conversion_refused(ops[i], QN_DTYPE_U8, factors[k], 0, texts[i]);
        expect_conversion_refused(ops[i], QN_DTYPE_U8, 0x1p-149f, 0, NULL);
    }
}

/* ---- Additions ---- */

static void expect_addition_refused(qn_dtype integer, int32_t a_zero_point, int32_t b_zero_point, int64_t zero_point,
                                    const char *text) {
    const float one = 1;
    operator_case *c = operator_case_create(&qn_op_add_quantized);
    qn_requantize_attrs *result = &((qn_add_quantized_attrs *)c->attrs)->result;
    result->dtype = QN_DTYPE_U8;
    result->zero_point = zero_point;
    for (int i = 0; i < 2; i++) operator_case_input(c, integer, DIMS(2, 3), NULL);
    for (int i = 0; i < 2; i++) operator_case_input(c, QN_DTYPE_F32, DIMS(1), &one);
    operator_case_input(c, QN_DTYPE_S32, DIMS(1), &a_zero_point);
    operator_case_input(c, QN_DTYPE_S32, DIMS(1), &b_zero_point);
    if (text)
        assert_infer_fails(c, text);
    else
        assert_null(operator_case_infer(c));
    operator_case_destroy(c);
}

static void additions_refuse_zero_points_that_their_integers_lack(void **state) {
    (void)state;
    expect_addition_refused(QN_DTYPE_U8, 256, 0, 0, "a_zero_point is 256; expected 0 to 255 for u8");
    expect_addition_refused(QN_DTYPE_U8, 0, -1, 0, "b_zero_point is -1; expected 0 to 255 for u8");
    expect_addition_refused(QN_DTYPE_S16, 0, -32768, 0, "b_zero_point is -32768; expected -32767 to 32767 for s16");
    expect_addition_refused(QN_DTYPE_U8, 0, 0, 256, "zero_point is 256; expected 0 to 255 for u8");
    expect_addition_refused(QN_DTYPE_U8, 255, 255, 255, NULL);
}

/* ---- Layers ---- */

typedef struct layer {
    qn_dtype x, result, addend; /* addend NONE: there is none */
    int64_t pad_value, zero_point, addend_zero_point;
    const char *text; /* NULL: it is taken */
} layer;

static const layer layers[] = {
    {QN_DTYPE_U8, QN_DTYPE_U8, QN_DTYPE_NONE, 255, 255, 0, NULL},
    {QN_DTYPE_U8, QN_DTYPE_F32, QN_DTYPE_NONE, 256, 0, 0, "pad_value is 256; expected 0 to 255 for u8"},
    {QN_DTYPE_U8, QN_DTYPE_F32, QN_DTYPE_NONE, -1, 0, 0, "pad_value is -1; expected 0 to 255 for u8"},
    {QN_DTYPE_S16, QN_DTYPE_F32, QN_DTYPE_NONE, -1, 0, 0, NULL},
    {QN_DTYPE_U8, QN_DTYPE_U8, QN_DTYPE_NONE, 0, 256, 0, "zero_point is 256; expected 0 to 255 for u8"},
    {QN_DTYPE_U8, QN_DTYPE_U8, QN_DTYPE_NONE, 0, -1, 0, "zero_point is -1; expected 0 to 255 for u8"},
    {QN_DTYPE_U8, QN_DTYPE_F32, QN_DTYPE_NONE, 0, 1, 0, "zero_point is 1; expected 0 to 0 for f32"},
    {QN_DTYPE_U8, QN_DTYPE_S16, QN_DTYPE_NONE, 0, -32767, 0, NULL},
    {QN_DTYPE_U8, QN_DTYPE_F32, QN_DTYPE_U8, 0, 0, 256, "addend_zero_point is 256; expected 0 to 255 for u8"},
    {QN_DTYPE_U8, QN_DTYPE_F32, QN_DTYPE_F32, 0, 0, 1, "addend_zero_point is 1; expected 0 to 0 for f32"},
    {QN_DTYPE_U8, QN_DTYPE_F32, QN_DTYPE_S16, 0, 0, 256, NULL},
};

static void convolutions_refuse_what_their_types_lack(void **state) {
    static const float ones[2] = {1, 1};
    (void)state;
    for (size_t i = 0; i < sizeof layers / sizeof *layers; i++) {
        const layer *l = &layers[i];
        const int is_u8 = l->x == QN_DTYPE_U8;
        operator_case *c = operator_case_create(&qn_op_conv2d_quantized);
        qn_conv2d_quantized_attrs *attrs = c->attrs;
        attrs->pad_value = l->pad_value;
        attrs->result.dtype = l->result;
        attrs->result.zero_point = l->zero_point;
        attrs->result.addend_zero_point = l->addend_zero_point;
        operator_case_input(c, l->x, DIMS(1, 3, 3, 2), NULL);
        operator_case_input(c, is_u8 ? QN_DTYPE_S8 : QN_DTYPE_S16, DIMS(1, 1, 2, 2), NULL);
        operator_case_input(c, is_u8 ? QN_DTYPE_S32 : QN_DTYPE_S64, DIMS(2), NULL);
        operator_case_input(c, QN_DTYPE_F32, DIMS(2), ones);
        if (l->addend) {
            operator_case_skip_input(c);
            if (l->addend == QN_DTYPE_F32)
                operator_case_skip_input(c);
            else
                operator_case_input(c, QN_DTYPE_F32, DIMS(2), ones);
            operator_case_input(c, l->addend, DIMS(1, 3, 3, 2), NULL);
        }
        if (l->text)
            assert_infer_fails(c, l->text);
        else
            assert_null(operator_case_infer(c));
        operator_case_destroy(c);
    }
}

static void products_refuse_zero_points_that_their_results_lack(void **state) {
    (void)state;
    operator_case *c = operator_case_create(&qn_op_matmul_quantized);
    qn_matmul_quantized_attrs *attrs = c->attrs;
    attrs->result.dtype = QN_DTYPE_U8;
    attrs->result.zero_point = 300;
    operator_case_input(c, QN_DTYPE_U8, DIMS(3, 2), NULL);
    operator_case_input(c, QN_DTYPE_S8, DIMS(2, 2), NULL);
    operator_case_input(c, QN_DTYPE_S32, DIMS(2), NULL);
    operator_case_input(c, QN_DTYPE_F32, DIMS(2), (const float[]){1, 1});
    assert_infer_fails(c, "zero_point is 300; expected 0 to 255 for u8");
    operator_case_destroy(c);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(conversions_refuse_zero_points_that_their_integers_lack),
        cmocka_unit_test(conversions_refuse_factors_that_are_no_scales),
        cmocka_unit_test(additions_refuse_zero_points_that_their_integers_lack),
        cmocka_unit_test(convolutions_refuse_what_their_types_lack),
        cmocka_unit_test(products_refuse_zero_points_that_their_results_lack),
    };
    return cmocka_run_group_tests_name("op/quantised_check", tests, NULL, NULL);
}
