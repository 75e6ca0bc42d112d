/* Work in order on a thread of its own.
 *
 * After an item has failed, the items behind it are skipped: they are taken out and do nothing. Notifiers among them
 * are reached all the same, with the failure. qn_queue_sync() reports the failure once and clears it; items put in
 * later are done again. For example:
 *
 *     item 1   run        fails
 *     item 2   run        is skipped
 *     item 3   place N    N is reached, with the failure of item 1
 *                         (qn_queue_sync() returns the failure of item 1)
 *     item 4   run        is done
 *     item 5   place N    N is reached, without a failure
 *
 * Items that come between the failure and the sync that reports it are skipped too, even if the thread gets to them
 * only after the sync: these are the items up to number `skipped`.
 */
#include "quench/queue.h"

#include "base/entry.h"

#include <assert.h>
#include <pthread.h>
#include <string.h>

#include "runtime/notifier.h"

enum { LENGTH_DEFAULT = 256, LENGTH_MAX = 65536 };

typedef enum item_kind { ITEM_RUN, ITEM_HOST, ITEM_PLACE, ITEM_WAIT } item_kind;

typedef struct item {
    item_kind kind;
    qn_context *context; /* RUN, with what qn_context_run() gets */
    const qn_tensor *inputs;
    qn_tensor *outputs;
    size_t input_count, output_count;
    qn_queue_fn fn; /* HOST */
    void *arg;
    qn_notifier *notifier;     /* PLACE, WAIT */
    uint64_t placement;        /* PLACE */
    qn_notifier_waiter waiter; /* WAIT */
} item;

/* Items are numbered from 1 in the order in which they are put in; item n lies in slot n % length until it is done. */
struct qn_queue {
    qn_engine *engine;
    qn_queue_full full;
    qn_trace *trace;
    char name[48];
    uint32_t forks; /* qn_forks() when the thread was started */
    pthread_t thread;
    size_t length;
    item *items;
    _Atomic uint64_t cancelled; /* number of the last item that is cancelled */

    pthread_mutex_t mutex;         /* for what follows */
    pthread_cond_t came, went;     /* an item; `came` also tells the end */
    uint64_t last_come, last_done; /* numbers of the last item put in, and of the last one done or skipped */
    uint64_t skipped;              /* items up to this number are skipped for the failure `reported` */
    qn_status *reported;           /* the last failure that a sync has reported */
    qn_notifier *waiting_on;       /* the notifier that the item in progress waits for */
    qn_status *failure;            /* the first since the last sync; only the thread sets it, only sync clears it */
    int is_ending;
};

/* ---- The thread ---- */

static qn_status *run_host(qn_queue *queue, const item *work) {
    QN_ENTER(); /* also undoes what the function changes */
    int64_t begin = queue->trace ? qn_trace_now_ns() : 0;
    qn_status *status = work->fn(work->arg);
    if (queue->trace) qn_trace_add_span(queue->trace, "host", begin, qn_trace_now_ns());
    return status;
}

static void set_waiting(qn_queue *queue, qn_notifier *notifier) {
    pthread_mutex_lock(&queue->mutex);
    queue->waiting_on = notifier;
    pthread_mutex_unlock(&queue->mutex);
}

static qn_status *wait_for(qn_queue *queue, item *work, const qn_cancel_point *point) {
    set_waiting(queue, work->notifier);
    qn_status *failure = qn_notifier_await(work->notifier, &work->waiter, point);
    set_waiting(queue, NULL);
    if (failure) return qn_status_context(failure, "waited in vain");
    return qn_cancel_point_is_hit(point) ? QN_ERR(QN_CANCELLED, "cancelled while it waited") : NULL;
}

