/* What fails on one queue fails those who wait for it through notifiers, until each is synced. */
#include "rig.h"

#include "runtime/internal.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* A stage of a pipeline: counts its calls and fails while it is told to. */
typedef struct stage {
    _Atomic int calls;
    _Atomic int fails; /* a qn_code */
} stage;

static qn_status *work(void *arg) {
    stage *s = arg;
    atomic_fetch_add(&s->calls, 1);
    int code = atomic_load(&s->fails);
    return code ? qn_status_create((qn_code)code, "bad picture") : NULL;
}

static qn_notifier *new_notifier(const rig *r) {
    qn_notifier *notifier;
    assert_ok(qn_notifier_create(r->engine, &notifier));
    return notifier;
}

typedef struct line {
    rig r;
    qn_queue *convert, *run, *encode;
    qn_notifier *converted, *done;
    stage converting, running, encoding;
} line;

static void open_line(line *l) {
    memset(l, 0, sizeof *l);
    l->r = rig_open(program_pictures, 1, 1, NULL, NULL);
    l->convert = new_queue(&l->r, "convert", 16, 0);
    l->run = new_queue(&l->r, "run", 16, 0);
    l->encode = new_queue(&l->r, "encode", 16, 0);
    l->converted = new_notifier(&l->r);
    l->done = new_notifier(&l->r);
}

static void close_line(line *l) {
    qn_queue_destroy(l->encode), qn_queue_destroy(l->run), qn_queue_destroy(l->convert);
    qn_notifier_destroy(l->done), qn_notifier_destroy(l->converted);
    rig_close(&l->r);
}

/* One frame through all three stages. */
static void send(line *l) {
    assert_ok(qn_queue_enqueue_host(l->convert, work, &l->converting));
    assert_ok(qn_notifier_place(l->converted, l->convert));
    assert_ok(qn_queue_wait_notifier(l->run, l->converted));
    assert_ok(qn_queue_enqueue_host(l->run, work, &l->running));
    assert_ok(qn_notifier_place(l->done, l->run));
    assert_ok(qn_queue_wait_notifier(l->encode, l->done));
    assert_ok(qn_queue_enqueue_host(l->encode, work, &l->encoding));
}

static void test_a_failure_goes_down_the_pipeline_and_every_sync_tells_it(void **state) {
    (void)state;
    line l;
    open_line(&l);
    atomic_store(&l.converting.fails, QN_IO);
    send(&l);
    send(&l); /* behind the failure */
    assert_status(
        qn_queue_sync(l.encode), QN_IO,
        "queue item 1: waited in vain: queue 'run': queue item 1: waited in vain: queue 'convert': queue item 1: "
        "bad picture");
    assert_status(qn_queue_sync(l.run), QN_IO,
                  "queue item 1: waited in vain: queue 'convert': queue item 1: bad picture");
    assert_status(qn_queue_sync(l.convert), QN_IO, "queue item 1: bad picture");
    assert_int_equal(l.converting.calls, 1);
    assert_int_equal(l.running.calls, 0);
    assert_int_equal(l.encoding.calls, 0);
    /* All three work again. */
    atomic_store(&l.converting.fails, QN_OK);
    send(&l);
    assert_ok(qn_queue_sync(l.encode));
    assert_ok(qn_queue_sync(l.run));
    assert_ok(qn_queue_sync(l.convert));
    assert_int_equal(l.encoding.calls, 1);
    close_line(&l);
}

static void test_a_queue_is_told_again_until_the_one_at_fault_is_synced(void **state) {
    (void)state;
    line l;
    open_line(&l);
    atomic_store(&l.converting.fails, QN_LIMIT);
    send(&l);
    assert_status(qn_queue_sync(l.encode), QN_LIMIT, "'convert'");
    atomic_store(&l.converting.fails, QN_OK);
    send(&l); /* `convert` and `run` still skip */
    assert_status(qn_queue_sync(l.encode), QN_LIMIT, "'convert'");
    assert_status(qn_queue_sync(l.convert), QN_LIMIT, "bad picture");
    send(&l); /* `run` still skips */
    assert_status(qn_queue_sync(l.encode), QN_LIMIT, "'run'");
    assert_status(qn_queue_sync(l.run), QN_LIMIT, "waited in vain");
    send(&l);
    assert_ok(qn_queue_sync(l.encode));
    assert_int_equal(l.encoding.calls, 1);
    close_line(&l);
}

