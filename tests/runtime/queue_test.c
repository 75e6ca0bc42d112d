/* Queues: in order, side by side, told what failed, stopped when asked. */
#include "rig.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { CHANNELS = 20, SIDE = 12, LOG_MAX = 512 };

/* ---- Work that leaves a trail ---- */

typedef struct trail {
    pthread_mutex_t mutex;
    int steps[LOG_MAX];
    int count;
} trail;

typedef struct mark {
    trail *on;
    int number;
    qn_code fails; /* QN_OK: does not */
} mark;

static qn_status *leave_mark(void *arg) {
    mark *m = arg;
    pthread_mutex_lock(&m->on->mutex);
    m->on->steps[m->on->count++] = m->number;
    pthread_mutex_unlock(&m->on->mutex);
    return m->fails ? qn_status_create(m->fails, "mark %d", m->number) : NULL;
}

/* A picture on its way through a context. */
typedef struct ride {
    qn_context *context;
    float *x, *y, *expected;
    qn_tensor input, outputs[2];
    int is_right;
} ride;

static ride new_ride(const rig *r, uint64_t seed) {
    size_t elems = 4 * SIDE * SIDE * CHANNELS;
    ride d = {.x = make_picture(SIDE, SIDE, seed), .y = calloc(2 * elems, sizeof(float))};
    d.expected = run_pictures(r->context, SIDE, SIDE, d.x);
    assert_ok(qn_context_create(r->engine, &d.context));
    assert_ok(qn_context_set_input_shape(d.context, 0, 4, (int64_t[]){1, SIDE, SIDE, 3}));
    d.input = (qn_tensor){.dtype = QN_DTYPE_F32, .rank = 4, .dims = {1, SIDE, SIDE, 3}, .data = d.x};
    for (size_t i = 0; i < 2; i++) {
        d.outputs[i].dtype = QN_DTYPE_F32;
        d.outputs[i].data = d.y + i * elems;
        assert_ok(qn_context_get_output_shape(d.context, i, &d.outputs[i].rank, d.outputs[i].dims));
    }
    return d;
}

static void put_ride(qn_queue *queue, ride *d) {
    assert_ok(qn_queue_enqueue(queue, d->context, &d->input, 1, d->outputs, 2));
}

static qn_status *judge_ride(void *arg) {
    ride *d = arg;
    d->is_right = !memcmp(d->y, d->expected, 2 * 4 * SIDE * SIDE * CHANNELS * sizeof(float));
    memset(d->y, 0, 2 * 4 * SIDE * SIDE * CHANNELS * sizeof(float));
    return NULL;
}

static void free_ride(ride *d) {
    qn_context_destroy(d->context);
    free(d->x);
    free(d->y);
    free(d->expected);
}

/* ---- Order and results ---- */

static void test_work_runs_in_order(void **state) {
    (void)state;
    rig r = rig_open(program_pictures, 1, 2, NULL, NULL);
    for (size_t length = 1; length <= 64; length *= 8) { /* shorter than what comes: the caller waits for room */
        qn_queue *queue = new_queue(&r, NULL, length, QN_QUEUE_FULL_WAIT);
        trail t = {.mutex = PTHREAD_MUTEX_INITIALIZER};
        mark marks[50];
        ride d = new_ride(&r, 3);
        for (int i = 0; i < 50; i++) {
            marks[i] = (mark){&t, i, QN_OK};
            if (i == 20) put_ride(queue, &d);
            assert_ok(qn_queue_enqueue_host(queue, leave_mark, &marks[i]));
            if (i == 20) assert_ok(qn_queue_enqueue_host(queue, judge_ride, &d));
        }
        assert_ok(qn_queue_sync(queue));
        assert_int_equal(qn_queue_pending(queue), 0);
        assert_int_equal(t.count, 50);
        for (int i = 0; i < 50; i++) assert_int_equal(t.steps[i], i);
        assert_true(d.is_right);
        qn_queue_destroy(queue);
        free_ride(&d);
    }
    rig_close(&r);
}

