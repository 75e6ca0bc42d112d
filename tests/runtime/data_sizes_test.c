/* Sizes that depend on data: what comes out, room for it, and what is refused. */
#include "rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void picks_follow_the_data(int ceiling) {
    rig r = rig_open(program_picks, ceiling, 2, NULL, NULL);
    for (int64_t n = 0; n <= 64; n += 16)
        for (int every = 1; every < 7; every += 2) {
            float x[64], y[64];
            for (int64_t i = 0; i < n; i++) x[i] = i % every ? 0.0f : (float)(i + 1);
            assert_ok(qn_context_set_input_shape(r.context, 0, 1, &n));
            qn_tensor input = {QN_DTYPE_F32, 1, {n}, x}, output = {.dtype = QN_DTYPE_F32, .data = y};
            assert_status(qn_context_get_output_shape(r.context, 0, &output.rank, output.dims), QN_UNAVAILABLE,
                          "depends on data");
            assert_int_equal(output.dims[0], 64);
            for (int round = 0; round < 2; round++) { /* twice: the first run leaves nothing behind */
                assert_ok(qn_context_run(r.context, &input, 1, &output, 1));
                assert_int_equal(output.dims[0], (n + every - 1) / every);
                assert_int_equal(output.dims[1], 1);
                for (int64_t i = 0; i < output.dims[0]; i++) assert_true(y[i] == -(float)(i * every + 1));
            }
        }
    rig_close(&r);
}

/* How many of the elements are not zero, in turn. */
static const int64_t counts[] = {28, 0, 64, 1, 63, 0, 0, 64, 17};
enum { COUNTS = sizeof counts / sizeof *counts };

static void fill_counted(float x[64], int64_t count) {
    for (int64_t i = 0; i < 64; i++) x[i] = i < count ? (float)(i + 1) : 0.0f;
}

static void test_a_tensor_is_given_again_whatever_size_came_out(void **state) {
    (void)state;
    for (int ceiling = 0; ceiling < 2; ceiling++) {
        rig r = rig_open(program_picks, ceiling, 1, NULL, NULL);
        int64_t n = 64;
        float x[64], y[65];
        assert_ok(qn_context_set_input_shape(r.context, 0, 1, &n));
        qn_tensor input = {QN_DTYPE_F32, 1, {64}, x}, output = {.dtype = QN_DTYPE_F32, .data = y};
        assert_status(qn_context_get_output_shape(r.context, 0, &output.rank, output.dims), QN_UNAVAILABLE, "data");
        for (int i = 0; i < COUNTS; i++) {
            int rank;
            int64_t dims[QN_MAX_RANK];
            fill_counted(x, counts[i]);
            for (int j = 0; j < 65; j++) y[j] = 7;
            assert_ok(qn_context_run(r.context, &input, 1, &output, 1));
            assert_int_equal(output.dims[0], counts[i]);
            assert_int_equal(output.dims[1], 1);
            assert_int_equal(output.capacity_bytes, 64 * sizeof *y);
            for (int64_t j = 0; j < counts[i]; j++) assert_true(y[j] == -(float)(j + 1));
            assert_true(y[64] == 7);
            /* What a buffer needs is told as before. */
            assert_status(qn_context_get_output_shape(r.context, 0, &rank, dims), QN_UNAVAILABLE, "data");
            assert_int_equal(dims[0], 64);
        }
        rig_close(&r);
    }
}

static void test_a_tensor_without_room_for_the_bound_is_refused(void **state) {
    (void)state;
    rig r = rig_open(program_picks, 1, 1, NULL, NULL);
    int64_t n = 64;
    float x[64], y[64];
    fill_counted(x, 28);
    for (int i = 0; i < 64; i++) y[i] = 7;
    assert_ok(qn_context_set_input_shape(r.context, 0, 1, &n));
    const qn_tensor input = {QN_DTYPE_F32, 1, {64}, x};
    const qn_tensor refused[] = {
        {QN_DTYPE_F32, 2, {28, 1}, y},                     /* room for 28 only */
        {QN_DTYPE_F32, 2, {28, 1}, y, 64 * sizeof *y - 1}, /* a byte too little */
        {QN_DTYPE_F32, 2, {65, 1}, y, 65 * sizeof *y},     /* more than the bound */
        {QN_DTYPE_F32, 2, {-1, 1}, y, 64 * sizeof *y},
        {QN_DTYPE_F32, 2, {28, 2}, y, 64 * sizeof *y},
        {QN_DTYPE_F32, 1, {28}, y, 64 * sizeof *y},
        {QN_DTYPE_F32, -1, {0}, y, 64 * sizeof *y},
        {QN_DTYPE_F32, 77, {28, 1}, y, 64 * sizeof *y},
    };
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        qn_tensor output = refused[i];
        assert_status(qn_context_run(r.context, &input, 1, &output, 1), QN_INVALID_ARGUMENT,
                      "has at most shape [64, 1]");
        assert_memory_equal(&output, &refused[i], sizeof output);
    }
    for (int i = 0; i < 64; i++) assert_true(y[i] == 7);
    /* Room that the caller announces counts, and what dims announce replaces it. */
    qn_tensor output = {QN_DTYPE_F32, 2, {0, 1}, y, 64 * sizeof *y};
    assert_ok(qn_context_run(r.context, &input, 1, &output, 1));
    assert_int_equal(output.dims[0], 28);
    output = (qn_tensor){QN_DTYPE_F32, 2, {64, 1}, y, 1};
    assert_ok(qn_context_run(r.context, &input, 1, &output, 1));
    assert_int_equal(output.dims[0], 28);
    assert_int_equal(output.capacity_bytes, 64 * sizeof *y);
    rig_close(&r);
}

