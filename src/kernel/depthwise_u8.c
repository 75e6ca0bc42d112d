/* kernel/depthwise_u8.c - driver of depthwise_u8. A task is a few output rows by a range of channels.
 *
 * For each output row, some channels and run of columns the source rows under the window are interleaved into scratch,
 * four to a cell, so that one dot product takes four taps of a column. Neighbouring columns share cells where their
 * windows overlap; where windows are so sparse that it does not pay, every tap gets cells of its own. Windows of two or
 * three rows leave room in a cell: two output rows that lie one row of taps apart share their cells.
 *
 * For example, a window of 3 x 3, stride 1, dilation 1: output row 6 reads source rows 5, 6, 7 (pad 1), row 7 reads 6,
 * 7, 8. One run of cells with rows 5, 6, 7, 8 serves both: for row 6 with the weights {w0, w1, w2, 0} of each column,
 * for row 7 with {0, w0, w1, w2} (tile.above is 1). With dilation 4 rows 6 and 10 are such a pair (pair_step is 4).
 */
#include "kernel/conv_int.h"

enum {
    BLOCK = QN_DEPTHWISE_BLOCK,
    GROUP = QN_DEPTHWISE_GROUP,
    CELL_BYTES = BLOCK * GROUP,
    CELLS_BYTES = 24 * 1024, /* of a run: they stay in the first cache level */
    ROWS_BYTES = 512 * 1024, /* source that one output row spans */
    TASK_BYTES = 64 * 1024,
    TASKS_WANTED = 32
};

typedef struct depthwise_plan {
    qn_conv_int_params p;
    int64_t groups, is_shared;
    int64_t pair_step; /* rows y and y + pair_step are made from the same cells; 0: each from its own */
    int64_t may_be_wide;
    int64_t run_columns, cells; /* cells: of one group, in scratch */
    int64_t block_channels, rows_per_task, row_blocks;
} depthwise_plan;

size_t qn_depthwise_u8_packed_bytes(int64_t kernel_h, int64_t kernel_w, int64_t channels) {
    return (size_t)(qn_ceil_div(channels, BLOCK) * qn_ceil_div(kernel_h, GROUP) * kernel_w * CELL_BYTES);
}

void qn_depthwise_u8_pack(const int8_t *weights, int64_t kernel_h, int64_t kernel_w, int64_t channels,
                          int8_t *out_packed) {
    const int64_t groups = qn_ceil_div(kernel_h, GROUP);
    memset(out_packed, 0, qn_depthwise_u8_packed_bytes(kernel_h, kernel_w, channels));
    for (int64_t ky = 0; ky < kernel_h; ky++)
        for (int64_t kx = 0; kx < kernel_w; kx++)
            for (int64_t c = 0; c < channels; c++)
                out_packed[((c / BLOCK * groups + ky / GROUP) * kernel_w + kx) * CELL_BYTES + c % BLOCK * GROUP +
                           ky % GROUP] = weights[(ky * kernel_w + kx) * channels + c];
}

/* ---- Cells ---- */

/* One output row, some channels. */
typedef struct row_part {
    const depthwise_plan *plan;
    int64_t row, rows;                /* rows: 1, or 2 for a pair */
    int64_t channel, channels;        /* row: counted through all pictures */
    const qn_depthwise_u8_wide *wide; /* or NULL: by blocks of 16 */
    int64_t cell_bytes;
    uint8_t *outside, *cells; /* in scratch: a line of pad_value, and the cells */
} row_part;

/* Fills `count` cells of a group of rows: cell i is source column sx + i * step, cells outside the picture have
   pad_value. `rows` has the start of each row and its step, which is 0 for a row outside the picture. */
static void fill_cells(const row_part *part, const qn_depthwise_u8_rows *rows, int64_t sx, int64_t step, int64_t count,
                       uint8_t *out_cells) {
    const qn_conv_int_params *p = &part->plan->p;
    const qn_depthwise_u8_kernel *kernel = p->kernel;
    const int64_t before = sx < 0 ? qn_min_i64(count, qn_ceil_div(-sx, step)) : 0;
    const int64_t end = sx < p->in_w ? qn_min_i64(count, qn_ceil_div(p->in_w - sx, step)) : 0;
    const int64_t last = qn_max_i64(before, end), bytes = part->cell_bytes;
    const int pad = (int)(uint8_t)p->pad_value;
    memset(out_cells, pad, (size_t)(before * bytes));
    if (last > before) {
        qn_depthwise_u8_rows inside = *rows;
        for (int i = 0; i < GROUP; i++) {
            if (inside.steps[i]) inside.rows[i] += (sx + before * step) * p->in_c;
            inside.steps[i] *= step;
        }
        inside.cells = last - before;
        inside.out_cells = out_cells + before * bytes;
        (part->wide ? part->wide->interleave : kernel->interleave)(&inside);
    }
    memset(out_cells + last * bytes, pad, (size_t)((count - last) * bytes));
}

