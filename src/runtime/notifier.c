#include "runtime/notifier.h"

#include "base/entry.h"

#include <assert.h>
#include <pthread.h>

/* Placements are numbered from 1. Only the outcome of the last placement is kept here. Whoever waits for an earlier
   one is in the list of waiters, and gets its outcome when it is reached. */
struct qn_notifier {
    qn_engine *engine; /* for its allocator */
    _Atomic int references;
    uint32_t forks;        /* qn_forks() when it was made */
    pthread_mutex_t mutex; /* for what follows */
    pthread_cond_t changed;
    uint64_t placed;             /* number of the last placement; 0: never */
    int is_reached;              /* the last placement */
    int64_t reached_ns;          /* when */
    qn_status *failure;          /* of what came before it */
    qn_notifier_waiter *waiters; /* for placements that are not reached */
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
    notifier->forks = qn_forks();
    atomic_init(&notifier->references, 1);
    pthread_mutex_init(&notifier->mutex, NULL);
    pthread_cond_init(&notifier->changed, NULL);
    *out_notifier = notifier;
    return NULL;
}

void qn_notifier_retain(qn_notifier *notifier) {
    const int before = atomic_fetch_add_explicit(&notifier->references, 1, memory_order_relaxed);
    assert(before > 0);
    (void)before;
}

void qn_notifier_destroy(qn_notifier *notifier) {
    if (!notifier || atomic_fetch_sub_explicit(&notifier->references, 1, memory_order_acq_rel) != 1) return;
    qn_engine *engine = notifier->engine;
    if (notifier->forks == qn_forks()) { /* in a forked child a thread that is not there may hold the mutex for ever */
        pthread_cond_destroy(&notifier->changed);
        pthread_mutex_destroy(&notifier->mutex);
    }
    qn_status_free(notifier->failure);
    qn_free(&engine->allocator, notifier);
    qn_engine_release(engine);
}

qn_status *qn_notifier_check(const qn_notifier *notifier) {
    if (notifier->forks == qn_forks()) return NULL;
    return QN_ERR(QN_INVALID_ARGUMENT,
                  "the notifier belongs to the process that this one was forked from: make another");
}

/* ---- Under the mutex ---- */

static void link_waiter(qn_notifier *notifier, qn_notifier_waiter *waiter) {
    waiter->previous = NULL;
    waiter->next = notifier->waiters;
    if (waiter->next) waiter->next->previous = waiter;
    notifier->waiters = waiter;
}

static void unlink_waiter(qn_notifier *notifier, qn_notifier_waiter *waiter) {
    if (waiter->previous)
        waiter->previous->next = waiter->next;
    else if (notifier->waiters == waiter)
        notifier->waiters = waiter->next;
    if (waiter->next) waiter->next->previous = waiter->previous;
    waiter->previous = waiter->next = NULL;
}

static void tell(qn_notifier_waiter *waiter, qn_status *failure) {
    waiter->is_reached = 1;
    waiter->failure = qn_status_share(failure);
}

/* ---- For queues ---- */

uint64_t qn_notifier_begin(qn_notifier *notifier) {
    pthread_mutex_lock(&notifier->mutex);
    uint64_t placement = ++notifier->placed;
    qn_status *old = notifier->failure;
    notifier->failure = NULL;
    notifier->is_reached = 0;
    pthread_mutex_unlock(&notifier->mutex);
    qn_status_free(old);
    return placement;
}

void qn_notifier_reach(qn_notifier *notifier, uint64_t placement, qn_status *failure) {
    pthread_mutex_lock(&notifier->mutex);
    assert(placement > 0 && placement <= notifier->placed);
    for (qn_notifier_waiter *waiter = notifier->waiters, *next; waiter; waiter = next) {
        next = waiter->next;
        assert(!waiter->is_reached && waiter->placement <= notifier->placed);
        if (waiter->placement != placement) continue;
        unlink_waiter(notifier, waiter);
        tell(waiter, failure);
    }
    if (placement == notifier->placed) {
        notifier->is_reached = 1;
        notifier->reached_ns = qn_trace_now_ns();
        notifier->failure = failure;
        failure = NULL;
    }
    pthread_cond_broadcast(&notifier->changed);
    pthread_mutex_unlock(&notifier->mutex);
    qn_status_free(failure);
}

