/* kernel/elementwise.c - driver of elementwise. A task is a run of elements; operands that repeat are read piece by
 * piece, short ones through a copy that repeats them often enough to make a piece worth a call.
 */
#include "kernel/work.h"

enum { TASK_ELEMS = 16384, PIECE_ELEMS = 2048 };

typedef struct operand {
    const uint8_t *data;
    int64_t elem_bytes;
    int64_t period; /* after repetition into scratch: still a multiple of the tensor's own */
    int64_t repeats; /* copies to make in scratch; 0: read where it is */
    int64_t scratch_offset; /* bytes */
    int64_t scalar;
} operand;

typedef struct elementwise_plan {
    qn_elementwise_params p;
    operand a, b;
} elementwise_plan;

static operand plan_operand(const void *data, int64_t elem_bytes, int64_t period, int64_t elems, int64_t *inout_scratch) {
    operand o = {.data = data, .elem_bytes = elem_bytes, .period = period, .scalar = period == 1};
    if (data && period > 1 && period < elems && period < PIECE_ELEMS) {
        o.repeats = qn_ceil_div(PIECE_ELEMS, period);
        o.period = period * o.repeats;
        o.scratch_offset = *inout_scratch;
        *inout_scratch += qn_round_line(o.period) * (int64_t)sizeof(float);
    }
    return o;
}

static operand repeat_operand(const operand *planned, uint8_t *scratch) {
    operand o = *planned;
    if (o.repeats == 0) return o;
    const size_t bytes = (size_t)(o.period / o.repeats * o.elem_bytes);
    uint8_t *copy = scratch + o.scratch_offset;
    for (int64_t i = 0; i < o.repeats; i++) memcpy(copy + (size_t)i * bytes, o.data, bytes);
    o.data = copy;
    return o;
}

/* Where element i is, and in *inout_count how many follow in one piece. */
static const void *find_elem(const operand *o, int64_t i, int64_t *inout_count) {
    if (!o->data || o->scalar) return o->data;
    const int64_t at = i % o->period;
    *inout_count = qn_min_i64(*inout_count, o->period - at);
    return o->data + at * o->elem_bytes;
}

static void run_elementwise(const void *params, int64_t begin, int64_t end, void *scratch) {
    const elementwise_plan *plan = params;
    const qn_elementwise_params *p = &plan->p;
    const operand a = repeat_operand(&plan->a, scratch), b = repeat_operand(&plan->b, scratch);
    const int64_t last = qn_min_i64(end * TASK_ELEMS, p->elems);
    for (int64_t i = begin * TASK_ELEMS, count; i < last; i += count) {
        count = last - i;
        const void *from_a = find_elem(&a, i, &count), *from_b = find_elem(&b, i, &count);
        p->kernel->run[p->code](from_a, (int)a.scalar, from_b, (int)b.scalar, p->dst + i, count, p->low, p->high);
    }
}

void qn_elementwise_work(const qn_elementwise_params *params, qn_work *out_work) {
    elementwise_plan plan = {.p = *params};
    int64_t scratch = 0;
    assert(params->code >= 0 && params->code < QN_EW_COUNT);
    const int64_t a_bytes = params->code == QN_EW_U8_TO_F32 ? 1 : (int64_t)sizeof(float);
    plan.a = plan_operand(params->a, a_bytes, params->a_period, params->elems, &scratch);
    plan.b = plan_operand(params->b, (int64_t)sizeof(float), params->b_period, params->elems, &scratch);
    QN_WORK_SET(out_work, run_elementwise, qn_ceil_div(params->elems, TASK_ELEMS), scratch, params->kernel->name, plan);
}
