/* quench/queue.h - work in order, on a thread of its own.
 *
 *     qn_queue *queue = NULL;
 *     status = qn_queue_create(engine, NULL, &queue);
 *     status = qn_queue_enqueue_host(queue, decode_picture, &picture);      these calls return at once
 *     status = qn_queue_enqueue(queue, context, &input, 1, &output, 1);
 *     ... something else ...
 *     status = qn_queue_sync(queue);                                        waits, and tells the first failure
 *     qn_queue_destroy(queue);
 *
 * What is put into one queue runs in the order in which it was put there; queues run side by side. So pictures are
 * decoded on one queue, segmented on a second and encoded on a third, with notifiers between them:
 *
 *     qn_notifier_place(decoded, decoding);  qn_queue_wait_notifier(segmenting, decoded);
 *
 * Failures: when something fails, what is put behind it is skipped, until the qn_queue_sync() that reports the failure
 * has returned. Notifiers are reached nevertheless, so that nobody waits for ever, but with that failure, and waiting
 * for one fails with it: a queue that does skips what comes behind, until somebody syncs that queue too. So a picture
 * that cannot be decoded leaves neither the segmenting nor the encoding queue at work on old pixels, and each of them
 * says why when it is synced. The same goes for what is cancelled.
 * Threads: every function from any thread, unless it says otherwise. Functions that a queue runs must not destroy it.
 * After fork() queues and notifiers belong to the parent: the child can destroy them only.
 */
#ifndef QUENCH_QUEUE_H
#define QUENCH_QUEUE_H

#include "quench/context.h"
#include "quench/engine.h"
#include "quench/status.h"
#include "quench/tensor.h"
#include "quench/trace.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct qn_queue qn_queue;
typedef struct qn_notifier qn_notifier;

/* What happens to work for which there is no room. */
typedef enum qn_queue_full {
    QN_QUEUE_FULL_WAIT = 0,  /* the call waits until there is room */
    QN_QUEUE_FULL_REFUSE = 1 /* the call answers BUSY */
} qn_queue_full;

typedef struct qn_queue_options {
    size_t size;        /* sizeof(qn_queue_options), set by qn_queue_options_init */
    size_t length;      /* how much may wait or run at a time; 1 .. 65536. Default 256 */
    qn_queue_full full; /* default QN_QUEUE_FULL_WAIT */
    const char *name;   /* of the queue's track in traces; at most 47 bytes of it; copied. Default NULL: "queue" */
    qn_trace *trace;    /* functions of the caller are recorded here; runs go where their context says. Kept alive by
                           the queue. Default NULL: nowhere */
} qn_queue_options;

/* Sets every option to its default. */
QN_API void qn_queue_options_init(qn_queue_options *options);

/* Makes an empty queue and starts its thread.
 * @param engine     whose allocator serves the queue. Contexts of other engines may be put into it too
 * @param options    NULL for the defaults
 * @param out_queue  on success the queue, freed by qn_queue_destroy(); else NULL
 * returns    INVALID_ARGUMENT: an option out of range; OUT_OF_MEMORY; LIMIT: the system grants no thread
 */
QN_API qn_status *qn_queue_create(qn_engine *engine, const qn_queue_options *options, qn_queue **out_queue) QN_MUST_USE;

/* Waits for everything in the queue, ends its thread and frees it; a failure that was not asked for is lost. Contexts
 * and notifiers in the queue may have been destroyed before. Accepts NULL. Not while another thread uses the queue, nor
 * from what the queue runs. */
QN_API void qn_queue_destroy(qn_queue *queue);

/* Puts a run of `context` into the queue: qn_context_run() with the same arguments.
 * ownership  `inputs` and `outputs`, arrays and data, are the caller's and stay until the run is done; outputs' dims
 *            may be written. The context's shapes are those set when the run begins: do not change them before it is
 *            done
 * returns    OK: it will run, or be skipped after an earlier failure. INVALID_ARGUMENT: NULL, or a child after fork();
 *            BUSY: full (QN_QUEUE_FULL_REFUSE); LIMIT: full, and called from what the queue runs itself. What the run
 *            answers is told by qn_queue_sync()
 * cost       allocates nothing; blocks only when the queue is full
 */
QN_API qn_status *qn_queue_enqueue(qn_queue *queue, qn_context *context, const qn_tensor *inputs, size_t input_count,
                                   qn_tensor *outputs, size_t output_count) QN_MUST_USE;