static void test_enqueue_returns_at_once(void **state) {
    (void)state;
    rig r = rig_open(program_pictures, 1, 1, NULL, NULL);
    qn_queue *queue = new_queue(&r, NULL, 8, QN_QUEUE_FULL_WAIT);
    gate g = {0};
    ride d = new_ride(&r, 1);
    assert_ok(qn_queue_enqueue_host(queue, pass_gate, &g));
    put_ride(queue, &d); /* would hang if it waited */
    wait_until(&g.is_reached);
    assert_int_equal(qn_queue_pending(queue), 2);
    atomic_store(&g.is_open, 1);
    assert_ok(qn_queue_sync(queue));
    judge_ride(&d);
    assert_true(d.is_right);
    qn_queue_destroy(queue);
    free_ride(&d);
    rig_close(&r);
}

static void test_queues_work_side_by_side(void **state) {
    (void)state;
    enum { QUEUES = 3, ROUNDS = 20 };
    rig r = rig_open(program_pictures, 1, 2, NULL, NULL);
    qn_queue *queues[QUEUES];
    ride rides[QUEUES];
    gate g = {0};
    for (uint64_t q = 0; q < QUEUES; q++) {
        queues[q] = new_queue(&r, NULL, 100, QN_QUEUE_FULL_WAIT);
        rides[q] = new_ride(&r, q);
    }
    /* One is held up: the others go on. */
    assert_ok(qn_queue_enqueue_host(queues[0], pass_gate, &g));
    for (int i = 0; i < ROUNDS; i++)
        for (int q = 0; q < QUEUES; q++) {
            put_ride(queues[q], &rides[q]);
            assert_ok(qn_queue_enqueue_host(queues[q], judge_ride, &rides[q]));
        }
    assert_ok(qn_queue_sync(queues[1]));
    assert_ok(qn_queue_sync(queues[2]));
    assert_int_equal(qn_queue_pending(queues[0]), 2 * ROUNDS + 1);
    atomic_store(&g.is_open, 1);
    for (int q = 0; q < QUEUES; q++) {
        qn_queue_destroy(queues[q]); /* waits */
        assert_true(rides[q].is_right);
        free_ride(&rides[q]);
    }
    rig_close(&r);
}

static void test_a_pipeline_of_queues_keeps_order_through_notifiers(void **state) {
    (void)state;
    enum { FRAMES = 12 };
    rig r = rig_open(program_pictures, 1, 2, NULL, NULL);
    qn_queue *decoding = new_queue(&r, NULL, 64, 0), *segmenting = new_queue(&r, NULL, 64, 0),
             *encoding = new_queue(&r, NULL, 64, 0);
    qn_notifier *decoded[FRAMES], *segmented[FRAMES];
    trail t = {.mutex = PTHREAD_MUTEX_INITIALIZER};
    mark decodes[FRAMES], encodes[FRAMES];
    ride rides[FRAMES];
    for (int i = 0; i < FRAMES; i++) {
        rides[i] = new_ride(&r, (uint64_t)i);
        decodes[i] = (mark){&t, i, QN_OK}, encodes[i] = (mark){&t, 100 + i, QN_OK};
        assert_ok(qn_notifier_create(r.engine, &decoded[i]));
        assert_ok(qn_notifier_create(r.engine, &segmented[i]));
    }
    for (int i = 0; i < FRAMES; i++) {
        assert_ok(qn_queue_enqueue_host(decoding, leave_mark, &decodes[i]));
        assert_ok(qn_notifier_place(decoded[i], decoding));
        assert_ok(qn_queue_wait_notifier(segmenting, decoded[i]));
        put_ride(segmenting, &rides[i]);
        assert_ok(qn_notifier_place(segmented[i], segmenting));
        assert_ok(qn_queue_wait_notifier(encoding, segmented[i]));
        assert_ok(qn_queue_enqueue_host(encoding, judge_ride, &rides[i]));
        assert_ok(qn_queue_enqueue_host(encoding, leave_mark, &encodes[i]));
    }
    assert_ok(qn_queue_sync(encoding));
    int64_t ns;
    int at[200] = {0};
    for (int i = 0; i < t.count; i++) at[t.steps[i]] = i;
    for (int i = 0; i < FRAMES; i++) {
        assert_true(rides[i].is_right);
        assert_true(at[i] < at[100 + i]); /* decoded before it was encoded */
        assert_ok(qn_notifier_elapsed(decoded[i], segmented[i], &ns));
        assert_true(ns > 0);
        free_ride(&rides[i]);
        qn_notifier_destroy(decoded[i]);
        qn_notifier_destroy(segmented[i]);
    }
    qn_queue_destroy(encoding), qn_queue_destroy(segmenting), qn_queue_destroy(decoding);
    rig_close(&r);
}

