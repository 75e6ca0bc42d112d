/* kernel/x86/avx2/depthwise_f16.c - depthwise_f16 on avx2. */
#include "kernel/x86/avx2/vec.h"
#include "kernel/kernels.h"

#define HALF_STORAGE
#define KERNEL_SYMBOL qn_k_depthwise_f16_avx2
#define KERNEL_NAME   "depthwise_f16_avx2"
#include "kernel/body/depthwise_f32.h"
