/* kernel/x86/avx2/convert_s16.c - convert_s16 on avx2. */
#include "kernel/x86/avx2/vec.h"
#include "kernel/kernels.h"

#define KERNEL_SYMBOL qn_k_convert_s16_avx2
#define KERNEL_NAME   "convert_s16_avx2"
#include "kernel/body/convert_int.h"
