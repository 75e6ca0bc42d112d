/* kernel/x86/avx512vnni/conv_u8.c - conv_u8 tile: 14 rows by 32 outputs. */
#include "kernel/x86/avx512vnni/vec.h"
#include "kernel/kernels.h"

#define TILE_ROWS   14
#define TILE_PANELS 2
#define TILE_SYMBOL qn_k_conv_u8_14x32_avx512vnni
#define TILE_NAME   "conv_u8_14x32_avx512vnni"
#include "kernel/body/conv_u8.h"
