/* kernel/x86/avx512vnni/conv_s16s8.c - conv_s16s8 tile: 14 rows by 32 outputs. */
#include "kernel/x86/avx512vnni/vec.h"
#include "kernel/x86/avx512/sums.h"
#include "kernel/kernels.h"

#define TILE_ROWS    14
#define WEIGHT_BYTES 1
#define TILE_SYMBOL  qn_k_conv_s16s8_14x32_avx512vnni
#define TILE_NAME    "conv_s16s8_14x32_avx512vnni"
#include "kernel/body/conv_s16.h"
