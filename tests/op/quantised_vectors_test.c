/* Conformance vectors of integer arithmetic (docs/quantisation.md): literal cases to the last rounding, of eval and of
 * every kernel this CPU can run. The answers were worked out with exact fractions, rounded by hand:
 * 0.1f is 0x1.99999ap-4, a little more than a tenth; floats near 2^24 are 2 apart from there on, near 2^31 256 apart. */
#include "operator_case.h"

#include "kernel/kernel.h"
#include "kernel/packing.h"
#include "op/lower.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SETS_MAX = 4, TERMS = 3 };

static int list_sets(qn_kernel_set *out_sets) {
    int count = 0;
    qn_kernel_select(0, &out_sets[count++]);
#if defined(__x86_64__)
    const qn_cpu_features avx2 = QN_CPU(AVX2) | QN_CPU(FMA) | QN_CPU(F16C);
    const qn_cpu_features avx512 = avx2 | QN_CPU(AVX512F) | QN_CPU(AVX512BW) | QN_CPU(AVX512VL) | QN_CPU(AVX512DQ);
    /* A CPU with AVX-512 has F16C; one with AVX2 alone is not asked. */
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
        __builtin_cpu_supports("avx512dq")) {
        qn_kernel_select(avx2, &out_sets[count++]);
        qn_kernel_select(avx512, &out_sets[count++]);
        if (__builtin_cpu_supports("avx512vnni")) qn_kernel_select(avx512 | QN_CPU(AVX512VNNI), &out_sets[count++]);
    }
#endif
    return count;
}

static void expect_element(const char *what, const char *by, const qn_view *view, int64_t index, double expected) {
    double found = qn_view_get(view, index);
    if (found != expected && !(isnan(found) && isnan(expected)))
        fail_msg("%s, by %s: element %lld is %.17g, expected %.17g", what, by, (long long)index, found, expected);
}

/* Every kernel set on the case, element 0 to `count` against `expected`. Returns how many sets took it. */
static int expect_kernels(const char *what, const operator_case *c, const qn_view *inputs, const void *attrs,
                          const double *expected) {
    qn_kernel_set sets[SETS_MAX];
    int count = list_sets(sets), taken = 0;
    for (int s = 0; s < count; s++) {
        qn_view out = c->out;
        qn_work work;
        out.data = malloc(qn_view_bytes(&out) + 64);
        assert_non_null(out.data);
        memset(out.data, 0x5A, qn_view_bytes(&out));
        qn_eval operands = {
            .attrs = attrs, .input_count = c->input_count, .inputs = inputs, .output_count = 1, .outputs = &out};
        if (c->op->lower(&operands, &sets[s], &work)) {
            void *scratch = aligned_alloc(64, (work.scratch_bytes + 64) & ~(size_t)63);
            assert_non_null(scratch);
            work.run(work.params, 0, work.tasks, scratch);
            free(scratch);
            for (int64_t i = 0; i < qn_view_elems(&out); i++) expect_element(what, work.kernel, &out, i, expected[i]);
            taken++;
        }
        free(out.data);
    }
    return taken;
}

/* ---- Products ---- */

typedef struct product_vector {
    const char *what;
    qn_dtype x_dtype, w_dtype;
    int32_t x[TERMS], w[TERMS];
    int64_t bias;
    float multiplier;
    qn_requantize_attrs result;
    float limit; /* with relu6 */
    double expected;
} product_vector;

#define U8_S8   QN_DTYPE_U8, QN_DTYPE_S8
#define S16_S16 QN_DTYPE_S16, QN_DTYPE_S16
#define S16_S8  QN_DTYPE_S16, QN_DTYPE_S8

#define NONE  .activation = QN_ACTIVATION_NONE
#define RELU  .activation = QN_ACTIVATION_RELU
#define RELU6 .activation = QN_ACTIVATION_RELU6

