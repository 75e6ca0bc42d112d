/* kernel/x86/avx2/add_int.c - add_int on avx2. */
#include "kernel/x86/avx2/vec.h"
#include "kernel/kernels.h"

#define KERNEL_SYMBOL qn_k_add_int_avx2
#define KERNEL_NAME   "add_int_avx2"
#include "kernel/body/add_int.h"
