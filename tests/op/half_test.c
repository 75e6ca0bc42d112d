/* Operators on f16: what their kernels give against eval, on random cases, and the same bits on every instruction set
 * that this machine has. */
#include "operator_case.h"

#include "kernel/kernel.h"
#include "kernel/packing.h"
#include "op/lower.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { CASES = 120, SETS_MAX = 3 };

/* The kernel sets that can run here, the portable one first. */
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
    }
#endif
    return count;
}

/* A case of the operator's own sample with f16 for f32. NULL if there is none in it. */
static operator_case *draw_half_case(const qn_op_def *op, qn_rng *rng, void *data[QN_MAX_SAMPLE_INPUTS]) {
    operator_case *c = operator_case_create(op);
    qn_sample sample = {.rng = rng, .arena = &c->arena, .attrs = c->attrs, .low = -2, .high = 2};
    int floats = 0;
    memset(c->attrs, 0, op->attrs_bytes);
    memset(data, 0, QN_MAX_SAMPLE_INPUTS * sizeof *data);
    op->sample(&sample);
    for (int i = 0; i < sample.input_count; i++) {
        qn_view view = sample.inputs[i];
        if (view.dtype == QN_DTYPE_F32)
            view.dtype = QN_DTYPE_F16, floats++;
        else if (!view.data)
            continue;
        data[i] = malloc(qn_view_bytes(&view) + 1);
        assert_non_null(data[i]);
        if (view.data) memcpy(data[i], view.data, qn_view_bytes(&view));
        view.data = data[i];
        for (int64_t e = 0; view.dtype == QN_DTYPE_F16 && e < qn_view_elems(&view); e++)
            qn_view_set(&view, e, qn_rng_float(rng, sample.low, sample.high));
        operator_case_input(c, view.dtype, view.rank, view.dims, view.data);
    }
    if (floats && c->input_count == sample.input_count) return c;
    for (int i = 0; i < QN_MAX_SAMPLE_INPUTS; i++) free(data[i]);
    operator_case_destroy(c);
    return NULL;
}

/* Packs the weights of a convolution or product where a kernel wants them so; what to free, or NULL. */
static void *pack_weights(operator_case *c, qn_view *weights) {
    const int64_t *d = weights->dims;
    uint16_t *packed;
    if (c->op == &qn_op_conv2d) {
        qn_conv2d_attrs *attrs = c->attrs;
        int64_t channels = c->inputs[0].dims[3], rows = d[0] * d[1] * d[2];
        if (attrs->groups == 1) {
            packed = aligned_alloc(64, (qn_conv_f32_packed_elems(rows, d[3]) * sizeof *packed + 63) & ~(size_t)63);
            qn_conv_f16_pack(weights->data, rows, d[3], packed);
            weights->packing = &qn_packing_panel16;
        } else if (attrs->groups == channels && d[3] == channels) {
            packed = aligned_alloc(64, (qn_depthwise_f32_packed_elems(d[0] * d[1], channels) * sizeof *packed + 63) &
                                           ~(size_t)63);
            qn_depthwise_f16_pack(weights->data, d[0] * d[1], channels, packed);
            weights->packing = &qn_packing_channel16;
        } else {
            return NULL;
        }
    } else {
        qn_matmul_attrs *attrs = c->attrs;
        if (c->op != &qn_op_matmul || weights->rank != 2 || attrs->transpose_a || attrs->transpose_b) return NULL;
        packed = aligned_alloc(64, (qn_conv_f32_packed_elems(d[0], d[1]) * sizeof *packed + 63) & ~(size_t)63);
        qn_conv_f16_pack(weights->data, d[0], d[1], packed);
        weights->packing = &qn_packing_panel16;
    }
    weights->data = packed;
    return packed;
}

static int lower_and_run(const qn_eval *operands, const qn_op_def *op, const qn_kernel_set *set) {
    qn_work work;
    if (!op->lower(operands, set, &work)) return 0;
    void *scratch = aligned_alloc(64, (work.scratch_bytes + 64) & ~(size_t)63);
    assert_non_null(scratch);
    work.run(work.params, 0, work.tasks, scratch);
    free(scratch);
    return 1;
}

/* Of a result rounded to half: one place off where the sums before it differ in float; labels are equal. */
static int is_close(const qn_view *want, const qn_view *got, int64_t i) {
    double a = qn_view_get(want, i), b = qn_view_get(got, i);
    if (a == b || (isnan(a) && isnan(b))) return 1;
    return want->dtype == QN_DTYPE_F16 && fabs(a - b) <= 0x1p-10 * fabs(a) + 2e-5;
}