/* clang-format off: a case a line */
static const product_vector products[] = {
    {"2.5 goes to the even 2", U8_S8, {1, 2, 0}, {1, 2, 0}, 0, 0.5f, {QN_DTYPE_U8, NONE}, 0, 2},
    {"3.5 goes to the even 4", U8_S8, {1, 2, 0}, {3, 2, 0}, 0, 0.5f, {QN_DTYPE_U8, NONE}, 0, 4},
    {"-2.5 goes to the even -2", U8_S8, {5, 0, 0}, {-1, 0, 0}, 0, 0.5f, {QN_DTYPE_U8, 10, NONE}, 0, 8},
    {"-3.5 goes to the even -4", U8_S8, {7, 0, 0}, {-1, 0, 0}, 0, 0.5f, {QN_DTYPE_U8, 10, NONE}, 0, 6},
    {"rounding is before the zero point, not after",
     U8_S8,
     {1, 0, 0},
     {5, 0, 0},
     0,
     0.5f,
     {QN_DTYPE_U8, 1, NONE},
     0,
     3},
    {"255.5 clamps to 255", U8_S8, {255, 0, 0}, {2, 0, 0}, 1, 0.5f, {QN_DTYPE_U8, NONE}, 0, 255},
    {"254.5 does not", U8_S8, {254, 0, 0}, {2, 0, 0}, 1, 0.5f, {QN_DTYPE_U8, NONE}, 0, 254},
    {"too much saturates above the zero point",
     U8_S8,
     {255, 255, 255},
     {127, 127, 127},
     0,
     1,
     {QN_DTYPE_U8, 200, NONE},
     0,
     255},
    {"too little saturates", U8_S8, {255, 255, 255}, {-127, -127, -127}, 0, 1, {QN_DTYPE_U8, 200, NONE}, 0, 0},
    {"the least weight is -128", U8_S8, {255, 255, 255}, {-128, -128, -128}, 0, 1, {QN_DTYPE_F32, NONE}, 0, -97920},
    /* The sum is converted, rounded: 2^24 + 1 is a tie, and so is 2^24 + 3. */
    {"2^24 + 1 becomes 2^24", U8_S8, {1, 0, 0}, {1, 0, 0}, 16777216, 1, {QN_DTYPE_F32, NONE}, 0, 16777216},
    {"2^24 + 3 becomes 2^24 + 4", U8_S8, {1, 1, 1}, {1, 1, 1}, 16777216, 1, {QN_DTYPE_F32, NONE}, 0, 16777220},
    {"-2^24 - 1 becomes -2^24", U8_S8, {1, 0, 0}, {-1, 0, 0}, -16777216, 1, {QN_DTYPE_F32, NONE}, 0, -16777216},
    {"the greatest sum becomes 2^31",
     U8_S8,
     {255, 0, 0},
     {127, 0, 0},
     2147451262,
     1,
     {QN_DTYPE_F32, NONE},
     0,
     2147483648.0},
    {"the least sum is -2^31",
     U8_S8,
     {255, 0, 0},
     {-128, 0, 0},
     -2147451008,
     1,
     {QN_DTYPE_F32, NONE},
     0,
     -2147483648.0},
    {"2^31 - 65 becomes 2^31 - 128", U8_S8, {1, 0, 0}, {-65, 0, 0}, 2147483647, 1, {QN_DTYPE_F32, NONE}, 0, 2147483520},
    /* The product is rounded before the result is: 5 * 0.1f is a little more than 0.5, and becomes 0.5. */
    {"5 tenths become 0.5, then 0", U8_S8, {5, 0, 0}, {1, 0, 0}, 0, 0.1f, {QN_DTYPE_U8, NONE}, 0, 0},
    {"15 tenths become 1.5, then 2", U8_S8, {5, 0, 0}, {3, 0, 0}, 0, 0.1f, {QN_DTYPE_U8, NONE}, 0, 2},
    {"25 tenths become 2.5, then 2", U8_S8, {5, 0, 0}, {5, 0, 0}, 0, 0.1f, {QN_DTYPE_U8, NONE}, 0, 2},
    {"3 tenths as a float", U8_S8, {3, 0, 0}, {1, 0, 0}, 0, 0.1f, {QN_DTYPE_F32, NONE}, 0, 0x1.333334p-2},
    {"relu ends at the zero point", U8_S8, {3, 0, 0}, {-9, 0, 0}, 0, 1, {QN_DTYPE_U8, 7, RELU}, 0, 7},
    {"a limit cuts before rounding", U8_S8, {9, 0, 0}, {9, 0, 0}, 0, 1, {QN_DTYPE_U8, 1, RELU6}, 6.5f, 7},
    {"and its ties go to even too", U8_S8, {9, 0, 0}, {9, 0, 0}, 0, 1, {QN_DTYPE_U8, 1, RELU6}, 7.5f, 9},
    {"a limit beyond the type is idle", U8_S8, {99, 0, 0}, {99, 0, 0}, 0, 1, {QN_DTYPE_U8, 1, RELU6}, 400, 255},
    {"a limit of floats", U8_S8, {99, 0, 0}, {99, 0, 0}, 0, 0.1f, {QN_DTYPE_F32, RELU6}, 6, 6},
    {"relu of floats", U8_S8, {9, 0, 0}, {-9, 0, 0}, 0, 0.1f, {QN_DTYPE_F32, RELU}, 0, 0},
    {"a half: 1 + 2^-11 goes to the even 1", U8_S8, {1, 0, 0}, {1, 0, 0}, 2048, 0x1p-11f, {QN_DTYPE_F16, NONE}, 0, 1},
    {"a half: 1 + 3 * 2^-11 goes up to the even",
     U8_S8,
     {3, 0, 0},
     {1, 0, 0},
     2048,
     0x1p-11f,
     {QN_DTYPE_F16, NONE},
     0,
     0x1.008p0},
    {"a half: 65519 is the greatest", U8_S8, {1, 0, 0}, {19, 0, 0}, 65500, 1, {QN_DTYPE_F16, NONE}, 0, 65504},
    {"a half: 65520 is infinite", U8_S8, {1, 0, 0}, {20, 0, 0}, 65500, 1, {QN_DTYPE_F16, NONE}, 0, INFINITY},
    {"a half: 3 * 2^-25 is subnormal, and even",
     U8_S8,
     {3, 0, 0},
     {1, 0, 0},
     0,
     0x1p-25f,
     {QN_DTYPE_F16, NONE},
     0,
     0x1p-23},
    {"a half: 2^-25 is nothing", U8_S8, {1, 0, 0}, {1, 0, 0}, 0, 0x1p-25f, {QN_DTYPE_F16, NONE}, 0, 0},
    {"0 times infinity becomes the lowest", U8_S8, {0, 0, 0}, {1, 0, 0}, 0, INFINITY, {QN_DTYPE_U8, 9, NONE}, 0, 0},
    {"and the zero point with relu", U8_S8, {0, 0, 0}, {1, 0, 0}, 0, NAN, {QN_DTYPE_U8, 9, RELU}, 0, 9},
    {"infinity saturates", U8_S8, {1, 0, 0}, {1, 0, 0}, 0, INFINITY, {QN_DTYPE_U8, 9, NONE}, 0, 255},
    {"s16 from bytes saturates at 32767", U8_S8, {255, 255, 0}, {127, 127, 0}, 0, 1, {QN_DTYPE_S16, NONE}, 0, 32767},
    {"s16 from bytes saturates at -32767",
     U8_S8,
     {255, 255, 0},
     {-127, -127, 0},
     0,
     1,
     {QN_DTYPE_S16, NONE},
     0,
     -32767},
    {"a sum of words beyond int32",
     S16_S16,
     {32767, 32767, 32767},
     {32767, 32767, 32767},
     0,
     1,
     {QN_DTYPE_F32, NONE},
     0,
     3221028864.0},
    {"and below",
     S16_S16,
     {-32767, -32767, -32767},
     {32767, 32767, 32767},
     0,
     1,
     {QN_DTYPE_F32, NONE},
     0,
     -3221028864.0},
    {"a bias of words beyond int32",
     S16_S16,
     {1, 0, 0},
     {1, 0, 0},
     INT64_C(1) << 40,
     1,
     {QN_DTYPE_F32, NONE},
     0,
     0x1p40},
    {"a sum of words is rounded once",
     S16_S16,
     {3, 0, 0},
     {1, 0, 0},
     (INT64_C(1) << 40) + (1 << 16),
     1,
     {QN_DTYPE_F32, NONE},
     0,
     0x1.000002p40},
    {"words saturate at -32767", S16_S16, {-32767, 0, 0}, {2, 0, 0}, 0, 1, {QN_DTYPE_S16, NONE}, 0, -32767},
    {"words round half to even", S16_S16, {-3, 0, 0}, {1, 0, 0}, 0, 0.5f, {QN_DTYPE_S16, NONE}, 0, -2},
    {"words by bytes, the greatest sum of three",
     S16_S8,
     {32767, 32767, 32767},
     {127, 127, 127},
     0,
     1,
     {QN_DTYPE_F32, NONE},
     0,
     12484227},
    {"and the least", S16_S8, {-32768, -32768, -32768}, {127, 127, 127}, 0, 1, {QN_DTYPE_F32, NONE}, 0, -12484608},
    {"two negative ends", S16_S8, {-32768, -32768, 0}, {-128, -128, 0}, 0, 1, {QN_DTYPE_F32, NONE}, 0, 8388608},
    {"a bias of words by bytes beyond int32",
     S16_S8,
     {1, 0, 0},
     {-1, 0, 0},
     INT64_C(1) << 40,
     0x1p-20f,
     {QN_DTYPE_F32, NONE},
     0,
     1048576},
    {"a sum of words by bytes is rounded once",
     S16_S8,
     {3, 0, 0},
     {1, 0, 0},
     (INT64_C(1) << 40) + (1 << 16),
     1,
     {QN_DTYPE_F32, NONE},
     0,
     0x1.000002p40},
    {"words by bytes round half to even", S16_S8, {-3, 5, 0}, {1, 2, 0}, 0, 0.5f, {QN_DTYPE_S16, NONE}, 0, 4},
    {"and become bytes", S16_S8, {-3, 5, 0}, {1, -2, 0}, 0, 0.5f, {QN_DTYPE_U8, 10, NONE}, 0, 4},
};
/* clang-format on */

