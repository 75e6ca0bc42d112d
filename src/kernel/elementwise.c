/* kernel/elementwise.c - driver of elementwise. A task is a run of elements; operands that repeat are read piece by
 * piece, short ones through a copy that repeats them often enough to make a piece worth a call.
 */
#include "kernel/work.h"

enum { TASK_ELEMS = 16384, PIECE_ELEMS = 2048 };
/* In half precision operands and result of a piece pass through floats in scratch. */
enum { FLOATS_A, FLOATS_B, FLOATS_DST, FLOATS_COUNT };

typedef struct operand {
    const uint8_t *data;
    int64_t elem_bytes;
    int64_t period;         /* elements after which it repeats; with copies in scratch, those of all copies */
    int64_t repeats;        /* copies to make in scratch; 0: read where it is */
    int64_t scratch_offset; /* bytes */
    int64_t scalar;
} operand;

typedef struct elementwise_plan {
    qn_elementwise_params p;
    operand a, b;
    int64_t floats_offset; /* bytes of scratch before FLOATS_COUNT pieces of floats */
} elementwise_plan;

static operand plan_operand(const void *data, int64_t elem_bytes, int64_t period, int64_t elems,
                            int64_t *inout_scratch) {
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

/* `count` elements from `from` on as the kernel reads them. */
static const void *as_floats(const elementwise_plan *plan, const operand *o, const void *from, int64_t count,
                             float *floats) {
    if (!from || o->elem_bytes != sizeof(uint16_t)) return from;
    plan->p.half->widen(from, floats, o->scalar ? 1 : count);
    return floats;
}

static void run_halves(const elementwise_plan *plan, const operand *a, const operand *b, int64_t first, int64_t last,
                       void *scratch) {
    const qn_elementwise_params *p = &plan->p;
    float *floats = qn_elem_mut(scratch, plan->floats_offset, 1), *to = floats + FLOATS_DST * PIECE_ELEMS;
    for (int64_t i = first, count; i < last; i += count) {
        count = qn_min_i64(PIECE_ELEMS, last - i);
        const void *from_a = find_elem(a, i, &count), *from_b = find_elem(b, i, &count);
        from_a = as_floats(plan, a, from_a, count, floats + FLOATS_A * PIECE_ELEMS);
        from_b = as_floats(plan, b, from_b, count, floats + FLOATS_B * PIECE_ELEMS);
        p->kernel->run[p->code](from_a, (int)a->scalar, from_b, (int)b->scalar, to, count, p->low, p->high);
        p->half->narrow(to, (uint16_t *)p->dst + i, count);
    }
}

static void run_elementwise(const void *params, int64_t begin, int64_t end, void *scratch) {
    const elementwise_plan *plan = params;
    const qn_elementwise_params *p = &plan->p;
    const operand a = repeat_operand(&plan->a, scratch), b = repeat_operand(&plan->b, scratch);
    const int64_t last = qn_min_i64(end * TASK_ELEMS, p->elems);
    if (p->half) {
        run_halves(plan, &a, &b, begin * TASK_ELEMS, last, scratch);
        return;
    }
    for (int64_t i = begin * TASK_ELEMS, count; i < last; i += count) {
        count = last - i;
        const void *from_a = find_elem(&a, i, &count), *from_b = find_elem(&b, i, &count);
        p->kernel->run[p->code](from_a, (int)a.scalar, from_b, (int)b.scalar, (float *)p->dst + i, count, p->low,
                                p->high);
    }
}

void qn_elementwise_work(const qn_elementwise_params *params, qn_work *out_work) {
    elementwise_plan plan = {.p = *params};
    int64_t scratch = 0;
    assert(params->code >= 0 && params->code < QN_EW_COUNT);
    assert(params->a_period > 0 || params->elems == 0);
    const int64_t elem_bytes = qn_storage_bytes(params->half),
                  a_bytes = params->code == QN_EW_U8_TO_F32 ? 1 : elem_bytes;
    plan.a = plan_operand(params->a, a_bytes, params->a_period, params->elems, &scratch);
    plan.b = plan_operand(params->b, elem_bytes, params->b_period, params->elems, &scratch);
    plan.floats_offset = scratch;
    if (params->half) scratch += FLOATS_COUNT * PIECE_ELEMS * (int64_t)sizeof(float);
    QN_WORK_SET(out_work, run_elementwise, qn_ceil_div(params->elems, TASK_ELEMS), scratch, params->kernel->name, plan);
}
