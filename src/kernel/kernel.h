/* kernel/kernel.h - the kernel ABI. Kernels know this header and intrinsics, nothing else of quench.
 *
 * A `qn_work` is one step made concrete: a driver (portable C, kernel/<family>.c), its parameters, and a number of
 * independent tasks. Threads run ranges of tasks; the driver runs the innermost tile through a function chosen for
 * this CPU. What is computed does not depend on how tasks are split.
 *
 * Contract of every kernel: reads and writes exactly its tensors (tails are masked or copied), allocates nothing,
 * calls nothing outside its file, leaves rounding and denormal state alone. Float: each output of a convolution or
 * product is one in-order chain of fused multiply-adds over k starting from the bias (0 without one), so all rows of
 * kernels.def give the same bits. Formulas and packed layouts: docs/kernel-contracts.md.
 */
#ifndef QN_KERNEL_KERNEL_H
#define QN_KERNEL_KERNEL_H

#include <stddef.h>
#include <stdint.h>

#include "kernel/features.h"

/* ---- Work ---- */

enum { QN_WORK_PARAMS_BYTES = 384 };

typedef struct qn_work {
    /* Runs tasks [begin, end). `scratch`: scratch_bytes bytes, 64-aligned, private to the calling thread. */
    void (*run)(const void *params, int64_t begin, int64_t end, void *scratch);
    int64_t tasks;
    size_t scratch_bytes;
    const char *kernel; /* name of the chosen kernel, for bench; static */
    _Alignas(64) uint8_t params[QN_WORK_PARAMS_BYTES];
} qn_work;

/* ---- Selection ---- */

/* The kernels selected for one set of features: one row per family. */
typedef struct qn_kernel_set {
    const struct qn_conv_f32_kernel *conv_f32, *conv_f16;
    const struct qn_depthwise_f32_kernel *depthwise_f32, *depthwise_f16;
    const struct qn_elementwise_kernel *elementwise;
    const struct qn_pool_f32_kernel *pool_f32;
    const struct qn_pool_int_kernel *pool_int;
    const struct qn_resize_f32_kernel *resize_f32;
    const struct qn_argmax_f32_kernel *argmax_f32;
    const struct qn_convert_kernel *convert_f16, *convert_u8, *convert_s16;
    const struct qn_quantize_kernel *quantize;
    const struct qn_add_int_kernel *add_int;
    const struct qn_conv_int_kernel *conv_u8, *conv_s16, *conv_s16s8;
    const struct qn_depthwise_u8_kernel *depthwise_u8;
    const struct qn_depthwise_s16_kernel *depthwise_s16;
} qn_kernel_set;

/* The last row of each family in kernels.def whose needs are all in `features`. A pure function. */
void qn_kernel_select(qn_cpu_features features, qn_kernel_set *out_set);

/* One row of kernels.def, for listing and tests. */
typedef struct qn_kernel_row {
    const char *family, *name;
    qn_cpu_features needs;
    const void *kernel; /* the family's struct, or NULL where this build has no such code */
} qn_kernel_row;
size_t qn_kernel_row_count(void);
const qn_kernel_row *qn_kernel_row_at(size_t index);

/* ---- Families convert_f16, convert_u8 and convert_s16: between what is stored and float ----
   convert_f16: half precision (IEEE binary16, as uint16_t). To half: nearest, ties to even; subnormals and infinities
   kept, beyond the range infinite. NaNs keep their sign and the upper bits of their payload, and become quiet. To float:
   exact. convert_u8, convert_s16: integers. To integers: the nearest, half to even, within the type; a NaN becomes its
   least. To float: exact.

   Half precision as storage: the params of a family may hold a `half`. If it is not NULL, every operand said to hold
   floats holds halves. Arithmetic is the same, in float32; each result is rounded to half once, when it is stored. Where
   the params hold `stored` instead, it may be of any of the three families. */

typedef struct qn_convert_kernel {
    const char *name;
    int64_t elem_bytes; /* of what is stored */
    void (*widen)(const void *src, float *dst, int64_t count);
    void (*narrow)(const float *src, void *dst, int64_t count);
} qn_convert_kernel;
typedef qn_convert_kernel qn_convert_f16_kernel, qn_convert_u8_kernel, qn_convert_s16_kernel;

typedef struct qn_convert_f16_params {
    const struct qn_convert_kernel *kernel;
    const void *src; /* [elems] halves, or floats if to_half */
    void *dst;       /* [elems] of the other type; no overlap */
    int64_t elems, to_half;
} qn_convert_f16_params;

void qn_convert_f16_work(const qn_convert_f16_params *params, qn_work *out_work);

