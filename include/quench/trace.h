/* quench/trace.h - what runs did, as a time line for chrome://tracing and ui.perfetto.dev.
 *
 *     qn_trace *trace = NULL;
 *     status = qn_trace_create(NULL, &trace);
 *     status = qn_context_set_trace(context, trace);
 *     ... runs ...
 *     status = qn_trace_write_file(trace, "trace.json");
 *     qn_trace_destroy(trace);
 *
 * Every run, every step (with its operator, kernel and number of tasks) and every range of tasks (on the thread that
 * did it) becomes one event. Any number of contexts and queues may record into one trace at once. Room for the events
 * is allocated when the trace is made: recording allocates nothing and takes no lock, and what comes when the room is
 * full is counted and dropped.
 */
#ifndef QUENCH_TRACE_H
#define QUENCH_TRACE_H

#include <stddef.h>
#include <stdint.h>

#include "quench/allocator.h"
#include "quench/status.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct qn_trace qn_trace;

typedef struct qn_trace_options {
    size_t size;   /* sizeof(qn_trace_options), set by qn_trace_options_init */
    size_t events; /* how many are kept; 1 .. 2^24, about 130 bytes each. Default 65536: a thousand runs of small
                      networks, a hundred of large ones */
    const qn_allocator *allocator; /* default NULL: the C library's heap. Copied; `self` must outlive the trace */
} qn_trace_options;

/* Sets every option to its default. */
QN_API void qn_trace_options_init(qn_trace_options *options);

/* Makes an empty trace.
 * @param options    NULL for the defaults
 * @param out_trace  on success the trace, given up by qn_trace_destroy(); else NULL
 * returns    INVALID_ARGUMENT: an option out of range; OUT_OF_MEMORY
 */
QN_API qn_status *qn_trace_create(const qn_trace_options *options, qn_trace **out_trace) QN_MUST_USE;

/* Gives the trace up; contexts and queues that record into it keep it. Accepts NULL. Any thread. */
QN_API void qn_trace_destroy(qn_trace *trace);

/* The clock of traces: nanoseconds since some moment in the past. Any thread. */
QN_API int64_t qn_trace_now_ns(void);

/* Records something of the caller's own, such as decoding a picture, on the track of the calling thread.
 * @param name      at most 47 bytes of it are kept; copied
 * @param begin_ns  as qn_trace_now_ns() said
 * @param end_ns    not before begin_ns
 * threads    any thread
 */
QN_API void qn_trace_add_span(qn_trace *trace, const char *name, int64_t begin_ns, int64_t end_ns);

/* How many events are kept, and how many came when there was no more room. Any thread. */
QN_API size_t qn_trace_count(const qn_trace *trace);
QN_API size_t qn_trace_lost(const qn_trace *trace);

/* Forgets the events. Not while anything records into the trace. */
QN_API void qn_trace_clear(qn_trace *trace);

/* Writes the events as JSON (the Trace Event Format: an object with "traceEvents", times in microseconds since the
 * trace was made). The file appears whole or not at all. Events that are being recorded right now may be missing.
 * returns    IO, NOT_FOUND: the file cannot be written; OUT_OF_MEMORY
 * threads    any thread
 */
QN_API qn_status *qn_trace_write_file(const qn_trace *trace, const char *path) QN_MUST_USE;

#ifdef __cplusplus
}
#endif
#endif
