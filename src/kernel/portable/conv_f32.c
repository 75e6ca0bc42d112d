/* kernel/portable/conv_f32.c - conv_f32 tile: 4 rows by 16 outputs. */
#include "kernel/portable/vec.h"
#include "kernel/kernels.h"

#define TILE_ROWS 4
#define TILE_PANELS 1
#define TILE_SYMBOL qn_k_conv_f32_4x16_portable
#define TILE_NAME "conv_f32_4x16_portable"
#include "kernel/body/conv_f32.h"
