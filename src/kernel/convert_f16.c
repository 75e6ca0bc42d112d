/* kernel/convert_f16.c - driver of convert_f16. A task is a run of elements. */
#include "kernel/work.h"

enum { TASK_ELEMS = 32768 };

static void run_convert(const void *params, int64_t begin, int64_t end, void *scratch) {
    const qn_convert_f16_params *p = params;
    const int64_t first = begin * TASK_ELEMS, count = qn_min_i64(end * TASK_ELEMS, p->elems) - first;
    (void)scratch;
    if (p->to_half) {
        p->kernel->narrow((const float *)p->src + first, (uint16_t *)p->dst + first, count);
    } else {
        p->kernel->widen((const uint16_t *)p->src + first, (float *)p->dst + first, count);
    }
}

void qn_convert_f16_work(const qn_convert_f16_params *params, qn_work *out_work) {
    QN_WORK_SET(out_work, run_convert, qn_ceil_div(params->elems, TASK_ELEMS), 0, params->kernel->name, *params);
}
