/* kernel/portable/conv_s16s8.c - conv_s16s8 tile in plain C. */
#define WEIGHT      int8_t
#define TILE_SYMBOL qn_k_conv_s16s8_4x16_portable
#define TILE_NAME   "conv_s16s8_4x16_portable"
#include "kernel/portable/conv_s16_tile.h"
