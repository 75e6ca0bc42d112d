/* kernel/x86/avx512/resize_f32.c - resize_f32 on avx512. */
#include "kernel/x86/avx512/vec.h"
#include "kernel/kernels.h"

#define KERNEL_SYMBOL qn_k_resize_f32_avx512
#define KERNEL_NAME   "resize_f32_avx512"
#include "kernel/body/resize_f32.h"
