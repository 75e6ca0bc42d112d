/* kernel/portable/pool_f32.c - pool_f32 on portable. */
#include "kernel/portable/vec.h"
#include "kernel/kernels.h"

#define KERNEL_SYMBOL qn_k_pool_f32_portable
#define KERNEL_NAME   "pool_f32_portable"
#include "kernel/body/pool_f32.h"
