/* kernel/x86/avx512/depthwise_f32.c - depthwise_f32 on avx512. */
#include "kernel/x86/avx512/vec.h"
#include "kernel/kernels.h"

#define KERNEL_SYMBOL qn_k_depthwise_f32_avx512
#define KERNEL_NAME   "depthwise_f32_avx512"
#include "kernel/body/depthwise_f32.h"
