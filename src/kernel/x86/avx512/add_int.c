/* kernel/x86/avx512/add_int.c - add_int on avx512. */
#include "kernel/x86/avx512/vec.h"
#include "kernel/kernels.h"

#define KERNEL_SYMBOL qn_k_add_int_avx512
#define KERNEL_NAME   "add_int_avx512"
#include "kernel/body/add_int.h"
