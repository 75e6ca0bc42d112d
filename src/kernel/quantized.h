/* kernel/quantized.h - the kernel families on integers; part of kernel/kernel.h, which includes it.
 *
 * Sums are exact, so that every row gives the same bits in whatever order it adds. What becomes of a sum is said once,
 * by qn_requantize; docs/quantisation.md has the arithmetic.
 */
#ifndef QN_KERNEL_QUANTIZED_H
#define QN_KERNEL_QUANTIZED_H

#include <stddef.h>
#include <stdint.h>

struct qn_work;

typedef enum qn_storage { QN_STORAGE_NONE, QN_STORAGE_U8, QN_STORAGE_S16, QN_STORAGE_F16, QN_STORAGE_F32 } qn_storage;

/* From the sum of output channel o to the result, in float32, every operation rounded:
   t = float(acc) * multiplier[o]
   t = t + addend                                                     float addends (halves are widened)
   t = t + float(addend - addend_zero_point) * addend_multiplier[o]   integer addends
   t = t < limit[o] ? t : limit[o]; t = t > low ? t : low; t = t < high ? t : high
   integers: round half to even, + zero_point (low and high see to it that the type holds it); halves: rounded once.
   Vectors have one element per output channel, unpadded.

   For example, to uint8 with zero point 10, so low -10 and high 245, and multiplier 0.0125: acc 1500 gives t = 18.75,
   rounded 19, stored 29. acc -2000 gives t = -25, raised to -10, stored 0. With an integer addend 150, zero point 128 and
   addend multiplier 0.5 beside it acc 1500 gives t = 18.75 + 22 * 0.5 = 29.75, stored 40. */
typedef struct qn_requantize {
    const float *multiplier;
    const float *limit;             /* or NULL */
    const float *addend_multiplier; /* integer addends only */
    const void *addend;             /* laid out as dst, dense; may be dst itself if of its size; or NULL */
    void *dst;
    float low, high;
    int32_t zero_point, addend_zero_point;
    int64_t dst_storage, addend_storage; /* qn_storage */
} qn_requantize;

/* ---- Families conv_u8, conv_s16 and conv_s16s8: convolution with groups == 1, and matrix product (1 tap) ----
   acc[n,y,x,o] = bias[o] + sum over ky, kx, c of src[n, y*stride - pad + ky*dilation, ...] * w[ky, kx, c, o], src
   outside the picture read as pad_value. conv_u8: src uint8, weights int8, bias and acc int32; the caller sees to it
   that no sum leaves int32 (KH*KW*Cin <= QN_CONV_U8_MAX_DEPTH and |bias| < 2^30 do). conv_s16: src and weights int16,
   bias and acc int64. conv_s16s8: the same with weights int8. Packed weights: panels of 16 outputs, the last one padded
   with zeros; within a panel
   panel16x4 of u8:    [ceil(K/4)][16][4] int8    element (k, o) at ((o/16 * ceil(K/4) + k/4) * 16 + o%16) * 4 + k%4
   panel16x2 of s16:   [ceil(K/2)][16][2] int16   element (k, o) at ((o/16 * ceil(K/2) + k/2) * 16 + o%16) * 2 + k%2
   panel16x2 of s16s8: the same of int8
   K padded with zeros, k = (ky*KW + kx)*Cin + c. */

enum { QN_CONV_U8_MAX_DEPTH = 32768 };

typedef struct qn_conv_int_params {
    const void *kernel; /* of the family */
    const void *src;    /* [batch, in_h, in_w, in_c], dense */
    const void *weights, *bias;
    int64_t batch, in_h, in_w, in_c, out_h, out_w, out_c;
    int64_t kernel_h, kernel_w, stride_h, stride_w, dilation_h, dilation_w, pad_top, pad_left;
    int64_t pad_value;
    qn_requantize result;
} qn_conv_int_params;

/* Innermost tile, as qn_conv_f32_tile: `rows` output pixels by `outputs` outputs; strides and depth are in elements. */
typedef struct qn_conv_int_tile {
    const void *src; /* row r: depth elements */
    int64_t src_stride, depth;
    const void *weights;   /* first panel */
    int64_t panel_stride;  /* from one panel to the next */
    const void *bias;      /* [outputs] */
    qn_requantize result;  /* its pointers start at row 0 and the first output */
    int64_t result_stride; /* from a row of dst, and of addend, to the next */
    int64_t rows, outputs;
} qn_conv_int_tile;

