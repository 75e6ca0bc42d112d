/* Steps whose shapes are open until they run: what they may become is not what the most of it may be. */
#include "rig.h"

#include <stdlib.h>
#include <string.h>

#include "kernel/packing.h"
#include "runtime/internal.h"

/* At MOST pixels a convolution of these sizes is cut in two tasks, below it is one, which gathers twice as much. */
enum { TAPS = 9, OUT = 64, MOST = (2 << 20) / (TAPS * OUT) + 1 };

/* x [n] f32 -> where -> coordinates [k, 1] s64. */
static uint32_t add_picks(maker *m, int64_t most, qn_dim *out_k) {
    qn_dim n = maker_symbol(m, "x.0", 0, 0, 1, most), k = maker_symbol(m, "where.0", -1, 0, 0, most);
    uint32_t x = maker_input(m, "x", QN_DTYPE_F32, 1, &n);
    uint32_t picks =
        maker_step(m, &qn_op_where, NULL, 1, &x, "where", QN_DTYPE_S64, 2, (qn_dim[]){k, maker_const(m, 1)});
    maker_settles(m, k, 0);
    *out_k = k;
    return picks;
}

static uint32_t add_reshape(maker *m, uint32_t value, qn_dtype dtype, int rank, const int32_t *to, const qn_dim *dims) {
    const int64_t count = rank;
    uint32_t shape = maker_constant(m, "to", QN_DTYPE_S32, 1, &count, to, 0);
    return maker_step(m, &qn_op_reshape, NULL, 2, (uint32_t[]){value, shape}, "reshape", dtype, rank, dims);
}

/* The coordinates as a picture [1, k, 1, 1] -> conv2d 3x3 (packed) -> y [1, k, 1, 64]. */
static const qn_program *program_convolved(maker *m, int ceiling) {
    qn_dim k, one = maker_const(m, 1);
    uint32_t picks = add_picks(m, MOST, &k);
    const qn_cast_attrs to_float = {.dtype = QN_DTYPE_F32};
    uint32_t x = maker_step(m, &qn_op_cast, &to_float, 1, &picks, "x/f32", QN_DTYPE_F32, 2, (qn_dim[]){k, one});
    x = add_reshape(m, x, QN_DTYPE_F32, 4, (int32_t[]){1, -1, 1, 1}, (qn_dim[]){one, k, one, one});
    float weights[TAPS * OUT];
    for (int i = 0; i < TAPS * OUT; i++) weights[i] = (float)(i * 37 % 23 - 11) / 64.0f;
    const size_t elems = qn_conv_f32_packed_elems(TAPS, OUT);
    float *packed = aligned_alloc(64, qn_align_up(elems * sizeof *packed, 64));
    qn_conv_f32_pack(weights, TAPS, OUT, packed);
    uint32_t w = maker_constant(m, "w", QN_DTYPE_F32, 4, (int64_t[]){3, 3, 1, OUT}, packed, elems * sizeof *packed);
    free(packed);
    qn_conv2d_attrs attrs;
    qn_attrs_init(&qn_op_conv2d, &attrs);
    attrs.padding = QN_PADDING_SAME_UPPER;
    maker_pack(m, w, &qn_packing_panel16);
    maker_output(m, maker_step(m, &qn_op_conv2d, &attrs, 2, (uint32_t[]){x, w}, "y", QN_DTYPE_F32, 4,
                               (qn_dim[]){one, k, one, maker_const(m, OUT)}));
    return maker_finish(m, ceiling);
}

/* Runs on `count` elements of which the first `picks` are found. */
static qn_status *run_picks(qn_context *context, int64_t count, int64_t picks, qn_tensor *inout_y) {
    float *x = calloc((size_t)count, sizeof *x);
    for (int64_t i = 0; i < picks; i++) x[i] = 1;
    const qn_tensor input = {.dtype = QN_DTYPE_F32, .rank = 1, .dims = {count}, .data = x};
    qn_status *status = qn_context_run(context, &input, 1, inout_y, 1);
    free(x);
    return status;
}

