/* kernel/x86/avx2/pool_int.c - pool_int on avx2. */
#include "kernel/x86/avx2/vec.h"
#include "kernel/kernels.h"

#define KERNEL_SYMBOL qn_k_pool_int_avx2
#define KERNEL_NAME   "pool_int_avx2"
#include "kernel/body/pool_int.h"
