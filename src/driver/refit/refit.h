/* driver/refit/refit.h - what a compiled file keeps for replacing weights (quench/refit.h). */
#ifndef QN_DRIVER_REFIT_REFIT_H
#define QN_DRIVER_REFIT_REFIT_H

#include "quench/model.h"

/* Reads what the model keeps as qn_refitter_create() would. INVALID_MODEL, UNSUPPORTED: it keeps nothing;
 * OUT_OF_MEMORY. */
qn_status *qn_refit_check(const qn_model *model) QN_MUST_USE;

#endif
