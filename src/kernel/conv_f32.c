/* kernel/conv_f32.c - driver of conv_f32: a matrix product over output pixels.
 *
 * The left matrix has one row per output pixel and one column per (ky, kx, c). A pointwise convolution of stride 1 has
 * it in memory already; any other gathers the rows of a task's pixels into scratch first. A task is a block of pixels
 * by a block of panels; K is never split. The block of panels is chosen to stay in the second cache level while the
 * tiles of pixels pass by, each tile staying in the first level while the panels pass by.
 */
#include "kernel/work.h"

enum {
    PANEL_BLOCK_BYTES = 384 * 1024, /* packed weights that a task keeps coming back to */
    GATHER_BLOCK_BYTES = 256 * 1024,
    TASK_MACS = 1 << 20, /* a task of less work is not worth handing out */
    TASKS_WANTED = 64
};

typedef struct conv_plan {
    qn_conv_f32_params p;
    int64_t pixels, depth, panels;
    int64_t block_pixels, block_panels, pixel_blocks;
    int64_t gather_stride; /* floats between gathered rows; 0: the rows are read where they are */
} conv_plan;

size_t qn_conv_f32_packed_elems(int64_t taps_by_cin, int64_t cout) {
    return (size_t)(qn_ceil_div(cout, QN_CONV_PANEL) * QN_CONV_PANEL * taps_by_cin);
}

void qn_conv_f32_pack(const float *weights, int64_t taps_by_cin, int64_t cout, float *out_packed) {
    for (int64_t first = 0; first < cout; first += QN_CONV_PANEL) {
        const int64_t count = qn_min_i64(QN_CONV_PANEL, cout - first);
        for (int64_t k = 0; k < taps_by_cin; k++) {
            for (int64_t o = 0; o < QN_CONV_PANEL; o++) *out_packed++ = o < count ? weights[k * cout + first + o] : 0.0f;
        }
    }
}

/* Copies what output pixel (image, y, x) reads, in the order of the chain; 0 outside the picture. */
static void gather_pixel(const qn_conv_f32_params *p, int64_t image, int64_t y, int64_t x, float *out_row) {
    const int64_t x0 = x * p->stride_w - p->pad_left;
    const int dense = p->dilation_w == 1 && p->src_stride == p->in_c && x0 >= 0 && x0 + p->kernel_w <= p->in_w;
    for (int64_t ky = 0; ky < p->kernel_h; ky++, out_row += p->kernel_w * p->in_c) {
        const int64_t sy = y * p->stride_h - p->pad_top + ky * p->dilation_h;
        const float *line = p->src + (image * p->in_h + sy) * p->in_w * p->src_stride;
        if (sy < 0 || sy >= p->in_h) {
            memset(out_row, 0, (size_t)(p->kernel_w * p->in_c) * sizeof *out_row);
            continue;
        }
        if (dense) {
            memcpy(out_row, line + x0 * p->in_c, (size_t)(p->kernel_w * p->in_c) * sizeof *out_row);
            continue;
        }
        for (int64_t kx = 0; kx < p->kernel_w; kx++) {
            const int64_t sx = x0 + kx * p->dilation_w;
            float *cell = out_row + kx * p->in_c;
            if (sx < 0 || sx >= p->in_w) {
                memset(cell, 0, (size_t)p->in_c * sizeof *cell);
            } else {
                memcpy(cell, line + sx * p->src_stride, (size_t)p->in_c * sizeof *cell);
            }
        }
    }
}

static void gather_block(const conv_plan *plan, int64_t first, int64_t count, float *out_rows) {
    const qn_conv_f32_params *p = &plan->p;
    int64_t x = first % p->out_w, y = first / p->out_w % p->out_h, image = first / p->out_w / p->out_h;
    for (int64_t i = 0; i < count; i++, out_rows += plan->gather_stride) {
        gather_pixel(p, image, y, x, out_rows);
        if (++x < p->out_w) continue;
        x = 0;
        if (++y < p->out_h) continue;
        y = 0;
        image++;
    }
}

