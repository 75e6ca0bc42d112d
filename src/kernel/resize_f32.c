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
    float *pixels;   /* argmax: a line before it is split into planes; else, with stored, a row of the result */
    float *cells[2]; /* stored: the two source cells between which pixels lie */
} line_cache;

/* The two cells between which a pixel of a line lies, as floats. Neighbouring pixels often lie between the same two
   cells, so widened cells are kept: *inout_held says which two the cache has. */
static void find_cells(const qn_resize_f32_params *p, int64_t row, const source_pair *pair, const line_cache *cache,
                       source_pair *inout_held, const float *out_cells[2]) {
    const int64_t start = row * p->in_w, ends[2] = {pair->low, pair->high};
    for (int i = 0; i < 2; i++) {
        const int64_t at = (start + ends[i]) * p->channels, held = i ? inout_held->high : inout_held->low;
        const void *from = qn_elem(p->src, at, qn_storage_bytes(p->stored));
        out_cells[i] = p->stored ? cache->cells[i] : from;
        if (p->stored && held != ends[i]) p->stored->widen(from, cache->cells[i], p->channels);
    }
    *inout_held = *pair;
}

static void fill_line(const resize_plan *plan, int64_t source_row, int64_t x0, int64_t columns, const line_cache *cache,
                      float *line) {
    const qn_resize_f32_params *p = &plan->p;
    const int64_t channels = p->channels;
    float *pixels = cache->pixels, *out = p->argmax ? pixels : line;
    source_pair held = {-1, -1, 0};
    for (int64_t x = 0; x < columns; x++) {
        const source_pair pair = find_pair(x0 + x, plan->scale_w, p->in_w, p->half_pixel_centers);
        const float *cells[2];
        find_cells(p, source_row, &pair, cache, &held, cells);
        p->kernel->lerp(cells[0], cells[1], pair.factor, out + x * channels, channels);
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
    fill_line(plan, source_row, x0, columns, cache, cache->line[victim]);
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
            const int64_t count = columns * p->channels;
            void *to = qn_elem_mut(p->dst, at * p->channels, qn_storage_bytes(p->stored));
            float *dst = p->stored ? cache->pixels : to;
            p->kernel->lerp(top, bottom, pair.factor, dst, count);
            if (p->stored) p->stored->narrow(dst, to, count);
            continue;
        }
        p->kernel->lerp_argmax(top, bottom, pair.factor, plan->plane, p->channels, columns, labels);
        qn_labels_store(labels, columns, p->dst, at, p->label_bytes, p->label_float);
    }
}

static void run_resize(const void *params, int64_t begin, int64_t end, void *scratch) {
    const resize_plan *plan = params;
    float *floats = scratch;
    line_cache cache = {.line = {floats, floats + plan->line_floats}};
    cache.cells[0] = cache.line[1] + plan->line_floats;
    cache.cells[1] = cache.cells[0] + qn_round_line(plan->p.channels);
    int32_t *labels = (int32_t *)(void *)(cache.cells[1] + qn_round_line(plan->p.channels));
    cache.pixels = (float *)(void *)(labels + plan->block_columns);
    for (int64_t task = begin; task < end; task++) run_task(plan, task, &cache, labels);
}

/* ---- From a single pixel ----
   All pixels of the result are the same: a + (a - a) * f does not depend on f. */

static void run_spread(const void *params, int64_t begin, int64_t end, void *scratch) {
    const resize_plan *plan = params;
    const qn_resize_f32_params *p = &plan->p;
    const int64_t bytes = qn_storage_bytes(p->stored), pixel_bytes = p->channels * bytes, picture = p->out_h * p->out_w;
    const int64_t last = qn_min_i64(end * plan->block_columns, p->batch * picture);
    float *pixel = scratch, *out = pixel + qn_round_line(p->channels);
    for (int64_t at = begin * plan->block_columns, count; at < last; at += count) {
        const void *from = qn_elem(p->src, at / picture, pixel_bytes);
        uint8_t *dst = qn_elem_mut(p->dst, at, pixel_bytes);
        count = qn_min_i64(last - at, picture - at % picture);
        if (p->stored) p->stored->widen(from, pixel, p->channels);
        const float *cell = p->stored ? pixel : from;
        p->kernel->lerp(cell, cell, 0, out, p->channels);
        p->kernel->lerp(out, out, 0, out, p->channels);
        if (p->stored)
            p->stored->narrow(out, dst, p->channels);
        else
            memcpy(dst, out, (size_t)pixel_bytes);
        for (int64_t done = 1, more; done < count; done += more) {
            more = qn_min_i64(done, count - done);
            memcpy(dst + done * pixel_bytes, dst, (size_t)(more * pixel_bytes));
        }
    }
}

static void plan_spread(resize_plan *plan, qn_work *out_work) {
    const qn_resize_f32_params *p = &plan->p;
    const int64_t pixels = p->batch * p->out_h * p->out_w, scratch = 2 * qn_round_line(p->channels);
    plan->block_columns = qn_max_i64(1, LINE_BYTES / (p->channels * qn_storage_bytes(p->stored)));
    QN_WORK_SET(out_work, run_spread, qn_ceil_div(pixels, plan->block_columns), scratch * (int64_t)sizeof(float),
                p->kernel->name, *plan);
}

void qn_resize_f32_work(const qn_resize_f32_params *params, qn_work *out_work) {
    const qn_resize_f32_params *p = params;
    resize_plan plan = {.p = *p};
    const int64_t rows = p->batch * p->out_h;
    if (rows * p->out_w * p->channels == 0) {
        QN_WORK_SET(out_work, run_resize, 0, 0, p->kernel->name, plan);
        return;
    }
    assert(p->in_h > 0 && p->in_w > 0);
    if (p->in_h == 1 && p->in_w == 1 && !p->argmax) {
        plan_spread(&plan, out_work);
        return;
    }
    plan.scale_h = qn_resize_scale(p->in_h, p->out_h, p->align_corners);
    plan.scale_w = qn_resize_scale(p->in_w, p->out_w, p->align_corners);
    const int64_t column_bytes = p->channels * (int64_t)sizeof(float);
    plan.column_blocks = qn_ceil_div(p->out_w, qn_max_i64(16, LINE_BYTES / column_bytes));
    plan.block_columns = qn_round_line(qn_ceil_div(p->out_w, plan.column_blocks));
    plan.column_blocks = qn_ceil_div(p->out_w, plan.block_columns);
    plan.block_rows = qn_max_i64(1, TASK_ELEMS / (plan.block_columns * p->channels));
    plan.row_blocks = qn_ceil_div(rows, plan.block_rows);
    plan.plane = plan.block_columns;
    plan.line_floats = plan.block_columns * p->channels;
    const int64_t lines = p->argmax || p->stored ? 3 : 2;
    const int64_t scratch_floats = lines * plan.line_floats + 2 * qn_round_line(p->channels) + plan.block_columns;
    QN_WORK_SET(out_work, run_resize, plan.row_blocks * plan.column_blocks, scratch_floats * (int64_t)sizeof(float),
                p->kernel->name, plan);
}
