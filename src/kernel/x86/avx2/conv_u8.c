/* kernel/x86/avx2/conv_u8.c - conv_u8 tile: 4 rows by 16 outputs. */
#include "kernel/x86/avx2/vec.h"
#include "kernel/kernels.h"

#define TILE_ROWS   4
#define TILE_PANELS 1
#define TILE_SYMBOL qn_k_conv_u8_4x16_avx2
#define TILE_NAME   "conv_u8_4x16_avx2"
#include "kernel/body/conv_u8.h"