static void test_tensors_go_round_through_a_queue(void **state) {
    (void)state;
    enum { RING = 2 };
    rig r = rig_open(program_picks, 1, 2, NULL, NULL);
    qn_queue *queue;
    int64_t n = 64;
    float x[COUNTS][64], y[RING][64];
    qn_tensor inputs[COUNTS], outputs[RING];
    assert_ok(qn_queue_create(r.engine, NULL, &queue));
    assert_ok(qn_context_set_input_shape(r.context, 0, 1, &n));
    for (int i = 0; i < RING; i++) outputs[i] = (qn_tensor){QN_DTYPE_F32, 2, {64, 1}, y[i]};
    for (int i = 0; i < COUNTS; i++) {
        fill_counted(x[i], counts[i]);
        inputs[i] = (qn_tensor){QN_DTYPE_F32, 1, {64}, x[i]};
        assert_ok(qn_queue_enqueue(queue, r.context, &inputs[i], 1, &outputs[i % RING], 1));
        if (i % 3 == 0) assert_ok(qn_queue_sync(queue));
        if (i % 3 == 0) assert_int_equal(outputs[i % RING].dims[0], counts[i]);
    }
    assert_ok(qn_queue_sync(queue));
    for (int i = COUNTS - RING; i < COUNTS; i++) assert_int_equal(outputs[i % RING].dims[0], counts[i]);
    qn_queue_destroy(queue);
    rig_close(&r);
}

static void test_sizes_follow_the_data_with_a_ceiling(void **state) {
    (void)state;
    picks_follow_the_data(1);
}

static void test_sizes_follow_the_data_without_a_ceiling(void **state) {
    (void)state;
    picks_follow_the_data(0);
}

static const qn_program *program_boundless(maker *m, int ceiling) {
    qn_dim n = maker_symbol(m, "x.0", 0, 0, 0, QN_DIM_UNBOUNDED),
           k = maker_symbol(m, "found", -1, -1, 0, QN_DIM_UNBOUNDED);
    uint32_t x = maker_input(m, "x", QN_DTYPE_F32, 1, &n);
    uint32_t y = maker_step(m, &qn_op_where, NULL, 1, &x, "y", QN_DTYPE_S64, 2, (qn_dim[]){k, maker_const(m, 1)});
    maker_settles(m, k, 0);
    maker_output(m, y);
    return maker_finish(m, ceiling);
}

static void test_a_size_without_bound_is_unsupported(void **state) {
    (void)state;
    rig_file file = rig_write(program_boundless, 0);
    qn_model *model;
    qn_engine *engine;
    qn_context *context;
    assert_ok(qn_model_load_memory(file.data, file.size, QN_MEMORY_BORROW, NULL, &model));
    assert_ok(qn_engine_create(model, NULL, &engine));
    assert_status(qn_context_create(engine, &context), QN_UNSUPPORTED, "'found' depends on data and has no bound");
    assert_null(context);
    qn_engine_destroy(engine);
    qn_model_destroy(model);
    free(file.data);
}

static void test_data_that_points_outside_is_an_error(void **state) {
    (void)state;
    maker *m = maker_create();
    qn_dim n = maker_const(m, 3);
    uint32_t x = maker_input(m, "x", QN_DTYPE_F32, 1, &n), i = maker_input(m, "i", QN_DTYPE_S32, 1, &n);
    maker_output(m, maker_step(m, &qn_op_gather, NULL, 2, (uint32_t[]){x, i}, "y", QN_DTYPE_F32, 1, &n));
    qn_buffer buffer;
    qn_buffer_init(&buffer, NULL);
    assert_ok(qn_program_write(maker_finish(m, 1), &buffer));
    rig r;
    assert_ok(qn_model_load_memory(buffer.data, buffer.size, QN_MEMORY_COPY, NULL, &r.model));
    assert_ok(qn_engine_create(r.model, NULL, &r.engine));
    assert_ok(qn_context_create(r.engine, &r.context));
    float data[3] = {1, 2, 3}, out[3];
    int32_t index[3] = {2, 0, 3};
    qn_tensor inputs[2] = {{QN_DTYPE_F32, 1, {3}, data}, {QN_DTYPE_S32, 1, {3}, index}},
              output = {QN_DTYPE_F32, 1, {3}, out};
    qn_status *status = qn_context_run(r.context, inputs, 2, &output, 1);
    assert_non_null(status);
    assert_non_null(strstr(qn_status_message(status), "step 0 'y' (gather)"));
    qn_status_free(status);
    index[2] = 1;
    assert_ok(qn_context_run(r.context, inputs, 2, &output, 1));
    assert_true(out[0] == 3 && out[1] == 1 && out[2] == 2);
    rig_close(&r);
    qn_buffer_deinit(&buffer);
    maker_destroy(m);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_tensor_is_given_again_whatever_size_came_out),
        cmocka_unit_test(test_a_tensor_without_room_for_the_bound_is_refused),
        cmocka_unit_test(test_tensors_go_round_through_a_queue),
        cmocka_unit_test(test_sizes_follow_the_data_with_a_ceiling),
        cmocka_unit_test(test_sizes_follow_the_data_without_a_ceiling),
        cmocka_unit_test(test_a_size_without_bound_is_unsupported),
        cmocka_unit_test(test_data_that_points_outside_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
