/* kernel/depthwise_s16.c - driver of depthwise_s16. A task is a few output rows by a range of channels; a tile is a run
 * of columns of one row in which the same taps lie outside the picture, by a block of channels. Taps outside read a
 * line of pad_value over and over.
 */
#include "kernel/conv_int.h"

enum {
    BLOCK = QN_DEPTHWISE_BLOCK,
    RUN_BYTES = 16 * 1024, /* source of one run of columns */
    TASK_BYTES = 64 * 1024
};

typedef struct depthwise_plan {
    qn_conv_int_params p;
    int64_t taps, run_columns, block_channels, rows_per_task, row_blocks;
} depthwise_plan;

size_t qn_depthwise_s16_packed_bytes(int64_t kernel_h, int64_t kernel_w, int64_t channels) {
    return (size_t)(qn_ceil_div(channels, BLOCK) * BLOCK * kernel_h * kernel_w) * sizeof(int16_t);
}

void qn_depthwise_s16_pack(const int16_t *weights, int64_t kernel_h, int64_t kernel_w, int64_t channels,
                           int16_t *out_packed) {
    const int64_t taps = kernel_h * kernel_w;
    memset(out_packed, 0, qn_depthwise_s16_packed_bytes(kernel_h, kernel_w, channels));
    for (int64_t t = 0; t < taps; t++)
        for (int64_t c = 0; c < channels; c++)
            out_packed[(c / BLOCK * taps + t) * BLOCK + c % BLOCK] = weights[t * channels + c];
}

/* How many columns from x on have the same taps outside the picture, at least 1. Of a window of 3 with pad 1 over 10
   columns: column 0 alone, columns 1 .. 8 together, column 9 alone. */
static int64_t count_alike(const qn_conv_int_params *p, int64_t x) {
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

/* Where the taps of column x read; `image` is of the first channel. */
static void find_sources(const depthwise_plan *plan, const int16_t *image, int64_t y, int64_t x, const int16_t *outside,
                         qn_depthwise_s16_source *out_sources) {
    const qn_conv_int_params *p = &plan->p;
    for (int64_t t = 0; t < plan->taps; t++) {
        const int64_t sy = y * p->stride_h - p->pad_top + t / p->kernel_w * p->dilation_h;
        const int64_t sx = x * p->stride_w - p->pad_left + t % p->kernel_w * p->dilation_w;
        const int inside = sy >= 0 && sy < p->in_h && sx >= 0 && sx < p->in_w;
        out_sources[t].at = inside ? image + (sy * p->in_w + sx) * p->in_c : outside;
        out_sources[t].step = inside ? p->stride_w * p->in_c : 0;
    }
}

/* One output row, counted through all pictures, and channels [c, end_c). */
static void run_row(const depthwise_plan *plan, int64_t row, int64_t c, int64_t end_c, void *scratch) {
    const qn_conv_int_params *p = &plan->p;
    const qn_depthwise_s16_kernel *kernel = p->kernel;
    const int16_t *image = (const int16_t *)p->src + row / p->out_h * p->in_h * p->in_w * p->in_c;
    qn_depthwise_s16_source *sources = qn_elem_mut(scratch, BLOCK, sizeof(int16_t));
    qn_depthwise_s16_tile tile = {.sources = sources, .taps = plan->taps, .result_stride = p->in_c};
    for (int64_t x = 0; x < p->out_w; x += tile.columns) {
        tile.columns = qn_min_i64(plan->run_columns, count_alike(p, x));
        find_sources(plan, image + c, row % p->out_h, x, scratch, sources);
        for (int64_t first = c; first < end_c; first += BLOCK) {
            for (int64_t t = 0; t < plan->taps && first > c; t++) {
                if (sources[t].step) sources[t].at += BLOCK;
            }
            tile.channels = qn_min_i64(BLOCK, end_c - first);
            tile.weights = (const int16_t *)p->weights + first * plan->taps;
            tile.bias = (const int64_t *)p->bias + first;
            tile.result = qn_requantize_from(&p->result, (row * p->out_w + x) * p->in_c + first, first);
            kernel->tile(&tile);
        }
    }
}

static void run_depthwise(const void *params, int64_t begin, int64_t end, void *scratch) {
    const depthwise_plan *plan = params;
    const qn_conv_int_params *p = &plan->p;
    int16_t *outside = scratch;
    for (int i = 0; i < BLOCK; i++) outside[i] = (int16_t)p->pad_value;
    for (int64_t task = begin; task < end; task++) {
        const int64_t c = task / plan->row_blocks * plan->block_channels;
        const int64_t first = task % plan->row_blocks * plan->rows_per_task;
        const int64_t last = qn_min_i64(first + plan->rows_per_task, p->batch * p->out_h);
        for (int64_t row = first; row < last; row++)
            run_row(plan, row, c, qn_min_i64(c + plan->block_channels, p->in_c), scratch);
    }
}

void qn_depthwise_s16_work(const qn_conv_int_params *params, qn_work *out_work) {
    const qn_conv_int_params *p = params;
    const qn_depthwise_s16_kernel *kernel = p->kernel;
    depthwise_plan plan = {.p = *p, .taps = p->kernel_h * p->kernel_w};
    assert(p->in_c == p->out_c);
    if (p->batch * p->out_h * p->out_w * p->in_c == 0) {
        QN_WORK_SET(out_work, run_depthwise, 0, 0, kernel->name, plan);
        return;
    }
    plan.run_columns = qn_max_i64(4, RUN_BYTES / (BLOCK * (int64_t)sizeof(int16_t) * p->kernel_h * p->stride_w));
    plan.run_columns = qn_min_i64(plan.run_columns, QN_DEPTHWISE_S16_COLUMNS);
    plan.block_channels = 8 * BLOCK;
    const int64_t row_bytes = qn_min_i64(plan.block_channels, p->in_c) * p->out_w * (int64_t)sizeof(int16_t);
    plan.rows_per_task = qn_max_i64(1, TASK_BYTES / row_bytes);
    plan.row_blocks = qn_ceil_div(p->batch * p->out_h, plan.rows_per_task);
    const int64_t scratch = BLOCK * (int64_t)sizeof(int16_t) + plan.taps * (int64_t)sizeof(qn_depthwise_s16_source);
    const int64_t tasks = plan.row_blocks * qn_ceil_div(p->in_c, plan.block_channels);
    assert(plan.run_columns >= 1 && plan.block_channels % BLOCK == 0);
    QN_WORK_SET(out_work, run_depthwise, tasks, scratch, kernel->name, plan);
}