static void test_the_failure_belongs_to_the_placement(void **state) {
    (void)state;
    rig r = rig_open(program_pictures, 1, 1, NULL, NULL);
    qn_queue *first = new_queue(&r, "first", 16, 0), *second = new_queue(&r, "second", 16, 0);
    qn_notifier *n = new_notifier(&r), *before = new_notifier(&r);
    stage bad = {.fails = QN_IO}, good = {0};
    gate g = {0};
    int64_t ns;
    /* What waits in `second` for the placement that fails learns of it even if the notifier is placed again, and
       reached well, before its turn comes. */
    assert_ok(qn_queue_enqueue_host(second, pass_gate, &g));
    assert_ok(qn_notifier_place(before, first));
    assert_ok(qn_queue_enqueue_host(first, work, &bad));
    assert_ok(qn_notifier_place(n, first));
    assert_ok(qn_queue_wait_notifier(second, before));
    assert_ok(qn_queue_wait_notifier(second, n));
    assert_ok(qn_queue_enqueue_host(second, work, &good));
    assert_status(qn_queue_sync(first), QN_IO, "bad picture");
    assert_int_equal(qn_notifier_query(before), QN_NOTIFIER_REACHED);
    assert_int_equal(qn_notifier_query(n), QN_NOTIFIER_FAILED);
    assert_status(qn_notifier_wait(n), QN_IO, "queue 'first': queue item 2: bad picture");
    assert_status(qn_notifier_elapsed(before, n, &ns), QN_IO, "the second notifier: queue 'first'");
    assert_ok(qn_queue_wait_notifier(second, n)); /* as it was placed last: in vain */
    assert_ok(qn_notifier_place(n, first));
    assert_ok(qn_notifier_wait(n));
    assert_int_equal(qn_notifier_query(n), QN_NOTIFIER_REACHED);
    assert_ok(qn_notifier_elapsed(before, n, &ns));
    atomic_store(&g.is_open, 1);
    assert_status(qn_queue_sync(second), QN_IO, "queue item 3: waited in vain: queue 'first'"); /* not item 2 */
    assert_int_equal(good.calls, 0);
    /* A wait for the good placement does not fail. */
    assert_ok(qn_queue_wait_notifier(second, n));
    assert_ok(qn_queue_enqueue_host(second, work, &good));
    assert_ok(qn_queue_sync(second));
    assert_int_equal(good.calls, 1);
    qn_queue_destroy(second), qn_queue_destroy(first);
    qn_notifier_destroy(n), qn_notifier_destroy(before);
    rig_close(&r);
}

static void test_what_a_sync_has_made_void_is_told_with_the_failure_that_it_reported(void **state) {
    (void)state;
    rig r = rig_open(program_pictures, 1, 1, NULL, NULL);
    qn_queue *queue = new_queue(&r, "only", 16, 0);
    qn_notifier *n = new_notifier(&r);
    stage bad = {.fails = QN_UNSUPPORTED}, good = {0};
    for (int i = 0; i < 50; i++) {
        assert_ok(qn_queue_enqueue_host(queue, work, &bad));
        assert_ok(qn_queue_enqueue_host(queue, work, &good));
        assert_ok(qn_notifier_place(n, queue));
        assert_status(qn_queue_sync(queue), QN_UNSUPPORTED, "bad picture");
        assert_status(qn_notifier_wait(n), QN_UNSUPPORTED, "bad picture");
    }
    assert_int_equal(good.calls, 0);
    qn_queue_destroy(queue);
    qn_notifier_destroy(n);
    rig_close(&r);
}

static void test_cancelling_crosses_too(void **state) {
    (void)state;
    line l;
    gate g = {0};
    open_line(&l);
    assert_ok(qn_queue_enqueue_host(l.convert, pass_gate, &g));
    send(&l);
    wait_until(&g.is_reached);
    qn_queue_cancel(l.convert);
    atomic_store(&g.is_open, 1);
    assert_status(qn_queue_sync(l.encode), QN_CANCELLED, "cancelled");
    assert_int_equal(qn_notifier_query(l.converted), QN_NOTIFIER_FAILED);
    assert_status(qn_notifier_wait(l.converted), QN_CANCELLED, "cancelled");
    assert_status(qn_queue_sync(l.run), QN_CANCELLED, "cancelled");
    assert_status(qn_queue_sync(l.convert), QN_CANCELLED, "cancelled");
    assert_int_equal(l.converting.calls + l.running.calls + l.encoding.calls, 0);
    send(&l);
    assert_ok(qn_queue_sync(l.encode));
    close_line(&l);
}

