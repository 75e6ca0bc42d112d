/* kernel/portable/depthwise_f16.c - depthwise_f16 on portable. */
#include "kernel/portable/vec.h"
#include "kernel/kernels.h"

#define HALF_STORAGE
#define KERNEL_SYMBOL qn_k_depthwise_f16_portable
#define KERNEL_NAME   "depthwise_f16_portable"
#include "kernel/body/depthwise_f32.h"
