/* kernel/x86/avx2/depthwise_f32.c - depthwise_f32 on avx2. */
#include "kernel/x86/avx2/vec.h"
#include "kernel/kernels.h"

#define KERNEL_SYMBOL qn_k_depthwise_f32_avx2
#define KERNEL_NAME   "depthwise_f32_avx2"
#include "kernel/body/depthwise_f32.h"
