/* runtime/trace.h - recording events. */
#ifndef QN_RUNTIME_TRACE_H
#define QN_RUNTIME_TRACE_H

#include "quench/model.h"
#include "quench/trace.h"

typedef enum qn_trace_kind {
    QN_TRACE_RUN,   /* name: the model's */
    QN_TRACE_STEP,  /* name, op, kernel, tasks [0, last) */
    QN_TRACE_TASKS, /* name, tasks [first, last), worker */
    QN_TRACE_SPAN,  /* text */
    QN_TRACE_THREAD /* text: the name of the thread that records this */
} qn_trace_kind;

/* Names are the model's or static. */
typedef struct qn_trace_event {
    qn_trace_kind kind;
    int thread, worker;
    uint32_t context;
    int64_t begin_ns, end_ns, first, last;
    const char *name, *op, *kernel;
    char text[48];
} qn_trace_event;

/* Takes a reference to the trace and one, which lasts as long as the trace, to the model whose names will be recorded
   (NULL: none). *out_id tells the recorder from others. OUT_OF_MEMORY. */
qn_status *qn_trace_attach(qn_trace *trace, qn_model *model, uint32_t *out_id) QN_MUST_USE;
/* Records `event` for the calling thread; `thread` is filled in. Allocates nothing, takes no lock. */
void qn_trace_add(qn_trace *trace, const qn_trace_event *event);
/* Names the calling thread's track. */
void qn_trace_name_thread(qn_trace *trace, const char *name);

#endif
