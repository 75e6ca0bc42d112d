/* Measuring: how many runs, of which shapes, how they are summed up, and that failures of any context end all. */
#include "rig.h"

#include <stdlib.h>
#include <string.h>

#include "base/meter.h"
#include "runtime/bench_result.h"

enum { SIDES_MAX = 4 };

/* Sets of one picture each, side by side x side by side. */
typedef struct sets {
    qn_tensor inputs[SIDES_MAX];
    size_t count;
} sets;

static sets make_sets(const int64_t *sides, size_t count) {
    sets s = {.count = count};
    for (size_t i = 0; i < count; i++)
        s.inputs[i] = (qn_tensor){.dtype = QN_DTYPE_F32,
                                  .rank = 4,
                                  .dims = {1, sides[i], sides[i], 3},
                                  .data = make_picture(sides[i], sides[i], i)};
    return s;
}

static void free_sets(sets *s) {
    for (size_t i = 0; i < s->count; i++) free(s->inputs[i].data);
}

static qn_bench_options exactly(int64_t iterations, int contexts) {
    qn_bench_options options;
    qn_bench_options_init(&options);
    options.contexts = contexts;
    options.iterations = iterations;
    options.warmup_ms = 0;
    return options;
}

static void check_order(const qn_bench_stats *s) {
    assert_true(0 < s->min && s->min <= s->median && s->median <= s->p90 && s->p90 <= s->p95 && s->p95 <= s->p99);
    assert_true(s->p99 <= s->max && s->min <= s->mean && s->mean <= s->max);
}

/* ---- What is measured ---- */

static void test_all_contexts_together_run_as_often_as_asked(void **state) {
    (void)state;
    rig r = rig_open(program_pictures, 1, 1, NULL, NULL);
    sets s = make_sets((int64_t[]){8}, 1);
    for (int contexts = 1; contexts <= 5; contexts++) {
        const qn_bench_options options = exactly(7, contexts);
        qn_bench *bench;
        assert_ok(qn_bench_run(r.engine, s.inputs, s.count, &options, &bench));
        const qn_bench_info *info = qn_bench_get_info(bench);
        assert_int_equal(info->runs, 7);
        assert_int_equal(info->contexts, contexts);
        assert_int_equal(info->group_count, 1);
        assert_true(info->wall_s > 0 && info->cpu_s > 0 && info->first_ms > 0);
        assert_true(info->utilisation > 0 && info->utilisation <= 1);
        assert_true(info->runs_per_s * info->wall_s > 6.99 && info->runs_per_s * info->wall_s < 7.01);
        assert_true(info->shape_ms == 0);
        check_order(&info->latency);
        qn_bench_destroy(bench);
    }
    free_sets(&s);
    rig_close(&r);
}

static void test_a_duration_is_measured_to_its_end(void **state) {
    (void)state;
    rig r = rig_open(program_pictures, 1, 1, NULL, NULL);
    sets s = make_sets((int64_t[]){8}, 1);
    qn_bench_options options = exactly(0, 2);
    options.duration_ms = 30;
    options.warmup_ms = 5;
    qn_bench *bench;
    assert_ok(qn_bench_run(r.engine, s.inputs, s.count, &options, &bench));
    assert_true(qn_bench_get_info(bench)->wall_s >= 0.03);
    assert_true(qn_bench_get_info(bench)->runs >= 2);
    qn_bench_destroy(bench);
    free_sets(&s);
    rig_close(&r);
}

static void test_sets_of_equal_shape_are_one_group_in_the_order_of_the_first(void **state) {
    (void)state;
    rig r = rig_open(program_pictures, 1, 1, NULL, NULL);
    sets s = make_sets((int64_t[]){8, 5, 8, 6}, 4);
    const qn_bench_options options = exactly(9, 1);
    qn_bench *bench;
    assert_ok(qn_bench_run(r.engine, s.inputs, s.count, &options, &bench));
    static const int64_t sides[] = {8, 5, 6};
    /* The warm-up runs set 0; nine runs follow: 1 2 3 0 1 2 3 0 1. */
    static const size_t members[] = {2, 1, 1}, runs[] = {4, 3, 2};
    assert_int_equal(qn_bench_get_info(bench)->group_count, 3);
    for (size_t g = 0; g < 3; g++) {
        const qn_bench_group *group = qn_bench_get_group(bench, g);
        assert_int_equal(group->shapes[0].rank, 4);
        assert_int_equal(group->shapes[0].dims[1], sides[g]);
        assert_int_equal(group->sets, members[g]);
        assert_int_equal(group->runs, runs[g]);
        check_order(&group->latency);
    }
    assert_null(qn_bench_get_group(bench, 3));
    assert_true(qn_bench_get_info(bench)->shape_ms > 0);
    qn_bench_destroy(bench);
    free_sets(&s);
    rig_close(&r);
}