/* Does an item, or skips it because of the earlier failure `cause`, which is NULL or stays the caller's. */
static qn_status *do_item(qn_queue *queue, item *work, uint64_t number, qn_status *cause) {
    const qn_cancel_point point = {&queue->cancelled, number};
    if (work->kind == ITEM_PLACE) {
        qn_notifier_reach(work->notifier, work->placement,
                          qn_status_context(qn_status_share(cause), "queue '%s'", queue->name));
        return NULL;
    }
    if (cause) return NULL;
    if (qn_cancel_point_is_hit(&point)) return QN_ERR(QN_CANCELLED, "cancelled before its turn");
    switch (work->kind) {
    case ITEM_RUN:
        return qn_context_run_queued(work->context, work->inputs, work->input_count, work->outputs, work->output_count,
                                     &point);
    case ITEM_HOST: return run_host(queue, work);
    default: return wait_for(queue, work, &point);
    }
}

/* Releases the context or notifier of an item. Not under the mutex: if the item holds the last reference to a context,
   that is destroyed. */
static void drop_item(item *work) {
    if (work->kind == ITEM_WAIT) qn_notifier_forget(work->notifier, &work->waiter);
    qn_context_destroy(work->context);
    qn_notifier_destroy(work->notifier);
    *work = (item){.kind = ITEM_HOST};
}

static void *queue_main(void *arg) {
    QN_ENTER();
    qn_queue *queue = arg;
    if (queue->trace) qn_trace_name_thread(queue->trace, queue->name);
    pthread_mutex_lock(&queue->mutex);
    for (;;) {
        while (queue->last_done == queue->last_come && !queue->is_ending)
            pthread_cond_wait(&queue->came, &queue->mutex);
        if (queue->last_done == queue->last_come) break;
        uint64_t number = queue->last_done + 1;
        item *work = &queue->items[number % queue->length];
        qn_status *cause = qn_status_share(queue->failure             ? queue->failure
                                           : number <= queue->skipped ? queue->reported
                                                                      : NULL);
        pthread_mutex_unlock(&queue->mutex);
        qn_status *status = do_item(queue, work, number, cause);
        qn_status_free(cause);
        if (status) status = qn_status_context(status, "queue item %llu", (unsigned long long)number);
        drop_item(work);
        pthread_mutex_lock(&queue->mutex);
        assert(!status || !queue->failure); /* after a failure items are skipped */
        if (status) queue->failure = status;
        assert(number == queue->last_done + 1 && number <= queue->last_come);
        queue->last_done = number;
        pthread_cond_broadcast(&queue->went);
    }
    pthread_mutex_unlock(&queue->mutex);
    return NULL;
}

/* ---- Life ---- */

void qn_queue_options_init(qn_queue_options *options) {
    if (!options) return;
    *options = (qn_queue_options){.size = sizeof *options, .length = LENGTH_DEFAULT};
}

static qn_status *check_options(const qn_queue_options *options) {
    if (options->size != sizeof *options)
        return QN_ERR(QN_INVALID_ARGUMENT,
                      "queue options of size %zu, expected %zu: call qn_queue_options_init() first", options->size,
                      sizeof *options);
    if (options->length < 1 || options->length > LENGTH_MAX)
        return QN_ERR(QN_INVALID_ARGUMENT, "a queue of length %zu, expected 1 to %d", options->length, LENGTH_MAX);
    if (options->full != QN_QUEUE_FULL_WAIT && options->full != QN_QUEUE_FULL_REFUSE)
        return QN_ERR(QN_INVALID_ARGUMENT, "queue option `full` is %d: no such choice", (int)options->full);
    return NULL;
}

/* Frees what there is of a queue without a thread. */
static void free_queue(qn_queue *queue) {
    qn_engine *engine = queue->engine;
    qn_trace_destroy(queue->trace);
    qn_status_free(queue->failure);
    qn_status_free(queue->reported);
    qn_free(&engine->allocator, queue->items);
    qn_free(&engine->allocator, queue);
    qn_engine_release(engine);
}

static qn_status *fill_queue(qn_queue *queue, const qn_queue_options *options) {
    uint32_t unused;
    queue->length = options->length;
    queue->full = options->full;
    strncpy(queue->name, options->name ? options->name : "queue", sizeof queue->name - 1);
    queue->items = qn_alloc_zeroed(&queue->engine->allocator, queue->length, sizeof *queue->items, _Alignof(item));
    if (!queue->items) return qn_status_out_of_memory();
    if (options->trace) QN_TRY(qn_trace_attach(options->trace, NULL, &unused));
    queue->trace = options->trace;
    return NULL;
}

