/* kernel/depthwise_f32.c - driver of depthwise_f32 and depthwise_f16. A task is a few output rows of one picture by a
 * block of channels, narrow enough for the source rows that one output row needs to stay in the second cache level
 * until the next row.
 */
#include "kernel/work.h"

enum {
    CHANNEL_BLOCK = 16,
    ROWS_BYTES = 256 * 1024, /* source that one output row spans, all rows in between included */
    RUN_BYTES = 64 * 1024,   /* source of one run of columns, read once per vector of channels */
    TASK_BYTES = 128 * 1024
};

typedef struct depthwise_plan {
    qn_depthwise_f32_params p;
    int64_t elem_bytes;
    int64_t block_channels, run_columns, rows_per_task, row_blocks;
} depthwise_plan;

size_t qn_depthwise_f32_packed_elems(int64_t taps, int64_t channels) {
    return (size_t)(qn_ceil_div(channels, CHANNEL_BLOCK) * CHANNEL_BLOCK * taps);
}

/* Zero is all bits zero in both types. */
static void pack_blocks(const void *weights, int64_t taps, int64_t channels, int64_t elem_bytes, void *out_packed) {
    const int64_t row_bytes = CHANNEL_BLOCK * elem_bytes;
    uint8_t *out = out_packed;
    for (int64_t first = 0; first < channels; first += CHANNEL_BLOCK) {
        const int64_t bytes = qn_min_i64(CHANNEL_BLOCK, channels - first) * elem_bytes;
        for (int64_t t = 0; t < taps; t++, out += row_bytes) {
            memcpy(out, qn_elem(weights, t * channels + first, elem_bytes), (size_t)bytes);
            memset(out + bytes, 0, (size_t)(row_bytes - bytes));
        }
    }
}

void qn_depthwise_f32_pack(const float *weights, int64_t taps, int64_t channels, float *out_packed) {
    pack_blocks(weights, taps, channels, sizeof *weights, out_packed);
}

void qn_depthwise_f16_pack(const uint16_t *weights, int64_t taps, int64_t channels, uint16_t *out_packed) {
    pack_blocks(weights, taps, channels, sizeof *weights, out_packed);
}

/* Where the taps of output column x read; NULL for those outside the picture. `image` is of the first channel. */
static void find_sources(const depthwise_plan *plan, const void *image, int64_t y, int64_t x,
                         const void **out_sources) {
    const qn_depthwise_f32_params *p = &plan->p;
    for (int64_t ky = 0; ky < p->kernel_h; ky++) {
        const int64_t sy = y * p->stride_h - p->pad_top + ky * p->dilation_h;
        for (int64_t kx = 0; kx < p->kernel_w; kx++) {
            const int64_t sx = x * p->stride_w - p->pad_left + kx * p->dilation_w;
            const int inside = sy >= 0 && sy < p->in_h && sx >= 0 && sx < p->in_w;
            *out_sources++ = inside ? qn_elem(image, (sy * p->in_w + sx) * p->channels, plan->elem_bytes) : NULL;
        }
    }
}

/* How many columns from x on have the same taps outside the picture, at least 1. Of a window of 3 with pad 1 over 10
   columns: column 0 alone, columns 1 .. 8 together, column 9 alone. */
static int64_t count_alike(const qn_depthwise_f32_params *p, int64_t x) {
    int64_t end = p->out_w;
    for (int64_t kx = 0; kx < p->kernel_w; kx++) {
        const int64_t before = p->pad_left - kx * p->dilation_w; /* cells between the window's start and the picture */
        const int64_t enter = before > 0 ? qn_ceil_div(before, p->stride_w) : 0;
        const int64_t leave = before + p->in_w > 0 ? qn_ceil_div(before + p->in_w, p->stride_w) : 0;
        if (enter > x) end = qn_min_i64(end, enter);
        if (leave > x) end = qn_min_i64(end, leave);
    }
    return end - x;
}

/* Runs one output row, `row` being counted through all pictures, from channel `c` on. The fields of `tile` that are the
   same for all rows are set. */
