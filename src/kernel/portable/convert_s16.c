/* kernel/portable/convert_s16.c - convert_s16 on portable. */
#include "kernel/portable/vec.h"
#include "kernel/kernels.h"

#define KERNEL_SYMBOL qn_k_convert_s16_portable
#define KERNEL_NAME   "convert_s16_portable"
#include "kernel/body/convert_int.h"
