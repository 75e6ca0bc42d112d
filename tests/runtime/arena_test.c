/* The arena: how much is needed, told beforehand; memory of the caller's. */
#include "rig.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/internal.h"

enum { ARENA_ALIGN = 64 };

typedef struct counter {
    _Atomic long live, largest;
} counter;

static void *counted_alloc(void *self, size_t bytes, size_t align) {
    counter *c = self;
    atomic_fetch_add(&c->live, 1);
    if ((long)bytes > atomic_load(&c->largest)) atomic_store(&c->largest, (long)bytes);
    return aligned_alloc(align < 16 ? 16 : align, qn_align_up(bytes, align < 16 ? 16 : align));
}

static void counted_free(void *self, void *block) {
    if (block) atomic_fetch_sub(&((counter *)self)->live, 1);
    free(block);
}

static qn_shape picture_shape(int64_t h, int64_t w) { return (qn_shape){4, {1, h, w, 3}}; }

static void test_the_need_at_a_shape_is_told_beforehand(void **state) {
    (void)state;
    for (int ceiling = 0; ceiling < 2; ceiling++)
        for (int threads = 1; threads <= 8; threads++) {
            rig r = rig_open(program_pictures, ceiling, threads, NULL, NULL);
            for (int64_t h = 1; h <= 24; h += 5)
                for (int64_t w = 1; w <= 16; w += 3) {
                    qn_shape shape = picture_shape(h, w);
                    uint64_t bytes, most;
                    assert_ok(qn_engine_measure_arena(r.engine, &shape, 1, &bytes));
                    assert_ok(qn_context_set_input_shapes(r.context, &shape, 1));
                    qn_arena_info info;
                    qn_context_get_arena(r.context, &info);
                    assert_int_equal(bytes, qn_align_up(info.value_bytes, ARENA_ALIGN) + info.scratch_bytes);
                    if (!ceiling) {
                        assert_int_equal(info.ceiling_bytes, 0);
                        continue;
                    }
                    assert_ok(qn_engine_measure_arena(r.engine, NULL, 0, &most));
                    assert_int_equal(info.ceiling_bytes, most);
                    assert_true(bytes <= most && info.total_bytes <= most);
                }
            rig_close(&r);
        }
}

static void test_measuring_allocates_no_arena_and_keeps_nothing(void **state) {
    (void)state;
    counter c = {0};
    qn_allocator allocator = {&c, counted_alloc, counted_free};
    rig r = rig_open(program_pictures, 1, 2, NULL, &allocator);
    qn_shape shape = picture_shape(20, 20);
    uint64_t bytes;
    long live = atomic_load(&c.live);
    atomic_store(&c.largest, 0);
    assert_ok(qn_engine_measure_arena(r.engine, &shape, 1, &bytes));
    assert_ok(qn_engine_measure_arena(r.engine, NULL, 0, &bytes));
    assert_int_equal(atomic_load(&c.live), live);
    assert_true(atomic_load(&c.largest) < (long)bytes);
    rig_close(&r);
}

static void test_the_cost_at_a_shape_is_that_of_its_steps(void **state) {
    (void)state;
    counter c = {0};
    qn_allocator allocator = {&c, counted_alloc, counted_free};
    rig r = rig_open(program_pictures, 1, 2, NULL, &allocator);
    int64_t last_macs = 0;
    for (int64_t h = 1; h <= 24; h += 5) {
        qn_shape shape = picture_shape(h, 9);
        qn_cost cost;
        int64_t macs = 0, bytes = 0;
        long live = atomic_load(&c.live);
        assert_ok(qn_engine_measure_cost(r.engine, &shape, 1, &cost));
        assert_int_equal(atomic_load(&c.live), live);
        assert_ok(qn_context_set_input_shapes(r.context, &shape, 1));
        for (size_t s = 0; qn_model_step(r.model, s); s++) {
            qn_step_profile step;
            assert_ok(qn_context_get_step_profile(r.context, s, &step));
            macs += step.macs;
            bytes += step.bytes;
        }
        qn_arena_info info;
        qn_context_get_arena(r.context, &info);
        assert_int_equal(cost.macs, macs);
        assert_int_equal(cost.moved_bytes, bytes);
        assert_int_equal(cost.value_bytes, info.value_bytes);
        assert_int_equal(cost.scratch_bytes, info.scratch_bytes);
        assert_true(macs > last_macs);
        last_macs = macs;
    }
    rig_close(&r);
}

