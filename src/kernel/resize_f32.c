/* kernel/resize_f32.c - driver of resize_f32. A task is a block of output rows by a block of output columns.
 *
 * Two source rows, resized horizontally, are kept in scratch; each output row is one lerp between them. With argmax
 * they are kept as one plane per channel, so that neighbouring pixels are neighbouring lanes, and the interpolated
 * values live in registers only.
 */
#include "kernel/labels.h"
#include "kernel/work.h"

#include <math.h>

enum { LINE_BYTES = 64 * 1024, TASK_ELEMS = 128 * 1024 };

typedef struct resize_plan {
    qn_resize_f32_params p;
    float scale_h, scale_w;
    int64_t block_rows, block_columns, row_blocks, column_blocks;
    int64_t plane;       /* argmax: floats from one channel to the next in a line */
    int64_t line_floats; /* of one horizontally resized row */
} resize_plan;

/* The two source cells of an output cell, and the weight of the second. */
typedef struct source_pair {
    int64_t low, high;
    float factor;
} source_pair;

static source_pair find_pair(int64_t out, float scale, int64_t in_size, int64_t half_pixel_centers) {
    const float at = half_pixel_centers ? ((float)out + 0.5f) * scale - 0.5f : (float)out * scale;
    const float floor_at = floorf(at);
    source_pair pair = {(int64_t)floor_at, (int64_t)ceilf(at), at - floor_at};
    pair.low = qn_min_i64(qn_max_i64(pair.low, 0), in_size - 1);
    pair.high = qn_min_i64(qn_max_i64(pair.high, 0), in_size - 1);
    return pair;
}

typedef struct line_cache {
    int64_t row[2]; /* the source row that each line holds, or -1 */
    float *line[2];
    float *pixels; /* argmax: a line before it is split into planes */
} line_cache;

static void fill_line(const resize_plan *plan, int64_t source_row, int64_t x0, int64_t columns, float *pixels,
                      float *line) {
    const qn_resize_f32_params *p = &plan->p;
    const int64_t channels = p->channels;
    const float *src = p->src + source_row * p->in_w * channels;
    float *out = p->argmax ? pixels : line;
    for (int64_t x = 0; x < columns; x++) {
        const source_pair pair = find_pair(x0 + x, plan->scale_w, p->in_w, p->half_pixel_centers);
        p->kernel->lerp(src + pair.low * channels, src + pair.high * channels, pair.factor, out + x * channels, channels);
    }
    if (!p->argmax) return;
    for (int64_t x = 0; x < columns; x++) {
        for (int64_t c = 0; c < channels; c++) line[c * plan->plane + x] = pixels[x * channels + c];
    }
}

/* The line of a source row (of all pictures, counted through). `keep`: the row whose line must stay. */
static const float *get_line(const resize_plan *plan, line_cache *cache, int64_t source_row, int64_t keep, int64_t x0,
                             int64_t columns) {
    for (int i = 0; i < 2; i++) {
        if (cache->row[i] == source_row) return cache->line[i];
    }
    const int victim = cache->row[0] == keep ? 1 : 0;
    fill_line(plan, source_row, x0, columns, cache->pixels, cache->line[victim]);
    cache->row[victim] = source_row;
    return cache->line[victim];
}

static void run_task(const resize_plan *plan, int64_t task, line_cache *cache, int32_t *labels) {
    const qn_resize_f32_params *p = &plan->p;
    const int64_t x0 = task % plan->column_blocks * plan->block_columns;
    const int64_t columns = qn_min_i64(plan->block_columns, p->out_w - x0);
    const int64_t first = task / plan->column_blocks * plan->block_rows;
    const int64_t last = qn_min_i64(first + plan->block_rows, p->batch * p->out_h);
    cache->row[0] = cache->row[1] = -1;
    for (int64_t row = first; row < last; row++) {
        const int64_t image_row = row / p->out_h * p->in_h;
        const source_pair pair = find_pair(row % p->out_h, plan->scale_h, p->in_h, p->half_pixel_centers);
        const int64_t low = image_row + pair.low, high = image_row + pair.high;
        const float *top = get_line(plan, cache, low, high, x0, columns);
        const float *bottom = get_line(plan, cache, high, low, x0, columns);
        const int64_t at = row * p->out_w + x0;
        if (!p->argmax) {
            float *dst = (float *)p->dst + at * p->channels;
            p->kernel->lerp(top, bottom, pair.factor, dst, columns * p->channels);
            continue;
        }
        p->kernel->lerp_argmax(top, bottom, pair.factor, plan->plane, p->channels, columns, labels);
        qn_labels_store(labels, columns, p->dst, at, p->label_bytes, p->label_float);
    }
}

static void run_resize(const void *params, int64_t begin, int64_t end, void *scratch) {
    const resize_plan *plan = params;
    float *floats = scratch;
    line_cache cache = {.line = {floats, floats + plan->line_floats}, .pixels = floats + 2 * plan->line_floats};
    int32_t *labels = (int32_t *)(void *)(cache.pixels + plan->line_floats);
    for (int64_t task = begin; task < end; task++) run_task(plan, task, &cache, labels);
}

static float find_scale(int64_t in, int64_t out, int64_t align_corners) {
    return align_corners && out > 1 ? (float)(in - 1) / (float)(out - 1) : (float)in / (float)out;
}

void qn_resize_f32_work(const qn_resize_f32_params *params, qn_work *out_work) {
    const qn_resize_f32_params *p = params;
    resize_plan plan = {.p = *p};
    const int64_t rows = p->batch * p->out_h;
    if (rows * p->out_w * p->channels == 0) {
        QN_WORK_SET(out_work, run_resize, 0, 0, p->kernel->name, plan);
        return;
    }
    plan.scale_h = find_scale(p->in_h, p->out_h, p->align_corners);
    plan.scale_w = find_scale(p->in_w, p->out_w, p->align_corners);
    const int64_t column_bytes = p->channels * (int64_t)sizeof(float);
    plan.column_blocks = qn_ceil_div(p->out_w, qn_max_i64(16, LINE_BYTES / column_bytes));
    plan.block_columns = qn_round_line(qn_ceil_div(p->out_w, plan.column_blocks));
    plan.column_blocks = qn_ceil_div(p->out_w, plan.block_columns);
    plan.block_rows = qn_max_i64(1, TASK_ELEMS / (plan.block_columns * p->channels));
    plan.row_blocks = qn_ceil_div(rows, plan.block_rows);
    plan.plane = plan.block_columns;
    plan.line_floats = plan.block_columns * p->channels;
    const int64_t scratch_floats = p->argmax ? 3 * plan.line_floats + plan.block_columns : 2 * plan.line_floats;
    QN_WORK_SET(out_work, run_resize, plan.row_blocks * plan.column_blocks, scratch_floats * (int64_t)sizeof(float),
                p->kernel->name, plan);
}
