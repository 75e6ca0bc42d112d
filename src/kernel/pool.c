/* kernel/pool.c - driver of pool_f32 and pool_int. A task is one block of output pixels. */
#include "kernel/work.h"

#include <math.h>

enum { TASK_CELLS = 16384 }; /* elements read, about */

typedef struct pool_plan {
    qn_pool_params p;
    int64_t pixels, pixels_per_task;
} pool_plan;

/* The cells of a window that lie inside the picture. */
typedef struct pool_window {
    int64_t image_row; /* of the picture, all pictures counted through */
    int64_t top, bottom, left, right, cells;
} pool_window;

static pool_window find_window(const qn_pool_params *p, int64_t pixel) {
    const int64_t x = pixel % p->out_w, y = pixel / p->out_w % p->out_h, image = pixel / p->out_w / p->out_h;
    const int64_t y0 = y * p->stride_h - p->pad_top, x0 = x * p->stride_w - p->pad_left;
    pool_window w = {.image_row = image * p->in_h,
                     .top = qn_max_i64(y0, 0),
                     .bottom = qn_min_i64(y0 + p->kernel_h, p->in_h),
                     .left = qn_max_i64(x0, 0),
                     .right = qn_min_i64(x0 + p->kernel_w, p->in_w)};
    w.cells = qn_max_i64(w.bottom - w.top, 0) * qn_max_i64(w.right - w.left, 0);
    return w;
}

static const void *find_cell(const qn_pool_params *p, const pool_window *w, int64_t y, int64_t x, int64_t bytes) {
    return qn_elem(p->src, ((w->image_row + y) * p->in_w + x) * p->channels, bytes);
}

static float find_factor(const qn_pool_params *p, const pool_window *w) {
    return 1.0f / (float)(p->count_include_pad ? p->kernel_h * p->kernel_w : w->cells);
}

/* `floats`: with `stored`, room for two rows of channels, one to accumulate in and one for a widened cell. */
static void pool_floats(const qn_pool_params *p, int64_t pixel, float *floats) {
    const pool_window w = find_window(p, pixel);
    const int64_t bytes = qn_storage_bytes(p->stored);
    void *dst = qn_elem_mut(p->dst, pixel * p->channels, bytes);
    float *acc = p->stored ? floats : dst, *cell = floats + qn_round_line(p->channels);
    const float start = p->average ? 0.0f : -INFINITY;
    for (int64_t c = 0; c < p->channels; c++) acc[c] = start;
    for (int64_t y = w.top; y < w.bottom; y++) {
        for (int64_t x = w.left; x < w.right; x++) {
            const void *from = find_cell(p, &w, y, x, bytes);
            const float *src = p->stored ? cell : from;
            if (p->stored) p->stored->widen(from, cell, p->channels);
            (p->average ? p->kernel->accumulate_sum : p->kernel->accumulate_max)(src, acc, p->channels);
        }
    }
    if (p->average) p->kernel->scale(acc, find_factor(p, &w), acc, p->channels);
    if (p->stored) p->stored->narrow(acc, dst, p->channels);
}

/* `sums`: room for a row of channels. */
static void pool_integers(const qn_pool_params *p, int64_t pixel, int32_t *sums) {
    const pool_window w = find_window(p, pixel);
    const int64_t bytes = p->integers_bytes, type = bytes == 2;
    void *dst = qn_elem_mut(p->dst, pixel * p->channels, bytes);
    const size_t row_bytes = (size_t)(p->channels * bytes);
    if (p->average)
        memset(sums, 0, (size_t)p->channels * sizeof *sums);
    else if (w.cells)
        memcpy(dst, find_cell(p, &w, w.top, w.left, bytes), row_bytes);
    else
        memset(dst, 0, row_bytes);
    for (int64_t y = w.top; y < w.bottom; y++) {
        for (int64_t x = w.left; x < w.right; x++) {
            const void *cell = find_cell(p, &w, y, x, bytes);
            if (p->average)
                p->integers->accumulate_sum[type](cell, sums, p->channels);
            else
                p->integers->accumulate_max[type](cell, dst, p->channels);
        }
    }
    if (p->average) p->integers->scale[type](sums, w.cells ? find_factor(p, &w) : 0, dst, p->channels);
}

static void run_pool(const void *params, int64_t begin, int64_t end, void *scratch) {
    const pool_plan *plan = params;
    const int64_t last = qn_min_i64(end * plan->pixels_per_task, plan->pixels);
    for (int64_t pixel = begin * plan->pixels_per_task; pixel < last; pixel++) {
        if (plan->p.integers)
            pool_integers(&plan->p, pixel, scratch);
        else
            pool_floats(&plan->p, pixel, scratch);
    }
}

void qn_pool_work(const qn_pool_params *params, qn_work *out_work) {
    /* Of a window of any size only what lies in the picture is read. */
    const int64_t cells =
        qn_min_i64(params->kernel_h, params->in_h) * qn_min_i64(params->kernel_w, params->in_w) * params->channels;
    pool_plan plan = {.p = *params, .pixels = params->batch * params->out_h * params->out_w};
    if (params->channels == 0) plan.pixels = 0;
    plan.pixels_per_task = qn_max_i64(1, TASK_CELLS / qn_max_i64(1, cells));
    const int64_t rows = params->integers ? 1 : params->stored ? 2 : 0;
    assert(!params->integers || params->integers_bytes == 1 || params->integers_bytes == 2);
    const int64_t scratch = rows * qn_round_line(params->channels) * (int64_t)sizeof(float);
    QN_WORK_SET(out_work, run_pool, qn_ceil_div(plan.pixels, plan.pixels_per_task), scratch,
                params->integers ? params->integers->name : params->kernel->name, plan);
}
