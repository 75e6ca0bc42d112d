/* kernel/x86/avx512/depthwise_u8_half.c - depthwise_u8 for 32 channels, on half vectors. */
#include "kernel/x86/avx512/half.h"
#include "kernel/x86/avx2/vec.h"

#define WIDE const qn_depthwise_u8_wide qn_depthwise_u8_half_avx512
#include "kernel/body/depthwise_u8_wide.h"
