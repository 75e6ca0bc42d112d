/* kernel/x86/avx2/depthwise_u8.c - depthwise_u8 on avx2. */
#include "kernel/x86/avx2/vec.h"
#include "kernel/kernels.h"

#define WIDE static const qn_depthwise_u8_wide wide
#define KERNEL_WIDE                                                                                                    \
    { &wide, NULL }
#define KERNEL_SYMBOL qn_k_depthwise_u8_avx2
#define KERNEL_NAME   "depthwise_u8_avx2"
#include "kernel/x86/interleave.h"
#include "kernel/body/depthwise_u8_wide.h"
#include "kernel/body/depthwise_u8.h"
