/* kernel/portable/add_int.c - add_int on portable. */
#include "kernel/portable/vec.h"
#include "kernel/kernels.h"

#define KERNEL_SYMBOL qn_k_add_int_portable
#define KERNEL_NAME   "add_int_portable"
#include "kernel/body/add_int.h"