static void test_what_cannot_be_measured_is_said(void **state) {
    (void)state;
    rig r = rig_open(program_pictures, 0, 2, NULL, NULL);
    uint64_t bytes = 1;
    assert_status(qn_engine_measure_arena(r.engine, NULL, 0, &bytes), QN_UNAVAILABLE, "no upper bound");
    assert_int_equal(bytes, 0);
    qn_shape shape = picture_shape(25, 3);
    assert_status(qn_engine_measure_arena(r.engine, &shape, 1, &bytes), QN_INVALID_ARGUMENT, "dim 1 is 25");
    assert_status(qn_engine_measure_arena(r.engine, &shape, 2, &bytes), QN_INVALID_ARGUMENT, "2 shapes");
    assert_status(qn_engine_measure_arena(NULL, NULL, 0, &bytes), QN_INVALID_ARGUMENT, "NULL");
    qn_cost cost = {.macs = 1};
    assert_status(qn_engine_measure_cost(r.engine, &shape, 1, &cost), QN_INVALID_ARGUMENT, "dim 1 is 25");
    assert_int_equal(cost.macs, 0);
    assert_status(qn_engine_measure_cost(r.engine, NULL, 0, &cost), QN_INVALID_ARGUMENT, "0 shapes");
    assert_status(qn_engine_measure_cost(NULL, &shape, 1, &cost), QN_INVALID_ARGUMENT, "NULL");
    rig_close(&r);
}

/* ---- The caller's arena ---- */

static void test_a_context_runs_in_memory_of_the_caller(void **state) {
    (void)state;
    for (int ceiling = 0; ceiling < 2; ceiling++) {
        counter c = {0};
        qn_allocator allocator = {&c, counted_alloc, counted_free};
        rig r = rig_open(program_pictures, ceiling, 2, NULL, &allocator);
        qn_shape largest = picture_shape(24, 16);
        uint64_t bytes;
        assert_ok(qn_engine_measure_arena(r.engine, &largest, 1, &bytes));
        /* Exactly so much, so that the sanitizer sees every byte beyond. */
        uint8_t *block = aligned_alloc(ARENA_ALIGN, bytes);
        qn_context *context = rig_borrow(r.engine, block, bytes);
        long live = atomic_load(&c.live);
        qn_arena_info info;
        qn_context_get_arena(context, &info);
        assert_int_equal(info.total_bytes, bytes);
        for (int64_t h = 1; h <= 24; h += 4) {
            memset(block, 0xEE, bytes); /* others may use it between runs */
            assert_ok(qn_context_set_input_shape(context, 0, 4, (int64_t[]){1, h, 16, 3}));
            assert_int_equal(atomic_load(&c.live), live);
            memset(block, 0xEE, bytes);
            check_picture(context, r.context, h, 16);
            live = atomic_load(&c.live); /* the other context's arena may be new */
        }
        qn_context_destroy(context);
        rig_close(&r);
        memset(block, 1, bytes); /* still the caller's */
        free(block);
        assert_int_equal(atomic_load(&c.live), 0);
    }
}

static void test_contexts_may_take_turns_in_one_arena(void **state) {
    (void)state;
    rig r = rig_open(program_pictures, 1, 1, NULL, NULL);
    uint64_t bytes;
    assert_ok(qn_engine_measure_arena(r.engine, NULL, 0, &bytes));
    void *block = aligned_alloc(ARENA_ALIGN, qn_align_up(bytes, ARENA_ALIGN));
    qn_context *a = rig_borrow(r.engine, block, bytes), *b = rig_borrow(r.engine, block, bytes);
    for (int i = 0; i < 3; i++) {
        check_picture(a, r.context, 9, 7);
        check_picture(b, r.context, 20, 16);
    }
    qn_context_destroy(a);
    qn_context_destroy(b);
    rig_close(&r);
    free(block);
}

