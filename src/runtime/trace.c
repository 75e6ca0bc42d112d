#include "runtime/trace.h"

#include "base/entry.h"
#include "runtime/internal.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "quench/file.h"

enum { EVENTS_DEFAULT = 65536, EVENTS_MAX = 1 << 24 };

typedef struct slot {
    _Atomic int is_ready;
    qn_trace_event event;
} slot;

struct qn_trace {
    qn_allocator allocator;
    _Atomic int references;
    int64_t start_ns;
    slot *slots;
    size_t capacity;
    _Atomic size_t next;
    pthread_mutex_t mutex; /* for what follows */
    qn_model **models;     /* whose names events hold */
    size_t model_count, model_capacity;
    uint32_t recorders;
};

/* ---- Life ---- */

void qn_trace_options_init(qn_trace_options *options) {
    if (!options) return;
    *options = (qn_trace_options){.size = sizeof *options, .events = EVENTS_DEFAULT};
}

qn_status *qn_trace_create(const qn_trace_options *options, qn_trace **out_trace) {
    QN_ENTER();
    QN_REQUIRE_ARG(out_trace);
    *out_trace = NULL;
    qn_trace_options defaults;
    qn_trace_options_init(&defaults);
    if (!options) options = &defaults;
    if (options->size != sizeof *options)
        return QN_ERR(QN_INVALID_ARGUMENT,
                      "trace options of size %zu, expected %zu: call qn_trace_options_init() first", options->size,
                      sizeof *options);
    if (options->events < 1 || options->events > EVENTS_MAX)
        return QN_ERR(QN_INVALID_ARGUMENT, "a trace of %zu events, expected 1 to %d", options->events, EVENTS_MAX);
    const qn_allocator *allocator = qn_allocator_or_default(options->allocator);
    qn_trace *trace = qn_alloc_zeroed(allocator, 1, sizeof *trace, _Alignof(qn_trace));
    if (!trace) return qn_status_out_of_memory();
    trace->allocator = *allocator;
    atomic_init(&trace->references, 1);
    trace->start_ns = qn_trace_now_ns();
    trace->capacity = options->events;
    pthread_mutex_init(&trace->mutex, NULL);
    trace->slots = qn_alloc_zeroed(allocator, options->events, sizeof *trace->slots, _Alignof(slot));
    if (!trace->slots) {
        qn_trace_destroy(trace);
        return qn_status_out_of_memory();
    }
    *out_trace = trace;
    return NULL;
}

void qn_trace_destroy(qn_trace *trace) {
    if (!trace || atomic_fetch_sub_explicit(&trace->references, 1, memory_order_acq_rel) != 1) return;
    qn_allocator allocator = trace->allocator;
    for (size_t i = 0; i < trace->model_count; i++) qn_model_release(trace->models[i]);
    pthread_mutex_destroy(&trace->mutex);
    qn_free(&allocator, trace->models);
    qn_free(&allocator, trace->slots);
    qn_free(&allocator, trace);
}

/* Makes room for one more model. */
static int reserve_model(qn_trace *trace) {
    if (trace->model_count < trace->model_capacity) return 1;
    size_t capacity = trace->model_capacity ? 2 * trace->model_capacity : 4;
    qn_model **models = qn_alloc_zeroed(&trace->allocator, capacity, sizeof(qn_model *), _Alignof(qn_model *));
    if (!models) return 0;
    if (trace->model_count) memcpy(models, trace->models, trace->model_count * sizeof(qn_model *));
    qn_free(&trace->allocator, trace->models);
    trace->models = models;
    trace->model_capacity = capacity;
    return 1;
}

static int keep_model(qn_trace *trace, qn_model *model) {
    for (size_t i = 0; i < trace->model_count; i++)
        if (trace->models[i] == model) return 1;
    if (!reserve_model(trace)) return 0;
    qn_model_retain(model);
    trace->models[trace->model_count++] = model;
    return 1;
}

qn_status *qn_trace_attach(qn_trace *trace, qn_model *model, uint32_t *out_id) {
    pthread_mutex_lock(&trace->mutex);
    int is_kept = !model || keep_model(trace, model);
    if (is_kept) *out_id = ++trace->recorders;
    pthread_mutex_unlock(&trace->mutex);
    if (!is_kept) return qn_status_out_of_memory();
    atomic_fetch_add_explicit(&trace->references, 1, memory_order_relaxed);
    return NULL;
}

/* ---- Recording ---- */

int64_t qn_trace_now_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static int thread_number(void) {
    static _Thread_local int number;
    if (!number) number = (int)syscall(SYS_gettid);
    return number;
}

void qn_trace_add(qn_trace *trace, const qn_trace_event *event) {
    size_t index = atomic_fetch_add_explicit(&trace->next, 1, memory_order_relaxed);
    if (index >= trace->capacity) return;
    slot *s = &trace->slots[index];
    s->event = *event;
    s->event.thread = thread_number();
    atomic_store_explicit(&s->is_ready, 1, memory_order_release);
}

