/* Ceilings that are far above what a shape needs, or above what there is. */
#include "rig.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/internal.h"

enum { ARENA_ALIGN = 64 };
static const int64_t MOST = (int64_t)1 << 26; /* elements of `program_long` */
static const uint64_t MIB = 1 << 20;

/* ---- Memory that is counted and scarce ---- */

typedef struct meter {
    _Atomic long calls, live;
    _Atomic uint64_t largest;
    uint64_t limit; /* larger blocks are refused; 0: none are */
} meter;

static void *metered_alloc(void *self, size_t bytes, size_t align) {
    meter *m = self;
    atomic_fetch_add(&m->calls, 1);
    if (bytes > atomic_load(&m->largest)) atomic_store(&m->largest, bytes);
    if (m->limit && bytes > m->limit) return NULL;
    atomic_fetch_add(&m->live, 1);
    return aligned_alloc(align < 16 ? 16 : align, qn_align_up(bytes, align < 16 ? 16 : align));
}

static void metered_free(void *self, void *block) {
    if (block) atomic_fetch_sub(&((meter *)self)->live, 1);
    free(block);
}

static qn_arena_info arena_of(const qn_context *context) {
    qn_arena_info info;
    qn_context_get_arena(context, &info);
    assert_true(info.total_bytes >= info.value_bytes + info.scratch_bytes);
    assert_true(!info.ceiling_bytes || info.total_bytes <= info.ceiling_bytes);
    return info;
}

/* ---- Programs whose largest shape needs half a gigabyte ---- */

/* x [n] f32 -> neg -> abs -> neg -> y. */
static const qn_program *program_long(maker *m, int ceiling) {
    const qn_op_def *const ops[] = {&qn_op_neg, &qn_op_abs, &qn_op_neg};
    static const char *const names[] = {"a", "b", "y"};
    qn_dim n = maker_symbol(m, "x.0", 0, 0, 1, MOST);
    uint32_t value = maker_input(m, "x", QN_DTYPE_F32, 1, &n);
    for (int i = 0; i < 3; i++) value = maker_step(m, ops[i], NULL, 1, &value, names[i], QN_DTYPE_F32, 1, &n);
    maker_output(m, value);
    return maker_finish(m, ceiling);
}

/* x [n] f32 -> where -> coordinates [k, 1] s64 -> neg -> y [k, 1]. */
static const qn_program *program_long_picks(maker *m, int ceiling) {
    qn_dim n = maker_symbol(m, "x.0", 0, 0, 1, MOST), k = maker_symbol(m, "where.0", -1, 0, 0, MOST);
    qn_dim dims[2] = {k, maker_const(m, 1)};
    uint32_t value = maker_input(m, "x", QN_DTYPE_F32, 1, &n);
    value = maker_step(m, &qn_op_where, NULL, 1, &value, "where", QN_DTYPE_S64, 2, dims);
    maker_settles(m, k, 0);
    maker_output(m, maker_step(m, &qn_op_neg, NULL, 1, &value, "y", QN_DTYPE_S64, 2, dims));
    return maker_finish(m, ceiling);
}

static void set_length(qn_context *context, int64_t n) { assert_ok(qn_context_set_input_shape(context, 0, 1, &n)); }

static void check_long(qn_context *context, int64_t n) {
    float *x = malloc((size_t)n * sizeof *x), *y = malloc((size_t)n * sizeof *y);
    for (int64_t i = 0; i < n; i++) x[i] = (float)(i % 7 - 3);
    qn_tensor input = {.dtype = QN_DTYPE_F32, .rank = 1, .dims = {n}, .data = x}, output = input;
    output.data = y;
    assert_ok(qn_context_run(context, &input, 1, &output, 1));
    for (int64_t i = 0; i < n; i++) assert_true(y[i] == -(x[i] < 0 ? -x[i] : x[i]));
    free(x);
    free(y);
}

static void test_a_ceiling_out_of_proportion_is_not_taken(void **state) {
    (void)state;
    meter m = {0};
    const qn_allocator allocator = {&m, metered_alloc, metered_free};
    rig r = rig_open(program_long, 1, 2, NULL, &allocator);
    set_length(r.context, 1000);
    qn_arena_info info = arena_of(r.context);
    assert_true(info.ceiling_bytes >= 512 * MIB);
    assert_true(info.value_bytes <= 2 * 4 * 1024 + ARENA_ALIGN);
    assert_true(atomic_load(&m.largest) < MIB);
    check_long(r.context, 1000);
    uint64_t bytes;
    assert_ok(qn_engine_measure_arena(r.engine, &(qn_shape){1, {1000}}, 1, &bytes));
    assert_int_equal(bytes, qn_align_up(info.value_bytes, ARENA_ALIGN) + info.scratch_bytes);
    assert_ok(qn_engine_measure_arena(r.engine, NULL, 0, &bytes));
    assert_int_equal(bytes, info.ceiling_bytes);
    rig_close(&r);
    assert_int_equal(atomic_load(&m.live), 0);
}

