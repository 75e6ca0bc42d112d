/* kernel/portable/depthwise_f32.c - depthwise_f32 on portable. */
#include "kernel/portable/vec.h"
#include "kernel/kernels.h"

#define KERNEL_SYMBOL qn_k_depthwise_f32_portable
#define KERNEL_NAME   "depthwise_f32_portable"
#include "kernel/body/depthwise_f32.h"
