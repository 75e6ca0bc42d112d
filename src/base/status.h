/* base/status.h - making and passing on status values inside quench (see quench/status.h for the contract).
 *
 * The function that detects a failure writes the whole message; callers only add context about the model:
 *
 *     if (rank > QN_MAX_RANK) return QN_ERR(QN_UNSUPPORTED, "rank %d is above the limit of %d", rank, QN_MAX_RANK);
 *     QN_TRY_CTX(parse_node(...), "tensorflow: node '%s' (%s)", name, op);
 */
#ifndef QN_BASE_STATUS_H
#define QN_BASE_STATUS_H

#include "quench/status.h"

#include <stdarg.h>

/* Creates a status. The message needs no final newline or full stop. Never returns NULL. */
qn_status *qn_status_make(qn_code code, const char *file, int line, const char *format, ...)
    QN_PRINTF(4, 5) QN_MUST_USE;

/* The static out-of-memory status. */
qn_status *qn_status_out_of_memory(void) QN_MUST_USE;

/* Another handle on the same failure, for telling it in several places; each is given up with qn_status_free(), on any
   thread. Allocates nothing. NULL stays NULL. */
qn_status *qn_status_share(qn_status *status) QN_MUST_USE;

/* Says what a failure speaks of (quench/status.h). What was said first, where the failure was detected, stays; without memory
   nothing is said. NULL stays NULL, and OUT_OF_MEMORY and CANCELLED speak of nothing. Other handles on the failure do not
   see it. */
qn_status *qn_status_of_option(qn_status *status, const char *option) QN_MUST_USE; /* static; not in the message */
qn_status *qn_status_of_node(qn_status *status, const char *node) QN_MUST_USE;     /* copied; not in the message */
/* `sample` counts from 0; the message gets the context "sample N", N from 1. */
qn_status *qn_status_of_sample(qn_status *status, int64_t sample) QN_MUST_USE;

/* Returns `first` if it is a failure (freeing `second`), else `second`. */
qn_status *qn_status_join(qn_status *first, qn_status *second) QN_MUST_USE;

#define QN_ERR(code, ...) qn_status_make((code), __FILE__, __LINE__, __VA_ARGS__)

#define QN_TRY(expr)                                                                                                   \
    do {                                                                                                               \
        qn_status *qn_try_status_ = (expr);                                                                            \
        if (qn_try_status_) return qn_try_status_;                                                                     \
    } while (0)

#define QN_TRY_CTX(expr, ...)                                                                                          \
    do {                                                                                                               \
        qn_status *qn_try_status_ = (expr);                                                                            \
        if (qn_try_status_) return qn_status_context(qn_try_status_, __VA_ARGS__);                                     \
    } while (0)

#endif
