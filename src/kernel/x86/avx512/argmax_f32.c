/* kernel/x86/avx512/argmax_f32.c - argmax_f32 on avx512. */
#include "kernel/x86/avx512/vec.h"
#include "kernel/kernels.h"

#define KERNEL_SYMBOL qn_k_argmax_f32_avx512
#define KERNEL_NAME   "argmax_f32_avx512"
#include "kernel/body/argmax_f32.h"
