/* kernel/portable/quantize.c - quantize on portable. */
#include "kernel/portable/vec.h"
#include "kernel/kernels.h"

#define KERNEL_SYMBOL qn_k_quantize_portable
#define KERNEL_NAME   "quantize_portable"
#include "kernel/body/quantize.h"
