/* kernel/portable/elementwise.c - elementwise on portable. */
#include "kernel/portable/vec.h"
#include "kernel/kernels.h"

#define KERNEL_SYMBOL qn_k_elementwise_portable
#define KERNEL_NAME   "elementwise_portable"
#include "kernel/body/elementwise.h"
