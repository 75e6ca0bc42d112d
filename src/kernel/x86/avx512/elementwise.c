/* kernel/x86/avx512/elementwise.c - elementwise on avx512. */
#include "kernel/x86/avx512/vec.h"
#include "kernel/kernels.h"

#define KERNEL_SYMBOL qn_k_elementwise_avx512
#define KERNEL_NAME   "elementwise_avx512"
#include "kernel/body/elementwise.h"