static void run_row(const depthwise_plan *plan, int64_t row, int64_t c, qn_depthwise_f32_tile *tile,
                    const void **sources) {
    const qn_depthwise_f32_params *p = &plan->p;
    const void *image = qn_elem(p->src, row / p->out_h * p->in_h * p->in_w * p->channels + c, plan->elem_bytes);
    const int64_t next_row = (row % p->out_h + 1) * p->stride_h - p->pad_top + (p->kernel_h - 1) * p->dilation_h;
    const void *next = next_row < p->in_h ? qn_elem(image, next_row * p->in_w * p->channels, plan->elem_bytes) : NULL;
    for (int64_t x = 0; x < p->out_w; x += tile->columns) {
        const int64_t at = (row * p->out_w + x) * p->channels + c;
        tile->columns = qn_min_i64(plan->run_columns, count_alike(p, x));
        tile->addend = p->addend ? qn_elem(p->addend, at, plan->elem_bytes) : NULL;
        tile->dst = qn_elem_mut(p->dst, at, plan->elem_bytes);
        find_sources(plan, image, row % p->out_h, x, sources);
        const int next_inside = next && (x + tile->columns) * p->stride_w <= p->in_w;
        tile->ahead = next_inside ? qn_elem(next, x * p->stride_w * p->channels, plan->elem_bytes) : NULL;
        p->kernel->tile(tile);
    }
}

/* Task order: rows of a block of channels first, so that the source rows two tasks share are still near. */
static void run_depthwise(const void *params, int64_t begin, int64_t end, void *scratch) {
    const depthwise_plan *plan = params;
    const qn_depthwise_f32_params *p = &plan->p;
    const void **sources = scratch;
    qn_depthwise_f32_tile tile = {.sources = sources,
                                  .source_step = p->stride_w * p->channels,
                                  .dst_step = p->channels,
                                  .kernel_w = p->kernel_w,
                                  .taps = p->kernel_h * p->kernel_w,
                                  .act_min = p->act_min,
                                  .act_max = p->act_max};
    for (int64_t task = begin; task < end; task++) {
        const int64_t c = task / plan->row_blocks * plan->block_channels;
        const int64_t first = task % plan->row_blocks * plan->rows_per_task;
        const int64_t last = qn_min_i64(first + plan->rows_per_task, p->batch * p->out_h);
        tile.channels = qn_min_i64(plan->block_channels, p->channels - c);
        tile.weights = qn_elem(p->weights, c * tile.taps, plan->elem_bytes);
        tile.bias = p->bias ? qn_elem(p->bias, c, plan->elem_bytes) : NULL;
        for (int64_t row = first; row < last; row++) run_row(plan, row, c, &tile, sources);
    }
}

static void choose_blocks(depthwise_plan *plan) {
    const qn_depthwise_f32_params *p = &plan->p;
    const int64_t pixel_bytes = p->channels * plan->elem_bytes;
    const int64_t span_bytes = ((p->kernel_h - 1) * p->dilation_h + p->stride_h) * p->in_w * pixel_bytes;
    const int64_t channel_blocks = qn_min_i64(qn_ceil_div(span_bytes, ROWS_BYTES), qn_ceil_div(p->channels, 64));
    plan->block_channels = qn_round_line(qn_ceil_div(p->channels, channel_blocks));

    const int64_t block_bytes = qn_min_i64(plan->block_channels, p->channels) * plan->elem_bytes;
    plan->run_columns = qn_max_i64(4, RUN_BYTES / (block_bytes * p->kernel_h * p->stride_w));
    plan->rows_per_task = qn_max_i64(1, TASK_BYTES / (block_bytes * p->out_w));
    plan->row_blocks = qn_ceil_div(p->batch * p->out_h, plan->rows_per_task);
}

void qn_depthwise_f32_work(const qn_depthwise_f32_params *params, qn_work *out_work) {
    const qn_depthwise_f32_params *p = params;
    depthwise_plan plan = {.p = *p, .elem_bytes = qn_storage_bytes(params->half)};
    if (p->batch * p->out_h * p->out_w * p->channels == 0) {
        QN_WORK_SET(out_work, run_depthwise, 0, 0, p->kernel->name, plan);
        return;
    }
    choose_blocks(&plan);
    const int64_t scratch = p->kernel_h * p->kernel_w * (int64_t)sizeof(const void *);
    const int64_t tasks = plan.row_blocks * qn_ceil_div(p->channels, plan.block_channels);
    assert(plan.run_columns >= 1 && plan.block_channels % CHANNEL_BLOCK == 0);
    QN_WORK_SET(out_work, run_depthwise, tasks, scratch, p->kernel->name, plan);
}
