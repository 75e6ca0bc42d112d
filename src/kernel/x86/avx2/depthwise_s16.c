/* kernel/x86/avx2/depthwise_s16.c - depthwise_s16 on avx2. */
#include "kernel/x86/avx2/vec.h"
#include "kernel/x86/avx2/sums.h"
#include "kernel/kernels.h"

#define KERNEL_SYMBOL qn_k_depthwise_s16_avx2
#define KERNEL_NAME   "depthwise_s16_avx2"
#include "kernel/body/depthwise_s16.h"
