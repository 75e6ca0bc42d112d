/* kernel/x86/avx512/convert_u8.c - convert_u8 on avx512. */
#include "kernel/x86/avx512/vec.h"
#include "kernel/kernels.h"

#define BYTES
#define KERNEL_SYMBOL qn_k_convert_u8_avx512
#define KERNEL_NAME   "convert_u8_avx512"
#include "kernel/body/convert_int.h"
