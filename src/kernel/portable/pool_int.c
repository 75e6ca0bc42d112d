/* kernel/portable/pool_int.c - pool_int on portable. */
#include "kernel/portable/vec.h"
#include "kernel/kernels.h"

#define KERNEL_SYMBOL qn_k_pool_int_portable
#define KERNEL_NAME   "pool_int_portable"
#include "kernel/body/pool_int.h"