static void run_task(const conv_plan *plan, int64_t task, float *gathered) {
    const qn_conv_f32_params *p = &plan->p;
    const int64_t first = task % plan->pixel_blocks * plan->block_pixels;
    const int64_t first_panel = task / plan->pixel_blocks * plan->block_panels;
    const int64_t end = qn_min_i64(first + plan->block_pixels, plan->pixels);
    const int64_t first_out = first_panel * QN_CONV_PANEL;
    const int64_t end_out = qn_min_i64((first_panel + plan->block_panels) * QN_CONV_PANEL, p->out_c);
    const int64_t tile_rows = p->kernel->tile_rows, tile_outputs = p->kernel->tile_panels * QN_CONV_PANEL;
    qn_conv_f32_tile tile = {.src_stride = plan->gather_stride ? plan->gather_stride : p->src_stride,
                             .depth = plan->depth,
                             .panel_stride = plan->depth * QN_CONV_PANEL,
                             .addend_stride = p->out_c,
                             .dst_stride = p->dst_stride,
                             .act_min = p->act_min,
                             .act_max = p->act_max};
    if (plan->gather_stride) gather_block(plan, first, end - first, gathered);
    for (int64_t pixel = first; pixel < end; pixel += tile_rows) {
        tile.rows = qn_min_i64(tile_rows, end - pixel);
        tile.src = plan->gather_stride ? gathered + (pixel - first) * plan->gather_stride
                                       : p->src + pixel * p->src_stride;
        for (int64_t o = first_out; o < end_out; o += tile_outputs) {
            tile.outputs = qn_min_i64(tile_outputs, end_out - o);
            tile.weights = p->weights + o * plan->depth;
            tile.bias = p->bias ? p->bias + o : NULL;
            tile.addend = p->addend ? p->addend + pixel * p->out_c + o : NULL;
            tile.dst = p->dst + pixel * p->dst_stride + o;
            p->kernel->tile(&tile);
        }
    }
}

static void run_conv(const void *params, int64_t begin, int64_t end, void *scratch) {
    for (int64_t task = begin; task < end; task++) run_task(params, task, scratch);
}

/* Whether row i of the left matrix is pixel i of the source. Rows a multiple of 4 KiB apart would all fall into the
   same set of the first cache level, so such ones are gathered. */
static int rows_in_place(const qn_conv_f32_params *p) {
    const int pointwise = p->kernel_h == 1 && p->kernel_w == 1 && p->stride_h == 1 && p->stride_w == 1 &&
                          p->pad_top == 0 && p->pad_left == 0 && p->in_h == p->out_h && p->in_w == p->out_w;
    return pointwise && (p->src_stride % 1024 != 0 || p->batch * p->out_h * p->out_w < 4);
}

static void choose_blocks(conv_plan *plan) {
    const qn_conv_f32_params *p = &plan->p;
    const int64_t tile_rows = p->kernel->tile_rows, tile_panels = p->kernel->tile_panels;
    const int64_t panel_bytes = plan->depth * QN_CONV_PANEL * (int64_t)sizeof(float);
    const int64_t macs = plan->pixels * plan->panels * QN_CONV_PANEL * plan->depth;
    const int64_t wanted = qn_max_i64(1, qn_min_i64(TASKS_WANTED, macs / TASK_MACS));
    int64_t panel_blocks = qn_ceil_div(plan->panels * panel_bytes, PANEL_BLOCK_BYTES);
    const int64_t tiles = qn_ceil_div(plan->pixels, tile_rows);
    if (panel_blocks * tiles < wanted) panel_blocks = qn_ceil_div(wanted, tiles);
    plan->block_panels = qn_ceil_div(qn_ceil_div(plan->panels, panel_blocks), tile_panels) * tile_panels;
    panel_blocks = qn_ceil_div(plan->panels, plan->block_panels);

    int64_t block_tiles = qn_ceil_div(tiles, qn_ceil_div(wanted, panel_blocks));
    if (plan->gather_stride) {
        const int64_t row_bytes = plan->gather_stride * (int64_t)sizeof(float);
        block_tiles = qn_max_i64(1, qn_min_i64(block_tiles, GATHER_BLOCK_BYTES / (row_bytes * tile_rows)));
    }
    plan->block_pixels = block_tiles * tile_rows;
    plan->pixel_blocks = qn_ceil_div(plan->pixels, plan->block_pixels);
}

void qn_conv_f32_work(const qn_conv_f32_params *params, qn_work *out_work) {
    conv_plan plan = {.p = *params};
    plan.pixels = params->batch * params->out_h * params->out_w;
    plan.depth = params->kernel_h * params->kernel_w * params->in_c;
    plan.panels = qn_ceil_div(params->out_c, QN_CONV_PANEL);
    assert(params->src_stride >= params->in_c && params->dst_stride >= params->out_c);
    if (plan.pixels == 0 || plan.panels == 0) {
        QN_WORK_SET(out_work, run_conv, 0, 0, params->kernel->name, plan);
        return;
    }
    /* One line beyond the row, so that no two rows of a tile compete for the same cache set. */
    plan.gather_stride = rows_in_place(params) ? 0 : qn_round_line(plan.depth) + 16;
    choose_blocks(&plan);
    const int64_t scratch = plan.gather_stride * qn_min_i64(plan.block_pixels, plan.pixels) * (int64_t)sizeof(float);
    const int64_t tasks = plan.pixel_blocks * qn_ceil_div(plan.panels, plan.block_panels);
    QN_WORK_SET(out_work, run_conv, tasks, scratch, params->kernel->name, plan);
}