/* All cells of a run of `columns` output columns from x on. */
static void fill_run(const row_part *part, int64_t x, int64_t columns) {
    const depthwise_plan *plan = part->plan;
    const qn_conv_int_params *p = &plan->p;
    const int64_t sx = x * p->stride_w - p->pad_left, reach = (p->kernel_w - 1) * p->dilation_w + 1;
    const int64_t top = part->row % p->out_h * p->stride_h - p->pad_top, row_bytes = p->in_w * p->in_c;
    const uint8_t *image = (const uint8_t *)p->src + part->row / p->out_h * p->in_h * row_bytes + part->channel;
    uint8_t *cells = part->cells;
    for (int64_t g = 0; g < plan->groups; g++, cells += plan->cells * part->cell_bytes) {
        qn_depthwise_u8_rows rows = {.channels = part->channels};
        for (int64_t i = 0; i < GROUP; i++) {
            const int64_t ky = g * GROUP + i, sy = top + ky * p->dilation_h;
            const int inside = ky < p->kernel_h + part->rows - 1 && sy >= 0 && sy < p->in_h;
            rows.rows[i] = inside ? image + sy * row_bytes : part->outside;
            rows.steps[i] = inside ? p->in_c : 0;
        }
        if (plan->is_shared) {
            fill_cells(part, &rows, sx, 1, (columns - 1) * p->stride_w + reach, cells);
            continue;
        }
        for (int64_t kx = 0; kx < p->kernel_w; kx++)
            fill_cells(part, &rows, sx + kx * p->dilation_w, p->stride_w, columns,
                       cells + kx * plan->run_columns * part->cell_bytes);
    }
}

/* ---- Tasks ---- */

static void run_part(const row_part *part) {
    const depthwise_plan *plan = part->plan;
    const qn_conv_int_params *p = &plan->p;
    const qn_depthwise_u8_kernel *kernel = p->kernel;
    const int64_t c = part->channel;
    qn_depthwise_u8_tile tile = {
        .cells = part->cells,
        .column_step = (plan->is_shared ? p->stride_w : 1) * part->cell_bytes,
        .tap_step = (plan->is_shared ? p->dilation_w : plan->run_columns) * part->cell_bytes,
        .group_step = plan->cells * part->cell_bytes,
        .groups = plan->groups,
        .kernel_w = p->kernel_w,
        .channels = part->channels,
        .weights = (const int8_t *)p->weights + c * GROUP * plan->groups * p->kernel_w,
        .bias = (const int32_t *)p->bias + c,
        .result_stride = p->in_c,
    };
    for (int64_t x = 0; x < p->out_w; x += plan->run_columns) {
        tile.columns = qn_min_i64(plan->run_columns, p->out_w - x);
        fill_run(part, x, tile.columns);
        for (tile.above = 0; tile.above < part->rows; tile.above++) {
            const int64_t row = part->row + tile.above * plan->pair_step;
            tile.result = qn_requantize_from(&p->result, (row * p->out_w + x) * p->in_c + c, c);
            (part->wide ? part->wide->tile : kernel->tile)(&tile);
        }
    }
}

/* The widest way that takes no more than `channels`. */
static const qn_depthwise_u8_wide *choose_wide(const depthwise_plan *plan, int64_t channels) {
    const qn_depthwise_u8_kernel *kernel = plan->p.kernel;
    for (int i = 0; plan->may_be_wide && i < QN_DEPTHWISE_WIDTHS; i++)
        if (kernel->wide[i] && channels >= kernel->wide[i]->channels) return kernel->wide[i];
    return NULL;
}

/* How many output rows are made when `row`, of the task's rows first .. last - 1, has its turn: 2 if it is the first
   of a pair, 0 if it is the second, which was made with the first; 1 if it has no partner. */
static int64_t count_rows(const depthwise_plan *plan, int64_t row, int64_t first, int64_t last) {
    const int64_t out_h = plan->p.out_h, step = plan->pair_step;
    const int64_t start = qn_max_i64(first, row / out_h * out_h), end = qn_min_i64(last, (row / out_h + 1) * out_h);
    if (!step) return 1;
    if ((row - start) / step % 2) return 0;
    return row + step < end ? 2 : 1;
}

/* Rows of a range of channels come first, so that the source rows two tasks share are still near. */
static void run_task(const depthwise_plan *plan, int64_t task, row_part *part) {
    const qn_conv_int_params *p = &plan->p;
    const int64_t c = task / plan->row_blocks * plan->block_channels;
    const int64_t end_c = qn_min_i64(c + plan->block_channels, p->in_c);
    const int64_t first = task % plan->row_blocks * plan->rows_per_task;
    const int64_t last = qn_min_i64(first + plan->rows_per_task, p->batch * p->out_h);
    for (part->row = first; part->row < last; part->row++) {
        part->rows = count_rows(plan, part->row, first, last);
        for (part->channel = c; part->rows && part->channel < end_c; part->channel += part->channels) {
            const int64_t left = end_c - part->channel;
            part->wide = choose_wide(plan, left);
            part->channels = part->wide ? part->wide->channels : qn_min_i64(left, BLOCK);
            part->cell_bytes = qn_max_i64(part->channels, BLOCK) * GROUP;
            run_part(part);
        }
    }
}

