/* runtime/threads.h - how many threads, and why. */
#ifndef QN_RUNTIME_THREADS_H
#define QN_RUNTIME_THREADS_H

#include "base/status.h"
#include "quench/log.h"

enum { QN_THREADS_MAX = 1024 };

/* The number that the environment variable QUENCH_THREADS asks for; 0 if it is not set or empty.
   INVALID_ARGUMENT: it holds anything but a number from 1 to QN_THREADS_MAX. */
qn_status *qn_threads_read_environment(int *out_threads) QN_MUST_USE;

/* `wanted` if that is not 0, else what the environment asks for, else as many as this process may use. Says which in
   `log` (may be NULL).
   INVALID_ARGUMENT: out of range, in `wanted` or in the environment. */
qn_status *qn_threads_choose(int wanted, const qn_log *log, int *out_threads) QN_MUST_USE;

/* Writes one line if there is somewhere to write it. */
void qn_log_line(const qn_log *log, qn_log_level level, const char *format, ...) QN_PRINTF(3, 4);

#endif