static void convolve(int ceiling, int threads) {
    static const int64_t picks[] = {MOST, MOST - 1, MOST - 2, MOST / 2 + 3, 1, 0, MOST};
    rig r = rig_open(program_convolved, ceiling, threads, NULL, NULL);
    const size_t bytes = (size_t)MOST * OUT * sizeof(float);
    float *whole = malloc(bytes), *found = malloc(bytes);
    assert_ok(qn_context_set_input_shape(r.context, 0, 1, (int64_t[]){MOST}));
    qn_arena_info before, after;
    qn_context_get_arena(r.context, &before);
    for (size_t i = 0; i < sizeof picks / sizeof *picks; i++) {
        const int64_t k = picks[i], inner = k == MOST ? k : k - 1; /* the last row has no neighbour below */
        qn_tensor y = {.dtype = QN_DTYPE_F32, .rank = 4, .dims = {1, MOST, 1, OUT}, .data = i ? found : whole};
        assert_ok(run_picks(r.context, MOST, k, &y));
        assert_int_equal(y.dims[1], k);
        if (inner > 0) assert_memory_equal(y.data, whole, (size_t)inner * OUT * sizeof(float));
    }
    qn_context_get_arena(r.context, &after);
    assert_memory_equal(&before, &after, sizeof after);
    free(whole);
    free(found);
    rig_close(&r);
}

static void test_fewer_pixels_may_need_more_scratch_than_the_most(void **state) {
    (void)state;
    for (int ceiling = 0; ceiling < 2; ceiling++)
        for (int threads = 1; threads <= 4; threads += 3) convolve(ceiling, threads);
}

/* ---- The most need not fit together ---- */

/* The coordinates in pairs [k / 2, 2], which a check demands, and neg of them. Two ceilings: one is taken at once, the
   other is far above what a few elements need, so that sizes are at most what these allow. */
static const qn_program *add_pairs(maker *m, int64_t most, int ceiling) {
    qn_dim k, two = maker_const(m, 2);
    uint32_t picks = add_picks(m, most, &k);
    qn_dim half = qn_dim_floor_div(maker_pool(m), k, two), dims[2] = {half, two};
    maker_check(m, qn_dim_sub(maker_pool(m), qn_dim_mul(maker_pool(m), half, two), k), "expected pairs");
    uint32_t pairs = add_reshape(m, picks, QN_DTYPE_S64, 2, (int32_t[]){-1, 2}, dims);
    maker_output(m, maker_step(m, &qn_op_neg, NULL, 1, &pairs, "y", QN_DTYPE_S64, 2, dims));
    return maker_finish(m, ceiling);
}

static const qn_program *program_pairs(maker *m, int ceiling) { return add_pairs(m, 1001, ceiling); }
static const qn_program *program_many_pairs(maker *m, int ceiling) { return add_pairs(m, (1 << 24) + 1, ceiling); }

static void pair(make_fn make, int ceiling, int64_t count) {
    rig r = rig_open(make, ceiling, 2, NULL, NULL);
    int64_t found[1002];
    qn_cost cost;
    qn_step_profile profile;
    assert_ok(qn_engine_measure_cost(r.engine, &(qn_shape){1, {count}}, 1, &cost));
    assert_ok(qn_context_set_input_shape(r.context, 0, 1, &count));
    for (int64_t k = 0; k <= count; k += k < 10 ? 1 : 90) {
        qn_tensor y = {.dtype = QN_DTYPE_S64, .data = found};
        qn_status *status = qn_context_get_output_shape(r.context, 0, &y.rank, y.dims);
        assert_status(status, QN_UNAVAILABLE, "depends on data");
        status = run_picks(r.context, count, k, &y);
        if (k % 2) {
            assert_status(status, QN_INVALID_ARGUMENT, "expected pairs");
        } else {
            assert_ok(status);
            assert_int_equal(y.dims[0], k / 2);
            for (int64_t i = 0; i < k; i++) assert_int_equal(found[i], -i);
        }
        for (size_t s = 0; s < 3; s++) assert_ok(qn_context_get_step_profile(r.context, s, &profile));
    }
    rig_close(&r);
}

static void test_an_even_number_found_in_an_odd_one_makes_pairs(void **state) {
    (void)state;
    for (int ceiling = 0; ceiling < 2; ceiling++)
        for (int64_t count = 1000; count <= 1001; count++) {
            pair(program_pairs, ceiling, count);
            pair(program_many_pairs, ceiling, count);
        }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fewer_pixels_may_need_more_scratch_than_the_most),
        cmocka_unit_test(test_an_even_number_found_in_an_odd_one_makes_pairs),
    };
    return cmocka_run_group_tests_name("runtime/late", tests, NULL, NULL);
}
