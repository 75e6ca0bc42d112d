/* kernel/portable/argmax_f32.c - argmax_f32 on portable. */
#include "kernel/portable/vec.h"
#include "kernel/kernels.h"

#define KERNEL_SYMBOL qn_k_argmax_f32_portable
#define KERNEL_NAME   "argmax_f32_portable"
#include "kernel/body/argmax_f32.h"
