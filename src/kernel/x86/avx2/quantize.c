/* kernel/x86/avx2/quantize.c - quantize on avx2. */
#include "kernel/x86/avx2/vec.h"
#include "kernel/kernels.h"

#define KERNEL_SYMBOL qn_k_quantize_avx2
#define KERNEL_NAME   "quantize_avx2"
#include "kernel/body/quantize.h"
