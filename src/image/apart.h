/* image/apart.h - work that cannot be asked to stop, on a thread of its own, so that whoever wants it no more need not
 * wait. Internal to src/image. */
#ifndef QN_IMAGE_APART_H
#define QN_IMAGE_APART_H

#include "base/cancel.h"

/* Runs work(self) on another thread and returns when it is done or `cancel` is asked for, within a few hundredths of a
 * second. CANCELLED: the work goes on by itself, everything that it touches is its own, and drop(self) is called when
 * it ends. Else `self` is the caller's as before. Where no thread can be had it runs here. */
qn_status *qn_image_run_apart(void (*work)(void *self), void (*drop)(void *self), void *self,
                              const qn_cancel *cancel) QN_MUST_USE;

#endif
