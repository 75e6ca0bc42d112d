#include "driver/common/progress.h"

#include <assert.h>

static qn_status *tell(const qn_progress *progress, const char *phase, double fraction) {
    if (!progress) return NULL;
    if (qn_cancel_is_asked(&progress->cancel)) return QN_ERR(QN_CANCELLED, "cancelled in phase '%s'", phase);
    if (progress->report) progress->report(progress->report_self, phase, fraction);
    return NULL;
}

qn_status *qn_progress_step(const qn_progress *progress, const char *phase, size_t done, size_t total) {
    assert(total && done <= total);
    return tell(progress, phase, (double)done / (double)total);
}

qn_status *qn_progress_pulse(const qn_progress *progress, const char *phase) { return tell(progress, phase, -1.0); }