typedef struct qn_conv_int_kernel {
    const char *name;
    int tile_rows, tile_panels;
    void (*tile)(const qn_conv_int_tile *tile);
    void (*begin)(void), (*end)(void); /* or NULL: around the tiles that a thread runs */
} qn_conv_int_kernel;
typedef qn_conv_int_kernel qn_conv_u8_kernel, qn_conv_s16_kernel, qn_conv_s16s8_kernel;

size_t qn_conv_u8_packed_bytes(int64_t taps_by_cin, int64_t cout);
size_t qn_conv_s16_packed_bytes(int64_t taps_by_cin, int64_t cout);
size_t qn_conv_s16s8_packed_bytes(int64_t taps_by_cin, int64_t cout);
/* From [KH, KW, Cin, Cout] = [taps_by_cin, cout]. */
void qn_conv_u8_pack(const int8_t *weights, int64_t taps_by_cin, int64_t cout, int8_t *out_packed);
void qn_conv_s16_pack(const int16_t *weights, int64_t taps_by_cin, int64_t cout, int16_t *out_packed);
void qn_conv_s16s8_pack(const int8_t *weights, int64_t taps_by_cin, int64_t cout, int8_t *out_packed);
void qn_conv_u8_work(const qn_conv_int_params *params, struct qn_work *out_work);
void qn_conv_s16_work(const qn_conv_int_params *params, struct qn_work *out_work);
void qn_conv_s16s8_work(const qn_conv_int_params *params, struct qn_work *out_work);

/* ---- Families depthwise_u8 and depthwise_s16: groups == Cin == Cout; in_c == out_c == channels ---- The same formula
   with one channel. Packed weights: blocks of 16 channels, the last one padded with zeros; within a block channel16x4
   of u8: [ceil(KH/4)][KW][16][4] int8
                      (ky, kx, c) at (((c/16 * ceil(KH/4) + ky/4) * KW + kx) * 16 + c%16) * 4 + ky%4
   channel16 of s16:  [KH*KW][16] int16
   KH padded with zeros: four taps of one column stand side by side, as dot products of bytes want them. */

enum { QN_DEPTHWISE_BLOCK = 16, QN_DEPTHWISE_GROUP = 4 }; /* channels; taps of one column */

/* Interleaves four source rows: the bytes of one column, of all channels, become one cell of 4 * channels bytes. A
   narrow cell, of 1 .. 16 channels, has 64 bytes, of which channel c has bytes 4 * c .. 4 * c + 3, one from each
   row. The order in a wide cell is known to its kernel only, which also reads it. */
typedef struct qn_depthwise_u8_rows {
    const uint8_t *rows[QN_DEPTHWISE_GROUP]; /* of the first channel */
    int64_t steps[QN_DEPTHWISE_GROUP];       /* from one cell to the next */
    int64_t cells, channels;
    uint8_t *out_cells;
} qn_depthwise_u8_rows;

/* A run of output columns of one row and some channels, from cells as above; steps are in bytes. */
typedef struct qn_depthwise_u8_tile {
    const uint8_t *cells;                 /* group 0, tap 0 of column 0 */
    int64_t column_step, tap_step;        /* from one column to the next, from one tap of a row to the next */
    int64_t group_step, groups, kernel_w; /* from one group of four rows to the next */
    int64_t above; /* 0 or 1: rows of the cells above the window; with 1 its last row has weight 0 */
    int64_t columns, channels;
    const int8_t *weights; /* of the first block of 16 channels */
    const int32_t *bias;
    qn_requantize result; /* its pointers start at column 0 and the first channel */
    int64_t result_stride;
} qn_depthwise_u8_tile;

enum { QN_DEPTHWISE_WIDE_TAPS = 16, QN_DEPTHWISE_WIDTHS = 2 };

/* The same for exactly `channels` channels, a multiple of 16: results in bytes without an addend, groups * kernel_w at
   most QN_DEPTHWISE_WIDE_TAPS. */
typedef struct qn_depthwise_u8_wide {
    int64_t channels;
    void (*interleave)(const qn_depthwise_u8_rows *rows);
    void (*tile)(const qn_depthwise_u8_tile *tile);
} qn_depthwise_u8_wide;

typedef struct qn_depthwise_u8_kernel {
    const char *name;
    void (*interleave)(const qn_depthwise_u8_rows *rows);
    void (*tile)(const qn_depthwise_u8_tile *tile);
    const qn_depthwise_u8_wide *wide[QN_DEPTHWISE_WIDTHS]; /* the widest first; or NULL */
} qn_depthwise_u8_kernel;

/* Where a tap reads for column 0, and the elements from there to where it reads for the next column: 0 for a tap
   that lies outside the picture and reads a line of pad_value for every column. */
typedef struct qn_depthwise_s16_source {
    const int16_t *at;
    int64_t step;
} qn_depthwise_s16_source;