/* ---- Failures ---- */

static void test_sync_tells_the_first_failure_and_starts_anew(void **state) {
    (void)state;
    rig r = rig_open(program_pictures, 1, 1, NULL, NULL);
    qn_queue *queue = new_queue(&r, NULL, 64, 0);
    qn_notifier *behind;
    trail t = {.mutex = PTHREAD_MUTEX_INITIALIZER};
    mark good = {&t, 1, QN_OK}, bad = {&t, 2, QN_IO}, worse = {&t, 3, QN_LIMIT}, later = {&t, 4, QN_OK};
    assert_ok(qn_notifier_create(r.engine, &behind));
    assert_ok(qn_queue_enqueue_host(queue, leave_mark, &good));
    assert_ok(qn_queue_enqueue_host(queue, leave_mark, &bad));
    assert_ok(qn_queue_enqueue_host(queue, leave_mark, &worse)); /* skipped */
    assert_ok(qn_notifier_place(behind, queue));
    assert_status(qn_notifier_wait(behind), QN_IO, "mark 2"); /* reached all the same */
    assert_status(qn_queue_sync(queue), QN_IO, "queue item 2: mark 2");
    assert_ok(qn_queue_enqueue_host(queue, leave_mark, &later));
    assert_ok(qn_queue_sync(queue));
    assert_int_equal(t.count, 3);
    assert_int_equal(t.steps[2], 4);
    /* What a run answers comes the same way. */
    ride d = new_ride(&r, 1);
    d.input.rank = 3;
    put_ride(queue, &d);
    assert_status(qn_queue_sync(queue), QN_INVALID_ARGUMENT, "input 'x' has shape");
    d.input.rank = 4;
    assert_ok(qn_queue_enqueue_host(queue, leave_mark, &bad));
    qn_queue_destroy(queue); /* with a failure nobody asked for */
    qn_notifier_destroy(behind);
    free_ride(&d);
    rig_close(&r);
}

static qn_status *misuse_queue(void *arg) {
    qn_queue *queue = arg;
    qn_status *status = qn_queue_sync(queue);
    if (qn_status_code(status) != QN_INVALID_ARGUMENT) return qn_status_create(QN_INTERNAL, "sync was let in");
    qn_status_free(status);
    trail t = {.mutex = PTHREAD_MUTEX_INITIALIZER};
    mark m = {&t, 1, QN_OK};
    do status = qn_queue_enqueue_host(queue, leave_mark, &m); /* until it is full; never run, since this fails */
    while (!status);
    return status;
}

