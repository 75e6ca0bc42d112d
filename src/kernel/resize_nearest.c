/* kernel/resize_nearest.c - pixels of any type, each a copy of the nearest. No family of kernels: memcpy is as good as
 * any. A task is a run of output pixels.
 */
#include "kernel/work.h"

#include <math.h>

enum { TASK_BYTES = 64 * 1024 };

typedef struct nearest_plan {
    qn_resize_nearest_params p;
    float scale_h, scale_w;
    int64_t pixels, pixels_per_task;
} nearest_plan;

static int64_t find_source(const qn_resize_nearest_params *p, int64_t out, float scale, int64_t in_size) {
    const float at = ((float)out + (p->half_pixel_centers ? 0.5f : 0.0f)) * scale;
    const int64_t index = (int64_t)(p->align_corners ? roundf(at) : floorf(at));
    return qn_max_i64(qn_min_i64(index, in_size - 1), 0);
}

static void run_nearest(const void *params, int64_t begin, int64_t end, void *scratch) {
    const nearest_plan *plan = params;
    const qn_resize_nearest_params *p = &plan->p;
    const int64_t last = qn_min_i64(end * plan->pixels_per_task, plan->pixels);
    (void)scratch;
    for (int64_t at = begin * plan->pixels_per_task; at < last;) {
        const int64_t row = at / p->out_w, first = at % p->out_w, count = qn_min_i64(p->out_w - first, last - at);
        const int64_t y = find_source(p, row % p->out_h, plan->scale_h, p->in_h);
        const uint8_t *src = qn_elem(p->src, (row / p->out_h * p->in_h + y) * p->in_w, p->pixel_bytes);
        uint8_t *dst = qn_elem_mut(p->dst, at, p->pixel_bytes);
        for (int64_t x = first; x < first + count; x++, dst += p->pixel_bytes) {
            memcpy(dst, src + find_source(p, x, plan->scale_w, p->in_w) * p->pixel_bytes, (size_t)p->pixel_bytes);
        }
        at += count;
    }
}

void qn_resize_nearest_work(const qn_resize_nearest_params *params, qn_work *out_work) {
    nearest_plan plan = {.p = *params, .pixels = params->batch * params->out_h * params->out_w};
    if (params->pixel_bytes == 0) plan.pixels = 0;
    assert(plan.pixels == 0 || (params->in_h > 0 && params->in_w > 0));
    plan.scale_h = qn_resize_scale(params->in_h, params->out_h, params->align_corners);
    plan.scale_w = qn_resize_scale(params->in_w, params->out_w, params->align_corners);
    plan.pixels_per_task = qn_max_i64(1, TASK_BYTES / qn_max_i64(1, params->pixel_bytes));
    QN_WORK_SET(out_work, run_nearest, qn_ceil_div(plan.pixels, plan.pixels_per_task), 0, "resize_nearest", plan);
}