static void test_running_out_of_memory_crosses_as_such(void **state) {
    (void)state;
    line l;
    open_line(&l);
    atomic_store(&l.converting.fails, QN_OUT_OF_MEMORY);
    send(&l);
    assert_status(qn_queue_sync(l.encode), QN_OUT_OF_MEMORY, "");
    assert_status(qn_queue_sync(l.run), QN_OUT_OF_MEMORY, "");
    assert_status(qn_queue_sync(l.convert), QN_OUT_OF_MEMORY, "");
    close_line(&l);
}

static void test_a_placement_for_which_there_is_no_room_leaves_the_one_before_in_force(void **state) {
    (void)state;
    rig r = rig_open(program_pictures, 1, 1, NULL, NULL);
    qn_queue *full = new_queue(&r, "full", 1, QN_QUEUE_FULL_REFUSE), *other = new_queue(&r, "other", 4, 0);
    qn_notifier *n = new_notifier(&r);
    stage bad = {.fails = QN_IO};
    gate g = {0};
    assert_ok(qn_queue_enqueue_host(other, work, &bad));
    assert_ok(qn_notifier_place(n, other));
    assert_status(qn_queue_sync(other), QN_IO, "bad picture");
    assert_ok(qn_queue_enqueue_host(full, pass_gate, &g));
    assert_status(qn_notifier_place(n, full), QN_BUSY, "full");
    assert_status(qn_queue_wait_notifier(full, n), QN_BUSY, "full");
    assert_int_equal(qn_notifier_query(n), QN_NOTIFIER_FAILED);
    assert_status(qn_notifier_wait(n), QN_IO, "bad picture");
    atomic_store(&g.is_open, 1);
    assert_ok(qn_queue_sync(full));
    qn_queue_destroy(full), qn_queue_destroy(other);
    qn_notifier_destroy(n);
    rig_close(&r);
}

static void test_each_placement_releases_those_who_wait_for_it(void **state) {
    (void)state;
    rig r = rig_open(program_pictures, 1, 1, NULL, NULL);
    qn_queue *slow = new_queue(&r, "slow", 8, 0), *fast = new_queue(&r, "fast", 8, 0),
             *waiting = new_queue(&r, "w", 8, 0);
    qn_notifier *n = new_notifier(&r);
    stage after = {0};
    gate g = {0};
    assert_ok(qn_queue_enqueue_host(slow, pass_gate, &g));
    assert_ok(qn_notifier_place(n, slow));
    assert_ok(qn_queue_wait_notifier(waiting, n));
    assert_ok(qn_queue_enqueue_host(waiting, work, &after));
    assert_ok(qn_notifier_place(n, fast)); /* a later placement, reached at once */
    assert_ok(qn_notifier_wait(n));
    usleep(5000);
    assert_int_equal(atomic_load(&after.calls), 0); /* the earlier one is not reached */
    atomic_store(&g.is_open, 1);
    assert_ok(qn_queue_sync(waiting));
    assert_int_equal(after.calls, 1);
    qn_queue_destroy(waiting), qn_queue_destroy(fast), qn_queue_destroy(slow);
    qn_notifier_destroy(n);
    rig_close(&r);
}

/* ---- Many at once ---- */

static void *wait_often(void *arg) {
    qn_notifier *n = arg;
    for (int i = 0; i < 200; i++) {
        qn_status *status = qn_notifier_wait(n);
        if (status) assert_int_equal(qn_status_code(status), QN_IO);
        if (status) assert_non_null(strstr(qn_status_message(status), "bad picture"));
        qn_status_free(status);
        qn_notifier_query(n);
    }
    return NULL;
}

static void test_threads_and_queues_share_failures(void **state) {
    (void)state;
    line l;
    pthread_t threads[3];
    open_line(&l);
    send(&l);
    for (int i = 0; i < 3; i++) pthread_create(&threads[i], NULL, wait_often, i & 1 ? l.converted : l.done);
    for (int i = 0; i < 100; i++) {
        atomic_store(&l.converting.fails, i % 3 ? QN_OK : QN_IO);
        send(&l);
        if (i % 5) continue;
        qn_status_free(qn_queue_sync(l.convert));
        qn_status_free(qn_queue_sync(l.run));
        qn_status_free(qn_queue_sync(l.encode));
    }
    for (int i = 0; i < 3; i++) pthread_join(threads[i], NULL);
    close_line(&l); /* with failures nobody asked for */
}