static void run_depthwise(const void *params, int64_t begin, int64_t end, void *scratch) {
    const depthwise_plan *plan = params;
    row_part part = {.plan = plan, .outside = scratch, .cells = (uint8_t *)scratch + CELL_BYTES};
    memset(scratch, (int)(uint8_t)plan->p.pad_value, CELL_BYTES);
    for (int64_t task = begin; task < end; task++) run_task(plan, task, &part);
}

static int64_t cell_bytes_max(const depthwise_plan *plan) {
    const qn_depthwise_u8_wide *wide = choose_wide(plan, plan->p.in_c);
    return (wide ? wide->channels : BLOCK) * GROUP;
}

/* Runs as long as their cells stay near, and of equal length. */
static void choose_runs(depthwise_plan *plan) {
    const qn_conv_int_params *p = &plan->p;
    const int64_t reach = (p->kernel_w - 1) * p->dilation_w + 1;
    const int64_t room = CELLS_BYTES / (cell_bytes_max(plan) * plan->groups);
    const int64_t shared = qn_max_i64(1, qn_min_i64(p->out_w, (room - reach) / p->stride_w + 1));
    const int64_t own = qn_max_i64(1, qn_min_i64(p->out_w, room / p->kernel_w));
    plan->is_shared = (shared - 1) * p->stride_w + reach <= shared * p->kernel_w;
    plan->run_columns = plan->is_shared ? shared : own;
    plan->run_columns = qn_ceil_div(p->out_w, qn_ceil_div(p->out_w, plan->run_columns));
    plan->cells = plan->is_shared ? (plan->run_columns - 1) * p->stride_w + reach : plan->run_columns * p->kernel_w;
}

static void choose_tasks(depthwise_plan *plan) {
    const qn_conv_int_params *p = &plan->p;
    const int64_t span_bytes = ((p->kernel_h - 1) * p->dilation_h + p->stride_h) * p->in_w * p->in_c;
    int64_t channel_blocks = qn_min_i64(qn_ceil_div(span_bytes, ROWS_BYTES), qn_ceil_div(p->in_c, 4 * BLOCK));
    plan->block_channels = qn_ceil_div(qn_ceil_div(p->in_c, channel_blocks), 4 * BLOCK) * 4 * BLOCK;
    plan->rows_per_task = qn_max_i64(1, TASK_BYTES / (qn_min_i64(plan->block_channels, p->in_c) * p->out_w));
    /* Where a cell has room for a row more than the window has, two output rows share it. */
    if (p->kernel_h > 1 && p->kernel_h < GROUP && p->stride_h == 1 && 2 * p->dilation_h <= p->out_h) {
        plan->pair_step = p->dilation_h;
        plan->rows_per_task = qn_ceil_div(plan->rows_per_task, 2 * plan->pair_step) * 2 * plan->pair_step;
    }
    plan->row_blocks = qn_ceil_div(p->batch * p->out_h, plan->rows_per_task);
    if (plan->row_blocks * channel_blocks < TASKS_WANTED) {
        channel_blocks = qn_min_i64(qn_ceil_div(TASKS_WANTED, plan->row_blocks), qn_ceil_div(p->in_c, 8 * BLOCK));
        plan->block_channels = qn_ceil_div(qn_ceil_div(p->in_c, channel_blocks), 4 * BLOCK) * 4 * BLOCK;
    }
}

void qn_depthwise_u8_work(const qn_conv_int_params *params, qn_work *out_work) {
    const qn_conv_int_params *p = params;
    const qn_depthwise_u8_kernel *kernel = p->kernel;
    depthwise_plan plan = {.p = *p, .groups = qn_ceil_div(p->kernel_h, GROUP)};
    assert(p->in_c == p->out_c);
    if (p->batch * p->out_h * p->out_w * p->in_c == 0) {
        QN_WORK_SET(out_work, run_depthwise, 0, 0, kernel->name, plan);
        return;
    }
    const int is_plain = p->result.dst_storage == QN_STORAGE_U8 && !p->result.addend;
    plan.may_be_wide = is_plain && plan.groups * p->kernel_w <= QN_DEPTHWISE_WIDE_TAPS;
    choose_runs(&plan);
    choose_tasks(&plan);
    const int64_t scratch = CELL_BYTES + plan.groups * plan.cells * cell_bytes_max(&plan);
    const int64_t tasks = plan.row_blocks * qn_ceil_div(p->in_c, plan.block_channels);
    assert(plan.run_columns >= 1 && plan.cells >= 1 && plan.block_channels % BLOCK == 0);
    assert(!plan.pair_step || p->kernel_h < GROUP); /* the second row of a pair needs the fourth row of a cell */
    QN_WORK_SET(out_work, run_depthwise, tasks, scratch, kernel->name, plan);
}
