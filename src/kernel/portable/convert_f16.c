/* kernel/portable/convert_f16.c - convert_f16 on portable. */
#include "kernel/portable/vec.h"
#include "kernel/kernels.h"

#define KERNEL_SYMBOL qn_k_convert_f16_portable
#define KERNEL_NAME   "convert_f16_portable"
#include "kernel/body/convert_f16.h"
