#include "runtime/threads.h"

#include "cpu/threads.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

static const char variable[] = "QUENCH_THREADS";

void qn_log_line(const qn_log *log, qn_log_level level, const char *format, ...) {
    char text[256];
    va_list args;
    if (!log || !log->write) return;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    log->write(log->self, level, text);
}

qn_status *qn_threads_read_environment(int *out_threads) {
    const char *text = getenv(variable);
    *out_threads = 0;
    if (!text || !*text) return NULL;
    int threads = 0;
    const char *c = text;
    while (*c >= '0' && *c <= '9' && threads <= QN_THREADS_MAX) threads = threads * 10 + (*c++ - '0');
    if (*c || threads < 1 || threads > QN_THREADS_MAX)
        return QN_ERR(QN_INVALID_ARGUMENT, "environment variable %s is '%.60s', expected a number from 1 to %d",
                      variable, text, QN_THREADS_MAX);
    *out_threads = threads;
    return NULL;
}

static void log_usable(const qn_log *log, const qn_cpu_threads *found) {
    char quota[64] = "no quota";
    if (found->quota > 0) snprintf(quota, sizeof quota, "the control group grants the time of %.3g", found->quota);
    qn_log_line(log, QN_LOG_INFO, "%d thread%s: %d CPU%s in the affinity mask, %s", found->usable,
                found->usable == 1 ? "" : "s", found->affinity, found->affinity == 1 ? "" : "s", quota);
}

qn_status *qn_threads_choose(int wanted, const qn_log *log, int *out_threads) {
    *out_threads = 1;
    if (wanted < 0 || wanted > QN_THREADS_MAX)
        return QN_ERR(QN_INVALID_ARGUMENT, "%d threads, expected 1 to %d, or 0 for all that this process may use",
                      wanted, QN_THREADS_MAX);
    if (wanted > 0) {
        *out_threads = wanted;
        qn_log_line(log, QN_LOG_INFO, "%d thread%s, as asked for", wanted, wanted == 1 ? "" : "s");
        return NULL;
    }
    int asked;
    QN_TRY(qn_threads_read_environment(&asked));
    if (asked) {
        *out_threads = asked;
        qn_log_line(log, QN_LOG_INFO, "%d thread%s, from the environment variable %s", asked, asked == 1 ? "" : "s",
                    variable);
        return NULL;
    }
    qn_cpu_threads found = qn_cpu_threads_find();
    *out_threads = found.usable > QN_THREADS_MAX ? QN_THREADS_MAX : found.usable;
    log_usable(log, &found);
    return NULL;
}
