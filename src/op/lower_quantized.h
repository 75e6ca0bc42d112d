/* op/lower_quantized.h - what the quantised operators share when they lower. */
#ifndef QN_OP_LOWER_QUANTIZED_H
#define QN_OP_LOWER_QUANTIZED_H

#include "kernel/kernel.h"
#include "op/requantize.h"

/* Where a sum goes, from the operands as `slots` names them. */
qn_requantize qn_requantize_lower(const qn_eval *operands, const qn_requantize_attrs *attrs,
                                  const qn_requantize_slots *slots);
/* Work of the family of convolutions without groups that takes the types of x and weights, inputs 0 and 1; sets
   params->kernel. */
void qn_conv_int_lower(const qn_eval *operands, const qn_kernel_set *kernels, qn_conv_int_params *params,
                       qn_work *out_work);
/* For qn_op_def.pack: how that family wants the weights; 0: there is none for these types. fits: sums of u8 stay within
   int32 (QN_CONV_U8_MAX_DEPTH). */
int qn_conv_int_pack_of(qn_dtype x, const qn_view *weights, int fits, qn_pack *out_pack);
/* Work of the family quantize from input 0, between factors (input 1) and zero points (input 2), to output 0. 0: nothing
   to do. */
int qn_channel_vectors_lower(const qn_eval *operands, const qn_kernel_set *kernels, qn_work *out_work);

#endif
