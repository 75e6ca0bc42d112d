/* kernel/x86/avx512/convert_s16.c - convert_s16 on avx512. */
#include "kernel/x86/avx512/vec.h"
#include "kernel/kernels.h"

#define KERNEL_SYMBOL qn_k_convert_s16_avx512
#define KERNEL_NAME   "convert_s16_avx512"
#include "kernel/body/convert_int.h"