static qn_status *never_placed(void) {
    return QN_ERR(QN_INVALID_ARGUMENT, "the notifier is in no queue: call qn_notifier_place() first");
}

qn_status *qn_notifier_listen(qn_notifier *notifier, qn_notifier_waiter *waiter) {
    pthread_mutex_lock(&notifier->mutex);
    *waiter = (qn_notifier_waiter){.placement = notifier->placed};
    if (notifier->is_reached)
        tell(waiter, notifier->failure);
    else if (notifier->placed)
        link_waiter(notifier, waiter);
    pthread_mutex_unlock(&notifier->mutex);
    return waiter->placement ? NULL : never_placed();
}

void qn_notifier_move(qn_notifier *notifier, qn_notifier_waiter *from, qn_notifier_waiter *to) {
    pthread_mutex_lock(&notifier->mutex);
    if (!from->is_reached) unlink_waiter(notifier, from);
    *to = *from;
    if (!to->is_reached) link_waiter(notifier, to);
    pthread_mutex_unlock(&notifier->mutex);
    *from = (qn_notifier_waiter){.is_reached = 1};
}

qn_status *qn_notifier_await(qn_notifier *notifier, qn_notifier_waiter *waiter, const qn_cancel_point *point) {
    pthread_mutex_lock(&notifier->mutex);
    while (!waiter->is_reached && !(point && qn_cancel_point_is_hit(point)))
        pthread_cond_wait(&notifier->changed, &notifier->mutex);
    unlink_waiter(notifier, waiter);
    pthread_mutex_unlock(&notifier->mutex);
    qn_status *failure = waiter->failure;
    waiter->failure = NULL;
    return failure;
}

void qn_notifier_forget(qn_notifier *notifier, qn_notifier_waiter *waiter) {
    pthread_mutex_lock(&notifier->mutex);
    unlink_waiter(notifier, waiter);
    pthread_mutex_unlock(&notifier->mutex);
    qn_status_free(waiter->failure);
    *waiter = (qn_notifier_waiter){.is_reached = 1};
}

void qn_notifier_wake(qn_notifier *notifier) {
    pthread_mutex_lock(&notifier->mutex);
    pthread_cond_broadcast(&notifier->changed);
    pthread_mutex_unlock(&notifier->mutex);
}

/* ---- For the public ---- */

qn_status *qn_notifier_place(qn_notifier *notifier, qn_queue *queue) {
    QN_ENTER();
    QN_REQUIRE_ARG(notifier);
    QN_REQUIRE_ARG(queue);
    QN_TRY(qn_notifier_check(notifier));
    return qn_queue_put_notifier(queue, notifier);
}

qn_status *qn_notifier_wait(qn_notifier *notifier) {
    QN_ENTER();
    QN_REQUIRE_ARG(notifier);
    qn_notifier_waiter waiter;
    QN_TRY(qn_notifier_check(notifier));
    QN_TRY(qn_notifier_listen(notifier, &waiter));
    return qn_notifier_await(notifier, &waiter, NULL);
}

qn_notifier_state qn_notifier_query(qn_notifier *notifier) {
    if (!notifier || notifier->forks != qn_forks()) return QN_NOTIFIER_UNPLACED;
    pthread_mutex_lock(&notifier->mutex);
    qn_notifier_state state = !notifier->placed       ? QN_NOTIFIER_UNPLACED
                              : !notifier->is_reached ? QN_NOTIFIER_PENDING
                              : notifier->failure     ? QN_NOTIFIER_FAILED
                                                      : QN_NOTIFIER_REACHED;
    pthread_mutex_unlock(&notifier->mutex);
    return state;
}

static qn_status *read_time(qn_notifier *notifier, int64_t *out_ns) {
    QN_TRY(qn_notifier_check(notifier));
    pthread_mutex_lock(&notifier->mutex);
    int is_placed = notifier->placed > 0, is_reached = notifier->is_reached;
    qn_status *failure = qn_status_share(notifier->failure);
    *out_ns = notifier->reached_ns;
    pthread_mutex_unlock(&notifier->mutex);
    if (!is_placed) return never_placed();
    return is_reached ? failure : QN_ERR(QN_UNAVAILABLE, "the notifier has not been reached yet");
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