static void test_the_arena_grows_with_the_shapes_and_up_to_the_ceiling(void **state) {
    (void)state;
    meter m = {0};
    const qn_allocator allocator = {&m, metered_alloc, metered_free};
    rig r = rig_open(program_long, 1, 2, NULL, &allocator);
    set_length(r.context, 1000);
    const long calls = atomic_load(&m.calls), live = atomic_load(&m.live);
    for (int64_t n = 1000; n <= 20000; n += 50) {
        set_length(r.context, n);
        assert_int_equal(atomic_load(&m.live), live); /* replaced, not kept beside */
        if (n % 1000 == 0) check_long(r.context, n);
        assert_true(arena_of(r.context).total_bytes <= 2 * 2 * sizeof(float) * (uint64_t)n);
    }
    assert_true(atomic_load(&m.calls) - calls <= 10); /* of 380 shapes that each were the largest so far */
    const qn_arena_info grown = arena_of(r.context);
    set_length(r.context, 1000);
    assert_int_equal(arena_of(r.context).total_bytes, grown.total_bytes);
    set_length(r.context, MOST / 4 + 20000); /* from here on the ceiling is no more than four times the need */
    qn_arena_info info = arena_of(r.context);
    assert_int_equal(info.total_bytes, info.ceiling_bytes);
    const long settled = atomic_load(&m.calls);
    set_length(r.context, MOST);
    set_length(r.context, 5000);
    check_long(r.context, 5000);
    assert_int_equal(atomic_load(&m.calls), settled);
    assert_int_equal(arena_of(r.context).total_bytes, info.ceiling_bytes);
    rig_close(&r);
    assert_int_equal(atomic_load(&m.live), 0);
}

static void test_a_proportionate_ceiling_is_taken_at_once(void **state) {
    (void)state;
    meter m = {0};
    const qn_allocator allocator = {&m, metered_alloc, metered_free};
    rig r = rig_open(program_pictures, 1, 2, NULL, &allocator);
    assert_ok(qn_context_set_input_shape(r.context, 0, 4, (int64_t[]){1, 1, 1, 3}));
    qn_arena_info info = arena_of(r.context); /* below 64 MiB: whatever the shape needs */
    assert_int_equal(info.total_bytes, info.ceiling_bytes);
    rig_close(&r);
    r = rig_open(program_long, 1, 2, NULL, &allocator);
    set_length(r.context, MOST / 4 + 20000);
    info = arena_of(r.context);
    assert_int_equal(info.total_bytes, info.ceiling_bytes);
    rig_close(&r);
    assert_int_equal(atomic_load(&m.live), 0);
}

static void test_sizes_that_depend_on_data_have_room_for_the_most_at_the_shapes(void **state) {
    (void)state;
    enum { COUNT = 900 };
    meter m = {0};
    const qn_allocator allocator = {&m, metered_alloc, metered_free};
    rig r = rig_open(program_long_picks, 1, 2, NULL, &allocator);
    set_length(r.context, COUNT);
    assert_true(arena_of(r.context).ceiling_bytes >= 512 * MIB);
    assert_true(atomic_load(&m.largest) < MIB);
    static float x[COUNT];
    static int64_t y[COUNT];
    qn_tensor input = {.dtype = QN_DTYPE_F32, .rank = 1, .dims = {COUNT}, .data = x},
              output = {.dtype = QN_DTYPE_S64, .rank = 2, .dims = {COUNT, 1}, .data = y};
    const long calls = atomic_load(&m.calls);
    for (int round = 0; round < 3; round++) { /* all, every second, none */
        for (int64_t i = 0; i < COUNT; i++) x[i] = (float)(round == 0 || (round == 1 && i % 2));
        output.dims[0] = COUNT;
        assert_ok(qn_context_run(r.context, &input, 1, &output, 1));
        assert_int_equal(output.dims[0], round == 0 ? COUNT : round == 1 ? COUNT / 2 : 0);
        for (int64_t i = 0; i < output.dims[0]; i++) assert_int_equal(y[i], round == 0 ? -i : -(2 * i + 1));
    }
    assert_int_equal(atomic_load(&m.calls), calls);
    rig_close(&r);
    assert_int_equal(atomic_load(&m.live), 0);
}

/* ---- Ceilings that cannot be had ---- */

static void test_without_memory_for_the_ceiling_what_is_needed_is_taken(void **state) {
    (void)state;
    meter m = {0};
    const qn_allocator allocator = {&m, metered_alloc, metered_free};
    rig r = rig_open(program_pictures, 1, 1, NULL, &allocator),
        reference = rig_open(program_pictures, 1, 1, NULL, NULL);
    uint64_t ceiling;
    assert_ok(qn_engine_measure_arena(r.engine, NULL, 0, &ceiling));
    m.limit = ceiling - 1;
    for (int64_t size = 2; size <= 18; size += 4) {
        check_picture(r.context, reference.context, size, size);
        assert_true(arena_of(r.context).total_bytes < ceiling);
    }
    /* A context that has what it needs does not ask again. */
    const long calls = atomic_load(&m.calls);
    check_picture(r.context, reference.context, 5, 9);
    assert_int_equal(atomic_load(&m.calls), calls);
    /* Memory that comes back is taken once more is needed. */
    m.limit = 0;
    check_picture(r.context, reference.context, 20, 20);
    assert_int_equal(arena_of(r.context).total_bytes, ceiling);
    rig_close(&r);
    rig_close(&reference);
    assert_int_equal(atomic_load(&m.live), 0);
}

