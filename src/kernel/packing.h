/* kernel/packing.h - the layouts in which kernels read constant weights, asked by planner, file reader and operators.
 *
 * A packing says how the bytes of a constant lie, for which families of kernels, and how many they are. The constant
 * keeps its element type and its dims; which packing the kernels of a step want of which input is the operator's to say
 * (qn_op_def.pack). One packing, one row in packings.def and one object; nothing above this layer knows what a panel
 * is. The layouts are drawn in docs/kernel-contracts.md. They depend on no CPU.
 *
 * For example, weights [3, 18] (k is 0 .. 2, o is 0 .. 17) have two panels of 16 outputs, of which the second has 14
 * outputs of padding:
 *
 *     panel16, f32      [2][3][16] floats, 384 bytes     element (2, 17) is float (1*3 + 2) * 16 + 1 = 81
 *     panel16x4, s8     [2][1][16][4] bytes, 128 bytes   k is padded to 4; element (2, 17) is byte (1*16 + 1) * 4 + 2 = 70
 *     channel16x4, s8   of [3, 3, 1, 18]: [2][1][3][16][4], 384 bytes: rows are padded to 4; row 2, column 1 of channel 17
 *                       is byte ((1*1 + 0) * 3 + 1) * 64 + 1*4 + 2 = 262
 */
#ifndef QN_KERNEL_PACKING_H
#define QN_KERNEL_PACKING_H

#include "quench/tensor.h"

/* Weights as operators have them: dense and row-major, outputs (of depthwise weights: channels) along the last dim. */
typedef struct qn_weights {
    qn_dtype dtype;
    int rank;
    const int64_t *dims; /* [KH, KW, Cin, Cout], of depthwise weights [KH, KW, 1, C], of a matrix [K, N]; each >= 0 */
    const void *data;    /* not looked at where only the size is asked for */
} qn_weights;

typedef struct qn_packing {
    const char *name;     /* in files and messages; never changes its meaning */
    const char *families; /* of kernels that read it: "conv_f32, conv_f16" */
    uint32_t dtypes;      /* element types that it takes: bit 1 << qn_dtype each */
    int min_rank;         /* 2 to 4: it takes weights of this rank up to rank 4 */
    int by_channel;       /* takes depthwise weights: dim 2 is 1 */
    /* The size of the packed form of weights that the packing takes. Call it through qn_packing_measure, which refuses
       sizes that overflow. */
    size_t (*bytes)(const qn_weights *weights);
    /* Writes every byte of the packed form to `out_packed`, which is 64-aligned, padding included. */
    void (*pack)(const qn_weights *weights, void *out_packed);
} qn_packing;

#define QN_PACKING(name) extern const qn_packing qn_packing_##name;
#include "kernel/packings.def"
#undef QN_PACKING

size_t qn_packing_count(void);
const qn_packing *qn_packing_at(size_t index);
const qn_packing *qn_packing_find(const char *name); /* NULL if there is none */

/* Is there a packed form of weights of this type, rank and dims? */
int qn_packing_takes(const qn_packing *packing, const qn_weights *weights);
/* 1, and *out_bytes, the bytes of the packed form of weights that the packing takes; 0: they are more than memory can
   hold. Dims may be any that are not negative. */
int qn_packing_measure(const qn_packing *packing, const qn_weights *weights, size_t *out_bytes);

#endif