static void test_a_full_queue_refuses_or_waits(void **state) {
    (void)state;
    rig r = rig_open(program_pictures, 1, 1, NULL, NULL);
    qn_queue *queue = new_queue(&r, NULL, 2, QN_QUEUE_FULL_REFUSE);
    gate g = {0};
    trail t = {.mutex = PTHREAD_MUTEX_INITIALIZER};
    mark m = {&t, 1, QN_OK};
    assert_ok(qn_queue_enqueue_host(queue, pass_gate, &g));
    assert_ok(qn_queue_enqueue_host(queue, leave_mark, &m));
    assert_status(qn_queue_enqueue_host(queue, leave_mark, &m), QN_BUSY, "2 items");
    qn_notifier *n;
    assert_ok(qn_notifier_create(r.engine, &n));
    assert_status(qn_notifier_place(n, queue), QN_BUSY, "full");
    assert_status(qn_notifier_wait(n), QN_INVALID_ARGUMENT, "in no queue");
    qn_notifier_destroy(n);
    atomic_store(&g.is_open, 1);
    assert_ok(qn_queue_sync(queue));
    assert_int_equal(t.count, 1);
    qn_queue_destroy(queue);
    queue = new_queue(&r, NULL, 4, QN_QUEUE_FULL_WAIT);
    assert_ok(qn_queue_enqueue_host(queue, misuse_queue, queue));
    assert_status(qn_queue_sync(queue), QN_LIMIT, "full");
    qn_queue_destroy(queue);
    rig_close(&r);
}

static void test_wrong_arguments_are_refused(void **state) {
    (void)state;
    rig r = rig_open(program_pictures, 1, 1, NULL, NULL);
    qn_queue *queue;
    qn_queue_options options;
    qn_queue_options_init(&options);
    options.length = 0;
    assert_status(qn_queue_create(r.engine, &options, &queue), QN_INVALID_ARGUMENT, "length 0");
    assert_null(queue);
    options.length = 65537;
    assert_status(qn_queue_create(r.engine, &options, &queue), QN_INVALID_ARGUMENT, "65537");
    options.length = 1;
    options.size = 1;
    assert_status(qn_queue_create(r.engine, &options, &queue), QN_INVALID_ARGUMENT, "qn_queue_options_init");
    assert_status(qn_queue_create(NULL, NULL, &queue), QN_INVALID_ARGUMENT, "NULL");
    assert_ok(qn_queue_create(r.engine, NULL, &queue));
    assert_status(qn_queue_enqueue(queue, NULL, NULL, 0, NULL, 0), QN_INVALID_ARGUMENT, "no context");
    assert_status(qn_queue_enqueue_host(queue, NULL, NULL), QN_INVALID_ARGUMENT, "no fn");
    assert_status(qn_queue_enqueue_host(NULL, pass_gate, NULL), QN_INVALID_ARGUMENT, "no queue");
    assert_status(qn_queue_sync(NULL), QN_INVALID_ARGUMENT, "no queue");
    qn_notifier *a, *b;
    int64_t ns;
    assert_ok(qn_notifier_create(r.engine, &a));
    assert_ok(qn_notifier_create(r.engine, &b));
    assert_status(qn_notifier_wait(a), QN_INVALID_ARGUMENT, "in no queue");
    assert_int_equal(qn_notifier_query(a), QN_NOTIFIER_UNPLACED);
    assert_int_equal(qn_notifier_query(NULL), QN_NOTIFIER_UNPLACED);
    assert_status(qn_queue_wait_notifier(queue, a), QN_INVALID_ARGUMENT, "in no queue");
    assert_status(qn_notifier_elapsed(a, b, &ns), QN_INVALID_ARGUMENT, "the first notifier");
    qn_notifier_destroy(b);
    assert_status(qn_notifier_create(NULL, &b), QN_INVALID_ARGUMENT, "NULL");
    assert_null(b);
    qn_notifier_destroy(a);
    qn_queue_destroy(queue);
    rig_close(&r);
    qn_queue_destroy(NULL);
    qn_notifier_destroy(NULL);
    qn_queue_cancel(NULL);
}

/* ---- Notifiers ---- */