typedef struct marks {
    int begins, ends, cancel_after, asked;
} marks;

static void note_mark(void *self, int is_end) {
    marks *m = self;
    assert_int_equal(m->ends, 0);
    assert_int_equal(m->begins, is_end);
    *(is_end ? &m->ends : &m->begins) += 1;
}

static int cancel_later(void *self) {
    marks *m = self;
    return m->cancel_after && ++m->asked > m->cancel_after;
}

static void test_the_caller_is_told_when_measuring_begins_and_ends(void **state) {
    (void)state;
    rig r = rig_open(program_pictures, 1, 1, NULL, NULL);
    sets s = make_sets((int64_t[]){8}, 1);
    marks seen = {0};
    qn_bench_options options = exactly(3, 3);
    options.mark = note_mark;
    options.self = &seen;
    qn_bench *bench;
    assert_ok(qn_bench_run(r.engine, s.inputs, s.count, &options, &bench));
    assert_int_equal(seen.ends, 1);
    qn_bench_destroy(bench);
    free_sets(&s);
    rig_close(&r);
}

static void test_measuring_allocates_nothing_from_the_engine(void **state) {
    (void)state;
    meter m;
    const qn_allocator allocator = meter_allocator(&m, SIZE_MAX);
    rig r = rig_open(program_pictures, 1, 1, NULL, &allocator);
    sets s = make_sets((int64_t[]){8, 5}, 2);
    qn_bench *bench;
    size_t allocations[2];
    for (int i = 0; i < 2; i++) {
        const size_t before = m.allocations;
        const qn_bench_options options = exactly(i ? 50 : 2, 1);
        assert_ok(qn_bench_run(r.engine, s.inputs, s.count, &options, &bench));
        qn_bench_destroy(bench);
        allocations[i] = m.allocations - before;
    }
    assert_int_equal(allocations[0], allocations[1]);
    free_sets(&s);
    rig_close(&r);
    assert_int_equal(m.live, 0);
}

/* ---- Statistics ---- */

static void test_latencies_are_summed_up_by_group_and_over_all_contexts(void **state) {
    (void)state;
    const qn_tensor inputs[] = {{.rank = 1, .dims = {4}}, {.rank = 1, .dims = {2}}};
    size_t groups[2];
    qn_bench *bench;
    assert_ok(qn_bench_group_sets(inputs, 2, 1, groups, &bench));
    assert_int_equal(groups[0], 0);
    assert_int_equal(groups[1], 1);
    qn_bench_samples samples[2] = {{0}, {0}};
    static const double first[] = {8, 1}, second[] = {4, 2};
    for (int i = 0; i < 2; i++) {
        assert_true(qn_bench_samples_add(&samples[0], (qn_bench_sample){first[i], 0}));
        assert_true(qn_bench_samples_add(&samples[1], (qn_bench_sample){second[i], 0}));
    }
    assert_true(qn_bench_samples_add(&samples[1], (qn_bench_sample){100, 1}));
    assert_ok(qn_bench_summarise(bench, samples, 2));
    const qn_bench_stats *s = &qn_bench_get_group(bench, 0)->latency;
    /* Of 1 2 4 8 rank 1.5 is the median, 2.7 the 90th percentile: 4 + 0.7 * 4. */
    assert_true(s->min == 1 && s->max == 8 && s->mean == 3.75 && s->median == 3);
    assert_true(s->p90 > 6.7999 && s->p90 < 6.8001);
    assert_int_equal(qn_bench_get_group(bench, 0)->runs, 4);
    const qn_bench_stats *other = &qn_bench_get_group(bench, 1)->latency;
    assert_true(other->min == 100 && other->max == 100 && other->p99 == 100 && other->median == 100);
    assert_true(qn_bench_get_info(bench)->latency.median == 4 && qn_bench_get_info(bench)->latency.mean == 23);
    for (int c = 0; c < 2; c++) qn_bench_samples_deinit(&samples[c]);
    qn_bench_destroy(bench);
}

/* ---- What goes wrong ---- */

static void expect_refusal(const rig *r, const sets *s, qn_bench_options options, const char *text) {
    qn_bench *bench = (qn_bench *)&options;
    assert_status(qn_bench_run(r->engine, s->inputs, s->count, &options, &bench), QN_INVALID_ARGUMENT, text);
    assert_null(bench);
}

