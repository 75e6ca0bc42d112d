/* kernel/portable/conv_f32.c - conv_f32 tile: 4 rows by 16 outputs. */
#define TILE_SYMBOL qn_k_conv_f32_4x16_portable
#define TILE_NAME   "conv_f32_4x16_portable"
#include "kernel/portable/conv_tile.h"
