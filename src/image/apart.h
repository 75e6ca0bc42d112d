/* image/apart.h - work that cannot be asked to stop, say decoding by a library, on a thread of its own: a caller who
 * cancels it need not wait for its end. Internal to src/image. */
#ifndef QN_IMAGE_APART_H
#define QN_IMAGE_APART_H

#include "base/cancel.h"

/* Runs work(self) on another thread, and returns when the work is done or, within a few hundredths of a second, when
 * `cancel` is asked for. CANCELLED: the work goes on, so it may touch only what `self` owns, and the other thread calls
 * drop(self) when it ends. Otherwise `self` is the caller's again. If the system gives no thread, the work runs on the
 * calling one. */
qn_status *qn_image_run_apart(void (*work)(void *self), void (*drop)(void *self), void *self,
                              const qn_cancel *cancel) QN_MUST_USE;

#endif
