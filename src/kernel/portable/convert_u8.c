/* kernel/portable/convert_u8.c - convert_u8 on portable. */
#include "kernel/portable/vec.h"
#include "kernel/kernels.h"

#define BYTES
#define KERNEL_SYMBOL qn_k_convert_u8_portable
#define KERNEL_NAME   "convert_u8_portable"
#include "kernel/body/convert_int.h"