static void products_follow_the_vectors(void **state) {
    (void)state;
    for (size_t v = 0; v < sizeof products / sizeof *products; v++) {
        const product_vector *p = &products[v];
        operator_case *c = operator_case_create(&qn_op_matmul_quantized);
        uint8_t bytes[TERMS];
        int16_t words[TERMS], wide_weights[TERMS];
        int8_t weights[TERMS];
        int32_t bias = (int32_t)p->bias;
        int is_bytes = p->x_dtype == QN_DTYPE_U8, has_bytes = p->w_dtype == QN_DTYPE_S8;
        for (int k = 0; k < TERMS; k++) {
            bytes[k] = (uint8_t)p->x[k], words[k] = (int16_t)p->x[k];
            weights[k] = (int8_t)p->w[k], wide_weights[k] = (int16_t)p->w[k];
        }
        qn_matmul_quantized_attrs *attrs = c->attrs;
        attrs->result = p->result;
        operator_case_input(c, p->x_dtype, DIMS(1, TERMS), is_bytes ? (void *)bytes : words);
        operator_case_input(c, p->w_dtype, DIMS(TERMS, 1), has_bytes ? (void *)weights : wide_weights);
        operator_case_input(c, is_bytes ? QN_DTYPE_S32 : QN_DTYPE_S64, DIMS(1),
                            is_bytes ? (const void *)&bias : &p->bias);
        operator_case_input(c, QN_DTYPE_F32, DIMS(1), &p->multiplier);
        if (p->result.activation == QN_ACTIVATION_RELU6) operator_case_input(c, QN_DTYPE_F32, DIMS(1), &p->limit);
        expect_element(p->what, "eval", operator_case_run(c), 0, p->expected);
        qn_view inputs[QN_MAX_SAMPLE_INPUTS];
        memcpy(inputs, c->inputs, sizeof inputs);
        inputs[1].data = aligned_alloc(64, 256);
        assert_non_null(inputs[1].data);
        if (is_bytes)
            qn_conv_u8_pack(weights, TERMS, 1, inputs[1].data);
        else if (has_bytes)
            qn_conv_s16s8_pack(weights, TERMS, 1, inputs[1].data);
        else
            qn_conv_s16_pack(wide_weights, TERMS, 1, inputs[1].data);
        inputs[1].packing = is_bytes ? &qn_packing_panel16x4 : &qn_packing_panel16x2;
        assert_true(expect_kernels(p->what, c, inputs, attrs, &p->expected) > 0);
        free(inputs[1].data);
        operator_case_destroy(c);
    }
}

