/* kernel/x86/avx512/half.h - what this folder builds on vectors of 256 bits. */
#ifndef QN_KERNEL_X86_AVX512_HALF_H
#define QN_KERNEL_X86_AVX512_HALF_H

#include "kernel/kernel.h"

extern const qn_depthwise_u8_wide qn_depthwise_u8_half_avx512; /* 32 channels */

#endif