/* A run of output columns of one row and one block of channels. */
typedef struct qn_depthwise_s16_tile {
    const qn_depthwise_s16_source *sources; /* [taps], of the first channel */
    int64_t taps, columns, channels;        /* columns: 1 .. QN_DEPTHWISE_S16_COLUMNS, channels: 1 .. 16 */
    const int16_t *weights;                 /* of the block */
    const int64_t *bias;
    qn_requantize result; /* its pointers start at column 0 and the first channel */
    int64_t result_stride;
} qn_depthwise_s16_tile;

enum { QN_DEPTHWISE_S16_COLUMNS = 64 };

typedef struct qn_depthwise_s16_kernel {
    const char *name;
    void (*tile)(const qn_depthwise_s16_tile *tile);
} qn_depthwise_s16_kernel;

size_t qn_depthwise_u8_packed_bytes(int64_t kernel_h, int64_t kernel_w, int64_t channels);
size_t qn_depthwise_s16_packed_bytes(int64_t kernel_h, int64_t kernel_w, int64_t channels);
/* From [KH, KW, C]. */
void qn_depthwise_u8_pack(const int8_t *weights, int64_t kernel_h, int64_t kernel_w, int64_t channels,
                          int8_t *out_packed);
void qn_depthwise_s16_pack(const int16_t *weights, int64_t kernel_h, int64_t kernel_w, int64_t channels,
                           int16_t *out_packed);
void qn_depthwise_u8_work(const qn_conv_int_params *params, struct qn_work *out_work);
void qn_depthwise_s16_work(const qn_conv_int_params *params, struct qn_work *out_work);

/* ---- Family add_int: two integers of one type, element by element ----
   t = float(a - a_zero_point[c]) * multiplier[c] in the place of the sum, b being the integer addend; then as
   qn_requantize says, but with a zero point of b, too, for each channel. */

enum { QN_ADD_MULTIPLIER, QN_ADD_B_MULTIPLIER, QN_ADD_ZERO_POINT, QN_ADD_B_ZERO_POINT, QN_ADD_LIMIT, QN_ADD_VECTORS };

typedef struct qn_add_int_params {
    const void *kernel; /* qn_add_int_kernel */
    const void *a;      /* [elems], laid out and stored as the addend, b */
    const int32_t *zero_point, *b_zero_point;
    int64_t vector_elems[QN_ADD_VECTORS]; /* 1, or channels; 0: there is none */
    int64_t elems, channels;              /* element i belongs to channel i % channels */
    qn_requantize result;                 /* addend u8 or s16; dst overlaps neither operand */
} qn_add_int_params;

/* A run of elements: every vector has an element for each of them. */
typedef struct qn_add_int_piece {
    const void *a;
    const int32_t *zero_point, *b_zero_point;
    qn_requantize result; /* its pointers start at the first element */
    int64_t count;
} qn_add_int_piece;

typedef struct qn_add_int_kernel {
    const char *name;
    void (*add[2])(const qn_add_int_piece *piece); /* u8, s16 */
} qn_add_int_kernel;

void qn_add_int_work(const qn_add_int_params *params, struct qn_work *out_work);

/* ---- Family quantize: between floats and integers, element by element ----
   to integers: t = x * factor[c], rounded; clamped into what the type holds less zero_point[c] (a NaN becomes the
   lowest); rounded half to even, + zero_point[c]. u8 holds 0 .. 255, s16 -32767 .. 32767. to floats: float(q -
   zero_point[c]) * factor[c], rounded; once more for halves. */

typedef struct qn_quantize_params {
    const void *kernel;               /* qn_quantize_kernel */
    const void *src;                  /* [elems] of src_storage */
    void *dst;                        /* [elems] of dst_storage; no overlap */
    const float *factor;              /* [factors] */
    const int32_t *zero_point;        /* [zero_points] */
    int64_t elems, channels;          /* element i belongs to channel i % channels */
    int64_t factors, zero_points;     /* 1, or channels */
    int64_t src_storage, dst_storage; /* qn_storage: one of them a float type, the other an integer one */
} qn_quantize_params;

/* Functions by [is half][is s16]. each: factor and zero_point have an element for every element, else one for all. */
typedef struct qn_quantize_kernel {
    const char *name;
    void (*to_integer[2][2])(const void *src, const float *factor, const int32_t *zero_point, int each, void *dst,
                             int64_t count);
    void (*to_float[2][2])(const void *src, const float *factor, const int32_t *zero_point, int each, void *dst,
                           int64_t count);
} qn_quantize_kernel;

void qn_quantize_work(const qn_quantize_params *params, struct qn_work *out_work);

#endif