/* ---- Families conv_f32 and conv_f16: convolution with groups == 1, and matrix product (1 tap) ----
   dst[n, y, x, o] = act(bias[o] + sum over ky, kx, c of src[n, y*stride - pad + ky*dilation, ...] * w[ky, kx, c, o]
                         [+ addend[n, y, x, o]]), src outside the picture read as 0.
   act(v): t = act_min > v ? act_min : v; act_max < t ? act_max : t. A NaN stays a NaN. Weights `panel16`
   (kernel/packing.h): for each block of 16 outputs (last one padded with zeros): [KH*KW*Cin][16] floats. The chain
   of fused multiply-adds runs over ky, kx, c in this order from the bias; the addend is added after it. conv_f16 is
   conv_f32 with all operands stored in half precision: `half` is given and `kernel` is of that family. */

enum { QN_CONV_PANEL = 16 };

typedef struct qn_conv_f32_params {
    const struct qn_conv_f32_kernel *kernel;
    const struct qn_convert_kernel *half; /* or NULL; all operands alike */
    const void *src;                      /* [batch, in_h, in_w, in_c], pixel stride src_stride */
    const void *weights;                  /* panel16 */
    const void *bias;                     /* [out_c], or NULL */
    const void *addend; /* [batch, out_h, out_w, out_c], pixel stride out_c, or NULL; may be dst itself */
    void *dst;          /* [batch, out_h, out_w, out_c], pixel stride dst_stride */
    int64_t batch, in_h, in_w, in_c, out_h, out_w, out_c;
    int64_t src_stride, dst_stride; /* in elements */
    int64_t kernel_h, kernel_w, stride_h, stride_w, dilation_h, dilation_w, pad_top, pad_left;
    float act_min, act_max; /* -inf / +inf for none */
} qn_conv_f32_params;

/* Innermost tile: `rows` (1 .. tile_rows) output pixels by as many panels of 16 as `outputs` needs
   (1 .. tile_panels * 16 outputs). Row r of anything starts r strides after row 0; strides are in elements. What is
   void here holds floats in tiles of conv_f32, halves in those of conv_f16. */
typedef struct qn_conv_f32_tile {
    const float *src; /* row r: depth floats, the chain's left factors in order */
    int64_t src_stride, depth;
    const void *weights;  /* first panel: [depth][16] */
    int64_t panel_stride; /* from one panel to the next */
    const void *bias;     /* [outputs], or NULL for 0 */
    const void *addend;   /* row r: [outputs], or NULL; may be dst itself */
    int64_t addend_stride;
    void *dst; /* row r: [outputs] */
    int64_t dst_stride;
    int64_t rows, outputs;
    float act_min, act_max;
} qn_conv_f32_tile;

typedef struct qn_conv_f32_kernel {
    const char *name;
    int tile_rows, tile_panels;
    void (*tile)(const qn_conv_f32_tile *tile);
} qn_conv_f32_kernel;
typedef qn_conv_f32_kernel qn_conv_f16_kernel;

/* Elements of the packed weights, and packing from [KH, KW, Cin, Cout] = [taps_by_cin, cout]. */
size_t qn_conv_f32_packed_elems(int64_t taps_by_cin, int64_t cout);
void qn_conv_f32_pack(const float *weights, int64_t taps_by_cin, int64_t cout, float *out_packed);
void qn_conv_f16_pack(const uint16_t *weights, int64_t taps_by_cin, int64_t cout, uint16_t *out_packed);
void qn_conv_f32_work(const qn_conv_f32_params *params, qn_work *out_work);

/* ---- Families depthwise_f32 and depthwise_f16: groups == Cin == Cout ----
   Weights `channel16`: [ceil(C/16)][KH*KW][16] floats, zero padded. Same chain, over ky, kx from the bias. */

typedef struct qn_depthwise_f32_params {
    const struct qn_depthwise_f32_kernel *kernel;
    const struct qn_convert_kernel *half;      /* as in conv_f32 */
    const void *src, *weights, *bias, *addend; /* the same; dense */
    void *dst;
    int64_t batch, in_h, in_w, channels, out_h, out_w;
    int64_t kernel_h, kernel_w, stride_h, stride_w, dilation_h, dilation_w, pad_top, pad_left;
    float act_min, act_max;
} qn_depthwise_f32_params;

/* A run of output columns of one row, some channels: from a multiple of 16 to another one or to the last. What is void
   here holds floats in tiles of depthwise_f32, halves in those of depthwise_f16. */
