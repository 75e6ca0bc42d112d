/* kernel/quantize.c - driver of quantize. A task is a run of elements, read piece by piece beside the vectors of its
 * channels; short vectors are repeated in scratch to make a piece worth a call.
 */
#include "kernel/channels.h"

enum { TASK_ELEMS = 32768, PIECE_ELEMS = 2048 };

typedef struct quantize_plan {
    qn_quantize_params p;
    void (*run)(const void *src, const float *factor, const int32_t *zero_point, int each, void *dst, int64_t count);
    qn_channel_vector factor, zero_point;
    int64_t src_bytes, dst_bytes, zero_point_offset; /* the last: of the copies in scratch, in bytes */
    int each;
} quantize_plan;

static void run_quantize(const void *params, int64_t begin, int64_t end, void *scratch) {
    const quantize_plan *plan = params;
    const qn_quantize_params *p = &plan->p;
    const int64_t first = begin * TASK_ELEMS, last = qn_min_i64(end * TASK_ELEMS, p->elems);
    if (!plan->each) {
        plan->run(qn_elem(p->src, first, plan->src_bytes), p->factor, p->zero_point, 0,
                  qn_elem_mut(p->dst, first, plan->dst_bytes), last - first);
        return;
    }
    const void *factors = qn_channels_repeat(&plan->factor, scratch);
    const void *zero_points = qn_channels_repeat(&plan->zero_point, qn_elem_mut(scratch, plan->zero_point_offset, 1));
    for (int64_t i = first, count; i < last; i += count) {
        count = qn_min_i64(PIECE_ELEMS, last - i);
        const float *factor = qn_channels_find(&plan->factor, factors, i, &count);
        const int32_t *zero_point = qn_channels_find(&plan->zero_point, zero_points, i, &count);
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
    plan.src_bytes = qn_int_storage_bytes(params->src_storage);
    plan.dst_bytes = qn_int_storage_bytes(params->dst_storage);
    plan.each = params->factors > 1 || params->zero_points > 1;
    if (plan.each) {
        plan.factor = qn_channels_plan(params->factor, params->factors, params->channels, PIECE_ELEMS);
        plan.zero_point = qn_channels_plan(params->zero_point, params->zero_points, params->channels, PIECE_ELEMS);
        plan.zero_point_offset = qn_channels_scratch_bytes(&plan.factor);
        scratch = plan.zero_point_offset + qn_channels_scratch_bytes(&plan.zero_point);
    }
    QN_WORK_SET(out_work, run_quantize, qn_ceil_div(params->elems, TASK_ELEMS), scratch, kernel->name, plan);
}
