/* kernel/x86/avx512/quantize.c - quantize on avx512. */
#include "kernel/x86/avx512/vec.h"
#include "kernel/kernels.h"

#define KERNEL_SYMBOL qn_k_quantize_avx512
#define KERNEL_NAME   "quantize_avx512"
#include "kernel/body/quantize.h"