static void test_notifiers_tell_when(void **state) {
    (void)state;
    rig r = rig_open(program_pictures, 1, 1, NULL, NULL);
    qn_queue *queue = new_queue(&r, NULL, 8, 0);
    qn_notifier *begin, *end;
    gate g = {0};
    int64_t ns;
    assert_ok(qn_notifier_create(r.engine, &begin));
    assert_ok(qn_notifier_create(r.engine, &end));
    assert_ok(qn_notifier_place(begin, queue));
    assert_ok(qn_queue_enqueue_host(queue, pass_gate, &g));
    assert_ok(qn_notifier_place(end, queue));
    wait_until(&g.is_reached);
    assert_int_equal(qn_notifier_query(begin), QN_NOTIFIER_REACHED);
    assert_int_equal(qn_notifier_query(end), QN_NOTIFIER_PENDING);
    assert_status(qn_notifier_elapsed(begin, end, &ns), QN_UNAVAILABLE, "the second notifier");
    usleep(3000);
    atomic_store(&g.is_open, 1);
    assert_ok(qn_notifier_wait(end));
    assert_ok(qn_notifier_elapsed(begin, end, &ns));
    assert_true(ns >= 3000000 && ns < INT64_C(60000000000));
    assert_ok(qn_notifier_place(begin, queue)); /* again, now behind */
    assert_ok(qn_notifier_wait(begin));
    assert_ok(qn_notifier_elapsed(begin, end, &ns));
    assert_true(ns <= 0);
    qn_notifier_destroy(begin), qn_notifier_destroy(end);
    qn_queue_destroy(queue);
    rig_close(&r);
}

/* ---- Cancelling ---- */

static int stop_at_first_value(void *self, const char *name, const qn_tensor *tensor) {
    gate *g = self;
    (void)name;
    (void)tensor;
    pass_gate(g);
    return 0;
}

static void test_cancelling_stops_what_runs_and_what_waits(void **state) {
    (void)state;
    rig r = rig_open(program_pictures, 1, 2, NULL, NULL);
    qn_queue *queue = new_queue(&r, NULL, 64, 0);
    trail t = {.mutex = PTHREAD_MUTEX_INITIALIZER};
    mark m = {&t, 1, QN_OK};
    ride d = new_ride(&r, 1);
    gate g = {0};
    assert_ok(qn_context_set_observer(d.context, stop_at_first_value, &g));
    put_ride(queue, &d);
    for (int i = 0; i < 5; i++) assert_ok(qn_queue_enqueue_host(queue, leave_mark, &m));
    wait_until(&g.is_reached);
    qn_queue_cancel(queue);
    atomic_store(&g.is_open, 1);
    assert_status(qn_queue_sync(queue), QN_CANCELLED, "the run was cancelled");
    assert_int_equal(t.count, 0);
    assert_ok(qn_context_set_observer(d.context, NULL, NULL));
    put_ride(queue, &d); /* both go on */
    assert_ok(qn_queue_enqueue_host(queue, judge_ride, &d));
    assert_ok(qn_queue_sync(queue));
    assert_true(d.is_right);
    qn_queue_cancel(queue); /* nothing to cancel */
    assert_ok(qn_queue_sync(queue));
    qn_queue_destroy(queue);
    free_ride(&d);
    rig_close(&r);
}

static void test_a_queue_that_waits_for_another_can_be_cancelled(void **state) {
    (void)state;
    rig r = rig_open(program_pictures, 1, 1, NULL, NULL);
    qn_queue *held = new_queue(&r, NULL, 8, 0), *waiting = new_queue(&r, NULL, 8, 0);
    qn_notifier *n;
    gate g = {0};
    assert_ok(qn_notifier_create(r.engine, &n));
    assert_ok(qn_queue_enqueue_host(held, pass_gate, &g));
    assert_ok(qn_notifier_place(n, held));
    assert_ok(qn_queue_wait_notifier(waiting, n));
    qn_notifier_destroy(n); /* the queues keep it */
    usleep(2000);
    qn_queue_cancel(waiting);
    assert_status(qn_queue_sync(waiting), QN_CANCELLED, "cancelled");
    atomic_store(&g.is_open, 1);
    qn_queue_destroy(waiting), qn_queue_destroy(held);
    rig_close(&r);
}

