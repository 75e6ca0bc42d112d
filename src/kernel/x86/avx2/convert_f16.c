/* kernel/x86/avx2/convert_f16.c - convert_f16 on avx2. */
#include "kernel/x86/avx2/vec.h"
#include "kernel/kernels.h"

#define KERNEL_SYMBOL qn_k_convert_f16_avx2
#define KERNEL_NAME   "convert_f16_avx2"
#include "kernel/body/convert_f16.h"