/* As many whole bytes as fit, without cutting through a character of UTF-8. */
static void copy_text(char *out, size_t room, const char *text) {
    size_t length = strnlen(text, room);
    if (length == room) {
        length = room - 1;
        while (length > 0 && ((unsigned char)text[length] & 0xC0) == 0x80) length--;
    }
    memcpy(out, text, length);
    out[length] = 0;
}

void qn_trace_add_span(qn_trace *trace, const char *name, int64_t begin_ns, int64_t end_ns) {
    if (!trace || !name) return;
    qn_trace_event event = {.kind = QN_TRACE_SPAN, .begin_ns = begin_ns, .end_ns = end_ns};
    copy_text(event.text, sizeof event.text, name);
    qn_trace_add(trace, &event);
}

void qn_trace_name_thread(qn_trace *trace, const char *name) {
    qn_trace_event event = {.kind = QN_TRACE_THREAD};
    copy_text(event.text, sizeof event.text, name);
    qn_trace_add(trace, &event);
}

size_t qn_trace_count(const qn_trace *trace) {
    if (!trace) return 0;
    size_t next = atomic_load_explicit(&trace->next, memory_order_relaxed);
    return next < trace->capacity ? next : trace->capacity;
}

size_t qn_trace_lost(const qn_trace *trace) {
    if (!trace) return 0;
    return atomic_load_explicit(&trace->next, memory_order_relaxed) - qn_trace_count(trace);
}

void qn_trace_clear(qn_trace *trace) {
    if (!trace) return;
    size_t count = qn_trace_count(trace);
    for (size_t i = 0; i < count; i++) atomic_store_explicit(&trace->slots[i].is_ready, 0, memory_order_relaxed);
    atomic_store_explicit(&trace->next, 0, memory_order_release);
}

/* ---- Writing ---- */

static void print_arguments(qn_buffer *out, const qn_trace_event *e) {
    if (e->kind == QN_TRACE_RUN) qn_buffer_printf(out, ",\"args\":{\"context\":%u}", e->context);
    if (e->kind == QN_TRACE_TASKS)
        qn_buffer_printf(out, ",\"args\":{\"context\":%u,\"first_task\":%lld,\"tasks\":%lld,\"worker\":%d}", e->context,
                         (long long)e->first, (long long)(e->last - e->first), e->worker);
    if (e->kind != QN_TRACE_STEP) return;
    qn_buffer_printf(out, ",\"args\":{\"context\":%u,\"op\":", e->context);
    qn_text_quote_json(e->op, out);
    qn_buffer_printf(out, ",\"kernel\":");
    qn_text_quote_json(e->kernel, out);
    qn_buffer_printf(out, ",\"tasks\":%lld}", (long long)e->last);
}

static void print_event(qn_buffer *out, const qn_trace *trace, const qn_trace_event *e) {
    static const char *const categories[] = {
        [QN_TRACE_RUN] = "run", [QN_TRACE_STEP] = "step", [QN_TRACE_TASKS] = "tasks", [QN_TRACE_SPAN] = "span"};
    if (e->kind == QN_TRACE_THREAD) {
        qn_buffer_printf(out, ",\n{\"name\":\"thread_name\",\"ph\":\"M\",\"pid\":%d,\"tid\":%d,\"args\":{\"name\":",
                         (int)getpid(), e->thread);
        qn_text_quote_json(e->text, out);
        qn_buffer_printf(out, "}}");
        return;
    }
    qn_buffer_printf(out, ",\n{\"name\":");
    qn_text_quote_json(e->kind == QN_TRACE_SPAN ? e->text : e->name, out);
    int64_t begin = e->begin_ns - trace->start_ns, length = e->end_ns - e->begin_ns;
    qn_buffer_printf(out, ",\"cat\":\"%s\",\"ph\":\"X\",\"pid\":%d,\"tid\":%d,\"ts\":%.3f,\"dur\":%.3f",
                     categories[e->kind], (int)getpid(), e->thread, (double)begin / 1000, (double)length / 1000);
    print_arguments(out, e);
    qn_buffer_append(out, "}", 1);
}

qn_status *qn_trace_write_file(const qn_trace *trace, const char *path) {
    QN_ENTER();
    QN_REQUIRE_ARG(trace);
    QN_REQUIRE_ARG(path);
    qn_buffer out;
    qn_buffer_init(&out, &trace->allocator);
    qn_buffer_printf(&out, "{\"displayTimeUnit\":\"ms\",\"otherData\":{\"writer\":\"quench\",\"lost_events\":%zu},\n",
                     qn_trace_lost(trace));
    qn_buffer_printf(&out,
                     "\"traceEvents\":[\n{\"name\":\"process_name\",\"ph\":\"M\",\"pid\":%d,"
                     "\"args\":{\"name\":\"quench\"}}",
                     (int)getpid());
    size_t count = qn_trace_count(trace);
    for (size_t i = 0; i < count; i++)
        if (atomic_load_explicit(&trace->slots[i].is_ready, memory_order_acquire))
            print_event(&out, trace, &trace->slots[i].event);
    qn_buffer_printf(&out, "\n]}\n");
    qn_status *status = out.failed ? qn_status_out_of_memory() : qn_file_write_atomic(path, out.data, out.size);
    qn_buffer_deinit(&out);
    return status;
}
