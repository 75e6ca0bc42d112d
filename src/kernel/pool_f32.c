/* kernel/pool_f32.c - driver of pool_f32. A task is one block of output pixels. */
#include "kernel/work.h"

#include <math.h>

enum { TASK_CELLS = 16384 }; /* floats read, about */

typedef struct pool_plan {
    qn_pool_f32_params p;
    int64_t pixels, pixels_per_task;
} pool_plan;

/* `floats`: with half, room for two rows of channels: what is accumulated, and a cell. */
static void pool_pixel(const qn_pool_f32_params *p, int64_t pixel, float *floats) {
    const int64_t x = pixel % p->out_w, y = pixel / p->out_w % p->out_h, image = pixel / p->out_w / p->out_h;
    const int64_t y0 = y * p->stride_h - p->pad_top, x0 = x * p->stride_w - p->pad_left;
    const int64_t top = qn_max_i64(y0, 0), bottom = qn_min_i64(y0 + p->kernel_h, p->in_h);
    const int64_t left = qn_max_i64(x0, 0), right = qn_min_i64(x0 + p->kernel_w, p->in_w);
    const int64_t cells = qn_max_i64(bottom - top, 0) * qn_max_i64(right - left, 0);
    float *acc = p->half ? floats : (float *)p->dst + pixel * p->channels, *cell = floats + qn_round_line(p->channels);
    const float start = p->average ? 0.0f : -INFINITY;
    for (int64_t c = 0; c < p->channels; c++) acc[c] = start;
    for (int64_t sy = top; sy < bottom; sy++) {
        for (int64_t sx = left; sx < right; sx++) {
            const int64_t at = ((image * p->in_h + sy) * p->in_w + sx) * p->channels;
            const float *src = p->half ? cell : (const float *)p->src + at;
            if (p->half) p->half->widen((const uint16_t *)p->src + at, cell, p->channels);
            (p->average ? p->kernel->accumulate_sum : p->kernel->accumulate_max)(src, acc, p->channels);
        }
    }
    const int64_t divisor = p->count_include_pad ? p->kernel_h * p->kernel_w : cells;
    if (p->average) p->kernel->scale(acc, 1.0f / (float)divisor, acc, p->channels);
    if (p->half) p->half->narrow(acc, (uint16_t *)p->dst + pixel * p->channels, p->channels);
}

static void run_pool(const void *params, int64_t begin, int64_t end, void *scratch) {
    const pool_plan *plan = params;
    const int64_t last = qn_min_i64(end * plan->pixels_per_task, plan->pixels);
    for (int64_t pixel = begin * plan->pixels_per_task; pixel < last; pixel++) pool_pixel(&plan->p, pixel, scratch);
}

void qn_pool_f32_work(const qn_pool_f32_params *params, qn_work *out_work) {
    const int64_t cells = params->kernel_h * params->kernel_w * params->channels;
    pool_plan plan = {.p = *params, .pixels = params->batch * params->out_h * params->out_w};
    if (params->channels == 0) plan.pixels = 0;
    plan.pixels_per_task = qn_max_i64(1, TASK_CELLS / qn_max_i64(1, cells));
    const int64_t scratch = params->half ? 2 * qn_round_line(params->channels) * (int64_t)sizeof(float) : 0;
    QN_WORK_SET(out_work, run_pool, qn_ceil_div(plan.pixels, plan.pixels_per_task), scratch, params->kernel->name,
                plan);
}
