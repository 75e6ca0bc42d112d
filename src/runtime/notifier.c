#include "runtime/notifier.h"

#include "base/entry.h"

#include <pthread.h>

struct qn_notifier {
    qn_engine *engine; /* for its allocator */
    _Atomic int references;
    pthread_mutex_t mutex; /* for what follows */
    pthread_cond_t changed;
    uint64_t placed, reached; /* numbers of placements */
    int64_t reached_ns;       /* when the latest was reached */
};

qn_status *qn_notifier_create(qn_engine *engine, qn_notifier **out_notifier) {
    QN_ENTER();
    QN_REQUIRE_ARG(out_notifier);
    *out_notifier = NULL;
    QN_REQUIRE_ARG(engine);
    qn_notifier *notifier = qn_alloc_zeroed(&engine->allocator, 1, sizeof *notifier, _Alignof(qn_notifier));
    if (!notifier) return qn_status_out_of_memory();
    qn_engine_retain(engine);
    notifier->engine = engine;
    atomic_init(&notifier->references, 1);
    pthread_mutex_init(&notifier->mutex, NULL);
    pthread_cond_init(&notifier->changed, NULL);
    *out_notifier = notifier;
    return NULL;
}

void qn_notifier_retain(qn_notifier *notifier) {
    atomic_fetch_add_explicit(&notifier->references, 1, memory_order_relaxed);
}

void qn_notifier_destroy(qn_notifier *notifier) {
    if (!notifier || atomic_fetch_sub_explicit(&notifier->references, 1, memory_order_acq_rel) != 1) return;
    qn_engine *engine = notifier->engine;
    pthread_cond_destroy(&notifier->changed);
    pthread_mutex_destroy(&notifier->mutex);
    qn_free(&engine->allocator, notifier);
    qn_engine_release(engine);
}

/* ---- For queues ---- */

uint64_t qn_notifier_placed(qn_notifier *notifier) {
    pthread_mutex_lock(&notifier->mutex);
    uint64_t placed = notifier->placed;
    pthread_mutex_unlock(&notifier->mutex);
    return placed;
}

void qn_notifier_reach(qn_notifier *notifier, uint64_t number) {
    pthread_mutex_lock(&notifier->mutex);
    notifier->reached_ns = qn_trace_now_ns();
    if (number > notifier->reached) notifier->reached = number;
    pthread_cond_broadcast(&notifier->changed);
    pthread_mutex_unlock(&notifier->mutex);
}

void qn_notifier_wait_for(qn_notifier *notifier, uint64_t number, const qn_cancel_point *point) {
    pthread_mutex_lock(&notifier->mutex);
    while (notifier->reached < number && number <= notifier->placed && !(point && qn_cancel_point_is_hit(point)))
        pthread_cond_wait(&notifier->changed, &notifier->mutex);
    pthread_mutex_unlock(&notifier->mutex);
}

void qn_notifier_wake(qn_notifier *notifier) {
    pthread_mutex_lock(&notifier->mutex);
    pthread_cond_broadcast(&notifier->changed);
    pthread_mutex_unlock(&notifier->mutex);
}

/* ---- For the public ---- */

static qn_status *never_placed(void) {
    return QN_ERR(QN_INVALID_ARGUMENT, "the notifier is in no queue: call qn_notifier_place() first");
}

/* The placement of this number has come to nothing: it is as if it had never been, also for who waits for it already.
 */
static void withdraw(qn_notifier *notifier, uint64_t number) {
    pthread_mutex_lock(&notifier->mutex);
    if (notifier->placed == number)
        notifier->placed--;
    else if (number > notifier->reached) /* placed again by another thread meanwhile */
        notifier->reached = number;
    pthread_cond_broadcast(&notifier->changed);
    pthread_mutex_unlock(&notifier->mutex);
}

qn_status *qn_notifier_place(qn_notifier *notifier, qn_queue *queue) {
    QN_ENTER();
    QN_REQUIRE_ARG(notifier);
    QN_REQUIRE_ARG(queue);
    pthread_mutex_lock(&notifier->mutex);
    uint64_t number = ++notifier->placed;
    pthread_mutex_unlock(&notifier->mutex);
    qn_status *status = qn_queue_put_notifier(queue, notifier, number);
    if (status) withdraw(notifier, number);
    return status;
}

qn_status *qn_notifier_wait(qn_notifier *notifier) {
    QN_ENTER();
    QN_REQUIRE_ARG(notifier);
    uint64_t placed = notifier ? qn_notifier_placed(notifier) : 0;
    if (!placed) return never_placed();
    qn_notifier_wait_for(notifier, placed, NULL);
    return NULL;
}

/* When it was reached; the status is qn_notifier_query()'s. */
static qn_status *read_time(qn_notifier *notifier, int64_t *out_ns) {
    if (!notifier) return never_placed();
    pthread_mutex_lock(&notifier->mutex);
    int is_placed = notifier->placed > 0, is_reached = notifier->reached == notifier->placed;
    *out_ns = notifier->reached_ns;
    pthread_mutex_unlock(&notifier->mutex);
    if (!is_placed) return never_placed();
    return is_reached ? NULL : QN_ERR(QN_UNAVAILABLE, "the notifier has not been reached yet");
}

qn_status *qn_notifier_query(qn_notifier *notifier) {
    QN_ENTER();
    QN_REQUIRE_ARG(notifier);
    int64_t unused;
    return read_time(notifier, &unused);
}

qn_status *qn_notifier_elapsed(qn_notifier *begin, qn_notifier *end, int64_t *out_ns) {
    QN_ENTER();
    QN_REQUIRE_ARG(out_ns);
    *out_ns = 0;
    QN_REQUIRE_ARG(begin);
    QN_REQUIRE_ARG(end);
    int64_t begin_ns, end_ns;
    QN_TRY_CTX(read_time(begin, &begin_ns), "the first notifier");
    QN_TRY_CTX(read_time(end, &end_ns), "the second notifier");
    *out_ns = end_ns - begin_ns;
    return NULL;
}
