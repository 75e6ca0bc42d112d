/* kernel/x86/avx2/conv_f32.c - conv_f32 tile: 6 rows by 16 outputs. */
#include "kernel/x86/avx2/vec.h"
#include "kernel/kernels.h"

#define TILE_ROWS   6
#define TILE_PANELS 1
#define TILE_SYMBOL qn_k_conv_f32_6x16_avx2
#define TILE_NAME   "conv_f32_6x16_avx2"
#include "kernel/body/conv_f32.h"