static void test_options_out_of_range_are_refused(void **state) {
    (void)state;
    rig r = rig_open(program_pictures, 1, 1, NULL, NULL);
    sets s = make_sets((int64_t[]){8}, 1);
    qn_bench_options options = exactly(1, 0);
    expect_refusal(&r, &s, options, "0 contexts, expected 1 to 1024");
    expect_refusal(&r, &s, exactly(1, 1025), "1025 contexts");
    expect_refusal(&r, &s, exactly(-1, 1), "-1 iterations");
    options = exactly(0, 1);
    options.duration_ms = 0;
    expect_refusal(&r, &s, options, "a duration of 0 ms");
    options.duration_ms = INT64_MAX;
    expect_refusal(&r, &s, options, "at most a year");
    options = exactly(1, 1);
    options.size--;
    expect_refusal(&r, &s, options, "qn_bench_options_init()");
    s.count = 0;
    expect_refusal(&r, &s, exactly(1, 1), "no set of inputs");
    s.count = 1;
    free_sets(&s);
    rig_close(&r);
}

static void test_inputs_that_do_not_fit_end_every_context(void **state) {
    (void)state;
    rig r = rig_open(program_pictures, 1, 1, NULL, NULL);
    sets s = make_sets((int64_t[]){8, 6}, 2);
    s.inputs[1].dtype = QN_DTYPE_U8; /* seen by the run, in the warm-up of the second context */
    expect_refusal(&r, &s, exactly(100, 3), "u8");
    s.inputs[1].dtype = QN_DTYPE_F32;
    s.inputs[1].rank = QN_MAX_RANK + 1;
    expect_refusal(&r, &s, exactly(1, 1), "input 0 of set 1: rank 9, expected 0 to 8");
    s.inputs[1].rank = 3;
    expect_refusal(&r, &s, exactly(1, 2), "rank");
    free_sets(&s);
    rig_close(&r);
}

static void test_measuring_can_be_cancelled_in_warm_up_and_after_it(void **state) {
    (void)state;
    rig r = rig_open(program_pictures, 1, 1, NULL, NULL);
    sets s = make_sets((int64_t[]){8}, 1);
    for (int after = 1; after <= 20; after += 19) {
        marks seen = {.cancel_after = after};
        qn_bench_options options = exactly(0, 3);
        options.duration_ms = 3600000;
        options.warmup_ms = after == 1 ? 3600000 : 0;
        options.cancel = cancel_later;
        options.self = &seen;
        qn_bench *bench;
        assert_status(qn_bench_run(r.engine, s.inputs, s.count, &options, &bench), QN_CANCELLED, "cancelled");
        assert_null(bench);
    }
    free_sets(&s);
    rig_close(&r);
}

static void test_contexts_that_cannot_be_made_leave_nothing_behind(void **state) {
    (void)state;
    meter m;
    const qn_allocator allocator = meter_allocator(&m, SIZE_MAX);
    rig r = rig_open(program_pictures, 1, 1, NULL, &allocator);
    sets s = make_sets((int64_t[]){8, 5}, 2);
    const qn_bench_options options = exactly(4, 3);
    const size_t live = m.live;
    int failures = 0;
    for (int is_done = 0; !is_done; failures++) {
        qn_bench *bench;
        m.budget = m.allocations + (size_t)failures;
        qn_status *status = qn_bench_run(r.engine, s.inputs, s.count, &options, &bench);
        is_done = !status;
        if (status) assert_int_equal(qn_status_code(status), QN_OUT_OF_MEMORY);
        qn_status_free(status);
        qn_bench_destroy(bench);
        assert_int_equal(m.live, live);
    }
    assert_true(failures > 3);
    free_sets(&s);
    m.budget = SIZE_MAX;
    rig_close(&r);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_contexts_together_run_as_often_as_asked),
        cmocka_unit_test(test_a_duration_is_measured_to_its_end),
        cmocka_unit_test(test_sets_of_equal_shape_are_one_group_in_the_order_of_the_first),
        cmocka_unit_test(test_the_caller_is_told_when_measuring_begins_and_ends),
        cmocka_unit_test(test_measuring_allocates_nothing_from_the_engine),
        cmocka_unit_test(test_latencies_are_summed_up_by_group_and_over_all_contexts),
        cmocka_unit_test(test_options_out_of_range_are_refused),
        cmocka_unit_test(test_inputs_that_do_not_fit_end_every_context),
        cmocka_unit_test(test_measuring_can_be_cancelled_in_warm_up_and_after_it),
        cmocka_unit_test(test_contexts_that_cannot_be_made_leave_nothing_behind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