qn_status *qn_queue_create(qn_engine *engine, const qn_queue_options *options, qn_queue **out_queue) {
    QN_ENTER();
    QN_REQUIRE_ARG(out_queue);
    *out_queue = NULL;
    QN_REQUIRE_ARG(engine);
    qn_queue_options defaults;
    qn_queue_options_init(&defaults);
    if (!options) options = &defaults;
    QN_TRY(check_options(options));
    qn_queue *queue = qn_alloc_zeroed(&engine->allocator, 1, sizeof *queue, _Alignof(qn_queue));
    if (!queue) return qn_status_out_of_memory();
    qn_engine_retain(engine);
    queue->engine = engine;
    qn_status *status = fill_queue(queue, options);
    if (status) {
        free_queue(queue);
        return status;
    }
    pthread_mutex_init(&queue->mutex, NULL);
    pthread_cond_init(&queue->came, NULL);
    pthread_cond_init(&queue->went, NULL);
    queue->forks = qn_forks();
    if (!qn_thread_start(&queue->thread, queue_main, queue)) {
        free_queue(queue);
        return QN_ERR(QN_LIMIT, "the system grants no thread for the queue");
    }
    *out_queue = queue;
    return NULL;
}

void qn_queue_destroy(qn_queue *queue) {
    if (!queue) return;
    if (queue->forks == qn_forks()) {
        pthread_mutex_lock(&queue->mutex);
        queue->is_ending = 1;
        pthread_cond_signal(&queue->came);
        pthread_mutex_unlock(&queue->mutex);
        pthread_join(queue->thread, NULL);
        assert(queue->last_done == queue->last_come);
        pthread_cond_destroy(&queue->went);
        pthread_cond_destroy(&queue->came);
        pthread_mutex_destroy(&queue->mutex);
    } else {
        for (size_t i = 0; i < queue->length; i++) {
            item *work = &queue->items[i]; /* no lock of the parent's is taken */
            qn_status_free(work->waiter.failure);
            work->kind = ITEM_HOST;
            drop_item(work);
        }
    }
    free_queue(queue);
}

/* ---- Putting work in ---- */

static qn_status *check_queue(const qn_queue *queue) {
    if (queue->forks == qn_forks()) return NULL;
    return QN_ERR(QN_INVALID_ARGUMENT, "the queue belongs to the process that this one was forked from: make another");
}

static int is_own_thread(const qn_queue *queue) { return pthread_equal(pthread_self(), queue->thread); }

static int is_full(const qn_queue *queue) { return queue->last_come - queue->last_done == queue->length; }

/* Waits for a free slot; under the mutex. BUSY, LIMIT. */
static qn_status *make_room(qn_queue *queue) {
    while (is_full(queue)) {
        if (queue->full == QN_QUEUE_FULL_REFUSE)
            return QN_ERR(QN_BUSY, "the queue is full: %zu items wait or run", queue->length);
        if (is_own_thread(queue))
            return QN_ERR(QN_LIMIT, "the queue is full, and what it runs cannot wait for room in it");
        pthread_cond_wait(&queue->went, &queue->mutex);
    }
    return NULL;
}

/* Puts a copy of `work` in. `waiter`: of an ITEM_WAIT, the waiter that is listening already, in whose place the item
   waits from then on; else NULL. */
static qn_status *put(qn_queue *queue, const item *work, qn_notifier_waiter *waiter) {
    pthread_mutex_lock(&queue->mutex);
    qn_status *status = make_room(queue);
    if (!status) {
        if (work->context) qn_context_retain(work->context);
        if (work->notifier) qn_notifier_retain(work->notifier);
        assert(queue->last_come - queue->last_done < queue->length);
        item *slot = &queue->items[++queue->last_come % queue->length];
        *slot = *work;
        if (work->kind == ITEM_PLACE) slot->placement = qn_notifier_begin(work->notifier);
        if (waiter) qn_notifier_move(work->notifier, waiter, &slot->waiter);
        pthread_cond_signal(&queue->came);
    }
    pthread_mutex_unlock(&queue->mutex);
    return status;
}

