/* kernel/packing.h - the layouts in which kernels read constant weights, asked by planner, file reader and operators.
 *
 * A packing says how the bytes of a constant lie, for which families of kernels, and how many they are. The constant
 * keeps its element type and its dims; which packing the kernels of a step want of which input is the operator's to say
 * (qn_op_def.pack). One packing, one row in packings.def and one object; nothing above this layer knows what a panel is.
 * The layouts are drawn in docs/kernel-contracts.md. They depend on no CPU.
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
    int min_rank;         /* 2 to 4: what it takes has at least this rank, and at most 4 */
    int by_channel;       /* takes depthwise weights: dim 2 is 1 */
    /* The bytes that weights which it takes need packed, and packing them: every byte of `out_packed` is written, which is
       64-aligned. Sizes do not overflow (qn_packing_measure sees to it). */
    size_t (*bytes)(const qn_weights *weights);
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
/* Bytes of the packed form of weights that the packing takes. 0: they are more than memory can hold. Dims may be any. */
int qn_packing_measure(const qn_packing *packing, const qn_weights *weights, size_t *out_bytes);

#endif
