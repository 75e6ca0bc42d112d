/* kernel/conv_matrix.h - what the drivers of convolutions share, whatever the elements are.
 *
 * A convolution is a matrix product. The left matrix has one row per output pixel and one column per (ky, kx, c). A
 * pointwise convolution of stride 1 has it in memory already; any other gathers the rows of a task's pixels into
 * scratch first. A task is a block of pixels by a block of panels; K is never split. The block of panels is chosen to
 * stay in the second cache level while the tiles of pixels pass by, each tile staying in the first level while the
 * panels pass by.
 */
#ifndef QN_KERNEL_CONV_MATRIX_H
#define QN_KERNEL_CONV_MATRIX_H

#include "kernel/work.h"

/* ---- The left matrix ---- */

typedef struct qn_conv_matrix {
    const void *src;                /* [batch, in_h, in_w, in_c] */
    int64_t elem_bytes, src_stride; /* elements from one pixel to the next */
    int64_t outside; /* the value of elements outside the picture; not 0 only for elements of 1 or 2 bytes */
    int64_t in_h, in_w, in_c, out_h, out_w;
    int64_t kernel_h, kernel_w, stride_h, stride_w, dilation_h, dilation_w, pad_top, pad_left;
    int64_t row_bytes; /* from one gathered row to the next: at least 16 more than a row has */
    int64_t src_bytes; /* of all of src */
} qn_conv_matrix;

/* Of the parameters of a family, which name the geometry alike. */
#define QN_CONV_MATRIX(p, pixel_stride, bytes, outside_value, gathered_bytes)                                          \
    {                                                                                                                  \
        .src = (p)->src, .elem_bytes = (bytes), .src_stride = (pixel_stride), .outside = (outside_value),              \
        .in_h = (p)->in_h, .in_w = (p)->in_w, .in_c = (p)->in_c, .out_h = (p)->out_h, .out_w = (p)->out_w,             \
        .kernel_h = (p)->kernel_h, .kernel_w = (p)->kernel_w, .stride_h = (p)->stride_h, .stride_w = (p)->stride_w,    \
        .dilation_h = (p)->dilation_h, .dilation_w = (p)->dilation_w, .pad_top = (p)->pad_top,                         \
        .pad_left = (p)->pad_left, .row_bytes = (gathered_bytes),                                                      \
        .src_bytes = (((p)->batch * (p)->in_h * (p)->in_w - 1) * (pixel_stride) + (p)->in_c) * (bytes),                \
    }

/* Whether row i of the left matrix is pixel i of the source. */
#define QN_CONV_ROWS_ARE_PIXELS(p)                                                                                     \
    ((p)->kernel_h == 1 && (p)->kernel_w == 1 && (p)->stride_h == 1 && (p)->stride_w == 1 && (p)->pad_top == 0 &&      \
     (p)->pad_left == 0 && (p)->in_h == (p)->out_h && (p)->in_w == (p)->out_w)

/* Rows a multiple of 4 KiB apart would all fall into the same set of the first cache level. */
static inline int qn_conv_rows_collide(int64_t pixels, int64_t stride_bytes) {
    return stride_bytes % 4096 == 0 && pixels >= 4;
}

/* Copies the rows of output pixels first .. first + count - 1 of all pictures to `out_rows`, row_bytes apart; the
   elements of a row stand in the order (ky, kx, c). May write up to 15 bytes behind the elements of a row. */
void qn_conv_gather(const qn_conv_matrix *matrix, int64_t first, int64_t count, uint8_t *out_rows);

/* ---- Tasks ---- */

typedef struct qn_conv_blocks {
    /* In: */
    int64_t pixels, panels, depth;
    int64_t panel_bytes; /* of the packed weights */
    int64_t row_bytes;   /* of a row in scratch; 0: not gathered */
    int64_t tile_rows, tile_panels;
    int64_t task_macs; /* multiply-adds of the smallest task that is worth a thread's while */
    /* Out: */
    int64_t block_pixels, block_panels, pixel_blocks, tasks;
} qn_conv_blocks;

/* Fills the fields after "Out". */
void qn_conv_choose_blocks(qn_conv_blocks *blocks);

#endif
