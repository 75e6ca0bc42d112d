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

/* Puts "context: " before the message of `status` (NULL stays NULL) and returns it. CANCELLED gets none: who asked to stop
   does not care where, and a node's name would look like its fault. Other handles on the failure keep their message. */
qn_status *qn_status_context(qn_status *status, const char *format, ...) QN_PRINTF(2, 3) QN_MUST_USE;

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
