/* quench/status.h - how every call of quench reports success or failure.
 *
 * A call that can fail returns `qn_status *`: NULL means success, anything else is an object that carries a
 * code, a message for people, the source line that detected the failure and the chain of context through
 * which it passed. The caller owns a non-NULL status and frees it with qn_status_free(); it may also pass it up.
 * Out of memory is a static object, so reporting it never allocates; freeing that object is a no-op.
 *
 *     qn_status *status = qn_model_load_file("deeplab.qn", NULL, &model);
 *     if (status) { fprintf(stderr, "%s\n", qn_status_message(status)); qn_status_free(status); }
 *
 * Threads: a status belongs to one thread at a time.
 */
#ifndef QUENCH_STATUS_H
#define QUENCH_STATUS_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define QN_API                 __attribute__((visibility("default")))
#define QN_MUST_USE            __attribute__((warn_unused_result))
#define QN_PRINTF(text, first) __attribute__((format(printf, text, first)))
#else
#define QN_API
#define QN_MUST_USE
#define QN_PRINTF(text, first)
#endif

/* Whose fault it is, and what to do. */
typedef enum qn_code {
    QN_OK = 0,
    QN_INVALID_MODEL,    /* the model file is damaged or contradicts itself: get a sound file */
    QN_INVALID_ARGUMENT, /* the caller passed something wrong: correct the call */
    QN_UNSUPPORTED,      /* sound, but outside what quench does: the message names what */
    QN_NOT_FOUND,        /* a name or file does not exist */
    QN_IO,               /* the operating system refused to read or write */
    QN_OUT_OF_MEMORY,    /* the allocator returned NULL: the object stays usable */
    QN_INCOMPATIBLE,     /* compiled by a newer quench than this one reads */
    QN_UNAVAILABLE,      /* not an error of anyone: the answer depends on data and is known only after a run */
    QN_CANCELLED,        /* the caller asked to stop */
    QN_BUSY,             /* the object is in use on another thread */
    QN_LIMIT,            /* an explicit limit (bytes, nodes, depth, range) would be exceeded */
    QN_INTERNAL          /* a defect of quench: please report it */
} qn_code;

typedef struct qn_status qn_status;

/* The code of `status`; QN_OK for NULL. Any thread. */
QN_API qn_code qn_status_code(const qn_status *status);

/* "INVALID_MODEL" and so on; a static string. Any thread. */
QN_API const char *qn_code_name(qn_code code);

/* The message with its context (CANCELLED has none), outermost first, joined by ": ". Owned by `status`. "" for NULL.
   Names and paths in it are as they were found: quench/text.h makes them harmless for terminals. */
QN_API const char *qn_status_message(const qn_status *status);

/* "file.c:123", where the failure was detected. Owned by `status`. "" for NULL. */
QN_API const char *qn_status_where(const qn_status *status);

/* What a failure speaks of, for callers that act on it: messages are for people, and their words may change. Each of these is
   known only where its comment says so, else NULL or -1; for NULL too. Texts are owned by `status`. Any thread.

   The member of the options whose value was too small, or that was missing: "pixels_max", "scans_max", "memory_max" and
   "file_bytes_max" of qn_image_decode_options with LIMIT; "calibrator" of qn_build_options with INVALID_ARGUMENT. */
QN_API const char *qn_status_option(const qn_status *status);
/* The node whose shapes or types do not fit, as it is named in the network (quench/nodes.h). */
QN_API const char *qn_status_node(const qn_status *status);
/* The sample that calibrating or keeping a contract failed on: 0 for the first that qn_samples.next gave, and so on. Failures
   of the samples' own callbacks are passed on as they are, without a number. */
QN_API int64_t qn_status_sample(const qn_status *status);

/* Makes a status, for callbacks of the caller that return one. The message needs no final newline. Never NULL. Any thread. */
QN_API qn_status *qn_status_create(qn_code code, const char *message, ...) QN_PRINTF(2, 3) QN_MUST_USE;

/* Puts "context: " before the message of `status`, which it takes over, and returns the failure with all else that is known of
   it. NULL stays NULL. OUT_OF_MEMORY and CANCELLED take no context: who asked to stop does not care where. Never allocates for
   success; without memory the message stays as it was. Any thread. */
QN_API qn_status *qn_status_context(qn_status *status, const char *context, ...) QN_PRINTF(2, 3) QN_MUST_USE;

/* Frees `status`; accepts NULL. */
QN_API void qn_status_free(qn_status *status);

#ifdef __cplusplus
}
#endif
#endif