/* A function of the caller's, run on the queue's thread, in the floating-point state of quench (quench/quench.h). NULL or
   a failure, which may come from qn_status_create(). */
typedef qn_status *(*qn_queue_fn)(void *arg);

/* Puts a call of `fn` into the queue.
 * @param arg  handed to `fn`; may be NULL; the caller's
 * returns    as qn_queue_enqueue()
 */
QN_API qn_status *qn_queue_enqueue_host(qn_queue *queue, qn_queue_fn fn, void *arg) QN_MUST_USE;

/* Waits until everything that is in the queue now is done.
 * returns    the first failure since the last sync, with a context that tells which item it was, and of which queue
 *            where it came through notifiers; NULL: none. The queue works again then, on what is put into it afterwards.
 *            INVALID_ARGUMENT: NULL, called from what the queue runs, or in a child after fork()
 */
QN_API qn_status *qn_queue_sync(qn_queue *queue) QN_MUST_USE;

/* How much is in the queue, what runs included: 0 if it is idle. Does not wait. */
QN_API size_t qn_queue_pending(qn_queue *queue);

/* Cancels what is in the queue: a run in progress stops soon, a function of the caller in progress goes on, the rest is
 * skipped. Does not wait: sync then answers CANCELLED, unless something failed before or everything was done. */
QN_API void qn_queue_cancel(qn_queue *queue);

/* ---- Notifiers: marks in queues ---- */

/* Makes a notifier.
 * @param engine        whose allocator serves it
 * @param out_notifier  on success the notifier, freed by qn_notifier_destroy(); else NULL
 * returns    INVALID_ARGUMENT: NULL; OUT_OF_MEMORY
 */
QN_API qn_status *qn_notifier_create(qn_engine *engine, qn_notifier **out_notifier) QN_MUST_USE;

/* Gives the notifier up; queues that hold it keep it. Not while a thread waits on it. Accepts NULL. */
QN_API void qn_notifier_destroy(qn_notifier *notifier);

/* Puts the notifier into a queue: it is reached when everything before it is done or skipped. It may be placed again,
 * which forgets the time and the failure of the last time.
 * returns    as qn_queue_enqueue()
 */
QN_API qn_status *qn_notifier_place(qn_notifier *notifier, qn_queue *queue) QN_MUST_USE;

/* Waits until the notifier, as it was placed last, is reached. What a queue runs must not wait for a notifier that lies
 * behind it in the same queue: neither would ever go on.
 * returns    what failed before it, if anything did that no qn_queue_sync() had reported when the notifier was placed;
 *            the queue's sync reports it all the same. INVALID_ARGUMENT: NULL, it was never placed, or a child after
 *            fork()
 */
QN_API qn_status *qn_notifier_wait(qn_notifier *notifier) QN_MUST_USE;

typedef enum qn_notifier_state {
    QN_NOTIFIER_UNPLACED = 0, /* it was never placed */
    QN_NOTIFIER_PENDING = 1,  /* not reached yet */
    QN_NOTIFIER_REACHED = 2,  /* everything before it is done */
    QN_NOTIFIER_FAILED = 3    /* reached, but what came before it failed or was skipped: qn_notifier_wait() tells why */
} qn_notifier_state;

/* How is it with the notifier, as it was placed last? Waits for nothing, allocates nothing. UNPLACED for NULL, and in a
 * child after fork(). */
QN_API qn_notifier_state qn_notifier_query(qn_notifier *notifier);

/* What comes into `queue` after this call waits until the notifier, as it was placed last before this call, is reached.
 * If it is reached with a failure, `queue` fails with it: what comes behind is skipped until `queue` is synced.
 * returns    as qn_queue_enqueue(); INVALID_ARGUMENT also: it was never placed
 */
QN_API qn_status *qn_queue_wait_notifier(qn_queue *queue, qn_notifier *notifier) QN_MUST_USE;

/* The time between two notifiers.
 * @param out_ns  nanoseconds from `begin` to `end`, negative if `end` was reached first; 0 on failure
 * returns    UNAVAILABLE: one has not been reached; INVALID_ARGUMENT: one was never placed; what failed before one of
 *            them, as qn_notifier_wait(): a time over skipped work means nothing
 */
QN_API qn_status *qn_notifier_elapsed(qn_notifier *begin, qn_notifier *end, int64_t *out_ns) QN_MUST_USE;

#ifdef __cplusplus
}
#endif
#endif