/* 1 if a kernel took the case. */
static int check_case(operator_case *c, uint64_t seed) {
    qn_kernel_set sets[SETS_MAX];
    qn_view views[QN_MAX_SAMPLE_INPUTS], first = c->out, out = c->out;
    int count = list_sets(sets), lowered = 0;
    size_t bytes = qn_view_bytes(&out);
    memcpy(views, c->inputs, sizeof views);
    void *packed = c->input_count > 1 ? pack_weights(c, &views[1]) : NULL;
    first.data = malloc(bytes + 1), out.data = malloc(bytes + 1);
    assert_true(first.data && out.data);
    for (int s = 0; s < count; s++) {
        qn_view *target = s ? &out : &first;
        qn_eval operands = {
            .attrs = c->attrs, .input_count = c->input_count, .inputs = views, .output_count = 1, .outputs = target};
        memset(target->data, 0xA5, bytes);
        lowered = lower_and_run(&operands, c->op, &sets[s]);
        if (!lowered) break;
        if (s) assert_memory_equal(first.data, out.data, bytes);
    }
    for (int64_t i = 0; lowered && i < qn_view_elems(&first); i++)
        if (!is_close(&c->out, &first, i))
            fail_msg("%s, seed %llu, element %lld: eval %.9g, kernel %.9g", c->op->name, (unsigned long long)seed,
                     (long long)i, qn_view_get(&c->out, i), qn_view_get(&first, i));
    free(packed), free(first.data), free(out.data);
    return lowered;
}

static void kernels_on_halves_equal_eval_and_each_other(void **state) {
    static const qn_op_def *const ops[] = {
        &qn_op_conv2d,     &qn_op_matmul,          &qn_op_add,           &qn_op_sub,  &qn_op_mul,
        &qn_op_maximum,    &qn_op_relu6,           &qn_op_sigmoid,       &qn_op_tanh, &qn_op_exp,
        &qn_op_square,     &qn_op_argmax,          &qn_op_neg,           &qn_op_abs,  &qn_op_max_pool2d,
        &qn_op_avg_pool2d, &qn_op_resize_bilinear, &qn_op_resize_argmax,
    };
    (void)state;
    for (size_t o = 0; o < sizeof ops / sizeof *ops; o++) {
        int lowered = 0;
        for (uint64_t seed = 1; seed <= CASES; seed++) {
            qn_rng rng;
            void *data[QN_MAX_SAMPLE_INPUTS];
            qn_rng_init(&rng, seed);
            operator_case *c = draw_half_case(ops[o], &rng, data);
            if (!c) continue;
            operator_case_run(c);
            lowered += check_case(c, seed);
            for (int i = 0; i < QN_MAX_SAMPLE_INPUTS; i++) free(data[i]);
            operator_case_destroy(c);
        }
        if (lowered < 10) fail_msg("%s: only %d cases reached a kernel", ops[o]->name, lowered);
    }
}

static void casts_between_float_and_half_round_once(void **state) {
    static const float values[] = {0.0f,     -0.0f,     1.0f,     65504.0f,   65519.0f,   65520.0f,
                                   1e9f,     0x1p-24f,  0x1p-25f, 0x1.8p-25f, 0x1.002p0f, 0x1.006p0f,
                                   INFINITY, -INFINITY, NAN,      -2.5f,      0x1p-15f};
    enum { COUNT = sizeof values / sizeof *values };
    qn_kernel_set sets[SETS_MAX];
    int count = list_sets(sets);
    (void)state;
    for (int s = 0; s < count; s++) {
        uint16_t halves[COUNT];
        float back[COUNT];
        const qn_cast_attrs to_half = {.dtype = QN_DTYPE_F16}, to_float = {.dtype = QN_DTYPE_F32};
        qn_view x = {.dtype = QN_DTYPE_F32, .rank = 1, .dims = {COUNT}, .data = (void *)(uintptr_t)values};
        qn_view y = {.dtype = QN_DTYPE_F16, .rank = 1, .dims = {COUNT}, .data = halves};
        qn_view z = {.dtype = QN_DTYPE_F32, .rank = 1, .dims = {COUNT}, .data = back};
        qn_eval down = {.attrs = &to_half, .input_count = 1, .inputs = &x, .output_count = 1, .outputs = &y};
        qn_eval up = {.attrs = &to_float, .input_count = 1, .inputs = &y, .output_count = 1, .outputs = &z};
        assert_true(lower_and_run(&down, &qn_op_cast, &sets[s]) && lower_and_run(&up, &qn_op_cast, &sets[s]));
        for (int i = 0; i < COUNT; i++) {
            assert_int_equal(halves[i], qn_float_to_half(values[i]));
            float want = qn_half_to_float(halves[i]);
            assert_memory_equal(&want, &back[i], sizeof want);
        }
        assert_int_equal(halves[3], 0x7bff);  /* 65504 */
        assert_int_equal(halves[4], 0x7bff);  /* below the middle to 65536 */
        assert_int_equal(halves[5], 0x7c00);  /* the middle: to even, which is infinity */
        assert_int_equal(halves[7], 1);       /* the smallest subnormal */
        assert_int_equal(halves[8], 0);       /* half of it: to even */
        assert_int_equal(halves[9], 1);       /* more than half of it */
        assert_int_equal(halves[10], 0x3c00); /* a tie below an odd neighbour */
        assert_int_equal(halves[11], 0x3c02); /* a tie above one */
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(kernels_on_halves_equal_eval_and_each_other),
        cmocka_unit_test(casts_between_float_and_half_round_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
