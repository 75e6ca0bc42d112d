/* kernel/x86/avx512/convert_f16.c - convert_f16 on avx512. */
#include "kernel/x86/avx512/vec.h"
#include "kernel/kernels.h"

#define KERNEL_SYMBOL qn_k_convert_f16_avx512
#define KERNEL_NAME   "convert_f16_avx512"
#include "kernel/body/convert_f16.h"
