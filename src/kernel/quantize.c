/* kernel/quantize.c - driver of quantize. A task is a run of elements, read piece by piece beside the vectors of its
 * channels; short vectors are repeated in scratch to make a piece worth a call.
 */
#include "kernel/work.h"

enum { TASK_ELEMS = 32768, PIECE_ELEMS = 2048, VECTOR_BYTES = 4 };

/* Factors or zero points: elements of 4 bytes. */
typedef struct channel_vector {
    const void *data;
    int64_t period; /* of the data, once it is repeated; 0: filled with one element, right for any channel */
    int64_t copies; /* how often it stands in scratch; 0: read where it is */
} channel_vector;

typedef struct quantize_plan {
    qn_quantize_params p;
    void (*run)(const void *src, const float *factor, const int32_t *zero_point, int each, void *dst, int64_t count);
    channel_vector factor, zero_point;
    int64_t src_bytes, dst_bytes, zero_point_offset; /* the last: of the copies in scratch, in bytes */
    int each;
} quantize_plan;

static int64_t elem_bytes(int64_t storage) {
    switch (storage) {
    case QN_STORAGE_U8: return 1;
    case QN_STORAGE_F32: return 4;
    default: return 2;
    }
}

static channel_vector plan_vector(const void *data, int64_t count, int64_t channels) {
    channel_vector v = {.data = data, .period = count == 1 ? 0 : channels};
    if (count == 1) {
        v.copies = PIECE_ELEMS;
    } else if (channels < PIECE_ELEMS) {
        v.copies = qn_ceil_div(PIECE_ELEMS, channels);
        v.period = channels * v.copies;
    }
    return v;
}

static int64_t scratch_bytes(const channel_vector *v) {
    const int64_t elems = v->period ? v->period : PIECE_ELEMS;
    return v->copies ? qn_round_line(elems) * VECTOR_BYTES : 0;
}

static const void *repeat_vector(const channel_vector *v, void *scratch) {
    if (!v->copies) return v->data;
    const size_t bytes = (size_t)((v->period ? v->period : v->copies) / v->copies * VECTOR_BYTES);
    for (int64_t i = 0; i < v->copies; i++) memcpy((uint8_t *)scratch + (size_t)i * bytes, v->data, bytes);
    return scratch;
}

/* The part of a vector that belongs to element i, and in *inout_count how far it goes. */
static const void *find_part(const channel_vector *v, const void *data, int64_t i, int64_t *inout_count) {
    if (!v->period) return data;
    const int64_t at = i % v->period;
    *inout_count = qn_min_i64(*inout_count, v->period - at);
    return qn_elem(data, at, VECTOR_BYTES);
}

static void run_quantize(const void *params, int64_t begin, int64_t end, void *scratch) {
    const quantize_plan *plan = params;
    const qn_quantize_params *p = &plan->p;
    const int64_t first = begin * TASK_ELEMS, last = qn_min_i64(end * TASK_ELEMS, p->elems);
    if (!plan->each) {
        plan->run(qn_elem(p->src, first, plan->src_bytes), p->factor, p->zero_point, 0,
                  qn_elem_mut(p->dst, first, plan->dst_bytes), last - first);
        return;
    }
    const void *factors = repeat_vector(&plan->factor, scratch);
    const void *zero_points = repeat_vector(&plan->zero_point, qn_elem_mut(scratch, plan->zero_point_offset, 1));
    for (int64_t i = first, count; i < last; i += count) {
        count = qn_min_i64(PIECE_ELEMS, last - i);
        const float *factor = find_part(&plan->factor, factors, i, &count);
        const int32_t *zero_point = find_part(&plan->zero_point, zero_points, i, &count);
        plan->run(qn_elem(p->src, i, plan->src_bytes), factor, zero_point, 1, qn_elem_mut(p->dst, i, plan->dst_bytes),
                  count);
    }
}

void qn_quantize_work(const qn_quantize_params *params, qn_work *out_work) {
    quantize_plan plan = {.p = *params};
    const qn_quantize_kernel *kernel = params->kernel;
    const int to_float = params->dst_storage == QN_STORAGE_F32 || params->dst_storage == QN_STORAGE_F16;
    const int64_t floats = to_float ? params->dst_storage : params->src_storage;
    const int64_t integers = to_float ? params->src_storage : params->dst_storage;
    const int is_half = floats == QN_STORAGE_F16, is_s16 = integers == QN_STORAGE_S16;
    int64_t scratch = 0;
    assert(is_half || floats == QN_STORAGE_F32);
    assert(is_s16 || integers == QN_STORAGE_U8);
    plan.run = (to_float ? kernel->to_float : kernel->to_integer)[is_half][is_s16];
    plan.src_bytes = elem_bytes(params->src_storage);
    plan.dst_bytes = elem_bytes(params->dst_storage);
    plan.each = params->factors > 1 || params->zero_points > 1;
    if (plan.each) {
        plan.factor = plan_vector(params->factor, params->factors, params->channels);
        plan.zero_point = plan_vector(params->zero_point, params->zero_points, params->channels);
        plan.zero_point_offset = scratch_bytes(&plan.factor);
        scratch = plan.zero_point_offset + scratch_bytes(&plan.zero_point);
    }
    QN_WORK_SET(out_work, run_quantize, qn_ceil_div(params->elems, TASK_ELEMS), scratch, kernel->name, plan);
}