/* ---- Memory ---- */

typedef struct meter {
    _Atomic int calls;
} meter;

static void *count_alloc(void *self, size_t bytes, size_t align) {
    atomic_fetch_add(&((meter *)self)->calls, 1);
    return aligned_alloc(align, (bytes + align - 1) / align * align);
}

static void count_free(void *self, void *block) {
    (void)self;
    free(block);
}

static void test_placing_and_waiting_take_nothing_from_the_allocator(void **state) {
    (void)state;
    meter m = {0};
    const qn_allocator allocator = {&m, count_alloc, count_free};
    rig r = rig_open(program_pictures, 1, 1, NULL, &allocator);
    qn_queue *first = new_queue(&r, "first", 16, 0), *second = new_queue(&r, "second", 16, 0);
    qn_notifier *n = new_notifier(&r);
    stage s = {0};
    int before = atomic_load(&m.calls);
    for (int i = 0; i < 20; i++) {
        assert_ok(qn_queue_enqueue_host(first, work, &s));
        assert_ok(qn_notifier_place(n, first));
        assert_ok(qn_queue_wait_notifier(second, n));
        assert_ok(qn_queue_enqueue_host(second, work, &s));
    }
    assert_ok(qn_queue_sync(second));
    assert_int_equal(atomic_load(&m.calls), before);
    qn_queue_destroy(second), qn_queue_destroy(first);
    qn_notifier_destroy(n);
    rig_close(&r);
}

/* ---- Fork ---- */

static void test_a_forked_child_gives_up_queues_that_wait(void **state) {
    (void)state;
    rig r = rig_open(program_pictures, 1, 1, NULL, NULL);
    qn_queue *held = new_queue(&r, "held", 8, 0), *waiting = new_queue(&r, "waiting", 8, 0);
    qn_notifier *n = new_notifier(&r);
    gate g = {0};
    int64_t ns;
    assert_ok(qn_queue_enqueue_host(held, pass_gate, &g));
    assert_ok(qn_notifier_place(n, held));
    assert_ok(qn_queue_wait_notifier(waiting, n));
    int status;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        alarm(30);
        int is_right = qn_status_code(qn_notifier_wait(n)) == QN_INVALID_ARGUMENT &&
                       qn_status_code(qn_notifier_place(n, held)) == QN_INVALID_ARGUMENT &&
                       qn_status_code(qn_notifier_elapsed(n, n, &ns)) == QN_INVALID_ARGUMENT &&
                       qn_notifier_query(n) == QN_NOTIFIER_UNPLACED;
        qn_queue_destroy(waiting), qn_queue_destroy(held);
        qn_notifier_destroy(n);
        _exit(is_right ? 7 : 1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 7);
    atomic_store(&g.is_open, 1);
    assert_ok(qn_queue_sync(waiting));
    qn_queue_destroy(waiting), qn_queue_destroy(held);
    qn_notifier_destroy(n);
    rig_close(&r);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_failure_goes_down_the_pipeline_and_every_sync_tells_it),
        cmocka_unit_test(test_a_queue_is_told_again_until_the_one_at_fault_is_synced),
        cmocka_unit_test(test_the_failure_belongs_to_the_placement),
        cmocka_unit_test(test_what_a_sync_has_made_void_is_told_with_the_failure_that_it_reported),
        cmocka_unit_test(test_cancelling_crosses_too),
        cmocka_unit_test(test_running_out_of_memory_crosses_as_such),
        cmocka_unit_test(test_a_placement_for_which_there_is_no_room_leaves_the_one_before_in_force),
        cmocka_unit_test(test_each_placement_releases_those_who_wait_for_it),
        cmocka_unit_test(test_threads_and_queues_share_failures),
        cmocka_unit_test(test_placing_and_waiting_take_nothing_from_the_allocator),
        cmocka_unit_test(test_a_forked_child_gives_up_queues_that_wait),
    };
    return cmocka_run_group_tests_name("runtime/queue_failure", tests, NULL, NULL);
}
