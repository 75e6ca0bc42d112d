/* Threads that quench starts, threads that are lent to it and functions of the caller all find one floating-point state,
 * whatever the state of those who made them. */
#include "rig.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/float_states.h"

enum { SIDE = 12, CHANNELS = 20 };

static float_state_image plain; /* found before any test */

static int find_plain(void **state) {
    (void)state;
    IN_FLOAT_STATE(0, plain = float_state_look());
    return 0;
}

static int is_plain(void) {
    float_state_image now = float_state_look();
    return now.control == plain.control && now.rounding == plain.rounding;
}

/* An executor whose threads are in a state of their own. */
typedef struct share {
    qn_task_fn fn;
    void *arg;
    int64_t begin, end;
    int worker, state, is_kept;
} share;

static void *run_share(void *arg) {
    share *s = arg;
    fenv_t before = float_state_set(s->state);
    float_state_image image = float_state_look();
    s->fn(s->arg, s->begin, s->end, s->worker);
    float_state_image after = float_state_look();
    float_state_restore(&before);
    s->is_kept = !memcmp(&image, &after, sizeof after);
    return NULL;
}

static void run_in_two(void *self, int64_t tasks, qn_task_fn fn, void *arg) {
    const int state = *(const int *)self;
    share halves[2] = {{fn, arg, 0, tasks / 2, 0, state, 1}, {fn, arg, tasks / 2, tasks, 1, state ^ 3, 1}};
    pthread_t threads[2];
    for (int i = 0; i < 2; i++) pthread_create(&threads[i], NULL, run_share, &halves[i]);
    for (int i = 0; i < 2; i++) pthread_join(threads[i], NULL);
    if (!halves[0].is_kept || !halves[1].is_kept) abort();
}

static int sees_plain_state(void *self, const char *name, const qn_tensor *tensor) {
    (void)name;
    (void)tensor;
    if (!is_plain()) *(int *)self = 0;
    return 0;
}

static void test_runs_on_threads_of_any_state_give_the_same_bits(void **state) {
    (void)state;
    rig usual = rig_open(program_pictures, 1, 2, NULL, NULL);
    float *x = make_picture(SIDE, SIDE, 4);
    float *expected = run_pictures(usual.context, SIDE, SIDE, x);
    const size_t bytes = (size_t)(8 * SIDE * SIDE * CHANNELS) * sizeof *x;
    for (int s = 0; s < FLOAT_STATES; s++) {
        int executor_state = s, sees_plain = 1;
        const qn_executor executor = {&executor_state, 2, run_in_two};
        qn_engine_options options;
        qn_engine_options_init(&options);
        options.executor = &executor;
        rig own = {0};
        qn_engine *lent;
        qn_context *context;
        float *found;
        IN_FLOAT_STATE(s, own = rig_open(program_pictures, 0, 2, NULL, NULL));
        assert_ok(qn_context_set_observer(own.context, sees_plain_state, &sees_plain));
        IN_FLOAT_STATE(s ^ 1, found = run_pictures(own.context, SIDE, SIDE, x));
        assert_memory_equal(found, expected, bytes);
        assert_true(sees_plain);
        free(found);
        assert_ok(qn_engine_create(own.model, &options, &lent));
        assert_ok(qn_context_create(lent, &context));
        IN_FLOAT_STATE(s, found = run_pictures(context, SIDE, SIDE, x));
        assert_memory_equal(found, expected, bytes);
        free(found);
        qn_context_destroy(context);
        qn_engine_destroy(lent);
        rig_close(&own);
    }
    free(expected);
    free(x);
    rig_close(&usual);
}

/* ---- Queues and pools ---- */

static qn_status *expect_plain_and_spoil(void *arg) {
    (void)arg;
    if (!is_plain()) return qn_status_create(QN_INTERNAL, "the state is another");
    float_state_set(11); /* left so: the next function does not see it */
    return NULL;
}

static void test_functions_on_queues_find_the_plain_state(void **state) {
    (void)state;
    rig r = rig_open(program_pictures, 1, 1, NULL, NULL);
    for (int s = 0; s < FLOAT_STATES; s++) {
        qn_queue *queue;
        qn_status *status;
        IN_FLOAT_STATE(s, status = qn_queue_create(r.engine, NULL, &queue));
        assert_ok(status);
        for (int i = 0; i < 3; i++)
            IN_FLOAT_STATE(s, assert_ok(qn_queue_enqueue_host(queue, expect_plain_and_spoil, NULL)));
        IN_FLOAT_STATE(s, status = qn_queue_sync(queue));
        assert_ok(status);
        qn_queue_destroy(queue);
    }
    rig_close(&r);
}

static void look(void *arg, int64_t begin, int64_t end, int worker) {
    (void)worker;
    for (int64_t i = begin; i < end; i++) ((int *)arg)[i] = is_plain();
}

static void test_tasks_of_pools_find_the_plain_state(void **state) {
    (void)state;
    for (int s = 0; s < FLOAT_STATES; s++) {
        qn_executor pool;
        qn_pool_options options;
        int found[64] = {0};
        qn_pool_options_init(&options);
        options.threads = 3;
        IN_FLOAT_STATE(s, assert_ok(qn_executor_create_pool(&options, &pool)));
        IN_FLOAT_STATE(s, pool.parallel_for(pool.self, 64, look, found));
        IN_FLOAT_STATE(s, pool.parallel_for(pool.self, 1, look, found));
        for (int i = 0; i < 64; i++) assert_true(found[i]);
        qn_executor_destroy_pool(&pool);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_runs_on_threads_of_any_state_give_the_same_bits),
        cmocka_unit_test(test_functions_on_queues_find_the_plain_state),
        cmocka_unit_test(test_tasks_of_pools_find_the_plain_state),
    };
    return cmocka_run_group_tests_name("runtime/float_state", tests, find_plain, NULL);
}
