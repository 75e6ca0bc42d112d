/* kernel/x86/avx2/elementwise.c - elementwise on avx2. */
#include "kernel/x86/avx2/vec.h"
#include "kernel/kernels.h"

#define KERNEL_SYMBOL qn_k_elementwise_avx2
#define KERNEL_NAME   "elementwise_avx2"
#include "kernel/body/elementwise.h"
