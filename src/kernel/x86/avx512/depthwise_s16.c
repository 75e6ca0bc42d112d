/* kernel/x86/avx512/depthwise_s16.c - depthwise_s16 on avx512. */
#include "kernel/x86/avx512/vec.h"
#include "kernel/x86/avx512/sums.h"
#include "kernel/kernels.h"

#define KERNEL_SYMBOL qn_k_depthwise_s16_avx512
#define KERNEL_NAME   "depthwise_s16_avx512"
#include "kernel/body/depthwise_s16.h"
