/* kernel/x86/avx512vnni/depthwise_u8_half.c - depthwise_u8 for 32 channels, on half vectors. */
#include "kernel/x86/avx512vnni/half.h"
#include "kernel/x86/avx2/vec.h"

#define HAS_DOT_BYTES
static inline VI vi_dot_bytes(VI acc, VI a, VI b) { return _mm256_dpbusd_epi32(acc, a, b); }

#define WIDE const qn_depthwise_u8_wide qn_depthwise_u8_half_avx512vnni
#include "kernel/body/depthwise_u8_wide.h"
