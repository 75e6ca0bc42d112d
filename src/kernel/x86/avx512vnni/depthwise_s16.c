/* kernel/x86/avx512vnni/depthwise_s16.c - depthwise_s16 on avx512vnni. */
#include "kernel/x86/avx512vnni/vec.h"
#include "kernel/x86/avx512/sums.h"
#include "kernel/kernels.h"

#define KERNEL_SYMBOL qn_k_depthwise_s16_avx512vnni
#define KERNEL_NAME   "depthwise_s16_avx512vnni"
#include "kernel/body/depthwise_s16.h"
