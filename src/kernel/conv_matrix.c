/* kernel/conv_matrix.c - the left matrix gathered, and how a product is cut into tasks. */
#include "kernel/conv_matrix.h"

enum {
    PANEL_BLOCK_BYTES = 384 * 1024, /* packed weights that a task keeps coming back to */
    GATHER_BLOCK_BYTES = 256 * 1024,
    TASKS_WANTED = 64
};

/* ---- Gathering ---- */

enum { CHUNK = 16 };

/* Copies a few elements without the cost of a call, in chunks of CHUNK bytes. The last chunk may read and write
   beyond the elements: `room` says how many bytes may be read, and behind the elements in `dst` come those of a
   later tap, which are written later, or the bytes between two rows. */
static inline void copy_elems(uint8_t *dst, const uint8_t *src, int64_t bytes, int64_t room) {
    if (bytes > 256 || room < bytes + CHUNK) {
        memcpy(dst, src, (size_t)bytes);
        return;
    }
    for (int64_t i = 0; i < bytes; i += CHUNK) memcpy(dst + i, src + i, CHUNK);
}

static void fill_outside(const qn_conv_matrix *m, uint8_t *dst, int64_t bytes) {
    if (m->outside && m->elem_bytes == 2) {
        const uint16_t value = (uint16_t)m->outside;
        for (; bytes > 0; bytes -= 2, dst += 2) memcpy(dst, &value, sizeof value);
    } else {
        memset(dst, (int)(uint8_t)m->outside, (size_t)bytes);
    }
}

/* Output pixels x .. x + count - 1 of one row, a tap of `elems` elements at a time; `line` is the source row under the
   tap and `at` the first pixel's cell in it. */
static void gather_tap(const qn_conv_matrix *m, const uint8_t *line, int64_t at, int64_t count, int64_t elems,
                       uint8_t *out_cell) {
    const int64_t cell_bytes = m->in_c * m->elem_bytes, pixel_bytes = m->src_stride * m->elem_bytes;
    const int64_t cells = qn_ceil_div(elems, m->in_c); /* more than one only if they lie side by side in the source */
    const int64_t bytes = elems * m->elem_bytes;
    const uint8_t *end = (const uint8_t *)m->src + m->src_bytes;
    for (int64_t i = 0; i < count; i++, at += m->stride_w, out_cell += m->row_bytes) {
        if (line && at >= 0 && at + cells <= m->in_w) {
            const uint8_t *cell = line + at * pixel_bytes;
            copy_elems(out_cell, cell, bytes, end - cell);
        } else if (cells == 1 || !line) {
            fill_outside(m, out_cell, bytes);
        } else {
            for (int64_t c = 0; c < cells; c++) gather_tap(m, line, at + c, 1, m->in_c, out_cell + c * cell_bytes);
        }
    }
}

/* Copies the window of each of the output pixels x .. x + count - 1 of row y to a row of its own. */
static void gather_run(const qn_conv_matrix *m, int64_t image, int64_t y, int64_t x, int64_t count, uint8_t *out_rows) {
    const int64_t x0 = x * m->stride_w - m->pad_left, cell_bytes = m->in_c * m->elem_bytes;
    const int side_by_side = m->dilation_w == 1 && m->src_stride == m->in_c;
    for (int64_t ky = 0; ky < m->kernel_h; ky++, out_rows += m->kernel_w * cell_bytes) {
        const int64_t sy = y * m->stride_h - m->pad_top + ky * m->dilation_h;
        const int inside = sy >= 0 && sy < m->in_h;
        const int64_t start = (image * m->in_h + sy) * m->in_w * m->src_stride;
        const uint8_t *line = inside ? qn_elem(m->src, start, m->elem_bytes) : NULL;
        if (side_by_side || !inside) {
            gather_tap(m, line, x0, count, m->kernel_w * m->in_c, out_rows);
            continue;
        }
        for (int64_t kx = 0; kx < m->kernel_w; kx++) {
            gather_tap(m, line, x0 + kx * m->dilation_w, count, m->in_c, out_rows + kx * cell_bytes);
        }
    }
}

void qn_conv_gather(const qn_conv_matrix *m, int64_t first, int64_t count, uint8_t *out_rows) {
    while (count > 0) {
        const int64_t x = first % m->out_w, row = first / m->out_w;
        const int64_t run = qn_min_i64(count, m->out_w - x);
        gather_run(m, row / m->out_h, row % m->out_h, x, run, out_rows);
        first += run;
        count -= run;
        out_rows += run * m->row_bytes;
    }
}

/* ---- Tasks ---- */

/* For example, 1089 pixels (33 x 33), 256 outputs (16 panels), depth 320, floats, tiles of 14 rows by 2 panels,
   tasks of at least 2^20 multiply-adds: the 89 million are worth 85 tasks, so TASKS_WANTED = 64 are wanted. All
   panels have 320 KB, which stay in the second cache level, so there is one block of 16 panels. The 78 tiles of
   pixels are shared among 64 tasks: 2 tiles each, so blocks of 28 pixels, of which there are 39: 39 tasks. */
void qn_conv_choose_blocks(qn_conv_blocks *b) {
    assert(b->pixels > 0 && b->panels > 0 && b->tile_rows > 0 && b->tile_panels > 0);
    const int64_t macs = b->pixels * b->panels * QN_CONV_PANEL * b->depth;
    const int64_t wanted = qn_max_i64(1, qn_min_i64(TASKS_WANTED, macs / b->task_macs));
    const int64_t tiles = qn_ceil_div(b->pixels, b->tile_rows);
    int64_t panel_blocks = qn_max_i64(1, qn_ceil_div(b->panels * b->panel_bytes, PANEL_BLOCK_BYTES));
    if (panel_blocks * tiles < wanted) panel_blocks = qn_ceil_div(wanted, tiles);
    b->block_panels = qn_ceil_div(qn_ceil_div(b->panels, panel_blocks), b->tile_panels) * b->tile_panels;
    panel_blocks = qn_ceil_div(b->panels, b->block_panels);

    int64_t block_tiles = qn_ceil_div(tiles, qn_ceil_div(wanted, panel_blocks));
    if (b->row_bytes)
        block_tiles = qn_max_i64(1, qn_min_i64(block_tiles, GATHER_BLOCK_BYTES / (b->row_bytes * b->tile_rows)));
    b->block_pixels = block_tiles * b->tile_rows;
    b->pixel_blocks = qn_ceil_div(b->pixels, b->block_pixels);
    b->tasks = b->pixel_blocks * panel_blocks;
    assert(b->pixel_blocks * b->block_pixels >= b->pixels && panel_blocks * b->block_panels >= b->panels);
}