typedef struct qn_depthwise_f32_tile {
    const void *const *sources; /* [taps]: where tap t reads the first channel for column 0; NULL if it lies outside the
                                   picture, for all columns. The taps outside are whole rows and whole columns of the
                                   window. */
    int64_t source_step;        /* elements from where a tap reads for one column to where it reads for the next */
    const void *ahead;          /* data, laid out like a source, that another tile will read soon: a hint; or NULL */
    int64_t kernel_w, taps, columns, channels;
    const void *weights, *bias; /* of the first channel on; bias [channels] or NULL */
    const void *addend;         /* column 0, or NULL */
    void *dst;                  /* column 0; may be addend */
    int64_t dst_step;           /* elements from one column of dst and addend to the next */
    float act_min, act_max;
} qn_depthwise_f32_tile;

typedef struct qn_depthwise_f32_kernel {
    const char *name;
    void (*tile)(const qn_depthwise_f32_tile *tile);
} qn_depthwise_f32_kernel;
typedef qn_depthwise_f32_kernel qn_depthwise_f16_kernel;

size_t qn_depthwise_f32_packed_elems(int64_t taps, int64_t channels);
void qn_depthwise_f32_pack(const float *weights, int64_t taps, int64_t channels, float *out_packed);
void qn_depthwise_f16_pack(const uint16_t *weights, int64_t taps, int64_t channels, uint16_t *out_packed);
void qn_depthwise_f32_work(const qn_depthwise_f32_params *params, qn_work *out_work);

/* ---- Family elementwise (f32): binary with operands of equal size or a repeating one, and unary ---- */

/* clang-format off */
typedef enum qn_elementwise_code {
    QN_EW_ADD, QN_EW_SUB, QN_EW_MUL, QN_EW_DIV, QN_EW_MAX, QN_EW_MIN, /* binary; max and min: NaN if either is */
    QN_EW_CLAMP,                                                      /* as act() of conv_f32 */
    QN_EW_ABS, QN_EW_NEG, QN_EW_SQUARE, QN_EW_SQRT, QN_EW_RSQRT,      /* rsqrt: 1 / sqrt, both correctly rounded */
    QN_EW_EXP, QN_EW_SIGMOID, QN_EW_TANH,                             /* our own polynomials, same bits everywhere */
    QN_EW_U8_TO_F32,                                                  /* a is uint8 */
    QN_EW_COUNT
} qn_elementwise_code;
/* clang-format on */

typedef struct qn_elementwise_params {
    const struct qn_elementwise_kernel *kernel;
    const struct qn_convert_kernel *half; /* or NULL; of a, b (not where they are uint8) and dst */
    int64_t code;
    const void *a, *b;          /* b NULL for unary */
    void *dst;                  /* may be a or b itself when that one does not repeat */
    int64_t elems;              /* of dst */
    int64_t a_period, b_period; /* operand index is i mod period; period == elems: no repetition; 1: scalar */
    float low, high;            /* CLAMP */
} qn_elementwise_params;

typedef struct qn_elementwise_kernel {
    const char *name;
    /* dst[i] = f(a[i], b[i]) for i < count. a_scalar/b_scalar: read element 0 throughout. */
    void (*run[QN_EW_COUNT])(const void *a, int a_scalar, const void *b, int b_scalar, float *dst, int64_t count,
                             float low, float high);
} qn_elementwise_kernel;

void qn_elementwise_work(const qn_elementwise_params *params, qn_work *out_work);

/* ---- Families pool_f32 and pool_int: max and average over windows, NHWC ---- pool_int, of uint8 or int16: the
   maximum, or the exact sum, converted to float, times 1 / n as in pool_f32, rounded half to even. The caller sees
   to it that no sum leaves int32. */

typedef struct qn_pool_params {
    const struct qn_pool_f32_kernel *kernel;
    const struct qn_convert_kernel *stored;    /* or NULL; of src and dst */
    const struct qn_pool_int_kernel *integers; /* or NULL; instead of both */
    int64_t integers_bytes;                    /* 1: uint8, 2: int16 */
    const void *src;
    void *dst;
    int64_t batch, in_h, in_w, channels, out_h, out_w;
    int64_t kernel_h, kernel_w, stride_h, stride_w, pad_top, pad_left;
    int64_t average;           /* 0: maximum (of the cells inside the picture), 1: average */
    int64_t count_include_pad; /* divide by the whole window rather than by the cells inside */
} qn_pool_params;

typedef struct qn_pool_f32_kernel {
    const char *name;
    /* acc[c] += src[c], in order of the calls; or acc[c] = max(acc[c], src[c]). dst[c] = acc[c] * factor. */
    void (*accumulate_sum)(const float *src, float *acc, int64_t channels);
    void (*accumulate_max)(const float *src, float *acc, int64_t channels);
    void (*scale)(const float *acc, float factor, float *dst, int64_t channels);
} qn_pool_f32_kernel;

