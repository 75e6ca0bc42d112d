/* kernel/x86/avxvnni/depthwise_s16.c - depthwise_s16 on avxvnni. */
#include "kernel/x86/avxvnni/vec.h"
#include "kernel/x86/avx2/sums.h"
#include "kernel/kernels.h"

#define KERNEL_SYMBOL qn_k_depthwise_s16_avxvnni
#define KERNEL_NAME   "depthwise_s16_avxvnni"
#include "kernel/body/depthwise_s16.h"
