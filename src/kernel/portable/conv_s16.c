/* kernel/portable/conv_s16.c - conv_s16 tile in plain C. */
#define WEIGHT      int16_t
#define TILE_SYMBOL qn_k_conv_s16_4x16_portable
#define TILE_NAME   "conv_s16_4x16_portable"
#include "kernel/portable/conv_s16_tile.h"
