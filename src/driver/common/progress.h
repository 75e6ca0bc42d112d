/* driver/common/progress.h - how far a long job has come, and whether its caller still wants it: builds, calibration. */
#ifndef QN_DRIVER_COMMON_PROGRESS_H
#define QN_DRIVER_COMMON_PROGRESS_H

#include "base/cancel.h"

/* The caller's wishes, as qn_build_options has them; zeros: nobody looks and nobody cancels. */
typedef struct qn_progress {
    void (*report)(void *self, const char *phase, double fraction);
    void *report_self;
    qn_cancel cancel;
} qn_progress;

/* Says that `done` of `total` parts of a phase are behind us, and asks whether to go on: CANCELLED if not. Call it
   before each part and, with done = total, after the last. `progress` may be NULL. */
qn_status *qn_progress_step(const qn_progress *progress, const char *phase, size_t done, size_t total) QN_MUST_USE;

/* The same where nobody knows how many parts there are: reports -1. */
qn_status *qn_progress_pulse(const qn_progress *progress, const char *phase) QN_MUST_USE;

#endif
