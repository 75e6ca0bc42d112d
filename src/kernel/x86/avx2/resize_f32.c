/* kernel/x86/avx2/resize_f32.c - resize_f32 on avx2. */
#include "kernel/x86/avx2/vec.h"
#include "kernel/kernels.h"

#define KERNEL_SYMBOL qn_k_resize_f32_avx2
#define KERNEL_NAME   "resize_f32_avx2"
#include "kernel/body/resize_f32.h"
