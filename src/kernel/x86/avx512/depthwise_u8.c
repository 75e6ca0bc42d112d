/* kernel/x86/avx512/depthwise_u8.c - depthwise_u8 on avx512. */
#include "kernel/x86/avx512/vec.h"
#include "kernel/x86/avx512/half.h"
#include "kernel/kernels.h"

#define WIDE static const qn_depthwise_u8_wide wide
#define KERNEL_WIDE                                                                                                    \
    { &wide, &qn_depthwise_u8_half_avx512 }
#define KERNEL_SYMBOL qn_k_depthwise_u8_avx512
#define KERNEL_NAME   "depthwise_u8_avx512"
#include "kernel/x86/interleave.h"
#include "kernel/body/depthwise_u8_wide.h"
#include "kernel/body/depthwise_u8.h"
