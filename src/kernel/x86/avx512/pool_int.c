/* kernel/x86/avx512/pool_int.c - pool_int on avx512. */
#include "kernel/x86/avx512/vec.h"
#include "kernel/kernels.h"

#define KERNEL_SYMBOL qn_k_pool_int_avx512
#define KERNEL_NAME   "pool_int_avx512"
#include "kernel/body/pool_int.h"
