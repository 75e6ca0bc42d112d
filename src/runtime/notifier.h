/* runtime/notifier.h - what queues need of notifiers. */
#ifndef QN_RUNTIME_NOTIFIER_H
#define QN_RUNTIME_NOTIFIER_H

#include "quench/queue.h"
#include "runtime/internal.h"

void qn_notifier_retain(qn_notifier *notifier);

/* How often it was placed; 0: never. */
uint64_t qn_notifier_placed(qn_notifier *notifier);
/* The placement of this number is reached now. */
void qn_notifier_reach(qn_notifier *notifier, uint64_t number);
/* Waits until the placement of this number is reached, or `point` (may be NULL) is hit and qn_notifier_wake() is
 * called. */
void qn_notifier_wait_for(qn_notifier *notifier, uint64_t number, const qn_cancel_point *point);
void qn_notifier_wake(qn_notifier *notifier);

/* queue.c: puts the placement of this number into the queue. */
qn_status *qn_queue_put_notifier(qn_queue *queue, qn_notifier *notifier, uint64_t number) QN_MUST_USE;

#endif
