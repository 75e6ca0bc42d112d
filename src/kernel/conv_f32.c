/* kernel/conv_f32.c - driver of conv_f32 and conv_f16: a matrix product over output pixels.
 *
 * The left matrix has one row per output pixel and one column per (ky, kx, c). A pointwise convolution of stride 1 has
 * it in memory already; any other gathers the rows of a task's pixels into scratch first. A task is a block of pixels
 * by a block of panels; K is never split. The block of panels is chosen to stay in the second cache level while the
 * tiles of pixels pass by, each tile staying in the first level while the panels pass by.
 *
 * Tiles read the left matrix as floats. Where it is stored in half precision its rows are always widened into scratch:
 * straight from the source if they lie there one after the other, else after gathering them as they are.
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
    int64_t elem_bytes;    /* of all operands */
    int64_t gather_stride; /* floats between rows in scratch; 0: the rows are read where they are */
    int64_t raw_offset;    /* half: bytes of scratch before the rows as they are gathered; 0: widened from the source */
} conv_plan;

size_t qn_conv_f32_packed_elems(int64_t taps_by_cin, int64_t cout) {
    return (size_t)(qn_ceil_div(cout, QN_CONV_PANEL) * QN_CONV_PANEL * taps_by_cin);
}

/* Zero is all bits zero in both types. */
static void pack_panels(const void *weights, int64_t taps_by_cin, int64_t cout, int64_t elem_bytes, void *out_packed) {
    const int64_t row_bytes = QN_CONV_PANEL * elem_bytes;
    uint8_t *out = out_packed;
    for (int64_t first = 0; first < cout; first += QN_CONV_PANEL) {
        const int64_t bytes = qn_min_i64(QN_CONV_PANEL, cout - first) * elem_bytes;
        for (int64_t k = 0; k < taps_by_cin; k++, out += row_bytes) {
            memcpy(out, qn_elem(weights, k * cout + first, elem_bytes), (size_t)bytes);
            memset(out + bytes, 0, (size_t)(row_bytes - bytes));
        }
    }
}

void qn_conv_f32_pack(const float *weights, int64_t taps_by_cin, int64_t cout, float *out_packed) {
    pack_panels(weights, taps_by_cin, cout, sizeof *weights, out_packed);
}

void qn_conv_f16_pack(const uint16_t *weights, int64_t taps_by_cin, int64_t cout, uint16_t *out_packed) {
    pack_panels(weights, taps_by_cin, cout, sizeof *weights, out_packed);
}

/* Copies elements without the cost of a call for a handful of them. */
static inline void copy_elems(uint8_t *dst, const uint8_t *src, int64_t bytes) {
    if (bytes > 256) {
        memcpy(dst, src, (size_t)bytes);
        return;
    }
    for (; bytes >= 32; bytes -= 32, dst += 32, src += 32) memcpy(dst, src, 32);
    if (bytes >= 16) {
        memcpy(dst, src, 16);
        bytes -= 16, dst += 16, src += 16;
    }
    for (; bytes >= 4; bytes -= 4, dst += 4, src += 4) memcpy(dst, src, 4);
    if (bytes) memcpy(dst, src, sizeof(uint16_t));
}

/* Output pixels x .. x + count - 1 of one row, a tap of `elems` elements at a time; `line` is the source row under the
   tap and `at` the first pixel's cell in it. Cells outside the picture are 0. */
static void gather_tap(const conv_plan *plan, const uint8_t *line, int64_t at, int64_t count, int64_t elems,
                       uint8_t *out_cell) {
    const qn_conv_f32_params *p = &plan->p;
    const int64_t cell_bytes = p->in_c * plan->elem_bytes, pixel_bytes = p->src_stride * plan->elem_bytes;
    const int64_t cells = qn_ceil_div(elems, p->in_c); /* more than one only where they lie side by side */
    const int64_t row_bytes = plan->gather_stride * plan->elem_bytes, bytes = elems * plan->elem_bytes;
    for (int64_t i = 0; i < count; i++, at += p->stride_w, out_cell += row_bytes) {
        if (line && at >= 0 && at + cells <= p->in_w) {
            copy_elems(out_cell, line + at * pixel_bytes, bytes);
        } else if (cells == 1 || !line) {
            memset(out_cell, 0, (size_t)bytes);
        } else {
            for (int64_t c = 0; c < cells; c++) gather_tap(plan, line, at + c, 1, p->in_c, out_cell + c * cell_bytes);
        }
    }
}

/* Copies what output pixels x .. x + count - 1 of a row read, in the order of the chain. */
static void gather_run(const conv_plan *plan, int64_t image, int64_t y, int64_t x, int64_t count, uint8_t *out_rows) {
    const qn_conv_f32_params *p = &plan->p;
    const int64_t x0 = x * p->stride_w - p->pad_left, cell_bytes = p->in_c * plan->elem_bytes;
    const int side_by_side = p->dilation_w == 1 && p->src_stride == p->in_c;
    for (int64_t ky = 0; ky < p->kernel_h; ky++, out_rows += p->kernel_w * cell_bytes) {
        const int64_t sy = y * p->stride_h - p->pad_top + ky * p->dilation_h;
        const int inside = sy >= 0 && sy < p->in_h;
        const int64_t start = (image * p->in_h + sy) * p->in_w * p->src_stride;
        const uint8_t *line = inside ? qn_elem(p->src, start, plan->elem_bytes) : NULL;
        if (side_by_side || !inside) {
            gather_tap(plan, line, x0, count, p->kernel_w * p->in_c, out_rows);
            continue;
        }
        for (int64_t kx = 0; kx < p->kernel_w; kx++) {
            gather_tap(plan, line, x0 + kx * p->dilation_w, count, p->in_c, out_rows + kx * cell_bytes);
        }
    }
}