/* ---- Convolutions with an addend ---- */

typedef struct addend_vector {
    const char *what;
    int32_t acc; /* the sum, all of it bias */
    float multiplier;
    qn_requantize_attrs result; /* with the addend's zero point */
    float limit;
    qn_dtype dtype; /* of the addend */
    double addend;
    float addend_multiplier; /* of an integer one */
    double expected;
} addend_vector;

/* clang-format off: a case a line */
static const addend_vector addends[] = {
    {"a float addend is added after the product was rounded",
     3,
     0.1f,
     {QN_DTYPE_F32, NONE},
     0,
     QN_DTYPE_F32,
     -0x1.333334p-2,
     0,
     0},
    {"the sum with it is rounded", 1, 1, {QN_DTYPE_F32, NONE}, 0, QN_DTYPE_F32, 16777216, 0, 16777216},
    {"a half addend", 2, 0.5f, {QN_DTYPE_F32, NONE}, 0, QN_DTYPE_F16, 0x1p-24, 0, 1},
    {"an addend of bytes less its zero point", 10, 0.1f, {QN_DTYPE_U8, 5, 128, NONE}, 0, QN_DTYPE_U8, 200, 0.5f, 42},
    {"and below it", 10, 1, {QN_DTYPE_U8, 5, 128, NONE}, 0, QN_DTYPE_U8, 118, 0.5f, 10},
    {"both products are rounded, and their sum", 7, 0.1f, {QN_DTYPE_U8, NONE}, 0, QN_DTYPE_U8, 3, 0.6f, 2},
    {"an addend of words", 1, 1, {QN_DTYPE_S16, NONE}, 0, QN_DTYPE_S16, -32767, 1, -32766},
    {"words and their addend saturate", -100, 1, {QN_DTYPE_S16, NONE}, 0, QN_DTYPE_S16, -32767, 1, -32767},
    {"a limit cuts the sum with the addend", 5, 1, {QN_DTYPE_U8, 1, 0, RELU6}, 6, QN_DTYPE_U8, 4, 1, 7},
    {"relu of the sum with the addend", 5, 1, {QN_DTYPE_U8, 1, 9, RELU}, 0, QN_DTYPE_U8, 0, 1, 1},
    {"an addend that is no number", 5, 1, {QN_DTYPE_U8, 40, 0, NONE}, 0, QN_DTYPE_F32, NAN, 0, 0},
    {"and with relu", 5, 1, {QN_DTYPE_U8, 40, 0, RELU}, 0, QN_DTYPE_F32, NAN, 0, 40},
    {"an infinite addend", 5, 1, {QN_DTYPE_U8, 40, 0, NONE}, 0, QN_DTYPE_F32, -INFINITY, 0, 0},
};
/* clang-format on */

