/* kernel/x86/avx512/pool_f32.c - pool_f32 on avx512. */
#include "kernel/x86/avx512/vec.h"
#include "kernel/kernels.h"

#define KERNEL_SYMBOL qn_k_pool_f32_avx512
#define KERNEL_NAME   "pool_f32_avx512"
#include "kernel/body/pool_f32.h"
