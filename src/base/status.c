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
    const char *option; /* static; NULL: none */
    char *node;         /* NULL: none */
    int64_t sample;     /* -1: none */
    int is_static;
    _Atomic int references; /* handles; only who has the last one may change anything */
};

static qn_status out_of_memory = {
    .code = QN_OUT_OF_MEMORY, .message = (char *)"out of memory", .sample = -1, .is_static = 1, .references = 1};

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
    *status = (qn_status){.code = code, .message = message, .sample = -1, .references = 1};
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

/* NULL, OUT_OF_MEMORY and CANCELLED, which say all there is to say. */
static int is_final(const qn_status *status) { return !status || status->is_static || status->code == QN_CANCELLED; }

static void destroy(qn_status *status) {
    if (status) free(status->message), free(status->node);
    free(status);
}

/* A failure that says the same and has no handle yet; NULL on exhaustion. */
static qn_status *copy_of(const qn_status *status) {
    qn_status *copy = malloc(sizeof *copy);
    if (!copy) return NULL;
    *copy = (qn_status){.code = status->code, .option = status->option, .sample = status->sample, .references = 1};
    memcpy(copy->where, status->where, sizeof copy->where);
    copy->message = strdup(status->message);
    copy->node = status->node ? strdup(status->node) : NULL;
    if (copy->message && (copy->node || !status->node)) return copy;
    destroy(copy);
    return NULL;
}

/* Makes *inout_status a failure that nobody else has a handle on, so that it can be changed; 0 on exhaustion. */
static int make_own(qn_status **inout_status) {
    if (atomic_load_explicit(&(*inout_status)->references, memory_order_acquire) == 1) return 1;
    qn_status *copy = copy_of(*inout_status);
    if (!copy) return 0;
    qn_status_free(*inout_status);
    *inout_status = copy;
    return 1;
}

qn_status *qn_status_context(qn_status *status, const char *format, ...) {
    QN_ENTER();
    if (is_final(status) || !format) return status;
    va_list args;
    va_start(args, format);
    char *context = format_text(format, args);
    va_end(args);
    size_t bytes = context ? strlen(context) + 2 + strlen(status->message) + 1 : 0;
    char *joined = context ? malloc(bytes) : NULL;
    if (joined) snprintf(joined, bytes, "%s: %s", context, status->message);
    if (joined && make_own(&status)) {
        free(status->message);
        status->message = joined;
    } else {
        free(joined);
    }
    free(context);
    return status;
}

qn_status *qn_status_of_option(qn_status *status, const char *option) {
    if (!is_final(status) && !status->option && make_own(&status)) status->option = option;
    return status;
}

qn_status *qn_status_of_node(qn_status *status, const char *node) {
    if (!is_final(status) && !status->node && make_own(&status)) status->node = strdup(node);
    return status;
}

qn_status *qn_status_of_sample(qn_status *status, int64_t sample) {
    if (is_final(status) || status->sample >= 0) return status; /* the inner one is to blame */
    if (make_own(&status)) status->sample = sample;
    return qn_status_context(status, "sample %lld", (long long)sample + 1);
}

qn_status *qn_status_join(qn_status *first, qn_status *second) {
    if (!first) return second;
    qn_status_free(second);
    return first;
}

qn_code qn_status_code(const qn_status *status) { return status ? status->code : QN_OK; }
const char *qn_status_message(const qn_status *status) { return status ? status->message : ""; }
const char *qn_status_where(const qn_status *status) { return status ? status->where : ""; }
const char *qn_status_option(const qn_status *status) { return status ? status->option : NULL; }
const char *qn_status_node(const qn_status *status) { return status ? status->node : NULL; }
int64_t qn_status_sample(const qn_status *status) { return status ? status->sample : -1; }

void qn_status_free(qn_status *status) {
    if (!status || status->is_static) return;
    if (atomic_fetch_sub_explicit(&status->references, 1, memory_order_acq_rel) == 1) destroy(status);
}

const char *qn_code_name(qn_code code) {
    static const char *const names[] = {"OK",   "INVALID_MODEL", "INVALID_ARGUMENT", "UNSUPPORTED", "NOT_FOUND",
                                        "IO",   "OUT_OF_MEMORY", "INCOMPATIBLE",     "UNAVAILABLE", "CANCELLED",
                                        "BUSY", "LIMIT",         "INTERNAL"};
    return (size_t)code < sizeof names / sizeof *names ? names[code] : "UNKNOWN";
}