static void test_an_arena_too_small_names_both_sizes_and_changes_nothing(void **state) {
    (void)state;
    rig r = rig_open(program_pictures, 0, 1, NULL, NULL);
    qn_shape shape = picture_shape(6, 6);
    uint64_t bytes, more;
    assert_ok(qn_engine_measure_arena(r.engine, &shape, 1, &bytes));
    void *block = aligned_alloc(ARENA_ALIGN, qn_align_up(bytes, ARENA_ALIGN));
    qn_context *context = rig_borrow(r.engine, block, bytes);
    check_picture(context, r.context, 6, 6);
    shape = picture_shape(20, 16);
    assert_ok(qn_engine_measure_arena(r.engine, &shape, 1, &more));
    assert_true(more > bytes);
    char both[96];
    snprintf(both, sizeof both, "has %llu bytes, but these shapes need %llu", (unsigned long long)bytes,
             (unsigned long long)more);
    assert_status(qn_context_set_input_shapes(context, &shape, 1), QN_INVALID_ARGUMENT, both);
    int rank;
    int64_t dims[QN_MAX_RANK];
    assert_ok(qn_context_get_output_shape(context, 0, &rank, dims));
    assert_int_equal(dims[1], 12); /* the shapes before */
    check_picture(context, r.context, 6, 6);
    qn_context_destroy(context);
    rig_close(&r);
    free(block);
}

static void test_wrong_arenas_are_refused(void **state) {
    (void)state;
    rig r = rig_open(program_pictures, 1, 1, NULL, NULL);
    qn_context *context;
    qn_context_options options;
    static _Alignas(64) uint8_t block[4096];
    qn_context_options_init(&options);
    options.arena = block + 32;
    options.arena_bytes = 1024;
    assert_status(qn_context_create_with(r.engine, &options, &context), QN_INVALID_ARGUMENT, "not aligned to 64");
    assert_null(context);
    options.arena = NULL;
    assert_status(qn_context_create_with(r.engine, &options, &context), QN_INVALID_ARGUMENT, "NULL");
    options.size = 3;
    assert_status(qn_context_create_with(r.engine, &options, &context), QN_INVALID_ARGUMENT, "qn_context_options_init");
    rig_close(&r);
}

/* ---- Scratch that does not fit for all threads ---- */

static void test_fewer_threads_work_where_scratch_is_short(void **state) {
    (void)state;
    rig r = rig_open(program_pictures, 1, 4, NULL, NULL), reference = rig_open(program_pictures, 1, 4, NULL, NULL);
    assert_ok(qn_context_set_input_shape(r.context, 0, 4, (int64_t[]){1, 24, 16, 3}));
    size_t largest = 0;
    for (size_t s = 0; s < qn_model_get_info(r.model)->step_count; s++) {
        size_t stride = qn_context_scratch_stride(&r.context->steps[s]);
        if (stride > largest) largest = stride;
    }
    assert_true(largest > 0);
    for (uint64_t slots = 1; slots <= 4; slots++) {
        r.context->scratch_room = slots * largest; /* as if the ceiling left no more */
        check_picture(r.context, reference.context, 24, 16);
        assert_true(r.context->scratch_bytes <= r.context->scratch_room);
    }
    rig_close(&r);
    rig_close(&reference);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_need_at_a_shape_is_told_beforehand),
        cmocka_unit_test(test_measuring_allocates_no_arena_and_keeps_nothing),
        cmocka_unit_test(test_the_cost_at_a_shape_is_that_of_its_steps),
        cmocka_unit_test(test_what_cannot_be_measured_is_said),
        cmocka_unit_test(test_a_context_runs_in_memory_of_the_caller),
        cmocka_unit_test(test_contexts_may_take_turns_in_one_arena),
        cmocka_unit_test(test_an_arena_too_small_names_both_sizes_and_changes_nothing),
        cmocka_unit_test(test_wrong_arenas_are_refused),
        cmocka_unit_test(test_fewer_threads_work_where_scratch_is_short),
    };
    return cmocka_run_group_tests_name("runtime/arena", tests, NULL, NULL);
}
