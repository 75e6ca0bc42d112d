/* kernel/conv_f32.c - driver of conv_f32 and conv_f16 (conv_matrix.h says how a convolution is cut).
 *
 * Tiles read the left matrix as floats. Where it is stored in half precision its rows are always widened into scratch:
 * straight from the source if they lie there one after the other, else after gathering them as they are.
 */
#include "kernel/conv_matrix.h"

enum { TASK_MACS = 1 << 20 };

typedef struct conv_plan {
    qn_conv_f32_params p;
    int64_t pixels, depth;
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

static void gather_block(const conv_plan *plan, int64_t first, int64_t count, uint8_t *out_rows) {
    const qn_conv_f32_params *p = &plan->p;
    const qn_conv_matrix matrix =
        QN_CONV_MATRIX(p, p->src_stride, plan->elem_bytes, 0, plan->gather_stride * plan->elem_bytes);
    qn_conv_gather(&matrix, first, count, out_rows);
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

/* Decides how tiles read the left matrix, that is gather_stride and raw_offset:
 *
 *     floats, rows are pixels            where they are (gather_stride 0), unless rows would collide in the cache
 *     floats, any other                  gathered into scratch
 *     halves, rows are pixels            widened from the source into scratch
 *     halves, any other                  gathered into scratch as halves (raw_offset), then widened in scratch
 */
static void choose_source(conv_plan *plan) {
    const qn_conv_f32_params *p = &plan->p;
    const int pixels = QN_CONV_ROWS_ARE_PIXELS(p), packed = pixels && p->src_stride == p->in_c;
    const int64_t bytes = (int64_t)sizeof(float);
    if (plan->depth == 0) return;
    if (!p->half && pixels && !qn_conv_rows_collide(plan->pixels, p->src_stride * bytes)) return;
    /* One line beyond the row, so that no two rows of a tile compete for the same cache set. */
    plan->gather_stride = qn_round_line(plan->depth) + 16;
    if (p->half && packed && !qn_conv_rows_collide(plan->pixels, plan->depth * bytes))
        plan->gather_stride = plan->depth;
    if (p->half && !pixels) plan->raw_offset = 1; /* the number of bytes is known with the blocks */
}

void qn_conv_f32_work(const qn_conv_f32_params *params, qn_work *out_work) {
    const qn_conv_f32_kernel *kernel = params->kernel;
    conv_plan plan = {.p = *params};
    const int64_t panels = qn_ceil_div(params->out_c, QN_CONV_PANEL);
    plan.pixels = params->batch * params->out_h * params->out_w;
    plan.depth = params->kernel_h * params->kernel_w * params->in_c;
    plan.elem_bytes = qn_storage_bytes(params->half);
    assert(params->src_stride >= params->in_c && params->dst_stride >= params->out_c);
    if (plan.pixels == 0 || panels == 0) {
        QN_WORK_SET(out_work, run_conv, 0, 0, kernel->name, plan);
        return;
    }
    choose_source(&plan);
    qn_conv_blocks blocks = {.pixels = plan.pixels,
                             .panels = panels,
                             .depth = plan.depth,
                             .panel_bytes = plan.depth * QN_CONV_PANEL * plan.elem_bytes,
                             .row_bytes = plan.gather_stride * (int64_t)sizeof(float),
                             .tile_rows = kernel->tile_rows,
                             .tile_panels = kernel->tile_panels,
                             .task_macs = TASK_MACS};
    qn_conv_choose_blocks(&blocks);
    plan.block_pixels = blocks.block_pixels;
    plan.block_panels = blocks.block_panels;
    plan.pixel_blocks = blocks.pixel_blocks;
    const int64_t floats = qn_round_line(plan.gather_stride * qn_min_i64(plan.block_pixels, plan.pixels));
    int64_t scratch = floats * (int64_t)sizeof(float);
    if (plan.raw_offset) {
        plan.raw_offset = scratch;
        scratch += floats * plan.elem_bytes;
    }
    assert(plan.gather_stride == 0 || plan.gather_stride >= plan.depth);
    QN_WORK_SET(out_work, run_conv, blocks.tasks, scratch, kernel->name, plan);
}
