/* base/cancel.h - whether a caller still wants the long work that is under way. */
#ifndef QN_BASE_CANCEL_H
#define QN_BASE_CANCEL_H

#include "base/status.h"

#include <stddef.h>

/* Zeros: nobody cancels. */
typedef struct qn_cancel {
    int (*is_asked)(void *self);
    void *self;
} qn_cancel;

/* `cancel` may be NULL. */
static inline int qn_cancel_is_asked(const qn_cancel *cancel) {
    return cancel && cancel->is_asked && cancel->is_asked(cancel->self);
}

/* CANCELLED where that is asked for; for loops to call every few milliseconds. */
static inline qn_status *qn_cancel_check(const qn_cancel *cancel) {
    return qn_cancel_is_asked(cancel) ? QN_ERR(QN_CANCELLED, "cancelled") : NULL;
}

#endif