static void addends_follow_the_vectors(void **state) {
    int taken = 0;
    (void)state;
    for (size_t v = 0; v < sizeof addends / sizeof *addends; v++) {
        const addend_vector *a = &addends[v];
        operator_case *c = operator_case_create(&qn_op_conv2d_quantized);
        const uint8_t x = 0;
        const int8_t weight = 1;
        int64_t room = 0;
        qn_view addend = {.dtype = a->dtype, .data = &room};
        int is_integer = qn_dtype_is_integer(a->dtype);
        if (is_integer)
            qn_view_set_int(&addend, 0, (int64_t)a->addend);
        else
            qn_view_set(&addend, 0, a->addend);
        qn_conv2d_quantized_attrs *attrs = c->attrs;
        attrs->result = a->result;
        operator_case_input(c, QN_DTYPE_U8, DIMS(1, 1, 1, 1), &x);
        operator_case_input(c, QN_DTYPE_S8, DIMS(1, 1, 1, 1), &weight);
        operator_case_input(c, QN_DTYPE_S32, DIMS(1), &a->acc);
        operator_case_input(c, QN_DTYPE_F32, DIMS(1), &a->multiplier);
        if (a->result.activation == QN_ACTIVATION_RELU6)
            operator_case_input(c, QN_DTYPE_F32, DIMS(1), &a->limit);
        else
            operator_case_skip_input(c);
        if (is_integer)
            operator_case_input(c, QN_DTYPE_F32, DIMS(1), &a->addend_multiplier);
        else
            operator_case_skip_input(c);
        operator_case_input(c, a->dtype, DIMS(1, 1, 1, 1), &room);
        expect_element(a->what, "eval", operator_case_run(c), 0, a->expected);
        qn_view inputs[QN_MAX_SAMPLE_INPUTS];
        memcpy(inputs, c->inputs, sizeof inputs);
        inputs[1].data = aligned_alloc(64, (qn_conv_u8_packed_bytes(1, 1) + 63) / 64 * 64);
        assert_non_null(inputs[1].data);
        qn_conv_u8_pack(&weight, 1, 1, inputs[1].data);
        inputs[1].packing = &qn_packing_panel16x4;
        taken += expect_kernels(a->what, c, inputs, attrs, &a->expected);
        free(inputs[1].data);
        operator_case_destroy(c);
    }
    assert_true(taken >= 10);
}

/* A row 10 20 30 (zero point 10) under the taps 1 2 3, the same per channel of a depthwise one; what lies outside reads
   as 10. Sums less the bias -60 = -10 * (1 + 2 + 3): 10*1+10*2+20*3, 10+40+90, 20+60+30. */
