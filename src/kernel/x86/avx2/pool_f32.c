/* kernel/x86/avx2/pool_f32.c - pool_f32 on avx2. */
#include "kernel/x86/avx2/vec.h"
#include "kernel/kernels.h"

#define KERNEL_SYMBOL qn_k_pool_f32_avx2
#define KERNEL_NAME   "pool_f32_avx2"
#include "kernel/body/pool_f32.h"