qn_status *qn_queue_enqueue(qn_queue *queue, qn_context *context, const qn_tensor *inputs, size_t input_count,
                            qn_tensor *outputs, size_t output_count) {
    QN_ENTER();
    QN_REQUIRE_ARG(queue);
    QN_REQUIRE_ARG(context);
    QN_REQUIRE_ARRAY(inputs, input_count);
    QN_REQUIRE_ARRAY(outputs, output_count);
    QN_TRY(check_queue(queue));
    const item work = {.kind = ITEM_RUN,
                       .context = context,
                       .inputs = inputs,
                       .outputs = outputs,
                       .input_count = input_count,
                       .output_count = output_count};
    return put(queue, &work, NULL);
}

qn_status *qn_queue_enqueue_host(qn_queue *queue, qn_queue_fn fn, void *arg) {
    QN_ENTER();
    QN_REQUIRE_ARG(queue);
    QN_REQUIRE_ARG(fn);
    QN_TRY(check_queue(queue));
    return put(queue, &(item){.kind = ITEM_HOST, .fn = fn, .arg = arg}, NULL);
}

qn_status *qn_queue_put_notifier(qn_queue *queue, qn_notifier *notifier) {
    QN_TRY(check_queue(queue));
    return put(queue, &(item){.kind = ITEM_PLACE, .notifier = notifier}, NULL);
}

qn_status *qn_queue_wait_notifier(qn_queue *queue, qn_notifier *notifier) {
    QN_ENTER();
    QN_REQUIRE_ARG(queue);
    QN_REQUIRE_ARG(notifier);
    QN_TRY(check_queue(queue));
    QN_TRY(qn_notifier_check(notifier));
    qn_notifier_waiter waiter;
    QN_TRY(qn_notifier_listen(notifier, &waiter));
    qn_status *status = put(queue, &(item){.kind = ITEM_WAIT, .notifier = notifier}, &waiter);
    qn_notifier_forget(notifier, &waiter); /* where it has not moved into the queue */
    return status;
}

/* ---- Waiting for it ---- */

qn_status *qn_queue_sync(qn_queue *queue) {
    QN_ENTER();
    QN_REQUIRE_ARG(queue);
    QN_TRY(check_queue(queue));
    if (is_own_thread(queue)) return QN_ERR(QN_INVALID_ARGUMENT, "what a queue runs cannot wait for the queue");
    pthread_mutex_lock(&queue->mutex);
    uint64_t last = queue->last_come;
    while (queue->last_done < last) pthread_cond_wait(&queue->went, &queue->mutex);
    qn_status *failure = queue->failure;
    queue->failure = NULL;
    qn_status *old = NULL;
    if (failure) {
        old = queue->reported;
        queue->reported = qn_status_share(failure);
        queue->skipped = queue->last_come;
    }
    pthread_mutex_unlock(&queue->mutex);
    qn_status_free(old);
    return failure;
}

size_t qn_queue_pending(qn_queue *queue) {
    if (!queue || queue->forks != qn_forks()) return 0;
    pthread_mutex_lock(&queue->mutex);
    size_t pending = (size_t)(queue->last_come - queue->last_done);
    pthread_mutex_unlock(&queue->mutex);
    return pending;
}

void qn_queue_cancel(qn_queue *queue) {
    if (!queue || queue->forks != qn_forks()) return;
    pthread_mutex_lock(&queue->mutex);
    atomic_store_explicit(&queue->cancelled, queue->last_come, memory_order_relaxed);
    qn_notifier *notifier = queue->waiting_on;
    if (notifier) qn_notifier_retain(notifier);
    pthread_mutex_unlock(&queue->mutex);
    if (notifier) qn_notifier_wake(notifier);
    qn_notifier_destroy(notifier);
}