static void what_lies_outside_a_picture_reads_as_zero(void **state) {
    static const uint8_t row[6] = {10, 10, 20, 20, 30, 30};
    static const int8_t taps[3] = {1, 2, 3}, both[6] = {1, 1, 2, 2, 3, 3};
    static const int32_t bias[2] = {-60, -60};
    static const float multiplier[2] = {1, 0.5f};
    static const double expected[6] = {30, 15, 80, 40, 50, 25};
    (void)state;
    for (int is_depthwise = 0; is_depthwise < 2; is_depthwise++) {
        int channels = 1 + is_depthwise;
        uint8_t x[6];
        double want[6];
        for (int i = 0; i < 3 * channels; i++)
            x[i] = row[is_depthwise ? i : 2 * i], want[i] = expected[is_depthwise ? i : 2 * i];
        operator_case *c = operator_case_create(&qn_op_conv2d_quantized);
        qn_conv2d_quantized_attrs *attrs = c->attrs;
        attrs->conv.padding = QN_PADDING_SAME_UPPER;
        attrs->conv.groups = channels;
        attrs->pad_value = 10;
        attrs->result.dtype = QN_DTYPE_U8;
        operator_case_input(c, QN_DTYPE_U8, DIMS(1, 1, 3, channels), x);
        operator_case_input(c, QN_DTYPE_S8, DIMS(1, 3, 1, channels), is_depthwise ? both : taps);
        operator_case_input(c, QN_DTYPE_S32, DIMS(channels), bias);
        operator_case_input(c, QN_DTYPE_F32, DIMS(channels), multiplier);
        const qn_view *out = operator_case_run(c);
        for (int i = 0; i < 3 * channels; i++) expect_element("padding", "eval", out, i, want[i]);
        qn_view inputs[QN_MAX_SAMPLE_INPUTS];
        memcpy(inputs, c->inputs, sizeof inputs);
        size_t bytes = is_depthwise ? qn_depthwise_u8_packed_bytes(1, 3, channels) : qn_conv_u8_packed_bytes(3, 1);
        inputs[1].data = aligned_alloc(64, (bytes + 63) / 64 * 64);
        assert_non_null(inputs[1].data);
        if (is_depthwise)
            qn_depthwise_u8_pack(both, 1, 3, channels, inputs[1].data);
        else
            qn_conv_u8_pack(taps, 3, 1, inputs[1].data);
        inputs[1].packing = is_depthwise ? &qn_packing_channel16x4 : &qn_packing_panel16x4;
        assert_true(expect_kernels("padding", c, inputs, attrs, want) > 0);
        free(inputs[1].data);
        operator_case_destroy(c);
    }
}

/* ---- Sums ---- */

typedef struct sum_vector {
    const char *what;
    qn_dtype dtype;
    int32_t a, a_zero_point, b, b_zero_point;
    float a_multiplier, b_multiplier;
    qn_requantize_attrs result;
    float limit; /* with relu6 */
    double expected;
} sum_vector;

/* clang-format off: a case a line */
static const sum_vector sums[] = {
    {"less their zero points", QN_DTYPE_U8, 12, 10, 200, 128, 1, 0.5f, {QN_DTYPE_U8, 5, NONE}, 0, 43},
    {"2.5 goes to the even 2, then the zero point", QN_DTYPE_U8, 3, 0, 1, 0, 0.5f, 1, {QN_DTYPE_U8, 1, NONE}, 0, 3},
    {"a tie below zero", QN_DTYPE_U8, 0, 3, 0, 1, 0.5f, 1, {QN_DTYPE_U8, 10, NONE}, 0, 8},
    {"both products are rounded, and their sum", QN_DTYPE_U8, 7, 0, 3, 0, 0.1f, 0.6f, {QN_DTYPE_U8, NONE}, 0, 2},
    {"5 tenths are rounded before 2 are added", QN_DTYPE_U8, 5, 0, 2, 0, 0.1f, 1, {QN_DTYPE_U8, NONE}, 0, 2},
    {"too much saturates", QN_DTYPE_U8, 255, 0, 255, 0, 1, 1, {QN_DTYPE_U8, 200, NONE}, 0, 255},
    {"too little saturates", QN_DTYPE_U8, 0, 255, 0, 255, 1, 1, {QN_DTYPE_U8, 200, NONE}, 0, 0},
    {"a difference", QN_DTYPE_U8, 9, 0, 4, 0, 1, -1, {QN_DTYPE_U8, 0, NONE}, 0, 5},
    {"relu ends at the zero point", QN_DTYPE_U8, 1, 9, 2, 3, 1, 1, {QN_DTYPE_U8, 7, RELU}, 0, 7},
    {"a limit cuts the sum before rounding", QN_DTYPE_U8, 9, 0, 9, 0, 1, 1, {QN_DTYPE_U8, 1, RELU6}, 6.5f, 7},
    {"0 times infinity becomes the lowest", QN_DTYPE_U8, 4, 4, 9, 0, INFINITY, 1, {QN_DTYPE_U8, 9, NONE}, 0, 0},
    {"and the limit where there is one", QN_DTYPE_U8, 4, 4, 9, 0, INFINITY, 1, {QN_DTYPE_U8, 9, RELU6}, 6, 15},
    {"words", QN_DTYPE_S16, -32767, 0, 32767, 0, 1, 0.5f, {QN_DTYPE_S16, NONE}, 0, -16384},
    {"words saturate", QN_DTYPE_S16, 32767, 0, 32767, 0, 1, 1, {QN_DTYPE_S16, NONE}, 0, 32767},
    {"words that become bytes", QN_DTYPE_S16, 300, 0, -100, 0, 0.5f, 1, {QN_DTYPE_U8, 3, NONE}, 0, 53},
    {"a float", QN_DTYPE_U8, 3, 0, 0, 0, 0.1f, 1, {QN_DTYPE_F32, NONE}, 0, 0x1.333334p-2},
    {"a half: 1 + 2^-11 goes to the even 1", QN_DTYPE_U8, 1, 0, 1, 0, 1, 0x1p-11f, {QN_DTYPE_F16, NONE}, 0, 1},
};
/* clang-format on */

