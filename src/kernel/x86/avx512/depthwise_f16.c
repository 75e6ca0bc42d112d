/* kernel/x86/avx512/depthwise_f16.c - depthwise_f16 on avx512. */
#include "kernel/x86/avx512/vec.h"
#include "kernel/kernels.h"

#define HALF_STORAGE
#define KERNEL_SYMBOL qn_k_depthwise_f16_avx512
#define KERNEL_NAME   "depthwise_f16_avx512"
#include "kernel/body/depthwise_f32.h"
