#include "driver/progress.h"

#include <assert.h>

qn_status *qn_progress_step(const qn_progress *progress, const char *phase, size_t done, size_t total) {
    assert(total && done <= total);
    if (!progress) return NULL;
    if (progress->is_cancelled && progress->is_cancelled(progress->cancel_self))
        return QN_ERR(QN_CANCELLED, "cancelled in phase '%s'", phase);
    if (progress->report) progress->report(progress->report_self, phase, (double)done / (double)total);
    return NULL;
}
