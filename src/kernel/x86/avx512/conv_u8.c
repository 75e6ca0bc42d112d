/* kernel/x86/avx512/conv_u8.c - conv_u8 tile: 12 rows by 32 outputs. */
#include "kernel/x86/avx512/vec.h"
#include "kernel/kernels.h"

#define TILE_ROWS   12
#define TILE_PANELS 2
#define TILE_SYMBOL qn_k_conv_u8_12x32_avx512
#define TILE_NAME   "conv_u8_12x32_avx512"
#include "kernel/body/conv_u8.h"
