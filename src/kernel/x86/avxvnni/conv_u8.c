/* kernel/x86/avxvnni/conv_u8.c - conv_u8 tile: 6 rows by 16 outputs. */
#include "kernel/x86/avxvnni/vec.h"
#include "kernel/kernels.h"

#define TILE_ROWS   6
#define TILE_PANELS 1
#define TILE_SYMBOL qn_k_conv_u8_6x16_avxvnni
#define TILE_NAME   "conv_u8_6x16_avxvnni"
#include "kernel/body/conv_u8.h"