/* ---- Lives ---- */

static void test_objects_may_be_destroyed_before_the_queue_is_done(void **state) {
    (void)state;
    for (int i = 0; i < 4; i++) {
        rig r = rig_open(program_pictures, 1, 2, NULL, NULL);
        qn_queue *queue = new_queue(&r, NULL, 64, 0);
        qn_notifier *n;
        gate g = {0};
        ride d = new_ride(&r, 1);
        assert_ok(qn_notifier_create(r.engine, &n));
        assert_ok(qn_queue_enqueue_host(queue, pass_gate, &g));
        put_ride(queue, &d);
        assert_ok(qn_notifier_place(n, queue));
        assert_ok(qn_queue_enqueue_host(queue, judge_ride, &d));
        if (i & 1) qn_notifier_destroy(n);
        qn_context_destroy(d.context);
        d.context = NULL;
        rig_close(&r);
        atomic_store(&g.is_open, 1);
        if (i & 2) assert_ok(qn_queue_sync(queue));
        qn_queue_destroy(queue);
        assert_true(d.is_right);
        if (!(i & 1)) {
            assert_int_equal(qn_notifier_query(n), QN_NOTIFIER_REACHED);
            qn_notifier_destroy(n);
        }
        free_ride(&d);
    }
}

static void test_a_forked_child_is_told_that_the_queue_is_not_its_own(void **state) {
    (void)state;
    rig r = rig_open(program_pictures, 1, 2, NULL, NULL);
    qn_queue *queue = new_queue(&r, NULL, 8, 0);
    ride d = new_ride(&r, 1);
    put_ride(queue, &d);
    assert_ok(qn_queue_sync(queue));
    int status;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        alarm(30);
        int is_right =
            qn_status_code(qn_queue_enqueue(queue, d.context, &d.input, 1, d.outputs, 2)) == QN_INVALID_ARGUMENT &&
            qn_status_code(qn_queue_sync(queue)) == QN_INVALID_ARGUMENT && qn_queue_pending(queue) == 0;
        qn_queue_destroy(queue);
        if (!CHILD_STARTS_THREADS) _exit(is_right ? 7 : 1);
        assert_ok(qn_queue_create(r.engine, NULL, &queue)); /* one of its own */
        put_ride(queue, &d);
        assert_ok(qn_queue_sync(queue));
        judge_ride(&d);
        qn_queue_destroy(queue);
        _exit(is_right && d.is_right ? 7 : 1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 7);
    qn_queue_destroy(queue);
    free_ride(&d);
    rig_close(&r);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_work_runs_in_order),
        cmocka_unit_test(test_enqueue_returns_at_once),
        cmocka_unit_test(test_queues_work_side_by_side),
        cmocka_unit_test(test_a_pipeline_of_queues_keeps_order_through_notifiers),
        cmocka_unit_test(test_sync_tells_the_first_failure_and_starts_anew),
        cmocka_unit_test(test_a_full_queue_refuses_or_waits),
        cmocka_unit_test(test_wrong_arguments_are_refused),
        cmocka_unit_test(test_notifiers_tell_when),
        cmocka_unit_test(test_cancelling_stops_what_runs_and_what_waits),
        cmocka_unit_test(test_a_queue_that_waits_for_another_can_be_cancelled),
        cmocka_unit_test(test_objects_may_be_destroyed_before_the_queue_is_done),
        cmocka_unit_test(test_a_forked_child_is_told_that_the_queue_is_not_its_own),
    };
    return cmocka_run_group_tests_name("runtime/queue", tests, NULL, NULL);
}