/* The same by type: [0] uint8, [1] int16. */
typedef struct qn_pool_int_kernel {
    const char *name;
    void (*accumulate_sum[2])(const void *src, int32_t *acc, int64_t channels);
    void (*accumulate_max[2])(const void *src, void *acc, int64_t channels);
    void (*scale[2])(const int32_t *acc, float factor, void *dst, int64_t channels);
} qn_pool_int_kernel;

void qn_pool_work(const qn_pool_params *params, qn_work *out_work);

/* ---- Family resize_f32: bilinear, NHWC; and with argmax over channels, whose upsampled values are never stored ----
   Coordinates and the order of roundings follow TensorFlow: top = tl + (tr - tl) * fx, bottom alike,
   out = top + (bottom - top) * fy, each operation rounded (no fused multiply-add). */

typedef struct qn_resize_f32_params {
    const struct qn_resize_f32_kernel *kernel;
    const struct qn_argmax_f32_kernel *argmax; /* NULL: plain resize */
    const struct qn_convert_kernel *stored;    /* or NULL; of src, and of dst unless it holds labels */
    const void *src;
    void *dst;           /* float [batch, out_h, out_w, channels], or labels [batch, out_h, out_w] */
    int64_t label_bytes; /* argmax: 1, 4 or 8: uint8, int32, int64 labels */
    int64_t label_float; /* argmax: labels are float32 */
    int64_t batch, in_h, in_w, channels, out_h, out_w;
    int64_t align_corners, half_pixel_centers;
} qn_resize_f32_params;

typedef struct qn_resize_f32_kernel {
    const char *name;
    /* dst[i] = a[i] + (b[i] - a[i]) * f */
    void (*lerp)(const float *a, const float *b, float f, float *dst, int64_t count);
    /* out_labels[i] = index of the first greatest over c of lerp(a[c * plane + i], b[c * plane + i], f), i < count */
    void (*lerp_argmax)(const float *a, const float *b, float f, int64_t plane, int64_t channels, int64_t count,
                        int32_t *out_labels);
} qn_resize_f32_kernel;

void qn_resize_f32_work(const qn_resize_f32_params *params, qn_work *out_work);

/* ---- Family argmax_f32: index of the first greatest over the last axis ---- */

typedef struct qn_argmax_f32_params {
    const struct qn_argmax_f32_kernel *kernel;
    const struct qn_convert_kernel *stored; /* or NULL; of src */
    const void *src;                        /* [rows, channels] */
    void *dst;                              /* [rows] */
    int64_t rows, channels, label_bytes, label_float;
} qn_argmax_f32_params;

typedef struct qn_argmax_f32_kernel {
    const char *name;
    /* A NaN is never greater. rows x channels, dense. */
    void (*run)(const float *src, int64_t rows, int64_t channels, int32_t *out_labels);
} qn_argmax_f32_kernel;

void qn_argmax_f32_work(const qn_argmax_f32_params *params, qn_work *out_work);

/* ---- Moving bytes (copy.c): elements of any type ----
   join: row r of dst is row r of each part in turn. */

enum { QN_JOIN_MAX = 16 };

typedef struct qn_join_params {
    const void *parts[QN_JOIN_MAX];
    int64_t part_bytes[QN_JOIN_MAX]; /* of one row, at least 1 */
    void *dst;
    int64_t count, rows;
} qn_join_params;

void qn_join_work(const qn_join_params *params, qn_work *out_work);

/* box: dst[i] = src[i + shift] where that index lies inside src along every axis, `value` elsewhere. Shifts are read
   while the work runs, from an array of 32-bit or 64-bit numbers: that of axis k is shift[k * shift_step], negated
   with shift_back; along an axis where both sides have one size it must be 0 and is not read. No number reads
   outside src. */

enum { QN_BOX_RANK = 8 };

typedef struct qn_box_params {
    const void *src;
    void *dst;         /* no overlap */
    const void *value; /* one element, or NULL: zeros */
    const void *shift;
    int64_t shift_bytes, shift_step, shift_back;
    int64_t elem_bytes; /* at most 16 */
    int64_t rank;
    int64_t src_dims[QN_BOX_RANK], dst_dims[QN_BOX_RANK];
} qn_box_params;

void qn_box_work(const qn_box_params *params, qn_work *out_work);

/* resize_nearest: pixels of an NHWC picture at (i + 0.5 with half_pixel_centers) * scale, rounded with align_corners,
   otherwise the position below, within the picture; in float, each operation rounded. */

typedef struct qn_resize_nearest_params {
    const void *src;
    void *dst;
    int64_t pixel_bytes, batch, in_h, in_w, out_h, out_w;
    int64_t align_corners, half_pixel_centers;
} qn_resize_nearest_params;

void qn_resize_nearest_work(const qn_resize_nearest_params *params, qn_work *out_work);

/* ---- Integer families ---- */

#include "kernel/quantized.h"

#endif
