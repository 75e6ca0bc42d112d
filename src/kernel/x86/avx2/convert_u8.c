/* kernel/x86/avx2/convert_u8.c - convert_u8 on avx2. */
#include "kernel/x86/avx2/vec.h"
#include "kernel/kernels.h"

#define BYTES
#define KERNEL_SYMBOL qn_k_convert_u8_avx2
#define KERNEL_NAME   "convert_u8_avx2"
#include "kernel/body/convert_int.h"
