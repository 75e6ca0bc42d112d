/* runtime/notifier.h - what queues need of notifiers. */
#ifndef QN_RUNTIME_NOTIFIER_H
#define QN_RUNTIME_NOTIFIER_H

#include "quench/queue.h"
#include "runtime/internal.h"

/* A thread, or an item of a queue, that waits for one placement of a notifier. An item waits from the moment it is
   put into its queue. So each waiter learns the outcome of the placement that was the last one then, however often
   the notifier is placed meanwhile: with placements 1 and 2, a waiter that came between them hears of 1. The memory
   of the struct belongs to the thread or item; its fields belong to the notifier until the wait is over. */
typedef struct qn_notifier_waiter {
    struct qn_notifier_waiter *previous, *next; /* others that wait for the notifier */
    uint64_t placement;
    int is_reached;
    qn_status *failure; /* of what came before the placement; NULL: none */
} qn_notifier_waiter;

void qn_notifier_retain(qn_notifier *notifier);

/* INVALID_ARGUMENT in a child after fork(). */
qn_status *qn_notifier_check(const qn_notifier *notifier) QN_MUST_USE;

/* The notifier is placed once more; returns the number of that placement. */
uint64_t qn_notifier_begin(qn_notifier *notifier);
/* The placement of this number is reached now. `failure`, which is taken over: the failure of an item before the
   placement, or NULL if all items before it are done. */
void qn_notifier_reach(qn_notifier *notifier, uint64_t placement, qn_status *failure);

/* Puts `waiter` in the list, waiting for the placement that is the last one now. INVALID_ARGUMENT: there is none. */
qn_status *qn_notifier_listen(qn_notifier *notifier, qn_notifier_waiter *waiter) QN_MUST_USE;
/* Makes `to` wait in place of `from`, whose wait is over. */
void qn_notifier_move(qn_notifier *notifier, qn_notifier_waiter *from, qn_notifier_waiter *to);
/* Blocks until the placement is reached, or `point` (may be NULL) is hit and qn_notifier_wake() is called. Returns the
   failure of the placement. The wait is over then. */
qn_status *qn_notifier_await(qn_notifier *notifier, qn_notifier_waiter *waiter,
                             const qn_cancel_point *point) QN_MUST_USE;
/* Ends a wait, and does nothing if it is over. */
void qn_notifier_forget(qn_notifier *notifier, qn_notifier_waiter *waiter);
void qn_notifier_wake(qn_notifier *notifier);

/* queue.c: puts the notifier into the queue. */
qn_status *qn_queue_put_notifier(qn_queue *queue, qn_notifier *notifier) QN_MUST_USE;

#endif