static void test_shapes_stay_where_the_arena_cannot_grow(void **state) {
    (void)state;
    meter m = {0};
    const qn_allocator allocator = {&m, metered_alloc, metered_free};
    rig r = rig_open(program_long, 1, 2, NULL, &allocator);
    set_length(r.context, 5000);
    const uint64_t before = arena_of(r.context).total_bytes;
    m.limit = before;
    assert_status(qn_context_set_input_shape(r.context, 0, 1, (int64_t[]){50000}), QN_OUT_OF_MEMORY, "out of memory");
    int rank;
    int64_t dims[QN_MAX_RANK];
    assert_ok(qn_context_get_output_shape(r.context, 0, &rank, dims));
    assert_int_equal(dims[0], 5000);
    check_long(r.context, 5000);
    assert_int_equal(arena_of(r.context).total_bytes, before);
    m.limit = 1; /* nothing at all */
    assert_status(qn_context_set_input_shape(r.context, 0, 1, (int64_t[]){50000}), QN_OUT_OF_MEMORY, "out of memory");
    assert_status(qn_context_get_output_shape(r.context, 0, &rank, dims), QN_INVALID_ARGUMENT, "not set");
    m.limit = 0;
    set_length(r.context, 50000);
    check_long(r.context, 50000);
    rig_close(&r);
    assert_int_equal(atomic_load(&m.live), 0);
}

/* ---- Arenas of the caller ---- */

static void test_an_arena_of_the_caller_need_not_have_the_ceiling(void **state) {
    (void)state;
    rig r = rig_open(program_long, 1, 1, NULL, NULL);
    uint64_t bytes;
    assert_ok(qn_engine_measure_arena(r.engine, &(qn_shape){1, {3000}}, 1, &bytes));
    assert_true(bytes < MIB);
    void *block = aligned_alloc(ARENA_ALIGN, qn_align_up(bytes, ARENA_ALIGN));
    qn_context *context = rig_borrow(r.engine, block, bytes);
    set_length(context, 3000);
    check_long(context, 3000);
    assert_status(qn_context_set_input_shape(context, 0, 1, (int64_t[]){4000}), QN_INVALID_ARGUMENT,
                  "qn_engine_measure_arena");
    check_long(context, 3000);
    qn_context_destroy(context);
    free(block);
    rig_close(&r);
}

static void test_an_arena_of_the_caller_below_a_modest_ceiling_serves_what_fits(void **state) {
    (void)state;
    rig r = rig_open(program_pictures, 1, 1, NULL, NULL), unplanned = rig_open(program_pictures, 0, 1, NULL, NULL);
    qn_shape small = {4, {1, 6, 6, 3}}, large = {4, {1, 20, 16, 3}};
    uint64_t bytes, planned;
    assert_ok(qn_engine_measure_arena(unplanned.engine, &small, 1, &bytes));
    assert_ok(qn_engine_measure_arena(r.engine, &small, 1, &planned));
    assert_true(bytes < planned);
    void *block = aligned_alloc(ARENA_ALIGN, qn_align_up(bytes, ARENA_ALIGN));
    qn_context *context = rig_borrow(r.engine, block, bytes);
    check_picture(context, unplanned.context, 6, 6);
    assert_status(qn_context_set_input_shapes(context, &large, 1), QN_INVALID_ARGUMENT, "qn_engine_measure_arena");
    check_picture(context, unplanned.context, 6, 6);
    qn_context_destroy(context);
    free(block);
    rig_close(&r);
    rig_close(&unplanned);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_ceiling_out_of_proportion_is_not_taken),
        cmocka_unit_test(test_the_arena_grows_with_the_shapes_and_up_to_the_ceiling),
        cmocka_unit_test(test_a_proportionate_ceiling_is_taken_at_once),
        cmocka_unit_test(test_sizes_that_depend_on_data_have_room_for_the_most_at_the_shapes),
        cmocka_unit_test(test_without_memory_for_the_ceiling_what_is_needed_is_taken),
        cmocka_unit_test(test_shapes_stay_where_the_arena_cannot_grow),
        cmocka_unit_test(test_an_arena_of_the_caller_need_not_have_the_ceiling),
        cmocka_unit_test(test_an_arena_of_the_caller_below_a_modest_ceiling_serves_what_fits),
    };
    return cmocka_run_group_tests_name("runtime/ceiling", tests, NULL, NULL);
}
