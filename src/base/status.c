#include "base/status.h"

#include "base/entry.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct qn_status {
    qn_code code;
    char *message;
    char where[64];
    int is_static;
    _Atomic int references; /* handles; only who has the last one may change anything */
};

static qn_status out_of_memory = {QN_OUT_OF_MEMORY, (char *)"out of memory", "", 1, 1};

qn_status *qn_status_out_of_memory(void) { return &out_of_memory; }

/* vsnprintf into fresh heap memory; NULL on exhaustion. */
static char *format_text(const char *format, va_list args) {
    va_list again;
    va_copy(again, args);
    int length = vsnprintf(NULL, 0, format, args);
    char *text = length < 0 ? NULL : malloc((size_t)length + 1);
    if (text) vsnprintf(text, (size_t)length + 1, format, again);
    va_end(again);
    return text;
}

static qn_status *make(qn_code code, const char *file, int line, const char *format, va_list args) {
    char *message = format_text(format, args);
    qn_status *status = message ? malloc(sizeof *status) : NULL;
    if (!status) {
        free(message);
        return &out_of_memory;
    }
    *status = (qn_status){.code = code, .message = message, .references = 1};
    const char *slash = strrchr(file, '/');
    if (line) snprintf(status->where, sizeof status->where, "%s:%d", slash ? slash + 1 : file, line);
    return status;
}

qn_status *qn_status_make(qn_code code, const char *file, int line, const char *format, ...) {
    va_list args;
    va_start(args, format);
    qn_status *status = make(code, file, line, format, args);
    va_end(args);
    return status;
}

qn_status *qn_status_create(qn_code code, const char *message, ...) {
    QN_ENTER();
    if (!message) return qn_status_create(code, "no message");
    va_list args;
    va_start(args, message);
    qn_status *status = make(code, "", 0, message, args);
    va_end(args);
    return status;
}

qn_status *qn_status_share(qn_status *status) {
    if (status && !status->is_static) atomic_fetch_add_explicit(&status->references, 1, memory_order_relaxed);
    return status;
}

/* Returns `status` with `message`, which is taken over, in place of its own. If there are other handles on the
   failure, they keep the old message, and a copy is returned. */
static qn_status *replace_message(qn_status *status, char *message) {
    if (atomic_load_explicit(&status->references, memory_order_acquire) == 1) {
        free(status->message);
        status->message = message;
        return status;
    }
    qn_status *copy = malloc(sizeof *copy);
    if (!copy) {
        free(message);
        return status;
    }
    *copy = (qn_status){.code = status->code, .message = message, .references = 1};
    memcpy(copy->where, status->where, sizeof copy->where);
    qn_status_free(status);
    return copy;
}

qn_status *qn_status_context(qn_status *status, const char *format, ...) {
    if (!status || status->is_static || status->code == QN_CANCELLED) return status;
    va_list args;
    va_start(args, format);
    char *context = format_text(format, args);
    va_end(args);
    size_t bytes = context ? strlen(context) + 2 + strlen(status->message) + 1 : 0;
    char *joined = context ? malloc(bytes) : NULL;
    if (joined) { /* without memory the message stays as it was */
        snprintf(joined, bytes, "%s: %s", context, status->message);
        status = replace_message(status, joined);
    }
    free(context);
    return status;
}

qn_status *qn_status_join(qn_status *first, qn_status *second) {
    if (!first) return second;
    qn_status_free(second);
    return first;
}

qn_code qn_status_code(const qn_status *status) { return status ? status->code : QN_OK; }
const char *qn_status_message(const qn_status *status) { return status ? status->message : ""; }
const char *qn_status_where(const qn_status *status) { return status ? status->where : ""; }

void qn_status_free(qn_status *status) {
    if (!status || status->is_static) return;
    if (atomic_fetch_sub_explicit(&status->references, 1, memory_order_acq_rel) != 1) return;
    free(status->message);
    free(status);
}

const char *qn_code_name(qn_code code) {
    static const char *const names[] = {"OK",   "INVALID_MODEL", "INVALID_ARGUMENT", "UNSUPPORTED", "NOT_FOUND",
                                        "IO",   "OUT_OF_MEMORY", "INCOMPATIBLE",     "UNAVAILABLE", "CANCELLED",
                                        "BUSY", "LIMIT",         "INTERNAL"};
    return (size_t)code < sizeof names / sizeof *names ? names[code] : "UNKNOWN";
}
