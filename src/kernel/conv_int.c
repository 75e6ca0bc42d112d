/* kernel/conv_int.c - driver of the convolutions of integers (conv_matrix.h says how a convolution is cut). */
#include "kernel/conv_int.h"

#include "kernel/conv_matrix.h"

enum { TASK_MACS = 1 << 22, LINE = 64 };

typedef struct int_plan {
    qn_conv_int_params p;
    const qn_conv_int_family *family;
    int64_t pixels, depth, panel_elems;
    int64_t block_pixels, block_panels, pixel_blocks;
    int64_t row_bytes; /* between gathered rows; 0: the rows are read where they are */
} int_plan;

/* ---- Packing ---- */

/* Elements of one panel. */
static int64_t count_panel_elems(const qn_conv_int_family *family, int64_t depth) {
    return QN_CONV_PANEL * qn_ceil_div(depth, family->group) * family->group;
}

size_t qn_conv_int_packed_bytes(const qn_conv_int_family *family, int64_t taps_by_cin, int64_t cout) {
    const int64_t elems = qn_ceil_div(cout, QN_CONV_PANEL) * count_panel_elems(family, taps_by_cin);
    return (size_t)(elems * family->weight_bytes);
}

void qn_conv_int_pack(const qn_conv_int_family *family, const void *weights, int64_t taps_by_cin, int64_t cout,
                      void *out_packed) {
    const int64_t group = family->group, bytes = family->weight_bytes;
    const int64_t panel_elems = count_panel_elems(family, taps_by_cin);
    memset(out_packed, 0, qn_conv_int_packed_bytes(family, taps_by_cin, cout));
    for (int64_t k = 0; k < taps_by_cin; k++)
        for (int64_t o = 0; o < cout; o++) {
            const int64_t column = k / group * QN_CONV_PANEL + o % QN_CONV_PANEL;
            const int64_t at = o / QN_CONV_PANEL * panel_elems + column * group + k % group;
            memcpy(qn_elem_mut(out_packed, at, bytes), qn_elem(weights, k * cout + o, bytes), (size_t)bytes);
        }
}

/* ---- Work ---- */

/* Gathers the rows of pixels first .. first + count - 1 into scratch. Each row is filled up with zeros to whole
   groups of k: 27 values of conv_u8 become 28. */
static void gather(const int_plan *plan, int64_t first, int64_t count, uint8_t *rows) {
    const qn_conv_int_params *p = &plan->p;
    const int64_t elem_bytes = plan->family->elem_bytes, group = plan->family->group;
    const int64_t rest = qn_ceil_div(plan->depth, group) * group - plan->depth;
    const qn_conv_matrix matrix = QN_CONV_MATRIX(p, p->in_c, elem_bytes, p->pad_value, plan->row_bytes);
    qn_conv_gather(&matrix, first, count, rows);
    for (int64_t i = 0; rest && i < count; i++)
        memset(rows + i * plan->row_bytes + plan->depth * elem_bytes, 0, (size_t)(rest * elem_bytes));
}

static void run_task(const int_plan *plan, int64_t task, uint8_t *scratch) {
    const qn_conv_int_params *p = &plan->p;
    const qn_conv_int_kernel *kernel = p->kernel;
    const int64_t elem_bytes = plan->family->elem_bytes, group = plan->family->group;
    const int64_t first = task % plan->pixel_blocks * plan->block_pixels;
    const int64_t end = qn_min_i64(first + plan->block_pixels, plan->pixels);
    const int64_t first_panel = task / plan->pixel_blocks * plan->block_panels;
    const int64_t end_out = qn_min_i64((first_panel + plan->block_panels) * QN_CONV_PANEL, p->out_c);
    const int64_t tile_rows = kernel->tile_rows, tile_outputs = kernel->tile_panels * QN_CONV_PANEL;
    qn_conv_int_tile tile = {
        .src_stride = p->in_c, .depth = plan->depth, .panel_stride = plan->panel_elems, .result_stride = p->out_c};
    if (plan->row_bytes) {
        gather(plan, first, end - first, scratch);
        tile.src_stride = plan->row_bytes / elem_bytes;
        tile.depth = qn_ceil_div(plan->depth, group) * group;
    }
    for (int64_t pixel = first; pixel < end; pixel += tile_rows) {
        tile.rows = qn_min_i64(tile_rows, end - pixel);
        tile.src = plan->row_bytes ? scratch + (pixel - first) * plan->row_bytes
                                   : qn_elem(p->src, pixel * p->in_c, elem_bytes);
        for (int64_t o = first_panel * QN_CONV_PANEL; o < end_out; o += tile_outputs) {
            tile.outputs = qn_min_i64(tile_outputs, end_out - o);
            tile.weights = qn_elem(p->weights, o / QN_CONV_PANEL * plan->panel_elems, plan->family->weight_bytes);
            tile.bias = qn_elem(p->bias, o, plan->family->bias_bytes);
            tile.result = qn_requantize_from(&p->result, pixel * p->out_c + o, o);
            kernel->tile(&tile);
        }
    }
}

static void run_conv(const void *params, int64_t begin, int64_t end, void *scratch) {
    const int_plan *plan = params;
    const qn_conv_int_kernel *kernel = plan->p.kernel;
    if (kernel->begin) kernel->begin();
    for (int64_t task = begin; task < end; task++) run_task(plan, task, scratch);
    if (kernel->end) kernel->end();
}

void qn_conv_int_work(const qn_conv_int_family *family, const qn_conv_int_params *params, qn_work *out_work) {
    const qn_conv_int_kernel *kernel = params->kernel;
    int_plan plan = {.p = *params, .family = family};
    const int64_t panels = qn_ceil_div(params->out_c, QN_CONV_PANEL), bytes = family->elem_bytes;
    plan.pixels = params->batch * params->out_h * params->out_w;
    plan.depth = params->kernel_h * params->kernel_w * params->in_c;
    plan.panel_elems = count_panel_elems(family, plan.depth);
    if (plan.pixels == 0 || panels == 0) {
        QN_WORK_SET(out_work, run_conv, 0, 0, kernel->name, plan);
        return;
    }
    /* One line beyond the row, so that no two rows of a tile compete for the same cache set. */
    if (plan.depth && !(QN_CONV_ROWS_ARE_PIXELS(params) && !qn_conv_rows_collide(plan.pixels, params->in_c * bytes)))
        plan.row_bytes = (qn_ceil_div(plan.depth * bytes, LINE) + 1) * LINE;
    qn_conv_blocks blocks = {.pixels = plan.pixels,
                             .panels = panels,
                             .depth = plan.depth,
                             .panel_bytes = plan.panel_elems * family->weight_bytes,
                             .row_bytes = plan.row_bytes,
                             .tile_rows = kernel->tile_rows,
                             .tile_panels = kernel->tile_panels,
                             .task_macs = TASK_MACS};
    qn_conv_choose_blocks(&blocks);
    plan.block_pixels = blocks.block_pixels;
    plan.block_panels = blocks.block_panels;
    plan.pixel_blocks = blocks.pixel_blocks;
    const int64_t scratch = plan.row_bytes * qn_min_i64(plan.block_pixels, plan.pixels);
    QN_WORK_SET(out_work, run_conv, blocks.tasks, scratch, kernel->name, plan);
}