/* The second channel has multipliers and zero points of its own: those of the first, changed over, make the same sum. */
static void sums_follow_the_vectors(void **state) {
    (void)state;
    for (size_t v = 0; v < sizeof sums / sizeof *sums; v++) {
        const sum_vector *s = &sums[v];
        operator_case *c = operator_case_create(&qn_op_add_quantized);
        const int32_t zero_points[2][2] = {{s->a_zero_point, s->b_zero_point}, {s->b_zero_point, s->a_zero_point}};
        const float multipliers[2][2] = {{s->a_multiplier, s->b_multiplier}, {s->b_multiplier, s->a_multiplier}};
        const double expected[2] = {s->expected, s->expected};
        int64_t room[2] = {0};
        ((qn_add_quantized_attrs *)c->attrs)->result = s->result;
        for (int side = 0; side < 2; side++) {
            qn_view view = {.dtype = s->dtype, .rank = 1, .dims = {2}, .data = &room[side]};
            qn_view_set_int(&view, side, s->a);
            qn_view_set_int(&view, 1 - side, s->b);
            operator_case_input(c, s->dtype, DIMS(1, 2), &room[side]);
        }
        for (int side = 0; side < 2; side++) operator_case_input(c, QN_DTYPE_F32, DIMS(2), multipliers[side]);
        for (int side = 0; side < 2; side++) operator_case_input(c, QN_DTYPE_S32, DIMS(2), zero_points[side]);
        if (s->result.activation == QN_ACTIVATION_RELU6) operator_case_input(c, QN_DTYPE_F32, DIMS(1), &s->limit);
        const qn_view *out = operator_case_run(c);
        for (int i = 0; i < 2; i++) expect_element(s->what, "eval", out, i, expected[i]);
        assert_true(expect_kernels(s->what, c, c->inputs, c->attrs, expected) > 0);
        operator_case_destroy(c);
    }
}

/* ---- Conversions ---- */

/* One x, zero point and expectation a column; one kernel call works on all of them. */
static void expect_conversion(const qn_op_def *op, qn_dtype from, qn_dtype to, int count, const double *x, float factor,
                              int32_t zero_point, const double *expected) {
    operator_case *c = operator_case_create(op);
    uint64_t room[16] = {0};
    const int64_t dims[1] = {count};
    char what[64];
    qn_view view = {.dtype = from, .rank = 1, .dims = {count}, .data = room};
    for (int i = 0; i < count; i++) {
        if (qn_dtype_is_integer(from))
            qn_view_set_int(&view, i, (int64_t)x[i]);
        else
            qn_view_set(&view, i, x[i]);
    }
    if (op == &qn_op_quantize_linear)
        ((qn_quantize_linear_attrs *)c->attrs)->dtype = to;
    else
        ((qn_dequantize_linear_attrs *)c->attrs)->dtype = to;
    operator_case_input(c, from, 1, dims, room);
    operator_case_input(c, QN_DTYPE_F32, DIMS(1), &factor);
    operator_case_input(c, QN_DTYPE_S32, DIMS(1), &zero_point);
    const qn_view *out = operator_case_run(c);
    snprintf(what, sizeof what, "%s %s to %s", op->name, qn_dtype_name(from), qn_dtype_name(to));
    for (int i = 0; i < count; i++) expect_element(what, "eval", out, i, expected[i]);
    assert_true(expect_kernels(what, c, c->inputs, c->attrs, expected) > 0);
    operator_case_destroy(c);
}

#define QUANTIZE(from, to, factor, zero_point, ...)                                                                    \
    expect_conversion(&qn_op_quantize_linear, from, to, sizeof x / sizeof *x, x, factor, zero_point,                   \
                      (const double[]){__VA_ARGS__})
#define DEQUANTIZE(from, to, factor, zero_point, ...)                                                                  \
    expect_conversion(&qn_op_dequantize_linear, from, to, sizeof x / sizeof *x, x, factor, zero_point,                 \
                      (const double[]){__VA_ARGS__})