static void gather_block(const conv_plan *plan, int64_t first, int64_t count, uint8_t *out_rows) {
    const qn_conv_f32_params *p = &plan->p;
    while (count > 0) {
        const int64_t x = first % p->out_w, row = first / p->out_w;
        const int64_t run = qn_min_i64(count, p->out_w - x);
        gather_run(plan, row / p->out_h, row % p->out_h, x, run, out_rows);
        first += run;
        count -= run;
        out_rows += run * plan->gather_stride * plan->elem_bytes;
    }
}

/* The rows of pixels first .. first + count - 1 as floats in scratch. */
static void fill_scratch(const conv_plan *plan, int64_t first, int64_t count, uint8_t *scratch) {
    const qn_conv_f32_params *p = &plan->p;
    float *rows = (float *)(void *)scratch;
    if (!p->half) {
        gather_block(plan, first, count, scratch);
        return;
    }
    const uint16_t *from = qn_elem(p->src, first * p->src_stride, sizeof *from);
    int64_t stride = p->src_stride;
    if (plan->raw_offset) {
        gather_block(plan, first, count, scratch + plan->raw_offset);
        from = (const uint16_t *)(void *)(scratch + plan->raw_offset);
        stride = plan->gather_stride;
    }
    if (stride == plan->depth && plan->gather_stride == plan->depth) {
        p->half->widen(from, rows, count * plan->depth);
        return;
    }
    for (int64_t i = 0; i < count; i++, from += stride, rows += plan->gather_stride) {
        p->half->widen(from, rows, plan->depth);
    }
}

static void run_task(const conv_plan *plan, int64_t task, void *scratch) {
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
    const float *gathered = scratch;
    if (plan->gather_stride) fill_scratch(plan, first, end - first, scratch);
    for (int64_t pixel = first; pixel < end; pixel += tile_rows) {
        tile.rows = qn_min_i64(tile_rows, end - pixel);
        tile.src = plan->gather_stride ? gathered + (pixel - first) * plan->gather_stride
                                       : (const float *)p->src + pixel * p->src_stride;
        for (int64_t o = first_out; o < end_out; o += tile_outputs) {
            tile.outputs = qn_min_i64(tile_outputs, end_out - o);
            tile.weights = qn_elem(p->weights, o * plan->depth, plan->elem_bytes);
            tile.bias = p->bias ? qn_elem(p->bias, o, plan->elem_bytes) : NULL;
            tile.addend = p->addend ? qn_elem(p->addend, pixel * p->out_c + o, plan->elem_bytes) : NULL;
            tile.dst = qn_elem_mut(p->dst, pixel * p->dst_stride + o, plan->elem_bytes);
            p->kernel->tile(&tile);
        }
    }
}

static void run_conv(const void *params, int64_t begin, int64_t end, void *scratch) {
    for (int64_t task = begin; task < end; task++) run_task(params, task, scratch);
}

/* Whether row i of the left matrix is pixel i of the source. */
static int rows_are_pixels(const qn_conv_f32_params *p) {
    return p->kernel_h == 1 && p->kernel_w == 1 && p->stride_h == 1 && p->stride_w == 1 && p->pad_top == 0 &&
           p->pad_left == 0 && p->in_h == p->out_h && p->in_w == p->out_w;
}

/* Rows a multiple of 4 KiB apart would all fall into the same set of the first cache level. */
static int rows_collide(const qn_conv_f32_params *p, int64_t stride) {
    return stride % 1024 == 0 && p->batch * p->out_h * p->out_w >= 4;
}

/* How the tiles come to the left matrix: gather_stride and whether it is gathered before it is widened. */
static void choose_source(conv_plan *plan) {
    const qn_conv_f32_params *p = &plan->p;
    const int pixels = rows_are_pixels(p), packed = pixels && p->src_stride == p->in_c;
    if (plan->depth == 0 || (!p->half && pixels && !rows_collide(p, p->src_stride))) return;
    /* One line beyond the row, so that no two rows of a tile compete for the same cache set. */
    plan->gather_stride = qn_round_line(plan->depth) + 16;
    if (p->half && packed && !rows_collide(p, plan->depth)) plan->gather_stride = plan->depth;
    if (p->half && !pixels) plan->raw_offset = 1; /* which is settled with the blocks */
}

static void choose_blocks(conv_plan *plan) {
    const qn_conv_f32_params *p = &plan->p;
    const int64_t tile_rows = p->kernel->tile_rows, tile_panels = p->kernel->tile_panels;
    const int64_t panel_bytes = plan->depth * QN_CONV_PANEL * plan->elem_bytes;
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
    plan.elem_bytes = qn_storage_bytes(params->half);
    assert(params->src_stride >= params->in_c && params->dst_stride >= params->out_c);
    if (plan.pixels == 0 || plan.panels == 0) {
        QN_WORK_SET(out_work, run_conv, 0, 0, params->kernel->name, plan);
        return;
    }
    choose_source(&plan);
    choose_blocks(&plan);
    const int64_t floats = qn_round_line(plan.gather_stride * qn_min_i64(plan.block_pixels, plan.pixels));
    int64_t scratch = floats * (int64_t)sizeof(float);
    if (plan.raw_offset) {
        plan.raw_offset = scratch;
        scratch += floats * plan.elem_bytes;
    }
    const int64_t tasks = plan.pixel_blocks * qn_ceil_div(plan.panels, plan.block_panels);
    QN_WORK_SET(out_work, run_conv, tasks, scratch, params->kernel->name, plan);
}
