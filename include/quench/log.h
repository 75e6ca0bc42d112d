/* quench/log.h - where quench says things that are neither results nor errors.
 *
 * The library prints nothing. Whoever wants to know what it notices on the way (fewer threads than asked for, CPU
 * features that were masked) gives a sink; without one such remarks are dropped.
 */
#ifndef QUENCH_LOG_H
#define QUENCH_LOG_H

#ifdef __cplusplus
extern "C" {
#endif

typedef enum qn_log_level {
    QN_LOG_DEBUG = 0,   /* for people who work on quench */
    QN_LOG_INFO = 1,    /* what was chosen and why */
    QN_LOG_WARNING = 2, /* the job goes on, but not as asked */
    /* The job goes on as asked, and something costs more than one may think. It came later than its neighbours: of less
       weight than WARNING, whatever its number */
    QN_LOG_NOTICE = 3
} qn_log_level;

typedef struct qn_log {
    void *self;
    /* Called with one line of text without a newline, valid during the call only. May be called from any thread
       that uses an object created with this sink; must not call back into that object. */
    void (*write)(void *self, qn_log_level level, const char *text);
} qn_log;

#ifdef __cplusplus
}
#endif
#endif
