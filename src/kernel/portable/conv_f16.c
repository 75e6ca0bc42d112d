/* kernel/portable/conv_f16.c - conv_f16 tile: 4 rows by 16 outputs. */
#define HALF_STORAGE
#define TILE_SYMBOL qn_k_conv_f16_4x16_portable
#define TILE_NAME   "conv_f16_4x16_portable"
#include "kernel/portable/conv_tile.h"
