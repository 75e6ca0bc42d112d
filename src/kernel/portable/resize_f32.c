/* kernel/portable/resize_f32.c - resize_f32 on portable. */
#include "kernel/portable/vec.h"
#include "kernel/kernels.h"

#define KERNEL_SYMBOL qn_k_resize_f32_portable
#define KERNEL_NAME   "resize_f32_portable"
#include "kernel/body/resize_f32.h"
