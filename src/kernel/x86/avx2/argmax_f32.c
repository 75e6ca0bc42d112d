/* kernel/x86/avx2/argmax_f32.c - argmax_f32 on avx2. */
#include "kernel/x86/avx2/vec.h"
#include "kernel/kernels.h"

#define KERNEL_SYMBOL qn_k_argmax_f32_avx2
#define KERNEL_NAME   "argmax_f32_avx2"
#include "kernel/body/argmax_f32.h"