static void floats_become_integers_half_to_even(void **state) {
    const double x[] = {0.5, 1.5, 2.5, -0.5, -1.5, -2.5, 127.5, -100.5, 0, -0.0};
    (void)state;
    QUANTIZE(QN_DTYPE_F32, QN_DTYPE_U8, 1, 100, 100, 102, 102, 100, 98, 98, 228, 0, 100, 100);
    QUANTIZE(QN_DTYPE_F16, QN_DTYPE_U8, 1, 100, 100, 102, 102, 100, 98, 98, 228, 0, 100, 100);
    QUANTIZE(QN_DTYPE_F32, QN_DTYPE_S16, 1, 0, 0, 2, 2, 0, -2, -2, 128, -100, 0, 0);
}

static void floats_beyond_saturate_and_what_is_no_number_becomes_the_lowest(void **state) {
    const double x[] = {155, 155.5, 1e9, -100, -101, -1e9, INFINITY, -INFINITY, NAN, 65504};
    (void)state;
    QUANTIZE(QN_DTYPE_F32, QN_DTYPE_U8, 1, 100, 255, 255, 255, 0, 0, 0, 255, 0, 0, 255);
    QUANTIZE(QN_DTYPE_F32, QN_DTYPE_S16, 1, 0, 155, 156, 32767, -100, -101, -32767, 32767, -32767, -32767, 32767);
    QUANTIZE(QN_DTYPE_F16, QN_DTYPE_S16, 0.5f, 0, 78, 78, 32767, -50, -50, -32767, 32767, -32767, -32767, 32752);
}

/* x * 5 in float: 0.1f * 5 is a little more than 0.5, 0.7f * 5 a little less than 3.5; both are ties once rounded. */
static void the_product_with_the_multiplier_is_rounded_first(void **state) {
    const double x[] = {0x1.99999ap-4, 0x1.333334p-2, 0x1.666666p-1, 0x1.ccccccp-1, 0x1.19999ap0, 0x1.4ccccc0p0};
    (void)state;
    QUANTIZE(QN_DTYPE_F32, QN_DTYPE_U8, 5, 0, 0, 2, 4, 4, 6, 6);
}

static void the_least_floats_count(void **state) {
    const double x[] = {0x1p-149, 0x3p-149, 0x1p-126};
    (void)state;
    QUANTIZE(QN_DTYPE_F32, QN_DTYPE_U8, 0x1p126f, 3, 3, 3, 4);
}

static void integers_become_floats_by_one_product(void **state) {
    const double x[] = {128, 200, 131, 0, 255};
    (void)state;
    DEQUANTIZE(QN_DTYPE_U8, QN_DTYPE_F32, 0.1f, 128, 0, 0x1.cccccep2, 0x1.333334p-2, -0x1.99999ap3, 0x1.966666p3);
    DEQUANTIZE(QN_DTYPE_U8, QN_DTYPE_F32, 0x1p-140f, 128, 0, 0x48p-140, 0x3p-140, -0x80p-140, 0x7fp-140);
}

static void words_become_floats_by_one_product(void **state) {
    const double x[] = {32767, -32767, 1, 0};
    (void)state;
    DEQUANTIZE(QN_DTYPE_S16, QN_DTYPE_F32, 0x1.0002p-15f, 0, 1, -1, 0x1.0002p-15, 0);
}

/* 7 * 0x1.24b6dcp-3 = 0x1.0020008p0, rounded to float 0x1.002p0: a tie of halves, which goes to 1. */
static void halves_are_rounded_from_the_rounded_float(void **state) {
    const double x[] = {7, 14, 0, 255};
    (void)state;
    DEQUANTIZE(QN_DTYPE_U8, QN_DTYPE_F16, 0x1.24b6dcp-3f, 0, 1, 2, 0, 0x1.238p5);
    DEQUANTIZE(QN_DTYPE_U8, QN_DTYPE_F16, 1000, 0, 7000, 14000, 0, INFINITY);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(products_follow_the_vectors),
        cmocka_unit_test(addends_follow_the_vectors),
        cmocka_unit_test(what_lies_outside_a_picture_reads_as_zero),
        cmocka_unit_test(sums_follow_the_vectors),
        cmocka_unit_test(floats_become_integers_half_to_even),
        cmocka_unit_test(floats_beyond_saturate_and_what_is_no_number_becomes_the_lowest),
        cmocka_unit_test(the_product_with_the_multiplier_is_rounded_first),
        cmocka_unit_test(the_least_floats_count),
        cmocka_unit_test(integers_become_floats_by_one_product),
        cmocka_unit_test(words_become_floats_by_one_product),
        cmocka_unit_test(halves_are_rounded_from_the_rounded_float),
    };
    return cmocka_run_group_tests_name("op/quantised_vectors", tests, NULL, NULL);
}
